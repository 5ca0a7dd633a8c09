//! Promised: one address has no more than its share of connections and requests over all shards, whatever its headers say; the others
//! notice nothing.

use std::net::{SocketAddr, TcpStream};

use crate::support::{Client, Origin, edge, until};
use edge::{Config, Edge};
use socket2::{Domain, Socket, Type};

/// A client at another loopback address.
fn from(edge: &Edge, ip: [u8; 4]) -> Client {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((ip, 0)).into()).expect("the loopback has many addresses");
    socket.connect(&edge.http_addr().into()).expect("the edge accepts");
    Client::with(TcpStream::from(socket))
}

/// Two shards, and a page that needs no origin.
fn two_shards(change: impl FnOnce(&mut Config)) -> Edge {
    edge(&Origin::start(), |config| {
        config.shards = 2;
        config.pages = vec![edge::Page { path: "/".to_owned(), content_type: "text/plain", body: b"here" }];
        change(config);
    })
}

#[test]
fn one_address_has_so_many_connections_and_no_more() {
    let edge = two_shards(|config| config.limits.connections_per_address = 8);
    let mut held: Vec<Client> = (0..8).map(|_| Client::connect(&edge)).collect();
    for client in &mut held {
        assert_eq!(client.get("/", "").text(), "here");
    }
    let mut ninth = Client::connect(&edge);
    let refused = ninth.answer();
    assert_eq!((refused.status, refused.refusal()), (503, "address-connections"));
    ninth.expect_closed();
    assert_eq!(from(&edge, [127, 0, 0, 2]).get("/", "").text(), "here");
    let mut gone = held.pop().expect("eight");
    gone.get("/", "Connection: close");
    gone.expect_closed();
    drop(gone);
    until("the place of a connection that has ended is free", || {
        Client::connect(&edge).try_get("/").is_some_and(|answer| answer.status == 200)
    });
}

#[test]
fn one_address_asks_so_often_and_no_header_changes_that() {
    let edge = two_shards(|config| {
        config.limits.requests_per_address_per_second = 1;
        config.limits.requests_per_address_burst = 5;
    });
    let mut answers: Vec<u16> = Vec::new();
    for n in 0..12 {
        let mut client = Client::connect(&edge);
        let got = client.get("/", &format!("X-Forwarded-For: 192.0.2.{n}\nForwarded: for=192.0.2.{n}"));
        if got.status == 429 {
            assert_eq!((got.refusal(), got.field("retry-after")), ("address-rate", Some("1")));
            assert_eq!(client.get("/", "").status, 429, "the connection goes on");
        }
        answers.push(got.status);
    }
    let served = answers.iter().filter(|status| **status == 200).count();
    assert!((5..=8).contains(&served), "{answers:?}");
    assert_eq!(from(&edge, [127, 0, 0, 2]).get("/", "").status, 200);
}
