"""The Xen seed's procedure on dom0, step for step: once by xl, once by vfadm, and both compared; then what goes wrong around it:
domains that die, xl behind vfadm's back, devices that somebody has, vfadm killed."""
import json
import pathlib
import subprocess

from harness import BDF, DRIVERS, PF, TOP
from seeds import MAC, VF0, VF1, fresh_vfs, peer_up
from seeds_guest import Better, agree
from xen_guest import CONFIGURATIONS, MODULES, PCIBACK, Domain, assignable, had, of_domain, of_function

REFUSED, IN_USE, UNSUPPORTED = 4, 5, 6


def web1(lab):
    return Domain(lab, "web1", 2)


def web2(lab):
    return Domain(lab, "web2", 3)


def hvm1(lab):
    return Domain(lab, "hvm1", 4, "hvm")


def install_module(lab):
    """The package's own module is made against the Xen of this machine; the lab's has headers of its own."""
    made = subprocess.run([TOP / "tools" / "make-xen-module"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
    lab.push(pathlib.Path(made), to=MODULES)


def give(lab, domain, vf, *words, **expected):
    return lab.vfadm("attach", domain.ref, "--from", vf.bdf, *words, **expected)


def leased(lab):
    return [(lease["guest"], lease["address"]) for lease in lab.leases()]


# --- before there is a module

def without_module(lab):
    """without its module vfadm says which package is missing, and of a device on pciback that it cannot know who has it"""
    fresh_vfs(lab)
    peer_up(lab, vlan=None)
    lab.sh("modprobe xen-pciback")
    lab.vfadm("attach", "xen:web1", "--from", VF0.bdf, status=UNSUPPORTED, says="vfadm-xen")
    lab.sh(f"xl pci-assignable-add {VF0.bdf}")
    with lab.unchanged():
        lab.vfadm("set", VF0.bdf, f"mac={MAC}", status=REFUSED, says="vfadm-xen")
        lab.vfadm("disable", PF, "--disrupt", status=REFUSED, says="vfadm-xen")
    lab.sh(f"xl pci-assignable-remove -r {VF0.bdf}")
    assert "xen-module-missing" in found(lab), found(lab)
    install_module(lab)
    assert "xen-module-missing" not in found(lab), found(lab)


# --- the seed's procedure

BY_XL = {}  # what xl's way came to, for vfadm's to be held against


def by_xl(lab):
    """the seed by xl: VFs on, MAC, pci-assignable-add, pci= at start, ping; pci-detach, pci-attach, ping; back to igbvf"""
    fresh_vfs(lab)
    guest = web1(lab)
    lab.sh(f"ip link set {PF} vf 0 mac {MAC}")
    before = of_function(lab, VF0)
    assert before["sysfs: driver"] == "igbvf", before
    lab.sh(f"xl pci-assignable-add {VF0.bdf}")
    assert assignable(lab) == [VF0.bdf]
    guest.define(pci=[f"{VF0.bdf[5:]},permissive=1"])
    guest.create()
    BY_XL["start"] = had(guest, VF0)
    assert BY_XL["start"]["guest: ping"] == "ok" and BY_XL["start"]["guest: mac"] == MAC, BY_XL
    lab.sh(f"xl pci-detach {guest.name} {VF0.bdf[5:]}")
    guest.await_nics(0)
    lab.sh(f"xl pci-attach {guest.name} {VF0.bdf[5:]},permissive=1")
    BY_XL["plugged"] = had(guest, VF0)
    assert BY_XL["plugged"]["guest: ping"] == "ok", BY_XL
    lab.sh(f"xl pci-detach {guest.name} {VF0.bdf[5:]}")
    guest.await_nics(0)
    lab.sh(f"xl pci-assignable-remove -r {VF0.bdf}")
    assert of_function(lab, VF0) == before, of_function(lab, VF0)
    guest.define("passthrough='enabled'")  # from now on its file has no device; it runs on


def plugged_by_vfadm(lab):
    """the seed by vfadm, hot-plugged: one verb for MAC, pciback and pci-attach, one for the way back; the same in the guest"""
    fresh_vfs(lab)
    guest = web1(lab)
    before = of_function(lab, VF0)
    give(lab, guest, VF0, f"mac={MAC}", "permissive=on", "--live", says="unsafe")
    assert leased(lab) == [(guest.ref, VF0.bdf)]
    agree(BY_XL["plugged"], had(guest, VF0))
    listed = {dev["address"]: dev for dev in lab.vfadm("list", "--json").json()["devices"]}
    assert guest.name in json.dumps(listed[VF0.bdf]) and guest.name not in json.dumps(listed[VF1.bdf]), listed
    # A guest that works with it lets go when it is asked to.
    lab.vfadm("detach", guest.ref, VF0.bdf)
    guest.await_nics(0)
    assert guest.devices() == [] and leased(lab) == [] and of_function(lab, VF0) == before, of_function(lab, VF0)


def not_permissive(lab):
    """permissive is off unless asked, in sysfs and xenstore; trust and VLAN are set before, and as they were after"""
    guest = web1(lab)
    lab.vfadm("set", VF0.bdf, "trust=on", "--disrupt")
    before = of_function(lab, VF0)
    give(lab, guest, VF0, f"mac={MAC}", "vlan=42", "trust=off", "--live")
    during = {**of_function(lab, VF0), **of_domain(guest)}
    assert during["sysfs: permissive"] == "0" and during["xenstore: permissive"] == "0", during
    assert MAC in during["ip link"] and "vlan 42" in during["ip link"] and "trust off" in during["ip link"], during
    lab.vfadm("detach", guest.ref, VF0.bdf)
    assert of_function(lab, VF0) == before, of_function(lab, VF0)
    lab.vfadm("set", VF0.bdf, "trust=off", "--disrupt")  # for those that come after


def autoprobe_off(lab):
    """with autoprobe off xl cannot give a VF and leaves it driverless; vfadm gives it and brings its driver back"""
    guest = web1(lab)
    probes = f"{DRIVERS}/{BDF}/sriov_drivers_autoprobe"
    lab.sh(f"echo 0 >{probes}")
    try:
        assert lab.run("xl", "pci-assignable-add", VF0.bdf).status == 1
        by_hand = lab.driver(VF0.bdf)
        lab.vfadm("bind", VF0.bdf, "igbvf")
        give(lab, guest, VF0, f"mac={MAC}", "--live")
        lab.vfadm("detach", guest.ref, VF0.bdf)
        agree({"driver": by_hand, "autoprobe": "0"}, {"driver": lab.driver(VF0.bdf), "autoprobe": lab.sh(f"cat {probes}")},
              Better("driver", "none", "igbvf", "what the driver was, is asked for by its name"))
    finally:
        lab.sh(f"echo 1 >{probes}")


def bind_and_unbind(lab):
    """bind pciback and unbind: as pci-assignable-add and -remove -r do, and xl goes on from there"""
    before = of_function(lab, VF1)
    lab.sh(f"xl pci-assignable-add {VF1.bdf}")
    by_hand = of_function(lab, VF1)
    lab.sh(f"xl pci-assignable-remove -r {VF1.bdf}")
    lab.vfadm("bind", VF1.bdf, "pciback")
    agree(by_hand, of_function(lab, VF1))
    lab.vfadm("unbind", VF1.bdf)
    assert of_function(lab, VF1) == before, of_function(lab, VF1)
    lab.vfadm("bind", VF1.bdf, "pciback")
    lab.sh(f"xl pci-assignable-remove -r {VF1.bdf}")  # it knows the driver that vfadm told it
    assert of_function(lab, VF1) == before, of_function(lab, VF1)


# --- who has it, and who may have it

def already_assigned(lab):
    """a VF that xl gave out is nobody else's: attach, set, bind, disable are refused and name the domain; by xl it is an error"""
    guest = web1(lab)
    lab.sh(f"xl pci-assignable-add {VF0.bdf}; xl pci-attach {guest.name} {VF0.bdf[5:]}")
    guest.await_nics(1)
    web2(lab).define("passthrough='enabled'")
    with lab.unchanged():
        give(lab, web2(lab), VF0, "--config", status=IN_USE, says=guest.ref)
        for words in (("set", VF0.bdf, "vlan=7"), ("bind", VF0.bdf, "igbvf"), ("unbind", VF0.bdf), ("disable", PF), ("disable", PF, "--disrupt")):
            lab.vfadm(*words, status=IN_USE, says=guest.ref)
    shown = lab.vfadm("show", VF0.bdf).out
    assert guest.ref in shown, shown
    assert guest.inside()["guest: ping"] == "ok"
    lab.sh(f"xl pci-detach {guest.name} {VF0.bdf[5:]}; xl pci-assignable-remove -r {VF0.bdf}")
    guest.await_nics(0)


def dom0_uses_it(lab):
    """what dom0 works with is refused, the PF and a VF with an address; xl's pci-assignable-add takes such a VF without a word"""
    guest = web1(lab)
    net = lab.sh(f"ls {DRIVERS}/{VF1.bdf}/net")
    lab.sh(f"ip address add 10.77.0.1/24 dev {net}; ip link set {net} up")
    with lab.unchanged():
        give(lab, guest, VF1, status=IN_USE, says=net)
        lab.vfadm("bind", VF1.bdf, "pciback", status=IN_USE, says=net)
        lab.vfadm("bind", BDF, "pciback", status=IN_USE, says=PF)
    assert "10.77.0.1" in lab.sh("ip address")
    lab.sh(f"xl pci-assignable-add {VF1.bdf}")
    assert "10.77.0.1" not in lab.sh("ip address")
    lab.sh(f"xl pci-assignable-remove -r {VF1.bdf}")


def xl_takes_it_out(lab):
    """xl pci-detach and pci-assignable-remove -r of what vfadm leased: recover gives the rest back and forgets the lease"""
    guest = web1(lab)
    before = of_function(lab, VF0)
    for script in (f"xl pci-detach {guest.name} {VF0.bdf[5:]}",
                   f"xl pci-detach {guest.name} {VF0.bdf[5:]}; xl pci-assignable-remove -r {VF0.bdf}"):
        give(lab, guest, VF0, f"mac={MAC}", "vlan=9", "--live")
        guest.await_nics(1)
        lab.sh(script)
        guest.await_nics(0)
        lab.vfadm("recover", says=VF0.bdf)
        assert leased(lab) == [] and of_function(lab, VF0) == before, of_function(lab, VF0)
        lab.vfadm("recover", says="nothing to recover")


def xl_gives_it_away(lab):
    """xl pci-attach of a VF that vfadm keeps for another domain's next start: nobody takes it from who has it, and it comes back"""
    guest, other = web1(lab), web2(lab)
    before = of_function(lab, VF0)
    other.define()
    give(lab, other, VF0, f"mac={MAC}", "--config")
    lab.sh(f"xl pci-attach {guest.name} {VF0.bdf[5:]}")
    guest.await_nics(1)
    lab.vfadm("detach", other.ref, VF0.bdf, "--config", status=IN_USE, says=guest.ref)
    lab.vfadm("recover")
    assert leased(lab) == [(other.ref, VF0.bdf)] and guest.devices() == [VF0.bdf], lab.leases()
    assert guest.inside()["guest: ping"] == "ok"
    lab.sh(f"xl pci-detach {guest.name} {VF0.bdf[5:]}")
    guest.await_nics(0)
    lab.vfadm("detach", other.ref, VF0.bdf, "--config")
    assert leased(lab) == [] and of_function(lab, VF0) == before, of_function(lab, VF0)


def killed_after(lab, step, words):
    """vfadm, killed as soon as it has told that this step is done (strace, which could do it between any two calls, takes
    minutes here)."""
    said = "/tmp/killed.said"
    return lab.sh(f"vfadm {words} >{said} 2>&1 & vfadm=$!; "
                  f"until grep -q '^.{step}/.*ok' {said}; do kill -0 $vfadm || break; sleep 0.02; done; "
                  f"kill -9 $vfadm || true; status=0; wait $vfadm || status=$?; echo $status; cat {said}")


def killed(lab):
    """vfadm killed after some steps of attach and of detach: recover leaves all or nothing, and the domain runs on"""
    guest = web1(lab)
    attach = f"attach {guest.ref} --from {VF0.bdf} mac={MAC} --live"
    detach = f"detach {guest.ref} {VF0.bdf}"

    def look():
        return {**of_function(lab, VF0), "devices": guest.devices(), "leases": leased(lab)}

    def ends(steps, words, before, after):
        """At `before` the words are begun, and killed after each of these steps; it ends at `after`."""
        deaths = 0
        for step in steps:
            said = killed_after(lab, step, words)
            deaths += said.startswith("137")
            lab.vfadm("recover")
            now = look()
            assert now in (before, after), f"killed after {step}: {said}\n{json.dumps(now)}\nbefore: {json.dumps(before)}\nafter: {json.dumps(after)}"
            if now == after:
                break
        assert deaths, "it was never killed"
        if now == before:
            lab.vfadm(*words.split())
        guest.await_nics(len(after["devices"]))
        assert look() == after, look()

    free = look()
    lab.vfadm(*attach.split())
    guest.await_nics(1)
    given = look()
    assert given != free and given["devices"] == [VF0.bdf], given
    ends((1,), detach, given, free)
    ends((5,), attach, free, given)
    lab.vfadm(*detach.split())
    guest.await_nics(0)
    assert look() == free, look()


def dies(lab):
    """a domain that xl destroy ends with its VF: recover gives the VF back as it was"""
    guest = web1(lab)
    before = of_function(lab, VF0)
    give(lab, guest, VF0, f"mac={MAC}", "vlan=9", "--live")
    guest.await_nics(1)
    guest.destroy()
    lab.vfadm("recover", says=VF0.bdf)
    assert leased(lab) == [] and of_function(lab, VF0) == before, of_function(lab, VF0)
    guest.remove()


# --- in the domain's file

def defined_by_vfadm(lab):
    """attach --config of a domain that is off: the file gets an entry and no other byte changes; started, it pings as by xl"""
    guest = web2(lab)
    guest.define("# a comment, as people write them", "passthrough = 'enabled'")
    before, text = of_function(lab, VF0), guest.text()
    give(lab, guest, VF0, f"mac={MAC}", "permissive=on", "--config", says="unsafe")
    entry = [line for line in guest.text().splitlines() if line not in text.splitlines()]
    assert VF0.bdf[5:] in "".join(entry) and "permissive=1" in "".join(entry), guest.text()
    with lab.unchanged():  # nobody else gets it while it is only the file's
        lab.vfadm("disable", PF, status=IN_USE, says=guest.ref)
    guest.create()
    agree(BY_XL["start"], had(guest, VF0))
    lab.vfadm("recover", says="nothing to recover")
    guest.await_nics(1)
    lab.vfadm("detach", guest.ref, VF0.bdf, "--live", "--config")
    guest.await_nics(0)
    assert guest.text() == text + "\npci = [ ]", guest.text()  # the list that was made stays, empty
    assert leased(lab) == [] and of_function(lab, VF0) == before, of_function(lab, VF0)


def crashes(lab):
    """a domain that crashes: a VF that is live only comes back, one that is in the file stays on pciback for its next start"""
    guest = web2(lab)
    before = of_function(lab, VF0), of_function(lab, VF1)
    give(lab, guest, VF0, f"mac={MAC}", "--live", "--config")
    give(lab, guest, VF1, "--live")
    guest.await_nics(2)
    lab.sh(f"xl sysrq {guest.name} c")
    guest.await_end()
    lab.vfadm("recover", says=VF1.bdf)
    assert leased(lab) == [(guest.ref, VF0.bdf)] and lab.driver(VF0.bdf) == "pciback", lab.leases()
    assert of_function(lab, VF1) == before[1], of_function(lab, VF1)
    lab.vfadm("detach", guest.ref, VF0.bdf, "--config")
    assert leased(lab) == [] and of_function(lab, VF0) == before[0], of_function(lab, VF0)
    guest.remove()


def hvm(lab):
    """an HVM guest: hot-plugged by xl and by vfadm, it pings the same; detached, the VF is igbvf's again"""
    fresh_vfs(lab)
    guest = hvm1(lab)
    guest.define("passthrough='enabled'")
    guest.create()
    before = of_function(lab, VF0)
    lab.sh(f"ip link set {PF} vf 0 mac {MAC}; xl pci-assignable-add {VF0.bdf}; xl pci-attach {guest.name} {VF0.bdf[5:]}")
    by_hand = had(guest, VF0)
    assert by_hand["guest: ping"] == "ok", by_hand
    lab.run("xl", "pci-detach", guest.name, VF0.bdf[5:])  # gives up after 10 s, when the guest is slow
    guest.await_nics(0)
    lab.sh(f"timeout 60 sh -c 'until xl pci-assignable-list | grep -q {VF0.bdf}; do sleep 0.3; done'; "
           f"xl pci-assignable-remove -r {VF0.bdf}")
    fresh_vfs(lab)
    before = of_function(lab, VF0)
    give(lab, guest, VF0, f"mac={MAC}", "--live")
    agree(by_hand, had(guest, VF0))
    lab.vfadm("detach", guest.ref, VF0.bdf)
    guest.await_nics(0)
    assert leased(lab) == [] and of_function(lab, VF0) == before, of_function(lab, VF0)
    guest.remove()


def pvh_refused(lab):
    """a PVH domain is refused, since libxl gives those no PCI devices"""
    guest = Domain(lab, "pvh1", 5, "pvh")
    guest.define()
    with lab.unchanged():
        give(lab, guest, VF0, "--config", status=UNSUPPORTED, says="PVH")
    lab.sh(f"rm {guest.file}")


# --- doctor, and hiding at boot

def found(lab, *words):
    """Of the findings worse than ok: {id: severity}."""
    result = lab.run("vfadm", "doctor", *words, "--json")
    assert result.status in (0, 12, 13), str(result)
    return {finding["id"]: finding["severity"] for finding in result.json()["findings"] if finding["severity"] != "ok"}


def doctor(lab):
    """doctor on dom0: nothing is wrong, and what is so here (no interrupt remapping) is a note; a mistake in hide= is told with its place"""
    lab.vfadm("disable", PF, "--disrupt")
    healthy = found(lab)
    assert set(healthy.values()) == {"note"} and "xen-intremap-off" in healthy, healthy
    place = "/etc/modprobe.d/pciback.conf"
    lab.sh(f"echo 'options xen-pciback hide=(01:10.0' >{place}")
    try:
        told = [finding for finding in lab.run("vfadm", "doctor", "--json").json()["findings"] if finding["id"] == "pciback-hide-typo"]
        assert [finding["severity"] for finding in told] != ["ok"] and place in json.dumps(told), told
    finally:
        lab.sh(f"rm {place}")
    assert found(lab) == healthy


def boot(lab):
    """bind --boot shows the diff and changes nothing until agreed to; unbind --boot takes back what was written"""
    files = "cd /etc; find modprobe.d initramfs-tools dracut.conf.d default/grub* -type f 2>/dev/null | sort | xargs cat | sha256sum"
    before = lab.sh(files)
    shown = lab.vfadm("bind", "--boot", BDF, "pciback", "--dry-run").out
    assert f"({BDF})" in shown and "+options xen-pciback" in shown, shown
    assert lab.sh(files) == before
    lab.vfadm("bind", "--boot", BDF, "pciback", "--yes")
    assert f"({BDF})" in lab.sh("cat /etc/modprobe.d/vfadm-xen-pciback.conf")
    lab.vfadm("unbind", "--boot", BDF, "--yes")
    assert lab.sh(files) == before


def nothing_left(lab):
    """after all of it: no lease, no domain, no device on pciback, the card as it was"""
    assert leased(lab) == [] and assignable(lab) == [] and lab.numvfs() == 0
    assert len(lab.sh("xl list").splitlines()) == 2, lab.sh("xl list")
    assert lab.sh(f"ls {CONFIGURATIONS}/*.cfg 2>/dev/null || true") == "" and lab.sh(f"cat {PCIBACK}/permissive") == ""


# --- no IOMMU

def no_iommu(lab):
    """without an IOMMU Xen gives nothing to guests: doctor says why, bind and attach are refused, as by xl"""
    install_module(lab)
    assert found(lab).get("xen-no-iommu") == "blocks", found(lab)
    fresh_vfs(lab)
    web1(lab).define()
    lab.sh("modprobe xen-pciback")
    with lab.unchanged():
        give(lab, web1(lab), VF0, "--config", status=UNSUPPORTED, says="no IOMMU")
        lab.vfadm("bind", VF0.bdf, "pciback", status=UNSUPPORTED, says="no IOMMU")
    assert lab.run("xl", "pci-assignable-add", VF0.bdf).status != 0
    lab.vfadm("set", VF1.bdf, f"mac={MAC}", "--disrupt")
    assert MAC in lab.vf_line(1)


CASES = {
    "xen": [without_module, by_xl, plugged_by_vfadm, not_permissive, autoprobe_off, bind_and_unbind, already_assigned, dom0_uses_it,
            xl_takes_it_out, xl_gives_it_away, killed, dies, defined_by_vfadm, crashes, pvh_refused, doctor, boot, nothing_left],
    "xen-no-iommu": [no_iommu],
}

# An HVM guest takes minutes to boot on an emulated processor: not in every run, but where it is asked for by name.
LONG = [without_module, hvm]
