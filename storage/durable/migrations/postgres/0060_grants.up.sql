-- Grants: playback tokens that were given out, until they expire by themselves. `cti` is the token's id, base64url; what is taken
-- back has a time and a reason, and an event of its own in the same commit. `look_ms`: when the rule is to be decided again.
CREATE TABLE grants (
    cti        TEXT COLLATE "C" PRIMARY KEY CHECK (length(cti) BETWEEN 1 AND 64),
    asset      TEXT COLLATE "C" NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    account    TEXT COLLATE "C" NOT NULL,
    session    TEXT COLLATE "C",
    wallets    TEXT             NOT NULL,
    rule       BIGINT           NOT NULL,
    made_ms    BIGINT           NOT NULL,
    expires_ms BIGINT           NOT NULL,
    look_ms    BIGINT           NOT NULL,
    revoked_ms BIGINT,
    why        TEXT
);
CREATE INDEX grants_by_asset ON grants (asset, expires_ms);
CREATE INDEX grants_by_account ON grants (account, asset, expires_ms);
CREATE INDEX grants_by_session ON grants (session);
CREATE INDEX grants_by_look ON grants (look_ms);
CREATE INDEX grants_by_end ON grants (expires_ms);
