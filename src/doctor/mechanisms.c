/* What findings say of a mechanism, and which devices they are about. */
#include "doctor/persistence.h"

void seen_mechanism(Finding *finding, const Mechanism *m) {
        g_autofree char *place = mechanism_place(m);
        seen_in(finding, "%s", place);
        if (m->text)
                seen(finding, "%s", m->text);
}

bool dev_in_scope(const Doctor *doctor, const Dev *dev) {
        return doctor->scope == SCOPE_HOST || g_hash_table_contains(doctor->in_scope, dev);
}

bool makes_vfs(const Mechanism *m) {
        return m->active && (m->sets & SETS_NUMVFS) && m->num_vfs != 0;
}
