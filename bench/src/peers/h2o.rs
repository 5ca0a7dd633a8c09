//! h2o with one thread (`bench/peers/h2o.yaml`). It has no cache: the bodies are files that it knows by name.

use super::{Peer, Server, Setup, fill, free_address, scratch, text, version};
use crate::process::Pinned;
use anyhow::Result;
use std::fs;

/// Starts it on files of the sizes that are asked for.
pub fn start(setup: &Setup) -> Result<Server> {
    let scratch = scratch(Peer::H2o)?;
    let (http, https) = (free_address()?, free_address()?);
    for (bytes, count) in &setup.objects {
        let folder = scratch.path().join("files").join(bytes.to_string());
        fs::create_dir_all(&folder)?;
        for index in 0..*count {
            fs::write(folder.join(index.to_string()), vec![b'x'; *bytes])?;
        }
    }
    let filled = fill(
        include_str!("../../peers/h2o.yaml"),
        &[
            ("SCRATCH", text(scratch.path())?),
            ("PORT", &http.port().to_string()),
            ("TLS_PORT", &https.port().to_string()),
            ("CERTIFICATE", text(&setup.pair.0)?),
            ("KEY", text(&setup.pair.1)?),
        ],
    );
    let file = scratch.path().join("h2o.yaml");
    fs::write(&file, filled)?;
    let mut process = Pinned::start(setup.core, "h2o", &["-m", "worker", "-c", text(&file)?])?;
    process.wait_until_listening(http)?;
    let version = version("h2o", "--version")?;
    Ok(Server { peer: Peer::H2o, version, process, http, https: Some(https), _scratch: Some(scratch) })
}
