/* What a host in memory was asked beside its files: device nodes opened, and programs that only answer. */
#include "io/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
        int result, status;
        GBytes *output;
} Said;

struct IoAsked {
        GHashTable *opens;    /* path → what opening it gave, as a pointer */
        GHashTable *programs; /* GBytes → Said */
};

static void said_free(void *p) {
        Said *said = p;
        g_bytes_unref(said->output);
        g_free(said);
}

IoAsked *io_asked_new(void) {
        IoAsked *asked = g_new0(IoAsked, 1);
        asked->opens = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        asked->programs = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, said_free);
        return asked;
}

void io_asked_free(IoAsked *asked) {
        g_hash_table_unref(asked->opens);
        g_hash_table_unref(asked->programs);
        g_free(asked);
}

/* A record of a host that was never asked does not know: that is no answer about the host. */

int io_asked_open(IoAsked *asked, const char *path) {
        void *result;
        return g_hash_table_lookup_extended(asked->opens, path, NULL, &result) ? GPOINTER_TO_INT(result) : -ENODATA;
}

int io_asked_program(IoAsked *asked, char *const argv[], GBytes **output, int *status) {
        g_autoptr(GBytes) key = io_program_key(argv);
        const Said *said = g_hash_table_lookup(asked->programs, key);
        if (!said || said->result < 0)
                return said ? said->result : -ENODATA;
        *output = g_bytes_ref(said->output);
        *status = said->status;
        return 0;
}

void io_tree_put_open(IoTree *tree, const char *path, int result) {
        g_hash_table_replace(io_tree_asked(tree)->opens, g_strdup(path), GINT_TO_POINTER(result));
}

static int compare_texts(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

void io_tree_walk_opens(IoTree *tree, IoOpenVisit visit, void *user) {
        GHashTable *opens = io_tree_asked(tree)->opens;
        unsigned n = 0;
        g_autofree void **paths = g_hash_table_get_keys_as_array(opens, &n);
        qsort(paths, n, sizeof *paths, compare_texts);
        for (unsigned i = 0; i < n; i++)
                visit(paths[i], GPOINTER_TO_INT(g_hash_table_lookup(opens, paths[i])), user);
}

GBytes *io_program_key(char *const argv[]) {
        GByteArray *key = g_byte_array_new();
        for (; argv && *argv; argv++)
                g_byte_array_append(key, (const uint8_t *) *argv, (guint) strlen(*argv) + 1);
        return g_byte_array_free_to_bytes(key);
}

char **io_program_argv(GBytes *key) {
        g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
        size_t size;
        const char *at = g_bytes_get_data(key, &size), *end = at + size;

        if (size == 0 || end[-1] != 0)
                return NULL;
        for (; at < end; at += strlen(at) + 1)
                g_strv_builder_add(argv, at);
        return g_strv_builder_end(argv);
}

void io_tree_put_program(IoTree *tree, char *const argv[], int result, int status, const void *output, size_t length) {
        Said *said = g_new0(Said, 1);
        *said = (Said) {.result = result, .status = status, .output = g_bytes_new(output, length)};
        g_hash_table_replace(io_tree_asked(tree)->programs, io_program_key(argv), said);
}

static int compare_bytes(const void *a, const void *b) {
        return g_bytes_compare(*(GBytes *const *) a, *(GBytes *const *) b);
}

void io_tree_walk_programs(IoTree *tree, IoProgramVisit visit, void *user) {
        GHashTable *programs = io_tree_asked(tree)->programs;
        unsigned n = 0;
        g_autofree void **keys = g_hash_table_get_keys_as_array(programs, &n);
        qsort(keys, n, sizeof *keys, compare_bytes);
        for (unsigned i = 0; i < n; i++) {
                const Said *said = g_hash_table_lookup(programs, keys[i]);
                visit(keys[i], said->result, said->status, said->output, user);
        }
}
