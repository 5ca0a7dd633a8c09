//! Promise: the cipher is AES-128 in CBC over the pattern that was asked for; whatever a sample holds, what is said of it covers it
//! exactly, and the way back gives what went in.

use proptest::prelude::*;
use wire::cmaf::protect::{ContentKey, PICTURES, Protected, SOUND, decrypt, encrypt};
use wire::cmaf::{CodecConfig, Sample, TrackInit, init_segment, media_segment, read_segment};
use wire::mp4::child;
use wire::mp4::senc::{SUBSAMPLES_MAX, Senc};
use wire::presentation::{Ratio, TrackKind};

/// NIST SP 800-38A, appendix F.2.1, CBC-AES128.Encrypt.
const KEY: [u8; 16] = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
const IV: [u8; 16] = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes();
const PLAIN: [u128; 4] = [
    0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a,
    0xae2d_8a57_1e03_ac9c_9eb7_6fac_45af_8e51,
    0x30c8_1c46_a35c_e411_e5fb_c119_1a0a_52ef,
    0xf69f_2445_df4f_9b17_ad2b_417b_e66c_3710,
];
const CIPHER: [u128; 4] = [
    0x7649_abac_8119_b246_cee9_8e9b_12e9_197d,
    0x5086_cb9b_5072_19ee_95db_113a_9176_78b2,
    0x73be_d6b8_e3c1_743b_7116_e69e_2222_9516,
    0x3ff1_caa1_681f_ac09_120e_ca30_7586_e1a7,
];

fn blocks(values: &[u128]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

#[test]
fn whole_samples_are_the_published_vectors_of_cbc() {
    let mut sample = [blocks(&PLAIN), vec![7; 15]].concat();
    encrypt(&KEY, &IV, SOUND, &mut sample);
    assert_eq!(sample, [blocks(&CIPHER), vec![7; 15]].concat(), "what is no whole block stays");
    decrypt(&KEY, &IV, SOUND, &mut sample);
    assert_eq!(sample[..64], blocks(&PLAIN));
}

#[test]
fn of_ten_blocks_the_first_is_encrypted_and_chained_to_the_next_first() {
    let between = [9u128; 9];
    let of =
        |values: &[u128; 4]| values.iter().flat_map(|value| [&[*value][..], &between].concat()).collect::<Vec<u128>>();
    let mut sample = blocks(&of(&PLAIN));
    encrypt(&KEY, &IV, PICTURES, &mut sample);
    assert_eq!(sample, blocks(&of(&CIPHER)));
}

/// Baseline, 320x180, CAVLC: written by x264, cut to what slice headers need.
const AVCC: &[u8] = &[
    1, 0x42, 0xc0, 0x0d, 0xff, 0xe1, 0, 0x0a, 0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x06, 0x68, 0x40, 0x00, 1, 0, 4,
    0x68, 0xce, 0x3c, 0x80,
];

fn header(config: CodecConfig) -> Vec<u8> {
    let kind = match config {
        CodecConfig::Avc { .. } | CodecConfig::Av1 { .. } => {
            let one = Ratio { num: 1, den: 1 };
            TrackKind::Video { width: 320, height: 180, frame_rate: Ratio { num: 25, den: 1 }, pixel_aspect: one }
        }
        CodecConfig::Aac { .. } | CodecConfig::Opus { .. } => {
            TrackKind::Audio { sample_rate: 48_000, channels: 2, language: "und".into() }
        }
    };
    init_segment(&TrackInit { timescale: 48_000, config, kind, colour: None, skip: 0, duration: 0 })
}

fn key() -> ContentKey {
    ContentKey { id: [3; 16], key: KEY }
}

/// Decrypts by what the segment says of itself.
fn undone(segment: &[u8]) -> Vec<Vec<u8>> {
    let moof = child(b"file", segment, b"moof").unwrap().unwrap();
    let traf = child(b"moof", moof, b"traf").unwrap().unwrap();
    let said = child(b"traf", traf, b"senc").unwrap().map(|body| Senc::read(body).unwrap());
    let samples = read_segment(segment).unwrap().samples;
    let undo = |(at, sample): (usize, &Sample<'_>)| {
        let mut data = sample.data.to_vec();
        let Some(said) = &said else {
            decrypt(&KEY, &key().iv(), SOUND, &mut data);
            return data;
        };
        assert!(said.samples[at].len() <= SUBSAMPLES_MAX);
        let mut from = 0;
        for one in &said.samples[at] {
            let start = from + usize::from(one.clear);
            from = start + one.protected as usize;
            decrypt(&KEY, &key().iv(), PICTURES, &mut data[start..from]);
        }
        assert_eq!(from, data.len(), "the stretches are as long as the sample");
        data
    };
    samples.iter().enumerate().map(undo).collect()
}

fn check(config: CodecConfig, samples: &[Vec<u8>]) {
    let (_, protected) = Protected::new(&header(config), &key()).unwrap();
    let given: Vec<Sample<'_>> =
        samples.iter().map(|data| Sample { data, duration: 1024, composition_offset: 0, sync: true }).collect();
    let clear = media_segment(1, 48_000, 0, &given).unwrap();
    // Samples that cannot be read are refused, and nothing else ever is.
    if let Ok(locked) = protected.segment(&clear) {
        assert_eq!(undone(&locked), samples);
        assert_eq!(protected.segment(&clear), Ok(locked), "the same bytes each time");
    }
}

fn nal() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![Just(0x65u8), Just(0x41), Just(0x01), Just(6), Just(7), any::<u8>()];
    // The beginning of a slice header that is right more often than chance has it.
    let start = prop_oneof![
        Just(vec![0x88, 0x84, 0x00]),
        Just(vec![0x9a, 0x26, 0x0c]),
        proptest::collection::vec(any::<u8>(), 0..6)
    ];
    (kind, start, proptest::collection::vec(any::<u8>(), 0..400), 0usize..3).prop_map(|(kind, start, data, times)| {
        let long = data.repeat(1 + times * 200);
        let nal = [vec![kind], start, long].concat();
        [(nal.len() as u32).to_be_bytes().to_vec(), nal].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn pictures_come_back_and_what_is_said_covers_them(
        samples in proptest::collection::vec(proptest::collection::vec(nal(), 1..8).prop_map(|nals| nals.concat()), 1..4),
    ) {
        check(CodecConfig::Avc { avcc: AVCC.to_vec() }, &samples);
    }

    #[test]
    fn sound_comes_back(samples in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..700), 1..8)) {
        check(CodecConfig::Aac { asc: vec![0x11, 0x90], average_bitrate: 0 }, &samples);
    }

    #[test]
    fn damaged_units_of_av1_are_refused_or_come_back(
        samples in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..200), 1..4),
        header_first in any::<bool>(),
    ) {
        // 320x180, main profile, as our encoder writes it.
        let sequence = [0x0a, 0x0b, 0, 0, 0, 0x02, 0xa7, 0xff, 0x66, 0x7f, 0x9f, 0x7e, 0x02];
        let samples: Vec<Vec<u8>> = samples.into_iter().map(|data| {
            let frame = [vec![0x32, 0x80 | (data.len() & 0x7f) as u8, (data.len() >> 7) as u8], data].concat();
            if header_first { [sequence.to_vec(), frame].concat() } else { frame }
        }).collect();
        check(CodecConfig::Av1 { av1c: vec![0x81, 0, 0x0c, 0] }, &samples);
    }
}
