/* What is known of PF network drivers. Sources: ndo tables of the drivers in Linux 6.12 (igb_main.c, ixgbe_main.c,
 * i40e_main.c, ice_main.c, bnxt.c, mlx5 en_main.c and en_rep.c, enic_main.c, nfp_net_common.c); what disturbs a live
 * VF from their set_vf functions. A driver that is not here is tried, and the kernel's answer decides. */
#include "model/nic.h"

#include <glib.h>

#define COMMON (VF_MAC | VF_VLAN | VF_SPOOFCHK | VF_TRUST | VF_MAX_RATE)

static const NicDriver drivers[] = {
        {.driver = "bnxt_en",
         .accepts = COMMON | VF_LINK | VF_MIN_RATE,
         .qos = true,
         .enable_needs_up = true,
         .raise = "niccli or bnxtnvm: options enable_sriov and number_of_vfs_per_pf, or the card's BIOS menu; then a cold reboot"},
        {.driver = "enic", .accepts = VF_MAC, .port_profiles = true, .note = "VLANs come from the port profile (802.1Qbh), not from here"},
        {.driver = "i40e",
         .accepts = COMMON | VF_LINK,
         .vlan_8021ad = false,
         .qos = true,
         .fresh_spoofchk = 1,
         .resets_vf = VF_MAC | VF_VLAN,
         .raise = "the card's BIOS menu, Intel's bootutil or nvmupdate: VFs a port"},
        {.driver = "ice",
         .accepts = COMMON | VF_LINK | VF_MIN_RATE,
         .vlan_8021ad = true,
         .qos = true,
         .fresh_spoofchk = 1,
         .resets_vf = VF_MAC | VF_VLAN | VF_TRUST,
         .raise = "256 VFs over all ports; a port's share is set in the card's BIOS menu or by nvmupdate"},
        {.driver = "igb",
         .accepts = COMMON,
         .qos = true,
         .fresh_spoofchk = 1,
         .state_needs_up = true,
         .sriov_limit = 7,
         .note = "the 82576 has 8 VFs, of which the driver gives 7"},
        {.driver = "ixgbe",
         .accepts = COMMON | VF_LINK,
         .qos = true,
         .fresh_spoofchk = 1,
         .state_needs_up = true,
         .sriov_limit = 63,
         .note = "63 VFs with one traffic class, 31 with up to four, 15 above"},
        {.driver = "mlx4_core", /* the PCI function's driver; mlx4_en stands on it */
         .accepts = VF_MAC | VF_VLAN | VF_SPOOFCHK | VF_LINK | VF_MAX_RATE | VF_MIN_RATE,
         .vlan_8021ad = true,
         .qos = true,
         .raise = "mlxconfig set SRIOV_EN=1 NUM_OF_VFS=n, a cold reboot, and 'options mlx4_core num_vfs=n' in /etc/modprobe.d"},
        {.driver = "mlx5_core",
         .accepts = VF_MAC | VF_VLAN | VF_SPOOFCHK | VF_TRUST | VF_LINK | VF_MIN_RATE | VF_MAX_RATE,
         .vlan_8021ad = true,
         .qos = true,
         .fresh_spoofchk = -1,
         .raise = "mlxconfig set SRIOV_EN=1 NUM_OF_VFS=n, then a cold reboot"},
        {.driver = "nfp",
         .accepts = VF_MAC | VF_VLAN | VF_SPOOFCHK | VF_TRUST | VF_LINK | VF_MIN_RATE | VF_MAX_RATE,
         .vlan_8021ad = true,
         .qos = true},
};

const NicDriver *nic_driver(const char *driver) {
        for (size_t i = 0; driver && i < G_N_ELEMENTS(drivers); i++)
                if (g_str_equal(drivers[i].driver, driver))
                        return &drivers[i];
        return NULL;
}

VfState nic_fresh_state(const char *driver) {
        const NicDriver *nic = nic_driver(driver);
        int spoofchk = nic ? nic->fresh_spoofchk : 0;
        VfState fresh = {.known = VF_ALL, .spoofchk = spoofchk > 0};

        if (!spoofchk)
                fresh.known &= ~(unsigned) VF_SPOOFCHK;
        return fresh;
}

char *nic_accepts_text(const NicDriver *nic) {
        GString *text = g_string_new(NULL);
        for (unsigned bit = 1; bit & VF_ALL; bit <<= 1)
                if (nic->accepts & bit)
                        g_string_append_printf(text, "%s%s", text->len ? ", " : "", vf_attribute_name(bit));
        if (nic->vlan_8021ad)
                g_string_append(text, ", VLANs by 802.1ad");
        return g_string_free(text, FALSE);
}
