//! A connection that the origin closed while it was idle is not used again: what cannot be sent twice must not be lost on it
//! (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1).

use crate::case::*;

pub fn cases() -> Vec<Case> {
    let first = || get().says("Cache-Control: no-store").then_closes().pause();
    vec![
        own("idle-closed-then-get", [first(), get().fetched()]).alone(),
        own("idle-closed-then-put", [first(), ask("PUT").upload("abc").fetched()]).alone(),
        own("idle-closed-then-post", [first(), ask("POST").upload("abc").fetched()]).alone(),
        own("idle-closed-then-delete", [first(), ask("DELETE").fetched()]).alone(),
    ]
}
