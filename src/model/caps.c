/* The field's rules on capabilities, for whoever reads PciCaps. */
#include "model/caps.h"

#include <glib.h>

char *acs_text(unsigned bits) {
        static const struct {
                unsigned bit;
                const char *name;
        } names[] = {
                {ACS_SV, "SV"}, {ACS_TB, "TB"}, {ACS_RR, "RR"}, {ACS_CR, "CR"},
                {ACS_UF, "UF"}, {ACS_EC, "EC"}, {ACS_DT, "DT"},
        };
        GString *text = g_string_new(NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                if (bits & names[i].bit)
                        g_string_append_printf(text, "%s%s", text->len ? " " : "", names[i].name);
        return g_string_free(text, FALSE);
}

bool port_needs_acs(const PciCaps *port) {
        return port->pcie_type == PCIE_ROOT_PORT || port->pcie_type == PCIE_DOWNSTREAM_PORT;
}

unsigned acs_lacks(const PciCaps *caps) {
        return ACS_ISOLATES & caps->acs_cap & ~caps->acs_ctrl;
}
