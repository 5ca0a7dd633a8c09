-- Who is told of events, and what became of each message. docs/formats/webhooks.md

CREATE TABLE webhooks (
    id           TEXT    PRIMARY KEY,
    url          TEXT    NOT NULL,
    description  TEXT    NOT NULL,
    kinds        TEXT    NOT NULL,
    enabled      INTEGER NOT NULL,
    secret       TEXT    NOT NULL,
    old_secret   TEXT,
    old_until_ms INTEGER,
    after_seq    INTEGER NOT NULL,
    created_ms   INTEGER NOT NULL,
    updated_ms   INTEGER NOT NULL
) STRICT;

CREATE TABLE deliveries (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook        TEXT    NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    message        TEXT    NOT NULL,
    kind           TEXT    NOT NULL,
    body           TEXT    NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('queued', 'done', 'failed')),
    attempts       INTEGER NOT NULL DEFAULT 0,
    due_ms         INTEGER NOT NULL,
    lease_until_ms INTEGER,
    fence          INTEGER NOT NULL DEFAULT 0,
    status         INTEGER,
    error          TEXT,
    created_ms     INTEGER NOT NULL,
    queued_ms      INTEGER NOT NULL,
    updated_ms     INTEGER NOT NULL
) STRICT;
CREATE INDEX deliveries_by_turn ON deliveries (webhook, state, id);
CREATE INDEX deliveries_by_age ON deliveries (state, updated_ms);
