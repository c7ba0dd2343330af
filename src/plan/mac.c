/* MACs derived from the guest, so that it never sees a new card after a reboot (field-facts 11). */
#include "plan/plan.h"

#include <string.h>

void plan_derive_mac(const char *uuid, const char *machine_id, const char *name, unsigned nic, uint8_t ret[6]) {
        /* A UUID travels with the guest to another host; a bare name is unique on its machine only. */
        g_autofree char *key = uuid ? g_strdup_printf("vfadm mac\nuuid %s\nnic %u\n", uuid, nic)
                                    : g_strdup_printf("vfadm mac\nmachine %s\nguest %s\nnic %u\n", machine_id ? machine_id : "", name, nic);
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
        uint8_t digest[32];
        gsize length = sizeof digest;

        g_checksum_update(sum, (const guchar *) key, (gssize) strlen(key));
        g_checksum_get_digest(sum, digest, &length);
        memcpy(ret, digest, 6);
        ret[0] = (uint8_t) ((ret[0] | 0x02) & ~0x01); /* locally administered, unicast */
}
