/* Any bytes as a libvirt domain's XML, running or defined: what comes out must be a guest that the rest may rely on. */
#include "xml/domain.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_live(const GuestInfo *info) {
        g_assert_true(info->running && info->defined->len == 0);
        for (unsigned i = 0; i < info->devices->len; i++) {
                const GuestDevice *device = info->devices->pdata[i];
                g_assert_true(device->id && device->has_host && !device->xml);
        }
        for (unsigned i = 0; i < info->slots->len; i++)
                g_assert_true(g_str_has_prefix(((const GuestSlot *)info->slots->pdata[i])->bus, "pci."));
}

/* Each element alone says what it said in the whole. */
static void check_defined(const GuestInfo *info) {
        g_assert_true(!info->running && info->devices->len + info->slots->len == 0);
        for (unsigned i = 0; i < info->defined->len; i++) {
                const GuestDevice *device = info->defined->pdata[i];
                g_assert_true(device->id && device->xml && device->has_host == !device->network);
                g_autoptr(GuestDevice) again = xml_device_parse(device->xml, strlen(device->xml));
                /* A namespace may have been declared further out. */
                if (!again)
                        continue;
                g_assert_cmpstr(again->network, ==, device->network);
                g_assert_true(pci_addr_equal(again->host, device->host));
                g_assert_cmpuint(again->vf.known, ==, device->vf.known);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        for (int live = 0; live < 2; live++) {
                g_autoptr(GuestInfo) info = xml_domain_parse((const char *)data, size, live, NULL);
                if (!info)
                        continue;
                g_assert_true(*info->name && g_utf8_validate(info->name, -1, NULL));
                g_assert_true(!info->uuid || g_uuid_string_is_valid(info->uuid));
                g_assert_cmpint(info->numa_node, >=, -1);
                if (live)
                        check_live(info);
                else
                        check_defined(info);
        }
        return 0;
}
