/* ACPI DMAR and IVRS. Layouts: VT-d specification chapter 8, AMD IOMMU specification chapter 5, and the kernel's
 * include/acpi/actbl1.h and actbl2.h (struct acpi_dmar_…, acpi_ivrs_…), whose names are used here. All is little endian. */
#include "host/acpi.h"

#include <string.h>

enum {
        HEADER = 36,      /* struct acpi_table_header */
        FIRST_BLOCK = 48, /* of both tables */
        RESERVED_MAX = 1024, /* more than any machine has; what is beyond is not kept */
        UNITS_MAX = 256,
};

typedef struct {
        const uint8_t *b;
        size_t length;
} Bytes;

/* What lies outside reads as 0; who must know asks for the length first. */
static uint64_t get(Bytes bytes, size_t at, unsigned size) {
        uint64_t value = 0;
        for (unsigned i = 0; i < size; i++)
                if (at + i < bytes.length)
                        value |= (uint64_t) bytes.b[at + i] << (8 * i);
        return value;
}

static Bytes part(Bytes bytes, size_t at, size_t length) {
        if (at > bytes.length)
                return (Bytes) {NULL, 0};
        return (Bytes) {bytes.b + at, MIN(length, bytes.length - at)};
}

/* The table as its header tells it, cut to what is there. False: not this table, or its bytes do not add up. */
static bool open_table(Bytes all, const char *signature, Bytes *ret) {
        *ret = (Bytes) {NULL, 0};
        if (all.length < FIRST_BLOCK || memcmp(all.b, signature, 4) != 0)
                return false;
        size_t told = get(all, 4, 4);
        *ret = part(all, 0, told);
        if (told < FIRST_BLOCK || told > all.length)
                return false;
        uint8_t sum = 0;
        for (size_t i = 0; i < told; i++)
                sum = (uint8_t) (sum + all.b[i]);
        return sum == 0;
}

static void add_reserved(GArray *reserved, const AcpiReserved *one) {
        if (reserved->len < RESERVED_MAX)
                g_array_append_vals(reserved, one, 1);
}

/* ---- DMAR ---- */

enum { DMAR_DRHD, DMAR_RMRR, DMAR_ATSR, DMAR_RHSA, DMAR_ANDD, DMAR_SATC, DMAR_SIDP, DMAR_KINDS };
enum { DMAR_INTR_REMAP = 1, DMAR_X2APIC_OPT_OUT = 2, DMAR_PLATFORM_OPT_IN = 4 };
enum { SCOPE_ENDPOINT = 1, SCOPE_BRIDGE = 2 };

/* Bytes before the scopes, and whether it has any. */
static const struct {
        uint8_t size;
        bool scopes;
} dmar_kinds[DMAR_KINDS] = {
        [DMAR_DRHD] = {16, true}, [DMAR_RMRR] = {24, true}, [DMAR_ATSR] = {8, true}, [DMAR_RHSA] = {20, false},
        [DMAR_ANDD] = {8, false}, [DMAR_SATC] = {8, true},  [DMAR_SIDP] = {8, true},
};

/* Walks device scopes; what an RMRR names is kept. False when they do not fill the block exactly. */
static bool walk_scopes(Bytes scopes, const AcpiReserved *memory, GArray *reserved) {
        size_t at = 0;

        while (at < scopes.length) {
                size_t length = get(scopes, at + 1, 1);
                unsigned type = (unsigned) get(scopes, at, 1);
                if (length < 6 || length % 2 || at + length > scopes.length)
                        return false;
                size_t hops = (length - 6) / 2;
                if (memory && (type == SCOPE_ENDPOINT || type == SCOPE_BRIDGE) && hops && hops <= ACPI_HOPS) {
                        AcpiReserved one = *memory;
                        one.below = type == SCOPE_BRIDGE;
                        one.bus = (uint8_t) get(scopes, at + 5, 1);
                        one.hops = (uint8_t) hops;
                        for (size_t i = 0; i < hops; i++) {
                                one.path[i].slot = (uint8_t) get(scopes, at + 6 + 2 * i, 1);
                                one.path[i].function = (uint8_t) get(scopes, at + 7 + 2 * i, 1);
                        }
                        add_reserved(reserved, &one);
                }
                at += length;
        }
        return true;
}

static bool parse_dmar_block(Bytes block, IommuTable *table, GArray *reserved) {
        unsigned kind = (unsigned) get(block, 0, 2);
        AcpiReserved memory = {.segment = (uint16_t) get(block, 6, 2)};

        if (kind >= DMAR_KINDS) /* of a specification to come: the length tells where the next is */
                return true;
        if (block.length < dmar_kinds[kind].size)
                return false;
        if (kind == DMAR_DRHD && table->units < UNITS_MAX)
                table->units++;
        if (kind == DMAR_RMRR) {
                memory.start = get(block, 8, 8);
                memory.end = get(block, 16, 8);
        }
        Bytes scopes = part(block, dmar_kinds[kind].size, SIZE_MAX);
        return !dmar_kinds[kind].scopes || walk_scopes(scopes, kind == DMAR_RMRR ? &memory : NULL, reserved);
}

void acpi_dmar_parse(const uint8_t *bytes, size_t length, IommuTable *table, GArray *reserved) {
        Bytes dmar;

        table->readable = true;
        table->valid = open_table((Bytes) {bytes, length}, "DMAR", &dmar);
        if (dmar.length < FIRST_BLOCK)
                return;
        unsigned flags = (unsigned) get(dmar, HEADER + 1, 1);
        table->address_bits = (unsigned) get(dmar, HEADER, 1) + 1;
        table->intr_remap = flags & DMAR_INTR_REMAP;
        table->x2apic_opt_out = flags & DMAR_X2APIC_OPT_OUT;
        table->dma_opt_in = flags & DMAR_PLATFORM_OPT_IN;
        for (size_t at = FIRST_BLOCK; at < dmar.length;) {
                size_t size = get(dmar, at + 2, 2);
                /* The kernel gives the whole table up here (dmar_walk_remapping_entries). */
                if (size < 4 || at + size > dmar.length || !parse_dmar_block(part(dmar, at, size), table, reserved)) {
                        table->valid = false;
                        return;
                }
                at += size;
        }
        /* Without a unit the kernel finds no IOMMU (dmar_table_init). */
        table->valid = table->valid && table->units;
}

/* ---- IVRS ---- */

enum { IVHD_10 = 0x10, IVHD_11 = 0x11, IVHD_40 = 0x40, IVMD_ALL = 0x20, IVMD_ONE = 0x21, IVMD_RANGE = 0x22 };
enum { ENTRY_SPECIAL = 0x48, ENTRY_ACPI_HID = 0xf0, SPECIAL_IOAPIC = 1 };
enum { IVMD_UNITY = 0x01, IVMD_EXCLUSION = 0x08 };
enum { IVMD_SIZE = 32, HID_LENGTH_AT = 21 };

static size_t ivhd_header_size(unsigned type) {
        return type == IVHD_10 ? 24 : type == IVHD_11 || type == IVHD_40 ? 40 : 0;
}

/* 0: of a kind whose size nobody knows, so that the walk ends (drivers/iommu/amd/init.c ivhd_entry_length). */
static size_t entry_size(Bytes entries, size_t at) {
        unsigned type = (unsigned) get(entries, at, 1);
        if (type == ENTRY_ACPI_HID)
                return at + HID_LENGTH_AT < entries.length ? HID_LENGTH_AT + 1 + get(entries, at + HID_LENGTH_AT, 1) : 0;
        return type < 0x80 ? (size_t) 4 << (type >> 6) : 0;
}

static bool walk_entries(Bytes entries, IommuTable *table) {
        for (size_t at = 0; at < entries.length;) {
                size_t size = entry_size(entries, at);
                if (!size || at + size > entries.length)
                        return false;
                /* An interrupt's source must be known to be remapped: check_ioapic_information(). */
                if (get(entries, at, 1) == ENTRY_SPECIAL && get(entries, at + 7, 1) == SPECIAL_IOAPIC)
                        table->intr_remap = true;
                at += size;
        }
        return true;
}

/* The same IOMMU may be told in blocks of types 10h, 11h and 40h; it is known by its segment and function. */
static void count_unit(Bytes block, GArray *seen, IommuTable *table) {
        uint32_t unit = (uint32_t) (get(block, 16, 2) << 16 | get(block, 4, 2));
        for (unsigned i = 0; i < seen->len; i++)
                if (g_array_index(seen, uint32_t, i) == unit)
                        return;
        if (seen->len < UNITS_MAX)
                g_array_append_val(seen, unit);
        table->units = seen->len;
}

static void parse_ivmd(Bytes block, GArray *reserved) {
        unsigned type = (unsigned) get(block, 0, 1), flags = (unsigned) get(block, 1, 1);
        AcpiReserved one = {.range = true, .segment = (uint16_t) get(block, 8, 2), .start = get(block, 16, 8)};
        uint64_t size = get(block, 24, 8);

        /* The kernel makes both into the same: a mapping that stays (init_unity_map_range). */
        if (!(flags & (IVMD_UNITY | IVMD_EXCLUSION)))
                return;
        one.first = type == IVMD_ALL ? 0 : (uint16_t) get(block, 4, 2);
        one.last = type == IVMD_ALL ? 0xffff : type == IVMD_RANGE ? (uint16_t) get(block, 6, 2) : one.first;
        one.end = size && one.start <= UINT64_MAX - (size - 1) ? one.start + (size - 1) : one.start;
        add_reserved(reserved, &one);
}

static bool parse_ivrs_block(Bytes block, IommuTable *table, GArray *seen, GArray *reserved) {
        unsigned type = (unsigned) get(block, 0, 1);
        size_t header = ivhd_header_size(type);

        if (type >= IVMD_ALL && type <= IVMD_RANGE) {
                if (block.length < IVMD_SIZE)
                        return false;
                parse_ivmd(block, reserved);
                return true;
        }
        if (!header) /* of a specification to come */
                return true;
        if (block.length < header)
                return false;
        count_unit(block, seen, table);
        return walk_entries(part(block, header, SIZE_MAX), table);
}

void acpi_ivrs_parse(const uint8_t *bytes, size_t length, IommuTable *table, GArray *reserved) {
        g_autoptr(GArray) seen = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        Bytes ivrs;

        table->readable = true;
        table->valid = open_table((Bytes) {bytes, length}, "IVRS", &ivrs);
        if (ivrs.length < FIRST_BLOCK)
                return;
        table->address_bits = (unsigned) (get(ivrs, HEADER, 4) >> 8 & 0x7f); /* IVinfo PASize */
        for (size_t at = FIRST_BLOCK; at < ivrs.length;) {
                size_t size = get(ivrs, at + 2, 2);
                if (size < 4 || at + size > ivrs.length || !parse_ivrs_block(part(ivrs, at, size), table, seen, reserved)) {
                        table->valid = false;
                        return;
                }
                at += size;
        }
        table->valid = table->valid && table->units;
}
