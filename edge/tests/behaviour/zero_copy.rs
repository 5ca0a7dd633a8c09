//! Promised: a body that leaves memory without a copy arrives as it is, however little of it the socket takes at a time, and whatever becomes of its
//! memory before the client has it. What the kernel may still read is bounded; where it copies all the same, or has no room, bodies are copied as
//! ever. A kernel without `send_zc` (Linux 6.2) is said on `/features`, and there is nothing to promise then.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Client, Origin, bytes, counter, edge, until};
use edge::purge::{Purge, What};
use edge::{Config, Edge, Faults, SendZc};
use socket2::{Domain, Socket, Type};

const KEPT: &str = "Cache-Control: max-age=60";
/// Two sends' worth: below half a mebibyte, from where on bodies lie in the memory file.
const LARGE: usize = 200_000;

/// Whether the kernel has it.
fn is_here(edge: &Edge) -> bool {
    let found = edge.features().iter().find(|feature| feature.name == "send_zc").expect("it is in the list");
    if !found.on {
        eprintln!("not tested: {}", found.why);
    }
    found.on
}

fn on(origin: &Origin, change: impl FnOnce(&mut Config)) -> Edge {
    edge(origin, |config| {
        config.send_zc = SendZc::On;
        change(config);
    })
}

/// An edge whose origin answers `/any/seed/len` with bytes of its own.
fn of_many(change: impl FnOnce(&mut Config)) -> Edge {
    let origin = Origin::start();
    let edge = on(&origin, change);
    origin.answer_all(KEPT, |line| seeded(line.trim_start_matches("GET ")));
    edge
}

fn seeded(target: &str) -> Vec<u8> {
    let mut parts = target.rsplit('/').map(|part| part.parse().expect("a number"));
    let (len, seed): (usize, usize) = (parts.next().expect("a length"), parts.next().expect("a seed"));
    bytes(len).iter().map(|byte| byte ^ (seed as u8).wrapping_mul(37)).collect()
}

/// A client that asks for `target`, has little room for the answer, and does not read yet.
fn asks(edge: &Edge, target: &str) -> Client {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(16 * 1024).expect("a size");
    socket.connect(&edge.http_addr().into()).expect("the edge accepts");
    let mut client = Client::with(socket.into());
    client.ask("GET", target, "");
    client
}

fn held(edge: &Edge) -> u64 {
    counter(edge, "zero_copy_held_bytes")
}

fn arrives_as_it_is(faults: Faults) {
    let edge = of_many(|config| config.faults = faults);
    if !is_here(&edge) {
        return;
    }
    let mut client = Client::connect(&edge);
    for len in [16_385, 32_767, 32_768, 32_769, 65_536, LARGE, 500_000, 600_000] {
        let target = format!("/{}/{len}", len % 251);
        let body = seeded(&target);
        assert!(client.get(&target, "").body == body, "as it comes: {len}");
        client.ask("GET", &target, "").ask("GET", &target, "Range: bytes=7-").ask(
            "GET",
            &target,
            "Range: bytes=-16384",
        );
        client.ask("GET", &target, "").ask("HEAD", &target, "").ask("GET", &target, "Range: bytes=5-9, 11-");
        assert!(client.answer().body == body, "{len}");
        assert!(client.answer().body == body[7..], "{len}");
        assert!(client.answer().body == body[len - 16_384..], "{len}");
        assert!(client.answer().body == body, "{len}");
        assert_eq!(client.head().field("content-length"), Some(len.to_string().as_str()));
        let several = client.answer();
        assert_eq!(several.status, 206);
        assert!(several.body.windows(len - 11).any(|part| part == &body[11..]), "{len}");
    }
    // The loopback copies, and the kernel says so.
    until("all was sent so, and is acknowledged", || {
        let sends = counter(&edge, "zero_copy_sends_total");
        held(&edge) == 0 && sends >= 15 && counter(&edge, "zero_copy_copied_total") == sends
    });
    assert_eq!(counter(&edge, "zero_copy_given_up_total"), 0, "and this edge was told not to mind");
}

#[test]
fn bodies_arrive_as_they_are() {
    arrives_as_it_is(Faults::default());
}

#[test]
fn bodies_arrive_as_they_are_by_short_sends() {
    arrives_as_it_is(Faults { send_bytes_max: Some(4999), ..Faults::default() });
    arrives_as_it_is(Faults { send_bytes_max: Some(33_333), recv_bytes_max: Some(1009), ..Faults::default() });
}

#[test]
fn who_reads_late_gets_what_was_sent_whatever_became_of_its_memory() {
    const LATE: usize = 40;
    const LEN: usize = 100_000;
    // Another answer each time: what is purged does not come back as it was.
    static VERSION: AtomicUsize = AtomicUsize::new(1);
    let origin = Origin::start();
    let edge = on(&origin, |_| {});
    if !is_here(&edge) {
        return;
    }
    origin.answer_all(KEPT, |line| {
        let mut body = seeded(line.trim_start_matches("GET "));
        body.fill(VERSION.load(Ordering::SeqCst) as u8);
        body
    });
    let mut other = Client::connect(&edge);
    let target = |n: usize| format!("/late/{n}/{LEN}");
    for n in 0..LATE {
        assert!(other.get(&target(n), "").body == [1; LEN]);
    }
    let clients: Vec<Client> = (0..LATE).map(|n| asks(&edge, &target(n))).collect();
    until("all are on their way, as far as that is allowed", || {
        counter(&edge, "zero_copy_sends_total") + counter(&edge, "zero_copy_refused_total") >= LATE as u64
    });
    until("it is said", || held(&edge) > 0);
    assert!(held(&edge) >= (LATE * LEN / 2) as u64, "{} bytes are held", held(&edge));
    VERSION.store(2, Ordering::SeqCst);
    edge.purge(Purge { what: What::Prefix("/late/".into()), soft: false }).expect("done");
    for n in 0..LATE {
        assert!(other.get(&target(n), "").body == [2; LEN], "another one lies there now");
    }
    VERSION.store(3, Ordering::SeqCst);
    // More than memory holds.
    for n in 0..900 {
        assert!(other.get(&format!("/others/{n}/{LEN}"), "").body == [3; LEN]);
    }
    assert!(counter(&edge, "evicted_total") > 0);
    for (n, mut client) in clients.into_iter().enumerate() {
        let body = client.answer().body;
        let wrong = body.iter().filter(|byte| **byte != 1).count();
        assert_eq!((body.len(), wrong), (LEN, 0), "client {n} got bytes of something else");
    }
    until("the kernel is done", || held(&edge) == 0);
}

#[test]
fn what_the_kernel_may_still_read_is_bounded() {
    const CLIENTS: usize = 60;
    let edge = of_many(|config| config.ram_bytes = 64 << 20);
    if !is_here(&edge) {
        return;
    }
    let bound = counter(&edge, "memory_budget_bytes") / 16;
    assert!(bound < (CLIENTS * LARGE / 2) as u64, "{bound}");
    let mut other = Client::connect(&edge);
    let targets: Vec<String> = (0..CLIENTS).map(|n| format!("/{n}/{LARGE}")).collect();
    for target in &targets {
        other.get(target, "");
    }
    let clients: Vec<Client> = targets.iter().map(|target| asks(&edge, target)).collect();
    until("there is no room for more", || {
        assert!(held(&edge) <= bound, "{} of {bound} bytes", held(&edge));
        counter(&edge, "zero_copy_refused_total") > 0
    });
    assert!(held(&edge) > bound / 2, "{} of {bound} bytes", held(&edge));
    for (target, mut client) in targets.iter().zip(clients) {
        assert!(client.answer().body == seeded(target));
        assert!(held(&edge) <= bound, "{} of {bound} bytes", held(&edge));
    }
    until("the kernel is done", || held(&edge) == 0);
    let refused = counter(&edge, "zero_copy_refused_total");
    assert!(other.get(&targets[0], "").body == seeded(&targets[0]));
    let sends = counter(&edge, "zero_copy_sends_total");
    until("there is room again", || {
        other.get(&targets[1], "");
        counter(&edge, "zero_copy_sends_total") > sends
    });
    assert_eq!(counter(&edge, "zero_copy_refused_total"), refused);
}

#[test]
fn where_the_kernel_copies_a_connection_goes_back_to_copies() {
    let edge = of_many(|config| {
        config.send_zc = SendZc::Auto;
        config.faults.loopback_is_far = true;
    });
    if !is_here(&edge) {
        return;
    }
    let target = format!("/1/{LARGE}");
    let mut client = Client::connect(&edge);
    client.get(&target, "");
    until("it was copied often enough", || {
        assert!(client.get(&target, "").body == seeded(&target));
        counter(&edge, "zero_copy_given_up_total") == 1
    });
    until("all has been told", || {
        held(&edge) == 0 && counter(&edge, "zero_copy_copied_total") == counter(&edge, "zero_copy_sends_total")
    });
    let sends = counter(&edge, "zero_copy_sends_total");
    assert!(sends >= 4);
    for _ in 0..40 {
        assert!(client.get(&target, "").body == seeded(&target));
    }
    // Another connection tries for itself, and then all of the above has been told as well.
    let mut another = Client::connect(&edge);
    until("the next one has given up, too", || {
        assert!(another.get(&target, "").body == seeded(&target));
        counter(&edge, "zero_copy_given_up_total") == 2
    });
    let more = counter(&edge, "zero_copy_sends_total") - sends;
    assert!((4..40).contains(&more), "{more} sends more, of which 4 are needed for the second to give up");
}

#[test]
fn by_default_clients_on_this_machine_are_sent_copies() {
    let edge = of_many(|config| config.send_zc = SendZc::default());
    let target = format!("/1/{LARGE}");
    let mut client = Client::connect(&edge);
    for _ in 0..20 {
        assert!(client.get(&target, "").body == seeded(&target));
    }
    std::thread::sleep(std::time::Duration::from_millis(250));
    assert_eq!(counter(&edge, "zero_copy_sends_total"), 0);
}

#[test]
fn a_kernel_that_has_no_room_costs_no_answer() {
    for errno in [libc::ENOMEM, libc::ENOBUFS, libc::EOPNOTSUPP] {
        let edge = of_many(|config| config.faults.send_zc_fails = Some(errno));
        if !is_here(&edge) {
            return;
        }
        let target = format!("/1/{LARGE}");
        let mut client = Client::connect(&edge);
        for _ in 0..3 {
            assert!(client.get(&target, "").body == seeded(&target));
        }
        until("it is counted", || counter(&edge, "zero_copy_refused_total") > 0);
        assert_eq!((counter(&edge, "zero_copy_sends_total"), held(&edge)), (0, 0));
    }
}

#[test]
fn who_leaves_in_the_middle_leaves_nothing_behind() {
    let edge = of_many(|_| {});
    if !is_here(&edge) {
        return;
    }
    let mut other = Client::connect(&edge);
    let target = |n: usize| format!("/{n}/{LARGE}");
    (0..15).for_each(|n| drop(other.get(&target(n), "")));
    let clients: Vec<Client> = (0..15).map(|n| asks(&edge, &target(n))).collect();
    until("all are on their way", || held(&edge) >= 10 * LARGE as u64);
    drop(clients);
    until("the kernel is done", || held(&edge) == 0);
    until("nobody else is here", || counter(&edge, "connections") == 1);
    assert!(other.get(&target(0), "").body == seeded(&target(0)));
}

#[test]
fn a_connection_takes_its_way_along_to_another_shard() {
    let edge = of_many(|config| {
        config.shards = 2;
        config.faults.hands_over = true;
    });
    if !is_here(&edge) {
        return;
    }
    let target = format!("/1/{LARGE}");
    let mut clients: Vec<Client> = (0..4).map(|_| Client::connect(&edge)).collect();
    for _ in 0..10 {
        for client in &mut clients {
            assert!(client.get(&target, "").body == seeded(&target));
        }
    }
    let by_shard = |shard: usize| {
        let name = format!("streamgate_edge_zero_copy_sends_total{{shard=\"{shard}\"}} ");
        let metrics = edge.metrics();
        metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok()).expect("a number")
    };
    until("both have sent", || by_shard(0) > 10 && by_shard(1) > 10);
}
