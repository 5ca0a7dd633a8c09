//! The kernel's congestion control for new sockets: what is comparable is that all servers use the same one.

use std::fs;

const SETTING: &str = "/proc/sys/net/ipv4/tcp_congestion_control";
/// BBR paces, which on the loopback makes bulk figures bimodal.
const WANTED: &str = "reno";

/// Set for as long as this lives, then put back.
pub struct Congestion {
    before: String,
    changed: bool,
}

impl Congestion {
    /// Sets it where that is permitted.
    pub fn set() -> Self {
        let before = fs::read_to_string(SETTING).unwrap_or_default().trim().to_owned();
        let changed = before != WANTED && fs::write(SETTING, WANTED).is_ok();
        Self { before, changed }
    }

    /// A line for the report.
    pub fn note(&self) -> String {
        if self.changed || self.before == WANTED {
            format!("congestion control {WANTED} for all")
        } else {
            let before = &self.before;
            format!(
                "congestion control {before} for all: the kernel's setting may not be changed here, bulk figures may be bimodal"
            )
        }
    }
}

impl Drop for Congestion {
    fn drop(&mut self) {
        if self.changed {
            let _ = fs::write(SETTING, &self.before);
        }
    }
}
