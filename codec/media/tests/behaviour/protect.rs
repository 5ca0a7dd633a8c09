//! What is encrypted: an outsider with the key sees and hears what the clear rendition shows, one without it nothing; slices and tiles are
//! encrypted from where an outsider's reader says that their headers end.

use crate::asset::{Asset, Rendition};
use media::clip::ClipSpec;
use std::path::Path;
use std::process::Command;
use wire::cmaf;
use wire::cmaf::protect::{ContentKey, Protected};
use wire::mp4::senc::Senc;
use wire::mp4::{boxes, child};
use wire::presentation::Ratio;

fn key() -> ContentKey {
    ContentKey { id: *b"a key's own name", key: *b"0123456789abcdef" }
}

fn encrypted(clear: &Rendition) -> Rendition {
    let (init, protected) = Protected::new(&clear.init, &key()).unwrap();
    let segments =
        clear.segments.iter().map(|(segment, bytes)| (*segment, protected.segment(bytes).unwrap())).collect();
    Rendition { track: clear.track.clone(), init, segments }
}

/// A hash of each decoded picture or frame of sound.
fn decoded(file: &Path, key: Option<&str>) -> Vec<u8> {
    let key = key.map_or(Vec::new(), |key| vec!["-decryption_key", key]);
    crate::oracle::ffmpeg(
        &[&key[..], &["-i", file.to_str().unwrap(), "-map", "0", "-f", "framemd5", "pipe:1"]].concat(),
    )
}

fn check(clear: &Rendition, folder: &Path) {
    let plain = decoded(&clear.write(folder), None);
    assert!(plain.split(|byte| *byte == b'\n').count() > 20, "something is decoded");
    let locked = encrypted(clear);
    let file = locked.write(folder);
    let hex: String = key().key.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(decoded(&file, Some(&hex)) == plain, "{} with its key", clear.track.name);
    for ((_, clear), (_, locked)) in clear.segments.iter().zip(&locked.segments) {
        let (clear, locked) = (cmaf::read_segment(clear).unwrap(), cmaf::read_segment(locked).unwrap());
        assert_eq!(clear.samples.len(), locked.samples.len());
        assert_eq!(
            (clear.sequence, clear.timescale, clear.base_decode_time, clear.earliest_presentation_time),
            (locked.sequence, locked.timescale, locked.base_decode_time, locked.earliest_presentation_time)
        );
        for (a, b) in clear.samples.iter().zip(&locked.samples) {
            assert_eq!(
                (a.data.len(), a.duration, a.composition_offset, a.sync),
                (b.data.len(), b.duration, b.composition_offset, b.sync)
            );
            assert!(a.data != b.data || a.data.len() < 64, "a sample of {} bytes is as it was", a.data.len());
        }
    }
}

fn small(audio: bool) -> ClipSpec {
    let frame_rate = Ratio { num: 10, den: 1 };
    ClipSpec { seconds: 5, width: 320, height: 180, frame_rate, keyframe_every: 20, bitrate: 400_000, audio }
}

#[test]
fn pictures_and_sound_come_back_with_the_key() {
    let asset = Asset::clip(&small(true));
    check(&asset.video(), asset.dir.path());
    check(&asset.audio(), asset.dir.path());
}

#[test]
fn av1_of_our_encoder_comes_back_with_the_key() {
    let asset = Asset::clip(&small(false)).without_passthrough(&[180, 144]);
    for rendition in asset.encoded() {
        check(&rendition, asset.dir.path());
        if rendition.track.codec.starts_with("av01") {
            tiles_end_where_they_should(&rendition, asset.dir.path());
        }
    }
}

#[test]
fn slices_are_encrypted_from_the_byte_after_their_headers() {
    for options in [
        "-c:v libx264 -bf 3 -g 25 -x264-params slices=4:weightp=2:b-pyramid=normal:ref=5",
        "-c:v libx264 -profile:v baseline -g 25 -x264-params slices=2",
        "-c:v libx264 -profile:v main -bf 2 -g 25 -x264-params weightb=1:direct=temporal:open-gop=0",
    ] {
        let film = format!("-f lavfi -i testsrc2=s=320x180:r=25:d=2 -vf fade=in:0:40,format=yuv420p {options}");
        let asset = Asset::made("mp4", &film);
        let clear = asset.video();
        check(&clear, asset.dir.path());
        let expected = header_ends(&clear.write(asset.dir.path()), "Slice Header");
        let found = first_encrypted(&encrypted(&clear));
        assert_eq!(expected.len(), found.len(), "slices");
        for (slice, (expected, found)) in expected.iter().zip(&found).enumerate() {
            let Some(found) = found else { continue };
            assert_eq!(expected, found, "slice {slice} of {options}");
        }
    }
}

/// Where the header of each slice or frame ends, in bytes from its unit's first, as FFmpeg reads it.
fn header_ends(file: &Path, what: &str) -> Vec<usize> {
    let options = ["-nostdin", "-v", "verbose", "-i", file.to_str().unwrap()];
    let copy = ["-map", "0", "-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-"];
    let output = Command::new("ffmpeg").args(options).args(copy).output().expect("FFmpeg runs");
    let (mut ends, mut bits, mut inside) = (Vec::new(), 0, false);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let traced = text.lines().map(|line| match line.find("[trace_headers") {
        Some(at) => line[at..].split_once("] ").map_or("", |(_, rest)| rest),
        None => "",
    });
    for line in traced.chain(["end"]) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [at, _, value, "=", _] if at.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits = at.parse::<usize>().unwrap() + value.len();
            }
            [at, _, "=", _] if at.bytes().all(|byte| byte.is_ascii_digit()) => {}
            [] => {}
            _ => {
                if inside {
                    ends.push(bits.div_ceil(8));
                }
                inside = line == what;
            }
        }
    }
    ends
}

fn information(segment: &[u8]) -> Senc {
    let moof = child(b"file", segment, b"moof").unwrap().unwrap();
    let traf = child(b"moof", moof, b"traf").unwrap().unwrap();
    Senc::read(child(b"traf", traf, b"senc").unwrap().unwrap()).unwrap()
}

/// First and last byte of each encrypted stretch of each sample.
fn stretches(rendition: &Rendition) -> Vec<(Vec<u8>, Vec<std::ops::Range<usize>>)> {
    let mut found = Vec::new();
    for (_, bytes) in &rendition.segments {
        let said = information(bytes);
        for (sample, said) in cmaf::read_segment(bytes).unwrap().samples.iter().zip(&said.samples) {
            let (mut at, mut ranges) = (0, Vec::new());
            for one in said {
                let start = at + usize::from(one.clear);
                at = start + one.protected as usize;
                if one.protected > 0 {
                    ranges.push(start..at);
                }
            }
            assert_eq!(at, sample.data.len(), "what is said covers the sample");
            found.push((sample.data.to_vec(), ranges));
        }
    }
    found
}

/// For each slice, in bytes from its NAL header; none for one that is too short to be encrypted.
fn first_encrypted(rendition: &Rendition) -> Vec<Option<usize>> {
    let mut found = Vec::new();
    for (sample, ranges) in stretches(rendition) {
        let mut at = 0;
        while at < sample.len() {
            let length = u32::from_be_bytes(sample[at..at + 4].try_into().unwrap()) as usize;
            let nal = at + 4..at + 4 + length;
            let range = ranges.iter().find(|range| nal.contains(&range.start));
            if matches!(sample[nal.start] & 31, 1 | 5) {
                assert!(range.is_none_or(|range| range.end == nal.end), "a slice is encrypted to its end");
                found.push(range.map(|range| range.start - nal.start));
            } else {
                assert_eq!(range, None, "only slices are encrypted");
            }
            at = nal.end;
        }
    }
    found
}

fn tiles_end_where_they_should(clear: &Rendition, folder: &Path) {
    // A unit that is a frame: its header, then its one tile.
    let expected = header_ends(&clear.write(folder), "Frame Header");
    let mut frames = expected.iter();
    for (sample, ranges) in stretches(&encrypted(clear)) {
        let (mut at, mut ranges) = (0, ranges.iter());
        for unit in media::encode::obu::units(&sample) {
            if matches!(unit.kind, 3 | 6) {
                let header = *frames.next().expect("FFmpeg has seen as many frames");
                let whole = (unit.bytes.len() - header) / 16 * 16;
                if unit.kind == 6 && whole > 0 {
                    let end = at + unit.bytes.len();
                    assert_eq!(ranges.next(), Some(&(end - whole..end)));
                }
            }
            at += unit.bytes.len();
        }
        assert_eq!(ranges.next(), None);
    }
    assert_eq!(frames.next(), None);
}

#[test]
fn a_header_says_what_it_was_and_how_it_is_encrypted() {
    let asset = Asset::clip(&small(true));
    for (rendition, original, pattern) in [(asset.video(), b"avc1", (1, 9)), (asset.audio(), b"mp4a", (0, 0))] {
        let (init, _) = Protected::new(&rendition.init, &key()).unwrap();
        let moov = child(b"file", &init, b"moov").unwrap().unwrap();
        let pssh = child(b"moov", moov, b"pssh").unwrap().unwrap();
        assert_eq!(wire::mp4::pssh::read(pssh), Ok(key().id));
        let way: [&[u8; 4]; 5] = [b"trak", b"mdia", b"minf", b"stbl", b"stsd"];
        let stsd = way.iter().fold(moov, |body, kind| child(b"moov", body, kind).unwrap().unwrap());
        let (kind, entry, _) = boxes(b"stsd", &stsd[8..]).next().unwrap().unwrap();
        let fields = if kind == *b"encv" { 78 } else { 28 };
        let sinf = child(b"encv", &entry[fields..], b"sinf").unwrap().unwrap();
        let sinf = wire::mp4::sinf::Sinf::read(sinf).unwrap();
        assert_eq!((&sinf.original.0, &sinf.scheme.0), (original, b"cbcs"));
        assert_eq!((sinf.tenc.pattern, sinf.tenc.key_id, sinf.tenc.constant_iv), (pattern, key().id, key().iv()));
    }
}
