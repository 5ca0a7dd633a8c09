//! `streamgate demo --once` makes a clip, publishes it, checks every segment through the edge and ends with 0; a second
//! run over the same folder does too.

use crate::program::streamgate;
use serde_json::Value;

fn once(data: &std::path::Path) -> (String, Value) {
    let output = streamgate()
        .args(["demo", "--once", "--json", "--edge-port", "0", "--origin-port", "0", "--data"])
        .arg(data)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let urls = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    (said, urls)
}

#[test]
fn once_publishes_and_checks_everything_and_can_be_repeated() {
    let folder = tempfile::tempdir().expect("a folder");
    let (said, urls) = once(folder.path());
    for words in ["upload", "playable after", "h264-360 published", "av1-360 published", "checked through the edge"] {
        assert!(said.contains(words), "without `{words}`: {said}");
    }
    for name in ["edge", "origin", "asset", "gated_asset", "token", "held_asset"] {
        assert!(urls[name].as_str().is_some_and(|text| !text.is_empty()), "{name} is missing: {urls}");
    }
    once(folder.path());
}
