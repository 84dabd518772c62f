-- Format 1. Instants are nanoseconds since 1970-01-01T00:00:00Z:
--   sqlite3 provost.db "SELECT datetime(due / 1000000000, 'unixepoch'), run, outcome FROM runs ORDER BY due DESC LIMIT 20"

CREATE TABLE facts (
    seq        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    latest     INTEGER NOT NULL, -- the latest `at` so far: it never goes back, as clocks do
    kind       TEXT NOT NULL,
    run        TEXT,
    automation TEXT,
    event      TEXT,
    json       TEXT NOT NULL
) STRICT;
CREATE INDEX facts_by_latest ON facts (latest);
CREATE INDEX facts_by_run ON facts (run) WHERE run IS NOT NULL;
CREATE INDEX facts_by_automation ON facts (automation) WHERE automation IS NOT NULL;
CREATE INDEX facts_by_event ON facts (event) WHERE event IS NOT NULL;
CREATE INDEX facts_of_revisions ON facts (seq)
    WHERE kind IN ('revisionApplied', 'revisionRejected', 'pinned', 'unpinned');

-- `logs` is 1 as long as the run's output is kept.
CREATE TABLE runs (
    run        TEXT PRIMARY KEY,
    automation TEXT NOT NULL,
    due        INTEGER NOT NULL,
    began      INTEGER,
    ended      INTEGER,
    outcome    TEXT,
    logs       INTEGER NOT NULL DEFAULT 1,
    json       TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_automation ON runs (automation, due, run, outcome, ended);
CREATE INDEX runs_by_due ON runs (due, run);
CREATE INDEX runs_by_outcome ON runs (outcome, due, run) WHERE outcome IS NOT NULL;
CREATE INDEX runs_with_logs ON runs (automation, ended) WHERE logs = 1 AND ended IS NOT NULL;

-- Exactly one row for each due time, or for each range of missed ones.
CREATE TABLE outcomes (
    automation TEXT NOT NULL,
    due        INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    verdict    TEXT NOT NULL,
    reason     TEXT,
    detail     TEXT,
    run        TEXT,
    at         INTEGER NOT NULL,
    PRIMARY KEY (automation, last)
) STRICT, WITHOUT ROWID;
CREATE INDEX outcomes_by_last ON outcomes (last, automation);

CREATE TABLE snapshots (
    seq        INTEGER PRIMARY KEY,
    state      BLOB NOT NULL -- JSON, compressed
) STRICT;

CREATE TABLE revisions (
    id          TEXT PRIMARY KEY,
    received_at INTEGER NOT NULL,
    author      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    at          INTEGER,
    signer      TEXT,
    files       BLOB NOT NULL -- packed, compressed
) STRICT;

-- Runs whose output is to be removed. `whole`: their record went too. `owed`: that was said before the last start, and
-- is said once more.
CREATE TABLE gone (
    run        TEXT PRIMARY KEY,
    automation TEXT NOT NULL,
    whole      INTEGER NOT NULL,
    owed       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX gone_by_automation ON gone (automation);
