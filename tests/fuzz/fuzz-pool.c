/* Any bytes as a configuration file of pools: what is taken must be sound, and be the same when it is written and read
 * again. */
#include "want/pool_file.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(const Pool *pool) {
        g_autoptr(GPtrArray) again = g_ptr_array_new_with_free_func((GDestroyNotify) pool_free);
        g_autofree char *text = pool_file_format(pool, NULL);

        g_assert_true(pool_file_parse("etc/vfadm/x.conf", text, strlen(text), again, NULL));
        g_assert_cmpuint(again->len, ==, 1);
        g_autofree char *twice = pool_file_format(again->pdata[0], NULL);
        g_assert_cmpstr(twice, ==, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_autoptr(GPtrArray) pools = g_ptr_array_new_with_free_func((GDestroyNotify) pool_free);
        g_autoptr(GError) error = NULL;

        if (!pool_file_parse("etc/vfadm/pool-x.conf", (const char *) data, size, pools, &error)) {
                g_assert_cmpuint(pools->len, ==, 0);
                g_assert_null(strpbrk(error->message, "\n\033"));
                g_assert_true(g_str_has_prefix(error->message, "/etc/vfadm/pool-x.conf, line "));
                return 0;
        }
        for (unsigned i = 0; i < pools->len; i++) {
                const Pool *pool = pools->pdata[i];
                g_assert_true(pool_name_ok(pool->name));
                g_assert_true(pools_find(pools, pool->name) == pool);
                g_assert_true(pool->pfs->len > 0 && pool->first_vf <= pool->last_vf);
                g_assert_true(pool->vf.vlan <= 4094 && pool->vf.qos <= 7);
                write_and_read(pool);
        }
        return 0;
}
