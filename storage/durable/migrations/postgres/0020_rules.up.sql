-- Rules: who may watch an asset. Every version is kept; the highest one holds. An empty tree: there is no rule any more.
CREATE TABLE gating_rules (
    asset      TEXT COLLATE "C" NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    version    BIGINT           NOT NULL CHECK (version > 0),
    rule       TEXT             NOT NULL,
    written_by TEXT             NOT NULL,
    written_ms BIGINT           NOT NULL,
    PRIMARY KEY (asset, version)
);
