/* What the tests of the seam share. */
#include "io_helpers.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void remove_below(const char *path) {
        GDir *dir = g_dir_open(path, 0, NULL);
        const char *name;
        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *below = g_build_filename(path, name, NULL);
                if (g_file_test(below, G_FILE_TEST_IS_DIR) && !g_file_test(below, G_FILE_TEST_IS_SYMLINK))
                        remove_below(below);
                else
                        g_assert_cmpint(unlink(below), ==, 0);
        }
        if (dir)
                g_dir_close(dir);
        g_assert_cmpint(rmdir(path), ==, 0);
}

void temp_open(Temp *temp) {
        g_autoptr(GError) error = NULL;
        temp->path = g_dir_make_tmp("vfadm-io-XXXXXX", &error);
        g_assert_no_error(error);
        temp->io = io_real_open(temp->path, true, &error);
        g_assert_no_error(error);
}

void temp_close(Temp *temp) {
        io_free(temp->io);
        remove_below(temp->path);
        g_free(temp->path);
}

char *temp_file(const Temp *temp, const char *name, const char *text) {
        char *path = g_build_filename(temp->path, name, NULL);
        if (text)
                g_assert_true(g_file_set_contents(path, text, -1, NULL));
        return path;
}

void temp_write(const Temp *temp, const char *name, const char *text) {
        g_autofree char *path = temp_file(temp, name, text);
}

void assert_file(const char *path, const char *text) {
        g_autofree char *found = NULL;
        g_assert_true(g_file_get_contents(path, &found, NULL, NULL));
        g_assert_cmpstr(found, ==, text);
}

void assert_reads(Io *io, const char *path, const char *text) {
        g_autofree char *found = NULL;
        g_assert_cmpint(io_read_text(io, path, &found), ==, 0);
        g_assert_cmpstr(found, ==, text);
}

void assert_read_fails(Io *io, const char *path, int expected) {
        g_autoptr(GBytes) data = NULL;
        g_assert_cmpint(io_read(io, path, 65536, &data), ==, expected);
        g_assert_null(data);
}

void assert_lists(Io *io, const char *path, const char *joined) {
        g_auto(GStrv) names = NULL;
        g_assert_cmpint(io_list(io, path, &names), ==, 0);
        g_autofree char *found = g_strjoinv(" ", names);
        g_assert_cmpstr(found, ==, joined);
}

void assert_links(Io *io, const char *path, const char *target) {
        g_autofree char *found = NULL;
        g_assert_cmpint(io_readlink(io, path, &found), ==, 0);
        g_assert_cmpstr(found, ==, target);
}

LinkRequest link_request(uint16_t type, uint16_t flags, int ifindex, uint16_t attr) {
        return (LinkRequest){
                .header = {.nlmsg_len = sizeof(LinkRequest), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags},
                .info = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex},
                .attr = {.nla_len = 8, .nla_type = attr},
                .value = attr == IFLA_EXT_MASK ? RTEXT_FILTER_SKIP_STATS : 1500,
        };
}

const char aliases[] =
        "# Aliases extracted from modules themselves.\n"
        "alias pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_core\n"
        "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n"
        "alias vfio_pci:v000015B3d*sv*sd*bc*sc*i* other_vfio_pci\n"
        "alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci\n"
        "alias vfio_pci:v00008086d00004941sv*sd*bc*sc*i* qat_vfio_pci\n"
        "alias vfio_pci:v00001AF4d00001041sv00001AF4sd*bc*sc*i*\n"
        "alias vfio_pci:v00001?F4d00001041sv*sd*bc*sc*i* virtio_vfio_pci";
