/* VFs that vfadm has leased are held in the service's networks, so that the service gives none of them away. */
#include "plan/rules.h"

void plan_hold(Plan *plan, const PlanInput *input, const Dev *dev, bool hold) {
        for (unsigned i = 0; input->books && i < input->books->networks->len; i++) {
                const HostdevNetwork *network = input->books->networks->pdata[i];
                const HostdevPort *port = hostdev_network_port(network, dev->addr);
                bool held = port && g_strcmp0(port->owner, HOSTDEV_HOLDER) == 0;
                bool gives = network->active && hostdev_network_has(network, dev->addr);

                /* What the network itself gave to the guest that is to have it is in use there already. */
                if (hold ? !gives || (port && !held) : !held)
                        continue;
                Step *step = plan_add(plan, step_new(STEP_HOLD, dev->addr, hold ? "the network must not give it to another guest" : "the network may give it away again"));
                if (dev->is_vf)
                        step->pf = dev->pf;
                step->network = g_strdup_printf("libvirt:%s", network->name);
                step->from.text = held ? g_strdup(HOSTDEV_HOLDER) : NULL;
                step->to.text = hold ? g_strdup(HOSTDEV_HOLDER) : NULL;
        }
}
