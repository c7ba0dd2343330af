# One emulated host: its folder, starting and stopping its QEMU.
import contextlib
import json
import os
import re
import subprocess
import time

from . import cache, image, process, topology
from .cache import LabError
from .qmp import Qmp

BOOT_DEADLINE = 600
READY = "vflab: ready"
FAILED_CONSOLE = "failed-console.log"
# Where instances live, below the cache folder; names of files are relative to an instance's folder,
# where QEMU and ssh run: a socket's path may have no more than 107 bytes.
RUN = "run"


class Machine:
    """A lab by name. `record` is what is remembered of its QEMU; None where there is no such lab."""

    def __init__(self, name):
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", name):
            raise LabError(f"'{name}' is no name for a lab: use a-z, 0-9 and -")
        self.name = name
        self.folder = cache.folder() / RUN / name
        self.record = None
        self.load()

    def load(self):
        try:
            self.record = json.loads((self.folder / "machine.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.record = None

    def save(self, **record):
        self.record = record
        part = self.folder / "machine.json.part"
        part.write_text(json.dumps(record), encoding="utf-8")
        part.rename(self.folder / "machine.json")

    def mark_ended(self):
        """For an `up` that is under way elsewhere: what it is about to miss was taken from it."""
        if self.folder.is_dir():
            (self.folder / "ended").touch()

    @property
    def ended(self):
        return not self.folder.is_dir() or (self.folder / "ended").exists()

    @property
    def running(self):
        return bool(self.record) and process.alive(self.record["pid"], self.record["started"])

    def need_running(self):
        if not self.running:
            raise LabError(f"lab '{self.name}' is not running; start it with: "
                           f"lab/vflab up --name {self.name}")

    def qmp(self):
        return Qmp(self.folder / "qmp.sock")

    def console(self):
        try:
            return (self.folder / "console.log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""


def all_machines():
    folder = cache.folder() / RUN
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return [Machine(name) for name in names if (folder / name / "machine.json").exists()]


def wire_side(wire):
    """The free side of a wire: the first lab on it takes a, the second b."""
    taken = {m.record["side"] for m in all_machines() if m.running and m.record["wire"] == wire}
    for side in "ab":
        if side not in taken:
            return side
    raise LabError(f"wire '{wire}' has two labs on it already")


def boot_arguments(folder, kind, words):
    """What is booted: Linux, or Xen with Linux as its first module and the initramfs as its second."""
    linux, initrd = str(folder / "vmlinuz"), str(folder / "initrd.img")
    if not kind.xen:
        return ["-kernel", linux, "-initrd", initrd, "-append", words]
    # A comma parts modules, so one within their words stands twice.
    first = f"{linux} {words}".replace(",", ",,")
    return ["-kernel", str(folder / "xen.elf"), "-append", kind.xen, "-initrd", f"{first},{initrd}"]


def disk(folder, kind):
    return folder / ("disk-xen.raw" if kind.xen else "disk.raw")


class Launch:
    """What a new instance is started with, worked out before anything is started."""

    def __init__(self, folder, name, wire, side, accelerate, words=None):
        self.image = folder
        self.disk = disk(folder, topology.TOPOLOGIES[name])
        self.name = name
        self.wire = wire
        self.side = side
        self.accelerate = accelerate
        self.words = words
        self.qemu, self.environment = image.qemu(folder)
        kind = topology.TOPOLOGIES[name]
        accelerator = ["-accel", "kvm", "-cpu", "host"] if accelerate else [
            "-accel", "tcg,thread=multi", "-cpu", "max"]
        # What the machine's own kernel can see, and so what decides whether a saved machine can be
        # restored into this one.
        self.machine = accelerator + [
            "-M", "q35,kernel-irqchip=split", "-smp", "2", "-m", "4G",
            "-nodefaults", "-no-user-config", "-display", "none",
            "-device", "vmgenid,guid=auto",
            "-device", "virtio-blk-pci,drive=disk,romfile=",
            "-device", f"virtio-net-pci,netdev=management,romfile=,mac={topology.MANAGEMENT_MAC}",
        ] + boot_arguments(folder, kind, topology.kernel_words(kind, side, words)) + topology.devices(
            kind, side)
        # Port 0: the kernel picks a free one, so two labs never race for one.
        self.backends = [
            "-drive", "if=none,id=disk,file=disk.qcow2,discard=unmap,cache=unsafe",
            "-netdev", "user,id=management,restrict=on,hostfwd=tcp:127.0.0.1:0-:22",
            "-chardev", "file,id=console,path=console.log", "-serial", "chardev:console",
            "-qmp", "unix:qmp.sock,server=on,wait=off",
        ] + topology.netdevs(kind, wire, side)

    def command(self, more):
        # Backends first: a device names its own.
        return self.qemu + self.backends + self.machine + list(more)


def reserve(machine, launch):
    """An instance's folder and record, with this very process as its own until QEMU runs."""
    machine.folder.mkdir(parents=True)
    (machine.folder / "image").symlink_to(launch.image)
    remember(machine, launch, os.getpid())


def remember(machine, launch, pid):
    machine.save(pid=pid, started=process.start_time(pid), since=time.time(), topology=launch.name,
                 wire=launch.wire, side=launch.side, words=launch.words, port=None, up=False)


def make_disk(machine, backing):
    """An overlay on the image's disk or on a saved one, which stays as it is."""
    made = subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(backing),
                           "-F", "raw" if backing.suffix == ".raw" else "qcow2",
                           str(machine.folder / "disk.qcow2")], capture_output=True, text=True,
                          check=False)
    if made.returncode:
        raise LabError(f"qemu-img: {made.stderr.strip()}")


@contextlib.contextmanager
def started(machine, launch, backing, more=()):
    """Starts QEMU and gives its guard; unless that is released, QEMU ends with the block."""
    for leftover in ("qmp.sock", "ssh.sock", "console.log", "disk.qcow2"):
        cache.remove(machine.folder / leftover)
    make_disk(machine, backing)
    with open(machine.folder / "qemu.log", "wb") as log:
        child = subprocess.Popen(launch.command(more), cwd=machine.folder, stdin=subprocess.DEVNULL,
                                 stdout=log, stderr=log, start_new_session=True,
                                 env=dict(os.environ, **launch.environment))
    machine.child = child
    guard = process.Guard(child.pid, process.start_time(child.pid),
                          lambda: cache.remove(machine.folder))
    try:
        remember(machine, launch, child.pid)
        find_port(machine)
        yield guard
    finally:
        guard.finish()
        if not guard.released:
            child.wait()


def check_child(machine):
    """An error with QEMU's own words where it ended."""
    if machine.child.poll() is not None:
        log = (machine.folder / "qemu.log").read_text(encoding="utf-8", errors="replace").strip()
        last = log.splitlines()[-1] if log else f"exit status {machine.child.returncode}"
        raise LabError(f"QEMU ended: {last}")


def wait_for(machine, progress, deadline, what, condition):
    """Polls the condition until it holds; returns what it gave."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        check_child(machine)
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {deadline} s; its console's log is "
                           f"{cache.folder() / FAILED_CONSOLE}")
        if progress:
            progress.tick()
        time.sleep(0.1)


def find_port(machine):
    """Asks QEMU which port it listens on for ssh."""
    wait_for(machine, None, 60, "QEMU's QMP socket", (machine.folder / "qmp.sock").exists)
    try:
        with machine.qmp() as qmp:
            table = qmp.run("human-monitor-command", **{"command-line": "info usernet"})
    except LabError:
        # The socket is there before QEMU looked at its devices.
        with contextlib.suppress(subprocess.TimeoutExpired):
            machine.child.wait(timeout=5)
        check_child(machine)
        raise
    match = re.search(r"HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)", table)
    if not match:
        raise LabError("QEMU does not say which port it forwards")
    machine.save(**dict(machine.record, port=int(match.group(1))))


def wait_boot(machine, progress):
    wait_for(machine, progress, BOOT_DEADLINE, "the emulated host's boot",
             lambda: READY in machine.console())


def keep_console(machine):
    """After a failure the instance's folder goes; what its console said is worth keeping."""
    if machine.console():
        (cache.folder() / FAILED_CONSOLE).write_text(machine.console(), encoding="utf-8")


def stop(machine):
    """Ends the lab's QEMU at once (its disk is thrown away) and removes its folder."""
    # While `up` prepares, the record has its own id.
    if machine.running and machine.record["pid"] != os.getpid():
        process.end(machine.record["pid"], machine.record["started"])
    cache.remove(machine.folder)
    if machine.record and machine.record["wire"]:
        cache.remove(machine.folder.parent / f"wire-{machine.record['wire']}-{machine.record['side']}")
