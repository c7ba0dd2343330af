/* Recovery with Xen: plans that died, and leases of domains, of which only Xen's books tell. */
#include "base/error.h"
#include "xen_stage.h"

#include <errno.h>
#include <string.h>

/* ---- plans that died ---- */

/* Dies in step `at`, before or after it was made. */
static void die_at(Stage *stage, const Plan *plan, unsigned at, bool made, const char *boot_id) {
        g_autofree char *marks = g_strnfill(plan->steps->len, 'p');

        for (unsigned i = 0; i < at + made; i++)
                make_domain_fact(stage, plan->steps->pdata[i]);
        memset(marks, 'd', at);
        marks[at] = ((const Step *) plan->steps->pdata[at])->kind == STEP_LEASE ? "pd"[made] : 'D';
        die_during(stage, plan, marks, DEAD_PID, boot_id);
}

static void test_attach_dies_anywhere(void) {
        for (unsigned at = 0; at < 2 * 8; at++) {
                g_autoptr(Stage) stage = xen_stage_new();
                g_autoptr(Plan) attach = domain_attach_plan(stage, PLUGGED | DEFINED);
                g_assert_cmpuint(attach->steps->len, ==, 8);
                die_at(stage, attach, at / 2, at % 2, BOOT);
                assert_recovers(stage, at ? "undone" : "attach");
                assert_domain_free(stage);
                /* Begun or done, it is taken back, though nobody tells which it was. */
                g_assert_cmpint(stage->machine->xen.assignable, ==, at >= 10 ? 0 : -1);
                assert_recovers(stage, "");
        }
}

static void test_detach_dies_anywhere(void) {
        for (unsigned at = 0; at < 2 * 8; at++) {
                g_autoptr(Stage) stage = xen_stage_new();
                give_to_domain(stage, PLUGGED | DEFINED, BOOT);
                g_autoptr(Lease) lease = the_lease(stage);
                g_autoptr(Plan) detach = domain_detach_plan(lease, PLUGGED | DEFINED);
                g_assert_cmpuint(detach->steps->len, ==, 8);
                die_at(stage, detach, at / 2, at % 2, BOOT);
                assert_recovers(stage, "detach");
                assert_domain_free(stage);
                g_assert_cmpint(stage->machine->xen.assignable, ==, 0);
                assert_recovers(stage, "");
        }
}

/* "bind" and "unbind" go back. */
static void test_bind_dies(void) {
        for (unsigned at = 0; at < 2 * 2; at++) {
                g_autoptr(Stage) stage = xen_stage_new();
                g_autoptr(Plan) bind = plan_new("bind");
                add_driver(bind, 0, "igbvf", NULL, "pciback", "pciback");
                add_assignable(bind, 0, 1);
                die_at(stage, bind, at / 2, at % 2, BOOT);
                assert_recovers(stage, "undone");
                assert_driver(stage, 0, "igbvf");
                g_assert_cmpint(stage->machine->xen.assignable, !=, 1);
        }
        for (unsigned at = 0; at < 2 * 2; at++) {
                g_autoptr(Stage) stage = xen_stage_new();
                g_autoptr(Plan) unbind = plan_new("unbind");
                machine_set_driver(stage->machine, 0, "pciback", "pciback");
                stage->machine->xen.assignable = 1;
                add_assignable(unbind, 1, 0);
                add_driver(unbind, 0, "pciback", "pciback", "igbvf", NULL);
                die_at(stage, unbind, at / 2, at % 2, BOOT);
                assert_recovers(stage, "undone");
                assert_driver(stage, 0, "pciback (pciback)");
                g_assert_cmpint(stage->machine->xen.assignable, ==, 1);
                g_assert_cmpstr(stage->machine->xen.driver_path, ==, "igbvf");
        }
}

/* Somebody gave it back to dom0 since: it is not kept from the driver that has it. */
static void test_unbind_died_and_taken_since(void) {
        g_autoptr(Stage) stage = xen_stage_new();
        g_autoptr(Plan) unbind = plan_new("unbind");

        add_assignable(unbind, 1, 0);
        plan_add(unbind, step_new(STEP_RESET, machine_vf(0), "because"));
        die_during(stage, unbind, "dp", DEAD_PID, BOOT);
        stage->machine->xen.assignable = 0;
        assert_recovers(stage, "somebody has taken it from pciback since, so it was left alone");
        assert_log(stage, "");
        g_assert_cmpint(stage->machine->xen.assignable, ==, 0);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

/* A guest has it by now, which was given it with xl. */
static void test_died_and_used_since(void) {
        g_autoptr(Stage) stage = xen_stage_new();
        g_autoptr(Plan) bind = plan_new("bind");

        add_driver(bind, 0, "igbvf", NULL, "pciback", "pciback");
        add_assignable(bind, 0, 1);
        die_at(stage, bind, 1, false, BOOT);
        stage->machine->xen.has = true;
        assert_recovers(stage, "0000:01:10.0 is in use (xen:web1 (domain 3)), so it was left alone");
        assert_log(stage, "");
        assert_driver(stage, 0, "pciback (pciback)");
        g_assert_cmpuint(n_unfinished(stage), ==, 1);
        stage->machine->xen.has = false;
        assert_recovers(stage, "undone");
        assert_driver(stage, 0, "igbvf");
}

/* Nobody can say whether a guest has it. */
static void test_died_and_no_books(void) {
        for (int deaf = 0; deaf < 2; deaf++) {
                g_autoptr(Stage) stage = xen_stage_new();
                g_autoptr(Plan) bind = plan_new("bind");
                add_driver(bind, 0, "igbvf", NULL, "pciback", "pciback");
                plan_add(bind, step_new(STEP_RESET, machine_vf(0), "because"));
                die_at(stage, bind, 0, true, BOOT);
                stage->machine->xen.here = stage->machine->xen.deaf = deaf;
                g_autofree char *told = recover(stage, deaf ? VFADM_ERROR_HALF_DONE : 0);
                g_assert_nonnull(strstr(told, deaf ? "Xen does not answer" : "cannot be known without the package vfadm-xen"));
                assert_driver(stage, 0, "pciback (pciback)");
                g_assert_cmpuint(n_unfinished(stage), ==, 1);
        }
}

/* The file is still there after a reboot, and nothing else. */
static void reboot(Stage *stage) {
        machine_end_domain(stage->machine);
        machine_set_driver(stage->machine, 0, "igbvf", NULL);
        stage->machine->xen.assignable = -1;
        stage->machine->vfs[0].vlan = 0;
        g_free(machine_take_log(stage->machine));
}

static void test_dies_with_the_machine(void) {
        for (unsigned at = 0; at < 2 * 8; at++) {
                g_autoptr(Stage) stage = xen_stage_new(), other = xen_stage_new();
                g_autoptr(Plan) attach = domain_attach_plan(stage, PLUGGED | DEFINED);
                die_at(stage, attach, at / 2, at % 2, OTHER_BOOT);
                reboot(stage);
                assert_recovers(stage, "attach");
                assert_log(stage, at >= 13 ? "undefine " XEN_ENTRY : "");
                assert_domain_free(stage);

                give_to_domain(other, PLUGGED | DEFINED, OTHER_BOOT);
                g_autoptr(Lease) lease = the_lease(other);
                g_autoptr(Plan) detach = domain_detach_plan(lease, PLUGGED | DEFINED);
                die_at(other, detach, at / 2, at % 2, OTHER_BOOT);
                reboot(other);
                assert_recovers(other, "detach");
                assert_log(other, at < 1 ? "undefine " XEN_ENTRY : "");
                assert_domain_free(other);
        }
}

/* The domain may be about to use what an old plan would take away. */
static void test_leased_since(void) {
        g_autoptr(Stage) stage = xen_stage_new();
        g_autoptr(Plan) plan = enable_plan();

        give_to_domain(stage, PLUGGED, BOOT);
        die_during(stage, plan, "ddp", DEAD_PID, BOOT);
        assert_recovers(stage, "0000:01:10.0 is leased to xen:web1 (lease 1), so it was left alone");
        g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 2);
        assert_log(stage, "");
}

/* ---- leases ---- */

static void test_runs(void) {
        for (unsigned parts = PLUGGED; parts <= (PLUGGED | DEFINED); parts++) {
                g_autoptr(Stage) stage = xen_stage_new();
                give_to_domain(stage, parts, BOOT);
                if (parts == DEFINED)
                        machine_end_domain(stage->machine);
                assert_recovers(stage, "");
                stage->act.thorough = true;
                assert_recovers(stage, "");
                assert_domain_lease(stage, parts & DEFINED, "xen:web1", parts & DEFINED ? NULL : UUID, BOOT);
                assert_log(stage, "");
        }
}

static void test_ended(void) {
        for (int uuid = 0; uuid < 2; uuid++) {
                g_autoptr(Stage) stage = xen_stage_new();
                stage->machine->xen.file_has_uuid = uuid;
                give_to_domain(stage, PLUGGED, BOOT);
                machine_end_domain(stage->machine);
                assert_recovers(stage, "0000:01:10.0 back from xen:web1 (lease 1): its guest has ended");
                assert_domain_free(stage);
                g_assert_cmpint(stage->machine->xen.assignable, ==, 0);
                assert_recovers(stage, "");
        }
}

/* Destroyed and created anew, it is another one, unless its file gives it a uuid; without the device it is over for either. */
static void test_created_anew(void) {
        for (int uuid = 0; uuid < 2; uuid++) {
                g_autoptr(Stage) stage = xen_stage_new();
                stage->machine->xen.file_has_uuid = uuid;
                give_to_domain(stage, PLUGGED, BOOT);
                machine_end_domain(stage->machine);
                machine_start_domain(stage->machine);
                assert_recovers(stage, "it has been taken out of the guest");
                assert_domain_free(stage);
        }
}

/* On its way down it may still reach the device. */
static void test_dying(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, PLUGGED, BOOT);
        stage->machine->xen.going = true;
        stage->machine->xen.status = "dying";
        assert_recovers(stage, "");
        stage->machine->xen.has = false; /* its xenstore entries go before it does */
        assert_recovers(stage, "");
        assert_domain_lease(stage, false, "xen:web1", UUID, BOOT);
        assert_log(stage, "");
        machine_end_domain(stage->machine);
        assert_recovers(stage, "its guest has ended");
        assert_domain_free(stage);
}

/* 'xl pci-detach': it is still with pciback. */
static void test_taken_out_by_xl(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, PLUGGED, BOOT);
        stage->machine->xen.has = false;
        assert_recovers(stage, "0000:01:10.0 back from xen:web1 (lease 1): it has been taken out of the guest");
        assert_domain_free(stage);
        g_assert_cmpint(stage->machine->xen.assignable, ==, 0);
}

/* … and 'xl pci-assignable-remove -r': dom0's driver has it, which is not disturbed; its VLAN is what it was. */
static void test_given_back_by_xl(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, PLUGGED, BOOT);
        stage->machine->xen.has = false;
        stage->machine->xen.assignable = 0;
        machine_set_driver(stage->machine, 0, "igbvf", NULL);
        assert_recovers(stage, "it has been taken out of the guest");
        assert_domain_free(stage);
        g_autofree char *log = machine_take_log(stage->machine);
        g_assert_null(strstr(log, "unbind"));
        g_assert_null(strstr(log, "reset"));
        g_assert_null(strstr(log, "drivers_probe"));
}

/* xl binds no driver while the override is not that driver's (pci_bus_match), and leaves it with none. */
static void test_left_driverless_by_xl(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, PLUGGED, BOOT);
        stage->machine->xen.has = false;
        stage->machine->xen.assignable = 0;
        machine_set_driver(stage->machine, 0, NULL, "pciback");
        assert_recovers(stage, "it has been taken out of the guest");
        assert_domain_free(stage);
}

/* It is another guest's by now: left alone, and no failure. */
static void test_in_use(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, PLUGGED, BOOT);
        stage->machine->xen.file_has_uuid = true; /* the domain is another */
        assert_recovers(stage, "is in use (xen:web1 (domain 3))");
        assert_domain_lease(stage, false, "xen:web1", UUID, BOOT);
        assert_log(stage, "");
}

static void test_renamed(void) {
        g_autoptr(Stage) stage = xen_stage_new(), defined = xen_stage_new();

        give_to_domain(stage, PLUGGED, BOOT);
        g_free(stage->machine->xen.name);
        stage->machine->xen.name = g_strdup("web2");
        assert_recovers(stage, "");
        assert_domain_lease(stage, false, "xen:web2", UUID, BOOT);

        /* The file still has the old name. */
        give_to_domain(defined, PLUGGED | DEFINED, BOOT);
        g_free(defined->machine->xen.name);
        defined->machine->xen.name = g_strdup("web2");
        assert_recovers(defined, "");
        assert_domain_lease(defined, true, "xen:web1", NULL, BOOT);
        assert_log(defined, "");
}

/* The entry is taken out of the file, or put there, by hand. */
static void test_file_changes(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, PLUGGED | DEFINED, BOOT);
        g_clear_pointer(&stage->machine->xen.entry, g_free);
        assert_recovers(stage, "0000:01:10.0 is no longer in the definition of xen:web1: lease 1 ends with the running guest");
        assert_domain_lease(stage, false, "xen:web1", UUID, BOOT);
        stage->machine->xen.entry = g_strdup("01:10.0");
        assert_recovers(stage, "");
        assert_domain_lease(stage, true, "xen:web1", NULL, BOOT);
        machine_end_domain(stage->machine);
        assert_recovers(stage, "");
        g_clear_pointer(&stage->machine->xen.entry, g_free);
        assert_recovers(stage, "it is no longer in the guest's definition");
        assert_domain_free(stage);
}

/* A file that gets a uuid, or loses it, is still the file of that name. */
static void test_uuid_of_file(void) {
        for (int uuid = 0; uuid < 2; uuid++) {
                g_autoptr(Stage) stage = xen_stage_new();
                stage->machine->xen.file_has_uuid = uuid;
                give_to_domain(stage, DEFINED, BOOT);
                machine_end_domain(stage->machine);
                stage->machine->xen.file_has_uuid = !uuid;
                assert_recovers(stage, "");
                assert_domain_lease(stage, true, "xen:web1", uuid ? NULL : FILE_UUID, BOOT);
                assert_log(stage, "");
        }
}

static void test_file_gone(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, DEFINED, BOOT);
        machine_end_domain(stage->machine);
        stage->machine->xen.has_file = false;
        g_clear_pointer(&stage->machine->xen.entry, g_free);
        assert_recovers(stage, "the guest is not defined any more");
        assert_domain_free(stage);
}

/* An attach may be under way while the books are read: they are read anew behind the lock. */
static void test_plugged_meanwhile(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, PLUGGED, BOOT);
        stage->machine->xen.has = false;
        stage->machine->xen.comes_later = true;
        assert_recovers(stage, "");
        assert_domain_lease(stage, false, "xen:web1", UUID, BOOT);
        assert_log(stage, "");
}

static void test_left_for_later(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, PLUGGED, BOOT);
        machine_end_domain(stage->machine);
        stage->machine->lock_result = -ETIMEDOUT;
        assert_recovers(stage, "left for later: 0000:01:00.0: another vfadm is changing it");
        assert_domain_lease(stage, false, "xen:web1", UUID, BOOT);
}

/* Without Xen's answer nothing of this boot is ended. */
static void test_no_books(void) {
        for (int deaf = 0; deaf < 2; deaf++) {
                g_autoptr(Stage) stage = xen_stage_new();
                give_to_domain(stage, PLUGGED, BOOT);
                machine_end_domain(stage->machine);
                stage->machine->xen.here = stage->machine->xen.deaf = deaf;
                assert_recovers(stage, deaf ? "Xen does not answer" : "");
                stage->act.thorough = true;
                assert_recovers(stage, "lease 1 of xen:web1 is kept: whether it still has the device only Xen's books tell");
                assert_domain_lease(stage, false, "xen:web1", UUID, BOOT);
                assert_log(stage, "");
        }
}

/* Leases of libvirt's guests are none of Xen's business: the machine may be booted without Xen again. */
static void test_libvirts_lease_on_dom0(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, DEFINED, OTHER_BOOT);
        stage->machine->service.here = false;
        machine_start_xen(stage->machine);
        stage->act.thorough = true;
        assert_recovers(stage, "");
        assert_lease(stage, LEASE_ACTIVE);
}

/* ---- after a reboot ---- */

static void test_rebooted(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, PLUGGED, OTHER_BOOT);
        reboot(stage);
        assert_recovers(stage, "0000:01:10.0 back from xen:web1 (lease 1): the machine has been rebooted since");
        assert_domain_free(stage);
        assert_log(stage, "");
}

/* … whoever has it now, and also where Xen is not below this host any more. */
static void test_rebooted_otherwise(void) {
        g_autoptr(Stage) used = xen_stage_new(), without = stage_new(2);

        used->machine->xen.file_has_uuid = true;
        give_to_domain(used, PLUGGED, OTHER_BOOT);
        assert_recovers(used, "the machine has been rebooted since");
        assert_no_lease(used);
        assert_driver(used, 0, "pciback (pciback)");
        assert_log(used, "");

        give_to_domain(without, PLUGGED, OTHER_BOOT);
        reboot(without);
        assert_recovers(without, "the machine has been rebooted since");
        assert_no_lease(without);

        give_to_domain(without, DEFINED, OTHER_BOOT);
        reboot(without);
        assert_recovers(without, "");
        assert_domain_lease(without, true, "xen:web1", NULL, OTHER_BOOT);
}

/* xl binds nothing when a domain starts: the device is kept for it again. */
static void test_set_again(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, DEFINED, OTHER_BOOT);
        reboot(stage);
        assert_recovers(stage, "0000:01:10.0 set for xen:web1 again (lease 1): the machine has been rebooted since");
        assert_domain_lease(stage, true, "xen:web1", NULL, BOOT);
        assert_driver(stage, 0, "pciback");
        g_assert_cmpint(stage->machine->xen.assignable, ==, 1);
        g_assert_cmpuint(stage->machine->vfs[0].vlan, ==, 7);
        g_free(machine_take_log(stage->machine));
        assert_recovers(stage, "");
        assert_log(stage, "");
}

/* Begun anew it knows by the lease, not by the device, where xl is to give it back to, and asks Xen although it is with pciback already. */
static void test_set_again_dies(void) {
        const VfState before = {.known = VF_ALL, .spoofchk = true, .proto = VLAN_PROTO_8021Q};

        for (unsigned at = 0; at < 2 * 4 + 1; at++) {
                g_autoptr(Stage) stage = xen_stage_new();
                g_autoptr(Plan) plan = plan_new("recover");
                VfState given = before;
                given.vlan = 7;
                give_to_domain(stage, DEFINED, OTHER_BOOT);
                reboot(stage);
                add_driver(plan, 0, "igbvf", NULL, NULL, NULL);
                add_state(plan, 0, &before, &given, VF_VLAN);
                add_driver(plan, 0, NULL, NULL, "pciback", NULL);
                add_assignable(plan, 0, 1);
                die_at(stage, plan, at < 8 ? at / 2 : 2, at % 2 || at == 8, BOOT);
                if (at == 8) /* before the override was taken off again */
                        machine_set_driver(stage->machine, 0, "pciback", "pciback");
                assert_recovers(stage, "begun anew");
                assert_domain_lease(stage, true, "xen:web1", NULL, BOOT);
                assert_driver(stage, 0, "pciback");
                g_assert_cmpuint(stage->machine->vfs[0].vlan, ==, 7);
                g_assert_cmpint(stage->machine->xen.assignable, ==, 1);
                g_assert_cmpstr(stage->machine->xen.driver_path, ==, "igbvf");
                assert_recovers(stage, "");
        }
}

/* xendomains started it before vfadm came: what it would notice is only told. */
static void test_set_again_under_the_domain(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, DEFINED, OTHER_BOOT);
        reboot(stage);
        machine_set_driver(stage->machine, 0, "pciback", NULL);
        machine_start_domain(stage->machine);
        stage->machine->xen.has = true;
        assert_recovers(stage, "xen:web1 was started before its device could be set again, and has 0000:01:10.0 without vlan=7");
        assert_domain_lease(stage, true, "xen:web1", NULL, BOOT);
        g_assert_true(stage->machine->xen.has);
        assert_log(stage, "");
        assert_recovers(stage, "");
}

static void test_not_there_yet(void) {
        g_autoptr(Stage) stage = xen_stage_new();
        g_autoptr(Plan) none = plan_new("disable"), enable = enable_plan();

        give_to_domain(stage, DEFINED, OTHER_BOOT);
        reboot(stage);
        add_number(none, STEP_NUMVFS, 2, 0);
        assert_ran(stage, none);
        assert_recovers(stage, "");
        assert_domain_lease(stage, true, "xen:web1", NULL, OTHER_BOOT);
        assert_ran(stage, enable);
        assert_recovers(stage, "set for xen:web1 again");
        assert_domain_lease(stage, true, "xen:web1", NULL, BOOT);
}

static void test_undefined_and_rebooted(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, DEFINED, OTHER_BOOT);
        reboot(stage);
        g_clear_pointer(&stage->machine->xen.entry, g_free);
        assert_recovers(stage, "it is no longer in the guest's definition");
        assert_domain_free(stage);
        assert_log(stage, "");
}

int main(int argc, char **argv) {
        static const struct {
                const char *path;
                void (*test)(void);
        } tests[] = {
                {"attach-dies-anywhere", test_attach_dies_anywhere},
                {"detach-dies-anywhere", test_detach_dies_anywhere},
                {"bind-dies", test_bind_dies},
                {"unbind-died-and-taken-since", test_unbind_died_and_taken_since},
                {"died-and-used-since", test_died_and_used_since},
                {"died-and-no-books", test_died_and_no_books},
                {"dies-with-the-machine", test_dies_with_the_machine},
                {"leased-since", test_leased_since},
                {"runs", test_runs},
                {"ended", test_ended},
                {"created-anew", test_created_anew},
                {"dying", test_dying},
                {"taken-out-by-xl", test_taken_out_by_xl},
                {"given-back-by-xl", test_given_back_by_xl},
                {"left-driverless-by-xl", test_left_driverless_by_xl},
                {"in-use", test_in_use},
                {"renamed", test_renamed},
                {"file-changes", test_file_changes},
                {"uuid-of-file", test_uuid_of_file},
                {"file-gone", test_file_gone},
                {"plugged-meanwhile", test_plugged_meanwhile},
                {"left-for-later", test_left_for_later},
                {"no-books", test_no_books},
                {"libvirts-lease-on-dom0", test_libvirts_lease_on_dom0},
                {"rebooted", test_rebooted},
                {"rebooted-otherwise", test_rebooted_otherwise},
                {"set-again", test_set_again},
                {"set-again-dies", test_set_again_dies},
                {"set-again-under-the-domain", test_set_again_under_the_domain},
                {"not-there-yet", test_not_there_yet},
                {"undefined-and-rebooted", test_undefined_and_rebooted},
        };
        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
                g_autofree char *path = g_strconcat("/recover-xen/", tests[i].path, NULL);
                g_test_add_func(path, tests[i].test);
        }
        return g_test_run();
}
