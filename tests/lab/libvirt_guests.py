"""Guests that libvirt runs: a VF goes into a real one and comes back, whatever libvirt's daemon and its users do meanwhile."""
from domain import domain, start_empty
from harness import BDF, PF

MAC = "02:00:00:00:42:20"
VF0, VF1 = "0000:01:10.0", "0000:01:10.2"
STATE = "/run/vflab"
# What a shell, a path or XML could trip over; libvirt itself takes all of it as a name.
ODD_NAME = "o'dd & <b> \"x\" $(id) ;"


def define(lab, name, folder):
    """Defines a domain; its console is where the guest's own scripts look for it."""
    state = f"{STATE}/{folder}"
    lab.run("sh", "-c", f"mkdir -p {state}; chmod 777 {state}; cat >{state}/domain.xml", input=domain(name, state))
    lab.sh(f"virsh define {state}/domain.xml")


def start(lab, name, folder):
    """Defines and starts a domain."""
    define(lab, name, folder)
    assert lab.run("virsh", "start", name).status == 0
    lab.await_guest(folder, "^GUEST ready")


def stop(lab, name, folder):
    lab.run("virsh", "destroy", name)
    lab.run("virsh", "undefine", name)
    lab.sh(f"rm -rf {STATE}/{folder}")


def devices_of(lab, name):
    """How many VFIO devices the live domain has, by virsh."""
    return lab.run("sh", "-c", 'virsh dumpxml "$1" | grep -c "<driver name=.vfio"', "sh", name).out.strip()


def bare(lab, index=0, vf=VF0):
    line = lab.vf_line(index)
    assert "00:00:00:00:00:00" in line and "vlan" not in line and "trust off" in line, line
    assert (lab.driver(vf), lab.override(vf)) == ("none", "(null)")
    assert lab.leases() == []


def attaches(lab):
    """attach: an interface with MAC and VLAN in the domain, the MAC in the guest; detach gives the VF back as it was"""
    lab.sh(f"ip link set {PF} up")
    lab.vfadm("enable", PF, "2")
    start(lab, "web1", "web1")
    assert lab.vfadm("attach", "libvirt:web1", "--from", PF, f"mac={MAC}", "vlan=42", "trust=on", "--dry-run").out
    assert devices_of(lab, "web1") == "0"
    lab.vfadm("attach", "libvirt:web1", "--from", PF, f"mac={MAC}", "vlan=42", "trust=on", says=VF0)
    live = lab.sh("virsh dumpxml web1")
    interface = live[live.index("<interface type='hostdev'"):live.index("</interface>")]
    for part in ("managed='yes'", f"<mac address='{MAC}'/>", "<tag id='42'/>", "bus='0x01' slot='0x10' function='0x0'", "ua-vfadm-0000-01-10_0"):
        assert part in interface, interface
    line = lab.vf_line(0)
    assert MAC in line and "vlan 42" in line and "trust on" in line, line
    lab.await_guest("web1", f"GUEST nic=eth0 driver=igbvf .* mac={MAC}")
    assert [(lease["guest"], lease["address"]) for lease in lab.leases()] == [("libvirt:web1", VF0)], lab.leases()
    lab.vfadm("doctor", "libvirt:web1", says="nothing is wrong")
    assert "its free slots" in lab.run("sh", "-c", "systemctl stop 'libvirtd*.socket' libvirtd; vfadm doctor web1").out
    lab.sh("systemctl start libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket")
    lab.vfadm("detach", "web1", f"{PF}/0")
    lab.await_guest("web1", "GUEST nic=eth0 gone")
    assert devices_of(lab, "web1") == "0"
    bare(lab)


def all_taken(lab):
    """all VFs taken: the next attach says so; no slot left: that too, before anything is done"""
    for index in (0, 1):
        lab.vfadm("attach", "libvirt:web1", "--from", f"{PF}/{index}")
    lab.vfadm("attach", "libvirt:web1", "--from", PF, status=5, says=f"all 2 VFs of {PF} are in use")
    lab.vfadm("detach", "libvirt:web1", f"{PF}/1")
    lab.vfadm("detach", "libvirt:web1", VF0)
    bare(lab)
    bare(lab, 1, "0000:01:10.2")


def daemon_restarts(lab):
    """libvirtd restarted, then killed, while a guest has a VF: nothing is lost, and it comes back"""
    lab.vfadm("attach", "web1", "--from", f"{PF}/0", f"mac={MAC}")
    lab.sh("systemctl restart libvirtd")
    assert devices_of(lab, "web1") == "1"
    lab.vfadm("recover", says="nothing to recover")
    lab.sh("kill -9 $(pgrep -x libvirtd); systemctl reset-failed libvirtd; systemctl start libvirtd")
    assert MAC in lab.vf_line(0) and len(lab.leases()) == 1
    lab.vfadm("detach", "web1", VF0)
    bare(lab)


def without_daemon(lab):
    """no libvirt daemon: told so, and the lease stays until it is back"""
    lab.vfadm("attach", "web1", "--from", f"{PF}/0")
    lab.sh("systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service")
    lab.vfadm("detach", "libvirt:web1", VF0, status=6, says="libvirt does not run here")
    lab.vfadm("attach", "libvirt:web1", status=6, says="systemctl start libvirtd.socket")
    assert len(lab.leases()) == 1
    lab.sh("systemctl start libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket")
    lab.vfadm("detach", "libvirt:web1", VF0)
    bare(lab)


def behind_our_back(lab):
    """virsh takes the device out behind vfadm's back: the ledger is brought along, and the VF is as it was"""
    lab.vfadm("attach", "web1", "--from", f"{PF}/0", f"mac={MAC}", "vlan=42")
    lab.sh("virsh detach-device-alias web1 ua-vfadm-0000-01-10_0 --live; "
           "timeout 60 sh -c 'while virsh dumpxml web1 | grep -q \"<driver name=.vfio\"; do sleep 0.1; done'")
    lab.vfadm("release", VF0)
    bare(lab)


def destroyed(lab):
    """a guest that is destroyed gives its VF back at the next verb"""
    lab.sh("virsh start web1 --paused")
    lab.vfadm("attach", "web1", "--from", f"{PF}/0", f"mac={MAC}", "vlan=42")
    lab.sh("virsh destroy web1")
    lab.vfadm("attach", "libvirt:web1", "--live", status=4, says="is not running")
    lab.vfadm("recover")
    bare(lab)
    stop(lab, "web1", "web1")


def comes_back(lab):
    """a VF with a host driver comes back to it: detached, destroyed, managed by libvirt or by vfadm, autoprobe on or off"""
    was = lab.sh(f"vfadm disable -q {PF}; echo 2 >/sys/class/net/{PF}/device/sriov_numvfs; "
                 f"timeout 20 sh -c 'until [ -e /sys/bus/pci/drivers/igbvf/{VF0} -a -e /sys/bus/pci/drivers/igbvf/{VF1} ]; do sleep 0.1; done'; "
                 f"udevadm settle; ip link show {PF} | grep 'vf 0'")  # udev gives the VF's network device a MAC, too
    for autoprobe in ("1", "0"):
        lab.sh(f"echo {autoprobe} >/sys/class/net/{PF}/device/sriov_drivers_autoprobe")
        for word in ("managed=yes", "managed=no"):
            lab.vfadm("attach", "libvirt:web1", "--from", VF0, f"mac={MAC}", "vlan=42.3", "trust=on", "--disrupt", word)
            assert (lab.driver(VF0), devices_of(lab, "web1")) == ("vfio-pci", "1"), word
            line = lab.vf_line(0)
            assert MAC in line and "vlan 42, qos 3" in line and "trust on" in line, line
            lab.vfadm("detach", "web1", VF0)
            assert (lab.driver(VF0), lab.override(VF0)) == ("igbvf", "(null)"), (autoprobe, word)
            assert lab.sh(f"ip link show {PF} | grep 'vf 0'") == was, (autoprobe, word)
            assert lab.leases() == []
    lab.sh(f"echo 1 >/sys/class/net/{PF}/device/sriov_drivers_autoprobe")
    # The other VF: of a device that was plugged unmanaged once, libvirt's daemon no longer knows that it bound the driver itself.
    was = lab.vf_line(1)
    lab.vfadm("attach", "libvirt:web1", "--from", VF1, f"mac={MAC}", "trust=on", "--disrupt")
    lab.sh("virsh destroy web1")
    assert lab.driver(VF1) == "igbvf", "libvirt gives a managed device back without vfadm"
    lab.vfadm("recover")
    assert lab.vf_line(1) == was and lab.leases() == []
    lab.vfadm("disable", PF, "--disrupt")
    lab.vfadm("enable", PF, "2")


def odd_name(lab):
    """a domain whose name is a trap for shells, paths and XML gets a VF like any other"""
    start_empty(lab, ODD_NAME)
    lab.vfadm("attach", "libvirt:" + ODD_NAME, "--from", f"{PF}/0")
    assert devices_of(lab, ODD_NAME) == "1"
    lab.vfadm("detach", "libvirt:" + ODD_NAME, VF0)
    bare(lab)
    stop(lab, ODD_NAME, "odd")
    lab.vfadm("attach", "libvirt:nobody", status=3, says="nobody")
    lab.vfadm("disable", PF)
    assert lab.numvfs(BDF) == 0


CASES = [attaches, all_taken, daemon_restarts, without_daemon, behind_our_back, comes_back, destroyed, odd_name]
