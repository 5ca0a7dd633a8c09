//! Sample descriptions (ISO/IEC 14496-12 section 8.5.2, QuickTime sound entries): which codec, and what its decoder needs.

use super::boxes::{Boxes, FourCc, full_box};
use super::esds;
use crate::demux::bytes::Bytes;
use crate::packet::{Codec, Colour, MediaKind, PictureFormat, SoundFormat};

/// The first entry of the box.
#[derive(Debug)]
pub(crate) struct Entry {
    pub codec: Codec,
    pub config: Vec<u8>,
    pub picture: Option<PictureFormat>,
    pub sound: Option<SoundFormat>,
    pub many: bool,
    pub encrypted: bool,
}

/// `None` when the box holds no entry.
pub(crate) fn read(stsd: &[u8], kind: MediaKind) -> Option<Entry> {
    let (version, _, mut bytes) = full_box(stsd)?;
    bytes.skip(4)?;
    let mut entries = Boxes(bytes.0);
    let (format, body) = entries.next()?;
    let many = entries.any(|(other, more)| (other, more) != (format, body));
    let entry = match kind {
        MediaKind::Video => visual(format, body)?,
        MediaKind::Audio => audio(format, body, version)?,
    };
    Some(Entry { many, ..entry })
}

/// VisualSampleEntry (section 12.1.3).
fn visual(format: FourCc, body: &[u8]) -> Option<Entry> {
    let mut bytes = Bytes(body);
    bytes.skip(24)?;
    let (width, height) = (bytes.u16()?.into(), bytes.u16()?.into());
    bytes.skip(50)?;
    let extensions = Boxes(bytes.0);
    let (format, encrypted) = original_format(format, extensions);
    let (codec, config) = match &format {
        b"avc1" | b"avc2" | b"avc3" | b"avc4" | b"dvav" | b"dva1" => (Codec::H264, extensions.find(b"avcC")),
        b"av01" | b"dav1" => (Codec::Av1, extensions.find(b"av1C")),
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => (Codec::Hevc, extensions.find(b"hvcC")),
        b"vp08" => (Codec::Vp8, extensions.find(b"vpcC")),
        b"vp09" => (Codec::Vp9, extensions.find(b"vpcC")),
        b"mp4v" => (Codec::Other("MPEG-4 video".to_owned()), extensions.find(b"esds")),
        _ => (Codec::Other(printable(format)), None),
    };
    let picture = PictureFormat {
        width,
        height,
        pixel_aspect: extensions.find(b"pasp").and_then(pasp),
        rotation: 0,
        colour: extensions.find(b"colr").and_then(colr),
        default_duration_ns: 0,
        raw: None,
    };
    let config = config.unwrap_or_default().to_vec();
    Some(Entry { codec, config, picture: Some(picture), sound: None, many: false, encrypted })
}

/// AudioSampleEntry (section 12.2.3) and the three versions of QuickTime's.
fn audio(format: FourCc, body: &[u8], stsd_version: u8) -> Option<Entry> {
    let mut bytes = Bytes(body);
    bytes.skip(8)?;
    let version = bytes.u16()?;
    bytes.skip(6)?;
    let mut channels = bytes.u16()?;
    bytes.skip(6)?;
    let mut sample_rate = bytes.u32()? >> 16;
    if version == 2 {
        let mut wide = bytes;
        wide.skip(4)?;
        let rate = f64::from_bits(wide.u64()?);
        channels = wide.u32()?.min(u16::MAX.into()) as u16;
        sample_rate = if rate.is_finite() { rate.clamp(0.0, 1e7) as u32 } else { 0 };
    }
    // ISO's own version 1 has no extra fields, QuickTime's has; where boxes can be read decides.
    let extra = match version {
        1 if stsd_version == 0 => 16,
        2 => 36,
        _ => 0,
    };
    let candidates = [bytes.0.get(extra..).unwrap_or_default(), bytes.0];
    let extensions = Boxes(candidates.iter().find(|rest| looks_like_boxes(rest)).unwrap_or(&&[][..]));
    let (format, encrypted) = original_format(format, extensions);
    let esds = extensions.find(b"esds").or_else(|| extensions.at(&[b"wave", b"esds"]));
    let (codec, config) = match &format {
        b"mp4a" => match esds.and_then(full_box).and_then(|(.., bytes)| esds::read(bytes)) {
            Some(found) => found,
            None => (Codec::Other("mp4a".to_owned()), Vec::new()),
        },
        b"Opus" => (Codec::Opus, extensions.find(b"dOps").unwrap_or_default().to_vec()),
        b"fLaC" => (Codec::Flac, extensions.find(b"dfLa").unwrap_or_default().to_vec()),
        b".mp3" | b"ms\0U" => (Codec::Mp3, Vec::new()),
        b"sowt" | b"twos" | b"lpcm" | b"in24" | b"in32" | b"fl32" | b"fl64" | b"raw " | b"NONE" | b"ipcm" | b"fpcm" => {
            (Codec::Pcm, Vec::new())
        }
        _ => (Codec::Other(printable(format)), Vec::new()),
    };
    let sound = Some(SoundFormat { sample_rate, channels });
    Some(Entry { codec, config, picture: None, sound, many: false, encrypted })
}

fn looks_like_boxes(bytes: &&[u8]) -> bool {
    let printable = |kind: FourCc| kind.iter().all(|byte| (0x20..0x7f).contains(byte) || *byte == 0xa9);
    Boxes(bytes).next().is_some_and(|(kind, _)| printable(kind))
}

/// The format under the encryption (section 8.12.2).
fn original_format(format: FourCc, extensions: Boxes) -> (FourCc, bool) {
    let encrypted = matches!(&format, b"encv" | b"enca");
    let original = extensions.at(&[b"sinf", b"frma"]).and_then(|frma| Bytes(frma).array());
    (if encrypted { original.unwrap_or(format) } else { format }, encrypted)
}

/// Pixel aspect ratio (section 12.1.4).
fn pasp(body: &[u8]) -> Option<(u32, u32)> {
    let mut bytes = Bytes(body);
    let ratio = (bytes.u32()?, bytes.u32()?);
    (ratio.0 > 0 && ratio.1 > 0).then_some(ratio)
}

/// Colour information (section 12.1.5); QuickTime's `nclc` has no range flag.
fn colr(body: &[u8]) -> Option<Colour> {
    let mut bytes = Bytes(body);
    let kind: FourCc = bytes.array()?;
    if !matches!(&kind, b"nclx" | b"nclc") {
        return None;
    }
    let (primaries, transfer, matrix) = (bytes.u16()?, bytes.u16()?, bytes.u16()?);
    let full_range = &kind == b"nclx" && bytes.u8().unwrap_or(0) & 0x80 != 0;
    Some(Colour { primaries, transfer, matrix, full_range })
}

fn printable(format: FourCc) -> String {
    format.iter().map(|&byte| if byte.is_ascii_graphic() { char::from(byte) } else { '_' }).collect()
}
