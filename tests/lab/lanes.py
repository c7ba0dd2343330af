"""Parts of the lab's tests side by side, each in a process of its own, told as one: a lab keeps one processor busy, and waits much."""
import os
import re
import subprocess
import sys
import threading

# Names the packages to be tested, for the processes that run one part each.
PACKAGES = "VFADM_LAB_PACKAGES"

RESULT = re.compile(r"(ok|not ok) \d+ (.*)")
LAST_OF_CASE = re.compile(r"# .*: [0-9.]+ s$")


class Told:
    """The cases of all parts in the order in which they end, numbered anew."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0
        self.failed = 0

    def tell(self, lines):
        with self.lock:
            for line in lines:
                result = RESULT.match(line)
                if result:
                    self.count += 1
                    self.failed += result[1] == "not ok"
                    line = f"{result[1]} {self.count} {result[2]}\n"
                sys.stdout.write(line)
            sys.stdout.flush()


def follow(process, told):
    """Tells case by case what a part says."""
    lines = []
    for line in process.stdout:
        if re.match(r"1\.\.\d+$", line):
            continue
        lines.append(line)
        if LAST_OF_CASE.match(line):
            told.tell(lines)
            lines = []
    told.tell(lines)


def run_round(program, packages, parts, told):
    """True: every part ended well."""
    environment = {**os.environ, PACKAGES: os.pathsep.join(map(str, packages))}
    processes = []
    try:
        for part in parts:
            processes.append(subprocess.Popen([sys.executable, program, *part], env=environment, text=True, stdout=subprocess.PIPE))
        followers = [threading.Thread(target=follow, args=(process, told)) for process in processes]
        for follower in followers:
            follower.start()
        for follower in followers:
            follower.join()
    finally:
        for process in processes:  # asked to end, each takes its labs down first
            process.terminate()
        status = [process.wait() for process in processes]
    return not any(status)


def run(program, packages, rounds):
    """Runs the program once for each part (names of groups), the parts of a round side by side. 0: every case was ok."""
    told = Told()
    well = [run_round(program, packages, parts, told) for parts in rounds if parts]
    print(f"1..{told.count}")
    return 0 if all(well) and not told.failed else 1
