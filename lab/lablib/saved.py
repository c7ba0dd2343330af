# Machines saved right after their boot, so that the next one of the same kind need not boot.
import os
import subprocess
import time

from . import cache, process, remote
from .cache import LabError

DEADLINE = 120


def folder(launch):
    """Where a machine like this one is saved, or would be: named after the image, QEMU and all of
    its command line that the guest can see."""
    version = subprocess.run(launch.qemu + ["--version"], capture_output=True, text=True,
                             check=False).stdout
    return cache.subfolder(f"saved/{launch.image.name}") / cache.key_of([version] + launch.machine)


def exists(state):
    return (state / "complete").exists()


def disk(state):
    return state / "disk.qcow2"


def arguments(state):
    return ["-incoming", f"file:{state}/memory"]


def wait_migration(machine, progress):
    """Waits until QEMU has read or written the whole state."""
    deadline = time.monotonic() + DEADLINE
    while True:
        with machine.qmp() as qmp:
            status = qmp.run("query-migrate").get("status")
        if status == "completed":
            return
        if status in ("failed", "cancelled") or time.monotonic() > deadline:
            raise LabError(f"saving or restoring the machine: QEMU says '{status}'")
        progress.tick()
        time.sleep(0.05)


def save(machine, launch, progress):
    """Saves the machine that just booted, with its disk as it is, and ends it."""
    target = folder(launch)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    part.mkdir()
    try:
        # One connection now, and the next one finds sshd's files in memory.
        remote.connect(machine)
        remote.output(machine, "sync")
        remote.disconnect(machine)
        with machine.qmp() as qmp:
            qmp.run("stop")
            qmp.run("migrate", uri=f"file:{part}/memory")
        wait_migration(machine, progress)
        process.end(machine.record["pid"], machine.record["started"])
        (machine.folder / "disk.qcow2").rename(disk(part))
        (machine.folder / "console.log").rename(part / "console.log")
        (part / "complete").touch()
        cache.remove(target)
        part.rename(target)
    finally:
        cache.remove(part)


def resume(machine, progress):
    wait_migration(machine, progress)
    with machine.qmp() as qmp:
        qmp.run("cont")


def refresh(machine):
    """The machine's clock stood still while it was saved."""
    remote.output(machine, "date", "-s", f"@{time.time():.3f}")
