//! A bar for copies of objects: they stand on 256 shelves, about as many on each.

use durable::Copied;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Drawn on a terminal, silent elsewhere.
pub struct Bar(ProgressBar);

impl Bar {
    pub fn new(name: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(256), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{prefix:>8} [{bar:40}] {percent:>3} % {msg}, {elapsed}");
        bar.set_style(style.expect("our own template is valid").progress_chars("=> "));
        bar.set_prefix(name);
        Self(bar)
    }

    pub fn show(&self, copied: &Copied) {
        self.0.set_position(copied.shelves.into());
        self.0.set_message(format!("{} objects, {}", copied.objects, HumanBytes(copied.bytes)));
    }

    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}
