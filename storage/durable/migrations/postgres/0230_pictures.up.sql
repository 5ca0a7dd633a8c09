-- Kinds of jobs: pictures of an asset, and beside the sweeps of the house its backups and purges.
ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check;
ALTER TABLE jobs DROP CONSTRAINT jobs_check;
ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check
    CHECK (kind IN ('ingest', 'fallback', 'ladder', 'sweep', 'pictures', 'backup', 'purge'));
ALTER TABLE jobs ADD CONSTRAINT jobs_check CHECK ((kind IN ('sweep', 'backup', 'purge')) = (asset IS NULL));

-- What a scheduled job is told, beside its word: JSON, or nothing.
ALTER TABLE schedules ADD COLUMN body TEXT NOT NULL DEFAULT '';

-- The poster (-1) and the sheets of the storyboard (from 0) of an asset; what is told of them is in assets.pictures, JSON.
ALTER TABLE assets ADD COLUMN pictures TEXT;
CREATE TABLE pictures (
    asset  TEXT COLLATE "C" NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    idx    BIGINT NOT NULL CHECK (idx >= -1),
    object TEXT COLLATE "C" NOT NULL,
    bytes  BIGINT NOT NULL,
    PRIMARY KEY (asset, idx)
);
CREATE INDEX pictures_by_object ON pictures (object);

-- What was playable before there were pictures gets them, behind everything else; what is encrypted gets none (decision 0210).
INSERT INTO jobs (kind, asset, state, priority, unique_key, run_after_ms, stage, created_ms, updated_ms)
SELECT 'pictures', id, 'queued', -100, 'pictures:' || id, updated_ms, 'transcode', updated_ms, updated_ms FROM assets
WHERE playable = 1 AND key_id IS NULL AND EXISTS (SELECT 1 FROM tracks t WHERE t.asset = assets.id AND t.width IS NOT NULL);
