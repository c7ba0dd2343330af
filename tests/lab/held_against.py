"""The simulated kernel of tests/sim is held against the real one: the same operations, the same transcript."""
import difflib
import subprocess

from harness import BDF, PF, built


def same_transcript(lab):
    """each operation of tests/sim/sim-transcript.c does on the simulated kernel what it does on the real one"""
    program = built("tests/sim/sim-transcript")
    simulated = subprocess.run([program], check=True, text=True, stdout=subprocess.PIPE).stdout
    lab.push(program)
    real = lab.run("/root/sim-transcript", "--real", BDF, timeout=300)
    assert real.status == 0 and real.out.count("\n") > 100, str(real)
    difference = list(difflib.unified_diff(simulated.splitlines(), real.out.splitlines(), "simulated", "real", lineterm=""))
    assert not difference, "\n".join(difference)


def card_is_back(lab):
    """after it the card is as it was: its driver, its name, no VFs"""
    lab.sh(f"timeout 20 sh -c 'until ip link show {PF}; do sleep 0.1; done' >/dev/null")
    assert lab.driver(BDF) == "igb" and lab.numvfs() == 0 and lab.override(BDF) == "(null)"
    lab.vfadm("recover", says="nothing to recover")


CASES = [same_transcript, card_is_back]
