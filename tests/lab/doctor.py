"""`vfadm doctor` on each emulated host: the right findings and no other, first without VFs, then with them, then of one device.

Each row of HOSTS is the whole truth about that host: what is not in it must not be found.
"""
import collections
import os
import re
import tempfile
import time

from harness import BDF, PF, Lab

BLOCKS, WARNING, NOTE = "blocks", "warning", "note"
STATUS = {None: 0, NOTE: 0, WARNING: 12, BLOCKS: 13}
PORT = "0000:00:10.0"
NVME = "0000:02:00.0"
NICS = ("0000:03:01.0", "0000:03:02.0")

# What is found (finding → severity) on the host without VFs, on the host with two, and of the first VF. `names`: the finding
# that must name this device, the culprit. `also`: other devices to ask about, when there are VFs.
Host = collections.namedtuple("Host", "pf empty with_vfs vf names also", defaults=({}, {}))

# Nothing makes VFs again that were made by hand: true wherever there are VFs.
MADE_BY_HAND = {"vfs-not-persistent": WARNING}


def everywhere(pf, found, **more):
    """A trouble of the host itself, that neither comes nor goes with VFs."""
    return Host(pf, found, found | MADE_BY_HAND, found | MADE_BY_HAND, **more)


def shared_group(pf, port):
    """A card behind a port that does not isolate: its VFs cannot be given while the host works with the PF."""
    found = {"acs-missing": BLOCKS, "group-not-viable": BLOCKS} | MADE_BY_HAND
    return Host(pf, {"acs-missing": NOTE}, found, found, {"acs-missing": port})


HOSTS = {
    "plain": everywhere(PF, {}),
    "three": everywhere(PF, {}),
    "amd": everywhere(PF, {}),
    "nvme": everywhere(PF, {}, also={NVME: {}}),
    "acs-off": shared_group(PF, PORT),
    "switch": shared_group("enp3s0", "0000:02:00.0"),
    # Of the two NICs only who asks is told: nobody said that they are to be given. Both together can be.
    "conventional": everywhere(PF, {}, names={"conventional-bus": "0000:02:00.0"},
                               also={NICS[0]: {"conventional-bus": BLOCKS, "group-not-viable": BLOCKS}}),
    "no-iommu": everywhere(PF, {"iommu-firmware-off": BLOCKS}),
    "no-remap": everywhere(PF, {"intremap-off": BLOCKS}),
    "iommu-unasked": everywhere(PF, {"iommu-off": BLOCKS}),
    "iommu-off": everywhere(PF, {"iommu-off": BLOCKS}),
    "no-ari": everywhere(PF, {"ari-off": NOTE}),
    # It blocks whoever asks for that controller; others are warned that it will make no VF.
    "no-room": Host(PF, {"vf-bar-no-room": WARNING}, {"vf-bar-no-room": WARNING} | MADE_BY_HAND, MADE_BY_HAND,
                    {"vf-bar-no-room": NVME}, {NVME: {"vf-bar-no-room": BLOCKS}}),
}


def examine(lab, *words):
    """The findings worse than ok. The exit status must be that of the worst."""
    result = lab.run("vfadm", "doctor", *words, "--json")
    assert result.status in (0, 12, 13), str(result)
    findings = [finding for finding in result.json()["findings"] if finding["severity"] != "ok"]
    worst = next((severity for severity in (BLOCKS, WARNING, NOTE) if any(f["severity"] == severity for f in findings)), None)
    assert result.status == STATUS[worst], f"the worst is {worst}\n{result}"
    return findings


def expect(lab, words, wanted, names=None):
    """Exactly these findings, and each that has a culprit names it."""
    findings = examine(lab, *words)
    found = {finding["id"]: finding["severity"] for finding in findings}
    assert found == wanted and len(findings) == len(wanted), f"doctor {' '.join(words)}: {wanted} was expected\n{findings}"
    for finding in findings:
        culprit = (names or {}).get(finding["id"])
        assert culprit is None or culprit in finding["devices"], f"{culprit} is not named in {finding}"
        assert finding["severity"] == NOTE or finding["remedy"], f"no remedy: {finding}"
    return findings


def cases_of(topology):
    host = HOSTS[topology]

    def without_vfs(lab):
        """doctor without VFs: what is wrong, and nothing else"""
        expect(lab, [], host.empty, host.names)

    def with_vfs(lab):
        """doctor with VFs, all with MACs: what is wrong, and nothing else"""
        lab.sh(f"ip link set {host.pf} up")
        lab.vfadm("enable", host.pf, "2")
        for index in (0, 1):
            lab.vfadm("set", f"{host.pf}/{index}", f"mac=02:00:00:00:0d:0{index}")
        expect(lab, [], host.with_vfs, host.names)

    def of_devices(lab):
        """doctor of the PF, of a VF, of other devices"""
        expect(lab, [host.pf], {id: severity for id, severity in host.with_vfs.items() if id != "vf-bar-no-room"}, host.names)
        expect(lab, [f"{host.pf}/0"], host.vf, host.names)
        for device, wanted in host.also.items():
            expect(lab, [device], wanted, host.names)

    def off_again(lab):
        """after them the card is as it was"""
        lab.vfadm("disable", host.pf, "--disrupt")
        lab.sh(f"ip link set {host.pf} down")
        expect(lab, [], host.empty, host.names)

    return [without_vfs, with_vfs, of_devices, off_again]


# --- the plain host: what is read without root, by whom VFs are made again, guests

def without_root(lab):
    """who is not root gets an answer too, with what could not be read, and no error"""
    result = lab.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "vfadm", "doctor", "--json")
    assert result.status == 0, str(result)
    told = result.json()
    worse = {finding["id"] for finding in told["findings"] if finding["severity"] not in ("ok", "note")}
    assert not worse and any("root" in note for note in told["notes"]), told
    assert [finding for finding in told["findings"] if finding["id"] == "iommu-off" and finding["severity"] == "ok"], told


def quiet_in_text(lab):
    """on a healthy host it is a dozen lines, each ok"""
    lines = lab.vfadm("doctor").out.splitlines()
    assert 4 <= len(lines) <= 12 and all(line.startswith("ok ") for line in lines[:-1]), lines
    assert lines[-1] == "nothing is wrong", lines


RULE = "/etc/udev/rules.d/70-vfs.rules"


def rule(lab, number, path=RULE):
    lab.sh(f"""cat >{path} <<'END'
ACTION=="add|bind", SUBSYSTEM=="pci", KERNEL=="{BDF}", DRIVER=="igb", ATTR{{sriov_numvfs}}="{number}"
END""")


def persistence(lab):
    """VFs that nothing makes again are told; with a udev rule they are not; two rules that differ fight"""
    lab.sh(f"ip link set {PF} up")
    lab.vfadm("enable", PF, "2")
    for index in (0, 1):
        lab.vfadm("set", f"{PF}/{index}", f"mac=02:00:00:00:0d:0{index}")
    try:
        found = expect(lab, [], MADE_BY_HAND)
        assert found[0]["subject"] == PF and BDF in found[0]["devices"], found
        rule(lab, 2)
        assert "vfs-not-persistent" not in {finding["id"] for finding in examine(lab)}
        rule(lab, 4, "/etc/udev/rules.d/71-vfs.rules")
        fight = [finding for finding in examine(lab) if finding["id"] == "vf-mechanisms-fight"]
        assert [finding["severity"] for finding in fight] == [WARNING], fight
        assert "70-vfs.rules" in str(fight) and "71-vfs.rules" in str(fight), fight
    finally:
        lab.sh("rm -f /etc/udev/rules.d/7?-vfs.rules")


def vf_state(lab):
    """a MAC that two VFs have and a VLAN that nobody's VF was left with are told; both gone, they are not"""
    lab.sh(f"ip link set {PF} vf 1 mac 02:00:00:00:0d:00; ip link set {PF} vf 1 vlan 77")
    found = {finding["id"]: finding for finding in examine(lab)}
    assert found["vf-duplicate-mac"]["severity"] == WARNING, found
    assert "vf-vlan-leftover" in found and "77" in str(found["vf-vlan-leftover"]), found
    assert set(found) == {"vf-duplicate-mac", "vf-vlan-leftover", "vf-state-not-persistent"} | set(MADE_BY_HAND), found
    lab.sh(f"ip link set {PF} vf 1 mac 02:00:00:00:0d:01; ip link set {PF} vf 1 vlan 0")
    expect(lab, [], MADE_BY_HAND)


def guest_is_well(lab):
    """a guest with a VF that vfadm gave it: nothing is wrong with the guest"""
    lab.start_guest("doctor1", "")
    lab.await_guest("doctor1", "GUEST ready", 300)
    lab.vfadm("attach", "qemu:doctor1", "--from", f"{PF}/0", "mac=02:00:00:00:0d:10", "vlan=42")
    lab.await_guest("doctor1", "GUEST nic=.* ready", 300)
    found = {finding["id"]: finding["severity"] for finding in examine(lab, "qemu:doctor1")}
    assert set(found) <= set(MADE_BY_HAND), found


def guest_in_trouble(lab):
    """what the lease does not say, and a detach that the guest does not follow, are told"""
    lab.sh(f"ip link set {PF} vf 0 vlan 43")
    found = {finding["id"] for finding in examine(lab, "qemu:doctor1")}
    assert "vf-lease-drift" in found, found
    lab.sh(f"ip link set {PF} vf 0 vlan 42")
    qmp(lab, "doctor1", "stop")
    lab.vfadm("detach", "qemu:doctor1", f"{PF}/0", "--timeout", "2", status=7)
    found = {finding["id"] for finding in examine(lab, "qemu:doctor1")}
    assert {"guest-paused", "guest-detach-pending"} <= found, found
    qmp(lab, "doctor1", "cont")
    lab.sh("timeout 120 sh -c 'until vfadm recover >/dev/null 2>&1; vfadm leases --json | jq -e \".leases == []\" >/dev/null; do sleep 0.3; done'",
           timeout=180)
    lab.stop_guest("doctor1")


def qmp(lab, guest, command):
    lab.sh(f"printf '%s\\n' '{{\"execute\":\"qmp_capabilities\"}}' '{{\"execute\":\"{command}\"}}' | "
           f"socat -t 2 - UNIX-CONNECT:/run/vflab/{guest}/qmp.sock >/dev/null")


def guest_without_qmp(lab):
    """a guest that cannot be asked is told, with what it holds"""
    lab.vfadm("bind", f"{PF}/1", "vfio")
    lab.sh("qemu-system-x86_64 -name mute -pidfile /run/mute.pid -daemonize -machine q35,accel=kvm -m 64M -nodefaults -display none -S "
           "-device vfio-pci,host=01:10.2")
    try:
        found = {finding["id"] for finding in examine(lab, "qemu:mute")}
        assert "guest-no-qmp" in found, found
    finally:
        lab.sh("pid=$(cat /run/mute.pid); kill $pid; timeout 30 tail --pid=$pid -f /dev/null; rm -f /run/mute.pid")
        lab.vfadm("unbind", f"{PF}/1")
        lab.vfadm("disable", PF, "--disrupt")


PLAIN_CASES = [without_root, quiet_in_text, persistence, vf_state, guest_is_well, guest_in_trouble, guest_without_qmp]


# --- --fix, on the host whose kernel was not asked

DROP_IN = "/etc/default/grub.d/60-vfadm.cfg"
MENU = "/boot/grub/grub.cfg"
KEPT = "/var/lib/vfadm/boot-parameters"


def boot_files(lab):
    return lab.sh(f"cat /etc/default/grub {MENU}; ls -A /etc/default/grub.d 2>/dev/null || true; cat {KEPT} 2>/dev/null || true")


def kernel_lines(lab):
    return [line.strip() for line in lab.sh(f"grep '^[[:space:]]*linux' {MENU}").splitlines()]


def asks_first(lab):
    """--fix shows the difference, and without --yes and anybody to ask changes nothing"""
    lab.sh("update-grub 2>/dev/null; mkdir -p /etc/default/grub.d")
    before = boot_files(lab)
    shown = lab.vfadm("doctor", "--fix", status=4, says="--yes")
    assert f"+++ {DROP_IN}" in shown.out and "intel_iommu=on" in shown.out and "update-grub" in shown.out, str(shown)
    assert lab.vfadm("doctor", "--fix", "--dry-run").out.startswith(shown.out.strip()[:40])
    assert boot_files(lab) == before
    lab.sh(f"update-grub 2>/dev/null; cp {MENU} /root/grub.cfg.before; cp /etc/default/grub /root/grub.before")


def fixes(lab):
    """with --yes the next boot has intel_iommu=on, and doctor says so; a second time does nothing"""
    lab.vfadm("doctor", "--fix", "--yes", timeout=600)
    assert "intel_iommu=on" in lab.sh(f"cat {DROP_IN}")
    lines = kernel_lines(lab)
    assert lines and all("intel_iommu=on" in line.split() for line in lines), lines
    lab.sh("cmp /etc/default/grub /root/grub.before")
    after = boot_files(lab)
    lab.vfadm("doctor", "--fix", "--yes")
    assert boot_files(lab) == after
    finding, = expect(lab, [], {"iommu-off": BLOCKS})
    assert "reboot" in finding["remedy"] and not finding["boot_add"], finding


def boots_fixed(lab):
    """the same host, booted with the words of that boot menu, has its IOMMU, and doctor is content"""
    words = re.sub(r"^linux\s+\S+\s+root=\S+\s+ro\s*", "", kernel_lines(lab)[0]).split()
    known = lab.sh("cat /proc/cmdline").split()
    added = [word for word in words if word not in known]
    assert added == ["intel_iommu=on"] and [word for word in words if word in known] == known, (words, known)
    fixed = Lab(f"test-fixed-{os.getpid()}", lab.topology)
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "vfadm")
        lab.pull("/usr/sbin/vfadm", program)
        os.chmod(program, 0o755)
        try:
            fixed.up("--words", " ".join(added))
            fixed.push(program, to="/usr/sbin")
            assert int(fixed.sh("ls /sys/kernel/iommu_groups | wc -l")) > 0
            expect(fixed, [], {})
        finally:
            fixed.down()


def undoes(lab):
    """--undo brings drop-in and boot menu back, byte for byte; a second time does nothing"""
    lab.vfadm("doctor", "--undo", "--yes", timeout=600)
    lab.sh(f"cmp {MENU} /root/grub.cfg.before; cmp /etc/default/grub /root/grub.before; test ! -e {DROP_IN}; test ! -e {KEPT}")
    lab.vfadm("doctor", "--undo", "--yes")
    finding, = expect(lab, [], {"iommu-off": BLOCKS})
    assert finding["boot_add"] == ["intel_iommu=on"], finding


def killed_and_recovered(lab):
    """killed while update-grub runs: recover finishes or takes back, and drop-in, menu and what is kept of it agree"""
    lab.sh("setsid vfadm doctor --fix --yes >/dev/null 2>&1 </dev/null & echo $! >/run/fix.pid; "
           f"timeout 120 sh -c 'until [ -e {DROP_IN} ]; do sleep 0.05; done'; kill -KILL $(cat /run/fix.pid)", timeout=180)
    # What update-grub had begun ends by itself, or ended with its parent.
    deadline = time.monotonic() + 120
    while lab.run("pgrep", "-f", "grub-mkconfig").status == 0:
        assert time.monotonic() < deadline, "grub-mkconfig does not end"
        time.sleep(1)
    lab.vfadm("recover", timeout=600)
    there = lab.run("test", "-e", DROP_IN).status == 0
    lines = kernel_lines(lab)
    assert lines and {"intel_iommu=on" in line.split() for line in lines} == {there}, (there, lines)
    assert (lab.run("test", "-e", KEPT).status == 0) == there
    if not there:
        lab.sh(f"cmp {MENU} /root/grub.cfg.before")
    lab.vfadm("recover", says="nothing to recover")
    if there:
        lab.vfadm("doctor", "--undo", "--yes", timeout=600)
        lab.sh(f"cmp {MENU} /root/grub.cfg.before")


FIX_CASES = [asks_first, fixes, boots_fixed, undoes, killed_and_recovered]

CASES = {topology: cases_of(topology) for topology in HOSTS}
CASES["plain"] += PLAIN_CASES
CASES["iommu-unasked"] += FIX_CASES
