/* vfadm-vf: the helper that udev asks about each network device of a VF (85-vfadm.rules, IMPORT{program}). For one that belongs to a
 * pool it prints the properties that keep NetworkManager and systemd-networkd away; for any other, nothing. It reads configuration
 * and this one VF and its PF, no ledger, and wakes nobody: a card may have 256 of them, and udev asks for each. */
#include "base/error.h"
#include "change/conf.h"
#include "host/host.h"
#include "show/value.h"

#include <stdio.h>
#include <string.h>

static int fail(const char *what) {
        g_autofree char *safe = value_safe(what);
        fprintf(stderr, "vfadm-vf: %s\n", safe);
        return 1;
}

/* "/devices/pci0000:00/0000:00:02.0/0000:01:10.0/net/eth0": the function that it leads through last. */
static bool function_of(const char *devpath, PciAddr *ret) {
        g_auto(GStrv) parts = g_strsplit(devpath, "/", -1);

        for (unsigned i = g_strv_length(parts); i-- > 0;) {
                char text[PCI_ADDR_TEXT_SIZE];
                if (!pci_addr_parse(parts[i], ret))
                        continue;
                /* A network device may be named as people name a function. */
                pci_addr_format(*ret, text);
                if (g_str_equal(text, parts[i]))
                        return true;
        }
        return false;
}

static const Pool *pool_of(const GPtrArray *pools, const Snapshot *host, const Dev *vf) {
        for (unsigned i = 0; i < pools->len; i++)
                if (pool_has(pools->pdata[i], host, vf))
                        return pools->pdata[i];
        return NULL;
}

/* A mistake in one file sets free the VFs of no other. True: there was one. */
static bool tell(const GPtrArray *wrong) {
        for (unsigned i = 0; i < wrong->len; i++)
                fail(((const GError *) wrong->pdata[i])->message);
        return wrong->len > 0;
}

/* argv[2], which udev never gives: another host's root. */
int main(int argc, char **argv) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) wrong = g_ptr_array_new_with_free_func((GDestroyNotify) g_error_free);
        PciAddr addr;

        if (argc < 2 || !function_of(argv[1], &addr))
                return fail("usage: vfadm-vf DEVPATH, of a network device of a VF");
        g_autoptr(Io) io = io_real_new(argc > 2 ? argv[2] : "/", &error);
        if (!io)
                return fail(error->message);
        g_autoptr(Conf) conf = conf_read_sound(io, NULL, wrong);
        const bool mistaken = tell(wrong);
        if (conf->pools->len == 0)
                return mistaken;
        g_autoptr(Snapshot) host = host_read_vf(io, addr);
        const Dev *vf = snapshot_get(host, addr);
        const Pool *pool = vf ? pool_of(conf->pools, host, vf) : NULL;
        /* networkd manages what names no other manager (src/network/networkd-link.c, since systemd 255); NetworkManager what is not said
         * to be unmanaged (1.52, src/core/platform/nm-linux-platform.c). */
        if (pool)
                printf("NM_UNMANAGED=1\nID_NET_MANAGED_BY=vfadm\nVFADM_POOL=%s\n", pool->name);
        return mistaken && !pool;
}
