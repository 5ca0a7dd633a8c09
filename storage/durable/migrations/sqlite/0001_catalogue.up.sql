-- The catalogue. Drawn and explained in docs/formats/catalogue.md; times are milliseconds since 1970 UTC.

CREATE TABLE assets (
    id            TEXT    PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    title         TEXT    NOT NULL,
    file_name     TEXT    NOT NULL,
    visibility    TEXT    NOT NULL CHECK (visibility IN ('open', 'gated')),
    state         TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'ready', 'failed')),
    playable      INTEGER NOT NULL DEFAULT 0 CHECK (playable IN (0, 1)),
    error_code    TEXT,
    error_detail  TEXT,
    source_object TEXT    NOT NULL,
    source_bytes  INTEGER NOT NULL,
    source_info   TEXT,
    plan          TEXT,
    duration_us   INTEGER,
    created_ms    INTEGER NOT NULL,
    updated_ms    INTEGER NOT NULL,
    uploaded_ms   INTEGER NOT NULL,
    playable_ms   INTEGER,
    CHECK (state <> 'ready' OR playable = 1)
) STRICT, WITHOUT ROWID;
CREATE INDEX assets_by_age ON assets (created_ms DESC, id DESC);
CREATE INDEX assets_by_source ON assets (source_object);

CREATE TABLE tracks (
    asset            TEXT    NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    name             TEXT    NOT NULL,
    position         INTEGER NOT NULL,
    codec            TEXT    NOT NULL,
    width            INTEGER,
    height           INTEGER,
    segments_planned INTEGER NOT NULL,
    head             TEXT,
    init_object      TEXT,
    init_bytes       INTEGER,
    state            TEXT    NOT NULL CHECK (state IN ('waiting', 'encoding', 'published')),
    PRIMARY KEY (asset, name),
    CHECK (state = 'waiting' OR (head IS NOT NULL AND init_object IS NOT NULL AND init_bytes IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX tracks_by_init ON tracks (init_object);

-- A segment of a track that is still 'encoding' is a stored chunk: it is never encoded again.
CREATE TABLE segments (
    asset    TEXT    NOT NULL,
    track    TEXT    NOT NULL,
    idx      INTEGER NOT NULL CHECK (idx >= 0),
    object   TEXT    NOT NULL,
    start    INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    PRIMARY KEY (asset, track, idx),
    FOREIGN KEY (asset, track) REFERENCES tracks (asset, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX segments_by_object ON segments (object);

CREATE TABLE jobs (
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
CREATE INDEX jobs_by_turn ON jobs (kind, state, run_after_ms);
CREATE INDEX jobs_by_asset ON jobs (asset);

-- The outbox: a row here commits together with the change it tells of.
CREATE TABLE events (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    kind  TEXT    NOT NULL,
    asset TEXT    NOT NULL,
    body  TEXT    NOT NULL
) STRICT;
