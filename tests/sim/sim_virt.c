/* The simulated libvirt's guests: starting and ending, devices prepared, plugged, given back (virHostdevPreparePCIDevicesImpl,
 * virHostdevReAttachPCIDevicesImpl), and definitions. */
#include "base/text.h"
#include "sim_virt_priv.h"

#include <string.h>

enum { SLOW_MS = 60 };

/* --- finding -------------------------------------------------------------------------------------------------- */

static void guest_done(void *data) {
        VirtGuest *guest = data;
        g_free(guest->name);
        g_free(guest->uuid);
        g_ptr_array_unref(guest->devices);
        g_ptr_array_unref(guest->defined);
        g_free(guest);
}

static Virt *virt_of(Sim *sim) {
        if (!sim->virt) {
                sim->virt = g_new0(Virt, 1);
                sim->virt->daemon = VIRT_UP;
                sim->virt->guests = g_ptr_array_new_with_free_func(guest_done);
                sim->virt->networks = g_ptr_array_new_with_free_func((GDestroyNotify) virt_network_free);
        }
        return sim->virt;
}

void virt_free(Virt *virt) {
        if (!virt)
                return;
        g_ptr_array_unref(virt->guests);
        g_ptr_array_unref(virt->networks);
        g_free(virt);
}

VirtGuest *virt_guest(Sim *sim, const char *name) {
        for (unsigned i = 0; sim->virt && i < sim->virt->guests->len; i++)
                if (g_str_equal(((VirtGuest *) sim->virt->guests->pdata[i])->name, name))
                        return sim->virt->guests->pdata[i];
        return NULL;
}

static bool same_dev(const VirtDev *a, const VirtDev *b) {
        if (b->has_host)
                return a->has_host && pci_addr_equal(a->host, b->host);
        return g_strcmp0(a->network, b->network) == 0 && memcmp(a->want.mac, b->want.mac, sizeof a->want.mac) == 0;
}

VirtDev *virt_dev(GPtrArray *devices, const char *xml) {
        VirtDev *asked = virt_dev_parse(xml), *found = NULL;
        for (unsigned i = 0; i < devices->len && !found; i++)
                if (same_dev(devices->pdata[i], asked))
                        found = devices->pdata[i];
        virt_dev_free(asked);
        return found;
}

char *virt_dev_id(const VirtDev *dev) {
        if (dev->alias && g_str_has_prefix(dev->alias, "ua-vfadm-") && dev->has_host)
                return g_strdup_printf("vfadm-%04x-%02x-%02x.%x", dev->host.domain, dev->host.bus, dev->host.slot, dev->host.function);
        return dev->alias ? g_strdup(dev->alias) : g_strdup_printf("hostdev%u", dev->bus);
}

static Fn *fn_of(Sim *sim, const VirtDev *dev) {
        char name[PCI_ADDR_TEXT_SIZE];
        pci_addr_format(dev->host, name);
        return pci_find(sim, name);
}

/* --- a device on its way into a guest, and back --------------------------------------------------------------- */

static void put(Sim *sim, const Fn *fn, const char *file, const char *text) {
        g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/%s/%s", fn->name, file);
        drv_write(sim, path, text);
}

/* virPCIDeviceBindWithDriverOverride: nobody looks whether a driver came. */
static void rebind(Sim *sim, Fn *fn, const char *override) {
        put(sim, fn, "driver_override", override);
        if (fn->driver)
                put(sim, fn, "driver/unbind", fn->name);
        drv_write(sim, "sys/bus/pci/drivers_probe", fn->name);
}

static const VirtGuest *user_of(Sim *sim, const VirtDev *dev) {
        for (unsigned i = 0; i < sim->virt->guests->len; i++) {
                const VirtGuest *guest = sim->virt->guests->pdata[i];
                for (unsigned d = 0; d < guest->devices->len; d++)
                        if (guest->devices->pdata[d] != dev && same_dev(guest->devices->pdata[d], dev))
                                return guest;
        }
        return NULL;
}

/* virNetDevSaveNetConfig: the MAC that the VF's own network device has counts, where there is one. */
static char *save_config(VirtDev *dev, const Fn *fn) {
        if (!fn->pf)
                return g_strdup("Interface type hostdev is currently supported on SR-IOV Virtual Functions only");
        if (!fn->pf->up)
                return g_strdup_printf("Unable to configure VF %u of PF '%s' because the PF is not online", fn->index, fn->pf->net);
        dev->saved = fn->pf->vf[fn->index].state;
        if (fn->net)
                memcpy(dev->saved.mac, fn->mac, sizeof fn->mac);
        dev->has_saved = true;
        return NULL;
}

/* virHostdevReattachAllPCIDevices, after virHostdevRestoreNetConfig: an 802.1Q tag is all that it knows of a VLAN. */
static void give_back(Sim *sim, VirtDev *dev) {
        Fn *fn = fn_of(sim, dev);
        if (!fn)
                return;
        if (dev->has_saved && fn->pf) {
                net_vf_mac(sim, fn->pf, fn->index, dev->saved.mac);
                net_vf_vlan(sim, fn->pf, fn->index, dev->saved.vlan, 0, VLAN_PROTO_8021Q);
        }
        if (dev->bound)
                rebind(sim, fn, "\n");
        dev->has_saved = dev->bound = false;
}

static char *prepare(Sim *sim, VirtDev *dev) {
        Fn *fn = fn_of(sim, dev);
        const VirtGuest *user = user_of(sim, dev);
        char *problem = NULL;

        if (!fn)
                return g_strdup("device not found: could not access /sys/bus/pci/devices: No such file or directory");
        if (user)
                return g_strdup_printf("PCI device %s is in use by driver QEMU, domain %s", fn->name, user->name);
        if (dev->interface && (problem = save_config(dev, fn)))
                return problem;
        bool stub = fn->driver && fn->driver->vfio;
        if (!dev->managed && !stub)
                return g_strdup_printf("Unmanaged PCI device %s must be manually detached from the host", fn->name);
        if (dev->managed && !stub) {
                bool variant = fn->card && g_str_equal(fn->card->driver, "mlx5_core");
                drv_module(sim, variant ? "mlx5_vfio_pci" : "vfio_pci");
                rebind(sim, fn, variant ? "mlx5_vfio_pci" : "vfio-pci");
                dev->bound = true;
        }
        /* With no <vlan> the tag 0 is written (virNetDevSetVfVlan). */
        if (dev->interface && (net_vf_mac(sim, fn->pf, fn->index, dev->want.mac) < 0 ||
                               net_vf_vlan(sim, fn->pf, fn->index, dev->want.known & VF_VLAN ? dev->want.vlan : 0, 0, VLAN_PROTO_8021Q) < 0))
                problem = g_strdup_printf("Cannot set interface MAC/vlanid for ifname %s vf %u", fn->pf->net, fn->index);
        return problem;
}

static void release(Sim *sim, const VirtGuest *guest, VirtDev *dev) {
        Fn *fn = fn_of(sim, dev);
        VirtNetwork *network = dev->network ? virt_network(sim, dev->network) : NULL;

        if (fn && guest->pid && fn->holder == guest->pid)
                drv_close(sim, fn);
        give_back(sim, dev);
        if (network)
                virt_give_back(network, dev->host);
}

static unsigned free_port(const GPtrArray *devices, unsigned ports) {
        for (unsigned bus = 1; bus <= ports; bus++) {
                bool taken = false;
                for (unsigned i = 0; i < devices->len; i++)
                        taken |= ((const VirtDev *) devices->pdata[i])->bus == bus;
                if (!taken)
                        return bus;
        }
        return 0;
}

static char *choose_function(Sim *sim, const VirtGuest *guest, VirtDev *dev) {
        if (!dev->network)
                return NULL;
        VirtNetwork *network = virt_network(sim, dev->network);
        if (!network || !network->active)
                return g_strdup_printf("network '%s' is not active", dev->network);
        if (!virt_give_out(network, guest->name, &dev->host))
                return g_strdup_printf("network '%s' requires exclusive access to interfaces, but none are available", dev->network);
        dev->has_host = true;
        dev->managed = network->now->managed;
        return NULL;
}

/* Takes `dev` over. */
static char *plug(Sim *sim, VirtGuest *guest, VirtDev *dev, bool badly) {
        unsigned bus = dev->bus ? dev->bus : free_port(guest->devices, guest->now_ports);
        char *problem = bus ? choose_function(sim, guest, dev) : g_strdup("No more available PCI slots");

        if (bus)
                virt_dev_place(dev, bus);
        if (!problem && dev->has_host) {
                problem = prepare(sim, dev);
                Fn *fn = fn_of(sim, dev);
                if (!problem && (badly || guest->manners == GUEST_NO_PLUG || drv_open(sim, fn, guest->pid) < 0))
                        problem = g_strdup("internal error: unable to execute QEMU command 'device_add': vfio: failed to open the device");
        }
        if (!problem) {
                g_ptr_array_add(guest->devices, dev);
                return NULL;
        }
        if (dev->has_host)
                release(sim, guest, dev);
        virt_dev_free(dev);
        return problem;
}

/* --- calls ---------------------------------------------------------------------------------------------------- */

static char *call_attach(Sim *sim, VirtGuest *guest, const char *arg) {
        return guest->pid ? plug(sim, guest, virt_dev_parse(arg), false) : g_strdup("domain is not running");
}

static char *call_attach_badly(Sim *sim, VirtGuest *guest, const char *arg) {
        return guest->pid ? plug(sim, guest, virt_dev_parse(arg), true) : g_strdup("domain is not running");
}

static char *call_ask(Sim *sim, VirtGuest *guest, const char *arg) {
        VirtDev *dev = virt_dev(guest->devices, arg);
        if (!dev)
                return g_strdup("device not found: no matching device");
        if (dev->leaving)
                return g_strdup("device is already in the process of unplug");
        if (guest->manners == GUEST_REFUSES)
                return g_strdup("the guest rejected the unplug request");
        dev->leaving = true;
        dev->leaves_at = guest->manners == GUEST_SLOW ? sim_now(sim) + SLOW_MS * 1000 : 0;
        return NULL;
}

static char *call_left(Sim *sim, VirtGuest *guest, const char *arg) {
        VirtDev *dev = virt_dev(guest->devices, arg);
        if (!dev)
                return NULL;
        release(sim, guest, dev);
        g_ptr_array_remove(guest->devices, dev);
        return NULL;
}

static char *call_define(Sim *sim, VirtGuest *guest, const char *arg) {
        if (!guest->persistent)
                return g_strdup("transient domains do not have any persistent config");
        if (virt_dev(guest->defined, arg))
                return g_strdup("device is already in the domain configuration");
        VirtDev *dev = virt_dev_parse(arg);
        unsigned bus = free_port(guest->defined, guest->ports);
        if (!bus && !dev->bus)
                bus = ++guest->ports; /* a pcie-root-port more, which stays */
        virt_dev_place(dev, bus);
        g_ptr_array_add(guest->defined, dev);
        return NULL;
}

static char *call_forget(Sim *sim, VirtGuest *guest, const char *arg) {
        VirtDev *dev = virt_dev(guest->defined, arg);
        if (!dev)
                return g_strdup("device not found: no matching device");
        g_ptr_array_remove(guest->defined, dev);
        return NULL;
}

static void end_guest(Sim *sim, VirtGuest *guest) {
        g_autofree char *pid_file = g_strdup_printf("run/libvirt/qemu/%s.pid", guest->name);
        sim_end_process(sim, guest->pid);
        guest->pid = 0;
        for (unsigned i = 0; i < guest->devices->len; i++)
                release(sim, guest, guest->devices->pdata[i]);
        g_ptr_array_set_size(guest->devices, 0);
        io_tree_remove(sim->tree, pid_file);
        if (!guest->persistent)
                g_ptr_array_remove(sim->virt->guests, guest);
}

static char *call_start(Sim *sim, VirtGuest *guest, const char *arg) {
        g_autofree char *name = g_strdup_printf("guest=%s,debug-threads=on", guest->name);
        g_autofree char *monitor = g_strdup_printf("socket,id=charmonitor,path=/var/lib/libvirt/qemu/domain-1-%s/monitor.sock", guest->name);
        g_autofree char *pid_file = g_strdup_printf("run/libvirt/qemu/%s.pid", guest->name);
        char *argv[] = {(char *) "/usr/bin/qemu-system-x86_64", (char *) "-name", name, (char *) "-uuid", guest->uuid, (char *) "-m", (char *) "size=262144k",
                        (char *) "-chardev", monitor, (char *) "-mon", (char *) "chardev=charmonitor,id=monitor,mode=control", NULL};
        char *problem = NULL;

        if (guest->pid)
                return g_strdup("domain is already running");
        guest->pid = proc_add(sim, "qemu-system-x86", 1, argv)->pid;
        guest->now_ports = guest->ports;
        tree_printf(sim, pid_file, "%d", guest->pid);
        for (unsigned i = 0; i < guest->defined->len && !problem; i++)
                problem = plug(sim, guest, virt_dev_parse(((const VirtDev *) guest->defined->pdata[i])->xml), false);
        if (problem)
                end_guest(sim, guest);
        return problem;
}

static char *call_destroy(Sim *sim, VirtGuest *guest, const char *arg) {
        if (!guest->pid)
                return g_strdup("domain is not running");
        end_guest(sim, guest);
        return NULL;
}

static char *call_undefine(Sim *sim, VirtGuest *guest, const char *arg) {
        guest->persistent = false;
        g_ptr_array_set_size(guest->defined, 0);
        if (!guest->pid)
                g_ptr_array_remove(sim->virt->guests, guest);
        return NULL;
}

static char *call_rename(Sim *sim, VirtGuest *guest, const char *arg) {
        if (guest->pid)
                return g_strdup("cannot rename an active domain");
        g_free(guest->name);
        guest->name = g_strdup(arg);
        return NULL;
}

char *virt_call(Sim *sim, const char *call, const char *name, const char *arg) {
        static const struct {
                const char *call;
                char *(*run)(Sim *sim, VirtGuest *guest, const char *arg);
        } calls[] = {
                {"start", call_start},   {"destroy", call_destroy}, {"undefine", call_undefine}, {"rename", call_rename}, {"attach", call_attach},
                {"attach badly", call_attach_badly}, {"ask", call_ask}, {"left", call_left}, {"define", call_define}, {"forget", call_forget},
        };
        g_autofree char *head = g_strdup_printf("%s\n%s", call, name);

        sim_log(sim, 0, "V", head, strlen(head), arg, arg ? strlen(arg) : 0);
        if (g_str_has_prefix(call, "net-"))
                return virt_net_call(sim, call, name, arg);
        VirtGuest *guest = virt_guest(sim, name);
        for (unsigned i = 0; guest && i < G_N_ELEMENTS(calls); i++)
                if (g_str_equal(calls[i].call, call))
                        return calls[i].run(sim, guest, arg);
        return g_strdup_printf("Domain not found: no domain with matching name '%s'", name);
}

void virt_replay(Sim *sim, const char *call, const char *arg) {
        g_auto(GStrv) words = g_strsplit(call, "\n", 2);
        g_free(virt_call(sim, words[0], words[1], arg));
}

void virt_settle(Sim *sim) {
        for (unsigned i = 0; sim->virt && sim->virt->daemon == VIRT_UP && i < sim->virt->guests->len; i++) {
                const VirtGuest *guest = sim->virt->guests->pdata[i];
                for (unsigned d = guest->devices->len; d-- > 0;) {
                        const VirtDev *dev = guest->devices->pdata[d];
                        if (!dev->leaving || dev->leaves_at > sim_now(sim) || guest->manners == GUEST_KEEPS)
                                continue;
                        g_autofree char *xml = g_strdup(dev->xml);
                        g_free(virt_call(sim, "left", guest->name, xml));
                }
        }
}

void virt_count(Sim *sim) {
        if (sim->virt && sim->virt->down_at && sim->count >= sim->virt->down_at)
                sim->virt->daemon = VIRT_DOWN;
}

/* --- for stories ---------------------------------------------------------------------------------------------- */

void sim_virt_daemon(Sim *sim, VirtDaemon daemon) {
        virt_of(sim)->daemon = daemon;
        virt_settle(sim);
}

void sim_virt_down_at(Sim *sim, unsigned n) {
        virt_of(sim)->down_at = n;
}

void sim_virt_add_guest(Sim *sim, const char *name, unsigned ports, bool running, GuestManners manners) {
        Virt *virt = virt_of(sim);
        VirtGuest *guest = g_new0(VirtGuest, 1);

        *guest = (VirtGuest) {.name = g_strdup(name), .ports = ports, .persistent = true, .manners = manners};
        guest->uuid = g_strdup_printf("6a1d7e5c-0000-4000-8000-%012u", ++virt->uuids);
        guest->devices = g_ptr_array_new_with_free_func((GDestroyNotify) virt_dev_free);
        guest->defined = g_ptr_array_new_with_free_func((GDestroyNotify) virt_dev_free);
        g_ptr_array_add(virt->guests, guest);
        if (running)
                g_free(call_start(sim, guest, NULL));
}

void sim_virt_manners(Sim *sim, const char *name, GuestManners manners) {
        virt_guest(sim, name)->manners = manners;
}

int sim_virt_pid(Sim *sim, const char *name) {
        return virt_guest(sim, name)->pid;
}

char *sim_virsh(Sim *sim, const char *call, const char *name, const char *arg) {
        g_rec_mutex_lock(&sim->mutex);
        virt_of(sim);
        bool detach = g_str_equal(call, "detach");
        char *problem = virt_call(sim, detach ? "ask" : call, name, arg);
        virt_settle(sim);
        g_rec_mutex_unlock(&sim->mutex);
        return problem;
}

/* --- the dump ------------------------------------------------------------------------------------------------- */

static int compare_text(gconstpointer a, gconstpointer b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* In an order of their own: which one was plugged first is nothing that anybody notices. */
static void dump_devices(const GPtrArray *devices, const char *word, GString *text) {
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
        for (unsigned i = 0; i < devices->len; i++) {
                const VirtDev *dev = devices->pdata[i];
                g_autofree char *xml = g_strdelimit(g_strdup(dev->xml), "\n", ' ');
                char host[PCI_ADDR_TEXT_SIZE];
                pci_addr_format(dev->host, host);
                g_ptr_array_add(lines, g_strdup_printf("  %s %s on pci.%u%s %s\n", word, dev->has_host ? host : dev->network, dev->bus,
                                                       dev->leaving ? " leaving" : "", xml));
        }
        g_ptr_array_sort(lines, compare_text);
        for (unsigned i = 0; i < lines->len; i++)
                g_string_append(text, lines->pdata[i]);
}

static void dump_files(Sim *sim, const char *folder, GString *text) {
        g_auto(GStrv) names = NULL;
        if (io_tree_list(sim->tree, folder, &names) < 0)
                return;
        for (char **name = names; *name; name++) {
                g_autofree char *path = g_strdup_printf("%s/%s", folder, *name);
                g_autoptr(GBytes) bytes = NULL;
                if (io_tree_read(sim->tree, path, &bytes) == 0)
                        g_string_append_printf(text, "/%s is\n%.*s\n", path, (int) g_bytes_get_size(bytes), (const char *) g_bytes_get_data(bytes, NULL));
        }
}

void virt_dump(Sim *sim, GString *text) {
        if (!sim->virt)
                return;
        for (unsigned i = 0; i < sim->virt->guests->len; i++) {
                const VirtGuest *guest = sim->virt->guests->pdata[i];
                g_string_append_printf(text, "libvirt %s %s%s\n", guest->name, guest->pid ? "runs" : "is off", guest->persistent ? "" : " transient");
                dump_devices(guest->devices, "has", text);
                dump_devices(guest->defined, "defined", text);
        }
        for (unsigned i = 0; i < sim->virt->networks->len; i++)
                virt_network_dump(sim->virt->networks->pdata[i], text);
        dump_files(sim, "etc/vfadm", text);
        dump_files(sim, "run/vfadm/pools", text);
}
