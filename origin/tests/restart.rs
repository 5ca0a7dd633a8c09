//! What an end and a new start keep: assets, keys, stored chunks; and what a start refuses.

mod support;

use std::time::Duration;

use origin::{Config, StartError};
use support::Site;

#[tokio::test(flavor = "multi_thread")]
async fn assets_and_keys_outlive_the_process() {
    let site = Site::start(|_| {}).await;
    let id = site.ready("").await;
    let (api, edge) = (site.origin.api_key().to_owned(), site.origin.edge_key().to_owned());
    let token = site.origin.mint(&id, Duration::from_secs(3600)).unwrap();
    let site = site.restart().await;
    assert_eq!((site.origin.api_key(), site.origin.edge_key()), (api.as_str(), edge.as_str()));
    let now = wire::token::UnixSeconds(token.expires - 1);
    let path = format!("/v/{id}/master.m3u8");
    assert!(wire::token::verify(&token.token, &site.origin.verification_keys(), now, &path).is_ok());
    assert_eq!(site.get(&path, &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_cannot_succeed_says_what_to_do() {
    let site = Site::start(|_| {}).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let config = |listen: std::net::SocketAddr, data: std::path::PathBuf| Config { listen, data, ..Config::default() };
    let free = "127.0.0.1:0".parse().unwrap();

    let taken = origin::start(config(site.origin.addr(), elsewhere.path().into())).await.unwrap_err();
    assert!(matches!(taken, StartError::PortTaken(_)), "{taken}");
    assert!(taken.to_string().contains(&site.origin.addr().port().to_string()), "{taken}");

    let in_use = origin::start(config(free, site.folder.path().join("data"))).await.unwrap_err();
    assert!(matches!(in_use, StartError::DataInUse(_)), "{in_use}");

    let file = elsewhere.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let unusable = origin::start(config(free, file.join("data"))).await.unwrap_err();
    assert!(matches!(unusable, StartError::Data { .. }), "{unusable}");
    assert!(unusable.to_string().contains("file"), "{unusable}");
}
