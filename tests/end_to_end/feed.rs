//! What is changed or deleted at the origin is gone from the edge within a moment, not when cached answers expire; nor does it stay because
//! the origin's events could not be heard for a while.

use crate::edge::{Client, EdgeProgram};
use crate::media;
use crate::program::Program;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The promise is a fraction of a second; a busy machine gets more.
const SOON: Duration = Duration::from_secs(5);

fn until(program: &Program, path: &str, status: u16) {
    let begun = Instant::now();
    while program.through_edge(path).status != status {
        assert!(begun.elapsed() < SOON, "{path} does not come to answer {status}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_becomes_gated_or_is_deleted_leaves_the_edge() {
    let folder = tempfile::tempdir().expect("a folder");
    let movie = media::movie(folder.path(), 4, "320x240");
    let program = Program::serve(&folder.path().join("data"), &[]);
    let (id, status) = program.ingest(&movie, "title=movie");
    assert_eq!(status["state"], "ready", "{status}");
    // An hour's worth of freshness each: only a purge can end them so soon.
    let (master, init) = (format!("/v/{id}/master.m3u8"), format!("/v/{id}/h264-240/init.mp4"));
    for path in [&master, &init] {
        assert_eq!(program.through_edge(path).status, 200, "{path}");
    }
    program.change(&id, r#"{"visibility":"gated"}"#);
    until(&program, &init, 403);
    until(&program, &master, 403);
    program.change(&id, r#"{"visibility":"open"}"#);
    until(&program, &init, 200);
    program.delete(&id);
    until(&program, &init, 404);
}

/// What an origin of the test's own says: one body for everything, to be kept for an hour, and its events.
struct Says {
    body: AtomicU64,
    events: Mutex<Events>,
    /// Questions for events after one.
    followed: AtomicU64,
}

#[derive(Clone, Copy)]
enum Events {
    /// They cannot be asked for.
    Away,
    /// Nothing has happened since this one.
    Quiet(i64),
    /// The same, in a page that no edge can apply.
    Garbled(i64),
    /// The asset of every body has changed, and this is the event that says so.
    Changed(i64),
}

impl Says {
    fn new(events: Events) -> Arc<Self> {
        Arc::new(Self { body: AtomicU64::new(1), events: Mutex::new(events), followed: AtomicU64::new(0) })
    }

    /// The asset changes.
    fn change(&self, events: Events) {
        self.body.fetch_add(1, Ordering::SeqCst);
        *self.events.lock().expect("whole") = events;
    }

    fn answer(&self, target: &str) -> (u16, String) {
        let Some(question) = target.strip_prefix("/api/v1/events") else {
            return (200, self.body.load(Ordering::SeqCst).to_string());
        };
        let after: Option<i64> = question.strip_prefix("?after=").map(|seq| seq.parse().expect("a number"));
        self.followed.fetch_add(after.is_some().into(), Ordering::SeqCst);
        let (events, keys, last) = match *self.events.lock().expect("whole") {
            Events::Away => return (503, String::new()),
            Events::Quiet(last) => ("", "", last),
            Events::Garbled(last) => ("", "\"no key\"", last),
            Events::Changed(last) if after.is_some_and(|after| after < last) => {
                (r#"{"kind":"asset.updated","asset":"film"}"#, "", last)
            }
            Events::Changed(last) => ("", "", last),
        };
        if events.is_empty() && after.is_some() {
            std::thread::sleep(Duration::from_millis(20));
        }
        let page = format!(r#"{{"events":[{events}],"last":{last},"gap":false,"keys":[{keys}],"revoked":[]}}"#);
        (200, page)
    }
}

/// Starts it; it ends with the test's process.
fn origin(says: &Arc<Says>, tls: Option<Arc<ServerConfig>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = listener.local_addr().expect("bound");
    let says = says.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (says, tls) = (says.clone(), tls.clone());
            std::thread::spawn(move || match tls {
                Some(config) => {
                    let session = ServerConnection::new(config).expect("a session");
                    talk(&says, StreamOwned::new(session, stream))
                }
                None => talk::<TcpStream>(&says, stream),
            });
        }
    });
    at
}

fn talk<S: Read + Write>(says: &Says, stream: S) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut line, mut target) = (String::new(), String::new());
    while stream.read_line(&mut line)? > 0 {
        if let Some((_, rest)) = line.split_once(" /") {
            target = format!("/{}", rest.split(' ').next().unwrap_or_default());
        }
        if line.trim_end().is_empty() {
            let (status, body) = says.answer(&target);
            let kept = "Cache-Control: max-age=3600\r\nSurrogate-Key: asset-film";
            let head = format!("HTTP/1.1 {status} So\r\n{kept}\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.get_mut().write_all(format!("{head}{body}").as_bytes())?;
        }
        line.clear();
    }
    Ok(())
}

/// Writes an edge's configuration.
fn configure(file: &Path, origin: &str, edge: &str, upstream: &str) {
    let text = format!(
        "[edge]\nhttp = \"127.0.0.1:0\"\nadmin = \"\"\nshards = 2\n{edge}\n\
         [upstream]\nurl = \"{origin}\"\nedge_key = \"of-the-test\"\n{upstream}\n"
    );
    std::fs::write(file, text).expect("written");
}

fn body(edge: &EdgeProgram) -> Vec<u8> {
    let answer = Client::connect(edge.at).and_then(|mut client| client.get("/film"));
    let (status, body, _) = answer.expect("an answer");
    assert_eq!(status, 200);
    body
}

/// Keeps the first body at the edge.
fn keep(edge: &EdgeProgram, says: &Says) {
    assert_eq!(body(edge), b"1");
    says.body.store(0, Ordering::SeqCst);
    assert_eq!(body(edge), b"1", "kept for an hour");
    says.body.store(1, Ordering::SeqCst);
}

fn until_changed(edge: &EdgeProgram) {
    let begun = Instant::now();
    while body(edge) != b"2" {
        assert!(begun.elapsed() < SOON, "what was kept before is still given out");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_was_kept_before_the_origin_was_heard_is_purged() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("edge.toml");
    let says = Says::new(Events::Away);
    configure(&file, &format!("http://{}", origin(&says, None)), "", "");
    let edge = EdgeProgram::start(&file);
    keep(&edge, &says);
    // Nobody will tell of this event: it is the one that the edge begins with.
    says.change(Events::Changed(7));
    until_changed(&edge);
}

#[test]
fn an_origin_that_answers_at_once_costs_no_hit() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("edge.toml");
    let says = Says::new(Events::Quiet(7));
    configure(&file, &format!("http://{}", origin(&says, None)), "", "");
    let edge = EdgeProgram::start(&file);
    keep(&edge, &says);
    let begun = Instant::now();
    while says.followed.load(Ordering::SeqCst) < 2 {
        assert!(begun.elapsed() < SOON, "the events are not followed");
        std::thread::sleep(Duration::from_millis(10));
    }
    says.body.store(0, Ordering::SeqCst);
    assert_eq!(body(&edge), b"1", "nothing was purged");
    says.body.store(1, Ordering::SeqCst);
    says.change(Events::Changed(8));
    until_changed(&edge);
}

#[test]
fn a_first_page_that_cannot_be_applied_is_not_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("edge.toml");
    let says = Says::new(Events::Garbled(7));
    // A disk without a number: what it keeps may be anything.
    let disk = format!("disks = [{{ path = \"{}\", size = \"64 MiB\" }}]", folder.path().join("disk").display());
    configure(&file, &format!("http://{}", origin(&says, None)), &disk, "");
    let edge = EdgeProgram::start(&file);
    edge.says("the origin's events cannot be followed");
    keep(&edge, &says);
    says.change(Events::Quiet(9));
    until_changed(&edge);
}

#[test]
fn another_origin_is_not_followed_by_the_numbers_of_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("edge.toml");
    let (first, second) = (Says::new(Events::Quiet(7)), Says::new(Events::Quiet(7)));
    second.body.store(2, Ordering::SeqCst);
    let disk = format!("disks = [{{ path = \"{}\", size = \"64 MiB\" }}]", folder.path().join("disk").display());
    configure(&file, &format!("http://{}", origin(&first, None)), &disk, "");
    let edge = EdgeProgram::start(&file);
    let begun = Instant::now();
    while first.followed.load(Ordering::SeqCst) == 0 {
        assert!(begun.elapsed() < SOON, "the events are not followed");
        std::thread::sleep(Duration::from_millis(10));
    }
    keep(&edge, &first);
    configure(&file, &format!("http://{}", origin(&second, None)), &disk, "");
    edge.signal("HUP");
    until_changed(&edge);
}

#[test]
fn events_are_followed_over_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, root) = (folder.path().join("edge.toml"), folder.path().join("root.pem"));
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    std::fs::write(&root, made.cert.pem()).expect("written");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("they belong together");
    let says = Says::new(Events::Quiet(7));
    let origin = format!("https://{}", origin(&says, Some(Arc::new(config))));
    configure(&file, &origin, "", &format!("ca_file = \"{}\"", root.display()));
    let edge = EdgeProgram::start(&file);
    keep(&edge, &says);
    says.change(Events::Changed(8));
    until_changed(&edge);
}
