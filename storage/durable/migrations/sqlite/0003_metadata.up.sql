-- What people say of an asset, how it is found, who changed it, and how often it is played.

ALTER TABLE assets ADD COLUMN description TEXT    NOT NULL DEFAULT '';
ALTER TABLE assets ADD COLUMN language    TEXT    NOT NULL DEFAULT '';
ALTER TABLE assets ADD COLUMN tags        TEXT    NOT NULL DEFAULT '[]';
ALTER TABLE assets ADD COLUMN categories  TEXT    NOT NULL DEFAULT '[]';
ALTER TABLE assets ADD COLUMN fields      TEXT    NOT NULL DEFAULT '{}';
ALTER TABLE assets ADD COLUMN version     INTEGER NOT NULL DEFAULT 1;
ALTER TABLE assets ADD COLUMN deleted_ms  INTEGER;

-- A listing reads one of these from its end, whatever it is filtered by.
DROP INDEX assets_by_age;
CREATE INDEX assets_by_age        ON assets (created_ms, id) WHERE deleted_ms IS NULL;
CREATE INDEX assets_by_owner      ON assets (owner, created_ms, id) WHERE deleted_ms IS NULL;
CREATE INDEX assets_by_state      ON assets (state, created_ms, id) WHERE deleted_ms IS NULL;
CREATE INDEX assets_by_visibility ON assets (visibility, created_ms, id) WHERE deleted_ms IS NULL;
CREATE INDEX assets_by_language   ON assets (language, created_ms, id) WHERE deleted_ms IS NULL;
CREATE INDEX assets_in_bin        ON assets (created_ms, id) WHERE deleted_ms IS NOT NULL;
CREATE INDEX assets_by_deletion   ON assets (deleted_ms) WHERE deleted_ms IS NOT NULL;

-- The index of `tags` and `categories`: a page of what carries a word is one range of it.
CREATE TABLE labels (
    kind       TEXT    NOT NULL CHECK (kind IN ('tag', 'category')),
    word       TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    asset      TEXT    NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, word, created_ms, asset)
) STRICT, WITHOUT ROWID;
CREATE INDEX labels_by_asset ON labels (asset);

CREATE TABLE categories (
    id         TEXT    PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    name       TEXT    NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Full text. The words are segmented by the program (CJK by pairs) and not kept: `search_rows` leads back to the asset.
CREATE TABLE search_rows (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    asset TEXT    NOT NULL UNIQUE
) STRICT;
CREATE VIRTUAL TABLE search USING fts5 (
    title, description, labels,
    content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
);

CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms  INTEGER NOT NULL,
    actor  TEXT    NOT NULL,
    key    TEXT    NOT NULL,
    action TEXT    NOT NULL,
    object TEXT    NOT NULL,
    body   TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_by_object ON audit (object, seq);

CREATE TABLE playback_days (
    asset     TEXT    NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    day       INTEGER NOT NULL,
    source    TEXT    NOT NULL CHECK (source IN ('origin', 'edge')),
    starts    INTEGER NOT NULL,
    requests  INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    PRIMARY KEY (asset, day, source)
) STRICT, WITHOUT ROWID;

-- Answers to requests that carried an Idempotency-Key. Without `status` the request is still worked on.
CREATE TABLE idempotency (
    caller     TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    request    BLOB    NOT NULL,
    status     INTEGER,
    headers    TEXT,
    body       BLOB,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (created_ms);
