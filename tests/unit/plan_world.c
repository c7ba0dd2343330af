/* The world of plan_world.h. */
#include "plan_world.h"

#include "base/error.h"
#include "hosts.h"
#include "plan/rules.h"

#include <string.h>

World world_new(unsigned vfs) {
        World w = {.host = host_igb(vfs), .leases = g_ptr_array_new_with_free_func((GDestroyNotify) lease_free)};
        w.guest = guest_info_new("qemu", "web1");
        w.guest->pid = 812;
        w.guest->pid_start = 4711;
        w.guest->ram = 256 << 20;
        w.guest->memlock_limit = UINT64_MAX;
        guest_info_add_slot(w.guest, "pcie.0", true, false);
        guest_info_add_slot(w.guest, "rp1", false, true);
        guest_info_add_slot(w.guest, "rp2", true, true);
        return w;
}

static GuestInfo *libvirt_guest(const char *name, const char *uuid) {
        GuestInfo *guest = guest_info_new("libvirt", name);
        guest->uuid = g_strdup(uuid);
        guest->ram = 256 << 20;
        guest->by_libvirt = true;
        guest->has_definition = true;
        return guest;
}

World world_libvirt(unsigned vfs) {
        World w = world_new(vfs);
        GuestInfo *db = libvirt_guest("db", "dddddddd-0000-4000-8000-000000000001");

        guest_info_free(w.guest);
        w.guest = libvirt_guest("web1", "aaaaaaaa-0000-4000-8000-000000000001");
        w.guest->pid = 812;
        w.guest->pid_start = 4711;
        guest_info_add_slot(w.guest, "pci.1", false, true);
        guest_info_add_slot(w.guest, "pci.2", true, true);
        w.books = books_new();
        db->running = false;
        g_ptr_array_add(w.books->guests, db);
        g_ptr_array_add(w.books->guests, libvirt_guest("web1", w.guest->uuid));
        w.pools = g_ptr_array_new_with_free_func((GDestroyNotify) pool_free);
        return w;
}

static GuestInfo *xen_guest(const char *name, const char *uuid, unsigned domain) {
        GuestInfo *guest = guest_info_new("xen", name);

        guest->uuid = g_strdup(uuid);
        guest->machine = g_strdup("xenpv");
        guest->domain = domain;
        guest->running = domain > 0;
        guest->has_definition = true;
        guest->file = g_strdup_printf("etc/xen/%s.cfg", name);
        return guest;
}

World world_xen(unsigned vfs) {
        World w = world_new(vfs);

        w.host->xen_dom0 = true;
        w.host->has_iommu = false;
        w.host->intremap = INTREMAP_UNKNOWN;
        for (unsigned i = 0; i < w.host->devs->len; i++) {
                Dev *dev = w.host->devs->pdata[i];
                dev->iommu_group = -1;
                dev->has_caps = true;
                dev->caps = (PciCaps) {.length = 4096, .pcie_type = PCIE_ENDPOINT};
                if (dev->is_vf)
                        dev->driver = g_strdup("igbvf");
        }
        guest_info_free(w.guest);
        w.guest = xen_guest("web1", "aaaaaaaa-0000-4000-8000-000000000001", 3);
        w.books = books_new();
        w.books->xen = g_new0(Hypervisor, 1);
        w.books->xen->directio = true;
        g_ptr_array_add(w.books->guests, xen_guest("db", "dddddddd-0000-4000-8000-000000000001", 0));
        g_ptr_array_add(w.books->guests, xen_guest("web1", w.guest->uuid, 3));
        w.pools = g_ptr_array_new_with_free_func((GDestroyNotify) pool_free);
        return w;
}

static GuestInfo *book_guest(World *w, const char *name) {
        return (GuestInfo *) books_guest(w->books, name, NULL);
}

void bind_vf(World *w, unsigned vf, const char *driver, bool override) {
        Dev *dev = host_vf(w->host, vf);

        g_free(dev->driver);
        dev->driver = g_strdup(driver);
        g_free(dev->driver_override);
        dev->driver_override = g_strdup(override ? driver : NULL);
}

void world_shut_off(World *w) {
        w->guest->running = false;
        w->guest->domain = 0;
        w->guest->pid = 0;
        w->guest->pid_start = 0;
        g_ptr_array_set_size(w->guest->slots, 0);
        g_ptr_array_set_size(w->guest->devices, 0);
}

void world_clear(World *w) {
        snapshot_free(w->host);
        g_ptr_array_unref(w->leases);
        guest_info_free(w->guest);
        books_free(w->books);
        g_clear_pointer(&w->pools, g_ptr_array_unref);
}

static GuestDevice *fill(GuestDevice *device, World *w, unsigned vf) {
        device->host = host_vf(w->host, vf)->addr;
        device->has_host = true;
        return device;
}

static GuestDevice *xen_guest_has_vf(World *w, GuestInfo *guest, unsigned vf) {
        GuestInfo *booked = book_guest(w, guest->name);

        bind_vf(w, vf, "pciback", false);
        dev_add_use(host_vf(w->host, vf), USE_GUEST, g_strdup_printf("xen:%s (domain %u)", guest->name, guest->domain), 0, guest->name);
        if (booked != guest)
                fill(guest_info_add_device(booked, "vfadm-x"), w, vf);
        return fill(guest_info_add_device(guest, "vfadm-x"), w, vf);
}

void db_has_vf(World *w, unsigned vf) {
        GuestInfo *db = book_guest(w, "db");

        db->domain = 5;
        db->running = true;
        xen_guest_has_vf(w, db, vf);
}

GuestDevice *guest_has_vf(World *w, unsigned vf) {
        if (w->guest->domain)
                return xen_guest_has_vf(w, w->guest, vf);
        dev_add_use(host_vf(w->host, vf), USE_PROCESS, g_strdup_printf("guest %s (qemu, pid 812)", w->guest->name), 812, w->guest->name);
        return fill(guest_info_add_device(w->guest, "vfadm-x"), w, vf);
}

GuestDevice *guest_is_defined_with(World *w, unsigned vf) {
        GuestDevice *device = fill(guest_info_add_defined(w->guest, "vfadm-x"), w, vf);
        device->xml = g_strdup_printf("<found vf='%u'/>", vf);
        return device;
}

Pool *world_add_pool(World *w, const char *name) {
        Pool *pool = pool_new(name);
        g_ptr_array_add(pool->pfs, g_strdup("02:00:00:00:01:01"));
        pool->started = true;
        g_ptr_array_add(w->pools, pool);
        return pool;
}

HostdevNetwork *world_add_network(World *w, const char *name, const char *vfs) {
        HostdevNetwork *network = hostdev_network_new(name);
        g_auto(GStrv) words = g_strsplit(vfs, " ", 0);

        network->active = true;
        for (char **word = words; *word; word++)
                g_array_append_val(network->addresses, host_vf(w->host, (unsigned) (**word - '0'))->addr);
        g_ptr_array_add(w->books->networks, network);
        return network;
}

Want *want(WantKind kind, const char *device, const char *words) {
        Want *w = want_new(kind);
        w->device = g_strdup(device);
        w->guest = g_strdup("qemu:web1");
        g_auto(GStrv) parts = g_strsplit(words ? words : "", " ", 0);
        g_autoptr(GError) error = NULL;
        if (words && *words)
                g_assert_true(want_parse_words(w, parts, &error));
        return w;
}

Want *want_libvirt(WantKind kind, const char *device, const char *words, unsigned scope) {
        Want *w = want(kind, device, words);
        g_free(w->guest);
        w->guest = g_strdup("libvirt:web1");
        w->scope = scope;
        return w;
}

Want *want_xen(WantKind kind, const char *device, const char *words, unsigned scope) {
        Want *w = want_libvirt(kind, device, words, scope);
        g_free(w->guest);
        w->guest = g_strdup("xen:web1");
        return w;
}

Plan *plan_of(World *w, Want *ask, GError **error) {
        PlanInput input = {.host = w->host, .leases = w->leases, .guest = w->guest, .books = w->books, .pools = w->pools, .vfio_driver = w->vfio};
        Plan *plan = plan_make(ask, &input, error);
        want_free(ask);
        return plan;
}

/* The steps as lines, to be compared with what is expected. */
void assert_steps(World *w, Want *ask, const char *expected) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Plan) plan = plan_of(w, ask, &error);
        g_autoptr(GString) text = g_string_new(NULL);

        g_assert_no_error(error);
        plan_check(plan, &error);
        g_assert_no_error(error);
        for (unsigned i = 0; i < plan->steps->len; i++) {
                g_autofree char *line = step_describe(plan->steps->pdata[i]);
                g_string_append_printf(text, "%s\n", line);
        }
        g_assert_cmpstr(text->str, ==, expected);
}

/* The whole of what the refusal says. */
static char *refusal_of(World *w, Want *ask, int code) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Plan) plan = plan_of(w, ask, &error);

        if (plan) {
                g_assert_false(plan_check(plan, &error));
                g_assert_cmpuint(plan->steps->len, ==, 0);
        }
        g_assert_error(error, VFADM_ERROR, code);
        g_assert_null(strchr(error->message, '\n'));
        return g_strdup(error->message);
}

void assert_refused(World *w, Want *ask, int code, const char *says) {
        g_autofree char *message = refusal_of(w, ask, code);
        if (!strstr(message, says))
                g_error("'%s' does not say '%s'", message, says);
}

void assert_refused_so(World *w, Want *ask, int code, const char *words) {
        g_autofree char *message = refusal_of(w, ask, code);
        g_assert_cmpstr(message, ==, words);
}

void lease_out(World *w, unsigned vf, const char *guest) {
        Lease *lease = lease_new();
        Dev *dev = host_vf(w->host, vf);
        lease_identify(lease, w->host, dev);
        lease->id = 40 + vf;
        lease->guest = g_strdup(guest);
        lease->guest_device = g_strdup("vfadm-x");
        lease->pid = 812;
        lease->pid_start = 4711;
        lease->saved = *host_vf_state(w->host, vf);
        lease->saved_driver = g_strdup("igbvf");
        lease->given = (VfState) {.known = VF_MAC | VF_VLAN, .mac = {2, 0, 0, 0, 0, 9}, .vlan = 42, .proto = VLAN_PROTO_8021Q};
        g_ptr_array_add(w->leases, lease);
        *host_vf_state(w->host, vf) = lease->saved;
        vf_state_copy(host_vf_state(w->host, vf), &lease->given, lease->given.known);
        g_free(dev->driver);
        dev->driver = g_strdup("vfio-pci");
        g_free(dev->driver_override);
        dev->driver_override = g_strdup("vfio-pci");
}

Lease *lease_out_xen(World *w, unsigned vf, bool config, bool live) {
        lease_out(w, vf, "xen:web1");
        Lease *lease = w->leases->pdata[w->leases->len - 1];
        lease->pid = 0;
        lease->pid_start = 0;
        lease->config = config;
        lease->guest_uuid = plan_lease_uuid(w->guest, config);
        bind_vf(w, vf, "pciback", false);
        if (live)
                guest_has_vf(w, vf);
        if (config)
                guest_is_defined_with(w, vf);
        return lease;
}

Plan *good_plan(World *w, Want *ask) {
        g_autoptr(GError) error = NULL;
        Plan *plan = plan_of(w, ask, &error);
        g_assert_no_error(error);
        plan_check(plan, &error);
        g_assert_no_error(error);
        return plan;
}

const Step *step_of(const Plan *plan, StepKind kind, unsigned n) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                if (step->kind == kind && n-- == 0)
                        return step;
        }
        return NULL;
}
