/* What makes and sets VFs at boot besides vfadm, held against the configuration. */
#include "model/takeover.h"

static void takeover_free(void *data) {
        Takeover *takeover = data;
        g_ptr_array_unref(takeover->pfs);
        g_array_unref(takeover->claims);
        g_free(takeover->why);
        g_free(takeover);
}

static void takeover_pf_free(void *data) {
        TakeoverPf *one = data;
        conf_pf_free(one->conf);
        g_free(one);
}

Takeovers *takeovers_new(void) {
        Takeovers *takeovers = g_new0(Takeovers, 1);
        takeovers->items = g_ptr_array_new_with_free_func(takeover_free);
        takeovers->pfs = g_ptr_array_new_with_free_func(takeover_pf_free);
        return takeovers;
}

void takeovers_free(Takeovers *takeovers) {
        if (!takeovers)
                return;
        g_ptr_array_unref(takeovers->items);
        g_ptr_array_unref(takeovers->pfs);
        g_free(takeovers);
}

Takeover *takeovers_add(Takeovers *takeovers, const Mechanism *mechanism) {
        Takeover *takeover = g_new0(Takeover, 1);
        takeover->mechanism = mechanism;
        takeover->pfs = g_ptr_array_new();
        takeover->claims = g_array_new(FALSE, TRUE, sizeof(TakeoverClaim));
        g_ptr_array_add(takeovers->items, takeover);
        return takeover;
}

bool takeover_is_whole(const Takeover *takeover) {
        return (takeover->state == TAKEOVER_READY || takeover->state == TAKEOVER_SAID) && !takeover->why;
}

const char *takeover_state_word(TakeoverState state) {
        static const char *const words[] = {
                [TAKEOVER_READY] = "not said yet", [TAKEOVER_SAID] = "said already", [TAKEOVER_CONFLICT] = "in conflict",
                [TAKEOVER_NOT] = "cannot be taken over", [TAKEOVER_ASLEEP] = "does nothing",
        };
        return words[state];
}

char *takeover_says(const Takeover *takeover) {
        enum { VFS_SHOWN = 2 };
        const Mechanism *m = takeover->mechanism;
        GString *text = g_string_new(NULL);

        if (m->sets & SETS_NUMVFS && m->num_vfs >= 0)
                g_string_append_printf(text, "VFs=%" G_GINT64_FORMAT, m->num_vfs);
        else if (m->sets & SETS_NUMVFS)
                g_string_append(text, "VFs=?");
        if (m->autoprobe >= 0)
                g_string_append_printf(text, "%sAutoprobe=%s", text->len ? " " : "", m->autoprobe ? "yes" : "no");
        if (m->sets & SETS_DRIVER)
                g_string_append_printf(text, "%sDriver=%s", text->len ? " " : "", m->to_driver ? m->to_driver : m->kind == MECH_DRIVERCTL ? "none" : "?");
        for (unsigned i = 0; m->vfs && i < m->vfs->len && i < VFS_SHOWN; i++) {
                const MechanismVf *vf = &g_array_index(m->vfs, MechanismVf, i);
                g_autofree char *words = vf_state_format(&vf->vf, VF_ALL);
                g_string_append_printf(text, "%sVF %u: %s", text->len ? "; " : "", vf->index, *words ? words : "?");
        }
        if (m->vfs && m->vfs->len > VFS_SHOWN)
                g_string_append_printf(text, "; %u more", m->vfs->len - VFS_SHOWN);
        if (!text->len)
                g_string_append(text, "?");
        return g_string_free(text, FALSE);
}
