//! Bars on a terminal, one line a change elsewhere.

use crate::client::Status;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::IsTerminal;

/// The progress of one title from upload to published.
pub struct Bars {
    all: MultiProgress,
    upload: ProgressBar,
    stage: ProgressBar,
    tracks: RefCell<BTreeMap<String, ProgressBar>>,
    said_playable: Cell<bool>,
    stage_name: RefCell<String>,
    terminal: bool,
}

const PERMILLE: u64 = 1000;

impl Bars {
    pub fn new(title: &str, bytes: u64) -> Self {
        let all = MultiProgress::new();
        let bars = Self {
            upload: all.add(ProgressBar::new(bytes)),
            stage: all.add(ProgressBar::new_spinner()),
            all,
            tracks: RefCell::default(),
            said_playable: Cell::new(false),
            stage_name: RefCell::default(),
            terminal: std::io::stderr().is_terminal(),
        };
        bars.upload.set_style(style("{prefix:>12} [{bar:40}] {bytes} of {total_bytes}"));
        bars.upload.set_prefix("upload");
        bars.stage.set_style(style("{prefix:>12} {spinner} {msg}"));
        bars.line(title);
        bars
    }

    pub fn sent(&self, bytes: u64) {
        self.upload.set_position(bytes);
    }

    pub fn show(&self, status: &Status) {
        if !self.upload.is_finished() {
            self.upload.finish();
            if !self.terminal {
                self.line(&format!("{:>12} {}", "upload", indicatif::HumanBytes(self.upload.position())));
            }
        }
        if *self.stage_name.borrow() != status.stage {
            self.stage_name.replace(status.stage.clone());
            self.stage.set_prefix(status.stage.clone());
            if !self.terminal {
                self.line(&format!("{:>12}", status.stage));
            }
        }
        self.stage.tick();
        for track in &status.tracks {
            let mut tracks = self.tracks.borrow_mut();
            let bar = tracks.entry(track.name.clone()).or_insert_with(|| self.track(&track.name));
            bar.set_position((track.progress * PERMILLE as f64) as u64);
            if track.state == "published" && !bar.is_finished() {
                bar.finish_with_message("published");
                if !self.terminal {
                    self.line(&format!("{:>12} published", track.name));
                }
            }
        }
        if let (true, false, Some(milliseconds)) = (status.playable, self.said_playable.get(), status.playable_ms) {
            self.said_playable.set(true);
            self.line(&format!("{:>12} after {:.2} s", "playable", milliseconds as f64 / 1000.0));
        }
    }

    pub fn finish(&self) {
        self.stage.finish_and_clear();
    }

    fn track(&self, name: &str) -> ProgressBar {
        let bar = self.all.add(ProgressBar::new(PERMILLE));
        bar.set_style(style("{prefix:>12} [{bar:40}] {percent:>3} % {msg}"));
        bar.set_prefix(name.to_owned());
        bar
    }

    fn line(&self, text: &str) {
        if self.terminal {
            let _ = self.all.println(text);
        } else {
            eprintln!("{text}");
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("our own templates are valid").progress_chars("=> ")
}
