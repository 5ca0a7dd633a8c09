//! Pages of listings: how many rows, and where the one before ended. Cursors are opaque to clients.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::problem::{Problem, Refusal};
use crate::limits::{PAGE_ROWS, PAGE_ROWS_MAX};

/// How many rows a page has.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(PAGE_ROWS);
    if (1..=PAGE_ROWS_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(Refusal::BadQuery.because(format!("limit goes from 1 to {PAGE_ROWS_MAX}.")))
}

/// What is given out as `next`.
pub(super) fn seal(cursor: &str) -> String {
    URL_SAFE_NO_PAD.encode(cursor)
}

/// What came back as `after`, read by `parse`.
pub(super) fn open<T>(after: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
    let Some(after) = after else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(after).ok();
    let cursor = bytes.and_then(|bytes| parse(std::str::from_utf8(&bytes).ok()?));
    cursor.map(Some).ok_or_else(|| Refusal::BadQuery.because("after is not the `next` of an earlier page."))
}
