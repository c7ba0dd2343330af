# The emulated host's image: built once for each content of its recipe, found again by its key.
import os
import pathlib
import re
import shutil
import subprocess

from . import cache
from .cache import LabError

LAB = pathlib.Path(__file__).resolve().parent.parent
SUITE = "trixie"
# The first QEMU that emulates a card with SR-IOV.
OLDEST_QEMU = 8
KEEP_IMAGES = 3


def key():
    return cache.key_of([SUITE], [LAB / "image", LAB / "guest"])


def path():
    return cache.folder() / "images" / key()


def ready(progress):
    """The image's folder, built first where it is missing."""
    found = path()
    if (found / "version").exists():
        return found
    need_tools()
    with cache.locked("image"):
        if not (found / "version").exists():
            build(found, progress)
    return found


def need_tools():
    missing = [tool for tool in ("debootstrap", "mke2fs", "unshare", "gcc", "qemu-img", "ssh-keygen")
               if not shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")]
    if missing:
        raise LabError(f"missing here: {', '.join(missing)}; run 'tools/setup lab'")


def mirror():
    """The Debian mirror that apt is set up with."""
    listing = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE) $(CODENAME)",
                              "Created-By: Packages"], capture_output=True, text=True, check=False)
    for line in listing.stdout.splitlines():
        site, _, codename = line.partition(" ")
        if re.fullmatch(r"[a-z]+", codename):
            return site
    raise LabError("apt has no Debian mirror set up, or 'apt-get update' never ran")


def build(found, progress):
    # What an interrupted build left is of no use to anybody.
    for leftover in cache.subfolder("images").glob("*.part"):
        remove_tree(leftover)
    part = found.with_name(found.name + ".part")
    part.mkdir()
    log = cache.folder() / "image.log"
    # In namespaces of its own: debootstrap's mounts and processes vanish with it. Its standard input
    # is how it learns that we are gone.
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child",
               str(LAB / "image" / "build"), SUITE, mirror(), str(part)]
    if os.geteuid() != 0:
        if not shutil.which("sudo"):
            raise LabError("building the image needs root or sudo")
        command = ["sudo"] + command
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors="replace",
                             env=dict(os.environ, PATH=os.environ.get("PATH", "")
                                      + ":/usr/local/sbin:/usr/sbin:/sbin"))
    try:
        follow(child, log, progress)
        if child.wait() != 0:
            raise LabError(f"building the image failed: {last_line(log)}; its log is {log}")
        part.rename(found)
    finally:
        child.stdin.close()
        child.stdout.close()
        child.wait()
        if part.exists():
            remove_tree(part)
    drop_old(found)


def last_line(log):
    lines = [line.strip() for line in log.read_text(encoding="utf-8").splitlines()]
    return next((line for line in reversed(lines) if line and not line.startswith("stage: ")),
                "it said nothing")


def follow(child, log, progress):
    with open(log, "w", encoding="utf-8") as file:
        for line in child.stdout:
            if line.startswith("stage: "):
                progress.stage("image: " + line[len("stage: "):].strip())
            else:
                progress.tick()
            file.write(line)
            file.flush()


def remove_tree(tree):
    """An unfinished root belongs to root, even where a user has it built."""
    if os.geteuid() == 0:
        cache.remove(tree)
    else:
        subprocess.run(["sudo", "rm", "-rf", "--one-file-system", str(tree)], check=False)


def drop_old(current):
    """Removes the images of former recipes, with what is saved of them, but for the newest few: two
    clones may work on different recipes in turn."""
    used = {folder.resolve() for folder in (cache.folder() / "run").glob("*/image")}
    newest = sorted(current.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for other in newest[KEEP_IMAGES:]:
        if other != current and other.resolve() not in used:
            remove_tree(other)
            cache.remove(cache.folder() / "saved" / other.name)


def own_qemu_version():
    if not shutil.which("qemu-system-x86_64"):
        return 0
    said = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True,
                          check=False).stdout
    match = re.search(r"version (\d+)", said)
    return int(match.group(1)) if match else 0


def qemu(image):
    """How to start QEMU: (command, environment). The image's own, through its own loader, where
    this machine has none that is new enough."""
    if own_qemu_version() >= OLDEST_QEMU:
        return ["qemu-system-x86_64"], {}
    usr = image / "qemu" / "usr"
    libraries = usr / "lib" / "x86_64-linux-gnu"
    command = [str(usr / "lib64" / "ld-linux-x86-64.so.2"), "--library-path", str(libraries),
               str(usr / "bin" / "qemu-system-x86_64"),
               "-L", str(usr / "share" / "qemu"), "-L", str(usr / "share" / "seabios")]
    return command, {"QEMU_MODULE_DIR": str(libraries / "qemu")}
