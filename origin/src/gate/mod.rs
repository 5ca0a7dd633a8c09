//! Who may do what: the first admin's key, the edge key for edges, the signing key for viewers' tokens.

mod keys;
mod secret;
mod token;

pub use keys::KeyFileError;
pub(crate) use keys::Keys;
pub(crate) use token::mint;
pub use token::{MintError, Minted};
