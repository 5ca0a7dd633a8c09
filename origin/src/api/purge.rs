//! What edges are to let go of, as operators say it and as the event `cache.purge` tells it (docs/formats/events.md).

use std::ops::Not;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::limits::PURGE_NAME_BYTES_MAX;

/// One of url, prefix, tag, group and all.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Purge {
    /// A path with its query, every variant of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Every path that begins so.
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    /// All that carries this cache tag (`Surrogate-Key`).
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    /// All in this cache group (RFC 9875).
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Not::not")]
    all: bool,
    /// Not gone, but stale: the origin is asked whether it has changed.
    #[serde(skip_serializing_if = "Not::not")]
    soft: bool,
}

impl Purge {
    /// The body of the event, or the rule that this breaks.
    pub(super) fn checked(&self) -> Result<String, String> {
        let (paths, names) = ([&self.url, &self.prefix], [&self.tag, &self.group]);
        let named: Vec<&String> = paths.into_iter().chain(names).flatten().collect();
        if named.len() + usize::from(self.all) != 1 {
            return Err("A purge names one of url, prefix, tag and group, or says all.".into());
        }
        let is_plain = |text: &String| {
            (1..=PURGE_NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
        };
        if !named.into_iter().all(is_plain) || !paths.into_iter().flatten().all(|path| path.starts_with('/')) {
            return Err(format!(
                "A url and a prefix begin with a slash; all names are of 1 to {PURGE_NAME_BYTES_MAX} visible ASCII characters."
            ));
        }
        Ok(serde_json::to_string(self).expect("texts and truths are JSON"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purge_names_one_thing_as_edges_read_it() {
        let check = |text: &str, wanted: Option<&str>| {
            let purge: Purge = serde_json::from_str(text).unwrap();
            assert_eq!(purge.checked().ok().as_deref(), wanted, "{text}");
        };
        for same in [r#"{"tag":"asset-a"}"#, r#"{"url":"/a?b","soft":true}"#, r#"{"all":true}"#] {
            check(same, Some(same));
        }
        check(r#"{"prefix":"/","all":false,"soft":false}"#, Some(r#"{"prefix":"/"}"#));
        for wrong in [
            r#"{}"#,
            r#"{"soft":true}"#,
            r#"{"tag":"a","all":true}"#,
            r#"{"tag":"a","group":"b"}"#,
            r#"{"url":"a"}"#,
            r#"{"prefix":""}"#,
            r#"{"tag":"a b"}"#,
            r#"{"tag":"\u00e4"}"#,
        ] {
            check(wrong, None);
        }
        check(&format!(r#"{{"tag":"{}"}}"#, "a".repeat(PURGE_NAME_BYTES_MAX + 1)), None);
    }
}
