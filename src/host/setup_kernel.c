/* What the kernel was told and how it was built, as far as IOMMU, VFIO and Xen are concerned. */
#include "host/setup.h"

#include "base/parse.h"

#include <errno.h>
#include <string.h>

#define CMDLINE_MAX 65536
#define CONFIG_MAX (4u << 20)
#define BUILTIN_MAX (1u << 20)
/* A group's domain is read from a file of its own, some microseconds each. Whether all are passed through is one boot
 * parameter, so with thousands of groups some tell it. */
#define GROUPS_READ_MAX 64

/* As /sys/module writes them: '_' throughout. Those that are built in and have parameters are there too. */
static bool is_our_module(const char *name) {
        static const char *const names[] = {"vfio",    "iommufd",   "kvm",    "kvm_amd",     "kvm_hv",       "kvm_intel",
                                            "kvm_pr",  "pci_stub",  "uio",    "igb_uio",     "uio_pci_generic",
                                            "xen_pciback", "virtio_iommu", NULL};
        return g_strv_contains(names, name) || g_str_has_prefix(name, "vfio_") || g_str_has_suffix(name, "_vfio_pci");
}

static bool is_yes(Io *io, const char *path) {
        g_autofree char *text = NULL;
        return io_read_text(io, path, &text) >= 0 && (g_str_equal(text, "Y") || g_str_equal(text, "1"));
}

static void read_cmdline(Io *io, Setup *setup) {
        g_autoptr(GBytes) data = NULL;
        if (io_read(io, "proc/cmdline", CMDLINE_MAX, &data) < 0)
                return;
        size_t size;
        const char *bytes = g_bytes_get_data(data, &size);
        setup->cmdline = g_strchomp(g_strndup(bytes, size));
        setup->words = boot_words_split(setup->cmdline);
}

static bool has_line(const char *bytes, size_t length, const char *line) {
        size_t wanted = strlen(line);
        const char *at = bytes, *end = bytes + length;
        while (at && (at = memmem(at, (size_t) (end - at), line, wanted))) {
                bool begins = at == bytes || at[-1] == '\n';
                at += wanted;
                if (begins && (at == end || *at == '\n'))
                        return true;
        }
        return false;
}

/* Debian's own INTGPU_OFF leaves out the graphics of the processor only: for all else it is on. */
static Known default_of(const char *bytes, size_t length) {
        if (!has_line(bytes, length, "CONFIG_INTEL_IOMMU=y"))
                return KNOWN_NOT;
        return has_line(bytes, length, "CONFIG_INTEL_IOMMU_DEFAULT_ON=y") ||
                               has_line(bytes, length, "CONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF=y") ?
                       KNOWN_YES :
                       KNOWN_NO;
}

/* Not from proc/config.gz: unpacking it costs more than the answer is worth. */
static void read_config(Reader *reader, Setup *setup) {
        const char *release = reader->snapshot->kernel_release;
        static const char *const places[] = {"boot/config-%s", "lib/modules/%s/config", "lib/modules/%s/build/.config"};

        if (!release || strchr(release, '/') || setup->dmar.present != KNOWN_YES)
                return;
        for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
                g_auto(GStrv) parts = g_strsplit(places[i], "%s", 2);
                g_autofree char *path = g_strjoinv(release, parts);
                g_autoptr(GBytes) data = NULL;
                if (io_read(reader->io, path, CONFIG_MAX, &data) < 0)
                        continue;
                size_t size;
                const char *bytes = g_bytes_get_data(data, &size);
                setup->intel_default_on = default_of(bytes, size);
                if (setup->intel_default_on == KNOWN_NOT)
                        continue;
                setup->config_file = g_steal_pointer(&path);
                return;
        }
}

static void read_group(Io *io, Setup *setup, const char *group, GHashTable *done) {
        if (setup->groups_read >= GROUPS_READ_MAX || !g_hash_table_add(done, g_strdup(group)))
                return;
        g_autofree char *path = g_strdup_printf("sys/kernel/iommu_groups/%s/type", group);
        g_autofree char *type = NULL;
        if (io_read_text(io, path, &type) < 0) /* before Linux 5.11 */
                return;
        setup->groups_read++;
        setup->identity_groups += g_str_equal(type, "identity");
}

static void read_groups(Reader *reader, Setup *setup) {
        g_autoptr(GHashTable) done = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        const GPtrArray *devs = reader->snapshot->devs;
        g_auto(GStrv) groups = NULL;

        if (io_list(reader->io, "sys/kernel/iommu_groups", &groups) < 0)
                return;
        setup->groups = g_strv_length(groups);
        for (unsigned i = 0; i < devs->len; i++) {
                const Dev *dev = devs->pdata[i];
                g_autofree char *group = g_strdup_printf("%d", dev->iommu_group);
                if (dev->is_pf && dev->iommu_group >= 0)
                        read_group(reader->io, setup, group, done);
        }
        for (unsigned i = 0; groups[i] && setup->groups_read < GROUPS_READ_MAX && i < GROUPS_READ_MAX; i++)
                read_group(reader->io, setup, groups[i], done);
}

static void read_names_into(Io *io, const char *folder, bool (*wanted)(const char *name), GPtrArray *ret) {
        g_auto(GStrv) names = NULL;
        if (io_list(io, folder, &names) < 0)
                return;
        for (unsigned i = 0; names[i]; i++)
                if (!wanted || wanted(names[i]))
                        g_ptr_array_add(ret, g_strdup(names[i]));
}

static bool list_has_prefix(Io *io, const char *folder, const char *prefix) {
        g_auto(GStrv) names = NULL;
        if (io_list(io, folder, &names) < 0)
                return false;
        for (unsigned i = 0; names[i]; i++)
                if (g_str_has_prefix(names[i], prefix))
                        return true;
        return false;
}

/* "No" only where the running kernel's modules are found and it is not among them. Loaded, nothing more is asked. */
static Known find_vfio(Reader *reader, const Setup *setup) {
        const char *release = reader->snapshot->kernel_release;
        g_autoptr(GBytes) data = NULL;
        size_t size;

        if (setup_has_module(setup, "vfio_pci"))
                return KNOWN_YES;
        if (!release || strchr(release, '/'))
                return KNOWN_NOT;
        g_autofree char *folder = g_strdup_printf("lib/modules/%s/kernel/drivers/vfio/pci", release);
        g_autofree char *builtin = g_strdup_printf("lib/modules/%s/modules.builtin", release);
        if (list_has_prefix(reader->io, folder, "vfio-pci.ko"))
                return KNOWN_YES;
        if (io_read(reader->io, builtin, BUILTIN_MAX, &data) < 0)
                return KNOWN_NOT;
        const char *bytes = g_bytes_get_data(data, &size);
        return memmem(bytes, size, "/vfio-pci.ko", strlen("/vfio-pci.ko")) ? KNOWN_YES : KNOWN_NO;
}

void read_setup_kernel(Reader *reader) {
        Setup *setup = reader->snapshot->setup;
        Io *io = reader->io;

        read_cmdline(io, setup);
        read_config(reader, setup);
        read_groups(reader, setup);
        read_names_into(io, "sys/class/iommu", NULL, setup->iommus);
        read_names_into(io, "sys/module", is_our_module, setup->modules);
        setup->vfio_module = find_vfio(reader, setup);
        setup->vfio_pci_sriov = is_yes(io, "sys/module/vfio_pci/parameters/enable_sriov");
        setup->noiommu_mode = is_yes(io, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
        setup->xen_dom0 = host_is_xen_dom0(io);
}
