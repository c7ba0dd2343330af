/* Words for numbers of PCI and of the network: tables and nothing else. */
#include "show/columns.h"

/* PCI Code and ID Assignment Specification, class codes: base class and sub-class. The words are short, since they
 * stand in a column; a row with `any` fits every sub-class that has no row of its own. */
static const struct {
        uint16_t code;
        bool any;
        const char *word;
} classes[] = {
        {0x0100, false, "scsi"},          {0x0101, false, "ide"},        {0x0104, false, "raid"},
        {0x0106, false, "sata"},          {0x0107, false, "sas"},        {0x0108, false, "nvme"},
        {0x0200, false, "ethernet"},      {0x0207, false, "infiniband"}, {0x0300, false, "vga"},
        {0x0302, false, "3d"},            {0x0403, false, "audio"},      {0x0600, false, "host-bridge"},
        {0x0601, false, "isa-bridge"},    {0x0604, false, "pci-bridge"}, {0x0806, false, "iommu"},
        {0x0807, false, "event-collector"}, {0x0880, false, "system"},   {0x0c03, false, "usb"},
        {0x0c05, false, "smbus"},         {0x0100, true, "storage"},     {0x0200, true, "network"},
        {0x0300, true, "display"},        {0x0400, true, "multimedia"},  {0x0500, true, "memory"},
        {0x0600, true, "bridge"},         {0x0700, true, "communication"}, {0x0800, true, "system"},
        {0x0900, true, "input"},          {0x0b00, true, "processor"},   {0x0c00, true, "serial-bus"},
        {0x0d00, true, "wireless"},       {0x1000, true, "crypto"},      {0x1100, true, "signal"},
        {0x1200, true, "accelerator"},
};

const char *class_word(uint32_t class_code) {
        uint16_t code = (uint16_t) (class_code >> 8);
        for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
                if (classes[i].any ? classes[i].code == (code & 0xff00) : classes[i].code == code)
                        return classes[i].word;
        return "other";
}

const char *kind_word(const Dev *dev) {
        return dev->is_vf ? "vf" : dev->is_pf ? "pf" : "function";
}

const char *net_word(const NetDev *net) {
        return !net->up ? "down" : net->carrier ? "up" : "no-carrier";
}
