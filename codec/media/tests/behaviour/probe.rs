//! Probing says what is in a file, who decodes it, and in a sentence why a file is refused.

use media::source_info::{Chroma, Container, DecodeBy};
use media::{SourceInfo, Tools, VideoInfo};
use std::path::Path;

fn probe(file: &Path) -> SourceInfo {
    media::probe(file, &Tools::find()).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn film(name: &str) -> SourceInfo {
    let dir = tempfile::tempdir().expect("a temporary folder");
    probe(&crate::films::make(dir.path(), name))
}

fn video(name: &str) -> VideoInfo {
    film(name).video.expect("a film with pictures")
}

/// The facts that decide what happens to a film: container, codec, who decodes, whether it passes through, frame rate.
fn check(name: &str, container: Container, codec: &str, decode_by: DecodeBy, passthrough: bool) {
    let info = film(name);
    let video = info.video.as_ref().expect("a film with pictures");
    let found = (info.container, video.codec.name(), video.decode_by, video.passthrough);
    assert_eq!(found, (container, codec, decode_by, passthrough), "{name}");
    assert_eq!((video.frame_rate.num, video.frame_rate.den), (25, 1), "{name}");
    assert_eq!((video.width, video.height), (160, 120), "{name}");
    assert!((2_900_000..=3_200_000).contains(&info.duration_us), "{name}: {} us", info.duration_us);
    assert!(video.frames.abs_diff(75) <= 1, "{name}: {} pictures", video.frames);
}

#[test]
fn what_is_decoded_natively() {
    check("b_frames.mp4", Container::Mp4, "H.264", DecodeBy::Native, true);
    check("fragmented.mp4", Container::Mp4, "H.264", DecodeBy::Native, true);
    check("no_b_frames.mov", Container::Mp4, "H.264", DecodeBy::Native, true);
    check("b_frames.mkv", Container::Matroska, "H.264", DecodeBy::Native, true);
    check("av1.mp4", Container::Mp4, "AV1", DecodeBy::Native, false);
    check("av1.mkv", Container::Matroska, "AV1", DecodeBy::Native, false);
    check("av1.ivf", Container::Ivf, "AV1", DecodeBy::Native, false);
}

#[test]
fn what_ffmpeg_decodes() {
    check("high10.mp4", Container::Mp4, "H.264", DecodeBy::Ffmpeg, false);
    check("full_chroma.mp4", Container::Mp4, "H.264", DecodeBy::Ffmpeg, false);
    check("interlaced.mp4", Container::Mp4, "H.264", DecodeBy::Ffmpeg, false);
    check("av1_10.mkv", Container::Matroska, "AV1", DecodeBy::Ffmpeg, false);
    check("hevc10.mp4", Container::Mp4, "HEVC", DecodeBy::Ffmpeg, false);
    check("vp9_opus.webm", Container::Matroska, "VP9", DecodeBy::Ffmpeg, false);
    check("mpeg2.ts", Container::MpegTs, "mpeg2video", DecodeBy::Ffmpeg, false);
    check("mpeg2.mpg", Container::MpegPs, "mpeg2video", DecodeBy::Ffmpeg, false);
    check("h264.ts", Container::MpegTs, "H.264", DecodeBy::Ffmpeg, false);
    check("mpeg4.avi", Container::Avi, "mpeg4", DecodeBy::Ffmpeg, false);
    check("h264.flv", Container::Flv, "H.264", DecodeBy::Ffmpeg, false);
    check("bare.h264", Container::H264AnnexB, "H.264", DecodeBy::Ffmpeg, false);
}

#[test]
fn pixels_are_described() {
    let of = |name| {
        let video = video(name);
        (video.bit_depth, video.chroma, video.interlaced)
    };
    assert_eq!(of("b_frames.mp4"), (8, Chroma::C420, false));
    assert_eq!(of("high10.mp4"), (10, Chroma::C420, false));
    assert_eq!(of("hevc10.mp4"), (10, Chroma::C420, false));
    assert_eq!(of("av1_10.mkv"), (10, Chroma::C420, false));
    assert_eq!(of("full_chroma.mp4"), (8, Chroma::C444, false));
    assert!(of("interlaced.mp4").2);
    assert!(video("full_range.mp4").colour.is_some_and(|colour| colour.full_range));
}

#[test]
fn usual_rates_are_recognised_in_any_clock() {
    for name in ["ntsc.mp4", "ntsc.mkv", "i420.y4m"] {
        let video = video(name);
        assert_eq!((video.frame_rate.num, video.frame_rate.den, video.constant_rate), (30_000, 1001, true), "{name}");
    }
    assert!(!video("varying_rate.mp4").constant_rate);
}

#[test]
fn wide_pixels_widen_the_picture() {
    for name in ["wide_pixels.mp4", "wide_pixels.mkv"] {
        let video = video(name);
        assert_eq!((video.pixel_aspect.num, video.pixel_aspect.den), (4, 3), "{name}");
        assert_eq!(video.display_size(), (213, 120), "{name}");
    }
}

#[test]
fn a_turned_film_stands_upright_and_is_encoded_again() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let film = crate::films::make(dir.path(), "b_frames.mp4");
    for degrees in [90, 180, 270] {
        let turned = crate::films::turned(&film, degrees, &format!("turned{degrees}.mp4"));
        let info = probe(&turned);
        let video = info.video.expect("pictures");
        // What the file says is what FFprobe reads out of it, counter-clockwise.
        let side =
            crate::oracle::ffprobe(&turned, &["-select_streams", "v:0", "-show_entries", "stream_side_data=rotation"]);
        let angle: i32 = side.iter().find_map(|line| line.parse().ok()).expect("FFprobe sees the rotation");
        assert_eq!(i32::from(video.rotation), (-angle).rem_euclid(360));
        assert_eq!(video.display_size(), if degrees == 180 { (160, 120) } else { (120, 160) });
        assert!(!video.passthrough);
    }
}

#[test]
fn keyframes_are_where_ffprobe_sees_them() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let film = crate::films::make(dir.path(), "b_frames.mp4");
    let expected: Vec<u64> = crate::oracle::pictures(&film)
        .iter()
        .filter(|(_, key)| *key)
        .map(|(time, _)| (time * 1e6).round() as u64)
        .collect();
    assert_eq!(probe(&film).video.expect("pictures").keyframes_us, expected);
}

#[test]
fn a_film_cut_between_keyframes_does_not_pass_through() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let cut = crate::films::cut(&crate::films::make(dir.path(), "b_frames.mp4"), "1.3", "cut.mp4");
    let video = probe(&cut).video.expect("pictures");
    assert_eq!((video.passthrough, video.decode_by), (false, DecodeBy::Native));
    assert!(video.start_us < 40_000, "begins at {}", video.start_us); // the cut need not lie between two pictures
    assert!(video.frames.abs_diff(43) <= 1, "{} pictures", video.frames);
}

#[test]
fn sound_is_described() {
    let of = |name| {
        let audio = film(name).audio.expect("a film with sound");
        (audio.codec.name().to_owned(), audio.sample_rate, audio.channels, audio.decode_by, audio.passthrough)
    };
    assert_eq!(of("b_frames.mp4"), ("AAC".to_owned(), 48_000, 1, DecodeBy::Native, true));
    assert_eq!(of("b_frames.mkv"), ("AAC".to_owned(), 48_000, 1, DecodeBy::Native, true));
    assert_eq!(of("vp9_opus.webm"), ("Opus".to_owned(), 48_000, 1, DecodeBy::Native, false));
    assert_eq!(of("ac3.mp4"), ("ac3".to_owned(), 48_000, 1, DecodeBy::Ffmpeg, false));
    assert_eq!(of("pcm.mov"), ("PCM".to_owned(), 48_000, 1, DecodeBy::Ffmpeg, false));
    assert_eq!(of("sound_only.mp4"), ("AAC".to_owned(), 48_000, 1, DecodeBy::Native, true));
    assert_eq!(of("sound_only.wav"), ("PCM".to_owned(), 48_000, 1, DecodeBy::Ffmpeg, false));
    assert_eq!(of("sound_only.mp3"), ("MP3".to_owned(), 48_000, 1, DecodeBy::Ffmpeg, false));
    assert!(film("sound_only.mp4").video.is_none());
    let late = film("sound_late.mp4").audio.expect("sound").start_us;
    assert!((450_000..=505_000).contains(&late), "{late}");
}

#[test]
fn without_ffmpeg_a_sentence_says_what_to_install() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, what) in [
        ("hevc10.mp4", "HEVC video"),
        ("high10.mp4", "10-bit H.264 video"),
        ("interlaced.mp4", "Interlaced H.264 video"),
        ("vp9_opus.webm", "VP9 video"),
        ("mpeg2.ts", "MPEG transport stream"),
        ("ac3.mp4", "ac-3 sound"),
    ] {
        let error = media::probe(&crate::films::make(dir.path(), name), &Tools::none()).expect_err("cannot be decoded");
        assert_eq!(error.code(), "needs_ffmpeg", "{name}");
        let sentence = error.to_string();
        assert!(sentence.contains(what) && sentence.contains("apt install ffmpeg"), "{name}: {sentence}");
    }
    for name in ["b_frames.mp4", "clusters.mkv", "av1.mp4", "i420.y4m"] {
        let info = media::probe(&crate::films::make(dir.path(), name), &Tools::none()).expect("native");
        assert_eq!(info.video.expect("pictures").decode_by, DecodeBy::Native, "{name}");
    }
}
