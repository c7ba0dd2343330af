/* Xen's books: domains that run and domains that are only defined, what the hypervisor says of itself, and its log. */
#include "guest/xen.h"

#include "base/error.h"

#include <string.h>

enum { LOG_MAX = 1 << 20 };

GuestInfo *xen_read(Io *io, const char *name, GError **error) {
        Xen *xen = xen_open(io, error);
        g_auto(XenDominfo) domain = {0};

        if (!xen || !xen_find(xen, name, &domain, error))
                return NULL;
        GuestInfo *info = xen_read_running(xen, &domain, error);
        info->no_passthrough = xen_without_passthrough(xen, domain.domid);
        g_autoptr(XenFiles) files = xen_files_read(io);
        xen_files_finish(files, info);
        return info;
}

GuestInfo *xen_read_any(Io *io, const char *name, GError **error) {
        g_autoptr(GError) problem = NULL;
        GuestInfo *info = xen_read(io, name, &problem);

        if (info)
                return info;
        if (!g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&problem));
                return NULL;
        }
        g_autoptr(XenFiles) files = xen_files_read(io);
        return xen_files_take(files, name, error);
}

/* Pages as bytes. */
static uint64_t bytes(uint64_t pages, int page_size) {
        return pages * (uint64_t) MAX(page_size, 0);
}

static Hypervisor *read_hypervisor(Xen *xen, GError **error) {
        const libxl_version_info *version = libxl_get_version_info(xen->xl);
        libxl_physinfo machine;
        g_auto(XenDominfo) dom0 = {0};

        libxl_physinfo_init(&machine);
        libxl_dominfo_init(&dom0);
        if (!version || libxl_get_physinfo(xen->xl, &machine) != 0 || libxl_domain_info(xen->xl, &dom0, 0) != 0) {
                xen_error(xen, error, "what the hypervisor says of itself cannot be read");
                libxl_physinfo_dispose(&machine);
                return NULL;
        }
        Hypervisor *ret = g_new0(Hypervisor, 1);
        ret->version = g_strdup_printf("%d.%d%s", version->xen_version_major, version->xen_version_minor,
                                       version->xen_version_extra ? version->xen_version_extra : "");
        ret->cmdline = g_strdup(version->commandline);
        ret->pv = machine.cap_pv;
        ret->hvm = machine.cap_hvm;
        ret->hap = machine.cap_hap;
        ret->directio = machine.cap_hvm_directio;
        ret->memory = bytes(machine.total_pages, version->pagesize);
        ret->free_memory = bytes(machine.free_pages, version->pagesize);
        ret->dom0_memory = dom0.current_memkb * 1024;
        libxl_physinfo_dispose(&machine);
        return ret;
}

/* In the order of names: a hash's own would differ from call to call. */
static void add_defined(XenFiles *files, Books *books) {
        g_autoptr(GHashTable) running = g_hash_table_new(g_str_hash, g_str_equal);

        for (unsigned i = 0; i < books->guests->len; i++) {
                GuestInfo *info = books->guests->pdata[i];
                xen_files_finish(files, info);
                g_hash_table_add(running, info->name);
        }
        g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(files->by_name), (GCompareFunc)strcmp);
        for (GList *at = names; at; at = at->next) {
                if (g_hash_table_contains(running, at->data))
                        continue;
                GuestInfo *info = xen_files_take(files, at->data, NULL);
                if (info)
                        g_ptr_array_add(books->guests, info);
        }
}

Books *xen_books(Io *io, GError **error) {
        Xen *xen = xen_open(io, error);
        g_autoptr(Books) books = books_new();

        if (!xen || !(books->xen = read_hypervisor(xen, error)) || !xen_read_all(xen, books->guests, error))
                return NULL;
        g_autoptr(XenFiles) files = xen_files_read(io);
        add_defined(files, books);
        return g_steal_pointer(&books);
}

char *xen_log(Io *io, GError **error) {
        Xen *xen = xen_open(io, error);

        if (!xen)
                return NULL;
        g_autoptr(GString) text = g_string_new(NULL);
        libxl_xen_console_reader *reader = libxl_xen_console_read_start(xen->xl, 0);
        char *piece;
        int r;
        while ((r = libxl_xen_console_read_line(xen->xl, reader, &piece)) > 0 && text->len < LOG_MAX)
                g_string_append(text, piece);
        libxl_xen_console_read_finish(xen->xl, reader);
        if (r < 0) {
                xen_error(xen, error, "the hypervisor's log cannot be read");
                return NULL;
        }
        return g_string_free(g_steal_pointer(&text), FALSE);
}
