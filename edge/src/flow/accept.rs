//! Connections: accepted, read, and asked for one request after the other.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use crate::door::addresses::Seat;
use crate::flow::hit::{self, Quick};
use crate::flow::{After, answer, handshake::handshake, introduce, refuse};
use crate::http::fields::{Span, fields};
use crate::http::request::{self, Method, Parsed, Request, number};
use crate::http2;
use crate::http2::watch::{self, Begins};
use crate::limits::{OUT_BYTES, RECV_BYTES, REQUEST_HEAD_BYTES_MAX};
use crate::media;
use crate::media::cmcd::{self, Cmcd};
use crate::refusal::Refusal;
use crate::rt::{self, Moved, Stream};
use crate::shard::Shard;
use crate::shard::access::{Record, trace};
use crate::shard::line::{Listed, Waits};
use crate::shard::mail::Mail;
use crate::shard::wire::Wire;
use crate::upstream::fellow::{self, Fellow};

/// The client is gone, or its answer cannot be completed: nothing more can be said on this connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Gone;

/// A client's connection.
pub(crate) struct Conn {
    pub(crate) line: Listed,
    /// The client: whoever connected, or whom a trusted proxy names.
    pub(crate) peer: SocketAddr,
    /// The trusted proxy that connected, or that another one names: it says anew with each request for whom.
    pub(crate) proxy: Option<SocketAddr>,
    /// Received and not yet used up: from `at` on.
    pub(crate) input: Vec<u8>,
    pub(crate) at: usize,
    /// Answers that have not been sent yet: those of pipelined requests leave together.
    pub(crate) out: Vec<u8>,
    /// Bytes of the current answer, for the record.
    pub(crate) answered: u64,
    /// When the head that is being read must be there; 0: none is. Set by its first bytes and by no later ones.
    pub(crate) head_due_ms: u64,
    /// Requests answered and not yet booked, and when the first of them was there.
    pub(crate) asked: (Instant, u64),
    /// The answer was ended before its end.
    pub(crate) cut: bool,
    /// What clients of HTTPS are told of its future use.
    pub(crate) hsts: Option<Rc<str>>,
    /// Its place among those of its address, when they are counted.
    pub(crate) seat: Option<Rc<Seat>>,
    /// When another shard handed it over; 0: none did.
    pub(crate) came_ms: u64,
    /// The shard it is to be handed to.
    pub(crate) goes_to: Option<usize>,
}

/// A connection between two requests, on its way to another shard.
pub(crate) struct HandedOver {
    stream: Moved,
    peer: SocketAddr,
    proxy: Option<SocketAddr>,
    seat: Option<Seat>,
}

/// A request with the bytes it came in.
pub(crate) struct Asked {
    pub(crate) request: Request,
    /// The head's bytes.
    pub(crate) head: Vec<u8>,
    /// The canonical target: without a token and CMCD, with the rest of its query.
    pub(crate) name: Span,
    pub(crate) token: Option<Span>,
    pub(crate) token_in_path: bool,
    /// What it says about an edge that sent it.
    pub(crate) fellow: Fellow,
    /// What its player says of itself.
    pub(crate) cmcd: Option<Box<Cmcd>>,
    pub(crate) now_ms: u64,
    pub(crate) started: Instant,
}

impl Asked {
    /// The canonical target.
    pub(crate) fn name(&self) -> &[u8] {
        self.name.of_buffer(&self.head)
    }

    /// How many more hops it may make (RFC 9110 section 7.6.2).
    pub(crate) fn max_forwards(&self) -> Option<u64> {
        fields(&self.head)
            .find(|(name, _)| name.eq_ignore_ascii_case(b"max-forwards"))
            .and_then(|(_, value)| number(value))
    }

    /// A field of the head.
    pub(crate) fn field(&self, span: Option<Span>) -> Option<&[u8]> {
        span.map(|span| span.of_buffer(&self.head))
    }
}

/// Serves a connection to its end; a `secure` one after a handshake.
pub(crate) async fn serve(shard: Rc<Shard>, stream: Stream, peer: SocketAddr, secure: bool) {
    let mut conn = Conn::new(shard.list(Wire::Socket(stream)), peer);
    if shard.counters.connections.get() >= shard.config().limits.connections_max as u64 {
        turn_away(&shard, &mut conn, Refusal::ConnectionsFull, secure).await;
        return;
    }
    shard.counters.accepted.add(1);
    shard.counters.connections.add(1);
    match introduce::first(&shard, &mut conn).await {
        Ok(()) => {
            // Boxed: a handshake is long, and a connection should not pay for it afterwards. One that failed has been sent an alert.
            let shaken = !secure || Box::pin(handshake(&shard, &mut conn)).await.is_ok();
            let ended = if shaken { speak(&shard, &mut conn, secure).await } else { Ok(()) };
            return Box::pin(end(&shard, conn, ended)).await;
        }
        // What speaks here is no HTTP.
        Err(Refusal::ProxyHeader) => shard.counters.refused(Refusal::ProxyHeader),
        Err(refusal) => turn_away(&shard, &mut conn, refusal, secure).await,
    }
    shard.counters.connections.set(shard.counters.connections.get() - 1);
}

/// Serves a connection of another shard from its next request on.
pub(crate) async fn go_on(shard: Rc<Shard>, handed: HandedOver) {
    let HandedOver { stream, peer, proxy, seat } = handed;
    let is_secure = stream.is_secure();
    let line = shard.list(Wire::Socket(Stream::arrived(stream)));
    let mut conn = Conn { proxy, seat: seat.map(Rc::new), came_ms: rt::now(), ..Conn::new(line, peer) };
    if is_secure {
        conn.only_tls(&shard);
    }
    shard.counters.taken_over.add(1);
    carry_on(shard, conn).await;
}

/// Answers requests from the next one on.
async fn carry_on(shard: Rc<Shard>, mut conn: Conn) {
    shard.counters.connections.add(1);
    let ended = requests(&shard, &mut conn).await;
    Box::pin(end(&shard, conn, ended)).await;
}

/// The end of a connection on this shard, boxed as one that is idle should not pay for it: handed over, closed without losing what was said, or gone.
async fn end(shard: &Rc<Shard>, mut conn: Conn, ended: Result<(), Gone>) {
    let goes_to = conn.goes_to.take();
    if ended.is_ok() && goes_to.is_none() {
        linger(shard, &mut conn).await;
    }
    shard.counters.connections.set(shard.counters.connections.get() - 1);
    if let Some(to) = goes_to {
        hand_over(shard, conn, to).await;
    }
}

/// Hands a connection to shard `to`: HTTP/1 has no streams, so nobody else has a part in it. Where something of it is under way in the ring
/// after all, it goes on here.
async fn hand_over(shard: &Rc<Shard>, conn: Conn, to: usize) {
    let Conn { line, peer, proxy, hsts, seat, .. } = conn;
    let Some(Wire::Socket(stream)) = line.taken_off() else { return };
    match stream.leave() {
        Ok(stream) => {
            shard.counters.handed_over.add(1);
            let handed = HandedOver { stream, peer, proxy, seat: seat.and_then(Rc::into_inner) };
            shard.peers[to].send(Mail::Take(Box::new(handed))).await;
        }
        Err(stream) => {
            let line = shard.list(Wire::Socket(stream));
            let conn = Conn { proxy, hsts, seat, came_ms: rt::now(), ..Conn::new(line, peer) };
            rt::spawn(Box::pin(carry_on(shard.clone(), conn)));
        }
    }
}

/// Refuses a whole connection.
async fn turn_away(shard: &Shard, conn: &mut Conn, refusal: Refusal, secure: bool) {
    refuse::unparsed(shard, conn, refusal);
    // Without a handshake there is nothing a client of TLS would read.
    if !secure {
        let _ = flush(shard, conn).await;
    }
}

/// Speaks the version of HTTP that was agreed upon in the handshake, or that the client begins with.
async fn speak(shard: &Rc<Shard>, conn: &mut Conn, secure: bool) -> Result<(), Gone> {
    let mut begins = if secure || !shard.config().h2c { Begins::Http1 } else { Begins::Maybe };
    while begins == Begins::Maybe {
        begins = watch::begins(&conn.input[conn.at..]);
        if begins == Begins::Maybe && !more(shard, conn).await? {
            return Ok(());
        }
    }
    if begins == Begins::Http2 || conn.line.stream.socket().is_some_and(Stream::is_http2) {
        // Boxed: the other version should not pay for it.
        return Box::pin(http2::serve(shard, conn)).await;
    }
    requests(shard, conn).await
}

/// Answers the one request of a stream, written as `head`.
pub(crate) async fn stream(shard: &Rc<Shard>, conn: &mut Conn, head: Result<Vec<u8>, Refusal>) -> Result<(), Gone> {
    let parsed = head.and_then(|head| {
        conn.input = head;
        request::parse_http2(&mut conn.input)
    });
    conn.asked = (rt::turn_began(), 1);
    match parsed {
        Ok(request) => drop(one(shard, conn, request).await?),
        Err(refusal) => refuse::unparsed(shard, conn, refusal),
    }
    flush(shard, conn).await?;
    conn.book(shard);
    Ok(())
}

/// Answers requests until the connection is to be closed in good order, or is gone.
async fn requests(shard: &Rc<Shard>, conn: &mut Conn) -> Result<(), Gone> {
    let mut has_answered = false;
    loop {
        let unread = &conn.input[conn.at..];
        let parsed = if unread.is_empty() { Ok(Parsed::Partial) } else { request::parse(unread) };
        match parsed {
            Ok(Parsed::Partial) => {
                flush(shard, conn).await?;
                conn.book(shard);
                if has_answered
                    && conn.is_between()
                    && let Some(to) = shard.balance.gives(shard, conn)
                {
                    conn.goes_to = Some(to);
                    return Ok(());
                }
                if !more(shard, conn).await? {
                    return Ok(());
                }
            }
            Ok(Parsed::Head(request)) => {
                has_answered = true;
                conn.head_due_ms = 0;
                if conn.out.capacity() == 0 {
                    conn.out = rt::lend();
                }
                if conn.asked.1 == 0 {
                    conn.asked.0 = rt::turn_began();
                }
                conn.asked.1 += 1;
                shard.counters.requests.add(1);
                let after = one(shard, conn, request).await?;
                if after == After::Close {
                    flush(shard, conn).await?;
                    conn.book(shard);
                    return Ok(());
                }
                if conn.out.len() >= OUT_BYTES {
                    flush(shard, conn).await?;
                }
            }
            Err(refusal) => {
                shard.counters.requests.add(1);
                refuse::unparsed(shard, conn, refusal);
                return flush(shard, conn).await;
            }
        }
    }
}

/// Answers one request and takes it out of the input.
async fn one(shard: &Rc<Shard>, conn: &mut Conn, request: Request) -> Result<After, Gone> {
    let now_ms = rt::turn_ms();
    shard.sample(conn, &request, now_ms);
    if (shard.door.counts_requests() || conn.proxy.is_some()) && !introduce::again(shard, conn, &request, now_ms) {
        let asked = take(shard, conn, request, now_ms);
        return Ok(refuse::send(shard, conn, &asked, Refusal::AddressRate));
    }
    match hit::quick(shard, conn, &request, now_ms) {
        Some(Quick::Said(after)) => {
            conn.at += request.head_len;
            return Ok(after);
        }
        // Boxed, as what follows: an idle connection should not pay for it.
        Some(Quick::Body(large)) => return Box::pin(hit::send(shard, conn, &request, *large)).await,
        None => {}
    }
    // Boxed: the way of a miss is long, and an idle connection should not pay for it.
    Box::pin(slowly(shard, conn, request, now_ms)).await
}

async fn slowly(shard: &Rc<Shard>, conn: &mut Conn, request: Request, now_ms: u64) -> Result<After, Gone> {
    let asked = take(shard, conn, request, now_ms);
    conn.line.not_due();
    answer(shard, conn, &asked).await
}

/// Takes a request out of the input.
fn take(shard: &Shard, conn: &mut Conn, request: Request, now_ms: u64) -> Asked {
    let mut head = conn.input[conn.at..conn.at + request.head_len].to_vec();
    conn.at += request.head_len;
    conn.answered = 0;
    conn.cut = false;
    let (token, name) = hit::split(request.target.of_buffer(&head));
    let (name, argument) = cmcd::bare(name);
    let is_said = request.cmcd || argument.is_some();
    let cmcd = if is_said { media::listen(shard, &head, argument) } else { None };
    let token = token.map(|token| Span::of(token, &head));
    let name = match name {
        Cow::Borrowed(name) => Span::of(name, &head),
        Cow::Owned(name) => {
            // Behind the head's end, where no field is looked for.
            let from = head.len() as u32;
            head.extend_from_slice(&name);
            Span { from, to: head.len() as u32 }
        }
    };
    let token_in_path = token.is_some();
    let fellow = fellow::read(&head, shard.config().upstream.edge_key.as_deref());
    Asked { fellow, request, name, token, token_in_path, cmcd, head, now_ms, started: Instant::now() }
}

/// Sends what is waiting in `out`.
pub(crate) async fn flush(shard: &Shard, conn: &mut Conn) -> Result<(), Gone> {
    if conn.out.is_empty() {
        return Ok(());
    }
    let len = conn.out.len() as u64;
    let out = std::mem::take(&mut conn.out);
    // One that was cut before can only be told why in vain.
    let is_cut = conn.line.is_overdue();
    conn.line.due(rt::turn_ms() + write_ms(shard, len), Waits::Busy);
    let (result, out) = conn.line.stream.send(out).await;
    rt::give_back(out);
    conn.line.not_due();
    shard.counters.bytes_out.add(len);
    if is_cut { result.map_err(|_| Gone) } else { taken(shard, conn, result) }
}

/// What came of a send; a client that did not take it in time is counted.
pub(crate) fn taken(shard: &Shard, conn: &Conn, result: io::Result<()>) -> Result<(), Gone> {
    result.map_err(|_| {
        shard.counters.slow_readers.add(u64::from(conn.line.is_overdue() && !shard.draining.get()));
        Gone
    })
}

/// Milliseconds in which `bytes` must have been taken: the limit, and what a slow line of 16 kB/s needs.
pub(crate) fn write_ms(shard: &Shard, bytes: u64) -> u64 {
    shard.config().limits.write.as_millis() as u64 + bytes / 16
}

/// Receives more of the next request. False: the connection has ended between two requests.
async fn more(shard: &Shard, conn: &mut Conn) -> Result<bool, Gone> {
    let config = shard.config();
    let limits = &config.limits;
    let between = conn.is_between();
    if between && shard.draining.get() {
        return Ok(false);
    }
    conn.input.drain(..conn.at);
    conn.at = 0;
    if between {
        conn.line.due(rt::turn_ms() + limits.idle.as_millis() as u64, Waits::Idle);
    } else {
        if conn.input.capacity() - conn.input.len() < RECV_BYTES / 2 {
            conn.input.reserve(REQUEST_HEAD_BYTES_MAX);
        }
        if conn.head_due_ms == 0 {
            conn.head_due_ms = rt::turn_ms() + limits.header.as_millis() as u64;
        }
        conn.line.due(conn.head_due_ms, Waits::Head);
    }
    let received = if between { receive_idle(conn).await } else { receive(conn).await };
    conn.line.not_due();
    match received {
        Ok(0) | Err(Gone) if conn.line.is_overdue() && !between => {
            refuse::unparsed(shard, conn, Refusal::RequestTimeout);
            flush(shard, conn).await?;
            Ok(false)
        }
        Ok(count) => Ok(count > 0),
        Err(Gone) if between => Ok(false),
        Err(Gone) => Err(Gone),
    }
}

/// Waits for the next request; the connection holds no buffers meanwhile.
async fn receive_idle(conn: &mut Conn) -> Result<usize, Gone> {
    rt::give_back(std::mem::take(&mut conn.input));
    rt::give_back(std::mem::take(&mut conn.out));
    let (result, input) = conn.line.stream.recv_idle().await;
    conn.input = input;
    result.map_err(|_| Gone)
}

pub(crate) async fn receive(conn: &mut Conn) -> Result<usize, Gone> {
    let input = std::mem::take(&mut conn.input);
    let (result, input) = conn.line.stream.recv(input).await;
    conn.input = input;
    result.map_err(|_| Gone)
}

/// Closes without losing the answer: bytes still unread would make the kernel reset the connection.
async fn linger(shard: &Shard, conn: &mut Conn) {
    /// Longest wait for the client to close, and most bytes read meanwhile.
    const LINGER_MS: u64 = 1_000;
    const LINGER_BYTES: usize = 256 * 1024;
    conn.line.due(rt::now() + LINGER_MS, Waits::Busy);
    conn.line.stream.finish().await;
    let mut left = LINGER_BYTES;
    while left > 0 && !shard.draining.get() {
        conn.input.clear();
        conn.input.reserve(RECV_BYTES);
        match receive(conn).await {
            Ok(0) | Err(Gone) => return,
            Ok(count) => left = left.saturating_sub(count),
        }
    }
}

impl Shard {
    /// Writes the access record of an answered request.
    pub(crate) fn record(&self, conn: &Conn, asked: &Asked, status: u16, cache: &'static str, refusal: &'static str) {
        let mut access = self.access.borrow_mut();
        if !access.wants() {
            return;
        }
        let lost = access.push(&Record {
            time_ms: asked.now_ms,
            peer: conn.peer,
            version: asked.request.version,
            method: asked.request.method_word.of_buffer(&asked.head),
            target: asked.name(),
            status,
            cache,
            refusal,
            bytes: conn.answered,
            micros: u64::try_from(asked.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            token: asked.token_in_path,
            trace: trace(&asked.head),
            cut: conn.cut,
            cmcd: &asked.cmcd.as_ref().map(|cmcd| cmcd.to_json()).unwrap_or_default(),
        });
        self.counters.log_lost.add(lost);
    }
}

impl Conn {
    /// Of `peer`, who has not said anything yet.
    pub(crate) fn new(line: Listed, peer: SocketAddr) -> Conn {
        Conn {
            line,
            peer,
            proxy: None,
            input: Vec::new(),
            at: 0,
            out: Vec::new(),
            answered: 0,
            head_due_ms: 0,
            asked: (rt::turn_began(), 0),
            cut: false,
            hsts: None,
            seat: None,
            came_ms: 0,
            goes_to: None,
        }
    }

    /// Whether nothing of another request has come.
    fn is_between(&self) -> bool {
        self.at == self.input.len()
    }

    /// Its clients are told to keep to TLS, where that is configured.
    pub(crate) fn only_tls(&mut self, shard: &Shard) {
        self.hsts = shard.config().https.as_ref().and_then(|https| https.hsts.as_deref()).map(Rc::from);
    }

    /// Books how long the requests took whose answers have been sent: those that came together count alike, by one look at the clock.
    fn book(&mut self, shard: &Shard) {
        let (began, count) = (self.asked.0, std::mem::take(&mut self.asked.1));
        if count > 0 {
            shard.counters.took.add(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX), count);
        }
    }

    /// Whether the connection ends after the answer to `asked`.
    pub(crate) fn after(&self, shard: &Shard, request: &Request) -> After {
        if request.close || shard.draining.get() || shard.leaving.get() { After::Close } else { After::Keep }
    }
}

/// Whether the answer has a body on the wire.
pub(crate) fn sends_body(request: &Request) -> bool {
    request.method != Method::Head
}
