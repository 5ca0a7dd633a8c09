//! A record: an object, or the removal of one. Its front says what it is; nothing in it is believed before its sum agrees.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::bytes::{put, u32_at, u64_at, u128_at};
use super::layout::{Address, FRONT_TEXT_BYTES_MAX, PIECE_BYTES, UNIT_BYTES, round_up};
use crate::key::Key;

const MAGIC: u32 = u32::from_le_bytes(*b"SGr1");
/// Bytes before the sums.
pub const HEADER_BYTES: u64 = 64;
const SUM_AT: usize = 56;
const SUM_BYTES: u64 = 8;

/// What a record says of its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Here it is.
    Object,
    /// Whatever stands before this is gone.
    Tombstone,
}

impl Kind {
    pub(super) fn code(self) -> u8 {
        match self {
            Kind::Object => 1,
            Kind::Tombstone => 2,
        }
    }

    pub(super) fn of(code: u8) -> Option<Kind> {
        match code {
            1 => Some(Kind::Object),
            2 => Some(Kind::Tombstone),
            _ => None,
        }
    }
}

/// Why bytes are not a record, or not the one that was looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bad {
    /// Fewer bytes than the front needs.
    Short,
    /// No record begins here, or one of another life or place.
    Foreign,
    /// A sum does not agree.
    Damaged,
}

/// The part of a record before its body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Front<'a> {
    /// What it says.
    pub kind: Kind,
    /// Of what.
    pub key: Key,
    /// A time of the writer's, milliseconds.
    pub stamp_ms: u64,
    /// Length of the body.
    pub body_bytes: u64,
    /// The object's name.
    pub name: &'a [u8],
    /// What the edge keeps beside the body.
    pub head: &'a [u8],
    /// Where it lies.
    pub address: Address,
    sums: &'a [u8],
    salt: u64,
}

/// Bytes of a front.
#[must_use]
pub fn front_bytes(name: usize, head: usize, body_bytes: u64) -> u64 {
    HEADER_BYTES + pieces(body_bytes) * SUM_BYTES + name as u64 + head as u64
}

/// Bytes of a whole record, as much as the next one may begin after.
#[must_use]
pub fn record_bytes(name: usize, head: usize, body_bytes: u64) -> u64 {
    round_up(front_bytes(name, head, body_bytes) + body_bytes, UNIT_BYTES)
}

/// Whether name and head are short enough for a record.
#[must_use]
pub fn fits(name: usize, head: usize) -> bool {
    name as u64 + head as u64 <= FRONT_TEXT_BYTES_MAX
}

/// Pieces of a body.
#[must_use]
pub fn pieces(body_bytes: u64) -> u64 {
    body_bytes.div_ceil(PIECE_BYTES)
}

/// The sum of piece `number` of the record at `address`.
#[must_use]
pub fn piece_sum(piece: &[u8], salt: u64, address: Address, number: u64) -> u64 {
    xxh3_64_with_seed(piece, salt ^ address.0.rotate_left(20).wrapping_add(number))
}

/// Writes a front. `sums` holds [`piece_sum`] of every piece of the body.
#[must_use]
pub fn encode(front: &New<'_>, address: Address, salt: u64) -> Vec<u8> {
    debug_assert_eq!(front.sums.len() as u64, pieces(front.body_bytes));
    debug_assert!(fits(front.name.len(), front.head.len()));
    let len = front_bytes(front.name.len(), front.head.len(), front.body_bytes);
    let mut out = Vec::with_capacity(len as usize);
    out.resize(HEADER_BYTES as usize, 0);
    for sum in front.sums {
        out.extend_from_slice(&sum.to_le_bytes());
    }
    out.extend_from_slice(front.name);
    out.extend_from_slice(front.head);
    put(&mut out, 0, &MAGIC.to_le_bytes());
    out[4] = front.kind.code();
    put(&mut out, 8, &address.0.to_le_bytes());
    put(&mut out, 16, &front.key.0.to_le_bytes());
    put(&mut out, 32, &front.stamp_ms.to_le_bytes());
    put(&mut out, 40, &front.body_bytes.to_le_bytes());
    put(&mut out, 48, &(front.name.len() as u32).to_le_bytes());
    put(&mut out, 52, &(front.head.len() as u32).to_le_bytes());
    let sum = front_sum(&out, salt);
    put(&mut out, SUM_AT, &sum.to_le_bytes());
    out
}

/// What [`encode`] writes.
pub struct New<'a> {
    /// What it says.
    pub kind: Kind,
    /// Of what.
    pub key: Key,
    /// See [`Front::stamp_ms`].
    pub stamp_ms: u64,
    /// Length of the body.
    pub body_bytes: u64,
    /// The object's name.
    pub name: &'a [u8],
    /// What the edge keeps beside the body.
    pub head: &'a [u8],
    /// Sums of the body's pieces.
    pub sums: &'a [u64],
}

impl<'a> New<'a> {
    /// A removal.
    #[must_use]
    pub fn tombstone(key: Key) -> New<'a> {
        New { kind: Kind::Tombstone, key, stamp_ms: 0, body_bytes: 0, name: &[], head: &[], sums: &[] }
    }
}

impl<'a> Front<'a> {
    /// Reads the front that should stand at `address`, at the beginning of `bytes`. The body need not be there; `bytes_max` bounds
    /// what the record may claim to take.
    pub fn parse(bytes: &'a [u8], address: Address, salt: u64, bytes_max: u64) -> Result<Front<'a>, Bad> {
        let header = bytes.get(..HEADER_BYTES as usize).ok_or(Bad::Short)?;
        if u32_at(header, 0) != MAGIC || u64_at(header, 8) != address.0 {
            return Err(Bad::Foreign);
        }
        let kind = Kind::of(header[4]).ok_or(Bad::Foreign)?;
        let body_bytes = u64_at(header, 40);
        let (name, head) = (u32_at(header, 48) as usize, u32_at(header, 52) as usize);
        if body_bytes > bytes_max || !fits(name, head) || record_bytes(name, head, body_bytes) > bytes_max {
            return Err(Bad::Damaged);
        }
        let len = front_bytes(name, head, body_bytes) as usize;
        let front = bytes.get(..len).ok_or(Bad::Short)?;
        if front_sum(front, salt) != u64_at(header, SUM_AT) {
            return Err(Bad::Damaged);
        }
        let (sums, text) = front[HEADER_BYTES as usize..].split_at((pieces(body_bytes) * SUM_BYTES) as usize);
        let (name, head) = text.split_at(name);
        let (key, stamp_ms) = (Key(u128_at(header, 16)), u64_at(header, 32));
        Ok(Front { kind, key, stamp_ms, body_bytes, name, head, address, sums, salt })
    }

    /// Bytes of the front: where the body begins.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        front_bytes(self.name.len(), self.head.len(), self.body_bytes)
    }

    /// Bytes of the record.
    #[must_use]
    pub fn record_bytes(&self) -> u64 {
        record_bytes(self.name.len(), self.head.len(), self.body_bytes)
    }

    /// What verifies the body, without the borrowed text.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let sums = self.sums.chunks_exact(SUM_BYTES as usize).map(|sum| u64_at(sum, 0)).collect();
        Sums { sums, address: self.address, salt: self.salt }
    }
}

/// The sums of a body's pieces.
pub struct Sums {
    sums: Box<[u64]>,
    address: Address,
    salt: u64,
}

impl Sums {
    /// Whether `piece` is piece `number`.
    #[must_use]
    pub fn agree(&self, number: u64, piece: &[u8]) -> bool {
        let expected = usize::try_from(number).ok().and_then(|n| self.sums.get(n));
        expected == Some(&piece_sum(piece, self.salt, self.address, number))
    }

    /// Whether `body` is the whole body.
    #[must_use]
    pub fn agree_with_all(&self, body: &[u8]) -> bool {
        body.len().div_ceil(PIECE_BYTES as usize) == self.sums.len()
            && (0u64..).zip(body.chunks(PIECE_BYTES as usize)).all(|(number, piece)| self.agree(number, piece))
    }
}

/// The sum covers everything but itself.
fn front_sum(front: &[u8], salt: u64) -> u64 {
    let header = xxh3_64_with_seed(&front[..SUM_AT], salt);
    xxh3_64_with_seed(&front[HEADER_BYTES as usize..], header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SALT: u64 = 99;

    fn record(name: &[u8], head: &[u8], body: &[u8], address: Address) -> Vec<u8> {
        let sums: Vec<u64> = (0u64..)
            .zip(body.chunks(PIECE_BYTES as usize))
            .map(|(number, piece)| piece_sum(piece, SALT, address, number))
            .collect();
        let new = New {
            kind: Kind::Object,
            key: Key(5),
            stamp_ms: 6,
            body_bytes: body.len() as u64,
            name,
            head,
            sums: &sums,
        };
        let mut bytes = encode(&new, address, SALT);
        bytes.extend_from_slice(body);
        bytes
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_record_comes_back_as_it_was(
            name in prop::collection::vec(any::<u8>(), 0..100),
            head in prop::collection::vec(any::<u8>(), 0..300),
            len in prop_oneof![0usize..100, Just(256 * 1024), 250_000usize..600_000],
        ) {
            let body: Vec<u8> = (0..len).map(|i| ((i * 7) >> 3) as u8).collect();
            let bytes = record(&name, &head, &body, Address(640));
            let front = Front::parse(&bytes, Address(640), SALT, 1 << 20).expect("whole");
            prop_assert_eq!((front.name, front.head, front.body_bytes), (&name[..], &head[..], len as u64));
            prop_assert!(front.sums().agree_with_all(&bytes[front.bytes() as usize..]));
            prop_assert_eq!(front.record_bytes(), round_up(bytes.len() as u64, UNIT_BYTES));
        }

        #[test]
        fn any_changed_bit_of_a_record_is_seen(at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let bytes = record(b"/v/a", b"head", &[3; 700], Address(64));
            let mut damaged = bytes.clone();
            damaged[at.index(bytes.len())] ^= 1 << bit;
            // Three bytes of a header are reserved: the sum covers them as well.
            let whole = Front::parse(&damaged, Address(64), SALT, 1 << 20)
                .is_ok_and(|front| front.sums().agree_with_all(&damaged[front.bytes() as usize..]));
            prop_assert!(!whole);
        }

        #[test]
        fn no_bytes_make_a_front_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), magic in any::<bool>()) {
            let mut bytes = bytes;
            if magic && bytes.len() >= 16 {
                bytes[..4].copy_from_slice(&MAGIC.to_le_bytes());
                bytes[4] = 1;
                bytes[8..16].copy_from_slice(&64u64.to_le_bytes());
            }
            prop_assert!(Front::parse(&bytes, Address(64), SALT, 1 << 20).is_err());
        }
    }

    #[test]
    fn a_record_of_another_place_or_life_does_not_count() {
        let bytes = record(b"/a", b"", b"x", Address(64));
        assert_eq!(Front::parse(&bytes, Address(128), SALT, 4096).err(), Some(Bad::Foreign));
        assert_eq!(Front::parse(&bytes, Address(64), SALT + 1, 4096).err(), Some(Bad::Damaged));
        assert_eq!(Front::parse(&bytes[..70], Address(64), SALT, 4096).err(), Some(Bad::Short));
        assert_eq!(Front::parse(&bytes, Address(64), SALT, 64).err(), Some(Bad::Damaged));
    }
}
