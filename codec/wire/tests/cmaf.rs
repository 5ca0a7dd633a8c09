//! Promise: a header and a segment say exactly what went in, in the order and with the brands that CMAF asks for, and
//! the reader gives it back; a reader never believes a size or a count that the bytes do not bear out.

use proptest::prelude::*;
use wire::cmaf::{
    CmafError, CodecConfig, Colour, Mp4Error, Sample, TRACK_ID, TrackInit, init_segment, media_segment, read_init,
    read_segment,
};
use wire::mp4::stsd::Shape;
use wire::mp4::{FourCc, boxes};
use wire::presentation::{Ratio, TrackKind};

const AVCC: &[u8] = &[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 1, 0x67, 1, 0, 1, 0x68];
const AV1C: &[u8] = &[0x81, 0x05, 0x0c, 0];
const ASC_STEREO_48K: &[u8] = &[0x11, 0x90];
const DOPS_STEREO: &[u8] = &[0, 2, 0x01, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0];

fn video(config: CodecConfig, width: u32, height: u32, pixel_aspect: Ratio) -> TrackInit {
    let kind = TrackKind::Video { width, height, frame_rate: Ratio { num: 25, den: 1 }, pixel_aspect };
    TrackInit { timescale: 90_000, config, kind, colour: None, skip: 0, duration: 0 }
}

fn audio(config: CodecConfig, sample_rate: u32, channels: u16, language: &str) -> TrackInit {
    let kind = TrackKind::Audio { sample_rate, channels, language: language.into() };
    TrackInit { timescale: sample_rate, config, kind, colour: None, skip: 0, duration: 0 }
}

fn h264(width: u32, height: u32) -> TrackInit {
    video(CodecConfig::Avc { avcc: AVCC.to_vec() }, width, height, Ratio { num: 1, den: 1 })
}

fn aac() -> TrackInit {
    audio(CodecConfig::Aac { asc: ASC_STEREO_48K.to_vec(), average_bitrate: 128_000 }, 48_000, 2, "und")
}

/// Every box below `bytes`, depth first, as `moov/trak/tkhd`.
fn tree(bytes: &[u8], path: &str, into: &mut Vec<String>) {
    for item in boxes(b"file", bytes) {
        let (kind, body, _) = item.expect("our own boxes are whole");
        let here = format!("{path}{}", FourCc(kind));
        into.push(here.clone());
        if matches!(
            &kind,
            b"moov" | b"trak" | b"edts" | b"mdia" | b"minf" | b"dinf" | b"stbl" | b"mvex" | b"moof" | b"traf"
        ) {
            tree(body, &format!("{here}/"), into);
        }
    }
}

fn check_tree(bytes: &[u8], expected: &str) {
    let mut found = Vec::new();
    tree(bytes, "", &mut found);
    assert_eq!(found, expected.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn a_video_header_has_the_boxes_of_a_cmaf_header_in_order() {
    let bytes = init_segment(&TrackInit { duration: 9, ..h264(640, 360) });
    check_tree(
        &bytes,
        "ftyp moov moov/mvhd moov/trak moov/trak/tkhd moov/trak/mdia moov/trak/mdia/mdhd moov/trak/mdia/hdlr
         moov/trak/mdia/minf moov/trak/mdia/minf/vmhd moov/trak/mdia/minf/dinf moov/trak/mdia/minf/dinf/dref
         moov/trak/mdia/minf/stbl moov/trak/mdia/minf/stbl/stsd moov/trak/mdia/minf/stbl/stts
         moov/trak/mdia/minf/stbl/stsc moov/trak/mdia/minf/stbl/stsz moov/trak/mdia/minf/stbl/stco
         moov/mvex moov/mvex/mehd moov/mvex/trex",
    );
    let brands = read_init(&bytes).unwrap().brands;
    assert_eq!(format!("{:?}", brands.compatible), "[iso6, cmfc, cmf2]");
}

#[test]
fn priming_becomes_an_edit_list_and_no_priming_none() {
    let mut found = Vec::new();
    let primed = init_segment(&TrackInit { skip: 1024, ..aac() });
    tree(&primed, "", &mut found);
    assert!(found.contains(&"moov/trak/edts/elst".to_owned()));
    assert_eq!(read_init(&primed).unwrap().skip, 1024);
    let plain = init_segment(&aac());
    assert!(!plain.windows(4).any(|w| w == b"edts"));
    assert_eq!(read_init(&plain).unwrap().skip, 0);
}

#[test]
fn the_track_header_has_the_size_on_the_screen() {
    let anamorphic = Ratio { num: 64, den: 45 };
    let pal = video(CodecConfig::Avc { avcc: AVCC.to_vec() }, 720, 576, anamorphic);
    let init = read_init(&init_segment(&pal)).unwrap();
    assert_eq!(init.display_size, (1024, 576));
    let Shape::Visual { width, height, pixel_aspect, .. } = init.entry.shape else { panic!("a picture") };
    assert_eq!((width, height, pixel_aspect), (720, 576, anamorphic));
}

#[test]
fn av1_carries_its_brand_its_configuration_and_its_colours() {
    let colour = Colour { primaries: 9, transfer: 16, matrix: 9, full_range: true };
    let track = TrackInit {
        colour: Some(colour),
        ..video(CodecConfig::Av1 { av1c: AV1C.to_vec() }, 640, 360, Ratio { num: 1, den: 1 })
    };
    let init = read_init(&init_segment(&track)).unwrap();
    assert!(init.brands.compatible.contains(&FourCc(*b"av01")));
    assert_eq!(init.entry.config, track.config);
    assert!(matches!(init.entry.shape, Shape::Visual { colour: Some(c), .. } if c == colour));
}

#[test]
fn an_esds_is_what_iso_14496_14_draws() {
    let bytes = init_segment(&aac());
    let at = bytes.windows(4).position(|w| w == b"esds").unwrap() + 4;
    #[rustfmt::skip]
    let expected = [
        0, 0, 0, 0,
        3, 25, 0, 0, 0,                                        // ES_Descriptor, ES_ID 0
        4, 17, 0x40, 0x15, 0, 0, 0, 0, 1, 0xf4, 0, 0, 1, 0xf4, 0, // 128000 bits a second, twice
        5, 2, 0x11, 0x90,
        6, 1, 2,
    ];
    assert_eq!(bytes[at..at + expected.len()], expected);
}

#[test]
fn languages_are_written_as_three_letters() {
    let written = |tag| {
        let config = CodecConfig::Opus { dops: DOPS_STEREO.to_vec() };
        read_init(&init_segment(&audio(config, 48_000, 2, tag))).unwrap().language
    };
    for (tag, expected) in [("en", b"eng"), ("pt-BR", b"por"), ("deu", b"deu"), ("und", b"und"), ("x", b"und")] {
        assert_eq!(&written(tag), expected, "{tag}");
    }
}

#[test]
fn a_segment_is_styp_sidx_moof_mdat() {
    let sample = Sample { data: &[7; 10], duration: 3600, composition_offset: 0, sync: true };
    let bytes = media_segment(1, 90_000, 0, &[sample]).unwrap();
    check_tree(&bytes, "styp sidx moof moof/mfhd moof/traf moof/traf/tfhd moof/traf/tfdt moof/traf/trun mdat");
    assert_eq!(bytes[bytes.len() - 10..], [7; 10]);
}

#[test]
fn what_all_samples_share_is_written_once() {
    let data = [[1u8; 20]; 100];
    let samples: Vec<_> =
        data.iter().map(|d| Sample { data: d, duration: 1024, composition_offset: 0, sync: true }).collect();
    let bytes = media_segment(1, 48_000, 0, &samples).unwrap();
    let trun_at = bytes.windows(4).position(|w| w == b"trun").unwrap() - 4;
    assert_eq!(bytes[trun_at..trun_at + 4], 20u32.to_be_bytes(), "a trun without columns");
    assert_eq!(read_segment(&bytes).unwrap().samples, samples);
}

#[test]
fn leading_pictures_move_the_earliest_presentation_time() {
    let sample = |composition_offset, sync| Sample { data: &[0], duration: 10, composition_offset, sync };
    let bytes = media_segment(4, 1000, 100, &[sample(20, true), sample(-5, false), sample(0, false)]).unwrap();
    assert_eq!(read_segment(&bytes).unwrap().earliest_presentation_time, 105);
}

#[test]
fn what_cannot_be_a_segment_is_refused() {
    assert_eq!(media_segment(1, 1, 0, &[]), Err(CmafError::Empty));
    let long = Sample { data: &[0], duration: u32::MAX, composition_offset: 0, sync: true };
    assert_eq!(media_segment(1, 1, 0, &[long, long]), Err(CmafError::TooLong(2 * u64::from(u32::MAX))));
}

#[test]
fn every_cut_of_a_file_is_refused() {
    let init = init_segment(&TrackInit { skip: 9, duration: 77, ..aac() });
    let last = init.len();
    assert!((0..last).all(|n| read_init(&init[..n]).is_err()));
    let sample = Sample { data: &[7; 10], duration: 3600, composition_offset: 1, sync: false };
    let segment = media_segment(1, 90_000, 0, &[sample, sample]).unwrap();
    assert!((0..segment.len()).all(|n| read_segment(&segment[..n]).is_err()));
}

#[test]
fn a_sample_count_without_bytes_behind_it_is_refused() {
    let sample = Sample { data: &[7; 10], duration: 3600, composition_offset: 0, sync: true };
    for samples in [&[sample][..], &[sample, Sample { duration: 1, ..sample }]] {
        let mut bytes = media_segment(1, 90_000, 0, samples).unwrap();
        let count_at = bytes.windows(4).position(|w| w == b"trun").unwrap() + 8;
        bytes[count_at..count_at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(read_segment(&bytes), Err(Mp4Error::Unsupported(FourCc(*b"trun"), "more samples than bytes")));
    }
}

fn codec() -> impl Strategy<Value = (CodecConfig, bool)> {
    let bytes = |min| prop::collection::vec(any::<u8>(), min..300);
    prop_oneof![
        bytes(4).prop_map(|avcc| (CodecConfig::Avc { avcc }, true)),
        bytes(4).prop_map(|av1c| (CodecConfig::Av1 { av1c }, true)),
        (bytes(0), any::<u32>()).prop_map(|(asc, average_bitrate)| (CodecConfig::Aac { asc, average_bitrate }, false)),
        bytes(11).prop_map(|dops| (CodecConfig::Opus { dops }, false)),
    ]
}

fn sample() -> impl Strategy<Value = (Vec<u8>, u32, i32, bool)> {
    (prop::collection::vec(any::<u8>(), 0..40), 0..5000u32, -9000..9000i32, any::<bool>())
}

proptest! {
    #[test]
    fn a_header_reads_back(
        (config, picture) in codec(), timescale in 1..u32::MAX, skip in 0..u64::MAX / 2, duration: u64,
        width in 1..9000u32, height in 1..9000u32, num in 1..3u32, sample_rate in 1..65536u32, channels: u16,
        colour in prop::option::of((any::<u16>(), any::<u16>(), any::<u16>(), any::<bool>())),
    ) {
        let colour = colour.map(|(primaries, transfer, matrix, full_range)| Colour { primaries, transfer, matrix, full_range });
        let mut track = if picture { video(config, width, height, Ratio { num, den: 1 }) } else { audio(config, sample_rate, channels, "fra") };
        (track.timescale, track.skip, track.duration, track.colour) = (timescale, skip, duration, colour);
        let init = read_init(&init_segment(&track)).unwrap();
        prop_assert_eq!((init.timescale, init.skip, init.duration, &init.entry.config), (timescale, skip, duration, &track.config));
        let expected = match picture {
            true => Shape::Visual { width: width as u16, height: height as u16, pixel_aspect: Ratio { num, den: 1 }, colour },
            false => Shape::Audio { channels, sample_rate },
        };
        prop_assert_eq!(init.entry.shape, expected);
        prop_assert_eq!(init.display_size, if picture { (width * num, height) } else { (0, 0) });
    }

    #[test]
    fn a_segment_reads_back(sequence: u32, timescale in 1..u32::MAX, base in 0..u64::MAX / 2, rows in prop::collection::vec(sample(), 1..60)) {
        let samples: Vec<_> = rows
            .iter()
            .map(|(data, duration, composition_offset, sync)| Sample {
                data, duration: *duration, composition_offset: *composition_offset, sync: *sync,
            })
            .collect();
        let bytes = media_segment(sequence, timescale, base, &samples).unwrap();
        let segment = read_segment(&bytes).unwrap();
        prop_assert_eq!((segment.sequence, segment.timescale, segment.base_decode_time), (sequence, timescale, base));
        prop_assert_eq!(segment.samples, samples);
        prop_assert_eq!(TRACK_ID, 1);
    }
}
