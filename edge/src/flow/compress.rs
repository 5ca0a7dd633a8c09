//! Playlists, compressed once and kept beside the plain ones: a player that accepts gzip (RFC 9110 section 8.4.1.3) has a tenth of the bytes
//! to wait for. What selects is `Vary: Accept-Encoding`, as if the origin had compressed it; what the origin has compressed itself is left
//! as it is, and so is what it forbids to change (`no-transform`, RFC 9111 section 5.2.2.6).

use std::borrow::Cow;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::http::fields::{fields, has_member};
use crate::http::response::{Framing, Response};
use crate::http::vary;
use crate::limits::{GZIP_BYTES_MAX, GZIP_BYTES_MIN};
use crate::media;
use crate::shard::Shard;
use crate::shard::mail::Ask;
use crate::stored::Stored;
use crate::upstream::{self, Exchanged};

/// The answer to `ask` as it is to be kept: compressed when it is a playlist and who asks accepts that. One that comes in chunks is
/// compressed chunk by chunk, as a live one may be held open.
pub(crate) async fn compressed(shard: &Shard, ask: &Ask, mut exchanged: Exchanged) -> Exchanged {
    let length = match exchanged.response.framing {
        Framing::Length(length @ GZIP_BYTES_MIN..=GZIP_BYTES_MAX) => length,
        Framing::Chunked => return packed_as_it_comes(shard, ask, exchanged),
        _ => return exchanged,
    };
    if exchanged.response.status != 200 || !is_compressible(shard, &exchanged.response) {
        return exchanged;
    }
    exchanged.response = varying(shard, exchanged.response);
    let wait_ms = shard.config().limits.coalesce.as_millis() as u64;
    if !accepts_gzip(&ask.head) || !upstream::gather(&mut exchanged.origin, length as usize, wait_ms).await {
        return exchanged;
    }
    let (body, _) = exchanged.origin.buffer.split_at(length as usize);
    let packed = gzip(body);
    if packed.len() >= body.len() {
        return exchanged;
    }
    let etag = exchanged.response.first("etag").map(weak);
    let length_line = packed.len().to_string();
    let mut lines = vec![("Content-Encoding", &b"gzip"[..]), ("Content-Length", length_line.as_bytes())];
    lines.extend(etag.as_deref().map(|etag| ("ETag", etag)));
    if let Some(response) = exchanged.response.rewritten(&["content-length", "etag", "accept-ranges"], &lines) {
        exchanged.response = response;
        exchanged.origin.buffer.splice(..length as usize, packed);
        shard.counters.compressed.add(1);
    }
    exchanged
}

fn packed_as_it_comes(shard: &Shard, ask: &Ask, mut exchanged: Exchanged) -> Exchanged {
    if exchanged.response.status != 200 || !is_compressible(shard, &exchanged.response) {
        return exchanged;
    }
    exchanged.response = varying(shard, exchanged.response);
    exchanged.response.framing = Framing::Chunked;
    if !accepts_gzip(&ask.head) {
        return exchanged;
    }
    let etag = exchanged.response.first("etag").map(weak);
    let mut lines = vec![("Content-Encoding", &b"gzip"[..])];
    lines.extend(etag.as_deref().map(|etag| ("ETag", etag)));
    if let Some(response) = exchanged.response.rewritten(&["etag", "accept-ranges"], &lines) {
        exchanged.response = response;
        exchanged.response.framing = Framing::Chunked;
        exchanged.packs = true;
        shard.counters.compressed.add(1);
    }
    exchanged
}

/// A body that is compressed as it comes: whatever has come can be unpacked at once.
pub(crate) struct Packer(GzEncoder<Vec<u8>>);

impl Packer {
    pub(crate) fn new() -> Packer {
        Packer(GzEncoder::new(Vec::new(), Compression::default()))
    }

    /// What `clear` becomes, behind what came before it.
    pub(crate) fn pack(&mut self, clear: &[u8]) -> std::io::Result<Vec<u8>> {
        self.0.write_all(clear)?;
        self.0.flush()?;
        Ok(std::mem::take(self.0.get_mut()))
    }

    /// The end.
    pub(crate) fn finish(self) -> std::io::Result<Vec<u8>> {
        self.0.finish()
    }
}

/// A playlist's head, saying that there is another form of it.
pub(crate) fn varying(shard: &Shard, response: Response) -> Response {
    let is_said = || response.all("vary").any(|names| has_member(names, b"accept-encoding") || has_member(names, b"*"));
    if !is_compressible(shard, &response) || is_said() {
        return response;
    }
    response.rewritten(&[], &[("Vary", b"Accept-Encoding")]).unwrap_or(response)
}

/// A stored body in the clear, for who reads a playlist. `None`: it is coded in a way that is not read here.
pub(crate) fn plain<'a>(stored: &Stored, body: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let coding = fields(&stored.head).find(|(name, _)| name.eq_ignore_ascii_case(b"content-encoding"));
    match coding {
        None => Some(Cow::Borrowed(body)),
        Some((_, coding)) if coding.eq_ignore_ascii_case(b"gzip") => {
            let mut clear = Vec::new();
            // What unpacks to more than this is no playlist.
            GzDecoder::new(body).take(GZIP_BYTES_MAX).read_to_end(&mut clear).ok()?;
            Some(Cow::Owned(clear))
        }
        Some(_) => None,
    }
}

fn is_compressible(shard: &Shard, response: &Response) -> bool {
    let is_playlist = || response.first("content-type").is_some_and(media::is_playlist);
    shard.config().gzip
        && is_playlist()
        && response.first("content-encoding").is_none()
        && response.first("content-range").is_none()
        && !response.all("cache-control").any(|directives| has_member(directives, b"no-transform"))
}

fn accepts_gzip(head: &[u8]) -> bool {
    let lines = fields(head).filter(|(name, _)| name.eq_ignore_ascii_case(b"accept-encoding")).map(|(_, value)| value);
    has_member(vary::codings(lines), b"gzip")
}

/// The same representation in other bytes (RFC 9110 section 8.8.1).
fn weak(etag: &[u8]) -> Vec<u8> {
    if etag.starts_with(b"W/") { etag.to_vec() } else { [b"W/", etag].concat() }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::default());
    // A vector takes everything.
    let _ = packed.write_all(body);
    packed.finish().unwrap_or_else(|_| body.to_vec())
}
