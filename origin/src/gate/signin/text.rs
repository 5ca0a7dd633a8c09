//! The text that a person signs: Sign-In with Ethereum (EIP-4361) and with Solana (the same with other first lines, Phantom's SIWS).
//!
//! The reader takes exactly the grammar of the EIP's "Message Format", in which the URIs are those of RFC 3986, and
//! nothing that the writer would write otherwise: so what was shown to the person is what is read here.

use durable::UnixMs;
use iri_string::types::UriStr;

use super::stamp;
use crate::limits::{SIGN_IN_RESOURCES_MAX, SIGN_IN_TEXT_BYTES_MAX};

/// Whose account it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// EIP-4361.
    Ethereum,
    /// Its sister for Solana.
    Solana,
}

/// A time as it was written, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// As it stands in the text.
    pub text: String,
    /// What it means.
    pub at: UnixMs,
}

impl Stamp {
    /// A time of ours.
    pub fn of(at: UnixMs) -> Self {
        Self { text: stamp::write(at), at }
    }
}

/// The fields of the text, in its order. The address is not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInText {
    /// Whose.
    pub kind: Kind,
    /// `https` of `https://example.com wants you ..`.
    pub scheme: Option<String>,
    /// The authority that asks (RFC 3986 section 3.2).
    pub domain: String,
    /// As it stands there.
    pub address: String,
    /// What the person agrees to.
    pub statement: Option<String>,
    /// What the person signs in to.
    pub uri: String,
    /// An EIP-155 chain id, or the name of a Solana cluster.
    pub chain: String,
    /// At least eight letters and digits.
    pub nonce: String,
    /// When the text was made.
    pub issued_at: Stamp,
    /// It is of no use from then on.
    pub expires: Option<Stamp>,
    /// It is of no use before.
    pub not_before: Option<Stamp>,
    /// The system's own name for it.
    pub request_id: Option<String>,
    /// What the person wants resolved; `Some` of none is a heading without lines.
    pub resources: Option<Vec<String>>,
}

/// Why a text is none, by the field that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// More bytes than any honest one.
    #[error("it is longer than {SIGN_IN_TEXT_BYTES_MAX} bytes")]
    TooLong,
    /// Not the sentence that such a text begins with.
    #[error("it does not begin with a domain and \" wants you to sign in with your .. account:\"")]
    Opening,
    /// Not an authority.
    #[error("the domain is no authority of RFC 3986")]
    Domain,
    /// Not an address of any chain.
    #[error("the line of the address has none")]
    Address,
    /// Not a line between others where one has to be.
    #[error("an empty line is missing, or there is one too many")]
    Lines,
    /// Signs that a statement must not have.
    #[error("the statement has a sign that it must not have")]
    Statement,
    /// A field is missing or out of order.
    #[error("the line \"{0}\" is missing or out of order")]
    Missing(&'static str),
    /// Not a URI.
    #[error("the URI is none of RFC 3986")]
    Uri,
    /// Another version.
    #[error("the version is not 1")]
    Version,
    /// Not a chain.
    #[error("the chain id is none")]
    Chain,
    /// Too short, or other signs than letters and digits.
    #[error("the nonce is not 8 or more letters and digits")]
    Nonce,
    /// Not a time.
    #[error("\"{0}\" is no date-time of RFC 3339")]
    Time(&'static str),
    /// Signs that it must not have.
    #[error("the request id has a sign that it must not have")]
    RequestId,
    /// A line that is no URI, or too many.
    #[error("the resources are not at most {SIGN_IN_RESOURCES_MAX} lines \"- URI\"")]
    Resources,
    /// Something follows.
    #[error("something follows after the last field")]
    Trailing,
}

const ETHEREUM: &str = " wants you to sign in with your Ethereum account:";
const SOLANA: &str = " wants you to sign in with your Solana account:";

impl SignInText {
    /// Reads a text.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.len() > SIGN_IN_TEXT_BYTES_MAX {
            return Err(TextError::TooLong);
        }
        let mut lines = text.split('\n').peekable();
        let first = lines.next().unwrap_or_default();
        let (kind, asker) = first
            .strip_suffix(ETHEREUM)
            .map(|asker| (Kind::Ethereum, asker))
            .or_else(|| first.strip_suffix(SOLANA).map(|asker| (Kind::Solana, asker)))
            .ok_or(TextError::Opening)?;
        let (scheme, domain) = match asker.split_once("://") {
            Some((scheme, domain)) => (Some(scheme.to_owned()), domain),
            None => (None, asker),
        };
        if !is_domain(scheme.as_deref().unwrap_or("https"), domain) {
            return Err(TextError::Domain);
        }
        let address = lines.next().ok_or(TextError::Address)?.to_owned();
        if !(32..=44).contains(&address.len()) || !address.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(TextError::Address);
        }
        let empty = |line: Option<&str>| if line == Some("") { Ok(()) } else { Err(TextError::Lines) };
        empty(lines.next())?;
        let has_statement = match kind {
            Kind::Ethereum => lines.peek() != Some(&""),
            // Without a statement there is one empty line here, not two.
            Kind::Solana => lines.peek().is_some_and(|line| !line.starts_with("URI: ")),
        };
        let statement = has_statement.then(|| lines.next().unwrap_or_default().to_owned());
        if statement.as_ref().is_some_and(|statement| !is_statement(statement)) {
            return Err(TextError::Statement);
        }
        if has_statement || kind == Kind::Ethereum {
            empty(lines.next())?;
        }
        let mut field = |label: &'static str| {
            lines.next_if(|line| line.starts_with(label)).map(|line| line[label.len()..].to_owned())
        };
        let uri = field("URI: ").ok_or(TextError::Missing("URI: "))?;
        if UriStr::new(&uri).is_err() {
            return Err(TextError::Uri);
        }
        if field("Version: ").ok_or(TextError::Missing("Version: "))? != "1" {
            return Err(TextError::Version);
        }
        let chain = field("Chain ID: ").ok_or(TextError::Missing("Chain ID: "))?;
        if !is_chain(kind, &chain) {
            return Err(TextError::Chain);
        }
        let nonce = field("Nonce: ").ok_or(TextError::Missing("Nonce: "))?;
        if nonce.len() < 8 || !nonce.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(TextError::Nonce);
        }
        let time = |text: Option<String>, label| {
            let stamp = |text: String| stamp::parse(&text).map(|at| Stamp { text, at }).ok_or(TextError::Time(label));
            text.map(stamp).transpose()
        };
        let issued_at = time(field("Issued At: "), "Issued At")?.ok_or(TextError::Missing("Issued At: "))?;
        let expires = time(field("Expiration Time: "), "Expiration Time")?;
        let not_before = time(field("Not Before: "), "Not Before")?;
        let request_id = field("Request ID: ");
        if request_id.as_ref().is_some_and(|id| !is_segment(id)) {
            return Err(TextError::RequestId);
        }
        let resources = match lines.next_if(|line| *line == "Resources:") {
            Some(_) => Some(read_resources(&mut lines)?),
            None => None,
        };
        if lines.next().is_some() {
            return Err(TextError::Trailing);
        }
        let domain = domain.to_owned();
        Ok(Self {
            kind,
            scheme,
            domain,
            address,
            statement,
            uri,
            chain,
            nonce,
            issued_at,
            expires,
            not_before,
            request_id,
            resources,
        })
    }

    /// Writes the text. What was read is written as it was.
    pub fn write(&self) -> String {
        let mut out = String::with_capacity(512);
        if let Some(scheme) = &self.scheme {
            out += scheme;
            out += "://";
        }
        out += &self.domain;
        out += if self.kind == Kind::Ethereum { ETHEREUM } else { SOLANA };
        out.push('\n');
        out += &self.address;
        out += "\n\n";
        if let Some(statement) = &self.statement {
            out += statement;
            out += "\n";
        }
        if self.statement.is_some() || self.kind == Kind::Ethereum {
            out.push('\n');
        }
        out += &format!("URI: {}\nVersion: 1\nChain ID: {}\n", self.uri, self.chain);
        out += &format!("Nonce: {}\nIssued At: {}", self.nonce, self.issued_at.text);
        let texts = [
            ("Expiration Time", self.expires.as_ref().map(|stamp| &stamp.text)),
            ("Not Before", self.not_before.as_ref().map(|stamp| &stamp.text)),
            ("Request ID", self.request_id.as_ref()),
        ];
        for (label, text) in texts {
            if let Some(text) = text {
                out += &format!("\n{label}: {text}");
            }
        }
        if let Some(resources) = &self.resources {
            out += "\nResources:";
            for resource in resources {
                out += "\n- ";
                out += resource;
            }
        }
        out
    }
}

fn read_resources<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Result<Vec<String>, TextError> {
    let mut resources = Vec::new();
    for line in lines {
        let uri = line.strip_prefix("- ").filter(|uri| UriStr::new(uri).is_ok()).ok_or(TextError::Resources)?;
        if resources.len() == SIGN_IN_RESOURCES_MAX {
            return Err(TextError::Resources);
        }
        resources.push(uri.to_owned());
    }
    Ok(resources)
}

/// A non-empty authority (RFC 3986 section 3.2).
pub fn is_domain(scheme: &str, domain: &str) -> bool {
    let whole = format!("{scheme}://{domain}");
    let Ok(uri) = UriStr::new(&whole) else { return false };
    let is_all = uri.authority_str() == Some(domain) && uri.path_str().is_empty();
    is_all && uri.query_str().is_none() && uri.fragment().is_none() && !domain.is_empty()
}

/// `1*( reserved / unreserved / " " )` of RFC 3986.
pub fn is_statement(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" -._~:/?#[]@!$&'()*+,;=".contains(&byte);
    !text.is_empty() && text.bytes().all(plain)
}

/// `*pchar` of RFC 3986.
fn is_segment(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&byte);
    let encoded = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    text.bytes().all(plain) && text.split('%').skip(1).all(encoded)
}

/// Ethereum: a number without leading zeros. Solana: a cluster, with or without `solana:`.
fn is_chain(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Ethereum => text.parse::<u64>().is_ok_and(|id| id.to_string() == text),
        Kind::Solana => {
            let name = text.strip_prefix("solana:").unwrap_or(text);
            (1..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        }
    }
}

#[cfg(test)]
#[path = "text_vectors.rs"]
mod vectors;
