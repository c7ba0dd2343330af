/* Any bytes as a libvirt domain's XML: what comes out must be a guest that the rest may rely on. */
#include "xml/domain.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_autoptr(GuestInfo) info = xml_domain_parse((const char *) data, size, NULL);

        if (!info)
                return 0;
        g_assert_true(*info->name && g_utf8_validate(info->name, -1, NULL));
        g_assert_true(!info->uuid || g_uuid_string_is_valid(info->uuid));
        for (unsigned i = 0; i < info->devices->len; i++)
                g_assert_true(((const GuestDevice *) info->devices->pdata[i])->has_host);
        for (unsigned i = 0; i < info->slots->len; i++)
                g_assert_true(g_str_has_prefix(((const GuestSlot *) info->slots->pdata[i])->bus, "pci."));
        return 0;
}
