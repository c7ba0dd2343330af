/* Who uses a device: the sources one after another, and the words they share. */
#include "host/reader.h"

/* More than this many mount points or addresses tell nothing new. */
#define FEW 3

void use_add_once(Dev *dev, UseKind kind, char *what, int pid, const char *guest) {
        for (unsigned i = 0; i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                if (use->kind == kind && g_str_equal(use->what, what)) {
                        g_free(what);
                        return;
                }
        }
        dev_add_use(dev, kind, what, pid, guest);
}

char *join_few(const GPtrArray *texts) {
        GString *out = g_string_new(NULL);
        for (unsigned i = 0; i < texts->len && i < FEW; i++)
                g_string_append_printf(out, "%s%s", i ? ", " : "", (const char *) texts->pdata[i]);
        if (texts->len > FEW)
                g_string_append_printf(out, " and %u more", texts->len - FEW);
        return g_string_free(out, FALSE);
}

void read_uses(Reader *reader) {
        read_storage_uses(reader);
        read_network_uses(reader);
        read_process_uses(reader);
        read_libvirt_keeps(reader);
}
