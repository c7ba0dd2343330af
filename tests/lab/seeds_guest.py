"""What the seeds' procedures are judged by: a libvirt guest, what it and its host say of a device, and two ways compared."""
import collections
import re
import xml.etree.ElementTree as Tree

from domain import domain
from harness import DRIVERS, GUEST

STATE = "/run/vflab"
PEER = "10.9.0.1"
VLAN = "42"
NEW_DEVICE = "/tmp/new-device.xml"


class Vf:
    """A VF of the first card, as each program names it."""

    def __init__(self, index):
        self.index = index
        self.slot, self.function = 0x10 + index // 4, index % 4 * 2
        self.bdf = f"0000:01:{self.slot:02x}.{self.function}"
        self.nodedev = "pci_" + re.sub("[:.]", "_", self.bdf)
        self.address = f"<address type='pci' domain='0x0000' bus='0x01' slot='0x{self.slot:02x}' function='0x{self.function}'/>"

    def interface(self, mac=None, vlan=None):
        """The XML of the texts' /tmp/new-interface.xml."""
        return (f"<interface type='hostdev' managed='yes'><source>{self.address}</source>"
                + (f"<mac address='{mac}'/>" if mac else "") + (f"<vlan><tag id='{vlan}'/></vlan>" if vlan else "") + "</interface>")


class Guest:
    """A guest that libvirt defines; the lab's own guest scripts find its console where they look for it."""

    def __init__(self, lab, name, number):
        self.lab = lab
        self.name = name
        self.address = f"10.9.0.{number}"
        self.uuid = f"76666c61-6200-4000-8000-0000000000{number:02d}"
        self.state = f"{STATE}/{name}"

    def define(self):
        self.with_input(f"mkdir -p {self.state}; chmod 777 {self.state}; cat >/tmp/domain.xml; virsh define /tmp/domain.xml",
                        domain(self.name, self.state, self.address, self.uuid))

    def start(self):
        self.lab.sh(f"virsh start {self.name}")
        self.lab.await_guest(self.name, "^GUEST ready")

    def await_nics(self, count):
        """The guest has made so many NICs its own and not lost them."""
        log = f"{self.state}/console.log"
        self.lab.sh(f"timeout 120 sh -c 'until [ $(grep -a -c \"^GUEST nic=.* ready\" {log}) = "
                    f"$(($(grep -a -c \"^GUEST nic=.* gone\" {log}) + {count})) ]; do sleep 0.2; done' || {{ cat {log} >&2; exit 1; }}")

    def shut_down(self):
        """virsh shutdown, and what a guest that heeds the power button does then (ours has nobody who watches it)."""
        self.lab.sh(f"virsh shutdown {self.name}; {GUEST}/ask {self.name} poweroff >/dev/null; "
                    f"timeout 60 sh -c 'until virsh domstate {self.name} | grep -q \"shut off\"; do sleep 0.1; done'", timeout=120)

    def remove(self):
        self.lab.run("virsh", "destroy", self.name)
        self.lab.run("virsh", "undefine", self.name)
        self.lab.sh(f"rm -rf {self.state}")

    def edit(self, device):
        """virsh edit: an editor that puts a device's element into the definition."""
        self.with_input(f"cat >{NEW_DEVICE}; echo >>{NEW_DEVICE}; printf '#!/bin/sh\nsed -i \"/<devices>/r {NEW_DEVICE}\" $1\n' >/root/editor; "
                        f"chmod +x /root/editor; EDITOR=/root/editor virsh edit {self.name}", device)

    def attach(self, device, *options, status=0, says=""):
        self.with_input(f"cat >{NEW_DEVICE}; virsh attach-device {self.name} {NEW_DEVICE} {' '.join(options)}", device, status, says)

    def detach(self, device, *options, status=0, says=""):
        self.with_input(f"cat >{NEW_DEVICE}; virsh detach-device {self.name} {NEW_DEVICE} {' '.join(options)}", device, status, says)

    def with_input(self, script, text, status=0, says=""):
        """A script that is given a text; in it, all but the last command must succeed."""
        result = self.lab.run("sh", "-ec", script, input=text)
        assert result.status == status and says in result.err, str(result)

    # --- what it is

    def elements(self):
        """The elements of its live XML and of its definition that give it something of the host: {} where there is none, or
        each attribute and text by its path. At most one is expected in each."""
        found = {}
        xml = self.lab.sh(f"virsh dumpxml {self.name}; echo; echo --; virsh dumpxml --inactive {self.name}")
        for place, text in zip(("live", "definition"), xml.split("\n--\n")):
            elements = [child for child in Tree.fromstring(text.strip()).find("devices")
                        if child.tag == "hostdev" or (child.tag == "interface" and child.get("type") in ("hostdev", "network"))]
            assert len(elements) <= 1, text
            found[place] = flat(elements[0]) if elements else {}
        return found

    def element(self, live):
        return self.elements()["live" if live else "definition"]

    def inside(self, ping=True):
        """What the guest itself says: of its NIC, and of the peer on the wire."""
        said = self.lab.sh(f"{GUEST}/ask {self.name} report" + (f"; {GUEST}/ask {self.name} ping {PEER}" if ping else ""), timeout=300)
        nics = re.findall(r"^GUEST nic=\S+ (driver=.*)$", said, re.MULTILINE)
        facts = {"guest: its NICs": len(nics)}
        for nic in nics[:1]:
            facts.update({f"guest: {key}": value for key, value in (word.split("=", 1) for word in nic.split())})
        if ping and nics:
            facts["guest: ping"] = re.search(r"^GUEST ping=\S+ (\S+)$", said, re.MULTILINE)[1]
            facts["guest: VLAN tags seen"] = re.search(r"vlan-inside=(\S+)", said)[1]
        return facts


def flat(element, path=""):
    """An element as {path@attribute: value}; what a path holds twice is held as one text."""
    path += ("/" if path else "") + element.tag
    facts = {f"{path}@{name}": value for name, value in element.attrib.items()}
    if (element.text or "").strip():
        facts[path] = element.text.strip()
    if not facts:
        facts[path] = "there"
    for child in element:
        for name, value in flat(child, path).items():
            facts[name] = f"{facts[name]} {value}" if name in facts else value
    return facts


def of_device(lab, bdf):
    """What sysfs says of a function."""
    driver, override, group = lab.sh(f"cd {DRIVERS}/{bdf}; basename $(readlink driver || echo none); cat driver_override; "
                                     "echo $(ls iommu_group/devices)").splitlines()
    return {"sysfs: driver": driver, "sysfs: driver_override": override, "sysfs: IOMMU group": group}


def of_vf(lab, vf):
    """What sysfs and the PF say of a VF."""
    return {**of_device(lab, vf.bdf), "ip link": lab.vf_line(vf.index)}


def of_guest(guest, live=True):
    """What libvirt says of the one device of a guest that runs, or only of its definition's."""
    return {f"{place}: {name}": value for place, facts in guest.elements().items() if live or place == "definition"
            for name, value in facts.items()}


def nameless(facts, vf, mac):
    """The facts without what is a VF's own, so that those of two VFs can be compared."""
    own = {fact: "the VF's" for fact, value in facts.items() if fact.endswith("source/address@function") and value == f"0x{vf.function}"}
    words = {fact: value.replace(vf.bdf, "the VF").replace(mac, "the MAC") if isinstance(value, str) else value for fact, value in facts.items()}
    return {**words, **own}


# A fact in which vfadm differs from what libvirt alone does, what each gives (regular expressions; None: there is no such
# fact), and why that is better.
Better = collections.namedtuple("Better", "fact by_hand by_vfadm why")


def fits(pattern, value):
    return value is None if pattern is None else value is not None and re.fullmatch(pattern, str(value)) is not None


def agree(by_hand, by_vfadm, *better):
    """Both ways came to the same, but for what is named as better; and what is named is so."""
    rows = {row.fact: row for row in better}
    wrong = [f"no such fact: {fact}" for fact in rows if fact not in by_hand and fact not in by_vfadm]
    for fact in sorted({*by_hand, *by_vfadm}):
        pair = by_hand.get(fact), by_vfadm.get(fact)
        row = rows.get(fact)
        if row and not (fits(row.by_hand, pair[0]) and fits(row.by_vfadm, pair[1])):
            wrong.append(f"{fact}: {row.by_hand!r} and {row.by_vfadm!r} were expected, by hand {pair[0]!r}, by vfadm {pair[1]!r}")
        elif row:
            print(f"# better: {fact}: by hand {pair[0]!r}, by vfadm {pair[1]!r}: {row.why}")
        elif pair[0] != pair[1]:
            wrong.append(f"{fact}: by hand {pair[0]!r}, by vfadm {pair[1]!r}")
    assert not wrong, "\n".join(wrong)
