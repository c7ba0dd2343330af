/* The firmware's IOMMU tables: ACPI DMAR (Intel) and IVRS (AMD). Pure: bytes in, facts out; any bytes are survived (fuzzed).
 * Internal to host/. */
#pragma once

#include "model/setup.h"

#include <stddef.h>

/* One hop from a bus to a function below a bridge on it. */
typedef struct {
        uint8_t slot, function;
} AcpiHop;

enum { ACPI_HOPS = 16 };

/* Memory that the firmware keeps mapped, and for whom, as the table names it: bus numbers are those that the firmware gave. */
typedef struct {
        uint16_t segment;
        bool range;         /* IVMD: every function from `first` to `last`; else the one that the hops lead to */
        uint16_t first, last; /* bus, slot and function in 16 bits */
        bool below;         /* the hops lead to a bridge, and all below it is meant */
        uint8_t bus;        /* where the hops begin */
        uint8_t hops;
        AcpiHop path[ACPI_HOPS];
        uint64_t start, end;
} AcpiReserved;

/* Fill all of `table` but `present`, and append AcpiReserved to `reserved`; `table->reserved` is left as it is. */
void acpi_dmar_parse(const uint8_t *bytes, size_t length, IommuTable *table, GArray *reserved);
void acpi_ivrs_parse(const uint8_t *bytes, size_t length, IommuTable *table, GArray *reserved);
