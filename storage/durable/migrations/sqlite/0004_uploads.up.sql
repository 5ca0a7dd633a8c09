-- Uploads that go on over several requests. Their bytes stand in <data>/uploads/<id>; how many there are is the file's length.

CREATE TABLE uploads (
    id         TEXT    PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    owner      TEXT    NOT NULL,
    length     INTEGER,
    part       INTEGER NOT NULL DEFAULT 0 CHECK (part IN (0, 1)),
    joined     TEXT,
    about      TEXT    NOT NULL,
    metadata   TEXT    NOT NULL,
    floor      INTEGER,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    asset      TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_end ON uploads (expires_ms);
CREATE INDEX uploads_by_owner ON uploads (owner);

-- What an owner's assets take, those in the bin included.
CREATE INDEX assets_bytes_by_owner ON assets (owner, source_bytes);
