DROP TABLE pictures;
ALTER TABLE assets DROP COLUMN pictures;
DELETE FROM schedules WHERE what IN ('backup', 'purge');
ALTER TABLE schedules DROP COLUMN body;
DELETE FROM jobs WHERE kind IN ('pictures', 'backup', 'purge');
CREATE TABLE jobs_old (
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
INSERT INTO jobs_old (id, kind, asset, state, priority, unique_key, body, attempts, run_after_ms, lease_owner, lease_until_ms, fence, stage,
    progress, error_code, error_detail, created_ms, updated_ms)
SELECT id, kind, asset, state, priority, unique_key, body, attempts, run_after_ms, lease_owner, lease_until_ms, fence, stage,
    progress, error_code, error_detail, created_ms, updated_ms FROM jobs;
-- The waits go and come back: dropping the table that they point to would empty them. chunk_claims is empty here: chunks are shared on PostgreSQL.
CREATE TABLE waits_kept AS SELECT job, needs FROM job_waits;
DROP TABLE job_waits;
DROP TABLE jobs;
ALTER TABLE jobs_old RENAME TO jobs;
CREATE INDEX jobs_by_turn  ON jobs (kind, state, priority DESC, id);
CREATE INDEX jobs_by_asset ON jobs (asset);
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE UNIQUE INDEX jobs_unique ON jobs (unique_key) WHERE state IN ('queued', 'running');
CREATE TABLE job_waits (
    job   INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    needs INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    PRIMARY KEY (job, needs)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_waits_by_need ON job_waits (needs);
INSERT INTO job_waits (job, needs) SELECT job, needs FROM waits_kept;
DROP TABLE waits_kept;
