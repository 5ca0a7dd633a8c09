//! Who may use the API: whoever holds the key.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};

use super::problem::{Problem, Refusal};
use crate::house::House;

/// Proof that a request carried the API key.
pub(crate) struct Authorised;

impl FromRequestParts<Arc<House>> for Authorised {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, house: &Arc<House>) -> Result<Self, Problem> {
        let given = parts.headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let Some(key) = given.and_then(bearer) else {
            let sentence =
                "Send the header \"Authorization: Bearer <key>\"; the key stands in keys/api.key of the data folder.";
            return Err(Refusal::KeyMissing.because(sentence));
        };
        if house.keys.api.is(key) {
            Ok(Self)
        } else {
            Err(Refusal::KeyWrong.because("Compare it with keys/api.key in the data folder of the origin."))
        }
    }
}

/// The credentials of the scheme `Bearer` (RFC 6750 section 2.1), whose name is case-insensitive.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
}
