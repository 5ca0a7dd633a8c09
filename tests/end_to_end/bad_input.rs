//! Bad input gets a clear error and loses nothing: every upload of the corpus ends in a `failed` job with a stable code and
//! a sentence, or in a playable title; the program lives, its memory does not follow a number in a header, and the next
//! good upload is not blocked.

use crate::media;
use crate::program::Program;
use std::path::Path;
use std::time::Instant;

/// What an upload must come to.
enum Comes {
    /// Refused at once, with this problem code.
    Refused(u16),
    /// A failed job with one of these codes.
    Failed(&'static [&'static str]),
    Playable,
    /// A failed job or a playable title: the file decides, but it must be one of them.
    Either,
}
use Comes::{Either, Failed, Playable, Refused};

/// Memory that one bad file may cost, bytes. The largest file of the corpus is far smaller.
const GROWTH_MAX: u64 = 400 << 20;

fn check(program: &Program, name: &str, bytes: &[u8], expected: Comes) {
    let (rss, start) = (program.rss(), Instant::now());
    if let Refused(status) = expected {
        let got = program.upload(bytes, "title=bad");
        assert_eq!(got.status, status, "{name}: {}", got.text());
        assert!(got.json()["code"].is_string() && got.json()["detail"].is_string(), "{name}: {}", got.text());
        return;
    }
    let (id, status) = program.ingest(bytes, "title=bad");
    let code = status["error"]["code"].as_str().unwrap_or_default();
    let sentence = status["error"]["detail"].as_str().unwrap_or_default();
    let playable = status["playable"].as_bool().expect("a flag");
    println!("{name}: {} {code} \"{sentence}\" in {:?}", status["state"], start.elapsed());
    match (status["state"].as_str(), expected) {
        (Some("ready"), Playable | Either) => assert!(playable, "{name}: published empty: {status}"),
        (Some("failed"), Failed(codes)) => assert!(codes.contains(&code), "{name}: {status}"),
        (Some("failed"), Either) => {}
        _ => panic!("{name}: {status}"),
    }
    if status["state"] == "failed" {
        assert!(
            !code.is_empty() && code.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit()),
            "{name}: {status}"
        );
        assert!(sentence.contains(' ') && sentence.len() > 20, "{name}: not a sentence: {status}");
    }
    let master = program.through_edge(&format!("/v/{id}/master.m3u8"));
    assert_eq!(master.status == 200, playable, "{name}: {}", master.text());
    if playable {
        assert!(master.text().contains("#EXT-X-STREAM-INF"), "{name}: {}", master.text());
    }
    let grown = program.rss().saturating_sub(rss);
    assert!(grown < GROWTH_MAX, "{name} cost {grown} bytes of memory");
}

/// Puts `count` into the 32-bit entry count of the first `kind` box.
fn with_count(movie: &[u8], kind: &[u8; 4], offset: usize, count: u32) -> Vec<u8> {
    let mut bytes = movie.to_vec();
    let at = bytes.windows(4).position(|window| window == kind).expect("the box is there") + 4 + offset;
    bytes[at..at + 4].copy_from_slice(&count.to_be_bytes());
    bytes
}

fn without_box(movie: &[u8], kind: &[u8; 4]) -> Vec<u8> {
    let mut bytes = movie.to_vec();
    let at = bytes.windows(4).position(|window| window == kind).expect("the box is there");
    bytes[at..at + 4].copy_from_slice(b"free");
    bytes
}

fn encoded(folder: &Path, name: &str, arguments: &str) -> Vec<u8> {
    std::fs::read(media::make(folder, name, arguments)).expect("written")
}

#[test]
fn every_bad_upload_ends_with_a_reason_or_a_playable_title() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let program = Program::serve(&at.join("data"), &[]);
    let movie = media::movie(at, 4, "320x180");
    let picture = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=2";
    let sound = "-f lavfi -i sine=440:duration=2";
    let html = b"<!DOCTYPE html><html><body>404 Not Found</body></html>".repeat(20);
    let playlist = b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:6.0,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";

    check(&program, "empty", b"", Refused(400));
    check(&program, "zeros", &vec![0; 1 << 20], Failed(&["not_media"]));
    check(&program, "HTML", &html, Failed(&["not_media"]));
    check(&program, "a playlist", playlist, Failed(&["is_playlist"]));
    check(
        &program,
        "random",
        &(0..1 << 18).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>(),
        Failed(&["not_media"]),
    );
    check(&program, "moov missing", &without_box(&movie, b"moov"), Failed(&["no_moov"]));
    check(&program, "cut in half", &movie[..movie.len() / 2], Either);
    check(&program, "cut in the header", &movie[..600], Failed(&["truncated", "no_moov", "no_samples"]));
    for kind in [b"stsz", b"stts", b"stsc", b"stco", b"ctts", b"stss"] {
        let offset = if kind == b"stsz" { 8 } else { 4 };
        let name = format!("2^32-1 entries in {}", String::from_utf8_lossy(kind));
        check(&program, &name, &with_count(&movie, kind, offset, u32::MAX), Either);
    }
    check(&program, "no samples", &with_count(&movie, b"stsz", 8, 0), Either);
    check(&program, "audio only", &encoded(at, "sound.m4a", &format!("{sound} -c:a aac -f mp4")), Playable);
    check(
        &program,
        "video only",
        &encoded(at, "silent.mp4", &format!("{picture} -c:v libx264 -pix_fmt yuv420p")),
        Playable,
    );
    check(
        &program,
        "one frame",
        &encoded(at, "one.mp4", &format!("{picture} -frames:v 1 -c:v libx264 -pix_fmt yuv420p")),
        Playable,
    );
    check(
        &program,
        "HEVC in 10 bits",
        &encoded(at, "ten.mp4", &format!("{picture} -c:v libx265 -x265-params log-level=none -pix_fmt yuv420p10le")),
        Playable,
    );
    check(&program, "MPEG-2", &encoded(at, "a.mpg", &format!("{picture} {sound} -c:v mpeg2video -c:a mp2")), Playable);
    check(&program, "a good one after all that", &movie, Playable);
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).expect("made");
    let mounted =
        std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=160m", "tmpfs"]).arg(&disk).status();
    assert!(mounted.is_ok_and(|status| status.success()), "this test mounts a small tmpfs; run it as root");
    let outcome = std::panic::catch_unwind(|| {
        let program = Program::serve(&disk.join("data"), &[]);
        let before = used(&disk);
        let got = program.upload(&vec![7; 150 << 20], "title=large");
        assert_eq!(got.status, 507, "{}", got.text());
        assert_eq!(got.json()["code"], "disk_full", "{}", got.text());
        assert!(used(&disk) < before + (1 << 20), "the upload's temporary file must be gone");
        let (_, status) = program.ingest(&media::movie(folder.path(), 2, "320x180"), "title=small");
        assert_eq!(status["state"], "ready", "{status}");
    });
    let unmounted = std::process::Command::new("umount").arg("-l").arg(&disk).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

fn used(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable"));
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => used(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}
