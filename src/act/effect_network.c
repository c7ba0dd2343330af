/* A service's network of VFs: made, changed, taken away. */
#include "act/effect.h"

#include "base/error.h"
#include "guest/guest.h"

#include <errno.h>
#include <string.h>

static int read_network(ActContext *act, const Step *step, Fact *ret, GError **error) {
        g_autoptr(GError) problem = NULL;
        const char *name;

        const GuestService *service = guest_service(step->network, &name, error);
        if (!service)
                return -EOPNOTSUPP;
        g_autoptr(HostdevNetwork) network = service->network(act->io, name, &problem);
        if (!network) {
                if (g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND))
                        return 0;
                g_propagate_error(error, g_steal_pointer(&problem));
                return -EIO;
        }
        ret->text = hostdev_network_format(network);
        return 0;
}

static int make_network(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        g_autoptr(HostdevNetwork) wanted = NULL;
        const char *name;

        const GuestService *service = guest_service(step->network, &name, error);
        if (!service)
                return -EOPNOTSUPP;
        if (target->text && !(wanted = hostdev_network_parse(name, target->text, error)))
                return -EINVAL;
        return service->set_network(act->io, name, wanted, error) ? 0 : -EIO;
}

static void explain_network(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        g_autofree char *is = fact_describe(step, now), *should = fact_describe(step, target);

        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "network %s: was made to be '%s', but it is '%s' now; somebody else may be changing it: see 'virsh net-list --all'",
                    step->network, should, is);
}

const Effect effect_network = {.read = read_network, .make = make_network, .explain = explain_network};
