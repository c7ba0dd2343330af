/* The libvirt backend: KVM guests of qemu:///system, over libvirt's C API. A loadable module; here are its row, its
 * connection and its errors. */
#include "guest/libvirt.h"

#include "base/error.h"
#include "guest/module.h"

#define URI "qemu:///system"

enum {
        OPEN_MS = 3000, /* for a daemon that is being restarted */
        OPEN_LOOK_MS = 100,
};

int libvirt_code(void) {
        const virError *last = virGetLastError();
        return last ? last->code : VIR_ERR_OK;
}

static VfadmError kind_of(int code) {
        switch (code) {
        case VIR_ERR_NO_DOMAIN:
        case VIR_ERR_NO_NETWORK:
        case VIR_ERR_NO_NETWORK_PORT:
                return VFADM_ERROR_NOT_FOUND;
        case VIR_ERR_AUTH_FAILED:
        case VIR_ERR_AUTH_CANCELLED:
        case VIR_ERR_AUTH_UNAVAILABLE:
        case VIR_ERR_ACCESS_DENIED:
        case VIR_ERR_OPERATION_DENIED:
                return VFADM_ERROR_PERMISSION;
        case VIR_ERR_OPERATION_TIMEOUT:
        case VIR_ERR_RESOURCE_BUSY:
                return VFADM_ERROR_BUSY;
        default:
                return VFADM_ERROR_FAILED;
        }
}

void libvirt_error(GError **error, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *what = g_strdup_vprintf(format, args);
        va_end(args);
        g_set_error(error, VFADM_ERROR, kind_of(libvirt_code()), "%s: libvirt says: %s", what,
                    virGetLastErrorMessage());
}

/* libvirt prints every error to standard error unless told otherwise. */
static void be_silent(void *user, virErrorPtr error) {
}

/* Asked through the seam first, so that a host without libvirt is told at once and a recorded one is left alone. */
static bool socket_there(Io *io, const char *name) {
        g_auto(GStrv) names = NULL;

        if (!io->writable || io_list(io, "run/libvirt", &names) < 0)
                return false;
        return g_strv_contains((const char *const *)names, "libvirt-sock") ||
               g_strv_contains((const char *const *)names, name);
}

/* Whoever connects to the socket has systemd start the daemon, which at boot waits for vfadm-apply.service. Daemons write their pid when
 * they begin (src/rpc/virnetdaemon.c, src/util/virpidfile.c). */
static bool daemon_runs(Io *io) {
        static const char *const files[] = {"run/libvirtd.pid", "run/virtqemud.pid"};

        for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
                uint64_t pid, start;
                if (io_read_uint(io, files[i], 10, G_MAXINT, &pid) >= 0 && io_process_start(io, (int)pid, &start) >= 0)
                        return true;
        }
        return false;
}

bool libvirt_has_networks(Io *io) {
        return socket_there(io, "virtnetworkd-sock");
}

/* What an Io keeps for this module. */
typedef struct {
        VirConnect *connect;
        int64_t opened;
} Kept;

static void kept_free(void *data) {
        Kept *kept = data;
        virConnectClose(kept->connect);
        g_free(kept);
}

/* virConnectIsAlive() alone says yes until somebody has read the end of the socket, which without an event loop is
 * nobody. A program that calls this ignores SIGPIPE, as vfadm does: libvirt's client writes to a socket that the daemon
 * has closed. */
static bool answers(VirConnect *connect) {
        unsigned long version;
        return virConnectIsAlive(connect) == 1 && virConnectGetLibVersion(connect, &version) == 0;
}

/* While it is restarted nobody accepts, or the first call is cut off. */
static VirConnect *open_patiently(Io *io) {
        int64_t until = io_now(io) + OPEN_MS * 1000;
        VirConnect *connect;

        while (!(connect = virConnectOpen(URI)) && kind_of(libvirt_code()) == VFADM_ERROR_FAILED && io_now(io) < until)
                io_pause(io, OPEN_LOOK_MS);
        return connect;
}

/* NULL: nothing, or what another module keeps there. */
static Kept *kept_of(Io *io) {
        return io->kept && io->kept_free == kept_free ? io->kept : NULL;
}

VirConnect *libvirt_connect(Io *io, GError **error) {
        Kept *kept = kept_of(io);
        if (kept && answers(kept->connect))
                return kept->connect;
        if (kept)
                io_keep(io, NULL, NULL);
        if (!socket_there(io, "virtqemud-sock")) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED,
                                    "libvirt does not run here (no socket in /run/libvirt); start it: 'systemctl start "
                                    "libvirtd.socket' or, where it is modular, 'systemctl start virtqemud.socket'");
                return NULL;
        }
        if (io->wakes_nobody && !daemon_runs(io)) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "libvirt does not run yet, and at boot it is not woken");
                return NULL;
        }
        virSetErrorFunc(NULL, be_silent);
        VirConnect *connect = open_patiently(io);
        if (!connect) {
                libvirt_error(error, "libvirt (" URI ") cannot be reached");
                return NULL;
        }
        kept = g_new0(Kept, 1);
        *kept = (Kept){connect, io_now(io)};
        io_keep(io, kept, kept_free);
        return connect;
}

int64_t libvirt_connected_since(Io *io) {
        return libvirt_connect(io, NULL) ? ((Kept *)io->kept)->opened : -1;
}

static const GuestService service = {
        .read_any = libvirt_read_any,
        .define = libvirt_define,
        .undefine = libvirt_undefine,
        .books = libvirt_books,
        .network = libvirt_network,
        .set_network = libvirt_set_network,
        .hold = libvirt_hold,
        .let_go = libvirt_let_go,
};

static const GuestBackend libvirt_backend = {
        .name = "libvirt",
        .read = libvirt_read,
        .examine = libvirt_read,
        .plug = libvirt_plug,
        .unplug = libvirt_unplug,
        .service = &service,
};

extern const GuestModule guest_module;
const GuestModule guest_module = {GUEST_MODULE_ABI, &libvirt_backend};
