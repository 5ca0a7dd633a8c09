//! probe: what is in the upload? Most bad uploads end here, with the reason that the person who sent it is shown.

use durable::catalogue::{Asset, Stage};
use media::SourceInfo;

use super::source::source;
use crate::work::{Failure, Run, on_thread};

/// Reads the source's tables.
pub(super) async fn probe(run: &Run, asset: &Asset) -> Result<SourceInfo, Failure> {
    run.progress.stage(Stage::Probe);
    let local = source(run, asset).await?;
    let tools = run.house.config.tools.clone();
    on_thread("probe", &run.cancel, move || Ok(media::probe(local.path(), &tools)?)).await
}
