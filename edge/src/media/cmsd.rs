//! Common Media Server Data (CTA-5006): what the edge says of a media object to whoever plays it. Only what it knows: the kind by the
//! answer's type and name, the stream by its playlist, the line by the kernel's own measure of it.

use crate::http::fields::fields;
use crate::http::target;
use crate::rt;
use crate::stored::{Stored, push_number};

/// What the kernel has measured of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Measured {
    /// Round trip, milliseconds, rounded up.
    pub(crate) rtt_ms: Option<u64>,
    /// Throughput, kbit/s; only where it was the line that bounded it.
    pub(crate) throughput_kbps: Option<u64>,
}

impl From<Option<rt::Path>> for Measured {
    fn from(path: Option<rt::Path>) -> Measured {
        path.map_or_else(Measured::default, |path| Measured {
            rtt_ms: (path.rtt_us > 0).then(|| u64::from(path.rtt_us).div_ceil(1000)),
            throughput_kbps: path.bytes_per_second.map(|bytes| bytes.saturating_mul(8) / 1000).filter(|kbps| *kbps > 0),
        })
    }
}

/// The lines for `stored`, asked for as `name`; empty for what is no media. `body` is a playlist's, when it is whole. What an origin has
/// said itself stands: its CMSD-Static is not written over, and of CMSD-Dynamic each hop adds its own member.
pub(crate) fn lines(stored: &Stored, name: &[u8], body: Option<&[u8]>, me: &str, measured: Measured) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut kind, mut is_told) = (None, false);
    for (field, value) in fields(&stored.head) {
        if field.eq_ignore_ascii_case(b"content-type") {
            kind = self::kind(target::path(name), value);
        } else if field.eq_ignore_ascii_case(b"cmsd-static") {
            is_told = true;
        }
    }
    let Some((object, format)) = kind else { return out };
    if !is_told {
        out.extend_from_slice(b"CMSD-Static: ot=");
        out.extend_from_slice(object.as_bytes());
        if let Some(format) = format {
            out.extend_from_slice(b",sf=");
            out.extend_from_slice(format.as_bytes());
            if let Some(stream) = body.and_then(|body| stream(format, body)) {
                out.extend_from_slice(b",st=");
                out.extend_from_slice(stream.as_bytes());
            }
        }
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"CMSD-Dynamic: \"");
    out.extend_from_slice(me.as_bytes());
    out.push(b'"');
    for (key, value) in [(&b";etp="[..], measured.throughput_kbps), (b";rtt=", measured.rtt_ms)] {
        if let Some(value) = value {
            out.extend_from_slice(key);
            push_number(&mut out, value);
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// The object type (CTA-5006 section 3, `ot`), and of a manifest the streaming format (`sf`).
pub(super) fn kind(path: &[u8], content_type: &[u8]) -> Option<(&'static str, Option<&'static str>)> {
    let end = content_type.iter().position(|b| *b == b';').unwrap_or(content_type.len());
    let is = |known: &str| content_type[..end].trim_ascii().eq_ignore_ascii_case(known.as_bytes());
    if is("application/vnd.apple.mpegurl") || is("application/x-mpegurl") || is("audio/mpegurl") {
        Some(("m", Some("h")))
    } else if is("application/dash+xml") {
        Some(("m", Some("d")))
    } else if path.ends_with(b"/init.mp4") {
        Some(("i", None))
    } else if is("video/mp4") || is("video/iso.segment") {
        Some(("v", None))
    } else if is("audio/mp4") || is("audio/aac") {
        Some(("a", None))
    } else if is("text/vtt") {
        Some(("c", None))
    } else {
        None
    }
}

/// Live or on demand (`st`), where the manifest itself says it.
fn stream(format: &str, body: &[u8]) -> Option<&'static str> {
    let has = |text: &str| memchr::memmem::find(body, text.as_bytes()).is_some();
    match format {
        "h" if has("#EXT-X-ENDLIST") || has("#EXT-X-PLAYLIST-TYPE:VOD") => Some("v"),
        "h" if has("#EXTINF") => Some("l"),
        "d" if has("type=\"dynamic\"") => Some("l"),
        "d" if has("type=\"static\"") => Some("v"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::response::parse;

    fn check(head: &str, name: &str, body: &str, measured: Measured, want: &str) {
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{}\r\n", head.replace('\n', "\r\n"));
        let response = parse(text.as_bytes(), false).expect("valid").expect("complete").0;
        let stored = Stored::new(name.as_bytes(), b"", &response, None, b"x");
        let out = lines(&stored, name.as_bytes(), Some(body.as_bytes()), "me", measured);
        assert_eq!(String::from_utf8_lossy(&out).replace("\r\n", "\n"), want, "{head}");
    }

    #[test]
    fn only_what_is_known_is_said() {
        let none = Measured::default();
        let m3u8 = "Content-Type: application/vnd.apple.mpegurl; charset=utf-8\n";
        check(
            m3u8,
            "/a.m3u8",
            "#EXTINF:4,\n#EXT-X-ENDLIST",
            none,
            "CMSD-Static: ot=m,sf=h,st=v\nCMSD-Dynamic: \"me\"\n",
        );
        check(m3u8, "/a.m3u8", "#EXTINF:4,\n", none, "CMSD-Static: ot=m,sf=h,st=l\nCMSD-Dynamic: \"me\"\n");
        check(m3u8, "/a.m3u8", "#EXT-X-STREAM-INF", none, "CMSD-Static: ot=m,sf=h\nCMSD-Dynamic: \"me\"\n");
        let dash = "Content-Type: application/dash+xml\n";
        check(dash, "/a.mpd", "<MPD type=\"static\">", none, "CMSD-Static: ot=m,sf=d,st=v\nCMSD-Dynamic: \"me\"\n");
        let both = Measured { rtt_ms: Some(8), throughput_kbps: Some(96) };
        let told = "Content-Type: video/mp4\nCMSD-Static: ot=v,br=200\nCMSD-Dynamic: \"o\"\n";
        check(
            "Content-Type: video/mp4\n",
            "/v/a/t/1.m4s",
            "",
            both,
            "CMSD-Static: ot=v\nCMSD-Dynamic: \"me\";etp=96;rtt=8\n",
        );
        check(told, "/v/a/t/1.m4s", "", both, "CMSD-Dynamic: \"me\";etp=96;rtt=8\n");
        check("Content-Type: video/mp4\n", "/v/a/t/init.mp4", "", none, "CMSD-Static: ot=i\nCMSD-Dynamic: \"me\"\n");
        check("Content-Type: text/html\n", "/", "", both, "");
    }
}
