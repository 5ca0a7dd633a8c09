//! Promised: a purge that is queued as a job empties every edge that follows the origin, and a backup that is queued as a job is restored by
//! one command and plays.

use crate::edge::EdgeProgram;
use crate::media;
use crate::program::{Program, streamgate};
use std::path::Path;
use std::time::{Duration, Instant};

/// The promise is a fraction of a second; a busy machine gets more.
const SOON: Duration = Duration::from_secs(5);

/// A second edge, as on another machine.
fn edge(program: &Program, data: &Path, folder: &Path) -> EdgeProgram {
    let config = folder.join("edge.toml");
    let key = std::fs::read_to_string(data.join("keys/edge.key")).expect("the key was made");
    let edge = "[edge]\nhttp = \"127.0.0.1:0\"\nadmin = \"\"\n";
    let upstream = format!("[upstream]\nurl = \"http://{}\"\nedge_key = \"{}\"\n", program.origin, key.trim());
    std::fs::write(&config, format!("{edge}{upstream}")).expect("written");
    EdgeProgram::start(&config)
}

#[test]
fn a_purge_that_is_queued_empties_two_edges() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let program = Program::serve(&data, &[]);
    let other = edge(&program, &data, folder.path());
    let movie = media::movie(folder.path(), 4, "320x240");
    let (id, status) = program.ingest(&movie, "title=movie");
    assert_eq!(status["state"], "ready", "{status}");
    let init = format!("/v/{id}/h264-240/init.mp4");
    let edges = [program.edge.clone(), other.at.to_string()];
    let is_hit = |edge: &str| {
        let answer = program.through(edge, &init);
        assert_eq!(answer.status, 200);
        answer.cache_status.contains("; hit")
    };
    let targets = [
        format!(r#"{{"tag":"asset-{id}"}}"#),
        format!(r#"{{"url":"{init}"}}"#),
        format!(r#"{{"prefix":"/v/{id}/"}}"#),
        r#"{"all":true}"#.to_owned(),
    ];
    for target in targets {
        for edge in &edges {
            is_hit(edge);
            assert!(is_hit(edge), "kept for a year");
        }
        let job = program.queue(&format!(r#"{{"kind":"purge","purge":{target}}}"#));
        let begun = Instant::now();
        for edge in &edges {
            while is_hit(edge) {
                assert!(begun.elapsed() < SOON, "{target} is not purged");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        assert_eq!(program.done(job)["purge"].to_string(), target);
    }
}

#[test]
fn a_backup_that_is_queued_is_restored_and_plays() {
    let folder = tempfile::tempdir().expect("a folder");
    let (backups, restored) = (folder.path().join("backups"), folder.path().join("restored"));
    let path = backups.to_str().expect("a plain path");
    let program = Program::serve(&folder.path().join("data"), &[("STREAMGATE_WORK__BACKUP_FOLDER", path)]);
    let (id, status) = program.ingest(&media::movie(folder.path(), 3, "160x90"), "title=film");
    assert_eq!(status["state"], "ready", "{status}");
    let paths =
        ["master.m3u8", "manifest.mpd", "h264-90/init.mp4", "h264-90/0.m4s"].map(|name| format!("/v/{id}/{name}"));
    let played = paths.each_ref().map(|path| program.through_edge(path));
    let job = program.queue(r#"{"kind":"backup"}"#);
    assert_eq!(program.done(job)["progress"], 1.0);
    program.kill();
    let mut made: Vec<_> =
        std::fs::read_dir(&backups).expect("a folder").map(|one| one.expect("readable").path()).collect();
    made.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("streamgate-")));
    assert_eq!(made.len(), 1, "{made:?}");

    let restore = streamgate().arg("restore").arg(&made[0]).env("STREAMGATE_STORAGE__DATA", &restored).output();
    let restore = restore.expect("it runs");
    assert!(restore.status.success(), "{}", String::from_utf8_lossy(&restore.stderr));
    let program = Program::serve(&restored, &[]);
    for (path, before) in paths.iter().zip(&played) {
        let after = program.through_edge(path);
        assert_eq!((before.status, after.status), (200, 200), "{path}");
        assert!(before.body == after.body, "{path}");
    }
}
