-- Streams that play by tokens that bound how many of one subject may, as edges report them: a lease each, by the origin's clock. `class`:
-- what is counted together. `stream`: its own name.
CREATE TABLE streams (
    subject  TEXT COLLATE "C" NOT NULL,
    class    TEXT COLLATE "C" NOT NULL,
    stream   TEXT COLLATE "C" NOT NULL,
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (subject, class, stream)
);
CREATE INDEX streams_by_end ON streams (until_ms);

-- What was taken back as a whole: every token of a subject, or of an asset, that was made by then. `until_ms`: the last of them has expired.
CREATE TABLE taken_back (
    kind     TEXT COLLATE "C" NOT NULL CHECK (kind IN ('subject', 'asset')),
    name     TEXT COLLATE "C" NOT NULL,
    made_ms  BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);
