# Where the lab's state lives, how it is named after what it was made from, and its locks.
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil


class LabError(Exception):
    """Something the user has to know, in one line."""


def folder():
    """The one cache folder; outside any clone, so that a fresh clone reuses it."""
    if os.environ.get("VFLAB_CACHE"):
        return pathlib.Path(os.environ["VFLAB_CACHE"]).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base).absolute() / "vfadm-lab"


def subfolder(name):
    path = folder() / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def key_of(words=(), trees=()):
    """A short name for these words and for all files below these folders, contents and all."""
    digest = hashlib.sha256()
    for word in words:
        digest.update(f"word {len(word)} {word}\n".encode())
    for tree in trees:
        for path in sorted(p for p in tree.rglob("*") if p.is_file()):
            content = path.read_bytes()
            digest.update(f"file {path.relative_to(tree)} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def locked(name, wait=True):
    """Holds the lock of that name; the kernel lets go of it when this process ends, however."""
    path = subfolder("locks") / name
    with open(path, "w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise LabError(f"another vflab holds the lock '{name}'") from None
        yield


def remove(path):
    """Removes a file or a folder with all in it, where it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
