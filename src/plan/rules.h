/* Rules that several plans share: may this device be touched, may it go to a guest. Each adds refusals to the plan and
 * says whether it added none. */
#pragma once

#include "plan/plan.h"

/* Nobody uses the device. A host-carrying device, a guest's and a leased one are always refused; a network or storage
 * use gives way to `disrupt`. `own` (may be NULL) is the one lease that does not count; nor does its process, where
 * input->guest is that very process and so is asked to let go. The plan remembers whom it may disturb (plan_take()). */
bool rule_unused(Plan *plan, const PlanInput *input, const Dev *dev, bool disrupt, const Lease *own);
/* The processes that could have the device open can be seen. */
bool rule_users_seen(Plan *plan, const PlanInput *input, const Dev *dev);
/* An IOMMU guards the device, and interrupts are remapped (or the administrator allowed otherwise). */
bool rule_iommu(Plan *plan, const PlanInput *input, const Dev *dev);
/* Every other member of the group lets VFIO be: field-facts 20. With `with_group` the members that do not are put in
 * `along` (Dev*) instead of being refused. */
bool rule_group(Plan *plan, const PlanInput *input, const Dev *dev, bool with_group, GPtrArray *along);
/* Nobody but `guest` ("qemu:web1", process `pid`) has another member of the group: VFIO gives a group to one process. */
bool rule_group_unshared(Plan *plan, const PlanInput *input, const Dev *dev, const char *guest, int pid);
/* What is asked of a VF can be done by its PF's driver now. */
bool rule_vf_state(Plan *plan, const PlanInput *input, const Dev *vf, const VfState *asked);
/* Nobody else on the PF has this MAC. */
bool rule_mac_unique(Plan *plan, const PlanInput *input, const Dev *vf, const uint8_t mac[6]);

/* "leased to qemu:web1 (#12)" or the use that matters most; NULL: free. The caller frees. */
char *rule_who_uses(const PlanInput *input, const Dev *dev);
/* Assignable to Xen guests: whether one has it is not to be seen from here. */
bool driver_is_xen(const char *driver);
/* Adds the fields that differ as a STEP_VF_STATE; NULL when none does. */
Step *plan_vf_state(Plan *plan, const PlanInput *input, const Dev *vf, const VfState *to, unsigned mask, const char *reason);
Step *plan_driver(Plan *plan, const Dev *dev, const char *from, const char *from_override, const char *to,
                  const char *to_override, const char *reason);
Step *plan_number(Plan *plan, StepKind kind, const Dev *dev, int64_t from, int64_t to, const char *reason);

/* One file a verb or two; called by plan_make(). */
void plan_vf_count(Plan *plan, const PlanInput *input, const Dev *pf, unsigned wanted, bool disrupt);
void plan_set(Plan *plan, const PlanInput *input, const Dev *vf, const Want *want);
void plan_bind(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want);
void plan_unbind(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want);
void plan_give(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want);
void plan_take_back(Plan *plan, const Lease *lease, const PlanInput *input, bool reset);
void plan_boot(Plan *plan, const PlanInput *input, const Want *want); /* fix and undo */
