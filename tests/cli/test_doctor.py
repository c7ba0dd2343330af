#!/usr/bin/env python3
"""`vfadm doctor`: what its words mean, its exit statuses, its JSON, the texts of --explain and of vfadm-doctor(7). What each check
finds is tested in tests/unit; what it finds on recorded hosts stands in their transcripts. Prints TAP."""
import json
import os
import pathlib
import pty
import re
import subprocess
import sys
import tempfile

import hosts
from program import VFADM, check, environment, finish, vfadm

UNIT = pathlib.Path(__file__).resolve().parent.parent / "unit"
SEVERITIES = ["ok", "note", "warning", "blocks"]
TOPICS = ["cpu", "firmware", "kernel", "isolation", "sr-iov", "vf", "persistence", "xen", "guest", "tools"]
KEYS = ["id", "topic", "severity", "subject", "devices", "what", "seen", "where", "why", "remedy", "boot_add", "boot_remove"]


def doctor(*words):
    return vfadm("doctor", *words)


def healthy(root):
    """The 82576 of hosts.py, its guest found by its process."""
    hosts.igb(root)


def twins(root):
    """A guest that is called as a network device is."""
    host = hosts.Host(root)
    host.addresses_and_route()
    card = host.device("0000:01:00.0", driver="e1000e")
    host.net(card, "enp1s0", 4, "02:00:00:00:00:aa")
    guest(host, 812, "enp1s0")
    guest(host, 813, "web1")


def guest(host, pid, name):
    host.process(pid, ["qemu-system-x86_64", "-name", "guest=" + name, "-m", "2G"], {3: "/dev/kvm"})


def blocked(root):
    """The card below a port without ACS: one group for all."""
    hosts.igb(root)
    config = os.path.join(root, "sys/devices/pci0000:00/0000:00:02.0/config")
    with open(config, "wb") as file:
        file.write(hosts.config_space(0x8086, 0x3420, 0x060400, header=1, express=4))
    group = os.path.join(root, "sys/kernel/iommu_groups/1")
    for address in ("0000:01:00.0", "0000:01:10.0", "0000:01:10.2", "0000:01:10.4"):
        device = os.path.realpath(os.path.join(root, "sys/bus/pci/devices", address))
        os.unlink(device + "/iommu_group")
        os.symlink(os.path.relpath(group, device), device + "/iommu_group")
        os.symlink(os.path.relpath(device, group + "/devices"), "%s/devices/%s" % (group, address))


def put(root, path, text):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def dom0(root, hide):
    """Xen's dom0 with a VF that hide= is to keep, and hide= on the hypervisor's line, too, where guides put it."""
    hosts.igb(root)
    put(root, "proc/xen/capabilities", "control_d\n")
    put(root, "proc/cmdline", "root=/dev/sda1 xen-pciback.hide=%s\n" % hide)
    put(root, "etc/default/grub", 'GRUB_CMDLINE_XEN_DEFAULT="dom0_mem=2G xen-pciback.hide=(05:00.0)"\n')
    put(root, "sys/module/xen_pciback/parameters/hide", hide + "\n")


def xen(folder):
    root = os.path.join(folder, "dom0")
    dom0(root, "(01:10.0),(01:10.2)")
    data = json.loads(doctor("--root", root, "--json").stdout)
    found = {finding["id"]: finding for finding in data["findings"] if finding["topic"] == "xen" and finding["severity"] != "ok"}
    typo, wrong = found.get("pciback-hide-typo", {}), found.get("pciback-hide-misplaced", {})
    check("on a dom0 a typo in hide= blocks, with its character", typo.get("severity") == "blocks" and "character 10" in typo["what"] and
          "',' is there" in typo["seen"] and typo["where"] == "/proc/cmdline", data)
    check("… and hide= on Xen's own line is told of", wrong.get("where") == "/etc/default/grub:1", data)
    check("… and what is normal there is no alarm", not any(finding["id"] in ("iommu-off", "kvm-missing", "no-group", "iommu-firmware-off", "virt-off")
                                                           for finding in data["findings"] if finding["severity"] != "ok"), data)
    root = os.path.join(folder, "dom0-well")
    dom0(root, "(01:10.0)(01:10.2)")
    data = json.loads(doctor("--root", root, "--json").stdout)
    check("… without the typo it is not", not any(finding["id"] == "pciback-hide-typo" for finding in data["findings"]), data)


def words(folder):
    root = os.path.join(folder, "twins")
    twins(root)
    done = doctor("enp1s0", "--root", root)
    check("a word that is both is refused, with names that are not",
          done.returncode == 4 and done.stdout == "" and "'vfadm doctor 0000:01:00.0'" in done.stderr and
          "'vfadm doctor qemu:enp1s0'" in done.stderr, done)
    for word in ("0000:01:00.0", "01:00.0", "qemu:enp1s0", "qemu:web1", "web1"):
        done = doctor(word, "--root", root, "--json")
        check("%s is found" % word, done.returncode in (0, 12, 13) and "verdict" in json.loads(done.stdout), done)
    for word in ("nothing", "enp1s0/3", "0000:07:00.0", "qemu:nothing", "qemu:", "", "enp1s0\033[31m"):
        done = doctor(word, "--root", root)
        check("%r is not" % word, done.returncode in (2, 3) and done.stdout == "" and done.stderr.count("\n") == 1 and
              "\033" not in done.stderr, done)
    done = doctor("nothing", "--root", root)
    check("what is not found is told as both", "no such device" in done.stderr and "nor does a guest" in done.stderr, done.stderr)


def shape(folder):
    root = os.path.join(folder, "igb")
    healthy(root)
    for word in ([], ["enp1s0"], ["enp1s0/0"]):
        done = doctor("--root", root, "--json", *word)
        data = json.loads(done.stdout)
        findings = data["findings"]
        worst = max([SEVERITIES.index(finding["severity"]) for finding in findings], default=0)
        check("doctor %s: verdict and exit status are those of the worst finding" % " ".join(word),
              data["verdict"] == SEVERITIES[worst] and done.returncode == {2: 12, 3: 13}.get(worst, 0), data["verdict"], done.returncode)
        check("… findings have every key and no other", all(list(finding) == KEYS for finding in findings), findings)
        order = [TOPICS.index(finding["topic"]) for finding in findings]
        check("… and are in the order of topics", order == sorted(order), order)
        check("… and notes are texts, not printed beside the JSON",
              all(isinstance(note, str) for note in data["notes"]) and done.stderr == "", data["notes"], done.stderr)
        text = doctor("--root", root, *word)
        check("… the text has the same exit status", text.returncode == done.returncode, text)
        worse = [finding for finding in findings if finding["severity"] != "ok"]
        check("… and names each finding that is worse than ok",
              all("--explain " + finding["id"] in text.stdout for finding in worse), text.stdout)
        check("… in lines of at most 100 columns",
              all(len(line) <= 100 or " " not in line[32:] for line in text.stdout.splitlines()), text.stdout)
    quiet = doctor("--root", root, "--quiet")
    check("--quiet keeps findings and drops notes", quiet.stdout == doctor("--root", root).stdout and quiet.stderr == "", quiet)
    every = doctor("--root", root, "--all")
    fine = [finding for finding in json.loads(doctor("--root", root, "--json").stdout)["findings"] if finding["severity"] == "ok"]
    check("--all has a line for each that is fine", len(re.findall(r"^ok ", every.stdout, re.M)) == len(fine), every.stdout)


def trouble(folder):
    root = os.path.join(folder, "blocked")
    blocked(root)
    done = doctor("--root", root, "enp1s0", "--json")
    data = json.loads(done.stdout)
    names = [finding["id"] for finding in data["findings"] if "0000:00:02.0" in finding["devices"]]
    check("a port without ACS is named and the status is 13", done.returncode == 13 and data["verdict"] == "blocks" and
          "acs-missing" in names, done.stdout)
    done = doctor("--root", root, "enp1s0")
    check("… in text, too", re.search(r"^blocks    isolation", done.stdout, re.M) is not None and
          "0000:00:02.0" in done.stdout and re.search(r"thing[s]? block", done.stdout) is not None, done.stdout)

    def on_terminal(**more):
        master, slave = pty.openpty()
        subprocess.run([VFADM, "doctor", "--root", root, "--quiet", "enp1s0"], stdout=slave, env=environment(**more), timeout=60, check=False)
        os.close(slave)
        text = b""
        try:
            while part := os.read(master, 65536):
                text += part
        except OSError:  # the end, for a terminal
            pass
        os.close(master)
        return text.decode()

    check("on a terminal the severity is red", "\033[31mblocks\033[0m" in on_terminal())
    check("… but not with NO_COLOR", "\033" not in on_terminal(NO_COLOR="1"))


def explanations():
    listing = doctor("--explain")
    names = [line.split()[0] for line in listing.stdout.splitlines()]
    check("--explain lists findings with titles", listing.returncode == 0 and len(names) > 10 and
          all(len(line.split(None, 1)) == 2 for line in listing.stdout.splitlines()), listing.stdout)
    check("--explain all is the same", doctor("--explain", "all").stdout == listing.stdout)
    data = json.loads(doctor("--explain", "--json").stdout)["checks"]
    check("and in JSON", [one["id"] for one in data] == names and
          all(list(one) == ["id", "topic", "title", "why", "explain"] for one in data), data)
    for one in data:
        done = doctor("--explain", one["id"])
        lines = done.stdout.splitlines()
        check("--explain %s" % one["id"], done.returncode == 0 and lines[:2] == [one["id"], one["title"]] and
              max(map(len, lines)) <= 100 and one["why"].split()[0] in done.stdout, done.stdout)
    tests = "".join(path.read_text(encoding="utf-8") for path in UNIT.glob("test-doctor-*.c"))
    untested = [name for name in names if f'"{name}"' not in tests]
    check("every check has a test", not untested, untested)
    check("one in JSON", json.loads(doctor("--explain", names[0], "--json").stdout) == data[0])
    manual = os.environ.get("VFADM_DOCTOR_MAN")
    if manual:
        with open(manual, encoding="utf-8") as file:
            page = file.read().replace("\\&", "").replace("\\-", "-")
        missing = [name for name in names if not re.search(r"^\.SS %s$" % re.escape(name), page, re.M)]
        check("vfadm-doctor(7) has a section for each", not missing, missing)


def main():
    with tempfile.TemporaryDirectory() as folder:
        words(folder)
        shape(folder)
        trouble(folder)
        xen(folder)
    explanations()
    return finish()


sys.exit(main())
