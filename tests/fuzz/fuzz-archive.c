/* A recorded host from a stranger: opened, walked and asked, whatever its bytes. */
#include "io/internal.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(const char *path, IoNodeKind kind, GBytes *data, const char *target, int negative_errno, void *user) {
        Io *io = user;
        g_autoptr(GBytes) read = NULL;
        g_autofree char *link = NULL, *text = NULL;
        g_auto(GStrv) names = NULL;

        /* What the archive let in must be a path that the seam takes, and keep its kind. */
        g_assert_cmpint(io_path_check(path), ==, 0);
        int r = io_readlink(io, path, &link);
        g_assert_true((r == 0) == (kind == IO_NODE_LINK));
        r = io_read(io, path, 1 << 20, &read);
        g_assert_true(kind != IO_NODE_DIR || r < 0);
        (void) io_read_text(io, path, &text);
        (void) io_list(io, path, &names);
}

static void ask(GBytes *request, int result, GBytes *reply, void *user) {
        g_autoptr(GByteArray) answer = g_byte_array_new();
        size_t size;
        const void *data = g_bytes_get_data(request, &size);
        /* A "question" that changes something is refused before it is looked up. */
        int r = io_netlink(user, data, size, answer, NULL);
        g_assert_true(r == result || !io_netlink_asks(data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_autoptr(GError) error = NULL;
        g_autofree char *module = NULL, *boot_id = NULL;
        uint64_t start;

        Io *io = io_archive_open_memory(data, size, &error);
        g_assert_true((io == NULL) == (error != NULL));
        if (!io)
                return 0;
        io_tree_walk(io_tree_of(io), visit, io);
        io_tree_walk_netlink(io_tree_of(io), ask, io);
        (void) io_vfio_variant(io, "pci:v00008086d000010EDsv00008086sd00000000bc02sc00i00", &module);
        (void) io_boot_id(io, &boot_id);
        (void) io_process_start(io, 1, &start);
        io_free(io);
        return 0;
}
