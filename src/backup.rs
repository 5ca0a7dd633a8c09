//! `streamgate backup` and `streamgate restore`: rows, objects and keys, in one folder and back.

use crate::cli::{Backup, Restore};
use crate::config::{self, Config};
use crate::copying::Bar;
use crate::serve;
use anyhow::{Context, Result};
use durable::Places;
use indicatif::HumanBytes;
use std::io::{Write as _, stdout};

pub fn backup(options: Backup) -> Result<()> {
    let config = config::load(options.config.config.as_deref())?;
    let (bar, places) = (Bar::new("backup"), places(&config));
    let made = durable::backup(&config.data, &places, &options.folder, |copied| bar.show(copied));
    let made = serve::runtime()?.block_on(made).context("the backup is not whole; run it again")?;
    bar.end();
    writeln!(
        stdout(),
        "{} rows, {} new objects ({}) and the keys are in {}; {} objects were there already",
        made.rows,
        made.objects.objects,
        HumanBytes(made.objects.bytes),
        options.folder.display(),
        made.objects.there
    )?;
    Ok(())
}

pub fn restore(options: Restore) -> Result<()> {
    let config = config::load(options.config.config.as_deref())?;
    let (bar, places) = (Bar::new("restore"), places(&config));
    let made = durable::restore(&options.folder, &config.data, &places, |copied| bar.show(copied));
    let made = serve::runtime()?.block_on(made).context("it is not restored; see why, and run it again")?;
    bar.end();
    let (objects, bytes) = (made.objects.objects, HumanBytes(made.objects.bytes));
    writeln!(stdout(), "{} rows and {objects} objects ({bytes}) are restored; start the origin", made.rows)?;
    Ok(())
}

fn places(config: &Config) -> Places {
    Places { catalogue: config.catalogue.clone(), objects: config.objects.clone() }
}
