# The emulated hosts that there are: which cards sit behind what, and what that shows.
import collections

# The machine's own NIC, and the peer on the first card's wire; the image names them mgmt0 and wire0
# by these addresses.
MANAGEMENT_MAC = "02:00:00:00:ff:01"
WIRE_MAC = {"a": "02:00:00:00:ff:02", "b": "02:00:00:00:ff:12"}
CARD_MAC = {"a": "02:00:00:00:01:0{}", "b": "02:00:00:00:02:0{}"}

# iommu: -device argument, or None for a host without one. words: what its kernel is started with.
# devices: -device arguments in order, so that the n-th root port's bus has number n; {card1} and so
# on stand for netdev and MAC of that igb. xen: what the hypervisor is started with, its kernel then
# being dom0's; None: Linux itself runs the machine.
Topology = collections.namedtuple("Topology", "shows iommu words devices xen", defaults=[None])

VTD = "intel-iommu,intremap=on,caching-mode=on"
VTD_NO_REMAP = "intel-iommu,intremap=off,caching-mode=on"
AMD_VI = "amd-iommu,intremap=on"
# With interrupt remapping dom0's disk hangs, and caching mode Xen does not know.
VTD_XEN = "intel-iommu,intremap=off,caching-mode=off"
# The console is the hypervisor's, which passes dom0's on; the rest is left to guests. On an emulated processor registers of SSE and
# AVX leak between dom0 and its guests, unless Xen saves and restores them at each switch, and by FXSAVE.
XEN = "dom0_mem=2G,max:2G com1=115200,8n1 console=com1 iommu=verbose spec-ctrl=no,eager-fpu xsave=0"
# What most distributions' kernels wait for; Debian's would turn VT-d on without it.
ASKED = "intel_iommu=on"
# And so it is told to leave VT-d off, and the initramfs hides that.
UNASKED = "intel_iommu=off vflab.unasked"


def root_port(number, *options):
    return ",".join((f"pcie-root-port,id=rp{number},slot={number},chassis={number}"
                     f",bus=pcie.0,addr=0x{number + 0x0f:x}",) + options)


def igb(number, bus):
    return f"igb,bus={bus},{{card{number}}}"


IGB = [root_port(1), igb(1, "rp1")]

TOPOLOGIES = {
    "plain": Topology(
        "one igb behind a root port with ACS: the PF and each VF in a group of its own",
        VTD, ASKED, IGB),
    "three": Topology(
        "three igb cards, each behind a root port of its own",
        VTD, ASKED, IGB + [root_port(2), igb(2, "rp2"), root_port(3), igb(3, "rp3")]),
    "acs-off": Topology(
        "a root port without ACS: port, PF and VFs in one group",
        VTD, ASKED, [root_port(1, "disable-acs=on"), igb(1, "rp1")]),
    "switch": Topology(
        "a PCIe switch: its downstream port, PF and VFs in one group",
        VTD, ASKED, [root_port(1), "x3130-upstream,id=up1,bus=rp1",
               "xio3130-downstream,id=down1,bus=up1,slot=11,chassis=11", igb(1, "down1")]),
    "conventional": Topology(
        "two conventional NICs behind a PCIe-to-PCI bridge, in one group with it, besides an igb",
        VTD, ASKED, IGB + [root_port(2), "pcie-pci-bridge,id=pci1,bus=rp2",
                     "e1000,bus=pci1,addr=1,romfile=,mac=02:00:00:00:03:01",
                     "e1000,bus=pci1,addr=2,romfile=,mac=02:00:00:00:03:02"]),
    "no-iommu": Topology(
        "no IOMMU: no groups, and nothing can be given to a guest",
        None, "", IGB),
    "no-remap": Topology(
        "an IOMMU without interrupt remapping: groups, but VFIO refuses",
        VTD_NO_REMAP, ASKED, IGB),
    "nvme": Topology(
        "an NVMe controller with 16 VFs besides an igb",
        VTD, ASKED, IGB + [root_port(2), "nvme-subsys,id=subsystem,nqn=vflab",
                     "nvme,id=nvme1,bus=rp2,serial=vflab1,subsys=subsystem,sriov_max_vfs=16,"
                     "sriov_vq_flexible=32,sriov_vi_flexible=16,max_ioqpairs=34,msix_qsize=17"]),
    "amd": Topology(
        "AMD's IOMMU: groups as in plain, and no word on the kernel's command line asks for it",
        AMD_VI, "", IGB),
    "iommu-unasked": Topology(
        "an IOMMU that the kernel does not use unless asked, and it is not: intel_iommu=on is missing",
        VTD, UNASKED, IGB),
    "iommu-off": Topology(
        "an IOMMU that the kernel's command line turns off: intel_iommu=off",
        VTD, "intel_iommu=off", IGB),
    "no-room": Topology(
        "besides an igb, an NVMe controller whose VFs' BARs have no room below its port",
        VTD, ASKED + " pci=realloc=off",
        IGB + [root_port(2), "nvme-subsys,id=subsystem,nqn=vflab",
               # VFs of 16 KiB each: 2032 KiB of the 2 MiB that the firmware gives the port, and the
               # controller itself needs 32 of them.
               "nvme,id=nvme1,bus=rp2,serial=vflab1,subsys=subsystem,sriov_max_vfs=127,"
               "sriov_vq_flexible=254,sriov_vi_flexible=127,max_ioqpairs=256,msix_qsize=512"]),
    "no-ari": Topology(
        "a kernel that was told not to use ARI",
        VTD, ASKED + " pci=noari", IGB),
    "xen": Topology(
        "Xen: this host is dom0, and its guests get their devices through pciback",
        VTD_XEN, "root=/dev/vda", IGB, XEN),
    "xen-no-iommu": Topology(
        "Xen without an IOMMU: nothing can be given to a guest",
        None, "root=/dev/vda", IGB, XEN),
}

# A saved machine can hold neither AMD's IOMMU nor an NVMe controller.
NOT_SAVED = {name for name, topology in TOPOLOGIES.items() if topology.iommu == AMD_VI
             or any(device.startswith("nvme") for device in topology.devices)}


# By the machine's id udev makes up stable MACs for VFs: two labs on one wire must differ.
MACHINE_ID = {"a": "76666c6162000000000000000000beef", "b": "76666c6162000000000000000001beef"}


def kernel_words(topology, side, more):
    """What the emulated host's kernel is started with: the lab's own words, the topology's, and the
    user's."""
    words = ["console=hvc0" if topology.xen else "console=ttyS0", "quiet",
             # Without KVM on a busy machine ticks come late, and Linux, which counts a few of them
             # at boot, would panic: "timer doesn't work through Interrupt-remapped IO-APIC".
             "no_timer_check", "systemd.ssh_auto=no", f"systemd.machine_id={MACHINE_ID[side]}",
             topology.words, more or ""]
    return " ".join(word for word in words if word)


def card_numbers(topology):
    return [number for number in (1, 2, 3)
            if any(f"{{card{number}}}" in device for device in topology.devices)]


def netdevs(topology, wire, side):
    """The wires: each card on a hub of its own.

    The first card's hub also has its peer and a way outside. A way outside there always is, even to
    nowhere: a hub on which nobody can receive holds its senders up, and the peer would hang while
    the card is down.
    """
    other = "b" if side == "a" else "a"
    local, remote = (f"../wire-{wire}-{side}", f"../wire-{wire}-{other}") if wire else (
        "wire.sock", "nowhere.sock")
    arguments = ["-netdev", "hubport,id=peer,hubid=1",
                 "-netdev", f"dgram,id=outside,local.type=unix,local.path={local},"
                            f"remote.type=unix,remote.path={remote}",
                 "-netdev", "hubport,id=way-out,hubid=1,netdev=outside"]
    for number in card_numbers(topology):
        arguments += ["-netdev", f"hubport,id=card{number},hubid={number}"]
    return arguments


def devices(topology, side):
    """The IOMMU, the peer on the wire, then the cards and what they sit behind."""
    arguments = []
    if topology.iommu:
        arguments += ["-device", topology.iommu]
    arguments += ["-device", f"virtio-net-pci,netdev=peer,romfile=,mac={WIRE_MAC[side]}"]
    cards = {f"card{number}": f"id=igb{number},netdev=card{number},"
                              f"mac={CARD_MAC[side].format(number)}"
             for number in card_numbers(topology)}
    for device in topology.devices:
        arguments += ["-device", device.format(**cards)]
    return arguments
