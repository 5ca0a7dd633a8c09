//! What a tree may be, without asking anyone.

use alloy_primitives::U256;
use wire::limits::{COUNTRIES_MAX, NETWORKS_MAX, REFERRERS_MAX, STREAM_CLASS_BYTES_MAX, STREAMS_MAX};

use super::password::{Password, Plain};
use super::tree::{Erc721, Node, Rule, Window};
use crate::limits::{
    PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN, PASSWORDS_A_RULE_MAX, REFERRERS_BYTES_MAX, RULE_DEPTH_MAX,
    RULE_GRACE_SECONDS_MAX, RULE_LEAVES_MAX, RULE_LIST_MAX, RULE_TOKEN_IDS_MAX, RULE_TOKEN_SECONDS_MAX,
    RULE_TOKEN_SECONDS_MIN, RULE_WORDS_BYTES_MAX,
};

/// Why a rule is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadRule {
    #[error("A rule has at most {RULE_LEAVES_MAX} conditions.")]
    TooManyLeaves,
    #[error("A rule is nested at most {RULE_DEPTH_MAX} deep.")]
    TooDeep,
    #[error("\"all\" and \"any\" need a condition.")]
    Empty,
    #[error("An amount of 0 is held by everyone.")]
    NothingAsked,
    #[error(
        "An erc721 condition has either min_balance or token_ids, of which there are at most {RULE_TOKEN_IDS_MAX}."
    )]
    TokenIds,
    #[error("A list of wallets has 1 to {RULE_LIST_MAX} of them.")]
    List,
    #[error("A time has a beginning or an end, and ends after it begins.")]
    Window,
    #[error("A name or link has at most {RULE_WORDS_BYTES_MAX} bytes; a link begins with https:// or http://.")]
    Words,
    #[error(
        "A password condition has one of secret ({PASSWORD_BYTES_MIN} to {PASSWORD_BYTES_MAX} bytes), \"make\": true, and the id of one that is kept; at most {PASSWORDS_A_RULE_MAX} of them, none below \"not\"."
    )]
    Password,
    #[error(
        "token_seconds goes from {RULE_TOKEN_SECONDS_MIN} to {RULE_TOKEN_SECONDS_MAX}, grace_seconds to {RULE_GRACE_SECONDS_MAX}."
    )]
    Seconds,
    #[error(
        "playback.networks has at most {NETWORKS_MAX} ranges such as \"192.0.2.0/24\", bits of the host being zero."
    )]
    Networks,
    #[error("playback.countries has at most {COUNTRIES_MAX} countries of two capital letters (ISO 3166-1).")]
    Countries,
    #[error(
        "playback.referrers has at most {REFERRERS_MAX} hosts of pages, {REFERRERS_BYTES_MAX} bytes in all, without a scheme and in small letters."
    )]
    Referrers,
    #[error(
        "playback.max_streams goes from 1 to {STREAMS_MAX}; stream_class has 1 to {STREAM_CLASS_BYTES_MAX} letters and needs it."
    )]
    Streams,
}

impl Rule {
    /// # Errors
    /// The first bound that is broken.
    pub(crate) fn check(&self) -> Result<(), BadRule> {
        if !(RULE_TOKEN_SECONDS_MIN..=RULE_TOKEN_SECONDS_MAX).contains(&self.token_seconds)
            || self.grace_seconds > RULE_GRACE_SECONDS_MAX
        {
            return Err(BadRule::Seconds);
        }
        self.playback.check()?;
        shape(&self.rule, 1)?;
        let leaves = self.rule.leaves();
        if leaves.len() > RULE_LEAVES_MAX {
            return Err(BadRule::TooManyLeaves);
        }
        if self.rule.passwords().len() > PASSWORDS_A_RULE_MAX {
            return Err(BadRule::Password);
        }
        leaves.into_iter().try_for_each(leaf)
    }
}

fn shape(node: &Node, depth: usize) -> Result<(), BadRule> {
    if depth > RULE_DEPTH_MAX {
        return Err(BadRule::TooDeep);
    }
    match node {
        // "All of nothing" would be open to everyone.
        Node::All(nodes) | Node::Any(nodes) if nodes.is_empty() => Err(BadRule::Empty),
        Node::All(nodes) | Node::Any(nodes) => nodes.iter().try_for_each(|node| shape(node, depth + 1)),
        // What a wrong secret would open.
        Node::Not(node) if !node.passwords().is_empty() => Err(BadRule::Password),
        Node::Not(node) => shape(node, depth + 1),
        _ => Ok(()),
    }
}

fn leaf(node: &Node) -> Result<(), BadRule> {
    let asked = |amount: U256| if amount.is_zero() { Err(BadRule::NothingAsked) } else { Ok(()) };
    let words = |name: &Option<String>, link: &Option<String>| {
        let fits = |text: &String| text.len() <= RULE_WORDS_BYTES_MAX && !text.contains(char::is_control);
        let is_web = |text: &String| text.starts_with("https://") || text.starts_with("http://");
        let is_good = name.as_ref().is_none_or(fits) && link.as_ref().is_none_or(|link| fits(link) && is_web(link));
        if is_good { Ok(()) } else { Err(BadRule::Words) }
    };
    match node {
        Node::Erc721(Erc721 { min_balance, token_ids, name, link, .. }) => {
            if min_balance.is_some() != token_ids.is_empty() || token_ids.len() > RULE_TOKEN_IDS_MAX {
                return Err(BadRule::TokenIds);
            }
            min_balance.map_or(Ok(()), |amount| asked(amount.0))?;
            words(name, link)
        }
        Node::Erc1155(leaf) => asked(leaf.min_balance.0).and_then(|()| words(&leaf.name, &leaf.link)),
        Node::Erc20(leaf) => asked(leaf.min_units.0).and_then(|()| words(&leaf.name, &leaf.link)),
        Node::Unlock(leaf) => words(&leaf.name, &leaf.link),
        Node::Spl(leaf) | Node::Token2022(leaf) => asked(leaf.min_units.0).and_then(|()| words(&leaf.name, &leaf.link)),
        Node::Metaplex(leaf) | Node::Core(leaf) => {
            asked(leaf.min_balance.0).and_then(|()| words(&leaf.name, &leaf.link))
        }
        Node::Allow(list) | Node::Deny(list) => {
            if (1..=RULE_LIST_MAX).contains(&list.len()) {
                Ok(())
            } else {
                Err(BadRule::List)
            }
        }
        Node::Valid(Window { from_ms, until_ms }) => match (from_ms, until_ms) {
            (None, None) => Err(BadRule::Window),
            (Some(from), Some(until)) if from >= until => Err(BadRule::Window),
            _ => Ok(()),
        },
        Node::Password(Password { id, secret, make, kept, name }) => {
            let fits = |secret: &Plain| (PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&secret.text().len());
            let ways = usize::from(id.is_some()) + usize::from(secret.is_some()) + usize::from(*make);
            if ways != 1 || kept.is_some() || !secret.as_ref().is_none_or(fits) {
                return Err(BadRule::Password);
            }
            words(name, &None)
        }
        Node::All(_) | Node::Any(_) | Node::Not(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_is_none_is_named() {
        let check = |rule: &str, expected: Option<BadRule>| {
            let rule: Rule =
                serde_json::from_str(&format!(r#"{{"rule":{rule}}}"#)).unwrap_or_else(|e| panic!("{rule}: {e}"));
            assert_eq!(rule.check().err(), expected, "{rule:?}");
        };
        let held =
            r#"{"erc721":{"chain":"anvil","contract":"0x1111111111111111111111111111111111111111","min_balance":"1"}}"#;
        let many = |n: usize| format!(r#"{{"any":[{}]}}"#, vec![held; n].join(","));
        let deep = |n: usize| format!("{}{held}{}", r#"{"not":"#.repeat(n), "}".repeat(n));
        check(held, None);
        check(&many(RULE_LEAVES_MAX), None);
        check(&many(RULE_LEAVES_MAX + 1), Some(BadRule::TooManyLeaves));
        check(&deep(RULE_DEPTH_MAX - 1), None);
        check(&deep(RULE_DEPTH_MAX), Some(BadRule::TooDeep));
        check(r#"{"all":[]}"#, Some(BadRule::Empty));
        check(&held.replace(r#""1""#, r#""0""#), Some(BadRule::NothingAsked));
        check(&held.replace(r#","min_balance":"1""#, ""), Some(BadRule::TokenIds));
        check(&held.replace(r#"balance":"1""#, r#"balance":"1","token_ids":["7"]"#), Some(BadRule::TokenIds));
        check(&held.replace(r#"balance":"1""#, r#"balance":"1","link":"javascript:x""#), Some(BadRule::Words));
        let spl = r#"{"spl":{"chain":"solana","mint":"EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v","min_units":"1"}}"#;
        let core = r#"{"core":{"chain":"solana","collection":"EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v","min_balance":"1"}}"#;
        for good in [spl, &spl.replace("spl", "token2022"), core, &core.replace("core", "metaplex")] {
            check(good, None);
            check(&good.replace(r#""1""#, r#""0""#), Some(BadRule::NothingAsked));
            check(&good.replace(r#""1""#, r#""1","link":"javascript:x""#), Some(BadRule::Words));
        }
        check(r#"{"allow":[]}"#, Some(BadRule::List));
        check(r#"{"password":{"secret":"open, sesame"}}"#, None);
        check(r#"{"password":{"make":true}}"#, None);
        for bad in [
            r#"{"password":{}}"#,
            r#"{"password":{"secret":"short"}}"#,
            r#"{"password":{"make":true,"id":"x"}}"#,
            r#"{"password":{"id":"x","kept":{"sha256":{"hash":"x"}}}}"#,
            r#"{"not":{"all":[{"password":{"make":true}}]}}"#,
        ] {
            check(bad, Some(BadRule::Password));
        }
        check(r#"{"valid":{}}"#, Some(BadRule::Window));
        check(r#"{"valid":{"from_ms":5,"until_ms":5}}"#, Some(BadRule::Window));
    }
}
