//! Weighted rendezvous hashing: every edge orders the same sources for the same target in the same way, without talking to anyone,
//! and a source that leaves moves its own targets only.

/// Seed of the hash: fixed, because every edge must come to the same order.
const SEED: u64 = 0x5354_5245_414d_4754;

/// How much `source` wants `target`: the highest score wins. A source of twice the weight wins twice as often.
pub(crate) fn score(source: &str, weight: u32, target: &[u8]) -> f64 {
    let source = xxhash_rust::xxh3::xxh3_64_with_seed(source.as_bytes(), SEED);
    let hash = xxhash_rust::xxh3::xxh3_64_with_seed(target, source);
    // Uniform in (0, 1): 53 bits, never 0 and never 1.
    let uniform = ((hash >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    f64::from(weight) / -uniform.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best<'a>(sources: &[(&'a str, u32)], target: &str) -> &'a str {
        let by = |(name, weight): &(&str, u32)| score(name, *weight, target.as_bytes());
        sources.iter().max_by(|a, b| by(a).total_cmp(&by(b))).expect("not empty").0
    }

    #[test]
    fn weights_are_honoured_over_2000_targets() {
        let sources = [("a:1", 3), ("b:1", 1), ("c:1", 0)];
        let wins = |name| (0..2000).filter(|i| best(&sources, &format!("/v/x/{i}.m4s")) == name).count();
        let (a, b, c) = (wins("a:1"), wins("b:1"), wins("c:1"));
        assert!((1430..=1570).contains(&a), "{a} of 2000 where 1500 were expected");
        assert_eq!((a + b, c), (2000, 0));
    }

    proptest::proptest! {
        #[test]
        fn a_source_that_leaves_moves_its_own_targets_only(target in "/[a-z0-9/]{0,40}", gone in 0usize..4) {
            let sources = [("a:1", 1), ("b:1", 2), ("c:1", 1), ("d:1", 5)];
            let before = best(&sources, &target);
            let left: Vec<_> = sources.iter().enumerate().filter(|(i, _)| *i != gone).map(|(_, s)| *s).collect();
            if before != sources[gone].0 {
                proptest::prop_assert_eq!(best(&left, &target), before);
            }
        }
    }
}
