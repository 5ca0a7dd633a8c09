//! Promise: whatever bytes come in, every reader of this crate returns; it does not panic, and what it allocates is bounded
//! by what it was given. 650 000 seeded mutations of good inputs, the same ones in every run.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wire::cmaf::{CodecConfig, Colour, Sample, TrackInit, init_segment, media_segment, read_init, read_segment};
use wire::presentation::{Ratio, TrackKind};
use wire::token::{Claims, KeySet, SigningKey, UnixSeconds, VerificationKey, mint, verify};
use wire::url::{AssetId, PlaybackPath};
use wire::{codec_string, limits};

/// Counts what this thread holds and the most it held.
struct Counting;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged; the counters are plain cells without a destructor
// and allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.get() + layout.size();
        LIVE.set(live);
        PEAK.set(PEAK.get().max(live));
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get().saturating_sub(layout.size()));
        // SAFETY: as above; `pointer` came from `alloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that reading `input` may hold at once: a row and a sample (32 bytes each) for every byte of a segment whose
/// samples are one byte long is the worst case, and a token's buffers come on top.
fn allocation_max(input: usize) -> usize {
    80 * input + 8 * limits::TOKEN_BYTES_MAX
}

/// Runs `read` on `rounds` mutations of `good`.
fn check(seed: u64, rounds: usize, good: &[u8], read: impl Fn(&[u8])) {
    let mut random = Random(seed);
    for round in 0..rounds {
        let input = random.mutate(good);
        let before = LIVE.get();
        PEAK.set(before);
        read(&input);
        let held = PEAK.get() - before;
        assert!(held <= allocation_max(input.len()), "round {round}: {held} bytes for {} of input", input.len());
    }
}

/// xorshift64*, so that the inputs are the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// One to four changes: a bit, a byte, a number that matters, a cut, a piece moved, doubled or taken out.
    fn mutate(&mut self, good: &[u8]) -> Vec<u8> {
        const NUMBERS: [u32; 8] = [0, 1, 7, 8, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, u32::MAX];
        let mut bytes = good.to_vec();
        for _ in 0..1 + self.below(4) {
            let at = self.below(bytes.len());
            match self.below(8) {
                _ if bytes.is_empty() => bytes.push(self.next() as u8),
                0 | 1 => bytes[at] ^= 1 << self.below(8),
                2 => bytes[at] = self.next() as u8,
                3 | 4 => {
                    let number = NUMBERS[self.below(NUMBERS.len())].to_be_bytes();
                    bytes.iter_mut().skip(at).zip(number).for_each(|(byte, new)| *byte = new);
                }
                5 => bytes.truncate(at),
                6 => {
                    let piece = bytes[at..bytes.len().min(at + 1 + self.below(64))].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
                _ => drop(bytes.drain(at..(at + 1 + self.below(16)).min(bytes.len()))),
            }
        }
        bytes
    }
}

fn header(config: CodecConfig, kind: TrackKind) -> Vec<u8> {
    let colour = Some(Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false });
    init_segment(&TrackInit { timescale: 48_000, config, kind, colour, skip: 1024, duration: 480_000 })
}

#[test]
fn headers() {
    let one = Ratio { num: 1, den: 1 };
    let picture = TrackKind::Video { width: 640, height: 360, frame_rate: one, pixel_aspect: one };
    let sound = TrackKind::Audio { sample_rate: 48_000, channels: 2, language: "und".into() };
    for (seed, good) in [
        (1, header(CodecConfig::Avc { avcc: vec![1, 100, 0, 31] }, picture.clone())),
        (2, header(CodecConfig::Av1 { av1c: vec![0x81, 5, 12, 0] }, picture)),
        (3, header(CodecConfig::Aac { asc: vec![0x11, 0x90], average_bitrate: 1 }, sound.clone())),
        (4, header(CodecConfig::Opus { dops: vec![0; 11] }, sound)),
    ] {
        assert!(read_init(&good).is_ok());
        check(seed, 50_000, &good, |bytes| {
            if let Ok(init) = read_init(bytes) {
                let _ = match &init.entry.config {
                    CodecConfig::Avc { avcc } => codec_string::avc1(avcc),
                    CodecConfig::Av1 { av1c } => codec_string::av01(av1c),
                    CodecConfig::Aac { asc, .. } => codec_string::mp4a(asc),
                    CodecConfig::Opus { .. } => Ok(codec_string::OPUS.into()),
                };
            }
        });
    }
}

#[test]
fn segments() {
    let data = [[5u8; 24]; 12];
    let sample = |i: usize| Sample {
        data: &data[i][..24 - i],
        duration: 512 + i as u32,
        composition_offset: 512 - i as i32,
        sync: i == 0,
    };
    let alike = |i: usize| Sample { data: &data[i], duration: 512, composition_offset: 0, sync: true };
    let various: Vec<_> = (0..12).map(sample).collect();
    let uniform: Vec<_> = (0..12).map(alike).collect();
    for (seed, samples) in [(5, various), (6, uniform)] {
        let good = media_segment(1, 12_800, 1 << 33, &samples).unwrap();
        assert!(read_segment(&good).is_ok());
        check(seed, 100_000, &good, |bytes| {
            if let Ok(segment) = read_segment(bytes) {
                assert!(segment.samples.iter().map(|s| s.data.len()).sum::<usize>() <= bytes.len());
            }
        });
    }
}

#[test]
fn paths_and_keys() {
    check(7, 100_000, b"/p/0YRDoQEF/v/abc/av1-360/12.m4s", |bytes| {
        let path = String::from_utf8_lossy(bytes);
        if let Ok(parsed) = PlaybackPath::parse(&path) {
            assert!(path.ends_with(parsed.public));
        }
    });
    let key = SigningKey::ed25519("ed", &[7; 32]).unwrap().verification_key().to_string();
    check(8, 1000, key.as_bytes(), |bytes| {
        let _ = String::from_utf8_lossy(bytes).parse::<VerificationKey>();
    });
}

#[test]
fn tokens() {
    let now = UnixSeconds(1_800_000_000);
    let key = SigningKey::hs256("hs", &[7; 32]).unwrap();
    let keys = KeySet::new([key.verification_key()]).unwrap();
    let claims = Claims::for_asset(AssetId::parse("abc").unwrap(), now, 60, [9; 16]);
    let token = mint(&claims, &key).unwrap();
    let opens = |token: &str| verify(token, &keys, now, "/v/abc/master.m3u8");
    check(9, 50_000, token.as_bytes(), |text| {
        let text = String::from_utf8_lossy(text);
        assert!(text == token || opens(&text).is_err());
    });
    let raw = URL_SAFE_NO_PAD.decode(&token).unwrap();
    check(10, 50_000, &raw, |bytes| drop(opens(&URL_SAFE_NO_PAD.encode(bytes))));
    // Signed with the right key, so that every mutation of the claims reaches their reader.
    let (protected, payload) = (&raw[4..13], &raw[15..raw.len() - 34]);
    assert_eq!(payload[0], 0xa7, "seven claims");
    check(11, 50_000, payload, |payload| {
        let sealed = seal(protected, payload, &[7; 32]);
        drop(opens(&URL_SAFE_NO_PAD.encode(sealed)));
    });
    assert_eq!(opens(&URL_SAFE_NO_PAD.encode(seal(protected, payload, &[7; 32]))), Ok(claims));
}

/// A `COSE_Mac0` around any payload; `protected` is the header's byte string and the empty map behind it.
fn seal(protected: &[u8], payload: &[u8], secret: &[u8]) -> Vec<u8> {
    use hmac::{Hmac, KeyInit, Mac};
    let mut body = vec![0x59];
    body.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    if payload.len() < 256 {
        body = vec![0x58, payload.len() as u8];
    }
    if payload.len() < 24 {
        body = vec![0x40 | payload.len() as u8];
    }
    body.extend_from_slice(payload);
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
    mac.update(b"\x84\x64MAC0");
    mac.update(&protected[..protected.len() - 1]);
    mac.update(b"\x40");
    mac.update(&body);
    let mut out = vec![0xd8, 61, 0xd1, 0x84];
    out.extend_from_slice(protected);
    out.extend_from_slice(&body);
    out.extend_from_slice(&[0x58, 32]);
    out.extend_from_slice(&mac.finalize().into_bytes());
    out
}
