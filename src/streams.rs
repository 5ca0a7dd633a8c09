//! What plays at an edge by tokens that bound how many may at once is told to the origin once a second; it says which streams have a
//! place (decision 0200). No request waits for it: what it brings back is used with the next one.

use crate::agent;
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edge::{Playing, StreamAsked, StreamTold};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often. A stream too many plays so long before it is refused, and as long as the answer takes.
const EVERY: Duration = Duration::from_secs(1);
/// How often it looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);
/// An answer that takes longer is none.
const WAIT: Duration = Duration::from_secs(2);
/// Streams of one request; an origin reads as many, and bodies of 64 KiB.
const AT_ONCE: usize = 64;
/// Answers say two words of each stream.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

#[derive(Debug, Serialize)]
struct Report<'a> {
    streams: Vec<One<'a>>,
}

#[derive(Debug, Serialize)]
struct One<'a> {
    subject: &'a str,
    class: &'a str,
    max: u32,
    stream: String,
    ago_ms: u64,
}

#[derive(Debug, Deserialize)]
struct Answer {
    streams: Vec<Held>,
}

#[derive(Debug, Deserialize)]
struct Held {
    plays: bool,
    is_full: bool,
}

/// Who reports to the origin at `url`.
pub struct Reporter {
    agent: ureq::Agent,
    url: String,
    edge_key: String,
    playing: Playing,
}

impl Reporter {
    pub fn new(url: &str, edge_key: String, ca_file: Option<&Path>, playing: Playing) -> Result<Self> {
        let agent = agent::new(ca_file, WAIT)?;
        Ok(Self { agent, url: format!("{url}/api/v1/streams"), edge_key, playing })
    }

    /// Goes on until it is told to stop.
    pub fn run(&self, stop: &AtomicBool) {
        self.playing.counts();
        let mut failing = false;
        while !stop.load(Ordering::Relaxed) {
            let begun = Instant::now();
            let asked = self.playing.asked(millis());
            for some in asked.chunks(AT_ONCE) {
                match self.report(some) {
                    Ok(told) => {
                        failing = false;
                        self.playing.told(some.iter().zip(told));
                    }
                    Err(error) => {
                        self.playing.unanswered(millis());
                        if !failing {
                            tracing::warn!(
                                origin = self.url,
                                error = format!("{error:#}"),
                                "streams cannot be counted: those that play go on"
                            );
                        }
                        failing = true;
                        break;
                    }
                }
            }
            while begun.elapsed() < EVERY && !stop.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK);
            }
        }
    }

    fn report(&self, asked: &[StreamAsked]) -> Result<Vec<StreamTold>> {
        let report = Report { streams: asked.iter().map(one).collect() };
        let request = self.agent.post(&self.url).header("StreamGate-Edge-Key", &self.edge_key);
        let body = serde_json::to_string(&report).context("a report")?;
        let mut answer = request.content_type("application/json").send(body).context("no answer")?;
        ensure!(answer.status().is_success(), "it answers {}", answer.status());
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string().context("a cut answer")?;
        let answer: Answer = serde_json::from_str(&text).context("the answer is no list of streams")?;
        ensure!(answer.streams.len() == asked.len(), "it answers about {} streams", answer.streams.len());
        Ok(answer.streams.iter().map(|held| StreamTold { plays: held.plays, is_full: held.is_full }).collect())
    }
}

/// A stream is called by its id and the network that asks for it: a token that is passed on is another stream there.
fn one(asked: &StreamAsked) -> One<'_> {
    let stream = format!("{}@{}", URL_SAFE_NO_PAD.encode(&asked.id), asked.from);
    One { subject: &asked.subject, class: &asked.class, max: asked.max, stream, ago_ms: asked.ago_ms }
}

fn millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}
