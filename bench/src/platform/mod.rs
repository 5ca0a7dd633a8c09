//! The origin of the program beside this one (`target/release/streamgate`), with data of its own.
//!
//! - [`api`]: what a request for one asset costs. [`upload`]: how fast bytes come in, and what memory they take.

pub mod api;
pub mod upload;

use crate::peers::{free_address, text};
use crate::process::Pinned;
use anyhow::{Context, Result, bail};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Until a start has made its keys.
const KEY_WITHIN: Duration = Duration::from_secs(20);

/// A running one; ended, and its data removed, when dropped.
pub struct Origin {
    pub process: Pinned,
    pub address: SocketAddr,
    /// The admin's API key.
    pub key: String,
    _data: TempDir,
}

impl Origin {
    /// Starts it on some cores, as `taskset` names them.
    pub fn start(cores: &str) -> Result<Self> {
        let program = std::env::current_exe()?.with_file_name("streamgate");
        if !program.exists() {
            bail!("{} is missing; build it: cargo build --release --bin streamgate", program.display());
        }
        let data = tempfile::Builder::new().prefix("streamgate-bench-origin-").tempdir()?;
        let address = free_address()?;
        let variables =
            [("STREAMGATE_STORAGE__DATA", text(data.path())?), ("STREAMGATE_ORIGIN__LISTEN", &address.to_string())];
        let mut process = Pinned::start_on(cores, text(&program)?, &["origin"], &variables)?;
        process.wait_until_listening(address)?;
        // It listens before it has made its keys.
        let (file, until) = (data.path().join("keys/api.key"), Instant::now() + KEY_WITHIN);
        let key = loop {
            match std::fs::read_to_string(&file) {
                Ok(key) if key.ends_with('\n') || key.len() > 20 => break key,
                failed if Instant::now() > until => break failed.context("the key was not made")?,
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        Ok(Self { process, address, key: key.trim().to_owned(), _data: data })
    }

    /// Memory of its own once it no longer grows by itself.
    pub fn settled_bytes(&self) -> Result<u64> {
        let until = Instant::now() + Duration::from_secs(20);
        let mut before = self.process.anonymous_bytes()?;
        loop {
            std::thread::sleep(Duration::from_millis(500));
            let now = self.process.anonymous_bytes()?;
            if now <= before || Instant::now() > until {
                return Ok(now);
            }
            before = now;
        }
    }
}
