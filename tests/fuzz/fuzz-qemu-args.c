/* Any bytes as a command line: what comes out must be text that the rest may rely on. */
#include "model/qemu_args.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        /* The rest of a real command line behind a real program's name, so that no input stops at the first word. */
        static const char program[] = "qemu-system-x86_64";
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_byte_array_append(bytes, (const guint8 *)program, sizeof program);
        g_byte_array_append(bytes, data, (guint)size);
        g_autoptr(QemuArgs) args = qemu_args_parse_cmdline((const char *)bytes->data, bytes->len);
        g_assert_nonnull(args);
        g_assert_true(!args->name || *args->name);
        g_assert_true(!args->uuid || g_uuid_string_is_valid(args->uuid));
        g_assert_cmpuint(args->monitors->len, <=, 8);
        for (unsigned i = 0; i < args->monitors->len; i++)
                g_assert_cmpuint(strlen(args->monitors->pdata[i]), >, 0);

        g_assert_cmpuint(args->ram, <, UINT64_C(1) << 53);
        g_assert_cmpuint(args->vfio->len, <=, 4096);
        g_assert_cmpuint(args->ports->len, <=, 4096);
        for (unsigned i = 0; i < args->ports->len; i++)
                g_assert_cmpuint(strlen(((QemuPort *)args->ports->pdata[i])->id), >, 0);
        g_assert_true(!args->machine || *args->machine);
        g_assert_true(args->viommu || (!args->viommu_caching && !args->viommu_intremap));
        g_assert_true(!args->agent_socket == !args->agent_chardev);

        QemuArgs *bare = qemu_args_parse_cmdline((const char *)data, size);
        qemu_args_free(bare);
        return 0;
}
