"""Everybody at once: libvirt and many processes of vfadm want the VFs of one pool, and no VF ever has two owners."""
import pathlib

import libvirt_guests
from domain import define_empty
from harness import BDF, PF

POOL = "race"
VFS = 7
# So many VFs are vfadm's when libvirt takes the rest.
HELD = 4
INSIDE = pathlib.Path(__file__).resolve().parent / "race_inside.py"


def nic(mac):
    """What a started guest's definition has of the pool."""
    return f"<interface type='network'><mac address='{mac}'/><source network='{POOL}'/><vlan><tag id='63'/></vlan></interface>"


def race(lab, seconds, longest, times, *who):
    """Runs it inside, and holds what it saw to what must be. Who takes part: guests for virsh, for vfadm, to be started, and
    how many 'vfadm run'."""
    result = lab.run("python3", "/root/race_inside.py", str(seconds), str(longest), str(times), POOL, PF,
                     *[",".join(names) for names in who[:3]], str(who[3]), timeout=longest + 400)
    assert result.status == 0, str(result)
    seen = result.json()
    told = {key: seen[key] for key in ("done", "refused", "looks", "most", "lost")}
    print(f"# {told}", flush=True)
    assert not seen["wrong"], "\n".join(seen["wrong"][:20])
    assert seen["left"] == {"leases": {}, "ports": {}, "open": {}}, seen["left"]
    assert seen["looks"] >= 3 and seen["refused"], told
    return seen


def all_free(lab):
    """Each VF is as it was made: no driver, no MAC, no VLAN, nobody's; and the pool says so."""
    for index in range(VFS):
        line = lab.vf_line(index)
        assert "vlan" not in line and "trust off" in line, line
    assert lab.sh("ls /sys/bus/pci/drivers/vfio-pci | grep -c '^0000:' || true") == "0"
    assert lab.leases() == []
    lab.vfadm("recover", says="nothing to recover")


def many_of_vfadm(lab):
    """twelve 'vfadm run' want seven VFs again and again: never two have one, and none is lost"""
    lab.push(INSIDE)
    lab.sh(f"ip link set {PF} up")
    lab.vfadm("enable", PF, str(VFS))
    lab.vfadm("pool", "define", POOL, "--pf", PF)
    lab.vfadm("pool", "start", POOL)
    seen = race(lab, 20, 90, 12, [], [], [], 12)
    assert seen["done"]["vfadm run"] >= VFS and seen["most"] >= 3, seen
    all_free(lab)


def with_libvirt(lab):
    """libvirt's attach-device and starts, vfadm's attach and run, on one pool: no VF has two owners, no lease and no hold is left"""
    lab.vfadm("pool", "define", POOL, "--pf", PF, "--libvirt")
    lab.vfadm("pool", "start", POOL)
    for name in ("race1", "race2"):
        libvirt_guests.start(lab, name, name)
    for number, name in enumerate(("short1", "short2")):
        define_empty(lab, name, more=nic(f"02:00:00:00:63:0{number}"))
    try:
        seen = race(lab, 30, 120, 4, ["race1", "race2"], ["race1", "race2"], ["short1", "short2"], 5)
        for kind in ("virsh attach-device", "virsh start", "vfadm attach", "vfadm run"):
            assert seen["done"].get(kind, 0) >= 1, seen
        all_free(lab)
        assert lab.sh(f"virsh -q net-port-list {POOL}") == ""
    finally:
        for name in ("race1", "race2", "short1", "short2"):
            libvirt_guests.stop(lab, name, name)


def all_taken_by_libvirt(lab):
    """the VFs that libvirt has given out are no pool's any more; the VFs that vfadm leased libvirt does not give"""
    lab.vfadm("pool", "define", POOL, "--pf", PF, "--libvirt")
    lab.vfadm("pool", "start", POOL)
    names = [f"taker{number}" for number in range(VFS - HELD + 1)]
    holder = "vfadm run -q --from {0} -- qemu-system-x86_64 -name holder{1} -machine q35,accel=kvm -m 64M -nodefaults -display none -S"
    for number, name in enumerate(names):
        define_empty(lab, name, more=nic(f"02:00:00:00:64:0{number}"))
    try:
        for number in range(HELD):
            lab.sh(f"{holder.format(POOL, number)} >/dev/null 2>&1 </dev/null & echo $! >/run/holder{number}.pid; "
                   f"timeout 60 sh -c 'until vfadm leases --json | grep -q qemu:holder{number}; do sleep 0.2; done'")
        leased = {lease["address"] for lease in lab.leases()}
        assert len(leased) == HELD, lab.leases()
        for name in names[:-1]:
            lab.sh(f"virsh start {name} --paused")
        more = lab.run("virsh", "start", names[-1], "--paused")
        assert more.status != 0, str(more)
        lab.vfadm("attach", f"libvirt:{names[0]}", "--from", POOL, "--live", status=5, says=f"all {VFS} VFs are in use")
        given = lab.sh(f"cat /var/run/libvirt/qemu/taker*.xml | grep -o \"bus='0x01' slot='0x1[01]' function='0x[0-7]'\" | sort -u | wc -l")
        assert given == str(VFS - HELD), given
        assert {lease["address"] for lease in lab.leases()} == leased
    finally:
        for name in names:
            lab.run("virsh", f"destroy {name}; undefine {name}")
        lab.sh("for pid in $(cat /run/holder*.pid); do kill $pid; timeout 60 tail --pid=$pid -f /dev/null; done; rm -f /run/holder*.pid")
    all_free(lab)
    lab.vfadm("pool", "stop", POOL)
    lab.vfadm("pool", "delete", POOL)
    assert POOL not in lab.sh("virsh -q net-list --all")
    lab.vfadm("disable", PF)
    assert lab.numvfs(BDF) == 0


CASES = [many_of_vfadm, all_taken_by_libvirt]

# Six minutes by itself on two busy processors, most of them the guests' plugging. A VF was once left on vfio-pci here, as it is where a lease
# remembers a VF as libvirt's guest had it (act/look.c run_is_as_seen(); the stories libvirt-attach-given-back and libvirt-run-given-back).
LONG = [many_of_vfadm, with_libvirt, all_taken_by_libvirt]
