/* The processor: /proc/cpuinfo of x86, Arm and POWER, and whether /dev/kvm opens. */
#include "host/setup.h"

#include <errno.h>
#include <string.h>

/* Some 1.5 KB a CPU. */
#define CPUINFO_MAX (16u << 20)

/* The value of "key   : value" when `line` has this key, else NULL. Cut off by the caller's NULs. */
static const char *value_of(const char *line, const char *key) {
        size_t length = strlen(key);
        if (strncmp(line, key, length) != 0)
                return NULL;
        line += length + strspn(line + length, " \t");
        if (*line != ':')
                return NULL;
        line++;
        return line + strspn(line, " \t");
}

static bool has_word(const char *list, const char *word) {
        size_t length = strlen(word);
        for (const char *at = list; (at = strstr(at, word)); at += length)
                if ((at == list || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
                        return true;
        return false;
}

/* arch/x86/kernel/cpu: the vendors by the names that their CPUs give. */
static CpuVendor vendor_of(const char *id) {
        static const struct {
                const char *id;
                CpuVendor vendor;
        } known[] = {{"GenuineIntel", CPU_INTEL}, {"CentaurHauls", CPU_INTEL}, {"Shanghai", CPU_INTEL},
                     {"AuthenticAMD", CPU_AMD},   {"HygonGenuine", CPU_AMD}};
        for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
                if (g_str_has_prefix(id, known[i].id))
                        return known[i].vendor;
        return CPU_OTHER;
}

/* Where the kernel does not say its architecture itself (before Linux 6.1). */
static void guess_arch(Setup *setup, const char *arch) {
        if (!setup->arch)
                setup->arch = g_strdup(arch);
}

static void take_line(Setup *setup, const char *line) {
        const char *value;

        /* x86, arch/x86/kernel/cpu/proc.c */
        if ((value = value_of(line, "vendor_id"))) {
                setup->vendor = vendor_of(value);
                if (g_str_has_prefix(value, "IBM/S390"))
                        guess_arch(setup, "s390x");
        } else if ((value = value_of(line, "flags"))) {
                setup->virt_flag = has_word(value, "vmx") || has_word(value, "svm");
                setup->hypervisor = has_word(value, "hypervisor");
                guess_arch(setup, has_word(value, "lm") ? "x86_64" : "i686");
        } else if ((value = value_of(line, "CPU architecture"))) { /* arch/arm64/kernel/cpuinfo.c */
                guess_arch(setup, g_str_has_prefix(value, "8") ? "aarch64" : "arm");
        } else if ((value = value_of(line, "cpu")) && g_str_has_prefix(value, "POWER")) {
                guess_arch(setup, "ppc64le");
        } else if ((value = value_of(line, "platform")) && g_str_has_prefix(value, "pSeries")) {
                setup->hypervisor = true; /* a partition, of PowerVM or of KVM */
        } else if ((value = value_of(line, "isa")) && g_str_has_prefix(value, "rv64")) {
                guess_arch(setup, "riscv64");
        }
}

/* All CPUs are alike in what is asked here: after the first one only their number is of interest. */
static void parse_cpuinfo(Setup *setup, const char *bytes, size_t length) {
        g_autofree char *text = g_strndup(bytes, length);
        bool first = true;

        for (char *line = text, *next; line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = 0;
                if (value_of(line, "processor")) {
                        first = setup->cpus == 0;
                        setup->cpus++;
                } else if (first || g_str_has_prefix(line, "platform")) { /* POWER's comes after the last CPU */
                        take_line(setup, line);
                }
        }
}

void read_setup_cpu(Reader *reader) {
        Setup *setup = reader->snapshot->setup;
        g_autoptr(GBytes) data = NULL;

        if (io_read_text(reader->io, "proc/sys/kernel/arch", &setup->arch) < 0)
                setup->arch = NULL;
        if (io_read(reader->io, "proc/cpuinfo", CPUINFO_MAX, &data) >= 0) {
                size_t size;
                const char *bytes = g_bytes_get_data(data, &size);
                parse_cpuinfo(setup, bytes, size);
        }
        setup->kvm_error = io_can_open(reader->io, "dev/kvm");
}
