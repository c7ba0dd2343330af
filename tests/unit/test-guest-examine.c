/* Looking at guests for the doctor: by /proc, by the monitor, by the guest agent, and by what is left when these are
 * silent. */
#include "guest/guest.h"

#include "base/error.h"
#include "fake_agent.h"
#include "fake_qmp.h"
#include "guest/qemu.h"
#include "guest_host.h"
#include "io/tree.h"

#include <errno.h>
#include <string.h>

static const PciAddr vf0 = {.bus = 1, .slot = 16};

static const char own[] =
        "/usr/bin/qemu-system-x86_64\n-name\nweb1\n-machine\nq35,kernel_irqchip=split\n-m\n512\n"
        "-uuid\n6d1a8c5e-9c7d-4e0f-8b0e-3a4f6f2d1c11\n"
        "-device\nintel-iommu,intremap=on,caching-mode=on\n-device\npcie-root-port,id=rp1\n"
        "-device\npcie-root-port,id=rp2\n-device\nvfio-pci,host=01:10.0,bus=rp1,id=v0,iommufd=iommufd0\n"
        "-chardev\nsocket,path=/run/qga,server=on,wait=off,id=qga0\n"
        "-device\nvirtserialport,chardev=qga0,name=org.qemu.guest_agent.0\n"
        "-qmp\nunix:/run/web1.qmp,server=on";

static const char libvirts[] =
        "/usr/bin/"
        "qemu-system-x86_64\n-name\nguest=db,debug-threads=on\n-machine\npc-i440fx-9.2,usb=off\n-m\nsize=1048576k\n"
        "-chardev\nsocket,id=charmonitor,fd=23,server=on,wait=off\n-mon\nchardev=charmonitor,id=monitor,mode=control\n"
        "-chardev\nsocket,id=charchannel0,path=/run/libvirt/qga,server=on\n"
        "-device\n{\"driver\":\"virtserialport\",\"chardev\":\"charchannel0\",\"name\":\"org.qemu.guest_agent.0\"}\n"
        "-device\n{\"driver\":\"vfio-pci\",\"host\":\"0000:01:10.2\",\"id\":\"hostdev0\",\"bus\":\"pci.0\"}";

static const char interfaces[] = "{\"return\": [{\"name\": \"eth0\", \"hardware-address\": \"02:00:00:00:01:10\"}]}";

/* Short, since silence is waited for; the whole of it is long. */
static QemuPatience patient(void) {
        return (QemuPatience){.answer_ms = 400, .agent_ms = 200, .deadline = qmp_deadline(60000)};
}

static void put_text(Host *host, int pid, const char *file, const char *text) {
        put_proc(host, pid, file, text, strlen(text));
}

static void put_fd(Host *host, int pid, int fd, const char *target) {
        g_autofree char *path = g_strdup_printf("proc/%d/fd/%d", pid, fd);
        io_tree_put_link(io_tree_of(host->tree), path, target);
}

static void put_limits(Host *host, int pid) {
        put_text(host, pid, "limits",
                 "Max locked memory         67108864             67108864             bytes     \n");
        put_text(host, pid, "status",
                 "Name:\tqemu\nCapEff:\t0000000000004000\nVmLck:\t    1024 kB\nVmPin:\t       0 kB\n");
}

static int connect_agent(void *data) {
        return fake_agent_connect(data);
}

typedef struct {
        Host *host;
        FakeQmp *qmp;
        FakeAgent *agent;
} Scene;

/* The guest web1 with a monitor and an agent, its device open. */
static Scene scene(FakeAgentManner manner) {
        Scene ret = {host_new(), fake_qmp_new("web1"), fake_agent_new(manner, interfaces)};
        put_process(ret.host, 812, own);
        put_limits(ret.host, 812);
        put_fd(ret.host, 812, 3, "/dev/vfio/vfio");
        put_fd(ret.host, 812, 4, "/dev/vfio/20");
        put_fd(ret.host, 812, 5, "anon_inode:[vfio-device]");
        put_fd(ret.host, 812, 6, "/dev/vfio/devices/vfio0");
        put_fd(ret.host, 812, 7, "anon_inode:[eventfd]");
        put_socket(ret.host, 812, "run/web1.qmp", ret.qmp);
        put_other_socket(ret.host, 812, "run/qga", connect_agent, ret.agent);
        fake_qmp_add_slot(ret.qmp, "rp1", true);
        fake_qmp_add_slot(ret.qmp, "rp2", true);
        fake_qmp_add_device(ret.qmp, "vfio-pci", "v0", "0000:01:10.0", "rp1");
        fake_qmp_set_machine(ret.qmp, "pc-q35-10.0");
        fake_qmp_set_ram(ret.qmp, 512 << 20, 64 << 20);
        return ret;
}

static void scene_clear(Scene *s) {
        io_free(&s->host->io);
        fake_qmp_free(s->qmp);
        fake_agent_free(s->agent);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scene, scene_clear)

static GuestInfo *look(Scene *s) {
        QemuPatience patience = patient();
        g_autoptr(GError) error = NULL;
        GuestInfo *info = qemu_examine(&s->host->io, "web1", &patience, &error);
        g_assert_no_error(error);
        return info;
}

static void noted(const GuestInfo *info, const char *part) {
        for (unsigned i = 0; i < info->notes->len; i++)
                if (strstr(info->notes->pdata[i], part))
                        return;
        g_error("no note of %u says '%s', the first: %s", info->notes->len, part,
                info->notes->len ? (char *)info->notes->pdata[0] : "");
}

static void test_all_answer(void) {
        g_auto(Scene) s = scene(FAKE_AGENT_GOOD);
        g_autoptr(GuestInfo) info = look(&s);
        g_assert_cmpstr(info->name, ==, "web1");
        g_assert_cmpint(info->pid, ==, 812);
        g_assert_cmpuint(info->pid_start, ==, 8120);
        g_assert_true(info->asked);
        g_assert_false(info->by_libvirt);
        g_assert_false(info->denied);
        g_assert_cmpstr(info->socket, ==, "run/web1.qmp");
        g_assert_cmpstr(info->status, ==, "running");
        g_assert_cmpstr(info->machine, ==, "pc-q35-10.0");
        g_assert_cmpuint(info->ram, ==, 576 << 20);
        g_assert_cmpuint(info->memlock_limit, ==, 64 << 20);
        g_assert_cmpuint(info->memlock_used, ==, 1 << 20);
        g_assert_true(info->memlock_exempt);
        g_assert_cmpuint(info->vfio_files, ==, 2);
        g_assert_true(info->has_viommu);
        g_assert_cmpstr(info->viommu, ==, "intel-iommu");
        g_assert_true(info->viommu_caching);
        g_assert_true(info->viommu_intremap);
        g_assert_cmpuint(info->devices->len, ==, 1);
        g_assert_nonnull(guest_info_find(info, vf0));
        g_assert_true(guest_info_find(info, vf0)->iommufd);
        g_assert_cmpuint(info->slots->len, ==, 2);
        g_assert_false(((GuestSlot *)info->slots->pdata[0])->free);
        g_assert_true(info->agent);
        g_assert_cmpuint(info->agent_macs->len, ==, 1);
        g_assert_cmpstr(info->agent_macs->pdata[0], ==, "02:00:00:00:01:10");
        g_assert_cmpuint(info->notes->len, ==, 0);
}

static void test_agent(void) {
        static const struct {
                FakeAgentManner manner;
                const char *note;
        } table[] = {
                {FAKE_AGENT_SILENT, "does not answer"},
                {FAKE_AGENT_CLOSES, "hung up"},
                {FAKE_AGENT_ENDLESS, "256 KiB"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_auto(Scene) s = scene(table[i].manner);
                g_autoptr(GuestInfo) info = look(&s);
                g_assert_true(info->asked);
                g_assert_false(info->agent);
                g_assert_cmpuint(info->agent_macs->len, ==, 0);
                noted(info, table[i].note);
        }
        /* The guest has not opened its end: nobody waits. */
        g_auto(Scene) closed = scene(FAKE_AGENT_SILENT);
        fake_qmp_set_chardev(closed.qmp, "qga0", false);
        g_autoptr(GuestInfo) none = look(&closed);
        g_assert_false(none->agent);
        g_assert_cmpuint(none->notes->len, ==, 0);
        g_assert_cmpuint(fake_agent_count(closed.agent), ==, 0);
        g_auto(Scene) open = scene(FAKE_AGENT_GOOD);
        fake_qmp_set_chardev(open.qmp, "qga0", true);
        g_autoptr(GuestInfo) some = look(&open);
        g_assert_true(some->agent);
        /* Another process sits at the socket's place. */
        g_auto(Scene) other = scene(FAKE_AGENT_GOOD);
        put_other_socket(other.host, 900, "run/qga", connect_agent, other.agent);
        g_autoptr(GuestInfo) fooled = look(&other);
        g_assert_false(fooled->agent);
        noted(fooled, "process 900 listens");
}

static void test_silent_monitor(void) {
        g_auto(Scene) s = scene(FAKE_AGENT_GOOD);
        fake_qmp_set_manner(s.qmp, FAKE_QMP_HANGS);
        g_autoptr(GuestInfo) info = look(&s);
        g_assert_false(info->asked);
        g_assert_false(info->denied);
        g_assert_cmpstr(info->socket, ==, "run/web1.qmp");
        g_assert_null(info->status);
        g_assert_cmpstr(info->machine, ==, "q35");
        g_assert_cmpstr(info->uuid, ==, "6d1a8c5e-9c7d-4e0f-8b0e-3a4f6f2d1c11");
        g_assert_cmpuint(info->ram, ==, 512 << 20);
        g_assert_cmpuint(info->devices->len, ==, 1);
        g_assert_nonnull(guest_info_find(info, vf0));
        g_assert_cmpuint(info->slots->len, ==, 2);
        g_assert_false(((GuestSlot *)info->slots->pdata[0])->free);
        g_assert_true(((GuestSlot *)info->slots->pdata[1])->free);
        g_assert_false(info->agent); /* nobody waits twice */
        g_assert_cmpuint(fake_agent_count(s.agent), ==, 0);
        noted(info, "does not answer");
        /* Half an answer is none. */
        g_auto(Scene) late = scene(FAKE_AGENT_GOOD);
        fake_qmp_set_manner(late.qmp, FAKE_QMP_WRONG_SHAPE);
        g_autoptr(GuestInfo) lied = look(&late);
        g_assert_false(lied->asked);
        g_assert_cmpuint(lied->devices->len, ==, 1);
        noted(lied, "has not the form");
        /* No time left: neither is asked. */
        QemuPatience over = {.answer_ms = 400, .agent_ms = 400, .deadline = g_get_monotonic_time() - 1};
        g_autoptr(GuestInfo) hasty = qemu_examine(&late.host->io, "web1", &over, NULL);
        g_assert_false(hasty->asked || hasty->agent);
        g_assert_nonnull(hasty->socket);
        noted(hasty, "was not asked");
}

static void test_denied(void) {
        g_auto(Scene) s = scene(FAKE_AGENT_GOOD);
        io_tree_put_errno(io_tree_of(s.host->tree), "proc/812/fd", -EACCES);
        g_autoptr(GuestInfo) info = look(&s);
        g_assert_true(info->denied);
        g_assert_cmpuint(info->vfio_files, ==, 0);
}

static void test_recorded(void) {
        g_auto(Scene) s = scene(FAKE_AGENT_GOOD);
        put_process(s.host, 900, "qemu-system-x86_64\n-name\nold");
        g_autoptr(GuestInfo) info = guest_examine(&s.host->io, "old", NULL);
        g_assert_true(info->cut);
        g_assert_cmpuint(info->notes->len, ==, 0);
}

static void test_libvirt(void) {
        g_auto(Scene) s = scene(FAKE_AGENT_GOOD);
        g_autoptr(GError) error = NULL;
        put_process(s.host, 900, libvirts);
        put_limits(s.host, 900);
        put_other_socket(s.host, 900, "run/libvirt/qga", connect_agent, s.agent);
        g_autoptr(GuestInfo) info = guest_examine(&s.host->io, "qemu:db", &error);
        g_assert_no_error(error);
        g_assert_true(info->by_libvirt);
        g_assert_cmpstr(info->backend, ==, "libvirt");
        g_assert_false(info->asked);
        g_assert_false(info->agent);
        g_assert_null(info->socket);
        g_assert_null(info->status);
        g_assert_cmpstr(info->machine, ==, "pc-i440fx-9.2");
        g_assert_cmpuint(info->ram, ==, 1 << 30);
        g_assert_cmpuint(info->memlock_limit, ==, 64 << 20);
        g_assert_cmpuint(info->devices->len, ==, 1);
        g_assert_nonnull(guest_info_find(info, (PciAddr){.bus = 1, .slot = 16, .function = 2}));
        g_assert_cmpuint(info->notes->len, ==, 0);
        g_assert_cmpuint(fake_agent_count(s.agent), ==, 0);
        /* For changes it is out of reach as before. */
        g_assert_null(guest_read(&s.host->io, "qemu:db", &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED);
}

static void test_all(void) {
        g_auto(Scene) s = scene(FAKE_AGENT_GOOD);
        put_process(s.host, 900, libvirts);
        put_process(s.host, 901, "qemu-system-x86_64\n-m\n1G");
        g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GPtrArray) all = guest_examine_all(&s.host->io, notes);
        g_assert_cmpuint(all->len, ==, 3);
        g_assert_cmpuint(notes->len, ==, 0);
        const GuestInfo *nameless = all->pdata[2];
        g_assert_cmpstr(((GuestInfo *)all->pdata[0])->name, ==, "web1");
        g_assert_cmpstr(((GuestInfo *)all->pdata[1])->name, ==, "db");
        g_assert_cmpstr(nameless->name, ==, "pid-901");
        g_assert_null(nameless->socket);
        g_assert_cmpuint(nameless->notes->len, ==, 0);
        g_assert_cmpuint(nameless->memlock_limit, ==, UINT64_MAX); /* not told: nothing is said against it */
        g_assert_false(nameless->denied);
        g_assert_false(nameless->cut);

        io_tree_put_errno(io_tree_of(s.host->tree), "proc/902/cmdline", -EACCES);
        g_autoptr(GPtrArray) some = guest_examine_all(&s.host->io, notes);
        g_assert_cmpuint(some->len, ==, 3);
        g_assert_cmpuint(notes->len, ==, 1);
        io_tree_remove(io_tree_of(s.host->tree), "proc");
        g_autoptr(GPtrArray) none = guest_examine_all(&s.host->io, notes);
        g_assert_cmpuint(none->len, ==, 0);
        g_assert_cmpuint(notes->len, ==, 2);
}

static void test_names(void) {
        g_auto(Scene) s = scene(FAKE_AGENT_GOOD);
        g_autoptr(GError) error = NULL;
        g_assert_null(guest_examine(&s.host->io, "qemu:nobody", &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND);
        g_clear_error(&error);
        g_assert_null(guest_examine(&s.host->io, "a/b", &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_USAGE);
        g_clear_error(&error);
        g_autoptr(GuestInfo) bare = guest_examine(&s.host->io, "web1", &error);
        g_assert_no_error(error);
        g_assert_cmpint(bare->pid, ==, 812);
        /* Twins, one of them libvirt's, cannot be told apart by name; by pid they can. */
        put_process(s.host, 900,
                    "qemu-system-x86_64\n-name\nguest=web1,debug-threads=on\n-chardev\nsocket,id=charmonitor,fd=23,"
                    "server=on");
        g_assert_null(guest_examine(&s.host->io, "qemu:web1", &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED);
        g_clear_error(&error);
        g_autoptr(GuestInfo) twin = guest_examine(&s.host->io, "qemu:pid-900", &error);
        g_assert_no_error(error);
        g_assert_true(twin->by_libvirt);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/guest-examine/all-answer", test_all_answer);
        g_test_add_func("/guest-examine/agent", test_agent);
        g_test_add_func("/guest-examine/silent-monitor", test_silent_monitor);
        g_test_add_func("/guest-examine/denied", test_denied);
        g_test_add_func("/guest-examine/recorded", test_recorded);
        g_test_add_func("/guest-examine/libvirt", test_libvirt);
        g_test_add_func("/guest-examine/all", test_all);
        g_test_add_func("/guest-examine/names", test_names);
        return g_test_run();
}
