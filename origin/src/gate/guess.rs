//! guess: a secret that is shown with a request to watch. Tries are bounded for each asset and address before anything is computed, and
//! only so many are computed at once: each takes memory on purpose.

use std::net::IpAddr;
use std::sync::Arc;

use durable::{AssetId, StoreError, UnixMs};

use super::Viewer;
use super::rules::{Doubt, Node, Plain, Rule, Shown, Truth, truth};
use super::watch::NotLetIn;
use crate::access::{NotTried, guess};
use crate::clock::now_us;
use crate::house::House;

/// What is known of a viewer's secret.
#[derive(Debug)]
pub(super) enum Secret {
    /// The rule asks for none, or none would help.
    NotAsked,
    /// Nothing else is missing, and none was shown.
    Needed,
    /// The one that was shown opens nothing.
    Wrong,
    /// It meets these conditions, by their ids.
    Right(Vec<String>),
}

impl Secret {
    /// Looks at the secret where nothing else keeps this viewer out: who lacks a token cannot try passwords. `leaves`: what is known of
    /// the rule without it.
    pub(super) async fn of(
        house: &House,
        (asset, rule): (&AssetId, &Arc<Rule>),
        leaves: &[Truth],
        viewer: &Viewer,
        now: UnixMs,
    ) -> Result<Self, NotLetIn> {
        if !helps(&rule.rule, leaves) {
            return Ok(Self::NotAsked);
        }
        let ids = rule.rule.passwords().into_iter().filter_map(|password| password.id.clone());
        let known = proved(house, asset, viewer, now).await?;
        let right: Vec<String> = ids.filter(|id| known.contains(id)).collect();
        if !right.is_empty() {
            return Ok(Self::Right(right));
        }
        let Some(secret) = viewer.secret.clone() else { return Ok(Self::Needed) };
        let right = opened(house, asset, rule.clone(), secret, viewer.from).await?;
        Ok(if right.is_empty() { Self::Wrong } else { Self::Right(right) })
    }

    pub(super) fn right(&self) -> &[String] {
        if let Self::Right(ids) = self { ids } else { &[] }
    }

    /// Puts it among what is known of the leaves.
    pub(super) fn count(&self, node: &Node, leaves: &mut [Truth]) {
        let shown = Shown { passwords: self.right(), ..Shown::default() };
        for (leaf, told) in node.leaves().into_iter().zip(leaves) {
            if let Node::Password(password) = leaf {
                *told = password.truth(shown);
            }
        }
    }
}

/// Whether the right secret would open, or leave a chain that cannot be read as the only reason not to.
fn helps(node: &Node, leaves: &[Truth]) -> bool {
    if node.passwords().is_empty() || truth(node, &mut leaves.iter().copied()) == Truth::Yes {
        return false;
    }
    let both = node.leaves().into_iter().zip(leaves);
    let mut with = both.map(|(leaf, told)| if matches!(leaf, Node::Password(_)) { Truth::Yes } else { *told });
    matches!(truth(node, &mut with), Truth::Yes | Truth::Doubt(Doubt::Unread))
}

/// What this session has proved before, and has a token by that was not taken back: players renew without the secret.
async fn proved(house: &House, asset: &AssetId, viewer: &Viewer, now: UnixMs) -> Result<Vec<String>, StoreError> {
    let Some(session) = &viewer.session else { return Ok(Vec::new()) };
    let told = house.store.catalogue.passwords_proved(session, asset, now).await?;
    Ok(told.iter().flat_map(|ids| serde_json::from_str::<Vec<String>>(ids)).flatten().collect())
}

async fn opened(
    house: &House,
    asset: &AssetId,
    rule: Arc<Rule>,
    secret: Plain,
    from: Option<IpAddr>,
) -> Result<Vec<String>, NotLetIn> {
    let tried = guess(&house.rates, house.cache.remote(), asset.as_str(), from, now_us()).await;
    tried.map_err(|why| match why {
        NotTried::TooOften(seconds) => NotLetIn::TooOften(seconds),
        NotTried::Uncounted => NotLetIn::Unshared,
    })?;
    let _turn = house.guesses.acquire().await.map_err(|_| NotLetIn::TooOften(1))?;
    let opened = tokio::task::spawn_blocking(move || rule.opened_by(&secret)).await;
    // A thread that broke down has shown nothing.
    Ok(opened.unwrap_or_default())
}
