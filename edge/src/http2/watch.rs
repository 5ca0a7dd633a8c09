//! A client's frames, seen as they come and before anything is done about them (RFC 9113 section 4.1): how long the one that is on its way
//! has been, and how many ask for nothing. What they mean is the library's to say; what they may cost is ours, and so are sizes and windows
//! that cannot be, as the library has one word for every error of a frame.

use crate::limits::{
    HTTP2_IDLE_FRAMES_BURST, HTTP2_IDLE_FRAMES_PER_SECOND, HTTP2_RESETS_BURST, HTTP2_RESETS_PER_SECOND,
};

/// What a client that speaks HTTP/2 begins with (section 3.4).
pub(crate) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What the first bytes of a connection tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Begins {
    Http1,
    Http2,
    /// Either, as far as it has come.
    Maybe,
}

/// Which version a connection begins in.
pub(crate) fn begins(bytes: &[u8]) -> Begins {
    let len = bytes.len().min(PREFACE.len());
    match bytes[..len] == PREFACE[..len] {
        false => Begins::Http1,
        true if len == PREFACE.len() => Begins::Http2,
        true => Begins::Maybe,
    }
}

/// Why a connection ends before the library has seen what came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wrong {
    /// More that asks for nothing, or is taken back, than anyone needs to send.
    Flood,
    /// A frame that is not as long as its kind is (section 4.2).
    Size,
    /// A window that is larger than a window can be (section 6.5.2).
    Window,
}

const FRAME_HEAD_BYTES: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const SETTING_BYTES: usize = 6;
const INITIAL_WINDOW_SIZE: [u8; 2] = [0, 4];

/// The frames of one connection.
pub(crate) struct Watch {
    /// Bytes of the preface still to come.
    preface: usize,
    head: [u8; FRAME_HEAD_BYTES],
    /// How much of `head` is here.
    here: usize,
    /// Payload still to come.
    left: usize,
    /// Between HEADERS and the last CONTINUATION.
    in_block: bool,
    /// The setting that is on its way.
    setting: [u8; SETTING_BYTES],
    since_ms: Option<u64>,
    idle: Bucket,
    resets: Bucket,
}

impl Watch {
    pub(crate) fn new(now_ms: u64) -> Watch {
        Watch {
            preface: PREFACE.len(),
            head: [0; FRAME_HEAD_BYTES],
            here: 0,
            left: 0,
            in_block: false,
            setting: [0; SETTING_BYTES],
            since_ms: Some(now_ms),
            idle: Bucket::new(HTTP2_IDLE_FRAMES_PER_SECOND, HTTP2_IDLE_FRAMES_BURST),
            resets: Bucket::new(HTTP2_RESETS_PER_SECOND, HTTP2_RESETS_BURST),
        }
    }

    /// Takes in what has come.
    pub(crate) fn take(&mut self, mut bytes: &[u8], now_ms: u64) -> Result<(), Wrong> {
        while !bytes.is_empty() {
            let step = if self.preface > 0 {
                let step = bytes.len().min(self.preface);
                self.preface -= step;
                step
            } else if self.left > 0 {
                let step = bytes.len().min(self.left);
                if self.head[3] == SETTINGS {
                    self.settings(&bytes[..step])?;
                }
                self.left -= step;
                step
            } else {
                let step = bytes.len().min(FRAME_HEAD_BYTES - self.here);
                self.head[self.here..self.here + step].copy_from_slice(&bytes[..step]);
                self.here += step;
                self.since_ms.get_or_insert(now_ms);
                if self.here == FRAME_HEAD_BYTES {
                    self.here = 0;
                    self.frame(now_ms)?;
                }
                step
            };
            bytes = &bytes[step..];
            if self.preface == 0 && self.left == 0 && self.here == 0 && !self.in_block {
                self.since_ms = None;
            }
        }
        Ok(())
    }

    /// Since when something is on its way that is no body: the preface, a frame, or a head of several frames.
    pub(crate) fn since_ms(&self) -> Option<u64> {
        self.since_ms
    }

    fn frame(&mut self, now_ms: u64) -> Result<(), Wrong> {
        let [a, b, c, kind, flags, ..] = self.head;
        self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let is_sized = match kind {
            PRIORITY => self.left == 5,
            RST_STREAM | WINDOW_UPDATE => self.left == 4,
            SETTINGS if flags & ACK != 0 => self.left == 0,
            SETTINGS => self.left.is_multiple_of(SETTING_BYTES),
            PING => self.left == 8,
            _ => true,
        };
        if !is_sized {
            return Err(Wrong::Size);
        }
        let is_free = match kind {
            DATA => {
                // Its body has a limit of its own.
                self.since_ms = None;
                self.left > 0 || flags & END_STREAM != 0
            }
            HEADERS => {
                self.in_block = flags & END_HEADERS == 0;
                true
            }
            CONTINUATION => {
                self.in_block &= flags & END_HEADERS == 0;
                false
            }
            RST_STREAM => {
                self.resets.take(now_ms)?;
                true
            }
            // As many as we send frames: a client that gives its window back piece by piece sends two for each of ours.
            WINDOW_UPDATE => true,
            _ => false,
        };
        if is_free { Ok(()) } else { self.idle.take(now_ms) }
    }
}

impl Watch {
    /// Looks at settings that have come, of which `left` bytes had not.
    fn settings(&mut self, bytes: &[u8]) -> Result<(), Wrong> {
        let mut at = (SETTING_BYTES - self.left % SETTING_BYTES) % SETTING_BYTES;
        for byte in bytes {
            self.setting[at] = *byte;
            at = (at + 1) % SETTING_BYTES;
            if at == 0 && self.setting[..2] == INITIAL_WINDOW_SIZE && self.setting[2] & 0x80 != 0 {
                return Err(Wrong::Window);
            }
        }
        Ok(())
    }
}

/// So many a second, after so many at once; kept as the time at which it is full again.
struct Bucket {
    interval_us: u64,
    depth_us: u64,
    full_us: u64,
}

impl Bucket {
    fn new(per_second: u64, burst: u64) -> Bucket {
        let interval_us = 1_000_000 / per_second.max(1);
        Bucket { interval_us, depth_us: interval_us * burst, full_us: 0 }
    }

    fn take(&mut self, now_ms: u64) -> Result<(), Wrong> {
        let now_us = now_ms.saturating_mul(1000);
        let after = self.full_us.max(now_us).saturating_add(self.interval_us);
        // A clock that was set back is no flood.
        let is_from_ahead = after > now_us.saturating_add(2 * self.depth_us + 1_000_000);
        self.full_us = if is_from_ahead { now_us } else { after };
        if self.full_us.saturating_sub(now_us) > self.depth_us { Err(Wrong::Flood) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        out.extend_from_slice(&[kind, flags, 0, 0, 0, 1]);
        out.extend_from_slice(payload);
        out
    }

    #[test]
    fn a_connection_begins_in_one_version() {
        for (bytes, want) in [
            (&b""[..], Begins::Maybe),
            (b"P", Begins::Maybe),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", Begins::Maybe),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nx", Begins::Http2),
            (b"POST / HTTP/1.1\r\n", Begins::Http1),
            (b"PRI * HTTP/2.0\r\n\r\nsm", Begins::Http1),
            (b"GET", Begins::Http1),
        ] {
            assert_eq!(begins(bytes), want, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn what_is_on_its_way_is_known_byte_by_byte() {
        let bytes =
            [PREFACE.to_vec(), frame(4, 0, &[0; 6]), frame(1, 0, b"ab"), frame(9, 4, b"c"), frame(0, 0, b"body")]
                .concat();
        let mut watch = Watch::new(7);
        let mut since = Vec::new();
        for (i, byte) in bytes.iter().enumerate() {
            watch.take(&[*byte], 100 + i as u64).expect("no flood");
            since.push(watch.since_ms());
        }
        let settings = PREFACE.len();
        let headers = settings + 15;
        let data = headers + 11 + 10;
        assert!(since[..settings - 1].iter().all(|since| *since == Some(7)));
        assert_eq!(since[settings - 1], None);
        assert!(since[settings..headers - 1].iter().all(|since| *since == Some(100 + settings as u64)));
        assert_eq!(since[headers - 1], None);
        // One head, however many frames.
        assert!(since[headers..data - 1].iter().all(|since| *since == Some(100 + headers as u64)));
        assert!(since[data..data + 8].iter().all(|since| *since == Some(100 + data as u64)));
        assert!(since[data + 8..].iter().all(Option::is_none));
    }

    fn check(one: &[u8], per_second: u64, burst: u64) {
        let mut watch = Watch::new(0);
        watch.take(PREFACE, 0).expect("no flood");
        let taken = (0..).take_while(|_| watch.take(one, 1_000).is_ok()).count() as u64;
        assert_eq!(taken, burst);
        // At the rate it may go on for ever.
        let mut watch = Watch::new(0);
        watch.take(PREFACE, 0).expect("no flood");
        for i in 0..10 * burst {
            watch.take(one, 1_000 + i * (1000 / per_second).max(1)).expect("no flood");
        }
    }

    #[test]
    fn what_cannot_be_is_wrong_however_it_comes() {
        for (frame, want) in [
            (frame(2, 0, &[0; 4]), Err(Wrong::Size)),
            (frame(3, 0, &[0; 3]), Err(Wrong::Size)),
            (frame(4, 0, &[0; 7]), Err(Wrong::Size)),
            (frame(4, 1, &[0; 6]), Err(Wrong::Size)),
            (frame(6, 0, &[0; 9]), Err(Wrong::Size)),
            (frame(8, 0, &[0; 5]), Err(Wrong::Size)),
            (frame(4, 0, &[0, 3, 0, 0, 0, 1, 0, 4, 0x80, 0, 0, 0]), Err(Wrong::Window)),
            (frame(4, 0, &[0, 4, 0x7f, 255, 255, 255, 0, 3, 0x80, 0, 0, 0]), Ok(())),
            (frame(4, 1, b""), Ok(())),
        ] {
            for step in 1..=frame.len() {
                let mut watch = Watch::new(0);
                watch.take(PREFACE, 0).expect("a preface");
                let got = frame.chunks(step).try_for_each(|piece| watch.take(piece, 0));
                assert_eq!(got, want, "{frame:?} by {step}");
            }
        }
    }

    #[test]
    fn what_asks_for_nothing_is_counted() {
        let (per_second, burst) = (HTTP2_IDLE_FRAMES_PER_SECOND, HTTP2_IDLE_FRAMES_BURST);
        for (kind, len) in [(2, 5), (4, 6), (5, 8), (6, 8), (7, 8), (9, 8), (16, 8), (0xee, 8)] {
            check(&frame(kind, 0, &vec![0; len]), per_second, burst);
        }
        check(&frame(0, 0, b""), per_second, burst);
        check(&frame(3, 0, &[0; 4]), HTTP2_RESETS_PER_SECOND, HTTP2_RESETS_BURST);
        let mut watch = Watch::new(0);
        watch.take(PREFACE, 0).expect("no flood");
        let work = [frame(1, 4, b"a"), frame(0, 0, b"b"), frame(0, 1, b""), frame(8, 0, &[0; 4])].concat();
        for _ in 0..100_000 {
            watch.take(&work, 0).expect("no flood");
        }
    }
}
