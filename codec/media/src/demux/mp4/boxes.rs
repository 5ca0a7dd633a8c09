//! Boxes inside boxes (ISO/IEC 14496-12 section 4.2), in memory. What does not fit ends the walk and is no error:
//! real files have zeros and half atoms at the end of their containers.

use crate::demux::bytes::Bytes;

/// A box type: four characters.
pub(crate) type FourCc = [u8; 4];

/// The boxes that stand one after the other in `0`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Boxes<'a>(pub &'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = (FourCc, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = Bytes(self.0);
        let size = bytes.u32()?;
        let kind = bytes.array()?;
        let (header, size) = match size {
            0 => (8, self.0.len() as u64),
            1 => (16, bytes.u64()?),
            size => (8, size.into()),
        };
        if size < header {
            self.0 = &[];
            return None;
        }
        let end = usize::try_from(size).map_or(self.0.len(), |size| size.min(self.0.len()));
        let body = &self.0[header as usize..end];
        self.0 = &self.0[end..];
        Some((kind, body))
    }
}

impl<'a> Boxes<'a> {
    /// The first box of a type.
    pub fn find(self, kind: &FourCc) -> Option<&'a [u8]> {
        let mut boxes = self;
        boxes.find_map(|(found, body)| (found == *kind).then_some(body))
    }

    /// The first box at a path: `["mdia", "minf"]`.
    pub fn at(self, path: &[&FourCc]) -> Option<&'a [u8]> {
        let (last, parents) = path.split_last()?;
        let within = parents.iter().try_fold(self, |boxes, kind| boxes.find(kind).map(Boxes))?;
        within.find(last)
    }
}

/// Version and flags off the front of a full box (section 4.2.2).
pub(crate) fn full_box(body: &[u8]) -> Option<(u8, u32, Bytes<'_>)> {
    let mut bytes = Bytes(body);
    let word = bytes.u32()?;
    Some(((word >> 24) as u8, word & 0x00ff_ffff, bytes))
}
