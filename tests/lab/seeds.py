"""The procedures of Red Hat's virtualization guides that give an SR-IOV device to a libvirt guest, step for step: once by hand
with the guides' own commands, once with vfadm, and both compared. Numbers are the guides' ("Procedure 16.8"; the older
edition's 13.1, 9.8 and 9.9 are the same with fewer words). Those with a whole device are in seeds_whole.py, those with a pool
in seeds_pool.py, reboots in seeds_reboot.py."""
import re
import xml.etree.ElementTree as Tree

from harness import BDF, PF
from seeds_guest import PEER, VLAN, Better, Guest, Vf, agree, flat, nameless, of_guest, of_vf

MAC = "52:54:00:6d:90:02"
OUR_MAC = "52:54:00:6d:90:03"
RULE = f"/etc/udev/rules.d/{PF}.rules"
VF0, VF1 = Vf(0), Vf(1)

ALIAS = Better("live: interface/alias@name", "hostdev0", "ua-vfadm-.*", "by its name the device is found again, also when it has moved")
DEFINED_ALIAS = Better("definition: interface/alias@name", None, "ua-vfadm-.*", "the same name in the definition")
DEFINED_DRIVER = Better("definition: interface/driver@name", None, "vfio", "the definition says what libvirt says of the live one only")


def fresh_vfs(lab, count=2):
    """VFs as the text makes them, by sriov_numvfs, none of them with a past; and the PF up, without which libvirt gives none."""
    lab.sh(f"cd /sys/class/net/{PF}/device; echo 0 >sriov_numvfs; ip link set {PF} up; echo {count} >sriov_numvfs; udevadm settle; "
           f"timeout 20 sh -c 'until [ $(ls -d /sys/bus/pci/drivers/igbvf/0000:* | wc -l) = {count} ]; do sleep 0.1; done'")


def peer_up(lab, vlan=VLAN):
    """The peer on the wire has its address on the texts' VLAN, 42, or untagged."""
    lab.sh("ip link delete wire0.42 2>/dev/null || true; ip address flush dev wire0; ip link set wire0 up")
    if vlan:
        lab.sh(f"ip link add link wire0 name wire0.42 type vlan id {vlan}; ip link set wire0.42 up")
    lab.sh(f"ip address add {PEER}/24 dev {'wire0.42' if vlan else 'wire0'}")


def my_guest(lab):
    return Guest(lab, "MyGuest", 2)


def our_guest(lab):
    return Guest(lab, "OurGuest", 3)


# --- 16.8 steps 2 to 7, 13.1 steps 2 to 8: virtual functions

def of_vfs(lab, count):
    """What lspci, virsh, ip and sysfs say of a number of VFs."""
    facts = {"lspci": lab.sh("lspci | grep 82576"), "virsh nodedev-list": lab.sh("virsh nodedev-list --cap pci | grep _01_")}
    for index in range(count):
        facts |= {f"VF {index}: {name}": value for name, value in of_vf(lab, Vf(index)).items()}
    for name in ("pci_0000_01_00_0", VF0.nodedev):
        facts |= {f"{name}: {key}": value for key, value in flat(Tree.fromstring(lab.sh(f"virsh nodedev-dumpxml {name}"))).items()}
    return facts


def activates(lab):
    """16.8, 13.1: VFs on; lspci, nodedev-list and nodedev-dumpxml tell the same of them"""
    assert re.search(r"^01:00\.0 .*82576 Gigabit Network Connection", lab.sh("lspci"), re.MULTILINE)
    fresh_vfs(lab)
    by_hand = of_vfs(lab, 2)
    assert by_hand["lspci"].count("Virtual Function") == 2, by_hand["lspci"]
    for name in ("pci_0000_01_00_0", VF0.nodedev):
        assert lab.sh(f"virsh nodedev-dumpxml {name}").strip() == lab.vfadm("show", "--xml", name).out.strip()
    lab.sh(f"echo 0 >/sys/class/net/{PF}/device/sriov_numvfs")
    lab.vfadm("enable", PF, "2")
    why = "no NIC of the host appears that something could configure"
    agree(by_hand, of_vfs(lab, 2), Better(f"{VF0.nodedev}: device/driver/name", "igbvf", None, why),
          Better(f"{VF0.nodedev}: device/driver", "there", None, why),
          *[Better(f"VF {index}: sysfs: driver", "igbvf", "none", why) for index in range(2)],
          *[Better(f"VF {index}: ip link", "link/ether (?!00:00:00:00:00:00).*", "link/ether 00:00:00:00:00:00 .*",
                   "and no driver of the host has made up a MAC") for index in range(2)])
    lab.vfadm("disable", PF)


def driver_starts(lab, first, count):
    """modprobe -r, modprobe, after something else; then the PF must have so many VFs, and its name."""
    lab.sh(f"{first}; modprobe -r igbvf igb; modprobe igb; timeout 60 sh -c 'until [ -e /sys/class/net/{PF} ] && "
           f"[ $(ls -d /sys/bus/pci/devices/{BDF}/virtfn* 2>/dev/null | wc -l) = {count} ]; do sleep 0.1; done'; udevadm settle")


def persists(lab):
    """16.8 step 5 (udev rule), 13.1 steps 4 and 5 (max_vfs, modprobe.d): VFs are there after the driver starts; vfadm sees them"""
    rule = 'ACTION=="add", SUBSYSTEM=="net", ENV{ID_NET_DRIVER}=="igb", ATTR{device/sriov_numvfs}="2"'
    for made, count in ((f"echo '{rule}' >{RULE}; udevadm control --reload", 2),
                        (f"rm {RULE}; udevadm control --reload; echo 'options igb max_vfs=7' >>/etc/modprobe.d/igb.conf", 7)):
        driver_starts(lab, made, count)
        listed = lab.vfadm("list", "--json").json()["devices"]
        assert [dev["address"] for dev in listed] == [BDF, *[Vf(index).bdf for index in range(count)]], listed
    driver_starts(lab, "rm /etc/modprobe.d/igb.conf", 0)


# --- 16.8 step 8, 13.1 step 9: attach-device

def refuses_live_when_off(lab):
    """16.8: --live on a guest that does not run is an error, by hand and with vfadm, and nothing changes"""
    fresh_vfs(lab)
    peer_up(lab)
    guest = my_guest(lab)
    guest.define()
    before = of_guest(guest, live=False), of_vf(lab, VF0)
    guest.attach(VF0.interface(MAC, VLAN), "--live", "--config", status=1, says="domain is not running")
    with lab.unchanged():
        for options in (("--live", "--config"), ("--live",)):
            lab.vfadm("attach", "MyGuest", "--from", VF0.bdf, f"mac={MAC}", f"vlan={VLAN}", *options, status=4, says="is not running")
    assert (of_guest(guest, live=False), of_vf(lab, VF0)) == before
    guest.start()


def had(guest, vf):
    """All that is said of a VF that a running guest has; a fact is named after who says it."""
    guest.await_nics(1)
    return {**guest.inside(), **of_vf(guest.lab, vf), **of_guest(guest)}


def given_back(guest, vf):
    guest.await_nics(0)
    # libvirt gives the VF to the host when QEMU has told it, which may be later than the guest tells us.
    guest.lab.sh(f"timeout 60 sh -c 'while virsh dumpxml {guest.name} | grep -q \"<driver name=.vfio\"; do sleep 0.1; done'")
    return {**guest.inside(ping=False), **of_vf(guest.lab, vf), **of_guest(guest)}


def attaches(lab):
    """16.8: attach-device --live --config, MAC and VLAN: the same in the guest, in its XML and on the host; and back"""
    guest = my_guest(lab)
    interface = VF0.interface(MAC, VLAN)
    before = of_vf(lab, VF0)
    guest.attach(interface, "--live", "--config")
    by_hand = had(guest, VF0)
    assert by_hand["guest: ping"] == "ok" and by_hand["guest: VLAN tags seen"] == "none" and by_hand["guest: mac"] == MAC, by_hand
    guest.detach(interface, "--live", "--config")
    assert given_back(guest, VF0) == {"guest: its NICs": 0, **before}

    lab.vfadm("attach", "MyGuest", "--from", VF0.bdf, f"mac={MAC}", f"vlan={VLAN}", "--live", "--config")
    agree(by_hand, had(guest, VF0), ALIAS, DEFINED_ALIAS, DEFINED_DRIVER)
    assert [(lease["guest"], lease["address"]) for lease in lab.leases()] == [("libvirt:MyGuest", VF0.bdf)], lab.leases()
    lab.vfadm("detach", "MyGuest", VF0.bdf, "--live", "--config")
    assert given_back(guest, VF0) == {"guest: its NICs": 0, **before}
    assert lab.leases() == []


def attaches_to_definition(lab):
    """13.1: attach-device --config alone: the running guest has nothing, its definition the VF and a MAC that nobody chose"""
    guest = my_guest(lab)
    bare = VF0.interface()
    guest.attach(bare, "--config")
    by_hand = {**of_vf(lab, VF0), **of_guest(guest)}
    assert not guest.element(live=True)
    guest.detach(bare.replace("<source>", f"<mac address='{by_hand['definition: interface/mac@address']}'/><source>"), "--config")

    lab.vfadm("attach", "MyGuest", "--from", VF0.bdf, "--config", says="started the next time")
    by_vfadm = {**of_vf(lab, VF0), **of_guest(guest)}
    made_up = by_vfadm["definition: interface/mac@address"]
    agree(by_hand, by_vfadm, DEFINED_ALIAS, DEFINED_DRIVER,
          Better("definition: interface/mac@address", "52:54:00:.*", ".[26ae]:.*", "from the guest's UUID: the same when it is attached anew"))
    lab.vfadm("detach", "MyGuest", VF0.bdf, "--config")
    lab.vfadm("attach", "MyGuest", "--from", VF0.bdf, "--config")
    assert guest.element(live=False)["interface/mac@address"] == made_up
    lab.vfadm("detach", "MyGuest", VF0.bdf, status=4, says="say --config")
    lab.vfadm("detach", "MyGuest", VF0.bdf, "--config")
    assert not guest.element(live=False) and lab.leases() == []


# --- 16.9, 9.8: MAC and VLAN in the definition of a guest that is shut down

def starts_from_definition(lab):
    """16.9: shut down, edit, start: the guest sees the MAC, and its frames are on the VLAN"""
    hand, ours = my_guest(lab), our_guest(lab)
    hand.shut_down()
    hand.edit(VF0.interface(MAC, VLAN))
    ours.define()
    lab.vfadm("attach", "OurGuest", "--from", VF1.bdf, f"mac={OUR_MAC}", f"vlan={VLAN}", "trust=on")
    for guest in (hand, ours):
        lab.sh(f"virsh start {guest.name}")
    by_hand, by_vfadm = (had(guest, vf) for guest, vf in ((hand, VF0), (ours, VF1)))
    assert by_hand["guest: ping"] == "ok" and by_hand["guest: VLAN tags seen"] == "none" and by_hand["guest: mac"] == MAC, by_hand
    # Two VFs at a time, so that one boot does for both.
    trust = Better("ip link", ".* trust off", ".* trust on", "asked for, and nothing in libvirt's XML can ask for it")
    agree(nameless(by_hand, VF0, MAC), nameless(by_vfadm, VF1, OUR_MAC), ALIAS, DEFINED_ALIAS, DEFINED_DRIVER, trust)


CASES = [activates, persists, refuses_live_when_off, attaches, attaches_to_definition, starts_from_definition]
