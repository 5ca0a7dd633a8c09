//! Steps that many cases begin with, and words that belong to a case.

use crate::case::{Step, get};

/// An answer that stays fresh, and a pause.
pub fn fresh() -> Step {
    get().says("Cache-Control: max-age=100000").says("Date: @0").pause()
}

/// An answer that is stale on arrival, and a pause.
pub fn stale() -> Step {
    get().says("Expires: @-5000").says("Last-Modified: @-100000").says("Date: @0").pause()
}

/// An answer that is stale once the pause is over.
pub fn becomes_stale() -> Step {
    get().says("Cache-Control: max-age=2").says("Date: @0").says("Template-A: 1").pause()
}

/// The origin says this; after a pause the stored answer is used.
pub fn reused(says: &[&str]) -> Vec<Step> {
    vec![said(says).pause(), get().cached()]
}

/// The origin says this; after a pause the origin is asked again.
pub fn not_reused(says: &[&str]) -> Vec<Step> {
    vec![said(says).pause(), get().fetched()]
}

/// The same without a pause.
pub fn reused_at_once(says: &[&str]) -> Vec<Step> {
    vec![said(says), get().cached()]
}

/// The same without a pause.
pub fn not_reused_at_once(says: &[&str]) -> Vec<Step> {
    vec![said(says), get().fetched()]
}

/// A request whose answer has these fields.
pub fn said(says: &[&str]) -> Step {
    says.iter().fold(get(), |step, line| step.says(line))
}

/// Fifteen letters that belong to `key`.
pub fn word(key: &str) -> String {
    let mut state = hash(key);
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + (state >> 59) as u8 % 26)
    };
    (0..15).map(|_| letter()).collect()
}

/// A name in the form of a UUID that belongs to `key`.
pub fn uuid(key: &str) -> String {
    let (a, b) = (hash(key), hash(&format!("{key}'")));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

/// FNV-1a.
fn hash(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}
