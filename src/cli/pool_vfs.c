/* Pools' VFs, and who has each: what `vfadm pool` and `vfadm metrics` show. */
#include "cli/pool_vfs.h"

#include "cli/read.h"
#include "guest/guest.h"
#include "plan/rules.h"

Books *cli_known_books(const Cli *cli, Io *io, Snapshot *host) {
        g_autoptr(GError) error = NULL;
        Books *books = cli->root ? NULL : guest_books(io, &error);

        if (!error)
                return books;
        cli_note(cli, "what libvirt gave out is not shown: %s", error->message);
        g_ptr_array_add(host->notes, g_strdup_printf("what libvirt gave out is not shown: %s", error->message));
        return NULL;
}

char *cli_who_has(const PlanInput *input, const Dev *vf) {
        char *who = rule_who_uses(input, vf);

        if (!who)
                who = books_who_has(input->books, vf->addr, NULL);
        return who || rule_is_free(input, vf) ? who : g_strdup("kept for Xen's guests");
}

ShowPool *cli_pool_vfs(const PlanInput *input, const Pool *pool) {
        ShowPool *shown = g_new0(ShowPool, 1);

        shown->pool = pool;
        shown->vfs = pool_vfs(pool, input->host);
        shown->who = g_ptr_array_new_with_free_func(g_free);
        shown->network = pool->libvirt ? books_network(input->books, pool->name) : NULL;
        for (unsigned i = 0; i < shown->vfs->len; i++)
                g_ptr_array_add(shown->who, cli_who_has(input, shown->vfs->pdata[i]));
        return shown;
}
