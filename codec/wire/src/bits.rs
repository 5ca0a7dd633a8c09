//! Bits off the front of a slice, most significant first; `None` at its end.

/// Where reading is.
#[derive(Debug, Clone, Copy)]
pub struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    /// At the first bit of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes that have been begun: where reading goes on when the rest of the present one is padding.
    pub fn bytes_begun(&self) -> usize {
        self.at.div_ceil(8)
    }

    /// One bit.
    pub fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// Up to 32 bits as a number.
    pub fn u(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32);
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.flag()?);
        }
        Some(value)
    }

    /// Passes over `count` bits.
    pub fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count)?;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// `ue(v)` (ISO/IEC 14496-10 section 9.1); `uvlc()` of AV1 is the same.
    pub fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some(self.u(zeros)? + ((1_u32 << zeros) - 1))
    }

    /// `se(v)` (section 9.1.1).
    pub fn se(&mut self) -> Option<i32> {
        let code = self.ue()?;
        let half = code.div_ceil(2).cast_signed();
        Some(if code % 2 == 1 { half } else { -half })
    }
}
