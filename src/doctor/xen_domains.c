/* Checks of what Xen's domains are given: by their files, by what pciback allows, and by who else shares the way to memory. */
#include "doctor/xen_checks.h"

#include "doctor/persistence.h"
#include "model/companions.h"
#include "xl/xl.h"

#include <string.h>

/* The file of a domain, for people. The caller frees. */
static char *file_of(const GuestInfo *domain) {
        return domain->file ? g_strdup_printf("/%s", domain->file) : g_strdup("its definition");
}

static Finding *report_domain(Doctor *doctor, Severity severity, const GuestInfo *domain, const char *what, ...) G_GNUC_PRINTF(4, 5);

static Finding *report_domain(Doctor *doctor, Severity severity, const GuestInfo *domain, const char *what, ...) {
        g_autofree char *ref = guest_info_ref(domain);
        va_list args;

        va_start(args, what);
        g_autofree char *text = g_strdup_vprintf(what, args);
        va_end(args);
        return report(doctor, severity, ref, "%s", text);
}

/* Its device's host function by name; "" where the file does not say one. */
static const char *device_name(const GuestDevice *device, char name[PCI_ADDR_TEXT_SIZE]) {
        *name = 0;
        if (device->has_host)
                pci_addr_format(device->host, name);
        return name;
}

/* The options of an entry of the file; all "not said" where it cannot be read. */
static XenDevice entry_of(const GuestDevice *device) {
        XenDevice entry = xen_device_plain(device->host);
        if (device->xml)
                (void) xl_device_parse(device->xml, strlen(device->xml), &entry, NULL);
        return entry;
}

/* An option of the file for all devices, unless the entry says otherwise. */
static bool option_of(int said, bool all) {
        return said == 1 || (said < 0 && all);
}

static void about_host(Doctor *doctor, Finding *finding, const GuestDevice *device) {
        const Dev *dev = device->has_host ? snapshot_get(doctor->host, device->host) : NULL;
        if (dev)
                about(finding, dev);
}

/* ---- permissive ---- */

static void remedy_permissive(Finding *finding, const char *more) {
        remedy(finding, "take it out%s and start the domain anew; igbvf, ixgbevf, iavf and mlx5 work without. It is no remedy for 'Failed to get "
                        "contiguous memory' (vfadm doctor --explain xen-swiotlb)", more);
}

/* Files that ask for it; what they name goes to *told. */
static void permissive_files(Doctor *doctor, GHashTable *told) {
        for (unsigned i = 0; i < doctor->domains->len; i++) {
                const GuestInfo *domain = doctor->domains->pdata[i];
                g_autofree char *file = file_of(domain);
                for (unsigned k = 0; k < domain->defined->len; k++) {
                        const GuestDevice *device = domain->defined->pdata[k];
                        char name[PCI_ADDR_TEXT_SIZE];
                        int said = entry_of(device).permissive;
                        if (!option_of(said, domain->all_permissive))
                                continue;
                        g_hash_table_add(told, g_strdup(device_name(device, name)));
                        Finding *finding = report_domain(doctor, SEVERITY_WARNING, domain, "it may write all of %s's config space", name);
                        about_host(doctor, finding, device);
                        seen(finding, "%s", said == 1 && device->xml ? device->xml : "pci_permissive = 1");
                        seen_in(finding, "%s", file);
                        remedy_permissive(finding, said == 1 ? " (permissive=1)" : " (pci_permissive)");
                }
        }
}

void check_xen_permissive(Doctor *doctor) {
        if (!on_dom0(doctor))
                return;
        g_autoptr(GHashTable) told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        permissive_files(doctor, told);
        if (doctor->setup->xen.permissive) {
                Finding *finding = report(doctor, SEVERITY_WARNING, NULL, "every domain may write all of its devices' config space");
                seen(finding, "Y");
                seen_in(finding, "/sys/module/xen_pciback/parameters/permissive");
                remedy(finding, "take xen-pciback.permissive out of the boot parameters and of /etc/modprobe.d; now: "
                                "echo N > /sys/module/xen_pciback/parameters/permissive");
        }
        for (unsigned i = 0; i < doctor->candidates->len; i++) {
                const Dev *dev = doctor->candidates->pdata[i];
                if (!dev->permissive || g_hash_table_contains(told, dev->name))
                        continue;
                const Use *use = dev_use(dev);
                Finding *finding = report_dev(doctor, SEVERITY_WARNING, dev, "%s may write all of its config space",
                                              use && use->kind == USE_GUEST ? use->what : "whoever gets it next");
                seen(finding, "it is listed");
                seen_in(finding, "/sys/bus/pci/drivers/pciback/permissive");
                remedy(finding, "detach it and attach it without permissive; unbinding it from pciback ends it: vfadm unbind %s", dev->name);
        }
}

/* ---- files ---- */

static bool has_now(const GuestInfo *domain, const GuestDevice *device) {
        return domain->running && guest_info_find(domain, device->host);
}

static void tell_unbound(Doctor *doctor, const GuestInfo *domain, const GuestDevice *device) {
        const Dev *dev = snapshot_get(doctor->host, device->host);
        const Lease *lease = dev ? lease_of(doctor, dev) : NULL;
        char name[PCI_ADDR_TEXT_SIZE];
        g_autofree char *file = file_of(domain);
        Finding *finding;

        device_name(device, name);
        if (!dev) {
                finding = report_domain(doctor, SEVERITY_WARNING, domain, "its next start fails: its file names %s, which is not there", name);
                seen(finding, "no such function");
                remedy(finding, "make the VF first, if it is one (vfadm enable PF N), or mend the address");
        } else {
                finding = report_domain(doctor, SEVERITY_WARNING, domain, "its next start fails: %s is bound to %s, not to pciback", name,
                                        dev->driver ? dev->driver : "no driver");
                about(finding, dev);
                seen(finding, "driver %s%s%s", dev->driver ? dev->driver : "none", lease ? "; leased to " : "", lease ? lease->guest : "");
                remedy(finding, "vfadm bind %s pciback (at every boot: vfadm bind --boot %s pciback); or have vfadm see to it: "
                                "vfadm attach xen:%s %s --config",
                       name, name, domain->name, name);
        }
        seen_in(finding, "%s", file);
}

void check_xen_unbound(Doctor *doctor) {
        unsigned well = 0, ill = 0;

        if (!on_dom0(doctor))
                return;
        for (unsigned i = 0; i < doctor->domains->len; i++) {
                const GuestInfo *domain = doctor->domains->pdata[i];
                for (unsigned k = 0; k < domain->defined->len; k++) {
                        const GuestDevice *device = domain->defined->pdata[k];
                        const Dev *dev = device->has_host ? snapshot_get(doctor->host, device->host) : NULL;
                        bool seized = dev && option_of(entry_of(device).seize, domain->all_seize); /* xen-seize tells of it */
                        if (!device->has_host || seized || has_now(domain, device) || (dev && driver_is_xen(dev->driver))) {
                                well++;
                                continue;
                        }
                        tell_unbound(doctor, domain, device);
                        ill++;
                }
        }
        if (well && !ill)
                report(doctor, SEVERITY_OK, NULL, "files of domains name what is ready");
}

static bool domain_in_scope(const Doctor *doctor, const GuestInfo *domain) {
        return doctor->scope == SCOPE_HOST || g_ptr_array_find(doctor->domains, domain, NULL);
}

/* One function with two domains that name it, or have it. */
static void tell_twice(Doctor *doctor, const GuestInfo *first, const GuestInfo *second, const GuestDevice *device, const char *name) {
        g_autofree char *other = guest_info_ref(first), *file = file_of(second);
        bool running = first->running && guest_info_find(first, device->host);

        Finding *finding = report_domain(doctor, SEVERITY_WARNING, second, running ? "it cannot start: %s has %s, which its file names" :
                                                                                  "%s is to have %s too, by its file: they cannot both run",
                                         other, name);
        about_host(doctor, finding, device);
        seen(finding, "%s", device->xml ? device->xml : name);
        seen_in(finding, "%s", file);
        remedy(finding, "give one of them another function: vfadm detach xen:%s %s --config, then vfadm attach xen:%s --from PF --config",
               second->name, name, second->name);
}

void check_xen_twice(Doctor *doctor) {
        if (!on_dom0(doctor) || !doctor->books)
                return;
        g_autoptr(GHashTable) owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        const GPtrArray *guests = doctor->books->guests;
        char name[PCI_ADDR_TEXT_SIZE];

        /* Who has it now comes before who is to have it. */
        for (unsigned i = 0; i < guests->len; i++) {
                const GuestInfo *domain = guests->pdata[i];
                for (unsigned k = 0; domain->domain && k < domain->devices->len; k++)
                        if (*device_name(domain->devices->pdata[k], name))
                                g_hash_table_insert(owners, g_strdup(name), (void *) domain);
        }
        for (unsigned i = 0; i < guests->len; i++) {
                const GuestInfo *domain = guests->pdata[i];
                for (unsigned k = 0; k < domain->defined->len; k++) {
                        const GuestDevice *device = domain->defined->pdata[k];
                        if (!*device_name(device, name))
                                continue;
                        const GuestInfo *first = g_hash_table_lookup(owners, name);
                        if (!first)
                                g_hash_table_insert(owners, g_strdup(name), (void *) domain);
                        else if (first != domain && (domain_in_scope(doctor, domain) || domain_in_scope(doctor, first)))
                                tell_twice(doctor, first, domain, device, name);
                }
        }
}

void check_xen_seize(Doctor *doctor) {
        for (unsigned i = 0; on_dom0(doctor) && i < doctor->domains->len; i++) {
                const GuestInfo *domain = doctor->domains->pdata[i];
                g_autofree char *file = file_of(domain);
                for (unsigned k = 0; k < domain->defined->len; k++) {
                        const GuestDevice *device = domain->defined->pdata[k];
                        const Dev *dev = device->has_host ? snapshot_get(doctor->host, device->host) : NULL;
                        char name[PCI_ADDR_TEXT_SIZE];
                        int said = entry_of(device).seize;
                        if (!option_of(said, domain->all_seize))
                                continue;
                        const Use *use = dev && !is_xens(dev) ? dev_use(dev) : NULL;
                        Finding *finding = report_domain(doctor, SEVERITY_WARNING, domain, "its start takes %s from dom0, whatever uses it%s%s",
                                                         device_name(device, name), use ? ": now " : "", use ? use->what : "");
                        about_host(doctor, finding, device);
                        seen(finding, "%s", said == 1 && device->xml ? device->xml : "pci_seize = 1");
                        seen_in(finding, "%s", file);
                        remedy(finding, "take it out, and bind the device by address instead: vfadm bind --boot %s pciback", name);
                }
        }
}

void check_xen_pvh(Doctor *doctor) {
        for (unsigned i = 0; on_dom0(doctor) && i < doctor->domains->len; i++) {
                const GuestInfo *domain = doctor->domains->pdata[i];
                if (g_strcmp0(domain->machine, "xenpvh") != 0 || !domain->defined->len)
                        continue;
                g_autofree char *file = file_of(domain);
                Finding *finding = report_domain(doctor, SEVERITY_WARNING, domain, "its start fails: a PVH domain takes no PCI device");
                seen(finding, "type = \"pvh\" and a list pci = [ … ]");
                seen_in(finding, "%s", file);
                remedy(finding, "type = \"pv\" or type = \"hvm\" for a domain with a device");
        }
}

/* ---- companions ---- */

/* In use by another than `domain` (NULL: nobody's): dom0's driver, or another domain. NULL: no. The caller frees. */
static char *used_by_other(const Dev *dev, const char *domain) {
        for (unsigned i = 0; i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                if (use->kind == USE_GUEST && g_strcmp0(use->guest, domain) != 0)
                        return g_strdup(use->what);
        }
        return dev->driver && !driver_is_xen(dev->driver) && !g_str_equal(dev->driver, "pci-stub") ? g_strdup_printf("dom0's %s", dev->driver) : NULL;
}

static const char *domain_of(const Dev *dev) {
        for (unsigned i = 0; i < dev->uses->len; i++)
                if (((const Use *) dev->uses->pdata[i])->kind == USE_GUEST)
                        return ((const Use *) dev->uses->pdata[i])->guest;
        return NULL;
}

/* A function that carries dom0 or a PF above its VFs is worth a note only: it is looked for whom the device could harm. */
static bool tell_companions(Doctor *doctor, const Dev *dev, const GPtrArray *companions, const Companions *all, bool same_id) {
        const Dev *first = NULL;
        g_autofree char *user = NULL;
        unsigned others = 0;

        for (unsigned i = 0; i < companions->len; i++) {
                const Dev *other = companions->pdata[i];
                g_autofree char *by = used_by_other(other, domain_of(dev));
                if (!by)
                        continue;
                others++;
                if (!first) {
                        first = other;
                        user = g_steal_pointer(&by);
                }
        }
        if (!first)
                return false;
        g_autofree char *more = others > 1 ? g_strdup_printf(" and %u more", others - 1) : g_strdup("");
        Finding *finding = report_dev(doctor, same_id ? SEVERITY_BLOCKS : SEVERITY_WARNING, dev,
                                      same_id ? "its DMA cannot be told from that of %s (%s)%s: they must all go to one domain"
                                              : "it can reach %s (%s)%s past the IOMMU",
                                      first->name, user, more);
        about(finding, first);
        const Dev *culprit = same_id ? all->bridge : all->port;
        if (same_id) {
                seen(finding, "both are behind %s, a bridge to a conventional bus", culprit->name);
                remedy(finding, "a PCI Express slot and card; or give all that is behind the bridge to one domain");
        } else if (culprit) {
                about(finding, culprit);
                seen(finding, "port %s does not isolate: %s", culprit->name, culprit->caps.has_acs ? "its ACS is off" : "it has no ACS");
                remedy(finding, "another slot, best one of the processor's own root ports; BIOS: 'ACS Enable' or 'ACS Control' = Enabled");
        } else {
                seen(finding, "functions of one card, without ACS");
                remedy(finding, "give all functions of the card to one domain, or give VFs");
        }
        return true;
}

/* Companions are the same for all that is below one port and in no slot with others: looked at once, for the first. */
static bool looked_at(GHashTable *ports, const Dev *dev) {
        if (!dev->has_parent)
                return false;
        char parent[PCI_ADDR_TEXT_SIZE];
        pci_addr_format(dev->parent, parent);
        return !g_hash_table_add(ports, g_strdup_printf("%s %s %s", parent, dev->is_vf ? "VF" : dev->name, domain_of(dev) ? domain_of(dev) : ""));
}

void check_xen_companions(Doctor *doctor) {
        g_autoptr(GHashTable) ports = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        unsigned apart = 0, shared = 0;

        for (unsigned i = 0; on_dom0(doctor) && i < doctor->candidates->len; i++) {
                const Dev *dev = doctor->candidates->pdata[i];
                if (!is_xens(dev) || looked_at(ports, dev))
                        continue;
                g_autoptr(Companions) companions = companions_of(doctor->host, dev);
                bool told = tell_companions(doctor, dev, companions->same_id, companions, true);
                told |= tell_companions(doctor, dev, companions->reachable, companions, false);
                shared += told;
                apart += !told && companions->known;
        }
        if (apart && !shared)
                report(doctor, SEVERITY_OK, NULL, "devices of domains are apart from others");
}

/* ---- resets ---- */

static bool has_method(const Dev *dev, const char *name) {
        return dev->reset_methods && g_strv_contains((const char *const *) dev->reset_methods, name);
}

/* VFs have a check of their own (vf-no-flr). */
void check_xen_no_flr(Doctor *doctor) {
        for (unsigned i = 0; on_dom0(doctor) && i < doctor->candidates->len; i++) {
                const Dev *dev = doctor->candidates->pdata[i];
                if (dev->is_vf || !is_xens(dev) || !(dev->reset_methods || (dev->has_caps && dev->caps.length >= 256)))
                        continue;
                bool flr = has_method(dev, "flr") || has_method(dev, "af_flr") || has_method(dev, "device_specific") || has_method(dev, "acpi") ||
                           (dev->has_caps && (dev->caps.flr || dev->caps.af_flr));
                if (flr)
                        continue;
                bool none = dev->reset_methods && !*dev->reset_methods;
                g_autofree char *ways = dev->reset_methods && *dev->reset_methods ? g_strjoinv(" ", dev->reset_methods) : g_strdup("none");
                Finding *finding = report_dev(doctor, none ? SEVERITY_WARNING : SEVERITY_NOTE, dev, "%s",
                                              none ? "nothing resets it between two domains" :
                                                     "it has no FLR: what resets it is weaker, or resets its neighbours too");
                seen(finding, "%s", ways);
                seen_in(finding, "/sys/bus/pci/devices/%s/reset_method", dev->name);
                remedy(finding, "give it to one domain only, and reboot before dom0 or another domain gets it; of a network card give VFs");
        }
}

/* ---- texts ---- */

const char explain_xen_permissive[] =
        "pciback shows a domain its device's config space and lets it write only what it knows to be harmless. "
        "Permissive lets all writes through: BARs, bridges, vendor registers, capabilities. With it a hostile or "
        "broken domain can move the device onto addresses of others, make it misbehave in ways the IOMMU does not "
        "see, and crash the host. Xen's developers call it unsafe, and give no security support for it.\n\n"
        "It is on by permissive=1 in an entry of pci = [ … ], by pci_permissive=1 in the domain's file (for every "
        "device), by xen-pciback.permissive on the kernel's command line (for every device of every domain), and "
        "stays on for a function until it is unbound from pciback.\n\n"
        "Network cards and their VFs do not need it. Some graphics units and wireless cards do, whose drivers write "
        "vendor registers; their failure shows in dom0's log as 'Driver tried to write to a read-only configuration "
        "space field'. Guides that name it as the remedy for 'Failed to get contiguous memory for DMA' are wrong: "
        "see xen-swiotlb.";

const char explain_xen_unbound[] =
        "xl gives to a domain only what is bound to pciback ('xl pci-assignable-list'). The file of this domain "
        "names a function that has another driver, no driver, or is not there; 'xl create' would stop with 'PCI "
        "device … is not assignable'.\n\n"
        "After a reboot that is the usual state: binding does not last. 'vfadm attach xen:NAME VF --config' keeps "
        "the function on pciback for the domain and gives it back when it is detached; 'vfadm bind --boot DEVICE "
        "pciback' hides it at every boot. VFs have to be made before (vfadm enable --persist), and the domain has to "
        "start after that.";

const char explain_xen_twice[] =
        "A function can be with one domain at a time. Two files name it, or a file names what another domain has "
        "now: the second start fails with 'not assignable' or 'already assigned'.\n\n"
        "That is all right for domains that never run together. Else give one of them a function of its own.";

const char explain_xen_seize[] =
        "With seize=1 in an entry, or pci_seize=1 for all of them, xl unbinds the function from dom0's driver when "
        "the domain starts, and asks nobody. When addresses have changed since the file was written (a card was "
        "added), that can be the disk controller dom0 runs from, or the network port you are logged in through.\n\n"
        "vfadm never writes it. Take it out, and have the function bound to pciback by 'vfadm attach xen:NAME DEVICE "
        "--config', or at boot by 'vfadm bind --boot DEVICE pciback': both look first whether dom0 uses it.";

const char explain_xen_pvh[] =
        "libxl has no PCI passthrough for PVH domains (Xen 4.20): the start stops with an error. PV domains get "
        "devices through pcifront, HVM domains through QEMU's device model. A PV domain needs no virtualisation of "
        "the processor; HVM needs hvm_directio in 'xl info'.";

const char explain_xen_companions[] =
        "The IOMMU tells devices apart by the number that their requests carry. Behind a bridge to a conventional "
        "PCI bus all devices have the bridge's number: the IOMMU cannot hold one back without the other, and Xen "
        "maps them together. And devices below one port that does not isolate (no ACS, or off), or in one slot, can "
        "reach each other without passing the IOMMU at all.\n\n"
        "On a host without Xen the kernel makes groups of such devices, and VFIO gives only whole groups. Under Xen "
        "dom0's kernel sees no groups, and Xen's tools do not look: they give one of them to a domain while dom0 "
        "works with the other. vfadm works it out from the config space of the ports on the way, and refuses to give "
        "what shares a number with a device in use.\n\n"
        "What helps: another slot, best one of the processor's own root ports; the BIOS setting 'ACS Enable' or 'ACS "
        "Control'; giving all of them to one domain. VFs of a card below a port with ACS have none of this.";

const char explain_xen_no_flr[] =
        "Between two owners a device must be reset: else the next finds the last one's queues, keys and running DMA. "
        "Xen's tools ask dom0's kernel to do it, and go on when it cannot. A function with FLR (function level "
        "reset) is reset alone; others by a power cycle of the function (pm), which many ignore, or of the whole "
        "bus, which is not done while other functions there are in use.\n\n"
        "/sys/bus/pci/devices/BDF/reset_method lists the ways that the kernel knows, best first; empty is none. "
        "Graphics cards and older network cards are of this kind. VFs have FLR by specification.";
