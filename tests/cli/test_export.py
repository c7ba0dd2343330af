#!/usr/bin/env python3
"""`vfadm export` on hosts that are not here: what it writes, where, and what it leaves alone. Prints TAP."""
import json
import os
import sys
import tempfile

import hosts
from program import check, finish, vfadm

PRINTED = """\
# enp1s0 at 0000:01:00.0, driver igb, when this was written
[Match]
Path=pci0000:00/0000:00:02.0/0000:01:00.0

[PF]
VFs=3

[VF 1]
Driver=vfio-pci
MACAddress=02:00:00:00:00:01
VLAN=42
QoS=3
Trust=on

[VF 2]
Driver=none
"""


def main():
    with tempfile.TemporaryDirectory() as folder:
        host = os.path.join(folder, "host")
        hosts.HOSTS["igb"](host)
        printed = vfadm("export", "--root", host)
        # This host does not tell its permanent MAC, so that the place says which PF is meant.
        check("a PF as a file", printed.returncode == 0 and printed.stdout == PRINTED, printed)
        check("a guest's VF without a lease is told", "enp1s0/1: guest web1 (qemu-system-x86, pid 812) has it" in printed.stderr, printed)
        as_json = json.loads(vfadm("export", "--root", host, "--json", "enp1s0").stdout)
        check("the same as JSON", [(file["pf"], file["name"], file["text"], file["path"]) for file in as_json["files"]] ==
              [("0000:01:00.0", "enp1s0.conf", printed.stdout, None)], as_json)

        recorded = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "lab-plain", "host.tar.gz")
        for name, place in (("a built host", host), ("a recorded host", recorded)):
            file = os.path.join(folder, "all.conf")
            with open(file, "w", encoding="utf-8") as text:
                vfadm("export", "--root", place, stdout=text)
            done = vfadm("plan", "--root", place, file)
            check("what was exported of %s changes nothing there" % name, done.returncode == 0 and "nothing to do" in done.stdout, done)
            with open(file, encoding="utf-8") as text:
                changed = text.read().replace("VLAN=42\n", "VLAN=43\n")
            with open(file, "w", encoding="utf-8") as text:
                text.write(changed)
            done = vfadm("plan", "--root", place, file)
            check("and with another VLAN it does, or says what is left", done.returncode in (14, 15), done)

        out = os.path.join(folder, "out")
        os.mkdir(out)
        done = vfadm("export", "--root", host, "--output", out)
        path = os.path.join(out, "enp1s0.conf")
        check("--output writes a file a PF, and names it", done.returncode == 0 and done.stdout == path + "\n" and os.listdir(out) == ["enp1s0.conf"],
              done)
        with open(path, encoding="utf-8") as file:
            check("in which stands what would have been printed", file.read() == printed.stdout)
        with open(path, "w", encoding="utf-8") as file:
            file.write("mine\n")
        done = vfadm("export", "--root", host, "--output", out)
        check("a file that is there is not overwritten",
              done.returncode == 4 and done.stdout == "" and
              done.stderr.endswith("vfadm: %s is there already, and is not overwritten; give --output another folder\n" % path), done)
        with open(path, encoding="utf-8") as file:
            check("and stays as it is", file.read() == "mine\n")
        os.remove(path)
        os.symlink(os.path.join(folder, "elsewhere"), path)
        done = vfadm("export", "--root", host, "--output", out)
        check("a link is not followed", done.returncode == 4 and not os.path.exists(os.path.join(folder, "elsewhere")), done)
        done = vfadm("export", "--root", host, "--output", os.path.join(folder, "nowhere"))
        check("a folder that is not there", done.returncode == 3 and "nowhere/enp1s0.conf" in done.stderr, done)
        done = vfadm("export", "--root", host, "enp1s0/1")
        check("a VF is no PF", done.returncode == 4 and done.stderr.endswith(
            "vfadm: enp1s0/1 is no PF; a file is about a PF and its VFs: 'vfadm list' shows the PFs\n"), done)

        bare = os.path.join(folder, "bare")
        hosts.HOSTS["no-sriov"](bare)
        done = vfadm("export", "--root", bare)
        check("nothing to say", done.returncode == 0 and done.stdout == "" and "no PF of this host has VFs" in done.stderr, done)
    return finish()


sys.exit(main())
