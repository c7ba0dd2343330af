/* A host as it is now, as configuration. */
#include "plan/export.h"

#include "base/text.h"
#include "model/nic.h"

#include <string.h>

static GPtrArray *one_word(const char *word) {
        GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(words, g_strdup(word));
        return words;
}

static bool fits_another(const ConfPf *conf, const Snapshot *host, const Dev *pf) {
        for (unsigned i = 0; i < host->devs->len; i++)
                if (host->devs->pdata[i] != pf && conf_matches(conf, host->devs->pdata[i]))
                        return true;
        return false;
}

void plan_export_match(ConfPf *conf, const Snapshot *host, const Dev *pf) {
        const NetDev *net = dev_net(pf);
        char mac[MAC_TEXT_SIZE];

        if (net && !mac_is_zero(net->permanent_mac)) {
                mac_format(net->permanent_mac, mac);
                conf->match[MATCH_PERMANENT_MAC] = one_word(mac);
                /* Cards were sold with one MAC on both ports: then the place must tell them apart. */
                if (!fits_another(conf, host, pf))
                        return;
                g_clear_pointer(&conf->match[MATCH_PERMANENT_MAC], g_ptr_array_unref);
        }
        if (pf->path)
                conf->match[MATCH_PATH] = one_word(pf->path);
        else
                conf->match[MATCH_ADDRESS] = one_word(pf->name);
}

/* ---- VFs ---- */

/* The MAC that `vf` would have for this one of its VFs is just this. */
static bool mac_goes_on(const ConfVf *vf, unsigned index, const VfState *state) {
        VfState next = vf->vf;

        if (!(state->known & VF_MAC))
                return true;
        mac_add(next.mac, index - vf->first);
        return memcmp(next.mac, state->mac, sizeof next.mac) == 0;
}

void plan_export_vf(ConfPf *conf, unsigned index, const VfState *state, const char *driver) {
        ConfVf *last = conf->vfs->len ? conf->vfs->pdata[conf->vfs->len - 1] : NULL;

        if (!state->known && !driver)
                return;
        if (last && last->last + 1 == index && last->vf.known == state->known && g_strcmp0(last->driver, driver) == 0 &&
            !vf_state_diff(&last->vf, state, state->known & ~(unsigned) VF_MAC) && mac_goes_on(last, index, state)) {
                last->last = index;
                last->mac_grows = state->known & VF_MAC;
                return;
        }
        ConfVf *vf = conf_vf_new(conf->place.path, 0);
        vf->first = vf->last = index;
        vf_state_copy(&vf->vf, state, state->known);
        vf->driver = g_strdup(driver);
        g_ptr_array_add(conf->vfs, vf);
}

/* What of the state is not as in a VF that was just made; what the PF's driver does not take is nobody's doing. */
static VfState worth_saying(const Dev *pf, const VfState *now) {
        const NicDriver *nic = nic_driver(pf->driver);
        VfState fresh = nic_fresh_state(pf->driver), said = {0};

        vf_state_copy(&said, now, vf_state_diff(&fresh, now, now->known & (nic ? nic->accepts : VF_ALL)));
        return said;
}

/* The word for Driver=; NULL: as it would be if nobody said anything. */
static const char *driver_word(const Dev *pf, const char *driver) {
        bool own = driver && !driver_is_vfio(driver) && !driver_is_xen(driver) && !g_str_equal(driver, "pci-stub");

        if (own)
                return pf->autoprobe ? NULL : "host";
        return driver ? driver : pf->autoprobe ? "none" : NULL;
}

static void note_use(const Snapshot *host, const Dev *vf, GPtrArray *notes) {
        g_autofree char *nick = snapshot_nick(host, vf);

        for (unsigned i = 0; i < vf->uses->len; i++) {
                const Use *use = vf->uses->pdata[i];
                if (use->kind != USE_PROCESS && use->kind != USE_GUEST)
                        continue;
                g_ptr_array_add(notes, g_strdup_printf("%s: %s has it, without a lease: what stands there is what it has for that", nick, use->what));
                return;
        }
}

static void add_vf(ConfPf *conf, const Snapshot *host, const GPtrArray *leases, const Dev *pf, const Dev *vf, GPtrArray *notes) {
        const Lease *lease = leases_find(leases, vf->addr);
        const VfState *now = snapshot_vf_state(host, vf);
        VfState said = {0};

        if (lease && !lease_fits(lease, host, vf))
                lease = NULL;
        if (!lease)
                note_use(host, vf, notes);
        if (lease)
                said = worth_saying(pf, &lease->saved);
        else if (now)
                said = worth_saying(pf, now);
        plan_export_vf(conf, vf->vf_index, &said, driver_word(pf, lease ? lease->saved_driver : vf->driver));
}

ConfPf *plan_export(const Snapshot *host, const GPtrArray *leases, const Dev *pf, GPtrArray *notes) {
        ConfPf *conf = conf_pf_new(NULL, 0);
        bool unknown = false;

        plan_export_match(conf, host, pf);
        conf->num_vfs = pf->num_vfs;
        conf->autoprobe = pf->autoprobe ? -1 : 0;
        for (unsigned i = 0; pf->vfs && i < pf->vfs->len; i++) {
                const Dev *vf = snapshot_vf(host, pf, i);
                if (!vf)
                        continue;
                add_vf(conf, host, leases, pf, vf, notes);
                unknown = unknown || (dev_net(pf) && !snapshot_vf_state(host, vf));
        }
        g_autofree char *nick = snapshot_nick(host, pf);
        if (unknown)
                g_ptr_array_add(notes, g_strdup_printf("%s: MAC, VLAN and the rest of some VFs could not be read, and are missing", nick));
        return conf;
}
