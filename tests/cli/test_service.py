"""vfadmd as a program: with a program in the place of vfadm, its events, its signals, its options."""
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time

from program import check, environment, finish

VFADMD = os.environ["VFADMD"]
FAKE = """#!/bin/sh
cd '%s'
shift
[ "$1" = --ledger ] && shift 2
echo "$*" >>calls
case "$*" in
list) cat list.json ;;
recover) [ -e slow ] && sleep 1; echo '{"recovered": []}'; echo recovered >>calls ;;
leases) echo '{"leases": []}' ;;
"pool list") echo '{"pools": []}' ;;
*) exit 2 ;;
esac
"""
PF = {"kind": "pf", "address": "0000:01:00.0", "device": "enp1s0", "netdev": "enp1s0"}
PATIENCE = 30


class Service:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(os.path.join(folder, "ledger"))
        self.write("vfadm", FAKE % folder)
        os.chmod(self.path("vfadm"), 0o700)
        self.write("list.json", json.dumps({"devices": [PF]}))
        self.process = subprocess.Popen(
            [VFADMD, "--events", "--no-bus", "--program", self.path("vfadm"), "--ledger", self.path("ledger"), "--root", folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        self.pending = b""

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def calls(self):
        with open(self.path("calls"), encoding="utf-8") as file:
            return file.read().splitlines()

    def events_until(self, word):
        """All events up to the first of this name; none when it does not come."""
        events, end = [], time.monotonic() + PATIENCE
        while time.monotonic() < end:
            line, found, rest = self.pending.partition(b"\n")
            if found:
                self.pending = rest
                events.append(json.loads(line))
                if events[-1]["event"] == word:
                    return events
            elif select.select([self.process.stdout], [], [], 1)[0]:
                more = os.read(self.process.stdout.fileno(), 65536)
                if not more:
                    break
                self.pending += more
        return []

    def end(self, with_signal=signal.SIGTERM):
        self.process.send_signal(with_signal)
        try:
            said = self.process.communicate(timeout=PATIENCE)[1]
        except subprocess.TimeoutExpired:
            self.process.kill()
            said = self.process.communicate()[1]
        return self.process.returncode, said.decode()


def words_of(events):
    return [event["event"] for event in events]


def events_and_signals(folder):
    service = Service(folder)
    first = service.events_until("service-reconciled")
    check("the first round tells of what there is", words_of(first) == ["pf-added", "service-reconciled"], first)
    check("an event has its object and its JSON", first and first[0]["object"] == PF["address"] and first[0]["json"] == PF, first)
    service.write("list.json", json.dumps({"devices": [{**PF, "driver": "igb"}]}))
    service.process.send_signal(signal.SIGHUP)
    second = service.events_until("service-reconciled")
    check("SIGHUP looks again", words_of(second) == ["pf-changed", "service-reconciled"], second)
    check("and says what changed", second and second[0]["json"]["changes"] == {"driver": [None, "igb"]}, second)
    before = len(service.calls())
    time.sleep(0.5)
    check("nothing is run when nothing happens", len(service.calls()) == before, service.calls())
    status, said = service.end()
    check("SIGTERM ends it", status == 0, status, said)
    check("and there was nothing to complain of", said == "", said)


def ends_after_its_work(folder):
    service = Service(folder)
    service.events_until("service-reconciled")
    service.write("slow", "")
    service.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + PATIENCE
    while service.calls().count("recover") < 2 and time.monotonic() < end:
        time.sleep(0.02)
    status, said = service.end(signal.SIGINT)
    check("a worker that changes something is waited for", status == 0 and service.calls()[-1] == "recovered", status, said, service.calls())


def failures(folder):
    service = Service(folder)
    service.events_until("service-reconciled")
    service.write("list.json", "no JSON")
    service.process.send_signal(signal.SIGHUP)
    events = service.events_until("service-reconciled")
    check("what vfadm cannot say is an event", "service-failed" in words_of(events), events)
    said = service.end()[1]
    check("and a line for the journal", said.startswith("vfadmd: vfadmd service-failed: "), said)


def options():
    def run(*words):
        return subprocess.run([VFADMD, *words], capture_output=True, text=True, env=environment(), stdin=subprocess.DEVNULL,
                              timeout=PATIENCE, check=False)
    version = run("--version")
    check("--version", version.returncode == 0 and version.stdout.startswith("vfadmd "), version)
    wrong = run("--wrong")
    check("an unknown option is refused", wrong.returncode == 2 and "--wrong" in wrong.stderr, wrong)
    more = run("more")
    check("so is a word", more.returncode == 2 and "'more'" in more.stderr, more)


def main():
    options()
    for case in (events_and_signals, ends_after_its_work, failures):
        with tempfile.TemporaryDirectory() as folder:
            case(folder)
    return finish()


sys.exit(main())
