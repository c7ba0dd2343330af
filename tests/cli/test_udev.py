#!/usr/bin/env python3
"""udev's helper: which VFs' network devices are kept from NetworkManager and networkd, and that nothing it is given makes it say more.
Prints TAP."""
import os
import subprocess
import sys
import tempfile

import hosts
from program import check, environment, finish

HELPER = os.environ["VFADM_UDEV"]
PORT = "/devices/pci0000:00/0000:00:02.0"
OURS = b"NM_UNMANAGED=1\nID_NET_MANAGED_BY=vfadm\nVFADM_POOL=fast\n"


def helper(*words):
    return subprocess.run([HELPER, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment(), timeout=60, check=False)


def says(what, done, out):
    check(what, done.returncode == 0 and done.stdout == out and done.stderr == b"", done.returncode, done.stdout, done.stderr)


def fails(what, done, part):
    lines = done.stderr.decode().splitlines()
    check(what, done.returncode == 1 and done.stdout == b"" and len(lines) == 1 and part in lines[0], done.returncode, done.stdout, done.stderr)


def pools():
    with tempfile.TemporaryDirectory() as root:
        hosts.igb(root)
        host = hosts.Host.__new__(hosts.Host)
        host.root = root
        first, third = f"{PORT}/0000:01:10.0/net/enp1s0v0", f"{PORT}/0000:01:10.4/net/enp1s0v2"
        says("no configuration", helper(first, root), b"")
        host.text("etc/vfadm/pool-fast.conf", "[Pool fast]\nPF=0000:01:00.0\nVFs=0-1\n")
        says("a VF of the pool", helper(first, root), OURS)
        says("a VF beside it", helper(third, root), b"")
        says("the PF", helper(f"{PORT}/0000:01:00.0/net/enp1s0", root), b"")
        says("a function that is not there (any more)", helper(f"{PORT}/0000:01:11.0/net/x", root), b"")
        says("a device that is named as a function is", helper(f"{PORT}/0000:01:10.0/net/01:10.4", root), OURS)
        host.text("etc/vfadm/pool-fast.conf", "[Pool fast]\nPF=02:00:00:00:00:aa\nAutostart=no\n")
        says("a PF by its MAC, a pool that is stopped", helper(third, root), OURS)
        host.text("etc/vfadm/pool-fast.conf", "[Pool fast]\nPF=02:00:00:00:00:bb\n")
        says("another PF", helper(first, root), b"")
        host.text("etc/vfadm/pool-fast.conf", "[Pool fast]\nPFs=\n")
        fails("a configuration with a mistake", helper(first, root), "pool-fast.conf")
        host.text("etc/vfadm/lan.conf", "[Match]\nAddress=0000:01:00.0\n[Pool fast]\nPF=0000:01:00.0\nVFs=0\n")
        done = helper(first, root)
        check("a mistake in another file", done.returncode == 0 and done.stdout == OURS and b"pool-fast.conf" in done.stderr, done)
        fails("a VF of none that is right", helper(third, root), "pool-fast.conf")


def words():
    with tempfile.TemporaryDirectory() as root:
        hosts.no_sriov(root)
        for bad in ((), ("",), ("/",), ("/devices/virtual/net/lo", root), ("/devices/pci0000:00/01:10.0/net/x", root), ("x" * 100000, root)):
            fails(f"no function: {str(bad)[:40]}", helper(*bad), "usage")
        fails("no such host", helper(f"{PORT}/0000:01:10.0/net/x", root + "/none"), "none")


def main():
    pools()
    words()
    return finish()


sys.exit(main())
