//! RFC 7541: blocks that cannot be decoded. What the table holds is no longer known then, so the connection ends.

use super::*;

fn broken(raw: &mut Raw, more: &[u8]) -> Seen {
    raw.frame(HEADERS, ASK, 1, &[get(), more.to_vec()].concat());
    ends(raw, &[COMPRESSION_ERROR])
}

pub const CASES: &[Case] = &[
    case("H2.3.3", "an index that is in neither table", |raw| broken(raw, &[0x80 | 70])),
    case("H2.3.3", "a literal whose name's index is in neither table", |raw| broken(raw, b"\x7f\x07\x04test")),
    case("H4.2", "a size update at the end", |raw| broken(raw, b"\x20")),
    // "test" is 1001111 0 1001000 01001111: 5 bits of end follow, or 8 more than there may be.
    case("H5.2", "Huffman's code with more than seven bits of end", |raw| {
        broken(raw, b"\x00\x84\x49\x50\x9f\xff\x01a")
    }),
    case("H5.2", "Huffman's code with an end of zeros", |raw| broken(raw, b"\x00\x83\x49\x50\x90\x01a")),
    case("H5.2", "Huffman's code with the symbol of the end", |raw| {
        broken(raw, b"\x00\x87\x49\x51\xff\xff\xff\xfa\x7f\x01a")
    }),
    case("H6.1", "index 0", |raw| broken(raw, b"\x80")),
    case("H6.3", "a size update above the bound", |raw| {
        raw.frame(HEADERS, ASK, 1, &[b"\x3f\xe1\xff\x03".to_vec(), get()].concat());
        ends(raw, &[COMPRESSION_ERROR])
    }),
];
