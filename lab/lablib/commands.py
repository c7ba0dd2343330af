# What each vflab command does, in the order of its help.
import contextlib
import pathlib
import shutil
import sys
import time

from . import cache, image, kvm, machine, remote, saved, topology
from .cache import LabError
from .machine import Machine
from .progress import Progress

# Where the image puts the guest's files inside the emulated host.
GUEST_FILES = ("/opt/vflab/guest/vmlinuz", "/opt/vflab/guest/initrd.img", "/opt/vflab/guest/start",
               "/opt/vflab/guest/await", "/opt/vflab/guest/ask")


def up(options):
    progress = Progress()
    try:
        with cache.locked(f"lab-{options.name}", wait=False):
            return bring_up(options, progress)
    except BaseException:
        progress.broken()
        raise


def bring_up(options, progress):
    lab = Machine(options.name)
    if lab.running and lab.record["up"]:
        asked = (options.topology, options.wire, options.words)
        if (lab.record["topology"], lab.record["wire"], lab.record.get("words")) != asked:
            raise LabError(f"lab '{lab.name}' is running as {lab.record['topology']}, wire "
                           f"{lab.record['wire'] or '-'}, words '{lab.record.get('words') or ''}'; "
                           "use another --name, or end it first")
        print(f"vflab: lab '{lab.name}' is running already", file=sys.stderr)
        return 0
    machine.stop(lab)
    folder = image.ready(progress)
    accelerate = kvm.usable(folder, progress)
    # Two labs that come up at once must not both take the same side of a wire.
    with cache.locked("wire") if options.wire else contextlib.nullcontext():
        side = machine.wire_side(options.wire) if options.wire else "a"
        launch = machine.Launch(folder, options.topology, options.wire, side, accelerate,
                                options.words)
        machine.reserve(lab, launch)
    try:
        start(lab, launch, options.cold or options.topology in topology.NOT_SAVED, progress)
    except (LabError, OSError) as error:
        if lab.ended:
            machine.stop(lab)
            raise LabError(f"lab '{lab.name}' was ended by 'vflab down' before it was up") from None
        clean_up(lab)
        raise error if isinstance(error, LabError) else LabError(str(error)) from error
    except BaseException:
        clean_up(lab)
        raise
    progress.done(f"lab '{lab.name}' is up")
    return 0


def clean_up(lab):
    machine.keep_console(lab)
    machine.stop(lab)


def start(lab, launch, cold, progress):
    """Gets the lab to where it answers: restored if it can be, else booted."""
    kind = f"'{lab.name}' ({launch.name}, {'KVM' if launch.accelerate else 'TCG'})"
    if not cold:
        state = saved.folder(launch)
        if not saved.exists(state):
            progress.stage(f"booting {kind}")
        # Of two labs of one kind that come up at once, one boots, and both are restored.
        with cache.locked(f"saved-{state.name}"):
            if not saved.exists(state):
                boot_and_save(lab, launch, progress)
        try:
            with machine.started(lab, launch, saved.disk(state), saved.arguments(state)) as guard:
                progress.stage(f"restoring {kind}")
                shutil.copy(state / "console.log", lab.folder / "saved-console.log")
                saved.resume(lab, progress)
                remote.need_connection(lab)
                saved.refresh(lab)
                settle(lab, guard)
            return
        except LabError as error:
            if lab.ended:
                raise
            # Whatever is wrong with a saved machine, a boot does without it.
            progress.done(f"the saved machine is of no use ({error})")
            cache.remove(state)
    with machine.started(lab, launch, launch.disk) as guard:
        progress.stage(f"booting {kind}")
        machine.wait_boot(lab, progress)
        progress.stage("connecting")
        remote.need_connection(lab)
        settle(lab, guard)


def boot_and_save(lab, launch, progress):
    with machine.started(lab, launch, launch.disk):
        machine.wait_boot(lab, progress)
        progress.stage("saving it, so that it need not boot the next time")
        saved.save(lab, launch, progress)


def settle(lab, guard):
    lab.save(**dict(lab.record, up=True))
    guard.release()


def running(name):
    lab = Machine(name)
    lab.need_running()
    return lab


def run(options):
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not words:
        raise LabError("run: which command?")
    return remote.run(running(options.name), words)


def push(options):
    remote.push(running(options.name), [pathlib.Path(file) for file in options.files], options.to)
    return 0


def ssh(options):
    return remote.run(running(options.name), [], terminal=True)


def down(options):
    labs = machine.all_machines() if options.all else [Machine(options.name)]
    for lab in labs:
        lab.mark_ended()
        if lab.running:
            remote.disconnect(lab)
        machine.stop(lab)
    return 0


def reset(options):
    lab = running(options.name)
    progress = Progress()
    progress.stage(f"resetting '{lab.name}'")
    remote.disconnect(lab)
    with lab.qmp() as qmp:
        size = len(lab.console())
        qmp.run("system_reset")
    deadline = time.monotonic() + machine.BOOT_DEADLINE
    while machine.READY not in lab.console()[size:]:
        if not lab.running or time.monotonic() > deadline:
            raise LabError("the emulated host did not come back after the reset")
        progress.tick()
        time.sleep(0.1)
    remote.need_connection(lab)
    progress.done(f"lab '{lab.name}' is up again")
    return 0


def status(_options):
    rows = [("NAME", "TOPOLOGY", "PID", "PORT", "WIRE", "AGE", "STATE")]
    for lab in machine.all_machines():
        record = lab.record
        minutes, seconds = divmod(int(time.time() - record["since"]), 60)
        state = ("up" if record["up"] else "starting") if lab.running else "dead"
        rows.append((lab.name, record["topology"], str(record["pid"]), str(record["port"] or "-"),
                     f"{record['wire']}:{record['side']}" if record["wire"] else "-",
                     f"{minutes}m{seconds:02}s", state))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    return 0


def topologies(_options):
    width = max(len(name) for name in topology.TOPOLOGIES)
    for name, entry in topology.TOPOLOGIES.items():
        print(f"{name:{width}}  {entry.shows}")
    return 0


def build_image(_options):
    progress = Progress()
    try:
        folder = image.ready(progress)
    except BaseException:
        progress.broken()
        raise
    progress.done("the image is ready")
    print(folder)
    return 0


def console(options):
    lab = Machine(options.name)
    if not lab.record:
        raise LabError(f"there is no lab '{options.name}'")
    for name in ("saved-console.log", "console.log"):
        file = lab.folder / name
        if file.exists():
            sys.stdout.write(file.read_text(encoding="utf-8", errors="replace"))
    return 0


def guest_files(_options):
    print("\n".join(GUEST_FILES))
    return 0


def clean(_options):
    left = [lab.name for lab in machine.all_machines() if lab.running]
    if left:
        raise LabError(f"these labs are running: {', '.join(left)}; 'lab/vflab down --all' first")
    with cache.locked("image", wait=False):
        if cache.folder().exists():
            image.remove_tree(cache.folder())
    return 0
