/* What is different where the guest is Xen's: pciback in the place of VFIO, no process, options that only some kinds of guests take,
 * and nobody who binds a driver when the guest starts. */
#include "plan/give.h"

#include "base/error.h"

static bool is_machine(const Give *give, const char *machine) {
        return g_strcmp0(give->input->guest->machine, machine) == 0;
}

/* A PV guest sees its devices by xen-pcifront, which has a bus of its own making, and no BIOS that could map them otherwise. */
static bool rule_kind_of_guest(const Give *give) {
        const XenDevice *asked = &give->want->xen;
        const char *word = asked->slot >= 0 ? "slot" : asked->power_mgmt >= 0 ? "power-mgmt" : asked->rdm != XEN_RDM_DEFAULT ? "rdm" : NULL;

        if (is_machine(give, "xenpvh"))
                plan_refuse(give->plan, VFADM_ERROR_UNSUPPORTED, "%s is a PVH guest, and Xen gives no PCI device to those; PV and HVM guests (type = \"pv\", type = \"hvm\") can have one", give->guest);
        else if (is_machine(give, "xenpv") && word)
                plan_refuse(give->plan, VFADM_ERROR_UNSUPPORTED, "%s= is for HVM guests, and %s is a PV guest; leave it out", word, give->guest);
        else
                return true;
        return false;
}

/* libxl gives a domain an IOMMU context at its creation, or never (libxl_create.c: XEN_DOMCTL_CDF_iommu). */
static bool rule_passthrough(const Give *give) {
        const GuestInfo *guest = give->input->guest;

        if (!(give->scope & SCOPE_LIVE) || !guest->no_passthrough)
                return true;
        plan_refuse(give->plan, VFADM_ERROR_REFUSED,
                    "%s was created without a PCI device and without passthrough=\"enabled\", so Xen gives it none while it runs; --config (without --live) puts the device into its file, or put passthrough=\"enabled\" there; then shut it down and create it anew", give->guest);
        return false;
}

bool give_may_go_to_xen(const Give *give) {
        Plan *plan = give->plan;

        if (give->want->with_group) {
                plan_refuse(plan, VFADM_ERROR_USAGE, "--with-group is about IOMMU groups, which are not to be seen on Xen's dom0; give %s each device by itself", give->guest);
                return false;
        }
        return rule_kind_of_guest(give) && rule_passthrough(give) && rule_directio(plan, give->input, give->dev) &&
               rule_companions(plan, give->input, give->dev, give->guest, NULL);
}

void give_note_xen(const Give *give) {
        const Dev *dev = give->dev, *pf = dev->is_vf ? snapshot_pf(give->input->host, dev) : NULL;
        const NetDev *net = pf ? dev_net(pf) : NULL;

        if (give->want->xen.permissive == 1)
                plan_note(give->plan, "permissive=on is unsafe: %s may then write all of the config space of %s, not only what is known to do no harm, and so disturb this host; leave it off unless the guest's driver does not work without", give->guest, dev->name);
        if (net && !net->up)
                plan_note(give->plan, "%s is down, and its VFs have no link then; run 'ip link set %s up'", net->name, net->name);
        if (give->scope == SCOPE_CONFIG && !give->own)
                plan_note(give->plan, "Xen binds no driver when a guest starts, so %s is kept for %s on pciback from now on; 'vfadm detach %s %s --config' gives it back", dev->name, give->guest, give->guest, dev->name);
}
