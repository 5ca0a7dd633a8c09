//! One track of `moov` (ISO/IEC 14496-12 sections 8.3 to 8.6): headers, sample description and edit list.

use super::boxes::{Boxes, full_box};
use super::elst::{self, EditList};
use super::stsd;
use crate::packet::{Edit, MediaKind, SourceTrack};

/// A track of pictures or sound, with the box its sample tables are in.
#[derive(Debug)]
pub(crate) struct Trak<'a> {
    pub track: SourceTrack,
    pub edits: EditList,
    pub stbl: &'a [u8],
}

/// `None` for tracks that are neither pictures nor sound, or too broken to name their samples.
pub(crate) fn read<'a>(trak: &'a [u8], movie_timescale: u32) -> Option<Trak<'a>> {
    let boxes = Boxes(trak);
    let tkhd = Tkhd::read(boxes.find(b"tkhd")?)?;
    let mdia = Boxes(boxes.find(b"mdia")?);
    let (timescale, language) = read_mdhd(mdia.find(b"mdhd")?)?;
    let kind = match full_box(mdia.find(b"hdlr")?)?.2.0.get(4..8)? {
        b"vide" => MediaKind::Video,
        b"soun" => MediaKind::Audio,
        _ => return None,
    };
    let stbl = mdia.at(&[b"minf", b"stbl"])?;
    let stsd = Boxes(stbl).find(b"stsd")?;
    let mut entry = stsd::read(stsd, kind)?;
    if let Some(picture) = &mut entry.picture {
        picture.rotation = tkhd.rotation;
    }
    let edits = boxes.at(&[b"edts", b"elst"]).map(|elst| elst::read(elst, movie_timescale, timescale));
    let track = SourceTrack {
        id: tkhd.id.into(),
        kind,
        codec: entry.codec,
        config: entry.config,
        timescale,
        language,
        default: tkhd.enabled,
        picture: entry.picture,
        sound: entry.sound,
        edit: Edit::default(),
        many_configs: entry.many,
        encrypted: entry.encrypted,
    };
    Some(Trak { track, edits: edits.unwrap_or_default(), stbl })
}

/// Track header (section 8.3.2).
struct Tkhd {
    enabled: bool,
    id: u32,
    rotation: u16,
}

impl Tkhd {
    fn read(body: &[u8]) -> Option<Self> {
        let (version, flags, mut bytes) = full_box(body)?;
        let wide = if version == 1 { 8 } else { 4 };
        bytes.skip(2 * wide)?;
        let id = bytes.u32()?;
        bytes.skip(4 + wide + 8 + 8)?;
        let mut matrix = [0; 9];
        for value in &mut matrix {
            *value = bytes.i32()?;
        }
        let [a, b, _, c, d, ..] = matrix;
        Some(Self { enabled: flags & 1 != 0, id, rotation: rotation(a, b, c, d) })
    }
}

/// Quarter turn clockwise nearest to what the matrix does to the x axis; mirroring is not undone.
fn rotation(a: i32, b: i32, c: i32, d: i32) -> u16 {
    let (a, b, c, d) = (i64::from(a), i64::from(b), i64::from(c), i64::from(d));
    if a.abs() + d.abs() >= b.abs() + c.abs() {
        if a < 0 && d < 0 { 180 } else { 0 }
    } else if b > 0 {
        90
    } else {
        270
    }
}

/// Timescale and language (section 8.4.2).
fn read_mdhd(body: &[u8]) -> Option<(u32, String)> {
    let (version, _, mut bytes) = full_box(body)?;
    bytes.skip(if version == 1 { 16 } else { 8 })?;
    let timescale = bytes.u32()?;
    bytes.skip(if version == 1 { 8 } else { 4 })?;
    let packed = bytes.u16().unwrap_or(0);
    let letters = [10, 5, 0].map(|shift| (packed >> shift & 31) as u8 + 0x60);
    let language = match letters.iter().all(u8::is_ascii_lowercase) {
        true => letters.iter().map(|&letter| char::from(letter)).collect(),
        false => "und".to_owned(), // a QuickTime language number
    };
    (timescale > 0).then_some((timescale, language))
}
