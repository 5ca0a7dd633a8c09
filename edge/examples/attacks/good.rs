//! The good client: asks for 1 KiB at a fixed rate, on 16 connections, and counts from when each request was due.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::target::Process;

const CONNECTIONS: usize = 16;
const BODY: usize = 1024;
/// What can be answered before the first figure counts.
const WARM: Duration = Duration::from_millis(300);

/// What it saw.
#[derive(Clone, Copy, Default, Debug)]
pub struct Seen {
    pub answers: u64,
    pub failed: u64,
    pub p50_us: u64,
    pub p99_us: u64,
    pub longest_us: u64,
}

/// Runs it for `seconds` in a process on core 1.
pub fn asks(at: SocketAddr, per_second: u64, seconds: u64) -> Seen {
    let args = [&at.to_string()[..], &per_second.to_string(), &seconds.to_string()];
    let said = Process::start(1, false, &[&["good"], &args[..]].concat()).said();
    let numbers: Vec<u64> = said.split_whitespace().map(|n| n.parse().expect("a number")).collect();
    let [answers, failed, p50_us, p99_us, longest_us] = numbers[..] else { panic!("it said {said:?}") };
    Seen { answers, failed, p50_us, p99_us, longest_us }
}

/// The process itself.
pub fn main(at: SocketAddr, per_second: u64, seconds: u64) {
    let step = Duration::from_nanos(1_000_000_000 / per_second);
    let began = Instant::now();
    let clients: Vec<_> =
        (0..CONNECTIONS).map(|n| std::thread::spawn(move || client(at, n, began, step, seconds))).collect();
    let (mut times, mut failed) = (Vec::new(), 0);
    for client in clients {
        let (mine, failures) = client.join().expect("no panic");
        times.extend(mine);
        failed += failures;
    }
    times.sort_unstable();
    let share = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
    println!("{} {failed} {} {} {}", times.len(), share(50), share(99), share(100));
}

/// One connection: its part of the requests, each when it is due or as soon as the one before it is answered. Microseconds, and failures.
fn client(at: SocketAddr, n: usize, began: Instant, step: Duration, seconds: u64) -> (Vec<u64>, u64) {
    let connect = || {
        let stream = TcpStream::connect(at).expect("the edge accepts");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
        stream
    };
    let (mut stream, mut times, mut failed) = (connect(), Vec::new(), 0);
    for turn in (n as u32..).step_by(CONNECTIONS) {
        let due = began + step * turn;
        if due >= began + WARM + Duration::from_secs(seconds) {
            break;
        }
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        match get(&mut stream) {
            Ok(()) if due >= began + WARM => times.push(due.elapsed().as_micros() as u64),
            Ok(()) => {}
            Err(_) => {
                failed += 1;
                stream = connect();
            }
        }
    }
    (times, failed)
}

fn get(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: e\r\n\r\n")?;
    let (mut buffer, mut here) = ([0; 4096], 0);
    loop {
        let count = stream.read(&mut buffer[here..])?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        here += count;
        let end = buffer[..here].windows(4).position(|w| w == b"\r\n\r\n");
        if end.is_some_and(|end| here == end + 4 + BODY) {
            return Ok(());
        }
    }
}
