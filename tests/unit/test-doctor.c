/* The table of checks, what is in scope of them, and how they say what they found. */
#include "doctor/report.h"
#include "doctor_world.h"
#include "show/show.h"

#include <string.h>

/* Programs that are written small everywhere. */
static bool starts_with_name(const char *title) {
        static const char *const names[] = {"vfio-pci", "libvirt", "networkd", "driverctl", "vfadm", "pciback", "hide=", "dom0"};
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                if (g_str_has_prefix(title, names[i]))
                        return true;
        return false;
}

static void assert_sentences(const Check *check) {
        g_assert_cmpuint(strlen(check->title), >, 3);
        g_assert_cmpuint(strlen(check->title), <=, 80);
        g_assert_true(!g_ascii_islower(*check->title) || starts_with_name(check->title));
        g_assert_false(g_str_has_suffix(check->title, "."));
        g_assert_true(g_str_has_suffix(check->why, "."));
        g_assert_null(strchr(check->why, '\n'));
        g_assert_cmpuint(strlen(check->explain), >, 80);
        g_autofree char *text = g_strstrip(g_strdup(check->explain));
        g_assert_nonnull(strchr(".:)'", text[strlen(text) - 1]));
        g_assert_false(g_str_has_prefix(text, check->title));
}

/* Ids stand in scripts, in man pages and in what people search for. */
static void test_table(void) {
        g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
        unsigned n = 0;

        for (; doctor_checks(n)->id; n++) {
                const Check *check = doctor_checks(n);
                g_test_message("%s", check->id);
                g_assert_true(g_hash_table_add(ids, (void *) check->id));
                g_assert_true(g_regex_match_simple("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", check->id, 0, 0));
                g_assert_cmpint(check->topic, <, TOPICS);
                g_assert_cmpuint(check->scopes & SCOPE_ALL, !=, 0);
                g_assert_cmpuint(check->scopes & ~SCOPE_ALL, ==, 0);
                g_assert_nonnull(check->run);
                assert_sentences(check);
                g_assert_true(doctor_check_find(check->id) == check);
                if (n > 0)
                        g_assert_cmpint(doctor_checks(n - 1)->topic, <=, check->topic);
        }
        g_assert_null(doctor_checks(n)->id);
        g_assert_null(doctor_checks(n + 7)->id);
        g_assert_null(doctor_check_find("no-such-check"));
        g_assert_null(doctor_check_find(""));
}

static void test_no_check_twice(void) {
        for (unsigned i = 0; doctor_checks(i)->id; i++)
                for (unsigned j = i + 1; doctor_checks(j)->id; j++)
                        g_assert_true(doctor_checks(i)->run != doctor_checks(j)->run);
}

static void assert_findings_whole(const GPtrArray *findings) {
        for (unsigned i = 0; i < findings->len; i++) {
                const Finding *finding = findings->pdata[i];
                const Check *check = doctor_check_find(finding->id);
                g_assert_nonnull(check);
                g_assert_cmpint(finding->topic, ==, check->topic);
                g_assert_cmpstr(finding->why, ==, check->why);
                g_assert_cmpuint(strlen(finding->what), >, 0);
                if (i > 0)
                        g_assert_cmpint(((const Finding *) findings->pdata[i - 1])->topic, <=, finding->topic);
        }
}

static void assert_quiet(const GPtrArray *findings) {
        for (unsigned i = 0; i < findings->len; i++) {
                const Finding *finding = findings->pdata[i];
                if (finding->severity > SEVERITY_NOTE)
                        g_error("%s: %s: %s", severity_word(finding->severity), finding->id, finding->what);
        }
}

/* No false alarm: the first quality of a doctor. */
static void test_healthy(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        assert_findings_whole(doctor_world_host(&w));
        assert_quiet(w.findings);
        g_assert_cmpint(findings_worst(w.findings), <=, SEVERITY_NOTE);
        assert_quiet(doctor_world_device(&w, host_pf(w.host)));
        assert_quiet(doctor_world_device(&w, host_vf(w.host, 3)));
        assert_findings_whole(doctor_world_device(&w, doctor_world_port(&w)));

        GuestInfo *guest = doctor_world_guest(&w);
        doctor_world_give(&w, guest, host_vf(w.host, 2));
        assert_quiet(doctor_world_guest_check(&w, guest));
        assert_findings_whole(w.findings);
        assert_quiet(doctor_world_host(&w));
}

static void test_healthy_is_quiet(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        g_autofree char *text = show_findings_text(doctor_world_host(&w), &(ShowFindings) {0}, 0);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_test_message("%s", text);
        g_assert_cmpuint(g_strv_length(lines), <=, 13); /* a dozen, and the empty end */
        g_assert_cmpuint(g_strv_length(lines), >, 6);
}

/* Nothing is known but devices: an old record, or a reader without rights. No check may take silence for trouble. */
static void test_nothing_known(void) {
        g_auto(DoctorWorld) w = doctor_world(3);
        g_clear_pointer(&w.host->setup, setup_free);
        w.host->intremap = INTREMAP_UNKNOWN;
        for (unsigned i = 0; i < w.host->devs->len; i++) {
                Dev *dev = w.host->devs->pdata[i];
                dev->has_caps = false;
                memset(&dev->caps, 0, sizeof(dev->caps));
                g_clear_pointer(&dev->resources, g_array_unref);
                g_clear_pointer(&dev->vf_infos, g_array_unref);
        }
        assert_findings_whole(doctor_world_host(&w));
        for (unsigned i = 0; i < w.findings->len; i++) {
                const Finding *finding = w.findings->pdata[i];
                if (finding->severity == SEVERITY_BLOCKS || finding->topic == TOPIC_PERSISTENCE || finding->topic == TOPIC_FIRMWARE)
                        g_error("%s: %s: %s", severity_word(finding->severity), finding->id, finding->what);
        }
}

static void test_empty_host(void) {
        DoctorInput input = {.host = snapshot_new()};
        g_autoptr(GPtrArray) findings = doctor_host(&input);
        assert_findings_whole(findings);
        snapshot_free((Snapshot *) input.host);
}

/* A check of the test's own, for what checks call. */
typedef struct {
        Doctor doctor;
        Check check;
} Stage;

static void stage(Stage *s, const DoctorWorld *w) {
        *s = (Stage) {.check = {.id = "a-check", .topic = TOPIC_VF, .scopes = SCOPE_ALL, .why = "Because."}};
        s->doctor = (Doctor) {.host = w->host, .setup = w->host->setup, .check = &s->check, .scope = SCOPE_HOST};
        s->doctor.findings = g_ptr_array_new_with_free_func((GDestroyNotify) finding_free);
}

static Finding *about_vfs(Stage *s, DoctorWorld *w, const char *numbers) {
        g_auto(GStrv) words = g_strsplit(numbers, " ", -1);
        g_autoptr(GArray) array = g_array_new(FALSE, FALSE, sizeof(unsigned));
        for (char **word = words; *word; word++) {
                unsigned number = (unsigned) g_ascii_strtoull(*word, NULL, 10);
                g_array_append_val(array, number);
        }
        return report_vfs(&s->doctor, SEVERITY_WARNING, host_pf(w->host), array, "no %s", "MAC");
}

static void test_report(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        Stage s;
        stage(&s, &w);

        Finding *finding = report(&s.doctor, SEVERITY_NOTE, NULL, "%d of %d", 3, 4);
        g_assert_cmpstr(finding->id, ==, "a-check");
        g_assert_cmpint(finding->topic, ==, TOPIC_VF);
        g_assert_cmpint(finding->severity, ==, SEVERITY_NOTE);
        g_assert_cmpstr(finding->why, ==, "Because.");
        g_assert_cmpstr(finding->what, ==, "3 of 4");
        g_assert_null(finding->subject);
        g_assert_cmpuint(finding->devices->len, ==, 0);
        g_assert_true(s.doctor.findings->pdata[0] == finding);

        finding = report_dev(&s.doctor, SEVERITY_BLOCKS, host_vf(w.host, 3), "x");
        g_assert_cmpstr(finding->subject, ==, "enp1s0/3");
        about(finding, host_vf(w.host, 3));
        about(finding, doctor_world_port(&w));
        g_assert_cmpuint(finding->devices->len, ==, 2);
        g_assert_cmpstr(finding->devices->pdata[0], ==, host_vf(w.host, 3)->name);
        g_assert_cmpstr(finding->devices->pdata[1], ==, "0000:00:02.0");

        seen(finding, "%s", "old");
        seen(finding, "%04x", 0x1d);
        g_assert_cmpstr(finding->seen, ==, "001d");
        seen_in(finding, "/proc/%s", "cmdline");
        g_assert_cmpstr(finding->where, ==, "/proc/cmdline");
        seen_in_config(finding, doctor_world_port(&w), 0x116, "ACS Control");
        g_assert_cmpstr(finding->where, ==, "0000:00:02.0 config 116h (ACS Control)");
        seen_in_config(finding, doctor_world_port(&w), 0, "ACS capability");
        g_assert_cmpstr(finding->where, ==, "0000:00:02.0 config (ACS capability)");
        remedy(finding, "vfadm set %s", "x");
        remedy(finding, "vfadm set %s", "y");
        g_assert_cmpstr(finding->remedy, ==, "vfadm set y");
        remedy_boot_add(finding, "intel_iommu=on");
        remedy_boot_remove(finding, "iommu=off");
        g_assert_cmpstr(finding->boot_add->pdata[0], ==, "intel_iommu=on");
        g_assert_cmpstr(finding->boot_remove->pdata[0], ==, "iommu=off");
        g_ptr_array_unref(s.doctor.findings);
}

static void test_ranges(void) {
        static const struct {
                const char *numbers, *subject;
                unsigned devices;
        } rows[] = {
                {"0", "enp1s0/0", 1},
                {"0 1", "enp1s0/0-1", 2},
                {"0 1 2 3 6", "enp1s0/0-3,6", 5},
                {"1 3 5", "enp1s0/1,3,5", 3},
                {"0 1 2 3 4 5 6", "enp1s0/0-6", 7},
                {"6 7", "enp1s0/6-7", 1}, /* VF 7 is not there: named, and no address */
        };
        g_auto(DoctorWorld) w = doctor_world(7);
        Stage s;
        stage(&s, &w);
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                const Finding *finding = about_vfs(&s, &w, rows[i].numbers);
                g_assert_cmpstr(finding->subject, ==, rows[i].subject);
                g_assert_cmpuint(finding->devices->len, ==, rows[i].devices);
                g_assert_cmpstr(finding->what, ==, "no MAC");
        }
        g_ptr_array_unref(s.doctor.findings);
}

static char *scope_text(const Doctor *doctor) {
        GString *text = g_string_new(NULL);
        const struct {
                const char *name;
                const GPtrArray *devs;
        } lists[] = {{"pfs", doctor->pfs}, {" vfs", doctor->vfs}, {" candidates", doctor->candidates}};
        for (size_t l = 0; l < G_N_ELEMENTS(lists); l++) {
                g_string_append_printf(text, "%s", lists[l].name);
                for (unsigned i = 0; i < lists[l].devs->len; i++) {
                        g_autofree char *nick = snapshot_nick(doctor->host, lists[l].devs->pdata[i]);
                        g_string_append_printf(text, " %s", nick);
                }
        }
        g_string_append_printf(text, " guests %u", doctor->guests->len);
        return g_string_free(text, FALSE);
}

static void assert_scope(Doctor *doctor, const char *expected) {
        g_autofree char *text = scope_text(doctor);
        g_assert_cmpstr(text, ==, expected);
}

static void test_scope_host(void) {
        g_auto(DoctorWorld) w = doctor_world(2);
        Doctor doctor;
        DoctorInput input = {.host = w.host, .leases = w.leases, .guests = w.guests};

        doctor_world_guest(&w);
        doctor_for_host(&doctor, &input);
        assert_scope(&doctor, "pfs enp1s0 vfs enp1s0/0 enp1s0/1 candidates enp1s0 enp1s0/0 enp1s0/1 guests 1");
        g_autoptr(GPtrArray) vfs = vfs_of(&doctor, host_pf(w.host));
        g_assert_cmpuint(vfs->len, ==, 2);
        g_assert_true(vf_in_scope(&doctor, host_pf(w.host), 1));
        doctor_clear(&doctor);

        /* What is bound to VFIO or leased is of interest too. */
        Dev *disk = doctor_world_disk(&w);
        g_free(disk->driver);
        disk->driver = g_strdup("vfio-pci");
        doctor_for_host(&doctor, &input);
        assert_scope(&doctor, "pfs enp1s0 vfs enp1s0/0 enp1s0/1 candidates 0000:00:01.0 enp1s0 enp1s0/0 enp1s0/1 guests 1");
        doctor_clear(&doctor);
}

static void test_scope_device(void) {
        g_auto(DoctorWorld) w = doctor_world(3);
        Doctor doctor;
        DoctorInput input = {.host = w.host, .leases = w.leases, .guests = w.guests};
        GuestInfo *guest = doctor_world_guest(&w);
        doctor_world_give(&w, guest, host_vf(w.host, 1));

        doctor_for_device(&doctor, &input, host_pf(w.host));
        assert_scope(&doctor, "pfs enp1s0 vfs enp1s0/0 enp1s0/1 enp1s0/2 candidates enp1s0 enp1s0/0 enp1s0/1 enp1s0/2 guests 0");
        g_assert_true(vf_in_scope(&doctor, host_pf(w.host), 2));
        g_assert_true(vf_in_scope(&doctor, host_pf(w.host), 6)); /* not there, yet the PF's */
        doctor_clear(&doctor);

        doctor_for_device(&doctor, &input, host_vf(w.host, 1));
        assert_scope(&doctor, "pfs enp1s0 vfs enp1s0/1 candidates enp1s0/1 guests 1");
        g_assert_true(vf_in_scope(&doctor, host_pf(w.host), 1));
        g_assert_false(vf_in_scope(&doctor, host_pf(w.host), 0));
        g_assert_false(vf_in_scope(&doctor, host_pf(w.host), 6));
        g_autoptr(GPtrArray) vfs = vfs_of(&doctor, host_pf(w.host));
        g_assert_cmpuint(vfs->len, ==, 1);
        g_assert_true(vfs->pdata[0] == host_vf(w.host, 1));
        g_assert_nonnull(lease_of(&doctor, host_vf(w.host, 1)));
        g_assert_null(lease_of(&doctor, host_vf(w.host, 0)));
        doctor_clear(&doctor);

        doctor_for_device(&doctor, &input, doctor_world_disk(&w));
        assert_scope(&doctor, "pfs vfs candidates 0000:00:01.0 guests 0");
        doctor_clear(&doctor);
}

/* By monitor, by lease and by open files: each alone is enough, and none makes a device count twice. */
static void test_scope_guest(void) {
        g_auto(DoctorWorld) w = doctor_world(4);
        Doctor doctor;
        DoctorInput input = {.host = w.host, .leases = w.leases, .guests = w.guests};
        GuestInfo *guest = doctor_world_guest(&w);

        doctor_for_guest(&doctor, &input, guest);
        assert_scope(&doctor, "pfs vfs candidates guests 1");
        doctor_clear(&doctor);

        doctor_world_give(&w, guest, host_vf(w.host, 0));
        dev_add_use(host_vf(w.host, 1), USE_PROCESS, g_strdup("guest web1"), guest->pid, "web1");
        dev_add_use(host_vf(w.host, 2), USE_PROCESS, g_strdup("guest web2"), 999, "web2");
        Lease *lease = lease_new();
        lease->dev = host_vf(w.host, 3)->addr;
        lease->guest = g_strdup("qemu:web1");
        g_ptr_array_add(w.leases, lease);
        doctor_for_guest(&doctor, &input, guest);
        assert_scope(&doctor, "pfs enp1s0 vfs enp1s0/0 enp1s0/1 enp1s0/3 candidates enp1s0/0 enp1s0/1 enp1s0/3 guests 1");
        g_assert_false(vf_in_scope(&doctor, host_pf(w.host), 2));
        doctor_clear(&doctor);
}

static void test_groups(void) {
        g_auto(DoctorWorld) w = doctor_world(2);
        Doctor doctor;
        DoctorInput input = {.host = w.host};

        host_vf(w.host, 1)->iommu_group = host_pf(w.host)->iommu_group;
        doctor_world_disk(&w)->iommu_group = -1;
        doctor_for_host(&doctor, &input);
        g_assert_cmpuint(group_of(&doctor, host_pf(w.host))->len, ==, 2);
        g_assert_true(group_of(&doctor, host_vf(w.host, 1)) == group_of(&doctor, host_pf(w.host)));
        g_assert_cmpuint(group_of(&doctor, host_vf(w.host, 0))->len, ==, 1);
        g_assert_cmpuint(group_of(&doctor, doctor_world_disk(&w))->len, ==, 0);
        doctor_clear(&doctor);
}

static void test_worst(void) {
        g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func((GDestroyNotify) finding_free);
        g_assert_cmpint(findings_worst(findings), ==, SEVERITY_OK);
        g_ptr_array_add(findings, finding_new("a", TOPIC_CPU, SEVERITY_WARNING, ""));
        g_ptr_array_add(findings, finding_new("b", TOPIC_CPU, SEVERITY_NOTE, ""));
        g_assert_cmpint(findings_worst(findings), ==, SEVERITY_WARNING);
        g_ptr_array_add(findings, finding_new("c", TOPIC_CPU, SEVERITY_BLOCKS, ""));
        g_assert_cmpint(findings_worst(findings), ==, SEVERITY_BLOCKS);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/doctor/table", test_table);
        g_test_add_func("/doctor/no-check-twice", test_no_check_twice);
        g_test_add_func("/doctor/healthy", test_healthy);
        g_test_add_func("/doctor/healthy-is-quiet", test_healthy_is_quiet);
        g_test_add_func("/doctor/nothing-known", test_nothing_known);
        g_test_add_func("/doctor/empty-host", test_empty_host);
        g_test_add_func("/doctor/report", test_report);
        g_test_add_func("/doctor/ranges", test_ranges);
        g_test_add_func("/doctor/scope/host", test_scope_host);
        g_test_add_func("/doctor/scope/device", test_scope_device);
        g_test_add_func("/doctor/scope/guest", test_scope_guest);
        g_test_add_func("/doctor/groups", test_groups);
        g_test_add_func("/doctor/worst", test_worst);
        return g_test_run();
}
