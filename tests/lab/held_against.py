"""The simulated kernel held against the real one: the same operations on both, and their transcripts compared."""
import difflib
import subprocess
import sys

from harness import BDF, TOP

BUILD = TOP / "build-sim"


def same_as_the_real_kernel(lab):
    """the simulated 82576 answers every operation as the real driver does"""
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["meson", "setup", BUILD, TOP], check=True, stdout=sys.stderr)
    subprocess.run(["ninja", "-C", BUILD, "tests/sim/sim-transcript"], check=True, stdout=sys.stderr)
    lab.push(BUILD / "tests" / "sim" / "sim-transcript")
    simulated = (TOP / "tests" / "sim" / "transcript-igb.txt").read_text().splitlines()
    real = lab.run("/root/sim-transcript", "--real", BDF, timeout=600)
    assert real.status == 0, str(real)
    assert len(simulated) > 100, "the transcript is nearly empty"
    difference = list(difflib.unified_diff(simulated, real.out.splitlines(), "simulated", "real", lineterm=""))
    assert not difference, "\n".join(difference)


CASES = [same_as_the_real_kernel]
