/* The plan that takes from a guest a NIC that a network of VFs gives: no lease is of it. */
#include "plan/rules.h"

#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"

#include <string.h>

/* libvirt tells of a running guest's NIC which VF it has, and no more which network gave it (virDomainNetDefFormat): the network's
 * port does. */
static const char *network_of(const PlanInput *input, const GuestDevice *device) {
        if (device->network || !device->has_host)
                return device->network;
        for (unsigned i = 0; input->books && i < input->books->networks->len; i++) {
                const HostdevNetwork *network = input->books->networks->pdata[i];
                const HostdevPort *port = hostdev_network_port(network, device->host);
                if (port && g_strcmp0(port->owner, HOSTDEV_HOLDER) != 0)
                        return network->name;
        }
        return NULL;
}

/* What was named is the NIC's network, or its MAC. */
static bool is_named(const PlanInput *input, const GuestDevice *device, const char *word) {
        const char *network = network_of(input, device);
        uint8_t mac[6];

        if (!network)
                return false;
        if (parse_mac(word, mac))
                return (device->vf.known & VF_MAC) && memcmp(device->vf.mac, mac, 6) == 0;
        return g_str_equal(network, plan_pool_name(word));
}

/* The guest's only NIC of that name among these. *ret_macs gets them all. */
static const GuestDevice *find_nic(const PlanInput *input, const GPtrArray *devices, const Want *want, GString *ret_macs) {
        const GuestDevice *found = NULL;

        for (unsigned i = 0; i < devices->len; i++) {
                const GuestDevice *device = devices->pdata[i];
                char mac[MAC_TEXT_SIZE];
                if (!is_named(input, device, want->device))
                        continue;
                mac_format(device->vf.mac, mac);
                g_string_append_printf(ret_macs, "%s%s", ret_macs->len ? ", " : "", mac);
                found = device;
        }
        return found;
}

/* One that libvirt gave, or will give: nothing of it is leased, and libvirt itself makes it what it was. */
static void detach_nic(Plan *plan, const PlanInput *input, const Want *want) {
        const GuestInfo *guest = input->guest;
        g_autoptr(GString) live_macs = g_string_new(NULL), macs = g_string_new(NULL);
        g_autofree char *ref = guest_info_ref(guest);
        unsigned scope;

        if (!rule_scope(plan, input, want, &scope))
                return;
        const GuestDevice *defined = find_nic(input, guest->defined, want, macs), *live = find_nic(input, guest->devices, want, live_macs);
        const GString *many = strchr(live_macs->str, ',') && (scope & SCOPE_LIVE) ? live_macs : macs;
        if (strchr(many->str, ',')) {
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s has several NICs of %s (%s); name the one that is meant by its MAC", ref, plan_pool_name(want->device), many->str);
                return;
        }
        bool takes_live = live && (scope & SCOPE_LIVE), takes_defined = defined && (scope & SCOPE_CONFIG);
        if (!takes_live && !takes_defined) {
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s has the NIC %s %s; %s", ref, want->device, live ? "only while it runs" : "in its definition only", live ? "leave --config out" : "say --config");
                return;
        }
        const char *which = takes_live ? live_macs->str : macs->str, *network = network_of(input, takes_live ? live : defined);
        plan->summary = g_strdup_printf("the NIC %s of %s out of %s", which, network, ref);
        plan->result = g_strdup(which);
        const Pool *pool = pools_find(input->pools, network);
        const Dev *pf = pool ? pool_pf(pool, 0, input->host) : NULL;
        if (takes_defined)
                plan_undefine(plan, input, pf ? pf->addr : live ? live->host : (PciAddr) {0}, defined);
        if (takes_live) {
                Step *step = plan_add(plan, step_new(STEP_GUEST, live->host, "as asked"));
                step->guest = g_strdup(ref);
                step->from.text = g_strdup(live->id);
                step->xml = g_strdup(defined ? defined->xml : NULL);
                step->disturbs = g_strdup(ref);
        }
        if (takes_live && defined && !takes_defined)
                plan_note(plan, "the definition of %s still has it, from its next start on; say --live --config to take it out of both", ref);
}

bool plan_detach_nic(Plan *plan, const PlanInput *input, const Want *want) {
        const GuestInfo *guest = input->guest;
        g_autoptr(GString) macs = g_string_new(NULL);

        if (!guest_is_of_service(guest) || (!find_nic(input, guest->devices, want, macs) && !find_nic(input, guest->defined, want, macs)))
                return false;
        detach_nic(plan, input, want);
        return true;
}
