//! A new process takes the listeners over from the old one, twenty times under load: nobody is refused, reset or cut.

use crate::edge::{Client, EdgeProgram, origin};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const UPGRADES: usize = 20;
/// More than two sockets hold: what was not read when the old process let go is still on its side.
static BODY: [u8; 12 << 20] = [b'v'; 12 << 20];
/// Longest wait for an old process: its answers under way are finished by then.
const SOON: Duration = Duration::from_secs(30);

/// A client with a connection a request. Any error fails the test.
fn short(at: SocketAddr, over: &AtomicBool, answers: &AtomicUsize) {
    while !over.load(Ordering::Relaxed) {
        let answer = Client::connect(at).and_then(|mut client| client.get("/short"));
        assert!(matches!(answer, Ok((200, _, _))), "{answer:?}");
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// A client that keeps its connection until it is told that it ends.
fn long(at: SocketAddr, over: &AtomicBool, answers: &AtomicUsize) {
    let mut client = Client::connect(at).expect("the edge accepts");
    while !over.load(Ordering::Relaxed) {
        let answer = client.get("/long");
        let Ok((200, _, goes_on)) = answer else { panic!("{answer:?}") };
        answers.fetch_add(1, Ordering::Relaxed);
        if !goes_on {
            client = Client::connect(at).expect("the edge accepts");
        }
    }
}

/// What a metric of the edge at `admin` sums up to.
fn metric(admin: SocketAddr, name: &str) -> u64 {
    let (_, body, _) = Client::connect(admin).and_then(|mut client| client.get("/metrics")).expect("metrics");
    let name = format!("streamgate_edge_{name}{{");
    let text = String::from_utf8(body).expect("text");
    text.lines()
        .filter(|line| line.starts_with(&name))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

#[test]
fn twenty_upgrades_under_load_refuse_reset_and_cut_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let (small, large) = (origin(b"small"), origin(&BODY));
    let config = |name: &str, origin: SocketAddr, disk: bool| {
        let file = folder.path().join(format!("{name}.toml"));
        let disks = match disk {
            true => format!("disks = [{{ path = \"{}/disk\", size = \"64 MiB\" }}]", folder.path().display()),
            false => String::new(),
        };
        let text = format!(
            "[edge]\nhttp = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nshards = 2\nram = \"128 MiB\"\n{disks}\n\
             handover = \"{}/{name}.sock\"\n[upstream]\nurl = \"http://{origin}\"\n[limits]\ndrain_seconds = 5\n",
            folder.path().display()
        );
        std::fs::write(&file, text).expect("written");
        file
    };
    // Two edges: one for requests, one for downloads, so that each is under its own load.
    let (requests, downloads) = (config("requests", small, true), config("downloads", large, false));
    let mut serving = EdgeProgram::start(&requests);
    let mut sending = EdgeProgram::start(&downloads);
    let (at, down) = (serving.at, sending.at);
    let (over, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let load = [short, short, long, long].map(|client| {
            let (over, answers) = (&over, &answers);
            scope.spawn(move || client(at, over, answers))
        });
        let _over = Over(&over);
        for round in 0..UPGRADES {
            let before = answers.load(Ordering::Relaxed);
            let next = EdgeProgram::start(&requests);
            assert_eq!(next.at, at, "it has the same listeners");
            let mut old = std::mem::replace(&mut serving, next);
            if round % 4 == 0 {
                let mut download = Client::connect(down).expect("the edge accepts");
                download.ask("/download").and_then(|()| download.head()).expect("a head");
                download.read(1000).expect("a beginning");
                let next = EdgeProgram::start(&downloads);
                let mut old = std::mem::replace(&mut sending, next);
                assert!(download.read(BODY.len() - 1000).expect("it is not cut").iter().all(|byte| *byte == b'v'));
                drop(download);
                assert!(old.ends(SOON), "round {round}");
            }
            assert!(old.ends(SOON), "round {round}");
            while answers.load(Ordering::Relaxed) == before {
                assert!(load.iter().all(|client| !client.is_finished()) && begun.elapsed() < SOON * 4, "round {round}");
                std::thread::yield_now();
            }
        }
    });
    assert!(answers.load(Ordering::Relaxed) > UPGRADES, "{answers:?} answers");
    let until = Instant::now() + SOON;
    while metric(serving.admin, "disk_up") < 2 {
        assert!(Instant::now() < until, "the last one gets the disk, which one process uses at a time");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ends the load however the scope is left.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn what_is_purged_is_gone_from_the_process_that_still_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("edge.toml");
    let text = format!(
        "[edge]\nhttp = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nshards = 1\nhandover = \"{}/edge.sock\"\n\
         [upstream]\nurl = \"http://{}\"\n",
        folder.path().display(),
        origin(b"x")
    );
    std::fs::write(&file, text).expect("written");
    let old = EdgeProgram::start(&file);
    let mut idle = Client::connect(old.at).expect("the edge accepts");
    assert!(idle.get("/a").expect("an answer").2, "the connection is kept");
    let fetched = metric(old.admin, "origin_requests_total");
    assert_eq!(fetched, 1);
    let page = crate::program::streamgate().args(["top", "--once", "--edge", &old.admin.to_string()]).output();
    let page = String::from_utf8(page.expect("it runs").stdout).expect("text");
    assert!(page.contains("req/s") && page.contains("URLs") && !page.contains('\x1b'), "{page}");
    let new = EdgeProgram::start(&file);
    old.says("another process has taken over");
    let purge = crate::program::streamgate().args(["purge", "--url", "/a", "--edge", &new.admin.to_string()]).output();
    assert!(purge.expect("it runs").status.success());
    let (_, body, goes_on) = idle.get_with_head("/a").expect("the old process answers");
    assert!(body.contains("cache-status: streamgate; fwd=miss"), "{body}");
    assert!(!goes_on, "it was its last answer");
}
