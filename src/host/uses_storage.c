/* Uses of storage: mounted file systems, swap, and disks that device-mapper, md or a volume manager holds. */
#include "host/internal.h"

#include "host/text_parsers.h"

#include <string.h>

enum { STACK_MAX = 16 };

static bool use_is_told(const Dev *dev, const char *what) {
        for (unsigned i = 0; i < dev->uses->len; i++)
                if (g_str_equal(((const Use *) dev->uses->pdata[i])->what, what))
                        return true;
        return false;
}

/* Marks the devices below a block device: itself, or what a dm or md device is made of, and so on down. */
static void mark_block(Reading *reading, const char *block, const char *what, unsigned depth) {
        Dev *dev = g_hash_table_lookup(reading->blocks, block);
        g_auto(GStrv) slaves = NULL;
        g_autofree char *path = g_strdup_printf("sys/class/block/%s/slaves", block);

        if (dev) {
                if (!use_is_told(dev, what))
                        dev_add_use(dev, USE_HOST, g_strdup(what), 0, NULL);
                return;
        }
        if (depth == STACK_MAX || strchr(block, '/') || io_list(reading->io, path, &slaves) < 0)
                return;
        for (char **slave = slaves; *slave; slave++)
                mark_block(reading, *slave, what, depth + 1);
}

/* "/dev/vda1" → "vda1"; "/dev/mapper/root" and other links are followed. */
static char *block_of_path(Reading *reading, const char *path) {
        g_autofree char *target = NULL;
        if (!g_str_has_prefix(path, "/dev/"))
                return NULL;
        if (io_readlink(reading->io, path + 1, &target) == 0)
                return g_path_get_basename(target);
        return g_path_get_basename(path);
}

static void mark_mount(Reading *reading, const Mount *mount) {
        g_autofree char *what = g_strdup_printf("mounted on %s", mount->point);
        g_autofree char *path = g_strdup_printf("sys/dev/block/%u:%u", mount->major, mount->minor);
        g_autofree char *block = NULL;

        /* btrfs and others have no device number of their own: their source says it. */
        if (mount->major == 0)
                block = block_of_path(reading, mount->source);
        else if (io_read_link_name(reading->io, path, &block) < 0)
                block = NULL;
        if (block)
                mark_block(reading, block, what, 0);
}

static void read_mounts(Reading *reading) {
        gsize size;
        g_autofree char *text = reading_text(reading, "proc/self/mountinfo", &size);

        if (!text) {
                reading_note(reading, "the mounted file systems could not be read: devices that carry them are not recognised");
                return;
        }
        g_autoptr(GPtrArray) mounts = mountinfo_parse(text, size);
        for (unsigned i = 0; i < mounts->len; i++)
                mark_mount(reading, mounts->pdata[i]);
}

static void read_swaps(Reading *reading) {
        gsize size;
        g_autofree char *text = reading_text(reading, "proc/swaps", &size);
        g_autoptr(GPtrArray) files = text ? swaps_parse(text, size) : g_ptr_array_new();

        for (unsigned i = 0; i < files->len; i++) {
                g_autofree char *block = block_of_path(reading, files->pdata[i]);
                if (block)
                        mark_block(reading, block, "swap", 0);
        }
}

/* A disk that is not mounted may still be part of a volume group or an array: its holders say so. */
static void read_holders(Reading *reading) {
        GHashTableIter iter;
        void *block, *dev;

        g_hash_table_iter_init(&iter, reading->blocks);
        while (g_hash_table_iter_next(&iter, &block, &dev)) {
                g_autofree char *path = g_strdup_printf("sys/class/block/%s/holders", (const char *) block);
                g_auto(GStrv) holders = NULL;
                const Use *use = dev_use(dev);
                if ((use && use->kind == USE_HOST) || io_list(reading->io, path, &holders) < 0 || !holders[0])
                        continue;
                dev_add_use(dev, USE_STORAGE, g_strdup_printf("%s is held by %s", (const char *) block, holders[0]), 0, NULL);
        }
}

static void read_blocks(Reading *reading) {
        g_auto(GStrv) names = NULL;

        if (io_list(reading->io, "sys/class/block", &names) < 0)
                return;
        for (char **name = names; *name; name++) {
                g_autofree char *path = g_strdup_printf("sys/class/block/%s", *name);
                g_autofree char *target = NULL;
                Dev *dev = io_readlink(reading->io, path, &target) == 0 ? reading_dev_of_path(reading, target) : NULL;
                if (!dev)
                        continue;
                g_hash_table_insert(reading->blocks, g_strdup(*name), dev);
                /* …/block/vda is a disk, …/block/vda/vda1 its partition. */
                g_autofree char *parent = g_path_get_dirname(target);
                if (g_str_has_suffix(parent, "/block") || !strstr(target, "/block/"))
                        g_ptr_array_add(dev->blocks, g_strdup(*name));
        }
}

void uses_read_storage(Reading *reading) {
        read_blocks(reading);
        read_mounts(reading);
        read_swaps(reading);
        read_holders(reading);
}
