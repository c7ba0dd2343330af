/* A real QEMU, where there is one: what the fakes of test-guest.c are held against. */
#include "guest/guest.h"

#include "base/error.h"
#include "guest/qemu.h"
#include "guest/qmp.h"
#include "guest_asserts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A real QEMU, started by VFADM_TEST_QEMU (its words parted by blanks; "LOADER --library-path … QEMU" too) or from
 * PATH. */

typedef struct {
        GPid pid;
        char *folder, *name;
} Real;

static char **real_command(void) {
        const char *given = g_getenv("VFADM_TEST_QEMU");
        g_autofree char *found = g_find_program_in_path("qemu-system-x86_64");
        return given && *given ? g_strsplit(given, " ", -1) : found ? g_strsplit(found, "\n", 1) : NULL;
}

/* A test that fails must not leave a QEMU behind, nor one that holds the pipe to meson open. */
static void in_child(void *data) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == 1)
                _exit(1);
}

static bool real_start(Real *real, const char *machine) {
        g_auto(GStrv) command = real_command();
        g_autoptr(GError) error = NULL;
        if (!command) {
                g_test_skip("no qemu-system-x86_64 on PATH and VFADM_TEST_QEMU is not set");
                return false;
        }
        real->folder = g_dir_make_tmp("vfadm-guest-XXXXXX", &error);
        g_assert_no_error(error);
        real->name = g_strdup_printf("vfadm-test-%d", (int)getpid());
        g_autoptr(GPtrArray) argv = g_ptr_array_new();
        g_ptr_array_add(argv, command[0]);
        g_ptr_array_add(argv, (char *)"qemu-system-x86_64"); /* as the process list shows it, whatever loads it */
        for (size_t i = 1; command[i]; i++)
                g_ptr_array_add(argv, command[i]);
        g_autofree char *guest = g_strdup_printf("guest=%s,debug-threads=on", real->name);
        const char *const more[] = {"-S", "-nodefaults", "-display", "none", "-accel", "tcg", "-m", "192", "-machine",
                                    machine, "-name", guest, "-uuid", "6d1a8c5e-9c7d-4e0f-8b0e-3a4f6f2d1c11",
                                    /* A relative path, as people type it. */
                                    "-chardev", "socket,id=m,path=q.sock,server=on,wait=off", "-mon",
                                    "chardev=m,mode=control"};
        for (size_t i = 0; i < G_N_ELEMENTS(more); i++)
                g_ptr_array_add(argv, (char *)more[i]);
        static const char *const q35[] = {"-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
                                          "-device", "pcie-root-port,id=rp1,slot=1,chassis=1",
                                          "-device", "pcie-root-port,id=rp2,slot=2,chassis=2",
                                          "-device", "pcie-root-port,id=rp3,slot=3,chassis=3,hotplug=off",
                                          "-device", "virtio-rng-pci,id=rng0,bus=rp1",
                                          "-device", "pcie-pci-bridge,id=br1"};
        for (size_t i = 0; i < G_N_ELEMENTS(q35) && g_str_equal(machine, "q35"); i++)
                g_ptr_array_add(argv, (char *)q35[i]);
        g_ptr_array_add(argv, NULL);
        g_spawn_async(real->folder, (char **)argv->pdata, NULL,
                      G_SPAWN_FILE_AND_ARGV_ZERO | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, in_child,
                      NULL, &real->pid, &error);
        g_assert_no_error(error);
        return true;
}

static void real_stop(Real *real) {
        kill(real->pid, SIGKILL);
        g_assert_cmpint(waitpid(real->pid, NULL, 0), ==, real->pid);
        g_autofree char *socket = g_build_filename(real->folder, "q.sock", NULL);
        unlink(socket);
        rmdir(real->folder);
        g_free(real->folder);
        g_free(real->name);
}

/* Reads it as soon as it has made its socket. */
static GuestInfo *real_read(Io *io, const Real *real) {
        int64_t deadline = qmp_deadline(60000);
        for (;;) {
                g_autoptr(GError) error = NULL;
                GuestInfo *info = guest_read(io, real->name, &error);
                if (info)
                        return info;
                if (waitpid(real->pid, NULL, WNOHANG) != 0 || g_get_monotonic_time() > deadline)
                        g_error("the real QEMU cannot be read: %s", error->message);
                io_pause(io, 20);
        }
}

/* Plugs something that needs no VFIO, as somebody else would. */
static void real_add(Io *io, const Real *real, const char *id, const char *bus) {
        g_autoptr(GError) error = NULL;
        g_autoptr(QemuProcess) process = qemu_find(io, real->name, &error);
        g_assert_no_error(error);
        g_autoptr(Qmp) qmp = qemu_connect(io, process, 20000, NULL, &error);
        g_assert_no_error(error);
        json_t *answer = qmp_execute(qmp, "device_add",
                                     json_pack("{s:s, s:s, s:s}", "driver", "virtio-rng-pci", "id", id, "bus", bus),
                                     qmp_deadline(20000), &error);
        g_assert_no_error(error);
        json_decref(answer);
        g_assert_cmpint(qemu_has_device(qmp, id, 20000, &error), ==, 1);
}

static void test_real_q35(void) {
        Real real;
        g_autoptr(GError) error = NULL;
        if (!real_start(&real, "q35"))
                return;
        g_autoptr(Io) io = io_real_new("/", &error);
        g_assert_no_error(error);
        g_autoptr(GuestInfo) info = real_read(io, &real);
        g_assert_cmpint(info->pid, ==, real.pid);
        g_assert_cmpstr(info->name, ==, real.name);
        g_assert_cmpstr(info->status, ==, "prelaunch");
        g_assert_cmpstr(info->uuid, ==, "6d1a8c5e-9c7d-4e0f-8b0e-3a4f6f2d1c11");
        g_assert_cmpuint(info->ram, ==, 192 << 20);
        g_assert_false(info->has_viommu);
        g_assert_cmpuint(info->slots->len, ==, 4);
        slot_is(info, 0, "rp1", false, true);
        slot_is(info, 1, "rp2", true, true);
        slot_is(info, 2, "rp3", true, false);
        slot_is(info, 3, "br1", true, true);
        g_assert_cmpuint(info->devices->len, ==, 0);

        /* QEMU's own words for what cannot be, as we explain them. */
        PciAddr nowhere = {.domain = 0xffff, .bus = 0xfe, .slot = 31, .function = 7};
        g_assert_false(guest_backend("qemu", NULL)->plug(io, real.name, &(GuestPlugged) {nowhere, "v", "rp2", NULL}, &error));
        error_is(error, VFADM_ERROR_NOT_FOUND, "ffff:fe:1f.7");
        g_clear_error(&error);
        g_assert_false(guest_backend("qemu", NULL)->plug(io, real.name, &(GuestPlugged) {nowhere, "v", "rp9", NULL}, &error));
        error_is(error, VFADM_ERROR_NOT_FOUND, "the guest has no such slot");
        g_clear_error(&error);
        /* It never booted, so it lets nothing go; that it was asked is remembered. */
        g_assert_cmpint(guest_backend("qemu", NULL)->unplug(io, real.name, "rng0", 300, &error), ==, GUEST_PLUG_PENDING);
        error_is(error, VFADM_ERROR_PENDING, "rng0");
        g_clear_error(&error);
        g_assert_cmpint(guest_backend("qemu", NULL)->unplug(io, real.name, "v", 300, &error), ==, GUEST_PLUG_DONE);
        g_assert_no_error(error);
        /* A port that was empty at reset is off, and QEMU takes a device out of it at once. */
        real_add(io, &real, "hot", "rp2");
        g_autoptr(GuestInfo) more = real_read(io, &real);
        slot_is(more, 1, "rp2", false, true);
        int64_t before = g_get_monotonic_time();
        g_assert_cmpint(guest_backend("qemu", NULL)->unplug(io, real.name, "hot", 20000, &error), ==, GUEST_PLUG_DONE);
        g_assert_no_error(error);
        g_assert_cmpint(g_get_monotonic_time() - before, <, 3 * G_USEC_PER_SEC); /* by its event, not by looking */
        g_autoptr(GuestInfo) less = real_read(io, &real);
        slot_is(less, 1, "rp2", true, true);
        real_stop(&real);
        g_assert_null(guest_read(io, "pid-1", &error));
        error_is(error, VFADM_ERROR_NOT_FOUND, "no QEMU");
}

static void test_real_pc(void) {
        Real real;
        g_autoptr(GError) error = NULL;
        if (!real_start(&real, "pc"))
                return;
        g_autoptr(Io) io = io_real_new("/", &error);
        g_assert_no_error(error);
        g_autoptr(GuestInfo) info = real_read(io, &real);
        g_assert_cmpuint(info->slots->len, ==, 1);
        slot_is(info, 0, "pci.0", true, true);
        kill(real.pid, SIGTERM);
        /* Ending while it is asked is letting go. */
        g_assert_cmpint(guest_backend("qemu", NULL)->unplug(io, real.name, "none", 20000, &error), ==, GUEST_PLUG_DONE);
        g_assert_no_error(error);
        real_stop(&real);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/guest/real/q35", test_real_q35);
        g_test_add_func("/guest/real/pc", test_real_pc);
        return g_test_run();
}
