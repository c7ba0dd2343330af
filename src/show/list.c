/* `vfadm list`: which devices, in which order, as a table, a tree or JSON. */
#include "show/columns.h"
#include "show/table.h"
#include "show/value.h"

ShowContext *show_context_new(const Snapshot *host, const GPtrArray *leases) {
        ShowContext *context = g_new0(ShowContext, 1);
        context->host = host;
        context->leases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (unsigned i = 0; leases && i < leases->len; i++) {
                Lease *lease = leases->pdata[i];
                char name[PCI_ADDR_TEXT_SIZE];
                pci_addr_format(lease->dev, name);
                g_hash_table_insert(context->leases, g_strdup(name), lease);
        }
        return context;
}

void show_context_free(ShowContext *context) {
        if (!context)
                return;
        g_hash_table_unref(context->leases);
        g_free(context);
}

const Lease *show_lease_of(const ShowContext *context, const Dev *dev) {
        return g_hash_table_lookup(context->leases, dev->name);
}

static bool is_named(const ShowContext *context, const ShowList *list, const Dev *dev) {
        if (!list->named)
                return true;
        for (unsigned i = 0; i < list->named->len; i++) {
                const Dev *named = list->named->pdata[i];
                if (named == dev || (dev->is_vf && snapshot_pf(context->host, dev) == named))
                        return true;
        }
        return false;
}

/* A VF stands below its PF, if that is there too. */
static const Dev *pf_of(const ShowContext *context, const Dev *dev) {
        const Dev *pf = dev->is_vf ? snapshot_pf(context->host, dev) : NULL;
        return pf && pf->is_pf && pf != dev ? pf : NULL;
}

/* False for a VF whose PF is gone or does not own to it: it stands alone. */
static bool is_vf_of_listed_pf(const ShowContext *context, const Dev *dev) {
        const Dev *pf = pf_of(context, dev);
        return pf && snapshot_vf(context->host, pf, dev->vf_index) == dev;
}

static void add_if_named(const ShowContext *context, const ShowList *list, const Dev *dev, GPtrArray *devices) {
        if (is_named(context, list, dev))
                g_ptr_array_add(devices, (void *) dev);
}

GPtrArray *show_list_devices(const ShowContext *context, const ShowList *list) {
        const GPtrArray *all = context->host->devs;
        GPtrArray *devices = g_ptr_array_new();

        for (unsigned i = 0; i < all->len; i++) {
                const Dev *dev = all->pdata[i];
                if (list->all || (!dev->is_pf && !dev->is_vf && list->named)) {
                        add_if_named(context, list, dev, devices);
                        continue;
                }
                if ((!dev->is_pf && !dev->is_vf) || is_vf_of_listed_pf(context, dev))
                        continue;
                add_if_named(context, list, dev, devices);
                for (unsigned n = 0; dev->vfs && n < dev->vfs->len; n++) {
                        const Dev *vf = snapshot_vf(context->host, dev, n);
                        if (vf && vf->vf_index == n && pf_of(context, vf) == dev)
                                add_if_named(context, list, vf, devices);
                }
        }
        return devices;
}

/* What a table is being made of. */
typedef struct {
        const ShowContext *context;
        const GArray *numbers;
        Table *table;
        GHashTable *shown; /* Dev*: those to be shown */
        GHashTable *lines; /* Dev* → TableLine*: those that are in the table */
} Build;

static TableLine *add_line(Build *build, const Dev *dev, TableLine *parent) {
        TableLine *line = table_line(build->table, parent);
        for (unsigned i = 0; i < build->numbers->len; i++) {
                const Column *column = &columns[g_array_index(build->numbers, unsigned, i)];
                table_cell(line, i, column_text(column, build->context, dev));
        }
        g_hash_table_insert(build->lines, (void *) dev, line);
        return line;
}

static const Dev *above(const Build *build, const Dev *dev) {
        const Dev *pf = pf_of(build->context, dev);
        if (pf && g_hash_table_contains(build->shown, pf))
                return pf;
        const Dev *bridge = dev->has_parent ? snapshot_get(build->context->host, dev->parent) : NULL;
        return bridge && g_hash_table_contains(build->shown, bridge) ? bridge : NULL;
}

/* Adds what stands above first. A recorded host may say that two bridges stand above each other: `depth` ends that
 * (256 buses can be in a row at most), and the device becomes a root. */
static TableLine *add_branch(Build *build, const Dev *dev, unsigned depth) {
        TableLine *line = g_hash_table_lookup(build->lines, dev);
        if (line)
                return line;
        const Dev *up = depth < 256 ? above(build, dev) : NULL;
        TableLine *parent = up ? add_branch(build, up, depth + 1) : NULL;
        line = g_hash_table_lookup(build->lines, dev);
        return line ? line : add_line(build, dev, parent);
}

char *show_list_text(const ShowContext *context, const ShowList *list, const GArray *numbers) {
        g_autoptr(GPtrArray) devices = show_list_devices(context, list);
        g_autoptr(GHashTable) shown = g_hash_table_new(NULL, NULL);
        g_autoptr(GHashTable) lines = g_hash_table_new(NULL, NULL);
        g_autoptr(Table) table = table_new(list->width);
        Build build = {context, numbers, table, shown, lines};

        if (devices->len == 0)
                return g_strdup("");
        for (unsigned i = 0; i < numbers->len; i++) {
                const Column *column = &columns[g_array_index(numbers, unsigned, i)];
                table_column(table, column->name, list->tree && i == 0, column->right, column->cut);
        }
        for (unsigned i = 0; i < devices->len; i++)
                g_hash_table_add(shown, devices->pdata[i]);
        for (unsigned i = 0; i < devices->len; i++) {
                if (list->tree)
                        add_branch(&build, devices->pdata[i], 0);
                else
                        add_line(&build, devices->pdata[i], NULL);
        }
        return table_text(table);
}

json_t *show_list_json(const ShowContext *context, const ShowList *list) {
        g_autoptr(GPtrArray) devices = show_list_devices(context, list);
        json_t *array = json_array();

        for (unsigned i = 0; i < devices->len; i++)
                json_array_append_new(array, show_columns_json(context, devices->pdata[i]));
        return json_pack("{s:o, s:o}", "devices", array, "notes", value_strings(context->host->notes));
}
