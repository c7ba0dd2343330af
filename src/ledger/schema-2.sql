-- Version 2: counts that never go down, for metrics and for saying how long a step will take. The journal keeps the last plans only.

-- How long steps of a kind took: how many up to `le` microseconds (and longer than the class before), and their microseconds together.
-- le = 0: longer than every bound.
CREATE TABLE step_time (
        kind TEXT NOT NULL,
        le INTEGER NOT NULL,
        steps INTEGER NOT NULL,
        usec INTEGER NOT NULL,
        PRIMARY KEY (kind, le)
) STRICT, WITHOUT ROWID;

-- Plans that have ended.
CREATE TABLE plan_count (
        verb TEXT NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ('done', 'undone')),
        plans INTEGER NOT NULL,
        PRIMARY KEY (verb, outcome)
) STRICT, WITHOUT ROWID;
