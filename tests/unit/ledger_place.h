/* What the tests of the ledger share: a place for one, leases and plans to put into it, and a way past it into its file. */
#pragma once

#include "ledger/ledger.h"

#include <sys/stat.h>

#define BOOT "11111111-2222-3333-4444-555555555555"

static const PciAddr pf = {.bus = 1}, vf = {.bus = 1, .slot = 0x10};

typedef struct {
        char *top; /* removed at the end */
        char *dir; /* the ledger's, below it */
        char *db;
} Place;

void set_up(Place *place, gconstpointer data);
void tear_down(Place *place, gconstpointer data);
Ledger *open_ledger(const Place *place);
/* It cannot be opened, and the message holds `needle`. */
void assert_refused(const Place *place, const char *needle);
mode_t mode_of(const char *path);
Lease *make_lease(PciAddr dev, const char *guest);
/* Two steps: VFs, and a lease. */
Plan *make_plan(const char *summary);
int64_t begin(Ledger *ledger, const char *summary);
void add_lease(Ledger *ledger, int64_t plan, Lease *lease);
unsigned n_leases(Ledger *ledger);
StepMark mark_of(Ledger *ledger, int64_t id, unsigned step);
/* Straight into the file, as somebody else would. */
void sql(const Place *place, const char *text);
int64_t sql_number(const Place *place, const char *text);

typedef struct {
        const char *name;
        void (*run)(Place *place, gconstpointer data);
} LedgerTest;

/* The whole of main(): runs /ledger/NAME, each in a place of its own. */
int run_ledger_tests(int argc, char **argv, const LedgerTest *tests, size_t n);
