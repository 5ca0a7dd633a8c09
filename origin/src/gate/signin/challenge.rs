//! What a wallet is asked to sign.

use base64::Engine;
use durable::UnixMs;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::evm_address::EvmAddress;
use super::nonce::{self, Purpose, Whom};
use super::text::{Kind, SignInText, Stamp};
use super::{SignInKeys, eip712, solana};
use crate::api::problem::{Problem, Refusal};
use crate::config::SignIn;
use crate::limits::CHALLENGE_MS;

/// How the question is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SignInFormat)]
pub(crate) enum Format {
    /// A text of EIP-4361, signed by `personal_sign`.
    Eip4361,
    /// Typed data, signed by `eth_signTypedData_v4`.
    Eip712,
    /// A text of ours, signed by `personal_sign`.
    Eip191,
    /// Sign-In With Solana.
    Siws,
}

impl Format {
    /// As it is written.
    fn word(self) -> &'static str {
        match self {
            Self::Eip4361 => "eip4361",
            Self::Eip712 => "eip712",
            Self::Eip191 => "eip191",
            Self::Siws => "siws",
        }
    }
}

/// A chain, as CAIP-2 writes it; of Solana by the name of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Chain {
    /// `eip155:1`.
    Evm(u64),
    /// `solana:mainnet`.
    Solana(&'static str),
}

impl Chain {
    /// Reads one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("eip155", id) => {
                id.parse().ok().filter(|parsed: &u64| *parsed > 0 && parsed.to_string() == id).map(Self::Evm)
            }
            ("solana", name) => {
                ["mainnet", "devnet", "testnet", "localnet"].into_iter().find(|known| *known == name).map(Self::Solana)
            }
            _ => None,
        }
    }

    /// As it stands in a text of the kind: the part after the colon.
    pub(super) fn reference(&self) -> String {
        match self {
            Self::Evm(id) => id.to_string(),
            Self::Solana(name) => (*name).to_owned(),
        }
    }
}

impl std::fmt::Display for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let namespace = if matches!(self, Self::Evm(_)) { "eip155" } else { "solana" };
        write!(f, "{namespace}:{}", self.reference())
    }
}

/// Whom a question is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChallengeWanted)]
pub(crate) struct Asked {
    pub(crate) address: String,
    /// `eip155:N` or `solana:CLUSTER`; `eip155:1` when it is not said.
    pub(crate) chain: Option<String>,
    pub(crate) format: Option<Format>,
    /// The page's authority, one of `gate.signin_domains`; the first of them when it is not said.
    pub(crate) domain: Option<String>,
}

/// Puts the question. `host` is what the client calls this server: without configured domains it is taken when it is this
/// very machine's name, from which nobody else's page can come.
pub(crate) fn challenge(
    asked: &Asked,
    host: Option<&str>,
    purpose: Purpose<'_>,
    (config, keys): (&SignIn, &SignInKeys),
    now: UnixMs,
) -> Result<Value, Problem> {
    let chain = chain(asked.chain.as_deref())?;
    let address = canonical(&chain, &asked.address)?;
    let format = asked.format.unwrap_or(if matches!(chain, Chain::Evm(_)) { Format::Eip4361 } else { Format::Siws });
    if (format == Format::Siws) != matches!(chain, Chain::Solana(_)) {
        return Err(Refusal::BadBody.because(format!("{} cannot be asked about {chain}.", format.word())));
    }
    let domain = domain(asked.domain.as_deref(), host, config)?;
    let mut random = [0; 7];
    getrandom::fill(&mut random).map_err(|error| Problem::internal(&error))?;
    let whom = Whom { chain: &chain.to_string(), address: &address, purpose };
    let nonce = nonce::make(keys.secret(), whom, now, random);
    let text = compose(config, &domain, (&chain, &address), nonce, now / 1000 * 1000);
    let mut value = json!({
        "format": format.word(),
        "chain": chain.to_string(),
        "address": address,
        "domain": domain,
        "nonce": text.nonce,
        "expires_ms": text.expires.as_ref().map(|stamp| stamp.at),
    });
    match format {
        Format::Eip4361 => value["message"] = text.write().into(),
        Format::Eip712 => value["typed_data"] = eip712::typed_data(&text),
        Format::Eip191 => value["message"] = plain(&text).into(),
        Format::Siws => {
            value["message"] = text.write().into();
            value["input"] = input(&text);
        }
    }
    Ok(value)
}

/// The fields of a text of ours. `made`: when its nonce was.
pub(super) fn compose(
    config: &SignIn,
    domain: &str,
    (chain, address): (&Chain, &str),
    nonce: String,
    made: UnixMs,
) -> SignInText {
    SignInText {
        kind: if matches!(chain, Chain::Evm(_)) { Kind::Ethereum } else { Kind::Solana },
        scheme: None,
        domain: domain.to_owned(),
        address: address.to_owned(),
        statement: Some(config.statement.clone()).filter(|statement| !statement.is_empty()),
        uri: config.uri_of(domain),
        chain: chain.reference(),
        nonce,
        issued_at: Stamp::of(made),
        expires: Some(Stamp::of(made + CHALLENGE_MS)),
        not_before: None,
        request_id: None,
        resources: None,
    }
}

/// The plain text: no grammar, since it is made again and compared whole.
pub(super) fn plain(text: &SignInText) -> String {
    let statement = text.statement.as_deref().map(|statement| format!("{statement}\n\n")).unwrap_or_default();
    format!(
        "Sign in to {}\n\n{statement}Account: {}\nURI: {}\nChain ID: {}\nNonce: {}\nIssued At: {}",
        text.domain, text.address, text.uri, text.chain, text.nonce, text.issued_at.text
    )
}

/// `SolanaSignInInput` of the wallet standard.
fn input(text: &SignInText) -> Value {
    json!({
        "domain": text.domain,
        "address": text.address,
        "statement": text.statement,
        "uri": text.uri,
        "version": "1",
        "chainId": text.chain,
        "nonce": text.nonce,
        "issuedAt": text.issued_at.text,
        "expirationTime": text.expires.as_ref().map(|stamp| &stamp.text),
    })
}

/// The chain that is meant.
pub(super) fn chain(text: Option<&str>) -> Result<Chain, Problem> {
    Chain::parse(text.unwrap_or("eip155:1"))
        .ok_or_else(|| Refusal::BadBody.because("A chain is eip155:N, or solana:mainnet, devnet, testnet or localnet."))
}

/// An address as its chain writes it.
pub(super) fn canonical(chain: &Chain, address: &str) -> Result<String, Problem> {
    let read = match chain {
        Chain::Evm(_) => EvmAddress::parse(address).map(|address| address.to_string()),
        Chain::Solana(_) => solana::address(address).map(|_| address.to_owned()),
    };
    read.ok_or_else(|| Refusal::BadAddress.because("It is no address of its chain, or its checksum (EIP-55) is wrong."))
}

/// The domain that the text names.
pub(super) fn domain(wanted: Option<&str>, host: Option<&str>, config: &SignIn) -> Result<String, Problem> {
    let named = wanted.or(config.domains.first().map(String::as_str)).or(host);
    match named {
        Some(named) if config.allows(named) => Ok(named.to_owned()),
        _ if config.domains.is_empty() => {
            let sentence = "Set gate.signin_domains; without it only pages of this very machine may ask.";
            Err(Refusal::SignInOff.because(sentence))
        }
        _ => Err(Refusal::SignInDomain.because("This domain is none of gate.signin_domains.")),
    }
}

/// Bytes of base64, with or without padding.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    base64::engine::general_purpose::STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok()
}
