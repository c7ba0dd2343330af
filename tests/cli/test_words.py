#!/usr/bin/env python3
"""The command line itself: options, errors, exit statuses, help; and that the man page and the completion keep up with
the tables of verbs and options. Prints TAP."""
import json
import os
import pty
import re
import subprocess
import sys
import tempfile

from program import VFADM, check, finish, vfadm

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def fails(words, status, message):
    done = vfadm(*words)
    check("vfadm %s: %s" % (" ".join(words), message),
          done.returncode == status and done.stdout == "" and done.stderr == "vfadm: %s\n" % message,
          done.returncode, done.stdout, done.stderr)


def errors():
    fails(["lst"], 2, "there is no verb 'lst'; did you mean 'list'? 'vfadm help' names all")
    fails(["unplug"], 2, "there is no verb 'unplug'; did you mean 'detach'? 'vfadm help' names all")
    fails(["frobnicate"], 2, "there is no verb 'frobnicate'; 'vfadm help' names all")
    fails(["help", "enabel"], 2, "there is no verb 'enabel'; did you mean 'enable'? 'vfadm help' names all")
    fails(["list", "--dry-run"], 2, "'vfadm list' takes no --dry-run; see 'vfadm help list'")
    fails(["-n", "list"], 2, "'vfadm list' takes no --dry-run; see 'vfadm help list'")
    fails(["enable", "x"], 2, "a word is missing: write 'vfadm enable PF… N|all'; see 'vfadm help enable'")
    fails(["leases", "x"], 2, "there is a word too many: write 'vfadm leases'; see 'vfadm help leases'")
    fails(["show", "--", "a", "b"], 2, "there is a word too many: write 'vfadm show DEVICE'; see 'vfadm help show'")
    fails(["list", "-o"], 2, "-o wants a value after it; see 'vfadm help'")
    fails(["list", "--root"], 2, "--root wants a value after it; see 'vfadm help'")
    fails(["--bogus"], 2, "--bogus is no option that vfadm knows; see 'vfadm help'")
    fails(["list", "-x"], 2, "-x is no option that vfadm knows; see 'vfadm help'")
    fails(["list", "--root="], 2, "--root: FILE|DIR is empty")
    fails(["list", "-o", "FOO"], 2, "-o: there is no column 'FOO'; 'vfadm help list' names them")
    for bad in ("0", "-1", "1e3", "", "86401", "1.2345", "0.000", "5s"):
        fails(["detach", "a", "b", "--timeout=" + bad], 2,
              "--timeout=%s: give seconds from 0.001 to 86400, as in 30 or 2.5" % bad)
    fails(["doctor", "a", "b"], 2, "there is a word too many: write 'vfadm doctor [DEVICE|GUEST]'; see 'vfadm help doctor'")
    for words in (["--fix", "--undo"], ["--fix", "--explain"], ["--explain", "acs-missing", "--undo"]):
        fails(["doctor", *words], 2, "--explain, --fix and --undo: one at a time; see 'vfadm help doctor'")
    for word in ("--fix", "--undo"):
        fails(["doctor", word, "enp1s0"], 2, "--fix and --undo are about this host: write them without a word; see 'vfadm help doctor'")
        fails(["doctor", word, "--all"], 2, "--all goes with a plain 'vfadm doctor'; see 'vfadm help doctor'")
    for word in ("--yes", "-n"):
        fails(["doctor", word], 2, "--dry-run and --yes go with --fix or --undo: else nothing is changed; see 'vfadm help doctor'")
    fails(["doctor", "--disrupt"], 2, "'vfadm doctor' takes no --disrupt; see 'vfadm help doctor'")
    fails(["doctor", "--explain", "acs-mising"], 3, "there is no finding 'acs-mising'; 'vfadm doctor --explain' names all")
    fails(["run", "--", "sh", "-name", "a", "-daemonize"], 2,
          "-daemonize: vfadm waits for the guest's end, and would take its VF back as soon as QEMU has gone into the background; "
          "leave it out, and run vfadm itself in the background or as a service")
    fails(["run", "--", "qemu-that-nobody-has", "-name", "a"], 3, "qemu-that-nobody-has: there is no such program to run")
    fails(["run", "--", "sh", "-name", "a/b"], 2, "-name: a guest that vfadm can name again has no '/' and no control characters in its name")
    fails(["run", "--", "sh"], 2,
          "the guest has no -name: give it one, from which its lasting MAC is derived, or say mac=…")
    fails(["virt-instal-args"], 2, "there is no verb 'virt-instal-args'; did you mean 'virt-install-args'? 'vfadm help' names all")
    fails(["adopt"], 2, "there is no verb 'adopt'; did you mean 'import'? 'vfadm help' names all")
    for verb in ("set", "bind", "enable", "release"):
        for option in ("--live", "--config"):
            fails([verb, "a", "b", option], 2, "'vfadm %s' takes no %s; see 'vfadm help %s'" % (verb, option, verb))
    fails(["list", "--adopt"], 2, "'vfadm list' takes no --adopt; see 'vfadm help list'")
    fails(["import", "--dry-run"], 2, "--dry-run goes with --adopt and --config: else nothing is changed; see 'vfadm help import'")
    fails(["import", "a", "b", "--adopt"], 2, "--adopt takes one guest or network, or none for all of them")
    fails(["xml"], 2, "a word is missing: write 'vfadm xml GUEST|POOL|DEVICE [--from POOL|PF|VF] [key=value…]'; see 'vfadm help xml'")
    fails(["attach", "libvirt:a", "managed=maybe"], 2, "managed=maybe: yes (libvirt binds the driver and gives it back) or no (vfadm does)")
    fails(["attach", "xen:a", "permissive=maybe"], 2, "permissive=maybe: on or off")
    fails(["attach", "xen:a", "slot=20"], 2, "slot=20: the device's place on the guest's bus 0, hexadecimal as xl's vslot, from 1 to 1f")
    fails(["attach", "xen:a", "seize=on"], 2,
          "seize=on: unknown word; there are mac, vlan, trust, spoofchk, link, min-rate, max-rate, nic, managed, profile, teaming, "
          "permissive, msitranslate, power-mgmt, rdm and slot")
    fails(["virt-install-args", "slot=8"], 2,
          "slot= is for domains of Xen, as in 'vfadm attach xen:NAME slot=…'; libvirt's XML has no place for it")
    fails(["attach", "libvirt:a", "profile=x", "vlan=1"], 2,
          "profile=x and vlan= cannot go together: a port profile brings its VLAN from the switch")
    done = vfadm("lst\033[31m")
    check("an error drives no terminal", done.returncode == 2 and "\033" not in done.stderr, done.stderr)


def errors_as_json():
    for words in (["--json", "list", "--dry-run"], ["list", "--dry-run", "-j"]):
        done = vfadm(*words)
        error = json.loads(done.stdout)["error"]
        check("vfadm %s: the error is JSON" % " ".join(words),
              done.returncode == 2 and done.stderr == "" and error["kind"] == "usage" and error["exit"] == 2 and
              error["message"].startswith("'vfadm list' takes no"), done.stdout)


def help_texts():
    done = vfadm()
    check("vfadm alone is a welcome", done.returncode == 0 and "vfadm enable PF N" in done.stdout and done.stderr == "")
    done = vfadm("--version")
    check("--version", re.fullmatch(r"vfadm \d+\.\d+\.\d+\n", done.stdout) is not None, done.stdout)
    check("list --help is help list", vfadm("list", "--help").stdout == vfadm("help", "list").stdout)
    top = vfadm("help").stdout
    data = json.loads(vfadm("help", "--json").stdout)
    verbs = [verb["name"] for verb in data["verbs"]]
    check("verbs are in order", verbs == sorted(verbs) and "attach" in verbs, verbs)
    for verb in data["verbs"]:
        text = vfadm("help", verb["name"]).stdout
        missing = [option["name"] for option in verb["options"] if "--" + option["name"] not in text]
        check("help %s: usage, summary, every option" % verb["name"],
              not missing and verb["usage"] in text and verb["summary"] in text and verb["name"] in top, missing, text)
        long_lines = [line for line in text.splitlines() if len(line) > 120]
        check("help %s fits 120 columns" % verb["name"], not long_lines, *long_lines)
    statuses = [status["exit"] for status in data["exit_statuses"]]
    check("every exit status is told", statuses == list(range(16)), statuses)
    return data


def man_page(data):
    with open(os.path.join(SOURCE, "man", "vfadm.8.scd"), encoding="utf-8") as file:
        man = file.read()
    for verb in data["verbs"]:
        check("the man page has %s" % verb["name"], re.search(r"^\*vfadm\* \*%s\*" % verb["name"], man, re.M) is not None)
    options = {option["name"] for verb in data["verbs"] for option in verb["options"]}
    for option in sorted(options):
        check("the man page has --%s" % option, re.search(r"^(\*-.\*, )?\*--%s\*" % option, man, re.M) is not None)
    for status in data["exit_statuses"]:
        check("the man page has exit status %d" % status["exit"], re.search(r"^\*%d\*$" % status["exit"], man, re.M) is not None)


def complete(line):
    """What bash would offer for this line."""
    script = ("source %s/data/completions/vfadm.bash; compopt() { :; }; COMP_LINE=$1; COMP_POINT=${#1}; _vfadm; "
              "printf '%%s\\n' \"${COMPREPLY[@]}\"" % SOURCE)
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(VFADM, os.path.join(folder, "vfadm"))
        environment = dict(os.environ, PATH=folder + ":" + os.environ["PATH"])
        done = subprocess.run(["bash", "-c", script, "bash", line], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env=environment, timeout=60, check=False)
    return done.stdout.split() if not done.stderr else [done.stderr]


def completion(data):
    verbs = [verb["name"] for verb in data["verbs"]]
    for line, want in (("vfadm ", verbs), ("vfadm re", ["record", "recover", "release"]), ("vfadm --json li", ["list"]), ("vfadm ch", ["check"]),
                       ("vfadm help li", ["list"]), ("vfadm enable enp1s0 ", ["all"]),
                       ("vfadm set enp1s0/1 tr", ["trust=on", "trust=off"]),
                       ("vfadm set enp1s0/1 trust=of", ["off"]), ("vfadm attach web1 n", ["nic="]),
                       ("vfadm attach web1 --co", ["--config"]), ("vfadm detach web1 --li", ["--live"]),
                       ("vfadm attach xen:a perm", ["permissive=on", "permissive=off"]), ("vfadm attach xen:a rdm=r", ["relaxed"]),
                       ("vfadm xml xen:a slo", ["slot="]), ("vfadm virt-install-args slo", []), ("vfadm bind 0000:01:10.0 pci", ["pciback"]),
                       ("vfadm bind --bo", ["--boot"]),
                       ("vfadm attach web1 managed=n", ["no"]), ("vfadm run teamin", []), ("vfadm virt-i", ["virt-install-args"]),
                       ("vfadm import --ad", ["--adopt"]), ("vfadm pool au", ["autostart"]), ("vfadm pool define a --order p", ["pack"]),
                       ("vfadm pool define a --vfs 0-3 vl", ["vlan="]), ("vfadm pool define a mac", []),
                       ("vfadm list -o NUM", ["NUMA"]), ("vfadm list -o BDF,NUM", ["BDF,NUMA"]),
                       ("vfadm bind --with-g", ["--with-group"]), ("vfadm list --dry", []),
                       ("vfadm doctor --explain acs-m", ["acs-missing"]), ("vfadm doctor --und", ["--undo"]),
                       ("vfadm list --t", ["--tree"]), ("vfadm run -- qemu-sys", [])):
        have = complete(line)
        check("completion of '%s'" % line, have == want, have)


def ledgers():
    with tempfile.TemporaryDirectory() as folder:
        words = ["recover", "--new-ledger", "--ledger", folder]
        done = vfadm(*words)
        check("a sound ledger is never put aside", done.returncode == 4 and "is not damaged" in done.stderr, done.stderr)
        with open(os.path.join(folder, "ledger.db"), "w", encoding="utf-8") as file:
            file.write("no database at all, but long enough to be taken for one by its size " * 20)
        os.chmod(file.name, 0o600)
        done = vfadm("recover", "--ledger", folder)
        check("a damaged ledger is told", done.returncode == 10 and "is damaged" in done.stderr, done.stderr)
        done = vfadm(*words)
        check("a damaged ledger is kept aside", done.returncode == 0 and "is kept as" in done.stdout and
              "ledger.db.damaged-1" in os.listdir(folder), done.stdout, done.stderr, os.listdir(folder))


def outputs():
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = vfadm("help", stdout=full)
    check("a full disk is told", done.returncode == 1 and "could not be written: No space left on device" in done.stderr,
          done.returncode, done.stderr)
    reader, writer = os.pipe()
    os.close(reader)
    done = vfadm("help", stdout=writer)
    os.close(writer)
    check("a reader who went away is no error", done.returncode == 0 and done.stderr == "", done.returncode, done.stderr)

    def colours(**more):
        master, slave = pty.openpty()
        environment = dict(os.environ, **more)
        if not more:
            environment.pop("NO_COLOR", None)
        subprocess.run([VFADM, "lst"], stderr=slave, env=environment, timeout=60, check=False)
        os.close(slave)
        text = os.read(master, 4096).decode()
        os.close(master)
        return "\033[31mvfadm:\033[0m there is no verb" in text

    check("errors are red on a terminal", colours())
    check("errors are not red with NO_COLOR", not colours(NO_COLOR="1"))


def main():
    errors()
    errors_as_json()
    data = help_texts()
    man_page(data)
    completion(data)
    ledgers()
    outputs()
    return finish()


sys.exit(main())
