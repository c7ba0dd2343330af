/* The simulated Xen: domains, who owns which function (assign_device, deassign_device of xen/drivers/passthrough/pci.c with
 * iommu=quarantine, which is the default), and libxl's and xl's ways with them. */
#include "base/text.h"
#include "sim_xen_priv.h"

#include <string.h>

/* --- finding -------------------------------------------------------------------------------------------------- */

static void dev_done(void *data) {
        XenDev *dev = data;
        g_free(dev->entry);
        g_free(dev);
}

static void domain_done(void *data) {
        XenDomain *domain = data;
        g_free(domain->name);
        g_free(domain->uuid);
        g_free(domain->type);
        g_free(domain->file);
        g_ptr_array_unref(domain->devices);
        g_free(domain);
}

void xen_build(Sim *sim) {
        sim->xen = g_new0(Xen, 1);
        sim->xen->domains = g_ptr_array_new_with_free_func(domain_done);
        sim->xen->slots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        sim->xen->driver_paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        io_tree_put_text(sim->tree, "proc/xen/capabilities", "control_d\n");
        io_tree_put_text(sim->tree, "sys/hypervisor/type", "xen\n");
        io_tree_put_dir(sim->tree, "etc/xen/auto");
}

void xen_free(Xen *xen) {
        if (!xen)
                return;
        g_ptr_array_unref(xen->domains);
        g_hash_table_unref(xen->slots);
        g_hash_table_unref(xen->driver_paths);
        g_free(xen);
}

XenDomain *xen_domain(Sim *sim, const char *name) {
        for (unsigned i = 0; sim->xen && i < sim->xen->domains->len; i++)
                if (g_str_equal(((XenDomain *) sim->xen->domains->pdata[i])->name, name))
                        return sim->xen->domains->pdata[i];
        return NULL;
}

static XenDomain *domain_of(Sim *sim, const char *name) {
        XenDomain *domain = xen_domain(sim, name);
        if (!domain) {
                domain = g_new0(XenDomain, 1);
                domain->name = g_strdup(name);
                domain->devices = g_ptr_array_new_with_free_func(dev_done);
                g_ptr_array_add(sim->xen->domains, domain);
        }
        return domain;
}

XenDev *xen_dev(const XenDomain *domain, PciAddr host) {
        for (unsigned i = 0; i < domain->devices->len; i++)
                if (pci_addr_equal(((XenDev *) domain->devices->pdata[i])->host, host))
                        return domain->devices->pdata[i];
        return NULL;
}

bool xen_entry_host(const char *entry, PciAddr *ret) {
        g_autofree char *bdf = g_strndup(entry, strcspn(entry, ",@"));
        g_autofree char *full = strlen(bdf) == 7 ? g_strdup_printf("0000:%s", bdf) : g_strdup(bdf);
        return pci_addr_parse(full, ret);
}

static Fn *fn_of(Sim *sim, PciAddr host) {
        char name[PCI_ADDR_TEXT_SIZE];
        pci_addr_format(host, name);
        return pci_find(sim, name);
}

bool xen_in_use(const Fn *fn) {
        return fn->domain && fn->domain != DOMAIN_IO;
}

static char *bare(const char *bdf) {
        return g_strchomp(g_strdup(bdf));
}

bool xen_has_slot(const Sim *sim, const char *bdf) {
        return sim->xen && g_hash_table_contains(sim->xen->slots, bdf);
}

void xen_put_slot(Sim *sim, const char *bdf, bool there) {
        if (there)
                g_hash_table_add(sim->xen->slots, bare(bdf));
        else
                g_hash_table_remove(sim->xen->slots, bdf);
        g_autoptr(GString) text = g_string_new(NULL);
        GHashTableIter iter;
        void *key;
        g_hash_table_iter_init(&iter, sim->xen->slots);
        while (g_hash_table_iter_next(&iter, &key, NULL))
                g_string_append_printf(text, "%s\n", (const char *) key);
        io_tree_put_text(sim->tree, "sys/bus/pci/drivers/pciback/slots", text->str);
}

/* --- functions in and out of domains -------------------------------------------------------------------------- */

static char *bdf_problem(const Fn *fn, const char *words) {
        return g_strdup_printf("PCI device %s %s", fn->name, words);
}

static const XenDomain *listed_by(Sim *sim, PciAddr host) {
        for (unsigned i = 0; i < sim->xen->domains->len; i++)
                if (xen_dev(sim->xen->domains->pdata[i], host))
                        return sim->xen->domains->pdata[i];
        return NULL;
}

/* libxl__device_pci_add, as far as its reset. */
static char *call_attach_begin(Sim *sim, const char *name, const char *arg) {
        const XenDomain *domain = xen_domain(sim, name);
        PciAddr host;
        Fn *fn = xen_entry_host(arg, &host) ? fn_of(sim, host) : NULL;

        if (!domain || !domain->id)
                return g_strdup_printf("%s is an invalid domain identifier", name);
        if (!fn)
                return g_strdup_printf("PCI device %s does not exist", arg);
        if (g_str_equal(domain->type, "pvh"))
                return bdf_problem(fn, "cannot go to a PVH guest: passthrough is not yet supported");
        if (sim->options & SIM_NO_IOMMU || domain->no_passthrough)
                return bdf_problem(fn, "cannot be assigned - no IOMMU?");
        if (xen_in_use(fn))
                return bdf_problem(fn, "already assigned to a different guest?");
        if (!fn->driver || !fn->driver->pciback || listed_by(sim, host))
                return bdf_problem(fn, "is not assignable");
        drv_flr(fn);
        return NULL;
}

/* … its hypercall … */
static char *call_hand(Sim *sim, const char *name, const char *arg) {
        const XenDomain *domain = xen_domain(sim, name);
        PciAddr host;

        if (domain->manners == GUEST_NO_PLUG)
                return g_strdup("libxl_device_pci_add failed");
        xen_entry_host(arg, &host);
        fn_of(sim, host)->domain = domain->id;
        return NULL;
}

/* … and what xenstore tells of the domain. */
static char *call_tell(Sim *sim, const char *name, const char *arg) {
        XenDev *dev = g_new0(XenDev, 1);
        dev->entry = g_strdup(arg);
        xen_entry_host(arg, &dev->host);
        g_ptr_array_add(xen_domain(sim, name)->devices, dev);
        return NULL;
}

static char *call_assign(Sim *sim, const char *name, const char *arg) {
        char *problem = call_hand(sim, name, arg);
        return problem ? problem : call_tell(sim, name, arg);
}

static char *call_attach(Sim *sim, const char *name, const char *arg) {
        char *problem = call_attach_begin(sim, name, arg);
        return problem ? problem : call_assign(sim, name, arg);
}

/* What was quarantined before goes there again. */
static void take_back(Fn *fn) {
        drv_flr(fn);
        fn->domain = DOMAIN_IO;
}

static XenDev *find_dev(Sim *sim, const char *name, const char *arg) {
        const XenDomain *domain = xen_domain(sim, name);
        PciAddr host;
        return domain && domain->id && xen_entry_host(arg, &host) ? xen_dev(domain, host) : NULL;
}

static char *call_ask(Sim *sim, const char *name, const char *arg) {
        const XenDomain *domain = xen_domain(sim, name);
        XenDev *dev = find_dev(sim, name, arg);

        if (!dev)
                return g_strdup("PCI device not attached to this domain");
        if (domain->manners == GUEST_REFUSES)
                return g_strdup("libxl_device_pci_remove failed");
        dev->leaving = true;
        dev->leaves_at = domain->manners == GUEST_SLOW ? sim_now(sim) + 60 * 1000 : 0;
        return NULL;
}

static char *call_back(Sim *sim, const char *name, const char *arg) {
        const XenDomain *domain = xen_domain(sim, name);
        const XenDev *dev = find_dev(sim, name, arg);
        Fn *fn = dev ? fn_of(sim, dev->host) : NULL;

        if (fn && fn->domain == domain->id)
                take_back(fn);
        return NULL;
}

static char *call_untell(Sim *sim, const char *name, const char *arg) {
        XenDev *dev = find_dev(sim, name, arg);
        if (dev)
                g_ptr_array_remove(xen_domain(sim, name)->devices, dev);
        return NULL;
}

static char *call_left(Sim *sim, const char *name, const char *arg) {
        g_free(call_back(sim, name, arg));
        return call_untell(sim, name, arg);
}

static char *call_detach(Sim *sim, const char *name, const char *arg) {
        char *problem = call_ask(sim, name, arg);
        return problem ? problem : call_left(sim, name, arg);
}

/* --- domains -------------------------------------------------------------------------------------------------- */

static void start_qemu(Sim *sim, XenDomain *domain) {
        g_autofree char *id = g_strdup_printf("%u", domain->id);
        g_autofree char *socket = g_strdup_printf("socket,id=libxenstat-cmd,path=/var/run/xen/qmp-libxenstat-%u,server=on,wait=off", domain->id);
        char *argv[] = {(char *) "/usr/libexec/xen-qemu-system-i386", (char *) "-xen-domid", id, (char *) "-no-shutdown",
                        (char *) "-chardev", socket, (char *) "-mon", (char *) "chardev=libxenstat-cmd,mode=control", (char *) "-nodefaults",
                        (char *) "-name", domain->name, (char *) "-machine", (char *) "xenfv,suppress-vmdesc=on", (char *) "-m", (char *) "256",
                        NULL};
        domain->qemu = proc_add(sim, "xen-qemu-system", 1, argv)->pid;
}

static void start(Sim *sim, XenDomain *domain) {
        domain->id = ++sim->xen->last;
        domain->crashed = false;
        if (g_str_equal(domain->type, "hvm"))
                start_qemu(sim, domain);
}

/* Of what it had, Xen's own tables count (pci_release_devices). */
static void end(Sim *sim, XenDomain *domain) {
        for (unsigned i = 0; domain->id && i < sim->fns->len; i++)
                if (((Fn *) sim->fns->pdata[i])->domain == domain->id)
                        take_back(sim->fns->pdata[i]);
        g_ptr_array_set_size(domain->devices, 0);
        if (domain->qemu)
                sim_end_process(sim, domain->qemu);
        domain->id = 0;
        domain->qemu = 0;
}

static char *attach_all(Sim *sim, XenDomain *domain, const GPtrArray *entries) {
        char *problem = NULL;
        for (unsigned i = 0; i < entries->len && !problem; i++)
                problem = call_attach(sim, domain->name, entries->pdata[i]);
        if (problem)
                end(sim, domain);
        return problem;
}

static char *call_create(Sim *sim, const char *name, const char *arg) {
        g_autofree char *usual = g_strdup_printf("etc/xen/%s.cfg", name);
        g_autofree char *text = xen_cfg_text(sim, arg ? arg : usual);
        if (!text)
                return g_strdup_printf("Failed to read config file: %s: No such file or directory", arg ? arg : usual);
        g_autofree char *own = xen_cfg_value(text, "name"), *uuid = xen_cfg_value(text, "uuid"), *type = xen_cfg_value(text, "type");
        g_autoptr(GPtrArray) entries = xen_cfg_pci(text);
        XenDomain *domain = domain_of(sim, own);

        if (domain->id)
                return g_strdup_printf("Domain with name \"%s\" already exists.", own);
        g_free(domain->uuid);
        g_free(domain->type);
        g_free(domain->file);
        domain->uuid = uuid ? g_strdup(uuid) : g_strdup_printf("6a1d7e5c-0000-4000-a000-%012u", ++sim->xen->uuids);
        domain->type = g_strdup(type ? type : "pv");
        domain->file = g_strdup(arg ? arg : usual);
        g_autofree char *passthrough = xen_cfg_value(text, "passthrough");
        domain->no_passthrough = entries->len == 0 && !passthrough;
        start(sim, domain);
        return attach_all(sim, domain, entries);
}

static char *call_destroy(Sim *sim, const char *name, const char *arg) {
        XenDomain *domain = xen_domain(sim, name);
        if (!domain || !domain->id)
                return g_strdup_printf("%s is an invalid domain identifier", name);
        end(sim, domain);
        return NULL;
}

/* xl makes it anew from what it has become meanwhile (its userdata "libxl-json"): number and QEMU are new, name, uuid and devices stay. */
static char *call_reboot(Sim *sim, const char *name, const char *arg) {
        g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(g_free);
        XenDomain *domain = xen_domain(sim, name);

        if (!domain || !domain->id)
                return g_strdup_printf("%s is an invalid domain identifier", name);
        for (unsigned i = 0; i < domain->devices->len; i++)
                g_ptr_array_add(entries, g_strdup(((const XenDev *) domain->devices->pdata[i])->entry));
        end(sim, domain);
        start(sim, domain);
        return attach_all(sim, domain, entries);
}

static char *call_crash(Sim *sim, const char *name, const char *arg) {
        xen_domain(sim, name)->crashed = true; /* on_crash = "preserve" */
        return NULL;
}

/* --- assignable or not ---------------------------------------------------------------------------------------- */

static char *call_quarantine(Sim *sim, const char *name, const char *arg) {
        Fn *fn = pci_find(sim, name);
        if (!fn || xen_in_use(fn) || sim->options & SIM_NO_IOMMU)
                return g_strdup_printf("failed to quarantine %s", name);
        if (fn->driver && !fn->driver->pciback)
                sim_disturb(sim, "%s was put into quarantine under %s", name, fn->driver->name);
        fn->domain = DOMAIN_IO;
        return NULL;
}

static char *call_free(Sim *sim, const char *name, const char *arg) {
        Fn *fn = pci_find(sim, name);
        if (!fn || fn->domain != DOMAIN_IO)
                return g_strdup_printf("failed to de-quarantine %s", name);
        fn->domain = 0;
        return NULL;
}

static char *call_remember(Sim *sim, const char *name, const char *arg) {
        g_hash_table_replace(sim->xen->driver_paths, g_strdup(name), g_strdup(arg));
        return NULL;
}

static char *call_forget(Sim *sim, const char *name, const char *arg) {
        g_hash_table_remove(sim->xen->driver_paths, name);
        return NULL;
}

static int put(Sim *sim, const char *driver, const char *file, const char *text) {
        g_autofree char *path = g_strdup_printf("sys/bus/pci/drivers/%s/%s", driver, file);
        return drv_write(sim, path, text);
}

/* libxl__device_pci_assignable_add */
static char *call_add(Sim *sim, const char *name, const char *arg) {
        const Fn *fn = pci_find(sim, name);

        if (!fn)
                return g_strdup_printf("Couldn't lstat /sys/bus/pci/devices/%s", name);
        drv_module(sim, "xen-pciback");
        if (fn->driver && fn->driver->pciback)
                return call_quarantine(sim, name, NULL);
        if (fn->driver) {
                call_remember(sim, name, fn->driver->name);
                put(sim, fn->driver->name, "unbind", name);
        }
        put(sim, "pciback", "new_slot", name);
        /* With the PF's autoprobe off, a VF has no driver from now on. */
        if (put(sim, "pciback", "bind", name) < 0)
                return g_strdup("Couldn't bind device to pciback!");
        return call_quarantine(sim, name, NULL);
}

/* libxl__device_pci_assignable_remove */
static char *remove_assignable(Sim *sim, const char *name, bool rebind) {
        const Fn *fn = pci_find(sim, name);
        const char *driver = g_hash_table_lookup(sim->xen->driver_paths, name);
        char *problem = call_free(sim, name, NULL);

        if (problem || !fn)
                return problem;
        if (fn->driver && fn->driver->pciback) {
                put(sim, "pciback", "unbind", name);
                put(sim, "pciback", "remove_slot", name);
        }
        if (rebind && driver && put(sim, driver, "bind", name) < 0)
                return g_strdup_printf("Couldn't bind device to %s", driver);
        if (rebind)
                call_forget(sim, name, NULL);
        return NULL;
}

static char *call_remove(Sim *sim, const char *name, const char *arg) {
        return remove_assignable(sim, name, false);
}

static char *call_remove_r(Sim *sim, const char *name, const char *arg) {
        return remove_assignable(sim, name, true);
}

/* --- calls ---------------------------------------------------------------------------------------------------- */

char *xen_call(Sim *sim, const char *call, const char *name, const char *arg) {
        static const struct {
                const char *call;
                char *(*run)(Sim *sim, const char *name, const char *arg);
        } calls[] = {
                {"create", call_create}, {"destroy", call_destroy}, {"shutdown", call_destroy}, {"reboot", call_reboot}, {"crash", call_crash},
                {"attach", call_attach}, {"detach", call_detach}, {"add", call_add}, {"remove", call_remove}, {"remove-r", call_remove_r},
                {"reset", call_attach_begin}, {"assign", call_assign}, {"hand", call_hand}, {"tell", call_tell}, {"ask", call_ask},
                {"left", call_left}, {"back", call_back}, {"untell", call_untell},
                {"quarantine", call_quarantine}, {"free", call_free}, {"remember", call_remember}, {"forget", call_forget},
        };
        g_autofree char *head = g_strdup_printf("%s\n%s", call, name);

        sim_log(sim, 0, "C", head, strlen(head), arg, arg ? strlen(arg) : 0);
        for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++)
                if (g_str_equal(calls[i].call, call))
                        return calls[i].run(sim, name, arg && *arg ? arg : NULL);
        g_error("simulated Xen: there is no \"%s\"", call);
}

void xen_replay(Sim *sim, const char *call, const char *arg) {
        g_auto(GStrv) words = g_strsplit(call, "\n", 2);
        g_free(xen_call(sim, words[0], words[1], arg));
}

/* --- for stories ---------------------------------------------------------------------------------------------- */

void sim_xen_define(Sim *sim, const char *name, const char *type, const char *uuid, const char *pci) {
        g_autofree char *path = g_strdup_printf("etc/xen/%s.cfg", name);
        g_autofree char *own = uuid ? g_strdup_printf("uuid = \"%s\"\n", uuid) : g_strdup("");
        g_autofree char *list = !pci    ? g_strdup("passthrough = \"enabled\"\n")
                                : *pci ? g_strdup_printf("pci = [ %s ]  # given by hand\n", pci)
                                       : g_strdup("");

        tree_printf(sim, path,
                    "# The guest %s.\nname = \"%s\"\n%stype = \"%s\"\nmemory = 256\nvcpus = 1\n%s"
                    "kernel = \"/boot/vmlinuz\"\nextra = 'root=/dev/xvda pci=[x]' # no list\nvif = [ 'bridge=br0' ]\n",
                    name, name, own, type, list);
        domain_of(sim, name);
}

void sim_xen_manners(Sim *sim, const char *name, GuestManners manners) {
        domain_of(sim, name)->manners = manners;
}

unsigned sim_xen_domain(Sim *sim, const char *name) {
        const XenDomain *domain = xen_domain(sim, name);
        return domain ? domain->id : 0;
}

char *sim_xl(Sim *sim, const char *call, const char *name, const char *arg) {
        g_rec_mutex_lock(&sim->mutex);
        char *problem = xen_call(sim, call, name, arg);
        g_rec_mutex_unlock(&sim->mutex);
        return problem;
}

/* Domains end with their host, xenstore and pciback's list too; pciback is loaded again only where something does it. */
void xen_reboot(Sim *sim) {
        for (unsigned i = 0; sim->xen && i < sim->xen->domains->len; i++)
                end(sim, sim->xen->domains->pdata[i]);
        for (unsigned i = 0; sim->xen && i < sim->fns->len; i++) {
                Fn *fn = sim->fns->pdata[i];
                fn->domain = 0;
                if (fn->driver && fn->driver->pciback)
                        drv_unbind(sim, fn);
        }
        if (!sim->xen)
                return;
        g_hash_table_remove_all(sim->xen->slots);
        g_hash_table_remove_all(sim->xen->driver_paths);
        drv_forget(sim, "pciback");
}

/* --- the dump ------------------------------------------------------------------------------------------------- */

void xen_dump_owner(Sim *sim, const Fn *fn, GString *text) {
        const char *owner = fn->domain ? "?" : "dom0";
        if (!sim->xen)
                return;
        for (unsigned i = 0; xen_in_use(fn) && i < sim->xen->domains->len; i++)
                if (((const XenDomain *) sim->xen->domains->pdata[i])->id == fn->domain)
                        owner = ((const XenDomain *) sim->xen->domains->pdata[i])->name;
        const char *driver = g_hash_table_lookup(sim->xen->driver_paths, fn->name);
        g_string_append_printf(text, " xen=%s xl=%s", fn->domain == DOMAIN_IO ? "quarantine" : owner, driver ? driver : "-");
}

static int compare_text(gconstpointer a, gconstpointer b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* In an order of their own: which one came first is nothing that anybody notices. */
static void append_sorted(GPtrArray *lines, GString *text) {
        g_ptr_array_sort(lines, compare_text);
        for (unsigned i = 0; i < lines->len; i++)
                g_string_append(text, lines->pdata[i]);
        g_ptr_array_unref(lines);
}

static void dump_domain(const XenDomain *domain, GString *text) {
        GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

        g_string_append_printf(text, "xen %s %s\n", domain->name, !domain->id ? "is off" : domain->crashed ? "crashed" : "runs");
        for (unsigned i = 0; i < domain->devices->len; i++) {
                const XenDev *dev = domain->devices->pdata[i];
                char host[PCI_ADDR_TEXT_SIZE];
                pci_addr_format(dev->host, host);
                g_ptr_array_add(lines, g_strdup_printf("  has %s by %s%s\n", host, dev->entry, dev->leaving ? " leaving" : ""));
        }
        append_sorted(lines, text);
}

static void dump_file(Sim *sim, const char *folder, const char *name, GString *text) {
        g_autofree char *path = g_strdup_printf("%s/%s", folder, name), *file = xen_cfg_text(sim, path);
        if (!file || !g_str_has_suffix(name, ".cfg"))
                return;
        g_autofree char *rest = xen_cfg_rest(file);
        g_autoptr(GPtrArray) entries = xen_cfg_pci(file);
        GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

        g_string_append_printf(text, "/%s is\n%s", path, rest);
        for (unsigned i = 0; i < entries->len; i++) {
                PciAddr host;
                char bdf[PCI_ADDR_TEXT_SIZE] = "?";
                if (xen_entry_host(entries->pdata[i], &host))
                        pci_addr_format(host, bdf);
                g_ptr_array_add(lines, g_strdup_printf("  defined %s by %s\n", bdf, (const char *) entries->pdata[i]));
        }
        append_sorted(lines, text);
}

void xen_dump(Sim *sim, GString *text) {
        static const char *const folders[] = {"etc/xen", "etc/xen/auto"};
        for (unsigned i = 0; sim->xen && i < sim->xen->domains->len; i++)
                dump_domain(sim->xen->domains->pdata[i], text);
        for (unsigned f = 0; sim->xen && f < G_N_ELEMENTS(folders); f++) {
                g_auto(GStrv) names = NULL;
                if (io_tree_list(sim->tree, folders[f], &names) < 0)
                        continue;
                for (char **name = names; *name; name++)
                        dump_file(sim, folders[f], *name, text);
        }
}
