"""Hosts for the command line's tests, written as folders of the layout that `vfadm record` archives have.

A recorded host (host.tar.gz in its fixture) needs none of this; these are hosts that are easier said than recorded.
"""
import os
import socket
import struct


class Host:
    def __init__(self, root):
        self.root = root
        self.text("proc/sys/kernel/osrelease", "6.1.0-test")
        self.text("proc/sys/kernel/random/boot_id", "0b6dd1a5-0000-4000-8000-000000000001")
        self.text("vfadm/version", "format 1\nvfadm test\n", newline=False)
        self.text("proc/swaps", "Filename Type Size Used Priority")
        self.text("proc/self/mountinfo", "22 1 0:20 / / rw shared:1 - tmpfs tmpfs rw")
        self.requests = 0
        self.groups = 0

    def path(self, name):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def text(self, name, text, newline=True):
        with open(self.path(name), "w") as file:
            file.write(text + ("\n" if newline else ""))

    def data(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)

    def link(self, name, target):
        """A link to another path of the host, written as sysfs writes it: relative."""
        path = self.path(name)
        os.makedirs(os.path.join(self.root, target), exist_ok=True)
        os.symlink(os.path.relpath(os.path.join(self.root, target), os.path.dirname(path)), path)

    def device(self, address, above="", vendor=0x8086, device=0x0001, class_code=0x020000, driver=None, grouped=True,
               numa=0, config=None):
        path = "sys/devices/pci%s:00/%s%s" % (address[:4], above + "/" if above else "", address)
        for name, value in (("vendor", "0x%04x" % vendor), ("device", "0x%04x" % device),
                            ("subsystem_vendor", "0x%04x" % vendor), ("subsystem_device", "0x0000"),
                            ("class", "0x%06x" % class_code), ("revision", "0x01"), ("numa_node", "%d" % numa),
                            ("driver_override", "(null)"), ("irq", "0"),
                            # Not "pci:...": the names of real devices come from the hwdb of the machine that runs the
                            # test, which may have one or not.
                            ("modalias", "test:v%08Xd%08X" % (vendor, device)),
                            ("uevent", "%sPCI_CLASS=%04X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:A03C\nPCI_SLOT_NAME=%s" % (
                                "DRIVER=%s\n" % driver if driver else "", class_code, vendor, device, vendor, address))):
            self.text(path + "/" + name, value)
        self.data(path + "/config", config or config_space(vendor, device, class_code))
        self.link("sys/bus/pci/devices/" + address, path)
        if driver:
            self.link(path + "/driver", "sys/bus/pci/drivers/" + driver)
        if grouped:
            group = "sys/kernel/iommu_groups/%d" % self.groups
            self.groups += 1
            self.link(path + "/iommu_group", group)
            self.link(group + "/devices/" + address, path)
            self.link("sys/class/iommu/dmar0/devices/" + address, path)
        return path

    def net(self, path, name, index, mac, up=True):
        net = "%s/net/%s" % (path, name)
        for key, value in (("ifindex", index), ("address", mac), ("flags", "0x1003" if up else "0x1002"),
                           ("operstate", "up" if up else "down"), ("type", 1), ("dev_id", "0x0"), ("dev_port", 0),
                           ("addr_assign_type", 0)):
            self.text("%s/%s" % (net, key), str(value))
        if up:
            self.text(net + "/carrier", "1")
        self.link(net + "/device", path)
        self.link("sys/class/net/" + name, net)

    def vf(self, pf, index, address, above, driver):
        config = config_space(0x8086, 0x10ca, 0x020000, express=0, extended=[ARI])
        path = self.device(address, above, device=0x10ca, driver=driver, config=config)
        self.link(path + "/physfn", pf)
        self.link("%s/virtfn%d" % (pf, index), path)
        self.text(path + "/reset_method", "flr")
        return path

    def answer(self, request, reply):
        base = "vfadm/netlink/%04d" % self.requests
        self.requests += 1
        self.data(base + ".request", request)
        self.data(base + ".reply", reply)
        self.text(base + ".result", "0")

    def vf_states(self, index, name, states):
        """What the kernel answers when it is asked for the VFs of a PF."""
        vfs = b"".join(vf_info(i, *state) for i, state in enumerate(states))
        body = struct.pack("=BxHiII", 0, 1, index, 0x1003, 0) + attribute(3, name.encode() + b"\0") + \
            attribute(21, struct.pack("=I", len(states))) + attribute(22 | 0x8000, vfs)
        self.answer(message(18, 5, struct.pack("=BxHiII", 0, 0, index, 0, 0) + attribute(29, struct.pack("=I", 9))),
                    message(16, 0, body))

    def addresses_and_route(self, index=0, address=None):
        """What the kernel answers when it is asked for addresses and routes: one IPv4 address and a default route."""
        route = address_message = b""
        if index:
            ip = attribute(1, socket.inet_aton(address)) + attribute(2, socket.inet_aton(address))
            address_message = message(20, 2, struct.pack("=BBBBI", 2, 24, 0x80, 0, index) + ip)
            route = message(24, 2, struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0) + attribute(4, struct.pack("=I", index)))
        self.answer(message(22, 0x301, bytes(8)), address_message)
        self.answer(message(26, 0x301, struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 0, 0, 0, 1, 0)), route)
        self.answer(message(26, 0x301, struct.pack("=BBBBBBBBI", 10, 0, 0, 0, 0, 0, 0, 1, 0)), b"")

    def process(self, pid, words, files):
        base = "proc/%d" % pid
        comm = os.path.basename(words[0])[:15]
        self.text(base + "/comm", comm)
        self.text(base + "/stat", "%d (%s) S 1 %d %d 0 -1 4194560 %s77777 %s" % (pid, comm, pid, pid, "0 " * 12, "0 " * 30))
        self.data(base + "/cmdline", b"".join(word.encode() + b"\0" for word in words))
        for number, target in files.items():
            os.symlink(target, self.path("%s/fd/%d" % (base, number)))


def message(kind, flags, body):
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def vf_info(index, mac, vlan=0, qos=0, trust=False, spoofchk=True):
    """IFLA_VF_INFO as Linux 6.1 sends it (rtnl_fill_vfinfo), without statistics."""
    mac_bytes = bytes.fromhex(mac.replace(":", ""))
    return attribute(1 | 0x8000, b"".join([
        attribute(1, struct.pack("=I32s", index, mac_bytes)),
        attribute(13, struct.pack("=32s", b"\xff" * 6)),
        attribute(2, struct.pack("=III", index, vlan, qos)),
        attribute(6, struct.pack("=III", index, 0, 0)),
        attribute(3, struct.pack("=II", index, 0)),
        attribute(4, struct.pack("=II", index, spoofchk)),
        attribute(5, struct.pack("=II", index, 0)),
        attribute(7, struct.pack("=II", index, 0xffffffff)),
        attribute(9, struct.pack("=II", index, trust)),
        attribute(12 | 0x8000, attribute(1, struct.pack("=IIIH2x", index, vlan, qos, socket.htons(0x8100)))),
    ]))


def config_space(vendor, device, class_code, header=0, express=None, extended=()):
    """4096 bytes: an Express capability of the type `express` at 0x40, and extended capabilities from 0x100."""
    config = bytearray(4096)
    struct.pack_into("<HHHHI", config, 0, vendor, device, 0x0406, 0x0010 if express is not None else 0, class_code << 8 | 1)
    config[0x0e] = header
    if express is not None:
        config[0x34] = 0x40
        struct.pack_into("<BBHIHHIHH", config, 0x40, 0x10, 0x70, 2 | express << 4, 0x10008000, 0, 0, 0x41, 0, 0x41)
        struct.pack_into("<BBH", config, 0x70, 0x11, 0, 9)  # MSI-X with 10 vectors
    at = 0x100
    for i, (kind, body) in enumerate(extended):
        behind = at + 4 + len(body) if i + 1 < len(extended) else 0
        struct.pack_into("<I", config, at, kind | 1 << 16 | behind << 20)
        config[at + 4:at + 4 + len(body)] = body
        at = behind
    return bytes(config)


ACS = (0x0d, struct.pack("<HH", 0x5f, 0x1d))
ARI = (0x0e, struct.pack("<HH", 0, 0))
SRIOV = (0x10, struct.pack("<IHHHHHHHHHHII", 0, 0x19, 0, 8, 8, 3, 0, 128, 2, 0, 0x10ca, 0x553, 1) + bytes(28))


def igb(root):
    """An 82576 with three of seven VFs: one with the host, one with a guest, one free. The root is on an NVMe disk."""
    host = Host(root)
    host.addresses_and_route()
    host.device("0000:00:00.0", device=0x29c0, class_code=0x060000)
    port = config_space(0x8086, 0x3420, 0x060400, header=1, express=4, extended=[ACS])
    host.device("0000:00:02.0", device=0x3420, class_code=0x060400, driver="pcieport", config=port)
    disk = host.device("0000:00:03.0", vendor=0x1b36, device=0x0010, class_code=0x010802, driver="nvme")
    host.text(disk + "/nvme/nvme0/nvme0n1/dev", "259:0")
    host.link("sys/class/block/nvme0n1", disk + "/nvme/nvme0/nvme0n1")
    host.link("sys/dev/block/259:0", disk + "/nvme/nvme0/nvme0n1")
    host.text("proc/self/mountinfo", "22 1 259:0 / / rw,relatime shared:1 - ext4 /dev/nvme0n1 rw")
    card = config_space(0x8086, 0x10c9, 0x020000, express=0, extended=[ARI, SRIOV])
    pf = host.device("0000:01:00.0", "0000:00:02.0", device=0x10c9, driver="igb", config=card)
    host.text(pf + "/sriov_totalvfs", "7")
    host.text(pf + "/sriov_numvfs", "3")
    host.text(pf + "/sriov_drivers_autoprobe", "1")
    host.text(pf + "/reset_method", "flr bus")
    host.net(pf, "enp1s0", 4, "02:00:00:00:00:aa")
    vf = host.vf(pf, 0, "0000:01:10.0", "0000:00:02.0", "igbvf")
    host.net(vf, "enp1s0v0", 5, "02:00:00:00:00:b0", up=False)
    vf = host.vf(pf, 1, "0000:01:10.2", "0000:00:02.0", "vfio-pci")
    host.text(vf + "/driver_override", "vfio-pci")
    host.vf(pf, 2, "0000:01:10.4", "0000:00:02.0", None)
    host.vf_states(4, "enp1s0", [("00:00:00:00:00:00",), ("02:00:00:00:00:01", 42, 3, True), ("00:00:00:00:00:00",)])
    host.process(812, ["qemu-system-x86_64", "-name", "guest=web1", "-m", "2G", "-object", "secret,id=s,data=secret"], {3: "/dev/kvm", 12: "/dev/vfio/5"})


def no_sriov(root):
    """A virtual machine without an IOMMU and without any SR-IOV card; its one card carries the default route."""
    host = Host(root)
    host.device("0000:00:00.0", device=0x29c0, class_code=0x060000, grouped=False)
    path = host.device("0000:00:03.0", vendor=0x1af4, device=0x1041, driver="virtio-pci", grouped=False, numa=-1)
    host.addresses_and_route(2, "10.0.0.3")
    host.net(path + "/virtio0", "ens3", 2, "52:54:00:00:00:01")


HOSTS = {"igb": igb, "no-sriov": no_sriov}
