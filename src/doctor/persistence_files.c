/* Checks of single configuration files: what they do at boot that whoever wrote them may not have meant. */
#include "doctor/persistence.h"

#include <string.h>

/* ---- NetworkManager ---- */

/* NetworkManager.conf's sriov-num-vfs makes VFs once; a profile also takes them away (field-facts 28). */
static bool is_nm_profile(const Mechanism *m) {
        return m->kind == MECH_NM && (m->sets & SETS_NUMVFS) && !g_str_has_suffix(m->path, ".conf");
}

static void nm_remedy(const Doctor *doctor, Finding *finding, const Mechanism *m) {
        const Tool *nm = setup_tool(doctor->setup, "networkmanager");
        unsigned major = 0, minor = 0;
        char *end;

        if (nm && nm->version) {
                major = (unsigned) g_ascii_strtoull(nm->version, &end, 10);
                minor = *end == '.' ? (unsigned) g_ascii_strtoull(end + 1, NULL, 10) : 0;
        }
        if (major > 1 || (major == 1 && minor >= 54))
                remedy(finding, "put 'preserve-on-down=1' into its [sriov] section, then 'nmcli connection reload'");
        else
                remedy(finding, "take the [sriov] section out of /%s, 'nmcli connection reload', and make the VFs by a udev rule",
                       m->path);
}

void check_nm_owns_vfs(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *m = doctor->setup->mechanisms->pdata[i];
                if (!is_nm_profile(m) || (m->traits & TRAIT_KEEPS))
                        continue;
                for (unsigned k = 0; k < doctor->pfs->len; k++) {
                        const Dev *pf = doctor->pfs->pdata[k];
                        if (!mechanism_means(m, pf))
                                continue;
                        Finding *f = report_dev(doctor, pf->num_vfs ? SEVERITY_WARNING : SEVERITY_NOTE, pf,
                                                "NetworkManager removes all its VFs when this profile goes down");
                        seen_mechanism(f, m);
                        nm_remedy(doctor, f, m);
                }
        }
}

/* ---- driver overrides ---- */

static const Dev *dev_by_name(const Doctor *doctor, const char *bdf) {
        return g_hash_table_lookup(doctor->host->by_name, bdf);
}

static void override_found(Doctor *doctor, const Mechanism *m, const Dev *dev) {
        const Lease *lease = lease_of(doctor, dev);
        const char *now = lease ? lease->saved_driver : dev->driver;
        const char *to = m->to_driver ? m->to_driver : "no driver", *is = now ? now : "no driver";
        const Use *use = dev_use(dev);

        if (g_strcmp0(now, m->to_driver) == 0)
                return;
        bool carries = !lease && use && use->kind != USE_PROCESS;
        Finding *f;
        if (lease)
                f = report_dev(doctor, SEVERITY_NOTE, dev, "vfadm gives it back to %s, but the next boot binds it to %s", is, to);
        else if (carries)
                f = report_dev(doctor, SEVERITY_WARNING, dev, "the next boot binds it to %s, and it is in use: %s", to, use->what);
        else
                f = report_dev(doctor, SEVERITY_NOTE, dev, "it is bound to %s, the next boot binds it to %s", is, to);
        seen_mechanism(f, m);
        if (m->kind == MECH_DRIVERCTL)
                remedy(f, "if it is to stay with %s: rm /%s", is, m->path);
}

void check_driver_override(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *m = doctor->setup->mechanisms->pdata[i];
                if (!m->active || !(m->sets & SETS_DRIVER) || !m->bdf || strpbrk(m->bdf, "*?[|"))
                        continue;
                if (m->kind != MECH_DRIVERCTL && !m->to_driver) /* a script that writes a variable, or clears the override */
                        continue;
                const Dev *dev = dev_by_name(doctor, m->bdf);
                if (dev && dev_in_scope(doctor, dev) && mechanism_means(m, dev))
                        override_found(doctor, m, dev);
        }
}

/* ---- modprobe ---- */

void check_max_vfs(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *m = doctor->setup->mechanisms->pdata[i];
                Finding *f = NULL;
                if ((m->kind != MECH_MODPROBE && m->kind != MECH_CMDLINE) || !(m->sets & SETS_NUMVFS) || !m->driver)
                        continue;
                for (unsigned k = 0; k < doctor->pfs->len; k++) {
                        const Dev *pf = doctor->pfs->pdata[k];
                        if (!mechanism_means(m, pf))
                                continue;
                        if (!f)
                                f = report(doctor, SEVERITY_WARNING, NULL, "a module option makes VFs on every card of %s", m->driver);
                        about(f, pf);
                }
                if (!f)
                        continue;
                seen_mechanism(f, m);
                remedy(f, "take it out, run 'update-initramfs -u' or 'dracut -f', and make the VFs of each card by a udev rule");
        }
}

/* What devices of one id there are. */
typedef struct {
        unsigned cards; /* functions that are no VFs */
        const Dev *in_use; /* one that the host uses */
} SameId;

static GHashTable *count_ids(const Doctor *doctor) {
        GHashTable *ids = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        for (unsigned i = 0; i < doctor->host->devs->len; i++) {
                const Dev *dev = doctor->host->devs->pdata[i];
                void *key = GUINT_TO_POINTER((unsigned) dev->vendor << 16 | dev->device);
                SameId *same = dev->is_vf ? NULL : g_hash_table_lookup(ids, key);
                if (dev->is_vf)
                        continue;
                if (!same) {
                        same = g_new0(SameId, 1);
                        g_hash_table_insert(ids, key, same);
                }
                const Use *use = dev_use(dev);
                same->cards++;
                if (use && use->kind != USE_PROCESS && !driver_is_vfio(dev->driver))
                        same->in_use = dev;
        }
        return ids;
}

void check_vfio_ids(Doctor *doctor) {
        g_autoptr(GHashTable) ids = NULL;

        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *m = doctor->setup->mechanisms->pdata[i];
                if (!m->active || !(m->sets & SETS_DRIVER) || !m->vendor || !m->to_driver || m->bdf)
                        continue;
                if (!ids)
                        ids = count_ids(doctor);
                const SameId *same = g_hash_table_lookup(ids, GUINT_TO_POINTER((unsigned) m->vendor << 16 | m->device));
                if (!same || (same->cards < 2 && !same->in_use))
                        continue;
                Finding *f;
                if (same->in_use)
                        f = report_dev(doctor, SEVERITY_WARNING, same->in_use, "%s takes every %04x:%04x at boot, also this one: %s",
                                       m->to_driver, m->vendor, m->device, dev_use(same->in_use)->what);
                else
                        f = report(doctor, SEVERITY_WARNING, NULL, "%s takes all %u functions of id %04x:%04x at boot", m->to_driver,
                                   same->cards, m->vendor, m->device);
                seen_mechanism(f, m);
                remedy(f, "take the id out; 'vfadm bind DEVICE vfio-pci' or driverctl take one device by its address");
        }
}

/* Vendors of PF drivers, so that a card without a driver is told of its own only. */
static const struct {
        const char *driver;
        uint16_t vendor;
} pf_drivers[] = {
        {"igb", 0x8086},       {"ixgbe", 0x8086},   {"i40e", 0x8086},    {"ice", 0x8086},  {"fm10k", 0x8086}, {"mlx4_core", 0x15b3},
        {"mlx5_core", 0x15b3}, {"bnxt_en", 0x14e4}, {"bnx2x", 0x14e4},   {"qede", 0x1077}, {"nfp", 0x19ee},   {"enic", 0x1137},
        {"sfc", 0x1924},       {"cxgb4", 0x1425},   {"be2net", 0x19a2},
};

static bool drives(const char *driver, uint16_t vendor) {
        for (size_t i = 0; i < G_N_ELEMENTS(pf_drivers); i++)
                if (g_str_equal(pf_drivers[i].driver, driver) && pf_drivers[i].vendor == vendor)
                        return true;
        return false;
}

void check_blacklisted(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *m = doctor->setup->mechanisms->pdata[i];
                if (!(m->sets & SETS_DRIVER) || !m->driver || m->to_driver || m->bdf ||
                    (m->kind != MECH_MODPROBE && m->kind != MECH_CMDLINE))
                        continue;
                for (unsigned k = 0; k < doctor->pfs->len; k++) {
                        const Dev *pf = doctor->pfs->pdata[k];
                        if (pf->driver || !dev_is_network(pf) || !drives(m->driver, pf->vendor))
                                continue;
                        Finding *f = report_dev(doctor, SEVERITY_NOTE, pf, "it has no driver, and %s is kept from loading", m->driver);
                        seen_mechanism(f, m);
                        remedy(f, "take that out, then 'modprobe %s'", m->driver);
                }
        }
}

/* ---- udev and networkd ---- */

/* A rule about docker0 is no business of ours. */
static bool may_mean_a_vf(const Doctor *doctor, const Mechanism *m) {
        for (unsigned i = 0; i < doctor->vfs->len; i++)
                if (mechanism_may_mean(m, doctor->vfs->pdata[i]))
                        return true;
        return false;
}

void check_no_move(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *m = doctor->setup->mechanisms->pdata[i];
                if (!(m->traits & TRAIT_NO_MOVE) || !may_mean_a_vf(doctor, m))
                        continue;
                Finding *f = report(doctor, SEVERITY_WARNING, NULL, "a udev rule about managed interfaces forgets those that are renamed");
                seen_mechanism(f, m);
                remedy(f, "let it match ACTION==\"add|change|move\", then 'udevadm control --reload'");
        }
}

void check_empty_section(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *m = doctor->setup->mechanisms->pdata[i];
                const Tool *systemd = setup_tool(doctor->setup, "systemd");
                if (!(m->traits & TRAIT_EMPTY) || (m->kind == MECH_NETWORK && !m->active))
                        continue;
                /* Pull request 37269 of systemd, in 258: nothing is sent any more, and a failure no longer fails the link. */
                bool fixed = systemd && systemd->version && g_ascii_strtoull(systemd->version, NULL, 10) >= 258;
                if (fixed)
                        continue;
                bool network = m->kind == MECH_NETWORK;
                Finding *f = report(doctor, network ? SEVERITY_WARNING : SEVERITY_NOTE, NULL, network
                                    ? "a [SR-IOV] section that sets nothing makes networkd give the PF up as failed"
                                    : "a [SR-IOV] section that sets nothing makes udev complain at each boot");
                seen_mechanism(f, m);
                remedy(f, network ? "take the section out; VFs are made by SR-IOVVirtualFunctions= in a .link file"
                                  : "take the section out; SR-IOVVirtualFunctions= alone makes the VFs");
        }
}

void check_link_shadowed(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *m = doctor->setup->mechanisms->pdata[i];
                if (!(m->traits & TRAIT_SHADOWED) || !(m->sets & SETS_NUMVFS))
                        continue;
                Finding *f = report(doctor, SEVERITY_WARNING, NULL, "a .link file is never read: 99-default.link comes first");
                seen_mechanism(f, m);
                g_autofree char *folder = g_path_get_dirname(m->path), *name = g_path_get_basename(m->path);
                remedy(f, "mv /%s /%s/10-%s", m->path, folder, name);
        }
}

/* Kept off by somebody: the same netdev, as far as rules say which. */
static bool kept_off(const Doctor *doctor, const Dev *vf) {
        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *m = doctor->setup->mechanisms->pdata[i];
                if ((m->sets & SETS_UNMANAGED) && m->kind != MECH_NM && mechanism_may_mean(m, vf))
                        return true;
        }
        return false;
}

void check_vf_dhcp(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *m = doctor->setup->mechanisms->pdata[i];
                const Dev *first = NULL;
                unsigned count = 0;
                if (m->kind != MECH_NETWORK || !m->active || !(m->sets & SETS_MANAGED))
                        continue;
                for (unsigned k = 0; k < doctor->vfs->len; k++) {
                        const Dev *vf = doctor->vfs->pdata[k];
                        if (vf->nets->len == 0 || !mechanism_means(m, vf) || kept_off(doctor, vf))
                                continue;
                        first = first ? first : vf;
                        count++;
                }
                if (!first)
                        continue;
                Finding *f = report_dev(doctor, SEVERITY_NOTE, first, "networkd asks for an address by DHCP on %s",
                                        count > 1 ? "it and on other VFs" : "it");
                seen_mechanism(f, m);
                remedy(f, "give VFs a file of their own before it, with [Match] Driver= of the VFs and [Link] Unmanaged=yes");
        }
}
