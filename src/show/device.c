/* All about one device, as text: flat lines under a few headings, to be read at 3 a.m. and searched with grep. */
#include "show/device.h"

#include "base/text.h"
#include "model/nic.h"
#include "show/value.h"

#include <string.h>

static void heading(GString *out, const char *title) {
        g_string_append_printf(out, "\n%s\n", title);
}

static void title(GString *out, const ShowContext *context, const Dev *dev) {
        g_autofree char *nick = snapshot_nick(context->host, dev);
        const Dev *pf = snapshot_pf(context->host, dev);
        g_autofree char *what = dev->is_vf ? g_strdup_printf("VF %u of %s", dev->vf_index, pf ? pf->name : "a PF that is gone")
                                : dev->is_pf ? g_strdup("PF")
                                             : g_strdup_printf("%s, no SR-IOV", class_word(dev->class_code));
        g_autofree char *line = g_str_equal(nick, dev->name) ? g_strdup_printf("%s: %s", nick, what)
                                                             : g_strdup_printf("%s (%s): %s", nick, dev->name, what);
        g_autofree char *safe = value_safe(line);
        g_string_append_printf(out, "%s\n", safe);
}

static void net_fields(GString *out, const Dev *dev) {
        for (unsigned i = 0; i < dev->nets->len; i++) {
                const NetDev *net = dev->nets->pdata[i];
                g_autoptr(GString) line = g_string_new(net->name);
                char mac[MAC_TEXT_SIZE];

                mac_format(net->mac, mac);
                g_string_append_printf(line, ": %s, MAC %s", net_word(net), mac);
                if (net->phys_port_name)
                        g_string_append_printf(line, ", port %s", net->phys_port_name);
                if (net->master)
                        g_string_append_printf(line, ", part of %s", net->master);
                for (unsigned a = 0; a < net->addresses->len; a++)
                        g_string_append_printf(line, ", %s", (const char *) net->addresses->pdata[a]);
                value_field(out, i == 0 ? "network" : "", "%s", line->str);
        }
}

static void identity(GString *out, const ShowContext *context, const Dev *dev) {
        heading(out, "Device");
        if (dev->vendor_name || dev->device_name)
                value_field(out, "name", "%s%s%s", dev->vendor_name ? dev->vendor_name : "",
                            dev->vendor_name && dev->device_name ? " " : "", dev->device_name ? dev->device_name : "");
        value_field(out, "ids", "%04x:%04x, subsystem %04x:%04x, revision %02x", dev->vendor, dev->device, dev->subvendor,
                    dev->subdevice, dev->revision);
        value_field(out, "class", "%s (%06x)", class_word(dev->class_code), dev->class_code);
        char libvirt[PCI_ADDR_TEXT_SIZE];
        pci_addr_format_libvirt(dev->addr, libvirt);
        value_field(out, "libvirt name", "%s", libvirt);
        if (dev->has_caps && dev->caps.has_serial)
                value_field(out, "serial", "%016" G_GINT64_MODIFIER "x", dev->caps.serial);
        value_field(out, "driver", "%s", dev->driver ? dev->driver : "none");
        if (dev->driver_override)
                value_field(out, "", "only %s may bind (driver_override)", dev->driver_override);
        net_fields(out, dev);
        for (unsigned i = 0; i < dev->blocks->len; i++)
                value_field(out, i == 0 ? "block device" : "", "%s", (const char *) dev->blocks->pdata[i]);
}

static void lease_fields(GString *out, const Lease *lease) {
        g_autofree char *since = value_time(lease->created);
        g_autofree char *given = vf_state_format(&lease->given, VF_ALL);
        g_autofree char *saved = vf_state_format(&lease->saved, VF_ALL);

        value_field(out, "lease", "#%" G_GINT64_FORMAT " to %s since %s%s", lease->id, lease->guest, since,
                    lease->state == LEASE_PENDING ? "; pending: asked to let go, and has not yet" : "");
        value_field(out, "", "NIC %u of the guest", lease->nic);
        if (lease->pid > 0)
                value_field(out, "", "held by pid %d", lease->pid);
        if (lease->config)
                value_field(out, "", "stands in the guest's definition, and stays with it while it is off");
        if (lease->pool)
                value_field(out, "", "from the pool %s", lease->pool);
        if (lease->guest_device)
                value_field(out, "", "in the guest it is %s", lease->guest_device);
        if (*given)
                value_field(out, "", "given: %s", given);
        value_field(out, "", "before: driver %s%s%s", lease->saved_driver ? lease->saved_driver : "none", *saved ? ", " : "", saved);
}

static void use(GString *out, const ShowContext *context, const Dev *dev) {
        const Lease *lease = show_lease_of(context, dev);

        heading(out, "Use");
        for (unsigned i = 0; i < dev->uses->len; i++)
                value_field(out, i == 0 ? "used by" : "", "%s", ((const Use *) dev->uses->pdata[i])->what);
        if (dev->uses->len == 0)
                value_field(out, "used by", "nobody");
        if (lease)
                lease_fields(out, lease);
        else
                value_field(out, "lease", "none");
}

static void vf_state(GString *out, const ShowContext *context, const Dev *dev) {
        const Dev *pf = snapshot_pf(context->host, dev);
        const VfInfo *info = device_vf_info(context->host, dev);

        heading(out, "VF state, as its PF keeps it");
        if (info && info->missing) {
                value_field(out, "state", "the kernel leaves it out now: the VF is in reset; ask again");
                return;
        }
        if (!info) {
                const char *why = !pf ? "its PF is gone"
                                  : pf->vf_infos_error ? g_strerror(-pf->vf_infos_error)
                                  : !dev_net(pf) ? "its PF has no network device"
                                                 : "the kernel did not say";
                value_field(out, "state", "not known: %s", why);
                return;
        }
        for (unsigned bit = 1; bit & VF_ALL; bit <<= 1) {
                g_autofree char *word = vf_state_format(&info->state, bit);
                if (*word)
                        value_field(out, vf_attribute_name(bit), "%s", word + strlen(vf_attribute_name(bit)) + 1);
        }
        if ((info->state.known & VF_MAC) && mac_is_zero(info->state.mac))
                value_field(out, "", "no MAC given: the VF's driver takes its own, often another one at each start");
}

static char *attribute_names(unsigned mask) {
        GString *text = g_string_new(NULL);
        for (unsigned bit = 1; bit & VF_ALL; bit <<= 1)
                if (mask & bit)
                        g_string_append_printf(text, "%s%s", text->len ? ", " : "", vf_attribute_name(bit));
        return g_string_free(text, FALSE);
}

/* What the PF's driver takes, for a PF and for its VFs. */
static void pf_driver(GString *out, const Dev *pf) {
        const NicDriver *nic = nic_driver(pf->driver);
        if (!nic) {
                if (dev_is_network(pf) && pf->driver)
                        value_field(out, "driver takes", "%s: not known, the kernel's answer decides", pf->driver);
                return;
        }
        g_autofree char *accepts = nic_accepts_text(nic);
        g_autofree char *resets = attribute_names(nic->resets_vf);
        value_field(out, "driver takes", "%s: %s", nic->driver, accepts);
        if (*resets)
                value_field(out, "", "a change of %s resets the VF", resets);
        if (nic->enable_needs_up)
                value_field(out, "", "the PF must be up when VFs are made");
        if (nic->state_needs_up)
                value_field(out, "", "the PF must be up for VF settings to take effect");
        if (nic->note)
                value_field(out, "note", "%s", nic->note);
}

static void pf_limits(GString *out, const ShowContext *context, const Dev *dev) {
        g_autofree char *nick = snapshot_nick(context->host, dev);
        const NicDriver *nic = nic_driver(dev->driver);

        heading(out, "VFs");
        value_field(out, "on", "%u of %u", dev->num_vfs, dev->total_vfs);
        if (dev->num_vfs)
                value_field(out, "", "'vfadm list %s' shows them", nick);
        value_field(out, "new VFs", "%s (autoprobe)", dev->autoprobe ? "get a host driver" : "stay without a driver");
        if (nic && nic->raise)
                value_field(out, "more VFs", "%s", nic->raise);
        if (dev->vf_infos_error)
                value_field(out, "VF states", "not read: %s", g_strerror(-dev->vf_infos_error));
        pf_driver(out, dev);
}

/* "0000:00:02.0 root port, ACS SV RR CR UF": only a port that should keep devices apart is told so. */
static void bridge_field(GString *out, const char *label, const Dev *bridge) {
        if (!bridge->has_caps) {
                value_field(out, label, "%s", bridge->name);
                return;
        }
        const PciCaps *caps = &bridge->caps;
        g_autofree char *on = acs_text(caps->acs_ctrl);
        g_autofree char *off = acs_text(acs_lacks(caps));
        g_autoptr(GString) line = g_string_new(NULL);

        g_string_append_printf(line, "%s %s%s", bridge->name, pcie_type_word(caps->pcie_type),
                               caps->ari_forwarding ? ", forwards ARI" : "");
        if (caps->has_acs)
                g_string_append_printf(line, ", ACS on: %s", *on ? on : "nothing");
        if (caps->has_acs && *off && port_needs_acs(caps))
                g_string_append_printf(line, "; off: %s, so it does not keep devices apart", off);
        if (!caps->has_acs && caps->length > 256 && port_needs_acs(caps))
                g_string_append(line, ", no ACS capability (the kernel knows some ports that isolate without it)");
        value_field(out, label, "%s", line->str);
}

static void where(GString *out, const ShowContext *context, const Dev *dev) {
        g_autoptr(GPtrArray) bridges = device_bridges(context->host, dev);

        heading(out, "Where");
        value_field(out, "slot", "%s", dev->slot ? dev->slot : "not told");
        if (dev->numa_node >= 0)
                value_field(out, "NUMA node", "%d", dev->numa_node);
        else
                value_field(out, "NUMA node", "not told");
        if (dev->path)
                value_field(out, "path", "%s", dev->path);
        for (unsigned i = 0; i < bridges->len; i++)
                bridge_field(out, i == 0 ? "below" : "", bridges->pdata[i]);
}

static void iommu(GString *out, const ShowContext *context, const Dev *dev) {
        g_autoptr(GPtrArray) members = snapshot_group(context->host, dev->iommu_group);
        const Snapshot *host = context->host;

        heading(out, "IOMMU");
        if (dev->iommu_group < 0 && host->xen_dom0)
                value_field(out, "group", "not to be seen on dom0: Xen itself guards devices; 'vfadm doctor' says whether it can");
        else if (dev->iommu_group < 0)
                value_field(out, "group", "%s", host->has_iommu ? "none: this device is behind no IOMMU"
                                                                : "none: this host has no IOMMU switched on (VT-d or AMD-Vi in the "
                                                                  "BIOS, intel_iommu=on on the kernel command line)");
        else
                value_field(out, "group", "%d%s", dev->iommu_group,
                            members->len == 1 ? ": alone in it" : ", whose members go to a guest together:");
        for (unsigned i = 0; members->len > 1 && i < members->len; i++) {
                const Dev *member = members->pdata[i];
                const Use *most = dev_use(member);
                value_field(out, "", "%s %s, driver %s%s%s", member->name, class_word(member->class_code),
                            member->driver ? member->driver : "none", most ? ", " : "", most ? most->what : "");
        }
        if (host->intremap != INTREMAP_UNKNOWN && !host->xen_dom0)
                value_field(out, "interrupts", "remapping is %s%s", intremap_word(host->intremap),
                            host->intremap == INTREMAP_OFF && host->unsafe_interrupts ? ", and unsafe interrupts are allowed" : "");
}

/* What takes the place of groups and VFIO on dom0. Whether a device is quarantined Xen tells nobody: only what was asked for is known. */
static void xen(GString *out, const ShowContext *context, const Dev *dev) {
        const Lease *lease = show_lease_of(context, dev);
        const Use *guest = device_guest(dev);

        heading(out, "Xen");
        if (!driver_is_xen(dev->driver)) {
                value_field(out, "assignable", "no: dom0 has it; 'vfadm bind %s " DRIVER_PCIBACK "' keeps it for guests", dev->name);
                return;
        }
        value_field(out, "assignable", "yes%s%s", guest ? ", and given to " : ", to any guest", guest ? guest->what : "");
        if (guest)
                value_field(out, "quarantine", "not now: its DMA reaches the memory of that guest");
        else if (lease)
                value_field(out, "quarantine", "on: its DMA is kept from dom0 (asked for with lease #%" G_GINT64_FORMAT ")", lease->id);
        else
                value_field(out, "quarantine", "not told by Xen; on after 'vfadm bind' and 'xl pci-assignable-add'");
        value_field(out, "permissive", "%s", dev->permissive ? "yes: its guest may write all of its config space, which is unsafe" : "no");
}

static void sriov_field(GString *out, const PciCaps *caps) {
        if (!caps->has_sriov) {
                value_field(out, "SR-IOV", "no");
                return;
        }
        value_field(out, "SR-IOV", "%s, %u VFs of %u (initially %u), VF device id %04x", caps->sriov_enabled ? "on" : "off",
                    caps->sriov_num, caps->sriov_total, caps->sriov_initial, caps->sriov_vf_device);
        value_field(out, "", "VF offset %u, stride %u, page size %u KiB%s", caps->sriov_offset, caps->sriov_stride,
                    caps->sriov_page_size * 4, caps->sriov_ari ? ", ARI hierarchy" : "");
}

static void reset_field(GString *out, const Dev *dev) {
        if (!dev->reset_methods) {
                value_field(out, "resets", "not told by the kernel");
                return;
        }
        g_autofree char *methods = g_strjoinv(", ", dev->reset_methods);
        value_field(out, "resets", "%s", *methods ? methods : "none: a guest would leave its state to the next one");
}

static void link_field(GString *out, const PciCaps *caps) {
        const char *speed = link_speed_word(caps->link_speed), *most = link_speed_word(caps->link_speed_max);
        if (caps->link_width && speed)
                value_field(out, "link", "%s x%u (at most %s x%u)", speed, caps->link_width, most ? most : "?", caps->link_width_max);
}

static void capabilities(GString *out, const Dev *dev) {
        const PciCaps *caps = &dev->caps;

        heading(out, "Capabilities");
        reset_field(out, dev);
        if (!dev->has_caps) {
                value_field(out, "others", "not read");
                return;
        }
        if (caps->length <= 64) {
                value_field(out, "others", "not readable: the kernel shows only 64 bytes of config space; run as root");
                return;
        }
        value_field(out, "type", "%s%s", pcie_type_word(caps->pcie_type), caps->multifunction ? ", multifunction" : "");
        value_field(out, "FLR", "%s", caps->flr ? "yes" : caps->af_flr ? "yes (Advanced Features)" : "no");
        value_field(out, "PM reset", "%s", caps->pm_reset ? "yes" : "no");
        value_field(out, "MSI-X", "%u vectors", caps->msix_vectors);
        value_field(out, "MSI", "%u vectors", caps->msi_vectors);
        link_field(out, caps);
        if (caps->length <= 256) {
                if (caps->pcie_type != PCIE_NONE)
                        value_field(out, "others", "not readable: the kernel shows only 256 bytes of config space");
                return;
        }
        sriov_field(out, caps);
        value_field(out, "ARI", "%s", caps->has_ari ? "yes" : "no");
        g_autofree char *acs = acs_text(caps->acs_ctrl);
        value_field(out, "ACS", "%s%s", caps->has_acs ? "yes, on: " : "no", caps->has_acs ? *acs ? acs : "nothing" : "");
}

char *show_device_text(const ShowContext *context, const Dev *dev) {
        GString *out = g_string_new(NULL);

        title(out, context, dev);
        identity(out, context, dev);
        use(out, context, dev);
        if (dev->is_vf) {
                const Dev *pf = snapshot_pf(context->host, dev);
                vf_state(out, context, dev);
                if (pf)
                        pf_driver(out, pf);
        }
        if (dev->is_pf)
                pf_limits(out, context, dev);
        where(out, context, dev);
        iommu(out, context, dev);
        if (context->host->xen_dom0 && !dev_is_bridge(dev))
                xen(out, context, dev);
        capabilities(out, dev);
        return g_string_free(out, FALSE);
}
