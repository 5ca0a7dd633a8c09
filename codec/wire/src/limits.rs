//! Every limit of this crate, with its why.

/// Bytes of one media segment: `sidx` counts them in 31 bits (ISO/IEC 14496-12 section 8.16.3).
pub const SEGMENT_BYTES_MAX: u64 = 0x7fff_ffff;

/// Bytes of an asset's id or a track's name: it stands in every URL, key and tag.
pub const NAME_BYTES_MAX: usize = 64;

/// Bytes of a playback token before base64url: what a CAT with a path, an issuer and a subject needs is under 300.
pub const TOKEN_BYTES_MAX: usize = 2048;

/// Letters of a playback token: [`TOKEN_BYTES_MAX`] in base64url without padding.
pub const TOKEN_CHARS_MAX: usize = (TOKEN_BYTES_MAX * 4).div_ceil(3);

/// Bytes of a URL's path: the longest token and a path below it.
pub const PATH_BYTES_MAX: usize = TOKEN_CHARS_MAX + 1024;

/// Bytes of a text claim or a token id, so that a token cannot carry somebody's file.
pub const CLAIM_BYTES_MAX: usize = 256;

/// Networks of one token: an operator's own few, not a table of routes.
pub const NETWORKS_MAX: usize = 16;

/// Countries of one token: all there are, with room.
pub const COUNTRIES_MAX: usize = 256;

/// Hosts of pages that one token may be used from.
pub const REFERRERS_MAX: usize = 16;

/// Bytes of the name that streams are counted under: an asset's id has 64.
pub const STREAM_CLASS_BYTES_MAX: usize = 64;

/// Bytes of a stream's own name.
pub const STREAM_ID_BYTES_MAX: usize = 16;

/// Streams of one subject at once. More is no limit.
pub const STREAMS_MAX: u32 = 1000;

/// Bytes of a key id.
pub const KID_BYTES_MAX: usize = 64;

/// Keys in one key set: the current one and those being rotated out, a few issuers.
pub const KEYS_MAX: usize = 64;
