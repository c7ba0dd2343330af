"""Procedures 16.10 and 9.9, a pool of VFs that guests get theirs from: a libvirt network by hand, then a pool of vfadm's with
its network. And what the pools leave alone: nodedev-detach and nodedev-reattach against bind and unbind."""
import re
import xml.etree.ElementTree as Tree

from harness import PF
from seeds import VF0, VF1, fresh_vfs, had, my_guest, our_guest, peer_up
from seeds_guest import Better, Guest, agree, flat, of_device

POOL = "passthrough"
NETWORK = f"<network>\n  <name>{POOL}</name>\n  <forward mode='hostdev' managed='yes'>\n    <pf dev='{PF}'/>\n  </forward>\n</network>\n"
INTERFACE = f"<interface type='network'><source network='{POOL}'/></interface>"


def of_network(lab):
    """What virsh says of the pool's network."""
    facts = {f"net-dumpxml: {key}": value for key, value in flat(Tree.fromstring(lab.sh(f"virsh net-dumpxml {POOL}"))).items() if key != "network/uuid"}
    listed = re.search(rf"^ {POOL} +(\S+) +(\S+) +(\S+)$", lab.sh("virsh net-list --all"), re.MULTILINE)
    facts |= dict(zip(("net-list: state", "net-list: autostart", "net-list: persistent"), listed.groups()))
    return facts


def all_taken(lab):
    """A second VF into the running guest works, a third and a guest that is to start do not, and the reason is told."""
    late = Guest(lab, "LateGuest", 4)
    late.define()
    late.edit(INTERFACE)
    started = lab.run("virsh", "start", "LateGuest")
    late.remove()
    assert started.status == 1, str(started)
    return started.err


def pool_by_hand(lab, guest):
    guest.with_input(f"cat >/tmp/passthrough.xml; virsh net-define /tmp/passthrough.xml; virsh net-autostart {POOL}; virsh net-start {POOL}", NETWORK)
    guest.edit(INTERFACE)
    guest.start()
    facts = {**had(guest, VF0), **of_network(lab)}
    guest.attach(INTERFACE, "--live")
    guest.await_nics(2)
    assert lab.driver(VF1.bdf) == "vfio-pci"
    guest.attach(INTERFACE, "--live", status=1, says="network 'passthrough'")
    assert "network 'passthrough'" in all_taken(lab)
    guest.shut_down()
    return facts


def pool_by_vfadm(lab, guest):
    lab.vfadm("pool", "define", POOL, "--pf", PF, "--libvirt")
    lab.vfadm("pool", "autostart", POOL)
    lab.vfadm("pool", "start", POOL)
    lab.vfadm("attach", guest.name, "--from", POOL, "--config")
    guest.start()
    facts = {**had(guest, VF0), **of_network(lab)}
    lab.vfadm("attach", guest.name, "--from", POOL, "--live")
    guest.await_nics(2)
    assert lab.driver(VF1.bdf) == "vfio-pci"
    lab.vfadm("attach", guest.name, "--from", POOL, "--live", status=5, says="all 2 VFs")
    guest.attach(INTERFACE, "--live", status=1, says="network 'passthrough'")
    assert "network 'passthrough'" in all_taken(lab)
    guest.shut_down()
    return facts


def pools(lab):
    """16.10: a pool of all VFs of a PF: the guest's VF, the network's list after the first guest, and none left"""
    fresh_vfs(lab)
    peer_up(lab, vlan=None)
    guest = my_guest(lab)
    guest.define()
    by_hand = pool_by_hand(lab, guest)
    assert by_hand["net-dumpxml: network/forward/address@function"] == "0x0 0x2" and by_hand["guest: ping"] == "ok", by_hand
    lab.sh(f"virsh net-destroy {POOL}; virsh net-undefine {POOL}")
    guest.remove()

    guest = our_guest(lab)
    guest.define()
    mac = Better("", "52:54:00:.*", ".[26ae]:.*", "from the guest's UUID: the same when it is attached anew")
    names = ("guest: mac", "live: interface/mac@address", "definition: interface/mac@address")
    state = " brd ff:ff:ff:ff:ff:ff, spoof checking on, link-state auto, trust off"
    line = mac._replace(fact="ip link", by_hand=f"link/ether {mac.by_hand}{state}", by_vfadm=f"link/ether {mac.by_vfadm}{state}")
    agree(by_hand, pool_by_vfadm(lab, guest), line, *[mac._replace(fact=name) for name in names])
    lab.vfadm("detach", guest.name, POOL)
    assert not guest.element(live=False) and lab.leases() == []
    lab.vfadm("pool", "stop", POOL)
    lab.vfadm("pool", "delete", POOL)
    assert POOL not in lab.sh("virsh net-list --all --name")
    guest.remove()


def of_driver(lab, vf):
    """What sysfs and libvirt say of a VF's driver."""
    return {**of_device(lab, vf.bdf),
            **{f"nodedev-dumpxml: {key}": value for key, value in flat(Tree.fromstring(lab.sh(f"virsh nodedev-dumpxml {vf.nodedev}"))).items()}}


def detach_and_bind(lab):
    """nodedev-detach and nodedev-reattach, bind and unbind: the same in sysfs and for libvirt, and each takes back what the other did"""
    fresh_vfs(lab)
    before = of_driver(lab, VF0)
    lab.sh(f"virsh nodedev-detach {VF0.nodedev}")
    detached = of_driver(lab, VF0)
    lab.sh(f"virsh nodedev-reattach {VF0.nodedev}")
    assert of_driver(lab, VF0) == before
    lab.vfadm("bind", VF0.nodedev, "vfio")
    agree(detached, of_driver(lab, VF0))
    lab.sh(f"virsh nodedev-reattach {VF0.nodedev}")
    assert of_driver(lab, VF0) == before
    lab.sh(f"virsh nodedev-detach {VF0.nodedev}")
    lab.vfadm("unbind", VF0.nodedev)
    assert of_driver(lab, VF0) == before


CASES = [pools, detach_and_bind]
