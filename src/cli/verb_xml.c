/* vfadm xml GUEST|POOL|DEVICE [--from POOL|PF|VF] [key=value…] */
#include "cli/changing.h"
#include "cli/element.h"
#include "cli/read.h"

#include "base/error.h"
#include "plan/rules.h"
#include "show/value.h"
#include "xml/network.h"

/* Prints and frees. */
static bool print(const Cli *cli, char *xml) {
        if (cli->json)
                cli_print_json(json_pack("{s:o}", "xml", value_string(xml)));
        else
                cli_print_text(g_strdup(xml));
        g_free(xml);
        return true;
}

/* Of a domain of Xen's it is no XML but one text of a list. */
static void print_entry(const Cli *cli, const char *entry) {
        if (cli->json)
                cli_print_json(json_pack("{s:o}", "pci", value_string(entry)));
        else
                cli_print_text(g_strdup_printf("%s\n", entry));
}

/* What stands in the plan of an attach to the definition is the element that it would make. */
static const Step *defined_in(const Plan *plan) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                if (step->kind == STEP_DEFINED)
                        return step;
        }
        return NULL;
}

static bool of_guest(Cli *cli, Io *io, Want *want, GError **error) {
        g_autoptr(Plan) plan = NULL;

        if (cli->root) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "%s: a recorded host has no guest that could be asked; name a device or a pool", cli->args[0]);
                return false;
        }
        want->guest = g_strdup(cli->args[0]);
        want->scope = SCOPE_CONFIG;
        ChangeOptions options = changing_options(cli, io);
        options.dry_run = true;
        if (!change_do(&options, &want, 1, &plan, error))
                return false;
        const Step *defined = defined_in(plan);
        if (!defined) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "%s has no definition, of libvirt or of Xen, in which something would stand", cli->args[0]);
                return false;
        }
        for (unsigned i = 0; i < plan->notes->len; i++)
                cli_note(cli, "%s", (const char *) plan->notes->pdata[i]);
        if (!g_str_has_prefix(defined->guest, "xen:"))
                return print(cli, g_strdup(defined->to.text));
        print_entry(cli, defined->to.text);
        return true;
}

static bool of_pool(const Cli *cli, const World *world, const Pool *pool, GError **error) {
        if (cli->args[1]) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "'%s': %s is a pool, whose network takes no words; name a guest or a device before them", cli->args[1], pool->name);
                return false;
        }
        g_autoptr(HostdevNetwork) network = pool_network(pool, world->host);
        return print(cli, xml_network(network));
}

static bool of_device(const Cli *cli, const World *world, Want *want, const Dev *dev) {
        if (dev->num_vfs)
                cli_note(cli, "%s has %u VFs, which vanish when it is given away itself; 'vfadm xml %s/0' is for one of them", dev->name, dev->num_vfs, cli->args[0]);
        return print(cli, element_of_device(cli, world, want, dev));
}

static bool names_guest(const char *word) {
        return g_str_has_prefix(word, "libvirt:") || g_str_has_prefix(word, "xen:") || g_str_has_prefix(word, "qemu:");
}

/* A pool, then a device, then a guest, as for --from; "pool:NAME" and "libvirt:NAME" say surely what is meant. */
bool verb_xml(Cli *cli, GError **error) {
        g_autoptr(Want) want = changing_want(cli, WANT_ATTACH, cli->from);
        g_auto(World) world = {0};

        g_autoptr(Io) io = want_parse_words(want, cli->args + 1, error) ? cli_open(cli, error) : NULL;
        if (!io)
                return false;
        if (cli->from || names_guest(cli->args[0]))
                return of_guest(cli, io, want, error);
        if (!world_read(cli, io, &world, error))
                return false;
        const PlanInput input = world_input(&world);
        const Pool *pool = plan_find_pool(cli->args[0], &input);
        const Dev *dev = pool ? NULL : snapshot_find(world.host, cli->args[0], NULL);
        if (pool)
                return of_pool(cli, &world, pool, error);
        if (dev)
                return element_words_ok(want, error) && of_device(cli, &world, want, dev);
        if (!cli->root)
                return of_guest(cli, io, want, error);
        return snapshot_find(world.host, cli->args[0], error) != NULL;
}
