//! An object to a client: whole, a range, or only the news that its copy is current; as it is, or as it arrives.

use std::rc::Rc;
use std::sync::Arc;

use cache::{Chunk, Next, State};

use crate::flow::After;
use crate::flow::accept::{Asked, Conn, Gone, flush, sends_body, taken, write_ms};
use crate::flow::compress;
use crate::flow::head::{Shape, write_head};
use crate::flow::multipart::Multipart;
use crate::flow::refuse;
use crate::flow::slices::{Lost, Slices};
use crate::http::conditional;
use crate::http::range::{self, Part};
use crate::http::request::{Method, Version};
use crate::limits::{COPY_BODY_BYTES_MAX, COPY_WAITED_BYTES_MAX, OUT_BYTES, SEND_BYTES_MAX};
use crate::media::{cmsd, hls};
use crate::refusal::Refusal;
use crate::rt::{self, Piece};
use crate::shard::Shard;
use crate::shard::line::Waits;
use crate::shard::mail::How;
use crate::stored::{Object, Reader, Stored, length_of};

/// Answers `asked` with `object`. `Ok(None)`: its body cannot be had any more, and nothing has been sent.
pub(crate) async fn object(
    shard: &Rc<Shard>,
    conn: &mut Conn,
    asked: &Asked,
    object: Arc<Object>,
    first: Option<Arc<Chunk>>,
    how: How,
) -> Result<Option<After>, Gone> {
    let request = &asked.request;
    let stored = &object.meta;
    stored.asked(&shard.counters);
    let age = stored.freshness.map(|f| f.age(asked.now_ms));
    let marks = asked.fellow.is_trusted;
    let length = length_of(&object);
    let cmsd = cmsd(shard, conn, &object, asked.name());
    let whole_answer = stored.status == 200 && !matches!(how, How::PassMethod | How::PassKnown);
    if whole_answer && is_current(stored, asked) {
        let shape = Shape { status: Some(304), age, marks, cmsd, ..Shape::whole(how) };
        return Ok(Some(head_only(shard, conn, asked, stored, &shape)));
    }
    let mut shape = Shape { length: length.filter(|_| stored.has_body()), age, marks, cmsd, ..Shape::whole(how) };
    let mut parts = vec![Part { from: 0, to: length.unwrap_or(u64::MAX) }];
    let mut multipart = None;
    if let (true, Some(total), Some(wanted)) = (whole_answer, length, wanted_ranges(&object, asked)) {
        parts = range::resolve(&wanted, total);
        match parts[..] {
            [] => {
                shard.counters.refused(Refusal::Range);
                let shape = Shape { status: Some(416), length: Some(0), range: Some((None, total)), ..shape };
                return Ok(Some(head_only(shard, conn, asked, stored, &shape)));
            }
            [part] => {
                let length = Some(part.to - part.from);
                shape = Shape { status: Some(206), length, range: Some((Some(part), total)), ..shape };
            }
            _ => {
                let layout = Multipart::new(stored, total, shard.seed.key(&asked.now_ms.to_le_bytes()).0);
                let length = Some(layout.length(&parts));
                shape = Shape { status: Some(206), length, fields: Some(layout.fields(stored)), ..shape };
                multipart = Some(layout);
            }
        }
    }
    let mut after = conn.after(shard, request);
    if !sends_body(request) || !stored.has_body() {
        count(shard, how);
        if stored.freshness.is_none() {
            // An origin's answer to HEAD has a length and no body.
            shape.length = stored.told_length;
        }
        write_head(&mut conn.out, &conn.hsts, stored, &shape, request, after);
        shard.record(conn, asked, shape.status.unwrap_or(stored.status), how.word(), "");
        return Ok(Some(after));
    }
    if length.is_none() {
        match request.version {
            Version::Http10 => after = After::Close,
            Version::Http11 => shape.chunked = true,
            // Frames say where it ends.
            Version::Http2 => {}
        }
    }
    let mut source = Source { shard, asked, object: object.clone(), first, begun: None };
    match source.begin(parts[0]).await {
        Ok(()) => {}
        Err(Lost::Changed) => return Ok(None),
        Err(Lost::Refused(refusal)) => return Ok(Some(refuse::send(shard, conn, asked, refusal))),
    }
    count(shard, how);
    let before = conn.out.len();
    write_head(&mut conn.out, &conn.hsts, stored, &shape, request, after);
    conn.answered = (conn.out.len() - before) as u64;
    let status = shape.status.unwrap_or(stored.status);
    let sent = source.send(conn, &parts, multipart.as_ref(), shape.chunked).await;
    drop(source);
    if let (Ok(()), Some(body)) = (&sent, object.single().filter(|_| hls::is_named(asked.name()))) {
        shard.playlists.borrow_mut().seen(asked.name(), &compress::plain(stored, body).unwrap_or_default());
    }
    conn.cut = sent.is_err();
    shard.record(conn, asked, status, how.word(), "");
    sent.map(|()| Some(after))
}

/// What is said of a media object, where that is wanted.
pub(crate) fn cmsd(shard: &Shard, conn: &Conn, object: &Object, name: &[u8]) -> Vec<u8> {
    if !shard.config().cmsd || object.meta.status != 200 {
        return Vec::new();
    }
    let body = object.single().and_then(|body| compress::plain(&object.meta, body));
    cmsd::lines(&object.meta, name, body.as_deref(), &shard.config().upstream.cdn_id, conn.line.stream.path().into())
}

/// Where the bytes of an answer come from: the object's own run, or the slices of which it is the head.
struct Source<'a> {
    shard: &'a Rc<Shard>,
    asked: &'a Asked,
    object: Arc<Object>,
    first: Option<Arc<Chunk>>,
    /// The slices of the first part, and the first reader of them: had before the head is sent, so that it can still be another.
    begun: Option<(Slices<'a>, Reader)>,
}

impl<'a> Source<'a> {
    async fn begin(&mut self, part: Part) -> Result<(), Lost> {
        let Some(sliced) = self.object.meta.sliced else { return Ok(()) };
        let mut slices = Slices::new(self.shard, self.asked, self.object.clone(), sliced, part);
        self.begun = Box::pin(slices.next()).await?.map(|reader| (slices, reader));
        Ok(())
    }

    async fn send(
        &mut self,
        conn: &mut Conn,
        parts: &[Part],
        multipart: Option<&Multipart>,
        chunked: bool,
    ) -> Result<(), Gone> {
        for part in parts {
            if let Some(layout) = multipart {
                put_made(self.shard, conn, &layout.before(*part)).await?;
            }
            match self.object.meta.sliced {
                None => {
                    let reader = Reader::new(self.object.clone(), self.first.clone(), part.from, part.to);
                    self.read(conn, reader, chunked).await?;
                }
                Some(sliced) => {
                    let (mut slices, reader) = match self.begun.take() {
                        Some((slices, reader)) => (slices, Some(reader)),
                        None => (Slices::new(self.shard, self.asked, self.object.clone(), sliced, *part), None),
                    };
                    let mut next = reader;
                    loop {
                        if let Some(reader) = next {
                            self.read(conn, reader, false).await?;
                        }
                        // What cannot be had any more is told by cutting the connection.
                        // Boxed: it asks as a request does, and few bodies are kept by slice.
                        next = match Box::pin(slices.next()).await {
                            Ok(Some(reader)) => Some(reader),
                            Ok(None) => break,
                            Err(_) => {
                                flush(self.shard, conn).await?;
                                return Err(Gone);
                            }
                        };
                    }
                }
            }
        }
        if let Some(layout) = multipart {
            put_made(self.shard, conn, &layout.after()).await?;
        }
        Ok(())
    }

    async fn read(&mut self, conn: &mut Conn, reader: Reader, chunked: bool) -> Result<(), Gone> {
        // Who reads what is not kept must not hold its beginning.
        self.first = None;
        let mut watched = Watched { shard: self.shard, reader: Some(reader) };
        match &mut watched.reader {
            Some(reader) => body(self.shard, conn, reader, chunked).await,
            None => Ok(()),
        }
    }
}

/// A reader whose end is told to a fill that waits for it.
struct Watched<'a> {
    shard: &'a Rc<Shard>,
    reader: Option<Reader>,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        let Some(reader) = self.reader.take() else { return };
        let object = reader.object().clone();
        // The chunks must be let go of before the fill counts them.
        drop(reader);
        if object.is_throttled() {
            self.shard.ring(&object.room);
        }
    }
}

fn head_only(shard: &Shard, conn: &mut Conn, asked: &Asked, stored: &Stored, shape: &Shape) -> After {
    let after = conn.after(shard, &asked.request);
    let before = conn.out.len();
    write_head(&mut conn.out, &conn.hsts, stored, shape, &asked.request, after);
    conn.answered = (conn.out.len() - before) as u64;
    shard.record(conn, asked, shape.status.unwrap_or(stored.status), shape.how.word(), "");
    after
}

fn is_current(stored: &Stored, asked: &Asked) -> bool {
    let request = &asked.request;
    conditional::is_current(
        stored.validators(),
        asked.field(request.if_none_match),
        asked.field(request.if_modified_since),
    )
}

/// The ranges to honour, if there are any and If-Range allows it. Several only of what is whole or kept by slice: a run that passes by
/// is read once.
fn wanted_ranges(object: &Object, asked: &Asked) -> Option<Vec<range::Asked>> {
    let request = &asked.request;
    if request.method != Method::Get {
        return None;
    }
    let validators = object.meta.validators();
    let wanted = range::parse(asked.field(request.range)?)?;
    let allowed = asked.field(request.if_range).is_none_or(|tag| conditional::allows_range(validators, tag));
    (allowed && (wanted.len() == 1 || object.is_here())).then_some(wanted)
}

fn count(shard: &Shard, how: How) {
    let counters = &shard.counters;
    match how {
        How::Hit => &counters.hits,
        How::DiskHit => &counters.disk_hits,
        How::Stale | How::StaleWanted => &counters.stale_hits,
        How::StaleOnError => &counters.stale_on_error,
        How::Miss | How::MissVariant | How::MissUnkept | How::Replaced | How::ReplacedOnRequest => &counters.misses,
        How::Joined => &counters.joins,
        How::Revalidated | How::ConfirmedOnRequest => &counters.revalidated,
        How::PassMethod | How::PassKnown => &counters.passes,
    }
    .add(1);
}

/// Sends the body as far as it is here, and waits for more of it. A head goes alone only when its body does not follow at once: what came in one
/// packet from the origin leaves in one send.
async fn body(shard: &Rc<Shard>, conn: &mut Conn, reader: &mut Reader, chunked: bool) -> Result<(), Gone> {
    if reader.object().arrived() == 0 && reader.object().state() == State::Filling {
        rt::pause().await;
    }
    loop {
        let seen = reader.object().arrived();
        let mut pieces = Vec::new();
        let mut gathered = 0;
        let end = loop {
            if gathered >= SEND_BYTES_MAX {
                break None;
            }
            match reader.next(SEND_BYTES_MAX - gathered) {
                Next::Ready(slice) => {
                    gathered += slice.len();
                    pieces.push(slice);
                }
                end => break Some(end),
            }
        };
        let ended = matches!(end, Some(Next::End));
        if gathered > 0 {
            // What is waited for leaves at once: by reference, as a crowd may wait for the same bytes.
            let waits = matches!(end, Some(Next::Wait));
            let copied_max = if waits { COPY_WAITED_BYTES_MAX } else { COPY_BODY_BYTES_MAX };
            put(shard, conn, pieces, gathered, Framed { chunked, ended, copied_max }).await?;
            room_made(shard, reader);
        } else if ended && chunked {
            conn.out.extend_from_slice(b"0\r\n\r\n");
        }
        match end {
            None => {}
            Some(Next::End) => return Ok(()),
            Some(Next::Broken) => {
                // What is here has been sent; the missing rest is told by cutting the connection.
                flush(shard, conn).await?;
                return Err(Gone);
            }
            Some(Next::Wait | Next::Ready(_)) => {
                flush(shard, conn).await?;
                room_made(shard, reader);
                let object = reader.object().clone();
                shard.listen(&object.bell, || object.arrived() != seen || object.state() != State::Filling).await;
            }
        }
    }
}

/// How a piece of a body is written.
struct Framed {
    chunked: bool,
    /// It is the last.
    ended: bool,
    /// Up to so many bytes are copied behind what waits in `out`.
    copied_max: usize,
}

/// Sends slices behind what waits in `out`; small ones are copied there instead, to leave with the next answers.
async fn put(
    shard: &Shard,
    conn: &mut Conn,
    slices: Vec<cache::Slice>,
    bytes: usize,
    framed: Framed,
) -> Result<(), Gone> {
    let Framed { chunked, ended, copied_max } = framed;
    if chunked {
        conn.out.extend_from_slice(format!("{bytes:x}\r\n").as_bytes());
    }
    let tail: &[u8] = match (chunked, ended) {
        (false, _) => b"",
        (true, false) => b"\r\n",
        (true, true) => b"\r\n0\r\n\r\n",
    };
    conn.answered += bytes as u64;
    if bytes <= copied_max {
        for slice in &slices {
            conn.out.extend_from_slice(slice.as_ref());
        }
        conn.out.extend_from_slice(tail);
        return Ok(());
    }
    let total = (conn.out.len() + bytes + tail.len()) as u64;
    let mut pieces = Vec::with_capacity(slices.len() + 2);
    pieces.push(Piece::Made(std::mem::take(&mut conn.out)));
    pieces.extend(slices.into_iter().map(Piece::Body));
    if !tail.is_empty() {
        pieces.push(Piece::Fixed(tail.into()));
    }
    send_pieces(shard, conn, pieces, total).await
}

/// Sends `pieces`, `total` bytes in all, the first of which is what was waiting in `out`.
pub(crate) async fn send_pieces(shard: &Shard, conn: &mut Conn, pieces: Vec<Piece>, total: u64) -> Result<(), Gone> {
    conn.line.due(rt::turn_ms() + write_ms(shard, total), Waits::Busy);
    let (result, made) = conn.line.stream.sendv(pieces).await;
    conn.line.not_due();
    conn.out = made.unwrap_or_default();
    conn.out.clear();
    shard.counters.bytes_out.add(total);
    taken(shard, conn, result)
}

/// Sends what was made for this answer alone, with what waits.
async fn put_made(shard: &Shard, conn: &mut Conn, made: &[u8]) -> Result<(), Gone> {
    conn.out.extend_from_slice(made);
    conn.answered += made.len() as u64;
    if conn.out.len() >= OUT_BYTES { flush(shard, conn).await } else { Ok(()) }
}

fn room_made(shard: &Rc<Shard>, reader: &Reader) {
    if reader.object().is_throttled() {
        shard.ring(&reader.object().room);
    }
}
