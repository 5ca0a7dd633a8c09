#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| origin::fuzz::sign_in_text(bytes));
