//! The test clip is what it says: its patches and its beeps tell the time, and both tell the same.

use media::clip::{self, ClipSpec, palette};
use wire::presentation::Ratio;

#[test]
fn pictures_and_beeps_tell_each_second() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("clip.mp4");
    let spec = ClipSpec::default();
    clip::write(&file, &spec).unwrap();

    let pictures = crate::oracle::pictures(&file);
    assert_eq!(pictures.len(), 360);
    for (index, (time, key)) in pictures.iter().enumerate() {
        assert!((time - index as f64 / 30.0).abs() < 0.001, "picture {index} is shown at {time}");
        assert_eq!(*key, index % 60 == 0, "picture {index}");
    }
    let side = palette::patch_side(spec.height);
    let patches =
        crate::oracle::rgb(&file, &format!("crop={}:{side}:0:0,format=rgb24,scale=2:1:flags=area,", 2 * side));
    for (index, pixel) in patches.chunks_exact(6).enumerate() {
        let second = palette::second_of([pixel[0], pixel[1], pixel[2]], [pixel[3], pixel[4], pixel[5]]);
        assert_eq!(second, index as u64 / 30, "picture {index}");
    }
    assert_eq!(patches.len(), 360 * 6);

    let onsets = crate::oracle::onsets(&crate::oracle::sound(&file), 48_000);
    assert_eq!(onsets.len(), 12);
    for (second, onset) in onsets.iter().enumerate() {
        assert!(onset.abs_diff(second * 48_000) < 480, "beep {second} begins at sample {onset}");
    }
}

#[test]
fn a_clip_is_made_to_measure() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("clip.mp4");
    let spec = ClipSpec {
        seconds: 3,
        width: 320,
        height: 180,
        frame_rate: Ratio { num: 30_000, den: 1001 },
        keyframe_every: 25,
        bitrate: 0,
        audio: false,
    };
    clip::write(&file, &spec).unwrap();
    assert_eq!(crate::oracle::stream(&file, "v:0", "width,height,r_frame_rate"), "320,180,30000/1001");
    assert_eq!(crate::oracle::stream(&file, "a:0", "codec_name"), "");
    let keys: Vec<usize> = crate::oracle::pictures(&file)
        .iter()
        .enumerate()
        .filter(|(_, (_, key))| *key)
        .map(|(index, _)| index)
        .collect();
    assert_eq!(keys, [0, 25, 50, 75]);
}

#[test]
fn a_clip_out_of_bounds_is_refused_by_name() {
    let file = std::path::Path::new("/nonexistent/clip.mp4");
    for spec in [
        ClipSpec { seconds: 0, ..ClipSpec::default() },
        ClipSpec { width: 641, ..ClipSpec::default() },
        ClipSpec { height: 4000, ..ClipSpec::default() },
        ClipSpec { frame_rate: Ratio { num: 240, den: 1 }, ..ClipSpec::default() },
    ] {
        assert_eq!(clip::write(file, &spec).unwrap_err().code(), "over_limit", "{spec:?}");
    }
    assert_eq!(clip::write(file, &ClipSpec::default()).unwrap_err().code(), "io");
}
