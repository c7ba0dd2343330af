"""A guest's MAC is the same after reboots of guest and host, and nothing is lost when libvirt's daemon ends between two steps."""
import subprocess

from harness import LONG, PF, VFLAB
from seeds import MAC, OUR_MAC, RULE, VF0, VF1, fresh_vfs, my_guest, our_guest
from seeds_guest import VLAN, of_guest, of_vf

ROUNDS = 3 if LONG else 1
BOOT_DEADLINE = 400  # two guests boot at once, after each other where libvirt starts them
# What brings the VFs back at each boot is the guides' rule; that the PF is up is otherwise its network configuration's.
BOOT_RULE = (f'ACTION=="add", SUBSYSTEM=="net", ENV{{ID_NET_DRIVER}}=="igb", ATTR{{device/sriov_numvfs}}="2", RUN+="/usr/sbin/ip link set {PF} up"')


def host_reboots(lab):
    """The host's reset button; what it has on disk is there first, as after a shutdown."""
    lab.sh("sync")
    subprocess.run([VFLAB, "reset", "--name", lab.name], check=True)


def boots_with_guests(lab, guests):
    """At each boot: VFs made anew, the PF up, libvirt's daemon and the guests with autostart."""
    for guest in guests:
        lab.sh(f"virsh autostart {guest.name}")
    folders = "".join(f"d {guest.state} 0777\\n" for guest in guests)
    lab.sh(f"printf '{folders}' >/etc/tmpfiles.d/seeds.conf; cat >{RULE} <<'END'\n{BOOT_RULE}\nEND\n"
           "systemctl -q enable libvirtd.service; mkdir -p /etc/systemd/system/libvirtd.service.d; "
           "printf '[Unit]\\nWants=systemd-udev-settle.service\\nAfter=systemd-udev-settle.service\\n' >/etc/systemd/system/libvirtd.service.d/seeds.conf")


def macs(guests):
    return [guest.inside(ping=False).get("guest: mac") for guest in guests]


def lost(lab):
    """What must outlive the daemon: leases, guests' XML, networks with what is given out, and what the PF and sysfs say."""
    return (lab.vfadm("leases", "--json").out, lab.vfadm("pool", "list", "--json").out,
            lab.sh("for g in $(virsh list --all --name); do virsh dumpxml --inactive $g; done; "
                   # Of the rest of a running guest a new daemon tells less: aliases of devices that QEMU has not.
                   "for g in $(virsh list --name); do virsh dumpxml $g | sed -n '/<interface/,/<.interface>/p; /<hostdev/,/<.hostdev>/p'; done; "
                   "for n in $(virsh net-list --all --name); do virsh net-dumpxml --inactive $n; done; "
                   "for n in $(virsh net-list --name); do virsh net-port-list $n | sort; done"), of_vf(lab, VF0), of_vf(lab, VF1))


def keeps_macs(lab):
    """reboots of guest and host: the MACs are the same, of a VF in the definition by hand and of one by vfadm"""
    guests = [my_guest(lab), our_guest(lab)]
    assert macs(guests) == [MAC, OUR_MAC]
    defined = [of_guest(guest, live=False) for guest in guests]
    boots_with_guests(lab, guests)
    for _ in range(ROUNDS):
        # Not 'virsh reset': KVM on an emulated processor does not always survive it.
        for guest in guests:
            guest.shut_down()
            guest.start()
        assert macs(guests) == [MAC, OUR_MAC]
        host_reboots(lab)
        for guest in guests:
            lab.await_guest(guest.name, "^GUEST ready", BOOT_DEADLINE)
        assert macs(guests) == [MAC, OUR_MAC]
        assert [of_guest(guest, live=False) for guest in guests] == defined
        lab.vfadm("recover")
        assert [(lease["guest"], lease["address"]) for lease in lab.leases()] == [("libvirt:OurGuest", VF1.bdf)], lab.leases()
        for vf, mac, trust in ((VF0, MAC, "off"), (VF1, OUR_MAC, "on")):
            line = lab.vf_line(vf.index)
            assert mac in line and f"vlan {VLAN}" in line and f"trust {trust}" in line, line
    for guest in guests:
        guest.shut_down()
    lab.vfadm("detach", "OurGuest", VF1.bdf)
    assert lab.leases() == [] and not guests[1].element(live=False)
    lab.sh(f"rm {RULE}; udevadm control --reload")
    for guest in guests:
        guest.remove()


DAEMON_ENDS = ("systemctl restart libvirtd",
               "kill -9 $(pgrep -x libvirtd); systemctl reset-failed libvirtd; systemctl start libvirtd")


def daemon_ends_between_steps(lab):
    """libvirtd restarted or killed between any two steps: nothing is lost"""
    fresh_vfs(lab)
    guest = our_guest(lab)
    guest.define()
    pool = ("--pf", PF, "--libvirt")
    steps = (lambda: lab.vfadm("pool", "define", "p1", *pool),
             lambda: lab.vfadm("pool", "start", "p1"),
             lambda: lab.vfadm("attach", guest.name, "--from", VF0.bdf, f"mac={MAC}", f"vlan={VLAN}", "trust=on"),
             guest.start,
             lambda: lab.vfadm("attach", guest.name, "--from", "p1", f"mac={OUR_MAC}", "--live"),
             lambda: lab.vfadm("detach", guest.name, VF1.bdf, "--live"),
             lambda: lab.vfadm("detach", guest.name, VF0.bdf, "--live"),
             guest.shut_down,
             lambda: lab.vfadm("detach", guest.name, VF0.bdf, "--config"),
             lambda: lab.vfadm("pool", "stop", "p1"),
             lambda: lab.vfadm("pool", "delete", "p1"))
    start = of_vf(lab, VF0), of_vf(lab, VF1)
    for number, step in enumerate(steps):
        step()
        lab.vfadm("recover")  # what libvirt did by itself, such as starting the guest, is in the ledger from here on
        before = lost(lab)
        lab.sh(DAEMON_ENDS[number % len(DAEMON_ENDS)])
        lab.vfadm("recover")
        after = lost(lab)
        assert after == before, f"step {number}; before:\n{before}\nafter:\n{after}"
    assert (of_vf(lab, VF0), of_vf(lab, VF1)) == start and lab.leases() == [] and not guest.element(live=False)
    guest.remove()


CASES = [keeps_macs, daemon_ends_between_steps]
