//! Odd sources all the way: whatever is accepted by the probe ends as renditions that an outsider plays from end to end.

use crate::asset::{Asset, Rendition};

/// Everything that is made of a source plays, and shows `pictures` pictures and about `seconds` of sound.
fn check(extension: &str, options: &str, pictures: usize, seconds: f64) {
    let asset = Asset::made(extension, options);
    let mut shown: Vec<Rendition> = if pictures > 0 { asset.encoded() } else { Vec::new() };
    shown.extend(asset.plan.passthrough.is_some().then(|| asset.video()));
    assert_eq!(shown.is_empty(), pictures == 0, "{extension} {options}");
    for rendition in &shown {
        rendition.check_timeline();
        let played = crate::oracle::pictures(&rendition.write(asset.dir.path()));
        assert_eq!(played.len(), pictures, "{} of {extension} {options}", rendition.track.name);
        assert_eq!(rendition.segments[0].0.start, 0, "{} of {extension} {options}", rendition.track.name);
    }
    assert_eq!(asset.plan.audio.is_some(), seconds > 0.0, "{extension} {options}");
    if seconds > 0.0 {
        let audio = asset.audio();
        audio.check_timeline();
        let rate = f64::from(
            crate::oracle::stream(&audio.write(asset.dir.path()), "a:0", "sample_rate").parse::<u32>().unwrap(),
        );
        let heard = crate::oracle::sound(&audio.write(asset.dir.path())).len() as f64 / rate;
        assert!((heard - seconds).abs() < 0.1, "{heard} s of sound in {extension} {options}");
    }
}

#[test]
fn a_single_picture_is_a_film() {
    check("mp4", "-f lavfi -i testsrc2=s=64x64:r=25:d=0.04 -c:v libx264 -pix_fmt yuv420p", 1, 0.0);
}

#[test]
fn pictures_smaller_than_any_encoder_takes_are_enlarged() {
    check("y4m", "-f lavfi -i testsrc2=s=6x4:r=10:d=1 -pix_fmt yuv420p", 10, 0.0);
}

#[test]
fn ten_bits_full_chroma_and_fields_are_decoded_by_ffmpeg() {
    check("mp4", "-f lavfi -i testsrc2=s=64x64:r=10:d=2 -c:v libx264 -preset ultrafast -pix_fmt yuv444p10le", 20, 0.0);
    check(
        "ts",
        "-f lavfi -i testsrc2=s=64x64:r=25:d=2 -f lavfi -i sine=d=2 -c:v mpeg2video -flags +ildct+ilme -c:a mp2",
        50,
        2.0,
    );
}

#[test]
fn av1_is_decoded_and_encoded_again() {
    check("mp4", "-f lavfi -i testsrc2=s=64x64:r=10:d=2 -c:v libaom-av1 -cpu-used 8 -pix_fmt yuv420p", 20, 0.0);
}

#[test]
fn a_cover_is_not_a_film() {
    check(
        "mp3",
        "-f lavfi -i sine=d=5 -f lavfi -i testsrc2=s=64x64:d=0.04 -map 0 -map 1 -c:a libmp3lame -c:v mjpeg \
         -disposition:v attached_pic",
        0,
        5.0,
    );
}

#[test]
fn sound_shorter_than_the_pictures_ends_early() {
    check(
        "mp4",
        "-f lavfi -i testsrc2=s=64x64:r=10:d=10 -f lavfi -i sine=d=4.05 -c:v libx264 -preset ultrafast -g 20 \
         -pix_fmt yuv420p -c:a aac",
        100,
        4.05,
    );
}

#[test]
fn pictures_that_start_late_are_shown_from_zero_on() {
    check(
        "mkv",
        "-f lavfi -i sine=d=8 -itsoffset 1.3 -f lavfi -i testsrc2=s=64x64:r=10:d=6 -c:v libx264 -preset ultrafast \
         -g 20 -pix_fmt yuv420p -c:a libopus",
        60,
        8.0,
    );
}

#[test]
fn fragments_are_a_film_like_any_other() {
    check(
        "mp4",
        "-f lavfi -i testsrc2=s=64x64:r=10:d=6 -f lavfi -i sine=d=6 -c:v libx264 -preset ultrafast -g 20 -pix_fmt \
         yuv420p -c:a aac -movflags frag_keyframe+empty_moov+default_base_moof",
        60,
        6.0,
    );
}
