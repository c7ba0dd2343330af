/* A domain's configuration file as the simulated xl understands it: as far as the stories' files go, read apart from the product's own
 * parser, which is under test. */
#include "sim_xen_priv.h"

#include <string.h>

char *xen_cfg_text(Sim *sim, const char *path) {
        g_autoptr(GBytes) bytes = NULL;
        size_t size;
        if (io_tree_read(sim->tree, path, &bytes) < 0)
                return NULL;
        const char *text = g_bytes_get_data(bytes, &size);
        return g_strndup(text ? text : "", size);
}

/* What follows `key =` at the start of a line, or NULL; *ret_start: that line. */
static const char *find(const char *text, const char *key, const char **ret_start) {
        for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
                const char *p = line + strspn(line, " \t");
                if (strncmp(p, key, strlen(key)) != 0)
                        continue;
                p += strlen(key);
                p += strspn(p, " \t");
                if (*p != '=')
                        continue;
                *ret_start = line;
                return p + 1 + strspn(p + 1, " \t");
        }
        return NULL;
}

char *xen_cfg_value(const char *text, const char *key) {
        const char *start, *p = find(text, key, &start);
        if (!p)
                return NULL;
        if (*p == '"' || *p == '\'')
                return g_strndup(p + 1, strcspn(p + 1, *p == '"' ? "\"" : "'"));
        return g_strndup(p, strcspn(p, " \t\n#;"));
}

/* Where the list of a file ends: past its bracket; NULL: there is none. The last one counts, as with xl. */
static const char *find_list(const char *text, const char **ret_start, const char **ret_inner) {
        const char *found = NULL, *start, *p;
        for (const char *from = text; (p = find(from, "pci", &start));) {
                const char *end = *p == '[' ? strchr(p, ']') : NULL;
                if (!end)
                        break;
                *ret_start = start;
                *ret_inner = p + 1;
                found = end + 1;
                from = end + 1;
        }
        return found;
}

GPtrArray *xen_cfg_pci(const char *text) {
        GPtrArray *ret = g_ptr_array_new_with_free_func(g_free);
        const char *start, *p, *end = find_list(text, &start, &p);

        while (end && p < end && (p += strcspn(p, "'\"#]")) < end && *p != ']') {
                if (*p == '#') {
                        p += strcspn(p, "\n");
                        continue;
                }
                size_t length = strcspn(p + 1, *p == '"' ? "\"" : "'");
                g_ptr_array_add(ret, g_strndup(p + 1, length));
                p += length + 2;
        }
        return ret;
}

char *xen_cfg_rest(const char *text) {
        const char *start, *inner, *end = find_list(text, &start, &inner);
        if (!end)
                return g_strdup(text);
        end += strcspn(end, "\n");
        g_autofree char *head = g_strndup(text, (gsize) (start - text));
        return g_strconcat(head, *end ? end + 1 : end, NULL);
}
