/* Xen, as dom0's kernel shows it: that it is there, and what pciback lets guests do. Who has a function only Xen's books tell. */
#include "host/host.h"
#include "host/reader.h"

bool host_is_xen_dom0(Io *io) {
        g_autofree char *text = NULL;

        /* "control_d" in the first domain, nothing in others (drivers/xen/xenfs/super.c capabilities_read). */
        if (io_read_text(io, "proc/xen/capabilities", &text) < 0)
                return false;
        g_auto(GStrv) words = g_strsplit_set(text, " \t\n", -1);
        return g_strv_contains((const char *const *) words, "control_d");
}

/* An address a line (drivers/xen/xen-pciback/pci_stub.c permissive_show). */
static void read_permissive(Reader *reader) {
        g_autofree char *text = NULL;

        if (io_read_text(reader->io, "sys/bus/pci/drivers/" DRIVER_PCIBACK "/permissive", &text) < 0)
                return;
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line; line++) {
                Dev *dev = g_hash_table_lookup(reader->snapshot->by_name, *line);
                if (dev)
                        dev->permissive = driver_is_xen(dev->driver);
        }
}

void read_dom0(Reader *reader) {
        reader->snapshot->xen_dom0 = host_is_xen_dom0(reader->io);
        if (reader->snapshot->xen_dom0)
                read_permissive(reader);
}
