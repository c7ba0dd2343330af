/* Disks in use: mounted, swapped on, or held by LVM, md and their like. */
#include "host/reader.h"
#include "host/text_parsers.h"

#include <errno.h>
#include <string.h>

#define MOUNTINFO_MAX (32u << 20)

typedef struct {
        Reader *reader;
        GHashTable *points; /* Dev* → GPtrArray of mount points (char*) */
        const char *point;
} Mounts;

static Block *block_by_number(const Reader *reader, unsigned major, unsigned minor) {
        g_autofree char *path = g_strdup_printf("sys/dev/block/%u:%u", major, minor);
        g_autofree char *name = NULL;
        return io_read_link_name(reader->io, path, &name) >= 0 ? g_hash_table_lookup(reader->blocks, name) : NULL;
}

/* "/dev/vda1", "/dev/mapper/vg0-root", "/dev/disk/by-uuid/…": by its name, or by what the link there is called. */
static Block *block_by_path(const Reader *reader, const char *path) {
        g_autofree char *name = NULL;

        if (!g_str_has_prefix(path, "/dev/"))
                return NULL;
        Block *block = g_hash_table_lookup(reader->blocks, path + strlen("/dev/"));
        if (block || io_read_link_name(reader->io, path + 1, &name) < 0)
                return block;
        return g_hash_table_lookup(reader->blocks, name);
}

static void add_point(Dev *dev, void *user) {
        Mounts *mounts = user;
        GPtrArray *points = g_hash_table_lookup(mounts->points, dev);
        if (!points) {
                points = g_ptr_array_new_with_free_func(g_free);
                g_hash_table_insert(mounts->points, dev, points);
        }
        g_ptr_array_add(points, text_printable(mounts->point));
}

/* btrfs stands on more disks than the one that it names: sys/fs/btrfs/UUID/devices has them all. */
static void mark_btrfs(Mounts *mounts, const Block *named) {
        Reader *reader = mounts->reader;
        g_auto(GStrv) systems = NULL;

        if (io_list(reader->io, "sys/fs/btrfs", &systems) < 0)
                return;
        for (char **system = systems; *system; system++) {
                g_autofree char *path = g_strconcat("sys/fs/btrfs/", *system, "/devices", NULL);
                g_auto(GStrv) names = NULL;
                if (io_list(reader->io, path, &names) < 0 || !g_strv_contains((const char *const *) names, named->name))
                        continue;
                for (char **name = names; *name; name++) {
                        Block *block = g_hash_table_lookup(reader->blocks, *name);
                        if (block && block != named)
                                block_walk_down(reader, block, add_point, mounts);
                }
        }
}

static void mark_mount(Mounts *mounts, const Mount *mount) {
        Reader *reader = mounts->reader;
        /* Major 0 is no block device's: btrfs, bcachefs and others then say the disk in the source. */
        Block *block = mount->major ? block_by_number(reader, mount->major, mount->minor) : NULL;
        g_auto(GStrv) sources = g_strsplit(mount->source, ":", -1); /* bcachefs: "/dev/sda:/dev/sdb" */

        mounts->point = mount->point;
        if (block)
                block_walk_down(reader, block, add_point, mounts);
        for (char **source = sources; !block && *source; source++) {
                Block *named = block_by_path(reader, *source);
                if (!named)
                        continue;
                block_walk_down(reader, named, add_point, mounts);
                if (g_str_equal(mount->type, "btrfs"))
                        mark_btrfs(mounts, named);
        }
}

static int shorter_first(const void *a, const void *b) {
        const char *x = *(char *const *) a, *y = *(char *const *) b;
        size_t nx = strlen(x), ny = strlen(y);
        return nx != ny ? (nx > ny) - (nx < ny) : strcmp(x, y);
}

/* "mounted on /, /boot": the root first, and a place once though it may be mounted over. */
static void add_mount_uses(Mounts *mounts) {
        GHashTableIter iter;
        void *dev, *value;

        g_hash_table_iter_init(&iter, mounts->points);
        while (g_hash_table_iter_next(&iter, &dev, &value)) {
                GPtrArray *points = value;
                g_autoptr(GPtrArray) distinct = g_ptr_array_new();
                g_ptr_array_sort(points, shorter_first);
                for (unsigned i = 0; i < points->len; i++)
                        if (i == 0 || !g_str_equal(points->pdata[i], points->pdata[i - 1]))
                                g_ptr_array_add(distinct, points->pdata[i]);
                g_autofree char *where = join_few(distinct);
                use_add_once(dev, USE_HOST, g_strconcat("mounted on ", where, NULL), 0, NULL);
        }
}

/* *zfs: what a mounted ZFS calls itself. */
static int read_mounts_of(Mounts *mounts, const char *path, char **zfs) {
        g_autoptr(GBytes) data = NULL;
        size_t size;

        int r = io_read(mounts->reader->io, path, MOUNTINFO_MAX, &data);
        if (r < 0)
                return r;
        const char *text = g_bytes_get_data(data, &size);
        g_autoptr(GPtrArray) list = mountinfo_parse(text, size);
        for (unsigned i = 0; i < list->len; i++) {
                const Mount *mount = list->pdata[i];
                mark_mount(mounts, mount);
                if (!*zfs && g_str_equal(mount->type, "zfs"))
                        *zfs = text_printable(mount->source);
        }
        return 0;
}

/* The host's own mounts, too, where ours are others: a service with PrivateMounts=, 'unshare -m', a container. */
static void read_mounts(Reader *reader, char **zfs) {
        g_autoptr(GHashTable) points = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
        Mounts mounts = {.reader = reader, .points = points};

        int r = read_mounts_of(&mounts, "proc/self/mountinfo", zfs);
        if (r < 0)
                reader_note(reader, "which disks are mounted is not known: /proc/self/mountinfo: %s", g_strerror(-r));
        if (!host_mounts_are_own(reader->io))
                read_mounts_of(&mounts, "proc/1/mountinfo", zfs);
        add_mount_uses(&mounts);
}

static void add_swap_use(Dev *dev, void *user) {
        use_add_once(dev, USE_HOST, g_strdup("swap"), 0, NULL);
}

/* A swap file is on a mounted file system, which counts already. */
static void read_swaps(Reader *reader) {
        g_autoptr(GBytes) data = NULL;
        size_t size;

        if (io_read(reader->io, "proc/swaps", MOUNTINFO_MAX, &data) < 0)
                return;
        const char *text = g_bytes_get_data(data, &size);
        g_autoptr(GPtrArray) paths = swaps_parse(text, size);
        for (unsigned i = 0; i < paths->len; i++) {
                Block *block = block_by_path(reader, paths->pdata[i]);
                if (block)
                        block_walk_down(reader, block, add_swap_use, NULL);
        }
}

/* "vg0-data" says more than "dm-3". */
static char *holder_name(const Reader *reader, const Block *holder) {
        g_autofree char *path = g_strconcat("sys/class/block/", holder->name, "/dm/name", NULL);
        g_autofree char *name = NULL;
        if (!g_str_has_prefix(holder->name, "dm-") || io_read_text(reader->io, path, &name) < 0)
                return g_strdup(holder->name);
        return text_printable(name);
}

static void add_held_use(Dev *dev, void *what) {
        use_add_once(dev, USE_STORAGE, g_strdup(what), 0, NULL);
}

static bool is_on_hardware(const Block *block) {
        return block->devs->len || (block->disk && block->disk->devs->len);
}

/* Held by LVM, md, a crypt mapping, bcache …, and not mounted. With ZFS about, which tells of its disks in no file,
 * every disk with partitions that nothing else explains may be its. */
static void read_holders(Reader *reader, const char *zfs) {
        g_autoptr(GPtrArray) held = g_ptr_array_new(), idle = g_ptr_array_new();
        g_autofree char *pool = NULL;
        GHashTableIter iter;
        void *value;

        if (zfs)
                pool = g_strdup_printf("may be part of ZFS pool %.*s", (int) strcspn(zfs, "/"), zfs);
        g_hash_table_iter_init(&iter, reader->blocks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Block *block = value;
                if (block->in_use || !is_on_hardware(block))
                        continue;
                if (block->holders->len)
                        g_ptr_array_add(held, block);
                else if (block->disk && !block->disk->in_use)
                        g_ptr_array_add(idle, block);
        }
        for (unsigned i = 0; i < held->len; i++) {
                Block *block = held->pdata[i];
                g_autofree char *holder = holder_name(reader, block->holders->pdata[0]);
                g_autofree char *what = g_strdup_printf("%s is held by %s", block->name, holder);
                block_walk_down(reader, block, add_held_use, what);
        }
        for (unsigned i = 0; pool && i < idle->len; i++)
                block_walk_down(reader, idle->pdata[i], add_held_use, pool);
}

void read_storage_uses(Reader *reader) {
        g_autofree char *zfs = NULL;

        read_mounts(reader, &zfs);
        read_swaps(reader);
        read_holders(reader, zfs);
}
