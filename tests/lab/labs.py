"""The lab itself: two at once on one wire, and no leftovers when it is interrupted. Cases take the packages."""
import os
import pathlib
import signal
import subprocess
import time

from harness import PF, VFLAB, Lab


def shares_a_wire(packages):
    """two labs at once: VFs on VLAN 42 of two cards on one wire ping each other, on VLAN 43 they do not"""
    pid = os.getpid()
    labs = [Lab(f"test-wire-{side}-{pid}") for side in "ab"]
    try:
        for number, lab in enumerate(labs, 1):
            lab.up("--wire", f"wire-{pid}")
            lab.install(packages)
            lab.sh(f"ip link set {PF} up")
            lab.vfadm("enable", PF, "1")
            lab.vfadm("set", f"{PF}/0", f"mac=02:00:00:00:42:0{number}", "vlan=42")
            lab.vfadm("unbind", f"{PF}/0")
            lab.sh(f"timeout 20 sh -c 'until ls /sys/bus/pci/devices/0000:01:10.0/net/* >/dev/null 2>&1; do sleep 0.1; done'; udevadm settle; "
                   f"nic=$(ls /sys/bus/pci/devices/0000:01:10.0/net); ip addr add 10.9.42.{number}/24 dev $nic; ip link set $nic up")
        labs[0].sh("timeout 60 sh -c 'until ping -c 1 -W 1 10.9.42.2 >/dev/null; do :; done'", timeout=120)
        labs[1].vfadm("set", f"{PF}/0", "vlan=43", "--disrupt")
        gone = labs[0].run("ping", "-c", "2", "-W", "1", "10.9.42.2")
        assert gone.status == 1, str(gone)
    finally:
        for lab in labs:
            lab.down()


def processes_of(name):
    """Ids of the processes whose command line names a lab's own folder."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if f"/run/{name}/".encode() in (entry / "cmdline").read_bytes():
                    found.append(entry.name)
            except OSError:  # it ended while we looked
                continue
    return found


def leaves_nothing_behind(_packages):
    """an interrupted 'up' leaves no process, no mount and no lab"""
    name = f"test-interrupted-{os.getpid()}"
    mounts = pathlib.Path("/proc/self/mountinfo").read_text()
    up = subprocess.Popen([VFLAB, "up", "--cold", "--name", name], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not processes_of(name):
        assert up.poll() is None and time.monotonic() < deadline, "the lab did not begin to boot"
    up.send_signal(signal.SIGTERM)
    assert up.wait(timeout=60) != 0
    deadline = time.monotonic() + 30
    while left := processes_of(name):
        assert time.monotonic() < deadline, f"still running: {left}"
    assert pathlib.Path("/proc/self/mountinfo").read_text() == mounts
    status = subprocess.run([VFLAB, "status"], check=True, text=True, capture_output=True).stdout
    assert name not in status, status


def down_while_up(_package):
    """'down' of a lab that is still coming up: 'up' says that, in a line, and nothing is left"""
    name = f"test-ended-{os.getpid()}"
    with subprocess.Popen([VFLAB, "up", "--cold", "--name", name], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as up:
        deadline = time.monotonic() + 60
        while not processes_of(name):
            assert up.poll() is None and time.monotonic() < deadline, "the lab did not begin to boot"
        subprocess.run([VFLAB, "down", "--name", name], check=True)
        said = up.communicate(timeout=60)[1]
    assert up.returncode == 1 and said.splitlines()[-1].endswith("was ended by 'vflab down' before it was up"), said
    assert "Traceback" not in said, said
    assert not processes_of(name)


CASES = [shares_a_wire, leaves_nothing_behind, down_while_up]
