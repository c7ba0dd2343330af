/* Elements of libvirt's XML for verbs that only print them. */
#include "cli/element.h"

#include "base/error.h"
#include "base/text.h"
#include "change/pools.h"
#include "cli/read.h"
#include "guest/guest.h"
#include "host/host.h"
#include "plan/rules.h"

void world_clear(World *world) {
        g_clear_pointer(&world->leases, g_ptr_array_unref);
        g_clear_pointer(&world->pools, g_ptr_array_unref);
        books_free(world->books);
        snapshot_free(world->host);
        *world = (World) {0};
}

bool world_read(const Cli *cli, Io *io, World *world, GError **error) {
        g_autoptr(GError) problem = NULL;

        world->host = cli_read_host(cli, io, HOST_VF_STATE | HOST_USES, error);
        world->pools = world->host ? pools_read(io, error) : NULL;
        if (!world->pools)
                return false;
        world->leases = cli_known_leases(cli, world->host);
        world->books = guest_books(io, &problem);
        if (problem)
                cli_note(cli, "what libvirt has given out is not known: %s", problem->message);
        return true;
}

PlanInput world_input(const World *world) {
        return (PlanInput) {.host = world->host, .leases = world->leases, .books = world->books, .pools = world->pools};
}

/* libvirt's XML has a MAC and an 802.1Q VLAN without priority, and no more. */
static void tell_left_out(const Cli *cli, const VfState *state) {
        unsigned left_out = state->known & ~(unsigned) VF_OF_SERVICE;
        g_autofree char *words = vf_state_format(state, left_out | (plan_vlan_is_special(state) ? VF_VLAN : 0U));

        if (*words)
                cli_note(cli, "libvirt's XML cannot say all of this: %s; 'vfadm attach' sets it, or 'vfadm set' by hand", words);
}

bool element_words_ok(const Want *want, GError **error) {
        const char *word = want_xen_word(want);

        if (word)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "%s= is for domains of Xen, as in 'vfadm attach xen:NAME %s=…'; libvirt's XML has no place for it", word, word);
        return !word;
}

static char *make(const Cli *cli, const PlanInput *input, const Want *want, const Dev *dev, const VfState *state) {
        tell_left_out(cli, state);
        return plan_element(want, input, dev, state, NULL);
}

char *element_of_device(const Cli *cli, const World *world, const Want *want, const Dev *dev) {
        const PlanInput input = world_input(world);
        const Pool *pool = plan_find_pool(want->device, &input);
        const VfState *now = snapshot_vf_state(world->host, dev);
        VfState state = want->vf;

        if (pool)
                vf_state_copy(&state, &pool->vf, pool->vf.known & ~state.known);
        /* Without them libvirt would make a MAC up, and take the VLAN away. */
        if (now && (now->known & VF_MAC) && !mac_is_zero(now->mac))
                vf_state_copy(&state, now, VF_MAC & ~state.known);
        if (now && (now->known & VF_VLAN) && now->vlan && !want->profile)
                vf_state_copy(&state, now, VF_VLAN & ~state.known);
        return make(cli, &input, want, dev, &state);
}

char *element_of_choice(const Cli *cli, const World *world, const Want *want, GError **error) {
        const PlanInput input = world_input(world);
        const Pool *pool = plan_find_pool(want->device, &input);

        if (!pool || !pool->libvirt) {
                const Dev *dev = plan_choose(want, &input, error);
                return dev ? element_of_device(cli, world, want, dev) : NULL;
        }
        VfState state = want->vf;
        vf_state_copy(&state, &pool->vf, pool->vf.known & ~state.known);
        if (!pool->started)
                cli_note(cli, "the pool %s is not started: libvirt starts no guest with it before 'vfadm pool start %s'", pool->name, pool->name);
        return make(cli, &input, want, NULL, &state);
}
