-- Jobs with priorities, that are unique, wait for others, belong to the house itself, and can be cancelled.

CREATE TABLE jobs_new (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    kind           TEXT    NOT NULL CHECK (kind IN ('ingest', 'fallback', 'ladder', 'sweep')),
    asset          TEXT    REFERENCES assets (id) ON DELETE CASCADE,
    state          TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    priority       INTEGER NOT NULL DEFAULT 0,
    unique_key     TEXT,
    body           TEXT    NOT NULL DEFAULT '',
    attempts       INTEGER NOT NULL DEFAULT 0,
    run_after_ms   INTEGER NOT NULL,
    lease_owner    TEXT,
    lease_until_ms INTEGER,
    fence          INTEGER NOT NULL DEFAULT 0,
    stage          TEXT    NOT NULL,
    progress       REAL    NOT NULL DEFAULT 0,
    error_code     TEXT,
    error_detail   TEXT,
    created_ms     INTEGER NOT NULL,
    updated_ms     INTEGER NOT NULL,
    CHECK ((kind = 'sweep') = (asset IS NULL))
) STRICT;
INSERT INTO jobs_new (id, kind, asset, state, attempts, run_after_ms, lease_owner, lease_until_ms, fence, stage, progress,
    error_code, error_detail, created_ms, updated_ms)
SELECT id, kind, asset, state, attempts, run_after_ms, lease_owner, lease_until_ms, fence, stage, progress,
    error_code, error_detail, created_ms, updated_ms FROM jobs;
DROP TABLE jobs;
ALTER TABLE jobs_new RENAME TO jobs;
CREATE INDEX jobs_by_turn  ON jobs (kind, state, priority DESC, id);
CREATE INDEX jobs_by_asset ON jobs (asset);
CREATE INDEX jobs_by_state ON jobs (state, id);
-- One that is not over, of each name.
CREATE UNIQUE INDEX jobs_unique ON jobs (unique_key) WHERE state IN ('queued', 'running');

-- A job is not taken before those it needs are done.
CREATE TABLE job_waits (
    job   INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    needs INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    PRIMARY KEY (job, needs)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_waits_by_need ON job_waits (needs);

CREATE TABLE schedules (
    id         TEXT    PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    what       TEXT    NOT NULL,
    cron       TEXT    NOT NULL,
    zone       TEXT    NOT NULL,
    next_ms    INTEGER NOT NULL,
    last_ms    INTEGER,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
