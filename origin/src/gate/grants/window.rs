//! What moved in the last blocks of a chain, as it was last seen. What is new since, and what is not there any more because a
//! reorganisation has taken it away, both concern somebody. Pure.

use std::collections::{BTreeSet, HashSet};

use alloy_primitives::Address;

use crate::gate::chains::Moved;

/// Whom it concerns that something moved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Touched {
    /// These wallets, of these contracts.
    pub(super) wallets: HashSet<(Address, Address)>,
    /// Anyone, of these contracts.
    pub(super) contracts: HashSet<Address>,
}

impl Touched {
    pub(super) fn is_empty(&self) -> bool {
        self.wallets.is_empty() && self.contracts.is_empty()
    }

    /// Whether anything of one of the contracts moved.
    pub(super) fn concerns_any(&self, contracts: &[Address]) -> bool {
        contracts
            .iter()
            .any(|at| self.contracts.contains(at) || self.wallets.iter().any(|(contract, _)| contract == at))
    }

    /// Whether it concerns whoever has one of the wallets, by what one of the contracts says.
    pub(super) fn concerns(&self, contracts: &[Address], wallets: &[Address]) -> bool {
        contracts.iter().any(|contract| {
            self.contracts.contains(contract)
                || wallets.iter().any(|wallet| self.wallets.contains(&(*contract, *wallet)))
        })
    }
}

/// The logs that were there when it was looked at last.
#[derive(Debug, Default)]
pub(super) struct Window(BTreeSet<Moved>);

impl Window {
    /// Puts what is there now in the place of what was. `first`: the number of the first block that was read; what moved before it
    /// is not missed, only not looked at any more. So logs come with the number of their block.
    pub(super) fn seen(&mut self, now: impl IntoIterator<Item = Moved>, first: u64) -> Touched {
        let now: BTreeSet<Moved> = now.into_iter().collect();
        let mut touched = Touched::default();
        let still = |moved: &&Moved| moved.number >= first;
        for moved in now.difference(&self.0).chain(self.0.difference(&now).filter(still)) {
            match moved.who {
                Some((from, to)) => touched.wallets.extend([(moved.contract, from), (moved.contract, to)]),
                None => drop(touched.contracts.insert(moved.contract)),
            }
        }
        self.0 = now;
        touched
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;

    fn at(n: u8) -> Address {
        Address::with_last_byte(n)
    }

    fn moved(number: u64, fork: u8, who: Option<(u8, u8)>) -> Moved {
        let who = who.map(|(from, to)| (at(from), at(to)));
        Moved { number, block: B256::with_last_byte(fork), index: 0, contract: at(9), who }
    }

    #[test]
    fn what_is_new_and_what_a_reorganisation_took_away_concern_both_sides() {
        let mut window = Window::default();
        let away = moved(5, 50, Some((1, 2)));
        let both = HashSet::from([(at(9), at(1)), (at(9), at(2))]);
        assert_eq!(window.seen([away.clone()], 1).wallets, both);
        assert!(window.seen([away.clone()], 2).is_empty(), "seen before");
        assert_eq!(window.seen([], 2).wallets, both, "another history");
        assert_eq!(window.seen([away.clone()], 2).wallets, both, "and back");
        assert_eq!(window.seen([moved(5, 51, Some((1, 2)))], 2).wallets, both, "in another block");
        assert!(window.seen([], 6).is_empty(), "it has only left the window");
    }

    #[test]
    fn a_log_that_names_nobody_concerns_everyone_of_its_contract_and_no_other() {
        let touched = Window::default().seen([moved(5, 50, None)], 1);
        assert!(touched.concerns(&[at(8), at(9)], &[]) && !touched.concerns(&[at(8)], &[at(1)]));
        let touched = Window::default().seen([moved(5, 50, Some((1, 2)))], 1);
        assert!(touched.concerns(&[at(9)], &[at(3), at(2)]));
        assert!(!touched.concerns(&[at(9)], &[at(3)]) && !touched.concerns(&[at(8)], &[at(1)]));
    }
}
