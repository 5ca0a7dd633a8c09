//! Our edge, as this program's `serve-edge`.

use super::{Peer, Server, Setup, free_address, text};
use crate::process::Pinned;
use anyhow::Result;

/// Starts one shard in front of the origin.
pub fn start(setup: &Setup) -> Result<Server> {
    let program = std::env::current_exe()?;
    let (http, https) = (free_address()?, free_address()?);
    let listen = [http.to_string(), https.to_string(), setup.upstream.to_string()];
    let args = ["serve-edge", &listen[0], &listen[1], text(&setup.pair.0)?, text(&setup.pair.1)?, &listen[2]];
    let mut process = Pinned::start(setup.core, text(&program)?, &args)?;
    process.wait_until_listening(http)?;
    process.wait_until_listening(https)?;
    Ok(Server { peer: Peer::Ours, version: "ours".into(), process, http, https: Some(https), _scratch: None })
}
