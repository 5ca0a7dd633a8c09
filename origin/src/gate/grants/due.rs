//! due: grants whose time has come to be decided again: a time in the rule, a rule that was written anew, a chain that could not be read,
//! a token that is not settled, and once in a while all.

use std::collections::HashMap;

use durable::StoreError;
use durable::catalogue::Grant;

use super::decide::decide_all;
use crate::clock::now_ms;
use crate::gate::rules::Rule;
use crate::house::House;
use crate::limits::{GRANTS_A_ROUND, GRANTS_LOOK};

/// Goes on until it is dropped.
pub(super) async fn follow(house: &House) {
    loop {
        match round(house).await {
            Ok(done) if done == GRANTS_A_ROUND as usize => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "tokens that may be void could not be looked at"),
        }
        tokio::time::sleep(GRANTS_LOOK).await;
    }
}

async fn round(house: &House) -> Result<usize, StoreError> {
    let (catalogue, now) = (&house.store.catalogue, now_ms());
    let due = catalogue.grants_due(now, GRANTS_A_ROUND).await?;
    let mut rules: HashMap<String, Option<Rule>> = HashMap::new();
    for grant in &due {
        if !rules.contains_key(&grant.asset) {
            rules.insert(grant.asset.clone(), rule(house, &grant.asset).await?);
        }
    }
    let all: Vec<&Grant> = due.iter().collect();
    decide_all(house, |grant| rules.get(&grant.asset).and_then(Option::as_ref), &all, now).await?;
    Ok(due.len())
}

/// The rule that holds for an asset; `None`: there is none that can be read.
async fn rule(house: &House, asset: &str) -> Result<Option<Rule>, StoreError> {
    let Ok(asset) = asset.parse() else { return Ok(None) };
    let stored = house.store.catalogue.rule(&asset).await?;
    Ok(stored.and_then(|stored| serde_json::from_str(&stored.rule).ok()))
}
