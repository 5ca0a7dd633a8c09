//! What is published without encoding pictures: every sample of the source once, in segments cut where the plan says, on
//! one timeline with the sound, playable by an outsider.

use crate::asset::Asset;
use media::clip::ClipSpec;
use media::{Ladder, MediaError, Plan, Tools};
use wire::cmaf;
use wire::presentation::{Ratio, Segment};

#[test]
fn pictures_and_sound_of_the_clip_are_cut_on_one_grid() {
    let asset = Asset::clip(&ClipSpec::default());
    let (video, audio) = (asset.video(), asset.audio());
    assert_eq!((video.track.name.as_str(), audio.track.name.as_str()), ("h264-360", "aac-und"));
    video.check_timeline();
    audio.check_timeline();
    assert_eq!(video.starts_us(), [0, 4_000_000, 8_000_000]);
    for (start, cut) in audio.starts_us().iter().zip([0, 4_000_000, 8_000_000u64]) {
        assert!(start.abs_diff(cut) <= 10_667, "a sound segment starts at {start}, half a frame around {cut}");
    }
    assert_eq!((video.segments.len(), audio.segments.len()), (3, 3));

    let (pictures, sound) = (video.write(asset.dir.path()), audio.write(asset.dir.path()));
    assert_eq!(crate::oracle::pictures(&pictures), crate::oracle::pictures(&asset.file));
    let onsets = crate::oracle::onsets(&crate::oracle::sound(&sound), 48_000);
    assert_eq!(onsets.len(), 12);
    for (second, onset) in onsets.iter().enumerate() {
        assert!(onset.abs_diff(second * 48_000) < 480, "beep {second} begins at sample {onset}");
    }
    assert_eq!(video.track.codec, "avc1.42c01e");
    assert_eq!(audio.track.codec, "mp4a.40.2");
}

#[test]
fn packaging_twice_gives_the_same_bytes() {
    let asset = Asset::clip(&ClipSpec { seconds: 5, ..ClipSpec::default() });
    for rendition in [Asset::video, Asset::audio] {
        let (once, twice) = (rendition(&asset), rendition(&asset));
        assert_eq!((once.init, once.segments), (twice.init, twice.segments));
    }
}

#[test]
fn pictures_out_of_order_keep_their_times() {
    let asset = Asset::made(
        "mp4",
        "-f lavfi -i testsrc2=s=320x180:r=25:d=10 -c:v libx264 -preset veryfast -g 50 -bf 3 -pix_fmt yuv420p",
    );
    let video = asset.video();
    video.check_timeline();
    assert_eq!(video.starts_us(), [0, 4_000_000, 8_000_000]);
    let offsets = |(_, bytes): &(Segment, Vec<u8>)| {
        cmaf::read_segment(bytes).unwrap().samples.iter().any(|sample| sample.composition_offset < 0)
    };
    assert!(video.segments.iter().all(offsets), "B-frames have offsets, some of them negative");
    let played = crate::oracle::pictures(&video.write(asset.dir.path()));
    assert_eq!(played.len(), 250);
    // FFmpeg plays a file with negative offsets late by the largest of them; the distances are what counts.
    for (index, (time, _)) in played.iter().enumerate() {
        let expected = played[0].0 + index as f64 / 25.0;
        assert!((time - expected).abs() < 0.0005, "picture {index} is shown at {time}");
    }
    for (segment, bytes) in &video.segments {
        let read = cmaf::read_segment(bytes).unwrap();
        assert_eq!(read.earliest_presentation_time, segment.start, "nothing is shown before the keyframe");
    }
}

#[test]
fn each_segment_plays_alone() {
    let asset = Asset::made(
        "mp4",
        "-f lavfi -i testsrc2=s=320x180:r=25:d=10 -c:v libx264 -preset veryfast -g 50 -bf 3 -pix_fmt yuv420p",
    );
    let video = asset.video();
    for (index, (_, bytes)) in video.segments.iter().enumerate() {
        let file = asset.dir.path().join("alone.mp4");
        std::fs::write(&file, [&video.init[..], bytes].concat()).unwrap();
        assert_eq!(crate::oracle::pictures(&file).len(), if index < 2 { 100 } else { 50 });
    }
}

#[test]
fn sparse_keyframes_make_long_pictures_and_regular_sound() {
    let asset = Asset::made(
        "mp4",
        "-f lavfi -i testsrc2=s=320x180:r=25:d=24 -f lavfi -i sine=d=24 -c:v libx264 -preset ultrafast -g 300 \
         -keyint_min 300 -sc_threshold 0 -pix_fmt yuv420p -c:a aac",
    );
    let (video, audio) = (asset.video(), asset.audio());
    assert_eq!(video.starts_us(), [0, 12_000_000]);
    assert_eq!(asset.plan.grid_us, [0, 4_000_000, 8_000_000, 12_000_000, 16_000_000, 20_000_000, 24_000_000]);
    audio.check_timeline();
    for (start, cut) in audio.starts_us().iter().zip(&asset.plan.grid_us) {
        assert!(start.abs_diff(*cut) <= 12_000, "a sound segment starts at {start}, cut {cut}");
    }
    assert!((6..=7).contains(&audio.segments.len()));
}

#[test]
fn matroska_rounds_to_milliseconds_and_the_sound_does_not() {
    let asset = Asset::made(
        "mkv",
        "-f lavfi -i testsrc2=s=320x180:r=30000/1001:d=8 -f lavfi -i sine=d=8:r=44100 -c:v libx264 -preset ultrafast \
         -g 60 -pix_fmt yuv420p -c:a aac",
    );
    let audio = asset.audio();
    audio.check_timeline();
    for (_, bytes) in &audio.segments {
        let read = cmaf::read_segment(bytes).unwrap();
        let lengths: Vec<u32> = read.samples.iter().map(|sample| sample.duration).collect();
        assert!(lengths.iter().all(|length| *length == 1024), "{lengths:?}");
    }
    let video = asset.video();
    video.check_timeline();
    assert_eq!(crate::oracle::pictures(&video.write(asset.dir.path())).len(), 240);
}

#[test]
fn opus_is_copied_with_its_priming() {
    let asset = Asset::made("webm", "-f lavfi -i sine=d=9:r=48000 -c:a libopus -b:a 64k");
    let audio = asset.audio();
    assert_eq!((audio.track.name.as_str(), audio.track.codec.as_str()), ("opus-und", "opus"));
    audio.check_timeline();
    assert_eq!(cmaf::read_init(&audio.init).unwrap().skip, 312);
    assert_eq!(audio.segments.len(), 3, "sound alone is cut on a regular grid: {:?}", asset.plan.grid_us);
    let file = audio.write(asset.dir.path());
    let samples = crate::oracle::sound(&file).len();
    assert!(samples.abs_diff(9 * 48_000) < 2_000, "{samples} samples are heard");
}

#[test]
fn a_source_without_sound_has_no_sound_to_package() {
    let asset = Asset::clip(&ClipSpec { seconds: 2, audio: false, ..ClipSpec::default() });
    assert_eq!(asset.plan.audio, None);
    let mut outputs = 0;
    let mut count = |_| {
        outputs += 1;
        Ok(())
    };
    media::package_audio(&asset.file, &asset.source, &asset.plan, &Tools::find(), &mut count).unwrap();
    assert_eq!(outputs, 0);
}

#[test]
fn parameter_sets_that_change_are_found_and_the_plan_falls_back_to_encoding() {
    let dir = tempfile::tempdir().unwrap();
    let part = |name: &str, preset: &str| {
        let file = dir.path().join(name);
        crate::oracle::make(
            &file,
            &format!(
                "-f lavfi -i testsrc2=s=320x180:r=25:d=4 -c:v libx264 -preset {preset} -g 50 -pix_fmt yuv420p \
                 -bsf:v h264_mp4toannexb -f mpegts"
            ),
        );
        std::fs::read(file).unwrap()
    };
    let both = [part("a.ts", "ultrafast"), part("b.ts", "slow")].concat();
    let joined = dir.path().join("joined.ts");
    std::fs::write(&joined, both).unwrap();
    let file = dir.path().join("source.mp4");
    // The second part's parameter sets stay in its samples, the header has the first part's.
    crate::oracle::ffmpeg(&["-i", joined.to_str().unwrap(), "-c", "copy", file.to_str().unwrap()]);
    let source = media::probe(&file, &Tools::find()).unwrap();
    let plan = media::plan(&source, &Ladder::default()).unwrap();
    assert!(plan.passthrough.is_some(), "the index alone does not tell");
    let error = media::repackage_video(&file, &source, &plan, &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.code(), "cannot_pass_through", "{error}");
    let plan = Plan::without_passthrough(&source, &Ladder::default()).unwrap();
    assert_eq!(plan.passthrough, None);
    assert_eq!(plan.rungs[0].name, "h264-180");
}

#[test]
fn an_error_of_the_receiver_stops_the_work() {
    let asset = Asset::clip(&ClipSpec { seconds: 2, ..ClipSpec::default() });
    let mut outputs = 0;
    let refuse = &mut |_| {
        outputs += 1;
        Err(MediaError::Output("the disk is full".into()))
    };
    let error = media::repackage_video(&asset.file, &asset.source, &asset.plan, refuse).unwrap_err();
    assert_eq!((error.code(), outputs), ("output_failed", 1));
}

#[test]
fn wide_pixels_are_said_and_not_changed() {
    let asset = Asset::made(
        "mp4",
        "-f lavfi -i testsrc2=s=360x288:r=25:d=4,setsar=16/11 -c:v libx264 -preset ultrafast -g 50 -pix_fmt yuv420p",
    );
    let video = asset.video();
    let wire::presentation::TrackKind::Video { width, height, pixel_aspect, .. } = video.track.kind else {
        panic!("pictures");
    };
    assert_eq!((width, height, pixel_aspect), (360, 288, Ratio { num: 16, den: 11 }));
    let file = video.write(asset.dir.path());
    assert_eq!(crate::oracle::stream(&file, "v:0", "sample_aspect_ratio"), "16:11");
    // Encoded renditions have square pixels: 360 * 16 / 11 = 523.6.
    assert_eq!((asset.plan.rungs[0].width, asset.plan.rungs[0].height), (524, 288));
}
