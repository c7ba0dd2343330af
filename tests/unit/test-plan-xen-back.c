/* Plans that take devices back from guests of Xen's: by detach, release and recovery; those that set anew what a definition has; and those
 * that adopt what xl has given out. */
#include "base/error.h"
#include "hosts.h"
#include "plan_world.h"

#include <string.h>

#define BOTH (SCOPE_LIVE | SCOPE_CONFIG)

static Want *detach(const char *device, unsigned scope) {
        return want_xen(WANT_DETACH, device, NULL, scope);
}

static char *lines_of(const Plan *plan) {
        GString *text = g_string_new(NULL);

        for (unsigned i = 0; i < plan->steps->len; i++) {
                g_autofree char *line = step_describe(plan->steps->pdata[i]);
                g_string_append_printf(text, "%s\n", line);
        }
        return g_string_free(text, FALSE);
}

static void assert_plan(const Plan *plan, const char *expected) {
        g_autoptr(GError) error = NULL;
        g_autofree char *lines = lines_of(plan);

        plan_check(plan, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(lines, ==, expected);
}

/* What follows once the guest is without it. */
static const char restored[] =
        "0000:01:10.0: reset\n"
        "0000:01:10.0: its DMA back to dom0, no longer assignable\n"
        "0000:01:10.0: driver pciback → no driver\n"
        "0000:01:10.0: mac=00:00:00:00:00:00 vlan=0 (was mac=02:00:00:00:00:09 vlan=42)\n"
        "0000:01:10.0: driver no driver → igbvf\n"
        "0000:01:10.0: leased to xen:web1 → free\n";

static void test_live(void) {
        World w = world_xen(2);
        g_autofree char *steps = g_strconcat("0000:01:10.0: take out of xen:web1\n", restored, NULL);

        lease_out_xen(&w, 0, false, true);
        assert_steps(&w, detach("enp1s0/0", 0), steps);
        assert_steps(&w, detach("40", SCOPE_LIVE), steps);
        assert_refused_so(&w, detach("enp1s0/0", SCOPE_CONFIG), VFADM_ERROR_REFUSED, "0000:01:10.0 is in the running xen:web1 only, not in its definition; leave --config out");

        g_autoptr(Plan) plan = good_plan(&w, detach("enp1s0/0", 0));
        const Step *guest = step_of(plan, STEP_GUEST, 0);
        g_assert_cmpstr(guest->guest, ==, "xen:web1");
        g_assert_cmpstr(guest->from.text, ==, "vfadm-x");
        g_assert_null(guest->to.text);
        g_assert_cmpstr(guest->xml, ==, "0000:01:10.0");
        const Step *off = step_of(plan, STEP_DRIVER, 0), *on = step_of(plan, STEP_DRIVER, 1);
        g_assert_null(off->from.driver_override);
        g_assert_null(off->to.driver_override);
        g_assert_null(on->to.driver_override);
        const Step *assignable = step_of(plan, STEP_ASSIGNABLE, 0);
        g_assert_cmpint(assignable->from.number, ==, 1);
        g_assert_cmpstr(assignable->from.text, ==, "igbvf");
        g_assert_cmpint(assignable->to.number, ==, 0);
        /* Its user is known to be there, until it lets go. */
        g_assert_cmpuint(plan->known->len, ==, 1);
        g_assert_cmpint(g_array_index(plan->known, KnownUse, 0).kind, ==, USE_GUEST);
        /* Its options are kept by nobody but the guest. */
        ((GuestDevice *) w.guest->devices->pdata[0])->xml = g_strdup("0000:01:10.0,permissive=1");
        g_autoptr(Plan) again = good_plan(&w, detach("enp1s0/0", 0));
        g_assert_cmpstr(step_of(again, STEP_GUEST, 0)->xml, ==, "0000:01:10.0,permissive=1");
        world_clear(&w);
}

/* What was on pciback before stays there. */
static void test_from_pciback(void) {
        World w = world_xen(2);
        Lease *lease = lease_out_xen(&w, 0, false, true);

        g_free(lease->saved_driver);
        lease->saved_driver = g_strdup("pciback");
        assert_steps(&w, detach("enp1s0/0", 0), "0000:01:10.0: take out of xen:web1\n"
                                                "0000:01:10.0: reset\n"
                                                "0000:01:10.0: mac=00:00:00:00:00:00 vlan=0 (was mac=02:00:00:00:00:09 vlan=42)\n"
                                                "0000:01:10.0: leased to xen:web1 → free\n");
        world_clear(&w);
}

static void test_had_no_driver(void) {
        World w = world_xen(2);
        Lease *lease = lease_out_xen(&w, 0, false, true);

        g_clear_pointer(&lease->saved_driver, g_free);
        assert_steps(&w, detach("enp1s0/0", 0), "0000:01:10.0: take out of xen:web1\n"
                                                "0000:01:10.0: reset\n"
                                                "0000:01:10.0: its DMA back to dom0, no longer assignable\n"
                                                "0000:01:10.0: driver pciback → no driver\n"
                                                "0000:01:10.0: mac=00:00:00:00:00:00 vlan=0 (was mac=02:00:00:00:00:09 vlan=42)\n"
                                                "0000:01:10.0: leased to xen:web1 → free\n");
        world_clear(&w);
}

static void test_parts(void) {
        World w = world_xen(2);
        g_autofree char *both = g_strconcat("0000:01:10.0: out of the definition of xen:web1\n"
                                            "0000:01:10.0: leased to xen:web1, by its definition → leased to xen:web1, until it ends\n"
                                            "0000:01:10.0: take out of xen:web1\n", restored, NULL);
        w.guest->uuid_of_run = true;
        lease_out_xen(&w, 0, true, true);

        assert_steps(&w, detach("enp1s0/0", BOTH), both);
        /* The lease stays just as it is, and so does pciback. */
        assert_steps(&w, detach("enp1s0/0", 0), "0000:01:10.0: take out of xen:web1\n");
        g_autoptr(Plan) live = good_plan(&w, detach("enp1s0/0", SCOPE_LIVE));
        g_assert_cmpstr(live->notes->pdata[0], ==, "0000:01:10.0 is still in the definition of xen:web1, which starts with it again; say --live --config to take it out of both");

        /* What is left is of this run, which only its uuid names for sure. */
        g_autoptr(Plan) defined = good_plan(&w, detach("enp1s0/0", SCOPE_CONFIG));
        g_assert_cmpstr(step_of(defined, STEP_DEFINED, 0)->from.text, ==, "<found vf='0'/>");
        g_assert_null(step_of(defined, STEP_DEFINED, 0)->to.text);
        g_assert_false(step_of(defined, STEP_LEASE, 0)->to.lease->config);
        g_assert_cmpstr(step_of(defined, STEP_LEASE, 0)->to.lease->guest_uuid, ==, w.guest->uuid);
        g_assert_null(step_of(defined, STEP_GUEST, 0));
        world_clear(&w);
}

static void test_off(void) {
        World w = world_xen(2);
        g_autofree char *steps = g_strconcat("0000:01:10.0: out of the definition of xen:web1\n", restored, NULL);

        lease_out_xen(&w, 0, true, false);
        world_shut_off(&w);
        assert_steps(&w, detach("enp1s0/0", 0), steps);
        world_clear(&w);
}

static void test_other_guest(void) {
        World w = world_xen(2);

        /* Not of this run of web1. */
        Lease *lease = lease_out_xen(&w, 0, false, false);
        lease->guest_uuid[0] = 'b';
        assert_refused(&w, detach("enp1s0/0", 0), VFADM_ERROR_REFUSED, "enp1s0/0 is leased to xen:web1, not to xen:web1, which is another guest of that name (its uuid differs)");
        /* xl gave it to db meanwhile: then it is db's, whatever the ledger says. */
        lease->guest_uuid[0] = 'a';
        db_has_vf(&w, 0);
        assert_refused_so(&w, detach("enp1s0/0", 0), VFADM_ERROR_IN_USE, "enp1s0/0 is in use by xen:db (domain 5); take it out there first");
        PlanInput input = {.host = w.host, .leases = w.leases, .books = w.books};
        g_autoptr(Plan) back = plan_give_back(lease, &input);
        g_assert_cmpuint(back->steps->len, ==, 0);
        g_assert_cmpuint(back->refusals->len, ==, 1);
        assert_refused(&w, want_xen(WANT_RELEASE, "enp1s0/0", NULL, 0), VFADM_ERROR_IN_USE, "0000:01:10.0 is still held by xen:db (domain 5)");
        world_clear(&w);
}

/* A name alone tells another domain apart, too. */
static void test_twin_of_name(void) {
        World w = world_xen(2);
        Lease *lease = lease_out_xen(&w, 0, true, true);

        g_clear_pointer(&lease->guest_uuid, g_free);
        g_autoptr(Plan) plan = good_plan(&w, detach("enp1s0/0", BOTH));
        g_assert_nonnull(step_of(plan, STEP_GUEST, 0));
        g_free(lease->guest);
        lease->guest = g_strdup("xen:web2");
        assert_refused(&w, detach("enp1s0/0", BOTH), VFADM_ERROR_REFUSED, "enp1s0/0 is leased to xen:web2, not to xen:web1");
        world_clear(&w);
}

/* The guest is gone, and Xen has put what it had into quarantine. */
static void test_guest_gone(void) {
        World w = world_xen(2);
        Lease *lease = lease_out_xen(&w, 0, false, false);
        PlanInput input = {.host = w.host, .leases = w.leases, .books = w.books};

        g_autoptr(Plan) plan = plan_give_back(lease, &input);
        assert_plan(plan, restored);
        assert_steps(&w, want_xen(WANT_RELEASE, "enp1s0/0", NULL, 0), restored);
        /* 'xl pci-assignable-remove -r' was there before: only what the PF says of the VF is left. */
        bind_vf(&w, 0, "igbvf", false);
        g_autoptr(Plan) rest = plan_give_back(lease, &input);
        assert_plan(rest, "0000:01:10.0: mac=00:00:00:00:00:00 vlan=0 (was mac=02:00:00:00:00:09 vlan=42)\n"
                          "0000:01:10.0: leased to xen:web1 → free\n");
        host_vf(w.host, 0)->driver_override = g_strdup("pciback");
        g_autoptr(Plan) override = plan_give_back(lease, &input);
        g_assert_cmpstr(step_of(override, STEP_DRIVER, 0)->to.driver, ==, "igbvf");
        g_assert_null(step_of(override, STEP_DRIVER, 0)->to.driver_override);
        g_assert_null(step_of(override, STEP_ASSIGNABLE, 0));
        bind_vf(&w, 0, NULL, false);
        g_autoptr(Plan) driverless = plan_give_back(lease, &input);
        assert_plan(driverless, "0000:01:10.0: reset\n"
                                "0000:01:10.0: mac=00:00:00:00:00:00 vlan=0 (was mac=02:00:00:00:00:09 vlan=42)\n"
                                "0000:01:10.0: driver no driver → igbvf\n"
                                "0000:01:10.0: leased to xen:web1 → free\n");
        world_clear(&w);
}

/* After a reboot the VF is with dom0 again, and its guest shall start with it. */
static void test_set_again(void) {
        World w = world_xen(2);
        Lease *lease = lease_out_xen(&w, 0, true, false);
        PlanInput input = {.host = w.host, .leases = w.leases, .books = w.books};

        bind_vf(&w, 0, "igbvf", false);
        *host_vf_state(w.host, 0) = lease->saved;
        g_autoptr(Plan) plan = plan_set_again(lease, &input);
        assert_plan(plan, "load the module xen-pciback\n"
                          "0000:01:10.0: driver igbvf → no driver\n"
                          "0000:01:10.0: mac=02:00:00:00:00:09 vlan=42 (was mac=00:00:00:00:00:00 vlan=0)\n"
                          "0000:01:10.0: driver no driver → pciback\n"
                          "0000:01:10.0: assignable to Xen's guests, its DMA kept from dom0\n");
        w.books->xen->directio = false;
        g_autoptr(Plan) refused = plan_set_again(lease, &input);
        g_assert_cmpuint(refused->steps->len, ==, 0);
        g_assert_false(plan_check(refused, NULL));
        w.books->xen->directio = true;
        /* It was started first, and has it as it is: nothing changes under it. */
        guest_has_vf(&w, 0);
        input.guest = w.guest;
        g_autoptr(Plan) live = plan_set_again(lease, &input);
        assert_plan(live, "");
        g_assert_cmpstr(live->notes->pdata[0], ==,
                        "xen:web1 was started before its device could be set again, and has 0000:01:10.0 without mac=02:00:00:00:00:09 vlan=42; run 'vfadm detach xen:web1 0000:01:10.0 --live', then 'vfadm attach xen:web1 --from 0000:01:10.0 --live'");
        *host_vf_state(w.host, 0) = lease->given;
        g_autoptr(Plan) fine = plan_set_again(lease, &input);
        g_assert_cmpuint(fine->notes->len, ==, 0);
        world_clear(&w);
}

/* ---- the other part ---- */

static void test_own_lease(void) {
        World w = world_xen(2);
        lease_out_xen(&w, 0, true, false);

        /* Running by then: plugged as it is. */
        g_autoptr(Plan) live = good_plan(&w, want_xen(WANT_ATTACH, "enp1s0/0", NULL, SCOPE_LIVE));
        g_autofree char *lines = lines_of(live);
        g_assert_cmpstr(lines, ==, "0000:01:10.0: leased to xen:web1, by its definition → leased to xen:web1, by its definition\n"
                                   "0000:01:10.0: plug into xen:web1\n");
        g_assert_true(step_of(live, STEP_LEASE, 0)->to.lease->config);
        world_clear(&w);

        w = world_xen(2);
        w.guest->uuid_of_run = true;
        const Lease *lease = lease_out_xen(&w, 0, false, true);
        g_assert_nonnull(lease->guest_uuid);
        g_autoptr(Plan) config = good_plan(&w, want_xen(WANT_ATTACH, "enp1s0/0", NULL, SCOPE_CONFIG));
        g_autofree char *others = lines_of(config);
        g_assert_cmpstr(others, ==, "0000:01:10.0: leased to xen:web1, until it ends → leased to xen:web1, by its definition\n"
                                    "0000:01:10.0: into the definition of xen:web1\n");
        const Lease *to = step_of(config, STEP_LEASE, 0)->to.lease;
        g_assert_cmpint((int) to->id, ==, 40);
        g_assert_true(to->config);
        g_assert_null(to->guest_uuid);
        g_assert_cmpstr(to->saved_driver, ==, "igbvf");
        assert_refused(&w, want_xen(WANT_ATTACH, "enp1s0/0", NULL, SCOPE_LIVE), VFADM_ERROR_IN_USE, "enp1s0/0 is leased to xen:web1 (lease 40)");
        world_clear(&w);
}

/* ---- adoption ---- */

/* By the books' own guest, which is what is looked at. */
static GuestInfo *booked(World *w) {
        return (GuestInfo *) books_guest(w->books, "xen:web1", NULL);
}

static void test_adopt(void) {
        World w = world_xen(3);

        guest_has_vf(&w, 0);
        booked(&w)->uuid_of_run = true;
        g_autoptr(Plan) live = good_plan(&w, want_xen(WANT_ADOPT, "xen:web1", NULL, 0));
        g_assert_cmpuint(live->steps->len, ==, 1);
        const Lease *lease = step_of(live, STEP_LEASE, 0)->to.lease;
        g_assert_cmpstr(lease->guest, ==, "xen:web1");
        g_assert_cmpstr(lease->guest_uuid, ==, w.guest->uuid);
        g_assert_cmpint(lease->pid, ==, 0);
        g_assert_false(lease->config);
        /* Where xl leaves it, too. */
        g_assert_cmpstr(lease->saved_driver, ==, "pciback");
        g_assert_null(lease->saved_override);

        GuestDevice *device = guest_info_add_defined(booked(&w), "vfadm-x");
        device->host = host_vf(w.host, 0)->addr;
        device->has_host = true;
        g_autoptr(Plan) both = good_plan(&w, want_xen(WANT_ADOPT, NULL, NULL, 0));
        g_assert_true(step_of(both, STEP_LEASE, 0)->to.lease->config);
        g_assert_null(step_of(both, STEP_LEASE, 0)->to.lease->guest_uuid);
        g_assert_cmpstr(both->summary, ==, "what Xen has given out is adopted");

        assert_refused_so(&w, want_xen(WANT_ADOPT, "xen:none", NULL, 0), VFADM_ERROR_NOT_FOUND, "Xen has no guest named 'xen:none'; 'vfadm import' shows what it has");
        /* The definition's device is with another guest now. */
        db_has_vf(&w, 1);
        device->host = host_vf(w.host, 1)->addr;
        assert_refused(&w, want_xen(WANT_ADOPT, "xen:web1", NULL, 0), VFADM_ERROR_IN_USE, "0000:01:10.2 of xen:web1 cannot be adopted: xen:db has it");
        world_clear(&w);
}

/* A lease of this run, whose device stands in the file by now. */
static void test_adopt_more(void) {
        World w = world_xen(2);

        booked(&w)->uuid_of_run = true;
        lease_out_xen(&w, 0, false, true);
        GuestDevice *device = guest_info_add_defined(booked(&w), "vfadm-x");
        device->host = host_vf(w.host, 0)->addr;
        device->has_host = true;
        g_autoptr(Plan) plan = good_plan(&w, want_xen(WANT_ADOPT, "xen:web1", NULL, 0));
        const Step *step = step_of(plan, STEP_LEASE, 0);
        g_assert_false(step->from.lease->config);
        g_assert_true(step->to.lease->config);
        g_assert_null(step->to.lease->guest_uuid);
        world_clear(&w);
}

/* ---- what the books tell ---- */

static void test_uses(void) {
        World w = world_xen(3);

        GuestInfo *web1 = booked(&w), *db = (GuestInfo *) books_guest(w.books, "db", NULL);
        for (unsigned vf = 0; vf < 2; vf++) {
                GuestDevice *device = guest_info_add_device(vf ? db : web1, "vfadm-x");
                device->host = host_vf(w.host, vf)->addr;
                device->has_host = true;
        }
        guest_info_add_device(web1, "not-told");
        GuestDevice *gone = guest_info_add_device(web1, "not-here");
        gone->has_host = true;
        gone->host = (PciAddr) {0, 9, 0, 0};
        books_add_uses(w.books, w.host);
        g_assert_cmpuint(host_vf(w.host, 0)->uses->len, ==, 1);
        const Use *use = host_vf(w.host, 0)->uses->pdata[0];
        g_assert_cmpint(use->kind, ==, USE_GUEST);
        g_assert_cmpstr(use->what, ==, "xen:web1 (domain 3)");
        g_assert_cmpstr(use->guest, ==, "web1");
        g_assert_cmpint(use->pid, ==, 0);
        /* One that does not run as a domain, and no device. */
        g_assert_cmpuint(host_vf(w.host, 1)->uses->len, ==, 0);
        g_assert_cmpuint(host_vf(w.host, 2)->uses->len, ==, 0);
        books_add_uses(NULL, w.host);
        world_clear(&w);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/plan-xen-back/live", test_live);
        g_test_add_func("/plan-xen-back/from-pciback", test_from_pciback);
        g_test_add_func("/plan-xen-back/had-no-driver", test_had_no_driver);
        g_test_add_func("/plan-xen-back/parts", test_parts);
        g_test_add_func("/plan-xen-back/off", test_off);
        g_test_add_func("/plan-xen-back/other-guest", test_other_guest);
        g_test_add_func("/plan-xen-back/twin-of-name", test_twin_of_name);
        g_test_add_func("/plan-xen-back/guest-gone", test_guest_gone);
        g_test_add_func("/plan-xen-back/set-again", test_set_again);
        g_test_add_func("/plan-xen-back/own-lease", test_own_lease);
        g_test_add_func("/plan-xen-back/adopt", test_adopt);
        g_test_add_func("/plan-xen-back/adopt-more", test_adopt_more);
        g_test_add_func("/plan-xen-back/uses", test_uses);
        return g_test_run();
}
