//! The tree over its leaves, and what is missing. Pure.

use serde_json::{Value, json};

use super::tree::{Collection, Mint, Node};

/// What is known of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    Yes,
    No,
    Doubt(Doubt),
}

/// Why something is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// No wallet was shown: what one would have to hold, or must not, is not known.
    NoWallet,
    /// The last block says another thing than the one that counts as settled.
    NotSettled,
    /// The contract answered what its standard does not have.
    Garbled,
    /// A wallet has more tokens than are looked at.
    TooMany,
    /// The chain could not be read.
    Unread,
}

/// The whole tree. `leaves`: what is known of each leaf, in the order of [`Node::leaves`]; one that is missing is in doubt.
pub(crate) fn truth(node: &Node, leaves: &mut impl Iterator<Item = Truth>) -> Truth {
    match node {
        Node::All(nodes) => nodes.iter().fold(Truth::Yes, |sum, node| both(sum, truth(node, leaves))),
        Node::Any(nodes) => not(nodes.iter().fold(Truth::Yes, |sum, node| both(sum, not(truth(node, leaves))))),
        Node::Not(node) => match (truth(node, leaves), node.passwords().is_empty()) {
            (told, true) => not(told),
            // No rule is written so: a wrong secret would open.
            (_, false) => Truth::Doubt(Doubt::Garbled),
        },
        _ => leaves.next().unwrap_or(Truth::Doubt(Doubt::Unread)),
    }
}

fn not(one: Truth) -> Truth {
    match one {
        Truth::Yes => Truth::No,
        Truth::No => Truth::Yes,
        doubt => doubt,
    }
}

fn both(one: Truth, other: Truth) -> Truth {
    match (one, other) {
        (Truth::No, _) | (_, Truth::No) => Truth::No,
        (Truth::Yes, one) | (one, Truth::Yes) => one,
        // Only of a chain that cannot be read may a grace be given: any other doubt goes before it.
        (Truth::Doubt(Doubt::Unread), doubt) | (doubt, _) => doubt,
    }
}

/// What would have to be otherwise, as a list of conditions; `{"any": [..]}` where one of several is enough.
pub(crate) fn missing(node: &Node, leaves: &[Truth]) -> Vec<Value> {
    walk(node, true, &mut leaves.iter().copied()).1
}

/// Truth of a node that must be `wanted`, and what is missing for that.
fn walk(node: &Node, wanted: bool, leaves: &mut impl Iterator<Item = Truth>) -> (bool, Vec<Value>) {
    let (nodes, is_all) = match node {
        Node::Not(node) => return walk(node, !wanted, leaves),
        // De Morgan: what must not be "all" must be "any" of the opposites.
        Node::All(nodes) => (nodes, wanted),
        Node::Any(nodes) => (nodes, !wanted),
        leaf => {
            let truth = leaves.next().unwrap_or(Truth::Doubt(Doubt::Unread));
            let holds = truth == if wanted { Truth::Yes } else { Truth::No };
            return (holds, if holds { Vec::new() } else { vec![said(leaf, wanted, truth)] });
        }
    };
    let parts: Vec<(bool, Vec<Value>)> = nodes.iter().map(|node| walk(node, wanted, leaves)).collect();
    if is_all {
        let holds = parts.iter().all(|(holds, _)| *holds);
        return (holds, parts.into_iter().flat_map(|(_, missing)| missing).collect());
    }
    if parts.iter().any(|(holds, _)| *holds) {
        return (true, Vec::new());
    }
    let ways = parts.into_iter().map(|(_, mut missing)| match missing.len() {
        1 => missing.remove(0),
        _ => json!({ "all": missing }),
    });
    (false, vec![json!({ "any": ways.collect::<Vec<_>>() })])
}

/// One condition, for whoever is refused. Lists of wallets are not told.
fn said(leaf: &Node, wanted: bool, truth: Truth) -> Value {
    let mut said = match leaf {
        Node::Erc721(leaf) => json!({
            "standard": "erc721", "chain": leaf.chain, "contract": leaf.contract, "amount": leaf.min_balance,
            "token_ids": leaf.token_ids, "name": leaf.name, "link": leaf.link,
        }),
        Node::Erc1155(leaf) => json!({
            "standard": "erc1155", "chain": leaf.chain, "contract": leaf.contract, "amount": leaf.min_balance,
            "token_ids": [leaf.id], "name": leaf.name, "link": leaf.link,
        }),
        Node::Erc20(leaf) => json!({
            "standard": "erc20", "chain": leaf.chain, "contract": leaf.contract, "amount": leaf.min_units,
            "name": leaf.name, "link": leaf.link,
        }),
        Node::Unlock(leaf) => json!({
            "standard": "unlock", "chain": leaf.chain, "contract": leaf.contract, "name": leaf.name, "link": leaf.link,
        }),
        Node::Spl(leaf) => coin("spl", leaf),
        Node::Token2022(leaf) => coin("token2022", leaf),
        Node::Metaplex(leaf) => collected("metaplex", leaf),
        Node::Core(leaf) => collected("core", leaf),
        Node::Allow(_) => json!({ "standard": "allow-list" }),
        Node::Deny(_) => json!({ "standard": "deny-list" }),
        Node::Valid(window) => json!({ "standard": "time", "from_ms": window.from_ms, "until_ms": window.until_ms }),
        Node::Password(leaf) => json!({ "standard": "password", "name": leaf.name }),
        Node::All(_) | Node::Any(_) | Node::Not(_) => json!({}),
    };
    said["wanted"] = wanted.into();
    said["why"] = match truth {
        Truth::Yes | Truth::No => "not-met",
        Truth::Doubt(Doubt::NoWallet) => "no-wallet",
        Truth::Doubt(Doubt::NotSettled) => "not-settled",
        Truth::Doubt(Doubt::Garbled) => "contract-garbled",
        Truth::Doubt(Doubt::TooMany) => "too-many-tokens",
        Truth::Doubt(Doubt::Unread) => "chain-not-read",
    }
    .into();
    said
}

fn coin(standard: &str, leaf: &Mint) -> Value {
    json!({
        "standard": standard, "chain": leaf.chain, "mint": leaf.mint, "amount": leaf.min_units, "name": leaf.name, "link": leaf.link,
    })
}

fn collected(standard: &str, leaf: &Collection) -> Value {
    json!({
        "standard": standard, "chain": leaf.chain, "collection": leaf.collection, "amount": leaf.min_balance, "name": leaf.name,
        "link": leaf.link,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const Y: Truth = Truth::Yes;
    const N: Truth = Truth::No;
    const D: Truth = Truth::Doubt(Doubt::Unread);
    const S: Truth = Truth::Doubt(Doubt::NotSettled);

    fn node(text: &str) -> Node {
        let text = text.replace('x', r#"{"valid":{"from_ms":1}}"#);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn doubt_opens_nothing_and_hides_nothing() {
        for (text, leaves, expected) in [
            ("x", &[Y][..], Y),
            (r#"{"all":[x,x]}"#, &[Y, D], D),
            (r#"{"all":[x,x]}"#, &[D, N], N),
            (r#"{"any":[x,x]}"#, &[D, Y], Y),
            (r#"{"any":[x,x]}"#, &[N, D], D),
            (r#"{"not":x}"#, &[D], D),
            (r#"{"not":x}"#, &[Y], N),
            (r#"{"not":{"any":[x,x]}}"#, &[N, N], Y),
            (r#"{"not":{"all":[x,x]}}"#, &[D, N], Y),
            (r#"{"all":[x,x]}"#, &[Y], D),
            (r#"{"all":[x,x]}"#, &[D, S], S),
            (r#"{"any":[x,x]}"#, &[S, D], S),
        ] {
            assert_eq!(truth(&node(text), &mut leaves.iter().copied()), expected, "{text} {leaves:?}");
        }
    }

    #[test]
    fn a_wrong_secret_opens_nothing_whatever_it_stands_under() {
        let node: Node = serde_json::from_str(r#"{"not":{"all":[{"password":{"id":"x"}}]}}"#).unwrap();
        assert_eq!(truth(&node, &mut [N].into_iter()), Truth::Doubt(Doubt::Garbled));
    }

    #[test]
    fn something_is_missing_exactly_when_it_does_not_open() {
        let text = r#"{"any":[{"all":[x,{"not":x}]},{"not":{"any":[x,{"all":[x,x]}]}}]}"#;
        let node = node(text);
        for n in 0..3_usize.pow(5) {
            let leaves: Vec<Truth> = (0..5).map(|i| [Y, N, D][n / 3_usize.pow(i) % 3]).collect();
            let opens = truth(&node, &mut leaves.iter().copied()) == Y;
            assert_eq!(missing(&node, &leaves).is_empty(), opens, "{leaves:?}");
        }
    }
}
