/* Rules that several plans share: may this device be touched, may it go to a guest. Each adds refusals to the plan and
 * says whether it added none. */
#pragma once

#include "plan/plan.h"

/* Nobody uses the device. A host-carrying device, a guest's and a leased one are always refused; a network or storage
 * use gives way to `disrupt`. `own` (may be NULL) is the one lease that does not count; nor does its process, where
 * input->guest is that very process and so is asked to let go. The plan remembers whom it may disturb (plan_take()). */
bool rule_unused(Plan *plan, const PlanInput *input, const Dev *dev, bool disrupt, const Lease *own);
/* The same of a device that is to go to input->guest. That guest's process may hold it by its IOMMU group alone: VFIO's file is one
 * a group, and the guest has another member of it. */
bool rule_to_give(Plan *plan, const PlanInput *input, const Dev *dev, bool disrupt, const Lease *own);
/* The processes that could have the device open can be seen. */
bool rule_users_seen(Plan *plan, const PlanInput *input, const Dev *dev);
/* On Xen's dom0: the books were read that tell which guest has a function that is bound to pciback. Part of rule_users_seen(). */
bool rule_guests_seen(Plan *plan, const PlanInput *input, const Dev *dev);
/* For VFIO: an IOMMU guards the device, and interrupts are remapped (or the administrator allowed otherwise). */
bool rule_iommu(Plan *plan, const PlanInput *input, const Dev *dev);
/* Every other member of the group lets VFIO be: field-facts 20; what to do about those that do not is `remedy`. With `along` they are
 * put there (Dev*) instead of being refused. */
bool rule_group(Plan *plan, const PlanInput *input, const Dev *dev, const char *remedy, GPtrArray *along);
/* What goes to a guest together with `dev`: every other member of the group but bridges, put in `along` (Dev*) by address. Bridges
 * stay, and must let VFIO be. */
bool rule_whole_group(Plan *plan, const Dev *dev, const GPtrArray *members, GPtrArray *along);
/* For pciback: this is Xen's dom0, and Xen uses an IOMMU. */
bool rule_directio(Plan *plan, const PlanInput *input, const Dev *dev);
/* For pciback, by config space, since dom0 sees no groups: nobody but `guest` ("xen:web1"; NULL: nobody at all) has a device that no
 * IOMMU can tell from this one. Those that this host's drivers have are put in `along` (Dev*) instead of being refused, where it is
 * given. A note names those that are not isolated from it. */
bool rule_companions(Plan *plan, const PlanInput *input, const Dev *dev, const char *guest, GPtrArray *along);
/* Nobody but `guest` ("qemu:web1", process `pid`) has another member of the group: VFIO gives a group to one process. */
bool rule_group_unshared(Plan *plan, const PlanInput *input, const Dev *dev, const char *guest, int pid);
/* What is asked of a VF can be done by its PF's driver now. */
bool rule_vf_state(Plan *plan, const PlanInput *input, const Dev *vf, const VfState *asked);
/* Nobody else on the PF has this MAC. */
bool rule_mac_unique(Plan *plan, const PlanInput *input, const Dev *vf, const uint8_t mac[6]);

/* Nobody has it by the service's books: no guest runs or is defined with it, no network gave it out. `guest` ("libvirt:web1") is who
 * shall have it: that it has it already is said in its own words, unless that is by a lease. */
bool rule_books(Plan *plan, const PlanInput *input, const Dev *dev, const char *guest);
/* The parts of input->guest that the want is about (SCOPE_* bits), and that the guest has them. */
bool rule_scope(Plan *plan, const PlanInput *input, const Want *want, unsigned *ret);
unsigned plan_scope(const Want *want, const GuestInfo *guest);
/* A domain of Xen's: pciback takes the place of VFIO, and Xen's books that of groups and of processes. */
bool guest_is_xen(const GuestInfo *guest);
/* libvirt binds drivers, sets MAC and VLAN of a NIC, and has networks of VFs. */
bool guest_is_libvirt(const GuestInfo *guest);
/* libvirt's or Xen's: a service plugs by an element of its own, and keeps books and definitions. */
bool guest_is_of_service(const GuestInfo *guest);
/* "libvirt" or "Xen": whose books these are. */
const char *plan_service_name(const Books *books);
/* What a lease names its guest by: the uuid, but not one of this run in a lease of its definition. The caller frees; NULL: the name. */
char *plan_lease_uuid(const GuestInfo *guest, bool config);
/* Bound to pciback, and not for input->guest: it is none of Xen's, or which of those has it cannot be known. */
bool rule_is_kept_for_others(const PlanInput *input, const Dev *dev);
/* May be handed out (to input->guest, where it is set): no use, no lease, nobody in the books, not kept for others. */
bool rule_is_free(const PlanInput *input, const Dev *vf);
/* The best of the free VFs first to last of a PF, or NULL. `*ret_viable`: its IOMMU group lets it go by itself. */
const Dev *rule_free_vf(const PlanInput *input, const Dev *pf, unsigned first, unsigned last, bool *ret_viable);

/* "leased to qemu:web1 (#12)" or the use that matters most; NULL: free. The caller frees. */
char *rule_who_uses(const PlanInput *input, const Dev *dev);
/* Adds the fields that differ as a STEP_VF_STATE; NULL when none does. */
Step *plan_vf_state(Plan *plan, const PlanInput *input, const Dev *vf, const VfState *to, unsigned mask, const char *reason);
/* The same of a field that somebody changes on the way, so that it is written even where it is right now. */
Step *plan_vf_state_anyway(Plan *plan, const PlanInput *input, const Dev *vf, const VfState *to, unsigned mask, const char *reason);
/* On the way to pciback and from it, a STEP_ASSIGNABLE goes with it: while pciback has the device, so that no other driver is ever
 * without its DMA. The driver's step is returned. */
Step *plan_driver(Plan *plan, const Dev *dev, const char *from, const char *from_override, const char *to,
                  const char *to_override, const char *reason);
/* What a new lease remembers of the function must still be so when the lease stands. */
void plan_remembered(Plan *plan, const PlanInput *input, const Dev *dev);
Step *plan_number(Plan *plan, StepKind kind, const Dev *dev, int64_t from, int64_t to, const char *reason);

/* The PF can have so many VFs, now. */
bool rule_can_have_vfs(Plan *plan, const PlanInput *input, const Dev *pf, unsigned wanted);
/* Nobody uses any of its VFs, all of which are taken (rule_unused()). */
void plan_take_vfs(Plan *plan, const PlanInput *input, const Dev *pf, bool disrupt);
/* Takes apart what setting the count to 0 would silently destroy, and sets it to 0. */
void plan_dismantle(Plan *plan, const PlanInput *input, const Dev *pf);
/* A VF's state as it is when it has just been made. */
VfState plan_fresh_state(const Dev *pf);
/* Loads the module that drives the PF's VFs, where there is one. */
void plan_vf_module(Plan *plan, const Dev *pf);
/* The rules of rule_vf_state() and rule_iommu() that need no VF: for those that are yet to be made. */
bool rule_fresh_state(Plan *plan, const PlanInput *input, const Dev *pf, const VfState *asked);
bool rule_host_iommu(Plan *plan, const PlanInput *input, const Dev *dev);
/* It has no driver any more. */
void plan_no_driver(Plan *plan, const PlanInput *input, const Dev *dev, bool disrupt);
/* The driver that Driver= or 'vfadm bind' mean by this word: "vfio" is `variant`, pciback is known by its module's name, too. */
const char *plan_driver_meant(const char *word, const char *variant);
/* Whether a driver is the host's own, rather than one that keeps a device for guests. */
bool plan_is_own_driver(const char *driver);
/* The override that a driver needs to come and stay; NULL: none. */
const char *plan_override_of(const char *driver);
/* It can be part of a path. */
bool plan_driver_name_ok(const char *name);
/* Moves all of `part` to the end of `plan`; what stands there already is not done twice. */
void plan_append(Plan *plan, Plan *part);

/* One file a verb or two; called by plan_make(). */
void plan_vf_count(Plan *plan, const PlanInput *input, const Dev *pf, unsigned wanted, bool disrupt);
void plan_set(Plan *plan, const PlanInput *input, const Dev *vf, const Want *want);
void plan_bind(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want);
void plan_unbind(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want);
void plan_give(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want);
/* Into the definition only, and by the pool's network: no VF is chosen now. */
void plan_give_network(Plan *plan, const PlanInput *input, const Want *want);
/* That is what this attach comes to. */
bool plan_is_network_only(const Want *want, const PlanInput *input);
/* Module, host driver, VF state, VFIO or (`xen`) pciback: for a device that vfadm binds by itself. */
void plan_hand_over(Plan *plan, const PlanInput *input, const Dev *dev, const VfState *state, bool xen);
/* Loads the module of this driver, unless the plan does already. */
void plan_module(Plan *plan, const Dev *dev, const char *driver, const char *reason);
/* False with the reason: what is to be detached or released is not there. */
bool plan_detach(Plan *plan, const PlanInput *input, const Want *want, GError **error);
bool plan_release(Plan *plan, const PlanInput *input, const Want *want, GError **error);
void plan_take_back(Plan *plan, const Lease *lease, const PlanInput *input, bool reset);
/* A lease by its number, or by its device in any of the device's names (the device itself may be gone). */
const Lease *plan_find_lease(const Want *want, const PlanInput *input, GError **error);
/* A NIC that a network of VFs gives the guest, named by that network or its MAC: false, there is none. */
bool plan_detach_nic(Plan *plan, const PlanInput *input, const Want *want);
/* The element or entry out of the guest's definition. */
void plan_undefine(Plan *plan, const PlanInput *input, PciAddr dev, const GuestDevice *defined);

/* A VF of a network card, as far as a service is concerned: <interface>, else <hostdev>. */
bool plan_is_interface(const Snapshot *host, const Dev *dev);
/* A VLAN that a service does not set as it is: libvirt knows 802.1Q without priority. */
bool plan_vlan_is_special(const VfState *state);
/* "vfadm-0000-01-10.0": how a guest is to call the function. The caller frees. */
char *plan_device_id(PciAddr host);
/* The VF_* bits of an <interface> that the service sets by itself. */
enum { VF_OF_SERVICE = VF_MAC | VF_VLAN };

/* "fast" of "pool:fast" or "fast". */
const char *plan_pool_name(const char *device);
/* The pool that `device` of a want names ("pool:NAME", or NAME where a pool has it), or NULL. */
const Pool *plan_find_pool(const char *device, const PlanInput *input);
/* The best free VF of a pool for this guest; NULL with the reason and how many there are. */
const Dev *pool_choose(const Pool *pool, const PlanInput *input, GError **error);
/* How many of its VFs are free, of how many. */
unsigned pool_left(const Pool *pool, const PlanInput *input, unsigned *ret_all);
/* A STEP_HOLD for each network of the books that could give the VF away (`hold`), or that has it held (!hold). */
void plan_hold(Plan *plan, const PlanInput *input, const Dev *dev, bool hold);
void plan_pool(Plan *plan, const PlanInput *input, const Want *want); /* define, start, stop, autostart, delete, sync */
void plan_adopt(Plan *plan, const PlanInput *input, const Want *want);
void plan_import(Plan *plan, const PlanInput *input, const Want *want);
void plan_boot(Plan *plan, const PlanInput *input, const Want *want); /* fix and undo */
/* False with the reason: no such PF. */
bool plan_apply(Plan *plan, const PlanInput *input, const Want *want, GError **error);
/* Parts of it: the number of VFs and what the new ones are to be (apply_fresh.c; false: somebody uses one that is there, so they stay);
 * a VF that is there (apply_vf.c). What would disturb somebody is in plan->left. */
bool plan_apply_count(Plan *plan, const PlanInput *input, const Dev *pf, const ConfPf *conf, unsigned wanted, bool disrupt);
/* apply_macs.c, of VFs that are there. By the configuration the VF is to have another MAC, and nothing keeps it from that; */
bool plan_gives_up_mac(const PlanInput *input, const Dev *pf, unsigned index);
/* another VF of the PF has this MAC and stays as it is: that one, else NULL; */
const Dev *plan_mac_stays(const PlanInput *input, const Dev *vf, const uint8_t mac[6]);
/* from step `first` on no VF gets a MAC before the one that has it is rid of it. */
void plan_move_macs(Plan *plan, const PlanInput *input, const Dev *pf, unsigned first);
/* Why a VF is left though nobody has opened it: it is on its way to a guest, or may be. NULL: it is not. */
const char *plan_spares(const PlanInput *input, const Dev *vf, const ConfPf *conf, bool disrupt);
void plan_apply_vf(Plan *plan, const PlanInput *input, const Dev *vf, const ConfPf *conf, bool disrupt);
