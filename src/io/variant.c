/* Which VFIO driver fits a PCI device best: the "vfio_pci:" lines of modules.alias (field-facts 22). */
#include "io/internal.h"

#include <errno.h>
#include <string.h>

/* 1.5 MiB on Debian; a kernel with everything built as modules stays below 8 MiB. */
#define ALIAS_FILE_MAX (32u << 20)

/* Shell wildcards '*' and '?', as modprobe's aliases use them for PCI. Linear but for a backtrack to the last '*'. */
static bool matches(const char *pattern, size_t pattern_length, const char *text) {
        const char *end = pattern + pattern_length, *star = NULL, *mark = NULL;
        while (*text) {
                if (pattern < end && *pattern == '*') {
                        star = pattern++;
                        mark = text;
                } else if (pattern < end && (*pattern == '?' || *pattern == *text)) {
                        pattern++;
                        text++;
                } else if (star) {
                        pattern = star + 1;
                        text = ++mark;
                } else {
                        return false;
                }
        }
        while (pattern < end && *pattern == '*')
                pattern++;
        return pattern == end;
}

static unsigned wildcards(const char *pattern, size_t length) {
        unsigned count = 0;
        for (size_t i = 0; i < length; i++)
                count += pattern[i] == '*' || pattern[i] == '?';
        return count;
}

char *io_variant_best(const char *text, size_t length, const char *modalias) {
        static const char prefix[] = "alias vfio_pci:";
        const size_t prefix_length = sizeof prefix - 1;
        const char *best = NULL, *end = text + length;
        size_t best_length = 0;
        unsigned best_wildcards = 0;

        if (!g_str_has_prefix(modalias, "pci:"))
                return NULL;
        modalias += strlen("pci:");
        for (const char *line = text, *next; line < end; line = next) {
                const char *newline = memchr(line, '\n', (size_t) (end - line));
                const char *stop = newline ? newline : end;
                next = newline ? newline + 1 : end;
                if ((size_t) (stop - line) <= prefix_length || memcmp(line, prefix, prefix_length) != 0)
                        continue;
                const char *pattern = line + prefix_length;
                const char *blank = memchr(pattern, ' ', (size_t) (stop - pattern));
                if (!blank || blank + 1 == stop || memchr(blank, 0, (size_t) (stop - blank)))
                        continue;
                size_t pattern_length = (size_t) (blank - pattern);
                if (pattern_length > 256 || !matches(pattern, pattern_length, modalias))
                        continue;
                unsigned count = wildcards(pattern, pattern_length);
                if (!best || count < best_wildcards) {
                        best = blank + 1;
                        best_length = (size_t) (stop - best);
                        best_wildcards = count;
                }
        }
        return best ? g_strndup(best, best_length) : NULL;
}

int io_variant_path(Io *io, char **ret) {
        g_autofree char *release = NULL;
        int r = io_read_text(io, "proc/sys/kernel/osrelease", &release);
        if (r < 0)
                return r;
        if (!*release || strchr(release, '/') || *release == '.')
                return -EINVAL;
        *ret = g_strdup_printf("lib/modules/%s/modules.alias", release);
        return 0;
}

int io_variant_read(Io *io, const char *modalias, char **ret) {
        g_autofree char *path = NULL;
        g_autoptr(GBytes) data = NULL;
        size_t size;

        int r = io_variant_path(io, &path);
        if (r < 0)
                return r;
        r = io_read(io, path, ALIAS_FILE_MAX, &data);
        if (r < 0)
                return r;
        const char *text = g_bytes_get_data(data, &size);
        g_autofree char *module = size ? io_variant_best(text, size, modalias) : NULL;
        if (!module)
                return -ENOENT;
        *ret = g_steal_pointer(&module);
        return 0;
}
