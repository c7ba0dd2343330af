"""Procedures 9.3, 9.5 and 9.6, a whole device that shares its IOMMU group with another: two conventional NICs behind a bridge,
of which the guest gets one and the host must let go of the other. By hand, then with vfadm."""
import xml.etree.ElementTree as Tree

from harness import DRIVERS, PF
from seeds import MAC, VF0, fresh_vfs
from seeds_guest import VLAN, Better, Guest, agree, flat, of_device, of_guest

NIC, OTHER = "0000:03:01.0", "0000:03:02.0"
NIC_NODEDEV, OTHER_NODEDEV = "pci_0000_03_01_0", "pci_0000_03_02_0"
NIC_MAC = "02:00:00:00:03:01"
SOURCE = "<source><address domain='0x0000' bus='0x03' slot='0x01' function='0x0'/></source>"
# libvirt finds no slot by itself for a conventional device in a running guest: the root port is named.
SLOT = "<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>"


def hostdev(managed, slot=""):
    return f"<hostdev mode='subsystem' type='pci' managed='{managed}'>{SOURCE}{slot}</hostdev>"


def guest1(lab):
    return Guest(lab, "guest1", 2)


def of_both(lab):
    return {f"{bdf}: {name}": value for bdf in (NIC, OTHER) for name, value in of_device(lab, bdf).items()}


def had(guest):
    guest.await_nics(1)
    return {**guest.inside(ping=False), **of_both(guest.lab), **of_guest(guest)}


def identifies(lab):
    """9.3, 9.5: lspci, nodedev-list and nodedev-dumpxml name the device and its group's members, as sysfs and vfadm do"""
    assert "03:01.0 Ethernet controller" in lab.sh("lspci | grep Ethernet")
    assert NIC_NODEDEV in lab.sh("virsh nodedev-list --cap pci").split()
    node = Tree.fromstring(lab.sh(f"virsh nodedev-dumpxml {NIC_NODEDEV}"))
    members = [f"{int(a.get('domain'), 16):04x}:{int(a.get('bus'), 16):02x}:{int(a.get('slot'), 16):02x}.{int(a.get('function'), 16)}"
               for a in node.find("capability/iommuGroup")]
    assert sorted(members) == lab.sh(f"ls {DRIVERS}/{NIC}/iommu_group/devices/").split() and {NIC, OTHER} <= set(members), members
    shown = lab.vfadm("show", NIC_NODEDEV, "--json").json()
    assert [member["address"] for member in shown["group_members"]] == sorted(members), shown


def refuses_half_a_group(lab):
    """9.3's note: while the host holds the other member, libvirt's start fails late in QEMU; vfadm refuses first and names it"""
    guest = guest1(lab)
    guest.define()
    guest.edit(hostdev("yes"))
    started = lab.run("virsh", "start", guest.name)
    assert started.status == 1 and "is not viable" in started.err, str(started)
    guest.detach(hostdev("yes"), "--config")
    with lab.unchanged():
        lab.vfadm("attach", guest.name, "--from", NIC, status=4, says=OTHER)
    guest.remove()


def assigns(lab):
    """9.3, 9.6: the definition gets the device, its companion is detached, start; detach-device, and both are the host's again"""
    guest = guest1(lab)
    before = of_both(lab)
    guest.define()
    lab.sh(f"virsh nodedev-detach {OTHER_NODEDEV}")
    guest.edit(hostdev("yes"))
    guest.start()
    by_hand = had(guest)
    assert by_hand["guest: driver"] == "e1000" and by_hand["guest: mac"] == NIC_MAC, by_hand
    guest.shut_down()
    guest.detach(hostdev("yes"), "--config")
    lab.sh(f"virsh nodedev-reattach {OTHER_NODEDEV}")
    assert of_both(lab) == before and not guest.element(live=False)
    guest.remove()

    guest.define()
    lab.vfadm("bind", OTHER_NODEDEV, "vfio", "--with-group")
    lab.vfadm("attach", guest.name, "--from", NIC_NODEDEV)
    guest.start()
    name = "by its name the device is found again, also when it has moved"
    agree(by_hand, had(guest), Better("live: hostdev/alias@name", "hostdev0", "ua-vfadm-.*", name),
          Better("definition: hostdev/alias@name", None, "ua-vfadm-.*", name),
          Better("definition: hostdev/driver@name", None, "vfio", "the definition says what libvirt says of the live one only"))
    guest.shut_down()
    lab.vfadm("detach", guest.name, NIC)
    lab.vfadm("unbind", NIC, OTHER)
    assert of_both(lab) == before and not guest.element(live=False) and lab.leases() == []
    guest.remove()  # libvirt leaves the bridge in the definition that it had put there for a conventional device


def unmanaged(lab):
    """9.6 without managed: attach-device and detach-device between nodedev-detach and nodedev-reattach, and managed=no"""
    guest = guest1(lab)
    before = of_both(lab)
    lab.sh(f"virsh nodedev-detach {NIC_NODEDEV}; virsh nodedev-detach {OTHER_NODEDEV}")
    device = hostdev("no", SLOT)
    guest.attach(device)
    by_hand = had(guest)
    guest.detach(device)
    guest.await_nics(0)
    assert lab.driver(NIC) == "vfio-pci"
    lab.sh(f"virsh nodedev-reattach {NIC_NODEDEV}; virsh nodedev-reattach {OTHER_NODEDEV}")
    assert of_both(lab) == before

    lab.vfadm("bind", OTHER, "vfio", "--with-group")
    lab.vfadm("attach", guest.name, "--from", NIC, "managed=no")
    agree(by_hand, had(guest), Better("live: hostdev/alias@name", "hostdev0", "ua-vfadm-.*", "by its name the device is found again"))
    lab.vfadm("detach", guest.name, NIC)
    lab.vfadm("unbind", NIC, OTHER)
    guest.await_nics(0)
    assert of_both(lab) == before and lab.leases() == []


def managed_live(lab):
    """9.3 step 4's other way, 9.6: attach-device into the running guest and detach-device, managed"""
    guest = guest1(lab)
    before = of_both(lab)
    guest.define()
    guest.start()
    lab.sh(f"virsh nodedev-detach {OTHER_NODEDEV}")
    device = hostdev("yes", SLOT)
    guest.attach(device)
    by_hand = had(guest)
    guest.detach(device)
    guest.await_nics(0)
    # libvirt gives it back when QEMU has told it, which may be later than the guest tells us.
    lab.sh(f"timeout 60 sh -c 'until [ -e /sys/bus/pci/drivers/e1000/{NIC} ]; do sleep 0.1; done'")
    lab.sh(f"virsh nodedev-reattach {OTHER_NODEDEV}")
    assert of_both(lab) == before

    lab.vfadm("bind", OTHER, "vfio", "--with-group")
    lab.vfadm("attach", guest.name, "--from", NIC)
    agree(by_hand, had(guest), Better("live: hostdev/alias@name", "hostdev0", "ua-vfadm-.*", "by its name the device is found again"))
    lab.vfadm("detach", guest.name, NIC)
    lab.vfadm("unbind", NIC, OTHER)
    guest.await_nics(0)
    assert of_both(lab) == before and lab.leases() == []


def whole_group(lab):
    """with all it must bring along: both NICs of the group into the running guest by one verb, and back by one"""
    guest = guest1(lab)
    before = of_both(lab)
    lab.vfadm("attach", guest.name, "--from", NIC, status=4, says="--with-group")
    lab.vfadm("attach", guest.name, "--from", NIC, "--with-group")
    guest.await_nics(2)
    assert sorted(lease["address"] for lease in lab.leases()) == [NIC, OTHER], lab.leases()
    lab.vfadm("detach", guest.name, OTHER, status=5, says="--with-group")
    lab.vfadm("detach", guest.name, NIC, "--with-group")
    guest.await_nics(0)
    assert of_both(lab) == before and lab.leases() == []
    guest.remove()


INSTALL = "virt-install --name guest2 --memory 256 --import --disk none --osinfo detect=off,require=off --graphics none --print-xml"


def installed(lab, options):
    """The devices of the domain that virt-install would define; numbers as numbers, since it prints them as it was given them."""
    devices = Tree.fromstring(lab.sh(f"{INSTALL} {options}")).find("devices")
    return {f"{kind}: {name}": int(value, 0) if "/source/address@" in name and value != "pci" else value
            for kind in ("hostdev", "interface") for name, value in flat(devices.find(kind)).items()}


def virt_install(lab):
    """9.5: virt-install --host-device and --network with the options that vfadm prints make the same devices"""
    fresh_vfs(lab)
    by_hand = installed(lab, f"--host-device {NIC_NODEDEV} --network type=hostdev,source.address.type=pci,source.address.domain=0,"
                             f"source.address.bus=1,source.address.slot={VF0.slot},source.address.function={VF0.function},mac.address={MAC},"
                             f"xpath0.set=./@managed=yes,xpath1.set=./vlan/tag/@id={VLAN}")
    options = [lab.vfadm("virt-install-args", "--from", *device).out.strip() for device in ((NIC,), (f"{PF}/0", f"mac={MAC}", f"vlan={VLAN}"))]
    agree(by_hand, installed(lab, " ".join(options)),
          Better("interface: interface/model@type", "e1000", None, "a VF is what it is: virt-install's model for an unknown guest means nothing"),
          *[Better(f"{kind}: {kind}/{fact}", None, value, why) for kind in ("hostdev", "interface")
            for fact, value, why in (("alias@name", "ua-vfadm-.*", "by its name vfadm finds it again"), ("driver@name", "vfio", "says what it will be"))])
    lab.vfadm("disable", PF, "--disrupt")


CASES = [identifies, refuses_half_a_group, assigns, managed_live, unmanaged, whole_group, virt_install]
