//! Promised: whoever asks for a playlist that has come so far (`_HLS_msn`, `_HLS_part`) waits with all others for one request to the
//! origin, as long as three target durations; directives that cannot be are refused before anyone is asked.

use std::time::{Duration, Instant};

use crate::support::{Client, Origin, edge, refusals, source};

const PLAYLIST: &str =
    "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-PART-INF:PART-TARGET=0.2\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n";
const FRESH: &str = "Cache-Control: max-age=6\nContent-Type: application/vnd.apple.mpegurl";

#[test]
fn a_playlist_that_is_waited_for_is_asked_for_once() {
    let (origin, other) = (Origin::start(), Origin::start());
    let edge = edge(&origin, |config| {
        config.upstream.origins.push(source(other.addr));
        config.upstream.origins[1].backup = true;
        config.upstream.try_timeout = Duration::from_millis(50);
        config.limits.coalesce = Duration::from_millis(50);
    });
    let mut clients: Vec<Client> = (0..5).map(|_| Client::connect(&edge)).collect();
    clients[0].ask("GET", "/live/v.m3u8", "");
    origin.expect("GET /live/v.m3u8").answer("200 OK", FRESH, PLAYLIST);
    assert_eq!(clients[0].answer().status, 200);
    for part in [1, 2] {
        let target = format!("/live/v.m3u8?_HLS_msn=7&_HLS_part={part}");
        for client in &mut clients {
            client.ask("GET", &target, "");
        }
        let exchange = origin.expect(&format!("GET {target}"));
        // Neither the silence of the origin nor the time of a fetch is a reason to ask again.
        origin.expect_none();
        other.expect_none();
        exchange.answer("200 OK", FRESH, format!("{PLAYLIST}part {part}"));
        for client in &mut clients {
            assert!(client.answer().text().ends_with(&format!("part {part}")));
        }
        assert_eq!(clients[0].get(&target, "").cache(), "streamgate; hit");
    }
    clients[0].ask("GET", "/live/v.m3u8?_HLS_msn=8&_HLS_skip=YES", "");
    origin.expect("GET /live/v.m3u8?_HLS_msn=8&_HLS_skip=YES").answer("200 OK", FRESH, "delta");
    assert_eq!(clients[0].answer().text(), "delta");
    origin.expect_none();
}

#[test]
fn three_target_durations_are_the_end_of_patience() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.upstream.breaker_after = 1);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/live/v.m3u8", "");
    origin.expect("GET /live/v.m3u8").answer("200 OK", FRESH, PLAYLIST);
    client.answer();
    let asked = Instant::now();
    client.ask("GET", "/live/v.m3u8?_HLS_msn=9", "");
    let held = origin.expect("GET /live/v.m3u8?_HLS_msn=9");
    let got = client.answer();
    assert_eq!((got.status, got.refusal()), (503, "playlist-timeout"));
    assert!((2900..4500).contains(&asked.elapsed().as_millis()), "{:?}", asked.elapsed());
    drop(held);
    // The origin is none the worse for it.
    client.ask("GET", "/other", "");
    origin.expect("GET /other").answer("200 OK", FRESH, "well");
    assert_eq!(client.answer().text(), "well");
}

#[test]
fn directives_that_cannot_be_are_refused() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    for query in ["_HLS_part=1", "_HLS_msn=x", "_HLS_msn=1&_HLS_msn=2", "_HLS_skip=NO"] {
        let got = client.get(&format!("/live/v.m3u8?{query}"), "");
        assert_eq!((got.status, got.refusal()), (400, "playlist-directive"), "{query}");
    }
    assert_eq!(refusals(&edge, "playlist-directive"), 4);
    origin.expect_none();
}
