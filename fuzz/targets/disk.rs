#![no_main]

use cache::disk::{Geometry, Header, footer::Trailer};

// Blocks of a cache file that something else has written.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Header::parse(bytes);
    let _ = Trailer::parse(bytes, Geometry { region_bytes: 1 << 20, regions: 16 }, 7);
});
