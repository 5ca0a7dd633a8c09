-- Kinds of jobs: pictures of an asset, and beside the sweeps of the house its backups and purges.

CREATE TABLE jobs_new (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    kind           TEXT    NOT NULL CHECK (kind IN ('ingest', 'fallback', 'ladder', 'sweep', 'pictures', 'backup', 'purge')),
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
    CHECK ((kind IN ('sweep', 'backup', 'purge')) = (asset IS NULL))
) STRICT;
INSERT INTO jobs_new (id, kind, asset, state, priority, unique_key, body, attempts, run_after_ms, lease_owner, lease_until_ms, fence, stage,
    progress, error_code, error_detail, created_ms, updated_ms)
SELECT id, kind, asset, state, priority, unique_key, body, attempts, run_after_ms, lease_owner, lease_until_ms, fence, stage,
    progress, error_code, error_detail, created_ms, updated_ms FROM jobs;
-- The waits go and come back: dropping the table that they point to would empty them. chunk_claims is empty here: chunks are shared on PostgreSQL.
CREATE TABLE waits_kept AS SELECT job, needs FROM job_waits;
DROP TABLE job_waits;
DROP TABLE jobs;
ALTER TABLE jobs_new RENAME TO jobs;
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

-- What a scheduled job is told, beside its word: JSON, or nothing.
ALTER TABLE schedules ADD COLUMN body TEXT NOT NULL DEFAULT '';

-- The poster (-1) and the sheets of the storyboard (from 0) of an asset; what is told of them is in assets.pictures, JSON.
ALTER TABLE assets ADD COLUMN pictures TEXT;
CREATE TABLE pictures (
    asset  TEXT NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    idx    INTEGER NOT NULL CHECK (idx >= -1),
    object TEXT NOT NULL,
    bytes  INTEGER NOT NULL,
    PRIMARY KEY (asset, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX pictures_by_object ON pictures (object);

-- What was playable before there were pictures gets them, behind everything else; what is encrypted gets none (decision 0210).
INSERT INTO jobs (kind, asset, state, priority, unique_key, run_after_ms, stage, created_ms, updated_ms)
SELECT 'pictures', id, 'queued', -100, 'pictures:' || id, updated_ms, 'transcode', updated_ms, updated_ms FROM assets
WHERE playable = 1 AND key_id IS NULL AND EXISTS (SELECT 1 FROM tracks t WHERE t.asset = assets.id AND t.width IS NOT NULL);
