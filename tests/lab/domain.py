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


def domain(name, state, address="10.9.0.2", uuid="", ports=2, append="off", more=""):
    """Its XML. `state`: the folder of its console; `ports`: root ports for what is plugged; `more`: further devices."""
    return DOMAIN.format(name=escape(name), uuid=f"<uuid>{uuid}</uuid>" if uuid else "", files=GUEST, address=address, state=state,
                         ports="".join(f"<controller type='pci' index='{n}' model='pcie-root-port'/>" for n in range(1, ports + 1)),
                         append=append, more=more)
