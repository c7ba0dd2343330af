# What a long command is doing, on standard error: one line a stage, with the seconds it took.
import sys
import time


class Progress:
    def __init__(self):
        self.begun = time.monotonic()
        self.stage_begun = None
        self.text = None
        self.moving = sys.stderr.isatty()

    def stage(self, text):
        """Ends the stage before, if any, and begins this one."""
        self.done()
        self.text = text
        self.stage_begun = time.monotonic()
        if not self.moving:
            print(f"vflab: {text} ...", file=sys.stderr, flush=True)
        self.tick()

    def tick(self):
        """On a terminal, shows the seconds run; call it while waiting."""
        if self.moving and self.text:
            seconds = time.monotonic() - self.stage_begun
            print(f"\rvflab: {self.text} {seconds:4.0f} s", end="", file=sys.stderr, flush=True)

    def done(self, text=None):
        """Ends the stage; with a text, says it and the seconds of the whole."""
        if self.text and self.moving:
            seconds = time.monotonic() - self.stage_begun
            print(f"\rvflab: {self.text} {seconds:.1f} s", file=sys.stderr, flush=True)
        self.text = None
        if text:
            seconds = time.monotonic() - self.begun
            print(f"vflab: {text} ({seconds:.1f} s in all)", file=sys.stderr, flush=True)

    def broken(self):
        """Leaves a half-written line on the terminal."""
        if self.text and self.moving:
            print(file=sys.stderr, flush=True)
        self.text = None
