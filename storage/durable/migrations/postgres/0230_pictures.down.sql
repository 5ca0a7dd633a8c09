DROP TABLE pictures;
ALTER TABLE assets DROP COLUMN pictures;
DELETE FROM schedules WHERE what IN ('backup', 'purge');
ALTER TABLE schedules DROP COLUMN body;
DELETE FROM jobs WHERE kind IN ('pictures', 'backup', 'purge');
ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check;
ALTER TABLE jobs DROP CONSTRAINT jobs_check;
ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check CHECK (kind IN ('ingest', 'fallback', 'ladder', 'sweep'));
ALTER TABLE jobs ADD CONSTRAINT jobs_check CHECK ((kind = 'sweep') = (asset IS NULL));
