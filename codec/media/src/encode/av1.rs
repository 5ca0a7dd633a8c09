//! AV1 by rav1e: one context a chunk, one thread a context. Lanes are the parallelism; tiles and frame threads would only
//! cost compression.

use super::{Check, EncodedGop, EncodedPicture, level, obu};
use crate::error::MediaError;
use crate::frame::Frame;
use crate::packet::Colour;
use crate::plan::Rung;
use wire::cmaf::CodecConfig;

/// Encoder of one closed GOP of AV1, main profile, 8 bits, 4:2:0.
pub struct Av1Encoder {
    encoder: av1::Encoder,
    level: u8,
    pictures: Vec<EncodedPicture>,
    sequence_header: Option<Vec<u8>>,
}

impl Av1Encoder {
    /// An encoder for one chunk of this rung.
    pub fn new(rung: &Rung, colour: Option<Colour>) -> Result<Self, MediaError> {
        let level = level::av1_level(rung.width, rung.height, rung.frame_rate);
        let encoder = av1::Encoder::new(&av1::Settings {
            width: rung.width as usize,
            height: rung.height as usize,
            frame_rate: (rung.frame_rate.num, rung.frame_rate.den),
            level,
            quantizer: rung.quantizer,
            speed: rung.speed,
            colour: colour.map(|colour| (colour.primaries, colour.transfer, colour.matrix)),
        });
        let encoder = encoder.map_err(failure)?;
        Ok(Self { encoder, level, pictures: Vec::new(), sequence_header: None })
    }

    /// Takes the next picture.
    pub fn push(&mut self, frame: &Frame, check: Check<'_>) -> Result<(), MediaError> {
        self.encoder.push(frame.y(), frame.u(), frame.v(), frame.width as usize).map_err(failure)?;
        self.drain(check)
    }

    /// Encodes what is still in the lookahead.
    pub fn finish(mut self, check: Check<'_>) -> Result<EncodedGop, MediaError> {
        self.encoder.flush();
        self.drain(check)?;
        let header =
            self.sequence_header.ok_or_else(|| failure(av1::Refused("no sequence header was written".into())))?;
        let av1c = configuration(self.level, &header);
        Ok(EncodedGop { config: CodecConfig::Av1 { av1c }, pictures: self.pictures })
    }

    fn drain(&mut self, check: Check<'_>) -> Result<(), MediaError> {
        check()?;
        while let Some(packet) = self.encoder.packet().map_err(failure)? {
            self.keep(&packet.data, packet.key);
            check()?;
        }
        Ok(())
    }

    /// A sample is a temporal unit without its delimiter (AV1-ISOBMFF section 2.4).
    fn keep(&mut self, unit: &[u8], sync: bool) {
        let mut data = Vec::with_capacity(unit.len());
        for unit in obu::units(unit).filter(|unit| unit.kind != obu::TEMPORAL_DELIMITER) {
            if unit.kind == obu::SEQUENCE_HEADER && self.sequence_header.is_none() {
                self.sequence_header = Some(unit.bytes.to_vec());
            }
            data.extend_from_slice(unit.bytes);
        }
        self.pictures.push(EncodedPicture { data, sync });
    }
}

/// Body of `av1C` (AV1-ISOBMFF section 2.3.3) for main profile, main tier, 8 bits, 4:2:0, and the sequence header. rav1e's
/// own `container_sequence_header` says level 31 whatever the stream says.
fn configuration(level: u8, sequence_header: &[u8]) -> Vec<u8> {
    let subsampled = 0b1100;
    [&[0x81, level, subsampled, 0], sequence_header].concat()
}

fn failure(refused: av1::Refused) -> MediaError {
    MediaError::Encode { codec: "AV1", detail: refused.0 }
}
