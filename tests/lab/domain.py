"""The libvirt domain that the tests' guests are: the lab's kernel and initramfs, root ports for devices, a console that the guest's
own scripts know."""
from xml.sax.saxutils import escape

from harness import GUEST

DOMAIN = """<domain type='kvm'>
  <name>{name}</name>
  {uuid}
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><kernel>{files}/vmlinuz</kernel><initrd>{files}/initrd.img</initrd>
    <cmdline>console=ttyS0 quiet mitigations=off panic=-1 vflab.stay=1 vflab.ip={address}/24</cmdline></os>
  <features><acpi/></features>
  <cpu mode='host-passthrough'/>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    {ports}
    <serial type='unix'><source mode='bind' path='{state}/console.sock'/><log file='{state}/console.log' append='{append}'/></serial>
    <memballoon model='none'/>
    {more}
  </devices>
</domain>
"""


def root_ports(count):
    return "".join(f"<controller type='pci' index='{n}' model='pcie-root-port'/>" for n in range(1, count + 1))


def domain(name, state, address="10.9.0.2", uuid="", ports=2, append="off", more=""):
    """Its XML. `state`: the folder of its console; `ports`: root ports for what is plugged; `more`: further devices."""
    return DOMAIN.format(name=escape(name), uuid=f"<uuid>{uuid}</uuid>" if uuid else "", files=GUEST, address=address, state=state,
                         ports=root_ports(ports),
                         append=append, more=more)


# Nothing runs in it, so that it is there in two seconds: for what is about the host and libvirt alone. Its slots are PCIe's own
# (not ACPI's), and as after a reset without power, so that QEMU lets a device go without asking (pcie_cap_slot_unplug_request_cb).
EMPTY = """<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{name}</name>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <cpu mode='host-passthrough'/>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    {ports}
    <memballoon model='none'/>
    {more}
  </devices>
  <qemu:commandline><qemu:arg value='-global'/><qemu:arg value='ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off'/></qemu:commandline>
</domain>
"""


def empty(name, ports=0, more=""):
    """The XML of a domain that is only ever started paused."""
    return EMPTY.format(name=escape(name), ports=root_ports(ports), more=more)


def define_empty(lab, name, ports=0, more=""):
    done = lab.run("virsh", "define", "/dev/stdin", input=empty(name, ports, more))
    assert done.status == 0, str(done)


def start_empty(lab, name, ports=2):
    define_empty(lab, name, ports)
    done = lab.run("virsh", "start", name, "--paused")
    assert done.status == 0, str(done)
