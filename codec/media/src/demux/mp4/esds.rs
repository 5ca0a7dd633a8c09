//! Elementary stream descriptors (ISO/IEC 14496-1 section 7.2.6): the AudioSpecificConfig inside `esds`.

use crate::demux::bytes::Bytes;
use crate::packet::Codec;

const ES_DESCRIPTOR: u8 = 3;
const DECODER_CONFIG_DESCRIPTOR: u8 = 4;
const DECODER_SPECIFIC_INFO: u8 = 5;

/// Codec and its configuration, from the bytes after version and flags.
pub(crate) fn read(mut bytes: Bytes) -> Option<(Codec, Vec<u8>)> {
    let mut es = descriptor(&mut bytes, ES_DESCRIPTOR)?;
    es.skip(2)?;
    let flags = es.u8()?;
    if flags & 0x80 != 0 {
        es.skip(2)?;
    }
    if flags & 0x40 != 0 {
        let url = es.u8()?;
        es.skip(url.into())?;
    }
    if flags & 0x20 != 0 {
        es.skip(2)?;
    }
    let mut config = descriptor(&mut es, DECODER_CONFIG_DESCRIPTOR)?;
    let object_type = config.u8()?;
    config.skip(12)?;
    let specific = descriptor(&mut config, DECODER_SPECIFIC_INFO).map_or_else(Vec::new, |info| info.0.to_vec());
    // Object types: ISO/IEC 14496-1 table 5 and the registration authority's list (mp4ra.org).
    let codec = match object_type {
        0x40 | 0x66..=0x68 => Codec::Aac,
        0x69 | 0x6b => Codec::Mp3,
        0xa5 => Codec::Other("AC-3".to_owned()),
        0xa6 => Codec::Other("E-AC-3".to_owned()),
        0xa9..=0xac => Codec::Other("DTS".to_owned()),
        0xdd => Codec::Vorbis,
        other => Codec::Other(format!("mp4a.{other:02x}")),
    };
    Some((codec, specific))
}

/// The body of a descriptor with tag `tag`; others before it are skipped.
fn descriptor<'a>(bytes: &mut Bytes<'a>, tag: u8) -> Option<Bytes<'a>> {
    loop {
        let found = bytes.u8()?;
        let mut size = 0_usize;
        for _ in 0..4 {
            let byte = bytes.u8()?;
            size = size << 7 | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let body = bytes.take(size.min(bytes.0.len()))?;
        if found == tag {
            return Some(Bytes(body));
        }
    }
}
