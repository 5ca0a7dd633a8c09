//! The text of an API key: `sgk_<id>_<secret>`. The id finds the row, the secret's SHA-256 is compared with it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::api::problem::Problem;

const PREFIX: &str = "sgk_";
/// Letters of an id ([`durable::random_name`]).
const ID_CHARS: usize = 16;

/// A key that was just made. Its text is shown once.
pub(crate) struct Fresh {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) hash: [u8; 32],
}

impl Fresh {
    /// Makes one of random numbers.
    pub(crate) fn make() -> Result<Self, Problem> {
        let (mut id, mut secret) = ([0; 10], [0; 32]);
        getrandom::fill(&mut id).and_then(|()| getrandom::fill(&mut secret)).map_err(|e| Problem::internal(&e))?;
        let (id, secret) = (durable::random_name(id), URL_SAFE_NO_PAD.encode(secret));
        let (text, hash) = (format!("{PREFIX}{id}_{secret}"), hash(secret.as_bytes()));
        Ok(Self { id, text, hash })
    }
}

/// The id and the hash of the secret of what may be a key.
pub(super) fn parse(given: &[u8]) -> Option<(&str, [u8; 32])> {
    let rest = std::str::from_utf8(given).ok()?.strip_prefix(PREFIX)?;
    let (id, secret) = rest.split_at_checked(ID_CHARS)?;
    Some((id, hash(secret.strip_prefix('_')?.as_bytes())))
}

fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::same;

    #[test]
    fn a_fresh_key_reads_back_and_nothing_like_it_does() {
        let fresh = Fresh::make().unwrap();
        let (id, hash) = parse(fresh.text.as_bytes()).unwrap();
        assert_eq!((id, same(&hash, &fresh.hash)), (fresh.id.as_str(), true));
        let (_, other) = parse(format!("{}x", fresh.text).as_bytes()).unwrap();
        assert!(!same(&other, &fresh.hash));
        for bad in ["", "sgk_", "sgk_short_x", "sg-AAAAAAAAAAAAAAAAAAAAAAAA", "sgk_aaaaaaaaaaaaaaaa-x"] {
            assert!(parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
