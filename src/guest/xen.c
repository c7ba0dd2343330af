/* The Xen backend: domains of this dom0, over libxenlight. A loadable module; here are its row, its connection and its
 * errors. */
#include "guest/xen.h"

#include "base/error.h"
#include "guest/module.h"

#include <errno.h>
#include <string.h>
#include <xentoollog.h>

enum { SAID_MAX = 600 };

struct XenLog {
        xentoollog_logger logger; /* first: the libraries know no more of us */
        GString *said;
};

/* libxl puts the place in its source before its words: "libxl_pci.c:1600:libxl__device_pci_add: Domain 3:…". */
static const char *without_place(const char *message) {
        const char *rest = strstr(message, ": ");
        const char *file = strstr(message, ".c:");
        return rest && file && file < rest ? rest + strlen(": ") : message;
}

static void hear(xentoollog_logger *logger, xentoollog_level level, int number, const char *context, const char *format,
                 va_list args) G_GNUC_PRINTF(5, 0);
static void hear(xentoollog_logger *logger, xentoollog_level level, int number, const char *context, const char *format,
                 va_list args) {
        XenLog *log = (XenLog *)logger;

        if (level < XTL_ERROR || log->said->len >= SAID_MAX)
                return;
        int before = errno;
        g_autofree char *message = g_strdup_vprintf(format, args);
        g_string_append_printf(log->said, "%s%s%s%s", log->said->len ? "; " : "",
                               g_strstrip(g_strdelimit((char *) without_place(message), "\n\t", ' ')),
                               number >= 0 ? ": " : "", number >= 0 ? g_strerror(number) : "");
        errno = before;
}

static void log_destroy(xentoollog_logger *logger) {
        XenLog *log = (XenLog *)logger;
        g_string_free(log->said, TRUE);
        g_free(log);
}

static XenLog *log_new(void) {
        XenLog *log = g_new0(XenLog, 1);
        log->logger = (xentoollog_logger){.vmessage = hear, .destroy = log_destroy};
        log->said = g_string_new(NULL);
        return log;
}

static void set_said(Xen *xen, VfadmError kind, const char *what, const char *errno_text, GError **error) {
        const char *said = xen->log->said->len ? xen->log->said->str : errno_text;
        g_set_error(error, VFADM_ERROR, kind, "%s: Xen says: %s", what, said ? said : "nothing more; see 'xl dmesg'");
}

void xen_error(Xen *xen, GError **error, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *what = g_strdup_vprintf(format, args);
        va_end(args);
        set_said(xen, VFADM_ERROR_FAILED, what, NULL, error);
}

void xen_error_errno(Xen *xen, int number, GError **error, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *what = g_strdup_vprintf(format, args);
        va_end(args);
        VfadmError kind = vfadm_error_from_errno(-number);
        set_said(xen, kind == VFADM_ERROR_NOT_FOUND ? VFADM_ERROR_FAILED : kind, what, g_strerror(number), error);
}

bool xen_said(const Xen *xen, const char *words) {
        return strstr(xen->log->said->str, words) != NULL;
}

static void xen_free(void *data) {
        Xen *xen = data;
        libxl_ctx_free(xen->xl);
        if (xen->hypervisor)
                xc_interface_close(xen->hypervisor);
        if (xen->store)
                xs_close(xen->store);
        log_destroy(&xen->log->logger);
        g_free(xen);
}

/* Asked through the seam first, so that a host without Xen is told at once and a recorded one is left alone. */
static bool is_dom0(Io *io) {
        g_autofree char *capabilities = NULL;
        return io->writable && io_read_text(io, "proc/xen/capabilities", &capabilities) >= 0 &&
               strstr(capabilities, "control_d");
}

/* Opened without privileges, both fail with EACCES; without Xen's daemons, xenstore does. */
static bool open_all(Xen *xen, GError **error) {
        xen->hypervisor = xc_interface_open(&xen->log->logger, &xen->log->logger, 0);
        if (!xen->hypervisor) {
                xen_error_errno(xen, errno, error, "the hypervisor cannot be reached (root is needed)");
                return false;
        }
        xen->store = xs_open(0);
        if (!xen->store) {
                xen_error_errno(xen, errno, error, "xenstore cannot be reached; see 'systemctl status xenstored'");
                return false;
        }
        if (libxl_ctx_alloc(&xen->xl, LIBXL_VERSION, 0, &xen->log->logger) != 0) {
                xen_error(xen, error, "libxl does not start");
                return false;
        }
        return true;
}

Xen *xen_open(Io *io, GError **error) {
        Xen *xen = io->kept;
        /* An Io keeps one thing, which may be another module's. */
        if (xen && io->kept_free == xen_free) {
                g_string_truncate(xen->log->said, 0);
                return xen;
        }
        if (!is_dom0(io)) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED,
                                    "this host is not Xen's dom0 (/proc/xen/capabilities has no control_d)");
                return NULL;
        }
        xen = g_new0(Xen, 1);
        xen->log = log_new();
        if (!open_all(xen, error)) {
                xen_free(xen);
                return NULL;
        }
        io_keep(io, xen, xen_free);
        return xen;
}

/* libxl's default is to reap every child of the process (libxl_event.h). */
static const libxl_childproc_hooks selective = {.chldowner = libxl_sigchld_owner_libxl_always_selective_reap};

void xen_children_begin(Xen *xen) {
        libxl_childproc_setmode(xen->xl, &selective, NULL);
}

void xen_children_end(Xen *xen) {
        libxl_childproc_setmode(xen->xl, NULL, NULL);
}

char *xen_store_read(Xen *xen, const char *path) {
        unsigned length;
        char *text = xs_read(xen->store, XBT_NULL, path, &length);
        char *ret = g_strdup(text);
        free(text);
        return ret;
}

/* libxl's pci_info_xs_path() (libxl_pci.c). */
char *xen_store_pci(PciAddr dev, const char *node) {
        return g_strdup_printf("/libxl/pci/%04x-%02x-%02x-%01x%s%s", dev.domain, dev.bus, dev.slot, dev.function,
                               node ? "/" : "", node ? node : "");
}

static const GuestService service = {
        .read_any = xen_read_any,
        .define = xen_define,
        .undefine = xen_undefine,
        .books = xen_books,
        .set_assignable = xen_set_assignable,
        .log = xen_log,
};

static const GuestBackend xen_backend = {
        .name = "xen",
        .read = xen_read,
        .examine = xen_read,
        .plug = xen_plug,
        .unplug = xen_unplug,
        .service = &service,
};

extern const GuestModule guest_module;
const GuestModule guest_module = {GUEST_MODULE_ABI, &xen_backend};
