//! The step before the first request of an HTTPS connection: TLS, within the time that a head may take.

use crate::flow::accept::{Conn, Gone};
use crate::rt::{self, Session};
use crate::shard::Shard;
use crate::shard::line::Waits;
use crate::tls::failure::Failure;

/// Shakes hands with a client. A failure is counted by its reason; the client has been sent an alert where there is one to send.
pub(crate) async fn handshake(shard: &Shard, conn: &mut Conn) -> Result<(), Gone> {
    let Some(config) = shard.https.borrow().clone() else { return Err(Gone) };
    // What came behind a PROXY header.
    let early = conn.input.split_off(conn.at);
    conn.input.clear();
    conn.at = 0;
    let session = Session::accept(&config, early).map_err(|_| Gone)?;
    // As idle: a drain need not wait for someone who has not asked for anything yet.
    conn.line.due(rt::now() + shard.config().limits.header.as_millis() as u64, Waits::Idle);
    let shaken = conn.line.stream.secure(session).await;
    conn.line.not_due();
    match shaken {
        Ok(resumed) => {
            shard.counters.tls_handshakes.add(1);
            conn.only_tls(shard);
            shard.counters.tls_resumed.add(u64::from(resumed));
            Ok(())
        }
        Err(error) => {
            let overdue = conn.line.is_overdue();
            shard.counters.handshake_failed(if overdue { Failure::Timeout } else { Failure::of(&error) });
            Err(Gone)
        }
    }
}
