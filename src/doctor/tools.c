/* The tools beside vfadm: versions with faults that concern devices of guests, and who else manages the same VFs. */
#include "doctor/persistence.h"

#include <string.h>

/* ---- versions ---- */

/* "10.0.2" as one number that compares: three parts of at most 65535. 0: it does not say. */
static uint64_t version_number(const char *version) {
        uint64_t number = 0;
        const char *at = version ? version : "";

        for (unsigned i = 0; i < 3; i++) {
                char *end = (char *) at;
                uint64_t part = g_ascii_isdigit(*at) ? g_ascii_strtoull(at, &end, 10) : 0;
                number = number << 16 | MIN(part, 0xffff);
                at = *end == '.' ? end + 1 : "";
        }
        return number;
}

static uint64_t tool_version(const Doctor *doctor, const char *name) {
        const Tool *tool = setup_tool(doctor->setup, name);
        return tool ? version_number(tool->version) : 0;
}

/* Names as their projects write them; the order of the line. Only what has to do with giving devices. */
static const struct {
        const char *name, *title;
} told[] = {{"libvirt", "libvirt"}, {"qemu", "QEMU"}, {"xen", "Xen"}, {"driverctl", "driverctl"}};

static void check_found(Doctor *doctor) {
        g_autoptr(GString) line = g_string_new(NULL);
        bool hypervisor = false;

        for (size_t i = 0; i < G_N_ELEMENTS(told); i++) {
                const Tool *tool = setup_tool(doctor->setup, told[i].name);
                if (!tool)
                        continue;
                hypervisor |= i < 3;
                g_string_append_printf(line, "%s%s%s%s", line->len ? ", " : "", told[i].title, tool->version ? " " : "",
                                       tool->version ? tool->version : "");
        }
        if (line->len)
                report(doctor, SEVERITY_OK, NULL, "%s", line->str);
        /* Where not one tool was found, we could not look. */
        if (!hypervisor && doctor->setup->tools->len && doctor->guests->len == 0) {
                Finding *f = report(doctor, SEVERITY_NOTE, NULL, "neither QEMU nor Xen was found");
                remedy(f, "install QEMU (Debian: qemu-system-x86; Fedora: qemu-kvm)");
        }
}

/* ---- known faults ---- */

static bool any_link_count(const Doctor *doctor) {
        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *m = doctor->setup->mechanisms->pdata[i];
                if (m->kind == MECH_LINK && (m->sets & SETS_NUMVFS))
                        return true;
        }
        return false;
}

/* libvirt 12.4 refuses an older QEMU than 7.2. */
static bool old_qemu(const Doctor *doctor) {
        uint64_t qemu = tool_version(doctor, "qemu");
        return qemu && qemu < version_number("7.2");
}

/* A fault is here only with a source that says so. `from` ≤ version < `below`. */
static const struct {
        const char *tool, *from, *below;
        Severity severity;
        bool (*applies)(const Doctor *doctor); /* NULL: always */
        const char *what, *source, *remedy;
} faults[] = {
        {"libvirt", "12.1", "12.2", SEVERITY_WARNING, NULL,
         "attaching an interface of a hostdev network crashes libvirt 12.1", "libvirt's release notes of 12.2.0",
         "install libvirt 12.2 or later; until then attach the VF by its address"},
        {"libvirt", "12.4", NULL, SEVERITY_WARNING, old_qemu,
         "this libvirt starts no QEMU before 7.2", "libvirt's release notes of 12.4.0", "install QEMU 7.2 or later"},
        {"qemu", "6.1", "6.2", SEVERITY_WARNING, NULL,
         "with more than 15 root ports a q35 guest of QEMU 6.1 does not start", "QEMU issue 641, mended in 6.2",
         "install QEMU 6.2 or later, or use no more root ports"},
        {"qemu", "6.2", "7.2", SEVERITY_NOTE, NULL,
         "a guest that was asked for a device once cannot be asked again by this QEMU", "QEMU issue 1577",
         "wait until the guest has booted before detaching; a reboot of the guest ends the detach"},
        {"systemd", "1", "251", SEVERITY_WARNING, any_link_count,
         "SR-IOVVirtualFunctions= in a .link file does nothing before systemd 251", "systemd.link(5)",
         "make the VFs by a udev rule"},
};

static void check_faults(Doctor *doctor) {
        for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
                const Tool *tool = setup_tool(doctor->setup, faults[i].tool);
                uint64_t version = tool_version(doctor, faults[i].tool);
                if (version == 0 || version < version_number(faults[i].from) ||
                    (faults[i].below && version >= version_number(faults[i].below)) ||
                    (faults[i].applies && !faults[i].applies(doctor)))
                        continue;
                Finding *f = report(doctor, faults[i].severity, NULL, "%s", faults[i].what);
                seen(f, "%s %s; %s", faults[i].tool, tool->version, faults[i].source);
                remedy(f, "%s", faults[i].remedy);
        }
}

/* ---- who else manages VFs ---- */

static bool pf_has_lease(const Doctor *doctor, const Dev *pf) {
        for (unsigned i = 0; i < doctor->leases->len; i++) {
                const Lease *lease = doctor->leases->pdata[i];
                if (lease->is_vf && pci_addr_equal(lease->pf, pf->addr))
                        return true;
        }
        return false;
}

/* The PF that a pool of libvirt takes its VFs from, as far as it is in scope. */
static const Dev *pool_pf(const Doctor *doctor, const Mechanism *m) {
        const Dev *vf = m->bdf ? g_hash_table_lookup(doctor->host->by_name, m->bdf) : NULL;
        const Dev *wanted = vf ? snapshot_pf(doctor->host, vf) : NULL;

        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                if (wanted ? pf == wanted : mechanism_means(m, pf))
                        return pf;
        }
        return NULL;
}

static void check_pools(Doctor *doctor) {
        g_autoptr(GHashTable) seen_files = g_hash_table_new(g_str_hash, g_str_equal);

        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *m = doctor->setup->mechanisms->pdata[i];
                const Dev *pf = m->active && (m->sets & SETS_POOL) ? pool_pf(doctor, m) : NULL;
                /* A network that lists addresses has a mechanism for each. */
                if (!pf || !g_hash_table_add(seen_files, m->path))
                        continue;
                bool both = pf_has_lease(doctor, pf);
                Finding *f = report_dev(doctor, both ? SEVERITY_WARNING : SEVERITY_NOTE, pf,
                                        both ? "libvirt and vfadm both give its VFs to guests" : "libvirt gives its VFs to guests too");
                seen_mechanism(f, m);
                remedy(f, "let one of the two manage this PF: 'virsh net-autostart --disable NAME' and 'virsh net-destroy NAME' end "
                          "libvirt's network");
        }
}

static const struct {
        const char *tool, *title, *where, *how;
} managers[] = {
        {"sriov-network-operator", "the SR-IOV network operator of Kubernetes", "/etc/sriov-operator",
         "leave its PFs to it, or take this node or PF out of its SriovNetworkNodePolicy"},
        {"sriov-device-plugin", "the SR-IOV device plugin of Kubernetes", "/etc/pcidp",
         "leave the VFs of its pools to it: narrow the selectors in its configuration"},
        {"nova", "OpenStack's nova-compute", "/etc/nova", "leave what [pci] device_spec names to it"},
};

/* The VFs of a host that others manage: they count what they gave away, and know nothing of ours. */
static void check_managers(Doctor *doctor) {
        if (doctor->pfs->len == 0)
                return;
        for (size_t i = 0; i < G_N_ELEMENTS(managers); i++) {
                if (!setup_tool(doctor->setup, managers[i].tool))
                        continue;
                bool both = doctor->leases->len > 0;
                Finding *f = report(doctor, both ? SEVERITY_WARNING : SEVERITY_NOTE, NULL, "%s manages VFs on this host too",
                                    managers[i].title);
                seen_in(f, "%s", managers[i].where);
                remedy(f, "%s", managers[i].how);
                for (unsigned k = 0; k < doctor->pfs->len && k < 64; k++)
                        about(f, doctor->pfs->pdata[k]);
        }
}

/* ---- stubs ---- */

static void check_stub(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->candidates->len; i++) {
                const Dev *dev = doctor->candidates->pdata[i];
                bool stub = g_strcmp0(dev->driver, "pci-stub") == 0 || g_strcmp0(dev->driver, "pci-pf-stub") == 0;
                bool pciback = g_strcmp0(dev->driver, "pciback") == 0 && !doctor->setup->xen_dom0 && !doctor->no_setup;
                if (pciback) {
                        Finding *f = report_dev(doctor, SEVERITY_WARNING, dev, "it is bound to Xen's pciback, and this is no Xen");
                        remedy(f, "vfadm unbind %s", dev->name);
                } else if (stub && !dev->is_pf) {
                        Finding *f = report_dev(doctor, SEVERITY_NOTE, dev, "it is bound to %s, which keeps it from everybody",
                                                dev->driver);
                        remedy(f, "vfadm bind %s vfio-pci", dev->name);
                }
        }
}

const Check checks_tools[] = {
        {.id = "hypervisor-missing", .topic = TOPIC_TOOLS, .scopes = SCOPE_HOST,
         .title = "No QEMU and no Xen",
         .why = "Guests need something that runs them.",
         .explain =
                 "Neither QEMU nor Xen was found, by the package manager or at the usual paths. A QEMU of your own in "
                 "another place is no trouble: vfadm finds its guests while they run.",
         .run = check_found},
        {.id = "tool-fault", .topic = TOPIC_TOOLS, .scopes = SCOPE_HOST,
         .title = "A version with a known fault",
         .why = "This version is known to fail at giving devices to guests or at making VFs.",
         .explain =
                 "The version of a tool on this host has a fault that concerns devices of guests, with the place "
                 "where its project says so. Versions are those of the package manager: a distribution may have "
                 "mended the fault without a new number.\n\n"
                 "libvirt 12.1: attaching a network interface of a hostdev network crashes the daemon (mended in "
                 "12.2.0).\n\n"
                 "libvirt 12.4 and later: refuses QEMU before 7.2.\n\n"
                 "QEMU 6.1: a q35 guest with more than 15 pcie-root-ports does not get out of its firmware (issue "
                 "641).\n\n"
                 "QEMU 6.2 to 7.1: after a first device_del that the guest missed, for instance while it booted, a "
                 "second is refused as \"already in the process of unplug\" (issue 1577); a reboot of the guest ends "
                 "it.\n\n"
                 "systemd before 251: does not know SR-IOVVirtualFunctions= in .link files.",
         .run = check_faults},
        {.id = "libvirt-pool", .topic = TOPIC_TOOLS, .scopes = SCOPE_HOST | SCOPE_DEVICE,
         .title = "A libvirt network gives out the same VFs",
         .why = "libvirt takes the first VF that it has not given away itself, and does not know of vfadm's guests.",
         .explain =
                 "A libvirt network with <forward mode='hostdev'> (or one that puts macvtap on VFs) hands out the VFs "
                 "of a PF. It makes its list once, counts only what it gave away itself, and starts a guest with a VF "
                 "that is taken elsewhere only to fail; and it sets VLAN 0 on each VF it takes. vfadm does see VFs "
                 "that a running guest of libvirt holds and leaves them alone. With both on one PF, keep their VFs "
                 "apart, or end the network.",
         .run = check_pools},
        {.id = "other-manager", .topic = TOPIC_TOOLS, .scopes = SCOPE_HOST,
         .title = "Another manager of VFs",
         .why = "Two managers of the same VFs take them from each other.",
         .explain =
                 "The SR-IOV network operator brings the number of VFs and their drivers back to its policies "
                 "whenever it finds them changed, which takes VFs out of guests; the device plugin and nova-compute "
                 "hand out every VF that their configuration matches, and do not know of vfadm's guests. Give each PF "
                 "to one manager only. It is a warning when vfadm has leases on this host.",
         .run = check_managers},
        {.id = "stub-driver", .topic = TOPIC_TOOLS, .scopes = SCOPE_HOST | SCOPE_DEVICE,
         .title = "A device is bound to a stub",
         .why = "pci-stub and pciback hold a device so that nobody else gets it, no guest of KVM either.",
         .explain =
                 "pci-stub and xen-pciback take a device away from the host's drivers. A guest of KVM needs vfio-pci "
                 "instead; pciback serves guests of Xen only. They get devices by their ids or addresses on the "
                 "kernel's command line (pci-stub.ids=, xen-pciback.hide=), in modprobe.d, or by hand.",
         .run = check_stub},
        {.id = NULL},
};
