# One emulated host: its folder, starting and stopping its QEMU.
import json
import os
import re
import subprocess
import time

from . import cache, image, kvm, process, topology
from .cache import LabError
from .qmp import Qmp

BOOT_DEADLINE = 600
READY = "vflab: ready"
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


class Launch:
    """What a new instance is started with, worked out before anything is started."""

    def __init__(self, folder, name, wire, side, accelerate):
        self.image = folder
        self.topology = topology.TOPOLOGIES[name]
        self.qemu, self.environment = image.qemu(folder)
        sockets = (f"../wire-{wire}-{side}", f"../wire-{wire}-{'ba'['ab'.index(side)]}")
        accelerator = ["-accel", "kvm", "-cpu", "host"] if accelerate else [
            "-accel", "tcg,thread=multi", "-cpu", "max"]
        # What decides whether a saved machine can be restored into this one: no backends.
        self.machine = accelerator + [
            "-M", "q35,kernel-irqchip=split", "-smp", "2", "-m", "4G",
            "-nodefaults", "-no-user-config", "-display", "none",
            "-device", "vmgenid,guid=auto",
            "-device", "virtio-blk-pci,drive=disk,romfile=",
            "-device", f"virtio-net-pci,netdev=management,romfile=,mac={topology.MANAGEMENT_MAC}",
            "-append", "console=ttyS0 quiet root=/dev/vda rw" + topology.kernel_words(self.topology),
        ] + topology.qemu_arguments(self.topology, sockets if wire else None, side)
        # Port 0: the kernel picks a free one, so two labs never race for one.
        self.backends = [
            "-kernel", str(folder / "vmlinuz"), "-initrd", str(folder / "initrd.img"),
            "-drive", "if=none,id=disk,file=disk.qcow2,discard=unmap,cache=unsafe",
            "-netdev", "user,id=management,restrict=on,hostfwd=tcp:127.0.0.1:0-:22",
            "-chardev", "file,id=console,path=console.log", "-serial", "chardev:console",
            "-qmp", "unix:qmp.sock,server=on,wait=off",
        ]

    def command(self, *more):
        return self.qemu + self.machine + self.backends + list(more)


def make_folder(machine, launch, backing):
    """A folder with a disk that is an overlay on the image's or on a saved one."""
    cache.remove(machine.folder)
    machine.folder.mkdir(parents=True)
    (machine.folder / "image").symlink_to(launch.image)
    style = "raw" if backing.suffix == ".raw" else "qcow2"
    made = subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", style, "-b", str(backing),
                           str(machine.folder / "disk.qcow2")], capture_output=True, text=True,
                          check=False)
    if made.returncode:
        raise LabError(f"qemu-img: {made.stderr.strip()}")


def start(machine, launch, name, wire, side, *more):
    """Starts QEMU in the machine's folder and remembers it. Returns the watcher over it."""
    with open(machine.folder / "qemu.log", "wb") as log:
        child = subprocess.Popen(launch.command(*more), cwd=machine.folder, stdin=subprocess.DEVNULL,
                                 stdout=log, stderr=log, start_new_session=True,
                                 env=dict(os.environ, **launch.environment))
    started = process.start_time(child.pid)
    guard = process.Guard(child.pid, started, lambda: cache.remove(machine.folder))
    machine.child = child
    machine.save(pid=child.pid, started=started, since=time.time(), topology=name, wire=wire,
                 side=side, port=None, image=launch.image.name, up=False)
    return guard


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
            raise LabError(f"{what}: not within {deadline} s; see {machine.folder}/console.log")
        progress.tick()
        time.sleep(0.1)


def find_port(machine, progress):
    """Asks QEMU which port it listens on for ssh."""
    wait_for(machine, progress, 60, "QEMU's QMP socket", (machine.folder / "qmp.sock").exists)
    with machine.qmp() as qmp:
        table = qmp.run("human-monitor-command", **{"command-line": "info usernet"})
    match = re.search(r"HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)", table)
    if not match:
        raise LabError("QEMU does not say which port it forwards")
    machine.save(**dict(machine.record, port=int(match.group(1))))


def wait_boot(machine, progress):
    wait_for(machine, progress, BOOT_DEADLINE, "the emulated host's boot",
             lambda: READY in machine.console())


def stop(machine):
    """Ends the lab's QEMU at once (its disk is thrown away) and removes its folder."""
    if machine.running:
        process.end(machine.record["pid"], machine.record["started"])
    cache.remove(machine.folder)
    if machine.record and machine.record["wire"]:
        cache.remove(machine.folder.parent / f"wire-{machine.record['wire']}-{machine.record['side']}")


def accelerated(folder, progress):
    return kvm.usable(folder, progress)


