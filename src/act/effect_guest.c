/* A device in a running guest: plugged in, or taken out and waited for. */
#include "act/effect.h"

#include "base/error.h"
#include "guest/guest.h"

#include <errno.h>

enum { DETACH_MS = 30 * 1000 };

/* The id of the device in the guest that this step is about: it is `from` or `to`, the other one is NULL. */
static const char *device_id(const Step *step) {
        return step->to.text ? step->to.text : step->from.text;
}

/* The errno that the runner's retries look at. */
static int errno_of(const GError *error) {
        return g_error_matches(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND) ? -ENOENT : -EIO;
}

/* A Xen domain has no names for its devices: by its function, whoever plugged it. */
static const char *id_in(const GuestInfo *info, const Step *step) {
        if (effect_is_xen(step))
                return guest_info_find(info, step->dev) ? device_id(step) : NULL;
        for (unsigned i = 0; i < info->devices->len; i++) {
                const GuestDevice *device = info->devices->pdata[i];
                if (g_strcmp0(device->id, device_id(step)) == 0)
                        return device->id;
        }
        return NULL;
}

static int read_guest(ActContext *act, const Step *step, Fact *ret, GError **error) {
        g_autoptr(GError) problem = NULL;
        g_autoptr(GuestInfo) info = guest_read(act->io, step->guest, &problem);

        if (!info) {
                /* A guest that does not run has nothing. */
                if (g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND))
                        return 0;
                int r = errno_of(problem);
                g_propagate_error(error, g_steal_pointer(&problem));
                return r;
        }
        ret->text = g_strdup(id_in(info, step));
        return 0;
}

static int unplug(ActContext *act, const Step *step, const GuestBackend *backend, const char *name, GError **error) {
        g_autoptr(GError) problem = NULL;
        unsigned timeout_ms = act->detach_timeout_ms ? act->detach_timeout_ms : DETACH_MS;
        char dev[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(step->dev, dev);
        switch (backend->unplug(act->io, name, device_id(step), timeout_ms, &problem)) {
        case GUEST_PLUG_DONE:
                return 0;
        case GUEST_PLUG_PENDING:
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_PENDING,
                            "%s has not let go of %s within %u s; the lease is kept as pending; run the detach again, or 'vfadm recover' later",
                            step->guest, dev, timeout_ms / 1000);
                return -EINPROGRESS;
        default:
                if (!problem)
                        g_set_error(&problem, VFADM_ERROR, VFADM_ERROR_FAILED, "%s does not give %s back", step->guest, dev);
                g_propagate_error(error, g_steal_pointer(&problem));
                return -EIO;
        }
}

static int make_guest(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        g_autofree char *kind = NULL, *name = NULL;
        g_autoptr(GError) problem = NULL;

        if (!guest_ref_parse(step->guest, &kind, &name) || !kind) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER, "'%s' names no guest", step->guest);
                return -EINVAL;
        }
        const GuestBackend *backend = guest_backend(kind, error);
        if (!backend)
                return -EOPNOTSUPP;
        if (!target->text)
                return unplug(act, step, backend, name, error);
        const GuestPlugged device = {step->dev, target->text, step->guest_bus, step->xml};
        if (backend->plug(act->io, name, &device, &problem))
                return 0;
        int r = errno_of(problem);
        g_propagate_error(error, g_steal_pointer(&problem));
        return r;
}

static void explain_guest(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        char dev[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(step->dev, dev);
        if (effect_is_xen(step))
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "%s: Xen's tools said yes, but %s is %s; see 'xl pci-list %s', 'xl dmesg' and /var/log/xen", step->guest, dev,
                            target->text ? "not in it" : "still in it", effect_guest_name(step));
        else
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "%s: its monitor said yes, but %s is %s; look at the guest's log", step->guest, dev,
                            target->text ? "not in it" : "still in it");
}

const Effect effect_guest = {.read = read_guest, .make = make_guest, .explain = explain_guest};
