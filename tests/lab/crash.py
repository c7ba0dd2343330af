"""kill -9 of vfadm at points spread over each changing verb; after `vfadm recover` everything is as before or as asked.

Each verb runs once under strace, which lists the calls by which it changes something; then it is killed on entering some of
them, evenly spread. Beside it a guest runs, which must never notice what it was not asked for.
"""
import json
import re

from harness import BDF, PF

GUEST = "web9"
EVENTS = "clone,clone3,fdatasync,finit_module,flock,poll,pwrite64,sendto,wait4,write"
# VF 1 belongs to the host, with values of its own; VF 0 has no driver.
OWN = ("mac=02:00:00:00:09:01", "vlan=9", "trust=on")
ASKED = ("mac=02:00:00:00:09:aa", "vlan=42")
QEMU = ("qemu-system-x86_64 -name crash9 -pidfile /run/crash9.pid -machine q35,accel=kvm -m 64M -nodefaults -display none -S "
        "-device vfio-pci,host={vf}").split()

# Runs inside, in one go: the kernel's facts, the ledger's leases and what the guest says that it has.
STATE = f"""
import glob, json, os, re, socket, subprocess

def text(path):
    with open(path) as file:
        return file.read().strip()

def ask(monitor, command, **arguments):
    monitor.write(json.dumps({{"execute": command, "arguments": arguments}}) + "\\n")
    monitor.flush()
    while True:
        answer = json.loads(monitor.readline())
        if "return" in answer or "error" in answer:
            return answer["return"]

state = {{}}
for dev in glob.glob("/sys/bus/pci/devices/0000:01:*"):
    link = dev + "/driver"
    state[os.path.basename(dev)] = [os.path.basename(os.readlink(link)) if os.path.islink(link) else None, text(dev + "/driver_override")]
pf = "/sys/bus/pci/devices/{BDF}/"
state["numvfs"], state["autoprobe"] = text(pf + "sriov_numvfs"), text(pf + "sriov_drivers_autoprobe")
link = subprocess.run(["ip", "link", "show", "{PF}"], check=True, capture_output=True, text=True).stdout
state["vfs"] = [line.strip() for line in link.splitlines() if line.strip().startswith("vf ")]
leases = json.loads(subprocess.run(["vfadm", "leases", "--json"], check=True, capture_output=True, text=True).stdout)["leases"]
state["leases"] = [[lease[key] for key in ("address", "guest", "nic", "state", "given", "saved", "guest_device")] for lease in leases]
with socket.socket(socket.AF_UNIX) as qmp:
    qmp.settimeout(60)
    qmp.connect("/run/vflab/{GUEST}/qmp.sock")
    monitor = qmp.makefile("rw")
    monitor.readline()
    ask(monitor, "qmp_capabilities")
    found = ask(monitor, "qom-list", path="/machine/peripheral")
    state["guest has"] = sorted(child["name"] for child in found if child["name"].startswith("vfadm-"))
    state["guest"] = ask(monitor, "query-status")["status"]
console = text("/run/vflab/{GUEST}/console.log")
print(json.dumps({{"state": state, "boots": console.count("GUEST boot"), "pid": text("/run/vflab/{GUEST}/pid")}}))
"""


def look(lab):
    """What is now, and that nothing of it contradicts itself."""
    result = lab.run("python3", "-", input=STATE)
    assert result.status == 0, str(result)
    seen = result.json()
    state = seen["state"]
    leased = sorted(lease[-1] for lease in state["leases"] if lease[1] == f"qemu:{GUEST}")
    assert leased == state["guest has"], f"leased {leased}, but the guest has {state['guest has']}"
    assert state["guest"] == "running" and seen["boots"] == 1, seen
    return state


def trace(lab, words, until=None):
    """(call, number of it) of each call in a run of vfadm that changes something, up to the one with the text `until`; of
    several alike in a row only the first."""
    lab.sh(f"strace -q -o /tmp/crash.trace -e trace={EVENTS} vfadm -q {words}")
    counts, points = {}, []
    for line in lab.sh("cat /tmp/crash.trace").splitlines():
        call = re.match(r"[a-z0-9_]+(?=\()", line)
        if not call:
            continue
        call = call[0]
        counts[call] = counts.get(call, 0) + 1
        if not points or points[-1][0] != call:
            points.append((call, counts[call]))
        if until and until in line:
            points[-1] = (call, counts[call])
            break
    return points


def spread(points, number):
    """`number` of the points, from the first to the last."""
    if number >= len(points):
        return points
    return [points[i * (len(points) - 1) // (number - 1)] for i in range(number)]


def kill_at(lab, point, words):
    call, number = point
    # A shell, so that being killed is a status (137) and not the end of the connection.
    return lab.run("sh", "-c", '"$@"; exit $?', "sh", "strace", "-q", "-o", "/dev/null", "-e", f"trace={call}",
                   "-e", f"inject={call}:signal=SIGKILL:when={number}", "vfadm", "-q", *words)


def recover(lab):
    """Recovers, and a second time finds nothing more."""
    first = lab.vfadm("recover")
    lab.vfadm("recover", says="nothing to recover")
    return first


def crashes(lab, words, number, back):
    """Kills `vfadm words` at `number` points. `back` brings what the verb did back to what was before."""
    before = look(lab)
    points = trace(lab, words)
    after = look(lab)
    assert before != after and len(points) >= number, (points, before, after)

    def again():
        back()
        now = look(lab)
        assert now == before, f"it cannot begin anew; first: {json.dumps(before)}\nnow: {json.dumps(now)}"
    again()
    killed = 0
    for point in spread(points, number):
        result = kill_at(lab, point, words.split())
        assert result.status in (0, 137), f"{point}: {result}"
        killed += result.status == 137
        told = recover(lab)
        now = look(lab)
        assert now in (before, after), f"killed at {point}\n{told}\nbefore: {json.dumps(before)}\nasked: {json.dumps(after)}\nnow: {json.dumps(now)}"
        if now == after:
            again()
    # A kernel that answers a little later makes a call more or less of it, so that the last point may be missed.
    assert killed >= number - 1, f"only {killed} of {number} were killed"


def own_vf(lab):
    """VF 1 as the host uses it."""
    lab.vfadm("set", f"{PF}/1", *OWN, "--disrupt")
    lab.vfadm("unbind", f"{PF}/1")
    net = lab.sh("timeout 20 sh -c 'until ls /sys/bus/pci/devices/0000:01:10.2/net/*/address; do sleep 0.1; done' 2>/dev/null")
    assert net


# --- cases

def starts_guest(lab):
    """a guest runs, into which nothing is plugged"""
    lab.sh(f"ip link set {PF} up")
    lab.start_guest(GUEST)
    lab.await_guest(GUEST, "GUEST ready")
    lab.vfadm("recover")
    assert look(lab)["guest has"] == []


def enable(lab):
    """killed in enable: no VFs, or all, and autoprobe as it was"""
    crashes(lab, f"enable {PF} 3", 4, lambda: lab.vfadm("disable", PF))


def enable_writer(lab):
    """killed in enable, the process alone that writes to sysfs: all is undone and told"""
    before = look(lab)
    result = lab.run("strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=close_range", "-e", "inject=close_range:signal=SIGKILL:when=1",
                     "vfadm", "-q", "enable", PF, "3")
    assert result.status == 1 and "everything was undone" in result.err, str(result)
    assert look(lab) == before
    lab.vfadm("recover", says="nothing to recover")


def set_state(lab):
    """killed in set: MAC, VLAN and trust are all as before, or all as asked"""
    lab.vfadm("enable", PF, "3")
    own_vf(lab)
    lab.vfadm("set", f"{PF}/2", "mac=02:00:00:00:09:02", "vlan=5", "trust=off")
    crashes(lab, f"set {PF}/2 mac=02:00:00:00:09:03 vlan=6.2 trust=on max-rate=50", 3,
            lambda: lab.vfadm("set", f"{PF}/2", "mac=02:00:00:00:09:02", "vlan=5", "trust=off", "max-rate=0"))


def bind(lab):
    """killed in bind: the host's driver, or VFIO, each with its override"""
    crashes(lab, f"bind {PF}/1 vfio", 3, lambda: lab.vfadm("unbind", f"{PF}/1"))


def attach(lab):
    """killed in attach: the guest has the VF and its lease, or neither, and the VF is as it was"""
    crashes(lab, f"attach qemu:{GUEST} --from {PF}/1 " + " ".join(ASKED), 5, lambda: lab.vfadm("detach", GUEST, f"{PF}/1"))


def detach(lab):
    """killed in detach: the guest has the VF and its lease, or neither, and the VF is as it was"""
    def give():
        lab.vfadm("attach", f"qemu:{GUEST}", "--from", f"{PF}/1", *ASKED)
    give()
    crashes(lab, f"detach qemu:{GUEST} {PF}/1", 4, give)
    lab.vfadm("detach", GUEST, f"{PF}/1")


def run_verb(lab):
    """killed in run, before the guest starts: the VF is as it was, and nothing has started"""
    before = look(lab)
    words = ["run", "--from", f"{PF}/1", *ASKED, "--", *QEMU]
    points = trace(lab, " ".join([*words[:words.index("--")], "--", "/bin/true", "-name", "crash9"]), until='"g", 1, MSG_NOSIGNAL')
    lab.vfadm("recover")
    assert look(lab) == before
    for point in spread(points, 3):
        result = kill_at(lab, point, words)
        assert result.status == 137, f"{point}: {result}"
        told = lab.vfadm("recover")
        held = lab.leases()
        if held:  # it had been told to go: the guest has the VF for as long as it runs
            assert [(lease["guest"], lease["holder_lives"]) for lease in held] == [("qemu:crash9", True)], held
            lab.sh(f"kill -KILL {held[0]['pid']}; timeout 30 tail --pid={held[0]['pid']} -f /dev/null")
            told = lab.vfadm("recover")
        lab.vfadm("recover", says="nothing to recover")
        now = look(lab)
        assert now == before, f"killed at {point}\n{told}\nbefore: {json.dumps(before)}\nnow: {json.dumps(now)}"
        lab.sh("! pgrep -f '[n]ame crash9'")
    lab.sh("rm -f /run/crash9.pid")


def run_waiting(lab):
    """killed in run while the guest runs: the guest goes on with its VF; when it ends, recover gives the VF back"""
    before = look(lab)
    command = " ".join(["vfadm", "run", "--from", f"{PF}/1", *ASKED, "--", *QEMU])
    lab.sh(f"setsid {command} >/tmp/crash.run 2>&1 </dev/null & echo $! >/tmp/crash.pid; "
           "timeout 60 sh -c 'until [ -s /run/crash9.pid ]; do sleep 0.1; done'")
    lab.sh("pid=$(cat /tmp/crash.pid); kill -KILL $pid; timeout 10 tail --pid=$pid -f /dev/null")
    lab.vfadm("recover", says="nothing to recover")
    held = lab.leases()
    assert [(lease["address"], lease["guest"], lease["holder_lives"], str(lease["pid"])) for lease in held] == [
        ("0000:01:10.2", "qemu:crash9", True, lab.sh("cat /run/crash9.pid"))], held
    assert lab.driver("0000:01:10.2") == "vfio-pci" and "02:00:00:00:09:aa" in lab.vf_line(1) and "vlan 42" in lab.vf_line(1)
    lab.vfadm("disable", PF, "--disrupt", status=5, says="qemu:crash9")
    lab.sh("pid=$(cat /run/crash9.pid); kill $pid; timeout 30 tail --pid=$pid -f /dev/null")
    lab.vfadm("recover", says="0000:01:10.2 back from qemu:crash9")
    assert look(lab) == before


def disable(lab):
    """killed in disable: all VFs as they were, or none"""
    def vfs():
        lab.vfadm("enable", PF, "3")
        own_vf(lab)
        lab.vfadm("set", f"{PF}/2", "mac=02:00:00:00:09:02", "vlan=5", "trust=off")
    crashes(lab, f"disable {PF} --disrupt", 3, vfs)
    lab.vfadm("disable", PF, "--disrupt")


def guest_is_well(lab):
    """the guest has noticed nothing: it answers, and has the NICs it was given and no other"""
    lab.sh(f"/opt/vflab/guest/ask {GUEST} report")
    state = look(lab)
    assert state["leases"] == [] and state["guest has"] == [] and state["numvfs"] == "0", state
    lab.stop_guest(GUEST)


CASES = [starts_guest, enable, enable_writer, set_state, bind, attach, detach, run_verb, run_waiting, disable, guest_is_well]
