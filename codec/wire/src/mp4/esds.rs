//! `esds`: AAC's AudioSpecificConfig in its MPEG-4 descriptors (ISO/IEC 14496-14 section 6.7, 14496-1 section 7.2.6).

use super::{Mp4Error, Reader, put_full_box};

const ES_DESCRIPTOR: u8 = 3;
const DECODER_CONFIG: u8 = 4;
const DECODER_SPECIFIC_INFO: u8 = 5;
const SL_CONFIG: u8 = 6;
/// objectTypeIndication of MPEG-4 AAC.
const MPEG4_AUDIO: u8 = 0x40;
/// streamType 5 (audio), upStream 0, reserved 1.
const AUDIO_STREAM: u8 = 5 << 2 | 1;

/// Body of `esds` for AAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Esds {
    /// AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1).
    pub asc: Vec<u8>,
    /// Bits a second, written as average and as maximum; 0 when unknown.
    pub average_bitrate: u32,
}

impl Esds {
    /// Appends the box.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut config = vec![MPEG4_AUDIO, AUDIO_STREAM, 0, 0, 0];
        config.extend_from_slice(&self.average_bitrate.to_be_bytes()); // maxBitrate
        config.extend_from_slice(&self.average_bitrate.to_be_bytes());
        put_descriptor(&mut config, DECODER_SPECIFIC_INFO, &self.asc);
        let mut es = vec![0, 0, 0]; // ES_ID, flags
        put_descriptor(&mut es, DECODER_CONFIG, &config);
        put_descriptor(&mut es, SL_CONFIG, &[2]);
        put_full_box(out, b"esds", 0, 0, |out| put_descriptor(out, ES_DESCRIPTOR, &es));
    }

    /// Reads the body; dependent streams, URLs and other codecs are not supported.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let (mut r, _, _) = Reader::full(b"esds", body)?;
        let mut es = Reader::new(b"esds", descriptor(&mut r, ES_DESCRIPTOR)?);
        es.u16()?;
        if es.u8()? & 0xe0 != 0 {
            return Err(r.unsupported("stream dependence"));
        }
        let mut config = Reader::new(b"esds", descriptor(&mut es, DECODER_CONFIG)?);
        if config.u8()? != MPEG4_AUDIO {
            return Err(r.unsupported("object type"));
        }
        config.take(8)?; // stream type, buffer size, maxBitrate
        let average_bitrate = config.u32()?;
        let asc = descriptor(&mut config, DECODER_SPECIFIC_INFO)?.to_vec();
        Ok(Self { asc, average_bitrate })
    }
}

/// Tag, expandable length (7 bits a byte, section 8.3.3), body.
fn put_descriptor(out: &mut Vec<u8>, tag: u8, body: &[u8]) {
    out.push(tag);
    let bytes = (1..4).find(|n| body.len() >> (7 * n) == 0).unwrap_or(4);
    for i in (0..bytes).rev() {
        let more = if i > 0 { 0x80 } else { 0 };
        out.push((body.len() >> (7 * i)) as u8 & 0x7f | more);
    }
    out.extend_from_slice(body);
}

fn descriptor<'a>(r: &mut Reader<'a>, tag: u8) -> Result<&'a [u8], Mp4Error> {
    if r.u8()? != tag {
        return Err(r.unsupported("descriptor order"));
    }
    let mut length = 0usize;
    for i in 0.. {
        let byte = r.u8()?;
        length = length << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
        if i == 3 {
            return Err(r.unsupported("descriptor length"));
        }
    }
    r.take(length)
}
