# Commands in the emulated host: ssh over one connection that stays open, as connecting is slow.
import fcntl
import shlex
import subprocess

from .cache import LabError

CONTROL = "ssh.sock"
CONNECT_DEADLINE = 120


def options(machine):
    image = machine.folder / "image"
    return ["ssh", "-F", "none", "-o", f"ControlPath={CONTROL}", "-o", "LogLevel=QUIET",
            "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i", f"{image}/id_ed25519",
            "-o", f"UserKnownHostsFile={image}/known_hosts", "-o", "HostKeyAlias=vflab",
            "-o", "StrictHostKeyChecking=yes", "-p", str(machine.record["port"])]


def connected(machine):
    return subprocess.run(options(machine) + ["-O", "check", "root@127.0.0.1"], cwd=machine.folder,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


def connect(machine):
    """Opens the connection unless it is open; only one of several callers does it."""
    with open(machine.folder / "ssh.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if connected(machine):
            return True
        (machine.folder / CONTROL).unlink(missing_ok=True)
        # A handful of light encryption: it is an emulated processor that undoes it. The master must
        # not hold our lock nor our output open.
        command = options(machine) + [
            "-f", "-N", "-M", "-o", "ControlPersist=yes", "-o", f"ConnectTimeout={CONNECT_DEADLINE}",
            "-o", "KexAlgorithms=curve25519-sha256",
            "-o", "Ciphers=chacha20-poly1305@openssh.com,aes128-ctr", "root@127.0.0.1"]
        return subprocess.run(command, cwd=machine.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=CONNECT_DEADLINE * 2, check=False).returncode == 0


def need_connection(machine):
    # The socket is there exactly as long as the connection is: no process only to ask.
    if not (machine.folder / CONTROL).is_socket() and not connect(machine):
        raise LabError(f"lab '{machine.name}' runs but does not answer ssh")


def disconnect(machine):
    if (machine.folder / CONTROL).exists():
        subprocess.run(options(machine) + ["-O", "exit", "root@127.0.0.1"], cwd=machine.folder,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)


def command_line(machine, words, terminal=False):
    # Without the open connection ssh would make one of its own, slowly and saying other things.
    return options(machine) + ["-o", "ProxyCommand=false", "-t" if terminal else "-T",
                               "root@127.0.0.1"] + ([shlex.join(words)] if words else [])


def run(machine, words, terminal=False, **streams):
    """Runs a command with our own streams, or those given, and returns its exit status.

    ssh says 255 both for a command that did and for a connection that broke: whether the connection
    is still there tells which.
    """
    need_connection(machine)
    status = subprocess.run(command_line(machine, words, terminal), cwd=machine.folder, check=False,
                            **streams).returncode
    if status == 255 and not connected(machine):
        raise LabError(f"lab '{machine.name}': the connection broke while the command ran")
    return status


def output(machine, *words):
    """What a command that has to succeed says."""
    need_connection(machine)
    done = subprocess.run(command_line(machine, words), cwd=machine.folder, capture_output=True,
                          stdin=subprocess.DEVNULL, text=True, check=False)
    if done.returncode:
        raise LabError(f"in lab '{machine.name}', {shlex.join(words)}: {done.stderr.strip()}")
    return done.stdout


def push(machine, files, folder):
    """Copies files and folders in, as a tar stream over the open connection."""
    need_connection(machine)
    names = []
    for file in files:
        if not file.exists():
            raise LabError(f"{file}: no such file")
        names += ["-C", str(file.absolute().parent), file.name]
    with subprocess.Popen(["tar", "-c", "--owner=0", "--group=0"] + names,
                          stdout=subprocess.PIPE) as tar:
        script = 'mkdir -p -- "$1" && exec tar -x -m -C "$1"'
        status = run(machine, ["sh", "-c", script, "push", folder], stdin=tar.stdout)
        tar.stdout.close()
    if status or tar.returncode:
        raise LabError("copying failed")
