//! One connection of HTTP/1.1, kept, with lengths alone: what our own client and our own server need here, and nothing that a stranger sends.

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// A connection, and what was read of the next message.
pub struct Line {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Line {
    pub fn of(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, bytes: Vec::new() })
    }

    pub async fn send(&mut self, text: &str) -> Result<()> {
        Ok(self.stream.write_all(text.as_bytes()).await?)
    }

    /// The next message: its first line, and its body.
    pub async fn message(&mut self) -> Result<(String, Vec<u8>)> {
        loop {
            if let Some(end) = self.bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = std::str::from_utf8(&self.bytes[..end])?.to_owned();
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
                });
                let length = length.transpose()?.unwrap_or(0);
                ensure!(length <= MESSAGE_BYTES_MAX, "a message of {length} bytes");
                if self.bytes.len() >= end + 4 + length {
                    let rest = self.bytes.split_off(end + 4 + length);
                    let body = std::mem::replace(&mut self.bytes, rest).split_off(end + 4);
                    return Ok((head.lines().next().unwrap_or_default().to_owned(), body));
                }
            }
            let read = self.stream.read_buf(&mut self.bytes).await?;
            ensure!(read > 0, "the connection was closed");
        }
    }

    /// Asks the API, and answers status and body.
    pub async fn ask(&mut self, method: &str, path: &str, token: &str, body: &str) -> Result<(u16, serde_json::Value)> {
        let authorization = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: bench.example\r\n{authorization}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.send(&(head + body)).await?;
        let (status, body) = self.message().await?;
        let status = status.split(' ').nth(1).context("no status")?.parse()?;
        Ok((status, if body.is_empty() { serde_json::Value::Null } else { serde_json::from_slice(&body)? }))
    }

    /// The same, which must succeed.
    pub async fn asked(&mut self, method: &str, path: &str, token: &str, body: &str) -> Result<serde_json::Value> {
        let (status, value) = self.ask(method, path, token, body).await?;
        ensure!(status < 300, "{method} {path}: {status} {value}");
        Ok(value)
    }
}
