/* PCI addresses (BDF): parsing, printing, ordering. */
#include "model/pci.h"

#include "base/parse.h"

#include <glib.h>
#include <string.h>

/* Takes one field of hex digits up to `end`; the width is bounded so that "00000001:00.0" is no address. */
static bool take_hex(const char **text, char end, size_t width_min, size_t width_max, uint64_t max, uint64_t *ret) {
        const char *stop = end ? strchr(*text, end) : *text + strlen(*text);
        if (!stop)
                return false;
        size_t width = (size_t) (stop - *text);
        if (width < width_min || width > width_max || !g_ascii_isxdigit((*text)[0]) || (width > 1 && (*text)[1] == 'x'))
                return false;
        if (!parse_uint_n(*text, width, 16, 0, max, ret))
                return false;
        *text = end ? stop + 1 : stop;
        return true;
}

static bool parse_fields(const char *text, bool has_domain, char separator, char before_function, PciAddr *ret) {
        uint64_t domain = 0, bus, slot, function;

        /* Domains have four digits, or up to eight above 0xffff (VMD, Hyper-V). */
        if (has_domain && !take_hex(&text, separator, 4, 8, UINT32_MAX, &domain))
                return false;
        if (!take_hex(&text, separator, 2, 2, 0xff, &bus) || !take_hex(&text, before_function, 2, 2, 31, &slot) ||
            !take_hex(&text, '\0', 1, 1, 7, &function))
                return false;
        *ret = (PciAddr) {(uint32_t) domain, (uint8_t) bus, (uint8_t) slot, (uint8_t) function};
        return true;
}

bool pci_addr_parse(const char *text, PciAddr *ret) {
        if (!text)
                return false;
        if (g_str_has_prefix(text, "pci_"))
                return parse_fields(text + strlen("pci_"), true, '_', '_', ret);
        const char *first = strchr(text, ':');
        bool has_domain = first && strchr(first + 1, ':');
        return parse_fields(text, has_domain, ':', '.', ret);
}

void pci_addr_format(PciAddr addr, char ret[PCI_ADDR_TEXT_SIZE]) {
        g_snprintf(ret, PCI_ADDR_TEXT_SIZE, "%04x:%02x:%02x.%x", addr.domain, addr.bus, addr.slot, addr.function);
}

void pci_addr_format_libvirt(PciAddr addr, char ret[PCI_ADDR_TEXT_SIZE]) {
        g_snprintf(ret, PCI_ADDR_TEXT_SIZE, "pci_%04x_%02x_%02x_%x", addr.domain, addr.bus, addr.slot, addr.function);
}

static uint64_t as_number(PciAddr addr) {
        return (uint64_t) addr.domain << 16 | (uint64_t) addr.bus << 8 | (uint64_t) addr.slot << 3 | addr.function;
}

int pci_addr_compare(PciAddr a, PciAddr b) {
        uint64_t x = as_number(a), y = as_number(b);
        return x < y ? -1 : x > y;
}

bool pci_addr_equal(PciAddr a, PciAddr b) {
        return as_number(a) == as_number(b);
}
