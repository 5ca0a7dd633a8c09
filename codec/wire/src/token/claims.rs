//! What a token says (RFC 8392 section 3.1, CTA-5007): a map with integer keys.

use super::cbor::{Decoder, Label, put_bytes, put_int, put_map, put_text, put_unsigned};
use super::conditions::{self, Country, Network, Streams};
use super::{TokenError, UnixSeconds};
use crate::limits::{CLAIM_BYTES_MAX, COUNTRIES_MAX, NETWORKS_MAX, REFERRERS_MAX};
use crate::url::{AssetId, check_plain};

const ISS: i64 = 1;
const SUB: i64 = 2;
const AUD: i64 = 3;
const EXP: i64 = 4;
const NBF: i64 = 5;
const IAT: i64 = 6;
const CTI: i64 = 7;
const CATREPLAY: i64 = 308;
const CATV: i64 = 310;
const CATNIP: i64 = 311;
const CATU: i64 = 312;
const CATGEOISO3166: i64 = 316;
/// Ours, from the range for private use (RFC 8392 section 9.1.1).
const REFERRERS: i64 = -65_537;
const STREAMS: i64 = -65_538;

/// `catreplay` 0: the token may be used again, which playing a stream does.
const REPLAY_PERMITTED: u64 = 0;
/// The version of CTA-5007.
const VERSION: u64 = 1;
/// The part of a URI that `catu` restricts: its path.
const URI_PATH: i64 = 3;
/// How: by a prefix.
const PREFIX_MATCH: i64 = 1;

/// `iss` of tokens that an origin mints.
pub const ISSUER: &str = "streamgate";
/// `aud` of tokens that an origin mints, and what an edge answers to.
pub const AUDIENCE: &str = "streamgate";

/// The claims of a playback token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who minted it.
    pub iss: Option<String>,
    /// Whom it was minted for.
    pub sub: Option<String>,
    /// Who is to check it; of several, the one that did.
    pub aud: Option<String>,
    /// It is valid before this time.
    pub exp: UnixSeconds,
    /// It is valid from this time on.
    pub nbf: Option<UnixSeconds>,
    /// When it was made: what is taken back of a subject or an asset is what was made by then.
    pub iat: Option<UnixSeconds>,
    /// Its own name, for revocation.
    pub cti: Option<Vec<u8>>,
    /// It opens the paths below this one, which matches whole segments: `/v/ab` opens `/v/ab/x` and not `/v/abc`.
    pub catu_path_prefix: String,
    /// It is for viewers in one of these networks (`catnip`).
    pub networks: Option<Vec<Network>>,
    /// It is for viewers in one of these countries (`catgeoiso3166`).
    pub countries: Option<Vec<Country>>,
    /// It is for pages of these hosts, as `Origin` or `Referer` name them.
    pub referrers: Option<Vec<String>>,
    /// So many may watch at once by tokens of this subject.
    pub streams: Option<Streams>,
}

impl Claims {
    /// What opens one asset for `ttl_s` seconds from `now` on. `cti` should be random.
    pub fn for_asset(asset: AssetId<'_>, now: UnixSeconds, ttl_s: u64, cti: [u8; 16]) -> Self {
        Self {
            iss: Some(ISSUER.into()),
            sub: None,
            aud: Some(AUDIENCE.into()),
            exp: UnixSeconds(now.0.saturating_add(ttl_s)),
            nbf: None,
            iat: Some(now),
            cti: Some(cti.to_vec()),
            catu_path_prefix: format!("/v/{}/", asset.as_str()),
            networks: None,
            countries: None,
            referrers: None,
            streams: None,
        }
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, TokenError> {
        let texts = [(ISS, &self.iss), (SUB, &self.sub), (AUD, &self.aud)];
        let lengths = texts.iter().filter_map(|(_, text)| text.as_ref().map(String::len));
        let longest = lengths.chain(self.cti.as_ref().map(Vec::len)).chain([self.catu_path_prefix.len()]).max();
        if longest > Some(CLAIM_BYTES_MAX) {
            return Err(TokenError::TooLong);
        }
        check_prefix(&self.catu_path_prefix)?;
        self.check_conditions()?;
        let optional = [
            self.nbf.is_some(),
            self.iat.is_some(),
            self.cti.is_some(),
            self.networks.is_some(),
            self.countries.is_some(),
            self.referrers.is_some(),
            self.streams.is_some(),
        ];
        let optional = optional.into_iter().chain(texts.iter().map(|(_, text)| text.is_some()));
        let optional = optional.filter(|is_there| *is_there).count() as u64;
        let mut out = Vec::with_capacity(256);
        put_map(&mut out, 3 + optional);
        for (label, text) in texts {
            if let Some(text) = text {
                put_int(&mut out, label);
                put_text(&mut out, text);
            }
        }
        put_int(&mut out, EXP);
        put_unsigned(&mut out, self.exp.0);
        if let Some(nbf) = self.nbf {
            put_int(&mut out, NBF);
            put_unsigned(&mut out, nbf.0);
        }
        if let Some(iat) = self.iat {
            put_int(&mut out, IAT);
            put_unsigned(&mut out, iat.0);
        }
        if let Some(cti) = &self.cti {
            put_int(&mut out, CTI);
            put_bytes(&mut out, cti);
        }
        put_int(&mut out, CATV);
        put_unsigned(&mut out, VERSION);
        if let Some(networks) = &self.networks {
            put_int(&mut out, CATNIP);
            conditions::put_networks(&mut out, networks);
        }
        put_int(&mut out, CATU);
        put_map(&mut out, 1);
        put_int(&mut out, URI_PATH);
        put_map(&mut out, 1);
        put_int(&mut out, PREFIX_MATCH);
        put_text(&mut out, &self.catu_path_prefix);
        if let Some(countries) = &self.countries {
            put_int(&mut out, CATGEOISO3166);
            conditions::put_countries(&mut out, countries);
        }
        if let Some(hosts) = &self.referrers {
            put_int(&mut out, REFERRERS);
            conditions::put_referrers(&mut out, hosts);
        }
        if let Some(streams) = &self.streams {
            put_int(&mut out, STREAMS);
            streams.put(&mut out);
        }
        Ok(out)
    }

    /// What reading would refuse is not written.
    fn check_conditions(&self) -> Result<(), TokenError> {
        let fits = self.networks.as_ref().is_none_or(|list| list.len() <= NETWORKS_MAX)
            && self.countries.as_ref().is_none_or(|list| list.len() <= COUNTRIES_MAX)
            && self.referrers.as_ref().is_none_or(|list| list.len() <= REFERRERS_MAX);
        if !fits {
            return Err(TokenError::TooLong);
        }
        self.referrers.iter().flatten().try_for_each(|host| conditions::check_host(host))?;
        self.streams.as_ref().map_or(Ok(()), Streams::check)
    }

    /// Reads a payload. A claim that is not listed here is refused: it may restrict what is not checked.
    pub(super) fn decode(payload: &[u8], audience: &str) -> Result<Self, TokenError> {
        let mut map = Decoder::new(payload);
        let (mut iss, mut sub, mut aud, mut cti) = (None, None, None, None);
        let (mut exp, mut nbf, mut iat, mut replay, mut version, mut prefix) = (None, None, None, None, None, None);
        let (mut networks, mut countries, mut referrers, mut streams) = (None, None, None, None);
        for _ in 0..map.map()? {
            let Label::Int(label) = map.label()? else { return Err(TokenError::ClaimUnknown) };
            let twice = match label {
                ISS => iss.replace(text(&mut map)?).is_some(),
                SUB => sub.replace(text(&mut map)?).is_some(),
                AUD => aud.replace(read_audience(&mut map, audience)?).is_some(),
                EXP => exp.replace(time(&mut map)?).is_some(),
                NBF => nbf.replace(time(&mut map)?).is_some(),
                IAT => iat.replace(time(&mut map)?).is_some(),
                CTI => cti.replace(short(invalid(map.bytes())?)?).is_some(),
                CATREPLAY => replay.replace(invalid(map.unsigned())?).is_some(),
                CATV => version.replace(invalid(map.unsigned())?).is_some(),
                CATNIP => networks.replace(restriction(conditions::read_networks(&mut map))?).is_some(),
                CATU => prefix.replace(path_prefix(&mut map)?).is_some(),
                CATGEOISO3166 => countries.replace(restriction(conditions::read_countries(&mut map))?).is_some(),
                REFERRERS => referrers.replace(restriction(conditions::read_referrers(&mut map))?).is_some(),
                STREAMS => streams.replace(restriction(Streams::read(&mut map))?).is_some(),
                _ => return Err(TokenError::ClaimUnknown),
            };
            if twice {
                return Err(TokenError::ClaimTwice);
            }
        }
        map.end()?;
        if version.is_some_and(|v| v != VERSION) {
            return Err(TokenError::Version);
        }
        if replay.is_some_and(|v| v != REPLAY_PERMITTED) {
            return Err(TokenError::RestrictionUnsupported);
        }
        Ok(Self {
            iss: iss.map(str::to_owned),
            sub: sub.map(str::to_owned),
            aud: aud.map(|found| found.ok_or(TokenError::Audience)).transpose()?.map(str::to_owned),
            exp: exp.ok_or(TokenError::ClaimMissing)?,
            nbf,
            iat,
            cti: cti.map(<[u8]>::to_vec),
            catu_path_prefix: prefix.ok_or(TokenError::ClaimMissing)?.to_owned(),
            networks,
            countries,
            referrers,
            streams,
        })
    }

    /// The conditions that depend on the request.
    pub(super) fn check(&self, now: UnixSeconds, path: &str) -> Result<(), TokenError> {
        if now >= self.exp {
            return Err(TokenError::Expired);
        }
        if self.nbf.is_some_and(|nbf| now < nbf) {
            return Err(TokenError::NotYet);
        }
        if self.covers(path) { Ok(()) } else { Err(TokenError::Path) }
    }

    /// Is `path` the token's own, or below it?
    pub fn covers(&self, path: &str) -> bool {
        let prefix = self.catu_path_prefix.as_str();
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'))
    }
}

/// A claim of the wrong type is the claim's fault, not the message's.
fn invalid<T>(read: Result<T, TokenError>) -> Result<T, TokenError> {
    read.map_err(|_| TokenError::ClaimInvalid)
}

/// The same of one that restricts, of which some are understood and not supported.
fn restriction<T>(read: Result<T, TokenError>) -> Result<T, TokenError> {
    read.map_err(|error| if error == TokenError::RestrictionUnsupported { error } else { TokenError::ClaimInvalid })
}

fn short(bytes: &[u8]) -> Result<&[u8], TokenError> {
    if bytes.len() > CLAIM_BYTES_MAX { Err(TokenError::ClaimInvalid) } else { Ok(bytes) }
}

fn text<'a>(map: &mut Decoder<'a>) -> Result<&'a str, TokenError> {
    let text = invalid(map.text())?;
    short(text.as_bytes()).map(|_| text)
}

fn time(map: &mut Decoder<'_>) -> Result<UnixSeconds, TokenError> {
    invalid(map.unsigned()).map(UnixSeconds)
}

/// One audience or an array of them: the one that is ours, or `None`.
fn read_audience<'a>(map: &mut Decoder<'a>, ours: &str) -> Result<Option<&'a str>, TokenError> {
    let count = if map.next_is_array() { map.array()? } else { 1 };
    let mut found = None;
    for _ in 0..count {
        let audience = text(map)?;
        if audience == ours {
            found = Some(audience);
        }
    }
    Ok(found)
}

/// `catu` with a path prefix and nothing else.
fn path_prefix<'a>(map: &mut Decoder<'a>) -> Result<&'a str, TokenError> {
    let only = |map: &mut Decoder<'a>, label| {
        let one = invalid(map.map())? == 1;
        if one && invalid(map.label())? == Label::Int(label) { Ok(()) } else { Err(TokenError::RestrictionUnsupported) }
    };
    only(map, URI_PATH)?;
    only(map, PREFIX_MATCH)?;
    let prefix = text(map)?;
    check_prefix(prefix).map(|()| prefix)
}

fn check_prefix(prefix: &str) -> Result<(), TokenError> {
    check_plain(prefix).map_err(|_| TokenError::ClaimInvalid)
}
