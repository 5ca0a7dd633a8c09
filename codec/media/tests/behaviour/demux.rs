//! Containers become the same index of samples that FFprobe sees: every picture at its time on a timeline that starts at
//! zero, edit lists applied, sound and pictures in step.

use media::Limits;
use media::demux::{self, Demuxer};
use media::packet::MediaKind;
use std::path::Path;

/// The shown pictures (or heard packets) of a film are where FFprobe says, less the time at which the file starts.
fn check(name: &str) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    check_file(&crate::films::make(dir.path(), name), 0.002);
}

fn check_file(file: &Path, tolerance: f64) {
    let demuxer = demux::open(file, &Limits::DEFAULT).expect("a film that is read natively");
    let start: f64 = crate::oracle::ffprobe(file, &["-show_entries", "format=start_time"])[0].parse().unwrap_or(0.0);
    let start = start.max(0.0); // before zero lies only what primes a decoder of sound
    let mut checked = 0;
    for track in 0..demuxer.tracks().len() {
        let (select, entry) = match demuxer.track(track).kind {
            MediaKind::Video => ("v:0", "frame=pts_time"),
            MediaKind::Audio => ("a:0", "frame=pts_time"),
        };
        let lines = crate::oracle::ffprobe(file, &["-select_streams", select, "-show_entries", entry]);
        let expected: Vec<f64> =
            lines.iter().filter_map(|line| line.parse().ok()).map(|time: f64| time - start).collect();
        let found = shown(&demuxer, track);
        assert_near(&found, &expected, tolerance, &format!("{} track {track}", file.display()));
        checked += 1;
    }
    assert!(checked > 0);
}

/// Times in seconds of what is shown, ascending.
fn shown(demuxer: &Demuxer, track: usize) -> Vec<f64> {
    let source = demuxer.track(track);
    let end = source.edit.end.unwrap_or(i64::MAX);
    // A frame of sound that is partly heard counts as heard from zero on.
    let audio = source.kind == MediaKind::Audio;
    let begins = |pts: i64, duration: u32| if audio && pts < 0 && pts + i64::from(duration) > 0 { 0 } else { pts };
    let samples = demuxer.samples(track).iter();
    let mut times: Vec<i64> = samples.map(|sample| begins(sample.pts, sample.duration)).collect();
    times.retain(|time| *time >= 0 && *time < end);
    times.sort_unstable();
    times.into_iter().map(|time| source.to_us(time) as f64 / 1e6).collect()
}

fn assert_near(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    // The last frame of sound that FFmpeg's decoder gives may be the padding behind the end.
    assert!(found.len().abs_diff(expected.len()) <= 1, "{what}: {} times instead of {}", found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "{what}: time {i} is {found}, FFprobe says {expected}");
    }
}

#[test]
fn b_frames_of_mp4_are_at_their_times() {
    check("b_frames.mp4");
    check("b_pyramid.mp4");
    check("no_b_frames.mov");
}

#[test]
fn the_table_of_contents_may_come_first() {
    check("moov_first.mp4");
}

#[test]
fn fragments_are_read_like_tables() {
    check("fragmented.mp4");
    check("fragmented_old.mp4");
    check("fragmented_negative.mp4");
}

#[test]
fn tracks_that_begin_later_stay_in_step() {
    check("sound_late.mp4");
    check("picture_late.mp4");
    check("both_late.mkv");
}

#[test]
fn an_edit_list_hides_what_was_cut_off() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let whole = crate::films::make(dir.path(), "b_frames.mp4");
    let cut = crate::films::cut(&whole, "1.3", "cut.mp4");
    check_file(&cut, 0.021); // FFmpeg moves the first picture to zero, where half of one is hidden
    let demuxer = demux::open(&cut, &Limits::DEFAULT).expect("readable");
    assert!(demuxer.samples(0).iter().any(|sample| sample.pts < 0), "the hidden start is kept for the decoder");
    assert!(demuxer.samples(0)[0].sync(), "and begins with its keyframe");
}

#[test]
fn matroska_is_read_with_its_clusters_and_lacing() {
    check("b_frames.mkv");
    check("clusters.mkv");
    check("vp9_opus.webm");
}

#[test]
fn other_codecs_and_containers_are_indexed() {
    for name in ["av1.mp4", "av1.mkv", "av1.ivf", "hevc10.mp4", "i420.y4m", "varying_rate.mp4"] {
        check(name);
    }
}

#[test]
fn matroska_times_are_put_back_on_the_grid_of_their_rate() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let demuxer = demux::open(&crate::films::make(dir.path(), "ntsc.mkv"), &Limits::DEFAULT).expect("readable");
    let durations: Vec<u32> = demuxer.samples(0).iter().map(|sample| sample.duration).collect();
    assert_eq!(demuxer.track(0).timescale, 30_000);
    assert!(durations.len() == 90 && durations.iter().all(|duration| *duration == 1001), "{durations:?}");
}

#[test]
fn decode_times_rise_and_durations_fill_the_gaps() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for name in ["b_pyramid.mp4", "b_frames.mkv", "fragmented.mp4", "varying_rate.mp4"] {
        let demuxer = demux::open(&crate::films::make(dir.path(), name), &Limits::DEFAULT).expect("readable");
        let samples = demuxer.samples(0);
        for pair in samples.windows(2) {
            assert_eq!(pair[0].dts + i64::from(pair[0].duration), pair[1].dts, "{name}");
        }
        let first = samples.iter().map(|sample| sample.pts).min();
        assert_eq!(first, samples.first().map(|sample| sample.dts), "{name}");
    }
}

#[test]
fn packets_hold_the_samples_bytes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for name in ["b_frames.mp4", "b_frames.mkv"] {
        let file = crate::films::make(dir.path(), name);
        let lines = crate::oracle::ffprobe(&file, &["-select_streams", "v:0", "-show_entries", "packet=size"]);
        let sizes: Vec<usize> = lines.iter().filter_map(|line| line.parse().ok()).collect();
        let demuxer = demux::open(&file, &Limits::DEFAULT).expect("readable");
        let found: Vec<usize> =
            (0..demuxer.samples(0).len()).map(|i| demuxer.read(0, i).expect("in the file").data.len()).collect();
        assert_eq!(found, sizes, "{name}");
    }
}

#[test]
fn seeking_finds_the_keyframe_before() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let demuxer = demux::open(&crate::films::make(dir.path(), "b_frames.mp4"), &Limits::DEFAULT).expect("readable");
    let track = demuxer.track(0);
    for (us, expected) in [(0, 0), (999_000, 0), (1_000_000, 1_000_000), (2_500_000, 2_000_000), (9_000_000, 2_000_000)]
    {
        let found = demuxer.samples(0)[demuxer.keyframe_before(0, track.to_ticks(us))];
        assert!(found.sync());
        assert_eq!(track.to_us(found.pts), expected, "before {us}");
    }
}

#[test]
fn open_gops_are_no_places_to_start() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for name in ["open_gop.mp4", "open_gop.mkv"] {
        let demuxer = demux::open(&crate::films::make(dir.path(), name), &Limits::DEFAULT).expect("readable");
        let starts = demuxer.samples(0).iter().filter(|sample| sample.sync()).count();
        let marked = crate::oracle::pictures(&dir.path().join(name)).iter().filter(|(_, key)| *key).count();
        assert!(starts >= 1 && starts < marked, "{name}: {starts} of {marked} keyframes");
    }
}
