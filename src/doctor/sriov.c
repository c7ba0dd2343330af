/* Checks of SR-IOV: what firmware, card and driver let a PF make of VFs, and how the PF stands now. Whether there is
 * room for the VFs is in sriov_room.c. */
#include "doctor/sriov.h"

#include "model/nic.h"

#include <string.h>

/* Those that have a .sriov_configure, so that sriov_numvfs makes VFs: Linux 6.12.117, `grep -rl sriov_configure
 * drivers/`. */
static const char *const makes_vfs[] = {
        "420xx",       "4xxx",      "CNN55XX",    "LiquidIO",  "be2net",       "bnx2x",
        "bnxt_en",     "c3xxx",     "c6xx",       "cxgb4",     "dfl-pci",      "dh895xcc",
        "ena",         "fm10k",     "fsl_enetc",  "funeth",    "genwqe",       "hinic",
        "hisi_hpre",   "hisi_sec2", "hisi_zip",   "hns3",      "i40e",         "ice",
        "idpf",        "igb",       "ionic",      "ixgbe",     "mlx5_core",    "mrvl_cn10k_dpi",
        "nfp",         "nvme",      "octep_vdpa", "octeon_ep", "octeontx-cpt", "pci-endpoint-test",
        "pci-pf-stub", "pds_core",  "qede",       "qlcnic",    "rvu_cptpf",    "rvu_nicpf",
        "sfc",         "sfc_ef100", "sfc_siena",  "vfio-pci",  "virtio-pci",   "xe",
        NULL};

/* How to get VFs, or more of them, out of cards that model/nic.c does not know or whose drivers make VFs in another
 * way. */
static const struct {
        const char *driver;
        const char *how;
} raises[] = {
        {"be2net", "the card's BIOS menu or OneCommand: SR-IOV on, VFs a port; then a cold reboot"},
        {"bnx2x", "the card's BIOS menu (CCM) or bnxtnvm: SR-IOV, number of VFs a PF; then a cold reboot"},
        {"cxgb4", "the number of VFs is in the card's configuration file (/lib/firmware/cxgb4/)"},
        {"enic", "the vNIC's profile in UCS Manager or CIMC: number of VFs; the driver makes them when it loads"},
        {"qede", "the card's BIOS menu or QConvergeConsole: SR-IOV, number of VFs a PF; then a cold reboot"},
        {"sfc", "sfboot switch-mode=sriov vf-count=n, then a cold reboot"},
};

static const char *raise_of(const char *driver) {
        const NicDriver *nic = nic_driver(driver);
        if (nic && nic->raise)
                return nic->raise;
        for (size_t i = 0; driver && i < G_N_ELEMENTS(raises); i++)
                if (g_str_equal(raises[i].driver, driver))
                        return raises[i].how;
        return NULL;
}

bool pf_is_wanted(const Doctor *doctor, const Dev *pf) {
        return dev_is_network(pf) || doctor->scope != SCOPE_HOST;
}

static bool extended_known(const Dev *dev) {
        return dev->has_caps && dev->caps.length > 256 && dev->caps.pcie_type != PCIE_NONE;
}

/* ---- What firmware and kernel offer ---- */

static void firmware_off(Doctor *doctor, const Dev *dev) {
        const char *raise = raise_of(dev->driver);
        bool none = !dev->caps.has_sriov;

        /* Without the capability only what is known to be a card that could have it is told; in a guest it is hidden. */
        if (none ? !raise || doctor->setup->hypervisor : dev->caps.sriov_total > 0)
                return;
        Finding *finding = report_dev(doctor, none ? SEVERITY_NOTE : SEVERITY_WARNING, dev, "%s",
                                      none ? "SR-IOV is not offered by the card" : "the card's firmware gives it no VFs");
        seen(finding, none ? "no SR-IOV capability" : "TotalVFs 0");
        if (none)
                seen_in_config(finding, dev, 0, "extended capabilities");
        else
                seen_in_config(finding, dev, dev->caps.sriov_at + 0x0eu, "SR-IOV TotalVFs");
        remedy(finding, "%s; BIOS: 'SR-IOV Support' or 'SR-IOV Global Enable' = Enabled",
               raise ? raise : "the card's own BIOS menu or its maker's firmware tool: SR-IOV on");
}

static void not_offered(Doctor *doctor, const Dev *dev) {
        if (!dev->caps.has_sriov || !dev->caps.sriov_total || dev->is_pf)
                return;
        Finding *finding =
                report_dev(doctor, SEVERITY_WARNING, dev,
                           "the card offers %u VFs, and the kernel does not take them up", dev->caps.sriov_total);
        seen(finding, "no sriov_totalvfs");
        seen_in(finding, "/sys/bus/pci/devices/%s/", dev->name);
        remedy(finding, "a kernel with CONFIG_PCI_IOV=y; else see what it says: dmesg | grep %s", dev->name);
}

/* Functions that could be PFs: on a host all, so that one is found that is none now; else what was asked about. */
static void each_function(Doctor *doctor, void (*look)(Doctor *doctor, const Dev *dev)) {
        const GPtrArray *devs = doctor->scope == SCOPE_HOST ? doctor->host->devs : doctor->candidates;
        for (unsigned i = 0; i < devs->len; i++) {
                const Dev *dev = devs->pdata[i];
                if (!dev->is_vf && extended_known(dev))
                        look(doctor, dev);
        }
}

static void run_firmware_off(Doctor *doctor) {
        each_function(doctor, firmware_off);
}

static void run_not_offered(Doctor *doctor) {
        each_function(doctor, not_offered);
}

static void run_limit(Doctor *doctor) {
        unsigned possible = 0, on = 0, before = doctor->findings->len;

        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                const NicDriver *nic = nic_driver(pf->driver);
                unsigned hardware = pf->caps.has_sriov ? pf->caps.sriov_total : pf->total_vfs;
                possible += pf->total_vfs;
                on += pf->num_vfs;
                /* The driver's own limit is no news, and without its driver a PF has none. */
                if (!pf->driver || pf->total_vfs >= hardware ||
                    (nic && nic->sriov_limit && pf->total_vfs >= nic->sriov_limit))
                        continue;
                Finding *finding =
                        report_dev(doctor, pf->total_vfs ? SEVERITY_NOTE : SEVERITY_WARNING, pf,
                                   "%s allows %u VFs of the %u that the card has", pf->driver, pf->total_vfs, hardware);
                seen(finding, "%u", pf->total_vfs);
                seen_in(finding, "/sys/bus/pci/devices/%s/sriov_totalvfs", pf->name);
                remedy(finding, "%s",
                       raise_of(pf->driver)
                               ? raise_of(pf->driver)
                               : "the driver's options and 'devlink resource show'; its maker's firmware tool");
        }
        if (doctor->findings->len == before && doctor->pfs->len)
                report(doctor, SEVERITY_OK, NULL, "%u %s, %u of %u VFs on", doctor->pfs->len,
                       doctor->pfs->len == 1 ? "PF" : "PFs", on, possible);
}

/* ---- The PF's driver ---- */

static void run_no_driver(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                if (pf->driver || lease_of(doctor, pf))
                        continue;
                Finding *finding = report_dev(doctor, doctor->scope == SCOPE_HOST ? SEVERITY_NOTE : SEVERITY_WARNING, pf,
                                              "has no driver, so that no VF can be made");
                seen(finding, "no driver");
                seen_in(finding, "/sys/bus/pci/devices/%s/", pf->name);
                if (pf->driver_override)
                        remedy(finding,
                               "only %s may bind (driver_override); the host's driver instead: vfadm unbind %s",
                               pf->driver_override, pf->name);
                else
                        remedy(finding, "vfadm unbind %s", pf->name);
        }
}

static void run_driver_without(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                if (!pf->driver || pf->num_vfs || driver_is_vfio(pf->driver) || g_strv_contains(makes_vfs, pf->driver))
                        continue;
                Finding *finding =
                        report_dev(doctor, pf_is_wanted(doctor, pf) ? SEVERITY_WARNING : SEVERITY_NOTE, pf,
                                   "driver %s makes no VFs through sriov_numvfs, as of Linux 6.12", pf->driver);
                seen(finding, "%s", pf->driver);
                seen_in(finding, "/sys/bus/pci/devices/%s/driver", pf->name);
                const char *raise = raise_of(pf->driver);
                remedy(finding, "%s",
                       raise ? raise
                             : "the card maker's own driver may; or bind the PF to pci-pf-stub, where the card needs "
                               "no "
                               "driver for its VFs to work");
        }
}

static void run_on_vfio(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                if (!driver_is_vfio(pf->driver))
                        continue;
                bool can = doctor->setup->vfio_pci_sriov;
                Finding *finding =
                        report_dev(doctor, pf->num_vfs ? SEVERITY_WARNING : SEVERITY_NOTE, pf,
                                   pf->num_vfs ? "is bound to %s with %u VFs: who opens a VF needs the PF's VF token"
                                               : "is bound to %s: the host makes no VFs of it",
                                   pf->driver, pf->num_vfs);
                seen(finding, "%s; enable_sriov=%s", pf->driver, can ? "Y" : "N");
                seen_in(finding, "/sys/bus/pci/devices/%s/driver", pf->name);
                if (pf->num_vfs)
                        remedy(finding,
                               "start both users with the same token (QEMU: -device vfio-pci,…,vf-token=UUID), or give "
                               "the PF back to "
                               "the host: vfadm unbind %s",
                               pf->name);
                else
                        remedy(finding, "vfadm unbind %s gives it back to the host's driver", pf->name);
        }
}

static void run_autoprobe(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                if (pf->autoprobe)
                        continue;
                Finding *finding = report_dev(doctor, SEVERITY_NOTE, pf,
                                              "its VFs get no driver when they are made or come back from a guest");
                seen(finding, "0");
                seen_in(finding, "/sys/bus/pci/devices/%s/sriov_drivers_autoprobe", pf->name);
                remedy(finding,
                       "where the host shall use VFs itself: echo 1 > /sys/bus/pci/devices/%s/sriov_drivers_autoprobe",
                       pf->name);
        }
}

/* ---- The PF's network side ---- */

static bool has_given_vf(const Doctor *doctor, const Dev *pf) {
        for (unsigned n = 0; pf->vfs && n < pf->vfs->len; n++) {
                const Dev *vf = snapshot_vf(doctor->host, pf, n);
                if (vf && (lease_of(doctor, vf) || (driver_is_vfio(vf->driver) && dev_use(vf))))
                        return true;
        }
        return false;
}

static void run_down(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                const NetDev *net = dev_net(pf);
                const NicDriver *nic = nic_driver(pf->driver);
                if (!net || net->up)
                        continue;
                /* Of drivers that need the PF up for VFs at all, vf-pf-down tells. */
                bool given = pf->num_vfs && !(nic && nic->state_needs_up) && has_given_vf(doctor, pf);
                if (!given && !(nic && nic->enable_needs_up && pf->num_vfs == 0))
                        continue;
                Finding *finding = report_dev(doctor, given ? SEVERITY_WARNING : SEVERITY_NOTE, pf,
                                              given ? "is down while a guest has a VF of it: most cards then pass nothing"
                                                    : "is down: %s makes no VFs then, and says success", pf->driver);
                seen(finding, "not up");
                seen_in(finding, "/sys/class/net/%s/flags", net->name);
                remedy(finding, "ip link set %s up", net->name);
        }
}

static void run_switchdev(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                const NetDev *representor = NULL;
                for (unsigned n = 0; n < pf->nets->len && !representor; n++) {
                        const NetDev *net = pf->nets->pdata[n];
                        if (port_name_is_representor(net->phys_port_name))
                                representor = net;
                }
                if (!representor)
                        continue;
                Finding *finding = report_dev(doctor, SEVERITY_NOTE, pf,
                                              "its eswitch is in switchdev mode: VFs get MAC, VLAN and rate through "
                                              "representors");
                seen(finding, "%s is %s", representor->name, representor->phys_port_name);
                seen_in(finding, "/sys/class/net/%s/phys_port_name", representor->name);
                remedy(finding,
                       "for VLANs by 'ip link set … vf': devlink dev eswitch set pci/%s mode legacy (some cards: with "
                       "0 VFs)",
                       pf->name);
        }
}

static void run_link(Doctor *doctor) {
        static const char *const speeds[] = {"?", "2.5", "5", "8", "16", "32", "64"};

        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                const PciCaps *caps = &pf->caps;
                bool slower = caps->link_speed < caps->link_speed_max, narrower = caps->link_width < caps->link_width_max;
                if (!pf->has_caps || !dev_is_network(pf) || !caps->link_width || !caps->link_speed ||
                    !(slower || narrower) || caps->link_speed_max >= G_N_ELEMENTS(speeds) ||
                    caps->link_speed >= G_N_ELEMENTS(speeds))
                        continue;
                Finding *finding = report_dev(
                        doctor, SEVERITY_NOTE, pf, "its PCI Express link runs at %s GT/s x%u of %s GT/s x%u",
                        speeds[caps->link_speed], caps->link_width, speeds[caps->link_speed_max], caps->link_width_max);
                seen(finding, "%s GT/s x%u", speeds[caps->link_speed], caps->link_width);
                seen_in_config(finding, pf, caps->express_at + 0x12u, "Link Status");
                const Dev *port = pf->has_parent ? snapshot_get(doctor->host, pf->parent) : NULL;
                bool slot = port && port->has_caps && port->caps.link_width_max &&
                            (port->caps.link_width_max < caps->link_width_max ||
                             port->caps.link_speed_max < caps->link_speed_max);
                remedy(finding, slot ? "its slot gives no more: another slot, if the speed matters"
                                     : "seat the card anew; BIOS: link speed of the slot = Auto, bifurcation as the "
                                       "card needs it");
        }
}

/* ---- Interrupts of VFs ---- */

static void run_vectors(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                g_autoptr(GPtrArray) vfs = vfs_of(doctor, pf);
                g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(unsigned));
                g_autoptr(GArray) one = g_array_new(FALSE, FALSE, sizeof(unsigned));
                unsigned at = 0;

                for (unsigned n = 0; n < vfs->len; n++) {
                        const Dev *vf = vfs->pdata[n];
                        const PciCaps *caps = &vf->caps;
                        if (!vf->has_caps || caps->length < 256 || !caps->express_at || caps->msi_vectors)
                                continue;
                        if (caps->msix_vectors == 0)
                                g_array_append_val(none, vf->vf_index);
                        else if (caps->msix_vectors == 1 && dev_is_network(vf))
                                g_array_append_val(one, vf->vf_index);
                        at = caps->msix_at ? caps->msix_at : at;
                }
                if (none->len) {
                        Finding *finding = report_vfs(doctor, SEVERITY_WARNING, pf, none,
                                                      "no interrupt vectors: a guest's driver will not start");
                        seen(finding, "no MSI-X and no MSI capability");
                        remedy(finding, "fewer VFs, or MSI-X vectors for each VF: mlxconfig NUM_VF_MSIX, nvmupdate, "
                                        "the card's BIOS menu");
                }
                if (one->len) {
                        Finding *finding = report_vfs(doctor, SEVERITY_NOTE, pf, one,
                                                      "one interrupt vector: a guest gets one queue at most");
                        seen(finding, "MSI-X of 1 vector");
                        seen_in(finding, "config %xh of the VF (MSI-X Message Control)", at + 2);
                        remedy(finding, "fewer VFs, or /sys/bus/pci/devices/VF/sriov_vf_msix_count while the VF has no "
                                        "driver, where it exists");
                }
        }
}

/* ---- What is said of each ---- */

static const char explain_firmware_off[] =
        "Whether a card offers VFs, and how many, is first decided by its own firmware: TotalVFs in the SR-IOV "
        "capability of config space. Here it offers none, or the capability is not there at all. The host's BIOS can "
        "hide it too.\n\n"
        "NVIDIA/Mellanox ConnectX: mlxconfig -d BDF set SRIOV_EN=1 NUM_OF_VFS=16 (packages mstflint or MFT), then "
        "power off and on; mlxconfig -d BDF query shows what is set. ConnectX-3 (mlx4_core) needs the module option "
        "num_vfs besides.\n\n"
        "Intel X710, XL710, XXV710, E810: the card's menu in the BIOS setup (Device Configuration Menu, SR-IOV or "
        "Virtualization), or Intel's bootutil and nvmupdate; E810 gives each port a share of 256.\n\n"
        "Broadcom NetXtreme-E (bnxt_en): niccli or bnxtnvm setoption=enable_sriov and number_of_vfs_per_pf, or the "
        "card's menu in the BIOS setup (Device Level Configuration, Virtualization Mode = SR-IOV); then a cold "
        "reboot.\n\n"
        "Then in the host's BIOS: 'SR-IOV Support', 'SR-IOV Global Enable' (Dell: Integrated Devices; HPE: "
        "Virtualization Options; Lenovo: Devices and I/O Ports; Supermicro: PCIe/PCI/PnP Configuration).";

static const char explain_not_offered[] =
        "The card has the SR-IOV capability with VFs in it, but the kernel made no sriov_totalvfs for it. Either the "
        "kernel is built without CONFIG_PCI_IOV (grep PCI_IOV /boot/config-$(uname -r)), or it looked at the "
        "capability and refused it: a page size that does not fit, a VF BAR smaller than a page, a First VF Offset of "
        "0. The boot messages say so: dmesg | grep BDF.\n\n"
        "In a guest to which a whole PF was given the capability should be hidden; where it is not, VFs can still not "
        "be made there.";

static const char explain_limit[] =
        "The driver gives fewer VFs than the card's firmware offers (TotalVFs in config space against "
        "sriov_totalvfs). A driver does that when it keeps queues for the PF, when another mode takes them (more "
        "traffic classes, RSS, macvlan offload, switchdev), or when its firmware told it a smaller number than config "
        "space has.\n\n"
        "Known limits of drivers are no finding: igb gives 7 of the 82576's 8, ixgbe 63 of 64. To raise the "
        "firmware's number: mlxconfig NUM_OF_VFS (NVIDIA), nvmupdate or bootutil (Intel), niccli or bnxtnvm "
        "number_of_vfs_per_pf (Broadcom); 'devlink resource show pci/BDF' and 'devlink dev param show pci/BDF' tell "
        "what is shared out at run time.";

static const char explain_no_driver[] =
        "VFs are made by the PF's driver: without one, a write to sriov_numvfs fails with 'No such file or "
        "directory'. A PF loses its driver when it was unbound by hand, when its module is blacklisted in modprobe.d, "
        "or when driver_override reserves it for another one.\n\n"
        "'vfadm unbind BDF' gives it back to the driver that the host would choose. A PF that is to be given to a "
        "guest as a whole is right without one.";

static const char explain_driver_without[] =
        "sriov_numvfs works when the PF's driver has a function for it (sriov_configure); else a write fails with 'No "
        "such file or directory'. vfadm knows the drivers that had one in Linux 6.12, and this one is not among them. "
        "A driver from outside of the kernel may have it all the same: then nothing is wrong.\n\n"
        "mlx4_core and enic make VFs in other ways: by the module option num_vfs, and by the vNIC's profile. Cards "
        "that need nothing of a PF driver for their VFs to work can be bound to pci-pf-stub.";

static const char explain_on_vfio[] =
        "The PF is bound to vfio-pci: a user program (DPDK, a guest) drives it, and is trusted with all of its VFs, "
        "since a PF can watch and disturb them.\n\n"
        "VFs can be made then only with the module option enable_sriov=1 of vfio_pci, and are reserved for vfio-pci. "
        "To open one, and to open the PF, all users must know one secret, the VF token: QEMU's -device "
        "vfio-pci,host=BDF,vf-token=UUID, DPDK's --vfio-vf-token. Without it opening fails with 'Permission "
        "denied'.\n\n"
        "For VFs that the host sets up (MAC, VLAN), the PF belongs to the host's driver: 'vfadm unbind BDF' gives it "
        "back.";

static const char explain_autoprobe[] =
        "sriov_drivers_autoprobe is 0: VFs of this PF get no host driver when they are made. That is good for VFs "
        "that only go to guests, and vfadm sets it so for a moment while it makes them; afterwards it puts it "
        "back.\n\n"
        "While it is 0, the kernel also refuses to bind a VF to its host driver later, unless driver_override is set: "
        "a VF that comes back from a guest by libvirt or xl stays without driver, and no error is said. It affects no "
        "VF that has a driver already.";

static const char explain_down[] =
        "The PF's network device is down. bnxt_en makes no VFs then and says success all the same. With many cards "
        "VFs exist but pass no packet to the wire, since the port has no link. (igb and ixgbe, where VFs cannot even "
        "be set up, have a check of their own: vf-pf-down.)\n\n"
        "Bring it up: ip link set NAME up. It needs no address; keep NetworkManager or networkd from giving it one if "
        "it serves VFs only, and see to it that it is brought up at boot.";

static const char explain_switchdev[] =
        "The card's embedded switch is in switchdev mode: each VF has a representor on the host, a network device "
        "that is the other end of the VF's wire, and traffic goes where bridges, OVS or tc say. The older settings do "
        "not apply: a VLAN by 'ip link set PF vf N vlan' is refused (mlx5) or trust is (ice). MACs are set with "
        "'devlink port function set'.\n\n"
        "The mode is changed with devlink dev eswitch set pci/BDF mode legacy|switchdev: ice allows that with 0 VFs "
        "only; mlx5 wants the VFs' drivers unbound.";

static const char explain_link[] =
        "The card's link to the slot runs slower or narrower than the card can. Many VFs share this one link: 8 GT/s "
        "x8 is about 63 Gbit/s in each direction, 8 GT/s x4 about 31, 5 GT/s x8 about 32.\n\n"
        "Causes: a slot with fewer lanes than its length (lspci -vvv of the port above: LnkCap), a BIOS setting for "
        "speed or bifurcation, a riser, or a card that sits badly.";

static const char explain_vectors[] =
        "A VF's driver needs message-signalled interrupts: VFs have no other. Cards share out a pool of MSI-X vectors "
        "among PF and VFs, by firmware; with many VFs little or nothing is left for each. With one vector a driver "
        "runs one queue pair at most, and some refuse to start; with none no driver starts.\n\n"
        "What helps: fewer VFs; more vectors for each: mlxconfig NUM_VF_MSIX or, on kernels from 5.13 with mlx5, a "
        "number written to sriov_vf_msix_count of the VF while it has no driver; nvmupdate for Intel; the card's menu "
        "in the BIOS setup for Broadcom.";

static const char why_enomem[] = "Making VFs fails with 'Cannot allocate memory' when they do not fit.";

const Check checks_sriov[] = {
        {"sriov-off-in-firmware", TOPIC_SRIOV, SCOPE_HOST | SCOPE_DEVICE, "The card's firmware offers no VFs",
         "The card decides first how many VFs there can be.", explain_firmware_off, run_firmware_off},
        {"sriov-not-offered", TOPIC_SRIOV, SCOPE_HOST | SCOPE_DEVICE, "The card has VFs, and the kernel offers none",
         "Without sriov_totalvfs no VF can be made.", explain_not_offered, run_not_offered},
        {"sriov-limit", TOPIC_SRIOV, SCOPE_HOST | SCOPE_DEVICE, "The driver gives fewer VFs than the card has",
         "More VFs than sriov_totalvfs are refused.", explain_limit, run_limit},
        {"pf-no-driver", TOPIC_SRIOV, SCOPE_HOST | SCOPE_DEVICE, "A PF has no driver",
         "VFs are made by the PF's driver.", explain_no_driver, run_no_driver},
        {"pf-driver-without-sriov", TOPIC_SRIOV, SCOPE_HOST | SCOPE_DEVICE, "The PF's driver makes no VFs",
         "VFs are made by the PF's driver, and not every driver can.", explain_driver_without, run_driver_without},
        {"vf-bar-no-room", TOPIC_SRIOV, SCOPE_HOST | SCOPE_DEVICE, "There is no room for the VFs' registers",
         why_enomem, explain_bar_room, run_bar_room},
        {"vf-bus-numbers", TOPIC_SRIOV, SCOPE_HOST | SCOPE_DEVICE, "Bus numbers do not suffice for the VFs", why_enomem,
         explain_bus_numbers, run_bus_numbers},
        {"ari-off", TOPIC_SRIOV, SCOPE_HOST | SCOPE_DEVICE, "The port above a PF forwards no ARI",
         "A port without ARI forwarding reaches eight functions of a card, and VFs have higher numbers.", explain_ari,
         run_ari},
        {"vf-vectors", TOPIC_SRIOV, SCOPE_ALL, "VFs have too few interrupt vectors",
         "A VF's driver needs MSI-X vectors, one a queue.", explain_vectors, run_vectors},
        {"autoprobe-off", TOPIC_SRIOV, SCOPE_HOST | SCOPE_DEVICE, "New VFs get no host driver",
         "A VF that comes back from a guest stays without driver, and nobody says so.", explain_autoprobe,
         run_autoprobe},
        {"pf-down", TOPIC_SRIOV, SCOPE_ALL, "A PF is down",
         "Without its PF up a VF passes nothing on most cards, and some drivers make none.", explain_down, run_down},
        {"pf-switchdev", TOPIC_SRIOV, SCOPE_ALL, "The card is in switchdev mode",
         "In switchdev mode VLAN, trust and rate of VFs are not set through the PF.", explain_switchdev, run_switchdev},
        {"pf-on-vfio", TOPIC_SRIOV, SCOPE_ALL, "A PF is bound to VFIO",
         "Whoever holds the PF can disturb its VFs, so the kernel asks for a token.", explain_on_vfio, run_on_vfio},
        {"link-below-max", TOPIC_SRIOV, SCOPE_HOST | SCOPE_DEVICE, "The card's link is slower than the card",
         "All VFs of a card share its link to the host.", explain_link, run_link},
        {.id = NULL},
};
