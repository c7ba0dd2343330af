/* What of a process' command line a record keeps. */
#include "io/redact.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The program, and of QEMU's options those that say what guest it is and which devices it has.
 * Values are kept where `only` is NULL or one of its words stands in them: other devices and objects may hold secrets. */
static const struct {
        const char *option;
        const char *const only[6];
} kept_options[] = {
        {"-name", {NULL}},
        {"-uuid", {NULL}},
        {"-machine", {NULL}},
        {"-M", {NULL}},
        {"-m", {NULL}},
        {"-qmp", {NULL}},
        {"-mon", {NULL}},
        {"-chardev", {"socket,", NULL}},
        {"-object", {"memory-backend-", "iommufd", NULL}},
        {"-device", {"vfio-pci", "pcie-root-port", "-iommu", "virtserialport", "virtio-serial", NULL}},
};

/* The part of a value that may be kept, in place; false: none. Where a key smells of a secret (vf-token=) the rest goes with
 * it: a comma inside a value is doubled, so that nobody could say where it ends. */
static bool keep_value(unsigned row, char *value) {
        static const char *const hints[] = {"token", "secret", "passw", "key", "data="};
        const char *const *only = kept_options[row].only;
        bool keep = !*only;

        for (; *only; only++)
                keep |= strstr(value, *only) != NULL;
        for (size_t i = 0; i < G_N_ELEMENTS(hints); i++) {
                char *found = strstr(value, hints[i]);
                if (!found)
                        continue;
                if (*value == '{')
                        return false; /* cut JSON says nothing */
                while (found > value && *found != ',')
                        found--;
                *found = 0;
        }
        return keep && *value;
}

/* The row of an option, "--name" as well as "-name"; -1: not kept. */
static int kept_option(const char *word) {
        if (g_str_has_prefix(word, "--"))
                word++;
        for (unsigned i = 0; i < G_N_ELEMENTS(kept_options); i++)
                if (g_str_equal(word, kept_options[i].option))
                        return (int) i;
        return -1;
}

static void append_word(GByteArray *out, const char *word) {
        g_byte_array_append(out, (const uint8_t *) word, (guint) strlen(word) + 1);
}

/* A program may have written what it likes over its first word, "sshd: root@pts/0": only what stands before a blank is kept. */
GBytes *redact_cmdline(const char *text, size_t size) {
        GByteArray *out = g_byte_array_new();
        g_autofree char *option = NULL;
        int row = -1;

        for (size_t at = 0, i = 0; at < size; i++) {
                size_t length = strnlen(text + at, size - at);
                g_autofree char *word = g_strndup(text + at, length);
                at += length + 1;
                if (i == 0) {
                        word[strcspn(word, " \t\n")] = 0;
                        append_word(out, word);
                } else if (row >= 0) {
                        if (keep_value((unsigned) row, word)) {
                                append_word(out, option);
                                append_word(out, word);
                        }
                        row = -1;
                } else if ((row = kept_option(word)) >= 0) {
                        g_free(option);
                        option = g_steal_pointer(&word);
                }
        }
        return g_byte_array_free_to_bytes(out);
}
