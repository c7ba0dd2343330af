# Processes by id and start time, so that a reused id is never taken for ours, and their ending.
import os
import pathlib
import signal
import time


def start_time(pid):
    """When the process started, in clock ticks since boot; None where it is gone or a zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold anything: fields count from after the last one.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def alive(pid, started):
    return started is not None and start_time(pid) == started


def send(pid, started, number):
    """A signal to this very process; a process file descriptor shuts out reuse in between."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if alive(pid, started):
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)


def wait_end(pid, started, seconds):
    """Whether the process ended within that time."""
    deadline = time.monotonic() + seconds
    while alive(pid, started):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def end(pid, started, patience=5):
    """Asks the process to end, then makes it."""
    send(pid, started, signal.SIGTERM)
    if not wait_end(pid, started, patience):
        send(pid, started, signal.SIGKILL)
        wait_end(pid, started, patience)


KEEP = b"k"
END = b"e"


class Guard:
    """A watcher that undoes what `up` started, should `up` die before it is done.

    It is a process in a session of its own at the other end of a pipe, and learns by one byte
    whether to keep the watched process or to end it. When the pipe closes without a byte, then its
    owner died, even if by SIGKILL: it ends the watched process and calls `undo`.
    """

    def __init__(self, pid, started, undo):
        self.released = False
        reading, self.writing = os.pipe()
        child = os.fork()
        if child == 0:
            self.watch(reading, pid, started, undo)
        os.close(reading)
        self.child = child

    def watch(self, reading, pid, started, undo):
        try:
            os.setsid()
            os.close(self.writing)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            # Whoever waits for the end of our output must not wait for the watcher too.
            null = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            word = os.read(reading, 1)
            if word != KEEP:
                end(pid, started)
            if not word:
                undo()
        finally:
            os._exit(0)

    def release(self):
        """All is well: the watched process lives on by itself."""
        self.released = True

    def finish(self):
        """Ends the watcher; unless released before, it first ends the watched process."""
        os.write(self.writing, KEEP if self.released else END)
        os.close(self.writing)
        os.waitpid(self.child, 0)
