//! Bad files end with a name: no panic, no hang, no memory that follows a number in a header.

use media::{FrameSource, Limits, MediaError, SourceInfo, Tools};
use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Counts what is allocated now and at most.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed to the system's allocator as it came; the counters touch no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: `at` came from `alloc` above, that is from the system's allocator, with this layout.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What reading a small file may allocate at once: headers of a few KiB, an index of 32 bytes for every byte at most.
const MEMORY_MAX: usize = 48 << 20;

/// Probes without tools, within bounds of time and memory.
fn probe(file: &Path) -> Result<SourceInfo, MediaError> {
    let (before, started) = (NOW.load(Relaxed), Instant::now());
    PEAK.store(before, Relaxed);
    let result = media::probe(file, &Tools::none());
    let (took, used) = (started.elapsed(), PEAK.load(Relaxed).saturating_sub(before));
    assert!(took < Duration::from_secs(5), "{}: took {took:?}", file.display());
    assert!(used < MEMORY_MAX, "{}: allocated {used} bytes", file.display());
    result
}

/// The bytes, under a name that promises a film, end with this code.
fn check(bytes: &[u8], code: &str) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("film.mp4");
    fs::write(&file, bytes).expect("writable");
    let error = probe(&file).expect_err("no film");
    assert_eq!(error.code(), code, "{error}");
    let sentence = error.to_string();
    assert!(sentence.len() > 30 && sentence.ends_with('.'), "not a sentence: {sentence}");
}

#[test]
fn what_is_no_film_is_named() {
    check(b"", "empty_file");
    check(&[0; 100_000], "not_media");
    check(b"<!DOCTYPE html><html><body>Please sign in</body></html>", "not_media");
    check(b"just some words, and then some more", "not_media");
    check(b"{\"error\": \"not found\"}", "not_media");
    check(b"\x89PNG\r\n\x1a\n and so on", "not_media");
    check(b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1/secret.ts\n", "is_playlist");
    check(b"<?xml version=\"1.0\"?>\n<MPD type=\"static\"></MPD>", "is_playlist");
    check(b"ffconcat version 1.0\nfile '/etc/passwd'\n", "is_playlist");
}

#[test]
fn a_playlist_is_refused_even_when_ffmpeg_is_there() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let film = crate::films::make(dir.path(), "bare.h264");
    let list = dir.path().join("film.mp4");
    fs::write(&list, format!("#EXTM3U\n#EXTINF:3,\n{}\n", film.display())).expect("writable");
    assert_eq!(media::probe(&list, &Tools::find()).expect_err("a list").code(), "is_playlist");
}

/// A box with a body.
fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes(), &kind[..], body].concat()
}

#[test]
fn parts_of_an_mp4_are_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let film = fs::read(crate::films::make(dir.path(), "b_frames.mp4")).expect("just made");
    let moov = film.windows(4).position(|word| word == b"moov").expect("a table of contents") - 4;
    check(&film[..moov], "no_moov");
    check(&film[..moov / 2], "truncated");
    let empty_moov = [boxed(b"ftyp", b"isom\0\0\0\0isom"), boxed(b"moov", &[])].concat();
    check(&empty_moov, "no_tracks");
    let first = fs::read(crate::films::make(dir.path(), "moov_first.mp4")).expect("just made");
    check(&first[..first.len() / 2], "truncated");
    let fragmented = fs::read(crate::films::make(dir.path(), "fragmented.mp4")).expect("just made");
    let moof = fragmented.windows(4).position(|word| word == b"moof").expect("fragments") - 4;
    check(&fragmented[..moof], "no_samples");
}

/// Overwrites the 32-bit number `at` bytes behind each box type `kind`.
fn patch(film: &[u8], kind: &[u8; 4], at: usize, value: u32) -> Vec<u8> {
    let mut film = film.to_vec();
    let places: Vec<usize> = film.windows(4).enumerate().filter(|(_, word)| word == kind).map(|(i, _)| i).collect();
    assert!(!places.is_empty(), "no {}", String::from_utf8_lossy(kind));
    for place in places {
        if let Some(number) = film.get_mut(place + 4 + at..place + 8 + at) {
            number.copy_from_slice(&value.to_be_bytes());
        }
    }
    film
}

#[test]
fn counts_of_four_billion_cost_nothing() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let tables = fs::read(crate::films::make(dir.path(), "b_frames.mp4")).expect("just made");
    let fragments = fs::read(crate::films::make(dir.path(), "fragmented.mp4")).expect("just made");
    let file = dir.path().join("hostile.mp4");
    let mut outcomes = Vec::new();
    for (film, kind, at) in [
        (&tables, b"stsz", 8),
        (&tables, b"stsz", 4),
        (&tables, b"stts", 4),
        (&tables, b"stts", 8),
        (&tables, b"ctts", 4),
        (&tables, b"ctts", 8),
        (&tables, b"stsc", 4),
        (&tables, b"stsc", 12),
        (&tables, b"stco", 4),
        (&tables, b"stss", 4),
        (&tables, b"stsd", 4),
        (&tables, b"elst", 4),
        (&fragments, b"trun", 4),
        (&fragments, b"tfhd", 8),
        (&fragments, b"trex", 16),
    ] {
        for value in [u32::MAX, u32::MAX - 1, 1 << 31, 0x00ff_ffff] {
            fs::write(&file, patch(film, kind, at, value)).expect("writable");
            outcomes.push(probe(&file).map_or_else(|error| error.code(), |_| "a film"));
        }
    }
    // All samples one byte long, as many as can be counted, at one place: the file pays for none of them.
    let constant = patch(&patch(&tables, b"stsz", 4, 1), b"stsz", 8, u32::MAX);
    fs::write(&file, patch(&constant, b"stsc", 12, u32::MAX)).expect("writable");
    outcomes.push(probe(&file).map_or_else(|error| error.code(), |_| "a film"));
    assert!(outcomes.contains(&"truncated"), "{outcomes:?}");
}

#[test]
fn a_film_without_time_is_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let film = fs::read(crate::films::make(dir.path(), "no_b_frames.mov")).expect("just made");
    let frozen = patch(&patch(&film, b"stts", 4, 1), b"stts", 12, 0);
    let file = dir.path().join("frozen.mov");
    fs::write(&file, frozen).expect("writable");
    assert_eq!(probe(&file).expect_err("no time passes").code(), "zero_duration");
}

/// Numbers that look like chance and are the same every time (xorshift64*).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }
}

/// Changes up to eight places: a byte, a number of four bytes, a hole, or the end.
fn mutate(film: &[u8], within: std::ops::Range<usize>, chance: &mut Chance) -> Vec<u8> {
    let mut film = film.to_vec();
    for _ in 0..=chance.below(8) {
        let at = within.start + chance.below(within.len());
        match chance.below(8) {
            0..=3 => film[at] = chance.below(256) as u8,
            4 | 5 => {
                let values = [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0x8000_0000, u32::MAX, chance.below(1 << 30) as u32];
                let value = values[chance.below(values.len())].to_be_bytes();
                film[at..].iter_mut().zip(value).for_each(|(byte, new)| *byte = new);
            }
            6 => film[at] ^= 1 << chance.below(8),
            _ => {
                let hole = chance.below(16).min(film.len() - at);
                film.drain(at..at + hole);
                if film.len() < within.end + 64 {
                    break;
                }
            }
        }
    }
    film
}

/// Thousands of damaged headers of one film.
fn check_damaged_headers(name: &str, headers: impl Fn(&[u8]) -> std::ops::Range<usize>, rounds: usize) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let film = fs::read(crate::films::make(dir.path(), name)).expect("just made");
    let (file, within, mut chance) = (dir.path().join("damaged"), headers(&film), Chance(0x5eed));
    let mut refused = 0;
    for _ in 0..rounds {
        fs::write(&file, mutate(&film, within.clone(), &mut chance)).expect("writable");
        refused += usize::from(probe(&file).is_err());
    }
    assert!(refused > rounds / 50, "only {refused} of {rounds} were refused: are the headers hit?");
}

#[test]
fn damaged_tables_of_contents_end_with_a_name() {
    let moov = |film: &[u8]| {
        let start = film.windows(4).position(|word| word == b"moov").expect("a table of contents");
        start..film.len() - 4
    };
    check_damaged_headers("b_frames.mp4", moov, 3000);
}

#[test]
fn damaged_fragments_end_with_a_name() {
    check_damaged_headers("fragmented.mp4", |_| 0..2500, 3000);
}

#[test]
fn damaged_clusters_end_with_a_name() {
    check_damaged_headers("clusters.mkv", |_| 0..1200, 3000);
    check_damaged_headers("i420.y4m", |_| 0..80, 1000);
    check_damaged_headers("av1.ivf", |_| 0..64, 1000);
}

#[test]
fn films_cut_anywhere_end_with_a_name() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for name in ["b_frames.mp4", "moov_first.mp4", "fragmented.mp4", "clusters.mkv", "vp9_opus.webm", "i420.y4m"] {
        let film = fs::read(crate::films::make(dir.path(), name)).expect("just made");
        let file = dir.path().join("cut");
        for length in (0..film.len()).step_by(film.len() / 150 + 1).chain(0..200) {
            fs::write(&file, &film[..length]).expect("writable");
            let _ = probe(&file);
        }
    }
}

/// Decodes what is left of a damaged film, whatever it is.
fn decode(file: &Path) -> Result<usize, MediaError> {
    let info = media::probe(file, &Tools::none())?;
    let mut source = FrameSource::open(file, &info, &Tools::none(), 0)?;
    let mut frames = 0;
    while source.next_frame()?.is_some() {
        frames += 1;
    }
    Ok(frames)
}

/// Damaged pictures are decoded, skipped, or end with a name.
fn check_damaged_pictures(name: &str, rounds: usize) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = crate::films::make(dir.path(), name);
    let film = fs::read(&path).expect("just made");
    let demuxer = media::demux::open(&path, &Limits::DEFAULT).expect("readable");
    let samples = demuxer.samples(0);
    let (file, mut chance) = (dir.path().join("damaged"), Chance(0xdead_beef));
    for _ in 0..rounds {
        let mut damaged = film.clone();
        for _ in 0..=chance.below(20) {
            let sample = samples[chance.below(samples.len())];
            let at = sample.offset as usize + chance.below(sample.size() as usize);
            damaged[at] = chance.below(256) as u8;
        }
        fs::write(&file, damaged).expect("writable");
        let started = Instant::now();
        let _ = decode(&file);
        assert!(started.elapsed() < Duration::from_secs(60), "a hang");
    }
}

#[test]
fn damaged_h264_pictures_do_no_harm() {
    check_damaged_pictures("b_frames.mp4", 100);
}

#[test]
fn damaged_av1_pictures_do_no_harm() {
    check_damaged_pictures("av1.mkv", 100);
}
