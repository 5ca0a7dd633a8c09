//! Who is there: a wallet signs a text, and gets an access token and a refresh token for it.
//!
//! ```text
//!   challenge: nonce (proves itself) -> text (EIP-4361, SIWS) | eip712 | eip191
//!   login:     prove: text -> domain, URI -> nonce: chain, address, time -> signature: eoa | solana, else contract asks the chain
//!              -> used once, account, session (durable) -> tokens: access (JWT, jwks) and refresh (random, hashed at rest)
//!   request:   tokens: signature, time -> session still goes on (durable) -> the role of its account
//! ```
//!
//! Everything here is bytes in, value out; rows are in `durable::catalogue::{accounts, sessions, challenges}`.

mod challenge;
mod contract;
mod eip191;
mod eip712;
mod eoa;
mod evm_address;
#[cfg(any(fuzzing, test))]
mod fuzz;
mod jwks;
mod nonce;
mod offchain;
mod prove;
mod solana;
mod stamp;
mod text;
mod tokens;

pub(crate) use challenge::{Asked, challenge};
pub(crate) use contract::judge;
#[cfg(any(fuzzing, test))]
pub(crate) use fuzz::{fuzz_access_token, fuzz_text, fuzz_wrapped};
pub(crate) use jwks::SignInKeys;
pub(crate) use nonce::Purpose;
pub(crate) use prove::{Proof, Proven, Shown, prove};
pub(crate) use text::{is_domain, is_statement};
pub(crate) use tokens::{AccessError, Refresh, access_token, read_access_token};
