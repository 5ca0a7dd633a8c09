//! The head of an answer: what is stored of it, what differs from one answer to the next, and its end.

use std::rc::Rc;

use crate::flow::After;
use crate::flow::multipart::content_range;
use crate::http::range::Part;
use crate::http::request::{Request, Version};
use crate::shard::mail::How;
use crate::stored::{Stored, push_number, status_line};

/// A connection's word that only TLS is to be used, if it says so.
pub(crate) type Hsts<'a> = &'a Option<Rc<str>>;

/// What of an answer is not in the stored head.
pub(crate) struct Shape {
    /// Another status than the stored one: 206, 304, 416.
    pub(crate) status: Option<u16>,
    pub(crate) length: Option<u64>,
    pub(crate) chunked: bool,
    /// The part and the length of the whole; no part means unsatisfied.
    pub(crate) range: Option<(Option<Part>, u64)>,
    /// Other fields than the stored ones.
    pub(crate) fields: Option<Vec<u8>>,
    pub(crate) age: Option<u64>,
    /// The gate and the tags are told as well: another edge asks.
    pub(crate) marks: bool,
    /// Lines of CMSD.
    pub(crate) cmsd: Vec<u8>,
    pub(crate) how: How,
}

impl Shape {
    pub(crate) fn whole(how: How) -> Shape {
        Shape {
            status: None,
            length: None,
            chunked: false,
            range: None,
            fields: None,
            age: None,
            marks: false,
            cmsd: Vec::new(),
            how,
        }
    }
}

/// Writes the head of an answer: what is stored, and what differs from one answer to the next.
pub(crate) fn write_head(
    out: &mut Vec<u8>,
    hsts: Hsts<'_>,
    stored: &Stored,
    shape: &Shape,
    request: &Request,
    after: After,
) {
    match (shape.status, &shape.fields) {
        (None, _) => out.extend_from_slice(&stored.head),
        (Some(status), fields) => {
            status_line(out, status);
            out.extend_from_slice(fields.as_deref().unwrap_or(stored.fields()));
        }
    }
    if let Some(length) = shape.length {
        out.extend_from_slice(b"Content-Length: ");
        push_number(out, length);
        out.extend_from_slice(b"\r\n");
    }
    if shape.chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    if let Some((part, total)) = shape.range {
        content_range(out, part, total);
    }
    if let Some(age) = shape.age {
        out.extend_from_slice(b"Age: ");
        push_number(out, age);
        out.extend_from_slice(b"\r\n");
    }
    if shape.marks {
        stored.write_marks(out);
    }
    out.extend_from_slice(&shape.cmsd);
    out.extend_from_slice(b"Cache-Status: ");
    out.extend_from_slice(shape.how.cache_status().as_bytes());
    end(out, hsts, request, after);
}

/// Ends a head behind its last field's value: that only TLS is to be used (RFC 6797), where that is told, and how the connection goes on.
pub(crate) fn end(out: &mut Vec<u8>, hsts: Hsts<'_>, request: &Request, after: After) {
    say_only_tls(out, hsts);
    out.extend_from_slice(connection(request, after));
}

/// As [`end`], when there was no request to be read: the connection ends.
pub(crate) fn end_of_connection(out: &mut Vec<u8>, hsts: Hsts<'_>) {
    say_only_tls(out, hsts);
    out.extend_from_slice(b"\r\nConnection: close\r\n\r\n");
}

fn say_only_tls(out: &mut Vec<u8>, hsts: Hsts<'_>) {
    if let Some(hsts) = hsts {
        out.extend_from_slice(b"\r\nStrict-Transport-Security: ");
        out.extend_from_slice(hsts.as_bytes());
    }
}

fn connection(request: &Request, after: After) -> &'static [u8] {
    match (after, request.version) {
        (_, Version::Http2) | (After::Keep, Version::Http11) => b"\r\n\r\n",
        (After::Keep, Version::Http10) => b"\r\nConnection: keep-alive\r\n\r\n",
        (After::Close, _) => b"\r\nConnection: close\r\n\r\n",
    }
}
