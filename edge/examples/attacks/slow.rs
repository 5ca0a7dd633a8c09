//! Thousands of clients that are slow on purpose: with their heads, or with taking answers.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use super::good;
use super::target::{Process, Target};

/// What the good client asks for a second.
const PER_SECOND: u64 = 1_000;
/// One byte of each head, and one look at each answer, in such a time.
const ROUND: Duration = Duration::from_secs(1);

/// Runs `each` of both kinds for `seconds`, after as long a time of quiet.
pub fn table(seconds: u64, each: u64) {
    let target = Target::start();
    good::asks(target.http, PER_SECOND, 1);
    let (calm, kernel) = (target.resident(), kernel_bytes());
    let quiet = good::asks(target.http, PER_SECOND, seconds);
    let attackers = Process::start(1, true, &["drip", &target.http.to_string(), &each.to_string()]);
    let until = Instant::now() + Duration::from_secs(60);
    while target.number("connections{") < each * 2 {
        assert!(Instant::now() < until, "{} connections are there", target.number("connections{"));
        std::thread::sleep(Duration::from_millis(100));
    }
    let during = good::asks(target.http, PER_SECOND, seconds);
    let resident = target.resident();
    println!(
        "{each} heads that drip in and {each} answers that nobody takes, {} connections at the end, {seconds} s",
        target.number("connections{")
    );
    for (name, seen) in [("quiet", quiet), ("during", during)] {
        let rate = seen.answers / seconds;
        println!(
            "{name}: {rate} of {PER_SECOND} good requests a second, {} failed, median {} us, p99 {} us, longest {} us",
            seen.failed, seen.p50_us, seen.p99_us, seen.longest_us
        );
    }
    println!(
        "cut by their limits: {} heads, {} readers; resident {:.1} MB, {:+.1} MB; the kernel's TCP buffers {:+.0} MB",
        target.number("refusals_total{shard=\"0\",reason=\"request-timeout\"}"),
        target.number("slow_readers_total"),
        resident as f64 / 1e6,
        (resident as f64 - calm as f64) / 1e6,
        (kernel_bytes() as f64 - kernel as f64) / 1e6,
    );
    drop(attackers);
}

/// What all TCP sockets of this system hold.
fn kernel_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("TCP:")).unwrap_or_default();
    line.split(" mem ").nth(1).and_then(|n| n.trim().parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// Slow clients, `each` of both kinds, for ever: who is cut comes back.
pub fn attack(at: SocketAddr, each: usize) {
    let mut heads: Vec<Option<TcpStream>> = (0..each).map(|_| None).collect();
    let mut readers: Vec<Option<TcpStream>> = (0..each).map(|_| None).collect();
    loop {
        let began = Instant::now();
        for slot in &mut heads {
            let goes_on = slot.as_mut().is_some_and(|stream| drip(stream).is_ok());
            if !goes_on {
                *slot = connect(at, b"GET / HTTP/1.1\r\nHost: e\r\nX-Slow: ").ok();
            }
        }
        for slot in &mut readers {
            let goes_on = slot.as_mut().is_some_and(|stream| sip(stream).is_ok());
            if !goes_on {
                *slot = connect(at, b"GET /large HTTP/1.1\r\nHost: e\r\n\r\n").ok();
            }
        }
        std::thread::sleep(ROUND.saturating_sub(began.elapsed()));
    }
}

/// A connection with little room for what it is sent, which has said `first`.
fn connect(at: SocketAddr, first: &[u8]) -> std::io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, None)?;
    socket.set_recv_buffer_size(4096)?;
    // Who is cut leaves no port behind.
    socket.set_linger(Some(Duration::ZERO))?;
    socket.connect(&at.into())?;
    let mut stream = TcpStream::from(socket);
    stream.write_all(first)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// One byte more of a head.
fn drip(stream: &mut TcpStream) -> std::io::Result<()> {
    // The refusal, or the end.
    if !matches!(stream.read(&mut [0; 1024]), Err(e) if e.kind() == ErrorKind::WouldBlock) {
        return Err(ErrorKind::ConnectionAborted.into());
    }
    stream.write_all(b"y")
}

/// One byte of an answer.
fn sip(stream: &mut TcpStream) -> std::io::Result<()> {
    match stream.read(&mut [0; 1]) {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(()),
        result => result.map(drop),
    }
}
