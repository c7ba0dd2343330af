/* What a QEMU command line says of its guest: its name, uuid and monitor sockets, its memory and devices.
 * The grammar is that of QEMU's util/qemu-option.c (key=value parted by ',', ",," is one ','), chardev/char.c
 * (the short "unix:" form), monitor/monitor.c (-qmp, -mon) and system/vl.c (-device and -object take JSON as well,
 * which libvirt uses), QEMU 10.0. */
#include "model/qemu_args.h"

#include "base/parse.h"

#include <jansson.h>
#include <string.h>

enum {
        MONITORS_MAX =
                8, /* each is tried with a deadline; a command line that names thousands must not hold its reader */
        DEVICES_MAX = 4096, /* of a kind; more than a machine has places for */
        RAM_BITS_MAX = 52,  /* what a processor can address */
};

/* One chardev that may serve a monitor: known by id once both -chardev and -mon were read, in any order. */
typedef struct {
        char *id;
        char *path; /* NULL: no socket by path (fd=, tcp …) */
        bool listens;
        bool control; /* a QMP monitor sits on it */
} Chardev;

typedef struct {
        QemuArgs *args;
        GPtrArray *chardevs;  /* Chardev* */
        GHashTable *controls; /* char*: ids of chardevs that QMP monitors name */
        GHashTable *memory;   /* id of a memory backend → its size, uint64_t* */
        GHashTable *buses;    /* char*: what devices name as their bus */
        GPtrArray *dimms;     /* char*: memory backends that memory modules use */
        uint64_t ram;         /* by -m */
        char *ram_backend;    /* -machine memory-backend= */
        bool split_irqchip;
        int intremap;           /* of the vIOMMU: 1 on, 0 off, -1 not said */
        char *agent;            /* the chardev of the guest agent's port */
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

/* The same from JSON, the values as texts; what is neither text, number nor truth value is left out. */
static GHashTable *json_pairs(const char *text) {
        GHashTable *ret = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        json_t *root = json_loads(text, 0, NULL), *value;
        const char *key;
        json_object_foreach(root, key, value) {
                if (json_is_string(value))
                        g_hash_table_replace(ret, g_strdup(key), g_strdup(json_string_value(value)));
                else if (json_is_integer(value))
                        g_hash_table_replace(ret, g_strdup(key),
                                             g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value)));
                else if (json_is_boolean(value))
                        g_hash_table_replace(ret, g_strdup(key), g_strdup(json_is_true(value) ? "on" : "off"));
        }
        json_decref(root);
        return ret;
}

static GHashTable *pairs_or_json(const char *text, const char *implied) {
        return *text == '{' ? json_pairs(text) : pairs(text, implied);
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

/* "4G", "4194304k", "512", "0x20000000": whole numbers as QEMU's qemu_strtosz() takes them. */
static bool parse_size(const char *text, unsigned default_shift, uint64_t *ret) {
        static const char suffixes[] = "bkmgtpe";
        size_t length = strlen(text);
        unsigned shift = default_shift;
        bool hex = g_str_has_prefix(text, "0x") || g_str_has_prefix(text, "0X");
        const char *suffix =
                length && !hex ? memchr(suffixes, g_ascii_tolower(text[length - 1]), sizeof suffixes - 1) : NULL;
        uint64_t number;

        if (suffix) {
                shift = 10 * (unsigned)(suffix - suffixes);
                length--;
        }
        if (shift >= RAM_BITS_MAX ||
            !parse_uint_n(text, length, hex ? 16 : 10, 0, UINT64_C(1) << (RAM_BITS_MAX - shift), &number))
                return false;
        *ret = number << shift;
        return true;
}

static void read_memory(Walk *walk, const char *value) {
        g_autoptr(GHashTable) options = pairs(value, "size");
        const char *size = get(options, "size");
        if (size && !parse_size(size, 20, &walk->ram))
                walk->ram = 0;
}

static void read_machine(Walk *walk, const char *value) {
        g_autoptr(GHashTable) options = pairs(value, "type");
        const char *type = get(options, "type"), *backend = get(options, "memory-backend"),
                   *iommu = get(options, "iommu");
        const char *irqchip = get(options, "kernel_irqchip");
        if (!irqchip)
                irqchip = get(options, "kernel-irqchip");
        if (type) {
                g_free(walk->args->machine);
                walk->args->machine = g_strdup(type);
        }
        if (backend) {
                g_free(walk->ram_backend);
                walk->ram_backend = g_strdup(backend);
        }
        if (irqchip)
                walk->split_irqchip = g_str_equal(irqchip, "split");
        /* hw/arm/virt.c: iommu=smmuv3; the others are devices. */
        if (iommu && g_str_equal(iommu, "smmuv3")) {
                g_free(walk->args->viommu);
                walk->args->viommu = g_strdup("arm-smmuv3");
        }
}

static void read_object(Walk *walk, const char *value) {
        if (strstr(value, "/libvirt/qemu/"))
                walk->object_of_libvirt = true;
        g_autoptr(GHashTable) options = pairs_or_json(value, "qom-type");
        const char *type = get(options, "qom-type"), *id = get(options, "id"), *size = get(options, "size");
        uint64_t bytes;
        if (type && id && size && g_str_has_prefix(type, "memory-backend-") && parse_size(size, 0, &bytes) &&
            g_hash_table_size(walk->memory) < DEVICES_MAX)
                g_hash_table_replace(walk->memory, g_strdup(id), g_memdup2(&bytes, sizeof bytes));
}

static void read_vfio(Walk *walk, GHashTable *options) {
        const char *host = get(options, "host"), *path = get(options, "sysfsdev");
        g_autofree char *last = path ? g_path_get_basename(path) : NULL;
        QemuVfio *vfio = g_new0(QemuVfio, 1);
        vfio->id = g_strdup(get(options, "id"));
        vfio->has_host = (host && pci_addr_parse(host, &vfio->host)) || (last && pci_addr_parse(last, &vfio->host));
        vfio->iommufd = get(options, "iommufd") != NULL;
        g_ptr_array_add(walk->args->vfio, vfio);
}

static void read_port(Walk *walk, GHashTable *options) {
        const char *id = get(options, "id"), *hotplug = get(options, "hotplug");
        if (!id)
                return;
        QemuPort *port = g_new0(QemuPort, 1);
        port->id = g_strdup(id);
        port->hotplug = !hotplug || is_on(options, "hotplug");
        g_ptr_array_add(walk->args->ports, port);
}

static void read_viommu(Walk *walk, const char *driver, GHashTable *options) {
        const char *intremap = get(options, "intremap");
        g_free(walk->args->viommu);
        walk->args->viommu = g_strdup(driver);
        walk->args->viommu_caching = is_on(options, "caching-mode");
        walk->intremap = !intremap || g_str_equal(intremap, "auto") ? -1 : is_on(options, "intremap");
}

static bool is_viommu(const char *driver) {
        static const char *const prefixes[] = {"intel-iommu", "amd-iommu", "virtio-iommu", "arm-smmu", "riscv-iommu"};
        for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
                if (g_str_has_prefix(driver, prefixes[i]))
                        return true;
        return false;
}

static void read_device(Walk *walk, const char *value) {
        g_autoptr(GHashTable) options = pairs_or_json(value, "driver");
        const char *driver = get(options, "driver"), *bus = get(options, "bus"), *name = get(options, "name");
        if (!driver)
                return;
        if (bus)
                g_hash_table_add(walk->buses, g_strdup(bus));
        if ((g_str_equal(driver, "vfio-pci") || g_str_equal(driver, "vfio-pci-nohotplug")) &&
            walk->args->vfio->len < DEVICES_MAX)
                read_vfio(walk, options);
        else if ((g_str_equal(driver, "pcie-root-port") || g_str_equal(driver, "ioh3420")) &&
                 walk->args->ports->len < DEVICES_MAX)
                read_port(walk, options);
        else if (is_viommu(driver))
                read_viommu(walk, driver, options);
        else if ((g_str_equal(driver, "pc-dimm") || g_str_equal(driver, "nvdimm")) && get(options, "memdev") &&
                 walk->dimms->len < DEVICES_MAX)
                g_ptr_array_add(walk->dimms, g_strdup(get(options, "memdev")));
        else if (g_str_equal(driver, "virtserialport") && name && g_str_equal(name, "org.qemu.guest_agent.0")) {
                g_free(walk->agent);
                walk->agent = g_strdup(get(options, "chardev"));
        }
}

/* Takes the next word, whatever it is, and tells us nothing: text that a user writes freely. */
static void skip(Walk *walk, const char *value) {
}

static const struct {
        const char *option;
        void (*read)(Walk *walk, const char *value);
} table[] = {
        {"name", read_name},     {"uuid", read_uuid},      {"chardev", read_chardev}, {"mon", read_mon},
        {"qmp", read_qmp},       {"qmp-pretty", read_qmp}, {"object", read_object},   {"m", read_memory},
        {"device", read_device}, {"M", read_machine},      {"machine", read_machine}, {"append", skip},
        {"fw_cfg", skip},        {"smbios", skip},         {"drive", skip},           {"netdev", skip},
        {"kernel", skip},        {"initrd", skip},
};

/* The words of other options are left out when they do not begin with '-'; so it does not matter which of them take
 * a value, and an option of a later QEMU does no harm. */
static void walk_args(Walk *walk, const char *const *args) {
        walk->args->bare = true;
        for (size_t i = 0; args[i]; i++) {
                const char *word = args[i];
                if (word[0] != '-' || !word[1])
                        continue;
                word += word[1] == '-' ? 2 : 1;
                if (g_str_equal(word, "daemonize"))
                        walk->args->daemonize = true;
                size_t row = 0;
                while (row < G_N_ELEMENTS(table) && !(g_str_equal(word, table[row].option) && args[i + 1]))
                        row++;
                bool known = row < G_N_ELEMENTS(table);
                walk->args->bare &= known && (table[row].read == read_name || table[row].read == read_uuid);
                if (known)
                        table[row].read(walk, args[++i]);
        }
}

/* The memory modules come on top of what -m (or, without it, the machine's backend) says. */
static uint64_t whole_ram(const Walk *walk) {
        const uint64_t *backend = walk->ram_backend ? g_hash_table_lookup(walk->memory, walk->ram_backend) : NULL;
        uint64_t ram = walk->ram ? walk->ram : backend ? *backend : 0;
        for (unsigned i = 0; ram && i < walk->dimms->len; i++) {
                const uint64_t *module = g_hash_table_lookup(walk->memory, walk->dimms->pdata[i]);
                ram += module ? *module : 0;
                if (ram >> RAM_BITS_MAX)
                        return 0;
        }
        return ram;
}

static void finish(Walk *walk) {
        QemuArgs *args = walk->args;
        for (unsigned i = 0; i < walk->chardevs->len; i++) {
                Chardev *chardev = walk->chardevs->pdata[i];
                if (walk->agent && chardev->listens && chardev->path && g_str_equal(chardev->id, walk->agent)) {
                        g_free(args->agent_socket);
                        args->agent_socket = g_strdup(chardev->path);
                        g_free(args->agent_chardev);
                        args->agent_chardev = g_strdup(chardev->id);
                }
                chardev->control = chardev->control || g_hash_table_contains(walk->controls, chardev->id);
                if (chardev->control && chardev->listens && chardev->path && args->monitors->len < MONITORS_MAX)
                        g_ptr_array_add(args->monitors, g_steal_pointer(&chardev->path));
        }
        if (walk->name_as_libvirt && walk->object_of_libvirt)
                args->by_libvirt = true;
        for (unsigned i = 0; i < args->ports->len; i++) {
                QemuPort *port = args->ports->pdata[i];
                port->used = g_hash_table_contains(walk->buses, port->id);
        }
        /* hw/i386/x86-iommu.c, x86_iommu_realize(): not said means on, but for KVM's own interrupt chip, the default.
         */
        args->viommu_intremap = args->viommu && (walk->intremap == 1 || (walk->intremap < 0 && walk->split_irqchip));
        args->ram = whole_ram(walk);
}

static void vfio_free(void *data) {
        QemuVfio *vfio = data;
        g_free(vfio->id);
        g_free(vfio);
}

static void port_free(void *data) {
        QemuPort *port = data;
        g_free(port->id);
        g_free(port);
}

QemuArgs *qemu_args_parse(const char *const *args) {
        QemuArgs *ret = g_new0(QemuArgs, 1);
        ret->monitors = g_ptr_array_new_with_free_func(g_free);
        ret->vfio = g_ptr_array_new_with_free_func(vfio_free);
        ret->ports = g_ptr_array_new_with_free_func(port_free);

        Walk walk = {.args = ret, .intremap = -1};
        walk.chardevs = g_ptr_array_new_with_free_func(chardev_free);
        walk.controls = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        walk.memory = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        walk.buses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        walk.dimms = g_ptr_array_new_with_free_func(g_free);
        walk_args(&walk, args);
        finish(&walk);
        g_ptr_array_unref(walk.chardevs);
        g_hash_table_unref(walk.controls);
        g_hash_table_unref(walk.memory);
        g_hash_table_unref(walk.buses);
        g_ptr_array_unref(walk.dimms);
        g_free(walk.ram_backend);
        g_free(walk.agent);
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
        g_free(args->machine);
        g_free(args->viommu);
        g_free(args->agent_socket);
        g_free(args->agent_chardev);
        g_ptr_array_unref(args->monitors);
        g_ptr_array_unref(args->vfio);
        g_ptr_array_unref(args->ports);
        g_free(args);
}
