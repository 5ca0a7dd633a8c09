//! What is changed or deleted at the origin is gone from the edge within a moment, not when cached answers expire.

use crate::media;
use crate::program::Program;
use std::time::{Duration, Instant};

/// The promise is a fraction of a second; a busy machine gets more.
const SOON: Duration = Duration::from_secs(5);

fn until(program: &Program, path: &str, status: u16) {
    let begun = Instant::now();
    while program.through_edge(path).status != status {
        assert!(begun.elapsed() < SOON, "{path} does not come to answer {status}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_becomes_gated_or_is_deleted_leaves_the_edge() {
    let folder = tempfile::tempdir().expect("a folder");
    let movie = media::movie(folder.path(), 4, "320x240");
    let program = Program::serve(&folder.path().join("data"), &[]);
    let (id, status) = program.ingest(&movie, "title=movie");
    assert_eq!(status["state"], "ready", "{status}");
    // An hour's worth of freshness each: only a purge can end them so soon.
    let (master, init) = (format!("/v/{id}/master.m3u8"), format!("/v/{id}/h264-240/init.mp4"));
    for path in [&master, &init] {
        assert_eq!(program.through_edge(path).status, 200, "{path}");
    }
    program.change(&id, r#"{"visibility":"gated"}"#);
    until(&program, &init, 403);
    until(&program, &master, 403);
    program.change(&id, r#"{"visibility":"open"}"#);
    until(&program, &init, 200);
    program.delete(&id);
    until(&program, &init, 404);
}
