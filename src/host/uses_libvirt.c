/* VFs that libvirt is giving to its guests: before it changes one it writes down what it goes back to, in a file "PF-INTERFACE_vfNUMBER",
 * and takes that away when it gives the VF back (virHostdevSaveNetConfig(), virNetDevSaveNetConfig()). Until QEMU opens the VF this is all
 * there is to see. */
#include "host/reader.h"

#include "base/parse.h"

#include <string.h>

#define KEPT_DIR "run/libvirt/hostdevmgr"

static Dev *find_vf(const Reader *reader, const char *file) {
        const char *number = g_strrstr(file, "_vf");
        uint32_t index;

        if (!number || !parse_u32(number + strlen("_vf"), 0, UINT16_MAX, &index))
                return NULL;
        g_autofree char *name = g_strndup(file, (size_t) (number - file));
        const Dev *pf = g_hash_table_lookup(reader->link_devs, name);
        return pf && pf->is_pf ? (Dev *) snapshot_vf(reader->snapshot, pf, index) : NULL;
}

void read_libvirt_keeps(Reader *reader) {
        g_auto(GStrv) files = NULL;

        if (io_list(reader->io, KEPT_DIR, &files) < 0)
                return;
        for (char **file = files; *file; file++) {
                Dev *vf = find_vf(reader, *file);
                if (vf)
                        vf->libvirt_keeps = true;
        }
}
