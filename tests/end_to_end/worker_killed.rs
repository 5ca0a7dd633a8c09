//! Promised: `streamgate worker` beside an origin takes its jobs. Killed twenty times, and with the database started anew three times, the
//! job still ends: each worker goes on where the one before was, nothing that was stored is encoded again, and progress never falls.

use crate::program::PATIENCE;
use crate::workers::Origin;
use std::time::{Duration, Instant};

const KILLS: usize = 20;

#[test]
fn a_job_outlives_twenty_killed_workers_and_three_restarts_of_the_database() {
    let mut origin = Origin::with_a_film(120);
    let mut worker = origin.worker("worker");
    let (mut last, mut told, mut kills, mut counted) = (0.0, 0.0, 0, 0);
    let begun = Instant::now();
    loop {
        let Some(now) = origin.status() else { continue };
        let progress = now["progress"].as_f64().expect("a number");
        assert!(progress >= last - 1e-9, "progress fell from {last}: {now:#}");
        last = progress;
        assert_ne!(now["state"], "failed", "{now:#}");
        if now["state"] == "ready" {
            counted += origin.stored_by(&worker);
            break;
        }
        // Whoever stored something is killed in the middle of the next.
        if kills < KILLS && progress > told {
            (told, kills) = (progress, kills + 1);
            counted += origin.stored_by(&worker);
            worker.kill();
            if kills % 6 == 0 {
                origin.engines.postgres.stop(if kills == 12 { "-QUIT" } else { "-INT" });
                origin.engines.postgres.start_again();
            }
            worker = origin.worker("worker");
        }
        assert!(begun.elapsed() < PATIENCE, "{kills} kills: {now:#}");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(kills, KILLS, "the film is too short for so many");
    let chunks = origin.chunks();
    assert!(chunks > 0 && counted <= chunks, "{counted} chunks were stored for {chunks}");
    eprintln!("{kills} kills, {chunks} chunks, {counted} seen to be stored, {:.1} s", begun.elapsed().as_secs_f64());
}
