/* JSON values that the files of this room share. */
#include "model/json.h"

json_t *json_text(const char *text) {
        return text ? json_string(text) : json_null();
}

json_t *json_addr(PciAddr addr) {
        char text[PCI_ADDR_TEXT_SIZE];
        pci_addr_format(addr, text);
        return json_string(text);
}
