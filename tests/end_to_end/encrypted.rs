//! An encrypted title: its bytes are for everybody and of use to nobody, its key goes through the edge against a token of this very title,
//! and FFmpeg with that key decodes what it decodes of the clear one.

use crate::media;
use crate::program::Program;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Header and segments of a rendition, as they come out of the edge, in one file.
fn fetched(program: &Program, below: &str, track: &str, folder: &Path, name: &str) -> PathBuf {
    let mut bytes = program.through_edge(&format!("{below}/{track}/init.mp4")).body;
    let list = program.through_edge(&format!("{below}/{track}/media.m3u8")).text();
    for segment in list.lines().filter(|line| line.ends_with(".m4s")) {
        let got = program.through_edge(&format!("{below}/{track}/{segment}"));
        assert_eq!(got.status, 200, "{segment}");
        bytes.extend_from_slice(&got.body);
    }
    let file = folder.join(format!("{name}-{track}.mp4"));
    std::fs::write(&file, bytes).expect("written");
    file
}

/// Hashes of all decoded frames, or what FFmpeg says against it.
fn decoded(file: &Path, key: Option<&str>) -> Result<String, String> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-xerror"]);
    if let Some(key) = key {
        command.args(["-decryption_key", key]);
    }
    let output = command.arg("-i").arg(file).args(["-map", "0", "-f", "framemd5", "-"]).output().expect("it runs");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() && complaint.is_empty() {
        Ok(String::from_utf8(output.stdout).expect("text"))
    } else {
        Err(complaint)
    }
}

#[test]
fn an_encrypted_title_plays_for_who_has_a_token_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let movie = media::movie(folder.path(), 2, "160x120");
    let program = Program::serve(&folder.path().join("data"), &[]);
    let (clear, _) = program.ingest(&movie, "title=clear");
    let (open, status) = program.ingest(&movie, "title=open&encryption=cbcs");
    assert_eq!(status["state"], "ready", "{status}");
    let (gated, _) = program.ingest(&movie, "title=gated&encryption=cbcs&visibility=gated");

    for id in [&open, &gated] {
        let token = program.token(id);
        for (path, expected) in [
            (format!("/v/{id}/key"), 403),
            (format!("/p/{}/v/{id}/key", program.token(&clear)), 403),
            (format!("/p/{}x/v/{id}/key", &token[..token.len() - 2]), 403),
            (format!("/p/{token}/v/{id}/key"), 200),
            (format!("/v/{id}/key"), 403),
            (format!("/p/{token}/v/{id}/key"), 200),
        ] {
            let got = program.through_edge(&path);
            assert_eq!(got.status, expected, "{path}: {}", String::from_utf8_lossy(&got.body));
            assert!(expected == 200 || got.body.len() != 16, "a refusal is not the key");
        }
        let key = program.through_edge(&format!("/p/{token}/v/{id}/key")).body;
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(key.len(), 32);
        let below = if id == &gated { format!("/p/{token}/v/{id}") } else { format!("/v/{id}") };
        for track in
            status["tracks"].as_array().expect("tracks").iter().map(|track| track["name"].as_str().expect("a name"))
        {
            let plain = fetched(&program, &format!("/v/{clear}"), track, folder.path(), "clear");
            let locked = fetched(&program, &below, track, folder.path(), "locked");
            let expected = decoded(&plain, None).expect("the clear one is decoded");
            assert!(expected.lines().count() > 50, "{track}");
            assert_eq!(decoded(&locked, Some(&key)).as_ref(), Ok(&expected), "{track}");
            assert_ne!(decoded(&locked, None).as_ref(), Ok(&expected), "{track} without the key");
            assert_ne!(decoded(&locked, Some(&"0".repeat(32))).as_ref(), Ok(&expected), "{track} with another key");
        }
    }
}
