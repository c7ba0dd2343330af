/* What stands in for guest/ in the tests of act/: a guest of QEMU, and libvirt with a guest and a network (fake_machine.h). Xen is in
 * fake_xen.c. */
#include "fake_machine.h"
#include "fake_xen.h"

#include "base/error.h"
#include "guest/guest.h"
#include "xml/domain.h"

#include <string.h>

static Machine *of(Io *io) {
        return (Machine *) io;
}

void fake_service_init(FakeService *service) {
        service->uuid = g_strdup(UUID);
}

void fake_service_clear(FakeService *service) {
        g_free(service->uuid);
        g_free(service->has);
        g_free(service->element);
        hostdev_network_free(service->network);
}

void machine_start_service(Machine *machine) {
        HostdevNetwork *network = hostdev_network_new("pt");

        for (unsigned i = 0; i < 2; i++) {
                PciAddr vf = machine_vf(i);
                g_array_append_val(network->addresses, vf);
        }
        network->active = network->autostart = network->managed = network->persistent = true;
        machine->service.network = network;
        machine->service.here = machine->service.has_guest = true;
}

void machine_start_guest(Machine *machine) {
        machine->service.pid = GUEST_PID;
}

static void port_drop(HostdevNetwork *network, PciAddr vf) {
        const HostdevPort *port = hostdev_network_port(network, vf);
        if (port)
                g_ptr_array_remove(network->ports, (gpointer) port);
}

static void port_put(HostdevNetwork *network, PciAddr vf, const char *owner) {
        HostdevPort *port = g_new0(HostdevPort, 1);
        port->host = vf;
        port->owner = g_strdup(owner);
        g_ptr_array_add(network->ports, port);
}

void machine_set_port(Machine *machine, unsigned vf, const char *owner) {
        port_drop(machine->service.network, machine_vf(vf));
        if (owner)
                port_put(machine->service.network, machine_vf(vf), owner);
}

const char *machine_port(Machine *machine, unsigned vf) {
        const HostdevPort *port = machine->service.network ? hostdev_network_port(machine->service.network, machine_vf(vf)) : NULL;
        return port ? port->owner : NULL;
}

/* ---- reading ---- */

static GuestInfo *service_guest(const FakeService *service) {
        GuestInfo *info = guest_info_new("libvirt", "web1");

        info->uuid = g_strdup(service->uuid);
        info->running = service->pid > 0;
        info->pid = service->pid;
        info->pid_start = service->pid ? (uint64_t) service->pid + 7 : 0;
        info->has_definition = true;
        if (service->pid && service->has) {
                GuestDevice *device = guest_info_add_device(info, service->has);
                device->host = machine_vf(0);
                device->has_host = true;
        }
        if (service->element) {
                g_autoptr(GuestDevice) parsed = xml_device_parse(service->element, strlen(service->element));
                GuestDevice *device = guest_info_add_defined(info, "net0");
                g_assert_nonnull(parsed);
                device->host = parsed->host;
                device->has_host = parsed->has_host;
                device->network = g_strdup(parsed->network);
                device->vf = parsed->vf;
                device->xml = g_strdup(service->element);
        }
        return info;
}

static bool service_answers(const FakeService *service, GError **error) {
        if (service->here && !service->deaf)
                return true;
        g_set_error(error, VFADM_ERROR, service->here ? VFADM_ERROR_BUSY : VFADM_ERROR_UNSUPPORTED, "libvirt does not answer");
        return false;
}

static GuestInfo *read_service(Io *io, const char *name, bool any, GError **error) {
        const FakeService *service = &of(io)->service;

        if (!service_answers(service, error))
                return NULL;
        if (service->has_guest && g_str_equal(name, "web1") && (any || service->pid))
                return service_guest(service);
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "libvirt has no guest %s", name);
        return NULL;
}

static GuestInfo *service_read_any(Io *io, const char *name, GError **error) {
        return read_service(io, name, true, error);
}

static GuestInfo *read_qemu(Io *io, const char *ref, GError **error) {
        Machine *machine = of(io);

        g_assert_cmpstr(ref, ==, "qemu:web1");
        if (!machine->guest_runs || machine->guest_deaf) {
                g_set_error(error, VFADM_ERROR, machine->guest_runs ? VFADM_ERROR_BUSY : VFADM_ERROR_NOT_FOUND, "qemu:web1 does not answer");
                return NULL;
        }
        GuestInfo *info = guest_info_new("qemu", "web1");
        info->pid = GUEST_PID;
        info->uuid = g_strdup(UUID);
        if (machine->guest_has) {
                GuestDevice *device = guest_info_add_device(info, machine->guest_has);
                device->host = machine_vf(0);
                device->has_host = true;
        }
        return info;
}

GuestInfo *guest_read(Io *io, const char *ref, GError **error) {
        if (g_str_has_prefix(ref, "xen:"))
                return fake_xen_read(io, ref + strlen("xen:"), false, error);
        if (g_str_has_prefix(ref, "libvirt:"))
                return read_service(io, ref + strlen("libvirt:"), false, error);
        return read_qemu(io, ref, error);
}

GuestInfo *guest_read_any(Io *io, const char *ref, GError **error) {
        if (g_str_has_prefix(ref, "xen:"))
                return fake_xen_read(io, ref + strlen("xen:"), true, error);
        if (g_str_has_prefix(ref, "libvirt:"))
                return read_service(io, ref + strlen("libvirt:"), true, error);
        return read_qemu(io, ref, error);
}

static HostdevNetwork *copy_network(const HostdevNetwork *network) {
        g_autofree char *line = hostdev_network_format(network);
        HostdevNetwork *copy = hostdev_network_parse(network->name, line, NULL);

        g_assert_nonnull(copy);
        for (unsigned i = 0; i < network->ports->len; i++) {
                const HostdevPort *port = network->ports->pdata[i];
                port_put(copy, port->host, port->owner);
        }
        return copy;
}

static HostdevNetwork *service_network(Io *io, const char *name, GError **error) {
        const FakeService *service = &of(io)->service;

        if (!service_answers(service, error))
                return NULL;
        if (service->network && g_str_equal(service->network->name, name))
                return copy_network(service->network);
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "libvirt has no network %s", name);
        return NULL;
}

static Books *service_books(Io *io, GError **error) {
        FakeService *service = &of(io)->service;

        service->books_read++;
        if (!service_answers(service, error))
                return NULL;
        Books *books = books_new();
        if (service->has_guest)
                g_ptr_array_add(books->guests, service_guest(service));
        if (service->network)
                g_ptr_array_add(books->networks, copy_network(service->network));
        if (service->defined_later && !service->element)
                service->element = g_strdup(ELEMENT);
        return books;
}

Books *guest_books(Io *io, GError **error) {
        if (of(io)->xen.here)
                return fake_xen_backend.service->books(io, error);
        return of(io)->service.here ? service_books(io, error) : NULL;
}

/* ---- changing ---- */

static bool may_change(Io *io, int r, GError **error) {
        if (!service_answers(&of(io)->service, error))
                return false;
        if (r < 0)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "libvirt says no");
        return r >= 0;
}

static bool service_define(Io *io, const char *name, const char *xml, GError **error) {
        FakeService *service = &of(io)->service;

        if (!may_change(io, machine_change(of(io), "define %s", name), error))
                return false;
        g_assert_null(service->element);
        if (!service->ignores)
                service->element = g_strdup(xml);
        return true;
}

static bool service_undefine(Io *io, const char *name, const char *xml, GError **error) {
        FakeService *service = &of(io)->service;

        g_assert_nonnull(xml);
        if (!may_change(io, machine_change(of(io), "undefine %s", name), error))
                return false;
        if (!service->ignores)
                g_clear_pointer(&service->element, g_free);
        return true;
}

static bool service_set_network(Io *io, const char *name, const HostdevNetwork *network, GError **error) {
        FakeService *service = &of(io)->service;
        g_autofree char *line = network ? hostdev_network_format(network) : g_strdup("none");

        if (!may_change(io, machine_change(of(io), "network %s: %s", name, line), error))
                return false;
        if (service->ignores)
                return true;
        g_clear_pointer(&service->network, hostdev_network_free);
        if (network) {
                service->network = copy_network(network);
                g_ptr_array_set_size(service->network->ports, 0);
        }
        return true;
}

static bool service_hold(Io *io, const char *name, PciAddr vf, GError **error) {
        FakeService *service = &of(io)->service;
        char dev[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(vf, dev);
        if (!may_change(io, machine_change(of(io), "hold %s in %s", dev, name), error))
                return false;
        if (hostdev_network_port(service->network, vf)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE, "network %s gave %s to a guest", name, dev);
                return false;
        }
        if (!service->ignores)
                port_put(service->network, vf, HOSTDEV_HOLDER);
        return true;
}

static bool service_let_go(Io *io, const char *name, PciAddr vf, GError **error) {
        char dev[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(vf, dev);
        if (!may_change(io, machine_change(of(io), "let go %s in %s", dev, name), error))
                return false;
        if (!of(io)->service.ignores)
                port_drop(of(io)->service.network, vf);
        return true;
}

static bool service_plug(Io *io, const char *name, const GuestPlugged *device, GError **error) {
        FakeService *service = &of(io)->service;

        g_assert_nonnull(device->xml);
        if (!may_change(io, machine_change(of(io), "plug %s by its element", device->id), error))
                return false;
        service->has = g_strdup(device->id);
        machine_set_driver(of(io), 0, "vfio-pci", "vfio-pci");
        return true;
}

static GuestPlug service_unplug(Io *io, const char *name, const char *id, unsigned timeout_ms, GError **error) {
        FakeService *service = &of(io)->service;

        if (!may_change(io, machine_change(of(io), "unplug %s", id), error))
                return GUEST_PLUG_FAILED;
        if (service->keeps)
                return GUEST_PLUG_PENDING;
        g_clear_pointer(&service->has, g_free);
        machine_set_driver(of(io), 0, service->forgets_driver ? NULL : "igbvf", NULL);
        return GUEST_PLUG_DONE;
}

static bool qemu_plug(Io *io, const char *name, const GuestPlugged *device, GError **error) {
        g_assert_null(device->xml);
        if (machine_change(of(io), "plug %s on %s", device->id, device->bus) < 0) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "qemu:web1 says no");
                return false;
        }
        of(io)->guest_has = g_strdup(device->id);
        return true;
}

static GuestPlug qemu_unplug(Io *io, const char *name, const char *id, unsigned timeout_ms, GError **error) {
        if (machine_change(of(io), "unplug %s", id) < 0) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "qemu:web1 says no");
                return GUEST_PLUG_FAILED;
        }
        if (of(io)->guest_keeps)
                return GUEST_PLUG_PENDING;
        g_clear_pointer(&of(io)->guest_has, g_free);
        return GUEST_PLUG_DONE;
}

static const GuestService libvirt_service = {
        .read_any = service_read_any, .define = service_define, .undefine = service_undefine, .books = service_books,
        .network = service_network, .set_network = service_set_network, .hold = service_hold, .let_go = service_let_go,
};

static const GuestBackend backends[] = {
        {.name = "qemu", .plug = qemu_plug, .unplug = qemu_unplug},
        {.name = "libvirt", .plug = service_plug, .unplug = service_unplug, .service = &libvirt_service},
};

const GuestBackend *guest_backend(const char *name, GError **error) {
        for (size_t i = 0; i < G_N_ELEMENTS(backends); i++)
                if (g_str_equal(backends[i].name, name))
                        return &backends[i];
        return g_str_equal(name, "xen") ? &fake_xen_backend : NULL;
}

const GuestService *guest_service(const char *ref, const char **ret_name, GError **error) {
        if (g_str_has_prefix(ref, "libvirt:")) {
                *ret_name = ref + strlen("libvirt:");
                return &libvirt_service;
        }
        if (g_str_has_prefix(ref, "xen:")) {
                *ret_name = ref + strlen("xen:");
                return fake_xen_backend.service;
        }
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "%s keeps no definitions", ref);
        return NULL;
}
