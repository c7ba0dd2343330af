/* The world of plan_world.h. */
#include "plan_world.h"

#include "base/error.h"
#include "hosts.h"

#include <string.h>

World world_new(unsigned vfs) {
        World w = {.host = host_igb(vfs), .leases = g_ptr_array_new_with_free_func((GDestroyNotify) lease_free)};
        w.guest = guest_info_new("qemu", "web1");
        w.guest->pid = 812;
        w.guest->pid_start = 4711;
        w.guest->ram = 256 << 20;
        w.guest->memlock_limit = UINT64_MAX;
        guest_info_add_slot(w.guest, "pcie.0", true, false);
        guest_info_add_slot(w.guest, "rp1", false, true);
        guest_info_add_slot(w.guest, "rp2", true, true);
        return w;
}

void world_clear(World *w) {
        snapshot_free(w->host);
        g_ptr_array_unref(w->leases);
        guest_info_free(w->guest);
}

Want *want(WantKind kind, const char *device, const char *words) {
        Want *w = want_new(kind);
        w->device = g_strdup(device);
        w->guest = g_strdup("qemu:web1");
        g_auto(GStrv) parts = g_strsplit(words ? words : "", " ", 0);
        g_autoptr(GError) error = NULL;
        if (words && *words)
                g_assert_true(want_parse_words(w, parts, &error));
        return w;
}

Plan *plan_of(World *w, Want *ask, GError **error) {
        PlanInput input = {.host = w->host, .leases = w->leases, .guest = w->guest, .vfio_driver = w->vfio};
        Plan *plan = plan_make(ask, &input, error);
        want_free(ask);
        return plan;
}

/* The steps as lines, to be compared with what is expected. */
void assert_steps(World *w, Want *ask, const char *expected) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Plan) plan = plan_of(w, ask, &error);
        g_autoptr(GString) text = g_string_new(NULL);

        g_assert_no_error(error);
        plan_check(plan, &error);
        g_assert_no_error(error);
        for (unsigned i = 0; i < plan->steps->len; i++) {
                g_autofree char *line = step_describe(plan->steps->pdata[i]);
                g_string_append_printf(text, "%s\n", line);
        }
        g_assert_cmpstr(text->str, ==, expected);
}

void assert_refused(World *w, Want *ask, int code, const char *says) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Plan) plan = plan_of(w, ask, &error);

        if (plan) {
                g_assert_false(plan_check(plan, &error));
                g_assert_cmpuint(plan->steps->len, ==, 0);
        }
        g_assert_error(error, VFADM_ERROR, code);
        if (!strstr(error->message, says))
                g_error("'%s' does not say '%s'", error->message, says);
        g_assert_null(strchr(error->message, '\n'));
}

void lease_out(World *w, unsigned vf, const char *guest) {
        Lease *lease = lease_new();
        Dev *dev = host_vf(w->host, vf);
        lease_identify(lease, w->host, dev);
        lease->id = 40 + vf;
        lease->guest = g_strdup(guest);
        lease->guest_device = g_strdup("vfadm-x");
        lease->pid = 812;
        lease->pid_start = 4711;
        lease->saved = *host_vf_state(w->host, vf);
        lease->saved_driver = g_strdup("igbvf");
        lease->given = (VfState) {.known = VF_MAC | VF_VLAN, .mac = {2, 0, 0, 0, 0, 9}, .vlan = 42, .proto = VLAN_PROTO_8021Q};
        g_ptr_array_add(w->leases, lease);
        *host_vf_state(w->host, vf) = lease->saved;
        vf_state_copy(host_vf_state(w->host, vf), &lease->given, lease->given.known);
        g_free(dev->driver);
        dev->driver = g_strdup("vfio-pci");
        g_free(dev->driver_override);
        dev->driver_override = g_strdup("vfio-pci");
}
