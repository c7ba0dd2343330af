/* Turns what was found, planned and leased into text and JSON. Pure: nothing is read, nothing is printed.
 *
 * Text comes back as whole lines, each with its newline, safe for a terminal: control characters of outside text
 * are replaced. JSON has the full, typed values; what is not known is null. Both belong to the caller.
 */
#pragma once

#include "model/finding.h"
#include "model/given.h"
#include "model/lease.h"
#include "model/snapshot.h"
#include "model/step.h"
#include "model/takeover.h"

#include <glib.h>
#include <jansson.h>

/* What a column needs to be read of the host besides the basics. */
enum {
        SHOW_NEEDS_VF_STATE = 1 << 0,
        SHOW_NEEDS_USES = 1 << 1,
        SHOW_NEEDS_NAMES = 1 << 2,
        SHOW_NEEDS_EVERYTHING = 0x7,
};

/* A host with its leases, as everything in this room takes it. */
typedef struct {
        const Snapshot *host;
        GHashTable *leases; /* "0000:01:10.0" → Lease*, borrowed */
} ShowContext;

/* `leases`: Lease*; NULL when they are not known. Both arguments must outlive the context. */
ShowContext *show_context_new(const Snapshot *host, const GPtrArray *leases);
void show_context_free(ShowContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ShowContext, show_context_free)
const Lease *show_lease_of(const ShowContext *context, const Dev *dev);

/* Columns by the words of `-o`: "BDF,DRIVER" or, to add to `standard`, "+NUMA,SLOT"; NULL: `standard` itself.
 * Upper and lower case are the same. Column numbers; NULL with a USAGE error that names the wrong word. */
GArray *show_columns_parse(const char *words, const char *standard, GError **error);
unsigned show_columns_need(const GArray *columns);
/* "  DEVICE  the name to use …" lines, for `vfadm help list`. */
char *show_columns_help(void);
/* The standard sets of `vfadm list` and `vfadm list --all`. */
extern const char show_columns_list[], show_columns_all[];

/* Which devices `vfadm list` shows. */
typedef struct {
        bool all;               /* every PCI function, not only PFs and VFs */
        bool tree;
        const GPtrArray *named; /* Dev*: only these, and the VFs of PFs among them; NULL: no such limit */
        unsigned width;         /* of the terminal: long columns are cut to fit; 0: no limit */
} ShowList;

/* Dev* (borrowed) in the order in which they are listed: each PF, then its VFs; with `all` by address. */
GPtrArray *show_list_devices(const ShowContext *context, const ShowList *list);
/* Empty text when there is no such device. */
char *show_list_text(const ShowContext *context, const ShowList *list, const GArray *columns);
/* {"devices": […], "notes": […]}, every column's value for each device. */
json_t *show_list_json(const ShowContext *context, const ShowList *list);
/* Every column's value for one device. */
json_t *show_columns_json(const ShowContext *context, const Dev *dev);

/* All about one device. The snapshot should hold HOST_EVERYTHING. */
char *show_device_text(const ShowContext *context, const Dev *dev);
json_t *show_device_json(const ShowContext *context, const Dev *dev);

/* A plan for --dry-run. */
char *show_plan_text(const Plan *plan);
/* What it changes in files, as a unified diff, then the programs that it runs: "run: /usr/sbin/update-grub". */
char *show_plan_diff(const Plan *plan);
/* What act_run's progress call says: "[1/9] 0000:01:00.0: VFs 0 → 7 … " and then "ok (0.8 s)"; without newlines, so
 * that the second follows the first on its line. */
char *show_progress(const Plan *plan, unsigned step, bool done, int64_t usec);
/* "0.4 ms", "120 ms", "1.2 s". */
char *show_duration(int64_t usec);

/* `host` and `holder_lives` (one bool a lease: whether the process that holds it still runs) may be NULL. */
char *show_leases_text(const Snapshot *host, const GPtrArray *leases, const bool *holder_lives, unsigned width);
json_t *show_leases_json(const Snapshot *host, const GPtrArray *leases, const bool *holder_lives);

/* What `vfadm import` lists: Given*, as given_list() made them. */
char *show_given_text(const Snapshot *host, const GPtrArray *given, unsigned width);
json_t *show_given_json(const Snapshot *host, const GPtrArray *given);

/* And what makes and sets VFs at boot besides vfadm. */
char *show_takeovers_text(const Snapshot *host, const Takeovers *takeovers, unsigned width);
json_t *show_takeovers_json(const Takeovers *takeovers);

/* How the findings of `vfadm doctor` are shown. */
typedef struct {
        bool all;       /* what is fine one by one, and notes with their reasons; else a line a topic for what is fine */
        bool color;     /* of the severity's word */
        unsigned width; /* of the terminal; 0: 100 */
} ShowFindings;

/* `findings`: Finding*, ordered by topic; `unread`: how many things could not be looked at, for the last line. */
char *show_findings_text(const GPtrArray *findings, const ShowFindings *how, unsigned unread);
/* {"verdict": …, "findings": […], "notes": […]}. `notes`: char*. */
json_t *show_findings_json(const GPtrArray *findings, const GPtrArray *notes);
/* The long text about one check: paragraphs, parted in `explain` by empty lines. `width` 0: 100. */
char *show_explanation_text(const char *id, const char *title, const char *why, const char *explain, unsigned width);
