/* What of the VFs comes back after a reboot: how many are made, by whom, and who sets them. */
#include "doctor/persistence.h"

#include "model/nic.h"

#include <string.h>

/* ---- VFs that nothing makes again ---- */

/* Of the mechanisms for which `fits` holds, the first that means this PF. */
static const Mechanism *find(const Doctor *doctor, const Dev *pf, bool (*fits)(const Mechanism *),
                             bool (*means)(const Mechanism *, const Dev *)) {
        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *m = doctor->setup->mechanisms->pdata[i];
                if (fits(m) && means(m, pf))
                        return m;
        }
        return NULL;
}

static bool would_make_vfs(const Mechanism *m) {
        return (m->sets & SETS_NUMVFS) && m->num_vfs != 0;
}

/* It means no PF that this host has: made for a card that went away, moved or was renamed. */
static const Mechanism *find_stray(const Doctor *doctor) {
        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *m = doctor->setup->mechanisms->pdata[i];
                bool meant = !makes_vfs(m);
                for (unsigned k = 0; !meant && k < doctor->pfs->len; k++)
                        meant = mechanism_may_mean(m, doctor->pfs->pdata[k]);
                if (!meant)
                        return m;
        }
        return NULL;
}

/* By the bus address and the driver: "add" comes again for what the initial RAM disk had bound (udev replays "add"), "bind" when
 * the driver comes later; a rule with DRIVER== does nothing while another driver has the PF. */
static void remedy_rule(Finding *f, const Dev *pf) {
        const NicDriver *nic = nic_driver(pf->driver);
        if (!pf->driver) {
                remedy(f, "give the PF its driver first");
                return;
        }
        if (nic && nic->enable_needs_up)
                remedy(f, "a service after the network is up, with ExecStart=/usr/sbin/vfadm enable %s %u: %s gives no VFs while the PF is "
                       "down", pf->name, pf->num_vfs, pf->driver);
        else
                remedy(f, "echo 'ACTION==\"add|bind\", SUBSYSTEM==\"pci\", KERNEL==\"%s\", DRIVER==\"%s\", ATTR{sriov_numvfs}=\"%u\"' "
                       "> /etc/udev/rules.d/70-vfs-%s.rules", pf->name, pf->driver, pf->num_vfs, pf->name);
}

static void not_persistent(Doctor *doctor, const Dev *pf) {
        const Mechanism *asleep = find(doctor, pf, would_make_vfs, mechanism_means);
        const Mechanism *stray = asleep || doctor->scope != SCOPE_HOST ? NULL : find_stray(doctor);
        bool hidden = doctor->setup->mechanisms_hidden;
        Finding *f = report_dev(doctor, hidden ? SEVERITY_NOTE : SEVERITY_WARNING, pf, "nothing makes its %u VF%s again after a reboot%s",
                                pf->num_vfs, pf->num_vfs == 1 ? "" : "s", hidden ? ", as far as can be read without root" : "");
        if (asleep) {
                g_autofree char *place = mechanism_place(asleep);
                seen_in(f, "%s", place);
                seen(f, "a %s for it is there, and is not active", mechanism_word(asleep->kind));
        } else if (stray) {
                g_autofree char *place = mechanism_place(stray);
                seen_in(f, "%s", place);
                seen(f, "a %s makes VFs for a device that is not here", mechanism_word(stray->kind));
        } else {
                seen(f, "no udev rule, .link file, modprobe option, unit or other boot file that makes VFs of it");
                seen_in(f, "/etc, /run, /usr/lib");
        }
        remedy_rule(f, pf);
}

static void check_not_persistent(Doctor *doctor) {
        unsigned persistent = 0, missing = 0;

        if (doctor->no_setup || setup_tool(doctor->setup, "sriov-network-operator"))
                return;
        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                if (pf->num_vfs == 0)
                        continue;
                if (find(doctor, pf, makes_vfs, mechanism_may_mean)) {
                        persistent++;
                } else {
                        not_persistent(doctor, pf);
                        missing++;
                }
        }
        if (persistent && !missing)
                report(doctor, SEVERITY_OK, NULL, "VFs made again at boot");
}

/* ---- how many ---- */

static void count_differs(Doctor *doctor, const Dev *pf, const Mechanism *m) {
        if (m->num_vfs < 0 || m->num_vfs == (int64_t) pf->num_vfs)
                return;
        Finding *f;
        if (pf->total_vfs && m->num_vfs > (int64_t) pf->total_vfs)
                f = report_dev(doctor, SEVERITY_WARNING, pf, "%d VFs are asked for at boot, and it can have %u: the kernel will make none",
                               (int) m->num_vfs, pf->total_vfs);
        else
                f = report_dev(doctor, SEVERITY_NOTE, pf, "it has %u VFs now, and %d after a reboot", pf->num_vfs, (int) m->num_vfs);
        seen_mechanism(f, m);
}

static void check_count(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                const Mechanism *m = find(doctor, pf, makes_vfs, mechanism_means);
                if (m)
                        count_differs(doctor, pf, m);
        }
}

/* ---- two that fight ---- */

static void fight(Doctor *doctor, const Dev *pf, const Mechanism *a, const Mechanism *b) {
        g_autofree char *first = mechanism_place(a), *second = mechanism_place(b);
        bool differ = a->num_vfs >= 0 && b->num_vfs >= 0 && a->num_vfs != b->num_vfs;
        Finding *f;

        if (differ)
                f = report_dev(doctor, SEVERITY_WARNING, pf, "a %s and a %s want different numbers of VFs", mechanism_word(a->kind),
                               mechanism_word(b->kind));
        else
                f = report_dev(doctor, SEVERITY_NOTE, pf, "a %s and a %s both make its VFs", mechanism_word(a->kind),
                               mechanism_word(b->kind));
        if (differ)
                seen(f, "%d and %d", (int) a->num_vfs, (int) b->num_vfs);
        seen_in(f, "%s and %s", first, second);
        remedy(f, "keep one of the two");
}

/* Of one file one line is enough: its own lines are its own business. */
static void check_fight(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                const Mechanism *first = NULL, *second = NULL;
                for (unsigned k = 0; k < doctor->setup->mechanisms->len; k++) {
                        const Mechanism *m = doctor->setup->mechanisms->pdata[k];
                        if (!m->active || !(m->sets & SETS_NUMVFS) || !mechanism_means(m, pf))
                                continue;
                        if (!first) {
                                first = m;
                        } else if (!g_str_equal(m->path, first->path) || m->kind != first->kind) {
                                bool worse = m->num_vfs >= 0 && first->num_vfs >= 0 && m->num_vfs != first->num_vfs;
                                second = !second || worse ? m : second;
                                if (worse)
                                        break;
                        }
                }
                if (second)
                        fight(doctor, pf, first, second);
        }
}

/* ---- what is set on VFs ---- */

/* A MAC alone does not count: igb and ixgbe show there also what a VF's own driver took (igb_main.c igb_set_vf_mac_addr). */
static bool is_set(const Dev *pf, const VfState *state) {
        const NicDriver *nic = nic_driver(pf->driver);
        bool fresh_spoofchk = nic && nic->fresh_spoofchk < 0 ? false : true;

        return ((state->known & VF_VLAN) && (state->vlan || state->qos)) || ((state->known & VF_TRUST) && state->trust) ||
               ((state->known & VF_SPOOFCHK) && nic && nic->fresh_spoofchk && state->spoofchk != fresh_spoofchk) ||
               ((state->known & VF_LINK) && state->link != VF_LINK_AUTO) || ((state->known & VF_MAX_RATE) && state->max_rate) ||
               ((state->known & VF_MIN_RATE) && state->min_rate);
}

static bool sets_vf_state(const Mechanism *m) {
        return m->active && (m->sets & SETS_VF_STATE);
}

/* What a lease or a running guest holds is somebody's for now, not the host's own setting. */
static bool given(const Doctor *doctor, const Dev *pf, unsigned number) {
        const Dev *vf = snapshot_vf(doctor->host, pf, number);
        const Use *use = vf ? dev_use(vf) : NULL;
        return !vf || lease_of(doctor, vf) || (use && use->kind == USE_PROCESS);
}

static void check_state(Doctor *doctor) {
        for (unsigned i = 0; !doctor->no_setup && i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(unsigned));
                const VfState *example = NULL;
                if (!pf->vf_infos || find(doctor, pf, sets_vf_state, mechanism_may_mean))
                        continue;
                for (unsigned k = 0; k < pf->vf_infos->len; k++) {
                        const VfInfo *info = &g_array_index(pf->vf_infos, VfInfo, k);
                        if (info->missing || !is_set(pf, &info->state) || given(doctor, pf, info->index) ||
                            !vf_in_scope(doctor, pf, info->index))
                                continue;
                        example = example ? example : &info->state;
                        g_array_append_val(numbers, info->index);
                }
                if (!example)
                        continue;
                g_autofree char *text = vf_state_format(example, VF_ALL);
                Finding *f = report_vfs(doctor, SEVERITY_NOTE, pf, numbers, "nothing sets this again after a reboot");
                seen(f, "%s%s", text, numbers->len > 1 ? " (the first of them)" : "");
                remedy(f, "a service after the VFs are made, with ExecStart=/usr/sbin/vfadm set …, or [SR-IOV] in the PF's .link file");
        }
}

/* ---- made too early ---- */

static void check_needs_up(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                const NicDriver *nic = nic_driver(pf->driver);
                const Mechanism *m = nic && nic->enable_needs_up ? find(doctor, pf, makes_vfs, mechanism_means) : NULL;
                if (!m || (m->kind != MECH_LINK && m->kind != MECH_UDEV && m->kind != MECH_SYSFS && m->kind != MECH_TMPFILES))
                        continue;
                Finding *f = report_dev(doctor, SEVERITY_WARNING, pf, "its VFs are asked for before it is up, and %s gives none then",
                                        pf->driver);
                seen_mechanism(f, m);
                remedy(f, "a service after the network is up, with ExecStart=/usr/sbin/vfadm enable %s %d", pf->name,
                       m->num_vfs > 0 ? (int) m->num_vfs : 1);
        }
}

/* ---- the table ---- */

const Check checks_persistence[] = {
        {.id = "vfs-not-persistent", .topic = TOPIC_PERSISTENCE, .scopes = SCOPE_HOST | SCOPE_DEVICE,
         .title = "VFs that nothing makes again after a reboot",
         .why = "The kernel forgets its VFs at each boot, and guests that want one will not start.",
         .explain =
                 "The number of VFs is a value in the running kernel, sriov_numvfs of the PF. At each boot it is 0 "
                 "until something writes it: a udev rule, SR-IOVVirtualFunctions= in a systemd.link file, a "
                 "NetworkManager profile, netplan, a service, a script, a module option. vfadm looks for all of these "
                 "in /etc, /run and /usr/lib and found none that means this PF and is active.\n\n"
                 "The remedy is one line for /etc/udev/rules.d. It acts when the driver is bound to this address, be "
                 "it in the initial RAM disk or later. Try it with 'udevadm test /sys/bus/pci/devices/ADDRESS' and "
                 "reboot once at a quiet hour. A .link file does it as well, but note that udev takes one .link file "
                 "only for an interface: yours must sort before 99-default.link and must repeat its NamePolicy=, "
                 "AlternativeNamesPolicy= and MACAddressPolicy=, or the interface changes its name.\n\n"
                 "Where a file is named that makes VFs for a device which is not here, the card has moved: addresses "
                 "and names change when cards are added.",
         .run = check_not_persistent},
        {.id = "vf-count-differs", .topic = TOPIC_PERSISTENCE, .scopes = SCOPE_HOST | SCOPE_DEVICE,
         .title = "Another number of VFs after the next boot",
         .why = "What runs now is not what runs after a reboot.",
         .explain =
                 "A file makes a number of VFs at boot that is not the number of now. Either somebody changed the "
                 "running number since, or what the file asks for did not succeed: look for sriov_numvfs or the PF's "
                 "driver in 'journalctl -b'. A number above what the PF can have (sriov_totalvfs) is refused as a "
                 "whole: the kernel makes none (ERANGE).",
         .run = check_count},
        {.id = "vf-mechanisms-fight", .topic = TOPIC_PERSISTENCE, .scopes = SCOPE_HOST | SCOPE_DEVICE,
         .title = "Two files make VFs of the same PF",
         .why = "The kernel does not change a number that is not 0, so whichever comes first wins.",
         .explain =
                 "From one number of VFs to another the kernel goes by 0 only (EBUSY otherwise), and 0 takes the VFs "
                 "from whoever has them. With two mechanisms that ask for different numbers the first wins, and the "
                 "second fails or, when it writes 0 before, pulls VFs from under guests that have started meanwhile. "
                 "Which is first depends on timing. Keep one. Where both ask for the same number it works, until "
                 "somebody edits one of them.",
         .run = check_fight},
        {.id = "vf-state-not-persistent", .topic = TOPIC_PERSISTENCE, .scopes = SCOPE_HOST | SCOPE_DEVICE,
         .title = "VF settings that are lost at a reboot",
         .why = "VLAN, trust and rates of a VF live in the PF's driver and are gone with it.",
         .explain =
                 "VLAN, trust, spoof check, link state and rates of a VF are kept by the PF's driver in memory. They "
                 "are gone after a reboot, after the driver is loaded anew, and after the number of VFs went through "
                 "0. A VF that a guest gets from vfadm is set when it is given, so what vfadm gave is not told here; "
                 "this is about VFs that were set by hand. A systemd.link file sets them with one [SR-IOV] section a "
                 "VF, a NetworkManager profile with vf.N= lines, a service with 'vfadm set'.",
         .run = check_state},
        {.id = "vfs-before-pf-up", .topic = TOPIC_PERSISTENCE, .scopes = SCOPE_HOST | SCOPE_DEVICE,
         .title = "VFs are made before the PF is up",
         .why = "This driver gives no VFs while its PF is down, and says that it succeeded.",
         .explain =
                 "Broadcom's bnxt_en makes VFs only while the PF is up; before that writing sriov_numvfs succeeds and "
                 "gives 0 VFs (bnxt_sriov.c). udev rules and .link files act before anybody brings the interface up "
                 "(systemd issue 40739). Let a service do it that has After=network-online.target and "
                 "Before=libvirtd.service virtqemud.service.",
         .run = check_needs_up},
        {.id = "nm-owns-vfs", .topic = TOPIC_PERSISTENCE, .scopes = SCOPE_HOST | SCOPE_DEVICE,
         .title = "NetworkManager removes VFs when a profile goes down",
         .why = "Taking the PF's profile down pulls the VFs out of every guest that has one.",
         .explain =
                 "A NetworkManager profile with an sriov setting owns the number of VFs: it writes it when the "
                 "profile is activated, and 0 when it is deactivated or fails (nm-device.c): with 'nmcli connection "
                 "down', or when the profile is changed and activated again. VFIO does not stop it: the guest is "
                 "asked to let go, and the write waits until it has.\n\n"
                 "From NetworkManager 1.54 on, preserve-on-down=1 in the profile's [sriov] section keeps the VFs. "
                 "With an older one, take the section out ('nmcli connection modify NAME sriov.total-vfs 0' still "
                 "leaves a setting; edit the keyfile) and let a udev rule make the VFs.",
         .run = check_nm_owns_vfs},
        {.id = "driver-override-differs", .topic = TOPIC_PERSISTENCE, .scopes = SCOPE_HOST | SCOPE_DEVICE,
         .title = "Another driver after the next boot",
         .why = "At boot driverctl or a rule binds the device to another driver than it has now.",
         .explain =
                 "A file of /etc/driverctl.d (or a udev rule, a script) binds this device to a driver at boot, and "
                 "now it has another, or vfadm remembers another to give it back to. vfadm's own bindings last until "
                 "the next boot; driverctl's come back at each. Decide for one: 'driverctl unset-override DEVICE' "
                 "ends driverctl's. It is a warning when the host itself uses the device, since the host loses it at "
                 "the next boot.",
         .run = check_driver_override},
        {.id = "max-vfs-option", .topic = TOPIC_PERSISTENCE, .scopes = SCOPE_HOST | SCOPE_DEVICE,
         .title = "VFs by a module option",
         .why = "max_vfs is deprecated, is for all cards of the driver at once, and hides in the initial RAM disk.",
         .explain =
                 "Options such as 'options igb max_vfs=7' make VFs when the driver loads. They apply to every card of "
                 "that driver; where the driver loads from the initial RAM disk a change does nothing until that is "
                 "built anew ('update-initramfs -u', 'dracut -f'); igb and ixgbe call the option deprecated, and "
                 "newer drivers have none. Guests and networks may start before or after. A udev rule for each card "
                 "says what is meant.",
         .run = check_max_vfs},
        {.id = "vfio-ids-grab", .topic = TOPIC_PERSISTENCE, .scopes = SCOPE_HOST,
         .title = "vfio-pci takes all devices of an id at boot",
         .why = "An id means every card of that kind, also the one that the host needs.",
         .explain =
                 "vfio-pci.ids= on the kernel's command line and 'options vfio-pci ids=' in modprobe.d hand every "
                 "function with that vendor and device id to vfio-pci, today's and whatever is plugged in later. With "
                 "two ports or two cards of a kind the host loses both. 'vfadm bind DEVICE vfio-pci' takes one device "
                 "now; 'driverctl set-override DEVICE vfio-pci' one at each boot.",
         .run = check_vfio_ids},
        {.id = "pf-driver-kept-out", .topic = TOPIC_PERSISTENCE, .scopes = SCOPE_HOST | SCOPE_DEVICE,
         .title = "The PF's driver is kept from loading",
         .why = "Without its driver a PF makes no VFs.",
         .explain =
                 "The PF has no driver, and a line in modprobe.d or on the kernel's command line keeps a driver of "
                 "its vendor from loading. That is right for a PF that is given away whole; otherwise take the line "
                 "out.",
         .run = check_blacklisted},
        {.id = "udev-rule-no-move", .topic = TOPIC_PERSISTENCE, .scopes = SCOPE_HOST,
         .title = "A udev rule that forgets renamed interfaces",
         .why = "An interface is renamed right after it appears, and then the rule's NM_UNMANAGED is lost.",
         .explain =
                 "udev keeps properties such as NM_UNMANAGED and ID_NET_MANAGED_BY for the last event of a device "
                 "only. A new VF's interface is renamed (eth0 to enp1s0v0), which sends a \"move\" event: a rule that "
                 "matches ACTION==\"add\" only does not act again, and NetworkManager or networkd takes the VF and "
                 "asks for an address by DHCP. Match ACTION==\"add|change|move\".",
         .run = check_no_move},
        {.id = "sriov-section-empty", .topic = TOPIC_PERSISTENCE, .scopes = SCOPE_HOST,
         .title = "A [SR-IOV] section that sets nothing",
         .why = "systemd before 258 sends the kernel an empty request for it, which fails.",
         .explain =
                 "A [SR-IOV] section with VirtualFunction= alone asks for nothing. systemd before 258 sends that to "
                 "the kernel all the same, and the kernel answers with EINVAL: networkd then holds the whole "
                 "interface for failed (systemd issue 37257), udev only complains (issue 37275). A .network file "
                 "makes no VFs in any case; SR-IOVVirtualFunctions= in a .link file does.",
         .run = check_empty_section},
        {.id = "link-file-shadowed", .topic = TOPIC_PERSISTENCE, .scopes = SCOPE_HOST,
         .title = "A .link file that is never read",
         .why = "udev takes the first .link file that fits, and 99-default.link fits every interface.",
         .explain =
                 "udev sorts .link files of all folders by name and takes the first whose [Match] fits; the others "
                 "are not looked at. 99-default.link, which comes with systemd, fits all. A file whose name sorts "
                 "behind it, such as sriov.link, does nothing. Rename it to begin with 10-.",
         .run = check_link_shadowed},
        {.id = "vf-dhcp-configured", .topic = TOPIC_PERSISTENCE, .scopes = SCOPE_HOST | SCOPE_DEVICE,
         .title = "networkd asks for addresses on VFs",
         .why = "A VF that is meant for guests takes an address, and counts as in use.",
         .explain =
                 "A .network file with DHCP= fits the interfaces of VFs, by Name=en* for instance. networkd brings "
                 "each up and asks for an address; 'systemd-networkd-wait-online' may wait for all of them, and vfadm "
                 "holds such a VF for in use. Give VFs a file of their own that sorts before it, with the VFs' driver "
                 "in [Match] (Driver=igbvf, iavf, mlx5_core …) and Unmanaged=yes in [Link], or leave VFs without "
                 "driver: 'echo 0 > /sys/bus/pci/devices/PF/sriov_drivers_autoprobe' before they are made.",
         .run = check_vf_dhcp},
        {.id = NULL},
};
