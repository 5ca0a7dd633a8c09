//! What a rule says of the tokens that it gives: where and on whose pages they play, and how many streams at once. It becomes claims,
//! which edges check.

use serde::{Deserialize, Serialize};
use wire::limits::{COUNTRIES_MAX, NETWORKS_MAX, REFERRERS_MAX, STREAM_CLASS_BYTES_MAX, STREAMS_MAX};
use wire::token::{Claims, Country, Network, Streams, TokenError};

use super::bounds::BadRule;
use crate::limits::REFERRERS_BYTES_MAX;

/// Empty lists restrict nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Playback {
    /// Networks of viewers, `192.0.2.0/24`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) networks: Vec<String>,
    /// Countries of viewers, `SE`; edges look them up in a file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) countries: Vec<String>,
    /// Hosts of the pages that may play it, `watch.example.org`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) referrers: Vec<String>,
    /// Streams of one viewer at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_streams: Option<u32>,
    /// What is counted together: rules of one class share their streams. Without it each asset is counted for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream_class: Option<String>,
}

impl Playback {
    /// It says nothing.
    pub(crate) fn is_silent(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn check(&self) -> Result<(), BadRule> {
        if self.networks.len() > NETWORKS_MAX || self.networks.iter().any(|text| text.parse::<Network>().is_err()) {
            return Err(BadRule::Networks);
        }
        if self.countries.len() > COUNTRIES_MAX || self.countries.iter().any(|text| text.parse::<Country>().is_err()) {
            return Err(BadRule::Countries);
        }
        let bytes: usize = self.referrers.iter().map(String::len).sum();
        let fits = self.referrers.len() <= REFERRERS_MAX && bytes <= REFERRERS_BYTES_MAX;
        if !fits || !self.referrers.iter().all(|host| is_host(host)) {
            return Err(BadRule::Referrers);
        }
        let is_class = |class: &String| (1..=STREAM_CLASS_BYTES_MAX).contains(&class.len()) && class.is_ascii();
        let is_counted = self.max_streams.is_none_or(|max| (1..=STREAMS_MAX).contains(&max));
        if !is_counted || !self.stream_class.as_ref().is_none_or(is_class) {
            return Err(BadRule::Streams);
        }
        if self.stream_class.is_some() && self.max_streams.is_none() { Err(BadRule::Streams) } else { Ok(()) }
    }

    /// Puts it into the claims of a token for `asset`. `stream`: the name of this stream, where streams are counted.
    ///
    /// # Errors
    /// It holds what no token says; it was written by another version of this program, or damaged.
    pub(crate) fn restrict(&self, claims: &mut Claims, asset: &str, stream: [u8; 16]) -> Result<(), TokenError> {
        let some = |list: &[String]| if list.is_empty() { None } else { Some(list.to_vec()) };
        let networks = self.networks.iter().map(|text| text.parse()).collect::<Result<Vec<_>, _>>()?;
        let countries = self.countries.iter().map(|text| text.parse()).collect::<Result<Vec<_>, _>>()?;
        claims.networks = Some(networks).filter(|list| !list.is_empty());
        claims.countries = Some(countries).filter(|list| !list.is_empty());
        claims.referrers = some(&self.referrers);
        claims.streams = self.max_streams.map(|max| Streams {
            class: self.stream_class.clone().unwrap_or_else(|| asset.to_owned()),
            max,
            id: stream.to_vec(),
        });
        Ok(())
    }
}

/// As `Origin` and `Referer` name a host, with a port where it is not the scheme's own.
fn is_host(host: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:[]".contains(&b);
    (1..=255).contains(&host.len()) && host.bytes().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_token_can_say_is_no_rule() {
        let check = |json: &str, expected: Option<BadRule>| {
            let playback: Playback = serde_json::from_str(json).unwrap();
            assert_eq!(playback.check().err(), expected, "{json}");
        };
        check(r#"{"networks":["10.0.0.0/8","::1"],"countries":["SE"],"referrers":["a.b:8080"],"max_streams":2}"#, None);
        check(r#"{"max_streams":1,"stream_class":"live"}"#, None);
        check(r#"{"networks":["10.0.0.1/8"]}"#, Some(BadRule::Networks));
        check(r#"{"countries":["se"]}"#, Some(BadRule::Countries));
        check(r#"{"referrers":["https://a.b"]}"#, Some(BadRule::Referrers));
        check(&format!(r#"{{"referrers":["{0}","{0}"]}}"#, "a".repeat(200)), Some(BadRule::Referrers));
        check(r#"{"max_streams":0}"#, Some(BadRule::Streams));
        check(r#"{"stream_class":"live"}"#, Some(BadRule::Streams));
        assert!(serde_json::from_str::<Playback>(r#"{"network":[]}"#).is_err());
    }
}
