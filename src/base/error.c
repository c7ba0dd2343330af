/* The error domain: words and exit status of each kind, and the way from errno to them. */
#include "base/error.h"

#include <errno.h>

G_DEFINE_QUARK(vfadm-error-quark, vfadm_error)

static const char *const words[] = {
        [VFADM_ERROR_FAILED] = "failed",           [VFADM_ERROR_USAGE] = "usage",
        [VFADM_ERROR_NOT_FOUND] = "not-found",     [VFADM_ERROR_REFUSED] = "refused",
        [VFADM_ERROR_IN_USE] = "in-use",           [VFADM_ERROR_UNSUPPORTED] = "unsupported",
        [VFADM_ERROR_PENDING] = "pending",         [VFADM_ERROR_BUSY] = "busy",
        [VFADM_ERROR_PERMISSION] = "permission",   [VFADM_ERROR_LEDGER] = "ledger",
        [VFADM_ERROR_HALF_DONE] = "half-done",
};

const char *vfadm_error_word(int code) {
        if (code > 0 && (size_t) code < G_N_ELEMENTS(words) && words[code])
                return words[code];
        return "failed";
}

VfadmError vfadm_error_from_errno(int negative_errno) {
        switch (-negative_errno) {
        case EACCES:
        case EPERM:
        case EROFS:
                return VFADM_ERROR_PERMISSION;
        case ENOENT:
        case ENODEV:
        case ENXIO:
                return VFADM_ERROR_NOT_FOUND;
        case EAGAIN:
        case EBUSY:
        case ETIMEDOUT:
                return VFADM_ERROR_BUSY;
        case EOPNOTSUPP:
        case EPROTONOSUPPORT:
        case ENOSYS:
                return VFADM_ERROR_UNSUPPORTED;
        default:
                return VFADM_ERROR_FAILED;
        }
}

bool vfadm_error_set_errno(GError **error, int negative_errno, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *what = g_strdup_vprintf(format, args);
        va_end(args);
        g_set_error(error, VFADM_ERROR, vfadm_error_from_errno(negative_errno), "%s: %s", what,
                    g_strerror(-negative_errno));
        return false;
}
