//! Promised: with several origins a request that may be repeated survives one that refuses, is silent, or dies, within a second and
//! without a 5xx; what must not be repeated is sent once; weights decide who is asked; an origin that keeps failing is left alone.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::{Client, Origin, bytes, counter, source, until};
use edge::{Config, Edge, Source};

/// The promise.
const FAILOVER: Duration = Duration::from_secs(1);

/// An origin that answers every request by itself with its name, and counts them.
struct Named {
    addr: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Named {
    fn start(name: &'static str) -> Named {
        Named::answering(move |_| Some(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{name}", name.len())))
    }

    /// `None`: it closes instead of answering.
    fn answering(answer: impl Fn(usize) -> Option<String> + Send + Sync + 'static) -> Named {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("bound");
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, answer) = (asked.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (count, answer) = (count.clone(), answer.clone());
                std::thread::spawn(move || serve(stream, &count, &*answer));
            }
        });
        Named { addr, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// An origin that a test can take ill: its probes are answered by 503 then, everything else as ever.
fn ailing(name: &'static str) -> (Named, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("bound");
    let (asked, ill) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (count, is_ill) = (asked.clone(), ill.clone());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0u8; 4096];
            let Ok(n) = stream.read(&mut buffer) else { continue };
            let probe = buffer[..n].starts_with(b"GET /up ");
            if !probe {
                count.fetch_add(1, Ordering::SeqCst);
            }
            let status = if probe && is_ill.load(Ordering::SeqCst) { "503 Ill" } else { "200 OK" };
            let length = name.len();
            let text = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{name}");
            let _ = stream.write_all(text.as_bytes());
        }
    });
    (Named { addr, asked }, ill)
}

fn serve(mut stream: TcpStream, count: &AtomicUsize, answer: &dyn Fn(usize) -> Option<String>) {
    let mut input = Vec::new();
    let mut buffer = [0u8; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(n) => input.extend_from_slice(&buffer[..n]),
        }
        while let Some(at) = input.windows(4).position(|w| w == b"\r\n\r\n") {
            input.drain(..at + 4);
            let Some(text) = answer(count.fetch_add(1, Ordering::SeqCst)) else { return };
            if stream.write_all(text.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// A port that refuses connections.
fn refusing() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound")
}

/// One that accepts, by the kernel, and never answers.
fn silent() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a port")
}

fn edge(origins: Vec<Source>, change: impl FnOnce(&mut Config)) -> Edge {
    let first = origins[0].clone();
    let mut config = Config::new(edge::Upstream { origins, ..edge::Upstream::new(first) });
    config.shards = 1;
    config.pin = false;
    change(&mut config);
    edge::start(config).expect("the edge starts")
}

/// Gets many targets one after the other; each is answered by 200 within the promise.
fn all_well(edge: &Edge, count: usize) {
    let mut client = Client::connect(edge);
    for i in 0..count {
        let asked = Instant::now();
        let got = client.get(&format!("/{i}"), "");
        assert_eq!(got.status, 200, "{}", got.head);
        assert!(asked.elapsed() < FAILOVER, "request {i} took {:?}", asked.elapsed());
    }
}

fn breaker(edge: &Edge, at: usize) -> String {
    edge.origins()[at]["breakers"][0].as_str().expect("a word").to_owned()
}

#[test]
fn an_origin_that_refuses_connections_is_not_noticed() {
    let well = Named::start("well");
    let edge = edge(vec![source(refusing()), source(well.addr)], |_| {});
    all_well(&edge, 60);
    assert_eq!(well.asked(), 60);
    until("the breaker opens", || breaker(&edge, 0) == "open" || breaker(&edge, 0) == "half-open");
    assert_eq!(breaker(&edge, 1), "closed");
    assert!(counter(&edge, "origin_retries_total") >= 5);
}

#[test]
fn an_origin_that_never_answers_is_not_noticed_for_long() {
    let well = Named::start("well");
    let silent = silent();
    let silent_at = silent.local_addr().expect("bound");
    let edge = edge(vec![source(silent_at), source(well.addr)], |_| {});
    // Those whose first choice it is wait once for the patience of a try, until its breaker opens.
    all_well(&edge, 30);
    assert_eq!(well.asked(), 30);
    assert!(counter(&edge, "upstream_failures_total") >= 5);
}

#[test]
fn an_origin_that_dies_midway_is_not_noticed() {
    let well = Named::start("well");
    // It closes every connection from its 20th request on, kept ones included.
    let dying = Named::answering(|n| (n < 20).then(|| "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ndying".to_owned()));
    let edge = edge(vec![source(dying.addr), source(well.addr)], |_| {});
    all_well(&edge, 120);
    assert!(dying.asked() > 20);
    assert!(well.asked() > 60);
}

#[test]
fn an_answer_of_503_is_given_only_when_nobody_has_a_better_one() {
    let busy = || Named::answering(|_| Some("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy".to_owned()));
    let (one, well) = (busy(), Named::start("well"));
    // More of the targets may belong to the busy one than a second's retries are allowed for.
    let both = edge(vec![source(one.addr), source(well.addr)], |config| config.upstream.retry_per_second = 100);
    all_well(&both, 20);
    let (one, two) = (busy(), busy());
    let both = edge(vec![source(one.addr), source(two.addr)], |_| {});
    let got = Client::connect(&both).get("/a", "");
    assert_eq!((got.status, got.text().as_str()), (503, "busy"));
    assert_eq!(one.asked() + two.asked(), 2);
}

#[test]
fn a_body_or_another_method_is_sent_once() {
    let closing = || Named::answering(|_| None);
    let (one, two) = (closing(), closing());
    let edge = edge(vec![source(one.addr), source(two.addr)], |_| {});
    for ask in [
        "POST /a HTTP/1.1\r\nHost: e\r\nContent-Length: 0\r\n\r\n",
        "POST /b HTTP/1.1\r\nHost: e\r\nContent-Length: 1\r\n\r\nx",
        "DELETE /c HTTP/1.1\r\nHost: e\r\n\r\n",
    ] {
        let before = one.asked() + two.asked();
        let got = Client::connect(&edge).send(ask).answer();
        assert_eq!((got.status, got.refusal()), (502, "origin-closed"));
        assert_eq!(one.asked() + two.asked(), before + 1, "{ask}");
    }
    let before = one.asked() + two.asked();
    assert_eq!(Client::connect(&edge).get("/d", "").status, 502);
    assert_eq!(one.asked() + two.asked(), before + 2, "a GET is tried at both");
}

#[test]
fn a_post_goes_to_another_origin_when_the_first_cannot_be_reached() {
    let well = Named::start("well");
    let edge = edge(vec![source(refusing()), source(well.addr)], |_| {});
    let mut client = Client::connect(&edge);
    for i in 0..10 {
        assert_eq!(client.ask("POST", &format!("/{i}"), "").answer().text(), "well");
    }
    assert_eq!(well.asked(), 10);
}

#[test]
fn the_retry_budget_runs_out() {
    let closing = Named::answering(|_| None);
    let well = Named::start("well");
    let edge = edge(vec![source(closing.addr), source(well.addr)], |config| {
        config.upstream.retry_percent = 0;
        config.upstream.retry_per_second = 1;
        config.upstream.breaker_after = 0;
    });
    let mut client = Client::connect(&edge);
    let answers: Vec<u16> = (0..60).map(|i| client.get(&format!("/{i}"), "").status).collect();
    let failed = answers.iter().filter(|status| **status == 502).count();
    assert!(failed > 10, "{failed} of 60 failed: the budget allows one retry, and one more a second");
    assert_eq!(answers.iter().filter(|status| **status == 200).count() + failed, 60);
}

#[test]
fn weights_decide_who_is_asked_and_a_backup_waits() {
    let (heavy, light, backup) = (Named::start("heavy"), Named::start("light"), Named::start("backup"));
    let origins = vec![
        Source { weight: 3, ..source(heavy.addr) },
        source(light.addr),
        Source { backup: true, weight: 9, ..source(backup.addr) },
    ];
    let edge = edge(origins, |_| {});
    all_well(&edge, 2000);
    let (h, l) = (heavy.asked(), light.asked());
    assert_eq!((h + l, backup.asked()), (2000, 0));
    assert!((1400..=1600).contains(&h), "{h} of 2000 where 1500 were expected");
}

#[test]
fn a_backup_is_asked_when_nobody_else_can_be() {
    let backup = Named::start("backup");
    let edge = edge(vec![source(refusing()), Source { backup: true, ..source(backup.addr) }], |_| {});
    all_well(&edge, 20);
    assert_eq!(backup.asked(), 20);
}

#[test]
fn the_breaker_of_an_only_origin_refuses_at_once_and_closes_when_it_is_back() {
    let port = refusing();
    let edge = edge(vec![source(port)], |_| {});
    let mut client = Client::connect(&edge);
    let words: Vec<String> = (0..6).map(|i| client.get(&format!("/{i}"), "").refusal().to_owned()).collect();
    assert_eq!(words[..5], ["origin-connect"; 5]);
    assert_eq!(words[5], "origin-unavailable");
    let back = TcpListener::bind(port).expect("the port is still free");
    std::thread::spawn(move || {
        for mut stream in back.incoming().flatten() {
            let mut buffer = [0u8; 4096];
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nback");
        }
    });
    until("the breaker lets one through", || client.get("/again", "").status == 200);
    until("it is closed", || breaker(&edge, 0) == "closed");
}

#[test]
fn a_path_on_which_an_only_origin_hangs_up_does_not_close_the_others() {
    let origin = Named::answering(|n| (n >= 10).then(|| "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell".to_owned()));
    let edge = edge(vec![source(origin.addr)], |_| {});
    let mut client = Client::connect(&edge);
    for i in 0..10 {
        assert_eq!(client.get(&format!("/{i}"), "").refusal(), "origin-closed");
    }
    assert_eq!(client.get("/other", "").text(), "well");
}

#[test]
fn a_slow_origin_that_answers_first_after_all_wins() {
    let (one, two) = (Origin::start(), Origin::start());
    let edge = edge(vec![source(one.addr), source(two.addr)], |config| {
        config.upstream.try_timeout = Duration::from_millis(100);
    });
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "");
    // Both are asked; whichever was first, the other one came by silence.
    let (first, _second) = (one.next(), two.next());
    let body = bytes(100_000);
    first.answer("200 OK", "Cache-Control: max-age=60", &body);
    assert!(client.answer().body == body);
    assert_eq!(client.get("/a", "").cache(), "streamgate; hit");
}

#[test]
fn each_origin_is_sent_its_own_host_or_the_one_configured() {
    let origin = Origin::start();
    let plain = crate::support::edge(&origin, |_| {});
    Client::connect(&plain).ask("GET", "/a", "traceparent: 00-0af7-b7ad-01");
    let asked = origin.next();
    assert_eq!(asked.field("host"), Some(origin.addr.to_string().as_str()));
    assert_eq!(asked.field("traceparent"), Some("00-0af7-b7ad-01"), "a trace goes on");
    let named = crate::support::edge(&origin, |config| config.upstream.host = Some("media.example".to_owned()));
    Client::connect(&named).ask("GET", "/a", "");
    assert_eq!(origin.next().field("host"), Some("media.example"));
}

#[test]
fn an_origin_whose_probes_fail_is_not_asked_until_they_are_good_again() {
    let (one, ill) = ailing("one");
    let (two, _) = ailing("two");
    let edge = edge(vec![source(one.addr), source(two.addr)], |config| {
        config.shards = 2;
        config.upstream.health.path = Some("/up".to_owned());
        config.upstream.health.interval = Duration::from_millis(20);
        config.upstream.health.unhealthy_after = 2;
    });
    let healthy = |at: usize| edge.origins()[at]["healthy"] == true;
    all_well(&edge, 40);
    assert!(one.asked() > 5 && two.asked() > 5);
    ill.store(true, Ordering::SeqCst);
    // "healthy" is true when every shard says so; that none does shows in the sum of the gauge.
    until("both shards hear of it", || counter(&edge, "upstream_probed_down") == 2);
    assert!(!healthy(0) && healthy(1));
    let before = one.asked();
    all_well(&edge, 40);
    assert_eq!(one.asked(), before);
    ill.store(false, Ordering::SeqCst);
    until("both shards hear that it is well", || counter(&edge, "upstream_probed_down") == 0);
    all_well(&edge, 40);
    assert!(one.asked() > before);
}

#[test]
fn when_every_probe_fails_the_requests_find_out_themselves() {
    let (one, ill) = ailing("one");
    ill.store(true, Ordering::SeqCst);
    let edge = edge(vec![source(one.addr)], |config| {
        config.upstream.health.path = Some("/up".to_owned());
        config.upstream.health.interval = Duration::from_millis(20);
    });
    until("it is found ill", || counter(&edge, "upstream_probed_down") == 1);
    all_well(&edge, 10);
}

#[test]
fn a_name_that_leads_elsewhere_is_followed_and_one_that_stops_resolving_is_kept() {
    let (old, new) = (Named::start("old"), Named::start("new"));
    let leads_to = Arc::new(Mutex::new(Some(old.addr)));
    let looked_up = Arc::new(AtomicUsize::new(0));
    let (answer, count) = (leads_to.clone(), looked_up.clone());
    let origin = Source::parse("http://origin.example:81").expect("a URL");
    let edge = edge(vec![origin], |config| {
        config.upstream.resolve_interval = Duration::from_millis(20);
        config.upstream.resolver = edge::Resolver::Scripted(Arc::new(move |host, port| {
            assert_eq!((host, port), ("origin.example", 81));
            count.fetch_add(1, Ordering::SeqCst);
            let addr = *answer.lock().expect("not poisoned");
            addr.map(|addr| vec![addr]).ok_or_else(|| std::io::Error::other("no such name"))
        }));
    });
    let mut client = Client::connect(&edge);
    let mut number = 0;
    let mut who = || {
        number += 1;
        client.get(&format!("/{number}"), "").text()
    };
    assert_eq!(who(), "old");
    *leads_to.lock().expect("not poisoned") = Some(new.addr);
    until("the new address is used", || who() == "new");
    let before = old.asked();
    assert_eq!(who(), "new");
    assert_eq!(old.asked(), before, "a kept connection to the old address is not used");
    *leads_to.lock().expect("not poisoned") = None;
    let from = looked_up.load(Ordering::SeqCst);
    until("it is looked up again, in vain", || looked_up.load(Ordering::SeqCst) >= from + 3);
    assert_eq!(who(), "new");
}
