/* Elements of libvirt's XML for verbs that only print them. */
#pragma once

#include "cli/verb.h"
#include "io/io.h"
#include "plan/plan.h"

/* What a choice is made of: as for a plan, but what cannot be read is told and left out. */
typedef struct {
        Snapshot *host;
        GPtrArray *leases, *pools;
        Books *books;
} World;

bool world_read(const Cli *cli, Io *io, World *world, GError **error);
void world_clear(World *world);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_clear)
PlanInput world_input(const World *world);

/* False where a word is said that libvirt's XML has no place for, since it is for domains of Xen. */
bool element_words_ok(const Want *want, GError **error);
/* The element for a certain function, with the MAC and VLAN that it has now where the words say nothing. */
char *element_of_device(const Cli *cli, const World *world, const Want *want, const Dev *dev);
/* For what want->device names: the network of a pool that has one, or else a VF that is free now. */
char *element_of_choice(const Cli *cli, const World *world, const Want *want, GError **error);
