//! Keys of encrypted assets: made with the asset, kept sealed in the catalogue (AES-256-GCM, NIST SP 800-38D), opened by whoever encrypts
//! or delivers. What seals them is in `content.key`, which is in a backup and comes of the roles' secret as the other keys do.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable::AssetId;
use durable::catalogue::SealedKey;
use sha2::{Digest, Sha256};
use wire::cmaf::protect::ContentKey;

use super::secret::Secret;

/// What is sealed is for this, and for one asset and one name of a key.
const LABEL: &str = "streamgate content key 1";

/// See the module. Its `Debug` shows nothing.
pub(crate) struct ContentKeys(LessSafeKey);

impl ContentKeys {
    /// Seals by the text of `content.key`.
    pub(super) fn new(secret: &Secret) -> Self {
        let key = Sha256::new().chain_update(LABEL).chain_update([0]).chain_update(secret.text()).finalize();
        let key = UnboundKey::new(&AES_256_GCM, &key).expect("SHA-256 has as many bytes as the key");
        Self(LessSafeKey::new(key))
    }

    /// A new key for this asset.
    pub(crate) fn make(&self, asset: &AssetId) -> Result<SealedKey, getrandom::Error> {
        let mut random = [0; 32 + NONCE_LEN];
        getrandom::fill(&mut random)?;
        let id = hex(&random[..16]);
        let nonce: [u8; NONCE_LEN] = std::array::from_fn(|at| random[32 + at]);
        let mut sealed = random[16..32].to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), about(asset, &id), &mut sealed)
            .expect("16 bytes are not too many");
        Ok(SealedKey { sealed: URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()), id })
    }

    /// The key itself. `None` when it was sealed by another installation, or for something else.
    pub(crate) fn open(&self, asset: &AssetId, key: &SealedKey) -> Option<ContentKey> {
        let bytes = URL_SAFE_NO_PAD.decode(&key.sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place(nonce, about(asset, &key.id), &mut sealed).ok()?;
        Some(ContentKey { id: key_id(key)?, key: (&*opened).try_into().ok()? })
    }
}

/// The public name of a key, as headers have it.
pub(crate) fn key_id(key: &SealedKey) -> Option<[u8; 16]> {
    let is_hex = key.id.len() == 32 && key.id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u128::from_str_radix(&key.id, 16).ok()).flatten().map(u128::to_be_bytes)
}

fn about(asset: &AssetId, key_id: &str) -> Aad<String> {
    Aad::from(format!("{LABEL}\0{asset}\0{key_id}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for ContentKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKeys(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(seed: u8) -> AssetId {
        AssetId::from_random([seed; 10])
    }

    #[test]
    fn a_key_opens_for_its_asset_and_by_what_sealed_it_alone() {
        let keys = ContentKeys::new(&Secret::new("a content.key of thirty-two characters".into()));
        let (one, two) = (keys.make(&asset(1)).unwrap(), keys.make(&asset(1)).unwrap());
        assert_ne!(one, two);
        let opened = keys.open(&asset(1), &one).unwrap();
        assert_eq!((Some(opened.id), keys.open(&asset(1), &one)), (key_id(&one), Some(opened.clone())));
        assert_ne!(Some(opened), keys.open(&asset(1), &two));
        let strange = ContentKeys::new(&Secret::new("another content.key, as long as the first".into()));
        assert_eq!(strange.open(&asset(1), &one), None);
        assert_eq!(keys.open(&asset(2), &one), None);
        assert_eq!(keys.open(&asset(1), &SealedKey { id: two.id, ..one.clone() }), None);
        for sealed in ["", "AA", "not base64!", &one.sealed[1..]] {
            assert_eq!(keys.open(&asset(1), &SealedKey { sealed: sealed.into(), ..one.clone() }), None, "{sealed}");
        }
        assert_eq!(format!("{keys:?}"), "ContentKeys(..)");
    }

    #[test]
    fn what_is_kept_does_not_hold_the_key() {
        let keys = ContentKeys::new(&Secret::new("a content.key of thirty-two characters".into()));
        let kept = keys.make(&asset(1)).unwrap();
        let key = keys.open(&asset(1), &kept).unwrap().key;
        let bytes = URL_SAFE_NO_PAD.decode(&kept.sealed).unwrap();
        assert!(!bytes.windows(4).any(|piece| key.windows(4).any(|own| own == piece)));
    }
}
