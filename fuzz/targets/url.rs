#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::url::PlaybackPath;

// A path that is read is written as it was, but for its token.
fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(path) = PlaybackPath::parse(text) else { return };
    let public = format!("/v/{}/{}", path.asset.as_str(), path.resource);
    assert_eq!(path.to_string(), public);
    assert_eq!(path.token.map_or(public.clone(), |token| format!("/p/{token}{public}")), text);
});
