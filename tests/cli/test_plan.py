#!/usr/bin/env python3
"""`vfadm plan` on hosts that are not here: steps, what is left, exit statuses; and that what `vfadm export` writes leaves nothing to do.
Prints TAP."""
import json
import os
import sys
import tempfile
import time

import hosts
from program import check, finish, vfadm

GUEST = "guest web1 (qemu-system-x86, pid 812)"

PRINTED = """\
enp1s0: as configured
1. 0000:01:10.0: driver igbvf → no driver
   its driver takes a new MAC only when it starts
2. 0000:01:10.0: mac=02:00:00:00:aa:00 vlan=7 (was mac=00:00:00:00:00:00 vlan=0)
   as asked
3. load the module vfio-pci
   the driver must be there before it can bind
4. 0000:01:10.0: driver no driver → vfio-pci
   as asked
enp1s0/1: mac=02:00:00:00:aa:01 vlan=7 left: %s
""" % GUEST

MATCH = "[Match]\nPath=pci0000:00/0000:00:02.0/0000:01:00.0\n"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def on_record(folder):
    host = os.path.join(folder, "host")
    hosts.HOSTS["igb"](host)
    conf = os.path.join(host, "etc/vfadm/lan.conf")

    none = vfadm("plan", "--root", host)
    check("without configuration there is nothing to do", none.returncode == 0 and "nothing to do" in none.stdout, none)

    write(conf, MATCH + "[VF 0-1]\nMACAddress=02:00:00:00:aa:00+\nVLAN=7\nDriver=vfio\n")
    printed = vfadm("plan", "--root", host)
    check("steps, and what is left", printed.returncode == 15 and printed.stdout == PRINTED, printed)
    data = json.loads(vfadm("plan", "--root", host, "--json", "--pf", "01:00.0").stdout)
    pf = data["plan"]["pfs"][0]
    check("the same as JSON", pf["device"] == "enp1s0" and pf["steps"] == len(data["plan"]["steps"]) == 4 and pf["drift"] == "mend" and
          pf["left"] == data["plan"]["left"] and len(pf["left"]) == 1 and data["done"] is False, data)

    write(conf, MATCH + "[PF]\nDrift=report\n[VF 0]\nVLAN=7\n")
    todo = vfadm("plan", "--root", host, "--json")
    check("14: there is something to do", todo.returncode == 14 and json.loads(todo.stdout)["plan"]["pfs"][0]["drift"] == "report", todo)

    write(conf, MATCH + "[PF]\nVFs=8\n")
    impossible = vfadm("plan", "--root", host)
    check("what a guest stands in the way of is left first", impossible.returncode == 15 and "VFs 3 → 8 left: enp1s0/1 is in use by " + GUEST in impossible.stdout,
          impossible)

    write(conf, "[Match]\nPermanentMACAddress=02:00:00:00:77:77\n[PF]\nVFs=2\n")
    absent = vfadm("plan", "--root", host)
    check("a PF that is not here is a note", absent.returncode == 0 and "note: /etc/vfadm/lan.conf, line 1: no PF here fits its [Match]" in absent.stdout, absent)

    write(conf, "[Match]\nNmae=x\n")
    wrong = vfadm("plan", "--root", host)
    check("a wrong file is an error", wrong.returncode not in (0, 14, 15) and wrong.stdout == "" and "lan.conf, line 2" in wrong.stderr, wrong)
    other = vfadm("plan", "--root", host, "--pf", "enp9s0")
    check("and so is a PF that is not there", other.returncode not in (0, 14, 15), other)
    check("one PF at a time", vfadm("plan", "--root", host, "--pf", "a", "--pf", "b").returncode == 2)
    check("apply changes no record", "--root is for verbs that only read" in vfadm("apply", "--root", host).stderr)


def export_leaves_nothing(folder):
    host = os.path.join(folder, "exported")
    hosts.HOSTS["igb"](host)
    write(os.path.join(host, "etc/vfadm/all.conf"), vfadm("export", "--root", host).stdout)
    plan = vfadm("plan", "--root", host)
    check("what is exported leaves nothing to do", plan.returncode == 0 and "nothing to do: all is as asked" in plan.stdout, plan)


def waits(folder):
    """For a PF that never comes, on the machine that runs the test: nothing is changed there."""
    conf = os.path.join(folder, "absent.conf")
    write(conf, "[Match]\nPermanentMACAddress=02:00:00:00:77:77\n[PF]\nVFs=2\n")
    begun = time.monotonic()
    done = vfadm("apply", "--dry-run", "--wait", "0.4", "--ledger", os.path.join(folder, "ledger"), conf)
    took = time.monotonic() - begun
    check("it waits for a PF that is not there, and not for ever", took >= 0.4 and done.returncode == 0 and "no PF here fits its [Match]" in done.stdout, took, done)


def main():
    with tempfile.TemporaryDirectory() as folder:
        on_record(folder)
        export_leaves_nothing(folder)
        waits(folder)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
