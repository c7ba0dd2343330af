/* Records of a host and what they leave out; hostile archives. */
#include "base/error.h"
#include "io/recorder.h"
#include "io_helpers.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Records. */

static void put_host(IoTree *tree) {
        LinkRequest one = link_request(RTM_GETLINK, NLM_F_ACK, 2, IFLA_EXT_MASK);
        static const char cmdline[] = "/usr/bin/qemu-system-x86_64\0-name\0guest=web1,debug-threads=on\0-m\0004096\0"
                                      "-object\0secret,id=s0,data=hunter2\0-uuid\0c0ffee00-1111-2222-3333-444455556666\0"
                                      "-device\0vfio-pci,host=01:10.0,vf-token=hunter2,,hunter2,bus=rp1\0-device\0usb-mtp,desc=hunter2\0"
                                      "-device\0{\"driver\":\"vfio-pci\",\"vf-token\":\"hunter2\"}\0-qmp\0unix:/run/q,server=on\0-cdrom\0/hunter2";
        io_tree_put_file(tree, "sys/devices/pci0000:00/0000:01:00.0/config", "\x86\x80\xed\x10\0\0", 6);
        io_tree_put_text(tree, "sys/devices/pci0000:00/0000:01:00.0/vendor", "0x8086\n");
        io_tree_put_text(tree, "sys/devices/pci0000:00/0000:01:00.0/unread", "0\n");
        io_tree_put_dir(tree, "sys/devices/pci0000:00/0000:01:00.0/power");
        io_tree_put_errno(tree, "sys/devices/pci0000:00/0000:01:00.0/vpd", -EIO);
        io_tree_put_link(tree, "sys/bus/pci/devices/0000:01:00.0", "../../../devices/pci0000:00/0000:01:00.0");
        io_tree_put_dir(tree, "sys/class/empty");
        io_tree_put_link(tree, "proc/self", "812");
        io_tree_put_text(tree, "proc/812/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
        io_tree_put_text(tree, "proc/813/mountinfo", "23 22 0:41 / /mnt rw,nosuid shared:1 - cifs //nas/x rw,username=hunter2,vers=3\n24 22 8:1 / /a rw\n");
        io_tree_put_link(tree, "proc/net", "self/net");
        for (unsigned i = 0; i < 2; i++)
                io_tree_put_text(tree, i ? "proc/812/net/tcp6" : "proc/812/net/tcp", "hunter2's connections\n");
        io_tree_put_file(tree, "proc/812/cmdline", cmdline, sizeof cmdline);
        io_tree_put_text(tree, "proc/812/environ", "PASSWORD=hunter2");
        io_tree_put_link(tree, "proc/812/fd/0", "/home/hunter2/diary");
        io_tree_put_link(tree, "proc/812/fd/11", "/dev/kvm");
        io_tree_put_link(tree, "proc/812/fd/12", "/dev/vfio/17");
        io_tree_put_link(tree, "proc/812/fd/13", "/dev/vfio-hunter2");
        io_tree_put_text(tree, "home/hunter2/diary", "hunter2");
        io_tree_put_link(tree, "proc/812/exe", "/tmp/odd\nname");
        io_tree_put_file(tree, "proc/813/cmdline", "sshd: hunter2@pts\0-name", 23);
        io_tree_put_file(tree, "proc/814/cmdline", "", 0);
        io_tree_put_errno(tree, "proc/1/fd", -EACCES);
        io_tree_put_text(tree, "proc/cmdline", "root=/dev/sda1 iommu.passthrough=1 rd.luks.key=hunter2 Root_PassWord=hunter2\n");
        io_tree_put_text(tree, "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        io_tree_put_text(tree, "proc/sys/kernel/osrelease", "6.1.0\n");
        io_tree_put_text(tree, "lib/modules/6.1.0/modules.alias", aliases);
        io_tree_put_netlink(tree, &one, sizeof one, 0, "reply", 5);
}

/* Reads what a program would; the answers as text, to be compared. */
static char *tour(Io *io) {
        static const char *const files[] = {
                "sys/bus/pci/devices/0000:01:00.0/config", "sys/bus/pci/devices/0000:01:00.0/vendor",
                "sys/bus/pci/devices/0000:01:00.0/vpd",    "sys/bus/pci/devices/0000:01:00.0/absent",
                "sys/bus/pci/devices/0000:01:00.0/power",  "proc/self/mountinfo",
                "proc/sys/kernel/osrelease",
        };
        static const char *const links[] = {"sys/bus/pci/devices/0000:01:00.0", "proc/812/fd/11", "proc/812/fd/12",
                                            "sys/bus/pci/devices/0000:01:00.0/driver",
                                            "sys/bus/pci/devices/0000:01:00.0/vendor"};
        static const char *const folders[] = {"sys/bus/pci/devices", "sys/bus/pci/devices/0000:01:00.0", "sys/class/empty",
                                              "sys/class/absent", "proc/1/fd", "sys/bus/pci/devices/0000:01:00.0/power"};
        GString *out = g_string_new(NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autoptr(GBytes) data = NULL;
                int r = io_read(io, files[i], 4096, &data);
                size_t size = 0;
                const char *text = data ? g_bytes_get_data(data, &size) : "";
                g_string_append_printf(out, "%s %d ", files[i], r);
                for (size_t k = 0; k < size; k++)
                        g_string_append_printf(out, "%02x", (uint8_t) text[k]);
                g_string_append_c(out, '\n');
        }
        for (size_t i = 0; i < G_N_ELEMENTS(links); i++) {
                g_autofree char *target = NULL;
                int r = io_readlink(io, links[i], &target);
                g_string_append_printf(out, "%s %d %s\n", links[i], r, target ? target : "");
        }
        for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
                g_auto(GStrv) names = NULL;
                int r = io_list(io, folders[i], &names);
                g_autofree char *joined = names ? g_strjoinv(" ", names) : g_strdup("");
                g_string_append_printf(out, "%s %d %s\n", folders[i], r, joined);
        }
        for (int ifindex = 2; ifindex <= 3; ifindex++) {
                LinkRequest ask = link_request(RTM_GETLINK, NLM_F_ACK, ifindex, IFLA_EXT_MASK);
                g_autoptr(GByteArray) reply = g_byte_array_new();
                int r = io_netlink(io, &ask, sizeof ask, reply, NULL);
                g_string_append_printf(out, "netlink %d %.*s\n", r, (int) reply->len, reply->len ? (char *) reply->data : "");
        }
        g_autofree char *module = NULL;
        int r = io_vfio_variant(io, "pci:v000015B3d0000101Esv000015B3sd00000001bc02sc00i00", &module);
        g_string_append_printf(out, "variant %d %s\n", r, module);
        return g_string_free(out, FALSE);
}

/* The secrets too, live. */
static void snoop(Io *io) {
        static const char *const files[] = {"proc/812/cmdline", "proc/812/environ", "proc/813/cmdline", "proc/814/cmdline",
                                            "proc/cmdline",     "etc/machine-id",   "proc/812/fd/0",
                                            "proc/net/tcp",     "proc/812/net/tcp6", "proc/813/mountinfo"};
        static const char *const links[] = {"proc/812/fd/0", "proc/812/fd/13", "proc/812/exe"};
        g_auto(GStrv) names = NULL;
        for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autoptr(GBytes) data = NULL;
                g_assert_cmpint(io_read(io, files[i], 4096, &data), ==, 0);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(links); i++) {
                g_autofree char *target = NULL;
                g_assert_cmpint(io_readlink(io, links[i], &target), ==, 0);
        }
        g_assert_cmpint(io_list(io, "proc/812/fd", &names), ==, 0);
        g_assert_cmpuint(g_strv_length(names), ==, 4); /* the recorder changes nothing for its user */
}

static void record(const char *path, char **ret_live) {
        IoTree *tree = io_tree_new();
        put_host(tree);
        g_autoptr(Io) base = io_tree_io(tree);
        g_autoptr(Io) recorder = io_recorder_new(base);
        g_autoptr(GError) error = NULL;
        g_autofree char *live = tour(base), *recorded = tour(recorder);
        g_assert_cmpstr(recorded, ==, live);
        snoop(recorder);
        g_assert_true(io_recorder_write(recorder, path, &error));
        g_assert_no_error(error);
        g_assert_false(io_recorder_write(recorder, path, &error)); /* never over an existing file */
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_FAILED);
        *ret_live = g_steal_pointer(&live);
}

static void search(const char *path, IoNodeKind kind, GBytes *data, const char *target, int negative_errno, void *user) {
        size_t size = 0;
        const char *text = data ? g_bytes_get_data(data, &size) : "";
        g_autofree char *all = g_strdup_printf("%s %s ", path, target ? target : "");
        g_assert_null(strstr(all, "hunter2"));
        g_assert_true(size == 0 || !text || !memmem(text, size, "hunter2", 7));
        g_assert_true(size == 0 || !text || !memmem(text, size, "0123456789abcdef", 16));
        (*(unsigned *) user)++;
}

static void test_record(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autofree char *path = temp_file(&temp, "a.tar.gz", NULL), *again = temp_file(&temp, "b.tar.gz", NULL);
        g_autofree char *live = NULL, *live_again = NULL;
        g_autoptr(GError) error = NULL;
        unsigned seen = 0;
        struct stat st;

        record(path, &live);
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 0777, ==, 0600);
        g_autoptr(Io) host = io_archive_open(path, &error);
        g_assert_no_error(error);
        g_autofree char *replayed = tour(host);
        g_assert_cmpstr(replayed, ==, live);
        g_assert_nonnull(strstr(live, "variant 0 mlx5_vfio_pci"));

        /* Nothing secret, and what is left is what the contract says. */
        io_tree_walk(io_tree_of(host), search, &seen);
        g_assert_cmpuint(seen, >, 20);
        g_autoptr(GBytes) cmdline = NULL, other = NULL, none = NULL;
        static const char kept[] = "/usr/bin/qemu-system-x86_64\0-name\0guest=web1,debug-threads=on\0-m\0004096\0-uuid\0"
                                   "c0ffee00-1111-2222-3333-444455556666\0-device\0vfio-pci,host=01:10.0\0"
                                   "-qmp\0unix:/run/q,server=on";
        g_assert_cmpint(io_read(host, "proc/812/cmdline", 4096, &cmdline), ==, 0);
        g_assert_cmpmem(g_bytes_get_data(cmdline, NULL), g_bytes_get_size(cmdline), kept, sizeof kept);
        g_assert_cmpint(io_read(host, "proc/813/cmdline", 4096, &other), ==, 0);
        g_assert_cmpmem(g_bytes_get_data(other, NULL), g_bytes_get_size(other), "sshd:", 6);
        g_assert_cmpint(io_read(host, "proc/814/cmdline", 4096, &none), ==, 0);
        g_assert_cmpuint(g_bytes_get_size(none), ==, 0);
        assert_reads(host, "proc/cmdline", "root=/dev/sda1 iommu.passthrough=1 rd.luks.key=hidden Root_PassWord=hidden");
        assert_reads(host, "proc/813/mountinfo", "23 22 0:41 / /mnt rw,nosuid shared:1 - cifs //nas/x rw\n24 22 8:1 / /a rw");
        assert_read_fails(host, "proc/net/tcp", -ENOENT);
        assert_lists(host, "proc/812/fd", "11 12");
        assert_read_fails(host, "proc/812/environ", -ENOENT);
        assert_read_fails(host, "sys/bus/pci/devices/0000:01:00.0/unread", -ENODATA);
        g_assert_false(io_tree_has(io_tree_of(host), "vfadm"));
        g_autofree char *id = NULL;
        g_assert_cmpint(io_read_text(host, "etc/machine-id", &id), ==, 0);
        g_assert_cmpuint(strspn(id, "0123456789abcdef"), ==, 32);

        /* Equal hosts, equal archives, byte for byte. */
        g_autofree char *first = NULL, *second = NULL;
        size_t first_size, second_size;
        record(again, &live_again);
        g_assert_true(g_file_get_contents(path, &first, &first_size, NULL));
        g_assert_true(g_file_get_contents(again, &second, &second_size, NULL));
        g_assert_cmpmem(first, first_size, second, second_size);
}

/* A real folder recorded through the real Io gives the same as the folder itself. */
static void test_record_folder(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autofree char *sub = temp_file(&temp, "sub", NULL), *link = temp_file(&temp, "link", NULL);
        g_assert_cmpint(mkdir(sub, 0755), ==, 0);
        temp_write(&temp, "sub/file", "text\n");
        g_autofree char *fifo = temp_file(&temp, "fifo", NULL);
        g_assert_cmpint(symlink("/sub", link), ==, 0);
        g_autoptr(GError) error = NULL;

        g_autoptr(Io) folder = io_archive_open(temp.path, &error);
        g_assert_no_error(error);
        assert_reads(folder, "link/file", "text");
        assert_lists(folder, ".", "link sub");

        g_autoptr(Io) recorder = io_recorder_new(temp.io);
        g_autofree char *path = temp_file(&temp, "r.tar.gz", NULL);
        assert_reads(recorder, "link/file", "text");
        g_assert_true(io_recorder_write(recorder, path, &error));
        g_autoptr(Io) replay = io_archive_open(path, &error);
        g_assert_no_error(error);
        assert_reads(replay, "link/file", "text");
        assert_links(replay, "link", "/sub");

        g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
        g_assert_null(io_archive_open(temp.path, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED);
        g_assert_nonnull(strstr(error->message, "entry 'fifo' is neither file, folder nor link"));
        g_clear_error(&error);
        g_assert_null(io_archive_open(fifo, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_FAILED);
        g_clear_error(&error);
        g_autofree char *missing = temp_file(&temp, "missing", NULL);
        g_assert_null(io_archive_open(missing, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND);
}

/* Hostile archives. */

typedef struct {
        const char *path;
        unsigned type;
        const char *text; /* contents, or a link's target */
} Entry;

static GBytes *make_tar(const Entry *entries, size_t n) {
        size_t used = 0, room = 1 << 20;
        for (size_t i = 0; i < n; i++)
                room += entries[i].text ? strlen(entries[i].text) : 0;
        void *buffer = g_malloc(room);
        struct archive *archive = archive_write_new();
        archive_write_set_format_pax_restricted(archive);
        g_assert_cmpint(archive_write_open_memory(archive, buffer, room, &used), ==, ARCHIVE_OK);
        for (size_t i = 0; i < n; i++) {
                struct archive_entry *entry = archive_entry_new();
                const char *text = entries[i].text ? entries[i].text : "";
                archive_entry_set_pathname(entry, entries[i].path);
                archive_entry_set_perm(entry, 0644);
                if (entries[i].type == 0) {
                        archive_entry_set_filetype(entry, AE_IFREG);
                        archive_entry_set_hardlink(entry, text);
                } else {
                        archive_entry_set_filetype(entry, entries[i].type);
                }
                if (entries[i].type == AE_IFLNK)
                        archive_entry_set_symlink(entry, text);
                archive_entry_set_size(entry, entries[i].type == AE_IFREG ? (la_int64_t) strlen(text) : 0);
                g_assert_cmpint(archive_write_header(archive, entry), ==, ARCHIVE_OK);
                if (entries[i].type == AE_IFREG)
                        archive_write_data(archive, text, strlen(text));
                archive_entry_free(entry);
        }
        g_assert_cmpint(archive_write_close(archive), ==, ARCHIVE_OK);
        archive_write_free(archive);
        GBytes *tar = g_bytes_new(buffer, used);
        g_free(buffer);
        return tar;
}

static Io *open_tar(const Entry *entries, size_t n, GError **error) {
        g_autoptr(GBytes) tar = make_tar(entries, n);
        return io_archive_open_memory(g_bytes_get_data(tar, NULL), g_bytes_get_size(tar), error);
}

static void test_archive_hostile(void) {
        static const struct {
                Entry entries[4];
                const char *message; /* part of it; NULL: taken */
        } table[] = {
                {{{"a/b", AE_IFREG, "x"}, {"./c/", AE_IFDIR, NULL}, {"l", AE_IFLNK, "../../../etc"}}, NULL},
                {{{"./", AE_IFDIR, NULL}, {".//a", AE_IFREG, "x"}}, NULL},
                {{{"../a", AE_IFREG, "x"}}, "entry '../a' has a path"},
                {{{"a/../../b", AE_IFREG, "x"}}, "entry 'a/../../b' has a path"},
                {{{"/etc/passwd", AE_IFREG, "x"}}, "entry '/etc/passwd' has a path"},
                {{{"a\nb", AE_IFREG, "x"}}, "entry 'a\\nb' has a path"},
                {{{"a\033[31mb", AE_IFDIR, NULL}}, "entry 'a\\033[31mb' has a path"},
                {{{"l", AE_IFLNK, "sub"}, {"l/x", AE_IFREG, "x"}}, "entry 'l/x' does not fit"},
                {{{"f", AE_IFREG, "x"}, {"f/x", AE_IFREG, "x"}}, "entry 'f/x' does not fit"},
                {{{"l", AE_IFLNK, "a\nb"}}, "control characters"},
                {{{"f", AE_IFREG, "x"}, {"h", 0, "f"}}, "hard link"},
                {{{"p", AE_IFIFO, NULL}}, "neither file, folder nor link"},
                {{{"c", AE_IFCHR, NULL}}, "neither file, folder nor link"},
                {{{"vfadm/version", AE_IFREG, "format 2\n"}}, "does not know"},
                {{{"vfadm/errno", AE_IFREG, "0 sys/a\n"}}, "NUMBER PATH"},
                {{{"vfadm/errno", AE_IFREG, "13\n"}}, "NUMBER PATH"},
                {{{"vfadm/errno", AE_IFREG, "5000 a\n"}}, "NUMBER PATH"},
                {{{"vfadm/errno", AE_IFREG, "13 ../a\n"}}, "entry '../a' has a path"},
                {{{"vfadm/errno", AE_IFREG, "13 a\n5 b"}}, NULL},
                {{{"vfadm/netlink/1.request", AE_IFREG, "x"}}, "1.reply' is missing"},
                {{{"vfadm/netlink/1.request", AE_IFREG, "x"}, {"vfadm/netlink/1.reply", AE_IFREG, ""},
                  {"vfadm/netlink/1.result", AE_IFREG, "1"}}, "neither 0 nor a negative errno"},
                {{{"vfadm/netlink/1.request", AE_IFREG, "x"}, {"vfadm/netlink/1.reply", AE_IFREG, ""},
                  {"vfadm/netlink/1.result", AE_IFREG, "-19\n"}}, NULL},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                size_t n = 0;
                while (n < G_N_ELEMENTS(table[i].entries) && table[i].entries[n].path)
                        n++;
                g_autoptr(GError) error = NULL;
                g_autoptr(Io) io = open_tar(table[i].entries, n, &error);
                if (!table[i].message) {
                        g_assert_no_error(error);
                        g_assert_nonnull(io);
                        continue;
                }
                g_assert_null(io);
                g_assert_nonnull(error);
                g_assert_true(error->domain == VFADM_ERROR);
                g_assert_null(strpbrk(error->message, "\n\033"));
                if (!strstr(error->message, table[i].message))
                        g_error("case %zu: '%s' lacks '%s'", i, error->message, table[i].message);
        }
}

static void test_archive_damaged(void) {
        static const Entry entries[] = {{"a", AE_IFREG, "some text"}, {"b", AE_IFREG, "more"}};
        g_autoptr(GBytes) tar = make_tar(entries, G_N_ELEMENTS(entries));
        g_autoptr(GError) error = NULL;
        g_assert_null(io_archive_open_memory("no archive at all", 17, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED);
        g_clear_error(&error);
        g_assert_null(io_archive_open_memory(g_bytes_get_data(tar, NULL), 600, &error)); /* cut within the contents */
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED);
}

/* A header that promises 300 MiB, a path that is deep, a million lines: refused before memory is spent. */
static void test_archive_bounds(void) {
        g_autoptr(GError) error = NULL;
        static const Entry small = {"big", AE_IFREG, "x"};
        g_autoptr(GBytes) tar = make_tar(&small, 1);
        g_autofree uint8_t *bytes = g_memdup2(g_bytes_get_data(tar, NULL), g_bytes_get_size(tar));
        unsigned sum = 0;

        g_snprintf((char *) bytes + 124, 12, "%011o", 300u << 20); /* ustar: the size, then the sum of the header */
        memset(bytes + 148, ' ', 8);
        for (int i = 0; i < 512; i++)
                sum += bytes[i];
        g_snprintf((char *) bytes + 148, 8, "%06o", sum);
        g_assert_null(io_archive_open_memory(bytes, g_bytes_get_size(tar), &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED);
        g_assert_nonnull(strstr(error->message, "entry 'big' makes it too large (limit 256 MiB)"));
        g_clear_error(&error);

        g_autoptr(GString) lines = g_string_new(NULL);
        for (int i = 0; i < 1000000; i++)
                g_string_append(lines, "13 a\n");
        Entry many = {"vfadm/errno", AE_IFREG, lines->str};
        g_assert_null(open_tar(&many, 1, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED);
        g_assert_nonnull(strstr(error->message, "one too many (limit 1000000)"));
        g_clear_error(&error);

        g_autoptr(GString) deep = g_string_new("d");
        for (int i = 0; i < 250; i++)
                g_string_append(deep, "/d");
        Entry too_deep = {deep->str, AE_IFREG, "x"};
        g_assert_null(open_tar(&too_deep, 1, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED);
        g_assert_nonnull(strstr(error->message, "does not fit"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/io/record/round-trip", test_record);
        g_test_add_func("/io/record/folder", test_record_folder);
        g_test_add_func("/io/archive/hostile", test_archive_hostile);
        g_test_add_func("/io/archive/damaged", test_archive_damaged);
        g_test_add_func("/io/archive/bounds", test_archive_bounds);
        return g_test_run();
}
