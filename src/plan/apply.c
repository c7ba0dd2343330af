/* The plan of `vfadm apply`: what the configuration says of each PF here that it names.
 *
 * Whoever uses a VF is left alone, and so is what could not be set without disturbing him: that is told (plan->left), and all else is
 * done. What cannot work at all is refused, as everywhere. */
#include "plan/rules.h"

#include "base/error.h"

/* The files whose [Match] fits the PF, one after the other; `*at` is where to go on. */
static const ConfPf *next_that_fits(const Conf *conf, const Dev *pf, unsigned *at) {
        while (*at < conf->pfs->len) {
                const ConfPf *one = conf->pfs->pdata[(*at)++];
                if (conf_matches(one, pf))
                        return one;
        }
        return NULL;
}

GPtrArray *plan_apply_pfs(const Conf *conf, const Snapshot *host) {
        GPtrArray *pfs = g_ptr_array_new();

        for (unsigned i = 0; i < host->devs->len; i++) {
                unsigned at = 0;
                if (next_that_fits(conf, host->devs->pdata[i], &at))
                        g_ptr_array_add(pfs, host->devs->pdata[i]);
        }
        return pfs;
}

static const ConfVf *section_with_mac(const ConfPf *conf) {
        for (unsigned i = 0; i < conf->vfs->len; i++) {
                const ConfVf *vf = conf->vfs->pdata[i];
                if (vf->vf.known & VF_MAC)
                        return vf;
        }
        return NULL;
}

/* MACs that are written down are one PF's VFs'. */
static bool rule_one_pf(Plan *plan, const ConfPf *conf, const PlanInput *input, const Dev *pf) {
        const ConfVf *vf = section_with_mac(conf);

        for (unsigned i = 0; vf && i < input->host->devs->len; i++) {
                const Dev *other = input->host->devs->pdata[i];
                if (other == pf || !conf_matches(conf, other))
                        continue;
                g_autofree char *nick = snapshot_nick(input->host, pf), *second = snapshot_nick(input->host, other);
                plan_refuse(plan, VFADM_ERROR_REFUSED, "/%s, line %u: MACAddress= is one PF's, and its [Match] (line %u) fits %s and %s; name one of them there",
                            vf->place.path, vf->place.line, conf->place.line, nick, second);
                return false;
        }
        return true;
}

/* The one file that is about the PF. Which of two is meant nobody can tell. */
static const ConfPf *conf_of(Plan *plan, const Conf *conf, const PlanInput *input, const Dev *pf) {
        unsigned at = 0;
        const ConfPf *first = next_that_fits(conf, pf, &at), *second = first ? next_that_fits(conf, pf, &at) : NULL;

        if (!second)
                return first && rule_one_pf(plan, first, input, pf) ? first : NULL;
        g_autofree char *nick = snapshot_nick(input->host, pf);
        plan_refuse(plan, VFADM_ERROR_REFUSED, "%s is meant by two files: /%s, line %u, and /%s, line %u; change one [Match]", nick, first->place.path,
                    first->place.line, second->place.path, second->place.line);
        return NULL;
}

static bool set_up(Plan *plan, const Dev *pf, const ConfPf *conf) {
        const NetDev *net = dev_net(pf);

        if (conf->up != 1 || (net && net->up))
                return true;
        if (!net) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s has no network device that could be set up (/%s, line %u: Up=yes)", pf->name, conf->place.path, conf->place.line);
                return false;
        }
        Step *step = plan_number(plan, STEP_LINK, pf, 0, 1, "its VFs work only while it is up");
        step->netdev = g_strdup(net->name);
        return true;
}

static void apply_pf(Plan *plan, const PlanInput *input, const Dev *pf, const ConfPf *conf, bool disrupt) {
        PlanInput own = *input;
        int64_t wanted = conf_num_vfs(conf, pf);

        if (!set_up(plan, pf, conf))
                return;
        own.apply = conf;
        own.apply_disrupt = disrupt;
        own.pf_goes_up = conf->up == 1;
        own.vfio_driver = input->vfio_of_pf ? g_hash_table_lookup(input->vfio_of_pf, pf) : NULL;
        if (wanted > WANT_ALL_VFS)
                wanted = WANT_ALL_VFS;
        if (wanted >= 0 && wanted != pf->num_vfs && plan_apply_count(plan, &own, pf, conf, (unsigned) wanted, disrupt))
                return;
        if (pf->is_pf && conf->autoprobe >= 0 && (conf->autoprobe == 1) != pf->autoprobe)
                plan_number(plan, STEP_AUTOPROBE, pf, pf->autoprobe, conf->autoprobe, "as asked");
        const unsigned first = plan->steps->len;
        for (unsigned i = 0; pf->vfs && i < pf->vfs->len; i++) {
                const Dev *vf = snapshot_vf(input->host, pf, i);
                if (vf)
                        plan_apply_vf(plan, &own, vf, conf, disrupt);
        }
        plan_move_macs(plan, &own, pf, first);
}

/* The same, counted. */
static void apply_counted(Plan *plan, const PlanInput *input, const Dev *pf, const ConfPf *conf, bool disrupt) {
        unsigned steps = plan->steps->len;
        PlanPf *counted = g_new0(PlanPf, 1);

        *counted = (PlanPf) {.addr = pf->addr, .device = snapshot_nick(input->host, pf), .report_only = conf->report_only, .first_left = plan->left->len};
        apply_pf(plan, input, pf, conf, disrupt);
        counted->steps = plan->steps->len - steps;
        counted->n_left = plan->left->len - counted->first_left;
        g_ptr_array_add(plan->pfs, counted);
}

/* The PF that is named, or all that the configuration names. */
static GPtrArray *find_pfs(Plan *plan, const PlanInput *input, const Want *want, GError **error) {
        if (!want->device)
                return plan_apply_pfs(want->conf, input->host);
        const Dev *dev = snapshot_find(input->host, want->device, error);
        unsigned at = 0;
        if (!dev)
                return NULL;
        g_autofree char *nick = snapshot_nick(input->host, dev);
        GPtrArray *pfs = g_ptr_array_new();
        if (next_that_fits(want->conf, dev, &at))
                g_ptr_array_add(pfs, (gpointer) dev);
        else
                plan_note(plan, "no [Match] of the configuration fits %s", nick);
        return pfs;
}

static void note_missing(Plan *plan, const PlanInput *input, const Conf *conf) {
        for (unsigned i = 0; i < conf->pfs->len; i++) {
                const ConfPf *one = conf->pfs->pdata[i];
                bool found = false;
                for (unsigned k = 0; k < input->host->devs->len && !found; k++)
                        found = conf_matches(one, input->host->devs->pdata[k]);
                if (!found)
                        plan_note(plan, "/%s, line %u: no PF here fits its [Match]", one->place.path, one->place.line);
        }
}

static char *summary(const PlanInput *input, const GPtrArray *pfs) {
        if (pfs->len == 0)
                return g_strdup("no PF here is configured");
        if (pfs->len != 1)
                return g_strdup_printf("%u PFs: as configured", pfs->len);
        g_autofree char *nick = snapshot_nick(input->host, pfs->pdata[0]);
        return g_strdup_printf("%s: as configured", nick);
}

bool plan_apply(Plan *plan, const PlanInput *input, const Want *want, GError **error) {
        g_autoptr(GPtrArray) pfs = find_pfs(plan, input, want, error);
        PlanInput with = *input;

        if (!pfs)
                return false;
        with.spare_vfio = want->spare_vfio;
        plan->summary = summary(input, pfs);
        for (unsigned i = 0; i < pfs->len; i++) {
                const Dev *pf = pfs->pdata[i];
                const ConfPf *conf = conf_of(plan, want->conf, input, pf);
                if (conf)
                        apply_counted(plan, &with, pf, conf, want->disrupt);
        }
        if (!want->device)
                note_missing(plan, input, want->conf);
        return true;
}
