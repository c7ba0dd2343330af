#!/usr/bin/env python3
"""`vfadm metrics`: its figures of a host that is not here, as text, JSON and a file, and over one connection of a socket. Prints TAP."""
import json
import os
import socket
import subprocess
import sys
import tempfile

import hosts
from program import VFADM, check, environment, finish, vfadm

CONF = "[Pool web]\nPF=02:00:00:00:00:aa\nVFs=0-1\nAutostart=yes\n"
PF = 'pf="enp1s0",address="0000:01:00.0",driver="igb"'


def fails(words, status, message):
    done = vfadm("metrics", *words)
    check("vfadm metrics %s: %s" % (" ".join(words), message),
          done.returncode == status and done.stdout == "" and done.stderr == "vfadm: %s\n" % message, done)


def host(folder):
    root = os.path.join(folder, "host")
    hosts.igb(root)
    os.makedirs(root + "/etc/vfadm")
    with open(root + "/etc/vfadm/pools.conf", "w", encoding="utf-8") as file:
        file.write(CONF)
    return root


def figures(root, ledger):
    done = vfadm("metrics", "--root", root, "--ledger", ledger)
    lines = done.stdout.splitlines()
    for line in ("vfadm_pf_vfs{%s} 3" % PF, "vfadm_pf_vfs_limit{%s} 7" % PF, "vfadm_pf_vfs_free{%s} 2" % PF, "vfadm_pf_vfs_leased{%s} 0" % PF,
                 'vfadm_pool_started{pool="web"} 1', 'vfadm_pool_vfs{pool="web"} 2', 'vfadm_pool_vfs_free{pool="web"} 1',
                 'vfadm_leases{pool="web",state="active"} 0', "vfadm_plans_unfinished 0"):
        check("text: " + line, line in lines, done.stdout, done.stderr)
    check("every sample has its help and type", all(
        any(other.startswith("# TYPE %s " % line.split("{")[0].split(" ")[0]) for other in lines)
        for line in lines if not line.startswith("#")), done.stdout)
    said = json.loads(vfadm("metrics", "--json", "--root", root, "--ledger", ledger).stdout)
    free = [family for family in said["metrics"] if family["name"] == "vfadm_pf_vfs_free"][0]
    check("JSON: the same figures", free["samples"][0]["value"] == 2 and free["samples"][0]["labels"]["pf"] == "enp1s0", free)
    alone = vfadm("metrics", "--root", root).stdout
    check("without a ledger, what only it knows is left out", "vfadm_leases" not in alone and "vfadm_plans" not in alone and
          "vfadm_pf_vfs_leased" not in alone and "vfadm_pf_vfs_free" in alone, alone)


def damaged(root, folder):
    with open(os.path.join(folder, "ledger.db"), "w", encoding="utf-8") as file:
        file.write("no database at all, but long enough to be taken for one by its size " * 20)
    os.chmod(file.name, 0o600)
    done = vfadm("metrics", "--root", root, "--ledger", folder)
    unread = [line for line in done.stdout.splitlines() if line.startswith("vfadm_unread ")]
    check("a damaged ledger is counted and told, the rest is there", done.returncode == 0 and unread and unread[0] != "vfadm_unread 0" and
          "is damaged" in done.stderr and "vfadm_plans" not in done.stdout and "vfadm_pf_vfs_free" in done.stdout, done)


def textfile(root, folder):
    path = os.path.join(folder, "vfadm.prom")
    for _ in range(2):
        done = vfadm("metrics", "--root", root, "--textfile", path)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        check("--textfile: the file, and nothing else", done.returncode == 0 and done.stdout == "" and os.listdir(folder) == ["vfadm.prom"] and
              text == vfadm("metrics", "--root", root).stdout, done, os.listdir(folder))
    check("--textfile: node_exporter may read it", os.stat(path).st_mode & 0o777 == 0o644)
    fails(["--textfile", "/nowhere/at/all/x.prom", "--root", root], 3, "/nowhere/at/all/x.prom: cannot be written: No such file or directory")


def ask(root, request, close=False):
    """One connection as the socket unit makes it: the program has it as standard input and output."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with subprocess.Popen([VFADM, "metrics", "--http", "--root", root], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE,
                              env=environment()) as process:
            theirs.close()
            for part in request:
                ours.sendall(part)
            if close:
                ours.shutdown(socket.SHUT_WR)
            ours.settimeout(60)
            answer = b"".join(iter(lambda: ours.recv(65536), b""))
            errors = process.stderr.read()
    head, _, body = answer.decode().partition("\r\n\r\n")
    return head.split("\r\n"), body, errors


def http(root):
    head, body, errors = ask(root, [b"GET /met", b"rics HTTP/1.1\r\nHost: x\r\n\r\n"])
    check("--http: the figures", head[0] == "HTTP/1.1 200 OK" and "Content-Length: %d" % len(body) in head and
          "Content-Type: text/plain; version=0.0.4; charset=utf-8" in head and "vfadm_pf_vfs_free{%s} 2" % PF in body and errors == b"",
          head, body, errors)
    length = [line for line in head if line.startswith("Content-Length")]
    head, body, _ = ask(root, [b"HEAD /metrics HTTP/1.1\r\n\r\n"])
    check("--http: HEAD has no body", head[0] == "HTTP/1.1 200 OK" and body == "" and length[0] in head, head, body)
    for request, status in ((b"GET /etc/passwd HTTP/1.1\r\n\r\n", "404 Not Found"), (b"POST / HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
                            (b"\x16\x03\x01\r\n\r\n", "400 Bad Request"), (b"a" * 20000, "400 Bad Request")):
        head, body, _ = ask(root, [request[:16384]])
        check("--http: %r: %s" % (request[:20], status), head[0] == "HTTP/1.1 " + status and body.endswith("ask for GET /metrics\n"), head, body)
    head, _, _ = ask(root, [b"GET / HTTP"], close=True)
    check("--http: who goes away is answered, too", head[0] == "HTTP/1.1 400 Bad Request", head)
    head, body, _ = ask(os.path.join(root, "none"), [b"GET / HTTP/1.1\r\n\r\n"])
    check("--http: what went wrong is said", head[0] == "HTTP/1.1 503 Service Unavailable" and "none" in body, head, body)


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = host(folder)
        ledger = os.path.join(folder, "no-ledger-yet")
        figures(root, ledger)
        check("looking makes no ledger", not os.path.exists(ledger))
        http(root)
        for name, run in (("damaged", damaged), ("text", textfile)):
            os.mkdir(os.path.join(folder, name), 0o700)
            run(root, os.path.join(folder, name))
    fails(["--textfile", "vfadm.prom"], 2,
          "--textfile: give a file by its whole path whose name ends in .prom, as node_exporter reads them")
    fails(["--textfile", "/tmp/vfadm.txt"], 2,
          "--textfile: give a file by its whole path whose name ends in .prom, as node_exporter reads them")
    fails(["--textfile", "/tmp/vfadm.prom", "--http"], 2, "--http, --textfile and --json: one at a time; see 'vfadm help metrics'")
    return finish()


sys.exit(main())
