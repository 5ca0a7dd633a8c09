//! Interim answers (1xx, RFC 9110 section 15.2) on their way from the origin to the client that leads: passed on as they come, kept never.

use tokio::sync::mpsc;

use crate::flow::accept::{Asked, Conn, Gone, flush};
use crate::http::fields::{ends_here, is_ours, push_line};
use crate::http::request::Version;
use crate::http::response::Response;
use crate::limits::{INTERIM_MAX, SIGN_OF_LIFE_AFTER};
use crate::rt;
use crate::shard::Shard;
use crate::stored::status_line;
use crate::upstream::Informed;

/// The two ends of their way. `None` for a client that does not know them (HTTP/1.0).
pub(crate) fn way(asked: &Asked) -> (Option<Informed>, mpsc::Receiver<Response>) {
    let (to, from) = mpsc::channel(INTERIM_MAX);
    ((asked.request.version >= Version::Http11).then_some(to), from)
}

/// Passes on what comes until `answer` is here. An edge that asks is told after a while that its request is being worked on.
pub(crate) async fn until<T>(
    shard: &Shard,
    conn: &mut Conn,
    asked: &Asked,
    from: &mut mpsc::Receiver<Response>,
    answer: impl Future<Output = T>,
) -> Result<T, Gone> {
    let mut answer = std::pin::pin!(answer);
    let mut is_silent = asked.fellow.is_hop;
    loop {
        tokio::select! {
            biased;
            Some(response) = from.recv() => {
                write(conn, &response);
                flush(shard, conn).await?;
            }
            answer = &mut answer => {
                rest(conn, from);
                return Ok(answer);
            }
            () = rt::sleep(SIGN_OF_LIFE_AFTER), if is_silent => {
                is_silent = false;
                sign_of_life(shard, conn, asked).await?;
            }
        }
    }
}

/// Tells an edge that asks that its request is being worked on: it would take silence for a failure.
pub(crate) async fn sign_of_life(shard: &Shard, conn: &mut Conn, asked: &Asked) -> Result<(), Gone> {
    if asked.fellow.is_hop && asked.request.version >= Version::Http11 {
        conn.out.extend_from_slice(b"HTTP/1.1 102 Processing\r\n\r\n");
        flush(shard, conn).await?;
    }
    Ok(())
}

/// What has come and was not passed on: it leaves before the final answer.
pub(crate) fn rest(conn: &mut Conn, from: &mut mpsc::Receiver<Response>) {
    while let Ok(response) = from.try_recv() {
        write(conn, &response);
    }
}

fn write(conn: &mut Conn, response: &Response) {
    status_line(&mut conn.out, response.status);
    for (name, value) in response.fields() {
        if !ends_here(name) && !is_ours(name) && !response.is_listed(name) {
            push_line(&mut conn.out, name, value);
        }
    }
    conn.out.extend_from_slice(b"\r\n");
}
