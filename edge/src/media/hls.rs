//! Delivery directives of HLS playlists (RFC 8216bis section 6.2.5): a client asks for a playlist that has come so far, and the answer is
//! held until it has. The origin holds it; the edge asks once for everyone, and waits longer than for anything else.

use std::collections::HashMap;
use std::time::Duration;

use foldhash::fast::FixedState;

use crate::http::request::number;
use crate::http::target;
use crate::limits::{PLAYLIST_HOLD, PLAYLIST_HOLD_MAX, PLAYLISTS_MAX};

/// What a target says of delivery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Delivery {
    /// No directive, or no playlist.
    Plain,
    /// Only what need not be waited for (`_HLS_skip`).
    Now,
    /// The answer may be held (`_HLS_msn`).
    Held,
    /// Directives that cannot be.
    Bad,
}

/// Reads the directives of a target. They are part of its name: each distinct set is a playlist of its own.
pub(crate) fn delivery(target: &[u8]) -> Delivery {
    let path = target::path(target);
    let Some(query) = target.get(path.len() + 1..).filter(|_| path.ends_with(b".m3u8")) else { return Delivery::Plain };
    let (mut msn, mut part, mut skip) = (0, 0, 0);
    for argument in query.split(|b| *b == b'&') {
        let (name, value) = match argument.iter().position(|b| *b == b'=') {
            Some(at) => (&argument[..at], &argument[at + 1..]),
            None => (argument, &b""[..]),
        };
        let (count, is_valid) = match name {
            b"_HLS_msn" => (&mut msn, number(value).is_some()),
            b"_HLS_part" => (&mut part, number(value).is_some()),
            b"_HLS_skip" => (&mut skip, matches!(value, b"YES" | b"v2")),
            _ => continue,
        };
        *count += 1;
        if !is_valid || *count > 1 {
            return Delivery::Bad;
        }
    }
    match (msn, part, skip) {
        // A part is one of a segment.
        (0, 1, _) => Delivery::Bad,
        (1, ..) => Delivery::Held,
        (.., 1) => Delivery::Now,
        _ => Delivery::Plain,
    }
}

/// Whether it is a playlist of HLS by its name.
pub(crate) fn is_named(target: &[u8]) -> bool {
    target::path(target).ends_with(b".m3u8")
}

/// Target durations of the playlists one shard has given out, by path.
#[derive(Default)]
pub(crate) struct Playlists {
    seconds: HashMap<Box<[u8]>, u64, FixedState>,
}

impl Playlists {
    /// A client was given `body` for `target`, a playlist.
    pub(crate) fn seen(&mut self, target: &[u8], body: &[u8]) {
        let path = target::path(target);
        let Some(seconds) = target_duration(body) else { return };
        if self.seconds.len() >= PLAYLISTS_MAX && !self.seconds.contains_key(path) {
            self.seconds.clear();
        }
        self.seconds.insert(path.into(), seconds);
    }

    /// How long an answer for `target` may be held: three target durations (RFC 8216bis section 6.2.5.2), as far as they are known.
    pub(crate) fn hold(&self, target: &[u8]) -> Duration {
        let known = self.seconds.get(target::path(target));
        known.map_or(PLAYLIST_HOLD, |seconds| Duration::from_secs(3 * (*seconds).max(1)).min(PLAYLIST_HOLD_MAX))
    }
}

/// The seconds of `#EXT-X-TARGETDURATION`.
fn target_duration(body: &[u8]) -> Option<u64> {
    const TAG: &[u8] = b"#EXT-X-TARGETDURATION:";
    let line = body.split(|b| *b == b'\n').take(32).find_map(|line| line.strip_prefix(TAG))?;
    number(line.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_read_strictly_and_of_playlists_alone() {
        use Delivery::{Bad, Held, Now, Plain};
        for (target, want) in [
            ("/a/media.m3u8", Plain),
            ("/a/media.m3u8?x=1", Plain),
            ("/a/media.m3u8?_HLS_msn=7", Held),
            ("/a/media.m3u8?x=1&_HLS_msn=7&_HLS_part=0&_HLS_skip=YES", Held),
            ("/a/media.m3u8?_HLS_skip=v2", Now),
            ("/a/media.m3u8?_HLS_later=1", Plain),
            ("/a/media.m3u8?_HLS_part=1", Bad),
            ("/a/media.m3u8?_HLS_msn", Bad),
            ("/a/media.m3u8?_HLS_msn=-1", Bad),
            ("/a/media.m3u8?_HLS_msn=1.5", Bad),
            ("/a/media.m3u8?_HLS_msn=1&_HLS_part=x", Bad),
            ("/a/media.m3u8?_HLS_msn=1&_HLS_msn=2", Bad),
            ("/a/media.m3u8?_HLS_skip=NO", Bad),
            ("/a/page?_HLS_part=1", Plain),
        ] {
            assert_eq!(delivery(target.as_bytes()), want, "{target}");
        }
    }

    #[test]
    fn an_answer_is_held_for_three_target_durations() {
        let mut known = Playlists::default();
        assert_eq!(known.hold(b"/a.m3u8?_HLS_msn=1"), PLAYLIST_HOLD);
        known.seen(b"/a.m3u8", b"#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n");
        assert_eq!(known.hold(b"/a.m3u8?_HLS_msn=1"), Duration::from_secs(12));
        known.seen(b"/a.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:9999999\n");
        assert_eq!(known.hold(b"/a.m3u8"), PLAYLIST_HOLD_MAX);
        for n in 0..2 * PLAYLISTS_MAX {
            known.seen(format!("/{n}.m3u8").as_bytes(), b"#EXT-X-TARGETDURATION:1\n");
        }
        assert!(known.seconds.len() <= PLAYLISTS_MAX);
    }
}
