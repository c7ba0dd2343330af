/* Who else must know every key of the configuration: its man page, and what keeps lines of it in a record. */
#include "io/redact.h"
#include "want/keys.h"

#include <string.h>

/* The man page from its heading "[VF 0-3]" to the next. The caller frees. */
static char *section_of_man(const char *kind) {
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "..", "..", "man", "vfadm.conf.5.scd", NULL);
        g_autofree char *man = NULL, *named = g_strdup_printf("[%s ", kind), *plain = g_strdup_printf("[%s]", kind);
        g_autoptr(GError) error = NULL;

        g_file_get_contents(path, &man, NULL, &error);
        g_assert_no_error(error);
        g_auto(GStrv) sections = g_strsplit(man, "\n# ", -1);
        for (char **section = sections; *section; section++)
                if (g_str_has_prefix(*section, named) || g_str_has_prefix(*section, plain))
                        return g_strdup(*section);
        g_error("vfadm.conf(5) has no section [%s]", kind);
}

static void assert_told(const Key *keys, const char *kind, const char *text) {
        for (; keys->key; keys++) {
                g_autofree char *heading = g_strdup_printf("\n*%s=*\n\t", keys->key);
                if (!strstr(text, heading))
                        g_error("vfadm.conf(5), [%s], says nothing of %s=", kind, keys->key);
        }
}

static bool has(const Key *keys, const char *name) {
        for (; keys->key; keys++)
                if (g_str_equal(keys->key, name))
                        return true;
        return false;
}

/* What the page tells of is there. */
static void assert_no_more(const KeyTable *table, const char *text) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (char **line = lines; *line; line++) {
                if (**line != '*' || !g_str_has_suffix(*line, "=*"))
                        continue;
                g_autofree char *name = g_strndup(*line + 1, strlen(*line) - strlen("*=*"));
                if (!has(table->keys, name) && !(table->attributes && has(key_attributes, name)))
                        g_error("vfadm.conf(5) tells of %s= in [%s], which there is not", name, table->kind);
        }
}

static void test_man(void) {
        for (const KeyTable *table = key_tables; table->kind; table++) {
                g_autofree char *text = section_of_man(table->kind);
                assert_told(table->keys, table->kind, text);
                assert_no_more(table, text);
                for (const Key *key = key_attributes; table->attributes && key->key; key++) {
                        g_autofree char *told = g_strdup_printf("*%s=*", key->key);
                        if (!strstr(text, told))
                                g_error("vfadm.conf(5), [%s], does not name %s=", table->kind, key->key);
                }
        }
        g_autofree char *vf = section_of_man("VF"); /* where they are told at length */
        assert_told(key_attributes, "VF", vf);
}

static void test_sizes(void) {
        for (const KeyTable *table = key_tables; table->kind; table++) {
                unsigned n = 0;
                for (; table->keys[n].key; n++)
                        g_assert_nonnull(table->keys[n].values);
                g_assert_cmpuint(n, <=, KEYS_MAX);
        }
        for (unsigned n = 0; key_attributes[n].key; n++)
                g_assert_cmpuint(n, <, KEYS_MAX);
}

static void assert_kept(const char *path, const Key *keys) {
        for (; keys->key; keys++) {
                g_autofree char *text = g_strdup_printf("[Section x]\n# secret\n %s = value\n", keys->key);
                g_autofree char *expected = g_strdup_printf("[Section x]\n\n %s = value\n", keys->key);
                g_autoptr(GBytes) kept = redact_config(path, text, strlen(text));
                g_autofree char *got = kept ? g_strndup(g_bytes_get_data(kept, NULL), g_bytes_get_size(kept)) : NULL;
                g_assert_cmpstr(got, ==, expected);
        }
}

/* 'vfadm record' keeps all that is said, and no remarks. */
static void test_record(void) {
        static const char *const paths[] = {"etc/vfadm/lan.conf", "run/vfadm/lan.conf.d/x.conf", "usr/lib/vfadm/lan.conf"};

        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
                for (const KeyTable *table = key_tables; table->kind; table++)
                        assert_kept(paths[i], table->keys);
                assert_kept(paths[i], key_attributes);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/conf-keys/man", test_man);
        g_test_add_func("/conf-keys/sizes", test_sizes);
        g_test_add_func("/conf-keys/record", test_record);
        return g_test_run();
}
