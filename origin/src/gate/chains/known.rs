//! Chains whose number and habits are known. None has an endpoint: whom to trust is the operator's choice.

use super::config::Finality;

/// What is known of a chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) name: &'static str,
    /// EIP-155.
    pub(super) id: u64,
    pub(super) finality: Finality,
    /// Seconds after which the last block shows that an endpoint stands still; 0: blocks come when they like.
    pub(super) head_age_max_s: u64,
}

const fn known(name: &'static str, id: u64, finality: Finality, head_age_max_s: u64) -> Known {
    Known { name, id, finality, head_age_max_s }
}

/// Chain ids as EIP-155 lists them. On roll-ups `safe` means posted to Ethereum, which takes minutes: a viewer who has just
/// bought a token waits that long.
#[rustfmt::skip]
pub(super) const KNOWN: &[Known] = &[
    known("ethereum",         1,          Finality::Safe,      180),
    known("sepolia",          11_155_111, Finality::Safe,      180),
    known("polygon",          137,        Finality::Finalized, 60),
    known("polygon-amoy",     80_002,     Finality::Finalized, 60),
    known("bsc",              56,         Finality::Finalized, 60),
    known("bsc-testnet",      97,         Finality::Finalized, 60),
    known("arbitrum",         42_161,     Finality::Safe,      60),
    known("arbitrum-sepolia", 421_614,    Finality::Safe,      60),
    known("optimism",         10,         Finality::Safe,      60),
    known("optimism-sepolia", 11_155_420, Finality::Safe,      60),
    known("base",             8_453,      Finality::Safe,      60),
    known("base-sepolia",     84_532,     Finality::Safe,      60),
    known("anvil",            31_337,     Finality::Depth(0),  0),
];

/// By its name.
pub(super) fn find(name: &str) -> Option<Known> {
    KNOWN.iter().find(|known| known.name == name).copied()
}

/// What is known of a cluster of Solana.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownCluster {
    name: &'static str,
    /// The first 32 letters of its first block's hash (CAIP-2).
    pub(super) genesis: Option<&'static str>,
    /// As [`Known::head_age_max_s`].
    pub(super) head_age_max_s: u64,
}

#[rustfmt::skip]
const CLUSTERS: &[KnownCluster] = &[
    KnownCluster { name: "solana",          genesis: Some("5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"), head_age_max_s: 60 },
    KnownCluster { name: "solana-devnet",   genesis: Some("EtWTRABZaYq6iMfeYKouRu166VU2xqa1"), head_age_max_s: 180 },
    KnownCluster { name: "solana-testnet",  genesis: Some("4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z"), head_age_max_s: 180 },
    KnownCluster { name: "solana-localnet", genesis: None,                                     head_age_max_s: 0 },
];

/// A cluster by its name.
pub(super) fn cluster(name: &str) -> Option<KnownCluster> {
    CLUSTERS.iter().find(|known| known.name == name).copied()
}
