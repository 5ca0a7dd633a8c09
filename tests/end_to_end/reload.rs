//! SIGHUP: another configuration file is used at once and nobody notices; one with a mistake changes nothing and is told with its line.

use crate::edge::{Client, EdgeProgram, origin};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn write(file: &Path, origin: SocketAddr, more: &str) {
    let text = format!(
        "[edge]\nhttp = \"127.0.0.1:0\"\nadmin = \"\"\nshards = 2\n{more}\n[upstream]\nurl = \"http://{origin}\"\n"
    );
    std::fs::write(file, text).expect("written");
}

/// Ends the load when what it runs beside has failed.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_changed_file_is_used_and_a_wrong_one_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("edge.toml");
    let (first, second) = (origin(b"first"), origin(b"second"));
    write(&file, first, "");
    let mut program = EdgeProgram::start(&file);
    let over = AtomicBool::new(false);
    let at = program.at;
    let mut download = Client::connect(at).expect("the edge accepts");
    download.ask("/download").and_then(|()| download.head()).expect("a head");
    let body = |target: &str| Client::connect(at).and_then(|mut client| client.get(target)).expect("an answer").1;
    assert_eq!(body("/before"), b"first");
    let answers: usize = std::thread::scope(|scope| {
        let load = || {
            let mut client = Client::connect(at).expect("the edge accepts");
            let mut answers = 0;
            while !over.load(Ordering::Relaxed) {
                let (status, body, _) = client.get("/before").expect("an answer");
                assert_eq!((status, &body[..]), (200, &b"first"[..]));
                answers += 1;
            }
            answers
        };
        let clients: Vec<_> = (0..3).map(|_| scope.spawn(load)).collect();
        let _end = Ends(&over);
        // Names that do not count up: of those the edge would fetch the next one ahead.
        for (round, target) in ["/one", "/two", "/three", "/four", "/five"].into_iter().enumerate() {
            let (origin, name) = if round % 2 == 0 { (second, &b"second"[..]) } else { (first, &b"first"[..]) };
            write(&file, origin, "ram = \"64 MiB\"");
            program.signal("HUP");
            program.says("the configuration is read again");
            assert_eq!(program.says("these keys have changed and need a restart")["keys"], "edge.ram");
            assert_eq!(body(target), name);
        }
        // The file holds a mistake on its fifth line: the fifth origin stays.
        write(&file, first, "trusted_proxies = [\"10.0.0.1/8\"]");
        program.signal("HUP");
        let said = program.says("the new configuration cannot be used")["error"].to_string();
        assert!(said.contains("edge.toml:5") && said.contains("edge.trusted_proxies"), "{said}");
        assert_eq!(body("/after"), b"second");
        over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().expect("nobody noticed")).sum()
    });
    assert!(answers > 10, "{answers} answers meanwhile");
    assert_eq!(download.read(5).expect("it was not cut"), b"first");
    drop(download);
    program.signal("TERM");
    assert!(program.ends(Duration::from_secs(15)), "it drains and ends with success");
}
