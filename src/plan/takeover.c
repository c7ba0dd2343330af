/* What makes and sets VFs at boot besides vfadm, as configuration: first what each mechanism says of the PFs that it means, then all
 * that is said of one PF together, and whether it contradicts itself, or what is configured. */
#include "plan/takeover.h"

#include "base/text.h"
#include "model/nic.h"
#include "plan/export.h"

#include <string.h>

static void settle(Takeover *one, TakeoverState state, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The first reason is the one that is told. */
static void settle(Takeover *one, TakeoverState state, const char *format, ...) {
        va_list args;

        if (one->state != TAKEOVER_READY)
                return;
        va_start(args, format);
        g_free(one->why);
        one->why = g_strdup_vprintf(format, args);
        va_end(args);
        one->state = state;
}

static void stays_behind(Takeover *one, const char *what) {
        if (!one->why)
                one->why = g_strdup_printf("but for %s", what);
}

/* ---- what one mechanism says ---- */

static bool is_about_vfs(const Mechanism *m) {
        const unsigned state = SETS_NUMVFS | SETS_VF_STATE | SETS_AUTOPROBE;

        if (m->kind == MECH_LIBVIRT) /* a network: 'vfadm import --adopt' makes a pool of it */
                return false;
        /* That a module is not to be loaded at all is about more than VFs. */
        return m->sets & state || (m->sets & SETS_DRIVER && (m->to_driver || m->kind == MECH_DRIVERCTL || m->kind == MECH_UDEV));
}

static void claim(Takeover *one, const TakeoverClaim *claim) {
        if (!g_ptr_array_find(one->pfs, claim->pf, NULL))
                g_ptr_array_add(one->pfs, (gpointer) claim->pf);
        g_array_append_val(one->claims, *claim);
}

static void claim_vf(Takeover *one, const Dev *pf, const MechanismVf *vf) {
        const NicDriver *nic = nic_driver(pf->driver);
        TakeoverClaim said = {.pf = pf, .num_vfs = -1, .autoprobe = -1, .vf = vf->index};
        const unsigned refused = nic ? vf->vf.known & ~nic->accepts : 0;

        if (refused) {
                g_autofree char *what = g_strdup_printf("%s, which %s does not take", vf_attribute_name(refused & -refused), pf->driver);
                stays_behind(one, what);
        }
        vf_state_copy(&said.state, &vf->vf, vf->vf.known & ~refused);
        if (said.state.known)
                claim(one, &said);
}

static void claim_pf(Takeover *one, const Dev *pf) {
        const Mechanism *m = one->mechanism;

        if (m->sets & SETS_NUMVFS && m->num_vfs > (int64_t) pf->total_vfs)
                settle(one, TAKEOVER_NOT, "%s can have %u VFs", pf->name, pf->total_vfs);
        g_ptr_array_add(one->pfs, (gpointer) pf);
        if ((m->sets & SETS_NUMVFS && m->num_vfs >= 0) || m->autoprobe >= 0)
                claim(one, &(TakeoverClaim) {.pf = pf, .num_vfs = m->sets & SETS_NUMVFS ? m->num_vfs : -1, .autoprobe = m->autoprobe, .vf = -1});
        for (unsigned i = 0; m->vfs && i < m->vfs->len; i++)
                claim_vf(one, pf, &g_array_index(m->vfs, MechanismVf, i));
}

static void read_pfs(Takeover *one, const Snapshot *host) {
        const Mechanism *m = one->mechanism;

        if (m->sets & SETS_NUMVFS && m->num_vfs < 0)
                settle(one, TAKEOVER_NOT, "how many VFs cannot be told from it");
        if (m->sets & SETS_VF_STATE && !m->vfs)
                settle(one, TAKEOVER_NOT, "what it sets of which VF cannot be told%s%s", m->more ? ": " : "", m->more ? m->more : "");
        for (unsigned i = 0; i < host->devs->len; i++) {
                const Dev *dev = host->devs->pdata[i];
                if (dev->is_pf && mechanism_means(m, dev))
                        claim_pf(one, dev);
        }
        if (one->pfs->len == 0)
                settle(one, TAKEOVER_NOT, "no PF of this host is surely meant");
        else if (one->claims->len == 0)
                settle(one, TAKEOVER_NOT, "vfadm has no word for it%s%s", m->more ? ": " : "", m->more ? m->more : "");
}

/* Which driver a function gets: only of VFs is there a word for that. */
static void read_functions(Takeover *one, const Snapshot *host) {
        const Mechanism *m = one->mechanism;
        const char *driver = m->to_driver ? m->to_driver : m->kind == MECH_DRIVERCTL ? "none" : NULL;
        const Dev *other = NULL;

        if (!driver)
                settle(one, TAKEOVER_NOT, "which driver cannot be told from it");
        for (unsigned i = 0; i < host->devs->len; i++) {
                const Dev *dev = host->devs->pdata[i], *pf = snapshot_pf(host, dev);
                if (!mechanism_means(m, dev))
                        continue;
                if (dev->is_vf && pf)
                        claim(one, &(TakeoverClaim) {.pf = pf, .num_vfs = -1, .autoprobe = -1, .vf = dev->vf_index, .driver = driver});
                else
                        other = other ? other : dev;
        }
        if (one->claims->len == 0 && other)
                settle(one, TAKEOVER_NOT, "%s is no VF", other->name);
        else if (one->claims->len == 0)
                settle(one, TAKEOVER_NOT, "no function that is here now is surely meant");
        else if (other)
                stays_behind(one, other->name);
}

static void read_mechanism(Takeover *one, const Snapshot *host) {
        const Mechanism *m = one->mechanism;

        if (m->sets & SETS_DRIVER)
                read_functions(one, host);
        else
                read_pfs(one, host);
        if (!m->active) {
                g_clear_pointer(&one->why, g_free);
                one->state = TAKEOVER_READY;
                settle(one, TAKEOVER_ASLEEP, "it is not enabled, or another file comes before it");
        }
        if (m->traits & TRAIT_CONDITION)
                settle(one, TAKEOVER_NOT, "vfadm cannot weigh its condition %s", m->more);
        else if (m->more)
                stays_behind(one, m->more);
}

/* ---- what all say of one PF ---- */

typedef struct {
        int64_t index;
        VfState state;
        Takeover *by[8]; /* who said it: a bit of `state` each, and the driver last */
        const char *driver;
} Cell;

typedef struct {
        const Dev *pf;
        int64_t num_vfs;
        int autoprobe;
        Takeover *by_num, *by_autoprobe;
        GPtrArray *cells; /* Cell* */
        bool contradicts;
} Draft;

static void draft_free(void *data) {
        Draft *draft = data;
        g_ptr_array_unref(draft->cells);
        g_free(draft);
}

static Draft *draft_of(GPtrArray *drafts, const Dev *pf) {
        for (unsigned i = 0; i < drafts->len; i++)
                if (((Draft *) drafts->pdata[i])->pf == pf)
                        return drafts->pdata[i];
        Draft *draft = g_new0(Draft, 1);
        *draft = (Draft) {.pf = pf, .num_vfs = -1, .autoprobe = -1, .cells = g_ptr_array_new_with_free_func(g_free)};
        g_ptr_array_add(drafts, draft);
        return draft;
}

static Cell *cell_of(Draft *draft, int64_t index) {
        for (unsigned i = 0; i < draft->cells->len; i++)
                if (((Cell *) draft->cells->pdata[i])->index == index)
                        return draft->cells->pdata[i];
        Cell *cell = g_new0(Cell, 1);
        cell->index = index;
        g_ptr_array_add(draft->cells, cell);
        return cell;
}

static void contradict(Draft *draft, Takeover *a, Takeover *b) {
        g_autofree char *first = mechanism_place(a->mechanism), *second = mechanism_place(b->mechanism);

        draft->contradicts = true;
        settle(a, TAKEOVER_CONFLICT, "%s says otherwise", second);
        settle(b, TAKEOVER_CONFLICT, "%s says otherwise", first);
}

static void add_vf(Draft *draft, Takeover *one, const TakeoverClaim *said) {
        Cell *cell = cell_of(draft, said->vf);

        for (unsigned i = 0, bit = 1; bit & VF_ALL; bit <<= 1, i++) {
                if (!(said->state.known & bit))
                        continue;
                if ((cell->state.known & bit) && vf_state_diff(&cell->state, &said->state, bit))
                        contradict(draft, cell->by[i], one);
                vf_state_copy(&cell->state, &said->state, bit);
                cell->by[i] = one;
        }
        if (said->driver && cell->driver && !g_str_equal(cell->driver, said->driver))
                contradict(draft, cell->by[7], one);
        if (said->driver) {
                cell->driver = said->driver;
                cell->by[7] = one;
        }
}

static void add_claim(GPtrArray *drafts, Takeover *one, const TakeoverClaim *said) {
        Draft *draft = draft_of(drafts, said->pf);

        if (said->vf >= 0)
                add_vf(draft, one, said);
        if (said->num_vfs >= 0) {
                if (draft->num_vfs >= 0 && draft->num_vfs != said->num_vfs)
                        contradict(draft, draft->by_num, one);
                draft->num_vfs = said->num_vfs;
                draft->by_num = one;
        }
        if (said->autoprobe >= 0) {
                if (draft->autoprobe >= 0 && draft->autoprobe != said->autoprobe)
                        contradict(draft, draft->by_autoprobe, one);
                draft->autoprobe = said->autoprobe;
                draft->by_autoprobe = one;
        }
}

static void settle_all(Draft *draft, Cell *cell, TakeoverState state, const char *why) {
        draft->contradicts = true;
        for (size_t i = 0; i < G_N_ELEMENTS(cell->by); i++)
                if (cell->by[i])
                        settle(cell->by[i], state, "%s", why);
}

/* What could not be configured so: no such VF, one MAC twice. */
static void check_draft(Draft *draft) {
        g_autoptr(GHashTable) macs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        if (draft->num_vfs < 0 && draft->cells->len) /* made by something that is not known: as many as there are now */
                draft->num_vfs = draft->pf->num_vfs;
        for (unsigned i = 0; i < draft->cells->len; i++) {
                Cell *cell = draft->cells->pdata[i];
                char mac[MAC_TEXT_SIZE];
                if (cell->index >= draft->num_vfs) {
                        g_autofree char *why = g_strdup_printf("%s would have no VF %u", draft->pf->name, (unsigned) cell->index);
                        settle_all(draft, cell, TAKEOVER_NOT, why);
                }
                if (!(cell->state.known & VF_MAC))
                        continue;
                mac_format(cell->state.mac, mac);
                Cell *twin = g_hash_table_lookup(macs, mac);
                if (twin)
                        contradict(draft, twin->by[0], cell->by[0]);
                g_hash_table_insert(macs, g_strdup(mac), cell);
        }
}

static int by_index(const void *a, const void *b) {
        const Cell *const *x = a, *const *y = b;
        return (*x)->index < (*y)->index ? -1 : (*x)->index > (*y)->index;
}

static ConfPf *draft_conf(Draft *draft, const Snapshot *host) {
        g_autofree char *nick = snapshot_nick(host, draft->pf);
        g_autofree char *path = g_strdup_printf("etc/vfadm/imported-%s.conf", pool_name_ok(nick) ? nick : draft->pf->name);
        ConfPf *conf = conf_pf_new(path, 1);

        plan_export_match(conf, host, draft->pf);
        conf->num_vfs = draft->num_vfs;
        conf->autoprobe = draft->autoprobe;
        g_ptr_array_sort(draft->cells, by_index);
        for (unsigned i = 0; i < draft->cells->len; i++) {
                const Cell *cell = draft->cells->pdata[i];
                plan_export_vf(conf, (unsigned) cell->index, &cell->state, cell->driver);
        }
        return conf;
}

/* ---- what is configured ---- */

const ConfPf *plan_configured(const Conf *conf, const Dev *pf) {
        for (unsigned i = 0; conf && i < conf->pfs->len; i++)
                if (conf_matches(conf->pfs->pdata[i], pf))
                        return conf->pfs->pdata[i];
        return NULL;
}

static bool same_driver(const char *said, const char *driver) {
        return said && (g_str_equal(said, driver) || (g_str_equal(said, "vfio") && driver_is_vfio(driver)));
}

static bool is_said(const ConfPf *conf, const TakeoverClaim *claim) {
        VfState state = {0};

        if (claim->num_vfs >= 0 && conf_num_vfs(conf, claim->pf) != claim->num_vfs)
                return false;
        if (claim->autoprobe >= 0 && conf->autoprobe != claim->autoprobe)
                return false;
        if (claim->vf < 0)
                return true;
        const ConfVf *vf = conf_vf(conf, (unsigned) claim->vf, &state);
        return vf && !vf_state_diff(&state, &claim->state, claim->state.known) && (!claim->driver || same_driver(vf->driver, claim->driver));
}

/* A second file about a PF would be no configuration at all, so that what is missing in the first is somebody's to add. */
static void compare(Takeover *one, const Conf *conf) {
        unsigned said = 0;

        for (unsigned i = 0; i < one->claims->len; i++) {
                const TakeoverClaim *claim = &g_array_index(one->claims, TakeoverClaim, i);
                const ConfPf *there = plan_configured(conf, claim->pf);
                if (there && !is_said(there, claim))
                        settle(one, TAKEOVER_CONFLICT, "/%s is about %s, and does not say so", there->place.path, claim->pf->name);
                said += there != NULL;
        }
        if (one->state == TAKEOVER_READY && said == one->claims->len)
                one->state = TAKEOVER_SAID;
}

static void add_pf(Takeovers *takeovers, Draft *draft, const Snapshot *host, const Conf *conf) {
        const bool empty = draft->num_vfs < 0 && draft->autoprobe < 0 && draft->cells->len == 0;

        if (empty || draft->contradicts || plan_configured(conf, draft->pf))
                return;
        TakeoverPf *one = g_new0(TakeoverPf, 1);
        *one = (TakeoverPf) {.pf = draft->pf, .conf = draft_conf(draft, host)};
        g_ptr_array_add(takeovers->pfs, one);
}

static int by_address(const void *a, const void *b) {
        const Draft *const *x = a, *const *y = b;
        return pci_addr_compare((*x)->pf->addr, (*y)->pf->addr);
}

/* Of a PF about which two contradict each other nothing is written, and so the others are not taken over either. */
static void hold_back(const Takeovers *takeovers, const Draft *draft) {
        for (unsigned i = 0; draft->contradicts && i < takeovers->items->len; i++) {
                Takeover *one = takeovers->items->pdata[i];
                if (g_ptr_array_find(one->pfs, draft->pf, NULL))
                        settle(one, TAKEOVER_CONFLICT, "what else is said of %s does not fit together", draft->pf->name);
        }
}

Takeovers *plan_takeovers(const Snapshot *host, const Conf *conf) {
        Takeovers *takeovers = takeovers_new();
        g_autoptr(GPtrArray) drafts = g_ptr_array_new_with_free_func(draft_free);

        for (unsigned i = 0; host->setup && i < host->setup->mechanisms->len; i++) {
                const Mechanism *m = host->setup->mechanisms->pdata[i];
                if (is_about_vfs(m))
                        read_mechanism(takeovers_add(takeovers, m), host);
        }
        for (unsigned i = 0; i < takeovers->items->len; i++) {
                Takeover *one = takeovers->items->pdata[i];
                for (unsigned k = 0; one->state == TAKEOVER_READY && k < one->claims->len; k++)
                        add_claim(drafts, one, &g_array_index(one->claims, TakeoverClaim, k));
        }
        g_ptr_array_sort(drafts, by_address);
        for (unsigned i = 0; i < drafts->len; i++) {
                check_draft(drafts->pdata[i]);
                hold_back(takeovers, drafts->pdata[i]);
        }
        for (unsigned i = 0; i < takeovers->items->len; i++)
                if (((Takeover *) takeovers->items->pdata[i])->state == TAKEOVER_READY)
                        compare(takeovers->items->pdata[i], conf);
        for (unsigned i = 0; i < drafts->len; i++)
                add_pf(takeovers, drafts->pdata[i], host, conf);
        return takeovers;
}
