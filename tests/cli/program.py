"""The built program as the command line's tests run it, and their results as TAP."""
import os
import subprocess

VFADM = os.environ["VFADM"]
RESULTS = []


def environment(**more):
    """Nothing of the caller's own but what sanitizers need."""
    result = {key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")}
    result.update({"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, **more)
    return result


def vfadm(*words, stdout=subprocess.PIPE):
    return subprocess.run([VFADM, *words], stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment(),
                          stdin=subprocess.DEVNULL, timeout=60, check=False)


def check(what, good, *details):
    RESULTS.append(good)
    print("%sok %d - %s" % ("" if good else "not ", len(RESULTS), what))
    for detail in details if not good else ():
        for line in str(detail).splitlines():
            print("# " + line)


def finish():
    """The plan at the end; the exit status."""
    print("1..%d" % len(RESULTS))
    return 0 if all(RESULTS) else 1
