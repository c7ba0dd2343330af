/* Address ranges (sysfs' "resource") of PFs and of the bridges above them: whether VFs have room. */
#include "host/setup.h"

#include "base/parse.h"

#include <string.h>

#define LINES_MAX 64 /* the kernel has 17 (DEVICE_COUNT_RESOURCE) */
#define TEXT_MAX (LINES_MAX * 64)

static bool parse_line(const char *line, PciResource *ret) {
        g_auto(GStrv) words = g_strsplit(line, " ", 4);
        return g_strv_length(words) == 3 && parse_uint(words[0], 16, 0, UINT64_MAX, &ret->start) &&
               parse_uint(words[1], 16, 0, UINT64_MAX, &ret->end) && parse_uint(words[2], 16, 0, UINT64_MAX, &ret->flags);
}

/* Lines are known by their number: after one that makes no sense, none is taken. */
static GArray *parse_resources(const char *text) {
        GArray *resources = g_array_new(FALSE, TRUE, sizeof(PciResource));
        g_auto(GStrv) lines = g_strsplit(text, "\n", LINES_MAX);
        PciResource resource;

        for (char **line = lines; *line && parse_line(*line, &resource); line++)
                g_array_append_val(resources, resource);
        return resources;
}

static void read_resources(Reader *reader, Dev *dev) {
        g_autofree char *path = device_path(dev, "resource");
        g_autoptr(GBytes) data = NULL;

        if (io_read(reader->io, path, TEXT_MAX, &data) < 0)
                return;
        size_t size;
        const char *bytes = g_bytes_get_data(data, &size);
        g_autofree char *text = g_strndup(bytes ? bytes : "", size); /* an empty file's bytes are NULL */
        dev->resources = parse_resources(text);
}

void read_setup_resources(Reader *reader) {
        const GPtrArray *devs = reader->snapshot->devs;

        for (unsigned i = 0; i < devs->len; i++) {
                Dev *dev = devs->pdata[i];
                /* Up until a bridge that an earlier PF has below it: each function is looked at once. What has no such
                 * file is asked again by each of its PFs; 256 buses can be in a row. */
                for (unsigned steps = 0; dev && (dev->is_pf || steps) && !dev->resources && steps < 256; steps++) {
                        read_resources(reader, dev);
                        dev = dev->has_parent ? (Dev *) snapshot_get(reader->snapshot, dev->parent) : NULL;
                }
        }
}
