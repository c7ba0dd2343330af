/* 'vfadm import --config': what other files set as configuration, what contradicts itself, and those files without it. */
#include "base/error.h"
#include "host/mechanisms.h"
#include "plan/retire.h"
#include "plan/takeover.h"
#include "plan_world.h"
#include "hosts.h"
#include "want/conf_file.h"

#include <string.h>

/* ---- a world with files ---- */

static World files_world(unsigned vfs) {
        World w = world_new(vfs);
        w.host->setup = setup_new();
        w.host->setup->apply_enabled = true;
        return w;
}

static void parse(Setup *setup, const char *path, const char *text) {
        const size_t length = strlen(text);
        g_auto(UnitMatch) match = {0};

        if (strstr(path, "/modprobe.d/"))
                modprobe_parse(setup, path, text, length);
        else if (strstr(path, "/rules.d/"))
                udev_parse(setup, path, text, length, false);
        else if (g_str_has_suffix(path, ".link"))
                link_parse(setup, path, text, length, &match);
        else if (g_str_has_suffix(path, ".network"))
                network_parse(setup, path, text, length, &match, true);
        else if (strstr(path, "/system-connections/"))
                nm_profile_parse(setup, path, text, length);
        else if (strstr(path, "/NetworkManager/"))
                nm_conf_parse(setup, path, text, length);
        else if (strstr(path, "/tmpfiles.d/"))
                tmpfiles_parse(setup, path, text, length);
        else if (strstr(path, "/sysfs.d/"))
                sysfs_conf_parse(setup, path, text, length);
        else if (strstr(path, "/driverctl.d/"))
                driverctl_parse(setup, path, strrchr(path, '/') + 1, text, length);
        else if (strstr(path, "sysconfig"))
                ifcfg_parse(setup, path, text, length);
        else
                script_parse(setup, MECH_SCRIPT, path, text, length, true);
}

static void add_file(World *w, const char *path, const char *text) {
        parse(w->host->setup, path, text);
        g_hash_table_insert(w->host->setup->texts, g_strdup(path), g_strdup(text));
}

/* "line: state why" of each. */
static void assert_states(World *w, const Conf *conf, const char *expected) {
        g_autoptr(Takeovers) takeovers = plan_takeovers(w->host, conf);
        g_autoptr(GString) got = g_string_new(NULL);

        for (unsigned i = 0; i < takeovers->items->len; i++) {
                const Takeover *one = takeovers->items->pdata[i];
                g_autofree char *place = mechanism_place(one->mechanism), *says = takeover_says(one);
                g_string_append_printf(got, "%s %s: %s%s%s\n", strrchr(place, '/') + 1, says, takeover_state_word(one->state), one->why ? ": " : "",
                                       one->why ? one->why : "");
        }
        g_assert_cmpstr(got->str, ==, expected);
}

static Plan *import(World *w, const Conf *conf, bool retire, GError **error) {
        Want *ask = want_new(WANT_IMPORT);
        ask->conf = conf;
        ask->retire = retire;
        return plan_of(w, ask, error);
}

/* Every file that the plan changes, as it will be: "=== path", then the text; "gone" where it will not be. */
static char *written(const Plan *plan) {
        GString *out = g_string_new(NULL);

        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                g_assert_cmpint(step->kind, ==, STEP_FILE);
                g_string_append_printf(out, "=== %s\n%s", step->path, step->to.text ? step->to.text : "gone\n");
        }
        return g_string_free(out, FALSE);
}

static void assert_written(World *w, const Conf *conf, bool retire, const char *expected) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Plan) plan = import(w, conf, retire, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(plan->refusals->len, ==, 0);
        g_autofree char *got = written(plan);
        g_assert_cmpstr(got, ==, expected);
}

static void assert_note(World *w, const Conf *conf, bool retire, const char *says) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Plan) plan = import(w, conf, retire, &error);
        bool found = false;

        g_assert_no_error(error);
        for (unsigned i = 0; i < plan->notes->len; i++)
                found = found || strstr(plan->notes->pdata[i], says);
        if (!found)
                g_error("no note says \"%s\"", says);
}

static Conf *conf_of(const char *text) {
        Conf *conf = conf_new();
        g_autoptr(GError) error = NULL;
        const IniText file = {.path = "etc/vfadm/lan.conf", .text = text, .length = strlen(text)};
        conf_file_parse(&file, 1, conf, &error);
        g_assert_no_error(error);
        return conf;
}

#define RULES "etc/udev/rules.d/70-vfs.rules"
#define RULE(n) "SUBSYSTEM==\"net\", KERNEL==\"enp1s0\", ATTR{device/sriov_numvfs}=\"" #n "\"\n"
#define HEAD "# enp1s0 at 0000:01:00.0, driver igb, when this was written\n[Match]\nPermanentMACAddress=02:00:00:00:01:01\n"
#define NEW "=== etc/vfadm/imported-enp1s0.conf\n" HEAD

/* ---- what is written ---- */

static void test_together(void) {
        World w = files_world(3);
        add_file(&w, "etc/modprobe.d/igb.conf", "options igb max_vfs=3\n");
        add_file(&w, RULES, RULE(3) "KERNEL==\"enp1s0\", ATTR{device/sriov_drivers_autoprobe}=\"0\"\n");
        add_file(&w, "etc/systemd/network/a.network", "[Match]\nName=enp1s0\n[SR-IOV]\nVirtualFunction=0\nVLANId=42\n[SR-IOV]\nVirtualFunction=1\nVLANId=42\n");
        add_file(&w, "etc/driverctl.d/pci-0000:01:10.4", "vfio-pci\n");
        assert_states(&w, NULL, "igb.conf:1 VFs=3: not said yet\n70-vfs.rules:1 VFs=3: not said yet\n70-vfs.rules:2 Autoprobe=no: not said yet\n"
                                "a.network:3 VF 0: vlan=42; VF 1: vlan=42: not said yet\npci-0000:01:10.4:1 Driver=vfio-pci: not said yet\n");
        assert_written(&w, NULL, false, NEW "\n[PF]\nVFs=3\nAutoprobe=no\n\n[VF 0-1]\nVLAN=42\n\n[VF 2]\nDriver=vfio-pci\n");
        world_clear(&w);
}

/* What was written is found again, and says the same. */
static void test_again(void) {
        World w = files_world(3);
        add_file(&w, RULES, RULE(3));
        add_file(&w, "etc/driverctl.d/pci-0000:01:10.4", "vfio-pci\n");
        g_autoptr(Conf) conf = conf_of(HEAD "[PF]\nVFs=3\n[VF 2]\nDriver=vfio\nTrust=on\n");
        assert_states(&w, conf, "70-vfs.rules:1 VFs=3: said already\npci-0000:01:10.4:1 Driver=vfio-pci: said already\n");
        assert_written(&w, conf, false, "");
        assert_written(&w, conf, true, "=== " RULES "\n" RETIRED RULE(3)
                                       "=== etc/driverctl.d/pci-0000:01:10.4.vfadm-retired\nvfio-pci\n=== etc/driverctl.d/pci-0000:01:10.4\ngone\n");
        world_clear(&w);
}

static void test_configured_otherwise(void) {
        World w = files_world(3);
        add_file(&w, RULES, RULE(3));
        add_file(&w, "etc/driverctl.d/pci-0000:01:10.4", "vfio-pci\n");
        g_autoptr(Conf) conf = conf_of(HEAD "[PF]\nVFs=3\n");
        assert_states(&w, conf, "70-vfs.rules:1 VFs=3: said already\n"
                                "pci-0000:01:10.4:1 Driver=vfio-pci: in conflict: /etc/vfadm/lan.conf is about 0000:01:00.0, and does not say so\n");
        assert_written(&w, conf, true, "=== " RULES "\n" RETIRED RULE(3));
        world_clear(&w);
}

static void test_contradiction(void) {
        World w = files_world(3);
        add_file(&w, RULES, RULE(3));
        add_file(&w, "etc/modprobe.d/igb.conf", "options igb max_vfs=4\n");
        add_file(&w, "etc/driverctl.d/pci-0000:01:10.4", "vfio-pci\n");
        assert_states(&w, NULL, "70-vfs.rules:1 VFs=3: in conflict: /etc/modprobe.d/igb.conf:1 says otherwise\n"
                                "igb.conf:1 VFs=4: in conflict: /" RULES ":1 says otherwise\n"
                                "pci-0000:01:10.4:1 Driver=vfio-pci: in conflict: what else is said of 0000:01:00.0 does not fit together\n");
        assert_written(&w, NULL, true, "");
        assert_note(&w, NULL, true, "/etc/modprobe.d/igb.conf:1: in conflict: /" RULES ":1 says otherwise");
        world_clear(&w);
}

static void test_vf_contradictions(void) {
        World w = files_world(3);
        add_file(&w, "etc/systemd/network/a.network", "[Match]\nName=enp1s0\n[SR-IOV]\nVirtualFunction=0\nVLANId=42\nTrust=yes\n");
        add_file(&w, "etc/rc.local", "ip link set enp1s0 vf 0 vlan 43\n");
        assert_states(&w, NULL, "a.network:3 VF 0: vlan=42 trust=on: in conflict: /etc/rc.local:1 says otherwise\n"
                                "rc.local:1 VF 0: vlan=43: in conflict: /etc/systemd/network/a.network:3 says otherwise\n");
        world_clear(&w);

        w = files_world(3);
        add_file(&w, "etc/rc.local", "ip link set enp1s0 vf 0 mac 02:00:00:00:00:01\nip link set enp1s0 vf 1 mac 02:00:00:00:00:01\n");
        assert_states(&w, NULL, "rc.local:1 VF 0: mac=02:00:00:00:00:01: in conflict: /etc/rc.local:2 says otherwise\n"
                                "rc.local:2 VF 1: mac=02:00:00:00:00:01: in conflict: /etc/rc.local:1 says otherwise\n");
        world_clear(&w);
}

/* Nobody says how many VFs: then as many as there are. */
static void test_count_of_today(void) {
        World w = files_world(2);
        add_file(&w, "etc/rc.local", "ip link set enp1s0 vf 1 trust on\n");
        assert_written(&w, NULL, false, NEW "\n[PF]\nVFs=2\n\n[VF 1]\nTrust=on\n");
        add_file(&w, "etc/network.sh", "ip link set enp1s0 vf 2 trust on\n");
        assert_states(&w, NULL, "rc.local:1 VF 1: trust=on: in conflict: what else is said of 0000:01:00.0 does not fit together\n"
                                "network.sh:1 VF 2: trust=on: cannot be taken over: 0000:01:00.0 would have no VF 2\n");
        world_clear(&w);
}

static void test_impossible(void) {
        World w = files_world(1);
        add_file(&w, RULES, "KERNEL==\"enp9s0\", ATTR{device/sriov_numvfs}=\"3\"\n"
                            "KERNEL==\"enp1s0\", ENV{X}==\"1\", ATTR{device/sriov_numvfs}=\"3\"\n"
                            "KERNEL==\"enp1s0\", ATTR{device/sriov_numvfs}=\"$env{N}\"\n" RULE(99)
                            "KERNEL==\"enp1s0\", RUN+=\"/bin/sh -c 'for i in 0 1; do ip link set enp1s0 vf $i trust on; done'\"\n");
        add_file(&w, "etc/driverctl.d/pci-0000:00:01.0", "vfio-pci\n");
        add_file(&w, "etc/driverctl.d/pci-0000:09:00.0", "vfio-pci\n");
        add_file(&w, "etc/systemd/network/999.link", "[Match]\nOriginalName=enp1s0\n[Link]\nSR-IOVVirtualFunctions=1\n");
        add_file(&w, "etc/modprobe.d/igb.conf", "blacklist igbvf\noptions vfio-pci disable_idle_d3=1\n");
        assert_states(&w, NULL, "70-vfs.rules:1 VFs=3: cannot be taken over: no PF of this host is surely meant\n"
                                "70-vfs.rules:2 VFs=3: cannot be taken over: vfadm cannot weigh its condition ENV{X}\n"
                                "70-vfs.rules:3 VFs=?: cannot be taken over: how many VFs cannot be told from it\n"
                                "70-vfs.rules:4 VFs=99: cannot be taken over: 0000:01:00.0 can have 7 VFs\n"
                                "70-vfs.rules:5 ?: cannot be taken over: what it sets of which VF cannot be told: VFs whose number is not told\n"
                                "pci-0000:00:01.0:1 Driver=vfio-pci: cannot be taken over: 0000:00:01.0 is no VF\n"
                                "pci-0000:09:00.0:1 Driver=vfio-pci: cannot be taken over: no function that is here now is surely meant\n"
                                "999.link:4 VFs=1: does nothing: it is not enabled, or another file comes before it\n");
        assert_written(&w, NULL, true, "");
        world_clear(&w);
}

/* ---- what stays ---- */

static void test_partly(void) {
        World w = files_world(3);
        static const char rule[] = "KERNEL==\"enp1s0\", ATTR{device/sriov_numvfs}=\"3\", NAME=\"lan\"\n";
        add_file(&w, RULES, rule);
        add_file(&w, "etc/systemd/network/a.network", "[Match]\nName=enp1s0\n[SR-IOV]\nVirtualFunction=0\nVLANId=42\nLinkState=yes\n");
        assert_states(&w, NULL, "70-vfs.rules:1 VFs=3: not said yet: but for NAME\n"
                                "a.network:3 VF 0: vlan=42 link=on: not said yet: but for link, which igb does not take\n");
        assert_written(&w, NULL, true, NEW "\n[PF]\nVFs=3\n\n[VF 0]\nVLAN=42\n");
        assert_note(&w, NULL, true, "/" RULES ":1: not said yet but for NAME");
        world_clear(&w);
}

/* Two ids on one line, of which one is of no VF; a section beside one that cannot be told. */
static void test_shared_lines(void) {
        World w = files_world(1);
        add_file(&w, "etc/modprobe.d/vfio.conf", "options vfio-pci ids=8086:10ca,10de:1b80\n");
        assert_states(&w, NULL, "vfio.conf:1 Driver=vfio-pci: not said yet\n"
                                "vfio.conf:1 Driver=vfio-pci: cannot be taken over: no function that is here now is surely meant\n");
        assert_written(&w, NULL, true, NEW "\n[PF]\nVFs=1\n\n[VF 0]\nDriver=vfio-pci\n");
        world_clear(&w);
}

static void test_not_retired(void) {
        World w = files_world(3);
        parse(w.host->setup, "usr/lib/udev/rules.d/70-vfs.rules", RULE(3));
        assert_note(&w, NULL, true, "/usr/lib/udev/rules.d/70-vfs.rules is not retired: it comes with a package");
        parse(w.host->setup, "etc/NetworkManager/system-connections/a", "[connection]\ninterface-name=enp1s0\n[sriov]\ntotal-vfs=3\n");
        assert_note(&w, NULL, true, "/etc/NetworkManager/system-connections/a is not retired: it may hold secrets");
        add_file(&w, "etc/rc.local", "echo 3 > /sys/class/net/enp1s0/device/sriov_numvfs\n");
        assert_note(&w, NULL, true, "/etc/rc.local is not retired: a boot script is left to you");
        world_clear(&w);
}

static void test_service_off(void) {
        World w = files_world(3);
        g_autoptr(GError) error = NULL;
        add_file(&w, RULES, RULE(3));
        w.host->setup->apply_enabled = false;
        g_autoptr(Plan) plan = import(&w, NULL, true, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(plan->refusals->len, ==, 1);
        g_assert_cmpuint(plan->steps->len, ==, 0);
        g_assert_nonnull(strstr(((Refusal *) plan->refusals->pdata[0])->message, "systemctl enable vfadm-apply.service"));
        assert_written(&w, NULL, false, NEW "\n[PF]\nVFs=3\n");
        world_clear(&w);
}

/* ---- texts ---- */

/* All that the file holds is taken out of it. */
static void assert_retired(const char *path, const char *text, const char *expected) {
        Setup *setup = setup_new();
        g_autofree char *why = NULL;

        parse(setup, path, text);
        g_autofree char *now = retire_text(text, setup->mechanisms, &why);
        g_assert_cmpstr(why, ==, NULL);
        g_assert_cmpstr(now, ==, expected);
        setup_free(setup);
}

#define R RETIRED

static void test_texts(void) {
        assert_retired(RULES, "# a\nKERNEL==\"a\", \\\n  ATTR{sriov_numvfs}=\"3\"\nNAME=\"x\"\n", "# a\n" R "KERNEL==\"a\", \\\n" R "  ATTR{sriov_numvfs}=\"3\"\nNAME=\"x\"\n");
        assert_retired(RULES, "KERNEL==\"a\", ATTR{sriov_numvfs}=\"3\"", R "KERNEL==\"a\", ATTR{sriov_numvfs}=\"3\"");
        assert_retired("etc/modprobe.d/a.conf", "options igb max_vfs=3\nblah\n", R "options igb max_vfs=3\nblah\n");
        assert_retired("etc/modprobe.d/a.conf", "options igb  debug=1 max_vfs=3 x", R "options igb  debug=1 max_vfs=3 x\noptions igb debug=1 x");
        assert_retired("etc/modprobe.d/a.conf", "options igb \\\n max_vfs=3\noptions igb max_vfs=2\n", R "options igb \\\n" R " max_vfs=3\n" R "options igb max_vfs=2\n");
        assert_retired("etc/tmpfiles.d/a.conf", "d /x\nw /sys/class/net/a/device/sriov_numvfs - - - - 3\n", "d /x\n" R "w /sys/class/net/a/device/sriov_numvfs - - - - 3\n");
        assert_retired("etc/sysfs.d/a.conf", "class/net/a/device/sriov_numvfs = 0\n# b\nclass/net/a/device/sriov_numvfs = 0\nclass/net/a/device/sriov_numvfs = 3\n",
                       R "class/net/a/device/sriov_numvfs = 0\n# b\n" R "class/net/a/device/sriov_numvfs = 0\n" R "class/net/a/device/sriov_numvfs = 3\n");
        assert_retired("etc/systemd/network/a.link", "[Match]\nOriginalName=a\n\n[Link]\nMTUBytes=1\nSR-IOVVirtualFunctions=3\n\n[SR-IOV]\n# c\nVirtualFunction=0\n\nTrust=on\n[Other]\nA=b\n",
                       "[Match]\nOriginalName=a\n\n[Link]\nMTUBytes=1\n" R "SR-IOVVirtualFunctions=3\n\n" R "[SR-IOV]\n# c\n" R "VirtualFunction=0\n\n" R "Trust=on\n[Other]\nA=b\n");
        assert_retired("etc/NetworkManager/system-connections/a", "[sriov]\ntotal-vfs=3\n[ipv4]\nmethod=auto\n", R "[sriov]\n" R "total-vfs=3\n[ipv4]\nmethod=auto\n");
        assert_retired("etc/NetworkManager/conf.d/a.conf", "[device-a]\nmatch-device=interface-name:a\nsriov-num-vfs=3\n", "[device-a]\nmatch-device=interface-name:a\n" R "sriov-num-vfs=3\n");
        assert_retired("etc/sysconfig/network-scripts/ifcfg-a", "DEVICE=a\nSRIOV_TOTAL_VFS=3\nSRIOV_VF0=\"trust=true\"\n", "DEVICE=a\n" R "SRIOV_TOTAL_VFS=3\n" R "SRIOV_VF0=\"trust=true\"\n");

        Setup *setup = setup_new();
        g_autofree char *why = NULL;
        modprobe_parse(setup, "etc/modprobe.d/a.conf", "options igb max_vfs=3 \\\n debug=1\n", strlen("options igb max_vfs=3 \\\n debug=1\n"));
        g_assert_null(retire_text("options igb max_vfs=3 \\\n debug=1\n", setup->mechanisms, &why));
        g_assert_nonnull(strstr(why, "go on in the next line"));
        setup_free(setup);
}

/* What is retired is nothing any more, and taking the marks away brings all back. */
static void test_back(void) {
        static const char text[] = "# a\nKERNEL==\"enp1s0\", \\\n  ATTR{device/sriov_numvfs}=\"3\"\n" RULE(3);
        Setup *setup = setup_new(), *after = setup_new();
        g_autofree char *why = NULL;

        parse(setup, RULES, text);
        g_assert_cmpuint(setup->mechanisms->len, ==, 2);
        g_autofree char *now = retire_text(text, setup->mechanisms, &why);
        parse(after, RULES, now);
        g_assert_cmpuint(after->mechanisms->len, ==, 0);
        g_auto(GStrv) parts = g_strsplit(now, RETIRED, -1);
        g_autofree char *back = g_strjoinv("", parts);
        g_assert_cmpstr(back, ==, text);
        setup_free(setup);
        setup_free(after);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/import/together", test_together);
        g_test_add_func("/import/again", test_again);
        g_test_add_func("/import/configured-otherwise", test_configured_otherwise);
        g_test_add_func("/import/contradiction", test_contradiction);
        g_test_add_func("/import/vf-contradictions", test_vf_contradictions);
        g_test_add_func("/import/count-of-today", test_count_of_today);
        g_test_add_func("/import/impossible", test_impossible);
        g_test_add_func("/import/partly", test_partly);
        g_test_add_func("/import/shared-lines", test_shared_lines);
        g_test_add_func("/import/not-retired", test_not_retired);
        g_test_add_func("/import/service-off", test_service_off);
        g_test_add_func("/import/texts", test_texts);
        g_test_add_func("/import/back", test_back);
        return g_test_run();
}
