/* A Xen device with nothing said of any option. */
#include "model/xen_device.h"

XenDevice xen_device_plain(PciAddr host) {
        return (XenDevice){
                .host = host,
                .slot = -1,
                .permissive = -1,
                .msitranslate = -1,
                .power_mgmt = -1,
                .seize = -1,
                .rdm = XEN_RDM_DEFAULT,
        };
}
