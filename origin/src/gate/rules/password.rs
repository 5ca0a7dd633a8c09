//! A condition that a secret opens: a password that people chose, kept as Argon2id has it (RFC 9106), or the secret of a link that the
//! origin made, of which SHA-256 is enough since nobody can guess it. What is written is replaced by what is kept before it is stored.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::decide::Truth;
use super::read::Shown;
use super::tree::Rule;
use crate::gate::secret::same;
use crate::limits::{PASSWORD_MEMORY_KIB, PASSWORD_PASSES};

/// Bytes of a link's secret: 144 bits.
const LINK_BYTES: usize = 18;
const SALT_BYTES: usize = 16;
/// Bytes of a name by which a rule that is written anew keeps a secret.
const ID_BYTES: usize = 9;

/// A secret as somebody writes it. Its `Debug` shows nothing, and it is never written out.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Plain(String);

impl Plain {
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Plain(..)")
    }
}

/// Written with one of `secret`, `make` and `id`; stored with `id` and `kept`; shown with `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Password {
    /// Names one that is stored. Another secret has another name, so what was given by the old one is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// A password that is set.
    #[serde(default, skip_serializing)]
    pub(super) secret: Option<Plain>,
    /// The origin makes the secret of a link, and shows it once.
    #[serde(default, skip_serializing)]
    pub(super) make: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kept: Option<Kept>,
    /// For whoever is told what is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

impl Password {
    /// Whether its secret was shown.
    pub(crate) fn truth(&self, shown: Shown<'_>) -> Truth {
        let is_right = self.id.as_ref().is_some_and(|id| shown.passwords.contains(id));
        if is_right { Truth::Yes } else { Truth::No }
    }
}

/// A secret at rest; bytes in base64url.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Kept {
    Argon2id { memory_kib: u32, passes: u32, salt: String, hash: String },
    Sha256 { hash: String },
}

/// The secret of a link that was made: its condition's id, and the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) secret: Plain,
}

impl Made {
    /// For whoever wrote the rule.
    pub(crate) fn shown(&self) -> serde_json::Value {
        serde_json::json!({ "id": self.id, "secret": self.secret.0 })
    }
}

/// Why a rule's secrets cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    #[error("The rule that holds has no password of the id {0:?}.")]
    Unknown(String),
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
    #[error("the password could not be hashed: {0}")]
    Hash(argon2::Error),
}

/// Puts what is kept in the place of what was written; `before` is the rule that holds until now. Takes a moment of a processor for each
/// password. Answers the links that were made.
pub(crate) fn seal(rule: &mut Rule, before: Option<&Rule>) -> Result<Vec<Made>, SealError> {
    let mut made = Vec::new();
    for password in rule.rule.passwords_mut() {
        password.kept = Some(match (password.secret.take(), password.id.take()) {
            (Some(secret), _) => {
                password.id = Some(text(&random::<ID_BYTES>()?));
                stretched(&secret)?
            }
            (None, Some(id)) => {
                let mut known = before.into_iter().flat_map(|rule| rule.rule.passwords());
                let known = known.find(|known| known.id.as_ref() == Some(&id)).and_then(|known| known.kept.clone());
                let kept = known.ok_or_else(|| SealError::Unknown(id.clone()))?;
                password.id = Some(id);
                kept
            }
            (None, None) => {
                let (id, secret) = (text(&random::<ID_BYTES>()?), Plain(text(&random::<LINK_BYTES>()?)));
                password.id = Some(id.clone());
                let kept = Kept::Sha256 { hash: text(&Sha256::digest(secret.0.as_bytes())) };
                made.push(Made { id, secret });
                kept
            }
        });
        password.make = false;
    }
    Ok(made)
}

impl Rule {
    /// As it is shown: what is kept of secrets stays here.
    pub(crate) fn without_secrets(mut self) -> Self {
        self.rule.passwords_mut().into_iter().for_each(|password| password.kept = None);
        self
    }

    /// Ids of the conditions that this secret opens. Takes a moment of a processor for each password of the rule.
    pub(crate) fn opened_by(&self, secret: &Plain) -> Vec<String> {
        let opened = self
            .rule
            .passwords()
            .into_iter()
            .filter(|password| password.kept.as_ref().is_some_and(|kept| is(kept, secret.0.as_bytes())));
        opened.filter_map(|password| password.id.clone()).collect()
    }
}

fn stretched(secret: &Plain) -> Result<Kept, SealError> {
    let salt = random::<SALT_BYTES>()?;
    let hash = argon2id(secret.0.as_bytes(), &salt, PASSWORD_MEMORY_KIB, PASSWORD_PASSES).map_err(SealError::Hash)?;
    let (salt, hash) = (text(&salt), text(&hash));
    Ok(Kept::Argon2id { memory_kib: PASSWORD_MEMORY_KIB, passes: PASSWORD_PASSES, salt, hash })
}

/// Whether a guess is the secret. What cannot be computed is not.
fn is(kept: &Kept, guess: &[u8]) -> bool {
    let bytes = |text: &String| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    let (got, kept) = match kept {
        Kept::Argon2id { memory_kib, passes, salt, hash } => {
            let Ok(got) = argon2id(guess, &bytes(salt), *memory_kib, *passes) else { return false };
            (got, bytes(hash))
        }
        Kept::Sha256 { hash } => (Sha256::digest(guess).into(), bytes(hash)),
    };
    <[u8; 32]>::try_from(kept).is_ok_and(|kept| same(&got, &kept))
}

fn argon2id(secret: &[u8], salt: &[u8], memory_kib: u32, passes: u32) -> Result<[u8; 32], argon2::Error> {
    let mut hash = [0; 32];
    let params = Params::new(memory_kib, passes, 1, Some(hash.len()))?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(secret, salt, &mut hash)?;
    Ok(hash)
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(SealError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(passwords: &[&str]) -> Rule {
        let leaves: Vec<String> = passwords.iter().map(|leaf| format!(r#"{{"password":{leaf}}}"#)).collect();
        serde_json::from_str(&format!(r#"{{"rule":{{"any":[{}]}}}}"#, leaves.join(","))).unwrap()
    }

    #[test]
    fn what_is_stored_opens_for_the_secret_alone_and_does_not_tell_it() {
        let mut sealed = rule(&[r#"{"secret":"open, sesame"}"#, r#"{"make":true,"name":"the link"}"#]);
        let made = seal(&mut sealed, None).unwrap();
        let stored = serde_json::to_string(&sealed).unwrap();
        assert!(!stored.contains("sesame") && !stored.contains(made[0].secret.text()), "{stored}");
        let sealed: Rule = serde_json::from_str(&stored).unwrap();
        let ids: Vec<String> = sealed.rule.passwords().iter().filter_map(|one| one.id.clone()).collect();
        assert_eq!(sealed.opened_by(&Plain("open, sesame".into())), [ids[0].clone()]);
        assert_eq!(sealed.opened_by(&made[0].secret), [ids[1].clone()]);
        assert_eq!(made[0].id, ids[1]);
        for wrong in ["", "open, sesam", "open, sesame ", "OPEN, SESAME"] {
            assert!(sealed.opened_by(&Plain(wrong.into())).is_empty(), "{wrong}");
        }
        let shown = serde_json::to_string(&sealed.without_secrets()).unwrap();
        assert!(!shown.contains("kept") && shown.contains(&ids[0]), "{shown}");
        assert_eq!(format!("{:?}", made[0].secret), "Plain(..)");
    }

    #[test]
    fn a_secret_is_kept_by_its_id_and_another_one_has_another() {
        let mut first = rule(&[r#"{"secret":"open, sesame"}"#]);
        seal(&mut first, None).unwrap();
        let id = first.rule.passwords()[0].id.clone().unwrap();
        let mut again = rule(&[&format!(r#"{{"id":"{id}"}}"#)]);
        seal(&mut again, Some(&first)).unwrap();
        assert_eq!(again, first);
        let mut other = rule(&[r#"{"secret":"open, sesame"}"#]);
        seal(&mut other, Some(&first)).unwrap();
        assert_ne!(other.rule.passwords()[0].id, Some(id));
        let mut unknown = rule(&[r#"{"id":"another"}"#]);
        assert!(matches!(seal(&mut unknown, Some(&first)), Err(SealError::Unknown(_))));
    }

    /// RFC 9106 section 5.3 has secret and associated data, which are not used here; this is of the reference implementation's
    /// test.c: version 0x13, 2 passes, 64 MiB, one lane.
    #[test]
    fn it_is_argon2id() {
        let hash = argon2id(b"password", b"somesalt", 65_536, 2).unwrap();
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7");
    }
}
