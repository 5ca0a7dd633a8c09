//! `pasp`: the shape of a pixel (section 12.1.4).

use super::{Mp4Error, Reader, put_box};
use crate::presentation::Ratio;

/// Appends the box: a pixel's width over its height.
pub fn write(out: &mut Vec<u8>, aspect: Ratio) {
    put_box(out, b"pasp", |out| {
        out.extend_from_slice(&aspect.num.to_be_bytes());
        out.extend_from_slice(&aspect.den.to_be_bytes());
    });
}

/// Reads the body.
pub fn read(body: &[u8]) -> Result<Ratio, Mp4Error> {
    let mut r = Reader::new(b"pasp", body);
    let aspect = Ratio { num: r.u32()?, den: r.u32()? };
    if aspect.num == 0 || aspect.den == 0 {
        return Err(r.unsupported("zero"));
    }
    r.end()?;
    Ok(aspect)
}
