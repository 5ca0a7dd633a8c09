//! A request passed through to the origin, uncached: another method, a body, or a key whose answers cannot be kept.

use std::rc::Rc;

use crate::flow::After;
use crate::flow::accept::{Asked, Conn, Gone, flush};
use crate::flow::{authorise, fetch, interim, invalidate, lookup, options, refuse, renew, send};
use crate::gate;
use crate::http::cache_control::CacheControl;
use crate::http::chunked::{Decoder, Step};
use crate::http::freshness::judge;
use crate::http::request::{Framing, Method};
use crate::media::hls::{self, Delivery};
use crate::refusal::Refusal;
use crate::rt;
use crate::shard::Shard;
use crate::shard::line::Waits;
use crate::shard::mail::{How, Mail};
use crate::upstream::request::{Purpose, Sized, forward};
use crate::upstream::{self, Body, Call, Exchanged};

/// Asks the origin on behalf of this client alone, and streams what it says.
pub(crate) async fn through(
    shard: &Rc<Shard>,
    conn: &mut Conn,
    asked: &Asked,
    shown: gate::Pass,
    how: How,
) -> Result<After, Gone> {
    let request = &asked.request;
    let sized = match request.framing {
        Framing::None => Sized::None,
        Framing::Length(n) => Sized::Length(n),
        Framing::Chunked => Sized::Chunked,
    };
    if matches!(request.framing, Framing::Length(n) if n > shard.config().limits.request_body_bytes_max) {
        return Ok(refuse::send(shard, conn, asked, Refusal::BodyTooLarge));
    }
    if request.method == Method::Options && asked.max_forwards() == Some(0) {
        return Ok(options::capabilities(shard, conn, asked));
    }
    let method = request.method_word.of_buffer(&asked.head);
    let is_token = |text: &[u8]| shard.tokens.borrow().is_token(text);
    let config = shard.config();
    let upstream = &config.upstream;
    // What the origin says to a HEAD may become part of what is kept for all.
    let purpose = Purpose::Pass((request.method != Method::Head).then(|| conn.peer.ip()));
    let mut forwarded = forward(method, asked.name(), &asked.head, upstream, purpose, sized, is_token);
    forwarded.head.extend_from_slice(b"\r\n");
    if request.expects_continue {
        conn.out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
    }
    flush(shard, conn).await?;
    let to_head = request.method == Method::Head;
    let (informed, mut interim) = interim::way(asked);
    let is_held = hls::delivery(asked.name()) == Delivery::Held;
    let hold = is_held.then(|| shard.playlists.borrow().hold(asked.name()));
    let call = Call { informed: informed.as_ref(), hold, ..Call::new(&forwarded.head, to_head) };
    let (result, unread) = if request.framing == Framing::None {
        let answer = upstream::ask::<FromClient<'_>>(shard, call, None);
        (interim::until(shard, conn, asked, &mut interim, answer).await?, false)
    } else {
        let mut body = FromClient::new(shard, conn, request.framing);
        let result = upstream::ask(shard, call, Some(&mut body)).await;
        let unread = !body.ended();
        interim::rest(conn, &mut interim);
        (result, unread)
    };
    conn.line.not_due();
    let exchanged = match result {
        Ok(exchanged) => exchanged,
        Err(refusal) => return Ok(refuse::send(shard, conn, asked, refusal)),
    };
    invalidate::by_method(shard, asked, &exchanged.response).await;
    if to_head {
        seen_by_head(shard, asked, &exchanged).await;
    } else if how == How::PassKnown && request.range.is_none() {
        tell_if_keepable(shard, asked, &exchanged).await;
    }
    if let Err(refusal) = authorise::permit_mark(exchanged.response.first("streamgate-gate").is_some(), shown) {
        return Ok(refuse::send(shard, conn, asked, refusal));
    }
    let key = shard.seed.key(asked.name());
    let fill = fetch::unkept(shard, key, asked.name(), exchanged, rt::now());
    let (object, first) = (fill.object.clone(), fill.first.clone());
    let filling = shard.clone();
    rt::spawn(async move { fill.run(&filling).await });
    let after = send::object(shard, conn, asked, object, first, how).await?.unwrap_or(After::Close);
    // What the origin did not want to read would be taken for the next request.
    if unread {
        flush(shard, conn).await?;
        return Ok(After::Close);
    }
    Ok(after)
}

/// Tells the owner of the key what the origin said to a HEAD.
async fn seen_by_head(shard: &Rc<Shard>, asked: &Asked, exchanged: &Exchanged) {
    let ask = lookup::ask_of(shard, asked, CacheControl::default());
    let facts = exchanged.facts(ask.authorised, ask.cookie);
    let owner = shard.owner(ask.key);
    if owner == shard.id {
        renew::by_head(shard, ask, &exchanged.response, facts);
    } else {
        shard.peers[owner].send(Mail::Head(ask, Box::new(exchanged.response.clone()), facts)).await;
    }
}

/// Tells the owner of the key when what the origin said could have been kept.
async fn tell_if_keepable(shard: &Rc<Shard>, asked: &Asked, exchanged: &Exchanged) {
    let ask = lookup::ask_of(shard, asked, CacheControl::default());
    let facts = exchanged.facts(ask.authorised, ask.cookie);
    if judge(&exchanged.response, facts, shard.config().defaults.into()).is_err() {
        return;
    }
    let owner = shard.owner(ask.key);
    if owner == shard.id {
        lookup::is_keepable(shard, ask);
    } else {
        shard.peers[owner].send(Mail::Keepable(ask)).await;
    }
}

/// A client's body on its way to the origin.
struct FromClient<'a> {
    shard: &'a Rc<Shard>,
    conn: &'a mut Conn,
    state: State,
    taken: u64,
}

enum State {
    Length(u64),
    Chunked(Decoder),
    Ended,
}

impl<'a> FromClient<'a> {
    fn new(shard: &'a Rc<Shard>, conn: &'a mut Conn, framing: Framing) -> FromClient<'a> {
        let state = match framing {
            Framing::None => State::Ended,
            Framing::Length(n) => State::Length(n),
            Framing::Chunked => State::Chunked(Decoder::new()),
        };
        FromClient { shard, conn, state, taken: 0 }
    }

    fn ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Receives when everything received so far has been used up.
    async fn fill(&mut self) -> Result<(), Refusal> {
        let conn = &mut *self.conn;
        if conn.at < conn.input.len() {
            return Ok(());
        }
        conn.at = 0;
        let mut input = std::mem::take(&mut conn.input);
        input.clear();
        conn.line.due(rt::now() + self.shard.config().limits.body.as_millis() as u64, Waits::Busy);
        let (result, input) = conn.line.stream.recv_body(input).await;
        conn.input = input;
        conn.line.not_due();
        match result {
            Ok(count) if count > 0 => Ok(()),
            _ => Err(Refusal::RequestTimeout),
        }
    }

    fn charge(&mut self, count: usize) -> Result<(), Refusal> {
        self.taken += count as u64;
        if self.taken > self.shard.config().limits.request_body_bytes_max {
            return Err(Refusal::BodyTooLarge);
        }
        Ok(())
    }
}

impl Body for FromClient<'_> {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        loop {
            if self.ended() {
                return Ok(None);
            }
            self.fill().await?;
            let unread = &self.conn.input[self.conn.at..];
            match &mut self.state {
                State::Ended => return Ok(None),
                State::Length(left) => {
                    let count = unread.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    let piece = unread[..count].to_vec();
                    *left -= count as u64;
                    if *left == 0 {
                        self.state = State::Ended;
                    }
                    self.conn.at += count;
                    self.charge(count)?;
                    return Ok(Some(piece));
                }
                State::Chunked(decoder) => match decoder.step(unread).map_err(|_| Refusal::ChunkSyntax)? {
                    Step::Skip(count) => {
                        let done = decoder.is_done();
                        self.conn.at += count;
                        if done {
                            self.state = State::Ended;
                            return Ok(Some(b"0\r\n\r\n".to_vec()));
                        }
                    }
                    Step::Data(count) => {
                        let mut piece = format!("{count:x}\r\n").into_bytes();
                        piece.extend_from_slice(&unread[..count]);
                        piece.extend_from_slice(b"\r\n");
                        self.conn.at += count;
                        self.charge(count)?;
                        return Ok(Some(piece));
                    }
                    Step::End => self.state = State::Ended,
                },
            }
        }
    }
}
