//! The origin behind both caches: answers every path with as many bytes as it names, and counts how often it was asked.

use anyhow::Result;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Largest body it makes.
const BODY_BYTES_MAX: usize = 64 << 20;

/// A listening origin; it lives as long as the program.
pub struct Upstream {
    address: SocketAddr,
    requests: Arc<AtomicU64>,
}

impl Upstream {
    /// Listens on a free port of the loopback.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let requests = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || answer(&stream, &counter));
            }
        });
        Ok(Self { address, requests })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests answered so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// Answers requests on one connection until it ends. `/<bytes>/<name>`: that many bytes, cacheable for an hour.
fn answer(stream: &TcpStream, requests: &AtomicU64) -> Option<()> {
    let mut lines = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut first = String::new();
        if lines.read_line(&mut first).ok()? == 0 {
            return None;
        }
        let mut header = first.clone();
        while header.trim_end() != "" {
            header.clear();
            lines.read_line(&mut header).ok()?;
        }
        let length = body_bytes(&first)?;
        requests.fetch_add(1, Ordering::Relaxed);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\n\
             Cache-Control: public, max-age=3600\r\nETag: \"{length}\"\r\n\r\n"
        );
        writer.write_all(head.as_bytes()).ok()?;
        writer.write_all(&vec![b'x'; length]).ok()?;
    }
}

fn body_bytes(request_line: &str) -> Option<usize> {
    let path = request_line.split(' ').nth(1)?;
    path.split('/').nth(1)?.parse().ok().filter(|&bytes| bytes <= BODY_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_says_how_long_the_body_is() {
        assert_eq!(body_bytes("GET /1024/a HTTP/1.1\r\n"), Some(1024));
        assert_eq!(body_bytes("GET /99999999999/a HTTP/1.1\r\n"), None);
        assert_eq!(body_bytes("GET / HTTP/1.1\r\n"), None);
    }
}
