/* The simulated libvirt as vfadm sees it: the backend and service of guest/guest.h. */
#include "base/error.h"
#include "sim_modules.h"
#include "sim_virt_priv.h"

#include <string.h>

enum { LOOK_MS = 20 };

static Sim *sim_of(Io *io) {
        return ((SimIo *) io)->sim;
}

static bool there(Sim *sim, GError **error) {
        if (!sim->virt || sim->virt->daemon == VIRT_NONE) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "libvirt does not run here");
                return false;
        }
        if (sim->virt->daemon == VIRT_UP)
                return true;
        g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_FAILED, "libvirt cannot be reached: Connection refused");
        return false;
}

static bool complain(GError **error, int code, const char *name, const char *problem) {
        g_set_error(error, VFADM_ERROR, code, "libvirt:%s: libvirt says: %s", name, problem);
        return false;
}

/* One call that changes something. When the daemon goes down with it, it has been done and nobody is told. */
static bool change(Io *io, const char *call, const char *name, const char *arg, GError **error) {
        Sim *sim = sim_of(io);
        g_autofree char *what = g_strdup_printf("libvirt %s %s", call, name);
        g_autofree char *problem = NULL;

        g_rec_mutex_lock(&sim->mutex);
        bool ok = there(sim, error);
        if (ok) {
                bool fails = sim_point(sim, what) < 0;
                if (fails && !g_str_equal(call, "attach"))
                        problem = g_strdup("internal error: client socket is closed");
                else
                        problem = virt_call(sim, fails ? "attach badly" : call, name, arg);
                ok = problem ? complain(error, VFADM_ERROR_FAILED, name, problem) : there(sim, error);
        }
        g_rec_mutex_unlock(&sim->mutex);
        return ok;
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static void tell_device(GuestDevice *to, const VirtDev *dev) {
        to->host = dev->host;
        to->has_host = dev->has_host;
        to->leaving = dev->leaving;
        to->interface = dev->interface;
        to->managed = dev->managed;
        to->network = g_strdup(dev->network);
        to->vf = dev->want;
        to->xml = g_strdup(dev->xml);
}

static void tell_slots(const VirtGuest *guest, GuestInfo *info) {
        for (unsigned bus = 1; guest->pid && bus <= guest->now_ports; bus++) {
                g_autofree char *name = g_strdup_printf("pci.%u", bus);
                bool taken = false;
                for (unsigned i = 0; i < guest->devices->len; i++)
                        taken |= ((const VirtDev *) guest->devices->pdata[i])->bus == bus;
                guest_info_add_slot(info, name, !taken, true);
        }
}

static GuestInfo *tell_guest(Io *io, const VirtGuest *guest) {
        GuestInfo *info = guest_info_new("libvirt", guest->name);

        info->uuid = g_strdup(guest->uuid);
        info->pid = guest->pid;
        if (guest->pid)
                io_process_start(io, guest->pid, &info->pid_start);
        info->running = guest->pid != 0;
        info->status = g_strdup(guest->pid ? "running" : "shut off");
        info->by_libvirt = true;
        info->asked = true;
        info->ram = (uint64_t) 256 << 20;
        info->memlock_limit = UINT64_MAX;
        info->machine = g_strdup("pc-q35-10.0");
        info->numa_node = -1;
        info->has_definition = guest->persistent;
        tell_slots(guest, info);
        for (unsigned i = 0; i < guest->devices->len; i++) {
                g_autofree char *id = virt_dev_id(guest->devices->pdata[i]);
                tell_device(guest_info_add_device(info, id), guest->devices->pdata[i]);
        }
        for (unsigned i = 0; i < guest->defined->len; i++) {
                g_autofree char *id = virt_dev_id(guest->defined->pdata[i]);
                tell_device(guest_info_add_defined(info, id), guest->defined->pdata[i]);
        }
        return info;
}

static GuestInfo *read_any(Io *io, const char *name, GError **error) {
        Sim *sim = sim_of(io);
        GuestInfo *info = NULL;

        g_rec_mutex_lock(&sim->mutex);
        if (there(sim, error)) {
                virt_settle(sim);
                const VirtGuest *guest = virt_guest(sim, name);
                if (guest)
                        info = tell_guest(io, guest);
                else
                        complain(error, VFADM_ERROR_NOT_FOUND, name, "Domain not found");
        }
        g_rec_mutex_unlock(&sim->mutex);
        return info;
}

static GuestInfo *read_running(Io *io, const char *name, GError **error) {
        g_autoptr(GuestInfo) info = read_any(io, name, error);

        if (info && !info->running) {
                complain(error, VFADM_ERROR_NOT_FOUND, name, "domain is not running");
                return NULL;
        }
        return g_steal_pointer(&info);
}

static void examine_all(Io *io, GPtrArray *guests, GPtrArray *notes) {
}

static HostdevNetwork *tell_network(const VirtNetwork *network) {
        g_autofree char *text = hostdev_network_format(network->now ? network->now : network->definition);
        HostdevNetwork *ret = hostdev_network_parse(network->name, text, NULL);

        ret->active = network->active;
        ret->autostart = network->autostart;
        ret->persistent = network->persistent;
        for (unsigned i = 0; i < network->ports->len; i++) {
                const VirtPort *port = network->ports->pdata[i];
                HostdevPort *told = g_new0(HostdevPort, 1);
                *told = (HostdevPort) {.host = port->host, .owner = g_strdup(port->owner), .uuid = g_strdup("6a1d7e5c-0000-4000-9000-000000000001")};
                g_ptr_array_add(ret->ports, told);
        }
        return ret;
}

static HostdevNetwork *read_network(Io *io, const char *name, GError **error) {
        Sim *sim = sim_of(io);
        HostdevNetwork *ret = NULL;

        g_rec_mutex_lock(&sim->mutex);
        if (there(sim, error)) {
                const VirtNetwork *network = virt_network(sim, name);
                if (network && !network->nat)
                        ret = tell_network(network);
                else
                        complain(error, VFADM_ERROR_NOT_FOUND, name, "Network not found");
        }
        g_rec_mutex_unlock(&sim->mutex);
        return ret;
}

static Books *read_books(Io *io, GError **error) {
        Sim *sim = sim_of(io);
        Books *books = NULL;

        g_rec_mutex_lock(&sim->mutex);
        if (there(sim, error)) {
                virt_settle(sim);
                books = books_new();
                for (unsigned i = 0; i < sim->virt->guests->len; i++)
                        g_ptr_array_add(books->guests, tell_guest(io, sim->virt->guests->pdata[i]));
                for (unsigned i = 0; i < sim->virt->networks->len; i++)
                        if (!((const VirtNetwork *) sim->virt->networks->pdata[i])->nat)
                                g_ptr_array_add(books->networks, tell_network(sim->virt->networks->pdata[i]));
        }
        g_rec_mutex_unlock(&sim->mutex);
        return books;
}

/* --- devices of running guests -------------------------------------------------------------------------------- */

static const GuestDevice *find_id(const GuestInfo *info, const char *id) {
        for (unsigned i = 0; info && i < info->devices->len; i++)
                if (g_str_equal(((const GuestDevice *) info->devices->pdata[i])->id, id))
                        return info->devices->pdata[i];
        return NULL;
}

static bool plug(Io *io, const char *name, const GuestPlugged *device, GError **error) {
        g_autoptr(GuestInfo) info = read_running(io, name, error);

        if (!info)
                return false;
        if (guest_info_find(info, device->host))
                return true;
        if (!device->xml)
                g_error("libvirt:%s: a device without its element", name);
        return change(io, "attach", name, device->xml, error);
}

/* The guest lets go in its own time; dying at that moment is a place of its own. */
static bool left_now(Sim *sim, const char *name, const char *xml) {
        VirtGuest *guest = virt_guest(sim, name);
        const VirtDev *dev = guest ? virt_dev(guest->devices, xml) : NULL;

        if (!dev)
                return true;
        if (!dev->leaving || dev->leaves_at > sim_now(sim) || guest->manners == GUEST_KEEPS)
                return false;
        sim_point(sim, "libvirt device leaves");
        g_autofree char *own = g_strdup(dev->xml);
        g_free(virt_call(sim, "left", name, own));
        return true;
}

static GuestPlug unplug(Io *io, const char *name, const char *id, unsigned timeout_ms, GError **error) {
        Sim *sim = sim_of(io);
        int64_t until = io_now(io) + (int64_t) timeout_ms * 1000;
        g_autoptr(GError) problem = NULL;
        g_autoptr(GuestInfo) info = read_running(io, name, &problem);
        const GuestDevice *device = find_id(info, id);

        if (!info && !g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&problem));
                return GUEST_PLUG_FAILED;
        }
        if (!device)
                return GUEST_PLUG_DONE;
        if (!device->leaving && !change(io, "ask", name, device->xml, error))
                return GUEST_PLUG_FAILED;
        for (;;) {
                g_rec_mutex_lock(&sim->mutex);
                bool left = left_now(sim, name, device->xml);
                g_rec_mutex_unlock(&sim->mutex);
                if (left)
                        return GUEST_PLUG_DONE;
                if (io_now(io) >= until)
                        break;
                io_pause(io, LOOK_MS);
        }
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_PENDING, "libvirt:%s was asked to let go of '%s' and has not yet", name, id);
        return GUEST_PLUG_PENDING;
}

/* --- definitions ---------------------------------------------------------------------------------------------- */

/* *ret_is: it stands in the definition now. */
static bool is_defined(Io *io, const char *name, const char *xml, bool *ret_is, GError **error) {
        Sim *sim = sim_of(io);

        g_rec_mutex_lock(&sim->mutex);
        bool ok = there(sim, error);
        const VirtGuest *guest = ok ? virt_guest(sim, name) : NULL;
        if (ok && !guest)
                ok = complain(error, VFADM_ERROR_NOT_FOUND, name, "Domain not found");
        if (ok)
                *ret_is = virt_dev(guest->defined, xml) != NULL;
        g_rec_mutex_unlock(&sim->mutex);
        return ok;
}

static bool define(Io *io, const char *name, const char *xml, GError **error) {
        bool is;
        return is_defined(io, name, xml, &is, error) && (is || change(io, "define", name, xml, error));
}

static bool undefine(Io *io, const char *name, const char *xml, GError **error) {
        bool is;
        return is_defined(io, name, xml, &is, error) && (!is || change(io, "forget", name, xml, error));
}

/* --- networks ------------------------------------------------------------------------------------------------- */

static bool same_list(const HostdevNetwork *a, const HostdevNetwork *b) {
        if (g_strcmp0(a->pf, b->pf) != 0 || a->managed != b->managed || a->addresses->len != b->addresses->len)
                return false;
        for (unsigned i = 0; i < a->addresses->len; i++)
                if (!pci_addr_equal(g_array_index(a->addresses, PciAddr, i), g_array_index(b->addresses, PciAddr, i)))
                        return false;
        return true;
}

static bool drop_network(Io *io, const char *name, const HostdevNetwork *now, GError **error) {
        return !now || ((!now->active || change(io, "net-destroy", name, NULL, error)) &&
                        (!now->persistent || change(io, "net-undefine", name, NULL, error)));
}

/* What a network forgets when it is started anew is told to it again, as far as its list has it. */
static bool keep_ports(Io *io, const char *name, const HostdevNetwork *before, GError **error) {
        const VirtNetwork *network = virt_network(sim_of(io), name);

        for (unsigned i = 0; i < before->ports->len; i++) {
                const HostdevPort *port = before->ports->pdata[i];
                char text[PCI_ADDR_TEXT_SIZE];
                pci_addr_format(port->host, text);
                g_autofree char *words = g_strdup_printf("%s %s", text, port->owner);
                if (hostdev_network_has(network->now, port->host) && !change(io, "net-port", name, words, error))
                        return false;
        }
        return true;
}

static bool defined_so(const VirtNetwork *network, const HostdevNetwork *wanted) {
        if (!network || !network->persistent)
                return false;
        const HostdevNetwork *have = network->definition;
        return have->managed == wanted->managed && (wanted->pf ? g_strcmp0(have->pf, wanted->pf) == 0 : same_list(have, wanted));
}

static bool set_network(Io *io, const char *name, const HostdevNetwork *network, GError **error) {
        const VirtNetwork *there_now = virt_network(sim_of(io), name);
        g_autoptr(GError) problem = NULL;

        if (there_now && there_now->nat)
                return complain(error, VFADM_ERROR_REFUSED, name, "it forwards in another way");
        g_autoptr(HostdevNetwork) now = read_network(io, name, &problem);
        if (!now && !g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&problem));
                return false;
        }
        if (!network)
                return drop_network(io, name, now, error);
        g_autofree char *text = hostdev_network_format(network);
        /* In the order of guest/libvirt_network.c: defined, autostarted, started anew. */
        if (!defined_so(there_now, network) && !change(io, "net-define", name, text, error))
                return false;
        if ((now && now->autostart) != network->autostart && !change(io, network->autostart ? "net-autostart" : "net-autostart-off", name, NULL, error))
                return false;
        bool active = now && now->active;
        if (active && network->active && same_list(now, network))
                return true;
        if (active && !change(io, "net-destroy", name, NULL, error))
                return false;
        return !network->active || (change(io, "net-start", name, NULL, error) && (!now || keep_ports(io, name, now, error)));
}

static const VirtPort *find_port(const VirtNetwork *network, PciAddr vf) {
        for (unsigned i = 0; network && i < network->ports->len; i++)
                if (pci_addr_equal(((const VirtPort *) network->ports->pdata[i])->host, vf))
                        return network->ports->pdata[i];
        return NULL;
}

static bool hold(Io *io, const char *name, PciAddr vf, GError **error) {
        Sim *sim = sim_of(io);
        char text[PCI_ADDR_TEXT_SIZE];

        if (!there(sim, error))
                return false;
        const VirtPort *port = find_port(virt_network(sim, name), vf);
        if (port && g_str_equal(port->owner, HOSTDEV_HOLDER))
                return true;
        pci_addr_format(vf, text);
        if (!port)
                return change(io, "net-port", name, text, error);
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE, "%s: network %s gave it to %s", text, name, port->owner);
        return false;
}

static bool let_go(Io *io, const char *name, PciAddr vf, GError **error) {
        Sim *sim = sim_of(io);
        char text[PCI_ADDR_TEXT_SIZE];

        if (!there(sim, error))
                return false;
        const VirtPort *port = find_port(virt_network(sim, name), vf);
        if (!port || !g_str_equal(port->owner, HOSTDEV_HOLDER))
                return true;
        pci_addr_format(vf, text);
        return change(io, "net-port-drop", name, text, error);
}

/* --- the backend ------------------------------------------------------------------------------------ */

static const GuestService service = {
        .read_any = read_any, .define = define, .undefine = undefine, .books = read_books, .network = read_network,
        .set_network = set_network, .hold = hold, .let_go = let_go,
};

const GuestBackend sim_virt_backend = {
        .name = "libvirt", .read = read_running, .examine = read_running, .examine_all = examine_all, .plug = plug, .unplug = unplug,
        .service = &service,
};
