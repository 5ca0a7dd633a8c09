//! What memory a full cache really takes while objects of mixed sizes come and go: resident memory against what was configured. The edge
//! runs in a process of its own.
//!
//! `cargo run --release -p streamgate-edge --example churn -- [SECONDS] [RAM_MIB]`

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use edge::{Config, Source, Upstream};

// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CLIENTS: u64 = 8;
/// Sizes of bodies, as a title's objects have them: playlists, audio, video of several renditions.
const SIZES: [usize; 8] = [700, 3_000, 18_000, 70_000, 240_000, 620_000, 1_300_000, 2_700_000];

fn main() {
    if std::env::args().nth(1).as_deref() == Some("edge") {
        return serve();
    }
    let arg = |n: usize, default: u64| std::env::args().nth(n).map_or(default, |v| v.parse().expect("a number"));
    let (seconds, ram_mib) = (arg(1, 60), arg(2, 256));
    // The edge alone in a process of its own, so that nobody else's memory is counted.
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["edge", &origin().to_string(), &ram_mib.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut said = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    said.read_line(&mut line).expect("its address");
    let at: SocketAddr = line.trim().parse().expect("an address");
    let before = resident(child.id());
    let asked = AtomicU64::new(0);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut most = [0; 2];
    std::thread::scope(|scope| {
        for n in 0..CLIENTS {
            let asked = &asked;
            scope.spawn(move || ask(at, n, end, asked));
        }
        while Instant::now() < end {
            std::thread::sleep(Duration::from_millis(200));
            let now = resident(child.id());
            if now.iter().sum::<u64>() > most.iter().sum() {
                most = now;
            }
        }
    });
    let ratio = |bytes: u64| bytes as f64 / (ram_mib << 20) as f64;
    let after = resident(child.id());
    drop(child.stdin.take());
    let mut figures = String::new();
    said.read_to_string(&mut figures).expect("its figures");
    child.wait().expect("it ends");
    println!("{} requests; {}", asked.load(Ordering::Relaxed), figures.trim());
    for (when, [heap, file]) in [("before", before), ("at most", most), ("at the end", after)] {
        println!(
            "resident {when}: {:.3} of {ram_mib} MiB (heap {:.3}, file of large bodies {:.3})",
            ratio(heap + file),
            ratio(heap),
            ratio(file)
        );
    }
}

/// The edge: `edge ORIGIN RAM_MIB`. Says where it listens, and at standard input's end what it holds.
fn serve() {
    let arg = |n: usize| std::env::args().nth(n).expect("an argument");
    let mut config = Config::new(Upstream::new(Source::parse(&format!("http://{}", arg(2))).expect("an address")));
    config.ram_bytes = arg(3).parse::<u64>().expect("a number") << 20;
    let ram = config.ram_bytes as f64;
    let edge = edge::start(config).expect("the edge starts");
    println!("{}", edge.http_addr());
    std::io::stdin().read_to_end(&mut Vec::new()).expect("the end");
    let metrics = edge.metrics();
    let figure = |name: &str| {
        let prefix = format!("streamgate_edge_{name}{{");
        let of = metrics.lines().filter(|line| line.starts_with(&prefix));
        of.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum::<u64>()
    };
    let (evicted, objects, used) = (figure("evicted_total"), figure("objects"), figure("memory_used_bytes"));
    println!("{evicted} objects evicted, {objects} in memory, charged {:.3}", used as f64 / ram);
}

/// Memory of a process in bytes: its heap that is resident, and all that the cache's own file takes, mapped at the moment or not (what
/// was gathered into a large page is not, until it is touched).
fn resident(process: u32) -> [u64; 2] {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0)
    };
    let fds = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let is_ours =
        |path: &PathBuf| std::fs::read_link(path).is_ok_and(|to| to.to_string_lossy().contains("streamgate-cache"));
    let files = fds.map(|fd| fd.path()).filter(is_ours);
    let blocks: u64 = files.filter_map(|path| std::fs::metadata(path).ok()).map(|about| about.blocks()).sum();
    [kib("RssAnon:") * 1024, blocks * 512]
}

/// Asks for objects by chance, a few of them again and again.
fn ask(at: SocketAddr, seed: u64, end: Instant, asked: &AtomicU64) {
    let mut connection = BufReader::new(TcpStream::connect(at).expect("the edge accepts"));
    let (mut chance, mut body) = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, Vec::new());
    while Instant::now() < end {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        let number = if chance % 4 == 0 { chance >> 32 & 0xff } else { chance >> 32 & 0xffff };
        let size = SIZES[(number % SIZES.len() as u64) as usize] + (number % 613) as usize;
        connection
            .get_mut()
            .write_all(format!("GET /{number}/{size} HTTP/1.1\r\nHost: e\r\n\r\n").as_bytes())
            .expect("sent");
        let mut line = String::new();
        let mut length = 0;
        loop {
            line.clear();
            connection.read_line(&mut line).expect("a head");
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.trim().parse().expect("a length");
            }
            if line == "\r\n" {
                break;
            }
        }
        body.resize(length, 0);
        connection.read_exact(&mut body).expect("a body");
        asked.fetch_add(1, Ordering::Relaxed);
    }
}

/// An origin whose bodies are as long as their names say.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        let body: &'static [u8] = vec![7; 4 << 20].leak();
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                stream.set_nodelay(true).expect("a socket");
                let mut out = stream.try_clone().expect("a clone");
                let mut length = 0;
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    if let Some(target) = line.strip_prefix("GET ") {
                        let size: Option<usize> = target.split([' ', '/']).nth(2).and_then(|size| size.parse().ok());
                        length = size.expect("a size").min(body.len());
                    } else if line.is_empty() {
                        let head = format!(
                            "HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nETag: \"1\"\r\nContent-Length: {length}\r\n\r\n"
                        );
                        if out.write_all(head.as_bytes()).and_then(|()| out.write_all(&body[..length])).is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    addr
}
