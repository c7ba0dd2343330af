/* Notes what is read through the seam and writes it as an archive for bug reports, without secrets. */
#include "io/recorder.h"

#include "base/error.h"
#include "io/internal.h"
#include "io/redact.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LINKS_MAX 40
/* What reading a name gives that was listed but never read. */
#define NOT_READ (-ENODATA)
#define ALIAS_FILE_MAX (32u << 20)

typedef struct {
        Io io;
        Io *base;
        IoTree *tree;
        GHashTable *links; /* path without links on its way → its target, or "" when it is none */
} Recorder;

static Recorder *recorder(Io *io) {
        return (Recorder *) io;
}

/* What of a path may be kept. */

/* The part after "proc/PID/" (also through task/TID), or NULL. */
static const char *process_part(const char *path) {
        if (!g_str_has_prefix(path, "proc/"))
                return NULL;
        const char *part = path + strlen("proc/");
        if (!g_ascii_isdigit(*part) && !g_str_has_prefix(part, "self/") && !g_str_has_prefix(part, "thread-self/"))
                return NULL;
        part = strchr(part, '/');
        if (!part)
                return NULL;
        part++;
        if (g_str_has_prefix(part, "task/")) {
                const char *tid = strchr(part + strlen("task/"), '/');
                return tid ? tid + 1 : part;
        }
        return part;
}

/* Environments, and whom this host talks to: the latter is read to find the login's address, which no replay does. */
static bool is_private(const char *path) {
        static const char *const parts[] = {"environ", "net/tcp", "net/tcp6", NULL};
        const char *part = g_str_has_prefix(path, "proc/net/") ? path + strlen("proc/") : process_part(path);
        return part && g_strv_contains(parts, part);
}

/* Lists and links that tell what a process has open: its fd and map_files folders. */
static bool is_open_files(const char *path) {
        const char *part = process_part(path);
        if (!part)
                return false;
        size_t length = strcspn(part, "/");
        return (length == 2 && strncmp(part, "fd", 2) == 0) || (length == 9 && strncmp(part, "map_files", 9) == 0);
}

static bool may_keep_open_file(const char *target) {
        return g_str_equal(target, "/dev/kvm") || g_str_equal(target, "/dev/vfio") ||
               g_str_has_prefix(target, "/dev/vfio/");
}

/* A link whose target has control characters could not be read back. */
static void keep_link(Recorder *rec, const char *path, const char *target) {
        if (io_link_target_ok(target))
                io_tree_add(rec->tree, path, IO_NODE_LINK, target, strlen(target), 0);
}

/* Where a path really lies, so that a file reached by two ways is kept once and the links themselves are kept. */

static const char *link_target(Recorder *rec, const char *path) {
        const char *known = g_hash_table_lookup(rec->links, path);
        if (known)
                return known;
        char *target = NULL;
        /* proc/self is another number each time: kept as a folder, equal hosts give equal archives. */
        if (g_str_equal(path, "proc/self") || g_str_equal(path, "proc/thread-self") || is_open_files(path) ||
            io_readlink(rec->base, path, &target) < 0)
                target = g_strdup("");
        else
                keep_link(rec, path, target);
        g_hash_table_insert(rec->links, g_strdup(path), target);
        return target;
}

static char *real_path(Recorder *rec, const char *path, bool follow_last) {
        g_autofree char *owned = NULL;
        g_autoptr(GString) out = g_string_new(NULL);
        unsigned links = 0;

        while (*path) {
                size_t length = strcspn(path, "/"), before = out->len;
                const char *name = path;
                path += length;
                path += strspn(path, "/");
                if (length == 0 || (length == 1 && name[0] == '.'))
                        continue;
                if (length == 2 && name[0] == '.' && name[1] == '.') {
                        const char *slash = strrchr(out->str, '/');
                        g_string_truncate(out, slash ? (gsize) (slash - out->str) : 0);
                        continue;
                }
                if (before)
                        g_string_append_c(out, '/');
                g_string_append_len(out, name, (gssize) length);
                const char *target = *path || follow_last ? link_target(rec, out->str) : "";
                if (!*target)
                        continue;
                if (++links > LINKS_MAX)
                        return NULL;
                g_string_truncate(out, *target == '/' ? 0 : before);
                char *joined = g_strconcat(target, "/", path, NULL);
                g_free(owned);
                path = owned = joined;
        }
        return g_strdup(out->len ? out->str : ".");
}

/* What of a file may be kept. */

/* Of the kernel's command line: the value of a word whose key smells of a secret goes; iommu.passthrough stays. */
static GBytes *redact_kernel_cmdline(const char *text, size_t size) {
        g_autofree char *copy = g_strndup(text ? text : "", size);
        g_auto(GStrv) words = g_strsplit(copy, " ", -1);
        for (char **word = words; *word; word++) {
                char *equals = strchr(*word, '=');
                if (!equals)
                        continue;
                g_autofree char *key = g_ascii_strdown(*word, equals - *word);
                for (size_t i = 0; i < G_N_ELEMENTS(io_secret_hints); i++) {
                        if (!strstr(key, io_secret_hints[i]))
                                continue;
                        bool newline = g_str_has_suffix(equals, "\n");
                        char *hidden = g_strdup_printf("%.*s=hidden%s", (int) (equals - *word), *word, newline ? "\n" : "");
                        g_free(*word);
                        *word = hidden;
                        break;
                }
        }
        char *joined = g_strjoinv(" ", words);
        return g_bytes_new_take(joined, strlen(joined));
}

/* machine-id(5) calls the id confidential: another that is as stable stands in for it. */
static GBytes *redact_machine_id(const char *text, size_t size) {
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
        g_checksum_update(sum, (const guchar *) "vfadm-record:", -1);
        if (size)
                g_checksum_update(sum, (const guchar *) text, (gssize) size);
        char *id = g_strdup_printf("%.32s\n", g_checksum_get_string(sum));
        return g_bytes_new_take(id, strlen(id));
}

/* Of modules.alias only what vfio_variant asks for: the whole is megabytes. */
static GBytes *keep_vfio_aliases(const char *text, size_t size) {
        static const char prefix[] = "alias vfio_pci:";
        GString *out = g_string_new(NULL);
        const char *end = text + size;
        for (const char *line = text, *next; line < end; line = next) {
                const char *newline = memchr(line, '\n', (size_t) (end - line));
                next = newline ? newline + 1 : end;
                if ((size_t) (next - line) >= sizeof prefix && memcmp(line, prefix, sizeof prefix - 1) == 0)
                        g_string_append_len(out, line, next - line);
        }
        return g_string_free_to_bytes(out);
}

/* The last field of a mount, the file system's own options, may name users and servers: of them only "rw" or "ro" stays. */
static GBytes *redact_mounts(const char *text, size_t size) {
        g_autofree char *copy = g_strndup(text ? text : "", size);
        g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
        for (char **line = lines; *line; line++) {
                char *own = strstr(*line, " - ");
                char *options = own ? strrchr(own + strlen(" - "), ' ') : NULL;
                if (options)
                        options[strcspn(options, ",")] = 0;
        }
        char *joined = g_strjoinv("\n", lines);
        return g_bytes_new_take(joined, strlen(joined));
}

static GBytes *redact(const char *path, GBytes *data) {
        size_t size;
        const char *text = g_bytes_get_data(data, &size);
        const char *part = process_part(path);
        if (part && g_str_equal(part, "cmdline"))
                return redact_cmdline(text, size);
        if (part && g_str_equal(part, "mountinfo"))
                return redact_mounts(text, size);
        if (g_str_equal(path, "proc/cmdline"))
                return redact_kernel_cmdline(text, size);
        if (g_str_has_suffix(path, "/machine-id"))
                return redact_machine_id(text, size);
        if (size && g_str_has_prefix(path, "lib/modules/") && g_str_has_suffix(path, "/modules.alias"))
                return keep_vfio_aliases(text, size);
        GBytes *boot = redact_boot(path, text, size);
        if (boot)
                return boot;
        GBytes *config = redact_config(path, text, size);
        return config ? config : g_bytes_ref(data);
}

/* The calls. */

/* A refusal is kept; that something is missing only where a list named it; that it is of another kind (no link, no
 * folder) only while nothing better is known of it, since the tree will say so itself. */
static void note_errno(Recorder *rec, const char *path, int r) {
        g_autoptr(GBytes) data = NULL;
        bool of_kind = r == -EINVAL || r == -EISDIR || r == -ENOTDIR;
        int known = io_tree_read(rec->tree, path, &data);
        bool only_name = known == NOT_READ || known == -EINVAL;
        if (of_kind ? only_name : r != -ENOENT || io_tree_has(rec->tree, path))
                io_tree_add(rec->tree, path, IO_NODE_ERRNO, NULL, 0, r);
}

static int rec_read(Io *io, const char *path, size_t max, GBytes **ret) {
        Recorder *rec = recorder(io);
        g_autoptr(GBytes) data = NULL;
        int r = io_read(rec->base, path, max, &data);
        g_autofree char *real = real_path(rec, path, true);
        bool keep = real && r != -EFBIG && !is_private(real) && !is_open_files(real);
        if (keep && r < 0) {
                note_errno(rec, real, r);
        } else if (keep) {
                g_autoptr(GBytes) kept = redact(real, data);
                size_t size;
                const void *bytes = g_bytes_get_data(kept, &size);
                io_tree_add(rec->tree, real, IO_NODE_FILE, bytes, size, 0);
        }
        if (r == 0)
                *ret = g_steal_pointer(&data);
        return r;
}

static int rec_write(Io *io, const char *path, const char *text, unsigned timeout_ms) {
        return io_write(recorder(io)->base, path, text, timeout_ms);
}

static int rec_readlink(Io *io, const char *path, char **ret) {
        Recorder *rec = recorder(io);
        g_autofree char *target = NULL;
        int r = io_readlink(rec->base, path, &target);
        g_autofree char *real = real_path(rec, path, false);
        if (real && r == 0 && (!is_open_files(real) || may_keep_open_file(target)))
                keep_link(rec, real, target);
        else if (real && r < 0 && !is_open_files(real))
                note_errno(rec, real, r);
        if (r == 0)
                *ret = g_steal_pointer(&target);
        return r;
}

static int rec_list(Io *io, const char *path, char ***ret) {
        Recorder *rec = recorder(io);
        g_auto(GStrv) names = NULL;
        int r = io_list(rec->base, path, &names);
        g_autofree char *real = real_path(rec, path, true);
        if (real && r < 0) {
                note_errno(rec, real, r);
        } else if (real && r == 0) {
                io_tree_add(rec->tree, real, IO_NODE_DIR, NULL, 0, 0);
                for (char **name = names; *name && !is_open_files(real); name++) {
                        g_autofree char *below = g_str_equal(real, ".") ? g_strdup(*name)
                                                                        : g_strconcat(real, "/", *name, NULL);
                        if (!io_tree_has(rec->tree, below))
                                io_tree_add(rec->tree, below, IO_NODE_ERRNO, NULL, 0, NOT_READ);
                }
        }
        if (r == 0)
                *ret = g_steal_pointer(&names);
        return r;
}

static int rec_netlink(Io *io, const void *request, size_t length, GByteArray *reply, char **extack) {
        Recorder *rec = recorder(io);
        g_autoptr(GByteArray) answer = g_byte_array_new();
        int r = io_netlink(rec->base, request, length, answer, extack);
        if (io_netlink_asks(request, length))
                io_tree_put_netlink(rec->tree, request, length, MIN(r, 0), answer->data, r < 0 ? 0 : answer->len);
        if (r >= 0 && reply && answer->len)
                g_byte_array_append(reply, answer->data, answer->len);
        return r;
}

static int rec_load_module(Io *io, const char *name) {
        return io_load_module(recorder(io)->base, name);
}

static int rec_vfio_variant(Io *io, const char *modalias, char **ret) {
        g_autofree char *path = NULL;
        g_autoptr(GBytes) data = NULL;
        /* What the answer comes from, once. */
        if (io_variant_path(io, &path) == 0 && !io_tree_has(recorder(io)->tree, path))
                (void) rec_read(io, path, ALIAS_FILE_MAX, &data);
        return io_vfio_variant(recorder(io)->base, modalias, ret);
}

static int rec_can_open(Io *io, const char *path) {
        int r = io_can_open(recorder(io)->base, path);
        io_tree_put_open(recorder(io)->tree, path, r);
        return r;
}

static int rec_replace(Io *io, const char *path, const char *text) {
        return io_replace(recorder(io)->base, path, text);
}

/* Programs that only answer are asked for versions and boot parameters; among the latter may be secrets. */
static int rec_program(Io *io, char *const argv[], bool changes, unsigned timeout_ms, GBytes **output, int *status) {
        Recorder *rec = recorder(io);
        g_autoptr(GBytes) said = NULL;
        int ended = 0;

        int r = io_program(rec->base, argv, changes, timeout_ms, &said, &ended);
        if (!changes) {
                size_t size = 0;
                const char *text = said ? g_bytes_get_data(said, &size) : NULL;
                g_autofree char *copy = g_strndup(text ? text : "", size), *kept = redact_boot_words(copy);
                io_tree_put_program(rec->tree, argv, MIN(r, 0), ended, kept, strlen(kept));
        }
        if (r < 0)
                return r;
        *output = g_steal_pointer(&said);
        *status = ended;
        return r;
}

static int rec_connect(Io *io, const char *path, unsigned timeout_ms) {
        return io_connect(recorder(io)->base, path, timeout_ms);
}

static int rec_peer(Io *io, int fd, pid_t *ret) {
        return io_peer(recorder(io)->base, fd, ret);
}

static int rec_spawn(Io *io, char *const argv[], IoProcess *ret) {
        return io_spawn(recorder(io)->base, argv, ret);
}

static int rec_process_go(Io *io, IoProcess *process) {
        return io_process_go(recorder(io)->base, process);
}

static int rec_process_wait(Io *io, IoProcess *process, int *status) {
        return io_process_wait(recorder(io)->base, process, status);
}

static int rec_lock(Io *io, const char *name, unsigned timeout_ms, int *ret) {
        return io_lock(recorder(io)->base, name, timeout_ms, ret);
}

static void rec_unlock(Io *io, int lock) {
        io_unlock(recorder(io)->base, lock);
}

static int64_t rec_now(Io *io) {
        return io_now(recorder(io)->base);
}

static void rec_pause(Io *io, unsigned milliseconds) {
        io_pause(recorder(io)->base, milliseconds);
}

static void rec_free(Io *io) {
        io_tree_free(recorder(io)->tree);
        g_hash_table_unref(recorder(io)->links);
        g_free(io);
}

Io *io_recorder_new(Io *base) {
        static const IoCalls calls = {
                .read = rec_read,
                .write = rec_write,
                .readlink = rec_readlink,
                .list = rec_list,
                .netlink = rec_netlink,
                .load_module = rec_load_module,
                .vfio_variant = rec_vfio_variant,
                .can_open = rec_can_open,
                .replace = rec_replace,
                .program = rec_program,
                .connect = rec_connect,
                .peer = rec_peer,
                .spawn = rec_spawn,
                .process_go = rec_process_go,
                .process_wait = rec_process_wait,
                .lock = rec_lock,
                .unlock = rec_unlock,
                .now = rec_now,
                .pause = rec_pause,
                .free = rec_free,
        };
        Recorder *rec = g_new0(Recorder, 1);
        rec->io.calls = &calls;
        rec->io.writable = base->writable;
        rec->base = base;
        rec->tree = io_tree_new();
        rec->links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        return &rec->io;
}

/* The archive. */

typedef struct {
        struct archive *archive;
        GString *errnos;
        unsigned answers, programs;
        int r; /* libarchive's, once not ARCHIVE_OK nothing more is written */
} Output;

/* No times and no owners: equal hosts give equal archives. */
static void put(Output *out, const char *path, unsigned type, const char *target, const void *data, size_t size) {
        if (out->r != ARCHIVE_OK)
                return;
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, path);
        archive_entry_set_filetype(entry, type);
        archive_entry_set_perm(entry, type == AE_IFREG ? 0644 : type == AE_IFDIR ? 0755 : 0777);
        archive_entry_set_size(entry, (la_int64_t) size);
        archive_entry_set_mtime(entry, 0, 0);
        if (target)
                archive_entry_set_symlink(entry, target);
        out->r = archive_write_header(out->archive, entry);
        if (out->r == ARCHIVE_WARN) /* a name that is not UTF-8, written as the bytes it is */
                out->r = ARCHIVE_OK;
        if (out->r == ARCHIVE_OK && size && archive_write_data(out->archive, data, size) != (la_ssize_t) size)
                out->r = ARCHIVE_FATAL;
        archive_entry_free(entry);
}

static void put_text(Output *out, const char *path, const char *text) {
        put(out, path, AE_IFREG, NULL, text, strlen(text));
}

static void put_bytes(Output *out, const char *path, GBytes *bytes) {
        size_t size;
        const void *data = g_bytes_get_data(bytes, &size);
        put(out, path, AE_IFREG, NULL, data, size);
}

static void note_error(const char *path, IoNodeKind kind, GBytes *data, const char *target, int negative_errno,
                       void *user) {
        Output *out = user;
        if (negative_errno)
                g_string_append_printf(out->errnos, "%d %s\n", -negative_errno, path);
}

static void put_node(const char *path, IoNodeKind kind, GBytes *data, const char *target, int negative_errno,
                     void *user) {
        Output *out = user;
        if (kind == IO_NODE_DIR)
                put(out, path, AE_IFDIR, NULL, NULL, 0);
        else if (kind == IO_NODE_LINK)
                put(out, path, AE_IFLNK, target, NULL, 0);
        else if (kind == IO_NODE_FILE)
                put_bytes(out, path, data);
}

static void put_answer(GBytes *request, int result, GBytes *reply, void *user) {
        Output *out = user;
        unsigned n = ++out->answers;
        g_autofree char *request_path = g_strdup_printf("vfadm/netlink/%04u.request", n);
        g_autofree char *reply_path = g_strdup_printf("vfadm/netlink/%04u.reply", n);
        g_autofree char *result_path = g_strdup_printf("vfadm/netlink/%04u.result", n);
        g_autofree char *text = g_strdup_printf("%d\n", result);
        put_bytes(out, request_path, request);
        put_bytes(out, reply_path, reply);
        put_text(out, result_path, text);
}

static void note_open(const char *path, int result, void *user) {
        g_string_append_printf(user, "%d %s\n", -result, path);
}

static void put_program(GBytes *key, int result, int status, GBytes *output, void *user) {
        Output *out = user;
        unsigned n = ++out->programs;
        g_autofree char *argv_path = g_strdup_printf("vfadm/program/%04u.argv", n);
        g_autofree char *output_path = g_strdup_printf("vfadm/program/%04u.output", n);
        g_autofree char *result_path = g_strdup_printf("vfadm/program/%04u.result", n);
        g_autofree char *text = g_strdup_printf("%d %d\n", result, status);
        put_bytes(out, argv_path, key);
        put_bytes(out, output_path, output);
        put_text(out, result_path, text);
}

/* What is no file: answers to openings, to questions over netlink, and of programs. */
static void put_answers(Output *out, IoTree *tree) {
        g_autoptr(GString) opens = g_string_new(NULL);
        io_tree_walk_opens(tree, note_open, opens);
        if (opens->len)
                put_text(out, "vfadm/open", opens->str);
        io_tree_walk_netlink(tree, put_answer, out);
        io_tree_walk_programs(tree, put_program, out);
}

static int write_archive(Recorder *rec, int fd, char **ret_why) {
        g_autoptr(GString) errnos = g_string_new(NULL);
        Output out = {.archive = archive_write_new(), .errnos = errnos};

        if (!out.archive)
                return -ENOMEM;
        archive_write_set_format_pax_restricted(out.archive);
        archive_write_add_filter_gzip(out.archive);
        archive_write_set_options(out.archive, "gzip:!timestamp");
        out.r = archive_write_open_fd(out.archive, fd);
        put_text(&out, "vfadm/version", "format 1\nvfadm " VFADM_VERSION "\n");
        io_tree_walk(rec->tree, note_error, &out);
        put_text(&out, "vfadm/errno", errnos->str);
        put_answers(&out, rec->tree);
        io_tree_walk(rec->tree, put_node, &out);
        if (out.r == ARCHIVE_OK)
                out.r = archive_write_close(out.archive);
        int r = 0;
        if (out.r != ARCHIVE_OK) {
                int number = archive_errno(out.archive);
                r = number > 0 ? -number : -EIO;
                *ret_why = g_strdup(archive_error_string(out.archive));
        }
        archive_write_free(out.archive);
        return r;
}

bool io_recorder_write(Io *io, const char *path, GError **error) {
        g_autofree char *why = NULL;
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
        if (fd < 0)
                return vfadm_error_set_errno(error, -errno, "creating the record %s", path);
        int r = write_archive(recorder(io), fd, &why);
        if (close(fd) < 0 && r == 0)
                r = -errno;
        if (r == 0)
                return true;
        unlink(path);
        return vfadm_error_set_errno(error, r, "writing the record %s%s%s", path, why ? ": " : "", why ? why : "");
}
