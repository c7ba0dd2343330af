/* Any bytes as a function's config space: walked to an end, and nothing claimed that the bytes cannot hold. */
#include "host/config.h"

#include <glib.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        PciCaps caps, again;

        config_parse(data, size, &caps);
        g_assert_cmpuint(caps.length, ==, MIN(size, 4096));
        g_assert_cmpuint(caps.header_type, <, 128);
        g_assert_true(caps.pcie_type == PCIE_NONE || caps.pcie_type < 16);
        g_assert_cmpuint(caps.msix_vectors, <=, 2048);
        g_assert_cmpuint(caps.msi_vectors, <=, 32);
        /* Extended capabilities lie beyond 256 bytes, and only Express functions have them. */
        bool has_extended = caps.has_sriov || caps.has_acs || caps.has_ari || caps.has_serial;
        g_assert_true(!has_extended || (caps.pcie_type != PCIE_NONE && size > 256));
        bool forwards = caps.pcie_type == PCIE_ROOT_PORT || caps.pcie_type == PCIE_DOWNSTREAM_PORT;
        g_assert_true(!caps.ari_forwarding_capable || forwards);
        config_parse(data, size, &again);
        g_assert_cmpuint(again.sriov_total, ==, caps.sriov_total);
        return 0;
}
