-- Streams that play by tokens that bound how many of one subject may, as edges report them: a lease each, by the origin's clock. `class`:
-- what is counted together. `stream`: its own name.
CREATE TABLE streams (
    subject  TEXT NOT NULL,
    class    TEXT NOT NULL,
    stream   TEXT NOT NULL,
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (subject, class, stream)
) STRICT, WITHOUT ROWID;
CREATE INDEX streams_by_end ON streams (until_ms);

-- What was taken back as a whole: every token of a subject, or of an asset, that was made by then. `until_ms`: the last of them has expired.
CREATE TABLE taken_back (
    kind     TEXT NOT NULL CHECK (kind IN ('subject', 'asset')),
    name     TEXT NOT NULL,
    made_ms  INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
