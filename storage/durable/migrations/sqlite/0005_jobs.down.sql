-- Jobs of the house, and cancelled ones, have no place in the former table.
DROP TABLE schedules;
DROP TABLE job_waits;
CREATE TABLE jobs_old (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    kind           TEXT    NOT NULL CHECK (kind IN ('ingest', 'fallback', 'ladder')),
    asset          TEXT    NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    state          TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
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
    updated_ms     INTEGER NOT NULL
) STRICT;
INSERT INTO jobs_old (id, kind, asset, state, attempts, run_after_ms, lease_owner, lease_until_ms, fence, stage, progress,
    error_code, error_detail, created_ms, updated_ms)
SELECT id, kind, asset, state, attempts, run_after_ms, lease_owner, lease_until_ms, fence, stage, progress,
    error_code, error_detail, created_ms, updated_ms FROM jobs WHERE asset IS NOT NULL AND state <> 'cancelled';
DROP TABLE jobs;
ALTER TABLE jobs_old RENAME TO jobs;
CREATE INDEX jobs_by_turn ON jobs (kind, state, run_after_ms);
CREATE INDEX jobs_by_asset ON jobs (asset);
