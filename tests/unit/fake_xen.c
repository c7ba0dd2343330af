/* Xen for the tests of act/ (fake_machine.h, FakeXen): one domain, its file, and what Xen is told of VF 0. */
#include "fake_xen.h"

#include "base/error.h"
#include "fake_machine.h"

#include <errno.h>
#include <string.h>

static const char device_id[] = "vfadm-0000-01-10.0", file_name[] = "web1";

static Machine *of(Io *io) {
        return (Machine *) io;
}

void machine_start_xen(Machine *machine) {
        machine_put(machine, "proc/xen/capabilities", "control_d\n");
        machine->xen.here = machine->xen.has_file = true;
        machine->xen.assignable = -1;
        machine->xen.name = g_strdup(file_name);
}

void machine_start_domain(Machine *machine) {
        machine->xen.domain = 3;
        machine->xen.status = "running";
}

void machine_end_domain(Machine *machine) {
        machine->xen.domain = 0;
        machine->xen.has = machine->xen.going = false;
}

const char *machine_domain_uuid(const Machine *machine) {
        return machine->xen.file_has_uuid ? FILE_UUID : UUID;
}

void fake_xen_clear(FakeXen *xen) {
        g_free(xen->name);
        g_free(xen->entry);
        g_free(xen->driver_path);
}

/* ---- reading ---- */

static void add_defined(const FakeXen *xen, GuestInfo *info) {
        info->has_definition = true;
        info->file = g_strdup("etc/xen/web1.cfg");
        if (!xen->entry)
                return;
        GuestDevice *device = guest_info_add_defined(info, device_id);
        device->host = machine_vf(0);
        device->has_host = true;
        device->xml = g_strdup(xen->entry);
}

static GuestInfo *running(const Machine *machine) {
        const FakeXen *xen = &machine->xen;
        GuestInfo *info = guest_info_new("xen", xen->name);

        info->uuid = g_strdup(machine_domain_uuid(machine));
        info->uuid_of_run = !xen->file_has_uuid;
        info->domain = xen->domain;
        info->running = !xen->going;
        info->status = g_strdup(xen->status);
        if (xen->has) {
                GuestDevice *device = guest_info_add_device(info, "pci-1-16-0"); /* whatever the module calls it */
                device->host = machine_vf(0);
                device->has_host = true;
        }
        return info;
}

/* A domain's definition is the file that has its name. */
static GPtrArray *guests_of(const Machine *machine) {
        const FakeXen *xen = &machine->xen;
        GPtrArray *guests = g_ptr_array_new_with_free_func((GDestroyNotify) guest_info_free);
        bool own = xen->domain && g_str_equal(xen->name, file_name);

        if (xen->domain)
                g_ptr_array_add(guests, running(machine));
        if (!xen->has_file)
                return guests;
        if (!own) {
                GuestInfo *info = guest_info_new("xen", file_name);
                info->running = false;
                info->uuid = xen->file_has_uuid ? g_strdup(FILE_UUID) : NULL;
                g_ptr_array_add(guests, info);
        }
        add_defined(xen, guests->pdata[guests->len - 1]);
        return guests;
}

static bool answers(const FakeXen *xen, GError **error) {
        if (xen->here && !xen->deaf)
                return true;
        g_set_error(error, VFADM_ERROR, xen->here ? VFADM_ERROR_FAILED : VFADM_ERROR_UNSUPPORTED, "Xen does not answer");
        return false;
}

GuestInfo *fake_xen_read(Io *io, const char *name, bool any, GError **error) {
        if (!answers(&of(io)->xen, error))
                return NULL;
        g_autoptr(GPtrArray) guests = guests_of(of(io));
        for (unsigned i = 0; i < guests->len; i++) {
                GuestInfo *guest = guests->pdata[i];
                if (g_str_equal(guest->name, name) && (any || guest->domain))
                        return g_ptr_array_steal_index(guests, i);
        }
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "Xen has no guest %s", name);
        return NULL;
}

static GuestInfo *xen_read(Io *io, const char *name, GError **error) {
        return fake_xen_read(io, name, false, error);
}

static GuestInfo *xen_read_any(Io *io, const char *name, GError **error) {
        return fake_xen_read(io, name, true, error);
}

static Books *xen_books(Io *io, GError **error) {
        FakeXen *xen = &of(io)->xen;

        xen->books_read++;
        if (!answers(xen, error))
                return NULL;
        Books *books = books_new();
        books->xen = g_new0(Hypervisor, 1);
        books->xen->directio = true;
        g_ptr_array_unref(books->guests);
        books->guests = guests_of(of(io));
        xen->has |= xen->comes_later;
        return books;
}

/* ---- changing ---- */

static bool may_change(Io *io, int r, GError **error) {
        if (!answers(&of(io)->xen, error))
                return false;
        if (r < 0)
                g_set_error(error, VFADM_ERROR, r == -EBUSY ? VFADM_ERROR_BUSY : VFADM_ERROR_FAILED, "Xen says no");
        return r >= 0;
}

static bool xen_plug(Io *io, const char *name, const GuestPlugged *device, GError **error) {
        g_assert_nonnull(device->xml);
        if (!may_change(io, machine_change(of(io), "plug %s into %s", device->xml, name), error))
                return false;
        of(io)->xen.has = !of(io)->xen.ignores;
        return true;
}

static GuestPlug xen_unplug(Io *io, const char *name, const char *id, unsigned timeout_ms, GError **error) {
        if (!may_change(io, machine_change(of(io), "unplug from %s", name), error))
                return GUEST_PLUG_FAILED;
        if (of(io)->xen.keeps)
                return GUEST_PLUG_PENDING;
        of(io)->xen.has = false;
        return GUEST_PLUG_DONE;
}

static bool xen_define(Io *io, const char *name, const char *entry, GError **error) {
        if (!may_change(io, machine_change(of(io), "define %s", entry), error))
                return false;
        g_assert_null(of(io)->xen.entry);
        if (!of(io)->xen.ignores)
                of(io)->xen.entry = g_strdup(entry);
        return true;
}

static bool xen_undefine(Io *io, const char *name, const char *entry, GError **error) {
        g_assert_nonnull(entry);
        if (!may_change(io, machine_change(of(io), "undefine %s", entry), error))
                return false;
        if (!of(io)->xen.ignores)
                g_clear_pointer(&of(io)->xen.entry, g_free);
        return true;
}

static bool xen_set_assignable(Io *io, PciAddr dev, bool on, const char *driver, GError **error) {
        FakeXen *xen = &of(io)->xen;
        g_autofree char *now = machine_driver(of(io), 0);

        g_assert_true(pci_addr_equal(dev, machine_vf(0)));
        g_assert_true(!on || g_str_has_prefix(now, "pciback"));
        if (!may_change(io, machine_change(of(io), on ? "assignable, from %s" : "not assignable", driver ? driver : "none"), error))
                return false;
        if (xen->has) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE, "xen:%s has it", xen->name);
                return false;
        }
        xen->assignable = on;
        g_free(xen->driver_path);
        xen->driver_path = on ? g_strdup(driver) : NULL;
        return true;
}

static const GuestService service = {
        .read_any = xen_read_any, .define = xen_define, .undefine = xen_undefine, .books = xen_books, .set_assignable = xen_set_assignable,
};

const GuestBackend fake_xen_backend = {.name = "xen", .read = xen_read, .plug = xen_plug, .unplug = xen_unplug, .service = &service};
