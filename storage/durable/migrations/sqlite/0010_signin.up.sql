-- Accounts of wallets, their sessions, and the challenges that were answered. Of refresh tokens only the SHA-256 is kept.

CREATE TABLE accounts (
    id         TEXT    PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    role       TEXT    NOT NULL CHECK (role IN ('viewer', 'creator', 'operator', 'admin')),
    created_ms INTEGER NOT NULL,
    banned_ms  INTEGER
) STRICT, WITHOUT ROWID;

-- `chain` is eip155 for a key, which is the same on every chain, eip155:N for a contract, which is not, and solana.
CREATE TABLE wallets (
    chain     TEXT    NOT NULL,
    address   TEXT    NOT NULL,
    account   TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    linked_ms INTEGER NOT NULL,
    PRIMARY KEY (chain, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX wallets_by_account ON wallets (account);

CREATE TABLE sessions (
    id         TEXT    PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    account    TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    agent      TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    used_ms    INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    ended_ms   INTEGER,
    ended_why  TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_account ON sessions (account, created_ms);
CREATE INDEX sessions_by_end ON sessions (expires_ms);

-- All tokens of a session, used ones too: one that comes back was stolen from one side or the other.
CREATE TABLE refresh_tokens (
    hash    TEXT    PRIMARY KEY CHECK (length(hash) = 64),
    session TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    used_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session);

CREATE TABLE used_challenges (
    nonce      TEXT    PRIMARY KEY,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX used_challenges_by_end ON used_challenges (expires_ms);
