//! Who may watch: who signs in, the chains that say who holds what, the keys of the data folder, viewers' tokens.

pub(crate) mod chains;
mod content_keys;
pub(crate) mod grants;
mod guess;
mod keys;
pub(crate) mod rules;
mod secret;
mod shared;
pub(crate) mod signin;
mod source;
mod token;
mod token_keys;
mod watch;

pub use chains::{ChainConfig, ChainSetupError, Finality, Network};
pub(crate) use content_keys::key_id;
pub use keys::KeyFileError;
pub(crate) use keys::Keys;
pub(crate) use rules::{Holder, Plain, Playback};
pub(crate) use secret::same;
pub(crate) use shared::shared;
pub(crate) use source::Source;
pub use token::{MintError, Minted};
pub(crate) use token::{Wanted, mint};
pub use watch::NotLetIn;
pub(crate) use watch::{Door, Viewer, playback_of, watch};
