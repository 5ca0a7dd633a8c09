-- API keys, and whose an asset is. Keys are kept as the SHA-256 of their secret: 256 random bits need no slow hash.

CREATE TABLE api_keys (
    id         TEXT    PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    name       TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    role       TEXT    NOT NULL CHECK (role IN ('viewer', 'creator', 'operator', 'admin')),
    scopes     TEXT    NOT NULL,
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    revoked_ms INTEGER,
    used_ms    INTEGER
) STRICT, WITHOUT ROWID;

-- What was uploaded before there were owners was uploaded with the admin key.
ALTER TABLE assets ADD COLUMN owner TEXT NOT NULL DEFAULT 'admin';
