#!/usr/bin/env python3
"""`vfadm record` of a real host, shown again on this machine: the same facts, and no secrets.

usage: tests/lab/record.py        makes the recorded hosts in tests/fixtures anew, with the vfadm of this tree
"""
import difflib
import json
import os
import subprocess
import tarfile
import tempfile

from harness import PF, TOP, Lab, built

SECRET = "hunter2-top-secret"
GUEST = ("qemu-system-x86_64 -name guest=db,process=x -uuid 6f1c2d3e-0000-4000-8000-00000000d0d0 -machine q35,accel=kvm -m 64M -nodefaults -display none -S "
         f"-object secret,id=s0,data={SECRET} -fw_cfg name=opt/token,string={SECRET} -pidfile /run/db.pid "
         "-qmp unix:/run/db.sock,server=on,wait=off -device pcie-root-port,id=rp1,slot=1,chassis=1").split()
RECORD = "/root/host.tar.gz"


def prepare(lab):
    """seven VFs: one with a guest and leased, one with the host, one on VFIO, one with values only"""
    lab.sh(f"ip link set {PF} up")
    lab.vfadm("enable", PF, "7")
    lab.vfadm("unbind", f"{PF}/1")
    lab.sh("timeout 20 sh -c 'until ls /sys/bus/pci/devices/0000:01:10.2/net/*/address; do sleep 0.1; done' 2>/dev/null")
    lab.vfadm("set", f"{PF}/1", "mac=02:00:00:00:04:01", "vlan=4.5", "trust=on")
    lab.vfadm("set", f"{PF}/3", "mac=02:00:00:00:04:03", "max-rate=250", "spoofchk=off")
    lab.vfadm("bind", f"{PF}/2", "vfio")
    words = " ".join(GUEST)
    lab.sh(f"TOKEN={SECRET} setsid vfadm -q run --from {PF}/0 mac=02:00:00:00:04:00 vlan=42 -- {words} -device vfio-pci,host={{vf}},bus=rp1 "
           ">/tmp/record.run 2>&1 </dev/null & timeout 60 sh -c 'until ls -l /proc/$(cat /run/db.pid)/fd | grep -q /dev/vfio/; do sleep 0.1; done' 2>/dev/null")


def said(lab_or_file, *words, ledger=None):
    """What vfadm says in the lab, or here of a record. Names come from the hwdb of the machine that shows them, and whose
    login it is is no record's business."""
    if isinstance(lab_or_file, Lab):
        data = lab_or_file.vfadm(*words, "--json").json()
    else:
        command = [built("src/cli/vfadm"), *words, "--json", "--root", lab_or_file, *(["--ledger", ledger] if ledger else [])]
        data = json.loads(subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout)
    data.pop("notes", None)
    for dev in data.get("devices", [data]):
        dev.pop("name")
        dev["used_by"] = [use for use in dev["used_by"] if "your login" not in use["what"]]
    return data


def records(lab):
    """record writes the file once, for its owner only"""
    lab.vfadm("record", RECORD, says="No secrets")
    assert lab.sh(f"stat -c %a {RECORD}") == "600"
    before = lab.sh(f"sha256sum {RECORD}")
    assert lab.run("vfadm", "record", RECORD).status != 0 and lab.sh(f"sha256sum {RECORD}") == before


def shows_the_same(lab):
    """list and show of the record, on this machine, are what the lab itself says"""
    with tempfile.TemporaryDirectory() as folder:
        record, ledger = os.path.join(folder, "host.tar.gz"), os.path.join(folder, "ledger")
        lab.pull(RECORD, record)
        os.mkdir(ledger)
        lab.sh("sqlite3 /var/lib/vfadm/ledger.db '.backup /tmp/ledger.db' 2>/dev/null || cp /var/lib/vfadm/ledger.db* /tmp/")
        for name in lab.sh("ls /tmp/ledger.db*").split():
            lab.pull(name, os.path.join(ledger, os.path.basename(name)))
        for words in (["list"], ["list", "--all"], ["show", PF], *(["show", f"{PF}/{i}"] for i in range(7)), ["show", "mgmt0"], ["show", "0000:00:10.0"]):
            there, here = said(lab, *words), said(record, *words, ledger=ledger)
            texts = [json.dumps(data, indent=1).splitlines() for data in (there, here)]
            assert there == here, f"{words}\n" + "\n".join(difflib.unified_diff(*texts, "in the lab", "of the record", lineterm=""))
        vfs = [dev for dev in said(record, "list")["devices"] if dev["kind"] == "vf"]
        assert [dev["driver"] for dev in vfs] == ["vfio-pci", "igbvf", "vfio-pci", None, None, None, None], vfs
        assert [use["kind"] for use in vfs[0]["used_by"]] == ["process"] and vfs[0]["used_by"][0]["guest"] == "db", vfs[0]
        assert vfs[1]["used_by"] == [] and vfs[3]["mac"] == "02:00:00:00:04:03", vfs


def no_secrets(lab):
    """the record holds no environment, no command line beyond the guest's name, machine and devices, and nothing of the secret"""
    with tempfile.TemporaryDirectory() as folder:
        record = os.path.join(folder, "host.tar.gz")
        lab.pull(RECORD, record)
        with tarfile.open(record) as archive:
            members = archive.getmembers()
            contents = {member.name: archive.extractfile(member).read() for member in members if member.isfile()}
        names = [member.name for member in members] + [member.linkname for member in members]
        assert not [name for name in names if name.endswith("environ") or SECRET in name], names
        assert not [name for name, content in contents.items() if SECRET.encode() in content or b"string=" in content]
        lines = {name: content for name, content in contents.items() if name.endswith("cmdline")}
        pid = lab.sh("cat /run/db.pid")
        words = lines[f"proc/{pid}/cmdline"].split(b"\0")
        kept = [word.encode() for word in GUEST[:9] + GUEST[-4:]]
        assert words[:-3] == kept and words[-3] == b"-device" and words[-2].startswith(b"vfio-pci,host=0000:01:10.0"), words
        opened = [member.linkname for member in members if member.issym() and "/fd/" in member.name]
        assert opened and all(target.startswith(("/dev/vfio", "/dev/kvm", "anon_inode:")) for target in opened), opened


def done(lab):
    """the guest ends, its VF comes back, and all VFs go"""
    lab.sh("pid=$(cat /run/db.pid); kill $pid; timeout 30 tail --pid=$pid -f /dev/null; timeout 30 sh -c "
           "'until vfadm leases --json | jq -e \".leases == []\" >/dev/null; do sleep 0.2; done'")
    assert lab.driver("0000:01:10.0") == "none"
    lab.vfadm("disable", PF, "--disrupt")
    lab.sh(f"rm -f /run/db.pid {RECORD} /tmp/ledger.db* /tmp/record.run")


CASES = [prepare, records, shows_the_same, no_secrets, done]


def make_fixture(topology, prepared):
    """tests/fixtures/lab-TOPOLOGY/host.tar.gz"""
    folder = TOP / "tests" / "fixtures" / f"lab-{topology}"
    lab = Lab(f"fixture-{os.getpid()}", topology)
    try:
        lab.up()
        lab.push(built("src/cli/vfadm"), to="/usr/sbin")
        prepared(lab)
        lab.vfadm("record", RECORD)
        folder.mkdir(exist_ok=True)
        lab.pull(RECORD, folder / "host.tar.gz")
    finally:
        lab.down()


def prepare_acs_off(lab):
    lab.sh(f"ip link set {PF} up")
    lab.vfadm("enable", PF, "3")
    lab.vfadm("set", f"{PF}/1", "mac=02:00:00:00:04:01", "vlan=4")
    lab.vfadm("bind", f"{PF}/2", "igbvf")


if __name__ == "__main__":
    make_fixture("plain", prepare)
    make_fixture("acs-off", prepare_acs_off)
