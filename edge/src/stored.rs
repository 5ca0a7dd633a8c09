//! What the edge keeps beside a body: the head as it will be sent, and what decides its use.

pub(crate) mod purged;
pub(crate) mod saved;

use crate::flow::ahead::Unasked;
use crate::http::conditional::Validators;
use crate::http::fields::{Span, ends_here, fields, is_ours, push_line};
use crate::http::freshness::Freshness;
use crate::http::request::number;
use crate::http::response::{Response, parse};
use crate::http::vary::Names;
use crate::refusal::phrase;
use purged::Purged;

/// An object of the edge: a [`Stored`] head and a body.
pub(crate) type Object = cache::Object<Stored>;
/// Walks an object's body.
pub(crate) type Reader = cache::Reader<Stored>;

/// Head of an answer, ready to be sent but for length, age and cache status.
pub(crate) struct Stored {
    /// Canonical target it was asked for under; compared on every look-up, since a key is only a hash.
    pub(crate) name: Box<[u8]>,
    pub(crate) status: u16,
    /// Status line and end-to-end fields.
    pub(crate) head: Box<[u8]>,
    /// Where the fields begin in `head`.
    pub(crate) fields_at: usize,
    /// The selecting fields of the requests it may be given to, as one run (see [`crate::http::vary`]). Empty: any request.
    pub(crate) selecting: Box<[u8]>,
    /// It is no answer but says which fields the answers under this name vary by.
    pub(crate) varies: Option<Varies>,
    /// Its body is kept by slice.
    pub(crate) sliced: Option<Sliced>,
    etag: Option<Span>,
    last_modified: Option<Span>,
    date: Option<Span>,
    /// Content-Length as the origin told it: of an answer to HEAD it is all that is known.
    pub(crate) told_length: Option<u64>,
    /// `None`: not kept, for the one who asked.
    pub(crate) freshness: Option<Freshness>,
    /// Nobody without a valid token may have it.
    pub(crate) gated: bool,
    /// The origin's cache tags (`Surrogate-Key`).
    pub(crate) tags: Option<Box<[u8]>>,
    /// What it can be purged by: its name, tags and groups.
    pub(crate) purged: purged::Purged,
    /// It was fetched before anyone asked for it.
    pub(crate) unasked: Option<Unasked>,
}

/// What the answers under one name vary by.
pub(crate) struct Varies {
    pub(crate) names: Names,
    /// Part of the keys of the variants: those of an earlier life are out of reach.
    pub(crate) life: u64,
}

/// A body that is kept by slice: this object has none of its own.
#[derive(Clone, Copy)]
pub(crate) struct Sliced {
    /// Length of the whole, bytes.
    pub(crate) total: u64,
    /// Part of the keys of its slices: those of another representation are out of reach.
    pub(crate) life: u64,
}

/// Fields we write ourselves, for every answer anew.
const OURS_TO_WRITE: [&[u8]; 2] = [b"content-length", b"surrogate-key"];
/// Fields of a 304 that do not describe the stored body's metadata (RFC 9111 section 3.2).
const NOT_UPDATED: [&[u8]; 4] = [b"content-length", b"content-encoding", b"content-type", b"content-range"];

const CORS: &[u8] = b"Access-Control-Allow-Origin: *\r\n\
    Access-Control-Expose-Headers: Cache-Status, Age, Content-Length, Content-Range, StreamGate-Refusal\r\n";

impl Stored {
    /// Takes over an origin's head. `date` is used when it has none.
    pub(crate) fn new(
        name: &[u8],
        selecting: &[u8],
        response: &Response,
        freshness: Option<Freshness>,
        date: &[u8],
    ) -> Stored {
        let mut head = Vec::with_capacity(512);
        status_line(&mut head, response.status);
        let fields_at = head.len();
        let mut stored = Stored {
            name: name.into(),
            status: response.status,
            head: Box::default(),
            fields_at,
            selecting: selecting.into(),
            varies: None,
            sliced: None,
            etag: None,
            last_modified: None,
            date: None,
            told_length: response.first("content-length").and_then(number),
            freshness,
            gated: response.first("streamgate-gate").is_some(),
            tags: all_tags(response),
            purged: Purged::default(),
            unasked: None,
        };
        for (name, value) in response.fields() {
            let dropped = ends_here(name)
                || is_ours(name)
                || response.is_listed(name)
                // What is passed on without being stored keeps its age (RFC 9111 section 5.1).
                || (freshness.is_some() && name.eq_ignore_ascii_case(b"age"))
                || OURS_TO_WRITE.iter().any(|ours| name.eq_ignore_ascii_case(ours));
            if dropped {
                continue;
            }
            let span = push_line(&mut head, name, value);
            if name.eq_ignore_ascii_case(b"etag") && stored.etag.is_none() {
                stored.etag = Some(span);
            } else if name.eq_ignore_ascii_case(b"last-modified") && stored.last_modified.is_none() {
                stored.last_modified = Some(span);
            } else if name.eq_ignore_ascii_case(b"date") && stored.date.is_none() {
                stored.date = Some(span);
            }
        }
        if stored.date.is_none() {
            stored.date = Some(push_line(&mut head, b"Date", date));
        }
        if response.first("access-control-allow-origin").is_none() {
            head.extend_from_slice(CORS);
        }
        stored.head = head.into();
        stored.purged = Purged::of(&stored);
        stored
    }

    /// What stands under a name whose answers vary.
    pub(crate) fn marker(name: &[u8], varies: Varies) -> Stored {
        Stored {
            name: name.into(),
            status: 0,
            head: Box::default(),
            fields_at: 0,
            selecting: Box::default(),
            varies: Some(varies),
            sliced: None,
            etag: None,
            last_modified: None,
            date: None,
            told_length: None,
            freshness: None,
            gated: false,
            tags: None,
            purged: Purged::default(),
            unasked: None,
        }
    }

    /// Whether it answers a request for `name` with these selecting fields; a key is only a hash.
    pub(crate) fn is_for(&self, name: &[u8], selecting: &[u8]) -> bool {
        self.varies.is_none() && *self.name == *name && *self.selecting == *selecting
    }

    /// The origin's head as a 304 has updated it (RFC 9111 section 4.3.4), to be judged and stored anew.
    pub(crate) fn updated_by(&self, fresh: &Response) -> Option<Response> {
        let mut text = self.head[..self.fields_at].to_vec();
        // Compressed here, it is the origin's representation by another tag, which is the weak form of the origin's.
        let is_weak_form =
            |etag: &[u8]| etag.strip_prefix(b"W/").is_some() && etag.strip_prefix(b"W/") == fresh.first("etag");
        let keeps_tag = self.validators().etag.is_some_and(is_weak_form);
        let kept: &[&[u8]] = if keeps_tag { &[b"etag"] } else { &[] };
        let updates = |name: &[u8]| !NOT_UPDATED.iter().chain(kept).any(|known| name.eq_ignore_ascii_case(known));
        for (name, value) in fields(&self.head) {
            // The old date goes even when the 304 has none: it is then the time of its receipt (RFC 9110 section 6.6.1).
            let replaced = name.eq_ignore_ascii_case(b"date")
                || (updates(name) && fresh.fields().any(|(new, _)| new.eq_ignore_ascii_case(name)));
            if !replaced {
                push_line(&mut text, name, value);
            }
        }
        for (name, value) in fresh.fields() {
            if updates(name) {
                push_line(&mut text, name, value);
            }
        }
        let names = |name: &str| fresh.first(name).is_some();
        if let Some(tags) = self.tags.as_deref().filter(|_| !names("surrogate-key")) {
            push_line(&mut text, b"Surrogate-Key", tags);
        }
        if self.gated && !names("streamgate-gate") {
            // A gate is lifted only by a whole answer that does not carry the mark.
            push_line(&mut text, b"StreamGate-Gate", b"token");
        }
        text.extend_from_slice(b"\r\n");
        parse(&text, true).ok().flatten().map(|(response, _)| response)
    }

    /// What other edges are told and clients are not.
    pub(crate) fn write_marks(&self, out: &mut Vec<u8>) {
        if self.gated {
            out.extend_from_slice(b"StreamGate-Gate: token\r\n");
        }
        if let Some(tags) = &self.tags {
            push_line(out, b"Surrogate-Key", tags);
        }
    }

    /// What a client's copy is compared with.
    pub(crate) fn validators(&self) -> Validators<'_> {
        Validators {
            etag: self.etag.map(|span| span.of_buffer(&self.head)),
            last_modified: self.last_modified.map(|span| span.of_buffer(&self.head)),
            date: self.date.map(|span| span.of_buffer(&self.head)),
        }
    }

    /// The entity tag that tells two representations apart byte by byte, if there is one (RFC 9110 section 8.8.1).
    pub(crate) fn strong_etag(&self) -> Option<&[u8]> {
        self.validators().etag.filter(|tag| tag.starts_with(b"\""))
    }

    /// The fields alone, for an answer with another status line.
    pub(crate) fn fields(&self) -> &[u8] {
        &self.head[self.fields_at..]
    }

    /// Memory it costs.
    pub(crate) fn cost(&self) -> u64 {
        let tags = self.tags.as_ref().map_or(0, |tags| tags.len());
        let names = self.varies.as_ref().map_or(0, |varies| varies.names.iter().map(|name| name.len() + 16).sum());
        (self.name.len()
            + self.head.len()
            + self.selecting.len()
            + tags
            + names
            + self.purged.cost()
            + size_of::<Object>()) as u64
    }

    /// Whether its status has a body.
    pub(crate) fn has_body(&self) -> bool {
        self.status != 204 && self.status != 304
    }
}

/// Length of the body that `object` stands for, once it is known.
pub(crate) fn length_of(object: &Object) -> Option<u64> {
    object.meta.sliced.map_or_else(|| object.length(), |sliced| Some(sliced.total))
}

/// The cache tags of every line.
fn all_tags(response: &Response) -> Option<Box<[u8]>> {
    let tags = response.all("surrogate-key").collect::<Vec<_>>().join(&b" "[..]);
    (!tags.is_empty()).then(|| tags.into())
}

/// `HTTP/1.1 200 OK`
pub(crate) fn status_line(out: &mut Vec<u8>, status: u16) {
    out.extend_from_slice(b"HTTP/1.1 ");
    push_number(out, u64::from(status));
    out.push(b' ');
    out.extend_from_slice(phrase(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Decimal digits, without an allocation.
pub(crate) fn push_number(out: &mut Vec<u8>, mut n: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(text: &str) -> Response {
        parse(text.as_bytes(), false).expect("valid").expect("complete").0
    }

    #[test]
    fn what_ends_at_this_hop_is_not_stored() {
        let stored = Stored::new(
            b"/a",
            b"",
            &response(
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nAge: 3\r\n\
                 StreamGate-Gate: token\r\nSurrogate-Key: asset-a\r\nETag: \"a\"\r\nX: y\r\n\r\n",
            ),
            None,
            b"Sun, 06 Nov 1994 08:49:37 GMT",
        );
        let head = String::from_utf8_lossy(&stored.head).into_owned();
        assert!(head.starts_with(
            "HTTP/1.1 200 OK\r\nAge: 3\r\nETag: \"a\"\r\nX: y\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nAccess-"
        ));
        for gone in ["Hop", "Keep-Alive", "StreamGate-Gate", "Surrogate", "Content-Length:"] {
            assert!(!head.contains(gone), "{gone} in {head}");
        }
        assert!(stored.gated);
        assert_eq!(stored.validators().etag, Some(&b"\"a\""[..]));
    }

    #[test]
    fn a_304_updates_the_head_but_never_opens_a_gate() {
        let first = response(
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nCache-Control: max-age=1\r\nContent-Type: a/b\r\nStreamGate-Gate: token\r\n\r\n",
        );
        let stored = Stored::new(b"/a", b"", &first, None, b"x");
        let update =
            parse(b"HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=9\r\nContent-Type: c/d\r\n\r\n", false);
        let (update, _) = update.expect("valid").expect("complete");
        let merged = stored.updated_by(&update).expect("parses");
        assert_eq!(merged.status, 200);
        assert_eq!(merged.all("cache-control").collect::<Vec<_>>(), [b"max-age=9"]);
        assert_eq!(merged.first("content-type"), Some(&b"a/b"[..]));
        assert!(Stored::new(b"/a", b"", &merged, None, b"x").gated);
    }
}
