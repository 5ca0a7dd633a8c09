//! What is encoded: every picture of the source once, in closed GOPs on the grid, the same bytes whoever does it and
//! however often the work is interrupted.

use crate::asset::{Asset, Rendition};
use media::clip::{ClipSpec, palette};
use media::{Event, MediaError, Tools};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use wire::presentation::Ratio;

/// Nine seconds of small pictures, a keyframe each two seconds.
fn small() -> ClipSpec {
    ClipSpec {
        seconds: 9,
        width: 144,
        height: 80,
        frame_rate: Ratio { num: 10, den: 1 },
        keyframe_every: 20,
        bitrate: 400_000,
        audio: false,
    }
}

/// The rendition plays from start to end, its pictures are shown at `times`, and what it says of itself is what an outsider
/// reads off its bits.
fn check(asset: &Asset, rendition: &Rendition, times: &[f64]) {
    rendition.check_timeline();
    let file = rendition.write(asset.dir.path());
    let played: Vec<f64> = crate::oracle::pictures(&file).iter().map(|(time, _)| *time).collect();
    assert_eq!(played.len(), times.len(), "{} pictures", rendition.track.name);
    for (index, (played, expected)) in played.iter().zip(times).enumerate() {
        assert!((played - expected).abs() < 0.0021, "picture {index} is shown at {played}, not {expected}");
    }
    let (width, height) = rendition.size();
    assert_eq!(crate::oracle::stream(&file, "v:0", "width,height"), format!("{width},{height}"));
    let level: u32 = crate::oracle::stream(&file, "v:0", "level").parse().unwrap();
    let expected = match crate::oracle::stream(&file, "v:0", "codec_name").as_str() {
        "av1" => format!("av01.0.{level:02}M.08"),
        "h264" => format!("avc1.42c0{level:02x}"),
        other => panic!("encoded as {other}"),
    };
    // What follows the bit depth says how colours are coded, and may be left out.
    assert!(rendition.track.codec.starts_with(&expected), "{} is {expected}", rendition.track.codec);
}

fn regular(count: usize, per_second: f64) -> Vec<f64> {
    (0..count).map(|index| index as f64 / per_second).collect()
}

#[test]
fn the_ladder_shows_every_picture_at_its_time_in_order() {
    let asset = Asset::clip(&small()).without_passthrough(&[80, 64]);
    let names: Vec<_> = asset.plan.rungs.iter().map(|rung| rung.name.clone()).collect();
    assert_eq!(names, ["h264-80", "av1-80", "av1-64"]);
    for rendition in asset.encoded() {
        check(&asset, &rendition, &regular(90, 10.0));
        assert_eq!(rendition.starts_us(), [0, 4_000_000, 8_000_000]);
        let side = palette::patch_side(rendition.size().1);
        let crop = format!("crop={}:{side}:0:0,format=rgb24,scale=2:1:flags=area,", 2 * side);
        let file = rendition.write(asset.dir.path());
        for (index, pixel) in crate::oracle::rgb(&file, &crop).chunks_exact(6).enumerate() {
            let second = palette::second_of([pixel[0], pixel[1], pixel[2]], [pixel[3], pixel[4], pixel[5]]);
            assert_eq!(second, index as u64 / 10, "picture {index} of {}", rendition.track.name);
        }
    }
}

#[test]
fn one_decode_serves_every_rung() {
    let asset = Asset::clip(&small()).without_passthrough(&[80, 64, 48]);
    assert_eq!(asset.plan.rungs.len(), 4);
    let decoded = |missing: &[u32], lanes| {
        let (tools, goes_on) = (Tools::find(), AtomicBool::new(false));
        media::transcode(&asset.file, &asset.source, &asset.plan, &tools, missing, lanes, &goes_on, &|_| Ok(()))
            .unwrap()
    };
    assert_eq!(decoded(&[0, 1, 2], 1), 90, "nine seconds at ten pictures a second");
    // A lane that begins in the middle reads on to the first picture after its chunk, and no further.
    assert!((90..=92).contains(&decoded(&[0, 1, 2], 3)));
    assert!((40..=42).contains(&decoded(&[1], 1)));
}

#[test]
fn every_segment_decodes_alone() {
    let asset = Asset::clip(&small()).without_passthrough(&[80]);
    for rendition in asset.encoded() {
        for (index, (_, bytes)) in rendition.segments.iter().enumerate() {
            let file = asset.dir.path().join("alone.mp4");
            std::fs::write(&file, [&rendition.init[..], bytes].concat()).unwrap();
            let pictures = crate::oracle::pictures(&file);
            assert_eq!(pictures.len(), [40, 40, 10][index]);
            assert!(pictures[0].1, "a segment starts with a keyframe");
        }
    }
}

#[test]
fn interrupted_work_gives_the_same_bytes() {
    let spec = ClipSpec { seconds: 13, ..small() };
    let asset = Asset::clip(&spec).without_passthrough(&[80]);
    let whole = asset.chunks(&[0, 1, 2, 3], 1);
    assert_eq!(whole.len(), 4);
    let pieces = [asset.chunks(&[3, 1], 2), asset.chunks(&[2], 1), asset.chunks(&[0], 4)].concat();
    for chunk in pieces {
        assert!(chunk == whole[chunk.index as usize], "chunk {} differs", chunk.index);
    }
}

#[test]
fn pictures_out_of_order_in_the_source_come_out_in_order() {
    let asset = Asset::made(
        "mp4",
        "-f lavfi -i testsrc2=s=96x64:r=30000/1001:d=6 -c:v libx264 -preset veryfast -g 60 -bf 3 -pix_fmt yuv420p",
    )
    .with_ladder(&[64]);
    let [av1] = &asset.encoded()[..] else { panic!("one rung") };
    check(&asset, av1, &regular(180, 30_000.0 / 1001.0));
    let video = asset.video();
    let cuts: Vec<_> = video.starts_us().iter().zip(av1.starts_us()).map(|(a, b)| a.abs_diff(b)).collect();
    assert_eq!(video.segments.len(), av1.segments.len());
    assert!(cuts.iter().all(|cut| *cut <= 40), "both are cut at the same times: {cuts:?}");
}

#[test]
fn sparse_keyframes_do_not_make_long_encoded_segments() {
    let asset = Asset::made(
        "mp4",
        "-f lavfi -i testsrc2=s=96x64:r=10:d=24 -c:v libx264 -preset ultrafast -g 120 -keyint_min 120 -sc_threshold 0 \
         -pix_fmt yuv420p",
    )
    .with_ladder(&[64]);
    let [av1] = &asset.encoded()[..] else { panic!("one rung") };
    check(&asset, av1, &regular(240, 10.0));
    assert_eq!(av1.starts_us(), [0, 4_000_000, 8_000_000, 12_000_000, 16_000_000, 20_000_000]);
    assert_eq!(asset.video().starts_us(), [0, 12_000_000]);
}

#[test]
fn varying_frame_rates_keep_the_times_of_their_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("even.mkv");
    crate::oracle::make(&source, "-f lavfi -i testsrc2=s=96x64:r=50:d=6 -c:v ffv1");
    let asset = Asset::made(
        "mkv",
        &format!(
            "-i {} -vf select='lt(mod(n\\,13)\\,5)+lt(n\\,60)' -fps_mode vfr -c:v libx264 -preset ultrafast -g 40 \
             -pix_fmt yuv420p",
            source.display()
        ),
    )
    .with_ladder(&[64]);
    let times: Vec<f64> = crate::oracle::pictures(&asset.file).iter().map(|(time, _)| *time).collect();
    assert!(!asset.source.video.as_ref().unwrap().constant_rate);
    let [av1] = &asset.encoded()[..] else { panic!("one rung") };
    check(&asset, av1, &times);
}

#[test]
fn a_picture_that_stands_for_long_begins_every_segment_it_stands_in() {
    // Decoded here, where the keyframes are known, and by FFmpeg, where they are not.
    for (extension, codec) in [("mkv", "libx264 -preset ultrafast"), ("webm", "libvpx-vp9 -deadline realtime")] {
        let asset = Asset::made(
            extension,
            &format!("-f lavfi -i testsrc2=s=96x64:r=1/10:d=30 -c:v {codec} -g 1 -pix_fmt yuv420p"),
        )
        .without_passthrough(&[64]);
        let whole = asset.encoded();
        for rendition in &whole {
            rendition.check_timeline();
            let played = crate::oracle::pictures(&rendition.write(asset.dir.path()));
            assert!(played.iter().all(|(_, key)| *key));
            assert_eq!(rendition.segments.len() as u32, asset.plan.chunks());
        }
        // A lane that starts in the middle of a slide shows that slide.
        for index in [1, 4] {
            let alone = asset.chunks(&[index], 1);
            for (rung, rendition) in alone[0].rungs.iter().zip(&whole) {
                assert!(rung.bytes == rendition.segments[index as usize].1, "chunk {index} of {extension}");
            }
        }
    }
}

#[test]
fn a_film_that_was_turned_stands_upright() {
    let dir = tempfile::tempdir().unwrap();
    let lying = dir.path().join("lying.mp4");
    crate::oracle::make(
        &lying,
        "-f lavfi -i testsrc2=s=192x108:r=10:d=3 -c:v libx264 -preset ultrafast -pix_fmt yuv420p",
    );
    let asset = Asset::made("mp4", &format!("-i {} -c copy -metadata:s:v:0 rotate=90", lying.display()));
    assert_eq!(asset.source.video.as_ref().unwrap().rotation % 180, 90);
    assert_eq!(asset.plan.passthrough, None);
    for rendition in asset.encoded() {
        assert_eq!(rendition.size(), (108, 192));
        check(&asset, &rendition, &regular(30, 10.0));
    }
}

#[test]
fn pixels_come_out_square() {
    let asset = Asset::made(
        "mp4",
        "-f lavfi -i testsrc2=s=180x144:r=10:d=3,setsar=16/11 -c:v libx264 -preset ultrafast -pix_fmt yuv420p",
    );
    let [av1] = &asset.encoded()[..] else { panic!("one rung") };
    assert_eq!(av1.size(), (262, 144));
    check(&asset, av1, &regular(30, 10.0));
    assert!(
        ["1:1", "N/A", ""]
            .contains(&crate::oracle::stream(&av1.write(asset.dir.path()), "v:0", "sample_aspect_ratio").as_str())
    );
}

#[test]
fn odd_sizes_of_a_foreign_codec_become_even() {
    let asset = Asset::made(
        "webm",
        "-f lavfi -i testsrc2=s=161x91:r=10:d=6 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv420p",
    );
    let names: Vec<_> = asset.plan.rungs.iter().map(|rung| (rung.name.as_str(), rung.width, rung.height)).collect();
    assert_eq!(names, [("h264-90", 160, 90), ("av1-90", 160, 90)]);
    for rendition in asset.encoded() {
        check(&asset, &rendition, &regular(60, 10.0));
    }
}

#[test]
fn more_than_sixty_pictures_a_second_are_halved() {
    let asset = Asset::made(
        "mp4",
        "-f lavfi -i testsrc2=s=96x64:r=120:d=2 -c:v libx264 -preset ultrafast -g 120 -pix_fmt yuv420p",
    )
    .without_passthrough(&[64]);
    for rendition in asset.encoded() {
        check(&asset, &rendition, &regular(120, 60.0));
    }
}

#[test]
fn sound_alone_needs_no_encoder_of_pictures() {
    let asset = Asset::made("m4a", "-f lavfi -i sine=d=9 -c:a aac");
    assert_eq!((asset.plan.chunks(), asset.plan.rungs.len()), (0, 0));
    assert!(asset.chunks(&[0, 1, 2], 2).is_empty());
}

#[test]
fn cancelling_ends_the_work_within_a_second() {
    let asset = Asset::clip(&ClipSpec { seconds: 8, ..small() });
    let cancel = AtomicBool::new(false);
    let since = std::sync::Mutex::new(None);
    let on = |event| {
        if matches!(event, Event::Frames { .. }) && !cancel.swap(true, Ordering::Relaxed) {
            *since.lock().unwrap() = Some(Instant::now());
        }
        Ok(())
    };
    let all: Vec<u32> = (0..asset.plan.chunks()).collect();
    let tools = Tools::find();
    let error = media::transcode(&asset.file, &asset.source, &asset.plan, &tools, &all, 2, &cancel, &on).unwrap_err();
    let took = since.into_inner().unwrap().expect("it was cancelled").elapsed();
    assert_eq!(error.code(), "cancelled");
    assert!(took < Duration::from_secs(1), "it took {took:?}");
}

#[test]
fn a_full_disk_and_a_crash_are_errors_with_names() {
    let asset = Asset::clip(&ClipSpec { seconds: 5, ..small() });
    let tools = Tools::find();
    let run = |on: &(dyn Fn(Event) -> Result<(), MediaError> + Sync)| {
        let cancel = AtomicBool::new(false);
        media::transcode(&asset.file, &asset.source, &asset.plan, &tools, &[0], 1, &cancel, on).unwrap_err()
    };
    let calls = AtomicU32::new(0);
    let full = |_| {
        calls.fetch_add(1, Ordering::Relaxed);
        Err(MediaError::Output("the disk is full".into()))
    };
    assert_eq!(run(&full).code(), "output_failed");
    assert_eq!(calls.into_inner(), 1, "nothing goes on after an error");
    // What panics is inside of a lane; a codec's panic takes the same way.
    let error = run(&|_| panic!("index out of bounds"));
    assert_eq!(error.code(), "codec_crashed");
    assert!(error.to_string().contains("index out of bounds"), "{error}");
}
