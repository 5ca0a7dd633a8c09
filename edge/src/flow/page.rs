//! Pages that are part of the program: served from memory, before anything is asked of the cache.

use std::rc::Rc;
use std::sync::Arc;

use crate::config::Page;
use crate::flow::After;
use crate::flow::accept::{Asked, Conn, Gone, sends_body};
use crate::flow::head::end;
use crate::flow::send::send_pieces;
use crate::http::conditional::{Validators, is_current};
use crate::http::request::{Framing, Method};
use crate::http::target;
use crate::limits::COPY_BODY_BYTES_MAX;
use crate::rt::Piece;
use crate::shard::Shard;
use crate::stored::{push_number, status_line};

/// A page with its entity tag, ready to be sent.
pub(crate) struct Ready {
    pub(crate) path: Box<[u8]>,
    head: Box<[u8]>,
    etag: Box<[u8]>,
    body: Arc<[u8]>,
}

/// Makes pages ready: tags are hashes of their bytes.
pub(crate) fn ready(pages: &[Page]) -> Arc<[Ready]> {
    pages
        .iter()
        .map(|page| {
            let etag = format!("\"{:032x}\"", xxhash_rust::xxh3::xxh3_128(page.body));
            let head = format!(
                "Content-Type: {}\r\nETag: {etag}\r\nCache-Control: no-cache\r\nAccess-Control-Allow-Origin: *\r\n\
                 X-Content-Type-Options: nosniff\r\n",
                page.content_type
            );
            Ready {
                path: page.path.as_bytes().into(),
                head: head.into_bytes().into(),
                etag: etag.into_bytes().into(),
                body: page.body.into(),
            }
        })
        .collect()
}

/// The page a request is for.
pub(crate) fn find(shard: &Shard, asked: &Asked) -> Option<usize> {
    let is_read = matches!(asked.request.method, Method::Get | Method::Head) && asked.request.framing == Framing::None;
    if !is_read || asked.token_in_path {
        return None;
    }
    let path = target::path(asked.name());
    shard.pages.iter().position(|page| *page.path == *path)
}

/// Sends page number `page`. A large one is not copied: a client that takes nothing would have memory for each request that it makes.
pub(crate) async fn send(shard: &Rc<Shard>, conn: &mut Conn, asked: &Asked, page: usize) -> Result<After, Gone> {
    let page = &shard.pages[page];
    let request = &asked.request;
    shard.counters.pages.add(1);
    let validators = Validators { etag: Some(&page.etag), ..Validators::default() };
    let current = is_current(validators, asked.field(request.if_none_match), None);
    let status = if current { 304 } else { 200 };
    let after = conn.after(shard, request);
    let out = &mut conn.out;
    let before = out.len();
    status_line(out, status);
    out.extend_from_slice(&page.head);
    out.extend_from_slice(b"Date: ");
    out.extend_from_slice(&shard.date(asked.now_ms));
    out.extend_from_slice(b"\r\n");
    if !current {
        out.extend_from_slice(b"Content-Length: ");
        push_number(out, page.body.len() as u64);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"Cache-Status: streamgate; hit; detail=page");
    end(&mut conn.out, &conn.hsts, request, after);
    conn.answered = (conn.out.len() - before) as u64;
    let mut sent = Ok(());
    if !current && sends_body(request) {
        conn.answered += page.body.len() as u64;
        if page.body.len() <= COPY_BODY_BYTES_MAX {
            conn.out.extend_from_slice(&page.body);
        } else {
            let total = (conn.out.len() + page.body.len()) as u64;
            let pieces = vec![Piece::Made(std::mem::take(&mut conn.out)), Piece::Fixed(page.body.clone())];
            sent = send_pieces(shard, conn, pieces, total).await;
            conn.cut = sent.is_err();
        }
    }
    shard.record(conn, asked, status, "page", "");
    sent.map(|()| after)
}
