//! `streamgate check-config`: does a file hold, and what does it resolve to?

use crate::{cli, config};
use anyhow::Result;
use std::io::{Write as _, stdout};

pub fn run(options: cli::CheckConfig) -> Result<()> {
    if options.sample {
        write!(stdout(), "{}", config::SAMPLE)?;
        return Ok(());
    }
    let resolved = config::load(options.file.or(options.config).as_deref())?;
    writeln!(stdout(), "{resolved:#?}")?;
    Ok(())
}
