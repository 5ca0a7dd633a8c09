//! Open bitstream units (AV1 specification section 5.3): what is cut out of a temporal unit on its way into a file.

/// `obu_type` of a sequence header.
pub const SEQUENCE_HEADER: u8 = 1;
/// `obu_type` of a temporal delimiter.
pub const TEMPORAL_DELIMITER: u8 = 2;

/// One unit, header included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Obu<'a> {
    /// `obu_type`.
    pub kind: u8,
    /// Header, size field and payload.
    pub bytes: &'a [u8],
}

/// The units of a temporal unit. Ends early at a unit without a size field, or one that is longer than what is left.
pub fn units(mut bytes: &[u8]) -> impl Iterator<Item = Obu<'_>> {
    std::iter::from_fn(move || {
        let header = *bytes.first()?;
        let extension = usize::from(header >> 2 & 1);
        if header & 2 == 0 {
            return None;
        }
        let (payload, size_bytes) = leb128(bytes.get(1 + extension..)?)?;
        let whole = usize::try_from(payload).ok()?.checked_add(1 + extension + size_bytes)?;
        let (unit, rest) = bytes.split_at_checked(whole)?;
        bytes = rest;
        Some(Obu { kind: header >> 3 & 15, bytes: unit })
    })
}

/// A value and the bytes it takes (section 4.10.5).
fn leb128(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_told_apart_and_a_cut_one_ends_the_list() {
        let bytes = [0x12, 0, 0x0a, 2, 7, 7, 0x32, 0x81, 0x00, 9, 0x32, 5, 1];
        let seen: Vec<_> = units(&bytes).map(|unit| (unit.kind, unit.bytes.len())).collect();
        assert_eq!(seen, [(TEMPORAL_DELIMITER, 2), (SEQUENCE_HEADER, 4), (6, 4)]);
    }
}
