//! Promised: whoever asks too fast is told so, and when to ask again; nobody else notices.

use crate::support::{Site, http};
use origin::Rate;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_asks_too_fast_is_told_when_to_ask_again() {
    let site = Site::start(|config| config.key_rate = Some(Rate { per_second: 1, burst: 3 })).await;
    let viewer = site.key("viewer", "eve").await;
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(site.with(&viewer, "GET", "/api/v1/content", b"").await);
    }
    assert_eq!((answers[0].status, answers[0].header("ratelimit")), (200, "\"key\";r=2;t=1"));
    assert_eq!(answers[0].header("ratelimit-policy"), "\"key\";q=3;w=3");
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!((2..=3).contains(&refused.len()), "{answers:?}");
    assert_eq!(refused[0].problem().1, "too_many_requests");
    assert_eq!(refused[0].header("retry-after"), "1");
    assert_eq!(site.api("GET", "/api/v1/content", b"").await.status, 200, "another key");
    assert_eq!(site.get("/healthz", &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_guesses_keys_is_slowed_down_whatever_it_says_of_itself() {
    let site = Site::start(|config| config.address_rate = Some(Rate { per_second: 1, burst: 4 })).await;
    let mut statuses = Vec::new();
    for n in 0..9 {
        let (key, from) = (format!("Bearer sg-guess-{n}"), format!("10.0.0.{n}"));
        let headers =
            [("authorization", key.as_str()), ("x-forwarded-for", from.as_str()), ("forwarded", "for=10.1.1.1")];
        statuses.push(http::request(site.origin.addr(), "GET", "/api/v1/content", &headers, b"").await.status);
    }
    assert_eq!(statuses[..4], [401; 4]);
    assert!(statuses[4..].iter().filter(|status| **status == 429).count() >= 3, "{statuses:?}");
    let edge = site.origin.edge_key().to_owned();
    for _ in 0..6 {
        let answer = site.get("/api/v1/events", &[("streamgate-edge-key", &edge)]).await;
        assert_eq!(answer.status, 200, "edges are not counted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_trusted_proxy_speaks_for_has_a_bucket_of_its_own() {
    let site = Site::start(|config| {
        config.address_rate = Some(Rate { per_second: 1, burst: 2 });
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let ask = async |from: &str| {
        let headers = [("x-forwarded-for", from), ("authorization", "Bearer sg-guess")];
        http::request(site.origin.addr(), "GET", "/api/v1/content", &headers, b"").await.status
    };
    let of = async |from: &str| [ask(from).await, ask(from).await, ask(from).await, ask(from).await];
    assert_eq!(of("192.0.2.1").await[..2], [401, 401]);
    assert_eq!(of("192.0.2.2").await[..2], [401, 401], "another client of the same proxy");
    // What a client wrote before the proxy did moves nothing.
    let mut refused = 0;
    for n in 0..6 {
        refused += usize::from(ask(&format!("203.0.113.{n}, 192.0.2.3")).await == 429);
    }
    assert!(refused >= 3, "{refused}");
}
