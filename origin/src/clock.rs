//! The one place that reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use durable::UnixMs;

/// Milliseconds since 1970 UTC; a clock set before that reads as zero.
pub(crate) fn now_ms() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs::try_from(since.as_millis()).unwrap_or(UnixMs::MAX)
}
