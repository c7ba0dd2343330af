"""vfadm show --xml held against virsh nodedev-dumpxml, for every PCI function of a host."""
import xml.etree.ElementTree as Tree

from harness import BDF, PF


def plain(element):
    """An element as data; an IOMMU group's members have no order (libvirt prints them as readdir gives them)."""
    children = [plain(child) for child in element]
    if element.tag == "iommuGroup":
        children.sort()
    return (element.tag, sorted(element.attrib.items()), (element.text or "").strip(), children)


def as_virsh(lab):
    """every PCI function's node device is libvirt's, element for element"""
    names = lab.sh("virsh nodedev-list --cap pci").split()
    addresses = {dev["address"] for dev in lab.vfadm("list", "--all", "--json").json()["devices"]}
    assert len(names) == len(addresses) >= 8, (names, addresses)
    both = lab.sh("for d in $(virsh nodedev-list --cap pci); do virsh nodedev-dumpxml $d; echo '--'; vfadm show --xml $d; echo '=='; done")
    pairs = [pair.split("--\n") for pair in both.split("==") if pair.strip()]
    assert len(pairs) == len(names), len(pairs)
    for virsh, ours in pairs:
        assert plain(Tree.fromstring(virsh)) == plain(Tree.fromstring(ours)), f"virsh:\n{virsh}\nvfadm:\n{ours}"


def with_vfs(lab):
    """the same with three VFs on"""
    lab.sh(f"ip link set {PF} up")
    lab.vfadm("enable", PF, "3")
    as_virsh(lab)


def text_too(lab):
    """the very text too, where a group has one member"""
    for name in (BDF, f"{PF}/0", "pci_0000_01_10_2"):
        libvirt = lab.vfadm("show", name, "--json").json()["libvirt"]
        assert lab.run("virsh", "nodedev-dumpxml", libvirt).out.strip() == lab.vfadm("show", "--xml", name).out.strip()


def without_libvirt(lab):
    """the same without any libvirt daemon"""
    before = lab.vfadm("show", "--xml", PF).out
    lab.sh("systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service 2>/dev/null || true; pkill -x libvirtd || true; "
           "timeout 30 sh -c 'while pgrep -x libvirtd >/dev/null; do sleep 0.1; done'")
    assert lab.vfadm("show", "--xml", PF).out == before
    lab.sh("systemctl start libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket")
    lab.vfadm("disable", PF, "--disrupt")


CASES = [as_virsh, with_vfs, text_too, without_libvirt]
