//! IVF: 32 bytes of header, then for every picture its size, its time and its bytes, all little-endian.

use super::index::IndexBuilder;
use super::{IndexedTrack, Source};
use crate::packet::{Codec, Edit, MediaKind, PictureFormat, SourceTrack};
use crate::{Limits, MediaError};

const FRAME_HEADER: u64 = 12;

/// The one track: AV1, VP8 or VP9.
pub(crate) fn read(source: &Source, limits: &Limits) -> Result<Vec<IndexedTrack>, MediaError> {
    let malformed = |what| MediaError::Malformed { container: "IVF", what };
    let mut head = [0; 32];
    if source.read_some(0, &mut head)? < head.len() {
        return Err(MediaError::Truncated { detail: "it ends inside its header" });
    }
    let u16_at = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
    let u32_at = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let codec = match &head[8..12] {
        b"AV01" => Codec::Av1,
        b"VP80" => Codec::Vp8,
        b"VP90" => Codec::Vp9,
        other => Codec::Other(String::from_utf8_lossy(other).into_owned()),
    };
    let (rate, scale) = (u32_at(16), u32_at(20));
    if rate == 0 || scale == 0 {
        return Err(malformed("its time base is zero"));
    }
    let (width, height) = (u16_at(12).into(), u16_at(14).into());
    let picture = PictureFormat {
        width,
        height,
        pixel_aspect: None,
        rotation: 0,
        colour: None,
        default_duration_ns: 0,
        raw: None,
    };
    let track = SourceTrack {
        id: 1,
        kind: MediaKind::Video,
        codec,
        config: Vec::new(),
        timescale: rate,
        language: "und".to_owned(),
        default: true,
        picture: Some(picture),
        sound: None,
        edit: Edit::default(),
        many_configs: false,
        encrypted: false,
    };
    let is_av1 = track.codec == Codec::Av1;
    let mut builder = IndexBuilder::new(track, limits, source.bytes);
    let mut at = u64::from(u16_at(6)).max(32);
    while at < source.bytes {
        let mut frame = [0; FRAME_HEADER as usize + 16];
        let got = source.read_some(at, &mut frame)?;
        let Some((header, start)) = frame[..got].split_first_chunk::<{ FRAME_HEADER as usize }>() else { break };
        let size = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
        let [_, _, _, _, time @ ..] = *header;
        let ticks = u64::from_le_bytes(time).min(u64::MAX >> 24);
        let pts = i64::try_from(u128::from(ticks) * u128::from(scale)).unwrap_or(i64::MAX);
        let sync = builder.len() == 0 || (is_av1 && crate::bitstream::av1::has_sequence_header(start));
        let body = at + FRAME_HEADER;
        if size > 0 {
            builder.push(body, size, pts, scale, sync)?;
        }
        at = body.saturating_add(size.into());
    }
    Ok(vec![builder.finish(0)?])
}
