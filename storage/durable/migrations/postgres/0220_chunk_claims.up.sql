-- Who encodes which chunk of a job that several workers share. A row stays until the job is over. until_ms: until when its holder has it,
-- unless it says again that it lives; 0: given back to whoever leads the job; NULL: stored.
CREATE TABLE chunk_claims (
    job      BIGINT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    idx      BIGINT NOT NULL CHECK (idx >= 0),
    holder   TEXT COLLATE "C" NOT NULL,
    until_ms BIGINT,
    PRIMARY KEY (job, idx)
);
