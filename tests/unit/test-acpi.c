/* DMAR and IVRS: tables built here, cut off at every length, with every byte changed, and with lengths that loop. */
#include "host/acpi.h"

#include <string.h>

typedef struct {
        IommuTable table;
        GArray *reserved; /* AcpiReserved */
} Result;

static GByteArray *begin(const char *signature) {
        GByteArray *b = g_byte_array_new();
        g_byte_array_set_size(b, 48);
        memset(b->data, 0, 48);
        memcpy(b->data, signature, 4);
        b->data[8] = 1;
        return b;
}

static void put(GByteArray *b, unsigned size, uint64_t value) {
        for (unsigned i = 0; i < size; i++) {
                uint8_t byte = (uint8_t) (value >> (8 * i));
                g_byte_array_append(b, &byte, 1);
        }
}

/* Writes length and checksum. */
static void seal(GByteArray *b) {
        uint8_t sum = 0;
        for (unsigned i = 0; i < 4; i++)
                b->data[4 + i] = (uint8_t) (b->len >> (8 * i));
        b->data[9] = 0;
        for (unsigned i = 0; i < b->len; i++)
                sum = (uint8_t) (sum + b->data[i]);
        b->data[9] = (uint8_t) -sum;
}

static void put_scope(GByteArray *b, unsigned type, unsigned bus, unsigned hops, const uint8_t *path) {
        put(b, 1, type);
        put(b, 1, 6 + 2 * hops);
        put(b, 2, 0);
        put(b, 1, 0);
        put(b, 1, bus);
        g_byte_array_append(b, path, 2 * hops);
}

/* An ordinary server: two units, memory kept for a USB controller and for all below a bridge's bridge, ATSR, RHSA, ANDD,
 * SATC, and a block of a kind to come. */
static GByteArray *dmar(unsigned flags) {
        GByteArray *b = begin("DMAR");
        b->data[36] = 45;
        b->data[37] = (uint8_t) flags;
        put(b, 2, 0), put(b, 2, 24), put(b, 1, 0), put(b, 1, 0), put(b, 2, 0), put(b, 8, 0xfed90000);
        put_scope(b, 1, 0, 1, (const uint8_t[]) {2, 0});
        put(b, 2, 0), put(b, 2, 16), put(b, 1, 1), put(b, 1, 0), put(b, 2, 0), put(b, 8, 0xfed91000);
        put(b, 2, 1), put(b, 2, 42), put(b, 2, 0), put(b, 2, 0), put(b, 8, 0x9d000000), put(b, 8, 0x9d01ffff);
        put_scope(b, 1, 0, 1, (const uint8_t[]) {0x14, 0});
        put_scope(b, 2, 0, 2, (const uint8_t[]) {0x1c, 4, 0, 0});
        put(b, 2, 2), put(b, 2, 16), put(b, 1, 0), put(b, 1, 0), put(b, 2, 0);
        put_scope(b, 2, 0, 1, (const uint8_t[]) {2, 0});
        put(b, 2, 3), put(b, 2, 20), put(b, 4, 0), put(b, 8, 0xfed90000), put(b, 4, 0);
        put(b, 2, 4), put(b, 2, 16), put(b, 3, 0), put(b, 1, 1), put(b, 8, 0x305f4253);
        put(b, 2, 5), put(b, 2, 16), put(b, 1, 0), put(b, 1, 0), put(b, 2, 0);
        put_scope(b, 1, 0, 1, (const uint8_t[]) {4, 0});
        put(b, 2, 77), put(b, 2, 12), put(b, 8, 0);
        seal(b);
        return b;
}

static void put_ivhd(GByteArray *b, unsigned type, unsigned devid, unsigned entries) {
        put(b, 1, type), put(b, 1, 0xb0), put(b, 2, (type == 0x10 ? 24 : 40) + entries), put(b, 2, devid), put(b, 2, 0x40);
        put(b, 8, 0xfd300000), put(b, 2, 0), put(b, 2, 0), put(b, 4, 0);
        if (type != 0x10)
                put(b, 8, 0), put(b, 8, 0);
}

static void put_ivmd(GByteArray *b, unsigned type, unsigned flags, unsigned first, unsigned last, uint64_t start, uint64_t size) {
        put(b, 1, type), put(b, 1, flags), put(b, 2, 32), put(b, 2, first), put(b, 2, last), put(b, 8, 0);
        put(b, 8, start), put(b, 8, size);
}

/* One IOMMU told three times, a second one, I/O APICs, an ACPI device, and the three kinds of memory. */
static GByteArray *ivrs(bool ioapic) {
        GByteArray *b = begin("IVRS");
        b->data[37] = 0x30; /* PASize 48 in bits 8 to 14 */
        put_ivhd(b, 0x10, 0x0002, 16);
        put(b, 4, 0x00000803), put(b, 4, 0x00fffe04); /* from 00:01.0 to ff:1f.6 */
        put(b, 1, 0x48), put(b, 2, 0), put(b, 1, 0xd7), put(b, 1, 0x21), put(b, 2, 0xa0), put(b, 1, ioapic ? 1 : 2);
        put_ivhd(b, 0x11, 0x0002, 4);
        put(b, 4, 0x00000802);
        put_ivhd(b, 0x40, 0x0002, 26);
        put(b, 1, 0xf0), put(b, 2, 0x98), put(b, 1, 0), put(b, 8, 0x3130303049444d41), put(b, 8, 0), put(b, 1, 2), put(b, 1, 4);
        put(b, 4, 0x305f4253);
        put_ivhd(b, 0x40, 0x4002, 0);
        put_ivmd(b, 0x21, 0x07, 0x0300, 0, 0xa0000000, 0x1000);
        put_ivmd(b, 0x22, 0x08, 0x0000, 0x0fff, 0xb0000000, 0x1000);
        put_ivmd(b, 0x20, 0x01, 0, 0, 0xc0000000, 0);
        put_ivmd(b, 0x21, 0x00, 0x0400, 0, 0xd0000000, 0x1000); /* neither mapped nor excluded */
        seal(b);
        return b;
}

static Result parse(const uint8_t *bytes, size_t length, bool intel) {
        Result r = {.reserved = g_array_new(FALSE, FALSE, sizeof(AcpiReserved))};
        /* Of exactly its size: one byte too many is seen by the sanitizer. */
        g_autofree uint8_t *copy = length ? g_memdup2(bytes, length) : NULL;
        (intel ? acpi_dmar_parse : acpi_ivrs_parse)(copy, length, &r.table, r.reserved);
        return r;
}

static void clear(Result *r) {
        g_array_unref(r->reserved);
}

static void test_dmar(void) {
        g_autoptr(GByteArray) b = dmar(0x05);
        Result r = parse(b->data, b->len, true);

        g_assert_true(r.table.readable);
        g_assert_true(r.table.valid);
        g_assert_cmpuint(r.table.units, ==, 2);
        g_assert_cmpuint(r.table.address_bits, ==, 46);
        g_assert_true(r.table.intr_remap);
        g_assert_false(r.table.x2apic_opt_out);
        g_assert_true(r.table.dma_opt_in);
        g_assert_cmpuint(r.reserved->len, ==, 2);
        const AcpiReserved *usb = &g_array_index(r.reserved, AcpiReserved, 0), *bridge = usb + 1;
        g_assert_false(usb->below);
        g_assert_false(usb->range);
        g_assert_cmpuint(usb->hops, ==, 1);
        g_assert_cmpuint(usb->path[0].slot, ==, 0x14);
        g_assert_cmphex(usb->start, ==, 0x9d000000);
        g_assert_cmphex(usb->end, ==, 0x9d01ffff);
        g_assert_true(bridge->below);
        g_assert_cmpuint(bridge->hops, ==, 2);
        g_assert_cmpuint(bridge->path[0].slot, ==, 0x1c);
        g_assert_cmpuint(bridge->path[0].function, ==, 4);
        g_assert_cmpuint(bridge->path[1].slot, ==, 0);
        clear(&r);
}

static void test_dmar_flags(void) {
        g_autoptr(GByteArray) b = dmar(0x02);
        Result r = parse(b->data, b->len, true);
        g_assert_false(r.table.intr_remap);
        g_assert_true(r.table.x2apic_opt_out);
        g_assert_false(r.table.dma_opt_in);
        clear(&r);
}

static void test_ivrs(void) {
        g_autoptr(GByteArray) b = ivrs(true);
        Result r = parse(b->data, b->len, false);

        g_assert_true(r.table.valid);
        g_assert_cmpuint(r.table.units, ==, 2);
        g_assert_cmpuint(r.table.address_bits, ==, 48);
        g_assert_true(r.table.intr_remap);
        g_assert_cmpuint(r.reserved->len, ==, 3);
        const AcpiReserved *one = &g_array_index(r.reserved, AcpiReserved, 0), *range = one + 1, *all = one + 2;
        g_assert_true(one->range);
        g_assert_cmphex(one->first, ==, 0x0300);
        g_assert_cmphex(one->last, ==, 0x0300);
        g_assert_cmphex(one->end, ==, 0xa0000fff);
        g_assert_cmphex(range->first, ==, 0);
        g_assert_cmphex(range->last, ==, 0x0fff);
        g_assert_cmphex(all->last, ==, 0xffff);
        g_assert_cmphex(all->end, ==, 0xc0000000);
        clear(&r);

        g_autoptr(GByteArray) without = ivrs(false);
        r = parse(without->data, without->len, false);
        g_assert_true(r.table.valid);
        g_assert_false(r.table.intr_remap);
        clear(&r);
}

/* As QEMU 10.0's amd-iommu with intremap=on has it: the same IOMMU in blocks of types 10h and 11h, and an I/O APIC. */
static void test_ivrs_qemu(void) {
        static const char text[] = "SVZSU9gAAAABiEJPQ0hTIEJYUEMgICAgAQAAAEJYUEMBAAAAASgAAAAAAAAAAAAAENFMABgAQAAA"
                                   "ANj+AAAAAAAAAABEAAAAAgAAAAIIAAACEAAAAhgAAAIgAAACgAAAAwABAAT/AQAC+AAAAvoAAAL7"
                                   "AABIAAAAAKAAARERXAAYAEAAAADY/gAAAAAAAAAAAAAAANMpAAAAAAAAAAAAAAAAAAACAAAAAggA"
                                   "AAIQAAACGAAAAiAAAAKAAAADAAEABP8BAAL4AAAC+gAAAvsAAEgAAAAAoAAB";
        gsize length;
        g_autofree uint8_t *bytes = g_base64_decode(text, &length);
        Result r = parse(bytes, length, false);
        g_assert_true(r.table.valid);
        g_assert_cmpuint(r.table.units, ==, 1);
        g_assert_cmpuint(r.table.address_bits, ==, 40);
        g_assert_true(r.table.intr_remap);
        g_assert_cmpuint(r.reserved->len, ==, 0);
        clear(&r);
}

/* A cut is noticed wherever it is, and what stood before it is kept. */
static void test_truncated(void) {
        for (unsigned intel = 0; intel < 2; intel++) {
                g_autoptr(GByteArray) b = intel ? dmar(1) : ivrs(true);
                for (unsigned length = 0; length < b->len; length++) {
                        Result r = parse(b->data, length, intel);
                        g_assert_true(r.table.readable);
                        g_assert_false(r.table.valid);
                        g_assert_cmpuint(r.table.units, <=, 2);
                        g_assert_cmpuint(r.reserved->len, <=, 3);
                        g_assert_true(length >= 48 || !r.table.units);
                        clear(&r);
                }
                /* The header tells less than there is: the rest is not looked at. */
                for (unsigned length = 0; length < b->len; length++) {
                        g_autoptr(GByteArray) shorter = g_byte_array_new();
                        g_byte_array_append(shorter, b->data, b->len);
                        shorter->data[4] = (uint8_t) length;
                        shorter->data[5] = (uint8_t) (length >> 8);
                        Result r = parse(shorter->data, shorter->len, intel);
                        g_assert_false(r.table.valid); /* the checksum */
                        clear(&r);
                }
        }
}

static void test_changed(void) {
        static const uint8_t values[] = {0, 1, 3, 4, 0x7f, 0x80, 0xf0, 0xff};
        for (unsigned intel = 0; intel < 2; intel++) {
                g_autoptr(GByteArray) b = intel ? dmar(1) : ivrs(true);
                for (unsigned i = 0; i < b->len; i++)
                        for (size_t v = 0; v < sizeof values; v++) {
                                uint8_t before = b->data[i];
                                b->data[i] = values[v];
                                Result r = parse(b->data, b->len, intel);
                                g_assert_cmpint(r.table.valid, ==, values[v] == before); /* one byte always breaks the sum */
                                clear(&r);
                                b->data[i] = before;
                        }
        }
}

/* Blocks of no length, of less than their head, and one that leads beyond the end; with right checksums. */
static void test_lengths(void) {
        static const uint16_t lengths[] = {0, 1, 3, 4, 15, 0xffff};
        for (unsigned intel = 0; intel < 2; intel++)
                for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
                        g_autoptr(GByteArray) b = intel ? dmar(1) : ivrs(true);
                        b->data[50] = (uint8_t) lengths[i];
                        b->data[51] = (uint8_t) (lengths[i] >> 8);
                        seal(b);
                        Result r = parse(b->data, b->len, intel);
                        g_assert_false(r.table.valid);
                        g_assert_cmpuint(r.table.units, ==, 0);
                        clear(&r);
                }
        /* Device scopes, and entries of an IVHD whose kind has no known size. */
        g_autoptr(GByteArray) scope = dmar(1);
        scope->data[48 + 16 + 1] = 0;
        seal(scope);
        Result r = parse(scope->data, scope->len, true);
        g_assert_false(r.table.valid);
        clear(&r);
        g_autoptr(GByteArray) entry = ivrs(true);
        entry->data[48 + 24] = 0x9a;
        seal(entry);
        r = parse(entry->data, entry->len, false);
        g_assert_false(r.table.valid);
        clear(&r);
}

static void test_many(void) {
        g_autoptr(GByteArray) b = begin("IVRS");
        for (unsigned i = 0; i < 3000; i++)
                put_ivmd(b, 0x21, 1, i, 0, 0x1000, 0x1000);
        for (unsigned i = 0; i < 1000; i++)
                put_ivhd(b, 0x11, i, 0);
        seal(b);
        Result r = parse(b->data, b->len, false);
        g_assert_cmpuint(r.reserved->len, ==, 1024);
        g_assert_cmpuint(r.table.units, ==, 256);
        g_assert_true(r.table.valid);
        clear(&r);
}

static void test_other(void) {
        g_autoptr(GByteArray) b = dmar(1);
        Result r = parse(b->data, b->len, false); /* a DMAR is no IVRS */
        g_assert_false(r.table.valid);
        g_assert_cmpuint(r.table.units, ==, 0);
        clear(&r);
        g_autoptr(GByteArray) empty = begin("DMAR");
        seal(empty);
        r = parse(empty->data, empty->len, true);
        g_assert_false(r.table.valid); /* no unit */
        clear(&r);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/acpi/dmar", test_dmar);
        g_test_add_func("/acpi/dmar-flags", test_dmar_flags);
        g_test_add_func("/acpi/ivrs", test_ivrs);
        g_test_add_func("/acpi/ivrs-qemu", test_ivrs_qemu);
        g_test_add_func("/acpi/truncated", test_truncated);
        g_test_add_func("/acpi/changed", test_changed);
        g_test_add_func("/acpi/lengths", test_lengths);
        g_test_add_func("/acpi/many", test_many);
        g_test_add_func("/acpi/other", test_other);
        return g_test_run();
}
