/* A device in a guest's persistent definition: put in, or taken out. What a step takes out it can put back as it was. */
#include "act/effect.h"

#include "base/error.h"
#include "guest/guest.h"
#include "xml/domain.h"

#include <errno.h>
#include <string.h>

/* The element that this step is about, on whichever side it stands. */
static const char *element_of(const Step *step) {
        return step->from.text ? step->from.text : step->to.text;
}

/* By its function, which is all that an entry of a Xen domain's list has; a NIC that gets any VF of a network has none: it is known by the network and its MAC, as libvirt does. */
static const GuestDevice *find_defined(const GuestInfo *info, const Step *step) {
        const char *element = element_of(step);
        g_autoptr(GuestDevice) wanted = element && !effect_is_xen(step) ? xml_device_parse(element, strlen(element)) : NULL;

        if (!wanted || !wanted->network || wanted->has_host)
                return guest_info_find_defined(info, step->dev);
        for (unsigned i = 0; i < info->defined->len; i++) {
                const GuestDevice *device = info->defined->pdata[i];
                if (g_strcmp0(device->network, wanted->network) == 0 && vf_state_diff(&device->vf, &wanted->vf, VF_MAC) == 0)
                        return device;
        }
        return NULL;
}

static int read_definition(ActContext *act, const Step *step, Fact *ret, GError **error) {
        g_autoptr(GError) problem = NULL;
        g_autoptr(GuestInfo) info = guest_read_any(act->io, step->guest, &problem);

        if (!info) {
                /* With the guest its definition is gone. */
                if (g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND))
                        return 0;
                g_propagate_error(error, g_steal_pointer(&problem));
                return -EIO;
        }
        const GuestDevice *device = find_defined(info, step);
        if (device)
                ret->text = g_strdup(device->xml ? device->xml : "");
        return 0;
}

static int make_definition(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        const char *name;
        const GuestService *service = guest_service(step->guest, &name, error);

        if (!service)
                return -EOPNOTSUPP;
        bool ok = target->text ? service->define(act->io, name, target->text, error)
                               : service->undefine(act->io, name, element_of(step), error);
        return ok ? 0 : -EIO;
}

/* Where its owner can read the definition. */
static char *where_to_look(ActContext *act, const Step *step) {
        if (!effect_is_xen(step))
                return g_strdup_printf("'virsh dumpxml --inactive %s'", effect_guest_name(step));
        g_autoptr(GuestInfo) info = guest_read_any(act->io, step->guest, NULL);
        return info && info->file ? g_strdup_printf("'pci = [' in /%s", info->file) : g_strdup("the domain's file in /etc/xen");
}

static void explain_definition(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        g_autofree char *what = step_describe(step), *where = where_to_look(act, step);

        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "%s: said to be done, but it is %s there; see %s", what, target->text ? "not" : "still", where);
}

const Effect effect_definition = {.read = read_definition, .make = make_definition, .explain = explain_definition};
