#!/usr/bin/env python3
"""`vfadm monitor`: without a bus, without the service, refused by it, and following it over its restart. The bus is our own, and so
is the service on it. Prints TAP."""
import json
import os
import re
import select
import subprocess
import sys
import tempfile
import time

from program import VFADM, check, environment, finish, vfadm

PATIENCE = 60
VF = "/org/vfadm1/vf/0000_3a01_3a10_2e0"

# The service as far as a monitor sees it; Emit has it tell something.
SERVICE = """
import sys
import dbus, dbus.mainloop.glib, dbus.service
from gi.repository import GLib
class Manager(dbus.service.Object):
    @dbus.service.method("org.vfadm1.Manager")
    def Subscribe(self):
        if sys.argv[1:]:
            raise dbus.exceptions.DBusException("org.vfadm1.read: no", name="org.freedesktop.DBus.Error.AccessDenied")
    @dbus.service.method("org.vfadm1.Manager", in_signature="sss")
    def Emit(self, word, path, data):
        if word:
            self.Event(word, path, data)
    @dbus.service.signal("org.vfadm1.Manager", signature="sss")
    def Event(self, word, path, data):
        pass
dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.SystemBus()
manager = Manager(bus, "/org/vfadm1")
name = dbus.service.BusName("org.vfadm1", bus)
GLib.MainLoop().run()
"""


class Bus:
    def __init__(self, folder):
        self.address = "unix:path=" + os.path.join(folder, "bus")
        self.daemon = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--nopidfile", "--address=" + self.address, "--print-address"],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.daemon.stdout.readline()
        self.environment = environment(DBUS_SYSTEM_BUS_ADDRESS=self.address)

    def call(self, *words):
        """gdbus, to the service."""
        return subprocess.run(["gdbus", "call", "--address", self.address, "--dest", "org.vfadm1", "--object-path", "/org/vfadm1",
                               "--method", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=PATIENCE)

    def service(self, refuses=False):
        """Debian's own Python has python3-dbus."""
        process = subprocess.Popen(["/usr/bin/python3", "-c", SERVICE, *(["refuses"] if refuses else [])], stdout=subprocess.DEVNULL,
                                   env=self.environment)
        end = time.monotonic() + PATIENCE
        while self.call("org.vfadm1.Manager.Emit", "", "", "").returncode != 0:
            if time.monotonic() > end:
                raise TimeoutError("the service does not come")
        return process

    def event(self, word, path, data):
        done = self.call("org.vfadm1.Manager.Emit", word, path, data)
        assert done.returncode == 0, done.stderr


class Monitor:
    def __init__(self, bus, *words):
        self.process = subprocess.Popen([VFADM, "monitor", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=bus.environment)
        self.text = b""

    def line(self, deadline=PATIENCE):
        """The next line; "": none came."""
        end = time.monotonic() + deadline
        while b"\n" not in self.text:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            if not ready:
                return ""
            self.text += os.read(self.process.stdout.fileno(), 65536)
        line, _, self.text = self.text.partition(b"\n")
        return line.decode() + "\n"

    def end(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


def until_heard(bus, monitor, *event):
    """The first line; the event is told again until the monitor listens."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        bus.event(*event)
        line = monitor.line(deadline=0.5)
        if line:
            return line
    return ""


def refused(bus, words, status, message):
    done = subprocess.run([VFADM, "monitor", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=bus.environment,
                          check=False, timeout=PATIENCE)
    check("monitor: " + message, done.returncode == status and done.stdout == "" and done.stderr == "vfadm: %s\n" % message, done)


def texts(bus):
    monitor = Monitor(bus)
    line = until_heard(bus, monitor, "vf-changed", VF, '{"changes": {"vlan": [0, 42]}, "object": {"device": "enp1s0/0"}}')
    check("text: what changed of whom", re.fullmatch(r"\d\d:\d\d:\d\d enp1s0/0 vf-changed: vlan 0 → 42\n", line) is not None, line)
    bus.event("service-reconciled", "/org/vfadm1", '{"usec": 5000}')
    bus.event("vf-dreamt", VF, "{}")
    bus.event("pool-added", "/org/vfadm1/pool/a_1b_5b31m", '{"name": "a"}')
    lines = []
    while len(lines) < 3:
        line = monitor.line()
        if not line:
            break
        if "vf-changed" not in line:  # those were told again before the monitor listened
            lines.append(line)
    check("text: the service", "vfadmd service-reconciled after 5.0 ms" in lines[0], lines)
    check("text: what this version does not know", lines[1].endswith(" %s vf-dreamt\n" % VF), lines)
    check("text drives no terminal", "\033" not in lines[2] and "pool-added" in lines[2], lines)
    monitor.end()


def over_restart(bus, service):
    monitor = Monitor(bus, "--json")
    line = until_heard(bus, monitor, "lease-added", "/org/vfadm1/lease/12", '{"id": 12}')
    said = json.loads(line)
    check("JSON: a line each", said["event"] == "lease-added" and said["object"] == "/org/vfadm1/lease/12" and said["data"] == {"id": 12} and
          re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", said["time"]) is not None, line)
    service.terminate()
    service.wait(PATIENCE)
    service = bus.service()
    line = until_heard(bus, monitor, "lease-removed", "/org/vfadm1/lease/12", "{}")
    while "lease-added" in line:
        line = monitor.line()
    check("it goes on when the service is started anew", "lease-removed" in line, line)
    monitor.process.stdout.close()
    bus.event("lease-added", "/org/vfadm1/lease/13", "{}")
    check("it ends when nobody reads", monitor.process.wait(PATIENCE) == 0)
    return service


def main():
    done = subprocess.run([VFADM, "monitor"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=PATIENCE,
                          env=environment(DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nowhere/bus"))
    check("no bus: it says so", done.returncode == 6 and done.stderr.startswith("vfadm: there is no system bus to follow vfadmd on: "), done)
    done = vfadm("monitor", "--root", "/tmp")
    check("no recorded host", done.returncode == 2 and "--root: a recorded host has no service" in done.stderr, done)
    with tempfile.TemporaryDirectory() as folder:
        bus = Bus(folder)
        service = None
        try:
            refused(bus, [], 3, "vfadmd does not run, so there is nothing to follow; 'systemctl enable --now vfadmd' starts it")
            service = bus.service(refuses=True)
            refused(bus, [], 9, "vfadmd does not let you follow it: org.vfadm1.read: no; run as root")
            service.terminate()
            service.wait(PATIENCE)
            service = bus.service()
            texts(bus)
            service = over_restart(bus, service)
        finally:
            for process in (service, bus.daemon):
                if process:
                    process.terminate()
                    process.wait(PATIENCE)
    return finish()


sys.exit(main())
