//! Streams: who has a lease keeps it, who comes when all are taken gets none until one has ended, and each is counted where it belongs.
//! What is taken back as a whole is told with an event, and to who asks later.

mod support;

use durable::catalogue::{Held, Playing, TakenBack, Which, Whole};
use support::house;

fn playing(subject: &str, class: &str, stream: &str, until_ms: i64) -> Playing {
    Playing { subject: subject.into(), class: class.into(), max: 2, stream: stream.into(), until_ms }
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_play_and_the_next_one_when_one_has_ended() {
    let house = house().await;
    let hold = async |streams: &[(&str, &str, &str, i64)], now| {
        let streams: Vec<Playing> = streams.iter().map(|(s, c, name, until)| playing(s, c, name, *until)).collect();
        let held = house.store.catalogue.hold_streams(&streams, now).await.unwrap();
        held.into_iter().map(|Held { plays, is_full }| (plays, is_full)).collect::<Vec<_>>()
    };
    let of = |name, until| ("ann", "film", name, until);
    assert_eq!(hold(&[of("one", 100)], 0).await, [(true, false)]);
    assert_eq!(
        hold(&[of("two", 110), of("three", 110), of("one", 110)], 10).await,
        [(true, true), (false, true), (true, true)]
    );
    let elsewhere = [("bob", "film", "three", 110), ("ann", "other", "three", 110)];
    assert_eq!(hold(&elsewhere, 10).await, [(true, false); 2], "another viewer, another class");
    assert_eq!(hold(&[of("three", 200)], 109).await, [(false, true)]);
    // One was asked for once more and two was not.
    assert_eq!(hold(&[of("one", 200)], 109).await, [(true, true)]);
    assert_eq!(hold(&[of("three", 200), of("two", 200)], 110).await, [(true, true), (false, true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_comes_late_shortens_nothing_and_what_has_ended_is_forgotten() {
    let house = house().await;
    let catalogue = &house.store.catalogue;
    let hold = async |stream, until, now| {
        catalogue.hold_streams(&[playing("ann", "film", stream, until)], now).await.unwrap()[0].plays
    };
    assert!(hold("one", 100, 0).await && hold("one", 50, 1).await);
    assert_eq!(catalogue.sweep_streams(99).await.unwrap(), 0);
    assert!(!hold("late", 99, 99).await, "it was asked for too long ago");
    assert_eq!(catalogue.sweep_streams(100).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_reports_at_once_give_no_more_leases_than_there_are() {
    let house = house().await;
    let ask = async |name: &str| {
        house.store.catalogue.hold_streams(&[playing("ann", "film", name, 100)], 0).await.unwrap()[0].plays
    };
    let (a, b, c, d, e, f) = tokio::join!(ask("a"), ask("b"), ask("c"), ask("d"), ask("e"), ask("f"));
    assert_eq!([a, b, c, d, e, f].into_iter().filter(|plays| *plays).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_as_a_whole_is_told() {
    let house = house().await;
    let catalogue = &house.store.catalogue;
    let asset = house.upload(1, b"one", 0).await;
    let seq = catalogue.event_bounds().await.unwrap().1;
    catalogue.take_back(Whole::Subject("ann"), 5_000).await.unwrap();
    catalogue.revoke_grants(Which::Asset(&asset), TakenBack::Operator, 7_000).await.unwrap();
    catalogue.revoke_grants(Which::Asset(&asset), TakenBack::Rule, 9_000).await.unwrap();
    let events = catalogue.events_after(seq, 10).await.unwrap();
    let told: Vec<_> = events.iter().map(|event| (event.kind.as_str(), event.asset.as_str())).collect();
    assert_eq!(told, [("subject.revoked", ""), ("asset.revoked", asset.as_str())]);
    let body: serde_json::Value = serde_json::from_str(&events[0].body).unwrap();
    assert_eq!((&body["subject"], &body["made_by_s"]), (&"ann".into(), &5.into()));
    let wholes = catalogue.taken_back(9_000).await.unwrap();
    let wholes: Vec<_> = wholes.iter().map(|one| (one.kind.as_str(), one.name.as_str(), one.made_ms)).collect();
    assert_eq!(wholes, [("asset", asset.as_str(), 7_000), ("subject", "ann", 5_000)]);
    assert_eq!(catalogue.taken_back_last(Some("ann"), &asset).await.unwrap(), Some(7_000));
    assert_eq!(catalogue.taken_back_last(Some("bob"), &"none".parse().unwrap()).await.unwrap(), None);
}
