//! Who may watch: who signs in, the chains that say who holds what, the keys of the data folder, viewers' tokens.

#[allow(dead_code, unused_imports, reason = "sign-in and rules call what is here")]
pub(crate) mod chains;
mod keys;
mod secret;
pub(crate) mod signin;
mod token;

pub use chains::{ChainConfig, ChainSetupError, Finality};
pub use keys::KeyFileError;
pub(crate) use keys::Keys;
pub(crate) use token::mint;
pub use token::{MintError, Minted};
