//! `kill -9` during a transcode: after the next start the job goes on, and chunks that were stored are not encoded again.
//! SIGTERM ends the program in time, and loses no more.

use crate::media;
use crate::program::{Program, ended};
use serde_json::Value;
use std::time::Duration;

/// Share of the AV1 rendition that is done.
fn av1(status: &Value) -> f64 {
    let tracks = status["tracks"].as_array().expect("tracks");
    let track = tracks.iter().find(|track| track["name"].as_str().is_some_and(|name| name.starts_with("av1")));
    track.and_then(|track| track["progress"].as_f64()).unwrap_or(0.0)
}

fn check(end: impl FnOnce(Program)) {
    let folder = tempfile::tempdir().expect("a folder");
    let movie = media::movie(folder.path(), 32, "640x360");
    let data = folder.path().join("data");
    let slow = [("STREAMGATE_WORK__LANES", "1")]; // so that there is time to end it midway
    let program = Program::serve(&data, &slow);
    let uploaded = program.upload(&movie, "title=movie");
    assert_eq!(uploaded.status, 201, "{}", uploaded.text());
    let id = uploaded.json()["id"].as_str().expect("an id").to_owned();
    let before = program.wait(&id, "two chunks", |status| ended(status) || av1(status) > 0.25);
    assert_eq!(before["state"], "running", "it must be under way when it is ended: {before}");
    let stored = chunk_files(&data);
    end(program);

    let program = Program::serve(&data, &slow);
    let after = program.status(&id);
    assert!(after["playable"].as_bool().unwrap_or(false), "the H.264 rendition was published before: {after}");
    assert!(av1(&after) >= 0.2, "stored chunks count at once: {after}");
    let done = program.wait(&id, "the end of the job", ended);
    assert_eq!(done["state"], "ready", "{done}");
    for (path, modified) in stored {
        let now = std::fs::metadata(&path).unwrap_or_else(|error| panic!("{} was lost: {error}", path.display()));
        assert_eq!(now.modified().expect("a time"), modified, "{} was written again", path.display());
    }
    let master = program.through_edge(&format!("/v/{id}/master.m3u8")).text();
    assert!(master.contains("av01."), "{master}");
}

/// Every stored object with the time it was written.
fn chunk_files(data: &std::path::Path) -> Vec<(std::path::PathBuf, std::time::SystemTime)> {
    let folders =
        std::fs::read_dir(data.join("objects")).expect("objects").map(|entry| entry.expect("readable").path());
    folders
        .flat_map(|folder| std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path()))
        .map(|path| {
            let modified = std::fs::metadata(&path).and_then(|data| data.modified()).expect("a time");
            (path, modified)
        })
        .collect()
}

#[test]
fn a_killed_program_goes_on_where_it_was() {
    check(Program::kill);
}

#[test]
fn a_terminated_program_ends_in_time_and_goes_on_later() {
    check(|program| assert!(program.terminate(Duration::from_secs(15)), "it must drain and end with success"));
}
