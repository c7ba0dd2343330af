/* Reads a recorded host into a tree: from a tar archive or from a folder, both taken as hostile.
 *
 * Beside the host's own files a record holds: vfadm/version ("format 1" and who wrote it), vfadm/errno (lines of
 * "NUMBER PATH": reading PATH gives that errno), vfadm/open (the same of opening a device node; 0: it opens),
 * vfadm/netlink/NNNN.request, .reply and .result (a negative errno or 0), and of programs that were asked
 * vfadm/program/NNNN.argv (each word ended by a NUL), .output and .result ("R STATUS": a negative errno or 0, and
 * waitpid(2)'s status). */
#include "io/tree.h"

#include "base/error.h"
#include "base/parse.h"
#include "io/internal.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES_MAX (256u << 20)
#define ENTRIES_MAX 1000000u
#define ERRNO_MAX 4095 /* MAX_ERRNO of the kernel */

typedef struct {
        const char *name; /* of the archive, for errors */
        IoTree *tree;
        size_t bytes;   /* file contents so far */
        size_t entries; /* entries seen, of whatever kind */
        GError **error;
} Load;

static bool G_GNUC_PRINTF(3, 4) refuse(Load *load, const char *entry, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *why = g_strdup_vprintf(format, args);
        va_end(args);
        g_autofree char *shown = g_strescape(entry, NULL);
        g_set_error(load->error, VFADM_ERROR, VFADM_ERROR_REFUSED, "%s: not taken as a recorded host: entry '%.200s' %s",
                    load->name, shown, why);
        return false;
}

static bool refuse_size(Load *load, const char *entry) {
        return refuse(load, entry, "makes it too large (limit %u MiB)", BYTES_MAX >> 20);
}

static bool within_bounds(Load *load, const char *entry) {
        /* Folders made on the way count too: one long path makes many. */
        if (++load->entries > ENTRIES_MAX || io_tree_entries(load->tree) > ENTRIES_MAX)
                return refuse(load, entry, "is one too many (limit %u)", ENTRIES_MAX);
        return true;
}

static bool add(Load *load, const char *path, IoNodeKind kind, const void *data, size_t length, int negative_errno) {
        int r = io_tree_add(load->tree, path, kind, data, length, negative_errno);
        if (r == -EINVAL)
                return refuse(load, path, "has a path that is absolute, too long, or holds '..' or control characters");
        if (r < 0)
                return refuse(load, path, "does not fit the entries before it: %s", g_strerror(-r));
        return true;
}

static bool add_link(Load *load, const char *path, const char *target) {
        if (!io_link_target_ok(target))
                return refuse(load, path, "is a link whose target is empty, too long or holds control characters");
        return add(load, path, IO_NODE_LINK, target, strlen(target), 0);
}

/* Tar archives. */

static bool read_data(Load *load, struct archive *archive, const char *path, int64_t said, GByteArray *data) {
        uint8_t block[16384];
        size_t room = BYTES_MAX - MIN(load->bytes, BYTES_MAX);
        if (said < 0 || (uint64_t) said > room)
                return refuse_size(load, path);
        for (;;) {
                la_ssize_t n = archive_read_data(archive, block, sizeof block);
                if (n == ARCHIVE_RETRY)
                        continue;
                if (n < 0)
                        return refuse(load, path, "cannot be read: %s", archive_error_string(archive));
                if (n == 0)
                        return true;
                load->bytes += (size_t) n;
                if ((size_t) n > room - data->len)
                        return refuse_size(load, path);
                g_byte_array_append(data, block, (guint) n);
        }
}

/* "./sys/" and "sys" are the same entry; "" is the root. */
static char *entry_path(const char *name) {
        while (g_str_has_prefix(name, "./"))
                for (name += 2; *name == '/'; name++)
                        ;
        if (g_str_equal(name, "."))
                name++;
        size_t length = strlen(name);
        while (length > 1 && name[length - 1] == '/')
                length--;
        return g_strndup(name, length);
}

static bool load_entry(Load *load, struct archive *archive, struct archive_entry *entry) {
        const char *name = archive_entry_pathname(entry);
        if (!name)
                return refuse(load, "", "has a name that cannot be read");
        if (!within_bounds(load, name))
                return false;
        g_autofree char *path = entry_path(name);
        if (archive_entry_hardlink(entry))
                return refuse(load, name, "is a hard link");
        switch (archive_entry_filetype(entry)) {
        case AE_IFDIR:
                return !*path || add(load, path, IO_NODE_DIR, NULL, 0, 0);
        case AE_IFLNK: {
                const char *target = archive_entry_symlink(entry);
                return add_link(load, path, target ? target : "");
        }
        case AE_IFREG: {
                g_autoptr(GByteArray) data = g_byte_array_new();
                return read_data(load, archive, name, archive_entry_size(entry), data) &&
                       add(load, path, IO_NODE_FILE, data->data, data->len, 0);
        }
        default:
                return refuse(load, name, "is neither file, folder nor link");
        }
}

static bool load_archive(Load *load, struct archive *archive) {
        struct archive_entry *entry;
        for (;;) {
                int r = archive_read_next_header(archive, &entry);
                if (r == ARCHIVE_EOF)
                        return true;
                if (r == ARCHIVE_RETRY)
                        continue;
                if (r != ARCHIVE_OK && r != ARCHIVE_WARN) {
                        const char *why = archive_error_string(archive);
                        g_set_error(load->error, VFADM_ERROR, VFADM_ERROR_REFUSED,
                                    "%s: not taken as a recorded host: no tar archive, or a damaged one (%s); make one with "
                                    "'vfadm record'",
                                    load->name, why ? why : "unknown cause");
                        return false;
                }
                if (!load_entry(load, archive, entry))
                        return false;
        }
}

/* Only what libarchive unpacks inside this process: its other filters start programs. */
static struct archive *archive_new(void) {
        struct archive *archive = archive_read_new();
        if (!archive)
                return NULL;
        archive_read_support_format_tar(archive);
        archive_read_support_filter_gzip(archive);
        archive_read_support_filter_bzip2(archive);
        archive_read_support_filter_xz(archive);
        archive_read_support_filter_lzma(archive);
        archive_read_support_filter_zstd(archive);
        archive_read_support_filter_lz4(archive);
        archive_read_support_filter_compress(archive);
        return archive;
}

static bool load_tar(Load *load, int fd, const void *data, size_t length) {
        struct archive *archive = archive_new();
        if (!archive)
                return vfadm_error_set_errno(load->error, -ENOMEM, "%s: reading", load->name);
        int r = fd >= 0 ? archive_read_open_fd(archive, fd, 65536) : archive_read_open_memory(archive, data, length);
        bool ok = r == ARCHIVE_OK ? load_archive(load, archive)
                                  : refuse(load, "", "cannot be read: %s", archive_error_string(archive));
        archive_read_free(archive);
        return ok;
}

/* Folders. */

static bool load_file(Load *load, int dir, const char *name, const char *path) {
        uint8_t block[16384];
        g_autoptr(GByteArray) data = g_byte_array_new();
        ssize_t n;
        int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

        if (fd < 0) /* a file that may not be read is a fact of that host */
                return add(load, path, IO_NODE_ERRNO, NULL, 0, -errno);
        while ((n = read(fd, block, sizeof block)) > 0) {
                load->bytes += (size_t) n;
                if (load->bytes > BYTES_MAX)
                        break;
                g_byte_array_append(data, block, (guint) n);
        }
        int r = n < 0 ? -errno : 0;
        close(fd);
        if (n > 0)
                return refuse_size(load, path);
        if (r < 0)
                return add(load, path, IO_NODE_ERRNO, NULL, 0, r);
        return add(load, path, IO_NODE_FILE, data->data, data->len, 0);
}

static bool load_folder(Load *load, int fd, const char *path);

static bool load_item(Load *load, int dir, const char *name, const char *path) {
        struct stat st;
        if (!within_bounds(load, path))
                return false;
        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return refuse(load, path, "cannot be looked at: %s", g_strerror(errno));
        if (S_ISREG(st.st_mode))
                return load_file(load, dir, name, path);
        if (S_ISLNK(st.st_mode)) {
                char target[PATH_MAX];
                ssize_t n = readlinkat(dir, name, target, sizeof target - 1);
                if (n < 0)
                        return add(load, path, IO_NODE_ERRNO, NULL, 0, -errno);
                target[n] = 0;
                return add_link(load, path, target);
        }
        if (!S_ISDIR(st.st_mode))
                return refuse(load, path, "is neither file, folder nor link");
        /* Before the folder is entered: the tree bounds how deep they go. */
        if (!add(load, path, IO_NODE_DIR, NULL, 0, 0))
                return false;
        int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return add(load, path, IO_NODE_ERRNO, NULL, 0, -errno);
        return load_folder(load, fd, path);
}

/* Takes the fd over. */
static bool load_folder(Load *load, int fd, const char *path) {
        struct dirent *entry;
        DIR *dir = fdopendir(fd);
        bool ok = true;

        if (!dir) {
                int r = -errno;
                close(fd);
                return vfadm_error_set_errno(load->error, r, "%s: listing '%s'", load->name, path);
        }
        while (ok && (entry = readdir(dir))) {
                if (g_str_equal(entry->d_name, ".") || g_str_equal(entry->d_name, ".."))
                        continue;
                g_autofree char *below = *path ? g_strconcat(path, "/", entry->d_name, NULL) : g_strdup(entry->d_name);
                ok = load_item(load, fd, entry->d_name, below);
        }
        closedir(dir);
        return ok;
}

/* What the recorder noted beside the files. */

/* One line "NUMBER PATH" of `file`. */
typedef bool (*TakeLine)(Load *load, const char *file, const char *path, int number);

static bool take_errno(Load *load, const char *file, const char *path, int number) {
        if (number == 0)
                return refuse(load, file, "has a line that is not 'NUMBER PATH'");
        return within_bounds(load, path) && add(load, path, IO_NODE_ERRNO, NULL, 0, -number);
}

static bool take_open(Load *load, const char *file, const char *path, int number) {
        if (io_path_check(path) < 0)
                return refuse(load, file, "has a line that is not 'NUMBER PATH'");
        if (!within_bounds(load, path))
                return false;
        io_tree_put_open(load->tree, path, -number);
        return true;
}

static bool take_lines(Load *load, const char *file, TakeLine take) {
        g_autoptr(GBytes) data = NULL;
        size_t size;

        if (io_tree_read(load->tree, file, &data) < 0)
                return true;
        const char *at = g_bytes_get_data(data, &size), *end = at ? at + size : NULL;
        for (const char *next; at < end; at = next) {
                const char *newline = memchr(at, '\n', (size_t) (end - at));
                const char *stop = newline ? newline : end;
                const char *blank = memchr(at, ' ', (size_t) (stop - at));
                uint64_t number;
                next = newline ? newline + 1 : end;
                if (!blank || memchr(at, 0, (size_t) (stop - at)) ||
                    !parse_uint_n(at, (size_t) (blank - at), 10, 0, ERRNO_MAX, &number))
                        return refuse(load, file, "has a line that is not 'NUMBER PATH'");
                g_autofree char *path = g_strndup(blank + 1, (size_t) (stop - blank - 1));
                if (!take(load, file, path, (int) number))
                        return false;
        }
        return true;
}

static bool answer_part(Load *load, const char *folder, const char *number, const char *part, GBytes **ret) {
        g_autofree char *path = g_strdup_printf("vfadm/%s/%s.%s", folder, number, part);
        int r = io_tree_read(load->tree, path, ret);
        return r == 0 || refuse(load, path, "is missing: %s", g_strerror(-r));
}

static bool take_answer(Load *load, const char *number) {
        g_autoptr(GBytes) request = NULL, reply = NULL, result = NULL;
        size_t request_size, reply_size, result_size;
        int64_t value = 0;

        if (!answer_part(load, "netlink", number, "request", &request) || !answer_part(load, "netlink", number, "reply", &reply) ||
            !answer_part(load, "netlink", number, "result", &result))
                return false;
        const char *text = g_bytes_get_data(result, &result_size);
        g_autofree char *line = g_strndup(text ? text : "", result_size);
        if (!parse_int(g_strchomp(line), -ERRNO_MAX, 0, &value)) {
                g_autofree char *path = g_strdup_printf("vfadm/netlink/%s.result", number);
                return refuse(load, path, "is neither 0 nor a negative errno");
        }
        const void *request_data = g_bytes_get_data(request, &request_size);
        const void *reply_data = g_bytes_get_data(reply, &reply_size);
        io_tree_put_netlink(load->tree, request_data, request_size, (int) value, reply_data, reply_size);
        return true;
}

static bool take_program(Load *load, const char *number) {
        g_autoptr(GBytes) key = NULL, output = NULL, result = NULL;
        size_t output_size, result_size;
        int64_t r, status;

        if (!answer_part(load, "program", number, "argv", &key) || !answer_part(load, "program", number, "output", &output) ||
            !answer_part(load, "program", number, "result", &result))
                return false;
        g_autofree char *path = g_strdup_printf("vfadm/program/%s", number);
        const char *text = g_bytes_get_data(result, &result_size);
        g_autofree char *line = g_strndup(text ? text : "", result_size);
        g_auto(GStrv) numbers = g_strsplit(g_strchomp(line), " ", 3), argv = io_program_argv(key);
        if (!argv || g_strv_length(numbers) != 2 || !parse_int(numbers[0], -ERRNO_MAX, 0, &r) ||
            !parse_int(numbers[1], 0, UINT16_MAX, &status))
                return refuse(load, path, "is no program's answer");
        const void *said = g_bytes_get_data(output, &output_size);
        io_tree_put_program(load->tree, argv, (int) r, (int) status, said, output_size);
        return true;
}

/* One answer for each file of the folder whose name ends like this. */
static bool take_answers(Load *load, const char *folder, const char *suffix, bool (*take)(Load *load, const char *number)) {
        g_auto(GStrv) names = NULL;
        if (io_tree_list(load->tree, folder, &names) < 0)
                return true;
        for (char **name = names; *name; name++) {
                if (!g_str_has_suffix(*name, suffix))
                        continue;
                (*name)[strlen(*name) - strlen(suffix)] = 0;
                if (!take(load, *name))
                        return false;
        }
        return true;
}

static bool take_version(Load *load) {
        g_autoptr(GBytes) data = NULL;
        size_t size;

        if (io_tree_read(load->tree, "vfadm/version", &data) < 0)
                return true; /* made by hand */
        const char *text = g_bytes_get_data(data, &size);
        if (size >= strlen("format 1\n") && memcmp(text, "format 1\n", strlen("format 1\n")) == 0)
                return true;
        g_set_error(load->error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED,
                    "%s: recorded in a form that this vfadm (%s) does not know; open it with the vfadm that made it",
                    load->name, VFADM_VERSION);
        return false;
}

static Io *load_finish(Load *load, bool ok) {
        if (ok)
                ok = take_version(load) && take_lines(load, "vfadm/errno", take_errno) &&
                     take_lines(load, "vfadm/open", take_open) &&
                     take_answers(load, "vfadm/netlink", ".request", take_answer) &&
                     take_answers(load, "vfadm/program", ".argv", take_program);
        if (!ok) {
                io_tree_free(load->tree);
                return NULL;
        }
        io_tree_remove(load->tree, "vfadm"); /* the host has no such folder */
        return io_tree_io(load->tree);
}

Io *io_archive_open_memory(const void *data, size_t length, GError **error) {
        Load load = {.name = "archive", .tree = io_tree_new(), .error = error};
        return load_finish(&load, load_tar(&load, -1, data, length));
}

Io *io_archive_open(const char *path, GError **error) {
        struct stat st = {0};
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        int r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;

        if (r == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
                r = -EINVAL;
        if (r < 0) {
                if (fd >= 0)
                        close(fd);
                vfadm_error_set_errno(error, r, "opening the recorded host %s", path);
                return NULL;
        }
        Load load = {.name = path, .tree = io_tree_new(), .error = error};
        if (S_ISDIR(st.st_mode))
                return load_finish(&load, load_folder(&load, fd, ""));
        bool ok = load_tar(&load, fd, NULL, 0);
        close(fd);
        return load_finish(&load, ok);
}
