"""The main job on one card: VFs on, a real guest with its MAC and VLAN, and everything back as it was."""
from harness import BDF, GUEST, PF

MAC = "02:00:00:00:42:10"
VF0 = "0000:01:10.0"
VF1 = "0000:01:10.2"


def lists_the_card(lab):
    """the card is found, with its limits and without its VFs"""
    devices = lab.vfadm("list", "--json").json()["devices"]
    pfs = [d for d in devices if d["kind"] == "pf"]
    assert [d["address"] for d in pfs] == [BDF], pfs
    assert pfs[0]["driver"] == "igb" and pfs[0]["netdev"] == PF, pfs
    shown = lab.vfadm("show", PF).out
    for word in ("SR-IOV", "ARI", "FLR", "MSI-X", "igb"):
        assert word in shown, f"{word} is not in\n{shown}"


def enables(lab):
    """enable makes 7 VFs without drivers, and a second time does nothing"""
    lab.sh(f"ip link set {PF} up")
    lab.vfadm("enable", PF, "8", status=4, says="at most 7")
    assert lab.numvfs() == 0
    lab.vfadm("enable", PF, "7", "--dry-run", says="VFs 0 → 7")
    assert lab.numvfs() == 0
    lab.vfadm("enable", PF, "7")
    assert lab.numvfs() == 7
    assert [lab.driver(f"0000:01:1{i // 4}.{i % 4 * 2}") for i in range(7)] == ["none"] * 7
    assert lab.sh(f"cat /sys/bus/pci/devices/{BDF}/sriov_drivers_autoprobe") == "1"
    lab.vfadm("enable", PF, "7", says="nothing to do")


def sets(lab):
    """set writes what differs, and ip link agrees"""
    lab.vfadm("set", f"{PF}/1", "mac=02:00:00:00:07:01", "vlan=7.3", "trust=on", "spoofchk=off", "max-rate=100")
    line = lab.vf_line(1)
    for word in ("02:00:00:00:07:01", "vlan 7", "qos 3", "trust on", "spoof checking off", "tx rate 100"):
        assert word in line, f"{word} is not in {line}"
    lab.vfadm("set", f"{PF}/1", "mac=02:00:00:00:07:01", "vlan=7.3", "trust=on", says="nothing to do")
    lab.vfadm("set", f"{PF}/2", "mac=02:00:00:00:07:01", status=4, says="already used by VF 1")
    lab.vfadm("set", f"{PF}/2", "link=on", status=6, says="does not take link")
    lab.vfadm("set", f"{PF}/2", "vlan=5/802.1ad", status=6, says="802.1Q only")
    lab.sh(f"ip link set {PF} down")
    lab.vfadm("set", f"{PF}/2", "vlan=5", status=4, says=f"ip link set {PF} up")
    lab.sh(f"ip link set {PF} up")


def binds(lab):
    """bind and unbind: VFIO, back to igbvf, also where autoprobe is off; never the host's own disk"""
    lab.vfadm("bind", f"{PF}/2", "vfio")
    assert lab.driver("0000:01:10.4") == "vfio-pci" and lab.override("0000:01:10.4") == "vfio-pci"
    lab.sh(f"echo 0 >/sys/bus/pci/devices/{BDF}/sriov_drivers_autoprobe")
    lab.vfadm("unbind", f"{PF}/2")
    assert lab.driver("0000:01:10.4") == "igbvf" and lab.override("0000:01:10.4") == "(null)"
    lab.sh(f"echo 1 >/sys/bus/pci/devices/{BDF}/sriov_drivers_autoprobe")
    disk = lab.sh("basename $(readlink -f /sys/class/block/vda/device/..)")
    before = lab.driver(disk)
    lab.vfadm("bind", disk, "vfio-pci", status=4, says="mounted on /")
    lab.vfadm("bind", disk, "vfio-pci", "--disrupt", status=4, says="carries this host")
    mgmt = lab.sh("basename $(readlink -f /sys/class/net/mgmt0/device/..)")
    lab.vfadm("bind", mgmt, "vfio-pci", "--disrupt", status=4, says="carries this host")
    assert lab.driver(disk) == before
    lab.vfadm("bind", "00:10.0", "vfio-pci", status=4, says="bridge")


def prepare_peer(lab):
    """the peer on the wire gets VLAN 42"""
    lab.sh("ip link set wire0 up; ip link add link wire0 name wire0.42 type vlan id 42; "
           "ip addr add 10.9.0.1/24 dev wire0.42; ip link set wire0.42 up")


def former_state(lab, vf, index):
    return lab.driver(vf), lab.override(vf), lab.vf_line(index)


def runs(lab):
    """run: a guest from its start to its end; asked MAC inside, VLAN tag outside only, ping, and the VF as it was"""
    lab.vfadm("set", f"{PF}/0", "mac=02:00:00:00:07:00", "vlan=9", "trust=on")
    lab.vfadm("unbind", f"{PF}/0")
    before = former_state(lab, VF0, 0)
    assert before[0] == "igbvf", before
    lab.sh("tcpdump -i wire0 -nn -e -c 40 -U -w /tmp/run.pcap icmp or vlan >/dev/null 2>&1 & echo $! >/tmp/tcpdump.pid; "
           "timeout 20 sh -c 'until [ -s /tmp/run.pcap ]; do sleep 0.1; done'")
    done = lab.run("sh", "-c", f"""
        {GUEST}/start -n -a 'vflab.ip=10.9.0.2/24 vflab.ping=10.9.0.1' web1 >/tmp/web1.args
        mkdir -p /run/vflab/web1; set --
        while IFS= read -r word; do set -- "$@" "$word"; done </tmp/web1.args
        exec vfadm run --from {PF}/0 mac={MAC} vlan=42 -- "$@"
        """, timeout=400)
    console = done.out
    lab.sh("kill -INT $(cat /tmp/tcpdump.pid) 2>/dev/null; true")
    assert done.status == 0, str(done)
    assert f"mac={MAC} link=up" in console and "driver=igbvf" in console, console
    assert "GUEST ping=10.9.0.1 ok" in console and "vlan-inside=none" in console, console
    frames = lab.sh("tcpdump -nn -e -r /tmp/run.pcap 2>/dev/null")
    asked = [line for line in frames.splitlines() if "10.9.0.2 > 10.9.0.1: ICMP echo request" in line]
    assert asked and all(MAC in line and "vlan 42" in line for line in asked), frames
    assert former_state(lab, VF0, 0) == before, (former_state(lab, VF0, 0), before)
    assert lab.leases() == []


def exit_status_passes(lab):
    """run gives the guest's own exit status, and the VF back, when the command fails or cannot start"""
    before = former_state(lab, VF0, 0)
    result = lab.run("vfadm", "run", "--from", f"{PF}/0", "mac=" + MAC, "--", "/bin/sh", "-c", "exit 7", "{vf}")
    assert result.status == 7, str(result)
    lab.vfadm("run", "--from", f"{PF}/0", "mac=" + MAC, "--", "/no/such/qemu", status=3, says="no such program")
    assert former_state(lab, VF0, 0) == before and lab.leases() == []
    lab.vfadm("run", "--", "/bin/true", status=2, says="no -name")


def starts_web2(lab):
    """a running guest without a NIC is found"""
    lab.start_guest("web2", "vflab.ip=10.9.0.3/24 vflab.ping=10.9.0.1")
    lab.await_guest("web2", "GUEST ready")


def attaches(lab):
    """attach: hot-plug into the running guest, with a MAC that is derived and lasts"""
    plan = lab.vfadm("attach", "qemu:web2", "--from", PF, "vlan=42", "--dry-run", "--json").json()
    assert plan["done"] is False and plan["plan"]["steps"], plan
    done = lab.vfadm("attach", "qemu:web2", "--from", f"{PF}/3", "vlan=42", "--json").json()
    mac = lab.vfadm("show", f"{PF}/3", "--json").json()
    console = lab.await_guest("web2", "GUEST nic=eth0 driver=igbvf.*link=up")
    given = lab.vf_line(3)
    inside = console.split("mac=")[1].split()[0]
    assert inside in given and "vlan 42" in given, (console, given, mac)
    assert lab.await_guest("web2", "GUEST ping=10.9.0.1").endswith("ok")
    assert done["plan"]["result"] == "0000:01:10.6", done
    lab.sh(f"echo {inside} >/root/web2.mac")


def refuses_what_is_used(lab):
    """a second attach, a resize, a bind, a MAC change under the running guest: refused, nothing changed"""
    state = former_state(lab, "0000:01:10.6", 3)
    lab.vfadm("attach", "qemu:web2", "--from", f"{PF}/3", status=5, says="leased to qemu:web2")
    lab.vfadm("enable", PF, "3", status=5, says="qemu:web2")
    lab.vfadm("disable", PF, "--disrupt", status=5, says="qemu:web2")
    lab.vfadm("bind", f"{PF}/3", "igbvf", "--disrupt", status=5)
    lab.vfadm("unbind", f"{PF}/3", status=5)
    lab.vfadm("release", f"{PF}/3", status=5, says="still held by guest web2")
    lab.vfadm("set", f"{PF}/3", "vlan=43", status=5, says="--disrupt")
    lab.vfadm("detach", "qemu:other", f"{PF}/3", status=4, says="leased to qemu:web2")
    lab.vfadm("attach", "qemu:nobody", "--from", PF, status=3)
    assert former_state(lab, "0000:01:10.6", 3) == state and lab.numvfs() == 7
    listed = lab.vfadm("list").out
    assert "web2" in listed, listed


def detaches(lab):
    """detach: the guest lets go, the VF is as it was, and the MAC is the same the next time"""
    lab.vfadm("detach", "qemu:web2", f"{PF}/3")
    lab.await_guest("web2", "GUEST nic=eth0 gone")
    assert lab.driver("0000:01:10.6") == "none" and lab.override("0000:01:10.6") == "(null)"
    assert "00:00:00:00:00:00" in lab.vf_line(3) and "vlan" not in lab.vf_line(3), lab.vf_line(3)
    assert lab.leases() == []
    lab.vfadm("attach", "web2", "--from", f"{PF}/4", "vlan=42")
    assert lab.sh("cat /root/web2.mac") in lab.vf_line(4)
    lab.vfadm("detach", "web2", f"{PF}/4")


def fills_slots(lab):
    """three VFs fill the guest's three slots, the fourth is refused with the reason"""
    for index in (3, 4, 5):
        lab.vfadm("attach", "web2", "--from", f"{PF}/{index}")
    lab.vfadm("attach", "web2", "--from", f"{PF}/6", status=4, says="all 3 are taken")
    assert len({lease["given"]["mac"] for lease in lab.leases()}) == 3
    for index in (3, 4, 5):
        lab.vfadm("detach", "web2", f"{PF}/{index}")


def waits_for_a_guest_that_holds_on(lab):
    """a guest that does not let go: pending, the lease is kept; when it has let go, recovery gives the VF back"""
    qmp = "/run/vflab/web2/qmp.sock"
    ask = ("printf '%s\\n%s\\n' '{{\"execute\":\"qmp_capabilities\"}}' '{{\"execute\":\"{0}\"}}' | "
           "socat -t 2 - UNIX-CONNECT:" + qmp + " >/dev/null")
    lab.vfadm("attach", "web2", "--from", f"{PF}/3")
    lab.await_guest("web2", "GUEST nic=.* ready", count=2)
    lab.sh(ask.format("stop"))
    lab.vfadm("detach", "web2", f"{PF}/3", "--timeout", "3", status=7, says="pending")
    assert [lease["state"] for lease in lab.leases()] == ["pending"], lab.leases()
    lab.vfadm("attach", "web2", "--from", f"{PF}/3", status=5)
    lab.sh(ask.format("cont"))
    lab.sh("timeout 60 sh -c 'until vfadm recover >/dev/null 2>&1; vfadm leases --json | jq -e \".leases == []\" >/dev/null; do sleep 0.3; done'",
           timeout=120)
    assert lab.driver("0000:01:10.6") == "none"


def takes_back_after_a_killed_guest(lab):
    """a guest that is killed: recovery, part of the next changing verb, gives its VF back"""
    lab.vfadm("attach", "web2", "--from", f"{PF}/3", "vlan=42")
    assert len(lab.leases()) == 1
    lab.sh("pid=$(cat /run/vflab/web2/pid); kill -KILL $pid; timeout 30 tail --pid=$pid -f /dev/null")
    lab.vfadm("set", f"{PF}/6", "max-rate=10", says="recovered")
    assert lab.leases() == [] and lab.driver("0000:01:10.6") == "none" and "vlan" not in lab.vf_line(3)


def checks_locked_memory(lab):
    """a guest that may not lock its memory is refused before anything is done to it"""
    lab.sh(f"mkdir -p /run/vflab/poor && chown nobody /run/vflab/poor /dev/kvm && {GUEST}/start -n -d -a vflab.stay=1 poor >/tmp/poor.args")
    lab.sh("set --; while IFS= read -r word; do set -- \"$@\" \"$word\"; done </tmp/poor.args; "
           "prlimit --memlock=8388608 setpriv --reuid=nobody --clear-groups \"$@\" >/dev/null 2>&1")
    lab.vfadm("attach", "qemu:poor", "--from", f"{PF}/3", status=4, says="may lock 8 MiB of memory and needs 256 MiB")
    assert lab.driver("0000:01:10.6") == "none" and lab.leases() == []
    lab.stop_guest("poor")


def disables(lab):
    """disable takes all VFs away, and their memory of MACs with them"""
    lab.vfadm("disable", PF)
    assert lab.numvfs() == 0
    lab.vfadm("disable", PF, says="nothing to do")


CASES = [lists_the_card, enables, sets, binds, prepare_peer, runs, exit_status_passes, starts_web2, attaches, refuses_what_is_used,
         detaches, fills_slots, waits_for_a_guest_that_holds_on, takes_back_after_a_killed_guest, checks_locked_memory, disables]
