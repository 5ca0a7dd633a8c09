//! A running `streamgate edge` with its configuration file, and an origin that answers at once.

use crate::program::{PATIENCE, streamgate};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// The program; killed when the test is over.
pub struct EdgeProgram {
    child: Child,
    /// Where clients connect.
    pub at: SocketAddr,
    /// Where its admin API listens, if it does.
    pub admin: SocketAddr,
    lines: Receiver<Value>,
}

impl EdgeProgram {
    /// Starts an edge and waits until it serves.
    pub fn start(config: &Path) -> Self {
        let mut child = streamgate()
            .args(["edge", "--config"])
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let output = BufReader::new(child.stderr.take().expect("piped")).lines();
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.map_while(Result::ok) {
                eprintln!("{line}");
                let _ = tell.send(serde_json::from_str(&line).unwrap_or_default());
            }
        });
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut program = Self { child, at: nowhere, admin: nowhere, lines };
        let up = program.says("edge is up");
        let address = |field: &str| up[field].as_str().and_then(|at| at.parse().ok());
        program.at = address("listen").expect("an address");
        program.admin = address("admin").unwrap_or(nowhere);
        program
    }

    /// Waits for the log line with this message; returns its fields.
    pub fn says(&self, message: &str) -> Value {
        let begun = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("it never said: {message}"));
            if line["fields"]["message"].as_str().is_some_and(|said| said.starts_with(message)) {
                return line["fields"].clone();
            }
        }
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits until the process has ended by itself; whether with success.
    pub fn ends(&mut self, within: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < within {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it is still running after {within:?}");
    }
}

impl Drop for EdgeProgram {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An origin that answers every GET with `body`, for an hour; it ends with the test's process.
pub fn origin(body: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream, body));
        }
    });
    at
}

fn answer(stream: TcpStream, body: &[u8]) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let head = format!("HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nContent-Length: {}\r\n\r\n", body.len());
    for line in BufReader::new(stream).lines() {
        if line?.is_empty() {
            out.write_all(head.as_bytes())?;
            out.write_all(body)?;
        }
    }
    Ok(())
}

/// A client's connection.
pub struct Client(BufReader<TcpStream>, String);

impl Client {
    pub fn connect(at: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(at)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream), String::new()))
    }

    /// Asks, and reads the whole answer: its status, its body, and whether the connection goes on.
    pub fn get(&mut self, target: &str) -> std::io::Result<(u16, Vec<u8>, bool)> {
        self.ask(target)?;
        let (status, length, goes_on) = self.head()?;
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok((status, body, goes_on))
    }

    /// As [`Self::get`], with the head in small letters before the body.
    pub fn get_with_head(&mut self, target: &str) -> std::io::Result<(u16, String, bool)> {
        let (status, body, goes_on) = self.get(target)?;
        Ok((status, format!("{}\n{}", self.1, String::from_utf8_lossy(&body)), goes_on))
    }

    pub fn ask(&mut self, target: &str) -> std::io::Result<()> {
        self.0.get_mut().write_all(format!("GET {target} HTTP/1.1\r\nHost: edge\r\n\r\n").as_bytes())
    }

    /// Reads some of a body.
    pub fn read(&mut self, bytes: usize) -> std::io::Result<Vec<u8>> {
        let mut body = vec![0; bytes];
        self.0.read_exact(&mut body)?;
        Ok(body)
    }

    /// Status, length, and whether the connection goes on.
    pub fn head(&mut self) -> std::io::Result<(u16, usize, bool)> {
        let (mut status, mut length, mut goes_on) = (0, 0, true);
        self.1.clear();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_ascii_lowercase();
            self.1.push_str(&line);
            self.1.push('\n');
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest.get(..3).and_then(|digits| digits.parse().ok()).unwrap_or(0);
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap_or(0);
            }
            goes_on &= line != "connection: close";
            if line.is_empty() {
                return Ok((status, length, goes_on));
            }
        }
    }
}
