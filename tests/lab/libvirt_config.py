"""Definitions of libvirt's guests: a VF that a guest has from its next start on, and what becomes of its lease."""
from domain import define_empty, start_empty
from harness import BDF, PF
from libvirt_guests import MAC, VF0, bare, define, devices_of, stop

VF1 = "0000:01:10.2"
MAC1 = "02:00:00:00:42:21"


def element(lab, name, where):
    """The interface as it stands in the guest's definition ("--inactive") or in the running guest (""); "" when there is none."""
    text = lab.sh(f"virsh dumpxml {name} {where}")
    at = text.find("<interface type='hostdev'")
    return text[at:text.index("</interface>", at)] if at >= 0 else ""


def scopes(lab):
    """What libvirt's books say of each lease, by vfadm."""
    return [(lease["guest"], lease["address"], lease["config"], lease["pid"] > 0) for lease in lab.leases()]


def restart(lab, name, *options):
    """As from the host: the guest's process ends, and another begins."""
    lab.sh(f"virsh destroy {name}; : >/run/vflab/{name}/console.log; virsh start {name} {' '.join(options)}")


def while_off(lab):
    """attach to a guest that is off: --live is refused; its definition gets the VF, which nobody else does then"""
    lab.sh(f"ip link set {PF} up")
    lab.vfadm("enable", PF, "3")
    define(lab, "web2", "web2")
    lab.vfadm("attach", "libvirt:web2", "--from", PF, "--live", status=4, says="is not running")
    lab.vfadm("attach", "libvirt:web2", "--from", VF0, f"mac={MAC}", "vlan=42", "trust=on", says=VF0)
    defined = element(lab, "web2", "--inactive")
    for part in ("managed='yes'", f"<mac address='{MAC}'/>", "<tag id='42'/>", "bus='0x01' slot='0x10' function='0x0'"):
        assert part in defined, defined
    assert scopes(lab) == [("libvirt:web2", VF0, True, False)]
    lab.vfadm("attach", "libvirt:web2", "--from", VF0, status=5)
    assert VF0 not in lab.vfadm("attach", "libvirt:web2", "--from", PF, "--config", "--dry-run").out
    lab.vfadm("recover")
    assert scopes(lab) == [("libvirt:web2", VF0, True, False)]


def starts(lab):
    """libvirt starts and stops it: the MAC stays the same, trust is as asked, the lease goes along"""
    lab.sh("virsh start web2 --paused")
    line = lab.vf_line(0)
    assert MAC in line and "vlan 42" in line and "trust on" in line, line
    lab.vfadm("recover")
    assert scopes(lab) == [("libvirt:web2", VF0, True, True)]
    restart(lab, "web2")
    lab.await_guest("web2", f"GUEST nic=eth0 driver=igbvf .* mac={MAC}")
    lab.vfadm("recover")
    assert "trust on" in lab.vf_line(0) and len(lab.leases()) == 1


def each_scope(lab):
    """live and config are taken back one by one, and given together"""
    lab.vfadm("detach", "libvirt:web2", VF0, "--live", says="definition")
    assert devices_of(lab, "web2") == "0" and element(lab, "web2", "--inactive")
    assert scopes(lab) == [("libvirt:web2", VF0, True, False)]
    lab.vfadm("detach", "libvirt:web2", VF0, "--config")
    assert not element(lab, "web2", "--inactive")
    bare(lab)
    lab.vfadm("attach", "libvirt:web2", "--from", VF1, f"mac={MAC1}", "--live", "--config")
    assert MAC1 in element(lab, "web2", "") and MAC1 in element(lab, "web2", "--inactive")
    assert scopes(lab) == [("libvirt:web2", VF1, True, True)]
    lab.vfadm("detach", "libvirt:web2", f"{PF}/1", "--live", "--config")
    assert not element(lab, "web2", "--inactive") and devices_of(lab, "web2") == "0"
    bare(lab, 1, VF1)


def no_slot(lab):
    """no free slot: said with the way out; --config makes libvirt add a port, and the next start has it"""
    for vf in (0, 1):
        lab.vfadm("attach", "libvirt:web2", "--from", f"{PF}/{vf}", "--live")
    lab.vfadm("attach", "libvirt:web2", "--from", f"{PF}/2", "--live", status=4, says="--config")
    lab.vfadm("attach", "libvirt:web2", "--from", f"{PF}/2", "--config", f"mac={MAC}", says="shut it down and start it")
    for vf in (0, 1):
        lab.vfadm("detach", "libvirt:web2", f"{PF}/{vf}")
    restart(lab, "web2", "--paused")
    assert MAC in lab.vf_line(2) and devices_of(lab, "web2") == "1"
    lab.sh("virsh destroy web2")
    lab.vfadm("detach", "libvirt:web2", f"{PF}/2")
    bare(lab, 2, "0000:01:10.4")


def changed_by_others(lab):
    """taken out of the definition by virsh, or the guest undefined: the lease ends at the next verb, the VF is as it was"""
    lab.vfadm("attach", "libvirt:web2", "--from", VF0, f"mac={MAC}", "trust=on")
    lab.sh("virsh dumpxml --inactive web2 | sed -n '/<interface type=.hostdev/,/<.interface>/p' >/tmp/nic.xml; "
           "virsh detach-device web2 /tmp/nic.xml --config")
    lab.vfadm("recover", says="definition")
    bare(lab)
    lab.vfadm("attach", "libvirt:web2", "--from", VF0, f"mac={MAC}", "trust=on")
    lab.sh("systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service")
    lab.vfadm("recover")
    assert len(lab.leases()) == 1, "without libvirt's answer nothing is ended"
    lab.sh("systemctl start libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket; virsh undefine web2")
    lab.vfadm("recover")
    bare(lab)


def never_twice(lab):
    """a definition that names a VF leased to another guest: libvirt's hook refuses the start; vfadm takes no VF that is defined elsewhere"""
    define_empty(lab, "web2", 2)
    start_empty(lab, "web3")
    lab.vfadm("attach", "libvirt:web3", "--from", VF0)
    lab.sh("virsh dumpxml web3 | sed -n '/<interface type=.hostdev/,/<.interface>/p' | grep -v '<alias\\|<address type=.pci. domain=.0x0000. bus=.0x0[1-9]. slot=.0x00' >/tmp/nic.xml; "
           "virsh attach-device web2 /tmp/nic.xml --config")
    refused = lab.run("virsh", "start", "web2")
    assert refused.status != 0 and "leased to libvirt:web3" in refused.err, str(refused)
    lab.vfadm("detach", "libvirt:web3", VF0)
    lab.vfadm("attach", "libvirt:web3", "--from", VF0, status=5, says="web2")
    stop(lab, "web2", "web2")
    stop(lab, "web3", "web3")
    bare(lab)
    lab.vfadm("disable", PF)
    assert lab.numvfs(BDF) == 0


CASES = [while_off, starts, each_scope, no_slot, changed_by_others, never_twice]
