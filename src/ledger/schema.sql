-- The ledger of vfadm: leases, and the journal of plans. This is version 1 of the schema (PRAGMA user_version); each later version
-- has a file of its own, schema-2.sql and so on, that makes it of the one before (ledger_db.c: SCHEMA_VERSION, schemas).

-- One device given to one guest. What is searched for has its own column; the rest is the lease as JSON.
-- AUTOINCREMENT: an id is never used twice, so that a late release never meets the next owner.
CREATE TABLE lease (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        dev TEXT NOT NULL UNIQUE,
        guest TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('active', 'pending')),
        body TEXT NOT NULL
) STRICT;

-- A plan that was begun. outcome NULL: not ended, so either its process still runs or recovery is due.
CREATE TABLE plan (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        verb TEXT NOT NULL,
        summary TEXT NOT NULL,
        created INTEGER NOT NULL,
        boot_id TEXT NOT NULL,
        pid INTEGER NOT NULL,
        pid_start INTEGER NOT NULL,
        ended INTEGER,
        outcome TEXT CHECK (outcome IN ('done', 'undone'))
) STRICT;

CREATE INDEX plan_by_outcome ON plan (outcome, id);

CREATE TABLE step (
        plan INTEGER NOT NULL REFERENCES plan (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        mark TEXT NOT NULL CHECK (mark IN ('planned', 'doing', 'done', 'undone')),
        body TEXT NOT NULL,
        PRIMARY KEY (plan, number)
) STRICT, WITHOUT ROWID;
