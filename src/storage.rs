//! `streamgate storage`: where objects are, and how they get elsewhere.

use crate::cli::{ObjectsPlace, StorageCommand};
use crate::config::{self, Config};
use crate::copying::Bar;
use crate::serve;
use anyhow::{Context, Result, bail};
use durable::Shelves;
use std::io::{Write as _, stdout};

pub fn run(command: StorageCommand) -> Result<()> {
    match command {
        StorageCommand::Migrate { to, verify, config } => {
            let config = config::load(config.config.as_deref())?;
            serve::runtime()?.block_on(migrate(&config, to, verify))
        }
    }
}

async fn migrate(config: &Config, to: ObjectsPlace, verify: bool) -> Result<()> {
    let Some(place) = &config.objects else {
        bail!("storage.objects names no S3; write it (and storage.s3_...) first, whichever way the objects are to go")
    };
    let scratch = config.data.join("tmp");
    let files = Shelves::files(&config.data.join("objects"), &scratch)?;
    let bucket = Shelves::s3(place, &scratch).await?;
    let (from, to, whereto) = match to {
        ObjectsPlace::S3 => (files, bucket, place.to_string()),
        ObjectsPlace::Files => (bucket, files, config.data.join("objects").display().to_string()),
    };
    let bar = Bar::new("copy");
    let copied = from.copy_to(&to, |copied| bar.show(copied)).await.context("the copy was cut off; run it again")?;
    bar.end();
    writeln!(
        stdout(),
        "{} objects ({}) copied to {whereto}, {} were there already",
        copied.objects,
        indicatif::HumanBytes(copied.bytes),
        copied.there
    )?;
    if verify {
        let bar = Bar::new("verify");
        let (seen, wrong) = to.verify(|seen| bar.show(seen)).await.context("the look at the copy was cut off")?;
        bar.end();
        if let Some(first) = wrong.first() {
            bail!(
                "{} of {} objects there are others than their names say, the first is {first}",
                wrong.len(),
                seen.objects
            );
        }
        writeln!(
            stdout(),
            "{} objects ({}) there are what their names say",
            seen.objects,
            indicatif::HumanBytes(seen.bytes)
        )?;
    }
    Ok(())
}
