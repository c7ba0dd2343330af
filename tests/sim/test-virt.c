/* The simulated libvirt itself: that it does to VFs, guests and networks what the real one does. */
#include "sim_virt.h"

#include "base/error.h"
#include "guest/module.h"

#include <string.h>

#define PF "sys/bus/pci/devices/0000:01:00.0/"
#define ELEMENT(managed, extra)                                                                                                          \
        "<interface type='hostdev' managed='" managed "'><mac address='02:00:00:00:aa:01'/>" extra                                       \
        "<driver name='vfio'/><source><address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/></source>"              \
        "<alias name='ua-vfadm-0000-01-10_0'/></interface>"
#define TAGGED "<vlan><tag id='42'/></vlan>"
#define POOLED "<interface type='network'><mac address='02:00:00:00:aa:02'/><source network='pool'/></interface>"

typedef struct {
        Sim *sim;
        Io *io;
        const GuestBackend *backend;
} World;

static void set_up(World *world, gconstpointer data) {
        world->sim = sim_new(GPOINTER_TO_UINT(data));
        g_assert_true(sim_add_card(world->sim, "igb"));
        world->io = sim_process(world->sim, "vfadm");
        world->backend = guest_module_load("libvirt", NULL);
        g_assert_cmpint(io_write(world->io, PF "sriov_numvfs", "7", 0), ==, 0);
        sim_virt_add_guest(world->sim, "web1", 2, true, GUEST_GOOD);
        sim_virt_add_guest(world->sim, "db", 0, false, GUEST_GOOD);
        sim_restart_count(world->sim);
}

static void tear_down(World *world, gconstpointer data) {
        g_assert_cmpstr(sim_disturbances(world->sim), ==, "");
        io_free(world->io);
        sim_free(world->sim);
}

static void virsh(World *world, const char *call, const char *name, const char *arg) {
        g_autofree char *problem = sim_virsh(world->sim, call, name, arg);
        g_assert_cmpstr(problem, ==, NULL);
}

static void complains(World *world, const char *call, const char *name, const char *arg, const char *words) {
        g_autofree char *problem = sim_virsh(world->sim, call, name, arg);
        if (!problem || !strstr(problem, words))
                g_error("\"%s\" does not hold \"%s\"", problem, words);
}

static bool plug(World *world, const char *xml, GError **error) {
        const GuestPlugged device = {.host = {0, 1, 0x10, 0}, .id = "vfadm-0000-01-10.0", .bus = "pci.1", .xml = xml};
        return world->backend->plug(world->io, "web1", &device, error);
}

/* Managed: the driver, MAC and VLAN go and come back with the device. */
static void test_managed(World *world, gconstpointer data) {
        g_autoptr(GError) error = NULL;

        g_assert_true(plug(world, ELEMENT("yes", TAGGED), &error));
        g_assert_no_error(error);
        sim_expect(world->sim, "vf0", "driver=vfio-pci override=vfio-pci net=-");
        sim_expect(world->sim, "vf0", "mac=02:00:00:00:aa:01 vlan=42");
        sim_expect(world->sim, "has 0000:01:10.0", "on pci.1");
        g_autoptr(GuestInfo) info = world->backend->service->read_any(world->io, "web1", &error);
        g_assert_cmpint(info->pid, ==, sim_virt_pid(world->sim, "web1"));
        g_assert_true(info->running && info->has_definition);
        g_assert_cmpuint(info->slots->len, ==, 2);
        g_assert_false(((const GuestSlot *) info->slots->pdata[0])->free);
        const GuestDevice *device = guest_info_find(info, (PciAddr) {0, 1, 0x10, 0});
        g_assert_cmpstr(device->id, ==, "vfadm-0000-01-10.0");
        g_assert_true(device->managed && device->interface);
        g_assert_cmpint(world->backend->unplug(world->io, "web1", "vfadm-0000-01-10.0", 1000, &error), ==, GUEST_PLUG_DONE);
        sim_expect(world->sim, "vf0", "driver=igbvf override=- net=enp1s0v0 held=0 mac=own vlan=0");
        g_assert_cmpstr(sim_operation_name(world->sim, 3), ==, "libvirt device leaves");
        g_assert_cmpuint(sim_operations(world->sim), ==, 3);
}

/* With autoprobe off nobody binds the host's driver again: field-facts 4. */
static void test_autoprobe_off(World *world, gconstpointer data) {
        g_assert_true(plug(world, ELEMENT("yes", ""), NULL));
        g_assert_cmpint(io_write(world->io, PF "sriov_drivers_autoprobe", "0", 0), ==, 0);
        virsh(world, "destroy", "web1", NULL);
        sim_expect(world->sim, "vf0", "driver=- override=- net=- held=0");
        sim_expect(world->sim, "libvirt web1", "is off");
}

static void test_unmanaged(World *world, gconstpointer data) {
        g_autoptr(GError) error = NULL;

        g_assert_false(plug(world, ELEMENT("no", ""), &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_FAILED);
        g_assert_nonnull(strstr(error->message, "must be manually detached"));
        sim_expect(world->sim, "vf0", "driver=igbvf");
}

static void test_pf_down(World *world, gconstpointer data) {
        complains(world, "attach", "web1", ELEMENT("yes", ""), "not online");
        sim_expect(world->sim, "vf0", "driver=igbvf");
}

/* What fails at QEMU is given back. */
static void test_failing(World *world, gconstpointer data) {
        g_autoptr(GError) error = NULL;
        g_autofree char *before = sim_dump(world->sim);

        sim_fail_at(world->sim, 1, -EIO);
        g_assert_false(plug(world, ELEMENT("yes", TAGGED), &error));
        g_assert_nonnull(strstr(error->message, "device_add"));
        g_autofree char *after = sim_dump(world->sim);
        g_assert_cmpstr(after, ==, before);
}

/* The daemon does what it was asked for, and goes down before it has said so. */
static void test_down(World *world, gconstpointer data) {
        g_autoptr(GError) error = NULL;

        sim_virt_down_at(world->sim, 1);
        g_assert_false(plug(world, ELEMENT("yes", ""), &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_FAILED);
        sim_expect(world->sim, "has 0000:01:10.0", "pci.1");
        g_assert_null(world->backend->service->books(world->io, NULL));
        sim_virt_down_at(world->sim, 0);
        sim_virt_daemon(world->sim, VIRT_UP);
        g_autoptr(Books) books = world->backend->service->books(world->io, NULL);
        g_assert_cmpuint(books->guests->len, ==, 2);
        sim_virt_daemon(world->sim, VIRT_NONE);
        g_clear_error(&error);
        g_assert_null(world->backend->service->books(world->io, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED);
}

/* A definition gets its root port and is what the next start has. */
static void test_definition(World *world, gconstpointer data) {
        const GuestService *service = world->backend->service;

        g_assert_true(service->define(world->io, "db", ELEMENT("yes", ""), NULL));
        g_assert_true(service->define(world->io, "db", ELEMENT("yes", ""), NULL));
        g_assert_cmpuint(sim_operations(world->sim), ==, 1);
        sim_expect(world->sim, "defined 0000:01:10.0", "on pci.1");
        virsh(world, "start", "db", NULL);
        sim_expect(world->sim, "has 0000:01:10.0", "on pci.1");
        complains(world, "attach", "web1", ELEMENT("yes", ""), "in use by driver QEMU, domain db");
        g_assert_true(service->undefine(world->io, "db", ELEMENT("yes", ""), NULL));
        sim_expect(world->sim, "has 0000:01:10.0", "on pci.1");
        virsh(world, "destroy", "db", NULL);
        sim_expect(world->sim, "vf0", "driver=igbvf");
        virsh(world, "start", "db", NULL);
        sim_expect(world->sim, "vf0", "driver=igbvf");
}

static HostdevNetwork *pool(const char *text) {
        return hostdev_network_parse("pool", text, NULL);
}

/* A VF is held or given out, never both, and that outlives a new start of the network where its list still has the VF. */
static void test_network(World *world, gconstpointer data) {
        const GuestService *service = world->backend->service;
        g_autoptr(HostdevNetwork) wanted = pool("active managed pf=enp1s0"), other = pool("active autostart managed 0000:01:10.2 0000:01:10.4");
        const PciAddr vf0 = {0, 1, 0x10, 0}, vf1 = {0, 1, 0x10, 2};
        g_autoptr(GError) error = NULL;

        g_assert_true(service->set_network(world->io, "pool", wanted, NULL));
        sim_expect(world->sim, "now:", "active managed pf=enp1s0 0000:01:10.0 0000:01:10.2");
        g_assert_true(service->hold(world->io, "pool", vf0, NULL));
        virsh(world, "define", "db", POOLED);
        virsh(world, "start", "db", NULL);
        sim_expect(world->sim, "port 0000:01:10.0", "of vfadm");
        sim_expect(world->sim, "port 0000:01:10.2", "of db");
        sim_expect(world->sim, "has 0000:01:10.2", "pci.1");
        g_assert_false(service->hold(world->io, "pool", vf1, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE);
        g_assert_true(service->let_go(world->io, "pool", vf1, NULL));
        sim_expect(world->sim, "port 0000:01:10.2", "of db");
        virsh(world, "destroy", "db", NULL);
        g_assert_true(service->let_go(world->io, "pool", vf0, NULL));
        g_assert_true(service->hold(world->io, "pool", vf1, NULL));
        g_assert_true(service->set_network(world->io, "pool", other, NULL));
        sim_expect(world->sim, "now:", "active managed 0000:01:10.2 0000:01:10.4");
        g_autoptr(HostdevNetwork) now = service->network(world->io, "pool", NULL);
        g_assert_cmpuint(now->ports->len, ==, 1);
        g_assert_true(now->autostart);
        unsigned operations = sim_operations(world->sim);
        g_assert_true(service->set_network(world->io, "pool", other, NULL));
        g_assert_cmpuint(sim_operations(world->sim), ==, operations);
        g_assert_true(service->set_network(world->io, "pool", NULL, NULL));
        g_assert_null(service->network(world->io, "pool", NULL));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add("/virt/managed", World, NULL, set_up, test_managed, tear_down);
        g_test_add("/virt/autoprobe-off", World, NULL, set_up, test_autoprobe_off, tear_down);
        g_test_add("/virt/unmanaged", World, NULL, set_up, test_unmanaged, tear_down);
        g_test_add("/virt/pf-down", World, GUINT_TO_POINTER(SIM_PF_DOWN), set_up, test_pf_down, tear_down);
        g_test_add("/virt/failing", World, NULL, set_up, test_failing, tear_down);
        g_test_add("/virt/down", World, NULL, set_up, test_down, tear_down);
        g_test_add("/virt/definition", World, NULL, set_up, test_definition, tear_down);
        g_test_add("/virt/network", World, NULL, set_up, test_network, tear_down);
        return g_test_run();
}
