//! Grants: playback tokens that were given out are written down, and decided again when something may have changed.
//!
//! ```text
//!   give.rs       mint a token and write it down, before it is handed out
//!   transfers.rs  a chain is followed: whose tokens moved in its last blocks, that is whose grants are decided again
//!   holdings.rs   a cluster of Solana is followed: the accounts that grants rest on, and whose have changed
//!   window.rs     what is new in those blocks, and what a reorganisation took away; pure
//!   due.rs        the clock: rules with times, rules that were changed, chains that could not be read
//!   decide.rs     one grant: still yes? else it is taken back; yes again? then it is given back
//! ```
//!
//! A log is only the reason to look. What decides is the stored rule, read at the newest block and at the settled one, as when somebody
//! asks to watch. What is decided becomes an event in the commit of its row, and edges follow the events.

mod decide;
mod due;
mod give;
mod holdings;
mod transfers;
mod window;

use std::sync::Arc;

use futures_util::future::{join, join_all, join3};

pub(crate) use give::{Given, NotGiven, give};

use crate::house::House;

/// Goes on until it is dropped.
pub(crate) async fn keep(house: Arc<House>) {
    let chains = house.chains.iter().map(|chain| join(transfers::follow(&house, chain), chain.listen()));
    let clusters = house.chains.clusters().map(|cluster| holdings::follow(&house, cluster));
    join3(due::follow(&house), join_all(chains), join_all(clusters)).await;
}
