//! Promised: of an encrypted asset nothing is stored or delivered in the clear; its playlists say how it is encrypted; its key goes to edges
//! alone, marked as gated whoever may have the rest, and is never kept; it plays with that key, and comes back from a backup.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use durable::Places;
use serde_json::json;
use wire::cmaf::protect::{PICTURES, SOUND, decrypt, iv};
use wire::mp4::child;
use wire::mp4::senc::Senc;

use crate::support::{Answer, Site, clip, http};

async fn asked(site: &Site, method: &str, path: &str, edge_key: Option<&str>, body: &[u8]) -> Answer {
    let headers: Vec<(&str, &str)> = edge_key.map(|key| ("streamgate-edge-key", key)).into_iter().collect();
    http::request(site.origin.addr(), method, path, &headers, body).await
}

/// Each sample of a segment, decrypted by what the segment says when there is a key.
fn samples(segment: &[u8], key: Option<(&[u8; 16], &[u8; 16])>) -> Vec<Vec<u8>> {
    let moof = child(b"file", segment, b"moof").unwrap().unwrap();
    let traf = child(b"moof", moof, b"traf").unwrap().unwrap();
    let said = child(b"traf", traf, b"senc").unwrap().map(|body| Senc::read(body).unwrap());
    let read = wire::cmaf::read_segment(segment).unwrap();
    let mut samples: Vec<Vec<u8>> = read.samples.iter().map(|sample| sample.data.to_vec()).collect();
    let Some((key, iv)) = key else { return samples };
    for (at, data) in samples.iter_mut().enumerate() {
        let Some(said) = &said else {
            decrypt(key, iv, SOUND, data);
            continue;
        };
        let mut from = 0;
        for one in &said.samples[at] {
            let start = from + usize::from(one.clear);
            from = start + one.protected as usize;
            decrypt(key, iv, PICTURES, &mut data[start..from]);
        }
    }
    samples
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_asset_is_the_clear_one_to_whoever_has_the_key() {
    let site = Site::start(|config| config.ladder.heights = vec![48]).await;
    let movie = clip(5, 160, 90);
    let clear = site.upload("", &movie).await;
    site.settled(&clear).await;
    let locked = site.upload("&encryption=cbcs", &movie).await;
    assert_eq!(site.settled(&locked).await["state"], "ready");
    let edge = site.origin.edge_key().to_owned();
    let key = asked(&site, "GET", &format!("/v/{locked}/key"), Some(&edge), b"").await;
    assert_eq!((key.status, key.header("content-type")), (200, "application/octet-stream"));
    let key: [u8; 16] = key.body[..].try_into().unwrap();
    for (track, media) in [("h264-90", true), ("av1-48", true), ("aac-und", false)] {
        let init = site.get(&format!("/v/{locked}/{track}/init.mp4"), &[]).await.body;
        let entry: &[u8] = if media { b"encv" } else { b"enca" };
        assert!(init.windows(4).any(|word| word == entry) && init.windows(4).any(|word| word == b"cbcs"), "{track}");
        let moov = child(b"file", &init, b"moov").unwrap().unwrap();
        let key_id = wire::mp4::pssh::read(child(b"moov", moov, b"pssh").unwrap().unwrap()).unwrap();
        for segment in ["0.m4s", "1.m4s"] {
            let of = async |id: &str| site.get(&format!("/v/{id}/{track}/{segment}"), &[]).await.body;
            let (plain, cipher) = (samples(&of(&clear).await, None), of(&locked).await);
            let stored = samples(&cipher, None);
            assert!(
                plain.iter().zip(&stored).all(|(a, b)| a != b || a.len() < 64),
                "{track} {segment}: a clear sample"
            );
            assert!(samples(&cipher, Some((&key, &iv(&key_id)))) == plain, "{track} {segment} with the key");
        }
        let media = site.get(&format!("/v/{locked}/{track}/media.m3u8"), &[]).await.text();
        assert!(media.contains("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"../key\""), "{media}");
        assert!(media.contains(&STANDARD.encode(key_id)), "{media}");
    }
    let about = site.api("GET", &format!("/api/v1/content/{locked}"), b"").await.json();
    assert_eq!(about["encryption"], "cbcs");
    assert!(site.get(&format!("/v/{locked}/master.m3u8"), &[]).await.text().contains("#EXT-X-SESSION-KEY"));
    assert!(site.get(&format!("/v/{locked}/manifest.mpd"), &[]).await.text().contains("value=\"cbcs\""));
    assert!(!site.get(&format!("/v/{clear}/master.m3u8"), &[]).await.text().contains("KEY"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_goes_to_edges_alone_and_is_marked_whoever_may_have_the_rest() {
    let site = Site::start(|config| config.ladder.heights = vec![48]).await;
    let edge = site.origin.edge_key().to_owned();
    let other = site.ready("").await;
    for query in ["&encryption=cbcs", "&encryption=cbcs&visibility=gated"] {
        let id = site.ready(query).await;
        let path = format!("/v/{id}/key");
        let raw = asked(&site, "GET", &path, Some(&edge), b"").await;
        assert_eq!((raw.status, raw.body.len()), (200, 16));
        let master = asked(&site, "GET", &format!("/v/{id}/master.m3u8"), Some(&edge), b"").await.text();
        let name = master.split_once("base64,").unwrap().1.split_once('"').unwrap().0;
        let kid = URL_SAFE_NO_PAD.encode(STANDARD.decode(name).unwrap());
        let body = json!({ "kids": [kid], "type": "temporary" }).to_string();
        let licence = asked(&site, "POST", &path, Some(&edge), body.as_bytes()).await;
        let one = json!({ "kty": "oct", "kid": kid, "k": URL_SAFE_NO_PAD.encode(&raw.body) });
        assert_eq!((licence.status, licence.json()), (200, json!({ "keys": [one], "type": "temporary" })));
        for (method, key, body, expected) in [
            ("GET", None, "", (403, "edge_key_missing")),
            ("POST", None, body.as_str(), (403, "edge_key_missing")),
            ("GET", Some("sg-guess"), "", (403, "edge_key_wrong")),
            ("POST", Some("sg-guess"), body.as_str(), (403, "edge_key_wrong")),
            ("POST", Some(edge.as_str()), "", (400, "bad_body")),
            ("POST", Some(edge.as_str()), "{\"kids\":[]}", (400, "bad_body")),
            ("POST", Some(edge.as_str()), "{\"kids\":[\"AAAAAAAAAAAAAAAAAAAAAA\"]}", (400, "bad_body")),
            ("POST", Some(edge.as_str()), &"x".repeat(5000), (400, "bad_body")),
        ] {
            let refused = asked(&site, method, &path, key, body.as_bytes()).await;
            assert_eq!(refused.problem(), (expected.0, expected.1.to_owned()), "{method} {key:?} {body}");
            assert_eq!((refused.header("streamgate-gate"), refused.header("cache-control")), ("token", "no-store"));
        }
        for answer in [&raw, &licence] {
            assert_eq!((answer.header("streamgate-gate"), answer.header("cache-control")), ("token", "no-store"));
        }
    }
    for (method, path, code) in [
        ("GET", format!("/v/{other}/key"), "not_encrypted"),
        ("POST", format!("/v/{other}/key"), "not_encrypted"),
        ("GET", "/v/nobody/key".into(), "unknown_asset"),
        ("POST", "/v/nobody/key".into(), "unknown_asset"),
    ] {
        assert_eq!(
            asked(&site, method, &path, Some(&edge), b"{}").await.problem(),
            (404, code.into()),
            "{method} {path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_configuration_says_holds_for_uploads_that_do_not_say() {
    let site = Site::start(|config| config.encrypt = true).await;
    for (query, expected) in [("", "cbcs"), ("&encryption=none", "none"), ("&encryption=cbcs", "cbcs")] {
        let id = site.upload(query, b"no video").await;
        let about = site.api("GET", &format!("/api/v1/content/{id}"), b"").await.json();
        assert_eq!(about["encryption"], expected, "{query}");
    }
    let refused = site.api("POST", "/api/v1/upload?name=a.mp4&encryption=rot13", b"no video").await;
    assert_eq!(refused.problem(), (400, "bad_query".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_copy_hands_out_the_same_key_and_a_stranger_none() {
    let site = Site::start(|config| config.ladder.heights = vec![48]).await;
    let id = site.ready("&encryption=cbcs").await;
    let (edge, path) = (site.origin.edge_key().to_owned(), format!("/v/{id}/key"));
    let key = asked(&site, "GET", &path, Some(&edge), b"").await.body;
    let copy = tempfile::tempdir().unwrap();
    let mine = Places { catalogue: site.config.catalogue.clone(), objects: None };
    durable::backup(&site.config.data, &mine, copy.path(), |_| {}).await.unwrap();
    for is_stranger in [false, true] {
        let elsewhere = tempfile::tempdir().unwrap();
        durable::restore(copy.path(), elsewhere.path(), &Places::default(), |_| {}).await.unwrap();
        if is_stranger {
            std::fs::remove_file(elsewhere.path().join("keys/content.key")).unwrap();
        }
        let config = origin::Config { data: elsewhere.path().into(), catalogue: None, ..site.config.clone() };
        let other = origin::start(config).await.unwrap();
        let answer = http::request(other.addr(), "GET", &path, &[("streamgate-edge-key", &edge)], b"").await;
        if is_stranger {
            assert_eq!((answer.status, answer.header("cache-control")), (500, "no-store"));
        } else {
            assert_eq!((answer.status, &answer.body), (200, &key));
        }
        other.shutdown().await;
    }
}
