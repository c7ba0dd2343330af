/* The simulated Xen as vfadm sees it: the backend and service of guest/guest.h, over what libxl would do in vfadm's own process: it dies
 * between two of libxl's deeds, and then only the first was done. */
#include "base/error.h"
#include "sim_modules.h"
#include "sim_xen_priv.h"
#include "xl/xl.h"

#include <string.h>

enum { LOOK_MS = 20 };

static Sim *sim_of(Io *io) {
        return ((SimIo *) io)->sim;
}

static bool there(Io *io, GError **error) {
        if (sim_of(io)->xen)
                return true;
        g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "this host is no dom0 of Xen");
        return false;
}

static bool complain(GError **error, int code, const char *name, const char *problem) {
        g_set_error(error, VFADM_ERROR, code, "xen:%s: %s", name, problem);
        return false;
}

/* One of libxl's deeds. */
static bool change(Io *io, const char *call, const char *name, const char *arg, GError **error) {
        Sim *sim = sim_of(io);
        g_autofree char *what = g_strdup_printf("xen %s %s", call, name);

        g_rec_mutex_lock(&sim->mutex);
        g_autofree char *problem = sim_point(sim, what) < 0 ? g_strdup("libxl failed") : xen_call(sim, call, name, arg);
        g_rec_mutex_unlock(&sim->mutex);
        return !problem || complain(error, VFADM_ERROR_FAILED, name, problem);
}

/* --- files ---------------------------------------------------------------------------------------------------- */

/* Every file that defines a domain: path → GuestInfo*. */
static GHashTable *read_files(Io *io) {
        GHashTable *ret = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify) guest_info_free);
        static const char *const folders[] = {"etc/xen", "etc/xen/auto"};

        for (unsigned f = 0; f < G_N_ELEMENTS(folders); f++) {
                g_auto(GStrv) names = NULL;
                if (io_list(io, folders[f], &names) < 0)
                        continue;
                for (char **name = names; *name; name++) {
                        g_autofree char *path = g_strdup_printf("%s/%s", folders[f], *name);
                        g_autofree char *text = g_str_has_suffix(*name, ".cfg") ? xen_cfg_text(sim_of(io), path) : NULL;
                        GuestInfo *info = text ? xl_config_parse(text, strlen(text), NULL) : NULL;
                        if (info)
                                g_hash_table_insert(ret, g_steal_pointer(&path), info);
                }
        }
        return ret;
}

/* The file of a domain: NULL, there is none; *ret_several: more than one, so that it is not known which. */
static const char *file_of(GHashTable *files, const char *name, bool *ret_several) {
        const char *found = NULL;
        GHashTableIter iter;
        void *path, *info;

        *ret_several = false;
        g_hash_table_iter_init(&iter, files);
        while (g_hash_table_iter_next(&iter, &path, &info))
                if (g_str_equal(((const GuestInfo *) info)->name, name)) {
                        *ret_several = found != NULL;
                        found = path;
                }
        return *ret_several ? NULL : found;
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static const char *device_id(PciAddr host, char id[32]) {
        g_snprintf(id, 32, "vfadm-%04x-%02x-%02x.%x", host.domain, host.bus, host.slot, host.function);
        return id;
}

static const char *machine_of(const char *type) {
        return g_str_equal(type, "hvm") ? "xenfv" : g_str_equal(type, "pvh") ? "xenpvh" : "xenpv";
}

static void tell_running(const XenDomain *domain, GuestInfo *info) {
        info->domain = domain->id;
        info->no_passthrough = domain->no_passthrough;
        info->status = g_strdup(domain->crashed ? "crashed" : "running");
        g_free(info->machine);
        info->machine = g_strdup(machine_of(domain->type));
        for (unsigned i = 0; i < domain->devices->len; i++) {
                const XenDev *dev = domain->devices->pdata[i];
                char id[32];
                GuestDevice *to = guest_info_add_device(info, device_id(dev->host, id));
                to->host = dev->host;
                to->has_host = true;
                to->leaving = dev->leaving;
                to->xml = g_strdup(dev->entry);
        }
}

static void tell_file(const char *path, const GuestInfo *file, GuestInfo *info) {
        info->has_definition = true;
        info->file = g_strdup(path);
        if (!info->machine)
                info->machine = g_strdup(file->machine);
        for (unsigned i = 0; i < file->defined->len; i++) {
                const GuestDevice *from = file->defined->pdata[i];
                GuestDevice *to = guest_info_add_defined(info, from->id);
                to->host = from->host;
                to->has_host = from->has_host;
                to->xml = g_strdup(from->xml);
        }
}

/* A domain by its name, as it runs and as its file has it; NULL: neither. */
static GuestInfo *tell(Sim *sim, GHashTable *files, const char *name) {
        const XenDomain *domain = xen_domain(sim, name);
        bool runs = domain && domain->id, several;
        const char *path = file_of(files, name, &several);
        const GuestInfo *file = path ? g_hash_table_lookup(files, path) : NULL;

        if (!runs && !file)
                return NULL;
        GuestInfo *info = guest_info_new("xen", name);
        info->running = runs;
        info->asked = true;
        info->memlock_limit = UINT64_MAX;
        info->numa_node = -1;
        info->ram = (uint64_t) 256 << 20;
        info->uuid = g_strdup(runs ? domain->uuid : file ? file->uuid : NULL);
        info->uuid_of_run = runs && (!file || g_strcmp0(file->uuid, domain->uuid) != 0);
        if (runs)
                tell_running(domain, info);
        else
                info->status = g_strdup("shut off");
        if (file)
                tell_file(path, file, info);
        if (several)
                g_ptr_array_add(info->notes, g_strdup("several files define it"));
        return info;
}

static GuestInfo *read_any(Io *io, const char *name, GError **error) {
        Sim *sim = sim_of(io);
        GuestInfo *info = NULL;

        g_rec_mutex_lock(&sim->mutex);
        if (there(io, error)) {
                g_autoptr(GHashTable) files = read_files(io);
                bool several;
                info = tell(sim, files, name);
                file_of(files, name, &several);
                if (!info && several)
                        complain(error, VFADM_ERROR_REFUSED, name, "several files define it");
                else if (!info)
                        complain(error, VFADM_ERROR_NOT_FOUND, name, "there is no such domain");
        }
        g_rec_mutex_unlock(&sim->mutex);
        return info;
}

static GuestInfo *read_running(Io *io, const char *name, GError **error) {
        g_autoptr(GuestInfo) info = read_any(io, name, error);

        if (!info || info->running)
                return g_steal_pointer(&info);
        complain(error, VFADM_ERROR_NOT_FOUND, name, "the domain does not run");
        return NULL;
}

static void examine_all(Io *io, GPtrArray *guests, GPtrArray *notes) {
}

static void add_once(GPtrArray *names, const char *name) {
        if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
                g_ptr_array_add(names, g_strdup(name));
}

static GPtrArray *names_of_all(Sim *sim, GHashTable *files) {
        GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
        GHashTableIter iter;
        void *info;

        for (unsigned i = 0; i < sim->xen->domains->len; i++)
                if (((const XenDomain *) sim->xen->domains->pdata[i])->id)
                        add_once(names, ((const XenDomain *) sim->xen->domains->pdata[i])->name);
        g_hash_table_iter_init(&iter, files);
        while (g_hash_table_iter_next(&iter, NULL, &info)) {
                bool several;
                file_of(files, ((const GuestInfo *) info)->name, &several);
                if (!several)
                        add_once(names, ((const GuestInfo *) info)->name);
        }
        return names;
}

static Hypervisor *tell_xen(Sim *sim) {
        Hypervisor *xen = g_new0(Hypervisor, 1);
        *xen = (Hypervisor){.version = g_strdup("4.20.3"), .cmdline = g_strdup("dom0_mem=2G,max:2G"), .pv = true, .hvm = true, .hap = true,
                            .directio = !(sim->options & SIM_NO_IOMMU), .memory = (uint64_t) 8 << 30, .free_memory = (uint64_t) 5 << 30,
                            .dom0_memory = (uint64_t) 2 << 30};
        return xen;
}

static Books *read_books(Io *io, GError **error) {
        Sim *sim = sim_of(io);
        Books *books = NULL;

        g_rec_mutex_lock(&sim->mutex);
        if (there(io, error)) {
                g_autoptr(GHashTable) files = read_files(io);
                g_autoptr(GPtrArray) names = names_of_all(sim, files);
                books = books_new();
                books->xen = tell_xen(sim);
                for (unsigned i = 0; i < names->len; i++)
                        g_ptr_array_add(books->guests, tell(sim, files, names->pdata[i]));
        }
        g_rec_mutex_unlock(&sim->mutex);
        return books;
}

/* --- devices of domains that run ------------------------------------------------------------------------------ */

static bool plug(Io *io, const char *name, const GuestPlugged *device, GError **error) {
        g_autoptr(GuestInfo) info = read_running(io, name, error);

        if (!info)
                return false;
        if (guest_info_find(info, device->host))
                return true;
        if (!device->xml)
                g_error("xen:%s: a device without its entry", name);
        if (!change(io, "reset", name, device->xml, error))
                return false;
        if (sim_of(io)->options & SIM_XEN_TORN)
                return change(io, "hand", name, device->xml, error) && change(io, "tell", name, device->xml, error);
        return change(io, "assign", name, device->xml, error);
}

static bool left_now(Sim *sim, const char *name, const char *bdf) {
        const XenDomain *domain = xen_domain(sim, name);
        PciAddr host;
        const XenDev *dev = domain && domain->id && xen_entry_host(bdf, &host) ? xen_dev(domain, host) : NULL;

        if (!dev)
                return true;
        if (!dev->leaving || dev->leaves_at > sim_now(sim) || domain->manners == GUEST_KEEPS)
                return false;
        sim_point(sim, "xen device leaves");
        g_free(xen_call(sim, "back", name, bdf));
        if (sim->options & SIM_XEN_TORN)
                sim_point(sim, "xen device left");
        g_free(xen_call(sim, "untell", name, bdf));
        return true;
}

static GuestPlug wait_until_left(Io *io, const char *name, const char *bdf, int64_t until, GError **error) {
        Sim *sim = sim_of(io);

        for (;;) {
                g_rec_mutex_lock(&sim->mutex);
                bool left = left_now(sim, name, bdf);
                g_rec_mutex_unlock(&sim->mutex);
                if (left)
                        return GUEST_PLUG_DONE;
                if (io_now(io) >= until)
                        break;
                io_pause(io, LOOK_MS);
        }
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_PENDING, "xen:%s was asked to let go of %s and has not yet", name, bdf);
        return GUEST_PLUG_PENDING;
}

static const GuestDevice *find_id(const GuestInfo *info, const char *id) {
        for (unsigned i = 0; info && i < info->devices->len; i++)
                if (g_str_equal(((const GuestDevice *) info->devices->pdata[i])->id, id))
                        return info->devices->pdata[i];
        return NULL;
}

static GuestPlug unplug(Io *io, const char *name, const char *id, unsigned timeout_ms, GError **error) {
        int64_t until = io_now(io) + (int64_t) timeout_ms * 1000;
        g_autoptr(GError) problem = NULL;
        g_autoptr(GuestInfo) info = read_running(io, name, &problem);
        const GuestDevice *device = find_id(info, id);
        char bdf[PCI_ADDR_TEXT_SIZE];

        if (!info && !g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&problem));
                return GUEST_PLUG_FAILED;
        }
        if (!device)
                return GUEST_PLUG_DONE;
        pci_addr_format(device->host, bdf);
        if (!device->leaving && !change(io, "ask", name, bdf, error))
                return GUEST_PLUG_FAILED;
        return wait_until_left(io, name, bdf, until, error);
}

/* --- definitions ---------------------------------------------------------------------------------------------- */

static char *edit(const char *text, const char *entry, bool put, GError **error) {
        PciAddr host;

        if (put)
                return xl_config_put(text, strlen(text), entry, error);
        if (!xen_entry_host(entry, &host))
                g_error("\"%s\" names no function", entry);
        return xl_config_take_out(text, strlen(text), host, error);
}

static bool change_file(Io *io, const char *name, const char *entry, bool put, GError **error) {
        if (!there(io, error))
                return false;
        g_autoptr(GHashTable) files = read_files(io);
        bool several;
        const char *path = file_of(files, name, &several);
        if (several)
                return complain(error, VFADM_ERROR_REFUSED, name, "several files define it");
        if (!path)
                return complain(error, VFADM_ERROR_NOT_FOUND, name, "no file defines it");
        PciAddr host;
        bool has = xen_entry_host(entry, &host) && guest_info_find_defined(g_hash_table_lookup(files, path), host);
        if (has == put)
                return true;
        g_autofree char *text = xen_cfg_text(sim_of(io), path), *edited = edit(text, entry, put, error);
        if (!edited)
                return false;
        int r = io_replace(io, path, edited);
        return r == 0 || vfadm_error_set_errno(error, r, "writing /%s", path);
}

static bool define(Io *io, const char *name, const char *xml, GError **error) {
        return change_file(io, name, xml, true, error);
}

static bool undefine(Io *io, const char *name, const char *xml, GError **error) {
        return change_file(io, name, xml, false, error);
}

/* --- quarantine ----------------------------------------------------------------------------------------------- */

static bool set_assignable(Io *io, PciAddr dev, bool on, const char *driver, GError **error) {
        Sim *sim = sim_of(io);
        char bdf[PCI_ADDR_TEXT_SIZE];

        if (!there(io, error))
                return false;
        pci_addr_format(dev, bdf);
        const Fn *fn = pci_find(sim, bdf);
        if (!fn) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "%s: Xen does not know this function", bdf);
                return false;
        }
        if (xen_in_use(fn)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE, "%s: domain %u has it", bdf, fn->domain);
                return false;
        }
        bool known = g_hash_table_contains(sim->xen->driver_paths, bdf);
        if (on)
                return (fn->domain == DOMAIN_IO || change(io, "quarantine", bdf, NULL, error)) &&
                       ((!driver && !known) || change(io, driver ? "remember" : "forget", bdf, driver, error));
        /* As guest/xen_assignable.c: whose it was is certain after it was set apart. */
        return (fn->domain != 0 || change(io, "quarantine", bdf, NULL, error)) && change(io, "free", bdf, NULL, error) &&
               (!known || change(io, "forget", bdf, NULL, error));
}

static char *read_log(Io *io, GError **error) {
        return there(io, error) ? g_strdup("(XEN) Intel VT-d iommu 0 supported page sizes: 4kB, 2MB, 1GB\n(XEN) I/O virtualisation enabled\n") : NULL;
}

/* --- the backend ---------------------------------------------------------------------------------------------- */

static const GuestService service = {
        .read_any = read_any, .define = define, .undefine = undefine, .books = read_books, .set_assignable = set_assignable, .log = read_log,
};

const GuestBackend sim_xen_backend = {
        .name = "xen", .read = read_running, .examine = read_running, .examine_all = examine_all, .plug = plug, .unplug = unplug,
        .service = &service,
};
