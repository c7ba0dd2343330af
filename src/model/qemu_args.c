/* What a QEMU command line says of its guest: its name, uuid and monitor sockets.
 * The grammar is that of QEMU's util/qemu-option.c (key=value parted by ',', ",," is one ','), chardev/char.c
 * (the short "unix:" form) and monitor/monitor.c (-qmp, -mon), QEMU 10.0. */
#include "model/qemu_args.h"

#include <string.h>

/* Each is tried with a deadline; a command line that names thousands must not hold its reader. */
enum { MONITORS_MAX = 8 };

/* One chardev that may serve a monitor: known by id once both -chardev and -mon were read, in any order. */
typedef struct {
        char *id;
        char *path; /* NULL: no socket by path (fd=, tcp …) */
        bool listens;
        bool control; /* a QMP monitor sits on it */
} Chardev;

typedef struct {
        QemuArgs *args;
        GPtrArray *chardevs;    /* Chardev* */
        GHashTable *controls;   /* char*: ids of chardevs that QMP monitors name */
        bool name_as_libvirt;   /* -name guest=…,debug-threads=… */
        bool object_of_libvirt; /* -object … below libvirt's state folder */
} Walk;

static void chardev_free(void *data) {
        Chardev *chardev = data;
        g_free(chardev->id);
        g_free(chardev->path);
        g_free(chardev);
}

/* Cuts the next "key=value" off an option's text; NULL at its end. A first part without '=' is the value of the
 * implied key; a later one is a switch, "on", or "off" after "no" (QEMU's old "nowait"). */
static bool next_pair(const char **text, bool *first, const char *implied, char **key, char **value) {
        const char *p = *text;
        if (!p || !*p)
                return false;
        size_t word = strcspn(p, "=,");
        bool has_key = p[word] == '=';
        if (has_key) {
                *key = g_strndup(p, word);
                p += word + 1;
        }
        g_autoptr(GString) got = g_string_new(NULL);
        while (*p && !(*p == ',' && p[1] != ',')) {
                p += *p == ',';
                g_string_append_c(got, *p++);
        }
        *text = *p == ',' ? p + 1 : NULL;
        if (has_key) {
                *value = g_string_free(g_steal_pointer(&got), FALSE);
        } else if (*first && implied) {
                *key = g_strdup(implied);
                *value = g_string_free(g_steal_pointer(&got), FALSE);
        } else {
                bool no = g_str_has_prefix(got->str, "no");
                *key = g_strdup(got->str + (no ? 2 : 0));
                *value = g_strdup(no ? "off" : "on");
        }
        *first = false;
        return true;
}

/* All keys of an option; where one comes twice the last counts, as in QEMU. */
static GHashTable *pairs(const char *text, const char *implied) {
        GHashTable *ret = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        bool first = true;
        char *key = NULL, *value = NULL;
        while (next_pair(&text, &first, implied, &key, &value))
                g_hash_table_replace(ret, key, value);
        return ret;
}

static bool is_on(GHashTable *options, const char *key) {
        const char *value = g_hash_table_lookup(options, key);
        return value && (g_str_equal(value, "on") || g_str_equal(value, "yes") || g_str_equal(value, "true") ||
                         g_str_equal(value, "y"));
}

static const char *get(GHashTable *options, const char *key) {
        const char *value = g_hash_table_lookup(options, key);
        return value && *value ? value : NULL;
}

static void read_name(Walk *walk, const char *value) {
        g_autoptr(GHashTable) options = pairs(value, "guest");
        const char *guest = get(options, "guest");
        if (!guest)
                return;
        g_free(walk->args->name);
        walk->args->name = g_strdup(guest);
        walk->name_as_libvirt = g_str_has_prefix(value, "guest=") && g_hash_table_contains(options, "debug-threads");
}

static void read_uuid(Walk *walk, const char *value) {
        if (!g_uuid_string_is_valid(value))
                return;
        bool zero = strspn(value, "0-") == strlen(value);
        g_free(walk->args->uuid);
        walk->args->uuid = zero ? NULL : g_ascii_strdown(value, -1);
}

static Chardev *chardev_new(GHashTable *options, const char *id) {
        Chardev *chardev = g_new0(Chardev, 1);
        chardev->id = g_strdup(id);
        /* An abstract socket has no place in the file system; 'fd=' was opened by whoever started QEMU. */
        if (!is_on(options, "abstract"))
                chardev->path = g_strdup(get(options, "path"));
        chardev->listens = is_on(options, "server");
        return chardev;
}

static void read_chardev(Walk *walk, const char *value) {
        g_autoptr(GHashTable) options = pairs(value, "backend");
        const char *backend = get(options, "backend"), *id = get(options, "id"), *path = get(options, "path");
        if (!backend || !id || !g_str_equal(backend, "socket"))
                return;
        g_ptr_array_add(walk->chardevs, chardev_new(options, id));
        /* libvirt's src/qemu/qemu_command.c names its monitor so, and passes the listening socket as an fd. */
        if (g_str_equal(id, "charmonitor") &&
            (g_hash_table_contains(options, "fd") || (path && strstr(path, "/libvirt/qemu/"))))
                walk->args->by_libvirt = true;
}

static void read_mon(Walk *walk, const char *value) {
        g_autoptr(GHashTable) options = pairs(value, "chardev");
        const char *id = get(options, "chardev"), *mode = get(options, "mode");
        if (id && mode && g_str_equal(mode, "control"))
                g_hash_table_add(walk->controls, g_strdup(id));
}

static void read_qmp(Walk *walk, const char *value) {
        if (g_str_has_prefix(value, "chardev:")) {
                g_hash_table_add(walk->controls, g_strdup(value + strlen("chardev:")));
        } else if (g_str_has_prefix(value, "unix:")) {
                g_autoptr(GHashTable) options = pairs(value + strlen("unix:"), "path");
                Chardev *chardev = chardev_new(options, "");
                chardev->control = true;
                g_ptr_array_add(walk->chardevs, chardev);
        }
}

static void read_object(Walk *walk, const char *value) {
        if (strstr(value, "/libvirt/qemu/"))
                walk->object_of_libvirt = true;
}

/* Takes the next word, whatever it is, and tells us nothing: text that a user writes freely. */
static void skip(Walk *walk, const char *value) {
}

static const struct {
        const char *option;
        void (*read)(Walk *walk, const char *value);
} table[] = {
        {"name", read_name}, {"uuid", read_uuid},      {"chardev", read_chardev}, {"mon", read_mon},
        {"qmp", read_qmp},   {"qmp-pretty", read_qmp}, {"object", read_object},   {"append", skip},
        {"fw_cfg", skip},    {"smbios", skip},         {"device", skip},          {"drive", skip},
        {"netdev", skip},    {"kernel", skip},         {"initrd", skip},
};

/* The words of other options are left out when they do not begin with '-'; so it does not matter which of them take
 * a value, and an option of a later QEMU does no harm. */
static void walk_args(Walk *walk, const char *const *args) {
        for (size_t i = 0; args[i]; i++) {
                const char *word = args[i];
                if (word[0] != '-' || !word[1])
                        continue;
                word += word[1] == '-' ? 2 : 1;
                if (g_str_equal(word, "daemonize"))
                        walk->args->daemonize = true;
                for (size_t row = 0; row < G_N_ELEMENTS(table); row++)
                        if (g_str_equal(word, table[row].option) && args[i + 1]) {
                                table[row].read(walk, args[++i]);
                                break;
                        }
        }
}

static void finish(Walk *walk) {
        for (unsigned i = 0; i < walk->chardevs->len; i++) {
                Chardev *chardev = walk->chardevs->pdata[i];
                chardev->control = chardev->control || g_hash_table_contains(walk->controls, chardev->id);
                if (chardev->control && chardev->listens && chardev->path && walk->args->monitors->len < MONITORS_MAX)
                        g_ptr_array_add(walk->args->monitors, g_steal_pointer(&chardev->path));
        }
        if (walk->name_as_libvirt && walk->object_of_libvirt)
                walk->args->by_libvirt = true;
}

QemuArgs *qemu_args_parse(const char *const *args) {
        QemuArgs *ret = g_new0(QemuArgs, 1);
        ret->monitors = g_ptr_array_new_with_free_func(g_free);

        Walk walk = {.args = ret};
        walk.chardevs = g_ptr_array_new_with_free_func(chardev_free);
        walk.controls = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        walk_args(&walk, args);
        finish(&walk);
        g_ptr_array_unref(walk.chardevs);
        g_hash_table_unref(walk.controls);
        return ret;
}

static bool is_qemu(const char *program) {
        const char *slash = strrchr(program, '/');
        const char *name = slash ? slash + 1 : program;
        return (g_str_has_prefix(name, "qemu-system-") && name[strlen("qemu-system-")]) ||
               g_str_equal(name, "qemu-kvm") || g_str_equal(name, "kvm");
}

QemuArgs *qemu_args_parse_cmdline(const char *bytes, size_t length) {
        g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
        for (size_t start = 0; start < length;) {
                const char *end = memchr(bytes + start, '\0', length - start);
                size_t size = end ? (size_t)(end - (bytes + start)) : length - start;
                g_ptr_array_add(args, g_strndup(bytes + start, size));
                start += size + 1;
        }
        if (args->len == 0 || !is_qemu(args->pdata[0]))
                return NULL;
        g_ptr_array_add(args, NULL);
        return qemu_args_parse((const char *const *)args->pdata + 1);
}

void qemu_args_free(QemuArgs *args) {
        if (!args)
                return;
        g_free(args->name);
        g_free(args->uuid);
        g_ptr_array_unref(args->monitors);
        g_free(args);
}
