//! Promised: what is cancelled at an origin stops within a second at the worker that has it, in another process. A worker that was paused for
//! longer than its lease stores nothing of what it had, says so in one line, and goes on with other work.

use crate::workers::Origin;
use serde_json::json;
use std::time::{Duration, Instant};

const NOT_OURS: &str = "the job is no longer ours";

#[test]
fn a_cancelled_job_stops_within_a_second_at_another_process() {
    let origin = Origin::with_a_film(120);
    let worker = origin.worker("worker");
    let mut took = Vec::new();
    for round in 1..=4 {
        let before = origin.stored_by(&worker);
        origin.until("a chunk", |_| origin.stored_by(&worker) > before);
        let asked = Instant::now();
        let (status, cancelled) =
            origin.post(&format!("/api/v1/transcode/cancel/{}", origin.id), "application/json", b"");
        assert_eq!((status, cancelled["cancelled"].as_u64()), (200, Some(1)), "{cancelled}");
        while worker.said(NOT_OURS) < round {
            assert!(asked.elapsed() < Duration::from_secs(1), "it works on a second after it was cancelled: {took:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
        took.push(asked.elapsed());
        let again = json!({ "asset": origin.id }).to_string();
        let (status, told) = origin.post("/api/v1/transcode/submit", "application/json", again.as_bytes());
        assert_eq!(status, 202, "{told}");
    }
    eprintln!("cancelled at a worker in another process within {took:?}");
}

#[test]
fn a_worker_paused_beyond_its_lease_is_fenced_off_and_goes_on_with_other_work() {
    let mut origin = Origin::with_a_film(32);
    let paused = origin.worker("paused");
    origin.until("a chunk", |_| origin.stored_by(&paused) > 0);
    paused.signal("-STOP");
    let other = origin.worker("other");
    let took = origin.until("the end", |now| now["state"] == "ready" || now["state"] == "failed");
    assert_eq!(origin.status().expect("there")["state"], "ready");
    let (chunks, by_other) = (origin.chunks(), origin.stored_by(&other));
    paused.signal("-CONT");
    origin.until("its word", |_| paused.said(NOT_OURS) > 0);
    let by_paused = origin.stored_by(&paused);
    assert!(by_paused + by_other <= chunks, "{by_paused} and {by_other} stored of {chunks}");
    assert_eq!(paused.said("a job failed") + paused.said("a job is tried again"), 0);
    assert_eq!(origin.status().expect("there")["state"], "ready", "it told nothing");

    other.kill();
    origin.upload(8);
    origin.until("the end of the next", |now| now["state"] == "ready");
    assert_eq!((paused.said(NOT_OURS), origin.stored_by(&paused)), (1, by_paused + origin.chunks()));
    eprintln!(
        "{chunks} chunks: {by_paused} by the worker that was paused, {by_other} by the other; {:.1} s",
        took.as_secs_f64()
    );
}
