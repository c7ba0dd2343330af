/* The QEMU backend against a QEMU that answers well, badly, late and not at all; and, where there is one, a real one.
 */
#include "guest/guest.h"

#include "base/error.h"
#include "fake_qmp.h"
#include "guest_asserts.h"
#include "guest_host.h"
#include "guest/proc.h"
#include "guest/qemu.h"
#include "guest/qmp.h"
#include "guest/qmp_message.h"
#include "io/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const QemuTimes quick = {.answer_ms = 300, .plug_ms = 300};
static const PciAddr vf0 = {.bus = 1, .slot = 16};

static const char web1[] =
        "/usr/bin/qemu-system-x86_64\n-name\nweb1,debug-threads=on\n-qmp\nunix:/run/web1.qmp,server=on";

/* The usual guest: two free ports, one port in use, one that takes nothing while the guest runs. */
static Host *usual(FakeQmp **ret_fake) {
        Host *host = host_new();
        FakeQmp *fake = fake_qmp_new("web1");
        put_process(host, 812, web1);
        put_socket(host, 812, "run/web1.qmp", fake);
        fake_qmp_add_slot(fake, "rp1", true);
        fake_qmp_add_slot(fake, "rp2", true);
        fake_qmp_add_slot(fake, "rp3", false);
        fake_qmp_add_device(fake, "virtio-net-pci", "nic0", NULL, "rp1");
        *ret_fake = fake;
        return host;
}

static void test_frame(void) {
        static const struct {
                const char *text;
                QmpFrameResult result;
                size_t seen;
        } table[] = {
                {"{}", QMP_FRAME_WHOLE, 2},
                {"\r\n {\"a\": [1, {\"}\": \"\\\"}\"}]} tail", QMP_FRAME_WHOLE, 27},
                {"{\n    \"a\": 1\n}\n", QMP_FRAME_WHOLE, 14},
                {"", QMP_FRAME_MORE, 0},
                {"  \n", QMP_FRAME_MORE, 3},
                {"{\"a\": \"}", QMP_FRAME_MORE, 8},
                {"220 ready", QMP_FRAME_WRONG, 0},
                {"[1]", QMP_FRAME_WRONG, 0},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                QmpFrame whole = {0}, bytewise = {0};
                size_t length = strlen(table[i].text);
                g_assert_cmpint(qmp_frame_scan(&whole, table[i].text, length), ==, table[i].result);
                g_assert_cmpuint(whole.seen, ==, table[i].seen);
                QmpFrameResult result = QMP_FRAME_MORE;
                for (size_t n = 1; n <= length && result == QMP_FRAME_MORE; n++)
                        result = qmp_frame_scan(&bytewise, table[i].text, n);
                g_assert_cmpint(result, ==, table[i].result);
                g_assert_cmpuint(bytewise.seen, ==, table[i].seen);
        }
        QmpFrame endless = {0};
        g_autofree char *many = g_strnfill(QMP_MESSAGE_MAX + 1, '{');
        g_assert_cmpint(qmp_frame_scan(&endless, many, QMP_MESSAGE_MAX + 1), ==, QMP_FRAME_WRONG);
}

static void test_message(void) {
        static const struct {
                const char *text, *problem; /* problem NULL: it parses */
                QmpKind kind;
        } table[] = {
                {"{\"QMP\": {\"version\": {}, \"capabilities\": []}}", NULL, QMP_GREETING},
                {"{\"return\": [], \"id\": 5}", NULL, QMP_RETURN},
                {"{\"return\": 3}", NULL, QMP_RETURN},
                {"{\"error\": {\"class\": \"GenericError\", \"desc\": \"a\\nb\"}, \"id\": 1}", NULL, QMP_ERROR},
                {"{\"event\": \"STOP\"}", NULL, QMP_EVENT},
                {"{\"event\": \"STOP\", \"data\": 1}", "data is no object", 0},
                {"{\"event\": 1}", "without a name", 0},
                {"{\"return\": {}, \"return\": {}}", "no JSON", 0},
                {"{\"return\": {}, \"error\": {}}", "not one of", 0},
                {"{}", "not one of", 0},
                {"{\"return\": {}, \"id\": \"5\"}", "id is no number", 0},
                {"{\"error\": {\"class\": \"x\"}}", "without class and desc", 0},
                {"{\"QMP\": 1}", "without a version", 0},
                {"{nonsense}", "no JSON", 0},
                {"[]", "no object", 0},
                {"{\"event\": \"a\\u0000b\"}", "no JSON", 0},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                QmpMessage message = {.id = 77};
                g_autofree char *problem = NULL;
                bool ok = qmp_message_parse(table[i].text, strlen(table[i].text), &message, &problem);
                g_assert_cmpint(ok, ==, table[i].problem == NULL);
                if (!ok) {
                        g_assert_nonnull(strstr(problem, table[i].problem));
                        g_assert_cmpint(message.id, ==, 77);
                        continue;
                }
                g_assert_cmpint(message.kind, ==, table[i].kind);
                if (message.kind == QMP_ERROR)
                        g_assert_cmpstr(message.desc, ==, "a b");
                qmp_message_clear(&message);
        }
}

static void test_proc(void) {
        static const char limits[] = "Limit                     Soft Limit           Hard Limit           Units     \n"
                                     "Max processes             95788                95788                processes \n"
                                     "Max locked memory         8388608              unlimited            bytes     \n";
        uint64_t soft = 1;
        g_assert_true(proc_limits_memlock(limits, sizeof limits - 1, &soft));
        g_assert_cmpuint(soft, ==, 8388608);
        static const char no_limit[] =
                "Max locked memory         unlimited            unlimited            bytes     \n";
        g_assert_true(proc_limits_memlock(no_limit, sizeof no_limit - 1, &soft));
        g_assert_cmpuint(soft, ==, UINT64_MAX);
        static const char *const bad[] = {"", "Max locked memory ", "Max locked memory  -1 2 bytes\n",
                                          "Max locked memory 1x 2\n", "x Max locked memory 1 1 bytes\n"};
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                soft = 5;
                g_assert_false(proc_limits_memlock(bad[i], strlen(bad[i]), &soft));
                g_assert_cmpuint(soft, ==, 5);
        }
        static const char status[] =
                "Name:\tqemu\nVmLck:\t     100 kB\nVmPin:\t       4 kB\nCapEff:\t0000000000004000\n";
        ProcStatus got;
        proc_status_parse(status, sizeof status - 1, &got);
        g_assert_cmpuint(got.locked, ==, 104 * 1024);
        g_assert_true(got.ipc_lock);
        static const char plain[] = "CapEff:\t000001ffffffbfff\nVmLck:\tx kB\n";
        proc_status_parse(plain, sizeof plain - 1, &got);
        g_assert_cmpuint(got.locked, ==, 0);
        g_assert_false(got.ipc_lock);
}

static void test_read(void) {
        g_autoptr(FakeQmp) fake = NULL;
        Host *made = usual(&fake);
        g_autoptr(Io) io = &made->io;
        g_autoptr(GError) error = NULL;
        static const char limits[] = "Max locked memory         65536                65536                bytes     \n";
        static const char status[] = "VmLck:\t       8 kB\nCapEff:\t0000000000000000\n";
        put_proc(made, 812, "limits", limits, sizeof limits - 1);
        put_proc(made, 812, "status", status, sizeof status - 1);
        fake_qmp_set_uuid(fake, "6d1a8c5e-9c7d-4e0f-8b0e-3a4f6f2d1c11");
        fake_qmp_set_ram(fake, 512 << 20, 256 << 20);
        fake_qmp_set_status(fake, "paused");
        fake_qmp_add_device(fake, "vfio-pci", NULL, "0000:01:10.2", NULL);
        fake_qmp_add_device(fake, "vfio-pci", "fd0", NULL, NULL);

        static const char *const refs[] = {"qemu:web1", "web1", "qemu:pid-812", "pid-812"};
        for (size_t i = 0; i < G_N_ELEMENTS(refs); i++) {
                g_autoptr(GuestInfo) info = guest_read(io, refs[i], &error);
                g_assert_no_error(error);
                g_assert_cmpstr(info->backend, ==, "qemu");
                g_assert_cmpstr(info->name, ==, "web1");
                g_assert_cmpint(info->pid, ==, 812);
                g_assert_cmpuint(info->pid_start, ==, 8120);
                g_assert_cmpstr(info->socket, ==, "run/web1.qmp");
                g_assert_cmpstr(info->status, ==, "paused");
                g_assert_cmpstr(info->uuid, ==, "6d1a8c5e-9c7d-4e0f-8b0e-3a4f6f2d1c11");
                g_assert_cmpuint(info->ram, ==, 768 << 20);
                g_assert_cmpuint(info->memlock_limit, ==, 65536);
                g_assert_cmpuint(info->memlock_used, ==, 8192);
                g_assert_false(info->memlock_exempt);
                g_assert_false(info->has_viommu);
                g_assert_cmpuint(info->slots->len, ==, 3);
                slot_is(info, 0, "rp1", false, true);
                slot_is(info, 1, "rp2", true, true);
                slot_is(info, 2, "rp3", true, false);
                g_assert_cmpuint(info->devices->len, ==, 2);
                const GuestDevice *given = info->devices->pdata[0], *anonymous = info->devices->pdata[1];
                g_assert_cmpstr(given->id, ==, "fd0");
                g_assert_false(given->has_host);
                g_assert_cmpstr(anonymous->id, ==, "/machine/peripheral-anon/device[1]");
                g_assert_true(anonymous->has_host);
                g_assert_true(guest_info_find(info, (PciAddr){.bus = 1, .slot = 16, .function = 2}) == anonymous);
        }
        /* QEMU keeps no definitions: a guest that does not run is not there. */
        g_autoptr(GuestInfo) any = guest_read_any(io, "qemu:web1", &error);
        g_assert_no_error(error);
        g_assert_cmpint(any->pid, ==, 812);
        g_assert_true(any->running && !any->has_definition);
        g_assert_cmpint(any->numa_node, ==, -1);
        g_assert_cmpuint(any->defined->len, ==, 0);
        g_assert_null(guest_read_any(io, "qemu:web2", &error));
        error_is(error, VFADM_ERROR_NOT_FOUND, "web2");
}

static void count_freed(void *kept) {
        ++*(int *) kept;
}

/* What a service keeps open is closed once: when the next takes its place, or with the Io. */
static void test_kept(void) {
        g_autoptr(GError) error = NULL;
        int first = 0, second = 0;
        Io *io = io_real_new("/", &error);

        g_assert_no_error(error);
        io_keep(io, &first, count_freed);
        g_assert_true(io->kept == &first);
        io_keep(io, &second, count_freed);
        g_assert_cmpint(first, ==, 1);
        g_assert_cmpint(second, ==, 0);
        io_free(io);
        g_assert_cmpint(first, ==, 1);
        g_assert_cmpint(second, ==, 1);
}

/* What has definitions and networks is named with its service, and QEMU is none. */
static void test_services(void) {
        g_autoptr(GError) error = NULL, bare = NULL, xen = NULL;
        const char *name = "untouched";

        g_assert_null(guest_service("qemu:web1", &name, &error));
        error_is(error, VFADM_ERROR_UNSUPPORTED, "libvirt does");
        g_assert_null(guest_service("passthrough", &name, &bare));
        error_is(bare, VFADM_ERROR_USAGE, "libvirt:NAME");
        g_assert_null(guest_service("xen:web1", &name, &xen));
        error_is(xen, VFADM_ERROR_UNSUPPORTED, "install the package vfadm-xen, or");
        g_assert_cmpstr(name, ==, "untouched");
}

static void test_read_other_machines(void) {
        g_autoptr(FakeQmp) fake = NULL;
        Host *made = usual(&fake);
        g_autoptr(Io) io = &made->io;
        g_autoptr(GError) error = NULL;
        fake_qmp_set_i440fx(fake, true);
        fake_qmp_set_viommu(fake, true);
        fake_qmp_set_pretty(fake, true);
        g_autoptr(GuestInfo) info = guest_read(io, "qemu:web1", &error);
        g_assert_no_error(error);
        g_assert_true(info->has_viommu);
        g_assert_null(info->uuid);
        g_assert_cmpuint(info->memlock_limit, ==, UINT64_MAX);
        slot_is(info, 3, "pci.0", true, true);
        for (int i = 0; i < 31; i++) {
                g_autofree char *id = g_strdup_printf("d%d", i);
                fake_qmp_add_device(fake, "e1000", id, NULL, "pci.0");
        }
        g_autoptr(GuestInfo) full = guest_read(io, "qemu:web1", &error);
        g_assert_no_error(error);
        slot_is(full, 3, "pci.0", false, true);
}

/* Every way of not being there, by the words that a user gets. */
static void test_names(void) {
        g_autoptr(FakeQmp) fake = NULL;
        Host *made = usual(&fake);
        g_autoptr(Io) io = &made->io;
        put_process(made, 20, "bash\n-c\nqemu-system-x86_64 -name web3");
        put_process(made, 900, "qemu-system-x86_64\n-name\ntwin\n-qmp\nunix:/run/a,server");
        put_process(made, 901, "qemu-kvm\n-name\ntwin\n-qmp\nunix:/run/b,server");
        put_process(made, 902,
                    "/usr/bin/kvm\n-name\nguest=lv,debug-threads=on\n-chardev\nsocket,id=charmonitor,fd=3,server=on");
        put_process(made, 903, "qemu-system-x86_64\n-name\nsilent");
        put_process(made, 904, "qemu-system-x86_64\n-qmp\nunix:/run/c,server");
        put_process(made, 905, "qemu-system-x86_64\n-name\na/b\n-qmp\nunix:/run/d,server");
        /* The device model of a Xen domain is no guest of QEMU's, and not even named as one that runs. */
        put_process(made, 906, "/usr/lib/xen/bin/qemu-system-i386\n-xen-domid\n3\n-name\nhvm\n-qmp\nunix:/run/e,server");
        static const struct {
                const char *ref;
                int code;
                const char *part;
        } table[] = {
                {"qemu:web2", VFADM_ERROR_NOT_FOUND,
                 "those that run: web1, pid-900, pid-901, silent, pid-904, pid-905"},
                {"web3", VFADM_ERROR_NOT_FOUND, "no QEMU"},
                {"qemu:pid-20", VFADM_ERROR_NOT_FOUND, "no QEMU"},
                {"twin", VFADM_ERROR_REFUSED, "qemu:pid-900, qemu:pid-901"},
                {"qemu:lv", VFADM_ERROR_UNSUPPORTED, "lv belongs to libvirt"},
                {"silent", VFADM_ERROR_UNSUPPORTED, "-qmp unix:PATH"},
                {"libvirt:lv", VFADM_ERROR_UNSUPPORTED, "vfadm-libvirt"},
                {"xen:dom", VFADM_ERROR_UNSUPPORTED, "with libxen-dev installed"},
                {"pid-906", VFADM_ERROR_NOT_FOUND, "no QEMU"},
                {"vmware:x", VFADM_ERROR_USAGE, "vmware"},
                {"qemu:", VFADM_ERROR_USAGE, "qemu:NAME"},
                {"a/b", VFADM_ERROR_USAGE, "qemu:NAME"},
                /* It runs; that its socket is gone must not read as if it did not. */
                {"pid-904", VFADM_ERROR_FAILED, "connecting to its QMP socket /run/c"},
                {"pid-905", VFADM_ERROR_FAILED, "/run/d"},
                {"pid-901", VFADM_ERROR_FAILED, "/run/b"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autoptr(GError) error = NULL;
                g_assert_null(guest_read(io, table[i].ref, &error));
                error_is(error, table[i].code, table[i].part);
        }
        io_tree_put_errno(io_tree_of(made->tree), "proc/1000/cmdline", -EACCES);
        g_autoptr(GError) hidden = NULL;
        g_assert_null(guest_read(io, "web2", &hidden));
        error_is(hidden, VFADM_ERROR_PERMISSION, "run as root");
}

static void test_sockets(void) {
        g_autoptr(FakeQmp) fake = NULL;
        Host *made = usual(&fake);
        g_autoptr(Io) io = &made->io;
        g_autoptr(FakeQmp) named = fake_qmp_new("web2"), hung = fake_qmp_new("web2"), chrooted = fake_qmp_new("web3");
        g_autoptr(FakeQmp) contained = fake_qmp_new("web4");
        IoTree *tree = io_tree_of(made->tree);

        fake_qmp_set_manner(hung, FAKE_QMP_HANGS);
        put_process(made, 813, "qemu-system-x86_64\n-name\nweb2\n-qmp\nunix:/run/held,server\n-qmp\nunix:../q,server");
        io_tree_put_link(tree, "proc/813/cwd", "/srv/vm");
        put_socket(made, 813, "run/held", hung);
        put_socket(made, 813, "srv/q", named);
        g_autoptr(GError) error = NULL;
        g_autoptr(GuestInfo) second = qemu_read(io, "web2", &quick, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(second->socket, ==, "srv/q");

        put_process(made, 814, "qemu-system-x86_64\n-name\nweb3\n-qmp\nunix:/run/q,server");
        io_tree_put_link(tree, "proc/814/root", "/srv/jail");
        put_socket(made, 814, "srv/jail/run/q", chrooted);
        g_autoptr(GuestInfo) third = qemu_read(io, "web3", &quick, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(third->socket, ==, "srv/jail/run/q");

        put_process(made, 815, "qemu-system-x86_64\n-name\nweb4\n-qmp\nunix:/run/q,server");
        io_tree_put_link(tree, "proc/815/root", "/");
        io_tree_put_link(tree, "proc/815/ns/mnt", "mnt:[2]");
        io_tree_put_link(tree, "proc/self/ns/mnt", "mnt:[1]");
        put_socket(made, 815, "proc/815/root/run/q", contained);
        g_autoptr(GuestInfo) fourth = qemu_read(io, "web4", &quick, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(fourth->socket, ==, "proc/815/root/run/q");

        /* Somebody else listens where web1 did: nothing is said to him. */
        put_socket(made, 4242, "run/web1.qmp", fake);
        g_assert_null(qemu_read(io, "web1", &quick, &error));
        error_is(error, VFADM_ERROR_REFUSED, "process 4242 listens");
        g_assert_cmpuint(fake_qmp_count(fake, "qmp_capabilities"), ==, 0);
        g_clear_error(&error);
        g_assert_false(qemu_plug(io, "web1", vf0, "v", "rp2", &quick, &error));
        error_is(error, VFADM_ERROR_REFUSED, "process 4242 listens");
        g_clear_error(&error);
        made->peer_result = -EOPNOTSUPP;
        g_autoptr(GuestInfo) unchecked = qemu_read(io, "web1", &quick, &error);
        g_assert_no_error(error);
        g_assert_nonnull(unchecked);

        put_process(made, 816, "qemu-system-x86_64\n-name\nliar\n-qmp\nunix:/run/web1.qmp,server");
        g_assert_null(qemu_read(io, "liar", &quick, &error));
        error_is(error, VFADM_ERROR_REFUSED, "QEMU itself says 'web1'");
}

static void test_manners(void) {
        static const struct {
                FakeQmpManner manner;
                int code;
                const char *part;
        } table[] = {
                {FAKE_QMP_HANGS, VFADM_ERROR_BUSY, "does not answer a new connection"},
                {FAKE_QMP_HANGS_LATER, VFADM_ERROR_BUSY, "does not answer query-status"},
                {FAKE_QMP_CLOSES, VFADM_ERROR_FAILED, "closed its QMP connection"},
                {FAKE_QMP_NO_JSON, VFADM_ERROR_FAILED, "does not speak QMP"},
                {FAKE_QMP_BROKEN_JSON, VFADM_ERROR_FAILED, "no JSON"},
                {FAKE_QMP_WRONG_ID, VFADM_ERROR_FAILED, "a question that was not asked"},
                {FAKE_QMP_WRONG_SHAPE, VFADM_ERROR_FAILED, "has not the form"},
                {FAKE_QMP_ENDLESS, VFADM_ERROR_FAILED, "above 1 MiB"},
                {FAKE_QMP_FLOODS, VFADM_ERROR_FAILED, "sends events and does not answer"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autoptr(FakeQmp) fake = NULL;
                Host *made = usual(&fake);
                g_autoptr(Io) io = &made->io;
                g_autoptr(GError) error = NULL;
                int64_t before = g_get_monotonic_time();
                fake_qmp_set_manner(fake, table[i].manner);
                /* Under the sanitizers a MiB takes its time; the deadline is no part of what these rows ask. */
                bool hangs = table[i].code == VFADM_ERROR_BUSY;
                QemuTimes times = {.answer_ms = hangs ? 200 : 20000};
                g_assert_null(qemu_read(io, "web1", &times, &error));
                error_is(error, table[i].code, table[i].part);
                g_assert_nonnull(strstr(error->message, "qemu:web1 (pid 812)"));
                g_assert_cmpint(g_get_monotonic_time() - before, <, 20 * G_USEC_PER_SEC);
                g_assert_true(!hangs || g_get_monotonic_time() - before >= 200 * 1000);
        }
}

static void test_plug(void) {
        g_autoptr(FakeQmp) fake = NULL;
        Host *made = usual(&fake);
        g_autoptr(Io) io = &made->io;
        g_autoptr(GError) error = NULL;
        const GuestBackend *backend = guest_backend("qemu", NULL);
        g_assert_nonnull(backend);
        g_assert_true(backend->plug(io, "web1", &(GuestPlugged) {vf0, "vfadm-0000-01-10.0", "rp2", NULL}, &error));
        g_assert_no_error(error);
        g_assert_true(fake_qmp_has_host(fake, "0000:01:10.0"));
        g_autoptr(GuestInfo) info = backend->read(io, "web1", &error);
        g_assert_no_error(error);
        slot_is(info, 1, "rp2", false, true);
        const GuestDevice *device = guest_info_find(info, vf0);
        g_assert_nonnull(device);
        g_assert_cmpstr(device->id, ==, "vfadm-0000-01-10.0");
        /* Again after a crash: the same device is as it shall be, another one under its id is not. */
        g_assert_true(backend->plug(io, "web1", &(GuestPlugged) {vf0, "vfadm-0000-01-10.0", "rp2", NULL}, &error));
        g_assert_no_error(error);
        PciAddr other = {.bus = 1, .slot = 16, .function = 2};
        g_assert_false(backend->plug(io, "web1", &(GuestPlugged) {other, "vfadm-0000-01-10.0", "rp2", NULL}, &error));
        error_is(error, VFADM_ERROR_IN_USE, "another device of the guest has this id");
        g_clear_error(&error);
        g_assert_false(backend->plug(io, "web1", &(GuestPlugged) {other, "v2", "rp9", NULL}, &error));
        error_is(error, VFADM_ERROR_NOT_FOUND, "the guest has no such slot");
}

static void test_plug_refused(void) {
        static const struct {
                const char *desc;
                int code;
                const char *part;
        } table[] = {
                {"vfio 0000:01:10.0: failed to setup container for group 15: Failed to set iommu for container: "
                 "Operation not permitted",
                 VFADM_ERROR_UNSUPPORTED, "interrupt remapping"},
                {"vfio 0000:01:10.0: group 15 is not viable", VFADM_ERROR_REFUSED, "on a host driver"},
                {"vfio 0000:01:10.0: failed to setup container for group 15: memory listener initialization failed: "
                 "Region pc.ram: vfio_container_dma_map(0x1, 0x0, 0x80000000, 0x2) = -12 (Cannot allocate memory)",
                 VFADM_ERROR_REFUSED, "prlimit --memlock"},
                {"Bus 'pcie.0' does not support hotplugging", VFADM_ERROR_UNSUPPORTED, "pcie-root-port"},
                {"PCI: slot 0 function 0 not available for vfio-pci, in use by virtio-net-pci,id=nic0",
                 VFADM_ERROR_IN_USE, "choose another"},
                {"vfio 0000:01:10.0: failed to open /dev/vfio/15: Permission denied", VFADM_ERROR_PERMISSION,
                 "/dev/vfio"},
                {"Could not open '/dev/vfio/15': Device or resource busy", VFADM_ERROR_IN_USE, "another process holds"},
                {"something\nnew \x1b[31mred", VFADM_ERROR_FAILED, "something new  [31mred"},
        };
        g_autoptr(FakeQmp) fake = NULL;
        Host *made = usual(&fake);
        g_autoptr(Io) io = &made->io;
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autoptr(GError) error = NULL;
                fake_qmp_set_refusal(fake, table[i].desc);
                g_assert_false(qemu_plug(io, "web1", vf0, "v", "rp2", &quick, &error));
                error_is(error, table[i].code, table[i].part);
                g_assert_nonnull(strstr(error->message, "0000:01:10.0"));
        }
        g_assert_false(fake_qmp_has_device(fake, "v"));
}

static void test_unplug(void) {
        static const struct {
                FakeQmpDelete delete;
                unsigned timeout_ms;
                GuestPlug result;
                int code;
                const char *part; /* NULL: no error */
                unsigned asked;
        } table[] = {
                {FAKE_DELETE_SOON, 5000, GUEST_PLUG_DONE, 0, NULL, 1},
                {FAKE_DELETE_SLOW, 5000, GUEST_PLUG_DONE, 0, NULL, 1},
                {FAKE_DELETE_EARLY, 5000, GUEST_PLUG_DONE, 0, NULL, 1},
                {FAKE_DELETE_SILENT, 30000, GUEST_PLUG_DONE, 0, NULL, 1},
                {FAKE_DELETE_UNDER_WAY, 5000, GUEST_PLUG_DONE, 0, NULL, 1},
                {FAKE_DELETE_BUSY_ONCE, 5000, GUEST_PLUG_DONE, 0, NULL, 2},
                {FAKE_DELETE_ENDS, 5000, GUEST_PLUG_DONE, 0, NULL, 1},
                {FAKE_DELETE_NEVER, 100, GUEST_PLUG_PENDING, VFADM_ERROR_PENDING, "has not yet", 1},
                {FAKE_DELETE_SLOW, 0, GUEST_PLUG_PENDING, VFADM_ERROR_PENDING, "has not yet", 1},
                {FAKE_DELETE_GUEST_ERROR, 5000, GUEST_PLUG_FAILED, VFADM_ERROR_FAILED, "the guest refused", 1},
                {FAKE_DELETE_REFUSED, 5000, GUEST_PLUG_FAILED, VFADM_ERROR_FAILED, "does not support hotplugging", 1},
                {FAKE_DELETE_BUSY, 100, GUEST_PLUG_FAILED, VFADM_ERROR_BUSY, "power indicator", 1},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autoptr(FakeQmp) fake = NULL;
                Host *made = usual(&fake);
                g_autoptr(Io) io = &made->io;
                g_autoptr(GError) error = NULL;
                QemuTimes times = {.answer_ms = 5000, .plug_ms = 5000};
                made->dies = fake;
                fake_qmp_add_device(fake, "vfio-pci", "other", "0000:01:10.4", "rp1");
                fake_qmp_add_device(fake, "vfio-pci", "v", "0000:01:10.0", "rp2");
                fake_qmp_set_delete(fake, table[i].delete);
                GuestPlug got = qemu_unplug(io, "web1", "v", table[i].timeout_ms, &times, &error);
                g_test_message("row %zu: %s", i, error ? error->message : "no error");
                g_assert_cmpint(got, ==, table[i].result);
                if (table[i].part)
                        error_is(error, table[i].code, table[i].part);
                else
                        g_assert_no_error(error);
                g_assert_cmpuint(fake_qmp_count(fake, "device_del"), ==, table[i].asked);
                g_assert_cmpint(fake_qmp_has_host(fake, "0000:01:10.0"), ==, got != GUEST_PLUG_DONE);
                g_assert_cmpint(fake_qmp_has_host(fake, "0000:01:10.4"), ==, table[i].delete != FAKE_DELETE_ENDS);
        }
}

static void test_unplug_nothing(void) {
        g_autoptr(FakeQmp) fake = NULL;
        Host *made = usual(&fake);
        g_autoptr(Io) io = &made->io;
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(qemu_unplug(io, "web1", "v", 1000, &quick, &error), ==, GUEST_PLUG_DONE);
        g_assert_no_error(error);
        g_assert_cmpuint(fake_qmp_count(fake, "device_del"), ==, 0);
        g_assert_cmpint(qemu_unplug(io, "web9", "v", 1000, &quick, &error), ==, GUEST_PLUG_DONE);
        g_assert_no_error(error);

        fake_qmp_add_device(fake, "vfio-pci", NULL, "0000:01:10.0", "rp2");
        g_assert_cmpint(qemu_unplug(io, "web1", "/machine/peripheral-anon/device[1]", 5000, &quick, &error), ==,
                        GUEST_PLUG_DONE);
        g_assert_no_error(error);
        g_assert_false(fake_qmp_has_host(fake, "0000:01:10.0"));

        /* A guest that cannot be asked still has what it has. */
        fake_qmp_set_manner(fake, FAKE_QMP_HANGS);
        g_assert_cmpint(qemu_unplug(io, "web1", "v", 1000, &quick, &error), ==, GUEST_PLUG_FAILED);
        error_is(error, VFADM_ERROR_BUSY, "does not answer");
        g_clear_error(&error);
        fake_qmp_set_manner(fake, FAKE_QMP_HANGS_DEL);
        fake_qmp_add_device(fake, "vfio-pci", "v", "0000:01:10.0", "rp2");
        g_assert_cmpint(qemu_unplug(io, "web1", "v", 1000, &quick, &error), ==, GUEST_PLUG_PENDING);
        error_is(error, VFADM_ERROR_PENDING, "device_del");
        g_clear_error(&error);
        put_process(made, 900, web1);
        g_assert_cmpint(qemu_unplug(io, "web1", "v", 1000, &quick, &error), ==, GUEST_PLUG_FAILED);
        error_is(error, VFADM_ERROR_REFUSED, "several QEMUs");
        g_clear_error(&error);
        io_tree_remove(io_tree_of(made->tree), "proc");
        g_assert_cmpint(qemu_unplug(io, "web1", "v", 1000, &quick, &error), ==, GUEST_PLUG_FAILED);
        error_is(error, VFADM_ERROR_FAILED, "/proc");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/guest/qmp/frame", test_frame);
        g_test_add_func("/guest/qmp/message", test_message);
        g_test_add_func("/guest/proc", test_proc);
        g_test_add_func("/guest/read", test_read);
        g_test_add_func("/guest/read-other-machines", test_read_other_machines);
        g_test_add_func("/guest/services", test_services);
        g_test_add_func("/guest/kept", test_kept);
        g_test_add_func("/guest/names", test_names);
        g_test_add_func("/guest/sockets", test_sockets);
        g_test_add_func("/guest/manners", test_manners);
        g_test_add_func("/guest/plug", test_plug);
        g_test_add_func("/guest/plug-refused", test_plug_refused);
        g_test_add_func("/guest/unplug", test_unplug);
        g_test_add_func("/guest/unplug-nothing", test_unplug_nothing);
        return g_test_run();
}
