//! transfers: a chain is followed block by block while somebody has a token by what it says.

use alloy_primitives::Address;
use durable::StoreError;
use durable::catalogue::Grant;

use super::decide::decide_all;
use super::window::{Touched, Window};
use crate::clock::now_ms;
use crate::gate::chains::{Block, Chain, ChainError};
use crate::gate::rules::{Holder, Rule};
use crate::house::House;
use crate::limits::{CHAIN_LOOK, GRANTS_A_ROUND, LOGS_BLOCKS, LOGS_CONTRACTS_MAX};

/// Why a round was cut short; the next one begins where this one did.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// An asset that somebody may watch by what contracts of this chain say.
struct Watched {
    asset: String,
    rule: Rule,
    contracts: Vec<Address>,
}

/// How far a chain was followed.
#[derive(Default)]
struct Followed {
    /// The last block that was looked at; `None`: nobody cared until now.
    last: Option<Block>,
    window: Window,
}

/// Goes on until it is dropped.
pub(super) async fn follow(house: &House, chain: &Chain) {
    let mut followed = Followed::default();
    let mut is_cut = false;
    loop {
        let told = chain.rung();
        let done = followed.round(house, chain).await;
        if let Err(cut) = &done
            && !is_cut
        {
            tracing::warn!(chain = chain.config.name, error = %cut, "the chain is not followed: tokens that were given away are not taken back");
        }
        is_cut = done.is_err();
        chain.next_block(told, CHAIN_LOOK).await;
    }
}

impl Followed {
    async fn round(&mut self, house: &House, chain: &Chain) -> Result<(), Cut> {
        let now = now_ms();
        if !house.store.catalogue.has_grants(now).await? {
            *self = Self::default();
            return Ok(());
        }
        let last = chain.heads(now).await?.last;
        if self.last == Some(last) {
            return Ok(());
        }
        let watched = watched(house, chain, now).await?;
        let mut contracts: Vec<Address> = watched.iter().flat_map(|one| one.contracts.iter().copied()).collect();
        contracts.sort_unstable();
        contracts.dedup();
        let touched = self.touched(chain, &contracts, last).await;
        // What is cut short here has to be told again, to everyone.
        self.last = None;
        for one in watched.iter().filter(|_| !touched.is_empty()) {
            look(house, one, &touched, now).await?;
        }
        self.last = Some(last);
        Ok(())
    }

    /// Whom it concerns what has happened since the last round. When that cannot be told, everyone.
    async fn touched(&mut self, chain: &Chain, contracts: &[Address], last: Block) -> Touched {
        let everyone = || Touched { contracts: contracts.iter().copied().collect(), ..Touched::default() };
        let first = (last.number + 1).saturating_sub(LOGS_BLOCKS);
        let mut logs = Vec::new();
        for some in contracts.chunks(LOGS_CONTRACTS_MAX) {
            match chain.moved(some, (first, last.number)).await {
                Ok(moved) => logs.extend(moved),
                Err(error) => {
                    tracing::debug!(chain = chain.config.name, %error, "logs cannot be read: everyone is looked at");
                    self.window = Window::default();
                    return everyone();
                }
            }
        }
        let touched = self.window.seen(logs, first);
        // Blocks that nobody has looked at lie between.
        if self.last.is_none_or(|before| before.number < first) { everyone() } else { touched }
    }
}

async fn watched(house: &House, chain: &Chain, now: i64) -> Result<Vec<Watched>, StoreError> {
    let rows = house.store.catalogue.watched_rules(now).await?;
    let named = rows.into_iter().filter_map(|(asset, rule)| {
        // A rule that cannot be read takes its grants back by the clock.
        let rule: Rule = serde_json::from_str(&rule).ok()?;
        let contracts = rule.rule.contracts_on(&chain.config.name);
        (!contracts.is_empty()).then_some(Watched { asset, rule, contracts })
    });
    Ok(named.collect())
}

/// Decides anew about everyone whom it concerns.
async fn look(house: &House, watched: &Watched, touched: &Touched, now: i64) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let page = house.store.catalogue.grants_by_rule(&watched.asset, &after, now, GRANTS_A_ROUND).await?;
        let Some(end) = page.last() else { return Ok(()) };
        after.clone_from(&end.cti);
        let concerned: Vec<&Grant> = page.iter().filter(|grant| concerns(touched, watched, grant)).collect();
        decide_all(house, |_| Some(&watched.rule), &concerned, now).await?;
    }
}

fn concerns(touched: &Touched, watched: &Watched, grant: &Grant) -> bool {
    // Who acts for whom is not in the grant.
    if watched.rule.rule.is_delegated() && touched.concerns_any(&watched.contracts) {
        return true;
    }
    let wallets: Vec<Holder> = serde_json::from_str(&grant.wallets).unwrap_or_default();
    let wallets: Vec<Address> = wallets.iter().filter_map(Holder::evm).map(|wallet| wallet.0).collect();
    touched.concerns(&watched.contracts, &wallets)
}
