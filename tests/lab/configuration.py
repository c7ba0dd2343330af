"""Said once: the configuration holds over reboots, hard resets in the middle of apply, a driver that is loaded again and a card that is
plugged in; guests that libvirt starts at boot find their VFs; nobody else takes a pool's VFs."""
import os
import pathlib
import random
import subprocess
import sys
import time

import concurrency
from harness import BDF, DRIVERS, PF, TOP, VFLAB
from seeds_guest import Guest, Vf

sys.path.insert(0, str(TOP / "lab"))
from lablib.machine import Machine  # noqa: E402  the lab's own way to its QEMU

FILE = "/etc/vfadm/lan.conf"
UNIT = "vfadm-apply.service"
UNIT_OF_PF = f"vfadm-apply@{BDF}.service"
POOL = "fast"
VFS = 7
CONF = f"""[Match]
PermanentMACAddress=02:00:00:00:01:01

[PF]
VFs={VFS}
Up=yes

[VF 0-2]
Driver=vfio
MACAddress=02:00:00:00:c0:00+
VLAN=42
Trust=yes

[VF 3]
Driver=none
MACAddress=02:00:00:00:c0:33
SpoofCheck=no

[VF 4]
Driver=host
MACAddress=02:00:00:00:c0:44
VLAN=43
QoS=3

[VF 5-6]
MACAddress=02:00:00:00:c0:55+

[Pool {POOL}]
PF=02:00:00:00:01:01
VFs=5-6
"""
# VF: its driver, and what `ip link` must and must not say of it.
EXPECTED = {
    0: ("vfio-pci", ["02:00:00:00:c0:00", "vlan 42", "trust on", "spoof checking on"], []),
    1: ("vfio-pci", ["02:00:00:00:c0:01", "vlan 42", "trust on"], []),
    2: ("vfio-pci", ["02:00:00:00:c0:02", "vlan 42", "trust on"], []),
    3: ("none", ["02:00:00:00:c0:33", "spoof checking off", "trust off"], ["vlan"]),
    4: ("igbvf", ["02:00:00:00:c0:44", "vlan 43", "qos 3"], []),
    5: ("igbvf", ["02:00:00:00:c0:55", "trust off"], ["vlan"]),
    6: ("igbvf", ["02:00:00:00:c0:56", "trust off"], ["vlan"]),
}
SETTLED = 90  # seconds for what systemd was told to do
NOTHING = 0    # vfadm plan: nothing to do


def as_configured(lab):
    """The kernel says of each VF what the file says, and vfadm has nothing to add."""
    drivers = lab.sh(f"for n in $(seq 0 {VFS - 1}); do basename $(readlink {DRIVERS}/{BDF}/virtfn$n/driver || echo none); done").split()
    lines = {line.split()[1]: line for line in lab.sh(f"ip link show {PF}").splitlines() if line.strip().startswith("vf ")}
    assert len(drivers) == len(lines) == VFS, f"{drivers}\n{lines}"
    for index, (driver, there, absent) in EXPECTED.items():
        line = lines[str(index)]
        assert drivers[index] == driver, f"VF {index}: {drivers[index]}, not {driver}"
        assert all(word in line for word in there) and not any(word in line for word in absent), f"VF {index}: {line}"
    assert "UP" in lab.sh(f"ip -o link show {PF}").split("<")[1].split(">")[0].split(",")
    lab.vfadm("plan", status=NOTHING)


def configure(lab, text=CONF):
    result = lab.run("sh", "-c", f"mkdir -p /etc/vfadm && cat >{FILE} && sync", input=text)
    assert result.status == 0, str(result)


def settled(lab, unit):
    """The unit has done what it was told, and well."""
    said = lab.sh(f"timeout {SETTLED} sh -c 'while systemctl -q is-active --wait {unit} || systemctl list-jobs {unit} | grep -q {unit} "
                  f"|| [ $(systemctl show -P ActiveState {unit}) = activating ]; do [ $(systemctl show -P SubState {unit}) != exited ] || break; sleep 0.2; done'; "
                  f"systemctl show -P Result {unit}", timeout=SETTLED + 60)
    assert said == "success", lab.sh(f"journalctl -b -u {unit} --no-pager")


def log_of(lab, unit):
    return lab.sh(f"journalctl -b -u {unit} --no-pager -o cat")


def until(lab, condition, seconds=SETTLED, what=None):
    """A shell condition that must come true."""
    result = lab.run("timeout", str(seconds), "sh", "-c", f"until {condition}; do sleep 0.2; done", timeout=seconds + 60)
    assert result.status == 0, f"not within {seconds} s: {what or condition}\n{log_of(lab, UNIT)}\n{log_of(lab, UNIT_OF_PF)}"


def reset(lab):
    subprocess.run([VFLAB, "reset", "--name", lab.name], check=True, stdout=sys.stderr)


def applies(lab):
    """apply makes it so, says each step before it does, and has nothing to do the second time"""
    configure(lab)
    lab.vfadm("check")
    lab.vfadm("plan", status=14, says="VFs 0 → 7")
    assert lab.numvfs() == 0
    lab.vfadm("apply")
    as_configured(lab)
    lab.vfadm("apply", says="nothing to do")


def boots(rounds):
    def after_reboots(lab):
        """after a reboot each VF is as configured, before libvirt's daemon starts; nothing is left to do"""
        lab.sh("systemctl -q enable libvirtd.service; sync")
        for _ in range(rounds):
            reset(lab)
            settled(lab, UNIT)
            as_configured(lab)
            until(lab, "systemctl -q is-active libvirtd.service")
            done, started = lab.sh(f"systemctl show -P ExecMainExitTimestampMonotonic {UNIT}; "
                                   "systemctl show -P ExecMainStartTimestampMonotonic libvirtd.service").split()
            assert 0 < int(done) <= int(started), f"apply was done at {done}, libvirt's daemon started at {started}"
            lab.vfadm("recover", says="nothing to recover")
        lab.sh("systemctl -q disable libvirtd.service")
    after_reboots.__doc__ = f"{rounds} reboots: {after_reboots.__doc__}"
    return after_reboots


def hard_resets(times):
    def in_the_middle(lab):
        """hard resets in the middle of apply, at random moments: after the boot all is as configured, and the ledger agrees"""
        lab.sh(f"systemctl -q is-enabled {UNIT}")
        lab.vfadm("disable", PF, "--disrupt")
        began = time.monotonic()
        lab.vfadm("apply")
        whole = time.monotonic() - began
        seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
        print(f"# apply took {whole:.1f} s; SEED={seed}", flush=True)
        chance = random.Random(seed)
        for number in range(times):
            lab.vfadm("disable", PF, "--disrupt")
            lab.sh("sync; rm -f /run/applied; (vfadm apply >/run/apply.log 2>&1; echo $? >/run/applied) </dev/null >/dev/null 2>&1 & ")
            moment = chance.uniform(0, whole)
            time.sleep(moment)  # this is no waiting for something: the moment is what is tried
            with Machine(lab.name).qmp() as qmp:
                qmp.run("stop")
                qmp.run("cont")
            reset(lab)
            settled(lab, UNIT)
            print(f"# reset {number + 1} after {moment:.1f} s", flush=True)
            as_configured(lab)
            assert lab.leases() == []
            lab.vfadm("recover", says="nothing to recover")
    in_the_middle.__doc__ = f"{times} {in_the_middle.__doc__}"
    return in_the_middle


def driver_reloaded(lab):
    """the PF's driver unloaded and loaded: udev starts its unit, and all is as configured again"""
    lab.sh("modprobe -r igbvf igb")
    assert not lab.sh(f"ls {DRIVERS}/{BDF} | grep virtfn || true")
    lab.sh("modprobe igb")
    until(lab, f"vfadm plan >/dev/null 2>&1 && [ -e {DRIVERS}/{BDF}/virtfn{VFS - 1} ]", what="the VFs, after the driver was loaded")
    settled(lab, UNIT_OF_PF)
    as_configured(lab)


def card_replugged(lab):
    """the card pulled out and plugged in: told once, and all is as configured again"""
    with Machine(lab.name).qmp() as qmp:
        qmp.run("device_del", id="igb1")
    until(lab, f"[ ! -e {DRIVERS}/{BDF} ]", what="the card gone")
    lab.vfadm("apply", says="no PF")
    with Machine(lab.name).qmp() as qmp:
        qmp.run("device_add", driver="igb", id="igb1", bus="rp1", netdev="card1", mac="02:00:00:00:01:01")
    until(lab, f"vfadm plan >/dev/null 2>&1 && [ -e {DRIVERS}/{BDF}/virtfn{VFS - 1} ]", what="the VFs, after the card was plugged in")
    settled(lab, UNIT_OF_PF)
    as_configured(lab)


def link_down_and_up(lab):
    """the PF's link down and up: nothing is lost, and a link that is down is set up again"""
    lab.sh(f"ip link set {PF} down; ip link set {PF} up")
    as_configured(lab)
    lab.sh(f"ip link set {PF} down")
    lab.vfadm("apply")
    as_configured(lab)


def others_keep_off(lab):
    """networkd takes a VF that is the host's, and none of a pool; NetworkManager is told the same; a renamed one stays so"""
    nic = {index: lab.sh(f"ls {DRIVERS}/{Vf(index).bdf}/net") for index in (4, 5, 6)}
    lab.sh("mkdir -p /run/systemd/network; printf '[Match]\\nDriver=igbvf\\n[Network]\\nLinkLocalAddressing=no\\nAddress=10.77.0.1/24\\n' >/run/systemd/network/50-test.network; "
           "systemctl -q unmask systemd-networkd.service systemd-networkd.socket; systemctl start systemd-networkd.service")
    try:
        until(lab, f"networkctl --no-legend list {nic[4]} | grep -Eq 'configured|configuring|degraded|routable|no-carrier'", 60)
        lab.sh(f"ip link set {nic[6]} down; ip link set {nic[6]} name renamed0; udevadm settle")
        for name in (nic[5], "renamed0"):
            facts = lab.sh(f"udevadm info -q property /sys/class/net/{name}").splitlines()
            assert {"NM_UNMANAGED=1", "ID_NET_MANAGED_BY=vfadm", f"VFADM_POOL={POOL}"} <= set(facts), facts
            assert lab.sh(f"networkctl --no-legend list {name}").split()[-1] == "unmanaged", name
            assert "inet " not in lab.sh(f"ip addr show {name}")
        assert "inet 10.77.0.1" in lab.sh(f"ip addr show {nic[4]}")
        assert "NM_UNMANAGED" not in lab.sh(f"udevadm info -q property /sys/class/net/{nic[4]}")
    finally:
        lab.sh(f"rm -f /run/systemd/network/50-test.network; systemctl stop systemd-networkd.socket systemd-networkd.service; "
               "systemctl -q mask systemd-networkd.service systemd-networkd.socket; "
               f"ip addr flush dev {nic[4]}; ip link set {nic[4]} down; "
               f"ip link show renamed0 >/dev/null 2>&1 && ip link set renamed0 down && ip link set renamed0 name {nic[6]} || true")


def guests_of_libvirt(lab):
    """guests that libvirt starts at boot find their VFs: one that the definition names, one from a pool's network"""
    lab.vfadm("disable", PF, "--disrupt")
    configure(lab, CONF.replace("VFs=5-6\n", "VFs=5-6\nLibvirt=yes\nAutostart=yes\n").replace("Driver=vfio\n", ""))
    lab.vfadm("apply")
    guests = {"named": Guest(lab, "named", 2), "pooled": Guest(lab, "pooled", 3)}
    devices = {"named": Vf(1).interface("02:00:00:00:c1:01", "42"),
               "pooled": f"<interface type='network'><mac address='02:00:00:00:c1:05'/><source network='{POOL}'/></interface>"}
    folders = "".join(f"d {guest.state} 0777\\n" for guest in guests.values())
    try:
        lab.sh(f"virsh net-list --all | grep -q {POOL}")
        for name, guest in guests.items():
            guest.define()
            guest.edit(devices[name])
            lab.sh(f"virsh autostart {name}")
        lab.sh(f"printf '{folders}' >/etc/tmpfiles.d/configuration.conf; systemctl -q enable libvirtd.service; sync")
        reset(lab)
        settled(lab, UNIT)
        for name, mac in (("named", "02:00:00:00:c1:01"), ("pooled", "02:00:00:00:c1:05")):
            lab.await_guest(name, f"GUEST nic=eth0 driver=igbvf .* mac={mac}", 400)
        lab.vfadm("apply", status=0)  # what guests have is left alone, and asks for nothing
        for name, mac in (("named", "02:00:00:00:c1:01"), ("pooled", "02:00:00:00:c1:05")):
            assert guests[name].inside(ping=False)["guest: mac"] == mac
    finally:
        for guest in guests.values():
            guest.remove()
        lab.sh("rm -f /etc/tmpfiles.d/configuration.conf; systemctl -q disable libvirtd.service")


def hundred(lab):
    """100 at once want seven VFs, again and again: never two owners, no lease lost, none left over"""
    lab.push(concurrency.INSIDE)
    lab.vfadm("disable", PF, "--disrupt")
    lab.sh(f"rm -f {FILE}")
    lab.vfadm("enable", PF, str(VFS))
    lab.vfadm("pool", "define", concurrency.POOL, "--pf", PF)
    lab.vfadm("pool", "start", concurrency.POOL)
    seen = concurrency.race(lab, 60, 1200, 100, [], [], [], 100)
    assert seen["done"]["vfadm run"] >= 100 and seen["most"] >= 3, seen
    concurrency.all_free(lab)
    lab.vfadm("pool", "stop", concurrency.POOL)
    lab.vfadm("pool", "delete", concurrency.POOL)


def cleaned(lab):
    """without the file nothing is asked for: VFs go when told, and none comes back"""
    lab.sh(f"rm -f {FILE}")
    lab.vfadm("disable", PF, "--disrupt")
    lab.vfadm("apply")
    assert lab.numvfs() == 0


CASES = [applies, boots(1), hard_resets(2), driver_reloaded, card_replugged, link_down_and_up, others_keep_off, guests_of_libvirt, cleaned]
LONG = [applies, boots(5), hard_resets(20), driver_reloaded, card_replugged, link_down_and_up, others_keep_off, guests_of_libvirt, hundred,
        cleaned]
