"""What goes wrong around vfadm: a full disk, a damaged ledger, no permission, wrong words, QEMUs that hang or lie, signals.

Each ends with one line and the right exit status, and changes nothing on the host.
"""
import shlex

from harness import BDF, DRIVERS, PF

SMALL = "/run/small"
LEDGER = f"{SMALL}/ledger.db"
VF0 = "0000:01:10.0"

# A process that vfadm takes for a QEMU: a python by another name. The first word says what it does with who connects.
LIAR = r'''
import json, os, socket, sys, time
kind, path = sys.argv[1], sys.argv[2]
GREETING = {"QMP": {"version": {"qemu": {"micro": 0, "minor": 0, "major": 10}, "package": ""}, "capabilities": []}}
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(8)
open("/run/liar.ready", "w").close()
while True:
    client, _ = listener.accept()
    file = client.makefile("rw")

    def say(text):
        file.write(text + "\n")
        file.flush()
    try:
        if kind == "closes":
            client.close()
            file.close()
            continue
        if kind == "garbage":
            say("\x00\xff]]]{{{ not a word of JSON")
        if kind == "endless":
            while True:
                file.write("[" * 4096)
                file.flush()
        if kind != "hangs":
            say(json.dumps(GREETING))
        for line in file:
            if kind == "hangs":
                continue
            asked = json.loads(line)
            if kind == "hangs-later" and asked["execute"] != "qmp_capabilities":
                time.sleep(3600)
            if kind == "dies" and asked["execute"] != "qmp_capabilities":
                os._exit(0)
            answers = {"refuses": {"error": {"class": "GenericError", "desc": "no\nnever\x1b[31m"}}, "wrong-types": {"return": 7}}
            answer = answers.get(kind, {"return": {}}) if asked["execute"] != "qmp_capabilities" else {"return": {}}
            say(json.dumps({**answer, "id": asked.get("id")}))
    except OSError:
        pass
'''


def vfs(lab):
    """three VFs to be unlucky with"""
    lab.sh(f"ip link set {PF} up")
    lab.vfadm("enable", PF, "3")
    lab.vfadm("set", f"{PF}/1", "mac=02:00:00:00:06:01", "vlan=6")


def small_disk(lab):
    """the ledger on a disk of 256 KiB, ever fuller: either it works, or nothing has happened, and recovery finds it so"""
    lab.vfadm("disable", PF)
    worked = []
    for free in (0, 8, 40, 128):
        lab.sh(f"mkdir -p {SMALL}; mount -t tmpfs -o size=256k,mode=700 tmpfs {SMALL}; vfadm recover --ledger {SMALL} >/dev/null; "
               f"dd if=/dev/zero of={SMALL}/full bs=1k count=$(($(df --output=avail {SMALL} | tail -n 1) - {free})) 2>/dev/null; sync")
        before = lab.facts()
        result = lab.run("vfadm", "-q", "enable", PF, "2", "--ledger", SMALL)
        if result.status == 0:
            assert lab.numvfs() == 2
            worked.append(free)
        else:
            assert result.status == 10 and result.err.count("vfadm: ") == 1 and "full" in result.err, str(result)
            assert lab.facts() == before, f"with {free} KiB free: {result}"
        lab.sh(f"rm {SMALL}/full")
        lab.vfadm("recover", "--ledger", SMALL)
        lab.vfadm("recover", "--ledger", SMALL, says="nothing to recover")
        if result.status == 0:
            lab.vfadm("disable", PF, "--ledger", SMALL)
        assert lab.facts() == before
        lab.sh(f"umount {SMALL}")
    assert 0 not in worked and 128 in worked, worked


def full_from_the_start(lab):
    """no room even for a new ledger: refused, nothing changed; reading verbs go on"""
    lab.sh(f"mount -t tmpfs -o size=64k,mode=700 tmpfs {SMALL}; dd if=/dev/zero of={SMALL}/full bs=1k count=60 2>/dev/null || true")
    with lab.unchanged():
        lab.vfadm("enable", PF, "2", "--ledger", SMALL, status=10)
    lab.vfadm("list", "--ledger", SMALL, says=PF)
    lab.sh(f"umount {SMALL}")


def damaged(lab):
    """a damaged ledger is refused and kept byte for byte; reading goes on; --new-ledger sets it aside and begins anew"""
    lab.vfadm("enable", PF, "3")
    lab.vfadm("set", f"{PF}/1", "mac=02:00:00:00:06:01", "vlan=6")
    # Of all kinds: no database at all, only its first half, and pages overwritten.
    spoils = ("head -c 20000 /dev/urandom >{0}", "head -c 9000 {1} >{0}", "cp {1} {0}; dd if=/dev/urandom of={0} bs=1k seek=5 count=12 conv=notrunc 2>/dev/null")
    lab.sh(f"mkdir -p {SMALL}; rm -rf {SMALL}/*; vfadm set {PF}/2 vlan=2 --ledger {SMALL} 2>/dev/null; vfadm set {PF}/2 vlan=0 --ledger {SMALL} 2>/dev/null; "
           f"cp {LEDGER} /tmp/good.db")
    for spoil in spoils:
        lab.sh(f"rm -rf {SMALL}/*; {spoil.format(LEDGER, '/tmp/good.db')}; chmod 600 {LEDGER}")
        was = lab.sh(f"sha256sum <{LEDGER}")
        with lab.unchanged():
            for words in (["set", f"{PF}/1", "vlan=7"], ["bind", f"{PF}/1", "vfio"], ["recover"], ["leases"]):
                result = lab.vfadm(*words, "--ledger", SMALL, status=10)
                assert LEDGER in result.err and "\n" not in result.err.strip(), str(result)
            listed = lab.vfadm("list", "--ledger", SMALL)
            assert f"{PF}/2" in listed.out and "leases are not shown" in listed.err, str(listed)
        assert lab.sh(f"sha256sum <{LEDGER}") == was, spoil
        told = lab.vfadm("recover", "--new-ledger", "--ledger", SMALL, says=f"{LEDGER}.damaged-1")
        assert lab.sh(f"sha256sum <{LEDGER}.damaged-1") == was, told
        lab.vfadm("recover", "--new-ledger", "--ledger", SMALL, status=4, says="not damaged")
        lab.vfadm("set", f"{PF}/1", "vlan=7", "--ledger", SMALL)
        assert "vlan 7" in lab.vf_line(1)
        lab.vfadm("set", f"{PF}/1", "vlan=6", "--ledger", SMALL)


def no_file(lab):
    """where no ledger can be: a folder in its place, a file in the folder's place"""
    lab.sh(f"rm -rf {SMALL}/*; mkdir {LEDGER}; touch {SMALL}/file")
    with lab.unchanged():
        lab.vfadm("set", f"{PF}/1", "vlan=7", "--ledger", SMALL, status=10)
        lab.vfadm("set", f"{PF}/1", "vlan=7", "--ledger", f"{SMALL}/file", status=10)
    lab.vfadm("list", "--ledger", SMALL, says="leases are not shown")


def as_nobody(lab):
    """without root: list shows what may be read and says what is missing; changing verbs say that they need root"""
    nobody = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "vfadm")
    listed = lab.run(*nobody, "list")
    assert listed.status == 0 and f"{PF}/2" in listed.out and "vfadm: note: " in listed.err and "root" in listed.err, str(listed)
    data = lab.run(*nobody, "list", "--json")
    assert data.status == 0 and data.err == "" and data.json()["notes"], str(data)
    assert lab.run(*nobody, "show", f"{PF}/1").status == 0
    with lab.unchanged():
        for words in (["enable", PF, "5"], ["disable", PF], ["set", f"{PF}/1", "vlan=7"], ["bind", f"{PF}/1", "vfio"], ["unbind", f"{PF}/1"],
                      ["attach", "qemu:web1", "--from", PF], ["run", "mac=02:00:00:00:00:01", "--", "/bin/true"], ["recover"]):
            result = lab.run(*nobody, *words)
            assert result.status == 9 and result.out == "" and result.err.count("\n") == 1 and "root" in result.err, str(result)


def wrong_names(lab):
    """devices, guests and numbers that do not exist: status 3 and what there is; nothing changed"""
    with lab.unchanged():
        for words, says in ((["show", "enp9s9"], "no such device"), (["show", "0000:ff:1f.7"], "0000:ff:1f.7"), (["show", f"{PF}/3"], "VFs 0 to 2"),
                            (["show", f"{PF}/-1"], "no VF number"), (["show", "mgmt0/0"], "no SR-IOV"), (["bind", f"{PF}/99999999999", "vfio"], "no VF number"),
                            (["set", "../../etc/passwd", "vlan=1"], ""), (["attach", "qemu:nobody", "--from", PF], "nobody"),
                            (["release", "999"], ""), (["detach", "qemu:nobody", f"{PF}/1"], ""), (["bind", "", "vfio"], "")):
            lab.vfadm(*words, status=3, says=says)
        lab.vfadm("set", PF, "vlan=1", status=6)
        lab.vfadm("set", "mgmt0", "vlan=1", status=6)
        lab.vfadm("enable", f"{PF}/1", "1", status=6, says=PF)
        lab.vfadm("enable", "mgmt0", "1", status=6, says="no SR-IOV")


def wrong_words(lab):
    """words that are no values: status 2, and nothing changed"""
    words = [["set", f"{PF}/1", word] for word in (
        "mac=02:00:00:00:06", "mac=02:00:00:00:06:0g", "mac=01:00:5e:00:00:01", "mac=ff:ff:ff:ff:ff:ff", "vlan=4095", "vlan=-1", "vlan=5.8", "vlan=five",
        "vlan=", "vlan=5/802.1x", "trust=maybe", "spoofchk=", "max-rate=-5", "max-rate=99999999999", "colour=red", "vlan")]
    words += [["set", f"{PF}/1"], ["set", f"{PF}/1", "vlan=1", "vlan=2"], ["enable", PF], ["enable", PF, "-1"], ["enable", PF, "seven"], ["enable", PF, "3 "],
              ["enable", PF, "99999999999"], ["bind", f"{PF}/1"], ["bind", f"{PF}/1", "../../vfio"], ["frobnicate"],
              ["list", "--colour"], ["detach", "web1", f"{PF}/1", "--timeout", "soon"], ["attach", "hyper:web1"], ["run", "--"]]
    with lab.unchanged():
        told = lab.sh("\n".join(f"if vfadm {shlex.join(each)} >/tmp/out 2>/tmp/err; then echo 0; else echo $? $(wc -c </tmp/out) $(wc -l </tmp/err); fi" for each in words))
        wrong = [each for each, line in zip(words, told.splitlines()) if line != "2 0 1"]
        assert not wrong and len(told.splitlines()) == len(words), f"status 2 and one line of error were expected of {wrong}\n{told}"
        lab.vfadm("bind", f"{PF}/1", "no-such-driver", status=3)


def down(lab):
    """with the PF down: settings and guests are refused with the command to run, and nothing changed"""
    lab.sh(f"ip link set {PF} down")
    with lab.unchanged():
        lab.vfadm("set", f"{PF}/1", "vlan=7", status=4, says=f"ip link set {PF} up")
        lab.vfadm("run", "--from", f"{PF}/0", "mac=02:00:00:00:06:0a", "--", "/usr/bin/touch", "/run/started", status=4, says=f"ip link set {PF} up")
    lab.sh(f"test ! -e /run/started; ip link set {PF} up")


def liar(lab, kind, seconds):
    """One false QEMU, and attach to it: status and the one line."""
    lab.run("sh", "-c", "cat >/run/liar.py", input=LIAR)
    words = f"{kind} /run/liar.sock -name liar -qmp unix:/run/liar.sock,server=on,wait=off -m 256M"
    lab.sh("rm -f /run/liar.sock /run/liar.ready; "
           f"bash -c 'exec -a qemu-system-x86_64 python3 /run/liar.py {words}' >/dev/null 2>&1 </dev/null & echo $! >/run/liar.pid; "
           "timeout 20 sh -c 'until [ -e /run/liar.ready ]; do sleep 0.1; done'")
    try:
        with lab.unchanged():
            result = lab.run("timeout", str(seconds), "vfadm", "-q", "attach", "qemu:liar", "--from", PF, "vlan=5")
        assert result.status not in (0, 2, 3, 124, 139, 134) and result.out == "", f"{kind}: {result}"
        assert result.err.startswith("vfadm: ") and result.err.count("\n") == 1 and "liar" in result.err, f"{kind}: {result}"
        assert "\x1b" not in result.err, f"{kind}: {result}"
        lab.vfadm("list", says=PF)
    finally:
        lab.sh("kill -KILL $(cat /run/liar.pid) 2>/dev/null || true")
    return result


def liars(lab):
    """a QEMU that closes its socket, talks nonsense, refuses or dies: one line, and nothing changed"""
    for kind in ("closes", "garbage", "endless", "refuses", "wrong-types", "empty", "dies"):
        liar(lab, kind, 60)


def hangs(lab):
    """a QEMU that hangs, at once or later: given up in time, and nothing changed"""
    for kind in ("hangs", "hangs-later"):
        result = liar(lab, kind, 120)
        assert result.status in (1, 8), str(result)


def errors_as_json(lab):
    """with --json an error is JSON on standard output, with its kind and the exit status, and nothing else is said"""
    cases = ((["show", "enp9s9"], 3, "not-found"), (["enable", PF, "many"], 2, "usage"), (["enable", PF, "9"], 4, "refused"), (["frobnicate"], 2, "usage"),
             (["set", f"{PF}/1", "link=on"], 6, "unsupported"), (["leases", "--ledger", SMALL], 10, "ledger"), (["attach", "qemu:nobody"], 3, "not-found"))
    for words, status, kind in cases:
        result = lab.run("vfadm", *words, "--json")
        error = result.json()["error"]
        assert (result.status, error["exit"], error["kind"], result.err) == (status, status, kind, "") and error["message"], str(result)
    nobody = lab.run("setpriv", "--reuid=nobody", "--clear-groups", "vfadm", "enable", PF, "5", "--json")
    assert nobody.status == 9 and nobody.json()["error"]["kind"] == "permission" and nobody.err == "", str(nobody)


def nowhere_to_write(lab):
    """an output that cannot be written is told, and a reader that goes away ends nothing half-way"""
    full = lab.run("sh", "-c", "vfadm list >/dev/full")
    assert full.status == 1 and full.err.count("\n") == 1, str(full)
    lab.sh(f"vfadm set {PF}/2 vlan=77 2>&1 | true; timeout 20 sh -c 'until ip link show {PF} | grep -q \"vlan 77\"; do sleep 0.1; done'")
    lab.vfadm("recover", says="nothing to recover")


def signals(lab):
    """run passes SIGTERM on, gives the guest's own status, and takes the VF back"""
    lab.vfadm("unbind", f"{PF}/0")
    before = lab.facts()
    guest = "trap \"exit 9\" TERM; touch /run/guest.ready; while :; do sleep 0.1; done"
    status = lab.sh(f"rm -f /run/guest.ready; vfadm -q run --from {PF}/0 mac=02:00:00:00:06:0a vlan=8 -- /bin/sh -c {shlex.quote(guest)} {{vf}} & p=$!; "
                    "timeout 30 sh -c 'until [ -e /run/guest.ready ]; do sleep 0.1; done'; vfadm leases --json >/run/guest.leases; "
                    f"basename $(readlink {DRIVERS}/{VF0}/driver) >/run/guest.driver; kill -TERM $p; if wait $p; then echo 0; else echo $?; fi")
    assert status == "9", status
    assert lab.sh("jq -r '.leases[0].address' /run/guest.leases; cat /run/guest.driver").split() == [VF0, "vfio-pci"]
    assert lab.facts() == before
    # One that a signal kills, as a shell would tell it.
    result = lab.run("vfadm", "-q", "run", "--from", f"{PF}/0", "mac=02:00:00:00:06:0a", "--", "/bin/sh", "-c", "kill -SEGV $$")
    assert result.status == 139, str(result)
    assert lab.facts() == before


def vfs_off(lab):
    """all VFs off again"""
    lab.vfadm("disable", PF, "--disrupt")
    lab.sh(f"rm -rf {SMALL} /tmp/good.db")
    assert lab.numvfs() == 0 and lab.sh(f"cat {DRIVERS}/{BDF}/sriov_drivers_autoprobe") == "1" and lab.leases() == []


CASES = [vfs, small_disk, full_from_the_start, damaged, no_file, as_nobody, wrong_names, wrong_words, down, liars, hangs, errors_as_json, nowhere_to_write,
         signals, vfs_off]
