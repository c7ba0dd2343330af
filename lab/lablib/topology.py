# The emulated hosts that there are: which cards sit behind what, and what that shows.
import collections

# The machine's own NIC, and the peer on the first card's wire; the image names them mgmt0 and wire0
# by these addresses.
MANAGEMENT_MAC = "02:00:00:00:ff:01"
WIRE_MAC = {"a": "02:00:00:00:ff:02", "b": "02:00:00:00:ff:12"}
CARD_MAC = {"a": "02:00:00:00:01:0{}", "b": "02:00:00:00:02:0{}"}

# remap: on, off, or None for a host without an IOMMU. devices: -device arguments in order, so that
# the n-th root port's bus has number n; {card1} and so on stand for netdev and MAC of that igb.
Topology = collections.namedtuple("Topology", "shows remap devices")


def root_port(number, *options):
    return ",".join((f"pcie-root-port,id=rp{number},slot={number},chassis={number}"
                     f",bus=pcie.0,addr=0x{number + 0x0f:x}",) + options)


def igb(number, bus):
    return f"igb,bus={bus},{{card{number}}}"


IGB = [root_port(1), igb(1, "rp1")]

TOPOLOGIES = {
    "plain": Topology(
        "one igb behind a root port with ACS: the PF and each VF in a group of its own",
        "on", IGB),
    "three": Topology(
        "three igb cards, each behind a root port of its own",
        "on", IGB + [root_port(2), igb(2, "rp2"), root_port(3), igb(3, "rp3")]),
    "acs-off": Topology(
        "a root port without ACS: port, PF and VFs in one group",
        "on", [root_port(1, "disable-acs=on"), igb(1, "rp1")]),
    "switch": Topology(
        "a PCIe switch: its downstream port, PF and VFs in one group",
        "on", [root_port(1), "x3130-upstream,id=up1,bus=rp1",
               "xio3130-downstream,id=down1,bus=up1,slot=11,chassis=11", igb(1, "down1")]),
    "conventional": Topology(
        "two conventional NICs behind a PCIe-to-PCI bridge, in one group with it, besides an igb",
        "on", IGB + [root_port(2), "pcie-pci-bridge,id=pci1,bus=rp2",
                     "e1000,bus=pci1,addr=1,romfile=,mac=02:00:00:00:03:01",
                     "e1000,bus=pci1,addr=2,romfile=,mac=02:00:00:00:03:02"]),
    "no-iommu": Topology(
        "no IOMMU: no groups, and nothing can be given to a guest",
        None, IGB),
    "no-remap": Topology(
        "an IOMMU without interrupt remapping: groups, but VFIO refuses",
        "off", IGB),
    "nvme": Topology(
        "an NVMe controller with 16 VFs besides an igb",
        "on", IGB + [root_port(2), "nvme-subsys,id=subsystem,nqn=vflab",
                     "nvme,id=nvme1,bus=rp2,serial=vflab1,subsys=subsystem,sriov_max_vfs=16,"
                     "sriov_vq_flexible=32,sriov_vi_flexible=16,max_ioqpairs=34,msix_qsize=17"]),
}

# A saved machine cannot hold these.
NOT_SAVED = {"nvme"}


# By the machine's id udev makes up stable MACs for VFs: two labs on one wire must differ.
MACHINE_ID = {"a": "76666c6162000000000000000000beef", "b": "76666c6162000000000000000001beef"}


def kernel_words(topology, side):
    words = f"systemd.machine_id={MACHINE_ID[side]}"
    return words if topology.remap is None else words + " intel_iommu=on"


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
    if topology.remap is not None:
        arguments += ["-device", f"intel-iommu,intremap={topology.remap},caching-mode=on"]
    arguments += ["-device", f"virtio-net-pci,netdev=peer,romfile=,mac={WIRE_MAC[side]}"]
    cards = {f"card{number}": f"id=igb{number},netdev=card{number},"
                              f"mac={CARD_MAC[side].format(number)}"
             for number in card_numbers(topology)}
    for device in topology.devices:
        arguments += ["-device", device.format(**cards)]
    return arguments
