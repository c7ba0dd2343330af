/* Any bytes as the firmware's IOMMU tables: walked to an end, and nothing kept beyond the bounds. */
#include "host/acpi.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef void (*Parse)(const uint8_t *bytes, size_t length, IommuTable *table, GArray *reserved);

static void check(const IommuTable *table, const GArray *reserved) {
        g_assert_true(table->readable);
        g_assert_cmpuint(table->units, <=, 256);
        g_assert_true(!table->valid || table->units);
        g_assert_cmpuint(table->address_bits, <=, 256);
        g_assert_cmpuint(reserved->len, <=, 1024);
        for (unsigned i = 0; i < reserved->len; i++) {
                const AcpiReserved *one = &g_array_index(reserved, AcpiReserved, i);
                g_assert_cmpuint(one->hops, <=, ACPI_HOPS);
                g_assert_true(one->range || one->hops);
                g_assert_false(one->range && one->below);
        }
}

static void run(Parse parse, const uint8_t *data, size_t size) {
        g_autoptr(GArray) reserved = g_array_new(FALSE, FALSE, sizeof(AcpiReserved));
        IommuTable table = {0};
        parse(data, size, &table, reserved);
        check(&table, reserved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        run(acpi_dmar_parse, data, size);
        run(acpi_ivrs_parse, data, size);
        return 0;
}
