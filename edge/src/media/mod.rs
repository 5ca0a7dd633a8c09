//! What the edge knows of media: what players say of themselves, and what they will ask for. Pure, but for the counters.
//!
//! - [`cmcd`]: Common Media Client Data (CTA-5004), read. [`seen`]: what of it is counted.
//! - [`cmsd`]: Common Media Server Data (CTA-5006), written. [`hls`]: delivery directives of playlists.
//! - [`sequence`]: targets that count up, as segments do.

pub(crate) mod cmcd;
pub(crate) mod cmsd;
pub(crate) mod hls;
pub(crate) mod seen;
pub(crate) mod sequence;

use crate::shard::Shard;
use cmcd::Cmcd;

/// Whether a Content-Type is that of a playlist or manifest.
pub(crate) fn is_playlist(content_type: &[u8]) -> bool {
    matches!(cmsd::kind(b"", content_type), Some(("m", _)))
}

/// Reads and counts what a player says in `head` and in the query's `argument`.
pub(crate) fn listen(shard: &Shard, head: &[u8], argument: Option<&[u8]>) -> Option<Box<Cmcd>> {
    let counters = &shard.counters;
    match cmcd::read(head, argument) {
        Ok(said) => {
            let said = said?;
            counters.said.count(&said);
            counters.cmcd_startup.add(u64::from(said.startup));
            counters.cmcd_starved.add(u64::from(said.starved));
            Some(Box::new(said))
        }
        Err(cmcd::Malformed) => {
            counters.cmcd_malformed.add(1);
            None
        }
    }
}
