//! Every limit of this crate, with its why.

/// Connections that read the catalogue at once. Reads take tens of microseconds; more would only queue on two cores.
pub const READERS: u32 = 4;

/// How long a caller waits for a connection before the store is called overloaded.
pub const ACQUIRE_TIMEOUT_MS: u64 = 30_000;

/// The same for a connection to PostgreSQL: whoever asks while the server is away is told so, rather than made to wait.
pub const POSTGRES_ACQUIRE_TIMEOUT_MS: u64 = 3_000;

/// How long PostgreSQL may take for one statement. A server that hangs holds whoever asks it for this long, and what it holds in its turn: the
/// claim of an upload, a place among the connections. Longer than a stall of its disk; the migrations at the start have all the time there is.
pub const POSTGRES_ANSWER_MS: u64 = 10_000;

/// How long a transaction may be left alone before PostgreSQL undoes it. A process that is paused in the middle of one holds the lock of all
/// writers; this is shorter than they wait for it ([`POSTGRES_ANSWER_MS`]), so that they go on as if nothing had been.
pub const POSTGRES_IDLE_MS: u64 = 5_000;

/// Files of a batch that are open and not yet synced. Bounds file descriptors and what a crash makes us repeat.
pub const BATCH_FILES_MAX: usize = 64;

/// Bytes of a batch that are not yet synced: keeps the final sync short.
pub const BATCH_BYTES_MAX: u64 = 64 << 20;

/// A streamed object is synced each time this much was written, so that the sync at the end of a large upload does
/// not wait for all of it.
pub const SYNC_EVERY_BYTES: u64 = 64 << 20;

/// Events kept. An edge further behind than this starts over from the present state.
pub const EVENTS_KEPT: i64 = 100_000;
/// The oldest are looked for with every one of so many: up to so many more are kept.
pub const EVENTS_A_PRUNING: i64 = 64;

/// Objects whose references are checked in one query when they are released.
pub const RELEASE_BATCH: usize = 64;

/// Rows of one page of a listing.
pub const PAGE_ROWS_MAX: u32 = 200;

/// API keys, revoked ones included. Each costs a row; a back end needs a few.
pub const KEYS_MAX: i64 = 10_000;

/// How long a revoked key stays in the list: long enough to look into what it did.
pub const REVOKED_KEYS_KEPT_MS: i64 = 90 * 24 * 3600 * 1000;

/// Categories. They are listed in one answer.
pub const CATEGORIES_MAX: i64 = 1_000;

/// Rows of the audit log that are kept.
pub const AUDIT_KEPT: i64 = 1_000_000;

/// Matches of a search that are looked at, the youngest ones: each that a filter leaves out costs some microseconds, and of words that more
/// assets have than this nobody reads the last page.
pub const SEARCH_SEEN_MAX: u32 = 5_000;

/// Words of a search.
pub const SEARCH_WORDS_MAX: usize = 16;

/// Assets that are entered into the search index in one commit, for those that came before it.
pub const INDEX_BATCH: u32 = 500;

/// Answers kept for one caller's Idempotency-Keys.
pub const IDEMPOTENCY_KEYS_A_CALLER_MAX: i64 = 10_000;

/// Uploads of one owner that are open at once. Each is a row and a file.
pub const UPLOADS_AN_OWNER_MAX: i64 = 1_000;

/// Piece of a file that is read to be hashed or copied.
pub const HASH_PIECE_BYTES: usize = 1 << 20;

/// Requests to an S3 at once, of one caller.
pub const S3_AT_ONCE: usize = 8;

/// Up to here an object is one PUT; above, parts of this size or larger ones, since there may be 10,000 of them.
pub const S3_WHOLE_BYTES_MAX: u64 = 16 << 20;
/// See [`S3_WHOLE_BYTES_MAX`].
pub const S3_PART_BYTES: u64 = 16 << 20;
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
pub const S3_PARTS_MAX: u64 = 10_000;
/// Parts that are under way at once; each is in memory.
pub const S3_PARTS_AT_ONCE: usize = 3;

/// Objects up to here are read in one request, and held in memory.
pub const S3_READ_WHOLE_BYTES_MAX: u64 = 2 << 20;

/// How long a connection to an S3 may take to be made, the head of an answer to come, and an idle connection is kept.
pub const S3_CONNECT_MS: u64 = 2_000;
/// See [`S3_CONNECT_MS`]. A part of a large object is sent within it.
pub const S3_ANSWER_MS: u64 = 60_000;
/// See [`S3_CONNECT_MS`].
pub const S3_IDLE_MS: u64 = 30_000;
/// Idle connections that are kept.
pub const S3_IDLE_CONNECTIONS_MAX: usize = 16;

/// How long a request that someone waits for is tried again while the S3 is away, and one of a job.
pub const S3_HASTY_RETRY_MS: u64 = 1_500;
/// See [`S3_HASTY_RETRY_MS`].
pub const S3_PATIENT_RETRY_MS: u64 = 120_000;

/// What was written to a shared S3 later than this long ago is not removed: another process may be about to name it.
pub const S3_YOUNG_MS: i64 = 3600 * 1000;

/// Bytes of local copies that nobody holds.
pub const FETCHED_BYTES_MAX: u64 = 32 << 30;

/// Schedules. All of them are looked at each time.
pub const SCHEDULES_MAX: i64 = 1_000;

/// Webhooks. All of them are looked at each time.
pub const WEBHOOKS_MAX: i64 = 100;

/// Connections to PostgreSQL. Writes go one after another, so more would only wait; a server has a hundred for all.
pub const POSTGRES_CONNECTIONS: u32 = 8;

/// Characters of a word that are looked at. PostgreSQL takes words of at most 2,046 bytes.
pub const SEARCH_WORD_CHARS_MAX: usize = 64;

/// Wallets of one account; each is asked about when a rule is checked.
pub const WALLETS_AN_ACCOUNT_MAX: i64 = 16;

/// Sessions of one account that go on at once; with one more the oldest ends.
pub const SESSIONS_AN_ACCOUNT_MAX: i64 = 32;
/// Versions of an asset's rule that are kept.
pub const RULE_VERSIONS_KEPT: i64 = 100;

/// Playback tokens of one viewer for one asset; with one more the oldest is taken back. A page renews in the middle of a token's life, so
/// that each stream has three of them.
pub const GRANTS_A_VIEWER_MAX: i64 = 48;

/// Subjects and assets taken back as a whole that an edge is told of when it starts. It remembers them beside the tokens.
pub const TAKEN_BACK_MAX: i64 = 16_384;

/// Tokens taken back that an edge is told of when it starts; it remembers as many.
pub const GRANTS_REVOKED_MAX: i64 = 65_536 - TAKEN_BACK_MAX;
