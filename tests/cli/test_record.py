#!/usr/bin/env python3
"""`vfadm record`, and what reading verbs do with a ledger that is damaged or not there. Prints TAP."""
import json
import os
import subprocess
import sys
import tarfile
import tempfile

import hosts
from program import check, finish, vfadm


def record(folder, host):
    file = os.path.join(folder, "recorded.tar.gz")
    done = vfadm("record", file, "--root", host)
    check("record says what it wrote", done.returncode == 0 and done.stdout.startswith(file + ": 7 PCI functions, ") and
          "No secrets" in done.stdout, done.stdout, done.stderr)
    check("only the owner may read it", os.stat(file).st_mode & 0o77 == 0, oct(os.stat(file).st_mode))
    for words in (["list"], ["list", "--all", "--tree"], ["list", "--json"], ["show", "enp1s0"], ["show", "enp1s0/1", "--json"]):
        one, other = vfadm(*words, "--root", host), vfadm(*words, "--root", file)
        check("%s of the record is that of the host" % " ".join(words),
              one.returncode == 0 and one.stdout == other.stdout and one.stderr == other.stderr, one.stdout, other.stdout, other.stderr)
    with tarfile.open(file) as archive:
        members = archive.getnames()
        cmdline = archive.extractfile("proc/812/cmdline").read()
    check("the archive holds paths of the host only", not [name for name in members if name.startswith("/") or ".." in name], members)
    check("of the guest's command line only its name is kept", b"web1" in cmdline and b"secret" not in cmdline, cmdline)

    before = os.stat(file)
    done = vfadm("record", file, "--root", host)
    check("an existing file stays", done.returncode != 0 and done.stdout == "" and "recorded.tar.gz" in done.stderr and
          os.stat(file).st_mtime_ns == before.st_mtime_ns, done.stderr)
    done = vfadm("record", os.path.join(folder, "no", "such", "folder.tar.gz"), "--root", host, "--json")
    check("a record that cannot be written is an error", json.loads(done.stdout)["error"]["kind"] == "not-found", done.stdout)
    cut = os.path.join(folder, "cut.tar.gz")
    with open(file, "rb") as whole, open(cut, "wb") as part:
        part.write(whole.read()[:before.st_size // 2])
    done = vfadm("list", "--root", cut)
    check("half a record is refused", done.returncode not in (0, 1) and done.stdout == "" and done.stderr.count("\n") == 1, done)


def ledger(folder, host):
    bad = os.path.join(folder, "ledger")
    os.mkdir(bad)
    with open(os.path.join(bad, "ledger.db"), "wb") as file:
        file.write(b"this is no database, but long enough to look at " * 100)
    done = vfadm("list", "--root", host, "--ledger", bad)
    check("list goes on without a readable ledger, and says so",
          done.returncode == 0 and done.stdout.startswith("DEVICE") and "note: leases are not shown: " in done.stderr, done.stderr)
    done = vfadm("list", "--root", host, "--ledger", bad, "--json")
    check("and says so in JSON", any("leases are not shown" in note for note in json.loads(done.stdout)["notes"]), done.stdout)
    done = vfadm("leases", "--root", host, "--ledger", bad)
    check("leases needs a readable ledger", done.returncode == 10 and done.stdout == "" and done.stderr.count("\n") == 1, done)
    check("a damaged ledger is left as it is", os.listdir(bad) == ["ledger.db"], os.listdir(bad))
    done = vfadm("leases", "--root", host, "--ledger", os.path.join(folder, "none"))
    check("no ledger, no leases", done.returncode == 0 and done.stdout == "" and not os.path.exists(os.path.join(folder, "none")), done)


def main():
    with tempfile.TemporaryDirectory() as folder:
        host = os.path.join(folder, "host")
        hosts.igb(host)
        record(folder, host)
        ledger(folder, host)
    return finish()


sys.exit(main())
