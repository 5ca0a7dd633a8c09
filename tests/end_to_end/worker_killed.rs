//! Promised: `streamgate worker` beside an origin takes its jobs. Killed twenty times, and with the database started anew three times, the
//! job still ends: each worker goes on where the one before was, nothing that was stored is encoded again, and progress never falls.

use crate::media;
use crate::parts::{Engines, Part, read};
use crate::program::PATIENCE;
use serde_json::Value;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const KILLS: usize = 20;

/// An origin that takes an upload and encodes nothing, with the film it was given.
struct Origin {
    engines: Engines,
    environment: HashMap<String, String>,
    folder: TempDir,
    part: Part,
    key: String,
    agent: ureq::Agent,
    id: String,
}

impl Origin {
    fn with_a_film(seconds: u32) -> Self {
        let (engines, folder) = (Engines::start(), tempfile::tempdir().expect("a folder"));
        let mut environment = engines.environment();
        // One chunk at a time: so many can be lost by a kill.
        environment.insert("STREAMGATE_WORK__LANES".into(), "1".into());
        let data = folder.path().join("origin");
        let part = Part::start(&["origin", "--roles", "gateway,upload,streaming"], &data, "127.0.0.1:0", &environment);
        let key = read(&data.join("keys/api.key"));
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let film = media::movie(folder.path(), seconds, "128x72");
        let made = agent.post(format!("http://{}/api/v1/upload?name=film.mp4", part.listen));
        let made = made.header("authorization", format!("Bearer {key}")).send(&film[..]).expect("an answer");
        assert_eq!(made.status(), 201);
        let made = made.into_body().read_to_vec().expect("a body");
        let made: Value = serde_json::from_slice(&made).expect("JSON");
        let id = made["id"].as_str().expect("an id").to_owned();
        Self { engines, environment, folder, part, key, agent, id }
    }

    /// A worker on a data folder of this name.
    fn worker(&self, name: &str) -> Part {
        Part::start(&["worker"], &self.folder.path().join(name), "127.0.0.1:0", &self.environment)
    }

    fn get(&self, at: &str, path: &str) -> (u16, String) {
        let request = self.agent.get(format!("http://{at}{path}"));
        let answer = request.header("authorization", format!("Bearer {}", self.key)).call().expect("an answer");
        let status = answer.status().as_u16();
        (status, String::from_utf8(answer.into_body().read_to_vec().expect("a body")).expect("text"))
    }

    /// How far it is; `None`: the database is away for this moment.
    fn status(&self) -> Option<Value> {
        let (status, body) = self.get(&self.part.listen, &format!("/api/v1/transcode/status/{}", self.id));
        (status == 200).then(|| serde_json::from_str(&body).expect("JSON"))
    }

    /// Chunks that a worker has stored since its start.
    fn stored_by(&self, worker: &Part) -> usize {
        let (_, text) = self.get(&worker.listen, "/metrics");
        let line = text.lines().find(|line| line.starts_with("streamgate_origin_chunks_encoded_total "));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).expect("a number")
    }

    /// Chunks that the encoded rendition has.
    fn chunks(&self) -> usize {
        let status = self.status().expect("it is there");
        let tracks = status["tracks"].as_array().expect("tracks");
        let names: Vec<_> = tracks.iter().filter_map(|track| track["name"].as_str()).collect();
        let name = names.iter().find(|name| name.starts_with("av1")).expect("an encoded one");
        let (_, media) = self.get(&self.part.listen, &format!("/v/{}/{name}/media.m3u8", self.id));
        media.lines().filter(|line| line.ends_with(".m4s")).count()
    }
}

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
