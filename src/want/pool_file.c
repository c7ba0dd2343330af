/* Files of pools: written, and changed in place. They are read by want/conf_file.h. */
#include "want/pool_file.h"

#include "want/conf_text.h"

#include <string.h>

char *pool_file_format(const Pool *pool, const Snapshot *host) {
        GString *text = g_string_new(
                "# Written by 'vfadm pool define'; 'vfadm pool show' tells what it means here. See vfadm(8).\n");

        g_string_append_printf(text, "[Pool %s]\n", pool->name);
        for (unsigned i = 0; i < pool->pfs->len; i++) {
                const Dev *pf = host ? pool_pf(pool, i, host) : NULL;
                g_autofree char *nick = pf ? snapshot_nick(host, pf) : NULL;
                if (nick)
                        g_string_append_printf(text, "# %s when this was written\n", nick);
                g_string_append_printf(text, "PF=%s\n", (const char *) pool->pfs->pdata[i]);
        }
        if (pool->some_vfs && pool->first_vf == pool->last_vf)
                g_string_append_printf(text, "VFs=%u\n", pool->first_vf);
        else if (pool->some_vfs)
                g_string_append_printf(text, "VFs=%u-%u\n", pool->first_vf, pool->last_vf);
        g_string_append_printf(text, "Order=%s\n", pool->order == POOL_PACK ? "pack" : "spread");
        g_string_append_printf(text, "Libvirt=%s\n", pool->libvirt ? "yes" : "no");
        g_string_append_printf(text, "Autostart=%s\n", pool->autostart ? "yes" : "no");
        conf_append_vf(text, &pool->vf);
        return g_string_free(text, FALSE);
}

char *pool_file_set_autostart(const char *text, bool autostart) {
        static const char key[] = "Autostart";
        GString *out = g_string_new(NULL);
        bool done = false;

        while (*text) {
                size_t n = strcspn(text, "\n");
                const char *word = text + strspn(text, " \t"), *after = word + strlen(key);
                if (g_str_has_prefix(word, key) && after[strspn(after, " \t")] == '=') {
                        g_string_append_printf(out, "%s=%s\n", key, autostart ? "yes" : "no");
                        done = true;
                } else {
                        g_string_append_len(out, text, (gssize) n);
                        g_string_append_c(out, '\n');
                }
                text += n + (text[n] == '\n');
        }
        if (!done) /* its one section goes to the end of the file */
                g_string_append_printf(out, "%s=%s\n", key, autostart ? "yes" : "no");
        return g_string_free(out, FALSE);
}

char *pool_file_path(const char *name) {
        return g_strdup_printf("etc/vfadm/pool-%s.conf", name);
}

char *pool_state_path(const char *name) {
        return g_strdup_printf("run/vfadm/pools/%s", name);
}
