/* What the whole host says of its IOMMU: groups, interrupt remapping, and the switches that weaken or forbid VFIO. */
#include "host/reader.h"
#include "host/text_parsers.h"

#include <string.h>

/* A line an interrupt, a column a CPU: some 10 MB on the largest hosts. */
#define INTERRUPTS_MAX (64u << 20)

static bool is_yes(Io *io, const char *path) {
        g_autofree char *text = NULL;
        return io_read_text(io, path, &text) >= 0 && (g_str_equal(text, "Y") || g_str_equal(text, "1"));
}

static bool has_entries(Io *io, const char *path) {
        g_auto(GStrv) names = NULL;
        return io_list(io, path, &names) >= 0 && *names;
}

void read_iommu(Reader *reader) {
        g_autofree char *lockdown = NULL;
        g_autoptr(GBytes) interrupts = NULL;
        Snapshot *snapshot = reader->snapshot;
        Io *io = reader->io;

        snapshot->has_iommu = has_entries(io, "sys/kernel/iommu_groups");
        /* VFIO's no-IOMMU mode makes groups too, which protect nothing (drivers/vfio/group.c
         * vfio_noiommu_group_alloc). */
        if (snapshot->has_iommu && is_yes(io, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode"))
                snapshot->has_iommu = has_entries(io, "sys/class/iommu");
        snapshot->unsafe_interrupts = is_yes(io, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
        if (io_read(io, "proc/interrupts", INTERRUPTS_MAX, &interrupts) >= 0) {
                size_t size;
                const char *text = g_bytes_get_data(interrupts, &size);
                snapshot->intremap = interrupts_parse(text, size);
        }
        if (io_read_text(io, "sys/kernel/security/lockdown", &lockdown) >= 0)
                snapshot->lockdown = lockdown_parse(lockdown);
}
