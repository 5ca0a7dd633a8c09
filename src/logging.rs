//! Log lines on standard error: text on a terminal, JSON otherwise. The last ones are kept for the API as well.

use origin::Logs;
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

static KEPT: LazyLock<Arc<Logs>> = LazyLock::new(Arc::default);

/// Starts logging. `quiet` (the demo, which draws its own progress) shows warnings only.
pub fn start(quiet: bool) {
    let level = if quiet { "warn" } else { "info" };
    let filter = EnvFilter::try_from_env("STREAMGATE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let all = tracing_subscriber::registry().with(filter).with(Keep);
    let lines = fmt::layer().with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        all.with(lines.with_target(false)).init();
    } else {
        all.with(lines.json()).init();
    }
}

/// The last lines of this process.
pub fn kept() -> Arc<Logs> {
    KEPT.clone()
}

/// Keeps each line.
struct Keep;

impl<S: Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let metadata = event.metadata();
        KEPT.add(*metadata.level(), metadata.target(), text.message + &text.fields, now_ms);
    }
}

/// The message, and ` name=value` of each field.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
        written.expect("a string takes it");
    }
}
