#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::token::{KeySet, SigningKey, UnixSeconds, verify};

// No key has signed anything here: whatever comes is refused.
fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let key = SigningKey::hs256("k", b"a secret of thirty-two bytes, all").expect("a key");
    let keys = KeySet::new([key.verification_key()]).expect("a set");
    assert!(verify(text, &keys, UnixSeconds(1_800_000_000), "/v/a/master.m3u8").is_err());
});
