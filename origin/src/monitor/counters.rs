//! Every number the origin counts: plain fields, named and written in this one file. No label takes a value that a
//! client chooses.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use durable::catalogue::QueueDepth;

/// Counts since start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    answers: [AtomicU64; 5],
    playback: AtomicU64,
    uploads_taken: AtomicU64,
    uploads_refused: AtomicU64,
    upload_bytes: AtomicU64,
    jobs_done: AtomicU64,
    jobs_retried: AtomicU64,
    jobs_failed: AtomicU64,
    chunks_encoded: AtomicU64,
    playable: AtomicU64,
    playable_ms: AtomicU64,
}

fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

impl Counters {
    /// An answer went out with this status.
    pub(crate) fn answer(&self, status: u16) {
        if let Some(class) = self.answers.get(usize::from(status / 100).wrapping_sub(1)) {
            add(class, 1);
        }
    }

    /// A playback path was asked for.
    pub(crate) fn playback(&self) {
        add(&self.playback, 1);
    }

    /// An upload ended.
    pub(crate) fn upload(&self, taken: bool) {
        add(if taken { &self.uploads_taken } else { &self.uploads_refused }, 1);
    }

    /// Bytes of an upload arrived.
    pub(crate) fn upload_bytes(&self, bytes: u64) {
        add(&self.upload_bytes, bytes);
    }

    /// A job did its part.
    pub(crate) fn job_done(&self) {
        add(&self.jobs_done, 1);
    }

    /// A job was put back to be tried again.
    pub(crate) fn job_retried(&self) {
        add(&self.jobs_retried, 1);
    }

    /// A job was given up.
    pub(crate) fn job_failed(&self) {
        add(&self.jobs_failed, 1);
    }

    /// A chunk was encoded and stored.
    pub(crate) fn chunk_encoded(&self) {
        add(&self.chunks_encoded, 1);
    }

    /// An asset became playable, this long after the end of its upload.
    pub(crate) fn playable(&self, ms: i64) {
        add(&self.playable, 1);
        add(&self.playable_ms, u64::try_from(ms).unwrap_or(0));
    }

    /// Everything, for Prometheus.
    pub(crate) fn text(&self, depth: Option<QueueDepth>, free_bytes: Option<u64>) -> String {
        let mut text = Text(String::with_capacity(2048));
        let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"].map(|class| format!("class=\"{class}\""));
        let rows: Vec<_> = classes.iter().map(String::as_str).zip(&self.answers).collect();
        text.counter("http_answers_total", "Answers by class of status.", &rows);
        text.counter("playback_requests_total", "Requests below /v/.", &[("", &self.playback)]);
        let uploads = [("result=\"taken\"", &self.uploads_taken), ("result=\"refused\"", &self.uploads_refused)];
        text.counter("uploads_total", "Uploads by how they ended.", &uploads);
        text.counter("upload_bytes_total", "Bytes of uploads received.", &[("", &self.upload_bytes)]);
        let jobs = [
            ("result=\"done\"", &self.jobs_done),
            ("result=\"retried\"", &self.jobs_retried),
            ("result=\"failed\"", &self.jobs_failed),
        ];
        text.counter("jobs_total", "Runs of jobs by how they ended.", &jobs);
        text.counter("chunks_encoded_total", "Chunks encoded and stored.", &[("", &self.chunks_encoded)]);
        text.counter("assets_playable_total", "Assets that became playable.", &[("", &self.playable)]);
        let help = "Seconds from end of upload to playable, summed over assets_playable_total.";
        text.head("playable_seconds_total", help, "counter");
        let seconds = self.playable_ms.load(Ordering::Relaxed) as f64 / 1000.0;
        text.line(&format!("streamgate_origin_playable_seconds_total {seconds}"));
        if let Some(depth) = depth {
            text.gauge("jobs_queued", "Jobs that wait.", depth.queued);
            text.gauge("jobs_running", "Jobs that are worked on.", depth.running);
        }
        if let Some(free_bytes) = free_bytes {
            text.gauge("disk_free_bytes", "Free on the disk of the data folder.", free_bytes);
        }
        text.0
    }
}

struct Text(String);

impl Text {
    fn counter(&mut self, name: &str, help: &str, rows: &[(&str, &AtomicU64)]) {
        self.head(name, help, "counter");
        for (labels, value) in rows {
            let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
            self.line(&format!("streamgate_origin_{name}{labels} {}", value.load(Ordering::Relaxed)));
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "gauge");
        self.line(&format!("streamgate_origin_{name} {value}"));
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.line(&format!("# HELP streamgate_origin_{name} {help}"));
        self.line(&format!("# TYPE streamgate_origin_{name} {kind}"));
    }

    fn line(&mut self, line: &str) {
        writeln!(self.0, "{line}").expect("writing to a String cannot fail");
    }
}
