-- Accounts of wallets, their sessions, and the challenges that were answered. Of refresh tokens only the SHA-256 is kept.

CREATE TABLE accounts (
    id         TEXT COLLATE "C"    PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    role       TEXT COLLATE "C"    NOT NULL CHECK (role IN ('viewer', 'creator', 'operator', 'admin')),
    created_ms BIGINT NOT NULL,
    banned_ms  BIGINT
);

-- `chain` is eip155 for a key, which is the same on every chain, eip155:N for a contract, which is not, and solana.
CREATE TABLE wallets (
    chain     TEXT COLLATE "C"    NOT NULL,
    address   TEXT COLLATE "C"    NOT NULL,
    account   TEXT COLLATE "C"    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    linked_ms BIGINT NOT NULL,
    PRIMARY KEY (chain, address)
);
CREATE INDEX wallets_by_account ON wallets (account);

CREATE TABLE sessions (
    id         TEXT COLLATE "C"    PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    account    TEXT COLLATE "C"    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    agent      TEXT COLLATE "C"    NOT NULL,
    created_ms BIGINT NOT NULL,
    used_ms    BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    ended_ms   BIGINT,
    ended_why  TEXT
);
CREATE INDEX sessions_by_account ON sessions (account, created_ms);
CREATE INDEX sessions_by_end ON sessions (expires_ms);

-- All tokens of a session, used ones too: one that comes back was stolen from one side or the other.
CREATE TABLE refresh_tokens (
    hash    TEXT COLLATE "C"    PRIMARY KEY CHECK (length(hash) = 64),
    session TEXT COLLATE "C"    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    used_ms BIGINT
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session);

CREATE TABLE used_challenges (
    nonce      TEXT COLLATE "C"    PRIMARY KEY,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX used_challenges_by_end ON used_challenges (expires_ms);
