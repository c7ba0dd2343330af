/* What is known of the hypervisor below this host. */
#include "model/hypervisor.h"

void hypervisor_free(Hypervisor *hypervisor) {
        if (!hypervisor)
                return;
        g_free(hypervisor->version);
        g_free(hypervisor->cmdline);
        g_free(hypervisor);
}
