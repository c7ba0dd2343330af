#!/usr/bin/env python3
"""The hook that libvirt calls before a guest starts: it stops a guest for another one's lease, and for nothing else whatever it is
given. Prints TAP."""
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile

from program import check, environment, finish

HOOK = os.environ["VFADM_HOOK"]
SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "src" / "ledger" / "schema.sql"
UUID = "aaaaaaaa-0000-4000-8000-000000000001"
OTHER_UUID = "bbbbbbbb-0000-4000-8000-000000000001"


def lease(number, address, guest, **more):
    body = {"id": number, "address": address, "vendor_id": 0x8086, "device_id": 0x10ca, "is_vf": True, "pf": "0000:01:00.0", "vf": 0,
            "pf_mac": "02:00:00:00:01:01", "path": "pci0000:00/0000:01:00.0", "state": "active", "guest": guest, "nic": 0,
            "guest_device": "hostdev0", "pid": 0, "pid_start": 0, "boot_id": "", "given": {}, "saved": {}, "saved_driver": None,
            "saved_override": None, "created": 1, "config": False, "managed": True, "guest_uuid": None, "pool": None}
    body.update(more)
    return body


def write_ledger(folder, leases):
    os.chmod(folder, 0o700)
    path = os.path.join(folder, "ledger.db")
    base = sqlite3.connect(path)
    base.executescript(SCHEMA.read_text(encoding="utf-8"))
    base.execute("PRAGMA application_id = %d" % 0x76666164)
    base.execute("PRAGMA user_version = 1")
    for body in leases:
        base.execute("INSERT INTO lease (id, dev, guest, state, body) VALUES (?, ?, ?, ?, ?)",
                     (body["id"], body["address"], body["guest"], body["state"], json.dumps(body)))
    base.commit()
    base.close()
    os.chmod(path, 0o600)


def this_process():
    with open("/proc/self/stat", encoding="utf-8") as file:
        start = int(file.read().rpartition(")")[2].split()[19])
    with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
        return {"pid": os.getpid(), "pid_start": start, "boot_id": file.read().strip()}


def domain(name, *devices, uuid=UUID):
    return "<domain type='kvm' id='3'><name>%s</name><uuid>%s</uuid><memory unit='KiB'>262144</memory><devices>%s</devices></domain>" % (
        name, uuid, "".join(devices))


def interface(slot, function):
    return ("<interface type='hostdev' managed='yes'><mac address='02:00:00:00:00:01'/><source><address type='pci' domain='0x0000' "
            "bus='0x01' slot='0x%02x' function='0x%x'/></source></interface>" % (slot, function))


def hostdev(slot, function):
    return ("<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x01' slot='0x%02x' "
            "function='0x%x'/></source></hostdev>" % (slot, function))


def hook(folder, xml, *words):
    data = xml if isinstance(xml, bytes) else xml.encode()
    return subprocess.run([HOOK, *(words or ("web1", "prepare", "begin", "-")), *([folder] if folder else [])], input=data,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False)


def silent(what, done):
    check(what, done.returncode == 0 and done.stdout == b"" and done.stderr == b"", done.returncode, done.stdout, done.stderr)


def told(what, done, says):
    lines = done.stderr.decode().splitlines()
    check(what, done.returncode == 0 and done.stdout == b"" and len(lines) == 1 and says in lines[0], done.returncode, done.stderr)


def refused(what, done, *lines):
    check(what, done.returncode == 1 and done.stdout == b"" and done.stderr.decode().splitlines() == ["vfadm: " + line for line in lines],
          done.returncode, done.stderr)


def leases():
    with tempfile.TemporaryDirectory() as folder:
        write_ledger(folder, [
            lease(7, "0000:01:10.0", "qemu:web9", **this_process()),
            lease(8, "0000:01:10.2", "qemu:web9", pid=1, pid_start=1, boot_id="0b6dd1a5-0000-4000-8000-000000000001"),
            lease(9, "0000:01:10.4", "libvirt:db", config=True, guest_uuid=OTHER_UUID),
            lease(10, "0000:01:10.6", "libvirt:web1", config=True, guest_uuid=UUID),
            lease(11, "0000:01:11.0", "libvirt:web1", config=True, guest_uuid=OTHER_UUID),
            lease(12, "0000:01:11.2", "libvirt:web1", config=True),
            lease(13, "0000:01:11.4", "libvirt:old-name", config=True, guest_uuid=UUID)])
        first = ("0000:01:10.0 is leased to qemu:web9 (lease 7), so web1 cannot start with it: run 'vfadm detach qemu:web9 0000:01:10.0', "
                 "or 'vfadm recover' if that guest has it no longer")
        second = first.replace("10.0", "10.4").replace("qemu:web9", "libvirt:db").replace("lease 7", "lease 9")
        third = second.replace("10.4", "11.0").replace("libvirt:db", "libvirt:web1").replace("lease 9", "lease 11")
        refused("a VF of a guest that runs", hook(folder, domain("web1", interface(0x10, 0))), first)
        refused("the same as a <hostdev>", hook(folder, domain("web1", hostdev(0x10, 0))), first)
        refused("each device that is another's", hook(folder, domain("web1", interface(0x10, 6), interface(0x10, 0), interface(0x10, 4))),
                first, second)
        refused("a guest of the same name made anew", hook(folder, domain("web1", interface(0x11, 0))), third)
        silent("a lease whose guest has ended", hook(folder, domain("web1", interface(0x10, 2))))
        silent("its own lease, by uuid and by name", hook(folder, domain("web1", interface(0x10, 6), interface(0x11, 2), interface(0x11, 4))))
        silent("a device that nobody has", hook(folder, domain("web1", interface(0x12, 0))))
        silent("no device", hook(folder, domain("web1")))
        silent("a network's NIC", hook(folder, domain("web1", "<interface type='network'><source network='fast'/></interface>")))
        for words in (("web1", "start", "begin", "-"), ("web1", "release", "end", "-"), ("web1", "migrate", "begin", "-"), ("web1",)):
            done = subprocess.run([HOOK, *words], input=domain("web1", interface(0x10, 0)).encode(), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env=environment(), timeout=60, check=False)
            silent(" ".join(words) + " is none of its business", done)


def hostile():
    device = interface(0x10, 0)
    bad = {
        "nothing": "", "no XML": "not at all", "bytes": b"\xff\xfe\x00\x01" * 100, "half a domain": domain("web1", device)[:-20],
        "another element": "<network/>", "no name": domain("", device), "deep": "<a>" * 100000,
        "1 MB of nesting": "<domain><name>web1</name><devices>" + "<x>" * 350000 + "</devices></domain>",
        "a billion laughs": "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>]>" + domain("&b;", device),
        "a file by an entity": "<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" + domain("&x;", device),
        "too much": b"<domain><name>web1</name><!--" + b"x" * (17 << 20)}
    with tempfile.TemporaryDirectory() as folder:
        write_ledger(folder, [lease(7, "0000:01:10.0", "qemu:\x1b[31mweb9", **this_process())])
        for what, xml in bad.items():
            told(what + ": told, and the guest starts", hook(folder, xml), "not compared with the ledger")
        done = hook(folder, domain("we&#10;b&quot;1&amp;", device))
        check("names drive no terminal and stay in their line", done.returncode == 1 and b"\033" not in done.stderr and done.stderr.count(b"\n") == 1,
              done.stderr)
        silent("wrong addresses", hook(folder, domain("web1", interface(0x110, 99), device.replace("0x01", "zzz"))))
    with subprocess.Popen([HOOK, "web1", "prepare", "begin", "-"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, env=environment()) as closed:
        closed.stderr.close()
        check("nobody reads what it says", closed.wait(60) == 0, closed.returncode)


def ledgers():
    xml = domain("web1", interface(0x10, 0))
    with tempfile.TemporaryDirectory() as folder:
        silent("an empty folder", hook(folder, xml))
        silent("no folder", hook(os.path.join(folder, "nowhere"), xml))
        with open(os.path.join(folder, "ledger.db"), "w", encoding="utf-8") as file:
            file.write("no database at all, but long enough to be taken for one by its size " * 20)
        os.chmod(file.name, 0o600)
        told("a damaged ledger", hook(folder, xml), "is damaged")
        os.unlink(file.name)
        os.mkdir(file.name)
        told("no file at all", hook(folder, xml), "not compared with the ledger")


def main():
    leases()
    hostile()
    ledgers()
    return finish()


sys.exit(main())
