//! Every limit of the origin, with its why.

use std::time::Duration;

/// Connections open at once; more wait in the kernel's backlog. An origin talks to edges and back ends, not to viewers.
pub const CONNECTIONS_MAX: usize = 4096;

/// How long a client may take for a request head, and how long an idle connection is kept for the next one.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// How long a refused client may go on sending before its connection is cut.
pub const LINGER: Duration = Duration::from_secs(2);

/// Uploads received at once. Each costs a thread that writes and a file.
pub const UPLOADS_MAX: usize = 32;

/// An upload that sends nothing for this long is given up, so that a dead client does not keep its temporary file.
pub const UPLOAD_IDLE: Duration = Duration::from_secs(60);

/// Pieces of an upload that wait to be written: bounds memory an upload to a few hundred kilobytes.
pub const UPLOAD_PIECES: usize = 8;

/// An upload that goes on over several requests is removed when nothing came for a day.
pub const UPLOAD_KEPT_MS: i64 = 24 * 3600 * 1000;
/// How long a request that asks for the offset waits for the one that still writes; that one has a sync to end with.
pub const CLAIM_WAIT: Duration = Duration::from_secs(10);
/// Uploads between two requests whose running hash is kept, about 200 bytes each; others are read once more at their end.
pub const RUNNING_HASHES_MAX: usize = 4096;
/// First bytes that are looked at for what is certainly no video.
pub const SNIFF_BYTES: usize = 64;
/// Bytes of `Upload-Metadata`.
pub const METADATA_BYTES_MAX: usize = 4096;
/// Parts of one upload that are put together.
pub const PARTS_MAX: usize = 64;
/// Uploads that one round of upkeep looks at in one query.
pub const UPLOADS_A_ROUND: u32 = 100;
/// Fields of an upload's form before its file.
pub const FORM_FIELDS_MAX: usize = 32;
/// Bytes of one of them.
pub const FORM_FIELD_BYTES_MAX: usize = 32 << 10;

/// JSON bodies of the API.
pub const API_BODY_BYTES_MAX: usize = 64 << 10;

/// What a browser asks Clear Key's licence with: a list of names of keys.
pub const LICENCE_REQUEST_BYTES_MAX: usize = 4 << 10;

/// How long a request for events waits for one; an edge asks again at once. Short, since a shutdown waits for it.
pub const EVENTS_WAIT: Duration = Duration::from_millis(500);

/// How often the catalogue is looked at meanwhile: a change is at the edges after about as long.
pub const EVENTS_LOOK: Duration = Duration::from_millis(25);

/// Clients that follow the events as a stream at once; each looks at the catalogue.
pub const STREAMS_MAX: usize = 256;
/// How often a stream looks for events.
pub const STREAM_LOOK: Duration = Duration::from_millis(200);
/// How often a stream that has nothing to tell shows that it lives, before proxies give it up.
pub const STREAM_BEAT: Duration = Duration::from_secs(15);

/// Keys and addresses whose rate is kept, about 100 bytes each; more share one bucket.
pub const RATES_MAX: usize = 65_536;

/// Free bytes on the disk of the data folder below which an alert is shown.
pub const DISK_LOW_BYTES: u64 = 2 << 30;

/// Events of one answer.
pub const EVENTS_A_PAGE: u32 = 1000;

/// Characters of a title.
pub const TITLE_CHARS_MAX: usize = 200;

/// Bytes of an uploaded file's name.
pub const FILE_NAME_BYTES_MAX: usize = 255;

/// Characters of the name of an API key.
pub const NAME_CHARS_MAX: usize = 100;
/// Bytes of an owner's name: an account, an address, a wallet.
pub const OWNER_BYTES_MAX: usize = 128;
/// An API key with an end ends within ten years; beyond that is a typing error.
pub const KEY_TTL_SECONDS_MAX: u64 = 10 * 366 * 24 * 3600;
/// The use of a key is noted at most this often, so that a request costs no write.
pub const KEY_USE_NOTED_MS: i64 = 60_000;

/// Characters of a description.
pub const DESCRIPTION_CHARS_MAX: usize = 5_000;
/// Tags of an asset; each is a row of an index.
pub const TAGS_MAX: usize = 32;
/// Characters of a tag.
pub const TAG_CHARS_MAX: usize = 64;
/// Categories of an asset; each is a row of an index.
pub const CATEGORIES_AN_ASSET_MAX: usize = 16;
/// Bytes of a language tag (RFC 5646 section 4.4.1 recommends 35).
pub const LANGUAGE_BYTES_MAX: usize = 35;
/// Bytes of the fields of an asset that are the client's own; they are read with every row.
pub const FIELDS_BYTES_MAX: usize = 16 << 10;

/// Characters of a search.
pub const SEARCH_CHARS_MAX: usize = 200;

/// Days of playback statistics in one answer, of each side.
pub const STATS_DAYS: u32 = 2 * 90;
/// Counts of one report of an edge.
pub const COUNTS_A_REPORT_MAX: usize = 1_000;
/// Assets whose playback is counted in memory until it is written; more are not counted.
pub const PLAYS_MAX: usize = 10_000;
/// How often counts are written, and other upkeep is done.
pub const UPKEEP_EVERY: Duration = Duration::from_secs(10);
/// How often files of uploads are looked for that no row names any more.
pub const UPLOADS_SWEEP: Duration = Duration::from_secs(300);

/// How long a deleted asset can be brought back.
pub const BIN_KEPT_MS: i64 = 30 * 24 * 3600 * 1000;
/// Assets that leave the bin in one round of upkeep.
pub const BIN_A_ROUND: u32 = 100;

/// Bytes of an Idempotency-Key; a UUID has 36.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;
/// How long its answer is kept.
pub const IDEMPOTENCY_KEPT_MS: i64 = 24 * 3600 * 1000;

/// Rows of a page of a listing when the client names none, and at most.
pub const PAGE_ROWS: u32 = 50;
/// See [`PAGE_ROWS`].
pub const PAGE_ROWS_MAX: u32 = 200;

/// A playback token is valid this long when the client names no time.
pub const TOKEN_TTL_SECONDS: u64 = 3600;
/// A playback token is never valid longer.
pub const TOKEN_TTL_SECONDS_MAX: u64 = 7 * 24 * 3600;

/// Uploads probed and repackaged at once. Two, so that one slow disk read does not hold up the next upload.
pub const INGEST_WORKERS: usize = 2;

/// How often a worker says that it lives.
pub const HEARTBEAT: Duration = Duration::from_secs(2);
/// How often a worker asks in between whether its job is still its own, where other processes may cancel it.
pub const LEASE_LOOK: Duration = Duration::from_millis(500);
/// A process that slept for so much longer than it meant to was paused: that its job made no step meanwhile is no hang.
pub const PAUSED: Duration = Duration::from_secs(10);
/// A lease without a heartbeat for this long is taken over.
pub const LEASE_MS: i64 = 15_000;

/// How often the leader of a job whose last chunks others have looks whether they are stored.
pub const CHUNK_LOOK: Duration = Duration::from_millis(250);
/// Jobs under way that an idle worker looks at for chunks to take.
pub const HELPED_JOBS_MAX: u32 = 16;
/// A worker that failed at another's chunks does its own jobs alone for this long: what it lacks, it will lack for the next chunk as well.
pub const HELP_REST: Duration = Duration::from_secs(60);

/// After how many seconds a client is told to ask again that met a store that does not answer.
pub const AWAY_S: u64 = 2;
/// How often a job asks again whose results the catalogue cannot take for now, and for how long it does.
pub const AWAY_LOOK: Duration = Duration::from_millis(500);
/// See [`AWAY_LOOK`]. Afterwards the job is put back, if even that can be written; else its lease runs out.
pub const AWAY_PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Times a job is taken without storing anything before it is given up.
pub const ATTEMPTS_MAX: u32 = 5;
/// First wait before a job is tried again; four times longer each time.
pub const RETRY_FIRST_MS: i64 = 1_000;
/// Longest wait before a job is tried again.
pub const RETRY_MS_MAX: i64 = 60_000;

/// A job of the house that is not done after this long is taken over; it is done in steps that may be repeated.
pub const CHORE_LEASE_MS: i64 = 15 * 60 * 1000;
/// How often schedules are looked at: a job begins this long after it is due at most.
pub const CHORES_LOOK: Duration = Duration::from_secs(5);
/// How long jobs that ended well stay in the list. Dead ones stay until someone plays them again, or deletes the asset.
pub const JOBS_KEPT_MS: i64 = 30 * 24 * 3600 * 1000;
/// Priorities go from minus this to this; uploads have 0.
pub const PRIORITY_MAX: i64 = 100;
/// Jobs that one waits for.
pub const NEEDS_MAX: usize = 16;

/// A job that makes no step for this long is stopped: a hang in a decoder must not hold a worker for ever. Longer than
/// the slowest picture of the slowest encoder setting.
pub const STALL: Duration = Duration::from_secs(600);

/// How long a worker waits for its thread after it was told to stop; then it leaves it behind.
pub const CANCEL_GRACE: Duration = Duration::from_secs(20);

/// Queue tables are looked at this often even when nobody rings: a lease may have run out.
pub const IDLE_LOOK: Duration = Duration::from_secs(5);

/// Stack of a thread that decodes and encodes: codecs recurse over block trees.
pub const MEDIA_STACK_BYTES: usize = 16 << 20;

/// Segments up to this size are read in one piece, larger ones are streamed.
pub const READ_WHOLE_BYTES_MAX: u64 = 1 << 20;
/// Piece of a streamed segment.
pub const READ_PIECE_BYTES: usize = 256 << 10;

/// How long edges may remember that an asset is unknown.
pub const UNKNOWN_MAX_AGE_S: u32 = 2;
/// How long edges may remember that an asset is not yet playable.
pub const NOT_YET_MAX_AGE_S: u32 = 1;

/// How long one address is tried to be connected to, of those that a name has.
pub const WEB_CONNECT: Duration = Duration::from_secs(5);
/// Bytes of the head of an answer that we asked for.
pub const WEB_HEAD_BYTES_MAX: usize = 32 << 10;
/// Header lines of it.
pub const WEB_HEADERS_MAX: usize = 100;
/// How long a connection of ours is kept for the next request.
pub const WEB_IDLE: Duration = Duration::from_secs(30);
/// Connections that are kept for one host.
pub const WEB_IDLE_MAX: usize = 4;

/// How often webhooks look for what is due when no bell rings.
pub const HOOKS_LOOK: Duration = Duration::from_secs(1);
/// How long a receiver may take for its answer.
pub const HOOK_WITHIN: Duration = Duration::from_secs(15);
/// Bytes of its answer; nobody reads them.
pub const HOOK_BYTES_MAX: usize = 64 << 10;
/// A message whose sender was cut off is sent again after this long; longer than it may take.
pub const HOOK_LEASE_MS: i64 = 30_000;
/// Longest wait between two attempts: so long after a receiver is back it is told at most.
pub const HOOK_RETRY_MS_MAX: i64 = 15 * 60 * 1000;
/// How long a message is tried before it is given up.
pub const HOOK_KEPT_MS: i64 = 24 * 3600 * 1000;
/// Messages that wait for one endpoint; more events wait in the log.
pub const HOOKS_QUEUED_MAX: i64 = 10_000;
/// How long the old secret of a webhook signs as well when the client names no time, and at most.
pub const HOOK_OLD_SECONDS: u64 = 24 * 3600;
/// See [`HOOK_OLD_SECONDS`].
pub const HOOK_OLD_SECONDS_MAX: u64 = 30 * 24 * 3600;
/// Bytes of a webhook's address.
pub const HOOK_URL_BYTES_MAX: usize = 2048;
/// Kinds of events that one names.
pub const HOOK_KINDS_MAX: usize = 32;

/// Bytes of a chain's name.
pub const CHAIN_NAME_BYTES_MAX: usize = 32;
/// Endpoints of a chain.
pub const ENDPOINTS_A_CHAIN_MAX: usize = 8;
/// A second endpoint is asked when the first has been silent for this long; between these, twice its usual time.
pub const HEDGE_AFTER_MIN: Duration = Duration::from_millis(50);
/// See [`HEDGE_AFTER_MIN`]. A quarter of the usual time limit, so that a third can still be asked.
pub const HEDGE_AFTER_MAX: Duration = Duration::from_millis(500);
/// An endpoint that failed is asked last for this long, twice as long each time.
pub const ENDPOINT_REST_MIN: Duration = Duration::from_millis(250);
/// See [`ENDPOINT_REST_MIN`].
pub const ENDPOINT_REST_MAX: Duration = Duration::from_secs(30);
/// How long the last block is taken for the last one. A transfer is seen this much later, where no endpoint tells new blocks.
pub const HEADS_KEPT: Duration = Duration::from_millis(400);
/// How long the settled block is taken for it while the last one stays the same.
pub const SETTLED_KEPT: Duration = Duration::from_secs(5);
/// Bytes of an answer that is a number.
pub const RPC_NUMBER_BYTES_MAX: usize = 4 << 10;
/// Bytes of an answer to a call: one word is 66, a contract wallet's opinion not more.
pub const RPC_CALL_BYTES_MAX: usize = 64 << 10;
/// Calls that go together: 300 balances are 3 million gas, a sixteenth of what Geth lets a call have.
pub const BATCH_CALLS_MAX: usize = 300;
/// Bytes of the answer to calls that go together: 320 each as text.
pub const RPC_BATCH_BYTES_MAX: usize = 256 << 10;
/// Batches of one contract at once: five thousand wallets are five rounds.
pub const BATCHES_AT_ONCE: usize = 4;
/// Questions to one contract at one block that are put at once. The next ones wait for others to come along, each so much longer than the
/// one before, up to the bound: a crowd that comes one by one costs twenty questions in ten seconds and not thousands.
pub const BATCH_FREE: u32 = 4;
/// See [`BATCH_FREE`].
pub const BATCH_WAIT_STEP: Duration = Duration::from_millis(40);
/// See [`BATCH_FREE`].
pub const BATCH_WAIT_MAX: Duration = Duration::from_millis(500);
/// Nobody waits on for others when none has come for so long: of a few who ask again and again all are there.
pub const CROWD_QUIET: Duration = Duration::from_millis(50);
/// Contracts and blocks of which is known how often they were asked, and for how long.
pub const BATCH_KEYS_MAX: usize = 1024;
/// See [`BATCH_KEYS_MAX`].
pub const BATCH_KEYS_KEPT: Duration = Duration::from_secs(60);
/// Bytes of an answer that is a contract's code: EIP-170 allows 24 KiB, some chains 64 KiB, twice that as hex.
pub const RPC_CODE_BYTES_MAX: usize = 256 << 10;
/// Bytes of an answer that is a block: its transactions' hashes are most of it, 70 bytes each.
pub const RPC_BLOCK_BYTES_MAX: usize = 1 << 20;
/// A node of Solana that is behind is asked again after this: half a slot.
pub const BEHIND_AGAIN: Duration = Duration::from_millis(200);
/// How long a slot of Solana that was seen is the least that an answer may be of. An endpoint that says one of the far future shuts the others
/// out for so long.
pub const SLOTS_KEPT: Duration = Duration::from_secs(30);
/// Bytes of an answer that is a list of accounts of Solana: 500 each as text, so a wallet may have eight thousand.
pub const RPC_ACCOUNTS_BYTES_MAX: usize = 4 << 20;
/// Accounts of one question; nodes refuse more.
pub const ACCOUNTS_A_QUESTION_MAX: usize = 100;
/// Of those who ask for accounts of Solana so many are asked about at once; one is forgotten every 25 ms, so that whoever asks one after the other
/// is no crowd.
pub const CROWD_FREE: u32 = 8;
/// See [`CROWD_FREE`].
pub const CROWD_FORGETS: Duration = Duration::from_millis(25);
/// Each more makes the next question wait so much longer for others.
pub const CROWD_WAIT_STEP: Duration = Duration::from_millis(5);
/// So many are counted: the wait is half a second at most, and over three seconds after the crowd.
pub const CROWD_MAX: u32 = CROWD_FREE + 100;
/// Bytes of such an account that are read: a token's account has 165 and what extensions add, metadata 679, of an asset of Metaplex Core two
/// texts and 75 bytes matter. A hundred of them as text fit into one answer, whatever an account has.
pub const ACCOUNT_BYTES_READ: usize = 4096;
const _: () = assert!(ACCOUNT_BYTES_READ > 2 * CORE_TEXT_BYTES_MAX + 128);
const _: () = assert!(ACCOUNTS_A_QUESTION_MAX * (ACCOUNT_BYTES_READ * 4 / 3 + 512) < RPC_ACCOUNTS_BYTES_MAX);
/// Tokens of a wallet whose metadata are looked at for a collection of Metaplex, five questions. Whoever has more is not let in by it.
pub const NFTS_A_WALLET_MAX: usize = 500;
/// Bytes of the name of an asset of Metaplex Core, and of its address.
pub const CORE_TEXT_BYTES_MAX: usize = 1024;
/// Accounts that tokens of one cluster rest on and that are looked at in a round, a hundred questions; of more, in turns.
pub const ACCOUNTS_A_ROUND_MAX: usize = 10_000;
/// Such questions at once.
pub const ACCOUNT_QUESTIONS_AT_ONCE: usize = 8;
/// Bytes of a text that a wallet signs; ours have about 400.
pub const SIGN_IN_TEXT_BYTES_MAX: usize = 4096;
/// Lines of resources in it.
pub const SIGN_IN_RESOURCES_MAX: usize = 16;
/// What asking a contract wallet may burn: twice 3 million for its opinion and 5 for its making, as `judge.sol` has them, and what is around.
pub const JUDGE_GAS: u64 = 16_000_000;
/// Contract wallets that are asked at once; each is a question to a chain of up to two seconds.
pub const JUDGES_MAX: usize = 32;
/// Bytes of a signature: of a contract wallet it may carry the signatures of all its owners, and how it would be deployed.
pub const SIGNATURE_BYTES_MAX: usize = 16 << 10;
/// How long a challenge can be answered: time to find the phone.
pub const CHALLENGE_MS: i64 = 5 * 60 * 1000;
/// How far a client's clock may be from ours.
pub const CLOCK_SKEW_MS: i64 = 60 * 1000;
/// Bytes of an access token; ours have about 300.
pub const ACCESS_TOKEN_BYTES_MAX: usize = 2048;
/// Longest life of an access token: so long its key is kept.
pub const ACCESS_MS_MAX: i64 = 3600 * 1000;
/// How long a key signs access tokens.
pub const SESSION_KEY_MS: i64 = 30 * 24 * 3600 * 1000;
/// How long before it signs a key is published; who reads the set keeps it for a few minutes.
pub const SESSION_KEY_AHEAD_MS: i64 = 15 * 60 * 1000;
/// Seconds that the published set may be kept.
pub const JWKS_MAX_AGE_S: u32 = 300;
/// Characters of what a client says it is that are kept with its session.
pub const AGENT_CHARS_MAX: usize = 200;
/// How long a session that ended, with its tokens, can be told from one that never was.
pub const SESSIONS_KEPT_MS: i64 = 30 * 24 * 3600 * 1000;

/// Conditions of a rule; each may be a question to a chain for every wallet of a viewer.
pub const RULE_LEAVES_MAX: usize = 32;
/// How deep a rule is nested.
pub const RULE_DEPTH_MAX: usize = 8;
/// Wallets of a list.
pub const RULE_LIST_MAX: usize = 1_000;
/// Token ids of one condition, each a question to the chain.
pub const RULE_TOKEN_IDS_MAX: usize = 32;
/// Bytes of a name or link that whoever is refused is shown.
pub const RULE_WORDS_BYTES_MAX: usize = 200;
/// A token that a rule gives lives this long at least: a player renews it in the middle.
pub const RULE_TOKEN_SECONDS_MIN: u64 = 300;
/// See [`RULE_TOKEN_SECONDS_MIN`]. What was given away is seen no later than this.
pub const RULE_TOKEN_SECONDS_MAX: u64 = 1800;
/// How long before a chain fell silent somebody may have been let in, to be let in again.
pub const RULE_GRACE_SECONDS_MAX: u64 = 3600;
/// A new key of playback tokens signs so long after the start: edges ask for the keys twice a second.
pub const TOKEN_KEY_AHEAD_MS: i64 = 5_000;
/// How long what a contract said at a block is kept. It is kept by the block's hash, and so is of no use after the next block.
pub const READS_KEPT: Duration = Duration::from_secs(15);
/// What lets nobody in is asked again after this: an endpoint may have said it that had not all of a new block yet.
pub const DENIALS_KEPT_MS: i64 = 5_000;
const _: () = assert!(DENIALS_KEPT_MS as u128 <= READS_KEPT.as_millis());
/// How long it is remembered where a wallet of Solana had what a rule asked for: it is looked for there first.
pub const PLACES_KEPT: Duration = Duration::from_secs(3600);
/// Answers of contracts that are kept, about 300 bytes each.
pub const READS_KEPT_MAX: u64 = 100_000;
/// Wallets that one wallet may act for where a contract is concerned; each is asked about.
pub const VAULTS_MAX: usize = 64;
/// Bytes of a password.
pub const PASSWORD_BYTES_MIN: usize = 8;
/// See [`PASSWORD_BYTES_MIN`].
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Passwords and links of a rule; a secret that is shown is tried with each.
pub const PASSWORDS_A_RULE_MAX: usize = 4;
/// What one look at a password takes (Argon2id, one lane): OWASP's first choice, 19 MiB and two passes, about 20 ms.
pub const PASSWORD_MEMORY_KIB: u32 = 19 * 1024;
/// See [`PASSWORD_MEMORY_KIB`].
pub const PASSWORD_PASSES: u32 = 2;
/// Passwords that are looked at at once: 38 MiB and two processors at most; others wait.
pub const GUESSES_AT_ONCE: usize = 2;
/// Tries at an asset's passwords from one address: so many at once (a class behind one address), and then one in ten seconds, which is
/// 8,640 a day.
pub const GUESSES_BURST: u64 = 30;
/// See [`GUESSES_BURST`].
pub const GUESS_EVERY_US: u64 = 10_000_000;
/// Wallets that a rule is tried for at once, as many as an account has.
pub const VERIFY_WALLETS_MAX: usize = 16;
/// Decisions that are remembered for the grace of their rule, about 200 bytes each.
pub const LETS_KEPT_MAX: u64 = 100_000;

/// How often a chain is looked at while somebody has a token by what it says: what is given away is seen so much later at most, and what
/// the questions take.
pub const CHAIN_LOOK: Duration = Duration::from_millis(500);
/// What a WebSocket of a chain may take to be opened, and to take a question.
pub const WS_CONNECT: Duration = Duration::from_secs(5);
/// How long one may be silent before it is asked whether it lives, and again before it is given up.
pub const WS_QUIET: Duration = Duration::from_secs(15);
/// How soon it is tried again, at first and at most.
pub const WS_AGAIN_MIN: Duration = Duration::from_millis(500);
/// See [`WS_AGAIN_MIN`].
pub const WS_AGAIN_MAX: Duration = Duration::from_secs(30);
/// Bytes of one message: a block's head has 2 KiB.
pub const WS_MESSAGE_BYTES_MAX: usize = 64 << 10;
/// A chain is looked at no more often, however many blocks are told.
pub const WS_RING_EVERY: Duration = Duration::from_millis(50);
/// Blocks whose logs are read each time, the last ones: a reorganisation is seen when it is not deeper.
pub const LOGS_BLOCKS: u64 = 64;
/// Contracts of one question for logs; endpoints refuse long lists.
pub const LOGS_CONTRACTS_MAX: usize = 100;
/// Logs of one answer. With more everyone who watches by these contracts is looked at.
pub const LOGS_MAX: usize = 10_000;
/// Bytes of an answer that is a list of logs, of which each has about 600.
pub const RPC_LOGS_BYTES_MAX: usize = 8 << 20;
/// How often tokens that may be void by the clock, or by another rule, are looked for.
pub const GRANTS_LOOK: Duration = Duration::from_millis(250);
/// Tokens that one round looks at.
pub const GRANTS_A_ROUND: u32 = 500;
/// Tokens that are decided about at once; each may be questions to chains.
pub const GRANTS_AT_ONCE: usize = 16;
/// A token that was just given is decided about once more after this: a transfer in between was in nobody's way.
pub const GRANT_LOOK_FIRST_MS: i64 = 2_000;
/// A token whose chain could not be read, or is not settled, is decided about after this.
pub const GRANT_LOOK_SOON_MS: i64 = 5_000;
/// Every token is decided about after this: keys of locks run out, and balances change, without a log.
pub const GRANT_LOOK_AGAIN_MS: i64 = 300_000;
/// Tokens of an asset that are listed.
pub const GRANTS_LISTED_MAX: u32 = 1_000;

/// Parts of an upload that goes to an S3 by signed addresses; an S3 takes no more.
pub const PRESIGNED_PARTS_MAX: usize = 10_000;

/// How often a watch of the health looks.
pub const HEALTH_LOOK: Duration = Duration::from_secs(5);

/// Largest value that the cache keeps, and its key: larger ones are cheaper to make again than to move.
pub const CACHE_VALUE_BYTES_MAX: usize = 1 << 20;
/// How long the manifest of an asset that does not change is kept, in case another version of this program writes another one.
pub const MANIFEST_KEPT: Duration = Duration::from_secs(300);
/// See [`CACHE_VALUE_BYTES_MAX`].
pub const CACHE_KEY_BYTES_MAX: usize = 512;
/// Tags of one entry; each costs a look a read of its generation.
pub const CACHE_TAGS_AN_ENTRY_MAX: usize = 8;
/// Tags whose generation this process knows, about 100 bytes each. One more, and it begins anew with an empty cache.
pub const CACHE_TAGS_MAX: usize = 100_000;
/// Longest life of an entry.
pub const CACHE_TTL_MAX: Duration = Duration::from_secs(24 * 3600);
/// What Redis may take to answer, and to be connected to: whoever asks waits no longer, and goes on without.
pub const REDIS_WITHIN: Duration = Duration::from_millis(100);
/// See [`REDIS_WITHIN`].
pub const REDIS_CONNECT_WITHIN: Duration = Duration::from_millis(250);
/// For how long an answer of Redis's says that it answers: a request that has just asked it need not ask once more.
pub const REDIS_ANSWER_HOLDS_US: u64 = 100_000;
/// Failures in a row after which Redis is left alone, and for how long, at first and at most.
pub const REDIS_FAILURES: u32 = 3;
/// See [`REDIS_FAILURES`].
pub const REDIS_REST_US: u64 = 250_000;
/// See [`REDIS_FAILURES`].
pub const REDIS_REST_US_MAX: u64 = 5_000_000;
/// How long the role of a session is believed that was read before. One that is ended is cleared at once; this is how long it can last at
/// another gateway whose Redis did not hear of it.
pub const SESSION_KEPT: Duration = Duration::from_secs(5);

/// How soon NATS is tried again, and what it may take to answer.
pub const BUS_AGAIN: Duration = Duration::from_millis(500);
/// See [`BUS_AGAIN`].
pub const BUS_WITHIN: Duration = Duration::from_secs(5);
/// How often is looked for events that NATS was not told of.
pub const BUS_LOOK: Duration = Duration::from_millis(50);
/// Events that the stream in NATS keeps, about 200 bytes each: as many as the catalogue does.
pub const BUS_STREAM_EVENTS: i64 = 100_000;
/// Rings that wait to be carried; more, and some are left out, since one wakes as well as ten.
pub const RINGS_KEPT: usize = 64;

/// How often instances of other roles are looked after, and names resolved.
pub const ROLES_LOOK: Duration = Duration::from_secs(1);
/// What an instance may take to be connected to; then the next one is asked.
pub const ROLE_CONNECT_WITHIN: Duration = Duration::from_millis(500);
/// What an instance may take to begin to answer what has no body.
pub const ROLE_ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Lines of the log that are kept in memory for the API, and what of a long one is: 4 MiB at most.
pub const LOG_LINES_KEPT: usize = 2000;
/// See [`LOG_LINES_KEPT`].
pub const LOG_LINE_BYTES_MAX: usize = 2 << 10;
/// Members of `X-Forwarded-For` that are looked at: more proxies in a row than this are a loop, or someone's invention.
pub const FORWARDED_MAX: usize = 32;

/// Streams of an HTTP/2 connection at once; more wait at the client.
pub const H2_STREAMS_MAX: u32 = 100;
/// Bytes of a head over HTTP/2, decompressed.
pub const H2_HEAD_BYTES_MAX: u32 = 16 << 10;
/// Streams that a client may take back before they were looked at; more, and the connection ends (CVE-2023-44487).
pub const H2_RESETS_MAX: usize = 32;
/// Bytes that a stream may send before they were taken, and all streams of a connection together.
pub const H2_STREAM_WINDOW: u32 = 256 << 10;
/// See [`H2_STREAM_WINDOW`].
pub const H2_WINDOW: u32 = 1 << 20;
/// How often a quiet HTTP/2 connection is asked whether it lives, and how long it may take to say so.
pub const H2_PING: Duration = Duration::from_secs(30);
/// See [`H2_PING`].
pub const H2_PONG: Duration = Duration::from_secs(15);
/// How long is waited for the rest of a preface that came in crumbs.
pub const PREFACE_LOOK: Duration = Duration::from_millis(5);

/// A stream that is not asked for has its place for so long: two segments of 4 s. Edges forget it after as long.
pub const STREAM_LEASE_MS: i64 = 8_000;
/// Streams of one report; an edge that has more sends several.
pub const STREAMS_A_REPORT_MAX: usize = 256;
/// Bytes of a subject, a class or a stream's name: a token's claims have no more.
pub const STREAM_WORD_BYTES_MAX: usize = 256;
/// Bytes of all hosts of pages that one rule names: with every other condition at its most, its tokens still fit.
pub const REFERRERS_BYTES_MAX: usize = 384;

/// Bytes of what a purge names: longer than any path that a player asks for, and a page of events is not full of it.
pub const PURGE_NAME_BYTES_MAX: usize = 2048;
