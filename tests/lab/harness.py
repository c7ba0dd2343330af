"""What the lab's tests share: labs, commands in them, and TAP on standard output."""
import contextlib
import functools
import json
import os
import pathlib
import subprocess
import sys
import time
import traceback

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
VFLAB = TOP / "lab" / "vflab"
GUEST = "/opt/vflab/guest"
PF = "enp1s0"
BDF = "0000:01:00.0"
DRIVERS = "/sys/bus/pci/devices"
# 'make soak': cases that repeat themselves do so more often, and those are run that take minutes and show little that is new.
LONG = os.environ.get("LAB_LONG") == "1"


@functools.cache
def built(target):
    """A program built from this tree, for this machine or to be pushed into a lab (without sanitizers)."""
    build = TOP / "build-lab"
    if not (build / "build.ninja").exists():
        subprocess.run(["meson", "setup", build, TOP], check=True, stdout=sys.stderr)
    subprocess.run(["ninja", "--quiet", "-C", build, target], check=True, stdout=sys.stderr)
    return build / target


class Result:
    """How a command in a lab ended."""

    def __init__(self, command, done):
        self.command = command
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def __str__(self):
        return f"$ {self.command}\nstatus {self.status}\n{self.out}{self.err}"

    def json(self):
        return json.loads(self.out)


class Lab:
    """One emulated host. Its name carries our process id, so that runs side by side keep apart."""

    def __init__(self, name, topology="plain"):
        self.name = name
        self.topology = topology

    def up(self, *options):
        subprocess.run([VFLAB, "up", "--name", self.name, "--topology", self.topology, *options], check=True, stdout=sys.stderr)

    def down(self):
        subprocess.run([VFLAB, "down", "--name", self.name], check=False, stdout=sys.stderr)

    def push(self, *files, to="/root"):
        subprocess.run([VFLAB, "push", "--name", self.name, "--to", to, *files], check=True, stdout=sys.stderr)

    def pull(self, path, to):
        """Copies a file out of the lab."""
        with open(to, "wb") as file:
            subprocess.run([VFLAB, "run", "--name", self.name, "--", "cat", path], check=True, stdin=subprocess.DEVNULL, stdout=file)

    def run(self, *command, input=None, timeout=300):
        """Runs a command as it is; its status is the caller's to judge."""
        try:
            done = subprocess.run([VFLAB, "run", "--name", self.name, "--", *command], check=False, text=True,
                                  input=input or "", capture_output=True, timeout=timeout)
        except subprocess.TimeoutExpired as late:
            raise AssertionError(f"'{' '.join(command)}' took longer than {timeout} s. The lab meanwhile:\n{self.who_waits()}") from late
        return Result(" ".join(command), done)

    def who_waits(self):
        """Where the kernel has processes wait without end, and what it said last: for a case that did not come to its end."""
        script = ('for p in /proc/[0-9]*; do grep -q "^State:.D" $p/status 2>/dev/null || continue; '
                  'echo "$(tr "\\0" " " < $p/cmdline) ($(cat $p/comm))"; cat $p/stack; done; '
                  'pgrep -a vfadm; dmesg | tail -n 15')
        command = [VFLAB, "run", "--name", self.name, "--", "sh", "-c", script]
        try:
            return subprocess.run(command, check=False, text=True, input="", capture_output=True, timeout=60).stdout
        except subprocess.TimeoutExpired:
            return "does not answer either"

    def sh(self, script, timeout=300):
        """Runs a shell script that must succeed, and gives what it prints."""
        result = self.run("sh", "-ec", script, timeout=timeout)
        assert result.status == 0, str(result)
        return result.out.strip()

    def vfadm(self, *args, status=0, says=None, timeout=300):
        """Runs vfadm and holds it to a status, and to what its message must say."""
        result = self.run("vfadm", *args, timeout=timeout)
        assert result.status == status, f"status {status} was expected\n{result}"
        if says:
            assert says in result.out + result.err, f"'{says}' was expected\n{result}"
        if status not in (0, 14, 15) and "--json" not in args:  # 14, 15: plan and apply tell, and nothing went wrong
            lines = [line for line in result.err.splitlines() if line.startswith("vfadm: ")]
            assert len(lines) == 1, f"one error line was expected\n{result}"
        return result

    def install(self, packages):
        """All but vfadm-xen, which is made against this machine's Xen: see xen.py for how the lab gets its module."""
        packages = [package for package in packages if not pathlib.Path(package).name.startswith("vfadm-xen_")]
        self.push(*packages)
        self.sh("dpkg -i " + " ".join(f"/root/{pathlib.Path(package).name}" for package in packages))

    # --- facts, from the kernel itself and not from vfadm

    def driver(self, bdf):
        return self.sh(f"basename $(readlink {DRIVERS}/{bdf}/driver || echo none)")

    def override(self, bdf):
        return self.sh(f"cat {DRIVERS}/{bdf}/driver_override")

    def numvfs(self, pf=BDF):
        return int(self.sh(f"cat {DRIVERS}/{pf}/sriov_numvfs"))

    def vf_line(self, index, pf=PF):
        """What `ip link` says of one VF, without its index."""
        for line in self.sh(f"ip link show {pf}").splitlines():
            if line.strip().startswith(f"vf {index} "):
                return line.strip().split(" ", 2)[2].strip()
        raise AssertionError(f"ip link shows no VF {index} of {pf}")

    def leases(self):
        return self.vfadm("leases", "--json").json()["leases"]

    def facts(self):
        """All that vfadm may change on the host: driver, override, VFs and autoprobe of each function, the VF lines of
        each PF, and the leases. What it refuses must leave this as it was."""
        return self.sh(f"cd {DRIVERS}; stat -c %N */driver; grep -s . */driver_override */sriov_numvfs */sriov_drivers_autoprobe; "
                       "ip -o link show | grep -F ' vf 0 ' || true; vfadm leases --json")

    @contextlib.contextmanager
    def unchanged(self):
        """A context in which nothing of that may change."""
        before = self.facts()
        yield
        after = self.facts()
        assert after == before, f"nothing was to change; before:\n{before}\nafter:\n{after}"

    # --- guests

    def start_guest(self, name, kernel="", *qemu):
        self.sh(f"{GUEST}/start -d -a '{kernel} vflab.stay=1' {name} {' '.join(qemu)} >/dev/null")

    def await_guest(self, name, pattern, seconds=180, count=1):
        return self.sh(f"{GUEST}/await {name} '{pattern}' {seconds} {count}", timeout=seconds + 60)

    def stop_guest(self, name):
        """Ends a guest that we started, by the pid that it wrote, and waits for its end."""
        self.sh(f"if pid=$(cat /run/vflab/{name}/pid 2>/dev/null); then kill $pid 2>/dev/null || true; "
                f"timeout 30 tail --pid=$pid -f /dev/null; fi; rm -rf /run/vflab/{name}")


class Tap:
    """Runs cases one after another and tells of each; a case that raises has failed."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def case(self, name, function, *args):
        self.count += 1
        started = time.monotonic()
        try:
            function(*args)
            word = "ok"
        except Exception:  # whatever went wrong is this case's failure, and the others still run
            word = "not ok"
            self.failed += 1
            for line in traceback.format_exc(limit=-3).splitlines():
                print("# " + line)
        print(f"{word} {self.count} - {name}", flush=True)
        print(f"# {name}: {time.monotonic() - started:.1f} s", flush=True)

    def guard(self, name, function, *args):
        """Runs what runs cases itself; only its own failure counts as a case."""
        try:
            function(*args)
        except Exception as problem:
            self.case(name, self.raise_again, problem)

    @staticmethod
    def raise_again(problem):
        raise problem

    def cases(self, prefix, functions, *args):
        for function in functions:
            self.case(f"{prefix}: {function.__doc__.strip().splitlines()[0]}", function, *args)

    def close(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0
