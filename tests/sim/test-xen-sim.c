/* The simulated Xen itself: that it does to functions, domains and files what Xen, libxl and xl do. */
#include "sim_modules.h"
#include "sim_xen.h"

#include "base/error.h"

#include <string.h>

#define PF "sys/bus/pci/devices/0000:01:00.0/"
#define VF0 "0000:01:10.0"
#define VF "sys/bus/pci/devices/" VF0 "/"

static const PciAddr vf0 = {0, 1, 0x10, 0};

typedef struct {
        Sim *sim;
        Io *io;
        const GuestBackend *backend;
} World;

static void set_up(World *world, gconstpointer data) {
        world->sim = sim_new(SIM_XEN | GPOINTER_TO_UINT(data));
        g_assert_true(sim_add_card(world->sim, "igb"));
        world->io = sim_process(world->sim, "vfadm");
        world->backend = guest_module_load("xen", NULL);
        g_assert_cmpint(io_write(world->io, PF "sriov_numvfs", "7", 0), ==, 0);
        sim_xen_define(world->sim, "web1", "pv", NULL, NULL);
        sim_restart_count(world->sim);
}

static void tear_down(World *world, gconstpointer data) {
        io_free(world->io);
        sim_free(world->sim);
}

static void xl(World *world, const char *call, const char *name, const char *arg) {
        g_autofree char *problem = sim_xl(world->sim, call, name, arg);
        g_assert_cmpstr(problem, ==, NULL);
}

static void complains(World *world, const char *call, const char *name, const char *arg, const char *words) {
        g_autofree char *problem = sim_xl(world->sim, call, name, arg);
        if (!problem || !strstr(problem, words))
                g_error("\"%s\" does not hold \"%s\"", problem, words);
}

static void write_file(World *world, const char *path, const char *text) {
        g_assert_cmpint(io_write(world->io, path, text, 0), ==, 0);
}

/* As vfadm does it: by driver_override. */
static void bind_pciback(World *world) {
        g_assert_cmpint(io_load_module(world->io, "xen-pciback"), ==, 0);
        write_file(world, VF "driver/unbind", VF0);
        write_file(world, VF "driver_override", "pciback");
        write_file(world, "sys/bus/pci/drivers_probe", VF0);
        sim_expect(world->sim, "vf0", "driver=pciback override=pciback net=- held=0");
}

static void calm(World *world) {
        g_assert_cmpstr(sim_disturbances(world->sim), ==, "");
}

static void disturbed(World *world, const char *words) {
        if (!strstr(sim_disturbances(world->sim), words))
                g_error("\"%s\" does not hold \"%s\"", sim_disturbances(world->sim), words);
}

/* xl's own way there and back. */
static void test_assignable(World *world, gconstpointer data) {
        xl(world, "add", VF0, NULL);
        sim_expect(world->sim, "vf0", "driver=pciback override=- net=- ");
        sim_expect(world->sim, "vf0", "xen=quarantine xl=igbvf");
        xl(world, "remove-r", VF0, NULL);
        sim_expect(world->sim, "vf0", "driver=igbvf override=- net=enp1s0v0");
        sim_expect(world->sim, "vf0", "xen=dom0 xl=-");
        xl(world, "add", VF0, NULL);
        xl(world, "remove", VF0, NULL);
        sim_expect(world->sim, "vf0", "driver=- ");
        sim_expect(world->sim, "vf0", "xen=dom0 xl=igbvf");
        calm(world);
}

/* field-facts 4 and 29: xl leaves the VF without a driver. */
static void test_autoprobe_off(World *world, gconstpointer data) {
        xl(world, "add", VF0, NULL);
        write_file(world, PF "sriov_drivers_autoprobe", "0");
        complains(world, "remove-r", VF0, NULL, "Couldn't bind");
        sim_expect(world->sim, "vf0", "driver=- ");
}

static void test_domain(World *world, gconstpointer data) {
        complains(world, "attach", "web1", VF0, "invalid domain");
        xl(world, "create", "web1", NULL);
        complains(world, "create", "web1", NULL, "already exists");
        complains(world, "attach", "web1", VF0, "not assignable");
        xl(world, "add", VF0, NULL);
        xl(world, "attach", "web1", "01:10.0,permissive=1");
        sim_expect(world->sim, "vf0", "xen=web1");
        sim_expect(world->sim, "has " VF0, "permissive=1");
        xl(world, "reboot", "web1", NULL);
        g_assert_cmpuint(sim_xen_domain(world->sim, "web1"), ==, 2);
        sim_expect(world->sim, "has " VF0, "permissive=1");
        xl(world, "crash", "web1", NULL);
        sim_expect(world->sim, "vf0", "xen=web1");
        xl(world, "detach", "web1", VF0);
        sim_expect(world->sim, "vf0", "driver=pciback");
        sim_expect(world->sim, "vf0", "xen=quarantine");
        xl(world, "attach", "web1", VF0);
        xl(world, "destroy", "web1", NULL);
        sim_expect(world->sim, "vf0", "xen=quarantine xl=igbvf");
        xl(world, "remove-r", VF0, NULL);
        sim_expect(world->sim, "vf0", "driver=igbvf");
        calm(world);
}

static void test_another_domain(World *world, gconstpointer data) {
        sim_xen_define(world->sim, "db", "hvm", NULL, "'01:10.0,permissive=1', \"01:10.2\"");
        complains(world, "create", "db", NULL, "not assignable");
        g_assert_cmpuint(sim_xen_domain(world->sim, "db"), ==, 0);
        xl(world, "add", VF0, NULL);
        xl(world, "add", "0000:01:10.2", NULL);
        xl(world, "create", "db", NULL);
        sim_expect(world->sim, "has " VF0, "01:10.0,permissive=1");
        sim_expect(world->sim, "has 0000:01:10.2", "01:10.2");
        xl(world, "create", "web1", NULL);
        complains(world, "attach", "web1", VF0, "already assigned to a different guest");
        complains(world, "remove", VF0, NULL, "failed to de-quarantine");
        sim_xen_define(world->sim, "new", "pvh", NULL, NULL);
        xl(world, "create", "new", NULL);
        complains(world, "attach", "new", "0000:01:10.4", "PVH");
        calm(world);
}

static bool plug(World *world, const char *entry, GError **error) {
        const GuestPlugged device = {.host = vf0, .id = "vfadm-0000-01-10.0", .xml = entry};
        return world->backend->plug(world->io, "web1", &device, error);
}

static bool assignable(World *world, bool on, GError **error) {
        return world->backend->service->set_assignable(world->io, vf0, on, on ? "igbvf" : NULL, error);
}

/* What must never happen to a domain is noticed. */
static void test_alarm(World *world, gconstpointer data) {
        xl(world, "add", VF0, NULL);
        xl(world, "create", "web1", NULL);
        xl(world, "attach", "web1", VF0);
        g_assert_cmpint(io_write(world->io, PF "sriov_numvfs", "0", 0), ==, -EPERM);
        calm(world);
        write_file(world, VF "reset", "1");
        disturbed(world, "was reset under domain 1");
        write_file(world, VF "driver/unbind", VF0);
        disturbed(world, "was taken from domain 1");
        write_file(world, VF "driver_override", "\n");
        write_file(world, "sys/bus/pci/drivers/pciback/remove_slot", VF0);
        write_file(world, "sys/bus/pci/drivers_probe", VF0);
        disturbed(world, "igbvf was bound to " VF0 " while Xen keeps its DMA from dom0 (a guest has it)");
        xl(world, "destroy", "web1", NULL);
        write_file(world, VF "driver/unbind", VF0);
        write_file(world, "sys/bus/pci/drivers_probe", VF0);
        disturbed(world, "(quarantine)");
        g_assert_true(assignable(world, true, NULL));
        g_assert_true(assignable(world, false, NULL));
        g_assert_true(assignable(world, true, NULL));
        disturbed(world, "was put into quarantine under igbvf");
        write_file(world, PF "sriov_numvfs", "0");
}

static void test_no_passthrough(World *world, gconstpointer data) {
        sim_xen_define(world->sim, "web1", "hvm", NULL, "");
        xl(world, "create", "web1", NULL);
        xl(world, "add", VF0, NULL);
        complains(world, "attach", "web1", VF0, "no IOMMU");
        calm(world);
}

static void test_service(World *world, gconstpointer data) {
        g_autoptr(GError) error = NULL;

        bind_pciback(world);
        g_assert_true(assignable(world, true, NULL));
        sim_expect(world->sim, "vf0", "xen=quarantine xl=igbvf");
        xl(world, "create", "web1", NULL);
        g_assert_true(plug(world, VF0 ",permissive=1", NULL));
        g_assert_true(plug(world, VF0 ",permissive=1", NULL));
        sim_expect(world->sim, "vf0", "xen=web1");
        g_assert_false(assignable(world, false, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE);
        g_clear_error(&error);
        sim_xen_manners(world->sim, "web1", GUEST_KEEPS);
        g_assert_cmpint(world->backend->unplug(world->io, "web1", "vfadm-0000-01-10.0", 300, &error), ==, GUEST_PLUG_PENDING);
        g_clear_error(&error);
        sim_xen_manners(world->sim, "web1", GUEST_SLOW);
        g_assert_cmpint(world->backend->unplug(world->io, "web1", "vfadm-0000-01-10.0", 300, &error), ==, GUEST_PLUG_DONE);
        g_assert_true(assignable(world, false, NULL));
        g_assert_true(assignable(world, false, NULL));
        sim_expect(world->sim, "vf0", "xen=dom0 xl=-");
        write_file(world, VF "driver_override", "\n");
        write_file(world, VF "driver/unbind", VF0);
        write_file(world, "sys/bus/pci/drivers_probe", VF0);
        sim_expect(world->sim, "vf0", "driver=igbvf override=- net=enp1s0v0");
        sim_expect(world->sim, "vf0", "xen=dom0 xl=-");
        calm(world);
}

/* pciback remembers what it has had once, also by driver_override: where it was there before the host's driver, it takes it again. */
static void test_pciback_first(World *world, gconstpointer data) {
        bind_pciback(world);
        write_file(world, VF "driver_override", "\n");
        write_file(world, VF "driver/unbind", VF0);
        write_file(world, "sys/bus/pci/drivers_probe", VF0);
        sim_expect(world->sim, "vf0", "driver=pciback override=-");
        write_file(world, VF "driver/unbind", VF0);
        write_file(world, "sys/bus/pci/drivers/pciback/remove_slot", VF0);
        write_file(world, "sys/bus/pci/drivers_probe", VF0);
        sim_expect(world->sim, "vf0", "driver=igbvf override=-");
}

static const GuestDevice *only(const GPtrArray *devices) {
        g_assert_cmpuint(devices->len, ==, 1);
        return devices->pdata[0];
}

static void test_books(World *world, gconstpointer data) {
        g_autoptr(GError) error = NULL;

        sim_xen_define(world->sim, "db", "hvm", "11111111-2222-3333-4444-555555555555", "'01:10.0'");
        xl(world, "create", "web1", NULL);
        xl(world, "add", VF0, NULL);
        xl(world, "attach", "web1", VF0);
        g_autoptr(Books) books = world->backend->service->books(world->io, &error);
        g_assert_no_error(error);
        g_assert_true(books->xen->directio);
        g_assert_cmpuint(books->guests->len, ==, 2);
        const GuestInfo *web = books_guest(books, "xen:web1", NULL), *db = books_guest(books, "xen:db", NULL);
        g_assert_cmpuint(web->domain, ==, 1);
        g_assert_cmpstr(web->file, ==, "etc/xen/web1.cfg");
        g_assert_cmpstr(web->machine, ==, "xenpv");
        g_assert_true(web->running && web->has_definition && web->uuid_of_run && web->pid == 0);
        g_assert_cmpstr(only(web->devices)->id, ==, "vfadm-0000-01-10.0");
        g_assert_false(db->running || db->uuid_of_run);
        g_assert_cmpstr(db->uuid, ==, "11111111-2222-3333-4444-555555555555");
        g_assert_cmpstr(only(db->defined)->xml, ==, "01:10.0");
        g_assert_null(world->backend->read(world->io, "db", &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND);
}

/* The file keeps all but its list, and its list what others put there. */
static void test_definition(World *world, gconstpointer data) {
        const GuestService *service = world->backend->service;

        sim_xen_define(world->sim, "db", "pv", NULL, "'01:10.2'");
        g_autofree char *before = sim_dump(world->sim);
        g_assert_true(service->define(world->io, "web1", VF0 ",permissive=1", NULL));
        g_assert_true(service->define(world->io, "web1", VF0, NULL));
        g_assert_cmpuint(sim_operations(world->sim), ==, 1);
        sim_expect(world->sim, "defined " VF0, "permissive=1");
        g_assert_true(service->define(world->io, "db", VF0, NULL));
        sim_expect(world->sim, "defined 0000:01:10.2", "by 01:10.2");
        g_assert_true(service->undefine(world->io, "db", VF0, NULL));
        g_assert_true(service->undefine(world->io, "web1", VF0, NULL));
        g_autofree char *after = sim_dump(world->sim);
        g_assert_cmpstr(after, ==, before);
}

static void test_reboot(World *world, gconstpointer data) {
        xl(world, "create", "web1", NULL);
        xl(world, "add", VF0, NULL);
        xl(world, "attach", "web1", VF0);
        sim_reboot(world->sim);
        sim_expect(world->sim, "xen web1", "is off");
        write_file(world, PF "sriov_numvfs", "7");
        sim_expect(world->sim, "vf0", "driver=igbvf");
        sim_expect(world->sim, "vf0", "xen=dom0 xl=-");
        calm(world);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add("/xen/assignable", World, NULL, set_up, test_assignable, tear_down);
        g_test_add("/xen/autoprobe-off", World, NULL, set_up, test_autoprobe_off, tear_down);
        g_test_add("/xen/domain", World, NULL, set_up, test_domain, tear_down);
        g_test_add("/xen/another-domain", World, NULL, set_up, test_another_domain, tear_down);
        g_test_add("/xen/alarm", World, NULL, set_up, test_alarm, tear_down);
        g_test_add("/xen/no-passthrough", World, NULL, set_up, test_no_passthrough, tear_down);
        g_test_add("/xen/service", World, NULL, set_up, test_service, tear_down);
        g_test_add("/xen/pciback-first", World, GUINT_TO_POINTER(SIM_PCIBACK_FIRST), set_up, test_pciback_first, tear_down);
        g_test_add("/xen/books", World, NULL, set_up, test_books, tear_down);
        g_test_add("/xen/definition", World, NULL, set_up, test_definition, tear_down);
        g_test_add("/xen/reboot", World, NULL, set_up, test_reboot, tear_down);
        return g_test_run();
}
