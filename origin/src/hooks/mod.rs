//! Webhooks: events, signed and sent to whoever wants them. The way of one:
//!
//! ```text
//! event (outbox) -> wanted? (filter) -> message -> delivery (row, with the cursor, one commit) -> signed -> sent -> done | again | failed
//! ```
//!
//! Messages and signatures are those of Standard Webhooks 1.0.0: a receiver checks them with any library of it.

mod deliver;
mod message;
mod sign;

pub(crate) use deliver::deliver;
pub(crate) use message::test;
pub(crate) use sign::Key;
