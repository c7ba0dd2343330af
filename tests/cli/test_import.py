#!/usr/bin/env python3
"""`vfadm import` of files, on hosts that are not here: what is found, what would be written, and what is refused. Prints TAP."""
import json
import os
import sys
import tempfile

import hosts
from program import check, finish, vfadm

FILES = {
    "etc/udev/rules.d/70-vfs.rules": "# the card in slot 3\nACTION==\"add\", SUBSYSTEM==\"net\", KERNEL==\"enp1s0\", \\\n"
                                     "  ATTR{device/sriov_numvfs}=\"3\"\n",
    "etc/modprobe.d/igb.conf": "options igb max_vfs=3 debug=1\n",
    "etc/systemd/network/10-lan.network": "[Match]\nName=enp1s0\n\n[SR-IOV]\nVirtualFunction=0\nVLANId=42\nTrust=yes\n",
    "etc/driverctl.d/pci-0000:01:10.2": "vfio-pci\n",
    "etc/NetworkManager/system-connections/lan.nmconnection":
        "[connection]\ninterface-name=enp1s0\n\n[sriov]\ntotal-vfs=3\nvf.2=mac=02:00:00:00:42:02 spoof-check=false\n",
    "etc/rc.local": "echo 3 > /sys/class/net/enp1s0/device/sriov_numvfs\n",
}

LIST = """\
FILE PF SETS CONFIGURATION
/etc/modprobe.d/igb.conf:1 enp1s0 VFs=3 not said yet
/etc/udev/rules.d/70-vfs.rules:2 enp1s0 VFs=3 not said yet
/etc/NetworkManager/system-connections/lan.nmconnection:4 enp1s0 VFs=3; VF 2: mac=02:00:00:00:42:02 spoofchk=off not said yet
/etc/systemd/network/10-lan.network:4 enp1s0 VF 0: vlan=42 trust=on not said yet
/etc/rc.local:1 enp1s0 VFs=3 not said yet
/etc/driverctl.d/pci-0000:01:10.2:1 enp1s0 Driver=vfio-pci not said yet
"""

DIFF = """\
--- /dev/null
+++ /etc/vfadm/imported-enp1s0.conf
@@ -0,0 +1,17 @@
+# enp1s0 at 0000:01:00.0, driver igb, when this was written
+[Match]
+Path=pci0000:00/0000:00:02.0/0000:01:00.0
+
+[PF]
+VFs=3
+
+[VF 0]
+VLAN=42
+Trust=on
+
+[VF 1]
+Driver=vfio-pci
+
+[VF 2]
+MACAddress=02:00:00:00:42:02
+SpoofCheck=off
"""


def put(host, path, text):
    path = os.path.join(host, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def fails(words, status, message):
    done = vfadm(*words)
    check("vfadm %s: %s" % (" ".join(words), message),
          done.returncode == status and done.stdout == "" and message in done.stderr, done)


def main():
    with tempfile.TemporaryDirectory() as folder:
        host = os.path.join(folder, "host")
        hosts.HOSTS["igb"](host)
        done = vfadm("import", "--root", host)
        check("nothing to find", done.returncode == 0 and done.stdout == "" and "no file that was read makes VFs at boot" in done.stderr, done)
        for path, text in FILES.items():
            put(host, path, text)
        os.makedirs(os.path.join(host, "run/systemd/netif"))

        done = vfadm("import", "--root", host)
        check("each with its line and what it sets", [line.split() for line in done.stdout.splitlines()] ==
              [line.split() for line in LIST.splitlines()], done.stdout, done.stderr)
        check("what can be done about it", "6 not said yet: 'vfadm import --config'" in done.stderr, done.stderr)
        files = json.loads(vfadm("import", "--root", host, "--json").stdout)["files"]
        check("as JSON", [(one["path"], one["line"], one["state"]) for one in files if one["kind"] == "udev rule"] ==
              [("etc/udev/rules.d/70-vfs.rules", 2, "not-said")] and files[3]["sets"][0]["state"]["vlan"] == 42, files)

        done = vfadm("import", "--root", host, "--config", "--dry-run")
        check("one file for the PF", done.returncode == 0 and done.stdout.startswith(DIFF), done)
        check("and no other is touched", done.stdout.count("+++ ") == 1, done.stdout)
        done = vfadm("import", "--root", host, "--config", "--retire", "--dry-run")
        check("--retire while nothing would make the VFs at boot", done.returncode == 4 and "systemctl enable vfadm-apply.service" in done.stderr, done)
        wants = "etc/systemd/system/multi-user.target.wants/"
        put(host, wants + "vfadm-apply.service", "")
        done = vfadm("import", "--root", host, "--config", "--retire", "--dry-run")
        check("--retire takes the rest out of its files", done.returncode == 0 and done.stdout.startswith(DIFF) and all(
            part in done.stdout for part in (
                "\n+#vfadm-retired: options igb max_vfs=3 debug=1\n+options igb debug=1\n",
                "\n # the card in slot 3\n-ACTION==", "\n+#vfadm-retired:   ATTR{device/sriov_numvfs}=\"3\"\n",
                "\n+#vfadm-retired: VirtualFunction=0\n", "\n+#vfadm-retired: vf.2=mac=02:00:00:00:42:02 spoof-check=false\n",
                "\n+++ /etc/driverctl.d/pci-0000:01:10.2.vfadm-retired\n", "\n--- /etc/driverctl.d/pci-0000:01:10.2\n+++ /dev/null\n",
                "\nnote: /etc/rc.local is not retired: a boot script is left to you\n")), done)

        text = "\n".join(line[1:] for line in DIFF.splitlines()[3:]) + "\n"
        put(host, "etc/vfadm/imported-enp1s0.conf", text)
        check("what is written is configuration", vfadm("check", "--root", host).returncode == 0, vfadm("check", "--root", host))
        done = vfadm("import", "--root", host)
        check("and is found again", done.stdout.count("said already") == 6, done.stdout)
        done = vfadm("import", "--root", host, "--config", "--dry-run")
        check("so that there is nothing to do", done.returncode == 0 and "import --config: nothing to do" in done.stdout, done)
        put(host, "etc/vfadm/imported-enp1s0.conf", text.replace("VFs=3", "VFs=4"))
        done = vfadm("import", "--root", host)
        check("something else is a conflict", done.stdout.count("in conflict: /etc/vfadm/imported-enp1s0.conf is about 0000:01:00.0, and does not") == 4,
              done.stdout)
        put(host, "etc/vfadm/imported-enp1s0.conf", "[PF]\n")
        fails(["import", "--root", host], 1, "/etc/vfadm/imported-enp1s0.conf, line 1: ")

        os.remove(os.path.join(host, "etc/vfadm/imported-enp1s0.conf"))
        fails(["import", "--root", host, "--config"], 2, "--root is for verbs that only read")
        fails(["import", "--retire"], 2, "--retire goes with --config")
        fails(["import", "--config", "--adopt"], 2, "say one of them")
        fails(["import", "--config", "web1"], 2, "--config takes no guest")
        fails(["import", "--dry-run"], 2, "--dry-run goes with --adopt and --config")
        fails(["import", "--yes"], 2, "--yes goes with --config")
    return finish()


sys.exit(main())
