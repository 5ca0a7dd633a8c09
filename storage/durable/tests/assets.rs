//! Assets: listed youngest first in pages without gaps, changed by people, published whole or not at all, and every
//! change leaves one event in one order.

mod support;

use durable::catalogue::{Change, Changed, Cursor, Filter, TrackState, Visibility};
use durable::{AssetId, StoreError};
use support::house;

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_goes_through_all_assets_youngest_first() {
    let house = house().await;
    for seed in 0..7 {
        house.upload(seed, &[seed], i64::from(seed / 3)).await; // several of one millisecond
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = house.store.catalogue.assets(&Filter::default(), after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(Cursor { created_ms: last.created_ms, id: last.id.clone() });
        seen.extend(page.into_iter().map(|a| (a.created_ms, a.id)));
    }
    let mut sorted = seen.clone();
    sorted.sort_by(|a, b| b.cmp(a));
    sorted.dedup();
    assert_eq!(seen.len(), 7);
    assert_eq!(seen, sorted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_changes_only_what_they_name() {
    let house = house().await;
    let id = house.upload(1, b"x", 0).await;
    let change = Change { visibility: Some(Visibility::Gated), ..Change::default() };
    let asset = house.store.catalogue.update_asset(&id, &change, &support::actor(), 5).await.unwrap();
    let Changed::Done(asset) = asset else { panic!("{asset:?}") };
    assert_eq!((asset.title.as_str(), asset.visibility, asset.updated_ms), ("clip", Visibility::Gated, 5));
    assert_eq!(house.store.catalogue.asset(&id).await.unwrap(), Some(*asset));
    let nobody = AssetId::from_random([9; 10]);
    let unknown = house.store.catalogue.update_asset(&nobody, &change, &support::actor(), 5).await.unwrap();
    assert_eq!(unknown, Changed::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_track_is_published_whole_or_not_at_all() {
    let house = house().await;
    let id = house.upload(1, b"x", 100).await;
    let catalogue = &house.store.catalogue;
    let lease = house.lease(100).await.unwrap();
    house.plan(&lease, &[("av1-360", 2), ("av1-720", 1)], 100).await;

    let refused = |stored| move |e: StoreError| matches!(e, StoreError::NotWhole { stored: s, .. } if s == stored);
    assert!(catalogue.publish(&lease, &["av1-360"], 100).await.is_err_and(refused(0)), "empty");
    assert!(catalogue.publish(&lease, &["nobody"], 100).await.is_err_and(refused(0)), "not planned");
    catalogue.store_chunk(&lease, &[house.chunk("av1-360", 1), house.chunk("av1-720", 0)], 100).await.unwrap();
    assert!(catalogue.publish(&lease, &["av1-720", "av1-360"], 100).await.is_err_and(refused(1)), "a hole");
    assert!(!catalogue.asset(&id).await.unwrap().unwrap().playable, "neither of the two");
    assert_eq!(catalogue.find_segment(&id, "av1-720", 0).await.unwrap().unwrap().object, None, "not visible");

    let first = catalogue.publish(&lease, &["av1-720"], 350).await.unwrap();
    assert_eq!((first.first, first.playable_ms), (true, 250));
    catalogue.store_chunk(&lease, &[house.chunk("av1-360", 0)], 400).await.unwrap();
    let second = catalogue.publish(&lease, &["av1-360"], 500).await.unwrap();
    assert_eq!((second.first, second.playable_ms), (false, 250));
    let states: Vec<_> = catalogue.tracks(&id).await.unwrap().into_iter().map(|t| (t.name, t.state)).collect();
    let published = TrackState::Published;
    assert_eq!(states, [("av1-360".to_string(), published), ("av1-720".to_string(), published)]);

    let found = catalogue.find_segment(&id, "av1-360", 1).await.unwrap().unwrap();
    assert_eq!(found.object, Some(house.chunk("av1-360", 1).segments[0].object));
    assert_eq!(catalogue.find_segment(&id, "av1-360", 2).await.unwrap().unwrap().object, None);
    assert!(catalogue.find_init(&id, "av1-360").await.unwrap().unwrap().object.is_some());
    assert_eq!(catalogue.find_init(&AssetId::from_random([9; 10]), "av1-360").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rendition_cannot_change_its_initialisation_midway() {
    let house = house().await;
    house.upload(1, b"x", 0).await;
    let lease = house.lease(0).await.unwrap();
    house.plan(&lease, &[("av1-360", 2)], 0).await;
    house.store.catalogue.store_chunk(&lease, &[house.chunk("av1-360", 0)], 0).await.unwrap();
    let mut other = house.chunk("av1-360", 1);
    other.init.object = durable::ObjectId::of(b"another encoder");
    let refused = house.store.catalogue.store_chunk(&lease, &[other], 0).await;
    assert!(matches!(refused, Err(StoreError::Damaged(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_leaves_one_event_in_order() {
    let house = house().await;
    let id = house.upload(1, b"x", 0).await;
    let catalogue = &house.store.catalogue;
    let lease = house.lease(0).await.unwrap();
    house.plan(&lease, &[("av1-360", 1)], 0).await;
    catalogue.store_chunk(&lease, &[house.chunk("av1-360", 0)], 0).await.unwrap();
    catalogue.publish(&lease, &["av1-360"], 0).await.unwrap();
    catalogue.finish_job(&lease, None, 0).await.unwrap();
    catalogue
        .update_asset(&id, &Change { title: Some("new".into()), ..Change::default() }, &support::actor(), 0)
        .await
        .unwrap();
    house.store.delete_asset(&id, &support::actor(), 0).await.unwrap();
    let events = catalogue.events_after(0, 100).await.unwrap();
    let kinds: Vec<&str> = events.iter().map(|e| e.kind.as_str()).collect();
    let expected =
        ["asset.created", "track.published", "asset.playable", "asset.ready", "asset.updated", "asset.deleted"];
    assert_eq!(kinds, expected);
    assert!(events.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    assert_eq!(catalogue.events_after(events[4].seq, 100).await.unwrap(), events[5..]);
}
