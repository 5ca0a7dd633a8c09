//! Promised: a purge that is queued as a job empties every edge that follows the origin, or has it ask again; a backup that is queued as a job,
//! or comes due by its schedule, is restored by one command and plays, also when its process was killed on the way.

use crate::bad_days::library;
use crate::edge::EdgeProgram;
use crate::media;
use crate::program::{Answer, PATIENCE, Program, streamgate};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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
fn a_soft_purge_that_is_queued_has_edges_ask_the_origin_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let program = Program::serve(&data, &[]);
    let other = edge(&program, &data, folder.path());
    let (id, status) = program.ingest(&media::movie(folder.path(), 4, "320x240"), "title=movie");
    assert_eq!(status["state"], "ready", "{status}");
    let init = format!("/v/{id}/h264-240/init.mp4");
    let edges = [program.edge.clone(), other.at.to_string()];
    let is_hit = |answer: &Answer| answer.cache_status.contains("; hit");
    for target in [format!(r#""tag":"asset-{id}""#), format!(r#""url":"{init}""#), r#""prefix":"/v/""#.to_owned()] {
        let before = edges.each_ref().map(|edge| {
            program.through(edge, &init);
            program.through(edge, &init)
        });
        assert!(before.iter().all(is_hit), "kept for a year");
        program.done(program.queue(&format!(r#"{{"kind":"purge","purge":{{{target},"soft":true}}}}"#)));
        let begun = Instant::now();
        for (edge, before) in edges.iter().zip(before) {
            let mut asked = program.through(edge, &init);
            while is_hit(&asked) {
                assert!(begun.elapsed() < SOON, "{target} is not purged");
                std::thread::sleep(Duration::from_millis(10));
                asked = program.through(edge, &init);
            }
            assert!(asked.cache_status.contains("; fwd=stale; fwd-status=304"), "{target}: {}", asked.cache_status);
            assert!(asked.status == 200 && asked.body == before.body, "{target}: it was kept, and confirmed");
            assert!(is_hit(&program.through(edge, &init)), "{target}: once is enough");
        }
    }
}

#[test]
fn an_asset_that_is_purged_by_hand_leaves_the_edge() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::serve(&folder.path().join("data"), &[]);
    let (id, status) = program.ingest(&media::movie(folder.path(), 4, "320x240"), "title=movie");
    assert_eq!(status["state"], "ready", "{status}");
    let init = format!("/v/{id}/h264-240/init.mp4");
    let is_hit = || program.through_edge(&init).cache_status.contains("; hit");
    is_hit();
    assert!(is_hit(), "kept for a year");
    program.purge(&id);
    let begun = Instant::now();
    while is_hit() {
        assert!(begun.elapsed() < SOON, "it is not purged");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What a folder of backups has, its lock aside.
fn within(backups: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(backups).expect("a folder").map(|one| one.expect("readable").path());
    let mut found: Vec<_> = entries.filter(|path| !path.ends_with("lock")).collect();
    found.sort();
    found
}

/// The whole backups in a folder that has nothing else.
fn whole(backups: &Path) -> Vec<PathBuf> {
    let found = within(backups);
    let is_one =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("streamgate-"));
    assert!(found.iter().all(is_one), "{found:?}");
    found
}

/// What a player asks for, and what it was given.
fn play(program: &Program, id: &str) -> Vec<(String, Answer)> {
    let names = ["master.m3u8", "manifest.mpd", "h264-90/init.mp4", "h264-90/0.m4s"];
    let answers = names.map(|name| format!("/v/{id}/{name}")).map(|path| {
        let answer = program.through_edge(&path);
        assert_eq!(answer.status, 200, "{path}");
        (path, answer)
    });
    answers.into()
}

/// Restores a backup by the command, and plays what was played before.
fn plays_elsewhere(backup: &Path, folder: &Path, played: &[(String, Answer)]) {
    let restored = folder.join("restored");
    let restore = streamgate().arg("restore").arg(backup).env("STREAMGATE_STORAGE__DATA", &restored).output();
    let restore = restore.expect("it runs");
    assert!(restore.status.success(), "{}", String::from_utf8_lossy(&restore.stderr));
    let program = Program::serve(&restored, &[]);
    for (path, before) in played {
        let after = program.through_edge(path);
        assert!(after.status == 200 && before.body == after.body, "{path}");
    }
}

#[test]
fn a_backup_that_is_queued_is_restored_and_plays() {
    let folder = tempfile::tempdir().expect("a folder");
    let backups = folder.path().join("backups");
    let path = backups.to_str().expect("a plain path");
    let program = Program::serve(&folder.path().join("data"), &[("STREAMGATE_WORK__BACKUP_FOLDER", path)]);
    let (id, status) = program.ingest(&media::movie(folder.path(), 3, "160x90"), "title=film");
    assert_eq!(status["state"], "ready", "{status}");
    let played = play(&program, &id);
    let job = program.queue(r#"{"kind":"backup"}"#);
    assert_eq!(program.done(job)["progress"], 1.0);
    program.kill();
    let made = whole(&backups);
    assert_eq!(made.len(), 1, "{made:?}");
    plays_elsewhere(&made[0], folder.path(), &played);
}

#[test]
fn a_backup_whose_process_is_killed_is_gone_on_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, backups) = (folder.path().join("data"), folder.path().join("backups"));
    let settings = [("STREAMGATE_WORK__BACKUP_FOLDER", backups.to_str().expect("a plain path"))];
    let program = Program::serve(&data, &settings);
    let (id, status) = program.ingest(&media::movie(folder.path(), 3, "160x90"), "title=film");
    assert_eq!(status["state"], "ready", "{status}");
    let played = play(&program, &id);
    // An object whose bytes do not come, on the last of the shelves: all others are copied by then.
    let shelf = data.join("objects/ff");
    std::fs::create_dir_all(&shelf).expect("made");
    let stuck = shelf.join("f".repeat(62));
    assert!(Command::new("mkfifo").arg(&stuck).status().expect("it runs").success());
    let end = File::options().read(true).write(true).open(&stuck).expect("an end for writing");
    let job = program.queue(r#"{"kind":"backup"}"#);
    let told = || program.api(&format!("worker/jobs/{job}")).json();
    let begun = Instant::now();
    while told()["progress"].as_f64() < Some(0.9) {
        assert!(begun.elapsed() < PATIENCE, "{}", told());
        std::thread::sleep(Duration::from_millis(10));
    }
    program.kill();
    drop(end);
    std::fs::remove_file(&stuck).expect("there");
    let left = within(&backups);
    assert!(left.len() == 1 && left[0].ends_with("unfinished"), "half a backup has no name of its own: {left:?}");

    let program = Program::serve(&data, &settings);
    let done = program.done(job);
    assert_eq!((&done["attempts"], &done["error"]), (&2.into(), &Value::Null), "{done}");
    let made = whole(&backups);
    assert_eq!(made.len(), 1, "{made:?}");
    plays_elsewhere(&made[0], folder.path(), &played);
}

/// The wall clock is a file's: the schedule is the house's own, ten to three in the night.
#[test]
fn a_backup_comes_due_by_its_schedule_once_a_night() {
    let folder = tempfile::tempdir().expect("a folder");
    let (backups, clock) = (folder.path().join("backups"), folder.path().join("clock"));
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    // The day after tomorrow: ahead of the start, however long this takes.
    let midnight = (now() / 86_400 + 2) * 86_400;
    let set = |day: u64, hour: u64, minute: u64, second: u64| {
        let wanted = midnight + day * 86_400 + hour * 3600 + minute * 60 + second;
        std::fs::write(&clock, format!("+{}", wanted - now())).expect("written");
    };
    set(0, 1, 0, 0);
    let (library, file) = (library(), clock.display().to_string());
    let settings = [
        ("STREAMGATE_WORK__BACKUP_FOLDER", backups.to_str().expect("a plain path")),
        ("LD_PRELOAD", library.as_str()),
        ("FAKETIME_TIMESTAMP_FILE", file.as_str()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let program = Program::serve(&folder.path().join("data"), &settings);
    let begun = Instant::now();
    let until = |what: &str, holds: &dyn Fn() -> bool| {
        while !holds() {
            assert!(begun.elapsed() < PATIENCE, "waited for {what} in vain: {}", program.api("worker/schedule").text());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let schedule = || {
        let all = program.api("worker/schedule").json();
        all["items"].as_array().expect("a list").iter().find(|one| one["id"] == "backup").cloned()
    };
    until("the schedule", &|| schedule().is_some());
    let first = schedule().expect("just seen")["next_ms"].as_u64().expect("a time");
    assert_eq!(first, midnight * 1000 + (2 * 60 + 50) * 60_000, "the next ten to three");
    let jobs = || program.api("worker/jobs?kind=backup").json()["items"].as_array().expect("a list").clone();
    assert_eq!(jobs(), Vec::<Value>::new());
    for night in 0..2 {
        set(night, 2, 49, 59);
        let nights = usize::try_from(night).expect("two") + 1;
        until("a backup", &|| jobs().iter().filter(|job| job["state"] == "done").count() >= nights);
        let told = schedule().expect("it stays");
        assert_eq!(told["next_ms"], first + (night + 1) * 86_400_000, "{told}");
        let queued = told["last_ms"].as_u64().expect("it ran") - first - night * 86_400_000;
        assert!(queued < 30_000, "{queued} ms late");
        assert_eq!((jobs().len(), whole(&backups).len()), (nights, nights), "once a night");
    }
}
