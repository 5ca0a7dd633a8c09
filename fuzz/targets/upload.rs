#![no_main]

use media::Tools;
use std::io::Write;

// A file that somebody uploads; without FFmpeg, so that ours read it.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("it is written");
    let _ = media::probe(file.path(), &Tools::none());
});
