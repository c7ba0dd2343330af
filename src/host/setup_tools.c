/* Which tools of the trade are there, their versions, and whether they run: one question to the package manager for all of them,
 * and only where it does not know, the program itself. */
#include "host/mechanisms.h"
#include "host/setup.h"

#include <errno.h>
#include <string.h>

#define NAMES_MAX 8
#define PATHS_MAX 4
#define ANSWER_MS 3000

/* In the order in which they are told. A tool that cannot be found by its package is asked itself, at these paths. */
static const struct {
        const char *name;
        const char *packages[NAMES_MAX]; /* of Debian and of Fedora, the most telling first */
        const char *programs[PATHS_MAX]; /* without the leading '/'; %s is the architecture */
        const char *runs[PATHS_MAX];     /* exists while it runs */
} tools[] = {
        {"libvirt",
         {"libvirt-daemon-driver-qemu", "libvirt-daemon"},
         {"usr/sbin/virtqemud", "usr/sbin/libvirtd"},
         {"run/libvirt/virtqemud-sock", "run/libvirt/libvirt-sock"}},
        {"qemu",
         {"qemu-system-x86", "pve-qemu-kvm", "qemu-kvm-core", "qemu-system-x86-core", "qemu-system-arm", "qemu-system-aarch64-core",
          "qemu-system-ppc", "qemu-x86"},
         {"usr/bin/qemu-system-%s", "usr/libexec/qemu-kvm"},
         {NULL}},
        {"driverctl", {"driverctl"}, {NULL}, {NULL}},
        {"networkmanager",
         {"network-manager", "NetworkManager"},
         {"usr/sbin/NetworkManager", "usr/bin/NetworkManager"},
         {"run/NetworkManager/devices"}},
        {"systemd", {"systemd"}, {"usr/bin/systemctl", "bin/systemctl"}, {"run/systemd/system"}},
        {"netplan", {"netplan.io", "netplan"}, {NULL}, {NULL}},
        {"openvswitch", {"openvswitch-switch", "openvswitch"}, {NULL}, {"run/openvswitch/db.sock"}},
        {"nova", {"nova-compute", "openstack-nova-compute"}, {NULL}, {NULL}},
        /* Kubernetes: both live in containers, and leave their configuration on the host. */
        {"sriov-network-operator", {NULL}, {NULL}, {"etc/sriov-operator", "etc/systemd/system/sriov-config.service"}},
        {"sriov-device-plugin", {NULL}, {NULL}, {"etc/pcidp"}},
};

char *version_upstream(const char *version) {
        const char *colon = strchr(version, ':');
        const char *at = colon && strspn(version, "0123456789") == (size_t) (colon - version) ? colon + 1 : version;
        size_t n = strspn(at, "0123456789.");

        while (n && at[n - 1] == '.')
                n--;
        return n && n < 32 && g_ascii_isdigit(*at) ? g_strndup(at, n) : NULL;
}

char *version_of_output(const char *bytes, size_t length) {
        g_auto(Lines) lines = lines_begin(bytes, length, false);
        if (!lines_next(&lines))
                return NULL;
        g_auto(GStrv) words = g_strsplit_set(lines.text->str, " \t", 16);
        for (char **word = words; *word; word++)
                if (g_ascii_isdigit(**word))
                        return version_upstream(*word);
        return NULL;
}

GHashTable *packages_parse(const char *bytes, size_t length) {
        GHashTable *packages = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_auto(Lines) lines = lines_begin(bytes, length, false);

        while (lines_next(&lines)) {
                g_auto(GStrv) words = g_strsplit(lines.text->str, " ", 8);
                if (g_strv_length(words) != 3 || !g_str_equal(words[2], "installed"))
                        continue;
                char *version = version_upstream(words[1]);
                if (version)
                        g_hash_table_replace(packages, g_strdup(words[0]), version);
        }
        return packages;
}

/* What a program says; NULL when there is none or it does not answer in time. */
static GBytes *answer(Reader *reader, char *const argv[]) {
        g_autoptr(GBytes) output = NULL;
        int status = 0;
        int r = io_program(reader->io, argv, false, ANSWER_MS, &output, &status);
        return r < 0 ? NULL : g_steal_pointer(&output);
}

/* dpkg-query leaves with 1 where it does not know one of the names, and tells the others all the same. */
static GHashTable *packages(Reader *reader, const char *program, const char *query, const char *format) {
        g_autoptr(GPtrArray) argv = g_ptr_array_new();

        g_ptr_array_add(argv, (void *) program);
        g_ptr_array_add(argv, (void *) query);
        if (!g_str_has_prefix(format, "-"))
                g_ptr_array_add(argv, (void *) "--qf");
        g_ptr_array_add(argv, (void *) format);
        for (size_t i = 0; i < G_N_ELEMENTS(tools); i++)
                for (unsigned k = 0; k < NAMES_MAX && tools[i].packages[k]; k++)
                        g_ptr_array_add(argv, (void *) tools[i].packages[k]);
        g_ptr_array_add(argv, NULL);
        g_autoptr(GBytes) said = answer(reader, (char *const *) argv->pdata);
        size_t length = 0;
        const char *bytes = said ? g_bytes_get_data(said, &length) : NULL;
        return packages_parse(bytes ? bytes : "", length);
}

static char *asked_version(Reader *reader, size_t i, bool *ret_there) {
        const char *arch = reader->snapshot->setup->arch ? reader->snapshot->setup->arch : "x86_64";

        for (unsigned k = 0; k < PATHS_MAX && tools[i].programs[k]; k++) {
                const char *shape = tools[i].programs[k], *hole = strstr(shape, "%s");
                g_autofree char *path = hole ? g_strdup_printf("%.*s%s%s", (int) (hole - shape), shape,
                                                               g_str_equal(arch, "ppc64le") ? "ppc64" : arch, hole + 2)
                                             : g_strdup(shape);
                g_autofree char *absolute = g_strconcat("/", path, NULL), *target = NULL;
                char *argv[] = {absolute, (char *) "--version", NULL};
                g_autoptr(GBytes) said = NULL;
                int status = 0;
                int r = io_program(reader->io, argv, false, ANSWER_MS, &said, &status);
                /* A host below a folder: its programs cannot be run, but it has them. */
                int file = r < 0 && r != -ENOENT ? io_readlink(reader->io, path, &target) : -ENOENT;
                *ret_there = r == 0 || file == 0 || file == -EINVAL;
                if (!*ret_there)
                        continue;
                size_t length = 0;
                const char *bytes = said ? g_bytes_get_data(said, &length) : NULL;
                return bytes && status == 0 ? version_of_output(bytes, length) : NULL;
        }
        return NULL;
}

/* By its folder's list, which a record keeps; but not all the names of /etc. */
static bool exists(Reader *reader, const char *path) {
        g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
        g_auto(GStrv) names = NULL;
        if (g_str_equal(folder, "etc"))
                return io_list(reader->io, path, &names) >= 0;
        return io_list(reader->io, folder, &names) >= 0 && g_strv_contains((const char *const *) names, name);
}

static void read_xen(Reader *reader) {
        g_autofree char *type = NULL, *major = NULL, *minor = NULL;

        if (io_read_text(reader->io, "sys/hypervisor/type", &type) < 0 || !g_str_equal(type, "xen"))
                return;
        if (io_read_text(reader->io, "sys/hypervisor/version/major", &major) < 0 ||
            io_read_text(reader->io, "sys/hypervisor/version/minor", &minor) < 0) {
                setup_add_tool(reader->snapshot->setup, "xen", NULL)->running = true;
                return;
        }
        g_autofree char *both = g_strdup_printf("%s.%s", major, minor);
        g_autofree char *version = version_upstream(both);
        setup_add_tool(reader->snapshot->setup, "xen", version)->running = true;
}

void read_setup_tools(Reader *reader) {
        g_autoptr(GHashTable) known = packages(reader, "/usr/bin/dpkg-query", "-W", "-f=${Package} ${Version} ${db:Status-Status}\\n");

        if (g_hash_table_size(known) == 0) {
                g_hash_table_unref(known);
                known = packages(reader, "/usr/bin/rpm", "-q", "%{NAME} %{VERSION} installed\\n");
        }
        for (size_t i = 0; i < G_N_ELEMENTS(tools); i++) {
                g_autofree char *version = NULL;
                bool there = false, running = false;
                for (unsigned k = 0; !version && k < NAMES_MAX && tools[i].packages[k]; k++)
                        version = g_strdup(g_hash_table_lookup(known, tools[i].packages[k]));
                if (!version)
                        version = asked_version(reader, i, &there);
                for (unsigned k = 0; !running && k < PATHS_MAX && tools[i].runs[k]; k++)
                        running = exists(reader, tools[i].runs[k]);
                if (version || there || running)
                        setup_add_tool(reader->snapshot->setup, tools[i].name, version)->running = running;
        }
        read_xen(reader);
}
