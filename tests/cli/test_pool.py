#!/usr/bin/env python3
"""Pools as `vfadm pool` shows them on hosts that are not here, and what it refuses before it looks at any. Prints TAP."""
import json
import os
import sys
import tempfile

import hosts
from program import check, finish, vfadm

CONF = """# a remark of the administrator: secret plans
[Pool web]
PF=02:00:00:00:00:aa
VFs=0-1
Order=pack
Libvirt=yes
VLAN=42
Trust=on

[Match]
Path=pci0000:00/none-such

[Pool rest]
PF=0000:01:00.0 02:00:00:00:77:77
VFs=2-6
Autostart=yes
"""

LIST = """\
NAME STATE   AUTOSTART FREE VFS PFS                                         LIBVIRT ORDER  GIVES
rest started yes          1   1 enp1s0, 02:00:00:00:77:77 (not here) (VFs 2-6) no      spread -
web  started no           1   2 enp1s0 (VFs 0-1)                            yes     pack   vlan=42 trust=on
"""

SHOW = """\
pool web
  state         started, not started at boot
  file          /etc/vfadm/pools.conf
  PFs           enp1s0 (VFs 0-1)
  order         pack: the PF with the fewest free VFs first
  gives         vlan=42 trust=on
  libvirt       none seen; 'vfadm recover' makes it when libvirt runs
  free          1 of 2 VFs

VF       BDF          NUMA DRIVER   WHO
enp1s0/0 0000:01:10.0    0 igbvf    free
enp1s0/1 0000:01:10.2    0 vfio-pci guest web1 (qemu-system-x86, pid 812)
"""


def squeezed(text):
    """Lines with their blanks as one: widths of columns are smartcols' business."""
    return [line.split() for line in text.splitlines()]


def fails(words, status, message):
    done = vfadm(*words)
    check("vfadm %s: %s" % (" ".join(words), message),
          done.returncode == status and done.stdout == "" and done.stderr == "vfadm: %s\n" % message, done)


def words():
    define = "vfadm pool define NAME --pf PF [--pf PF…] [--vfs FIRST-LAST] [--order spread|pack] [--libvirt] [key=value…]"
    fails(["pool", "lst"], 2, "'vfadm pool lst' is not known; there are define, start, stop, autostart, delete, list, show")
    fails(["pool", "define"], 2, "a word is missing: write '%s'; see 'vfadm help pool'" % define)
    fails(["pool", "define", "a"], 2, "which VFs? Name their PF, as in 'vfadm pool define a --pf enp1s0'")
    fails(["pool", "define", "a", "--pf", "x", "vlan"], 2, "'vlan' is not understood: expected key=value, as in vlan=42")
    fails(["pool", "start", "a", "b"], 2, "there is a word too many: write 'vfadm pool start NAME'; see 'vfadm help pool'")
    fails(["pool", "start", "a", "--off"], 2, "'vfadm pool start' takes no --off; see 'vfadm help pool'")
    fails(["pool", "list", "--pf", "x"], 2, "'vfadm pool list' takes no --pf; see 'vfadm help pool'")
    fails(["pool", "show", "a", "-n"], 2, "'vfadm pool show' takes no --dry-run; see 'vfadm help pool'")
    for bad in ("3-1", "a", "1-", "-1", "0-65536", "0x1"):
        fails(["pool", "define", "a", "--pf", "x", "--vfs=" + bad], 2, "--vfs=%s: give a VF's number, or a range as in 0-3" % bad)
    fails(["pool", "define", "a", "--pf", "x", "--order", "any"], 2,
          "--order=any: give spread (the PF with the most free VFs first) or pack (fill one PF after the other)")
    fails(["pool", "start", "a", "--root", "/"], 2, "--root is for verbs that only read: a recorded host cannot be changed")


def shown(host):
    done = vfadm("pool", "list", "--root", host)
    check("pools are listed", done.returncode == 0 and squeezed(done.stdout) == squeezed(LIST), done.stdout, done.stderr)
    done = vfadm("pool", "show", "web", "--root", host)
    check("a pool is shown with who has its VFs", done.returncode == 0 and squeezed(done.stdout) == squeezed(SHOW), done.stdout, done.stderr)
    fails(["pool", "show", "nosuch", "--root", host], 3, "there is no pool 'nosuch'; 'vfadm pool list' shows those there are")

    pools = json.loads(vfadm("pool", "list", "--root", host, "--json").stdout)
    rest, web = pools["pools"]
    check("JSON has the values", (web["name"], web["started"], web["autostart"], web["libvirt"], web["order"], web["free"]) ==
          ("web", True, False, True, "pack", 1) and web["gives"]["vlan"] == 42 and web["network"] is None, web)
    check("and each VF with who has it", [(vf["device"], vf["address"], vf["free"], vf["who"]) for vf in rest["vfs"]] ==
          [("enp1s0/2", "0000:01:10.4", True, None)], rest["vfs"])
    check("and PFs by both names", rest["pfs"] == [
        {"named": "0000:01:00.0", "device": "enp1s0", "address": "0000:01:00.0", "vfs": 3},
        {"named": "02:00:00:00:77:77", "device": None, "address": None, "vfs": None}], rest["pfs"])
    one = json.loads(vfadm("pool", "show", "web", "--root", host, "--json").stdout)
    check("show's JSON is that of the list, and notes", {**web, "notes": one["notes"]} == one and isinstance(one["notes"], list), one)
    return web


def recorded(folder, host, web):
    archive = os.path.join(folder, "record.tar.gz")
    done = vfadm("record", "--root", host, archive)
    check("a host with pools is recorded", done.returncode == 0, done)
    one = json.loads(vfadm("pool", "show", "web", "--root", archive, "--json").stdout)
    check("and the record has them, started as they were", {**web, "notes": one["notes"]} == one, one)
    unpacked = os.path.join(folder, "unpacked")
    os.mkdir(unpacked)
    os.system("tar xzf '%s' -C '%s'" % (archive, unpacked))
    with open(os.path.join(unpacked, "etc/vfadm/pools.conf"), encoding="utf-8") as file:
        text = file.read()
    check("without what else stands in the file", "[Pool web]" in text and "secret" not in text and "none-such" in text, text)


def broken(folder):
    hosts.igb(os.path.join(folder, "broken"))
    host = hosts.Host(os.path.join(folder, "broken"))
    host.text("etc/vfadm/x.conf", "[Pool a]\nPF=x\nColour=red")
    done = vfadm("pool", "list", "--root", host.root)
    check("a file that cannot be understood is an error with its line",
          done.returncode == 1 and done.stdout == "" and
          done.stderr.startswith("vfadm: /etc/vfadm/x.conf, line 3: [Pool] has no 'Colour'; it has PF, "), done)
    os.remove(os.path.join(host.root, "etc/vfadm/x.conf"))
    done = vfadm("pool", "list", "--root", host.root)
    check("no pools, no list", done.returncode == 0 and done.stdout == "" and "there are no pools" in done.stderr, done)


def main():
    words()
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "host")
        hosts.igb(root)
        host = hosts.Host(root)
        host.text("etc/vfadm/pools.conf", CONF, newline=False)
        host.text("run/vfadm/pools/web", "started")
        recorded(folder, root, shown(root))
        broken(folder)
    return finish()


sys.exit(main())
