//! Grants: what is taken back or given back leaves one event each, what was taken for good is not given back, and of one viewer there are
//! only so many.

mod support;

use durable::AssetId;
use durable::catalogue::{NewGrant, RuleWritten, TakenBack, Which, key_as_session};
use support::{House, actor, house};

fn new(asset: &AssetId, cti: &str, made_ms: i64) -> NewGrant {
    NewGrant {
        cti: cti.into(),
        asset: asset.clone(),
        account: "ann".into(),
        session: Some("s1".into()),
        wallets: r#"["0xAA"]"#.into(),
        passwords: "[]".into(),
        rule: 1,
        made_ms,
        expires_ms: made_ms + 1_000_000,
        look_ms: made_ms + 2_000,
    }
}

/// Kinds of the events since `after`, with the token that each is about.
async fn told(house: &House, after: i64) -> Vec<String> {
    let events = house.store.catalogue.events_after(after, 1000).await.unwrap();
    let about =
        |body: &str| serde_json::from_str::<serde_json::Value>(body).unwrap()["cti"].as_str().map(str::to_owned);
    events.iter().filter_map(|event| Some(format!("{} {}", event.kind, about(&event.body)?))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_taken_and_given_back_with_an_event_each_until_it_is_taken_for_good() {
    let house = house().await;
    let catalogue = &house.store.catalogue;
    let asset = house.upload(1, b"one", 0).await;
    for cti in ["a", "b"] {
        catalogue.grant(&new(&asset, cti, 10)).await.unwrap();
    }
    let seq = catalogue.event_bounds().await.unwrap().1;
    let take = async |which, why| catalogue.revoke_grants(which, why, 20).await.unwrap();
    assert_eq!((take(Which::One("a"), TakenBack::Rule).await, take(Which::One("a"), TakenBack::Rule).await), (1, 0));
    assert_eq!(catalogue.revoked_grants(20).await.unwrap(), [("a".to_owned(), 1_000_010)]);
    assert!(catalogue.restore_grant("a", 20).await.unwrap() && !catalogue.restore_grant("a", 20).await.unwrap());
    take(Which::One("a"), TakenBack::Rule).await;
    assert_eq!(take(Which::Session("s1"), TakenBack::Session).await, 2, "what the rule took is taken for good");
    assert!(!catalogue.restore_grant("a", 20).await.unwrap());
    let expected =
        ["revoked a", "restored a", "revoked a", "revoked a", "revoked b"].map(|words| format!("token.{words}"));
    let mut got = told(&house, seq).await;
    got[3..].sort();
    assert_eq!(got, expected);
    assert_eq!(catalogue.sweep_grants(1_000_011).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_rule_is_a_reason_to_look_that_a_look_under_way_does_not_hide() {
    let house = house().await;
    let catalogue = &house.store.catalogue;
    let asset = house.upload(1, b"one", 0).await;
    catalogue.grant(&new(&asset, "a", 10)).await.unwrap();
    assert!(catalogue.grants_due(1_000, 9).await.unwrap().is_empty() && catalogue.has_grants(1_000).await.unwrap());
    for _ in 0..2 {
        let done = catalogue.write_rule(&asset, "{}", None, &actor(), 1_000).await.unwrap();
        assert!(matches!(done, RuleWritten::Done(_)));
        let due = catalogue.grants_due(1_000, 9).await.unwrap();
        catalogue.write_rule(&asset, "{}", None, &actor(), 1_000).await.unwrap();
        catalogue.look_at_grants_again(&[(&due[0], 5_000)]).await.unwrap();
        assert_eq!(catalogue.grants_due(1_000, 9).await.unwrap().len(), 1, "the rule was written meanwhile");
    }
    assert_eq!(catalogue.watched_rules(1_000).await.unwrap(), [(asset.to_string(), "{}".to_owned())]);
    let due = catalogue.grants_by_rule(asset.as_str(), "", 1_000, 9).await.unwrap();
    catalogue.look_at_grants_again(&[(&due[0], 5_000)]).await.unwrap();
    assert!(catalogue.grants_due(4_999, 9).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_too_many_tokens_of_a_viewer_the_oldest_end() {
    let house = house().await;
    let asset = house.upload(1, b"one", 0).await;
    for n in 0..50 {
        house.store.catalogue.grant(&new(&asset, &format!("t{n:02}"), 10 + n)).await.unwrap();
    }
    let mut ended: Vec<String> =
        house.store.catalogue.revoked_grants(100).await.unwrap().into_iter().map(|(cti, _)| cti).collect();
    ended.sort();
    assert_eq!(ended, ["t00", "t01"]);
    assert!(house.store.catalogue.grant_of("t49", &asset, 100).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_rule_gave_no_rule_looks_at() {
    let house = house().await;
    let catalogue = &house.store.catalogue;
    let asset = house.upload(1, b"one", 0).await;
    let key = key_as_session("k1");
    for n in 0..60 {
        let minted =
            NewGrant { rule: 0, session: Some(key.clone()), look_ms: i64::MAX, ..new(&asset, &format!("{n}"), n) };
        catalogue.grant(&minted).await.unwrap();
    }
    catalogue.write_rule(&asset, "{}", None, &actor(), 1_000).await.unwrap();
    assert!(!catalogue.has_grants(1_000).await.unwrap() && catalogue.watched_rules(1_000).await.unwrap().is_empty());
    assert!(catalogue.grants_due(10_000, 99).await.unwrap().is_empty());
    assert!(catalogue.grants_by_rule(asset.as_str(), "", 1_000, 99).await.unwrap().is_empty());
    assert_eq!(catalogue.grants(&asset, 1_000, 99).await.unwrap().len(), 60, "a back end mints for many");
    assert_eq!(catalogue.revoke_grants(Which::Session(&key), TakenBack::Key, 1_000).await.unwrap(), 60);
    assert!(catalogue.passwords_proved(&key, &asset, 1_000).await.unwrap().is_empty());
}
