#!/usr/bin/env python3
"""vfadm check: all of a root folder's configuration, or files by name; what is wrong, warned of, and fine. Prints TAP."""
import json
import os
import sys
import tempfile

from program import check, finish, vfadm

LAN = "[Match]\nPermanentMACAddress=02:00:00:00:01:01\n[PF]\nVFs=4\n[VF *]\nMACAddress=02:00:00:00:02:00+\nVLAN=42\n"
WARNING = ("/etc/vfadm/wan.conf, line 1: Address= can become another card's when one is added or moved; PermanentMACAddress= or "
           "Path= stays with this one")


def write(folder, path, text):
    whole = os.path.join(folder, path)
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    with open(whole, "w", encoding="utf-8") as file:
        file.write(text)
    return whole


def root_folder(root):
    done = vfadm("check", "--root", root)
    check("no configuration is not wrong", done.returncode == 0 and done.stdout == "" and "there is no configuration" in done.stderr, done)
    write(root, "etc/vfadm/lan.conf", LAN)
    done = vfadm("check", "--root", root)
    check("a file that is right", (done.returncode, done.stdout, done.stderr) == (0, "1 file: fine\n", ""), done)
    write(root, "usr/lib/vfadm/lan.conf.d/more.conf", "[VF *]\nTrust=on\n")
    write(root, "run/vfadm/wan.conf", "[Match]\nAddress=0000:02:00.0\n")
    write(root, "usr/lib/vfadm/wan.conf", "[Nonsense]\n")  # the one in /run is read instead
    os.symlink("/dev/null", os.path.join(root, "etc/vfadm/vendor.conf"))
    write(root, "usr/lib/vfadm/vendor.conf", "[Nonsense]\n")
    done = vfadm("check", "--root", root)
    check("with a drop-in, a file in /run, one that is masked, and a warning",
          (done.returncode, done.stdout) == (0, "warning: %s\n3 files: fine\n" % WARNING.replace("/etc/", "/run/")), done)


def wrong(root):
    write(root, "etc/vfadm/wan.conf", "[Match]\nAddress=0000:02:00.0\n")
    write(root, "etc/vfadm/first.conf", "[Match]\nName=a\n[PF]\nVF=4\n")
    write(root, "etc/vfadm/lan.conf.d/last.conf", "[VF *]\nVLAN=\033[31m\n")
    done = vfadm("check", "--root", root)
    want = ("wrong: /etc/vfadm/first.conf, line 4: [PF] has no 'VF'; did you mean VFs?\n"
            "wrong: /etc/vfadm/lan.conf.d/last.conf, line 2: VLAN=\\033[31m: expected a number from 0 (none) to 4094\n"
            "warning: %s\n" % WARNING)
    check("everything that is wrong is told, with file and line", (done.returncode, done.stdout) == (1, want), done)
    told = json.loads(vfadm("check", "--root", root, "--json").stdout)
    check("and as JSON", not told["fine"] and len(told["errors"]) == 2 and told["warnings"] == [WARNING] and
          told["files"] == ["/etc/vfadm/first.conf", "/etc/vfadm/lan.conf", "/etc/vfadm/lan.conf.d/last.conf",
                            "/usr/lib/vfadm/lan.conf.d/more.conf", "/etc/vfadm/wan.conf"], told)


def named(folder):
    lan = write(folder, "lan.conf", LAN)
    done = vfadm("check", lan, "--root", folder)
    check("a file that is named is this machine's", (done.returncode, done.stdout) == (0, "1 file: fine\n"), done)
    write(folder, "lan.conf.d/x.conf", "[VF 0]\nVLAN=5\n")
    done = vfadm("check", lan)
    check("and is read with its drop-ins", done.returncode == 1 and
          done.stdout.startswith("wrong: %s.d/x.conf, line 1: [VF 0] overlaps [VF *] in %s, line 5" % (lan, lan)), done)
    twin = write(folder, "twin.conf", LAN)
    done = vfadm("check", twin, twin)
    check("two files are held against each other", done.returncode == 1 and "line 1: this [Match] is that of" in done.stdout, done)
    done = vfadm("check", os.path.join(folder, "none.conf"))
    check("a file that is not there", done.returncode == 1 and done.stdout ==
          "wrong: reading the configuration in %s/none.conf: No such file or directory\n" % folder, done)


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "root")
        os.mkdir(root)
        root_folder(root)
        wrong(root)
        named(folder)
    return finish()


sys.exit(main())
