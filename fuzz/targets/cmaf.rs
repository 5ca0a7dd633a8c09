#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = wire::cmaf::read_init(bytes);
    let _ = wire::cmaf::read_segment(bytes);
});
