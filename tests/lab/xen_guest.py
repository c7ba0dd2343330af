"""What the tests on dom0 are judged by: a domain of Xen, what it, xl and its host say of a device."""
import re

from harness import DRIVERS, GUEST
from seeds_guest import PEER

CONFIGURATIONS = "/etc/xen"
CONSOLES = "/var/log/xen/console"
PCIBACK = "/sys/bus/pci/drivers/pciback"
# Where vfadm's package has its modules.
MODULES = "/usr/lib/x86_64-linux-gnu/vfadm"


class Domain:
    """A domain by its file, which the lab's own script writes; `type`: pv or hvm."""

    def __init__(self, lab, name, number, type="pv"):
        self.lab = lab
        self.name = name
        self.ref = f"xen:{name}"
        self.address = f"10.9.0.{number}"
        self.type = type
        self.file = f"{CONFIGURATIONS}/{name}.cfg"
        self.log = f"{CONSOLES}/guest-{name}.log"

    def define(self, *lines, pci=()):
        """Its file anew, with these devices and further lines."""
        given = "".join(f" -p '{entry}'" for entry in pci)
        more = "".join(f' "{line}"' for line in lines)
        self.lab.sh(f"{GUEST}/start-xen -n -t {self.type} -a 'vflab.ip={self.address}/24 vflab.stay=1 sysrq_always_enabled'{given} {self.name}{more}")

    def create(self):
        """xl create, and its init has looked for NICs."""
        self.lab.sh(f": >{self.log}; xl create {self.file}", timeout=300)
        self.await_log("^GUEST ready")

    def await_log(self, pattern):
        self.lab.sh(f"timeout 240 sh -c 'until grep -a -q \"{pattern}\" {self.log}; do sleep 0.3; done' || "
                    f"{{ cat {self.log}; xl list; xl dmesg | tail -n 5; }} >&2; grep -a -q '{pattern}' {self.log}", timeout=300)

    def await_nics(self, count):
        """The guest has made so many NICs its own and not lost them."""
        self.lab.sh(f"timeout 120 sh -c 'until [ $(grep -a -c \"^GUEST nic=.* ready\" {self.log}) = "
                    f"$(($(grep -a -c \"^GUEST nic=.* gone\" {self.log}) + {count})) ]; do sleep 0.3; done' || {{ cat {self.log} >&2; exit 1; }}")

    def await_end(self):
        self.lab.sh(f"timeout 120 sh -c 'while xl domid {self.name} >/dev/null 2>&1; do sleep 0.3; done'")

    def destroy(self):
        """Ends it, where it runs, and waits until xl knows its name no more."""
        self.lab.run("xl", "destroy", self.name)
        self.await_end()

    def remove(self):
        self.destroy()
        self.lab.sh(f"rm -f {self.file} {self.log}")

    # --- what it is

    def devices(self):
        """The host's functions that the running domain has, by xl pci-list."""
        return [line.split()[1] for line in self.lab.sh(f"xl pci-list {self.name}").splitlines()[1:]]

    def options(self):
        """What xenstore has of its one device: opts-0 as {name: value}."""
        domain = self.lab.sh(f"xl domid {self.name}")
        words = self.lab.sh(f"xenstore-read /local/domain/0/backend/pci/{domain}/0/opts-0").split(",")
        return dict(word.split("=", 1) for word in words)

    def text(self):
        return self.lab.sh(f"cat {self.file}")

    def inside(self, ping=True):
        """What the guest itself says: of its NIC, and of the peer on the wire."""
        # Asked again: on a processor that is emulated and shared its own half a minute may pass without an answer.
        pings = f"""; for n in 1 2 3; do said=$({GUEST}/ask-xen {self.name} ping {PEER} || true); case $said in *" ok"*) break ;; esac; done; echo "$said" """
        said = self.lab.sh(f"{GUEST}/ask-xen {self.name} report" + (pings if ping else ""), timeout=300)
        nics = re.findall(r"^GUEST nic=\S+ (driver=.*)$", said, re.MULTILINE)
        facts = {"guest: its NICs": len(nics)}
        for nic in nics[:1]:
            facts.update({f"guest: {key}": value for key, value in (word.split("=", 1) for word in nic.split())})
        if ping and nics:
            facts["guest: ping"] = re.search(r"^GUEST ping=\S+ (\S+)$", said, re.MULTILINE)[1]
            facts["guest: VLAN tags seen"] = re.search(r"vlan-inside=(\S+)", said)[1]
        return facts


def assignable(lab):
    """xl pci-assignable-list: what is on pciback and nobody's."""
    return lab.sh("xl pci-assignable-list").split()


def of_function(lab, vf):
    """What sysfs, xl and the PF say of a VF."""
    driver, override, permissive = lab.sh(
        f"cd {DRIVERS}/{vf.bdf}; basename $(readlink driver || echo none); cat driver_override; "
        f"cat {PCIBACK}/permissive 2>/dev/null | grep -c {vf.bdf} || true").splitlines()
    return {"sysfs: driver": driver, "sysfs: driver_override": override, "sysfs: permissive": permissive,
            "xl: assignable": vf.bdf in assignable(lab), "ip link": lab.vf_line(vf.index)}


def of_domain(domain):
    """What xl and xenstore say of the running domain's devices."""
    devices = domain.devices()
    facts = {"xl: its devices": " ".join(devices)}
    if devices:
        facts.update({f"xenstore: {name}": value for name, value in domain.options().items()})
    return facts


def had(domain, vf, nics=1):
    """All that is said of a VF that a running domain has."""
    domain.await_nics(nics)
    return {**domain.inside(), **of_function(domain.lab, vf), **of_domain(domain)}
