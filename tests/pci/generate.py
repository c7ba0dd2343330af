"""Config spaces of functions that nobody sells: valid ones of every kind, and what chance and malice make of them."""
import struct

ENDPOINT, LEGACY, ROOT_PORT, UPSTREAM, DOWNSTREAM, TO_PCI, FROM_PCI, INTEGRATED, COLLECTOR = 0, 1, 4, 5, 6, 7, 8, 9, 10
PORTS = (ROOT_PORT, UPSTREAM, DOWNSTREAM, TO_PCI, FROM_PCI)


class Space:
    """A config space in the making. Capabilities go where there is room, in an order that chance gives."""

    def __init__(self, random, length=4096):
        self.random = random
        self.bytes = bytearray(length)
        self.ends = {}  # where the list's last pointer is, by list
        self.chain = []  # offsets of capabilities, for who wants to break them

    def put(self, at, layout, *values):
        struct.pack_into("<" + layout, self.bytes, at, *values)

    def noise(self, size):
        return self.random.randbytes(size)

    def header(self, header_type, class_code, vf=False):
        random = self.random
        self.put(0, "HH", 0xffff if vf else 0x8086, 0xffff if vf else random.randrange(0xffff))
        self.put(4, "HH", random.randrange(0x800), 0x10)
        self.put(8, "I", class_code << 8 | random.randrange(256))
        self.put(0x0e, "B", header_type | (0x80 if random.random() < .4 else 0))
        if header_type == 1:
            primary = random.randrange(200)
            secondary = random.randrange(primary + 1, 255)
            self.put(0x18, "BBB", primary, secondary, random.randrange(secondary, 256))
            base, size = random.randrange(0x800, 0xf00), random.randrange(64)
            self.put(0x20, "HH", base << 4, base + size << 4 if random.random() < .8 else 0)
            wide = random.random() < .7
            self.put(0x24, "HH", base << 4 | wide, base + size << 4 | wide)
            if wide:
                high = random.randrange(1 << 16)
                self.put(0x28, "II", high, high)

    def link(self, chain, at):
        """Appends an entry to one of the two lists."""
        end = self.ends.get(chain)
        if chain == "standard":
            self.put(0x34 if end is None else end + 1, "B", at)
        elif end is not None:
            old, = struct.unpack_from("<I", self.bytes, end)
            self.put(end, "I", old & 0xfffff | at << 20)
        self.ends[chain] = at
        self.chain.append((chain, at))

    def standard(self, wanted):
        """wanted: (id, size, fill) each; false places make holes. Offsets are shuffled, the list's order is as asked."""
        places, at = [], 0x40
        for _, size, _ in wanted:
            at += self.random.choice((0, 0, 4, 8))
            places.append(at)
            at += size + 3 & ~3
        order = list(range(len(wanted)))
        self.random.shuffle(order)
        for i in order:
            ident, size, fill = wanted[i]
            if places[i] + size > 256:
                continue
            self.bytes[places[i]:places[i] + size] = self.noise(size)
            self.put(places[i], "BB", ident, 0)
            self.link("standard", places[i])
            fill(places[i])

    def extended(self, wanted):
        at = 0x100
        for ident, size, fill in wanted:
            self.bytes[at:at + size] = self.noise(size)
            self.put(at, "I", ident | self.random.randrange(1, 4) << 16)
            self.link("extended", at)
            fill(at)
            at += (size + 3 & ~3) + self.random.choice((0, 0, 8, 0x40))

    def nothing(self, at):
        """Noise will do."""

    def express(self, kind, version):
        def fill(at):
            flags, = struct.unpack_from("<H", self.bytes, at + 2)
            self.put(at + 2, "H", flags & ~0xff | kind << 4 | version)
            if self.random.random() < .8:  # a link as links are, not noise
                speed, width = self.random.randrange(1, 7), self.random.choice((1, 2, 4, 8, 16, 32))
                self.put(at + 0x0c, "I", speed | width << 4)
                self.put(at + 0x12, "H", self.random.randrange(1, speed + 1) | width << 4)
        return (0x10, 0x3c if version > 1 else 0x24, fill)

    def msi(self, at):
        flags, = struct.unpack_from("<H", self.bytes, at + 2)
        self.put(at + 2, "H", flags & ~0xe | self.random.randrange(6) << 1)

    def sriov(self, at):
        random = self.random
        total = random.choice((0, 1, 7, 8, 16, 63, 64, 127, 128, 256, 1000))
        self.put(at + 4, "I", 0)
        self.put(at + 8, "HHHHH", random.randrange(32), 0, total, total, random.randrange(total + 1))
        self.put(at + 0x14, "HH", random.choice((0, 1, 8, 0x80, 0x180, 0x7f, 0x1ff)), random.choice((0, 1, 2, 4)))
        self.put(at + 0x1c, "II", 0x553, 1 << random.randrange(11))
        bar = 0
        while bar < 6:
            kind = random.choice((None, 0, 0x4, 0xc))
            value = 0 if kind is None else random.randrange(1 << 28) << 4 | kind
            self.put(at + 0x24 + 4 * bar, "I", value)
            if kind in (0x4, 0xc) and bar < 5:
                self.put(at + 0x28 + 4 * bar, "I", random.randrange(1 << 16))
                bar += 1
            bar += 1


def some(random, items):
    chosen = [item for item in items if random.random() < .6]
    random.shuffle(chosen)
    return chosen


def valid(random):
    """One of: a conventional function or bridge, an Express endpoint, a VF, a port."""
    what = random.choice(("conventional", "endpoint", "endpoint", "pf", "pf", "vf", "port", "port", "port"))
    conventional = what == "conventional"
    space = Space(random, 256 if conventional else 4096)
    kind = {"port": random.choice(PORTS), "vf": ENDPOINT, "pf": ENDPOINT}.get(
        what, random.choice((ENDPOINT, LEGACY, INTEGRATED, COLLECTOR, 2, 13)))
    bridge = what == "port" or (conventional and random.random() < .3)
    space.header(1 if bridge else 0, 0x060400 if bridge else 0x020000, vf=what == "vf")
    if conventional and not bridge and random.random() < .1:
        space.bytes[0x0e] = 2  # CardBus keeps its list elsewhere
        space.bytes[8:12] = struct.pack("<I", 0x06070001)
    standard = some(random, [(0x01, 8, space.nothing), (0x05, 24, space.msi), (0x11, 12, space.nothing),
                             (0x13, 6, space.nothing), (0x0d, 8, space.nothing), (0x09, 20, space.nothing),
                             (0x03, 8, space.nothing)])
    if not conventional:
        standard.insert(0, space.express(kind, random.choice((1, 2, 2, 2))))
    space.standard(standard)
    if space.bytes[0x0e] & 0x7f == 2:
        space.bytes[0x14], space.bytes[0x34] = space.bytes[0x34], 0
    if not conventional:
        extended = some(random, [(0x01, 0x48, space.nothing), (0x03, 12, space.nothing), (0x0d, 8, space.nothing),
                                 (0x0e, 8, space.nothing), (0x18, 8, space.nothing), (0x0b, 16, space.vendor)])
        if what == "pf":
            extended.insert(random.randrange(len(extended) + 1), (0x10, 0x40, space.sriov))
        space.extended(extended)
    return space


# A vendor's own capability tells its length, which lspci prints that many bytes of.
def vendor(self, at):
    self.put(at + 4, "I", 16 << 20 | 1)


Space.vendor = vendor


def truncated(random):
    """Cut off where the kernel cuts (64 bytes for ordinary users, 256), or anywhere."""
    space = valid(random)
    longest = len(space.bytes)
    del space.bytes[random.choice((64, 64, 128, 256, random.randrange(64, longest + 1), random.randrange(64, 256))):]
    return space


def looping(random):
    """A pointer that leads back, into the header, between capabilities, or beyond the end."""
    space = valid(random)
    for _ in range(random.randrange(1, 3)):
        if not space.chain:
            break
        chain, at = random.choice(space.chain)
        where = random.choice((at, random.choice(space.chain)[1], random.randrange(256), random.randrange(4096)))
        if chain == "standard":
            space.put(at + 1, "B", where & 0xff)
        else:
            header, = struct.unpack_from("<I", space.bytes, at)
            space.put(at, "I", header & 0xfffff | where << 20)
    return space


def twice(random):
    """A capability of one kind twice: the first of the list counts."""
    space = valid(random)
    if len(space.chain) > 1:
        (one, at), (other, to) = random.sample(space.chain, 2)
        if one == other:
            space.bytes[to] = space.bytes[at]
            if one == "extended":
                space.bytes[to + 1] = space.bytes[at + 1]
    return space


def corrupt(random):
    """Bits that fell over, and blocks of noise, of zeros and of ones."""
    space = valid(random)
    if random.random() < .1:
        space.bytes[:] = random.choice((b"\0", b"\xff")) * len(space.bytes)
    elif random.random() < .1:
        space.bytes[:] = random.randbytes(len(space.bytes))
        space.bytes[6] |= 0x10
        space.bytes[0x0e] = random.choice((0, 1, 2, 0x80, 0x81, random.randrange(256)))
    else:
        size = len(space.bytes)
        for _ in range(random.randrange(1, 40)):
            at = random.choice((random.randrange(0x40), random.randrange(0x40, 256), random.randrange(size)))
            space.bytes[at] ^= 1 << random.randrange(8)
        if random.random() < .4:
            at = random.randrange(0x40, 256)
            block = random.choice((random.randbytes(16), b"\0" * 32, b"\xff" * 32))
            space.bytes[at:at + len(block)] = block[:size - at]
    if random.random() < .2:
        del space.bytes[random.randrange(64, len(space.bytes) + 1):]
    return space


KINDS = {"valid": valid, "truncated": truncated, "looping": looping, "twice": twice, "corrupt": corrupt}
