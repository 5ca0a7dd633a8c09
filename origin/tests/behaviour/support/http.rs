//! HTTP/1.1 by hand: one request a connection.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Status and code of a problem document.
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status);
        assert!(json["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "a sentence: {json}");
        (self.status, json["code"].as_str().unwrap().to_owned())
    }
}

pub async fn request(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let length = body.len().to_string();
    let mut all = headers.to_vec();
    all.push(("content-length", &length));
    let mut stream = send_head(to, method, path, &all).await;
    // A server that refuses early may not read all of it.
    let _ = stream.write_all(body).await;
    read_answer(stream, method).await
}

/// The same to a host whose name matters.
pub async fn request_as(
    to: SocketAddr,
    host: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let length = body.len().to_string();
    let mut all = headers.to_vec();
    all.push(("content-length", &length));
    let mut stream = send_head_as(to, host, method, path, &all).await;
    stream.write_all(body).await.unwrap();
    read_answer(stream, method).await
}

/// Opens a connection and sends a request's head.
pub async fn send_head(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> TcpStream {
    send_head_as(to, "origin", method, path, headers).await
}

async fn send_head_as(to: SocketAddr, host: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> TcpStream {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Reads to the end of the connection.
pub async fn read_answer(mut stream: TcpStream, method: &str) -> Answer {
    let mut bytes = Vec::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        match stream.read(&mut piece).await {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(&piece[..n]),
            // An early refusal may be followed by a reset, since part of the body was never read.
            Err(_) if !bytes.is_empty() => break,
            Err(error) => panic!("no answer: {error}"),
        }
    }
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head") + 4;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n").filter(|line| !line.is_empty());
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: BTreeMap<String, String> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let body = bytes[end..].to_vec();
    assert!(!headers.contains_key("transfer-encoding"), "every answer has a length: {headers:?}");
    if method != "HEAD" && status != 304 && status != 204 {
        assert_eq!(headers["content-length"], body.len().to_string(), "{headers:?}");
    } else {
        assert_eq!(body, b"", "no body");
    }
    Answer { status, headers, body }
}
