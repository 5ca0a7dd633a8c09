//! What is made of which source: names, sizes, rates and cuts, before anything is encoded.

use crate::asset::Asset;
use media::clip::ClipSpec;
use media::{Ladder, SourceInfo};
use wire::presentation::Ratio;

/// A source like the clip, with other pictures.
fn source(width: u32, height: u32, passthrough: bool) -> SourceInfo {
    let clip = ClipSpec { seconds: 1, width: 64, height: 64, audio: false, ..ClipSpec::default() };
    let mut source = Asset::clip(&clip).source;
    let video = source.video.as_mut().unwrap();
    (video.width, video.height, video.passthrough) = (width, height, passthrough);
    (video.end_us, source.duration_us) = (60_000_000, 60_000_000);
    video.keyframes_us = (0..30).map(|index| index * 2_000_000).collect();
    source
}

fn check(source: &SourceInfo, ladder: &Ladder, expected: &[(&str, u32, u32)]) {
    let plan = media::plan(source, ladder).unwrap();
    let rungs: Vec<_> = plan.rungs.iter().map(|rung| (rung.name.as_str(), rung.width, rung.height)).collect();
    assert_eq!(rungs, expected);
}

#[test]
fn the_ladder_ends_at_the_source() {
    let default = Ladder::default();
    check(
        &source(1920, 1080, true),
        &default,
        &[("av1-1080", 1920, 1080), ("av1-720", 1280, 720), ("av1-480", 854, 480), ("av1-360", 640, 360)],
    );
    check(
        &source(1280, 720, false),
        &default,
        &[("h264-720", 1280, 720), ("av1-720", 1280, 720), ("av1-480", 854, 480), ("av1-360", 640, 360)],
    );
    check(&source(320, 240, true), &default, &[("av1-240", 320, 240)]);
    check(&source(321, 241, false), &default, &[("h264-240", 320, 240), ("av1-240", 320, 240)]);
}

#[test]
fn upright_films_are_counted_by_their_shorter_side() {
    check(
        &source(720, 1280, true),
        &Ladder { heights: vec![480, 720], ..Ladder::default() },
        &[("av1-720", 720, 1280), ("av1-480", 480, 854)],
    );
    let mut turned = source(1280, 720, false);
    turned.video.as_mut().unwrap().rotation = 90;
    check(
        &turned,
        &Ladder { heights: vec![720], ..Ladder::default() },
        &[("h264-720", 720, 1280), ("av1-720", 720, 1280)],
    );
}

#[test]
fn an_encoded_h264_is_capped_and_named_by_its_size() {
    let ladder = Ladder::default();
    let plan = media::plan(&source(3840, 2160, false), &ladder).unwrap();
    assert_eq!((plan.rungs[0].name.as_str(), plan.rungs[0].width), ("h264-1080", 1920));
    let plan = media::plan(&source(1600, 900, false), &ladder).unwrap();
    assert_eq!((plan.rungs[0].name.as_str(), plan.rungs[1].name.as_str()), ("h264-900", "av1-720"));
    let plan = media::plan(&source(3840, 2160, true), &ladder).unwrap();
    assert_eq!(plan.passthrough.unwrap().name, "h264-2160");
    assert_eq!(plan.rungs[0].name, "av1-1080");
}

#[test]
fn wide_pixels_widen_and_high_rates_are_halved() {
    let mut dvd = source(720, 576, false);
    let video = dvd.video.as_mut().unwrap();
    video.pixel_aspect = Ratio { num: 64, den: 45 };
    video.frame_rate = Ratio { num: 120_000, den: 1001 };
    let plan = media::plan(&dvd, &Ladder::default()).unwrap();
    assert_eq!((plan.rungs[0].width, plan.rungs[0].height), (1024, 576));
    assert_eq!((plan.rungs[0].frame_rate, plan.rungs[0].timescale), (Ratio { num: 60_000, den: 1001 }, 60_000));
}

#[test]
fn a_stored_plan_is_the_same_plan() {
    let plan = media::plan(&source(1280, 720, true), &Ladder::default()).unwrap();
    assert_eq!(plan.chunks(), 15);
    let stored = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<media::Plan>(&stored).unwrap(), plan);
    let error = serde_json::from_str::<Ladder>(r#"{ "hights": [720] }"#).unwrap_err();
    assert!(error.to_string().contains("hights"));
}

#[test]
fn no_length_and_too_much_of_it_are_refused_by_name() {
    let mut nothing = source(64, 64, true);
    nothing.duration_us = 0;
    assert_eq!(media::plan(&nothing, &Ladder::default()).unwrap_err().code(), "zero_duration");
    let mut week = source(64, 64, false);
    (week.duration_us, week.video.as_mut().unwrap().end_us) = (7 * 86_400_000_000, 7 * 86_400_000_000);
    assert_eq!(media::plan(&week, &Ladder::default()).unwrap_err().code(), "over_limit");
    (nothing.duration_us, nothing.video) = (1, None);
    assert_eq!(media::plan(&nothing, &Ladder::default()).unwrap_err().code(), "no_tracks");
}
