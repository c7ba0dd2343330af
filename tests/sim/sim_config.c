/* The config space of a simulated function, laid out as the 82576's: PM at 40h, MSI-X at 70h, Express at a0h; then
 * AER 100h, serial 140h, ARI 150h, SR-IOV 160h; ports have ACS at 148h. */
#include "sim_priv.h"

#include <string.h>

static void put16(uint8_t *bytes, unsigned at, uint16_t value) {
        bytes[at] = (uint8_t) value;
        bytes[at + 1] = (uint8_t) (value >> 8);
}

static void put32(uint8_t *bytes, unsigned at, uint32_t value) {
        put16(bytes, at, (uint16_t) value);
        put16(bytes, at + 2, (uint16_t) (value >> 16));
}

static void put_extended(uint8_t *bytes, unsigned at, uint16_t id, unsigned version, unsigned next) {
        put32(bytes, at, id | version << 16 | next << 20);
}

static void put_sriov(uint8_t *bytes, const Fn *pf, unsigned at) {
        const Card *card = pf->card;
        put_extended(bytes, at, 0x0010, 1, 0);
        put32(bytes, at + 4, 0x2); /* ARI capable hierarchy preserved */
        put16(bytes, at + 8, (uint16_t) (pf->vfs->len ? 0x19 : 0x10)); /* VF Enable, VF MSE, ARI capable hierarchy */
        uint16_t total = (uint16_t) (card->hw_total ? card->hw_total : card->total);
        put16(bytes, at + 0x0c, total); /* InitialVFs */
        put16(bytes, at + 0x0e, total);
        put16(bytes, at + 0x10, (uint16_t) pf->vfs->len);
        put16(bytes, at + 0x14, (uint16_t) card->offset);
        put16(bytes, at + 0x16, (uint16_t) card->stride);
        put16(bytes, at + 0x1a, card->vf_device);
        put32(bytes, at + 0x1c, 0x553); /* supported page sizes */
        put32(bytes, at + 0x20, 0x1);
        put32(bytes, at + 0x24, 0x0000000c);
}

static void put_express(uint8_t *bytes, const Fn *fn) {
        unsigned at = 0xa0;
        bool bridge = fn->class_code >> 8 == 0x0604;
        bytes[at] = 0x10;
        put16(bytes, at + 2, (uint16_t) (2 | fn->pcie_type << 4));
        put32(bytes, at + 4, bridge ? 0 : 1u << 28); /* FLR */
        put32(bytes, at + 0x0c, 0x41);               /* x4, 2.5 GT/s */
        put16(bytes, at + 0x12, 0x41);
        put32(bytes, at + 0x24, bridge ? 0x20 : 0);  /* ARI forwarding */
        put16(bytes, at + 0x28, bridge ? 0x20 : 0);
}

void config_render(Sim *sim, Fn *fn) {
        bool express = fn->pcie_type != 0xff, bridge = fn->class_code >> 8 == 0x0604;
        size_t length = express ? 4096 : 256;
        g_autofree uint8_t *bytes = g_malloc0(length);
        g_autofree char *path = g_strdup_printf("%s/config", fn->path);

        /* A VF's own vendor and device read as ffff (SR-IOV spec 3.4.1.1). */
        put16(bytes, 0, fn->pf ? 0xffff : fn->vendor);
        put16(bytes, 2, fn->pf ? 0xffff : fn->device);
        put16(bytes, 4, fn->driver ? 0x0406 : 0);
        put16(bytes, 6, 0x10); /* capability list */
        bytes[8] = fn->revision;
        put32(bytes, 8, fn->class_code << 8 | fn->revision);
        bytes[0x0e] = bridge ? 1 : fn->addr.bus == 0 && fn->addr.slot == 0x1f ? 0x80 : 0;
        put16(bytes, 0x2c, fn->subvendor);
        put16(bytes, 0x2e, fn->subdevice);
        bytes[0x34] = 0x40;
        bytes[0x40] = 0x01; /* power management */
        put16(bytes, 0x42, 3);
        put16(bytes, 0x44, 0x8); /* NoSoftRst */
        bytes[0x41] = express ? 0x70 : 0;
        if (express) {
                bytes[0x70] = 0x11;
                bytes[0x71] = 0xa0;
                put16(bytes, 0x72, fn->pf ? 2 : fn->vfs ? 9 : 0); /* table size - 1 */
                put32(bytes, 0x74, 3);
                put32(bytes, 0x78, 0x2003);
                put_express(bytes, fn);
                put_extended(bytes, 0x100, 0x0001, 1, bridge ? 0x148 : fn->card ? 0x150 : 0);
        }
        if (express && bridge && !(sim->options & SIM_ACS_OFF) && fn->pcie_type == 4) {
                put_extended(bytes, 0x148, 0x000d, 1, 0);
                put16(bytes, 0x14c, 0x1f);
                put16(bytes, 0x14e, 0x1d);
        } else if (express && bridge) {
                put_extended(bytes, 0x100, 0x0001, 1, 0);
        }
        if (fn->card) {
                put_extended(bytes, 0x150, 0x000e, 1, fn->vfs ? 0x160 : 0);
                if (fn->vfs)
                        put_sriov(bytes, fn, 0x160);
        }
        io_tree_put_file(sim->tree, path, bytes, length);
}
