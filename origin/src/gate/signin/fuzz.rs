//! See `crate::fuzz`.

use std::sync::OnceLock;

use super::text::SignInText;
use super::{SignInKeys, contract, read_access_token};

/// A time of 2026.
const NOW: i64 = 1_795_402_800_000;

pub(crate) fn fuzz_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(read) = SignInText::parse(text) {
        assert_eq!(read.write(), text, "what reads is written as it was");
    }
}

pub(crate) fn fuzz_access_token(bytes: &[u8]) {
    static KEYS: OnceLock<SignInKeys> = OnceLock::new();
    let keys = KEYS.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("streamgate-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let keys = SignInKeys::open(&folder, &crate::gate::Source::Chance, NOW).expect("keys");
        let _ = std::fs::remove_dir_all(&folder);
        keys
    });
    assert!(read_access_token(keys, bytes, NOW).is_err(), "nobody has signed this");
}

pub(crate) fn fuzz_wrapped(bytes: &[u8]) {
    contract::fuzz(bytes);
}
