#!/usr/bin/env python3
"""Runs inside a lab: many processes at once want the VFs of one pool, some through libvirt, some through vfadm, and an
observer looks again and again who has which. Prints one JSON object: what was done, what was refused, and what was wrong.

usage: race_inside.py SECONDS LONGEST TIMES POOL PF VIRSH-GUEST,… VFADM-GUEST,… STARTED-GUEST,… HOLDERS

At the end no VF is left on VFIO, and no lease may ever have been written that remembers one on VFIO or in a VLAN: a guest of libvirt's had
it just then. (libvirt gives a VF to the host's driver that had none, which gives it a MAC.) What contradicts that is told with what the
ledger's journal and libvirt's log know of this VF.

It takes SECONDS, and on a slow machine longer: until each kind of taking has been done TIMES times and one has been refused,
but not longer than LONGEST seconds and what was begun by then.

Two owners for one VF would be: two processes that have its group open; or a lease, a port of libvirt's network and a process
that are not one guest's, and stay so from one look to the next. (For a moment it is normal: vfadm writes the lease first, then
holds the VF in the network, and takes the lease back where libvirt was quicker.)
"""
import collections
import contextlib
import glob
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time

HOLDER = "vfadm"
LEDGER = "/var/lib/vfadm/ledger.db"
# What libvirt says of the VFs that it binds and gives back, while the race runs.
LIBVIRT_LOG = "/var/log/libvirt/race.log"
RACE_QEMU = ["qemu-system-x86_64", "-machine", "q35,accel=kvm", "-m", "64M", "-nodefaults", "-display", "none", "-S"]
# vfadm's statuses for "somebody else has it" and "somebody else is at it".
IN_USE, BUSY = 5, 8
# What libvirt says when it has no VF left, or lost one to somebody else while it was at it.
LIBVIRT_IN_USE = r"no usable|is in use by|already in use|interfaces are in use|not available|none are available"


class Race:
    """What all threads share; a list is only ever appended to."""

    def __init__(self, seconds, longest, times, pool, pf):
        self.pool, self.pf, self.times = pool, pf, times
        self.kinds = set()
        self.enough, self.end = time.monotonic() + seconds, time.monotonic() + longest
        self.wrong, self.looks = [], 0
        self.done = collections.Counter()
        self.refused = collections.Counter()
        self.most = 0
        self.lost = 0  # plans that were undone, since somebody else was quicker
        self.lock = threading.Lock()

    def running(self):
        now = time.monotonic()
        reached = now >= self.enough and self.refused and all(self.done[kind] >= self.times for kind in self.kinds)
        return now < self.end and not reached

    def say(self, text):
        with self.lock:
            if text not in self.wrong:
                self.wrong.append(text)

    def count(self, counter, kind):
        with self.lock:
            counter[kind] += 1


def run(*command, input=None):
    return subprocess.run(command, input=input or "", text=True, capture_output=True, timeout=300, check=False)


def virsh(*words):
    return run("virsh", "-q", *words)


def leases():
    done = run("vfadm", "leases", "--json")
    assert done.returncode == 0, f"vfadm leases: {done.stdout}{done.stderr}"
    return {lease["address"]: lease for lease in json.loads(done.stdout)["leases"]}


def address_of(xml):
    """Each host address in it, as "0000:01:10.0"."""
    return ["{}:{}:{}.{}".format(*match) for match in re.findall(
        r"<(?:source|plug)[^>]*>\s*(?:<driver[^>]*>\s*)?<address(?: type='pci')? domain='0x(\w{4})' bus='0x(\w\w)' slot='0x(\w\w)' function='0x(\w)'", xml)]


def ports(pool):
    """{address: (port's uuid, owner's name)} of the network."""
    uuids = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", virsh("net-port-list", pool).stdout)
    # One virsh for all; a port that has gone meanwhile does not stop it.
    told = virsh("; ".join(f"net-port-dumpxml {pool} {uuid}" for uuid in uuids)).stdout if uuids else ""
    found = {}
    for xml in re.findall(r"<networkport>.*?</networkport>", told, re.DOTALL):
        for address in address_of(xml):
            found[address] = (re.search(r"<uuid>([^<]*)</uuid>", xml)[1], re.search(r"<name>([^<]*)</name>", xml)[1])
    return found


def holders():
    """{address: [guest's name of each process that has the VF's group open]}."""
    groups = {os.path.basename(os.path.realpath(dev + "/iommu_group")): os.path.basename(dev)
              for dev in (os.path.realpath(link) for link in glob.glob("/sys/bus/pci/devices/*/physfn/virtfn*"))}
    found = collections.defaultdict(list)
    for entry in glob.glob("/proc/[0-9]*/fd"):
        try:
            open_groups = {os.path.basename(target) for target in (os.readlink(fd) for fd in glob.glob(entry + "/*"))
                           if target.startswith("/dev/vfio/")}
            if open_groups & groups.keys():
                with open(os.path.dirname(entry) + "/cmdline", encoding="utf-8") as file:
                    words = file.read().split("\0")
                name = re.sub(r"guest=([^,]*).*", r"\1", words[words.index("-name") + 1])
                for group in open_groups & groups.keys():
                    found[groups[group]].append(name)
        except (OSError, ValueError):  # it ended, or closed that file, while we looked: then it has no words any more
            continue
    return found


def contradictions(lease, port, names):
    """What cannot be of one VF at once: its lease, its port in the network, and whose processes have it open. `port` is
    (uuid, owner), each None where there is none."""
    owners = set(names)
    if lease:
        owners.add(lease["guest"].split(":", 1)[1])
    if port and port[1] != HOLDER:
        owners.add(port[1])
    if port and port[1] == HOLDER and not lease:
        yield "held in the network without a lease"
    if len(owners) > 1:
        leased = f"leased to {lease['guest']}" if lease else "without a lease"
        yield f"{leased}, in the network {port[1] if port else 'nobody'}'s, open in {names or 'no process'}"


def look(race, before):
    """One look: {(VF, what is wrong, lease's id, port's uuid)}. What also was in the look before, with the same lease and
    port, is no change under way but two owners."""
    found = set()
    leased, given, having = leases(), ports(race.pool), holders()
    race.most = max(race.most, len(having))
    for vf in {*leased, *given, *having}:
        names = having.get(vf, [])
        if len(names) > 1:
            race.say(f"{vf}: processes of {names} have it at once")
        lease, port = leased.get(vf), given.get(vf)
        for wrong in contradictions(lease, port, names):
            found.add((vf, wrong, lease and lease["id"], port and port[0]))
    for vf, wrong, lease, port in found & before:
        race.say(f"{vf}: {wrong} (lease {lease}, port {port})")
    race.looks += 1
    return found


def left_over(pf):
    """{address: what is wrong with it} of each VF of the PF that is not as the host has one."""
    found = {}
    for number, line in re.findall(r"vf (\d+) (.*)", run("ip", "link", "show", pf).stdout):
        device = os.path.realpath(f"/sys/class/net/{pf}/device/virtfn{number}")
        driver = os.path.basename(os.path.realpath(device + "/driver")) if os.path.exists(device + "/driver") else None
        with open(device + "/driver_override", encoding="utf-8") as file:
            override = file.read().strip()
        if driver not in (None, "igbvf") or override != "(null)" or "vlan" in line or "trust off" not in line:
            found[os.path.basename(device)] = f"driver {driver}, override {override}, {line.strip()}"
    return found


def newest_plan():
    """What the ledger held before the race is none of its business."""
    with contextlib.closing(sqlite3.connect(f"file:{LEDGER}?mode=ro", uri=True)) as ledger:
        return ledger.execute("SELECT max(id) FROM plan").fetchone()[0] or 0


def journal(after):
    """[(plan's columns, its steps as JSON)] of each plan since that number that the ledger still knows, oldest first."""
    with contextlib.closing(sqlite3.connect(f"file:{LEDGER}?mode=ro", uri=True)) as ledger:
        plans = ledger.execute("SELECT id, verb, summary, created, ended, outcome FROM plan WHERE id > ? ORDER BY id", (after,)).fetchall()
        return [(plan, [(mark, json.loads(body)) for mark, body in
                        ledger.execute("SELECT mark, body FROM step WHERE plan = ? ORDER BY number", (plan[0],))]) for plan in plans]


def leases_begun(steps, vf=None):
    """The leases that a plan wrote anew."""
    for _, step in steps:
        if step["kind"] == "lease" and step["from"] is None and step["to"] and vf in (None, step["address"]):
            yield step["to"]


def remembered_wrongly(plans):
    """What a lease of the journal remembers of its VF that is a guest's and not the host's. Not those that were undone."""
    for (number, verb, _, _, _, outcome), steps in plans:
        for lease in leases_begun(steps):
            if outcome != "undone" and (lease["saved_driver"] not in (None, "igbvf") or lease["saved_override"] or lease["saved"].get("vlan")):
                yield lease["address"], (f"{lease['address']}: plan {number} ({verb}) leased it with the driver {lease['saved_driver']} and "
                                         f"{lease['saved']} to go back to")


def history(plans, vf):
    """All that is known of one VF: which plans, when, with which leases; and libvirt's words."""
    def clock(seconds):
        return time.strftime("%H:%M:%S", time.localtime(seconds)) if seconds else "-"

    for (number, verb, summary, created, ended, outcome), steps in plans:
        mine = [(mark, step) for mark, step in steps if step["address"] == vf]
        if not mine:
            continue
        saved = [f"from {lease['saved_driver']} {lease['saved']}" for lease in leases_begun(steps, vf)]
        yield (f"  {clock(created)} to {clock(ended)}: plan {number} {verb} '{summary}' {outcome} {' '.join(saved)} "
               + ", ".join(f"{step['kind']} {mark}" for mark, step in mine))
    if os.path.exists(LIBVIRT_LOG):
        dull = "Free:|New:|FindCapability|ConfigOpen|DetectFunction|DetectPower"
        with open(LIBVIRT_LOG, encoding="utf-8", errors="replace") as file:
            yield from ("  libvirt: " + line.strip() for line in file if vf in line and not re.search(dull, line))


def tell_leftovers(race, after):
    """Each VF that is left over, and each lease that remembered it wrongly, with all that is known of it."""
    plans = journal(after)
    race.lost = sum(outcome == "undone" for (*_, outcome), _ in plans)
    wrong = {vf: [f"{vf} is left over: {text}"] for vf, text in left_over(race.pf).items()}
    for vf, text in remembered_wrongly(plans):
        wrong.setdefault(vf, []).append(text)
    for vf, texts in wrong.items():
        race.say("\n".join([*texts, *list(history(plans, vf))[-60:]]))


def log_libvirt():
    """Only for the story of a VF: where libvirt does not take it, the story is shorter."""
    if os.path.exists(LIBVIRT_LOG):
        os.remove(LIBVIRT_LOG)
    for what, value in (("outputs", f"1:file:{LIBVIRT_LOG}"), ("filters", "1:util.hostdev 1:util.pci 3:*")):
        run("virt-admin", "-c", "libvirtd:///system", f"daemon-log-{what}", f"--{what}", value)


def vf_with(race, mac):
    """The VF line of `ip link` with this MAC, or None."""
    lines = [line for line in run("ip", "link", "show", race.pf).stdout.splitlines() if " vf " in line and mac in line]
    return lines[0] if lines else None


def failed(race, kind, result, refusal):
    if refusal:
        race.count(race.refused, kind)
    else:
        race.say(f"{kind}: status {result.returncode}: {result.stdout}{result.stderr}".strip())
        time.sleep(0.2)  # whatever it is, it need not be said thousands of times


def by_virsh(race, guest, mac):
    """attach-device of an <interface type='network'>, a look at it, detach-device."""
    kind = KINDS[by_virsh]
    path = f"/tmp/race-{guest}-{mac[-2:]}.xml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"<interface type='network'><mac address='{mac}'/><source network='{race.pool}'/></interface>")
    while race.running():
        result = virsh("attach-device", guest, path, "--live")
        if result.returncode:
            failed(race, kind, result, re.search(LIBVIRT_IN_USE, result.stderr))
            continue
        race.count(race.done, kind)
        line = vf_with(race, mac)
        if not line:
            race.say(f"{guest}: after virsh attach-device no VF has the MAC {mac}")
        result = virsh("detach-device", guest, path, "--live")
        if result.returncode:
            race.say(f"{guest}: virsh detach-device: {result.stderr.strip()}")
        if not gone(guest, mac, path):
            race.say(f"{guest}: {mac} does not leave; its console:\n{console(guest)}")
            return


def gone(guest, mac, path):
    """Waits until the live domain has no interface with the MAC, and asks again meanwhile: a guest that is still at the device's coming
    can miss the request to let it go."""
    deadline = time.monotonic() + 120
    again = time.monotonic() + 10
    while mac in virsh("dumpxml", guest).stdout:
        if time.monotonic() > deadline:
            return False
        if time.monotonic() > again:
            virsh("detach-device", guest, path, "--live")
            again = time.monotonic() + 10
        time.sleep(0.1)
    return True


def console(guest):
    """The last that the guest's kernel said."""
    for path in (f"/run/vflab/{guest}/console.log", f"/var/log/libvirt/qemu/{guest}-console.log"):
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-25:])
    return "(there is none)"


def by_vfadm(race, guest, mac):
    """vfadm attach, the lease as it says, vfadm detach."""
    kind = KINDS[by_vfadm]
    while race.running():
        result = run("vfadm", "attach", f"libvirt:{guest}", "--from", race.pool, f"mac={mac}", "--json")
        if result.returncode:
            failed(race, kind, result, result.returncode in (IN_USE, BUSY))
            continue
        race.count(race.done, kind)
        mine = [vf for vf, lease in leases().items() if lease["guest"] == f"libvirt:{guest}" and lease["given"].get("mac") == mac]
        if len(mine) != 1:
            race.say(f"{guest}: after vfadm attach with {mac} there are leases for {mine}")
            continue
        if not vf_with(race, mac):
            race.say(f"{guest}: after vfadm attach no VF has the MAC {mac}")
        for _ in range(5):
            result = run("vfadm", "detach", f"libvirt:{guest}", mine[0], "--timeout", "60")
            if result.returncode != BUSY:  # nothing was changed: others were waited for, for a minute
                break
        if result.returncode:
            race.say(f"{guest}: vfadm detach {mine[0]}: status {result.returncode}: {result.stderr.strip()}")
            return


def by_start(race, guest):
    """A guest whose definition names the network is started and destroyed."""
    kind = KINDS[by_start]
    while race.running():
        result = virsh("start", guest, "--paused")
        if result.returncode:
            failed(race, kind, result, re.search(LIBVIRT_IN_USE, result.stderr))
            continue
        race.count(race.done, kind)
        result = virsh("destroy", guest)
        if result.returncode:
            race.say(f"{guest}: virsh destroy: {result.stderr.strip()}")


def end(race, holder):
    """Asks it to end until it does: a QEMU that is still starting may miss the first time. What it said."""
    for _ in range(30):
        if holder.poll() is None:
            holder.send_signal(signal.SIGTERM)
        try:
            return holder.communicate(timeout=3)[1]
        except subprocess.TimeoutExpired:
            continue
    race.say(f"{holder.args[-1]}: does not end when asked to")
    holder.kill()
    return holder.communicate()[1]


def by_run(race, name):
    """vfadm run holds a VF for a QEMU of its own, which is then ended."""
    kind = KINDS[by_run]
    while race.running():
        with subprocess.Popen(["vfadm", "run", "--from", race.pool, "--", *RACE_QEMU, "-name", name], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as holder:
            deadline = time.monotonic() + 120  # it may wait for its turn for a minute
            has = False
            while holder.poll() is None and time.monotonic() < deadline and not has:
                time.sleep(0.1)
                has = any(name in names for names in holders().values())
            if has and holder.poll() is None:
                race.count(race.done, kind)
                mine = [vf for vf, lease in leases().items() if lease["guest"] == f"qemu:{name}"]
                # The one before it may have one more, to be given back by whoever comes next: its PF was busy when it ended.
                if not any(name in holders().get(vf, []) for vf in mine):
                    race.say(f"{name}: its QEMU has a VF, and there are leases for {mine}")
                looks, until = race.looks, time.monotonic() + 20
                while race.looks < looks + 2 and time.monotonic() < until:  # long enough to be seen beside the others
                    time.sleep(0.1)
            said = end(race, holder)
        if holder.returncode in (IN_USE, BUSY):
            race.count(race.refused, kind)
        elif holder.returncode not in (0, 128 + signal.SIGTERM):  # QEMU ends so when it is asked to while it starts
            race.say(f"{kind}: status {holder.returncode}: {said.strip()}")
            time.sleep(0.2)


def observe(race):
    before = set()
    while race.running() or race.looks < 3:
        before = look(race, before)


def guarded(race, function, *args):
    """A thread that dies silently would prove nothing."""
    try:
        function(race, *args)
    except Exception as problem:  # it is told of below
        race.say(f"{function.__name__} {args}: {problem!r}")


def main():
    seconds, longest, times = map(int, sys.argv[1:4])
    virsh_guests, vfadm_guests, started = ([name for name in words.split(",") if name] for words in sys.argv[6:9])
    race = Race(seconds, longest, times, *sys.argv[4:6])
    jobs = [(by_virsh, guest, f"02:00:00:00:61:{number:02x}") for number, guest in enumerate(virsh_guests)]
    jobs += [(by_vfadm, guest, f"02:00:00:00:62:{number:02x}") for number, guest in enumerate(vfadm_guests)]
    jobs += [(by_start, guest) for guest in started]
    jobs += [(by_run, f"holder{number}") for number in range(int(sys.argv[9]))]
    race.kinds = {KINDS[job[0]] for job in jobs}
    jobs.append((observe,))
    if virsh_guests:
        log_libvirt()
    before = newest_plan()
    threads = [threading.Thread(target=guarded, args=(race, *job)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tell_leftovers(race, before)
    left = {"leases": leases(), "ports": ports(race.pool), "open": holders()}
    print(json.dumps({"done": race.done, "refused": race.refused, "wrong": race.wrong, "looks": race.looks, "most": race.most, "lost": race.lost,
                      "left": left}))


# What each kind of taking is called in the counts.
KINDS = {by_virsh: "virsh attach-device", by_vfadm: "vfadm attach", by_start: "virsh start", by_run: "vfadm run"}

main()
