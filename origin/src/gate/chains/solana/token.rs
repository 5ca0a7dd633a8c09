//! Accounts of the SPL Token program and of Token-2022: mints, and what a wallet has of one.
//!
//! ```text
//!   mint     0 authority 36 | 36 supply 8 | 44 decimals 1 | 45 is made 1 | 46 who freezes 36 | 82
//!   account  0 mint 32 | 32 owner 32 | 64 amount 8 | 72 delegate 36 | 108 state 1 | 109 native 12 | 121 delegated 8 | 129 closes 36 | 165
//! ```
//!
//! Token-2022 may go on after byte 165: a byte that says which of both it is, then extensions, which are not read. A mint is filled up
//! with zeros to there. (`spl-token` state.rs, `spl-token-2022` extension/mod.rs)

use super::account::Account;
use super::key::Key;
use super::layout::Rest;
use super::{TOKEN, TOKEN_2022};

const MINT_BYTES: usize = 82;
const ACCOUNT_BYTES: usize = 165;
/// An account of this size is a list of signers (`Multisig`), whatever its bytes say.
const SIGNERS_BYTES: usize = 355;
const IS_MINT: u8 = 1;
const IS_ACCOUNT: u8 = 2;

/// What a wallet has in one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) mint: Key,
    pub(crate) owner: Key,
    /// In the smallest unit.
    pub(crate) units: u64,
}

/// Reads an account; `None`: it is none, or was never made. One that is frozen is held as well: programmable NFTs always are.
pub(crate) fn holding(account: &Account) -> Option<Holding> {
    let data = base(account, ACCOUNT_BYTES, IS_ACCOUNT)?;
    let mut rest = Rest(data);
    let (mint, owner, units) = (rest.key()?, rest.key()?, rest.u64()?);
    rest.fixed_option(32)?;
    let is_made = matches!(rest.byte()?, 1 | 2);
    rest.fixed_option(8)?;
    let delegated = rest.u64()?;
    rest.fixed_option(32)?;
    // A delegate may be allowed more than there is; the bytes are read so that the end is where it belongs.
    let _ = delegated;
    (is_made && rest.0.is_empty()).then_some(Holding { mint, owner, units })
}

/// Whether the account is a mint that was made.
pub(crate) fn is_mint(account: &Account) -> bool {
    mint(account).is_some()
}

fn mint(account: &Account) -> Option<()> {
    let mut rest = Rest(base(account, MINT_BYTES, IS_MINT)?);
    rest.fixed_option(32)?;
    rest.u64()?;
    rest.byte()?;
    let is_made = rest.truth()?;
    rest.fixed_option(32)?;
    (is_made && rest.0.is_empty()).then_some(())
}

/// The first bytes, of an account whose program and length are those of its kind.
fn base(account: &Account, bytes: usize, kind: u8) -> Option<&[u8]> {
    let data = &account.data;
    let is_plain = data.len() == bytes;
    let is_extended = || {
        account.owner == TOKEN_2022
            && data.len() > ACCOUNT_BYTES
            && data.len() != SIGNERS_BYTES
            && data[ACCOUNT_BYTES] == kind
            && data[bytes..ACCOUNT_BYTES].iter().all(|&b| b == 0)
    };
    let is_right = (account.owner == TOKEN || account.owner == TOKEN_2022) && (is_plain || is_extended());
    is_right.then(|| &data[..bytes])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(units: u64, state: u8) -> Vec<u8> {
        let mut data = [[1; 32], [2; 32]].concat();
        data.extend(units.to_le_bytes());
        data.extend([0; 36]);
        data.push(state);
        data.extend([0; 12 + 8 + 36]);
        data
    }

    fn of(owner: Key, data: Vec<u8>) -> Account {
        Account { owner, data }
    }

    #[test]
    fn an_account_is_read_in_its_one_shape_or_not_at_all() {
        let held = |units| Some(Holding { mint: Key([1; 32]), owner: Key([2; 32]), units });
        let good = account(7, 1);
        assert_eq!(good.len(), ACCOUNT_BYTES);
        assert_eq!(holding(&of(TOKEN, good.clone())), held(7));
        assert_eq!(holding(&of(TOKEN_2022, account(u64::MAX, 2))), held(u64::MAX), "frozen");
        let extended = |kind: u8, more: usize| [good.clone(), vec![kind], vec![0; more]].concat();
        assert_eq!(holding(&of(TOKEN_2022, extended(IS_ACCOUNT, 4))), held(7));
        for (why, owner, data) in [
            ("not made", TOKEN, account(7, 0)),
            ("no such state", TOKEN, account(7, 3)),
            ("of another program", Key([9; 32]), good.clone()),
            ("cut", TOKEN, good[..164].to_vec()),
            ("too long", TOKEN, extended(IS_ACCOUNT, 4)),
            ("a mint", TOKEN_2022, extended(IS_MINT, 4)),
            ("no kind", TOKEN_2022, extended(0, 4)),
            ("a list of signers", TOKEN_2022, extended(IS_ACCOUNT, 355 - 166)),
            ("a bad option", TOKEN, [&good[..72], &[2, 0, 0, 0], &good[76..]].concat()),
            ("zeros by the megabyte", TOKEN_2022, vec![0; 1 << 20]),
            ("nothing", TOKEN, Vec::new()),
        ] {
            assert_eq!(holding(&of(owner, data)), None, "{why}");
        }
    }

    #[test]
    fn a_mint_is_one_that_was_made() {
        let mut data = vec![0; MINT_BYTES];
        assert!(!is_mint(&of(TOKEN, data.clone())));
        data[45] = 1;
        assert!(is_mint(&of(TOKEN, data.clone())) && is_mint(&of(TOKEN_2022, data.clone())));
        let extended = [data.clone(), vec![0; 83], vec![IS_MINT, 0, 0]].concat();
        assert!(is_mint(&of(TOKEN_2022, extended.clone())) && !is_mint(&of(TOKEN, extended.clone())));
        let mut dirty = extended;
        dirty[100] = 1;
        assert!(!is_mint(&of(TOKEN_2022, dirty)));
        assert!(!is_mint(&of(TOKEN, account(1, 1))) && !is_mint(&of(Key([9; 32]), data)));
    }
}
