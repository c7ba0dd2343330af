"""Pools and their networks of libvirt: both sides in step with the card's VFs, with guests, and with what virsh does meanwhile."""
import re

import libvirt_guests
from domain import start_empty
from harness import PF

POOL = "web"
VF0, VF1, VF2 = "0000:01:10.0", "0000:01:10.2", "0000:01:10.4"
SOCKETS = "libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket"


def network(lab, name=POOL):
    """(state, autostart) by virsh; None: there is none."""
    found = re.search(rf"^ {name} +(\S+) +(\S+) ", lab.sh("virsh net-list --all"), re.MULTILINE)
    return found and found.groups()


def listed(lab, name=POOL):
    """The VFs that the network gives away, by virsh."""
    found = re.findall(r"<address type='pci' domain='0x(\w+)' bus='0x(\w+)' slot='0x(\w+)' function='0x(\w)'/>", lab.sh(f"virsh net-dumpxml {name}"))
    return ["%s:%s:%s.%s" % one for one in found]


def held(lab, name=POOL):
    """{VF: owner} of the network's ports."""
    ports = {}
    for uuid in re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", lab.sh(f"virsh net-port-list {name}")):
        xml = lab.sh(f"virsh net-port-dumpxml {name} {uuid}")
        where = re.search(r"domain='0x(\w+)' bus='0x(\w+)' slot='0x(\w+)' function='0x(\w)'", xml)
        ports["%s:%s:%s.%s" % where.groups()] = re.search(r"<owner>\s*<name>([^<]*)", xml).group(1)
    return ports


def shown(lab, name=POOL):
    """{VF: who has it or None}"""
    return {vf["address"]: vf["who"] for vf in lab.run("vfadm", "pool", "show", name, "--json").json()["vfs"]}


def in_step(lab):
    """define, start, other VFs, autostart, stop, delete: the libvirt network follows each"""
    lab.sh(f"ip link set {PF} up")
    lab.vfadm("enable", PF, "2")
    lab.vfadm("pool", "define", POOL, "--pf", PF, "--libvirt", "vlan=42", says="not started")
    assert "PF=02:00:00:00:01:01\n" in lab.sh(f"cat /etc/vfadm/pool-{POOL}.conf") + "\n"
    assert network(lab) == ("inactive", "no"), network(lab)
    lab.vfadm("attach", "nosuch", "--from", POOL, status=3)
    lab.vfadm("pool", "start", POOL)
    assert network(lab) == ("active", "no") and listed(lab) == [VF0, VF1], listed(lab)
    lab.vfadm("enable", PF, "3")
    assert listed(lab) == [VF0, VF1, VF2], listed(lab)
    lab.vfadm("disable", PF)
    assert network(lab) == ("inactive", "no"), network(lab)
    lab.vfadm("enable", PF, "2")
    assert network(lab) == ("active", "no") and listed(lab) == [VF0, VF1], listed(lab)
    lab.vfadm("pool", "autostart", POOL)
    assert network(lab) == ("active", "yes") and "Autostart=yes" in lab.sh(f"cat /etc/vfadm/pool-{POOL}.conf")
    lab.vfadm("pool", "stop", POOL)
    assert network(lab) == ("inactive", "yes"), network(lab)
    lab.vfadm("pool", "start", POOL)
    lab.vfadm("pool", "autostart", POOL, "--off")
    assert network(lab) == ("active", "no") and lab.sh(f"cat /run/vfadm/pools/{POOL}") == "started"
    lab.vfadm("pool", "delete", POOL)
    assert network(lab) is None and lab.sh("ls /etc/vfadm /run/vfadm/pools") == "/etc/vfadm:\n\n/run/vfadm/pools:"
    lab.vfadm("disable", PF)


def guests_stay(lab):
    """a pool is changed, and its network stopped by hand, while guests have VFs of it: theirs they keep, and nobody else gets them"""
    lab.vfadm("enable", PF, "4")
    lab.vfadm("pool", "define", POOL, "--pf", PF, "--libvirt")
    lab.vfadm("pool", "start", POOL)
    start_empty(lab, "web1")
    lab.vfadm("attach", "libvirt:web1", "--from", POOL, says="pool web: 3 of 4 VFs left")
    assert held(lab) == {VF0: "vfadm"}, held(lab)
    lab.run("sh", "-c", "cat >/tmp/nic.xml", input=f"<interface type='network'><source network='{POOL}'/></interface>")
    lab.sh("virsh attach-device web1 /tmp/nic.xml --live")
    assert held(lab) == {VF0: "vfadm", VF1: "web1"}, held(lab)
    assert "leased to libvirt:web1" in shown(lab)[VF0] and "web1" in shown(lab)[VF1], shown(lab)
    lab.vfadm("pool", "define", POOL, "--pf", PF, "--vfs", "0-1", "--libvirt")
    assert listed(lab) == [VF0, VF1] and held(lab) == {VF0: "vfadm", VF1: "web1"}, held(lab)
    lab.vfadm("attach", "libvirt:web1", "--from", POOL, status=5, says="all 2 VFs are in use")
    lab.vfadm("pool", "stop", POOL, status=5, says="libvirt:web1")
    lab.vfadm("pool", "delete", POOL, status=5, says="libvirt:web1")
    lab.sh(f"virsh net-destroy {POOL}; virsh net-start {POOL}")
    assert held(lab) == {}, held(lab)
    lab.vfadm("recover", says=f"{VF0}: kept out of")
    assert held(lab) == {VF0: "vfadm", VF1: "vfadm"}, held(lab)
    lab.vfadm("detach", "libvirt:web1", VF0)
    libvirt_guests.stop(lab, "web1", "web1")
    lab.vfadm("recover")
    assert held(lab) == {}, held(lab)
    lab.vfadm("pool", "stop", POOL)
    lab.vfadm("pool", "delete", POOL)
    lab.vfadm("disable", PF)


def without_libvirt(lab):
    """libvirt does not run: pools are made and started all the same, and the networks follow when it does"""
    lab.vfadm("enable", PF, "2")
    lab.sh(f"systemctl stop {SOCKETS} libvirtd")
    lab.vfadm("pool", "define", POOL, "--pf", PF, "--libvirt", says="libvirt is not here")
    lab.vfadm("pool", "start", POOL, says="libvirt is not here")
    lab.sh(f"systemctl start {SOCKETS}")
    assert network(lab) is None
    lab.vfadm("recover", says=f"network {POOL}: make")
    assert network(lab) == ("active", "no") and listed(lab) == [VF0, VF1]
    lab.vfadm("recover", says="nothing to recover")
    lab.vfadm("pool", "define", "default", "--pf", PF, "--vfs", "5", "--libvirt", status=4, says="already")
    lab.vfadm("pool", "delete", POOL)
    lab.vfadm("pool", "define", "default", "--pf", PF, "--libvirt", status=4, says="does not hand out VFs")
    assert lab.sh("ls /etc/vfadm") == ""
    lab.vfadm("disable", PF)


def several_cards(lab):
    """a pool of three cards, one of them without VFs and one down: libvirt's list, and which VF comes next"""
    pfs = lab.sh("for d in /sys/class/net/*/device/sriov_totalvfs; do basename ${d%/device/*}; done").split()
    assert len(pfs) == 3, pfs
    lab.sh(f"ip link set {pfs[0]} up; ip link set {pfs[1]} up; ip link set {pfs[2]} down")
    lab.vfadm("enable", pfs[0], "2")
    lab.vfadm("enable", pfs[1], "1")
    own = {pf: lab.sh(f"for v in /sys/class/net/{pf}/device/virtfn*; do basename $(readlink $v); done").split() for pf in pfs[:2]}
    lab.vfadm("pool", "define", POOL, *(word for pf in pfs for word in ("--pf", pf)), "--libvirt", "--order", "pack", says=f"{pfs[2]} has no VFs")
    lab.vfadm("pool", "start", POOL)
    assert listed(lab) == own[pfs[0]] + own[pfs[1]], listed(lab)
    libvirt_guests.start(lab, "web1", "web1")
    lab.vfadm("attach", "libvirt:web1", "--from", POOL, says=own[pfs[1]][0])
    lab.vfadm("detach", "libvirt:web1", own[pfs[1]][0])
    lab.vfadm("pool", "define", POOL, *(word for pf in pfs for word in ("--pf", pf)), "--libvirt")
    lab.vfadm("attach", "libvirt:web1", "--from", POOL, says=own[pfs[0]][0])
    lab.vfadm("enable", pfs[2], "1")
    third = lab.sh(f"basename $(readlink /sys/class/net/{pfs[2]}/device/virtfn0)")
    assert listed(lab) == own[pfs[0]] + own[pfs[1]] + [third] and held(lab) == {own[pfs[0]][0]: "vfadm"}, (listed(lab), held(lab))
    lab.vfadm("attach", "libvirt:web1", "--from", POOL)
    lab.sh(f"ip link set {pfs[0]} down; ip link set {pfs[1]} down")
    lab.vfadm("attach", "libvirt:web1", "--from", POOL, status=4, says="on a PF that is down")
    for lease in lab.leases():
        lab.vfadm("detach", "libvirt:web1", lease["address"])
    libvirt_guests.stop(lab, "web1", "web1")
    lab.vfadm("pool", "delete", POOL)
    for pf in pfs:
        lab.vfadm("disable", pf)


CASES = {
    "plain": [in_step, guests_stay, without_libvirt],
    "three": [several_cards],
}
