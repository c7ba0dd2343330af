/* Block devices: to which function each belongs, and what stands on what (partitions, LVM, md, NVMe multipath). */
#include "host/reader.h"

#include <string.h>

#define CLASS_BLOCK "sys/class/block"

void block_free(void *p) {
        Block *block = p;
        g_free(block->name);
        g_ptr_array_unref(block->devs);
        g_ptr_array_unref(block->slaves);
        g_ptr_array_unref(block->holders);
        g_free(block);
}

static Block *block_new(const char *name) {
        Block *block = g_new0(Block, 1);
        block->name = g_strdup(name);
        block->devs = g_ptr_array_new();
        block->slaves = g_ptr_array_new();
        block->holders = g_ptr_array_new();
        return block;
}

/* Loops stand on files, whose file system counts by itself; the others on memory. */
static bool stands_on_nothing(const char *name) {
        static const char *const prefixes[] = {"loop", "ram", "zram", "nbd"};
        for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
                if (g_str_has_prefix(name, prefixes[i]))
                        return true;
        return false;
}

static void read_slaves(Reader *reader, Block *block) {
        g_autofree char *path = g_strconcat(CLASS_BLOCK "/", block->name, "/slaves", NULL);
        g_auto(GStrv) names = NULL;

        if (stands_on_nothing(block->name) || io_list(reader->io, path, &names) < 0)
                return;
        for (char **name = names; *name; name++) {
                Block *slave = g_hash_table_lookup(reader->blocks, *name);
                if (!slave)
                        continue;
                g_ptr_array_add(block->slaves, slave);
                g_ptr_array_add(slave->holders, block);
        }
}

/* With NVMe multipath the disk nvme0n1 is nobody's child, and the hidden nvme0c1n1 is its path through controller 1
 * (drivers/nvme/host/multipath.c nvme_mpath_set_disk_name). */
static char *multipath_head(const char *name) {
        static const char digits[] = "0123456789";
        const char *subsystem = name + strlen("nvme");

        if (!g_str_has_prefix(name, "nvme"))
                return NULL;
        size_t n = strspn(subsystem, digits);
        const char *controller = subsystem + n;
        if (n == 0 || *controller != 'c')
                return NULL;
        const char *space = controller + 1 + strspn(controller + 1, digits);
        if (space == controller + 1 || *space != 'n' || !space[1] || space[1 + strspn(space + 1, digits)])
                return NULL;
        return g_strdup_printf("nvme%.*s%s", (int) n, subsystem, space);
}

static void add_owner(Block *block, Dev *dev) {
        if (dev && !g_ptr_array_find(block->devs, dev, NULL))
                g_ptr_array_add(block->devs, dev);
}

/* "…/0000:00:05.0/nvme/nvme0/nvme0n1/nvme0n1p2": the owner, and the disk if it is a partition. */
static void place_block(Reader *reader, Block *block, const char *target) {
        g_autofree char *head_name = multipath_head(block->name);
        Block *head = head_name ? g_hash_table_lookup(reader->blocks, head_name) : NULL;
        Dev *dev = path_owner(reader, target);
        const char *end = strrchr(target, '/');

        if (end) {
                g_autofree char *above = g_strndup(target, (size_t) (end - target));
                g_autofree char *parent = g_path_get_basename(above);
                Block *disk = g_hash_table_lookup(reader->blocks, parent);
                if (disk != block)
                        block->disk = disk;
        }
        add_owner(head ? head : block, dev);
        if (dev && !head_name && !block->disk)
                g_ptr_array_add(dev->blocks, g_strdup(block->name));
        else if (dev && head && !g_ptr_array_find_with_equal_func(dev->blocks, head->name, g_str_equal, NULL))
                g_ptr_array_add(dev->blocks, g_strdup(head->name));
        if (!dev)
                read_slaves(reader, block);
}

void read_blocks(Reader *reader) {
        g_auto(GStrv) names = NULL;

        if (io_list(reader->io, CLASS_BLOCK, &names) < 0)
                return;
        for (char **name = names; *name; name++)
                g_hash_table_insert(reader->blocks, g_strdup(*name), block_new(*name));
        for (char **name = names; *name; name++) {
                g_autofree char *path = g_strconcat(CLASS_BLOCK "/", *name, NULL);
                g_autofree char *target = NULL;
                if (io_readlink(reader->io, path, &target) >= 0)
                        place_block(reader, g_hash_table_lookup(reader->blocks, *name), target);
        }
}

void block_walk_down(Reader *reader, Block *block, void (*each)(Dev *dev, void *user), void *user) {
        g_autoptr(GPtrArray) queue = g_ptr_array_new();
        g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

        g_ptr_array_add(queue, block);
        for (unsigned i = 0; i < queue->len; i++) {
                Block *at = queue->pdata[i];
                if (!g_hash_table_add(seen, at))
                        continue;
                at->in_use = true;
                for (unsigned n = 0; n < at->devs->len; n++)
                        each(at->devs->pdata[n], user);
                for (unsigned n = 0; n < at->slaves->len; n++)
                        g_ptr_array_add(queue, at->slaves->pdata[n]);
                if (at->disk)
                        g_ptr_array_add(queue, at->disk);
        }
}
