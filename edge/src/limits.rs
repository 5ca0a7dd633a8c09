//! Every limit of the edge, with its why. Those an operator may want to change are in [`Limits`]; the rest are constants.

use std::time::Duration;

/// Largest request head. nginx allows 8 KiB lines; players with long tokens and cookies stay below 8 KiB in all.
pub(crate) const REQUEST_HEAD_BYTES_MAX: usize = 16 * 1024;
/// Largest PROXY header of version 2: addresses, and TLVs such as the name in a client's certificate. Its field allows 64 KiB.
pub(crate) const PROXY_HEADER_BYTES_MAX: usize = 4 * 1024;
/// Addresses whose connections and requests are counted: rows and places in a row. 16 bytes each, 1 MiB in all. More addresses than
/// that cannot be connected to one machine's shards for long without being an attack by many, which counting each does not stop.
pub(crate) const ADDRESS_ROWS: usize = 8192;
pub(crate) const ADDRESS_ROW: usize = 8;
/// Longest target: a token of 2 KiB, a path and a query, with room.
pub(crate) const TARGET_BYTES_MAX: usize = 8 * 1024;
/// Most header lines, of a request as of an answer.
pub(crate) const HEADERS_MAX: usize = 64;
/// Largest head of an origin's answer.
pub(crate) const RESPONSE_HEAD_BYTES_MAX: usize = 32 * 1024;
/// First capacity of a connection's receive buffer: most requests of players fit.
pub(crate) const RECV_BYTES: usize = 2 * 1024;
/// Answers to pipelined requests are gathered up to this before they are sent.
pub(crate) const OUT_BYTES: usize = 64 * 1024;
/// Playlists of such a length are compressed: below, it saves no packet; above, it would hold the shard up for more than 10 ms, and is no
/// playlist.
pub(crate) const GZIP_BYTES_MIN: u64 = 256;
pub(crate) const GZIP_BYTES_MAX: u64 = 512 * 1024;
/// Bodies up to this are copied behind their head into one contiguous send; above it the send gathers from cache memory.
pub(crate) const COPY_BODY_BYTES_MAX: usize = 16 * 1024;
/// The same of bytes of a body that is still on its way in, which others wait for as well: a copy for each of a thousand clients would be
/// written to memory, not to a core's cache.
pub(crate) const COPY_WAITED_BYTES_MAX: usize = 2 * 1024;
/// Chunk of a body that is not kept, and of one whose length is not known: a part of the window.
pub(crate) const CHUNK_BYTES: u32 = 256 * 1024;
/// Chunk of a body that is kept: a slot of the arena, sent by one `sendfile(2)`.
pub(crate) const CHUNK_KEPT_BYTES: u32 = cache::arena::SLOT_BYTES;
/// First chunk of a body whose length is not known: most such bodies are playlists and API answers.
pub(crate) const CHUNK_UNKNOWN_BYTES: u32 = 16 * 1024;
/// From here on bodies on the heap leave without a copy (`send_zc`). The kernel's documentation (`networking/msg_zerocopy.rst`) has it pay from
/// about 10 KB on; this way costs two calls more than a copy, so three times that.
pub(crate) const ZERO_COPY_BYTES_MIN: usize = 32 * 1024;
/// Sends that the kernel may not be done with, a shard: the completions that its ring has room for.
pub(crate) const ZERO_COPY_SENDS_MAX: u32 = 2048;
/// Of a shard's memory, what the kernel may still read: 1/n. It cannot make room meanwhile, even when nobody wants it any more.
pub(crate) const ZERO_COPY_PART: u64 = 16;
/// Notifications in a row that say "copied" after which a connection's bodies are copied at once.
pub(crate) const ZERO_COPY_COPIED_MAX: u32 = 4;
/// A pause after the kernel had no room (RLIMIT_MEMLOCK): clients acknowledge meanwhile.
pub(crate) const ZERO_COPY_REST_MS: u64 = 100;
/// Most body bytes of one gathered send.
pub(crate) const SEND_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a body that is not kept which may wait for its reader.
pub(crate) const WINDOW_BYTES: u64 = 1024 * 1024;
/// Messages that may wait for a shard.
pub(crate) const MAILBOX_MESSAGES: usize = 4096;
/// Requests of one key that may wait for its fetch.
pub(crate) const JOINERS_MAX: usize = 65_536;
/// Keys a shard remembers as not cacheable, so that their requests do not queue behind each other.
pub(crate) const PASS_KEYS_MAX: usize = 16_384;
/// How long a key counts as not cacheable after an answer that said so.
pub(crate) const PASS_MS: u64 = 5_000;
/// Objects of other shards a shard holds leases on.
pub(crate) const LEASES_MAX: usize = 1024;
/// Of a shard's memory, leases of all other shards hold 1/n at most: what is held cannot make room for what comes.
pub(crate) const LEASED_PART: u64 = 2;
/// How often deadlines, leases and the limbo are looked at.
pub(crate) const SWEEP: Duration = Duration::from_millis(100);
/// How often full slots of memory are gathered into large pages.
pub(crate) const GATHER: Duration = Duration::from_millis(50);
/// A shard that wanted its core for this part of the last second (of a thousand) gives connections to one that wanted its own for so much
/// less: below, an answer seldom waits for another's; a smaller difference may be one second's.
pub(crate) const BALANCE_FROM: u64 = 850;
pub(crate) const BALANCE_GAP: u64 = 200;
/// Sweeps over which that is measured, and after which it is looked at again once something was given or taken: what came of it must show.
pub(crate) const BALANCE_SWEEPS: usize = 10;
/// Connections given at a time: a tenth of a millisecond of both shards' time.
pub(crate) const BALANCE_CONNECTIONS_MAX: u64 = 64;
/// A connection stays this long before it is given again.
pub(crate) const BALANCE_STAY_MS: u64 = 10_000;
/// A lease not used for this many sweeps is given back.
pub(crate) const LEASE_SWEEPS: u32 = 20;
/// Targets, tags and groups that were purged and are remembered; beyond it everything counts as purged. 24 bytes each.
pub(crate) const PURGE_MARKS_MAX: usize = 65_536;
/// Purged prefixes that are remembered; each is compared with every object's name once. Beyond it everything counts as purged.
pub(crate) const PURGE_PREFIXES_MAX: usize = 256;
/// Lines of the purge journal; beyond it everything counts as purged. Read at every start.
pub(crate) const PURGE_JOURNAL_LINES_MAX: usize = 100_000;
/// Tags and groups of one object that are kept; one with more is ended by every purge of a tag or group.
pub(crate) const MARKS_MAX: usize = 128;
/// Interim answers of one exchange that may wait for the client; more are dropped. Origins send one, early hints.
pub(crate) const INTERIM_MAX: usize = 8;
/// Ranges of one request that are served; one that asks for more is given the whole. Players ask for one, readers of documents for few.
pub(crate) const RANGES_MAX: usize = 8;
/// Large bodies are fetched and kept by slices of this size, so that a range costs what it touches.
pub(crate) const SLICE_BYTES: u64 = 1024 * 1024;
/// Larger than this a body is kept by slice even where the whole would fit.
pub(crate) const WHOLE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Slices asked for ahead of a reader that goes through a body.
pub(crate) const SLICES_AHEAD: u64 = 2;
/// What a player says of itself (CMCD), all fields together; its texts (a session's id: CTA-5004 allows 64), and the requests that it
/// announces of which are looked at.
pub(crate) const CMCD_BYTES_MAX: usize = 4 * 1024;
pub(crate) const CMCD_TEXT_BYTES_MAX: usize = 64;
pub(crate) const CMCD_NEXT_MAX: usize = 2;
/// How long a playlist that is waited for may be held whose target duration is not known (three of 6 s), and at most.
pub(crate) const PLAYLIST_HOLD: Duration = Duration::from_secs(18);
pub(crate) const PLAYLIST_HOLD_MAX: Duration = Duration::from_secs(60);
/// Playlists whose target duration a shard remembers.
pub(crate) const PLAYLISTS_MAX: usize = 1024;
/// How often a body that breaks off is gone on with.
pub(crate) const RESUMES_MAX: u8 = 2;
/// Sequences of targets a shard follows, some 350 bytes each; with more it learns anew.
pub(crate) const SEQUENCES_MAX: usize = 2048;
/// A sequence that ended, or whose next could not be kept, is left alone for this long.
pub(crate) const SEQUENCE_REST_MS: u64 = 5_000;
/// Memory that had no room for something counts as short for this long.
pub(crate) const PRESSED_MS: u64 = 1_000;
/// Fields an answer may vary by; one that names more is not kept. Real ones name one to three.
pub(crate) const VARY_FIELDS_MAX: usize = 16;
/// Tokens, subjects and assets that were taken back and are remembered until their tokens have expired; some 100 bytes each.
pub(crate) const REVOKED_MAX: usize = 65_536;
/// Streams that play at an edge by tokens that bound how many may; some 300 bytes each. Full: one more is refused.
pub(crate) const PLAYING_MAX: usize = 65_536;
/// A stream that is not asked for has its place for so long: two segments of 4 s. The origin's leases are as long.
pub const STREAM_LEASE_MS: u64 = 8_000;
/// Bytes of a file of countries, which is kept in memory: the largest free ones have 120 MiB.
pub const COUNTRIES_FILE_BYTES_MAX: u64 = 512 << 20;
/// Verified tokens a shard remembers.
pub(crate) const TOKENS_MAX: usize = 16_384;
/// Access records a shard gathers before it hands them over.
pub(crate) const LOG_BATCH_BYTES: usize = 64 * 1024;
/// Batches of access records that may wait for the control thread; more are counted as lost.
pub(crate) const LOG_BATCHES_MAX: usize = 64;
/// A trace longer than this is cut in the access log; version 0 has 55 bytes.
pub(crate) const LOG_TRACE_BYTES_MAX: usize = 64;
/// A path longer than this is cut in the access log.
pub(crate) const LOG_TARGET_BYTES_MAX: usize = 1024;
/// A stale answer is never used longer than this past its freshness, whatever the origin grants: one day.
pub(crate) const STALE_SECONDS_MAX: u64 = 86_400;
/// A freshness lifetime is capped at this, so that sums of seconds cannot overflow (RFC 9111 section 1.2.2).
pub(crate) const LIFETIME_SECONDS_MAX: u64 = 1 << 31;
/// Places one request may be asked of: two edges of the tier, the shield and two origins.
pub(crate) const TRIES_MAX: usize = 5;
/// Edges of the tier that are asked before the shield or the origin is: the owner of a target, and whoever stands in for it.
pub(crate) const TIER_EDGES_ASKED_MAX: usize = 2;
/// An edge that asks is told after this that its request is being worked on; well below `try_timeout`, which it waits.
pub(crate) const SIGN_OF_LIFE_AFTER: Duration = Duration::from_millis(100);
/// Addresses of one name that a connection tries in turn.
pub(crate) const ADDRESSES_TRIED_MAX: usize = 3;
/// Origins, shields and peers that may come and go by reloads until a restart: each keeps its number. About 500 bytes each and shard.
pub(crate) const PLACES_EVER_MAX: usize = 4096;
/// Longest wait of a reload for a shard to take what is new.
pub(crate) const RELOAD_CONFIRM: Duration = Duration::from_secs(5);
/// A turn of a shard's loop that takes longer is said in the log: a player would notice a few of them.
pub(crate) const LOOP_STALL: Duration = Duration::from_millis(50);
/// How often that is said by one shard.
pub(crate) const LOOP_STALL_SAID_EVERY: Duration = Duration::from_secs(10);
/// The longest turn that is shown is that of the last one to two of these: two scrapes at least see it.
pub(crate) const LOOP_LONGEST_OF: Duration = Duration::from_secs(60);
/// One step between two processes of which one takes over from the other.
pub(crate) const HANDOVER_STEP: Duration = Duration::from_secs(5);
/// How long a process may take from the listeners to serving: it reads its configuration, names and disks meanwhile.
pub(crate) const HANDOVER_START: Duration = Duration::from_secs(60);
/// How often a process looks whether another wants to take over.
pub(crate) const HANDOVER_LOOK: Duration = Duration::from_millis(20);
/// Descriptors of one message; Linux carries 253. Two listeners a shard and the admin API's are 129.
pub(crate) const HANDOVER_DESCRIPTORS_MAX: usize = 253;
/// A purge as a line of JSON; its target has 8 KiB at most, and each byte of it may take six.
pub(crate) const HANDOVER_LINE_BYTES_MAX: u64 = 64 * 1024;
/// Slots of memory that a sweep looks at for what is held: some ten microseconds. A million objects have been looked at after half a minute.
pub(crate) const HELD_LOOKED_AT: usize = 4096;
/// One request in so many is looked at for `/top`, on average: what it costs, well below a microsecond, is then nothing a request.
pub(crate) const TOP_ONE_IN: u32 = 64;
/// Names of one sketch, and how long one is filled: what a 128th of the requests go to is in it for certain.
pub(crate) const TOP_NAMES: usize = 128;
pub(crate) const TOP_WINDOW_MS: u64 = 60_000;
/// Names that are shown.
pub(crate) const TOP_SHOWN: usize = 50;
/// How long the control thread waits for a shard's answer.
pub(crate) const TOP_WAIT: Duration = Duration::from_secs(2);
/// Most shards: the width of a bell.
pub(crate) const SHARDS_MAX: usize = cache::Bell::SHARDS_MAX;
/// What the allocator keeps beside what is held, of a shard's memory: 1/n is left to it. Measured by `examples/churn.rs`: bodies below
/// 512 KiB that come and go leave gaps.
pub(crate) const ALLOCATOR_PART: u64 = 16;
/// Least memory of a shard: below this not even a playlist and a segment fit.
pub(crate) const SHARD_RAM_BYTES_MIN: u64 = 1024 * 1024;

/// What one write to a disk carries at most, and one read of a body: a few milliseconds of a slow disk.
pub(crate) const DISK_BUFFER_BYTES: usize = 1024 * 1024;
/// First read of a record: its front (at most 66 KiB of text and sums) and the first pieces of its body.
pub(crate) const DISK_FIRST_READ_BYTES: u64 = 512 * 1024;
/// How long what is to be written waits for company: a write takes whole blocks of 4 KiB.
pub(crate) const DISK_WAIT: Duration = Duration::from_millis(100);
/// How often a disk is made to keep what was written (fdatasync), and its file looked for.
pub(crate) const DISK_CHECK_MS: u64 = 5_000;
/// Objects that may wait to be written, their bytes, and which part of a shard's memory those may be: 1/n. They are held in memory
/// meanwhile, and what is held cannot make room.
pub(crate) const DISK_QUEUE_OBJECTS_MAX: usize = 1024;
pub(crate) const DISK_QUEUE_BYTES_MAX: u64 = 64 * 1024 * 1024;
pub(crate) const DISK_QUEUE_PART: u64 = 8;
/// Objects read from one disk at a time by one shard; more wait their turn. Each takes up to 1 MiB of memory that is not the cache's.
pub(crate) const DISK_READS_MAX: usize = 16;
/// Keys learnt to be out of date while a log is not open yet; with more the disk is not used. About 40 bytes each.
pub(crate) const DISK_TOUCHED_MAX: usize = 1 << 20;
/// Reads under way while a log is opened.
pub(crate) const DISK_OPEN_READS: usize = 16;
/// How long a start waits for the disks before it serves without them.
pub(crate) const DISK_OPEN_WAIT: Duration = Duration::from_secs(2);
/// Of a region that is about to be overwritten, this part at most is written again because it was used: 1/n.
pub(crate) const DISK_SPARE_PART: u64 = 4;
/// An answer that is fresh for less than this is not worth a write, unless it is large and can be confirmed.
pub(crate) const DISK_LIFETIME_MS_MIN: u64 = 10_000;
/// Large enough to be kept for its body alone, when a validator lets the origin confirm it.
pub(crate) const DISK_VALIDATED_BYTES_MIN: u64 = 64 * 1024;
/// Sweeps that a shard's end waits for its disks.
pub(crate) const DISK_DRAIN_SWEEPS: u32 = 20;

/// Streams of HTTP/2 that may be open on one connection (RFC 9113 section 6.5.2: not below 100). A player has one to six.
pub(crate) const HTTP2_STREAMS_MAX: u32 = 100;
/// A stream's fields, 32 bytes added for each: the limit of a head, so that both versions refuse the same.
pub(crate) const HTTP2_HEADER_LIST_BYTES_MAX: u32 = REQUEST_HEAD_BYTES_MAX as u32;
/// What a client may send before it is taken, on all streams together and on each: what one connection can make us hold. 40 Mbit/s of an
/// upload over 50 ms.
pub(crate) const HTTP2_WINDOW_BYTES: u32 = 256 * 1024;
/// What of an answer may wait for its turn on the connection, a stream; cache memory by reference, not copies.
pub(crate) const HTTP2_SEND_BYTES: usize = 128 * 1024;
/// Streams that a client may make us reset by its errors, in the life of a connection (CVE-2025-8671). Clients make none.
pub(crate) const HTTP2_LOCAL_RESETS_MAX: usize = 100;
/// Streams that a client may take back before we have looked at them (CVE-2023-44487).
pub(crate) const HTTP2_PENDING_RESETS_MAX: usize = 20;
/// Streams that a client may take back a second, and at once after a pause: a player that seeks takes back a handful.
pub(crate) const HTTP2_RESETS_PER_SECOND: u64 = 20;
pub(crate) const HTTP2_RESETS_BURST: u64 = 200;
/// Frames that ask for nothing (SETTINGS, PING, PRIORITY, CONTINUATION, empty DATA, unknown ones) a second, and at once. Browsers send about
/// ten at the start and a PING now and then.
pub(crate) const HTTP2_IDLE_FRAMES_PER_SECOND: u64 = 50;
pub(crate) const HTTP2_IDLE_FRAMES_BURST: u64 = 1_000;
/// How long a connection that was asked to leave, and has no stream, may take for it.
pub(crate) const HTTP2_GOODBYE_MS: u64 = 1_000;

/// Limits an operator may set. All times are bounds on one step, not on a whole request.
#[derive(Clone, PartialEq, Debug)]
pub struct Limits {
    /// Connections of one shard. A connection costs about 4 KiB, over TLS 15.
    pub connections_max: usize,
    /// Connections of one address (IPv6: of one /64) over all shards. 0: no bound. Trusted proxies' own are not counted.
    pub connections_per_address: u32,
    /// Requests of one address a second over all shards. 0: no bound.
    pub requests_per_address_per_second: u32,
    /// Requests of one address at once, after a pause.
    pub requests_per_address_burst: u32,
    /// An idle keep-alive connection is closed after this.
    pub idle: Duration,
    /// A head must arrive within this from its first byte.
    pub header: Duration,
    /// A send must make progress within this.
    pub write: Duration,
    /// A request's body must make progress within this.
    pub body: Duration,
    /// Largest body of a request that is passed through, in bytes.
    pub request_body_bytes_max: u64,
    /// Connecting to the origin.
    pub connect: Duration,
    /// The origin's next bytes, its head included.
    pub origin_read: Duration,
    /// Who waits for another's fetch goes to the origin alone when its head has not come within this; a body that brings nothing for as
    /// long is gone on with from another origin, where there is one.
    pub coalesce: Duration,
    /// Idle connections to one origin kept by one shard.
    pub origin_idle_max: usize,
    /// Connections to one origin a shard may have open at a time.
    pub origin_connections_max: usize,
    /// Largest object that is kept, as a part of the shard's memory: 1/n.
    pub object_share: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 20_000,
            // Below `connections_max`, so that one address cannot fill even one shard; above what a carrier's NAT or another edge of
            // the tier (1024 a shard) rightly has.
            connections_per_address: 16_384,
            requests_per_address_per_second: 0,
            requests_per_address_burst: 200,
            idle: Duration::from_secs(75),
            header: Duration::from_secs(10),
            write: Duration::from_secs(30),
            body: Duration::from_secs(30),
            request_body_bytes_max: 64 * 1024 * 1024 * 1024,
            connect: Duration::from_secs(5),
            origin_read: Duration::from_secs(30),
            coalesce: Duration::from_secs(5),
            origin_idle_max: 64,
            origin_connections_max: 1024,
            object_share: 4,
        }
    }
}
