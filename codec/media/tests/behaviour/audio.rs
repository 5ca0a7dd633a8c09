//! Sound that is copied keeps its clock, sound that is not becomes AAC, and both stay with the pictures.

use crate::asset::{Asset, Rendition};
use media::clip::mp4::{self, Medium, MovieSample, MovieTrack};
use media::clip::tone;
use media::plan::AudioMode;
use wire::cmaf;
use wire::presentation::TrackKind;

/// Beeps of 100 ms at each full second, as a filter of FFmpeg.
const BEEPS: &str = "aevalsrc='0.4*sin(880*2*PI*t)*lt(mod(t,1),0.1)':s=48000";

fn heard(asset: &Asset, audio: &Rendition) -> Vec<f32> {
    crate::oracle::sound(&audio.write(asset.dir.path()))
}

fn layout(audio: &Rendition) -> (u32, u16) {
    match audio.track.kind {
        TrackKind::Audio { sample_rate, channels, .. } => (sample_rate, channels),
        TrackKind::Video { .. } => panic!("not sound"),
    }
}

/// Beeps of a rendition lie at these seconds, within 12 ms.
fn check_beeps(asset: &Asset, audio: &Rendition, seconds: &[f64]) {
    audio.check_timeline();
    let (rate, _) = layout(audio);
    let onsets: Vec<f64> = crate::oracle::onsets(&heard(asset, audio), rate as usize)
        .iter()
        .map(|at| *at as f64 / f64::from(rate))
        .collect();
    assert_eq!(onsets.len(), seconds.len(), "{onsets:?}");
    for (onset, second) in onsets.iter().zip(seconds) {
        assert!((onset - second).abs() < 0.012, "a beep at {onset}, not {second}");
    }
}

#[test]
fn foreign_codecs_become_aac_at_their_own_rate() {
    for (extension, options, rate, channels) in [
        ("mp3", "-ar 44100 -ac 2 -c:a libmp3lame -b:a 128k", 44_100, 2),
        ("wav", "-ar 22050 -ac 1 -c:a pcm_s16le", 22_050, 1),
        ("mkv", "-ar 48000 -ac 6 -c:a ac3 -b:a 384k", 48_000, 2),
        ("flac", "-ar 88200 -ac 1 -c:a flac", 48_000, 1),
    ] {
        let asset = Asset::made(extension, &format!("-f lavfi -i {BEEPS}:d=5 {options}"));
        let plan = asset.plan.audio.as_ref().unwrap();
        assert_eq!((plan.mode, plan.name.as_str()), (AudioMode::EncodeAac, "aac-und"), "{extension}");
        let audio = asset.audio();
        assert_eq!(layout(&audio), (rate, channels), "{extension}");
        assert_eq!(audio.track.codec, "mp4a.40.2");
        check_beeps(&asset, &audio, &[0.0, 1.0, 2.0, 3.0, 4.0]);
    }
}

#[test]
fn sound_that_starts_late_begins_with_silence() {
    let asset = Asset::made(
        "mp4",
        &format!(
            "-f lavfi -i testsrc2=s=96x64:r=10:d=6 -itsoffset 2.5 -f lavfi -i {BEEPS}:d=3 -c:v libx264 \
             -preset ultrafast -g 20 -pix_fmt yuv420p -c:a aac"
        ),
    );
    let audio = asset.audio();
    assert_eq!(asset.plan.audio.as_ref().unwrap().mode, AudioMode::CopyAac);
    assert!(audio.starts_us()[0] < 22_000, "the rendition itself starts at once");
    check_beeps(&asset, &audio, &[2.5, 3.5, 4.5]);
}

#[test]
fn a_hole_in_the_sound_is_filled_with_silence() {
    // Between two and four seconds there are no packets; the rest keeps its time.
    let filter = "aselect='not(between(t,2.2,3.8))'";
    for (extension, codec) in [("mkv", "aac"), ("webm", "libopus")] {
        let asset = Asset::made(extension, &format!("-f lavfi -i {BEEPS}:d=6,{filter} -c:a {codec}"));
        let audio = asset.audio();
        let source = crate::oracle::onsets(&crate::oracle::sound(&asset.file), 48_000);
        let source: Vec<f64> = source.iter().map(|at| *at as f64 / 48_000.0).collect();
        assert!(source.len() == 5 && source[3] > 4.0, "{source:?}");
        check_beeps(&asset, &audio, &source);
        for (_, bytes) in &audio.segments {
            let longest = cmaf::read_segment(bytes).unwrap().samples.iter().map(|sample| sample.duration).max();
            assert!(longest < Some(2 * 1024), "no frame stands for more than itself: {longest:?}");
        }
    }
}

#[test]
fn he_aac_is_copied_and_its_clock_is_the_cores() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("he.mp4");
    let options = syom::EncodeOptions::raw().with_bitrate_bps(48_000).with_he(true);
    let mut encoder = syom::Encoder::new(48_000, 2, &options).unwrap();
    let mut samples = Vec::new();
    let plane = tone::samples(0, 10 * 48_000, 48_000);
    let keep = |samples: &mut Vec<MovieSample>, frame: syom::EncodedFrame<'_>| {
        samples.push(MovieSample { data: frame.payload.to_vec(), duration: 1024, sync: true });
        Ok(())
    };
    encoder.feed(&[&plane, &plane], |frame| keep(&mut samples, frame)).unwrap();
    encoder.finish(|frame| keep(&mut samples, frame)).unwrap();
    let track = MovieTrack {
        timescale: 24_000,
        sample_entry: mp4::mp4a(48_000, 2, encoder.asc(), 48_000),
        medium: Medium::Sound,
        skip: 3018 / 2,
        length: 10 * 24_000,
        samples,
    };
    mp4::write(&mut std::fs::File::create(&file).unwrap(), &[track]).unwrap();
    let asset = Asset::existing(dir, file);
    let audio = asset.audio();
    assert_eq!(audio.track.codec, "mp4a.40.5");
    assert_eq!((audio.track.timescale, layout(&audio)), (24_000, (48_000, 2)));
    assert_eq!(audio.segments.len(), 3, "{:?}", audio.starts_us());
    check_beeps(&asset, &audio, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    assert_eq!(crate::oracle::stream(&audio.write(asset.dir.path()), "a:0", "profile"), "HE-AAC");
}

#[test]
fn sound_that_goes_on_after_the_pictures_is_cut_on_its_own() {
    let asset = Asset::made(
        "mp4",
        &format!(
            "-f lavfi -i testsrc2=s=96x64:r=10:d=3 -f lavfi -i {BEEPS}:d=12 -c:v libx264 -preset ultrafast -g 20 \
             -pix_fmt yuv420p -c:a aac"
        ),
    );
    assert_eq!(asset.plan.grid_us, [0, 3_000_000]);
    let audio = asset.audio();
    check_beeps(&asset, &audio, &(0..12).map(f64::from).collect::<Vec<_>>());
    assert_eq!(audio.segments.len(), 3, "{:?}", audio.starts_us());
}

#[test]
fn sound_without_a_decoder_is_refused_by_name() {
    let asset = Asset::made("mp3", "-f lavfi -i sine=d=2 -c:a libmp3lame");
    let error = media::package_audio(&asset.file, &asset.source, &asset.plan, &media::Tools::none(), &mut |_| Ok(()))
        .unwrap_err();
    assert_eq!(error.code(), "needs_ffmpeg");
}
