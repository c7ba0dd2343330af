#!/usr/bin/env python3
"""Runs the commands of every transcript in tests/fixtures and compares what they print with what stands there.

A fixture is a folder with a transcript.txt, and the host either as host.tar.gz (written by `vfadm record`) or built by
hosts.py under the folder's name. In a transcript each line "$ vfadm ..." is a command; HOST in it is the host. With
UPDATE=1 transcripts are written anew. Prints TAP.
"""
import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile

import hosts

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")
VFADM = os.environ["VFADM"]


def run(command, host):
    words = shlex.split(command)[1:]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC", "NO_COLOR": "1",
                   **{key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")}}
    done = subprocess.run([VFADM] + [word.replace("HOST", host) for word in words], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=environment, stdin=subprocess.DEVNULL, timeout=60, check=False)
    output = done.stdout.decode(errors="backslashreplace").replace(host, "HOST")
    # Names of devices come from the hwdb of the machine that runs the test, and it may have none, and says so.
    output = re.sub(r"^(  name {10}|vfadm: note: no names of vendors).*\n", "", output, flags=re.M)
    return output + ("[%d]\n" % done.returncode if done.returncode else "")


def blocks(transcript):
    """(command, expected output) of a transcript; text before the first command is a remark and stays."""
    parts = ("\n" + transcript).split("\n$ ")
    remark = parts[0].lstrip("\n")
    result = []
    for part in parts[1:]:
        command, _, output = part.partition("\n")
        result.append((command, output if output.endswith("\n") or not output else output + "\n"))
    return remark, result


def check(name, host, number):
    path = os.path.join(FIXTURES, name, "transcript.txt")
    with open(path, encoding="utf-8") as file:
        remark, expected = blocks(file.read())
    new = remark + "\n" if remark else ""
    good = True
    for command, want in expected:
        have = run(command, host)
        # An empty line before the next command belongs to no output.
        want = want.rstrip("\n") + "\n" if want.strip() else ""
        have = have.rstrip("\n") + "\n" if have.strip() else ""
        new += "$ %s\n%s\n" % (command, have)
        number += 1
        print("%sok %d - %s: %s" % ("" if have == want else "not ", number, name, command))
        if have != want:
            good = False
            for line in difflib.unified_diff(want.splitlines(), have.splitlines(), "expected", "printed", lineterm=""):
                print("# " + line)
    if os.environ.get("UPDATE"):
        with open(path, "w", encoding="utf-8") as file:
            file.write(new.rstrip("\n") + "\n")
    return good, number


def main():
    number = 0
    good = True
    for name in sorted(os.listdir(FIXTURES)):
        if not os.path.exists(os.path.join(FIXTURES, name, "transcript.txt")):
            continue
        with tempfile.TemporaryDirectory() as folder:
            host = os.path.join(FIXTURES, name, "host.tar.gz")
            if not os.path.exists(host):
                host = os.path.join(folder, "host")
                hosts.HOSTS[name](host)
            fine, number = check(name, host, number)
            good = good and fine
    print("1..%d" % number)
    return 0 if good and number else 1


sys.exit(main())
