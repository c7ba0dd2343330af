#!/usr/bin/env python3
"""What vfadm reads from config spaces agrees with `lspci -vvv` on the same dumps: recorded hosts' and generated ones.

usage: test_lspci.py [--seed N] [--count N] [DUMP…]   (DUMP: files that `lspci -xxxx` wrote, in place of the rest)

lspci is no kernel: where it reads on and the kernel does not, vfadm goes with the kernel. Each such class is cut out of lspci's
answer by a rule of its own (`leave_out` counts them), and what is left must agree in full:

  low pointer   a list that leads below 40h (the extended one: below 100h): lspci reads on there, the kernel stops
                (__pci_find_next_cap_ttl(), pci_find_next_ext_capability()).
  no Express    lspci looks for extended capabilities behind a PCI-X capability too; vfadm behind Express only: ACS, ARI and
                SR-IOV are of PCI Express.
  second        a capability of the same kind again: the kernel works with the first (pci_find_capability()).
  cut off       a capability of which the dump holds a part: lspci says its name and what fits; vfadm: not there.
  too long      extended entries after the 480th: the kernel gives up.
  no link       link registers of types that have none by pcie_cap_has_lnkctl(), which lspci shows for unknown types.
  MSI reserved  vector counts of 64 and 128, which the specification reserves; vfadm: none.
  no window     registers of a bridge's prefetchable window that are zero both: a bridge without such a window has that too, which
                the kernel finds out by writing to them.
  lspci died    of a malformed capability that is none of ours (Enhanced Allocation): it is hidden from lspci.
  no device     a function whose first 8 bytes are all ones answers nobody.
"""
import argparse
import collections
import glob
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile

import generate

HERE = os.path.dirname(os.path.abspath(__file__))
SHOW_CAPS = os.environ.get("SHOW_CAPS", "show-caps")
SEED = 20261121
COUNT = 1200  # of each kind
SPEEDS = {"unknown": None, "2.5GT/s": 1, "5GT/s": 2, "8GT/s": 3, "16GT/s": 4, "32GT/s": 5, "64GT/s": 6}
TYPES = {"Endpoint": 0, "Legacy Endpoint": 1, "Root Port": 4, "Upstream Port": 5, "Downstream Port": 6,
         "PCI-Express to PCI/PCI-X Bridge": 7, "PCI/PCI-X to PCI-Express Bridge": 8, "Root Complex Integrated Endpoint": 9,
         "Root Complex Event Collector": 10}
HAVE_LINK = (0, 1, 4, 5, 6, 7, 8)
# Title in lspci's words → our name for it, and the bytes that it needs to count.
KINDS = {"Power Management version": ("pm", 8), "MSI:": ("msi", 4), "MSI-X:": ("msix", 12), "Express (v": ("express", 0x14),
         "PCI Advanced Features": ("af", 6), "Access Control Services": ("acs", 8),
         "Single Root I/O Virtualization": ("sriov", 0x40), "Alternative Routing-ID Interpretation": ("ari", 8),
         "Device Serial Number": ("serial", 12)}
ACS_BITS = ("SrcValid", "TransBlk", "ReqRedir", "CmpltRedir", "UpstreamFwd", "EgressCtrl", "DirectTrans")

left_out = collections.Counter()
compared = collections.Counter()


def leave_out(why):
    left_out[why] += 1


def lspci_path():
    return shutil.which("lspci") or next((path for path in ("/usr/bin/lspci", "/usr/sbin/lspci", "/sbin/lspci")
                                          if os.access(path, os.X_OK)), None)


def address(number):
    return "%04x:%02x:%02x.%d" % (number >> 16, number >> 8 & 0xff, number >> 3 & 0x1f, number & 7)


def write_dump(file, spaces, first=0):
    for number, data in enumerate(spaces[first:], first):
        digits = data.hex(" ")
        lines = [address(number) + " Device"]
        lines += ["%02x: %s" % (at, digits[3 * at:3 * at + 47].rstrip()) for at in range(0, len(data), 16)]
        file.write("\n".join(lines) + "\n\n")


def without(space, block):
    """The space with the capability that lspci told of last made one that it does not know."""
    said = sections(block)
    at, extended, text = said[-1]
    assert not any(text.startswith(title) for title in KINDS), block
    patched = bytearray(space)
    if not extended and at < 0x40:  # no capability but the header, where the kernel does not go: the list ends before
        patched[said[-2][0] + 1 if len(said) > 1 else 0x14 if space[0x0e] & 0x7f == 2 else 0x34] = 0
    else:
        patched[at:at + 1 + extended] = b"\xf0\x0f"[:1 + extended]
    return bytes(patched)


def ask_lspci(lspci, spaces):
    """lspci's block for each space. It dies of some malformed capabilities: these are hidden from it, and it goes on from there."""
    spaces, first, blocks = list(spaces), 0, {}
    while True:
        with tempfile.NamedTemporaryFile("w", suffix=".dump") as file:
            write_dump(file, spaces, first)
            file.flush()
            done = subprocess.run([lspci, "-F", file.name, "-vvv", "-n", "-D"], capture_output=True, check=False, timeout=120,
                                  env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
        # Not by empty lines: after a serial number that is cut off, lspci ends no line.
        said = re.split(r"^(?=[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7] )", done.stdout.decode(errors="replace"), flags=re.M)
        blocks.update((block.split()[0], block) for block in said if block.strip())
        if done.returncode == 0:
            break
        if b"Internal bug: Accessing non-read configuration byte" not in done.stderr:
            sys.exit("lspci failed: " + done.stderr.decode(errors="replace"))
        leave_out("lspci died")
        first = next(number for number in range(first, len(spaces)) if address(number) == said[-1].split()[0])
        spaces[first] = without(spaces[first], said[-1])
    return [blocks.get(address(number), "") for number in range(len(spaces))]


def ask_vfadm(spaces):
    data = b"".join(struct.pack("<I", len(space)) + bytes(space) for space in spaces)
    done = subprocess.run([SHOW_CAPS], input=data, stdout=subprocess.PIPE, check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def sections(block):
    """(offset, extended, text) of each capability, in the order of the lists; a list ends where lspci says that it does."""
    found = []
    starts = [m.start() for m in re.finditer(r"\tCapabilities: \[|\tCapabilities: <", block)] + [len(block)]
    for start, end in zip(starts, starts[1:]):
        head = re.match(r"\tCapabilities: \[([0-9a-f]+)( v\d+)?\] ?(.*)", block[start:end], re.S)
        if head and not head[3].startswith(("<chain", "<access")):
            found.append((int(head[1], 16), head[2] is not None, head[3]))
    return found


def as_the_kernel(block, length):
    """Offset and text of the capabilities that count, by our names."""
    standard, extended = [], []
    for at, is_extended, text in sections(block):
        (extended if is_extended else standard).append((at, text))
    for chain, lowest in ((standard, 0x40), (extended, 0x100)):
        low = next((i for i, (at, _) in enumerate(chain) if at < lowest), None)
        if low is not None:
            leave_out("low pointer")
            del chain[low:]
    if len(extended) > 480:
        leave_out("too long")
        del extended[480:]

    def choose(chain, result):
        seen = set()
        for at, text in chain:
            name, size = next((known for title, known in KINDS.items() if text.startswith(title)), (None, 0))
            if not name:
                continue
            if name in seen:
                leave_out("second")
            elif at + size > length:
                leave_out("cut off")
            else:
                result[name] = at, text
            seen.add(name)
        return result
    result = choose(standard, {})
    if "express" not in result and extended:
        leave_out("no Express")
        extended = []
    return choose(extended, result)


def flag(text, name):
    """True or False for NAME+ and NAME-, None where it is not said."""
    found = re.search(re.escape(name) + r"([+-])", text)
    return found and found[1] == "+"


class Comparison:
    def __init__(self, caps):
        self.caps = caps
        self.wrong = []

    def same(self, name, lspci, fact=None):
        fact = fact or name
        compared[name.partition("[")[0]] += 1
        ours = self.caps[fact]
        if isinstance(lspci, bool):
            ours = bool(ours)
        if ours != lspci:
            self.wrong.append("%s: lspci %r, vfadm %r" % (name, lspci, ours))


def compare_link(check, text, kind):
    if kind not in HAVE_LINK:
        if "LnkCap:" in text:
            leave_out("no link")
        for name in ("link_speed", "link_width", "link_speed_max", "link_width_max"):
            check.same(name, 0)
        return
    for line, suffix in (("LnkCap", "_max"), ("LnkSta", "")):
        found = re.search(line + r":\s.*?Speed (\S+?)(?: \([\w -]+\))?, Width x(\d+)", text)
        if not found:
            leave_out("cut off")
            continue
        check.same("link_width" + suffix, int(found[2]))
        speed = SPEEDS[found[1]]
        if speed is None:
            compared["link_speed" + suffix] += 1
            if check.caps["link_speed" + suffix] in SPEEDS.values():
                check.wrong.append("link_speed%s: lspci does not know it" % suffix)
        else:
            check.same("link_speed" + suffix, speed)


def compare_express(check, found, length):
    if not found:
        check.same("express_at", 0)
        check.same("pcie_type", 255)
        for name in ("flr", "ari_forwarding", "ari_forwarding_capable"):
            check.same(name, False)
        return
    at, text = found
    check.same("express_at", at)
    words = re.match(r"Express \(v(\d+)\) (?:Unknown type (\d+)|(.*?))(?: \(Slot[+-]\))?, (?:MSI|IntMsgNum)", text)
    kind = int(words[2]) if words[2] else TYPES[words[3]]
    check.same("pcie_type", kind)
    if flag(text, "FLReset") is not None:
        check.same("flr", flag(text, "FLReset"))
    compare_link(check, text, kind)
    for line, name in (("DevCap2:", "ari_forwarding_capable"), ("DevCtl2:", "ari_forwarding")):
        if kind not in (4, 6) or int(words[1]) < 2:
            check.same(name, False)
        elif line in text:
            check.same(name, flag(text[text.index(line):], "ARIFwd"))
        else:
            assert at + 0x3c > length, text
            leave_out("cut off")


def compare_sriov(check, found):
    check.same("sriov_at", found[0] if found else 0)
    if not found:
        return
    text = found[1]
    for name, label in (("sriov_enabled", "IOVCtl:\tEnable"), ("sriov_memory", "MSE"), ("sriov_ari", "ARIHierarchy")):
        check.same(name, flag(text, label))
    for name, label in (("sriov_initial", "Initial VFs: "), ("sriov_total", "Total VFs: "), ("sriov_num", "Number of VFs: "),
                        ("sriov_offset", "VF offset: "), ("sriov_stride", "stride: ")):
        check.same(name, int(re.search(label + r"(\d+)", text)[1]))
    for name, label in (("sriov_vf_device", "Device ID: "), ("sriov_page_sizes", "Supported Page Size: "),
                        ("sriov_page_size", "System Page Size: ")):
        check.same(name, int(re.search(label + r"([0-9a-f]+)", text)[1], 16))
    bars, upper = check.caps["sriov_bars"], False
    for i, bar in enumerate(bars):
        region = re.search(r"Region %d: Memory at ([0-9a-f]+) \((\d+)-bit, (non-)?prefetchable" % i, text)
        if upper or bar in (0, 0xffffffff):
            upper = False
            ours = None
        else:
            upper = bar & 6 == 4
            high = bars[i + 1] if upper and i < 5 else None
            if upper and i == 5:
                continue  # its upper half would be the register behind the BARs: lspci takes that, and nobody uses it
            ours = ("%08x" % high if upper else "") + "%08x" % (bar & ~0xf), "64" if bar & 6 else "32", "non-" if not bar & 8 else None
        compared["sriov_bars"] += 1
        if (region and region.groups()) != ours:
            check.wrong.append("VF BAR %d: lspci %r, vfadm %r" % (i, region and region.groups(), ours))


def compare_bridge(check, block):
    buses = re.search(r"\tBus: primary=([0-9a-f]+), secondary=([0-9a-f]+), subordinate=([0-9a-f]+)", block)
    if check.caps["header_type"] != 1 or not buses:
        return
    for name, value in zip(("primary", "secondary", "subordinate"), buses.groups()):
        check.same(name, int(value, 16))
    for label, name in (("Memory", "mem"), ("Prefetchable memory", "pref")):
        window = re.search(r"\t%s behind bridge: ([0-9a-f]+)-([0-9a-f]+)( \[disabled\])?" % label, block)
        if not window or window[3]:
            continue
        if name == "pref" and int(window[1], 16) == 0 and int(window[2], 16) == 0xfffff:
            leave_out("no window")
            continue
        for end, value in zip(("_base", "_limit"), window.groups()):
            compared[name + end] += 1
            if check.caps[name + end] % 2**64 != int(value, 16):  # JSON's numbers are signed
                check.wrong.append("%s%s: lspci %s, vfadm %x" % (name, end, value, check.caps[name + end] % 2**64))


def compare_small(check, found):
    for name in ("pm", "msi", "msix", "af", "acs", "ari"):
        check.same(name + "_at", found[name][0] if name in found else 0)
    check.same("pm_reset", flag(found["pm"][1], "NoSoftRst") is False if "pm" in found else False)
    vectors = int(re.search(r"Count=\d+/(\d+)", found["msi"][1])[1]) if "msi" in found else 0
    if vectors > 32:
        leave_out("MSI reserved")
        vectors = 0
    check.same("msi_vectors", vectors)
    check.same("msix_vectors", int(re.search(r"Count=(\d+)", found["msix"][1])[1]) if "msix" in found else 0)
    check.same("af_flr", "AFCap: TP+ FLR+" in found["af"][1] if "af" in found else False)
    for name, line in (("acs_cap", "ACSCap"), ("acs_ctrl", "ACSCtl")):
        said = re.search(line + r":\t(.*)", found["acs"][1])[1] if "acs" in found else ""
        bits = sum(1 << i for i, word in enumerate(ACS_BITS) if flag(said, word))
        compared[name] += 1
        if check.caps[name] & 0x7f != bits:
            check.wrong.append("%s: lspci %02x, vfadm %02x" % (name, bits, check.caps[name]))
    serial = re.search(r"([0-9a-f-]{23})", found["serial"][1])[1].replace("-", "") if "serial" in found else None
    check.same("serial", serial)


def differences(space, block, caps):
    """What lspci and vfadm see differently in one config space."""
    if space[:8] == b"\xff" * 8:
        leave_out("no device")
        block = re.sub(r"\n.*", "\n", block, flags=re.S)
    found = as_the_kernel(block, len(space))
    check = Comparison(caps)
    compare_small(check, found)
    compare_express(check, found.get("express"), len(space))
    compare_sriov(check, found.get("sriov"))
    compare_bridge(check, block)
    control = re.search(r"\tControl: I/O([+-]) Mem([+-]) BusMaster([+-])", block)
    if control and space[:8] != b"\xff" * 8:
        bits = sum(1 << i for i, sign in enumerate(control.groups()) if sign == "+")
        compared["command"] += 1
        if caps["command"] & 7 != bits:
            check.wrong.append("command: lspci %d, vfadm %d" % (bits, caps["command"] & 7))
    return check.wrong


def recorded_hosts():
    """Config spaces of every recorded host of the fixtures."""
    for archive in sorted(glob.glob(os.path.join(HERE, "..", "fixtures", "*", "host.tar.gz"))):
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.isfile() and member.name.endswith("/config") and "sys/devices" in member.name:
                    yield tar.extractfile(member).read()


def read_dumps(paths):
    """Config spaces of `lspci -x…` dumps; other lines are passed over."""
    for path in paths:
        data = bytearray()
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in list(file) + ["\n"]:
                row = re.match(r"([0-9a-f]{2,3}):((?: [0-9a-f]{2}){1,16})\s*$", line)
                if row and int(row[1], 16) == len(data):
                    data += bytes.fromhex(row[2])
                elif not row and len(data) >= 64:
                    yield bytes(data)
                    data = bytearray()
                elif not row:
                    data = bytearray()


def run(lspci, number, name, spaces):
    spaces = [bytes(space) for space in spaces]
    bad = 0
    for space, block, caps in zip(spaces, ask_lspci(lspci, spaces), ask_vfadm(spaces), strict=True):
        wrong = differences(space, block, caps)
        if wrong and bad < 3:
            print("# %d bytes: %s" % (len(space), "; ".join(wrong)))
            print("".join("# " + line + "\n" for line in block.splitlines()), end="")
            print("# " + space.hex())
        bad += bool(wrong)
    # No spaces would be a test that tests nothing.
    print("%sok %d - %s: %d config spaces, %d read differently" % ("" if spaces and not bad else "not ", number, name, len(spaces), bad))
    return bool(spaces) and not bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("dumps", nargs="*")
    options = parser.parse_args()
    lspci = lspci_path()
    if not lspci:
        print("1..0 # SKIP lspci is not installed (package pciutils)")
        return 0
    chance = random.Random(options.seed)
    if options.dumps:
        print("1..1")
        good = run(lspci, 1, "dumps", read_dumps(options.dumps))
    else:
        print("1..%d" % (len(generate.KINDS) + 2))
        good = run(lspci, 1, "recorded hosts", recorded_hosts())
        for number, (name, make) in enumerate(generate.KINDS.items(), 2):
            good &= run(lspci, number, name, [make(chance).bytes for _ in range(options.count)])
        # Each fact must have been there to be compared, and each exclusion must be one that happens.
        facts = {"acs_cap", "sriov_total", "sriov_bars", "ari_at", "msix_vectors", "msi_vectors", "flr", "af_flr", "pm_reset", "link_width",
                 "ari_forwarding", "subordinate", "mem_base", "pref_base", "command", "serial"}
        missing = [fact for fact in sorted(facts) if compared[fact] < options.count // 10]
        print("%sok %d - every fact was compared%s" % ("not " if missing else "", len(generate.KINDS) + 2,
                                                      ": not " + ", ".join(missing) if missing else ""))
        good &= not missing
    print("# compared: " + ", ".join("%s %d" % item for item in sorted(compared.items())))
    print("# left out: " + ", ".join("%s %d" % item for item in sorted(left_out.items())))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
