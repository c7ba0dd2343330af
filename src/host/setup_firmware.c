/* What the firmware says: ACPI's IOMMU tables, EFI, Secure Boot. */
#include "host/setup.h"

#include "host/acpi.h"

#include <errno.h>
#include <string.h>

#define TABLES "sys/firmware/acpi/tables"
/* Real ones have some hundred bytes; the kernel's own bound is one page of scopes a block. */
#define TABLE_MAX (1u << 20)
#define SECURE_BOOT "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

static Known listed(Io *io, const char *folder, const char *const *names, const char *name) {
        g_auto(GStrv) above = NULL;
        if (names)
                return g_strv_contains(names, name) ? KNOWN_YES : KNOWN_NO;
        /* No ACPI at all: a devicetree or Open Firmware machine. Without the folder above, it was not looked at. */
        if (io_list(io, folder, &above) < 0 || g_strv_contains((const char *const *) above, "acpi"))
                return KNOWN_NOT;
        return KNOWN_NO;
}

/* The function below `above` (NULL: on the bus that the hops begin with) that the next hop means. */
static const Dev *next_hop(const Snapshot *host, const AcpiReserved *reserved, const Dev *above, unsigned hop) {
        const AcpiHop *to = &reserved->path[hop];
        if (!above)
                return snapshot_get(host, (PciAddr) {reserved->segment, reserved->bus, to->slot, to->function});
        for (unsigned i = 0; i < host->devs->len; i++) {
                const Dev *dev = host->devs->pdata[i];
                if (dev->has_parent && pci_addr_equal(dev->parent, above->addr) && dev->addr.slot == to->slot &&
                    dev->addr.function == to->function && !dev->is_vf)
                        return dev;
        }
        return NULL;
}

static PciAddr routing(uint16_t segment, uint16_t id) {
        return (PciAddr) {segment, (uint8_t) (id >> 8), id >> 3 & 31, id & 7};
}

/* Bus numbers below a bridge are what this kernel made them, so hops are followed from bridge to bridge, as
 * drivers/iommu/intel/dmar.c dmar_match_pci_path() does. What is not there now is left out. */
static void resolve(const Snapshot *host, const GArray *found, GArray *ret) {
        for (unsigned i = 0; i < found->len; i++) {
                const AcpiReserved *one = &g_array_index(found, AcpiReserved, i);
                ReservedMemory memory = {.below = one->below, .start = one->start, .end = one->end};
                if (one->range) {
                        memory.dev = routing(one->segment, one->first);
                        memory.last = routing(one->segment, one->last);
                        g_array_append_val(ret, memory);
                        continue;
                }
                const Dev *dev = NULL;
                for (unsigned hop = 0; hop < one->hops; hop++) {
                        dev = next_hop(host, one, dev, hop);
                        if (!dev)
                                break;
                }
                if (!dev)
                        continue;
                memory.dev = memory.last = dev->addr;
                g_array_append_val(ret, memory);
        }
}

typedef void (*Parse)(const uint8_t *bytes, size_t length, IommuTable *table, GArray *reserved);

static void read_table(Reader *reader, const char *name, Parse parse, IommuTable *table) {
        g_autoptr(GArray) reserved = g_array_new(FALSE, FALSE, sizeof(AcpiReserved));
        g_autofree char *path = g_strdup_printf(TABLES "/%s", name);
        g_autoptr(GBytes) data = NULL;

        /* Root's only; the check that would have used it says so. */
        if (io_read(reader->io, path, TABLE_MAX, &data) < 0)
                return;
        size_t size;
        const uint8_t *bytes = g_bytes_get_data(data, &size);
        parse(bytes, size, table, reserved);
        resolve(reader->snapshot, reserved, table->reserved);
}

static void read_tables(Reader *reader, Setup *setup) {
        g_auto(GStrv) list = NULL;
        if (io_list(reader->io, TABLES, &list) < 0)
                list = NULL;
        const char *const *names = (const char *const *) list;
        setup->dmar.present = listed(reader->io, "sys/firmware", names, "DMAR");
        setup->ivrs.present = listed(reader->io, "sys/firmware", names, "IVRS");
        setup->iort = listed(reader->io, "sys/firmware", names, "IORT");
        if (setup->dmar.present == KNOWN_YES)
                read_table(reader, "DMAR", acpi_dmar_parse, &setup->dmar);
        if (setup->ivrs.present == KNOWN_YES)
                read_table(reader, "IVRS", acpi_ivrs_parse, &setup->ivrs);
}

/* Four bytes of attributes, then 0 or 1 (UEFI specification 3.3, fs/efivarfs). */
static void read_secure_boot(Reader *reader, Setup *setup) {
        g_autoptr(GBytes) data = NULL;
        size_t size;

        int r = io_read(reader->io, SECURE_BOOT, 64, &data);
        if (r == -ENOENT && setup->efi == KNOWN_NO)
                setup->secure_boot = KNOWN_NO;
        if (r < 0)
                return;
        const uint8_t *bytes = g_bytes_get_data(data, &size);
        if (size == 5)
                setup->secure_boot = bytes[4] == 1 ? KNOWN_YES : KNOWN_NO;
}

void read_setup_firmware(Reader *reader) {
        Setup *setup = reader->snapshot->setup;
        g_auto(GStrv) names = NULL;

        read_tables(reader, setup);
        if (io_list(reader->io, "sys/firmware", &names) >= 0)
                setup->efi = g_strv_contains((const char *const *) names, "efi") ? KNOWN_YES : KNOWN_NO;
        read_secure_boot(reader, setup);
}
