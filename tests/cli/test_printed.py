#!/usr/bin/env python3
"""What 'vfadm xml' and 'vfadm virt-install-args' print of hosts that are not here, held to each other: virt-install would make of the
one what the other is. And 'vfadm import' where there is no libvirt. Prints TAP."""
import json
import os
import re
import shlex
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import hosts
from program import check, finish, vfadm

CONF = """[Pool fast]
PF=02:00:00:00:00:aa
Libvirt=yes
Autostart=yes
VLAN=7
Trust=on

[Pool range]
PF=02:00:00:00:00:aa
VFs=1-2
Libvirt=yes

[Pool plain]
PF=enp1s0
VFs=2
VLAN=9
"""

VF2 = """\
<interface type='hostdev' managed='yes'>
  <mac address='02:00:00:00:00:09'/>
  <vlan>
    <tag id='42'/>
  </vlan>
  <driver name='vfio'/>
  <source>
    <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x4'/>
  </source>
  <teaming type='transient' persistent='ua-backup'/>
  <alias name='ua-vfadm-0000-01-10_4'/>
</interface>
"""


def facts(element, path="."):
    """{("./vlan/tag", "id"): "42", …} of an element."""
    found = {(path, name): value for name, value in element.attrib.items()}
    for child in element:
        found.update(facts(child, "%s/%s" % (path, child.tag)))
    return found


def facts_of_options(line):
    """The same of what virt-install's options say, and the option's name."""
    option, words = shlex.split(line)
    found, places = {}, {}
    for word in words.split(","):
        key, _, value = word.partition("=")
        if key == "type":
            found[".", "type"] = value
        elif key == "mac":
            found["./mac", "address"] = value
        elif key.endswith(".set"):
            places[key[:-len(".set")]] = tuple(value.split("/@"))
        elif key.endswith(".value"):
            found[places[key[:-len(".value")]]] = value
        else:
            assert re.fullmatch(r"xpath\d+\.delete", key) and value == "./model", word
    return option, found


def fails(words, status, message):
    done = vfadm(*words)
    check("vfadm %s: %s" % (" ".join(words[:3]), message),
          done.returncode == status and done.stdout == "" and done.stderr == "vfadm: %s\n" % message, done.returncode, done.stdout, done.stderr)


def devices(host):
    done = vfadm("xml", "enp1s0/2", "mac=02:00:00:00:00:09", "vlan=42", "teaming=ua-backup", "--root", host)
    check("a VF's element", done.returncode == 0 and done.stdout == VF2 and done.stderr == "", done.stdout, done.stderr)
    check("the same by libvirt's name of it", vfadm("xml", "pci_0000_01_10_4", "mac=02:00:00:00:00:09", "vlan=42", "teaming=ua-backup", "--root",
                                                    host).stdout == VF2)
    data = json.loads(vfadm("xml", "enp1s0/2", "mac=02:00:00:00:00:09", "vlan=42", "teaming=ua-backup", "--root", host, "--json").stdout)
    check("the same as JSON", data == {"xml": VF2}, data)

    now = facts(ElementTree.fromstring(vfadm("xml", "enp1s0/1", "--root", host).stdout))
    check("without words, the MAC and VLAN that it has", now["./mac", "address"] == "02:00:00:00:00:01" and now["./vlan/tag", "id"] == "42", now)
    done = vfadm("xml", "enp1s0/0", "trust=on", "vlan=5.3", "managed=no", "--root", host)
    now = facts(ElementTree.fromstring(done.stdout))
    check("what libvirt's XML cannot say is told", "cannot say all of this: vlan=5.3 trust=on;" in done.stderr, done.stderr)
    check("managed=no", now[".", "managed"] == "no" and now["./vlan/tag", "id"] == "5" and ("./mac", "address") not in now, now)
    now = facts(ElementTree.fromstring(vfadm("xml", "enp1s0/0", "profile=blue \"&' sky", "--root", host).stdout))
    check("a port profile", now["./virtualport", "type"] == "802.1Qbh" and now["./virtualport/parameters", "profileid"] == "blue \"&' sky", now)
    now = facts(ElementTree.fromstring(vfadm("xml", "0000:00:03.0", "--root", host).stdout))
    check("any other function is a <hostdev>", now[".", "mode"] == "subsystem" and now["./source/address", "slot"] == "0x03", now)
    done = vfadm("xml", "enp1s0", "--root", host)
    check("a PF with VFs comes with a warning", done.returncode == 0 and "has 3 VFs, which vanish" in done.stderr, done.stderr)


def pools(host):
    fast, some = (ElementTree.fromstring(vfadm("xml", name, "--root", host).stdout) for name in ("fast", "pool:range"))
    check("the network of a whole PF", fast.tag == "network" and fast.findtext("name") == "fast" and
          fast.find("forward").attrib == {"mode": "hostdev", "managed": "yes"} and fast.find("forward/pf").attrib == {"dev": "enp1s0"} and
          fast.find("forward/address") is None)
    check("the network of some VFs", [at.attrib["function"] for at in some.findall("forward/address")] == ["0x2", "0x4"] and
          some.find("forward/pf") is None)
    fails(["xml", "fast", "vlan=1", "--root", host], 2, "'vlan=1': fast is a pool, whose network takes no words; name a guest or a device before them")


def options(host):
    for words, name in ((["--from", "enp1s0/2", "mac=02:00:00:00:00:09", "vlan=42", "teaming=ua-backup"], "--network"), (["--from", "0000:00:03.0"], "--hostdev")):
        element = vfadm("xml", words[1], *words[2:], "--root", host).stdout
        option, found = facts_of_options(vfadm("virt-install-args", *words, "--root", host).stdout)
        check("virt-install's options are the element of %s" % words[1], option == name and found == facts(ElementTree.fromstring(element)), found)
    done = vfadm("virt-install-args", "--root", host)
    check("any free VF", facts_of_options(done.stdout)[1]["./source/address", "function"] == "0x4", done.stdout, done.stderr)
    done = vfadm("virt-install-args", "--from", "fast", "--root", host)
    option, found = facts_of_options(done.stdout)
    check("a pool's network", option == "--network" and found == {(".", "type"): "network", ("./source", "network"): "fast", ("./vlan/tag", "id"): "7"}, found)
    check("and what it cannot say", "cannot say all of this: trust=on;" in done.stderr, done.stderr)
    done = vfadm("virt-install-args", "--from", "range", "--root", host)
    check("a pool that is not started", done.returncode == 0 and "'vfadm pool start range'" in done.stderr, done.stderr)
    data = json.loads(vfadm("virt-install-args", "--from", "pool:range", "vlan=8", "--json", "--root", host).stdout)
    found = facts_of_options(shlex.join(data["args"]))[1]
    check("as JSON, word by word", found["./vlan/tag", "id"] == "8" and found["./source", "network"] == "range", found)
    fails(["virt-install-args", "--from", "enp1s0/2", "profile=a,b", "--root", host], 6,
          "a name in it has characters that virt-install's options cannot carry; 'vfadm xml' prints the element")
    fails(["virt-install-args", "--from", "pool:none", "--root", host], 3, "there is no pool 'none'; 'vfadm pool list' shows those there are")
    fails(["virt-install-args", "--from", "enp1s0/2", "profile=a", "vlan=3", "--root", host], 2,
          "profile=a and vlan= cannot go together: a port profile brings its VLAN from the switch")


def nothing_there(host):
    fails(["import", "libvirt:web1", "--root", host], 6, "libvirt does not run here, or the package vfadm-libvirt is not installed: it has given out nothing")
    fails(["import", "--adopt", "--root", host], 2, "--root is for verbs that only read: a recorded host cannot be changed")
    fails(["xml", "libvirt:web1", "--root", host], 6, "libvirt:web1: a recorded host has no guest that could be asked; name a device or a pool")
    fails(["xml", "web1", "--from", "fast", "--root", host], 6, "web1: a recorded host has no guest that could be asked; name a device or a pool")
    fails(["xml", "nosuch", "--root", host], 3,
          "nosuch: no such device: give an address (0000:01:10.0), a network device (enp1s0) or its VF (enp1s0/3); 'vfadm list' shows them")


def main():
    with tempfile.TemporaryDirectory() as folder:
        host = os.path.join(folder, "host")
        hosts.HOSTS["igb"](host)
        os.makedirs(os.path.join(host, "etc/vfadm"))
        with open(os.path.join(host, "etc/vfadm/pools.conf"), "w", encoding="utf-8") as file:
            file.write(CONF)
        devices(host)
        pools(host)
        options(host)
        nothing_there(host)
    return finish()


sys.exit(main())
