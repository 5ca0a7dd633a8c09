//! What a gateway says of the caller to an instance, and why it is believed: the secret that both have. Whoever has the secret is
//! whoever they say they are, so it is compared in constant time, and a header without it is nobody's.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable::catalogue::Role;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::access::{Caller, role_word};

/// The secret.
pub(super) const ROLE_KEY: HeaderName = HeaderName::from_static("streamgate-role-key");
/// Who asks: base64url of JSON; nobody when it is missing.
const CALLER: HeaderName = HeaderName::from_static("streamgate-caller");

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    key: String,
    owner: String,
    role: String,
    scopes: Vec<String>,
    session: Option<String>,
}

/// Says who asks, and takes away what the client said in the same words.
pub(super) fn vouch(headers: &mut HeaderMap, secret: &str, caller: Option<&Caller>) {
    headers.remove(CALLER);
    if let Ok(secret) = HeaderValue::from_str(secret) {
        headers.insert(ROLE_KEY, secret);
    }
    let Some(caller) = caller else { return };
    let said = Said {
        key: caller.key.clone(),
        owner: caller.owner.clone(),
        role: role_word(caller.role).to_owned(),
        scopes: caller.scopes.clone(),
        session: caller.session.clone(),
    };
    let text = serde_json::to_vec(&said).expect("strings");
    if let Ok(value) = HeaderValue::from_str(&URL_SAFE_NO_PAD.encode(text)) {
        headers.insert(CALLER, value);
    }
}

/// Whoever a gateway vouches for: `None`, no gateway says anything; `Some(None)`, nobody asks.
///
/// # Errors
/// Somebody pretends to be a gateway.
pub(crate) fn vouched(headers: &HeaderMap, secret: Option<&str>) -> Result<Option<Option<Caller>>, Pretender> {
    let Some(given) = headers.get(ROLE_KEY) else { return Ok(None) };
    let is_ours = secret.is_some_and(|secret| same(secret.as_bytes(), given.as_bytes()));
    if !is_ours {
        return Err(Pretender);
    }
    let Some(text) = headers.get(CALLER) else { return Ok(Some(None)) };
    let bytes = URL_SAFE_NO_PAD.decode(text.as_bytes()).map_err(|_| Pretender)?;
    let said: Said = serde_json::from_slice(&bytes).map_err(|_| Pretender)?;
    let role = [Role::Viewer, Role::Creator, Role::Operator, Role::Admin];
    let role = role.into_iter().find(|role| role_word(*role) == said.role).ok_or(Pretender)?;
    let Said { key, owner, scopes, session, .. } = said;
    Ok(Some(Some(Caller { key, owner, role, scopes, session })))
}

/// It is no gateway of this installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pretender;

/// By the hashes, so that the time tells nothing of the secret, its length included.
fn same(a: &[u8], b: &[u8]) -> bool {
    let (a, b) = (Sha256::digest(a), Sha256::digest(b));
    let difference = a.iter().zip(b.iter()).fold(0, |sum, (a, b)| sum | (a ^ b));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_a_gateway_vouches_for_is_believed_and_nobody_else() {
        let caller = Caller {
            key: "k".into(),
            owner: "älice".into(),
            role: Role::Creator,
            scopes: vec!["upload".into()],
            session: None,
        };
        let mut headers = HeaderMap::new();
        assert_eq!(vouched(&headers, Some("secret")), Ok(None));
        headers.insert(CALLER, HeaderValue::from_static("e30"));
        assert_eq!(vouched(&headers, Some("secret")), Ok(None), "a caller without the secret is nobody's word");
        vouch(&mut headers, "secret", Some(&caller));
        assert_eq!(vouched(&headers, Some("secret")), Ok(Some(Some(caller))));
        assert_eq!(vouched(&headers, Some("another")), Err(Pretender));
        assert_eq!(vouched(&headers, None), Err(Pretender));
        vouch(&mut headers, "secret", None);
        assert_eq!(vouched(&headers, Some("secret")), Ok(Some(None)));
    }
}
