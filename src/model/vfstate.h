/* A VF's administrative state, as its PF's driver keeps it and `ip link show PF` prints it. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* One bit an attribute: which of VfState's fields are known, wanted or accepted. */
enum {
        VF_MAC = 1 << 0,
        VF_VLAN = 1 << 1, /* vlan, qos and proto together: the kernel takes them as one */
        VF_SPOOFCHK = 1 << 2,
        VF_TRUST = 1 << 3,
        VF_LINK = 1 << 4,
        VF_MIN_RATE = 1 << 5,
        VF_MAX_RATE = 1 << 6,
        VF_ALL = (1 << 7) - 1,
};

typedef enum { VF_LINK_AUTO, VF_LINK_ON, VF_LINK_OFF } VfLink; /* IFLA_VF_LINK_STATE_AUTO/ENABLE/DISABLE */

enum { VLAN_PROTO_8021Q = 0x8100, VLAN_PROTO_8021AD = 0x88a8 };

typedef struct {
        unsigned known; /* VF_* bits: fields below that mean something (a driver may not report spoofchk or trust) */
        uint8_t mac[6];
        uint16_t vlan;  /* 0: none */
        uint8_t qos;
        uint16_t proto; /* VLAN_PROTO_*; means nothing while vlan and qos are 0 */
        bool spoofchk;
        bool trust;
        VfLink link;
        uint32_t min_rate, max_rate; /* Mbit/s, 0: no limit */
} VfState;

/* The VF_* bits of `mask` in which the two differ. Fields that `have` does not know count as different. */
unsigned vf_state_diff(const VfState *have, const VfState *want, unsigned mask);
/* Copies the fields of `mask` from one to the other, and marks them known. */
void vf_state_copy(VfState *to, const VfState *from, unsigned mask);

/* "mac=02:…:01 vlan=42.3/802.1ad trust=on": the words that `vfadm set` takes, for the fields of `mask` that are
 * known. The caller frees. Empty text when there are none. */
char *vf_state_format(const VfState *state, unsigned mask);
/* Parses one "key=value" of those words into *state and sets its bit. False with a message when it is no VF
 * attribute or its value is wrong; *is_attribute tells the two apart. The MAC rules (multicast refused) hold here. */
bool vf_state_parse_word(const char *key, const char *value, VfState *state, bool *is_attribute, char **message);
const char *vf_attribute_name(unsigned bit); /* "mac", "vlan" … */

json_t *vf_state_to_json(const VfState *state, unsigned mask);
bool vf_state_from_json(const json_t *json, VfState *ret);
