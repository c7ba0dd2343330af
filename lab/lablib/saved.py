# Machines saved right after their boot, so that the next one of the same kind need not boot.
import os
import time

from . import cache
from .cache import LabError
from . import remote

SAVE_DEADLINE = 120


def key(launch):
    return cache.key_of([launch.image.name, str(launch.qemu)] + launch.machine)


def find(launch, _topology):
    """The folder of the saved machine that this launch can be restored from, or None."""
    folder = cache.folder() / "saved" / key(launch)
    return folder if (folder / "state").exists() else None


def disk(state):
    return state / "disk.qcow2"


def arguments(state):
    return ["-incoming", f"file:{state}/state"] if state else []


def wait_status(qmp, progress, command, field, good, bad):
    deadline = time.monotonic() + SAVE_DEADLINE
    while True:
        status = qmp.run(command).get(field)
        if status in good:
            return
        if status in bad or time.monotonic() > deadline:
            raise LabError(f"QEMU's {command} says {status}")
        progress.tick()
        time.sleep(0.05)


def resume(machine, progress):
    with machine.qmp() as qmp:
        wait_status(qmp, progress, "query-migrate", "status", ("completed",), ("failed",))
        qmp.run("cont")


def refresh(machine):
    """The clock stood still while the machine was saved."""
    remote.output(machine, "date", "-s", f"@{time.time():.3f}")


def save(machine, launch, progress):
    """Saves the stopped machine, with its disk as it is now; the machine goes on afterwards on an
    overlay over that disk."""
    target = cache.subfolder("saved") / key(launch)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    cache.remove(part)
    part.mkdir()
    try:
        with machine.qmp() as qmp:
            qmp.run("stop")
            qmp.run("migrate", uri=f"file:{part}/state")
            wait_status(qmp, progress, "query-migrate", "status", ("completed",),
                        ("failed", "cancelled"))
    finally:
        cache.remove(part)
