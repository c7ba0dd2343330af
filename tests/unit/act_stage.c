/* The stage of act_stage.h. */
#include "act_stage.h"

#include "base/error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>


static void note_progress(void *user, const Plan *plan, unsigned step, bool done, int64_t usec) {
        Stage *stage = user;
        g_string_append_printf(stage->progress, "%u%s ", step, done ? "!" : "");
        if (stage->comes && !done && step == stage->comes_at)
                stage->machine->user_pid = stage->comes;
        if (!stage->cut_at || done || step != stage->cut_step)
                return;
        g_autofree char *wal = g_build_filename(stage->dir, "ledger.db-wal", NULL);
        struct stat st;
        g_assert_cmpint(stat(wal, &st), ==, 0);
        getrlimit(RLIMIT_FSIZE, &stage->before);
        g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &(struct rlimit) {(rlim_t) st.st_size, stage->before.rlim_max}), ==, 0);
}

Stage *stage_new(unsigned num_vfs) {
        Stage *stage = g_new0(Stage, 1);
        g_autoptr(GError) error = NULL;

        stage->dir = g_dir_make_tmp("vfadm-act-XXXXXX", NULL);
        stage->machine = machine_new(num_vfs);
        stage->progress = g_string_new(NULL);
        stage->act = (ActContext) {.io = &stage->machine->io, .ledger = ledger_open(stage->dir, false, &error), .boot_id = BOOT,
                                   .pid = MY_PID, .pid_start = MY_PID + 7, .progress = note_progress, .user = stage};
        g_assert_no_error(error);
        return stage;
}

void stage_free(Stage *stage) {
        static const char *const files[] = {"ledger.db", "ledger.db-wal", "ledger.db-shm"};

        ledger_free(stage->act.ledger);
        for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *path = g_build_filename(stage->dir, files[i], NULL);
                g_remove(path);
        }
        g_assert_cmpint(g_rmdir(stage->dir), ==, 0);
        machine_free(stage->machine);
        g_string_free(stage->progress, TRUE);
        g_free(stage->dir);
        g_free(stage);
}

Step *add_number(Plan *plan, StepKind kind, int64_t from, int64_t to) {
        Step *step = plan_add(plan, step_new(kind, machine_pf(), "because"));
        step->netdev = g_strdup("enp1s0");
        step->from.number = from;
        step->to.number = to;
        return step;
}

Step *add_driver(Plan *plan, unsigned vf, const char *from, const char *from_override, const char *to, const char *to_override) {
        Step *step = plan_add(plan, step_new(STEP_DRIVER, machine_vf(vf), "because"));
        step->pf = machine_pf();
        step->from.driver = g_strdup(from);
        step->from.driver_override = g_strdup(from_override);
        step->to.driver = g_strdup(to);
        step->to.driver_override = g_strdup(to_override);
        return step;
}

Step *add_state(Plan *plan, unsigned vf, const VfState *from, const VfState *to, unsigned mask) {
        Step *step = plan_add(plan, step_new(STEP_VF_STATE, machine_vf(vf), "because"));
        step->pf = machine_pf();
        step->vf_index = vf;
        step->netdev = g_strdup("enp1s0");
        step->mask = mask;
        step->from.vf = *from;
        step->to.vf = *to;
        return step;
}

Step *add_guest(Plan *plan, const char *from, const char *to) {
        Step *step = plan_add(plan, step_new(STEP_GUEST, machine_vf(0), "because"));
        step->guest = g_strdup("qemu:web1");
        step->guest_bus = g_strdup("rp1");
        step->from.text = g_strdup(from);
        step->to.text = g_strdup(to);
        return step;
}

Lease *make_lease(void) {
        Lease *lease = lease_new();
        lease->dev = machine_vf(0);
        lease->pf = machine_pf();
        lease->guest = g_strdup("qemu:web1");
        lease->guest_device = g_strdup("nic0");
        lease->boot_id = g_strdup(BOOT);
        lease->pid = GUEST_PID;
        lease->pid_start = GUEST_PID + 7;
        return lease;
}

Step *add_lease(Plan *plan) {
        Step *step = plan_add(plan, step_new(STEP_LEASE, machine_vf(0), "because"));
        step->to.lease = make_lease();
        return step;
}

Plan *enable_plan(void) {
        Plan *plan = plan_new("enable");
        plan->summary = g_strdup("enp1s0: 2 VFs on");
        add_number(plan, STEP_AUTOPROBE, 1, 0);
        add_number(plan, STEP_NUMVFS, 0, 2);
        add_number(plan, STEP_AUTOPROBE, 0, 1);
        return plan;
}

void assert_ran(Stage *stage, const Plan *plan) {
        g_autoptr(GError) error = NULL;
        bool ok = act_run(&stage->act, plan, &error);
        g_assert_no_error(error);
        g_assert_true(ok);
}

char *assert_fails(Stage *stage, const Plan *plan, int code, const char *needle) {
        g_autoptr(GError) error = NULL;
        g_assert_false(act_run(&stage->act, plan, &error));
        if (!error || error->code != code || !strstr(error->message, needle))
                g_error("got %s: '%s', not %s: '%s'", vfadm_error_word(error ? error->code : 0), error ? error->message : "nothing",
                        vfadm_error_word(code), needle);
        g_assert_null(strchr(error->message, '\n'));
        return g_strdup(error->message);
}

void assert_log(Stage *stage, const char *expected) {
        g_autofree char *log = machine_take_log(stage->machine);
        g_assert_cmpstr(log, ==, expected);
}

unsigned n_unfinished(Stage *stage) {
        g_autoptr(GPtrArray) plans = ledger_unfinished(stage->act.ledger, NULL);
        g_assert_nonnull(plans);
        return plans->len;
}

Lease *the_lease(Stage *stage) {
        g_autoptr(GPtrArray) leases = ledger_leases(stage->act.ledger, NULL);
        g_assert_nonnull(leases);
        g_assert_cmpuint(leases->len, <=, 1);
        return leases->len ? lease_copy(leases->pdata[0]) : NULL;
}

void assert_driver(Stage *stage, unsigned vf, const char *expected) {
        g_autofree char *driver = machine_driver(stage->machine, vf);
        g_assert_cmpstr(driver, ==, expected);
}

Plan *attach_plan(void) {
        Plan *plan = plan_new("attach");
        add_lease(plan);
        add_driver(plan, 0, "igbvf", NULL, "vfio-pci", "vfio-pci");
        add_guest(plan, NULL, "nic0");
        return plan;
}

Plan *detach_plan(const Lease *lease) {
        Plan *plan = plan_new("detach");
        add_guest(plan, "nic0", NULL);
        plan_add(plan, step_new(STEP_RESET, machine_vf(0), "because"));
        add_driver(plan, 0, "vfio-pci", "vfio-pci", "igbvf", NULL);
        Step *step = plan_add(plan, step_new(STEP_LEASE, machine_vf(0), "because"));
        step->from.lease = lease_copy(lease);
        return plan;
}

void fail(Stage *stage, const char *prefix, int negative_errno, int times) {
        g_free(stage->machine->fail_prefix);
        stage->machine->fail_prefix = g_strdup(prefix);
        stage->machine->fail_errno = negative_errno;
        stage->machine->fail_times = times;
}

/* ---- recovery ---- */

int64_t die_during(Stage *stage, const Plan *plan, const char *marks, int pid, const char *boot_id) {
        static const char letters[] = "pDdu";
        int64_t id = 0;

        g_assert_cmpuint(strlen(marks), ==, plan->steps->len);
        g_assert_true(ledger_begin(stage->act.ledger, plan, boot_id, pid, (uint64_t) pid + 7, &id, NULL));
        for (unsigned i = 0; marks[i]; i++) {
                const Step *step = plan->steps->pdata[i];
                StepMark mark = (StepMark) (strchr(letters, marks[i]) - letters);
                if (step->kind == STEP_LEASE && mark == MARK_DONE) {
                        g_autoptr(Lease) lease = step->to.lease ? lease_copy(step->to.lease) : NULL;
                        g_assert_true(ledger_mark_lease(stage->act.ledger, id, i, mark, lease, lease ? 0 : step->from.lease->id, NULL));
                } else {
                        g_assert_true(ledger_mark(stage->act.ledger, id, i, mark, NULL));
                }
        }
        return id;
}

char *recover(Stage *stage, int code) {
        g_autoptr(GPtrArray) told = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) error = NULL;

        bool ok = act_recover(&stage->act, told, &error);
        if (code == 0) {
                g_assert_no_error(error);
                g_assert_true(ok);
        } else {
                g_assert_error(error, VFADM_ERROR, code);
                g_assert_false(ok);
        }
        g_ptr_array_add(told, NULL);
        return g_strjoinv("\n", (char **) told->pdata);
}

void assert_recovers(Stage *stage, const char *needle) {
        g_autofree char *told = recover(stage, 0);
        if (*needle ? !strstr(told, needle) : *told != '\0')
                g_error("'%s' is not '%s'", told, needle);
}

void assert_no_lease(Stage *stage) {
        g_autoptr(Lease) lease = the_lease(stage);
        g_assert_null(lease);
}

void assert_lease(Stage *stage, LeaseState state) {
        g_autoptr(Lease) lease = the_lease(stage);
        g_assert_nonnull(lease);
        g_assert_cmpint(lease->state, ==, state);
}

/* ---- libvirt ---- */

static const char device_id[] = "vfadm-0000-01-10.0";

Step *add_hold(Plan *plan, unsigned vf, const char *from, const char *to) {
        Step *step = plan_add(plan, step_new(STEP_HOLD, machine_vf(vf), "because"));
        step->pf = machine_pf();
        step->network = g_strdup("libvirt:pt");
        step->from.text = g_strdup(from);
        step->to.text = g_strdup(to);
        return step;
}

Step *add_defined(Plan *plan, const char *from, const char *to) {
        Step *step = plan_add(plan, step_new(STEP_DEFINED, machine_vf(0), "because"));
        step->guest = g_strdup("libvirt:web1");
        step->from.text = g_strdup(from);
        step->to.text = g_strdup(to);
        return step;
}

Step *add_network(Plan *plan, const char *from, const char *to) {
        Step *step = plan_add(plan, step_new(STEP_NETWORK, (PciAddr) {0}, "because"));
        step->network = g_strdup("libvirt:pt");
        step->from.text = g_strdup(from);
        step->to.text = g_strdup(to);
        return step;
}

static void add_plug(Plan *plan, bool in) {
        Step *step = add_guest(plan, in ? NULL : device_id, in ? device_id : NULL);
        g_free(step->guest);
        step->guest = g_strdup("libvirt:web1");
        step->xml = in ? g_strdup(ELEMENT) : NULL;
}

Lease *make_service_lease(unsigned parts) {
        Lease *lease = make_lease();

        g_free(lease->guest);
        lease->guest = g_strdup("libvirt:web1");
        g_free(lease->guest_device);
        lease->guest_device = g_strdup(device_id);
        lease->guest_uuid = g_strdup(UUID);
        lease->config = parts & DEFINED;
        lease->managed = true;
        if (!(parts & PLUGGED))
                lease->pid = 0, lease->pid_start = 0;
        lease->vendor = 0x8086;
        lease->device = 0x10ca;
        lease->is_vf = true;
        lease->path = g_strdup("pci0000:00/0000:00:02.0/" PF_NAME);
        lease->saved = (VfState) {.known = VF_ALL, .spoofchk = true, .proto = VLAN_PROTO_8021Q};
        lease->given = (VfState) {.known = VF_TRUST, .trust = true};
        lease->saved_driver = g_strdup("igbvf");
        return lease;
}

Plan *service_attach_plan(unsigned parts) {
        Plan *plan = plan_new("attach");
        Step *step = plan_add(plan, step_new(STEP_LEASE, machine_vf(0), "because"));

        step->to.lease = make_service_lease(parts);
        add_hold(plan, 0, NULL, HOSTDEV_HOLDER);
        add_driver(plan, 0, "igbvf", NULL, "igbvf", NULL);
        if (parts & DEFINED)
                add_defined(plan, NULL, ELEMENT);
        if (parts & PLUGGED)
                add_plug(plan, true);
        return plan;
}

Plan *service_detach_plan(const Lease *lease, unsigned parts) {
        Plan *plan = plan_new("detach");

        if (parts & PLUGGED)
                add_plug(plan, false);
        if (parts & DEFINED)
                add_defined(plan, ELEMENT, NULL);
        add_driver(plan, 0, "vfio-pci", "vfio-pci", "igbvf", NULL);
        add_hold(plan, 0, HOSTDEV_HOLDER, NULL);
        Step *step = plan_add(plan, step_new(STEP_LEASE, machine_vf(0), "because"));
        step->from.lease = lease_copy(lease);
        return plan;
}

void give_to_service(Stage *stage, unsigned parts, const char *boot_id) {
        g_autoptr(Plan) plan = plan_new("attach");
        Step *step = plan_add(plan, step_new(STEP_LEASE, machine_vf(0), "because"));
        FakeService *service = &stage->machine->service;

        step->to.lease = make_service_lease(parts);
        g_free(step->to.lease->boot_id);
        step->to.lease->boot_id = g_strdup(boot_id);
        assert_ran(stage, plan);
        machine_start_service(stage->machine);
        machine_set_port(stage->machine, 0, HOSTDEV_HOLDER);
        if (parts & DEFINED)
                service->element = g_strdup(ELEMENT);
        if (parts & PLUGGED) {
                machine_start_guest(stage->machine);
                service->has = g_strdup(device_id);
                machine_set_driver(stage->machine, 0, "vfio-pci", "vfio-pci");
        }
        stage->machine->vfs[0].trust = true;
}

void assert_service_free(Stage *stage) {
        assert_no_lease(stage);
        g_assert_cmpstr(machine_port(stage->machine, 0), ==, NULL);
        g_assert_cmpstr(stage->machine->service.element, ==, NULL);
        g_assert_cmpstr(stage->machine->service.has, ==, NULL);
        assert_driver(stage, 0, "igbvf");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}
