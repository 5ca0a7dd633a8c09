//! prove: from what a client sends to the wallet that signed it. Every reason of a refusal has a code of its own.

use durable::UnixMs;
use durable::catalogue::Answered;
use serde::Deserialize;
use utoipa::ToSchema;

use super::challenge::{self, Chain, Format};
use super::contract::Claim;
use super::evm_address::{EvmAddress, unhex_all};
use super::nonce::{self, NonceError, Purpose, Whom};
use super::text::{Kind, SignInText, Stamp};
use super::{SignInKeys, eip191, eip712, eoa, offchain, solana};
use crate::api::problem::{Problem, Refusal};
use crate::config::SignIn;
use crate::limits::{CHALLENGE_MS, CLOCK_SKEW_MS, SIGN_IN_TEXT_BYTES_MAX, SIGNATURE_BYTES_MAX};

/// An answer to a challenge.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignInProof)]
pub(crate) struct Proof {
    /// `eip4361` when it is not said.
    format: Option<Format>,
    /// `eip4361`, `siws`: the text that was signed.
    message: Option<String>,
    /// `siws`: the bytes that were signed, base64; a text, or the envelope of a Ledger device.
    signed_message: Option<String>,
    /// `eip712`, `eip191`: whom the challenge was for, as it was asked.
    address: Option<String>,
    chain: Option<String>,
    nonce: Option<String>,
    domain: Option<String>,
    /// Ethereum: `0x` and hexadecimal; Solana: base58 or base64.
    signature: String,
}

/// A wallet that proved itself, with the challenge that is used up by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proven {
    /// See [`durable::catalogue::Wallet::chain`].
    pub(crate) chain: String,
    pub(crate) address: String,
    pub(crate) answered: Answered,
}

/// What a proof comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    /// By a key.
    Proven(Proven),
    /// No key of the address has signed; what is there may call the signature its own.
    Claimed(Claim),
}

/// Checks everything but whether the challenge was used before.
pub(crate) fn prove(
    proof: &Proof,
    host: Option<&str>,
    purpose: Purpose<'_>,
    (config, keys): (&SignIn, &SignInKeys),
    now: UnixMs,
) -> Result<Shown, Problem> {
    match proof.format.unwrap_or(Format::Eip4361) {
        Format::Eip4361 => {
            let message = proof.message.as_deref().ok_or_else(|| missing("message"))?;
            let text = read(message, Kind::Ethereum)?;
            let account = EvmAddress::parse_checked(&text.address).ok_or_else(|| {
                Refusal::BadAddress.because("The text's address is none, or not written as EIP-55 has it.")
            })?;
            let chain = Chain::Evm(text.chain.parse().unwrap_or_default());
            let made = check(&text, &chain, purpose, (config, keys), now)?;
            ethereum(&eip191::hash(message.as_bytes()), (&chain, account), proof, &text, made)
        }
        format @ (Format::Eip712 | Format::Eip191) => {
            let chain = challenge::chain(proof.chain.as_deref())?;
            let Chain::Evm(id) = chain else { return Err(missing("chain")) };
            let address = challenge::canonical(&chain, proof.address.as_deref().ok_or_else(|| missing("address"))?)?;
            let account = EvmAddress::parse(&address).ok_or_else(|| missing("address"))?;
            let nonce = proof.nonce.as_deref().ok_or_else(|| missing("nonce"))?;
            let domain = challenge::domain(proof.domain.as_deref(), host, config)?;
            let made = made(nonce, (&chain, &address), purpose, keys, now)?;
            let text = challenge::compose(config, &domain, (&chain, &address), nonce.to_owned(), made);
            let hash = match format {
                Format::Eip712 => eip712::hash(&text, account, id),
                _ => eip191::hash(challenge::plain(&text).as_bytes()),
            };
            ethereum(&hash, (&chain, account), proof, &text, made)
        }
        Format::Siws => {
            let signed = match (&proof.signed_message, &proof.message) {
                (Some(bytes), _) if bytes.len() <= 2 * SIGN_IN_TEXT_BYTES_MAX => {
                    challenge::base64(bytes).ok_or_else(|| missing("signed_message"))?
                }
                (None, Some(message)) => message.as_bytes().to_vec(),
                _ => return Err(missing("signed_message")),
            };
            siws(&signed, proof, purpose, (config, keys), now).map(Shown::Proven)
        }
    }
}

fn siws(
    signed: &[u8],
    proof: &Proof,
    purpose: Purpose<'_>,
    (config, keys): (&SignIn, &SignInKeys),
    now: UnixMs,
) -> Result<Proven, Problem> {
    let unread = || Refusal::SignInText.because("The signed bytes are no text, and no envelope for its address.");
    // The address stands in the text and the envelope names the key: each is held against the other.
    let given = proof.address.as_deref().and_then(solana::address);
    let text = offchain::text(signed, &given.unwrap_or_default()).ok_or_else(unread)?;
    let text = read(text, Kind::Solana)?;
    let bad = || Refusal::BadAddress.because("The text's address is none of Solana.");
    let key = solana::address(&text.address).ok_or_else(bad)?;
    if proof.address.as_deref().is_some_and(|address| address != text.address) {
        return Err(Refusal::SignInAddress.because("The account that signed is not the one in the text."));
    }
    let cluster = text.chain.strip_prefix("solana:").unwrap_or(&text.chain);
    let chain = Chain::parse(&format!("solana:{cluster}")).ok_or_else(|| chain_differs(&text.chain))?;
    let made = check(&text, &chain, purpose, (config, keys), now)?;
    let signature = solana::bytes(&proof.signature, 90).or_else(|| challenge::base64(&proof.signature));
    let signature: [u8; 64] = signature.and_then(|bytes| bytes.try_into().ok()).ok_or_else(not_signed)?;
    if !solana::signed(&key, signed, &signature) {
        return Err(not_signed());
    }
    Ok(proven("solana", &text, made))
}

/// Everything that a text says but the signature under it. Answers when its nonce was made.
fn check(
    text: &SignInText,
    chain: &Chain,
    purpose: Purpose<'_>,
    (config, keys): (&SignIn, &SignInKeys),
    now: UnixMs,
) -> Result<UnixMs, Problem> {
    if !config.allows(&text.domain) {
        return Err(Refusal::SignInDomain.because("The text was signed for another domain than one of this server's."));
    }
    let schemes = [None, config.uri_of(&text.domain).split_once("://").map(|(scheme, _)| scheme.to_owned())];
    if !schemes.contains(&text.scheme) {
        return Err(Refusal::SignInDomain.because("The text was signed for another scheme than this server's."));
    }
    if !config.allows_uri(&text.domain, &text.uri) {
        return Err(Refusal::SignInUri.because("The text was signed for another URI than this server's."));
    }
    let made = made(&text.nonce, (chain, &text.address), purpose, keys, now)?;
    let is_over = |stamp: &Stamp| stamp.at <= now;
    if text.expires.as_ref().is_some_and(is_over) {
        return Err(expired());
    }
    let is_early = text.not_before.as_ref().is_some_and(|stamp| stamp.at > now);
    if is_early || text.issued_at.at > now + CLOCK_SKEW_MS || text.issued_at.at < made - CLOCK_SKEW_MS {
        return Err(Refusal::SignInTime.because("The text's times are not around now; look at the clock."));
    }
    Ok(made)
}

fn made(
    nonce: &str,
    (chain, address): (&Chain, &str),
    purpose: Purpose<'_>,
    keys: &SignInKeys,
    now: UnixMs,
) -> Result<UnixMs, Problem> {
    let name = chain.to_string();
    nonce::read(keys.secret(), nonce, Whom { chain: &name, address, purpose }, now).map_err(|error| match error {
        NonceError::Foreign => Refusal::SignInNonce.because("The nonce is not of a challenge of this server."),
        NonceError::Chain => chain_differs(&name),
        NonceError::Address => {
            Refusal::SignInAddress.because("The challenge was for another address, or to do something else.")
        }
        NonceError::Expired => expired(),
    })
}

/// By the key of the address; else it is claimed for the contract there.
fn ethereum(
    hash: &[u8; 32],
    (chain, account): (&Chain, EvmAddress),
    proof: &Proof,
    text: &SignInText,
    made: UnixMs,
) -> Result<Shown, Problem> {
    let digits = proof.signature.strip_prefix("0x").filter(|digits| digits.len() <= 2 * SIGNATURE_BYTES_MAX);
    let signature = digits.and_then(unhex_all).ok_or_else(not_signed)?;
    if eoa::recover(hash, &signature) == Some(account) {
        return Ok(Shown::Proven(proven("eip155", text, made)));
    }
    let Chain::Evm(id) = *chain else { return Err(not_signed()) };
    let proven = proven(&chain.to_string(), text, made);
    Ok(Shown::Claimed(Claim { chain: id, wallet: account.0, hash: *hash, signature, proven }))
}

fn proven(chain: &str, text: &SignInText, made: UnixMs) -> Proven {
    let answered = Answered { nonce: text.nonce.clone(), expires_ms: made + CHALLENGE_MS };
    Proven { chain: chain.to_owned(), address: text.address.clone(), answered }
}

fn read(text: &str, kind: Kind) -> Result<SignInText, Problem> {
    let bad = |why: String| Refusal::SignInText.because(format!("The text is not as its standard has it: {why}."));
    let text = SignInText::parse(text).map_err(|error| bad(error.to_string()))?;
    if text.kind == kind { Ok(text) } else { Err(bad("it is of another chain".into())) }
}

fn missing(name: &str) -> Problem {
    Refusal::BadBody.because(format!("The field {name} is missing, or not of this format."))
}

fn chain_differs(chain: &str) -> Problem {
    let shown: String = chain.chars().take(40).collect();
    Refusal::SignInChain.because(format!("The challenge was not for the chain {shown}."))
}

fn expired() -> Problem {
    Refusal::SignInExpired.because("The time of the challenge is over. Ask for a new one.")
}

pub(super) fn not_signed() -> Problem {
    Refusal::SignInSignature.because("This is not the signature of the address over the text.")
}
