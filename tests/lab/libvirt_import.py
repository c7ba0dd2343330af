"""What libvirt gave out by itself: shown, adopted, and kept by the hook; and what virt-install makes of vfadm's options."""
import re
import shlex
import xml.etree.ElementTree as ElementTree

from harness import PF
from libvirt_guests import define, stop

VF0, VF1 = "0000:01:10.0", "0000:01:10.2"
MAC, MAC1, MAC2 = "02:00:00:00:43:20", "02:00:00:00:43:21", "02:00:00:00:43:22"
NETWORK = f"<network><name>passthrough</name><forward mode='hostdev' managed='yes'><pf dev='{PF}'/></forward></network>"
VIRT_INSTALL = ("virt-install --connect test:///default --name x --memory 256 --disk none --import --osinfo generic --graphics none --print-xml "
                "--dry-run ")


def given(lab, *words):
    return {(one.get("guest") or "network " + one["network"], one.get("address")): one
            for one in lab.vfadm("import", "--json", *words).json()["given"]}


def by_hand(lab):
    """guests and a network made with virsh, one of them from 'vfadm xml', are shown: given out, in conflict, not adopted"""
    lab.sh(f"ip link set {PF} up")
    lab.vfadm("disable", PF)
    lab.vfadm("enable", PF, "3")
    for name, mac in (("web3", MAC), ("db3", MAC1)):
        define(lab, name, name)
        lab.sh(f"vfadm xml {VF0} mac={mac} vlan=42 >/root/vf.xml; virsh attach-device {name} /root/vf.xml --config")
    lab.run("sh", "-c", "cat >/root/net.xml", input=NETWORK)
    lab.sh("virsh net-define /root/net.xml; virsh net-start passthrough")
    seen = given(lab)
    assert seen["libvirt:web3", VF0]["why"] == "libvirt:db3 is defined with it (shut off)", seen
    lab.sh("virsh start web3")
    seen = given(lab)
    web, other, network = seen["libvirt:web3", VF0], seen["libvirt:db3", VF0], seen["network passthrough", None]
    assert (web["live"], web["config"], web["mac"], web["vlan"], web["state"]) == (True, True, MAC, 42, "not-adopted"), web
    assert (other["live"], other["state"], other["why"]) == (False, "conflict", "libvirt:web3 has it"), other
    assert (network["pf"], network["active"], network["state"], len(network["addresses"])) == (PF, True, "not-adopted", 3), network
    lab.vfadm("import", "libvirt:nobody", status=3, says="no guest and no network")
    with lab.unchanged():
        lab.vfadm("import", "--adopt", "--dry-run", says="free → leased to libvirt:web3")


def adopted(lab):
    """import --adopt: a lease, a pool and a hold, and nothing else changes; once more does nothing"""
    # A hold is a port of the network, and the network counts them.
    show = f"virsh dumpxml web3; virsh net-dumpxml passthrough | sed \"s/ connections='[0-9]*'//\"; ip link show {PF}"
    before = lab.sh(show)
    lab.vfadm("import", "libvirt:db3", "--adopt", status=5, says="cannot be adopted: libvirt:web3 has it")
    lab.vfadm("import", "--adopt", says="is not adopted: libvirt:web3 has it")
    assert lab.sh(show) == before
    assert [(lease["guest"], lease["address"], lease["scope"]) for lease in lab.leases()] == [("libvirt:web3", VF0, "live+config")]
    lab.vfadm("import", "--adopt", says="it is so already")
    assert given(lab)["network passthrough", None]["state"] == "adopted"
    pool, = lab.vfadm("pool", "list", "--json").json()["pools"]
    assert (pool["name"], pool["started"], pool["libvirt"], pool["free"]) == ("passthrough", True, True, 2), pool
    lab.vfadm("recover", says="nothing to recover")


def guarded(lab):
    """the hook: libvirt starts no guest with the other one's device, though that is off, and says whose it is"""
    lab.sh("virsh destroy web3")
    refused = lab.run("virsh", "start", "db3")
    assert refused.status == 1 and f"vfadm: {VF0} is leased to libvirt:web3 (lease " in refused.err, str(refused)
    lab.sh("virsh start web3 && virsh destroy web3")
    lab.vfadm("detach", "libvirt:web3", VF0)
    assert lab.leases() == []
    lab.sh("virsh start db3")


def by_its_pool(lab):
    """a guest made by virt-install with vfadm's options has a VF of the pool, and pool and network know it"""
    lab.sh("virsh destroy db3")
    options = lab.vfadm("virt-install-args", "--from", "passthrough", f"mac={MAC2}").out.strip()
    lab.sh("virt-install --connect qemu:///system --name vi3 --memory 256 --disk none --import --osinfo generic --graphics none "
           "--noautoconsole --machine q35 " + options)
    seen = [one for (guest, address), one in given(lab).items() if guest == "libvirt:vi3" and address]
    assert [(one["mac"], one["network"], one["state"]) for one in seen] == [(MAC2, "passthrough", "adopted")], seen
    lab.vfadm("attach", "libvirt:web3", "--from", seen[0]["address"], "--dry-run", status=5, says="vi3")
    lab.sh("virsh destroy vi3; virsh undefine vi3")


def facts(element):
    """An element as text that does not depend on how numbers and attributes are written."""
    values = sorted((name, re.sub(r"^0x0*(?=.)", "", value)) for name, value in element.attrib.items())
    return element.tag, values, sorted((facts(child) for child in element), key=str)


def options(lab):
    """virt-install makes of 'vfadm virt-install-args' the element that 'vfadm xml' prints"""
    for what, words in ((f"{PF}/1", ["mac=" + MAC, "vlan=7", "teaming=ua-x"]), (VF1, ["mac=" + MAC, "managed=no"]), ("0000:00:02.0", [])):
        given_options = lab.vfadm("virt-install-args", "--from", what, *words).out.strip()
        made = ElementTree.fromstring(lab.sh(VIRT_INSTALL + ("" if words else "--network none ") + given_options))
        wanted = ElementTree.fromstring(lab.vfadm("xml", what, *words).out)
        found = made.find("devices/" + wanted.tag)
        assert facts(found) == facts(wanted), (shlex.split(given_options), ElementTree.tostring(found))


def cleaned(lab):
    """what was made is taken away again"""
    for name in ("web3", "db3"):
        stop(lab, name, name)
    lab.vfadm("pool", "delete", "passthrough")
    assert "passthrough" not in lab.sh("virsh net-list --all")
    lab.vfadm("disable", PF)
    assert lab.leases() == []


CASES = [by_hand, adopted, guarded, by_its_pool, options, cleaned]
