//! Who may do what. The way of one request through it:
//!
//! ```text
//! guard: rule (table) -> rate of the address -> who asks (key) -> rate of the key -> whose it is (catalogue) -> decide -> handler, which is told the caller
//! ```
//!
//! [`table::TABLE`] is the only place that says who may do what, and a route that it does not name is not answered.

mod cors;
mod decide;
mod guard;
mod key;
mod peer;
mod rate;
mod scope;
pub(crate) mod session;
mod table;

pub(crate) use cors::cors;
pub use cors::is_origin;
pub(crate) use decide::{Caller, word as role_word};
pub(crate) use guard::guard;
pub(crate) use key::Fresh;
pub(crate) use peer::Peer;
pub use rate::Rate;
pub(crate) use rate::{NotTried, Rates, guess};
pub(crate) use scope::Scope;
pub(crate) use table::{Rule, TABLE, Who, takes_idempotency_key};

/// Every route of the origin: method and path, as the table of rights names them.
pub fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|rule| (rule.method, rule.path))
}
