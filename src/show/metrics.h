/* Figures for monitoring, as Prometheus' text format (its exposition format, version 0.0.4) and as JSON. Pure, as show.h. */
#pragma once

#include "model/lease.h"
#include "model/snapshot.h"
#include "model/tally.h"

#include <jansson.h>

typedef struct {
        const Dev *pf;
        unsigned free, leased; /* of its VFs */
        int drift;             /* steps that 'vfadm apply' would do to it; -1: no configuration fits it, or it is not known */
        unsigned left;         /* things that it would leave, since somebody uses the VF; with drift ≥ 0 */
} MetricsPf;

typedef struct {
        const char *name;
        bool started;
        unsigned vfs, free;
} MetricsPool;

typedef struct {
        const char *version;
        const Snapshot *host;
        const GPtrArray *leases; /* Lease*; NULL: not known */
        const GArray *pfs;       /* MetricsPf */
        const GArray *pools;     /* MetricsPool; NULL: not known */
        const Tally *tally;      /* NULL: not known */
        unsigned unread;         /* things that could not be looked at */
} Metrics;

/* What is not known is left out: a wrong 0 would be believed. */
char *show_metrics_text(const Metrics *metrics);
/* {"metrics": [{"name": …, "type": …, "help": …, "samples": [{"labels": {…}, "value": …}]}], "notes": […]} */
json_t *show_metrics_json(const Metrics *metrics);
