//! Uploads against the disk itself (`dd` with `fsync`) and `@tus/server`, in turn; and what one of many gigabytes takes of memory.
//!
//! Where `STREAMGATE_BENCH_TUS` names a folder with `@tus/server` and `@tus/file-store` in its `node_modules`, they are measured too
//! (`make bench` installs them from `bench/peers/tus`). `STREAMGATE_BENCH_UPLOAD_MIB` is the size of one upload of a round,
//! `STREAMGATE_BENCH_UPLOAD_GIB` of the large one.

use super::Origin;
use crate::machine::allowed_cores;
use crate::options::Options;
use crate::peers::{free_address, text};
use crate::process::Pinned;
use crate::report::{Spread, Table};
use anyhow::{Context, Result, bail, ensure};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// MiB of an upload of a round.
const MIB: u64 = 512;
/// GiB of the large one.
const GIB: u64 = 12;
/// Of `dd`, at least.
const GOAL_SHARE: f64 = 0.8;
/// Growth of memory, at most.
const GOAL_GROWTH: u64 = 64 << 20;
/// The first bytes of an MP4: what is no video is refused.
const HEAD: [u8; 12] = *b"\0\0\0\x18ftypisom";

/// By which protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The whole as the body of one request.
    Post,
    /// tus 1.0, one PATCH.
    Tus,
}

/// What is sent.
pub struct Body<'b> {
    pub bytes: u64,
    pub open: &'b dyn Fn() -> Result<Box<dyn Read + 'b>>,
}

/// Measures all.
pub fn run(options: &Options) -> Result<Table> {
    let number = |name: &str, or: u64| std::env::var(name).map_or(Ok(or), |text| text.parse().context(name.to_owned()));
    let (mib, gib) = (number("STREAMGATE_BENCH_UPLOAD_MIB", MIB)?, number("STREAMGATE_BENCH_UPLOAD_GIB", GIB)?);
    let scratch = tempfile::Builder::new().prefix("streamgate-bench-upload-").tempdir()?;
    let source = scratch.path().join("source");
    let cores = allowed_cores().iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let theirs = TusServer::start(scratch.path(), &cores)?;
    let (mut disk, mut shares) = (Vec::new(), [Vec::new(), Vec::new(), Vec::new()]);
    let mut rates = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..options.rounds {
        eprintln!("upload: round {} of {}, {mib} MiB each", round + 1, options.rounds);
        write_source(&source, mib)?;
        let bytes = mib << 20;
        disk.push(rate(bytes, || dd(&source, &scratch.path().join("dd")))?);
        let from_file = Body { bytes, open: &|| Ok(Box::new(File::open(&source)?)) };
        for (at, form) in [Form::Post, Form::Tus].into_iter().enumerate() {
            let origin = Origin::start(&cores)?; // its data are removed with it
            rates[at].push(rate(bytes, || send(&origin, form, &from_file).map(drop))?);
        }
        if let Some(theirs) = &theirs {
            rates[2].push(rate(bytes, || tus(theirs.address, "/files", "", &from_file).map(drop))?);
            theirs.forget()?;
        }
        for (share, rate) in shares.iter_mut().zip(&rates) {
            share.extend(rate.last().zip(disk.last()).map(|(rate, disk)| rate / disk));
        }
    }
    let shown = |figures: &[f64], digits: usize| {
        Spread::of(figures).map_or_else(String::new, |spread| format!("{spread:.digits$}"))
    };
    let mut rows = vec![vec!["dd, conv=fsync".into(), shown(&disk, 0), String::new(), String::new()]];
    let names = ["ours, POST of the whole", "ours, tus", "@tus/server, which does not sync"];
    for (at, name) in names.into_iter().enumerate().filter(|(at, _)| !rates[*at].is_empty()) {
        let met =
            if Spread::of(&shares[at]).is_some_and(|spread| spread.median >= GOAL_SHARE) { "met" } else { "missed" };
        let goal = if at < 2 { format!("{GOAL_SHARE} {met}") } else { String::new() };
        rows.push(vec![name.into(), shown(&rates[at], 0), shown(&shares[at], 2), goal]);
    }
    let (grown, took) = large(gib, &cores)?;
    let met = if grown <= GOAL_GROWTH { "met" } else { "missed" };
    rows.push(vec![
        format!("{gib} GiB by tus"),
        format!("{:.0}", (gib << 10) as f64 / took.as_secs_f64()),
        format!("{:.1} MiB more memory", grown as f64 / f64::from(1 << 20)),
        format!("{} MiB {met}", GOAL_GROWTH >> 20),
    ]);
    Ok(Table {
        title: "Uploads".into(),
        columns: ["what", "MiB/s", "of dd", "goal"].map(str::to_owned).to_vec(),
        rows,
        notes: vec![
            format!(
                "{} rounds of {mib} MiB in turn, the same disk, the source in the page cache; a new origin each; shares are taken round by round",
                options.rounds
            ),
            "memory: RssAnon of the origin, the most of it every 20 ms over what it was before".into(),
        ],
    })
}

/// MiB a second.
fn rate(bytes: u64, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    // What others left unwritten is not for the one who is measured.
    ensure!(Command::new("sync").status()?.success(), "sync failed");
    let begun = Instant::now();
    work()?;
    Ok(bytes as f64 / f64::from(1 << 20) / begun.elapsed().as_secs_f64())
}

/// Bytes that differ from round to round, in the page cache.
fn write_source(path: &Path, mib: u64) -> Result<()> {
    let (mut out, mut random) = (File::create(path)?, File::open("/dev/urandom")?);
    let mut piece = vec![0; 1 << 20];
    for n in 0..mib {
        random.read_exact(&mut piece)?;
        if n == 0 {
            piece[..HEAD.len()].copy_from_slice(&HEAD);
        }
        out.write_all(&piece)?;
    }
    Ok(())
}

fn dd(from: &Path, to: &Path) -> Result<()> {
    let mut command = Command::new("dd");
    command.arg(format!("if={}", from.display())).arg(format!("of={}", to.display())).args(["bs=1M", "conv=fsync"]);
    ensure!(command.stderr(Stdio::null()).status()?.success(), "dd failed");
    Ok(std::fs::remove_file(to)?)
}

/// One upload of `gib` GiB: by how much memory grew, and how long it took.
fn large(gib: u64, cores: &str) -> Result<(u64, Duration)> {
    eprintln!("upload: {gib} GiB by tus");
    let origin = Origin::start(cores)?;
    let before = origin.settled_bytes()?;
    let (most, is_over) = (AtomicU64::new(before), AtomicBool::new(false));
    let body = Body { bytes: gib << 30, open: &|| Ok(Box::new(HEAD.chain(std::io::repeat(0)).take(gib << 30))) };
    let begun = Instant::now();
    let sent = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                most.fetch_max(origin.process.anonymous_bytes().unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let sent = send(&origin, Form::Tus, &body);
        is_over.store(true, Ordering::Relaxed);
        sent
    });
    sent?;
    Ok((most.load(Ordering::Relaxed) - before, begun.elapsed()))
}

/// Uploads, and answers the name of the asset.
pub fn send(origin: &Origin, form: Form, body: &Body) -> Result<String> {
    let key = format!("Authorization: Bearer {}\r\n", origin.key);
    match form {
        Form::Tus => tus(origin.address, "/api/v1/upload/tus", &key, body),
        Form::Post => {
            let (head, text) = request(origin.address, "POST", "/api/v1/upload?name=a.mp4", &key, body)?;
            let value: serde_json::Value = serde_json::from_str(&text).with_context(|| format!("{head}{text}"))?;
            Ok(value["id"].as_str().with_context(|| text.clone())?.to_owned())
        }
    }
}

/// Creation, then one PATCH; the asset's name when it is told.
fn tus(to: SocketAddr, at: &str, key: &str, body: &Body) -> Result<String> {
    let nothing = Body { bytes: 0, open: &|| Ok(Box::new(std::io::empty())) };
    let headers = format!("{key}Tus-Resumable: 1.0.0\r\nUpload-Length: {}\r\n", body.bytes);
    let (head, _) = request(to, "POST", at, &headers, &nothing)?;
    let place = field(&head, "location").with_context(|| format!("no Location: {head}"))?;
    let path = match place.split_once("://") {
        Some((_, rest)) => format!("/{}", rest.split_once('/').context("no path")?.1),
        None => place,
    };
    let headers =
        format!("{key}Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n");
    let (head, text) = request(to, "PATCH", &path, &headers, body)?;
    ensure!(field(&head, "upload-offset") == Some(body.bytes.to_string()), "{head}{text}");
    Ok(field(&head, "streamgate-asset").unwrap_or_default())
}

/// One request on a connection of its own: the head and the body of its answer.
fn request(to: SocketAddr, method: &str, path: &str, headers: &str, body: &Body) -> Result<(String, String)> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    let length = body.bytes;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    )?;
    let mut from = (body.open)()?;
    let mut piece = vec![0; 256 << 10];
    loop {
        match from.read(&mut piece)? {
            0 => break,
            n => stream.write_all(&piece[..n])?,
        }
    }
    let mut answer = BufReader::new(stream);
    let mut head = String::new();
    while answer.read_line(&mut head)? > 2 {}
    let mut text = String::new();
    answer.read_to_string(&mut text)?;
    if !head.starts_with("HTTP/1.1 2") {
        bail!("{method} {path}: {head}{text}");
    }
    Ok((head, text))
}

fn field(head: &str, name: &str) -> Option<String> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).next()
}

/// npm's reference server over a folder of files.
struct TusServer {
    address: SocketAddr,
    folder: std::path::PathBuf,
    _process: Pinned,
}

impl TusServer {
    /// `None`: it is not installed.
    fn start(scratch: &Path, cores: &str) -> Result<Option<Self>> {
        let Ok(modules) = std::env::var("STREAMGATE_BENCH_TUS") else { return Ok(None) };
        let (address, folder) = (free_address()?, scratch.join("theirs"));
        std::fs::create_dir(&folder)?;
        let program = Path::new(&modules).join("server.mjs");
        let args = [text(&program)?, &address.port().to_string(), text(&folder)?];
        let mut process = Pinned::start_on(cores, "node", &args, &[])?;
        process.wait_until_listening(address)?;
        Ok(Some(Self { address, folder, _process: process }))
    }

    /// Removes what was uploaded.
    fn forget(&self) -> Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            std::fs::remove_file(entry?.path())?;
        }
        Ok(())
    }
}
