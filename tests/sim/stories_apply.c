/* Stories of what a configuration brings about: VFs made and changed, each time all of it or nothing. */
#include "stage.h"

#include "base/error.h"
#include "model/conf.h"

#include <string.h>

#define PF "0000:01:00.0"
#define NUMVFS "sys/bus/pci/devices/" PF "/sriov_numvfs"

/* --- what the file says --------------------------------------------------------------------------------------- */

static ConfPf *pf(Conf *conf, const char *name, int64_t num_vfs) {
        g_autofree char *path = g_strdup_printf("etc/vfadm/%s.conf", name);
        ConfPf *one = conf_pf_new(path, 1);

        one->match[MATCH_NAME] = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(one->match[MATCH_NAME], g_strdup(name));
        one->num_vfs = num_vfs;
        g_ptr_array_add(conf->pfs, one);
        return one;
}

static void vfs(ConfPf *one, unsigned first, unsigned last, const char *words, const char *driver) {
        ConfVf *vf = conf_vf_new(one->place.path, 2);
        g_auto(GStrv) parts = g_strsplit(words, " ", 0);

        vf->first = first;
        vf->last = last;
        vf->driver = g_strdup(driver);
        vf->mac_grows = true;
        for (char **part = parts; *part; part++) {
                g_auto(GStrv) pair = g_strsplit(*part, "=", 2);
                g_autofree char *message = NULL;
                bool is_attribute;
                g_assert_true(vf_state_parse_word(pair[0], pair[1], &vf->vf, &is_attribute, &message));
        }
        g_ptr_array_add(one->vfs, vf);
}

/* Two with VFIO, one that stays bare, one with what the host has for it. */
static Conf *four(unsigned vlan) {
        Conf *conf = conf_new();
        ConfPf *one = pf(conf, "enp1s0", 4);
        g_autofree char *words = g_strdup_printf("mac=02:00:00:00:aa:00 vlan=%u trust=on", vlan);

        vfs(one, 0, 1, words, "vfio");
        vfs(one, 2, 2, "mac=02:00:00:00:bb:02", "none");
        return conf;
}

static bool apply(Stage *stage, Conf *conf, GError **error) {
        Want *want = want_new(WANT_APPLY);

        want->conf = conf;
        bool ok = stage_do(stage, want, NULL, error);
        conf_free(conf);
        return ok;
}

/* A second time there is nothing to do. */
static void again(Stage *stage, Conf *conf) {
        g_autoptr(GError) error = NULL;
        unsigned before = sim_operations(stage->sim);

        stage_must(apply(stage, conf, &error), error);
        g_assert_cmpuint(sim_operations(stage->sim), ==, before);
}

/* --- VFs that are new ----------------------------------------------------------------------------------------- */

static bool make_four(Stage *stage, GError **error) {
        return apply(stage, four(42), error);
}

static void check_four(Stage *stage) {
        stage_expect(stage, PF, "vfs=4 autoprobe=1");
        stage_expect(stage, "vf0", "mac=02:00:00:00:aa:00 vlan=42 trust=on");
        stage_expect(stage, "vf0", "driver=vfio-pci override=vfio-pci");
        stage_expect(stage, "vf1", "mac=02:00:00:00:aa:01 vlan=42 trust=on");
        stage_expect(stage, "vf2", "mac=02:00:00:00:bb:02");
        stage_expect(stage, "vf2", "driver=- override=- net=-");
        stage_expect(stage, "vf3", "driver=igbvf override=- net=enp1s0v3");
        again(stage, four(42));
}

static bool make_four_from_none(Stage *stage, GError **error) {
        Conf *conf = four(42);
        ((ConfPf *) conf->pfs->pdata[0])->autoprobe = 0;
        ((ConfPf *) conf->pfs->pdata[0])->up = 1;
        vfs(conf->pfs->pdata[0], 3, CONF_VF_LAST, "", "host");
        return apply(stage, conf, error);
}

static void check_from_none(Stage *stage) {
        stage_expect(stage, PF, "vfs=4 autoprobe=0 up");
        stage_expect(stage, "vf0", "driver=vfio-pci override=vfio-pci");
        stage_expect(stage, "vf3", "driver=igbvf override=-");
}

/* A second card whose configuration cannot be had: the first one's is not either. */
static bool make_two(Stage *stage, GError **error) {
        Conf *conf = four(42);
        vfs(pf(conf, "enp2s0", 2), 0, 1, "mac=02:00:00:00:cc:00 vlan=9", "vfio");
        return apply(stage, conf, error);
}

static void check_two(Stage *stage) {
        check_four(stage);
        stage_expect(stage, "vf1 0000:02", "mac=02:00:00:00:cc:01 vlan=9");
}

static bool make_too_many(Stage *stage, GError **error) {
        Conf *conf = four(42);
        pf(conf, "enp2s0", 8);
        return apply(stage, conf, error);
}

/* No port above the card isolates: no guest could have such a VF. */
static void check_nothing(Stage *stage) {
        stage_expect(stage, PF, "vfs=0 autoprobe=1");
}

/* --- VFs that are there --------------------------------------------------------------------------------------- */

static void four_there(Stage *stage) {
        g_autoptr(GError) error = NULL;
        stage_must(make_four(stage, &error), error);
}

static void seven_of_host(Stage *stage) {
        stage_echo(stage, NUMVFS, "7");
}

static bool change_vlan(Stage *stage, GError **error) {
        return apply(stage, four(7), error);
}

static void check_vlan(Stage *stage) {
        stage_expect(stage, "vf0", "mac=02:00:00:00:aa:00 vlan=7 trust=on");
        stage_expect(stage, "vf1", "mac=02:00:00:00:aa:01 vlan=7 trust=on");
        stage_expect(stage, "vf2", "vlan=0");
        again(stage, four(7));
}

/* The host's driver is on each, and MACs are new: the driver leaves, the MAC comes, and VFIO takes it. */
static bool take_from_host(Stage *stage, GError **error) {
        Conf *conf = four(42);
        ((ConfPf *) conf->pfs->pdata[0])->num_vfs = 7;
        return apply(stage, conf, error);
}

static void check_taken(Stage *stage) {
        stage_expect(stage, PF, "vfs=7 autoprobe=1");
        stage_expect(stage, "vf1", "mac=02:00:00:00:aa:01 vlan=42 trust=on");
        stage_expect(stage, "vf1", "driver=vfio-pci override=vfio-pci");
        stage_expect(stage, "vf2", "mac=02:00:00:00:bb:02");
        stage_expect(stage, "vf2", "driver=-");
        stage_expect(stage, "vf6", "driver=igbvf");
}

static bool resize(Stage *stage, GError **error) {
        return make_four(stage, error);
}

/* Each VF's MAC goes to the one before it, of which one has the host's driver. */
static bool move_macs(Stage *stage, GError **error) {
        Conf *conf = conf_new();
        vfs(pf(conf, "enp1s0", 4), 0, 3, "mac=02:00:00:00:aa:01", NULL);
        return apply(stage, conf, error);
}

static void macs_there(Stage *stage) {
        g_autoptr(GError) error = NULL;
        Conf *conf = conf_new();
        vfs(pf(conf, "enp1s0", 4), 0, 3, "mac=02:00:00:00:aa:00", NULL);
        stage_must(apply(stage, conf, &error), error);
        sim_quiesce(stage->sim);
}

static void check_moved(Stage *stage) {
        stage_expect(stage, "vf0", "mac=02:00:00:00:aa:01");
        stage_expect(stage, "vf3", "mac=02:00:00:00:aa:04");
        stage_expect(stage, "vf3", "driver=igbvf");
}

static bool take_away(Stage *stage, GError **error) {
        Conf *conf = conf_new();
        pf(conf, "enp1s0", 0);
        return apply(stage, conf, error);
}

/* --- somebody has one ----------------------------------------------------------------------------------------- */

static void one_attached(Stage *stage) {
        g_autoptr(GError) error = NULL;
        four_there(stage);
        sim_add_guest(stage->sim, "web1", 2, GUEST_GOOD);
        stage_must(stage_guest(stage, WANT_ATTACH, "qemu:web1", "enp1s0/0", "vlan=5", &error), error);
        sim_quiesce(stage->sim);
}

static void check_one_left(Stage *stage) {
        stage_expect(stage, PF, "vfs=4");
        stage_expect(stage, "vf0", "vlan=5");
        stage_expect(stage, "vf1", "vlan=7");
        stage_expect_leases(stage, 1);
}

/* More VFs than there are, and another VLAN: the number stays, since a guest has one of them. */
static bool change_around_guest(Stage *stage, GError **error) {
        Conf *conf = four(7);
        ((ConfPf *) conf->pfs->pdata[0])->num_vfs = 6;
        return apply(stage, conf, error);
}

/* --- others, meanwhile ---------------------------------------------------------------------------------------- */

static const Story stories[] = {
        {"apply-new", .cards = {"igb"}, .counts = true, .play = make_four, .check = check_four},
        {"apply-new-late-udev", SIM_LATE_UDEV, .cards = {"igb"}, .stride = 3, .play = make_four, .check = check_four},
        {"apply-new-from-none", SIM_PF_DOWN | SIM_AUTOPROBE_OFF, .cards = {"igb"}, .play = make_four_from_none, .check = check_from_none},
        {"apply-new-two-cards", .cards = {"igb", "igb"}, .stride = 3, .play = make_two, .check = check_two},
        {"apply-too-many", .cards = {"igb", "igb"}, .play = make_too_many, .refused = VFADM_ERROR_REFUSED, .says = "at most 7 VFs, not 8"},
        {"apply-new-no-acs", SIM_ACS_OFF, .cards = {"igb"}, .stride = 3, .play = make_four, .check = check_nothing, .refused = VFADM_ERROR_REFUSED,
         .says = "everything was undone"},
        {"apply-no-iommu", SIM_NO_IOMMU, .cards = {"igb"}, .play = make_four, .refused = VFADM_ERROR_UNSUPPORTED, .says = "no IOMMU is active"},
        {"apply-vlan", .cards = {"igb"}, .prepare = four_there, .play = change_vlan, .check = check_vlan},
        {"apply-to-vfs-of-host", .cards = {"igb"}, .stride = 2, .prepare = seven_of_host, .play = take_from_host, .check = check_taken},
        {"apply-resize", .cards = {"igb"}, .counts = true, .stride = 2, .prepare = seven_of_host, .play = resize, .check = check_four},
        {"apply-macs-move", .cards = {"igb"}, .stride = 2, .prepare = macs_there, .play = move_macs, .check = check_moved},
        {"apply-away", .cards = {"igb"}, .counts = true, .prepare = four_there, .play = take_away},
        {"apply-around-guest", .cards = {"igb"}, .prepare = one_attached, .play = change_around_guest, .check = check_one_left},
};

void stories_apply_add(void) {
        for (unsigned i = 0; i < G_N_ELEMENTS(stories); i++)
                story_add(&stories[i]);
}
