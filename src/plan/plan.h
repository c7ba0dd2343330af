/* From what is wanted to the steps that bring it about. Pure: reads only its arguments. */
#pragma once

#include "model/books.h"
#include "model/lease.h"
#include "model/pool.h"
#include "model/snapshot.h"
#include "model/step.h"
#include "want/want.h"

typedef struct {
        const Snapshot *host;
        const GPtrArray *leases; /* Lease*, all that the ledger holds */
        const GuestInfo *guest;  /* ATTACH, DETACH: the guest as it is, running or only defined; LEND: name, uuid, pid and pid_start only */
        const Books *books;      /* of the service that is here; NULL: none, or nobody needs them */
        const GPtrArray *pools;  /* Pool*; NULL: none */
        const ConfPf *apply;     /* APPLY: what the PF's VFs are to be, so that a MAC can go from one to another */
        bool apply_disrupt;
        bool spare_vfio;         /* APPLY: as want->spare_vfio */
        bool pf_goes_up;         /* the plan sets the PF's link up before all else */
        GHashTable *vfio_of_pf;  /* APPLY: Dev* of a PF → the variant driver that the kernel names for its VFs (char*); NULL and none:
                                    vfio-pci */
        const char *vfio_driver; /* the variant driver the kernel names for the device; NULL: vfio-pci */
        char *const *host_modules; /* BIND, at_boot: the modules whose drivers would take the device; NULL: not known */
        char *const *host_builtin; /* the same of drivers that are in the kernel itself */
} PlanInput;

/* Refusals are in the plan; NULL with *error when the want names something that is not there. */
Plan *plan_make(const Want *want, const PlanInput *input, GError **error);

/* One plan for several wants of one kind (ENABLE, DISABLE, SET, BIND, UNBIND) on different devices: done together or not at all. `inputs`
 * has one entry a want. */
Plan *plan_make_all(Want *const *wants, const PlanInput *inputs, unsigned n, GError **error);

/* BIND and UNBIND with at_boot: what Xen's pciback is to get at the next boots. One plan, since there is one list. */
Plan *plan_hide(Want *const *wants, const PlanInput *inputs, unsigned n, GError **error);

/* The PFs of this host that some [Match] of a configuration fits (Dev*, borrowed, by address); the caller unrefs. */
GPtrArray *plan_apply_pfs(const Conf *conf, const Snapshot *host);
/* The VFs of a PF as the kernel's module aliases know them, also where there is none yet; NULL: not known. The caller frees. */
char *plan_vf_modalias(const Dev *pf);

/* The device that an ATTACH or LEND would take (so that the caller can ask for its VFIO driver, and lock its PF), or
 * NULL with the reason. */
const Dev *plan_choose(const Want *want, const PlanInput *input, GError **error);

/* The plan that takes a leased device back: used by detach, release and recover. */
Plan *plan_give_back(const Lease *lease, const PlanInput *input);

/* The same when only the running guest lost it, or only the definition: what is left of the lease stays. Used by recover: what of a
 * lease that stands in a definition (lease->config) must be set anew after a reboot, for the VF that is there again. */
Plan *plan_set_again(const Lease *lease, const PlanInput *input);

/* The VF's element for a guest's definition or for plugging, and what stands in it; used by attach and by 'vfadm xml'. The caller frees. */
char *plan_element(const Want *want, const PlanInput *input, const Dev *dev, const VfState *state, const char *bus);

/* A locally administered unicast MAC that is always the same for this guest's n-th NIC: from its UUID, or else from
 * the machine's id and its name. */
void plan_derive_mac(const char *uuid, const char *machine_id, const char *name, unsigned nic, uint8_t ret[6]);
