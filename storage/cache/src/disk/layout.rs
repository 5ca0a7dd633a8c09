//! Where things lie: blocks, regions, addresses.

/// Unit of every read and write: what O_DIRECT asks for on disks of 512 and of 4096 byte sectors.
pub const BLOCK_BYTES: u64 = 4096;
/// Records begin at multiples of this.
pub const UNIT_BYTES: u64 = 64;
/// Body bytes under one sum: what is read, verified and then shown to readers at a time.
pub const PIECE_BYTES: u64 = 256 * 1024;
/// Largest region: a footer of it is read in a few milliseconds, and what is lost at its end is small against it.
pub const REGION_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Smallest region: two records of a piece each.
pub const REGION_BYTES_MIN: u64 = 1024 * 1024;
/// A file is cut into at least this many regions, so that one that is being overwritten is a small part of it.
const REGIONS_MIN: u64 = 8;
/// A record takes at most this part of a region: 1/n. What does not fit leaves the rest of its region empty.
const RECORD_PART: u64 = 2;
/// Name and stored head of a record, together: request targets end at 8 KiB, heads at 32 KiB.
pub const FRONT_TEXT_BYTES_MAX: u64 = 64 * 1024;

/// How a file is cut into regions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Geometry {
    /// Bytes of a region: a power of two.
    pub region_bytes: u64,
    /// Number of regions.
    pub regions: u64,
}

impl Geometry {
    /// The cut of a file of at most `bytes`; `None` when that is too small to be of use (about 8 MiB).
    #[must_use]
    pub fn of(bytes: u64) -> Option<Geometry> {
        let usable = bytes.checked_sub(BLOCK_BYTES)?;
        let wanted = usable / (2 * REGIONS_MIN);
        let region_bytes = prev_power_of_two(wanted).clamp(REGION_BYTES_MIN, REGION_BYTES_MAX);
        let regions = usable / region_bytes;
        (regions >= REGIONS_MIN - 1).then_some(Geometry { region_bytes, regions })
    }

    /// Bytes of the file.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        BLOCK_BYTES + self.regions * self.region_bytes
    }

    /// Largest record, front and body.
    #[must_use]
    pub fn record_bytes_max(&self) -> u64 {
        self.region_bytes / RECORD_PART
    }

    /// The slot that region `seq` lies in.
    #[must_use]
    pub fn slot(&self, seq: u64) -> u64 {
        seq % self.regions
    }

    /// Where region `seq` begins in the file.
    #[must_use]
    pub fn region_at(&self, seq: u64) -> u64 {
        BLOCK_BYTES + self.slot(seq) * self.region_bytes
    }

    /// Where an address lies in the file.
    #[must_use]
    pub fn file_at(&self, address: Address) -> u64 {
        self.region_at(self.seq(address)) + self.inside(address)
    }

    /// The region an address lies in.
    #[must_use]
    pub fn seq(&self, address: Address) -> u64 {
        address.0 / self.region_bytes
    }

    /// Bytes of its region before an address.
    #[must_use]
    pub fn inside(&self, address: Address) -> u64 {
        address.0 % self.region_bytes
    }

    /// The address `inside` bytes into region `seq`.
    #[must_use]
    pub fn address(&self, seq: u64, inside: u64) -> Address {
        Address(seq * self.region_bytes + inside)
    }
}

/// A place in the log: bytes written since its beginning, as if the file had no end. It never comes twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Address(pub u64);

/// `n` rounded up to a multiple of `unit`, a power of two.
#[must_use]
pub const fn round_up(n: u64, unit: u64) -> u64 {
    (n + unit - 1) & !(unit - 1)
}

/// `n` rounded down to a multiple of `unit`, a power of two.
#[must_use]
pub const fn round_down(n: u64, unit: u64) -> u64 {
    n & !(unit - 1)
}

fn prev_power_of_two(n: u64) -> u64 {
    if n == 0 { 0 } else { 1 << n.ilog2() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_cut_into_regions_that_fit_it() {
        assert_eq!(Geometry::of(0), None);
        assert_eq!(Geometry::of(4 << 20), None);
        for gib in [1u64, 3, 100, 4096] {
            let bytes = gib << 30;
            let cut = Geometry::of(bytes).expect("large enough");
            assert!(cut.file_bytes() <= bytes);
            assert!(cut.file_bytes() > bytes - bytes / 16, "{cut:?}");
            assert!(cut.regions >= 16);
        }
        let small = Geometry::of(8 << 20).expect("the smallest");
        assert_eq!((small.region_bytes, small.regions), (1 << 20, 7));
        let address = small.address(9, 128);
        assert_eq!(
            (small.seq(address), small.inside(address), small.file_at(address)),
            (9, 128, 4096 + (2 << 20) + 128)
        );
    }
}
