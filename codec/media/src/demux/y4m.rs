//! YUV4MPEG2: a line of text, then for every picture a line of text and its planes (mjpegtools, yuv4mpeg(5)).

use super::index::IndexBuilder;
use super::{IndexedTrack, Source};
use crate::packet::{Codec, Colour, Edit, MediaKind, PictureFormat, RawLayout, SourceTrack};
use crate::{Limits, MediaError};

/// Longest header line that is read.
const LINE_MAX: usize = 1024;

/// The one track. Bit depths other than 8 and interlaced pictures are left to FFmpeg: the codec is then not raw video.
pub(crate) fn read(source: &Source, limits: &Limits) -> Result<Vec<IndexedTrack>, MediaError> {
    let malformed = |what| MediaError::Malformed { container: "YUV4MPEG2", what };
    let head = line(source, 0)?.ok_or_else(|| malformed("its header line does not end"))?;
    let stream = Stream::parse(&head).ok_or_else(|| malformed("its header line has no usable size or rate"))?;
    let side_max = limits.side_max;
    if stream.width > side_max || stream.height > side_max {
        let (value, max) = (stream.width.max(stream.height).into(), side_max.into());
        return Err(MediaError::OverLimit { what: "the width or height in pixels", value, max });
    }
    let frame_bytes = stream.frame_bytes();
    let mut builder = IndexBuilder::new(stream.track(), limits, source.bytes);
    let mut at = head.len() as u64 + 1;
    while at < source.bytes {
        let head = line(source, at)?.filter(|line| line.starts_with(b"FRAME"));
        let Some(head) = head else { return Err(malformed("a picture does not begin with FRAME")) };
        let body = at + head.len() as u64 + 1;
        let size = u32::try_from(frame_bytes).unwrap_or(u32::MAX);
        let pts = builder.len() as i64 * i64::from(stream.rate.1);
        builder.push(body, size, pts, stream.rate.1, true)?;
        at = body.saturating_add(frame_bytes);
    }
    Ok(vec![builder.finish(0)?])
}

/// A line without its end.
fn line(source: &Source, at: u64) -> Result<Option<Vec<u8>>, MediaError> {
    let mut bytes = [0; LINE_MAX];
    let got = source.read_some(at, &mut bytes)?;
    let end = bytes[..got].iter().position(|byte| *byte == b'\n');
    Ok(end.map(|end| bytes[..end].to_vec()))
}

/// The parameters of the header line.
struct Stream {
    width: u32,
    height: u32,
    rate: (u32, u32),
    pixel_aspect: (u32, u32),
    layout: Option<RawLayout>,
    interlaced: bool,
    full_range: bool,
    /// Bytes of a chroma plane in relation to luma, and of a sample.
    chroma: (u32, u32),
    wide: bool,
    colour_space: String,
}

impl Stream {
    fn parse(head: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(head).ok()?.strip_prefix("YUV4MPEG2 ")?;
        let mut stream = Self {
            width: 0,
            height: 0,
            rate: (25, 1),
            pixel_aspect: (1, 1),
            layout: Some(RawLayout::I420),
            interlaced: false,
            full_range: false,
            chroma: (2, 2),
            wide: false,
            colour_space: "420".to_owned(),
        };
        for word in text.split_ascii_whitespace() {
            let (key, value) = word.split_at_checked(1)?;
            match key {
                "W" => stream.width = value.parse().ok()?,
                "H" => stream.height = value.parse().ok()?,
                "F" => stream.rate = ratio(value)?,
                "A" => stream.pixel_aspect = ratio(value).unwrap_or((1, 1)),
                "I" => stream.interlaced = !matches!(value, "p" | "?"),
                "C" => stream.colour_space = value.to_owned(),
                "X" if value == "COLORRANGE=FULL" => stream.full_range = true,
                _ => {}
            }
        }
        let name = stream.colour_space.as_str();
        (stream.layout, stream.chroma) = match name {
            "420" | "420jpeg" | "420mpeg2" | "420paldv" => (Some(RawLayout::I420), (2, 2)),
            "422" => (Some(RawLayout::I422), (2, 1)),
            "444" => (Some(RawLayout::I444), (1, 1)),
            "mono" => (Some(RawLayout::Grey), (0, 0)),
            _ if name.starts_with("420p") => (None, (2, 2)),
            _ if name.starts_with("422p") => (None, (2, 1)),
            _ if name.starts_with("444p") => (None, (1, 1)),
            _ if name.starts_with("mono") => (None, (0, 0)),
            _ => return None,
        };
        stream.wide = stream.layout.is_none();
        (stream.width > 0 && stream.height > 0).then_some(stream)
    }

    fn frame_bytes(&self) -> u64 {
        let luma = u64::from(self.width) * u64::from(self.height);
        let chroma = match self.chroma {
            (0, _) => 0,
            (x, y) => 2 * u64::from(self.width.div_ceil(x)) * u64::from(self.height.div_ceil(y)),
        };
        (luma + chroma) * if self.wide { 2 } else { 1 }
    }

    fn track(&self) -> SourceTrack {
        let native = self.layout.is_some() && !self.interlaced;
        let unspecified = Colour { primaries: 2, transfer: 2, matrix: 2, full_range: true };
        SourceTrack {
            id: 1,
            kind: MediaKind::Video,
            codec: if native { Codec::RawVideo } else { Codec::Other(format!("raw video {}", self.colour_space)) },
            config: Vec::new(),
            timescale: self.rate.0,
            language: "und".to_owned(),
            default: true,
            picture: Some(PictureFormat {
                width: self.width,
                height: self.height,
                pixel_aspect: Some(self.pixel_aspect),
                rotation: 0,
                colour: self.full_range.then_some(unspecified),
                default_duration_ns: 0,
                raw: self.layout,
            }),
            sound: None,
            edit: Edit::default(),
            many_configs: false,
            encrypted: false,
        }
    }
}

/// `30000:1001`, both at least 1.
fn ratio(text: &str) -> Option<(u32, u32)> {
    let (num, den) = text.split_once(':')?;
    let ratio = (num.parse().ok()?, den.parse().ok()?);
    (ratio.0 > 0 && ratio.1 > 0).then_some(ratio)
}
