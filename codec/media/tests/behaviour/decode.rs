//! Frames come out in presentation order, at their times, upright, and look like what FFmpeg decodes.

use media::{Frame, FrameSource, MediaError, Tools};
use std::path::Path;

/// All frames from a time on.
fn frames(file: &Path, from_us: u64) -> Vec<Frame> {
    let tools = Tools::find();
    let info = media::probe(file, &tools).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut source = FrameSource::open(file, &info, &tools, from_us).expect("a film that can be decoded");
    let mut frames = Vec::new();
    while let Some(frame) = source.next_frame().expect("an undamaged film") {
        let (width, height) = info.video.as_ref().expect("pictures").upright_size();
        assert_eq!((frame.width, frame.height), (width, height));
        frames.push(frame);
    }
    frames
}

/// What FFmpeg makes of it: 8-bit 4:2:0, limited range, one picture after the other.
fn reference(file: &Path) -> Vec<u8> {
    let file = file.to_str().expect("a plain path");
    let output = [
        "-map",
        "0:v:0",
        "-vf",
        "scale=out_range=tv,format=yuv420p",
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "pipe:1",
    ];
    crate::oracle::ffmpeg(&[&["-i", file], &output[..]].concat())
}

/// Decoded from the start and from the middle, every frame is FFmpeg's (nearly: decoders may round) and at FFprobe's time.
fn check(file: &Path) {
    check_near(file, 1100, 1000);
}

/// `moved_us`: how much earlier than ours FFprobe's times are.
fn check_near(file: &Path, tolerance_us: u64, moved_us: u64) {
    let name = file.display();
    let start: f64 = crate::oracle::ffprobe(file, &["-show_entries", "format=start_time"])[0].parse().unwrap_or(0.0);
    let start = start.max(0.0); // before zero lies only what primes a decoder of sound
    let lines =
        crate::oracle::ffprobe(file, &["-select_streams", "v:0", "-show_entries", "frame=best_effort_timestamp_time"]);
    let seconds = lines.iter().filter_map(|line| line.split(',').next()?.parse::<f64>().ok());
    let times: Vec<u64> = seconds.map(|time| ((time - start) * 1e6).round() as u64).collect();
    let reference = reference(file);
    let size = reference.len() / times.len();
    for from_us in [0, 1_300_000] {
        let found = frames(file, from_us);
        let first = times.iter().position(|time| *time + moved_us >= from_us).expect("films are longer");
        assert_eq!(found.len(), times.len() - first, "{name}: number of frames from {from_us}");
        for (i, frame) in found.iter().enumerate() {
            let expected = times[first + i];
            assert!(
                frame.pts_us.abs_diff(expected) <= tolerance_us,
                "{name}: frame {i} at {} not {expected}",
                frame.pts_us
            );
            let pixels = &reference[(first + i) * size..(first + i + 1) * size];
            let error = mean_square_error(frame.i420(), pixels);
            // OpenH264 rounds direct prediction of parts of macroblocks otherwise, which adds up to the next keyframe; a
            // wrong picture differs by hundreds.
            assert!(error < 8.0, "{name}: frame {i} from {from_us} differs by {error}");
        }
    }
}

fn mean_square_error(found: &[u8], expected: &[u8]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let square = |(a, b): (&u8, &u8)| u64::from(a.abs_diff(*b)).pow(2);
    found.iter().zip(expected).map(square).sum::<u64>() as f64 / found.len() as f64
}

fn check_all(names: &[&str]) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for name in names {
        check(&crate::films::make(dir.path(), name));
    }
}

#[test]
fn h264_with_b_frames() {
    check_all(&["b_frames.mp4", "b_pyramid.mp4", "no_b_frames.mov", "b_frames.mkv", "clusters.mkv"]);
}

#[test]
fn h264_in_fragments() {
    check_all(&["fragmented.mp4", "fragmented_old.mp4", "fragmented_negative.mp4"]);
}

#[test]
fn h264_with_open_gops_and_few_keyframes() {
    check_all(&["open_gop.mp4", "open_gop.mkv", "one_keyframe.mp4"]);
}

#[test]
fn h264_with_odd_times() {
    check_all(&["ntsc.mp4", "ntsc.mkv", "picture_late.mp4", "both_late.mkv", "varying_rate.mp4"]);
}

#[test]
fn av1_in_all_its_containers() {
    check_all(&["av1.mp4", "av1.mkv", "av1.ivf"]);
}

#[test]
fn what_ffmpeg_decodes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for name in ["hevc10.mp4", "high10.mp4", "vp9_opus.webm", "mpeg2.ts", "mpeg2.mpg"] {
        check_near(&crate::films::make(dir.path(), name), 20_000, 1000); // on the grid of its rate, half a picture off at most
    }
}

#[test]
fn gaps_of_what_ffmpeg_decodes_are_filled() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    // Sound begins before the pictures, or a picture is missing at the start.
    for name in ["h264.ts", "h264.flv", "mpeg4.avi"] {
        let found = frames(&crate::films::make(dir.path(), name), 0);
        assert!((75..=76).contains(&found.len()), "{name}: {} frames", found.len());
        let times: Vec<u64> = found.iter().map(|frame| frame.pts_us).collect();
        let grid: Vec<u64> = (0..found.len() as u64).map(|i| i * 40_000).collect();
        assert_eq!(times, grid, "{name}");
    }
}

#[test]
fn full_range_is_squeezed() {
    check_all(&["full_range.mp4"]);
}

#[test]
fn a_film_cut_between_keyframes_begins_where_it_was_cut() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let cut = crate::films::cut(&crate::films::make(dir.path(), "b_frames.mp4"), "1.3", "cut.mp4");
    check_near(&cut, 21_000, 21_000); // FFmpeg moves the first picture to zero, where half of one is hidden
}

#[test]
fn turned_films_stand_upright() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let film = crate::films::make(dir.path(), "b_frames.mp4");
    for degrees in [90, 180, 270] {
        check(&crate::films::turned(&film, degrees, &format!("turned{degrees}.mp4")));
    }
}

#[test]
fn raw_pictures_in_all_their_layouts() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for name in ["i420.y4m", "grey.y4m"] {
        let file = crate::films::make(dir.path(), name);
        let reference = reference(&file);
        let found = frames(&file, 0);
        let size = reference.len() / found.len();
        for (frame, expected) in found.iter().zip(reference.chunks(size)) {
            // Grey pictures have the full range in FFmpeg's eyes; only i420 is the same to the bit.
            let bound = if name == "grey.y4m" { 400.0 } else { 0.0 };
            assert!(mean_square_error(frame.i420(), expected) <= bound, "{name} at {}", frame.pts_us);
        }
    }
    let found = frames(&crate::films::make(dir.path(), "i422.y4m"), 0);
    let expected = reference(&dir.path().join("i422.y4m"));
    assert!(mean_square_error(found[3].i420(), &expected[3 * 28_800..4 * 28_800]) < 40.0);
}

#[test]
fn a_stream_that_changes_its_size_keeps_the_first() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let found = frames(&crate::films::two_sizes(dir.path()), 0);
    assert_eq!(found.len(), 100);
    assert!(found.iter().all(|frame| (frame.width, frame.height) == (160, 120)));
}

#[test]
fn damage_ends_with_the_next_keyframe() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = crate::films::make(dir.path(), "b_frames.mp4");
    let whole = frames(&file, 0).len();
    let demuxer = media::demux::open(&file, &media::Limits::DEFAULT).expect("readable");
    let mut bytes = std::fs::read(&file).expect("just made");
    for sample in &demuxer.samples(0)[30..34] {
        let start = sample.offset as usize + 8;
        bytes[start..start + sample.size() as usize - 8].fill(0xa5);
    }
    std::fs::write(&file, bytes).expect("writable");
    let left = frames(&file, 0).len();
    assert!(left + 20 >= whole && left <= whole, "{left} of {whole} frames");
}

#[test]
fn a_stream_of_noise_ends_with_a_name() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = crate::films::make(dir.path(), "one_keyframe.mp4");
    let demuxer = media::demux::open(&file, &media::Limits::DEFAULT).expect("readable");
    let info = media::probe(&file, &Tools::none()).expect("readable");
    let mut bytes = std::fs::read(&file).expect("just made");
    for sample in demuxer.samples(0) {
        bytes[sample.offset as usize..][..sample.size() as usize].fill(0xa5);
    }
    std::fs::write(&file, bytes).expect("writable");
    let mut source = FrameSource::open(&file, &info, &Tools::none(), 0).expect("opens");
    assert!(matches!(source.next_frame(), Err(MediaError::CorruptVideo { .. })));
}

#[test]
fn frames_share_their_pixels_and_pools_take_them_back() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = crate::films::make(dir.path(), "no_b_frames.mov");
    let info = media::probe(&file, &Tools::none()).expect("readable");
    let mut source = FrameSource::open(&file, &info, &Tools::none(), 0).expect("opens");
    let mut buffers = std::collections::HashSet::new();
    while let Some(frame) = source.next_frame().expect("undamaged") {
        let copy = frame.clone();
        assert_eq!(copy.i420().as_ptr(), frame.i420().as_ptr());
        buffers.insert(frame.i420().as_ptr() as usize);
    }
    assert!(buffers.len() <= 8, "{} buffers for 75 frames", buffers.len());
}
