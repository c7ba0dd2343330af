"""The other emulated hosts: what the IOMMU groups, a host without an IOMMU, an NVMe card and three cards make of it."""
from harness import BDF, DRIVERS, PF


def device(lab, name):
    return lab.vfadm("show", name, "--json").json()


def group_in_sysfs(lab, bdf):
    return sorted(lab.sh(f"ls {DRIVERS}/{bdf}/iommu_group/devices").split())


def with_vfs(lab, pf=PF, count=2):
    lab.sh(f"ip link set {pf} up")
    lab.vfadm("enable", pf, str(count))


def refuses(lab, *words, status, says):
    """vfadm refuses for this reason, --dry-run tells the same, and nothing changes."""
    with lab.unchanged():
        lab.vfadm(*words, status=status, says=says)
        lab.vfadm(*words, "--dry-run", status=status, says=says)
        error = lab.vfadm(*words, "--json", status=status).json()["error"]
        assert error["exit"] == status and says in error["message"], error


# --- one group for all: acs-off and switch

def group_of(pf, pf_bdf, vfs, port):
    """The cases of a card that shares its group with its VFs; `port` is the bridge in the group."""

    def tells_the_group(lab):
        """the whole group is told, as the kernel has it, and the bridge that does not isolate"""
        with_vfs(lab, pf)
        members = group_in_sysfs(lab, pf_bdf)
        assert members == sorted([port, pf_bdf, *vfs]), members
        for name in (pf, f"{pf}/0", vfs[1]):
            shown = device(lab, name)
            assert [member["address"] for member in shown["group_members"]] == members, shown["group_members"]
        bridges = {bridge["address"]: bridge for bridge in device(lab, f"{pf}/0")["bridges"]}
        acs = bridges[port]["acs"]
        assert acs is None or not acs["isolates"], bridges
        listed = lab.vfadm("list", "--json").json()["devices"]
        group = int(lab.sh(f"basename $(readlink {DRIVERS}/{pf_bdf}/iommu_group)"))
        assert [(dev["address"], dev["group"]) for dev in listed] == [(bdf, group) for bdf in (pf_bdf, *vfs)], listed

    def refuses_one_vf(lab):
        """a VF for VFIO is refused, naming the PF in its group, also with the group: the PF has VFs"""
        refuses(lab, "bind", f"{pf}/0", "vfio", status=4, says=f"{pf_bdf} (igb)")
        refuses(lab, "bind", f"{pf}/0", "vfio", "--with-group", status=5, says=f"{pf} has 2 VFs")

    def refuses_to_give(lab):
        """a VF for a guest is refused for the same reason, before the guest is started"""
        command = ("--from", f"{pf}/0", "mac=02:00:00:00:42:10", "--", "/usr/bin/touch", "/run/started")
        with lab.unchanged():
            lab.vfadm("run", *command, status=4, says=f"{pf_bdf} (igb)")
        lab.sh("test ! -e /run/started")

    def still_sets(lab):
        """what needs no IOMMU group works: MAC and VLAN, igbvf, and VFs off"""
        lab.vfadm("set", f"{pf}/1", "mac=02:00:00:00:07:01", "vlan=7")
        line = lab.vf_line(1, pf)
        assert "02:00:00:00:07:01" in line and "vlan 7" in line, line
        lab.vfadm("bind", f"{pf}/1", "igbvf")
        assert lab.driver(vfs[1]) == "igbvf"
        lab.vfadm("disable", pf, "--disrupt")
        assert lab.numvfs(pf_bdf) == 0

    def whole_card(lab):
        """the card as a whole, without VFs, goes to VFIO and comes back; the bridge keeps its driver"""
        lab.sh(f"ip link set {pf} down")
        lab.vfadm("bind", pf, "vfio")
        assert lab.driver(pf_bdf) == "vfio-pci" and lab.driver(port) == "pcieport"
        refuses(lab, "enable", pf_bdf, "2", status=6, says="makes no VFs")
        lab.vfadm("unbind", pf_bdf)
        assert lab.driver(pf_bdf) == "igb" and lab.override(pf_bdf) == "(null)" and lab.driver(port) == "pcieport"
        lab.sh(f"timeout 20 sh -c 'until ip link show {pf}; do sleep 0.1; done' >/dev/null")

    return [tells_the_group, refuses_one_vf, refuses_to_give, still_sets, whole_card]


# --- two conventional NICs behind one bridge

NICS = ("0000:03:01.0", "0000:03:02.0")
TO_PCI = "0000:02:00.0"


def conventional_group(lab):
    """both NICs and their bridge are one group; the igb and its VFs have groups of their own"""
    with_vfs(lab)
    assert group_in_sysfs(lab, NICS[0]) == sorted((TO_PCI, *NICS)) == group_in_sysfs(lab, NICS[1])
    shown = device(lab, NICS[0])
    assert shown["kind"] not in ("pf", "vf"), shown["kind"]
    assert [member["address"] for member in shown["group_members"]] == sorted((TO_PCI, *NICS)), shown["group_members"]
    for name in (f"{PF}/0", f"{PF}/1", PF):
        assert len(device(lab, name)["group_members"]) == 1
    lab.vfadm("bind", f"{PF}/0", "vfio")
    assert lab.driver("0000:01:10.0") == "vfio-pci"
    lab.vfadm("unbind", f"{PF}/0")
    lab.vfadm("disable", PF, "--disrupt")


def conventional_one(lab):
    """one NIC alone is refused, naming the other"""
    refuses(lab, "bind", NICS[0], "vfio", status=4, says=f"{NICS[1]} (e1000)")
    refuses(lab, "bind", NICS[1], "vfio", status=4, says=f"{NICS[0]} (e1000)")


def conventional_used(lab):
    """the group is refused while the other NIC is used, and this one is not touched either"""
    net = lab.sh(f"ls {DRIVERS}/{NICS[1]}/net")
    lab.sh(f"ip addr add 10.77.0.1/24 dev {net}; ip link set {net} up")
    refuses(lab, "bind", NICS[0], "vfio", "--with-group", status=5, says=net)
    lab.sh(f"ip addr flush dev {net}; ip link set {net} down")


def conventional_both(lab):
    """with the group both go to VFIO, and unbind brings both back"""
    nets = lab.sh(f"ls {DRIVERS}/{NICS[0]}/net {DRIVERS}/{NICS[1]}/net")
    lab.vfadm("bind", NICS[0], "vfio", "--with-group")
    assert [lab.driver(nic) for nic in NICS] == ["vfio-pci"] * 2
    assert lab.driver(TO_PCI) == "none"
    for nic in NICS:
        lab.vfadm("unbind", nic)
    assert [(lab.driver(nic), lab.override(nic)) for nic in NICS] == [("e1000", "(null)")] * 2
    lab.sh(f"timeout 20 sh -c 'until [ \"$(ls {DRIVERS}/{NICS[0]}/net {DRIVERS}/{NICS[1]}/net 2>&1)\" = \"{nets}\" ]; do sleep 0.1; done'")


# --- no IOMMU, and one without interrupt remapping

def vfs_work(lab):
    """enable, set and the host's own driver work as anywhere"""
    with_vfs(lab, count=3)
    assert lab.numvfs() == 3
    lab.vfadm("set", f"{PF}/1", "mac=02:00:00:00:07:01", "vlan=7.3", "trust=on")
    line = lab.vf_line(1)
    assert all(word in line for word in ("02:00:00:00:07:01", "vlan 7", "qos 3", "trust on")), line
    lab.vfadm("unbind", f"{PF}/2")
    assert lab.driver("0000:01:10.4") == "igbvf"


def not_for_guests(reason):
    def refuses_vfio(lab):
        """VFIO and guests are refused with the reason and what to do, and nothing changes"""
        refuses(lab, "bind", f"{PF}/0", "vfio", status=6, says=reason)
        refuses(lab, "bind", f"{PF}/0", "vfio-pci", "--with-group", status=6, says=reason)
        with lab.unchanged():
            lab.vfadm("run", "--from", f"{PF}/0", "mac=02:00:00:00:42:10", "--", "/usr/bin/touch", "/run/started", status=6, says=reason)
        lab.sh("test ! -e /run/started")
        assert lab.driver("0000:01:10.0") == "none"
    return refuses_vfio


def no_groups(lab):
    """there are no groups, and list and show say so"""
    lab.sh("test -z \"$(ls /sys/kernel/iommu_groups)\"")
    assert {dev["group"] for dev in lab.vfadm("list", "--all", "--json").json()["devices"]} == {None}
    shown = device(lab, f"{PF}/0")
    assert shown["iommu"] is False and shown["group"] is None, shown
    assert "no IOMMU" in lab.vfadm("show", PF).out


def no_remapping(lab):
    """there are groups, and show says that interrupt remapping is off"""
    shown = device(lab, f"{PF}/0")
    assert shown["iommu"] is True and shown["interrupt_remapping"] == "off", shown
    assert [member["address"] for member in shown["group_members"]] == group_in_sysfs(lab, "0000:01:10.0")


def kernel_agrees(lab):
    """the kernel itself refuses what was refused: vfio cannot open the group without interrupt remapping"""
    lab.sh("modprobe vfio-pci; echo vfio-pci >/sys/bus/pci/devices/0000:01:10.0/driver_override; echo 0000:01:10.0 >/sys/bus/pci/drivers_probe")
    result = lab.run("timeout", "60", "qemu-system-x86_64", "-machine", "q35,accel=tcg", "-display", "none", "-S", "-nodefaults",
                     "-monitor", "stdio", "-device", "vfio-pci,host=01:10.0", input="quit\n")
    assert result.status not in (0, 124) and "vfio" in result.err, str(result)
    lab.vfadm("unbind", f"{PF}/0")
    assert lab.driver("0000:01:10.0") == "igbvf"


def vfs_off(lab):
    """disable takes the VFs away"""
    lab.vfadm("disable", PF, "--disrupt")
    assert lab.numvfs() == 0


# --- an NVMe card with VFs

NVME = "0000:02:00.0"


def nvme_is_a_pf(lab):
    """an NVMe controller is a PF like any other, with 16 VFs at most, beside the igb"""
    devices = {dev["address"]: dev for dev in lab.vfadm("list", "--json").json()["devices"]}
    assert list(devices) == [BDF, NVME], devices
    assert devices[NVME]["kind"] == "pf" and devices[NVME]["driver"] == "nvme" and devices[NVME]["netdev"] is None, devices[NVME]
    assert devices[NVME]["vfs"]["total"] == int(lab.sh(f"cat {DRIVERS}/{NVME}/sriov_totalvfs")) == 16
    refuses(lab, "enable", NVME, "17", status=4, says="at most 16")


def nvme_vfs(lab):
    """its VFs go on, one to VFIO and back, and off; what network VFs have is refused"""
    lab.vfadm("enable", NVME, "2")
    assert lab.numvfs(NVME) == 2 and lab.sh(f"cat {DRIVERS}/{NVME}/sriov_drivers_autoprobe") == "1"
    vfs = lab.sh(f"for i in 0 1; do basename $(readlink {DRIVERS}/{NVME}/virtfn$i); done").split()
    assert [lab.driver(vf) for vf in vfs] == ["none"] * 2
    lab.vfadm("bind", f"{NVME}/1", "vfio")
    assert lab.driver(vfs[1]) == "vfio-pci" and lab.driver(vfs[0]) == "none"
    listed = {dev["address"]: dev for dev in lab.vfadm("list", NVME, "--json").json()["devices"]}
    assert listed[vfs[1]]["driver"] == "vfio-pci" and listed[vfs[1]]["pf"] and listed[vfs[1]]["vf"] == 1, listed
    refuses(lab, "set", f"{NVME}/0", "mac=02:00:00:00:00:01", status=6, says="no VF of a network card")
    lab.vfadm("bind", f"{NVME}/1", "pci-stub")
    assert lab.driver(vfs[1]) == "pci-stub"
    lab.vfadm("disable", NVME)
    assert lab.numvfs(NVME) == 0


def nvme_lent(lab):
    """a VF of it is lent to a command without MAC or VLAN, and comes back"""
    lab.vfadm("enable", NVME, "1")
    vf = lab.sh(f"basename $(readlink {DRIVERS}/{NVME}/virtfn0)")
    result = lab.vfadm("run", "--from", NVME, "--", "/bin/sh", "-c", f"basename $(readlink {DRIVERS}/{{vf}}/driver)", "-name", "disk1")
    assert result.out.strip() == "vfio-pci", str(result)
    assert lab.driver(vf) == "none" and lab.override(vf) == "(null)" and lab.leases() == []
    lab.vfadm("disable", NVME)


def igb_beside_nvme(lab):
    """the igb beside it works too"""
    with_vfs(lab)
    lab.vfadm("set", f"{PF}/0", "mac=02:00:00:00:07:00")
    lab.vfadm("bind", f"{PF}/0", "vfio")
    assert lab.driver("0000:01:10.0") == "vfio-pci" and "02:00:00:00:07:00" in lab.vf_line(0)
    lab.vfadm("disable", PF)


# --- three cards

PFS = ("enp1s0", "enp2s0", "enp3s0")


def card_bdf(pf):
    return f"0000:0{pf[3]}:00.0"


def vf_bdf(pf, index):
    return f"0000:0{pf[3]}:1{index // 4}.{index % 4 * 2}"


ALL = [(pf, index) for pf in PFS for index in range(7)]


def vf_mac(pf, index):
    return f"02:00:00:00:5{pf[3]}:{index:02x}"


def enables_three(lab):
    """all 21 VFs of three cards"""
    for pf in PFS:
        lab.sh(f"ip link set {pf} up")
        lab.vfadm("enable", pf, "all")
        assert lab.numvfs(card_bdf(pf)) == 7
    links = lab.sh(f"for d in {DRIVERS}/*/virtfn*; do echo $d $(basename $(readlink $d)); done").splitlines()
    assert sorted(line.split()[1] for line in links) == sorted(vf_bdf(*vf) for vf in ALL), links


def sets_three(lab):
    """each of 21 VFs gets MAC, VLAN and trust of its own, and ip link agrees"""
    def values(pf, index):
        return f"mac={vf_mac(pf, index)} vlan={100 * int(pf[3]) + index} trust=on"
    lab.sh("\n".join(f"vfadm -q set {pf}/{index} {values(pf, index)}" for pf, index in ALL))
    shown = {pf: [line.strip() for line in lab.sh(f"ip link show {pf}").splitlines()] for pf in PFS}
    for pf, index in ALL:
        line = next(line for line in shown[pf] if line.startswith(f"vf {index} "))
        assert vf_mac(pf, index) in line and f"vlan {100 * int(pf[3]) + index}," in line and "trust on" in line, line


def binds_three(lab):
    """each of 21 VFs goes to VFIO, and list tells all as they are"""
    lab.vfadm("bind", *(vf_bdf(*vf) for vf in ALL), "vfio-pci")
    bound = lab.sh("ls /sys/bus/pci/drivers/vfio-pci").split()
    assert sorted(name for name in bound if name.startswith("0000:")) == sorted(vf_bdf(*vf) for vf in ALL), bound
    devices = lab.vfadm("list", "--json").json()["devices"]
    assert len(devices) == 24 and len({dev["group"] for dev in devices}) == 24, devices
    listed = {dev["address"]: dev for dev in devices if dev["kind"] == "vf"}
    for pf, index in ALL:
        dev = listed[vf_bdf(pf, index)]
        assert (dev["device"], dev["vf"], dev["driver"], dev["mac"], dev["trust"], dev["used_by"]) == (
            f"{pf}/{index}", index, "vfio-pci", vf_mac(pf, index), True, []), dev
        assert str(100 * int(pf[3]) + index) in str(dev["vlan"]), dev


def disables_three(lab):
    """and off again, card by card; the others keep theirs"""
    for left, pf in zip((14, 7, 0), PFS):
        lab.vfadm("disable", pf)
        assert sum(lab.numvfs(card_bdf(other)) for other in PFS) == left


def both(lab, *commands):
    """Starts commands at once and gives (status, all that it said) of each."""
    script = "".join(f"{{ {command}; }} >/tmp/both.{i} 2>&1 & p{i}=$!\n" for i, command in enumerate(commands))
    script += "".join(f"if wait $p{i}; then echo 0; else echo $?; fi\n" for i in range(len(commands)))
    statuses = lab.sh(script).split()
    return [(int(status), lab.sh(f"cat /tmp/both.{i}")) for i, status in enumerate(statuses)]


def two_at_once_on_two(lab):
    """two vfadm at once on two PFs: both succeed"""
    done = both(lab, "vfadm enable enp1s0 2", "vfadm enable enp2s0 3")
    assert [status for status, _ in done] == [0, 0], done
    assert [lab.numvfs(card_bdf(pf)) for pf in PFS] == [2, 3, 0]


def two_at_once_on_one(lab):
    """two vfadm at once on one PF: one after the other, both succeed"""
    done = both(lab, "vfadm enable enp3s0 3", "vfadm enable enp3s0 5")
    assert [status for status, _ in done] == [0, 0], done
    assert lab.numvfs(card_bdf("enp3s0")) in (3, 5), done
    assert lab.sh(f"cat {DRIVERS}/{card_bdf('enp3s0')}/sriov_drivers_autoprobe") == "1"
    done = both(lab, "vfadm set enp3s0/0 mac=02:00:00:00:03:a0 vlan=30", "vfadm set enp3s0/1 mac=02:00:00:00:03:a1 vlan=31",
                "vfadm bind enp3s0/0 vfio", "vfadm bind enp3s0/1 vfio")
    assert [status for status, _ in done] == [0] * 4, done
    for index in (0, 1):
        line = lab.vf_line(index, "enp3s0")
        assert f"02:00:00:00:03:a{index}" in line and f"vlan 3{index}" in line, line
        assert lab.driver(vf_bdf("enp3s0", index)) == "vfio-pci"
    lab.vfadm("recover", says="nothing to recover")


def one_mac_for_two(lab):
    """two vfadm that want the same MAC for two VFs at once: one gets it, the other is refused"""
    done = both(lab, "vfadm set enp2s0/0 mac=02:00:00:00:02:aa", "vfadm set enp2s0/1 mac=02:00:00:00:02:aa")
    assert sorted(status for status, _ in done) == [0, 4], done
    assert [lab.vf_line(index, "enp2s0").count("02:00:00:00:02:aa") for index in (0, 1)].count(1) == 1
    for pf in PFS:
        lab.vfadm("disable", pf)


CASES = {
    "acs-off": group_of(PF, BDF, ("0000:01:10.0", "0000:01:10.2"), "0000:00:10.0"),
    "switch": group_of("enp3s0", "0000:03:00.0", ("0000:03:10.0", "0000:03:10.2"), "0000:02:00.0"),
    "conventional": [conventional_group, conventional_one, conventional_used, conventional_both],
    "no-iommu": [vfs_work, no_groups, not_for_guests("no IOMMU is active"), vfs_off],
    "no-remap": [vfs_work, no_remapping, not_for_guests("no interrupt remapping"), kernel_agrees, vfs_off],
    "nvme": [nvme_is_a_pf, nvme_vfs, nvme_lent, igb_beside_nvme],
    "three": [enables_three, sets_three, binds_three, disables_three, two_at_once_on_two, two_at_once_on_one, one_mac_for_two],
}
