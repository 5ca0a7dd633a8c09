//! An edge decides by itself: once a gated title is warm it plays to its end with the origin and its catalogue dead, for whoever has a
//! token, and for nobody else.

use crate::edge::EdgeProgram;
use crate::media;
use crate::program::{Program, streamgate};
use std::collections::BTreeMap;

/// Everything that a playlist leads to, by path; each has been answered 200.
fn play(edge: &EdgeProgram, token: &str, id: &str) -> BTreeMap<String, Vec<u8>> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let (mut seen, mut left) = (BTreeMap::new(), vec![format!("/p/{token}/v/{id}/master.m3u8")]);
    while let Some(path) = left.pop() {
        if seen.contains_key(&path) {
            continue;
        }
        let mut got = agent.get(format!("http://{}{path}", edge.at)).call().expect("an answer");
        assert_eq!(got.status(), 200, "{path}");
        let bytes = got.body_mut().read_to_vec().expect("a whole body");
        if path.ends_with(".m3u8") {
            let folder = &path[..=path.rfind('/').expect("a path")];
            let text = std::str::from_utf8(&bytes).expect("a playlist");
            left.extend(text.lines().flat_map(uris).map(|uri| format!("{folder}{uri}")));
        }
        seen.insert(path, bytes);
    }
    seen
}

fn uris(line: &str) -> Option<&str> {
    match line.strip_prefix('#') {
        None => Some(line).filter(|line| !line.is_empty()),
        Some(tag) => tag.split_once("URI=\"")?.1.split('"').next(),
    }
}

#[test]
fn a_warm_gated_title_plays_to_its_end_without_its_origin() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let movie = media::movie(folder.path(), 6, "320x240");
    let program = Program::serve(&data, &[]);
    let (id, status) = program.ingest(&movie, "title=movie&visibility=gated");
    assert_eq!(status["state"], "ready", "{status}");
    let token = program.token(&id);
    let key = streamgate().args(["token", "key"]).env("STREAMGATE_STORAGE__DATA", &data).output().expect("it runs");
    let config = folder.path().join("edge.toml");
    let written = format!(
        "[edge]\nhttp = \"127.0.0.1:0\"\nadmin = \"\"\n[upstream]\nurl = \"http://{}\"\nedge_key = \"{}\"\n[gate]\nkeys = [\"{}\"]\n",
        program.origin,
        std::fs::read_to_string(data.join("keys/edge.key")).expect("the key was made").trim(),
        String::from_utf8_lossy(&key.stdout).trim(),
    );
    std::fs::write(&config, written).expect("written");
    let edge = EdgeProgram::start(&config);
    let warm = play(&edge, &token, &id);
    assert!(warm.keys().filter(|path| path.ends_with(".m4s")).count() >= 4, "{:?}", warm.keys());
    program.kill();
    assert!(play(&edge, &token, &id) == warm, "the same bytes");
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    for path in warm.keys() {
        let bare = path.replace(&format!("/p/{token}"), "");
        let refused = agent.get(format!("http://{}{bare}", edge.at)).call().expect("an answer");
        assert!([401, 403].contains(&refused.status().as_u16()), "{bare}: {}", refused.status());
    }
}
