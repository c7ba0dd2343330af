/* Drivers of the simulated kernel and what writing into sysfs does: drivers/base/{bus,dd}.c, drivers/pci/{pci-driver,
 * pci-sysfs,iov}.c and the PF drivers' sriov_configure of Linux 6.12. */
#include "sim_priv.h"

#include <stdlib.h>
#include <string.h>

enum { LATE_WRITES = 2 }; /* the write after autoprobe is back, or the first of the next verb */

/* Modules that do not carry the name of their driver, and drivers that take a device only by driver_override. */
static const struct {
        const char *module, *driver;
        bool vfio, managed, pciback;
} modules[] = {
        {"vfio_pci", "vfio-pci", true, true},
        {"mlx5_vfio_pci", "mlx5_vfio_pci", true, true},
        {"pci_stub", "pci-stub", true, true},
        {"uio_pci_generic", "uio_pci_generic", true, false},
        {"virtio_pci", "virtio-pci", false, false},
        {"pcieport", "pcieport", false, true},
        {"xen_pciback", "pciback", false, false, true},
};

static const char *const native_modules[] = {"igb", "igbvf", "ixgbe", "ixgbevf", "i40e", "iavf", "ice", "bnxt_en",
                                             "mlx5_core", "e1000", "lpc_ich", "ahci", "i801_smbus", NULL};

static Driver *drv_find(Sim *sim, const char *name) {
        for (unsigned i = 0; i < sim->drivers->len; i++)
                if (g_str_equal(((Driver *) sim->drivers->pdata[i])->name, name))
                        return sim->drivers->pdata[i];
        return NULL;
}

/* pcistub_probe: of its list of slots, or by driver_override; others take what their table of ids holds. */
static bool drv_match(const Sim *sim, const Driver *driver, const Fn *fn) {
        if (fn->override)
                return g_str_equal(fn->override, driver->name);
        if (driver->pciback)
                return xen_has_slot(sim, fn->name);
        return !driver->vfio && fn->native && g_str_equal(fn->native, driver->name);
}

static void put_vfio_files(Sim *sim) {
        io_tree_put_text(sim->tree, "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
        io_tree_put_text(sim->tree, "sys/module/vfio_pci/parameters/enable_sriov", "N\n");
        io_tree_put_text(sim->tree, "dev/vfio/vfio", "");
}

static void put_pciback_files(Sim *sim) {
        static const char *const files[] = {"new_slot", "remove_slot"};
        for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *path = g_strdup_printf("sys/bus/pci/drivers/pciback/%s", files[i]);
                io_tree_put_errno(sim->tree, path, -EACCES);
        }
        io_tree_put_text(sim->tree, "sys/bus/pci/drivers/pciback/slots", "");
}

Driver *drv_load(Sim *sim, const char *name) {
        static const char *const files[] = {"bind", "unbind", "new_id", "remove_id", "uevent"};
        Driver *driver = drv_find(sim, name);
        if (driver)
                return driver;
        driver = g_new0(Driver, 1);
        driver->name = g_strdup(name);
        const char *module = NULL;
        g_autofree char *own = g_strdelimit(g_strdup(name), "-", '_');
        for (unsigned i = 0; i < G_N_ELEMENTS(modules); i++)
                if (g_str_equal(modules[i].driver, name)) {
                        module = modules[i].module;
                        driver->vfio = modules[i].vfio;
                        driver->managed = modules[i].managed;
                        driver->pciback = modules[i].pciback;
                }
        g_ptr_array_add(sim->drivers, driver);
        for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *path = g_strdup_printf("sys/bus/pci/drivers/%s/%s", name, files[i]);
                io_tree_put_errno(sim->tree, path, -EACCES); /* write only */
        }
        g_autofree char *folder = g_strdup_printf("sys/module/%s", module ? module : own);
        io_tree_put_dir(sim->tree, folder);
        if (driver->vfio)
                put_vfio_files(sim);
        if (driver->pciback)
                put_pciback_files(sim);
        /* A driver that registers takes what it matches (driver_attach). */
        for (unsigned i = 0; i < sim->fns->len; i++)
                if (!((Fn *) sim->fns->pdata[i])->driver && drv_match(sim, driver, sim->fns->pdata[i]))
                        drv_bind(sim, sim->fns->pdata[i], driver);
        return driver;
}

void drv_forget(Sim *sim, const char *name) {
        Driver *driver = drv_find(sim, name);
        g_autofree char *folder = g_strdup_printf("sys/bus/pci/drivers/%s", name);
        if (!driver)
                return;
        io_tree_remove(sim->tree, folder);
        for (unsigned i = 0; i < G_N_ELEMENTS(modules); i++) {
                g_autofree char *module = g_strdup_printf("sys/module/%s", modules[i].module);
                if (g_str_equal(modules[i].driver, name))
                        io_tree_remove(sim->tree, module);
        }
        g_ptr_array_remove(sim->drivers, driver);
}

/* "pci:v00008086d000010CAsv…": what drives the VFs of one of the machine's cards, also before there are any. */
static int load_by_alias(Sim *sim, const char *alias) {
        for (unsigned i = 0; i < sim->fns->len; i++) {
                const Fn *fn = sim->fns->pdata[i];
                if (!fn->card)
                        continue;
                g_autofree char *start = g_strdup_printf("pci:v%08Xd%08X", fn->card->vendor, fn->card->vf_device);
                if (g_str_has_prefix(alias, start)) {
                        drv_load(sim, fn->card->vf_driver);
                        return 0;
                }
        }
        return -ENOENT;
}

int drv_module(Sim *sim, const char *name) {
        if (g_str_has_prefix(name, "pci:"))
                return load_by_alias(sim, name);
        g_autofree char *module = g_strdelimit(g_strdup(name), "-", '_');
        for (unsigned i = 0; i < G_N_ELEMENTS(modules); i++)
                if (g_str_equal(modules[i].module, module)) {
                        if (modules[i].pciback && !sim->xen)
                                return -ENODEV; /* xen_pcibk_init */
                        drv_load(sim, modules[i].driver);
                        return 0;
                }
        if (g_strv_contains(native_modules, module)) {
                drv_load(sim, module);
                return 0;
        }
        return g_str_equal(module, "vfio") || g_str_equal(module, "vfio_iommu_type1") ? 0 : -ENOENT;
}

/* FLR: the PF forgets an address that it did not give itself (igb_vf_reset_event). */
void drv_flr(Fn *fn) {
        if (fn->pf && fn->card->own_mac && !fn->pf->vf[fn->index].admin_mac)
                memset(fn->pf->vf[fn->index].state.mac, 0, 6);
}

/* --- binding -------------------------------------------------------------------------------------------------- */

static bool group_is_held(Sim *sim, const Fn *fn) {
        for (unsigned i = 0; fn->group >= 0 && i < sim->fns->len; i++) {
                const Fn *other = sim->fns->pdata[i];
                if (other->group == fn->group && other->holder)
                        return true;
        }
        return false;
}

static void random_mac(Sim *sim, uint8_t mac[6]) {
        uint32_t n = ++sim->next_mac;
        const uint8_t bytes[6] = {0xfe, 0x51, 0x4d, (uint8_t) (n >> 16), (uint8_t) (n >> 8), (uint8_t) n};
        memcpy(mac, bytes, 6);
}

static void start_net(Sim *sim, Fn *fn) {
        uint8_t mac[6] = {0x02, 0, 0, 0, fn->addr.bus, 0x01};
        if (!fn->pf) {
                g_autofree char *name = g_strdup_printf("enp%us0", fn->addr.bus);
                pci_add_net(sim, fn, name, mac);
                return;
        }
        Vf *vf = &fn->pf->vf[fn->index];
        static const uint8_t zero[6];
        g_autofree char *name = g_strdup_printf("%sv%u", fn->pf->net ? fn->pf->net : "eth", fn->index);
        if (memcmp(vf->state.mac, zero, 6) == 0)
                random_mac(sim, mac);
        else
                memcpy(mac, vf->state.mac, 6);
        /* igbvf and ixgbevf tell the PF their address through its mailbox, which works while the PF is up. */
        if (fn->card->own_mac && fn->pf->up)
                memcpy(vf->state.mac, mac, 6);
        pci_add_net(sim, fn, name, mac);
}

int drv_bind(Sim *sim, Fn *fn, Driver *driver) {
        if (fn->driver)
                return -EBUSY;
        /* pci_dma_configure: field-facts 20 */
        if (!driver->managed && group_is_held(sim, fn))
                return -EBUSY;
        /* pci_device_can_probe: field-facts 4. Positive errors do not end a probe of all drivers (dd.c). */
        if (fn->pf && !fn->pf->autoprobe && !fn->override)
                return ENODEV;
        if (driver->vfio && fn->vfs && fn->vfs->len)
                return EBUSY;
        /* Its DMA would end in Xen's IOMMU. */
        if (fn->domain && !driver->pciback)
                sim_disturb(sim, "%s was bound to %s while Xen keeps its DMA from dom0 (%s)", driver->name, fn->name,
                            xen_in_use(fn) ? "a guest has it" : "quarantine");
        if (driver->pciback) {
                drv_flr(fn); /* pcistub_init_device */
                xen_put_slot(sim, fn->name, true);
        }
        fn->driver = driver;
        g_autofree char *link = g_strdup_printf("sys/bus/pci/drivers/%s/%s", driver->name, fn->name);
        g_autofree char *target = g_strdup_printf("../../../../%s", fn->path + strlen("sys/"));
        io_tree_put_link(sim->tree, link, target);
        if (driver->vfio && fn->group >= 0) {
                g_autofree char *node = g_strdup_printf("dev/vfio/%d", fn->group);
                io_tree_put_text(sim->tree, node, "");
        }
        if (fn->native && g_str_equal(driver->name, fn->native)) {
                if (fn->card)
                        start_net(sim, fn);
                else if (fn->home_net)
                        pci_add_net(sim, fn, fn->home_net, fn->home_mac);
        }
        pci_render(sim, fn);
        return 0;
}

int drv_probe(Sim *sim, Fn *fn) {
        for (unsigned i = 0; !fn->driver && i < sim->drivers->len; i++) {
                Driver *driver = sim->drivers->pdata[i];
                int r = drv_match(sim, driver, fn) ? drv_bind(sim, fn, driver) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

static void remove_vfs(Sim *sim, Fn *pf) {
        while (pf->vfs && pf->vfs->len) {
                Fn *vf = pf->vfs->pdata[0];
                drv_unbind(sim, vf);
                pci_remove(sim, vf);
        }
        if (pf->vf)
                memset(pf->vf, 0, sizeof(Vf) * pf->card->total);
        pci_render(sim, pf);
}

void drv_unbind(Sim *sim, Fn *fn) {
        if (!fn->driver)
                return;
        /* The kernel would wait for the user without end, and ask QEMU to pull the NIC (field-facts 5). */
        if (fn->holder) {
                sim_disturb(sim, "%s was taken from process %d, which used it", fn->name, fn->holder);
                mon_pulled(sim, fn);
                drv_close(sim, fn);
        }
        if (xen_in_use(fn))
                sim_disturb(sim, "%s was taken from domain %u, which used it", fn->name, fn->domain);
        if (fn->driver->pciback)
                drv_flr(fn); /* pcistub_device_release */
        if (fn->vfs && fn->vfs->len)
                remove_vfs(sim, fn);
        g_autofree char *link = g_strdup_printf("sys/bus/pci/drivers/%s/%s", fn->driver->name, fn->name);
        io_tree_remove(sim->tree, link);
        if (fn->driver->vfio && fn->group >= 0) {
                bool last = true;
                for (unsigned i = 0; i < sim->fns->len; i++) {
                        const Fn *other = sim->fns->pdata[i];
                        last &= other == fn || other->group != fn->group || !other->driver || !other->driver->vfio;
                }
                g_autofree char *node = g_strdup_printf("dev/vfio/%d", fn->group);
                if (last)
                        io_tree_remove(sim->tree, node);
        }
        pci_remove_net(sim, fn);
        fn->driver = NULL;
        pci_render(sim, fn);
}

/* --- opening through VFIO ------------------------------------------------------------------------------------- */

void drv_reset(Sim *sim, Fn *fn) {
        fn->resets++;
        if (fn->holder)
                sim_disturb(sim, "%s was reset under process %d", fn->name, fn->holder);
        if (xen_in_use(fn))
                sim_disturb(sim, "%s was reset under domain %u", fn->name, fn->domain);
        for (unsigned i = 0; fn->vfs && i < fn->vfs->len; i++) {
                const Fn *vf = fn->vfs->pdata[i];
                if (vf->holder)
                        sim_disturb(sim, "%s was reset under process %d on VF %s", fn->name, vf->holder, vf->name);
                if (xen_in_use(vf))
                        sim_disturb(sim, "%s was reset under domain %u on VF %s", fn->name, vf->domain, vf->name);
        }
        drv_flr(fn);
}

int drv_open(Sim *sim, Fn *fn, int pid) {
        if (!fn->driver || !fn->driver->vfio || !fn->driver->managed || fn->group < 0)
                return -ENOENT; /* no /dev/vfio/GROUP */
        if (sim->options & SIM_NO_REMAP)
                return -EPERM;
        if (fn->holder && fn->holder != pid)
                return -EBUSY;
        for (unsigned i = 0; i < sim->fns->len; i++) {
                const Fn *other = sim->fns->pdata[i];
                if (other->group == fn->group && other->driver && !other->driver->managed)
                        return -EBUSY;
                if (other->group == fn->group && other->holder && other->holder != pid)
                        return -EBUSY;
        }
        fn->holder = pid;
        drv_flr(fn);
        proc_render_fds(sim, pid);
        return 0;
}

void drv_close(Sim *sim, Fn *fn) {
        int pid = fn->holder;
        fn->holder = 0;
        drv_flr(fn);
        proc_render_fds(sim, pid);
}

/* --- writes --------------------------------------------------------------------------------------------------- */

/* kstrtou16 with base 0: a newline may follow, nothing else. */
static bool kstrtou16(const char *text, unsigned *ret) {
        g_autofree char *bare = g_strdup(text);
        size_t length = strlen(bare);
        if (length && bare[length - 1] == '\n')
                bare[length - 1] = '\0';
        const char *digits = *bare == '+' ? bare + 1 : bare;
        char *end;
        if (!g_ascii_isdigit(*digits))
                return false;
        guint64 value = g_ascii_strtoull(digits, &end, 0);
        if (*end || value > 0xffff)
                return false;
        *ret = (unsigned) value;
        return true;
}

static void new_state(const Card *card, Vf *vf) {
        *vf = (Vf) {.state = {.known = VF_ALL, .proto = VLAN_PROTO_8021Q, .spoofchk = true}, .busy = card->busy};
}

static int write_numvfs(Sim *sim, Fn *pf, const char *text) {
        unsigned n;
        if (!pf->vfs)
                return -ENOENT;
        if (!kstrtou16(text, &n))
                return -EINVAL;
        if (n > pf->card->total)
                return -ERANGE;
        if (n == pf->vfs->len)
                return 0;
        if (!pf->driver || !g_str_equal(pf->driver->name, pf->card->driver))
                return -ENOENT;
        if (n == 0) {
                /* pci_vfs_assigned(): of all stubs only pciback says so, of what is bound to it; mlx5 does not ask. */
                for (unsigned i = 0; !g_str_equal(pf->card->driver, "mlx5_core") && i < pf->vfs->len; i++) {
                        const Fn *vf = pf->vfs->pdata[i];
                        if (vf->driver && vf->driver->pciback)
                                return -EPERM;
                }
                remove_vfs(sim, pf);
                return 0;
        }
        if (pf->vfs->len)
                return -EBUSY;
        if (pf->card->enable_needs_up && !pf->up)
                return 0; /* and the kernel's log says "%d VFs requested; only 0 enabled" */
        for (unsigned i = 0; i < n; i++) {
                new_state(pf->card, &pf->vf[i]);
                Fn *vf = pci_add_vf(sim, pf, i);
                if (!(sim->options & SIM_LATE_UDEV))
                        drv_load(sim, pf->card->vf_driver); /* udev, by the modalias */
                drv_probe(sim, vf);
        }
        sim->late_module = sim->options & SIM_LATE_UDEV ? pf->card->vf_driver : NULL;
        sim->late_writes = LATE_WRITES;
        pci_render(sim, pf);
        return 0;
}

static int write_autoprobe(Sim *sim, Fn *pf, const char *text) {
        if (!pf->vfs)
                return -ENOENT;
        /* kstrtobool: y Y t T 1 n N f F 0, on, off */
        if (strchr("yYtT1", text[0]) && text[0])
                pf->autoprobe = true;
        else if (strchr("nNfF0", text[0]) && text[0])
                pf->autoprobe = false;
        else if (g_ascii_strncasecmp(text, "on", 2) == 0)
                pf->autoprobe = true;
        else if (g_ascii_strncasecmp(text, "of", 2) == 0)
                pf->autoprobe = false;
        else
                return -EINVAL;
        pci_render(sim, pf);
        return 0;
}

static int write_override(Sim *sim, Fn *fn, const char *text) {
        if (strlen(text) >= 4095)
                return -EINVAL;
        g_free(fn->override);
        fn->override = g_strndup(text, strcspn(text, "\n"));
        if (!*fn->override)
                g_clear_pointer(&fn->override, g_free);
        pci_render(sim, fn);
        return 0;
}

static int write_reset(Sim *sim, Fn *fn, const char *text) {
        unsigned value;
        if (!kstrtou16(text, &value) || value != 1)
                return -EINVAL;
        drv_reset(sim, fn);
        return 0;
}

static int write_driver(Sim *sim, const char *name, const char *verb, const char *text) {
        Driver *driver = drv_find(sim, name);
        Fn *fn = pci_find(sim, text);
        if (!driver)
                return -ENOENT;
        if (g_str_equal(verb, "unbind")) {
                if (!fn || fn->driver != driver)
                        return -ENODEV;
                bool held = fn->holder != 0;
                drv_unbind(sim, fn);
                return held ? -ETIMEDOUT : 0;
        }
        if (driver->pciback && (g_str_equal(verb, "new_slot") || g_str_equal(verb, "remove_slot"))) {
                xen_put_slot(sim, text, g_str_equal(verb, "new_slot"));
                return 0;
        }
        if (!g_str_equal(verb, "bind"))
                return -EINVAL; /* new_id and remove_id have no place here: field-facts 21 */
        if (!fn || !drv_match(sim, driver, fn))
                return -ENODEV;
        int r = drv_bind(sim, fn, driver);
        return r > 0 ? -r : r;
}

static int write_probe(Sim *sim, const char *text) {
        Fn *fn = pci_find(sim, text);
        if (!fn)
                return -ENODEV;
        return drv_probe(sim, fn) < 0 ? -EINVAL : 0; /* drivers_probe_store */
}

static int write_attribute(Sim *sim, Fn *fn, const char *attribute, const char *text) {
        static const struct {
                const char *name;
                int (*write)(Sim *sim, Fn *fn, const char *text);
        } attributes[] = {{"sriov_numvfs", write_numvfs}, {"sriov_drivers_autoprobe", write_autoprobe},
                          {"driver_override", write_override}, {"reset", write_reset}};
        for (unsigned i = 0; i < G_N_ELEMENTS(attributes); i++)
                if (g_str_equal(attributes[i].name, attribute))
                        return attributes[i].write(sim, fn, text);
        if (g_str_has_prefix(attribute, "driver/"))
                return fn->driver ? write_driver(sim, fn->driver->name, attribute + strlen("driver/"), text) : -ENOENT;
        g_autofree char *path = g_strdup_printf("%s/%s", fn->path, attribute);
        return io_tree_has(sim->tree, path) ? -EACCES : -ENOENT;
}

static int write_path(Sim *sim, const char *path, const char *text) {
        g_auto(GStrv) words = g_strsplit(path, "/", -1);
        unsigned n = g_strv_length(words);

        /* write(2) of nothing reaches no attribute. */
        if (!*text)
                return 0;
        if (g_str_equal(path, "sys/bus/pci/drivers_probe"))
                return write_probe(sim, text);
        if (n == 6 && g_str_has_prefix(path, "sys/bus/pci/drivers/"))
                return write_driver(sim, words[4], words[5], text);
        if (n >= 6 && g_str_has_prefix(path, "sys/bus/pci/devices/")) {
                Fn *fn = pci_find(sim, words[4]);
                g_autofree char *attribute = g_strjoinv("/", words + 5);
                return fn ? write_attribute(sim, fn, attribute, text) : -ENOENT;
        }
        if (n >= 6 && g_str_has_prefix(path, "sys/class/net/") && g_str_equal(words[4], "device"))
                for (unsigned i = 0; i < sim->fns->len; i++) {
                        Fn *fn = sim->fns->pdata[i];
                        g_autofree char *attribute = g_strjoinv("/", words + 5);
                        if (g_strcmp0(fn->net, words[3]) == 0)
                                return write_attribute(sim, fn, attribute, text);
                }
        return io_tree_has(sim->tree, path) ? -EACCES : -ENOENT;
}

int drv_write(Sim *sim, const char *path, const char *text) {
        if (sim->late_module && --sim->late_writes == 0)
                drv_load(sim, g_steal_pointer(&sim->late_module));
        return write_path(sim, path, text);
}
