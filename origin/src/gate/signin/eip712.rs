//! The sign-in as typed data (EIP-712), for wallets that show fields instead of a text.

use serde_json::{Value, json};

use super::evm_address::{EvmAddress, keccak};
use super::text::SignInText;

const DOMAIN_TYPE: &str = "EIP712Domain(string name,string version,uint256 chainId)";
const TYPE: &str = "SignIn(string domain,address account,string statement,string uri,string nonce,string issuedAt,string expirationTime)";
const NAME: &str = "StreamGate";
const VERSION: &str = "1";

/// What `eth_signTypedData_v4` takes.
pub(super) fn typed_data(text: &SignInText) -> Value {
    let strings =
        |names: &[&str]| names.iter().map(|name| json!({ "name": name, "type": "string" })).collect::<Vec<_>>();
    let mut fields = strings(&["domain", "statement", "uri", "nonce", "issuedAt", "expirationTime"]);
    fields.insert(1, json!({ "name": "account", "type": "address" }));
    let mut domain = strings(&["name", "version"]);
    domain.push(json!({ "name": "chainId", "type": "uint256" }));
    json!({
        "types": { "EIP712Domain": domain, "SignIn": fields },
        "primaryType": "SignIn",
        "domain": { "name": NAME, "version": VERSION, "chainId": text.chain.parse::<u64>().unwrap_or_default() },
        "message": {
            "domain": text.domain,
            "account": text.address,
            "statement": text.statement.as_deref().unwrap_or_default(),
            "uri": text.uri,
            "nonce": text.nonce,
            "issuedAt": text.issued_at.text,
            "expirationTime": text.expires.as_ref().map_or("", |stamp| &stamp.text),
        },
    })
}

/// The hash that is signed: `0x1901`, the domain's and the struct's.
pub(super) fn hash(text: &SignInText, account: EvmAddress, chain: u64) -> [u8; 32] {
    let string = |text: &str| keccak(&[text.as_bytes()]);
    let word = |tail: &[u8]| {
        let mut word = [0; 32];
        word[32 - tail.len()..].copy_from_slice(tail);
        word
    };
    let domain = keccak(&[&string(DOMAIN_TYPE), &string(NAME), &string(VERSION), &word(&chain.to_be_bytes())]);
    let signed = keccak(&[
        &string(TYPE),
        &string(&text.domain),
        &word(&account.0),
        &string(text.statement.as_deref().unwrap_or_default()),
        &string(&text.uri),
        &string(&text.nonce),
        &string(&text.issued_at.text),
        &string(text.expires.as_ref().map_or("", |stamp| &stamp.text)),
    ]);
    keccak(&[b"\x19\x01", &domain, &signed])
}
