/* A VF that is held in a service's network of VFs, so that the network does not give it to a guest of its own. */
#include "act/effect.h"

#include "base/error.h"
#include "guest/guest.h"

#include <errno.h>
#include <string.h>

static int read_hold(ActContext *act, const Step *step, Fact *ret, GError **error) {
        g_autoptr(GError) problem = NULL;
        const char *name;

        const GuestService *service = guest_service(step->network, &name, error);
        if (!service)
                return -EOPNOTSUPP;
        g_autoptr(HostdevNetwork) network = service->network(act->io, name, &problem);
        if (!network && !g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&problem));
                return -EIO;
        }
        /* It gives nothing away: there is nothing to keep from it, and nothing that it holds. */
        if (!network || !network->active) {
                ret->text = g_strdup(HOLD_IDLE);
                return 0;
        }
        const HostdevPort *port = hostdev_network_port(network, step->dev);
        if (port && g_strcmp0(port->owner, HOSTDEV_HOLDER) == 0)
                ret->text = g_strdup(HOSTDEV_HOLDER);
        return 0;
}

static int make_hold(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        const char *name;

        const GuestService *service = guest_service(step->network, &name, error);
        if (!service)
                return -EOPNOTSUPP;
        bool ok = target->text ? service->hold(act->io, name, step->dev, error) : service->let_go(act->io, name, step->dev, error);
        return ok ? 0 : -EIO;
}

static void explain_hold(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        g_autofree char *what = step_describe(step);

        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "%s: said to be done, but it is %s; see 'virsh net-port-list %s'", what,
                    target->text ? "not held" : "still held", strchr(step->network, ':') ? strchr(step->network, ':') + 1 : step->network);
}

const Effect effect_hold = {.read = read_hold, .make = make_hold, .explain = explain_hold};
