//! Pictures of an asset: their job is queued when it is first playable, and is of no weight for the state of the asset; their objects are
//! named by rows like all others, until the asset ends or others take their place.

mod support;

use durable::catalogue::{
    AssetState, JobFilter, JobKind, JobState, Lease, Picture, Stage, Submitted, WhichPicture, Wished,
};
use durable::{AssetId, StoreError};
use support::{House, actor, house};

/// An asset that has just become playable, and whose ladder waits.
async fn playable(house: &House, seed: u8) -> AssetId {
    let catalogue = &house.store.catalogue;
    let id = house.upload(seed, &[seed], 0).await;
    let lease = house.lease(1).await.unwrap();
    house.plan(&lease, &[("h264-360", 1)], 1).await;
    catalogue.store_chunk(&lease, &[house.chunk("h264-360", 0)], 1).await.unwrap();
    assert_eq!(catalogue.lease(JobKind::Pictures, "w", 9_000, 1).await.unwrap(), None, "not before");
    assert!(catalogue.publish(&lease, &["h264-360"], 2).await.unwrap().first);
    catalogue.finish_job(&lease, Some(JobKind::Ladder), 2).await.unwrap();
    id
}

async fn leased(house: &House, now: i64) -> Lease {
    house.store.catalogue.lease(JobKind::Pictures, "w", now + 1_000, now).await.unwrap().expect("its pictures wait")
}

fn pictures(house: &House, poster: &[u8], sheets: &[&[u8]]) -> Vec<(WhichPicture, Picture)> {
    let put = |bytes: &[u8]| Picture { object: house.store.objects.put(bytes).unwrap().id, bytes: bytes.len() as u64 };
    let sheets = (0..).zip(sheets).map(|(index, bytes)| (WhichPicture::Sheet(index), put(bytes)));
    sheets.chain([(WhichPicture::Poster, put(poster))]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_found_by_address_and_replaced_as_a_whole() {
    let house = house().await;
    let catalogue = &house.store.catalogue;
    let id = playable(&house, 1).await;
    let told = async || catalogue.asset(&id).await.unwrap().unwrap().pictures;
    assert_eq!(told().await, None);
    let waiting = catalogue.find_picture(&id, WhichPicture::Poster).await.unwrap().unwrap();
    assert_eq!(waiting.object, None);

    let lease = leased(&house, 3).await;
    let first = pictures(&house, b"poster", &[b"sheet 0", b"sheet 1"]);
    assert_eq!(catalogue.store_pictures(&lease, "first", &first, 3).await.unwrap(), []);
    assert_eq!(told().await.as_deref(), Some("first"));
    let second = catalogue.find_picture(&id, WhichPicture::Sheet(1)).await.unwrap().unwrap();
    assert_eq!(second.object, Some(first[1].1.object));
    let poster = catalogue.find_picture(&id, WhichPicture::Poster).await.unwrap().unwrap();
    assert_eq!(poster.object, Some(first[2].1.object));
    assert_eq!(catalogue.find_picture(&id, WhichPicture::Sheet(2)).await.unwrap().unwrap().object, None);
    let nobody = AssetId::from_random([9; 10]);
    assert_eq!(catalogue.find_picture(&nobody, WhichPicture::Poster).await.unwrap(), None);

    let other = pictures(&house, b"other poster", &[b"sheet 0"]);
    let former = catalogue.store_pictures(&lease, "other", &other, 4).await.unwrap();
    assert_eq!(former.len(), 3);
    assert_eq!(house.store.release(former).await.unwrap(), 2, "one sheet is the same as before");
    assert!(house.has(&other[0].1.object) && !house.has(&first[2].1.object));
    assert_eq!(house.store.sweep().await.unwrap(), 0, "what rows name is not swept");

    assert_eq!(catalogue.submit_pictures(&id, &actor(), 5).await.unwrap(), Submitted::Busy(lease.job));
    catalogue.finish_job(&lease, None, 5).await.unwrap();
    let again = catalogue.submit_pictures(&id, &actor(), 5).await.unwrap();
    assert_eq!(again, Submitted::Queued(leased(&house, 5).await.job));
    assert_eq!(catalogue.submit_pictures(&nobody, &actor(), 5).await.unwrap(), Submitted::Unknown);
    let late = catalogue.store_pictures(&lease, "late", &first, 6).await;
    assert!(matches!(late, Err(StoreError::Fenced)), "{late:?}");
    assert!(house.store.delete_asset(&id, &actor(), 7).await.unwrap());
    assert!(house.files("objects").is_empty(), "{:?}", house.files("objects"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_an_asset_is_not_that_of_its_pictures() {
    let house = house().await;
    let catalogue = &house.store.catalogue;
    let id = playable(&house, 1).await;
    let state = async || catalogue.asset(&id).await.unwrap().unwrap().state;
    let lease = leased(&house, 3).await;
    assert_eq!(state().await, AssetState::Queued, "its ladder waits");
    catalogue.retry_job(&lease, 3, "io", "again", 3).await.unwrap();
    let lease = leased(&house, 3).await;
    let ladder = catalogue.lease(JobKind::Ladder, "w", 9_000, 4).await.unwrap().unwrap();
    catalogue.release_job(&lease, 4).await.unwrap();
    assert_eq!(state().await, AssetState::Running);
    assert_eq!(catalogue.latest_job(&id).await.unwrap().unwrap().kind, JobKind::Ladder);
    catalogue.finish_job(&ladder, None, 5).await.unwrap();
    assert_eq!(state().await, AssetState::Ready);

    let lease = leased(&house, 5).await;
    catalogue.fail_job(&lease, Stage::Transcode, "corrupt_video", "no picture", 5).await.unwrap();
    assert_eq!(state().await, AssetState::Ready, "a film without a poster plays");
    // The work on the asset can be submitted while its pictures are being made, and they can be played again meanwhile.
    assert_eq!(catalogue.replay_job(lease.job, &actor(), 6).await.unwrap(), Wished::Done(Some(id.clone())));
    assert!(matches!(catalogue.submit(&id, 0, &[], &actor(), 6).await.unwrap(), Submitted::Queued(_)));
    assert_eq!(catalogue.cancel_job(lease.job, &actor(), 7).await.unwrap(), Wished::Done(Some(id.clone())));
    assert_eq!(state().await, AssetState::Queued, "only its pictures were cancelled");
    assert_eq!(catalogue.replay_job(lease.job, &actor(), 7).await.unwrap(), Wished::Done(Some(id.clone())));
    assert_eq!(catalogue.cancel_work(&id, &actor(), 8).await.unwrap(), 2);
    assert_eq!(state().await, AssetState::Failed);
    let jobs = catalogue.jobs(&JobFilter { kind: Some(JobKind::Pictures), ..Default::default() }, i64::MAX, 9).await;
    assert_eq!(jobs.unwrap().iter().map(|job| job.state).collect::<Vec<_>>(), [JobState::Cancelled]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_alone_has_no_pictures_to_make() {
    let house = house().await;
    let catalogue = &house.store.catalogue;
    house.upload(1, b"song", 0).await;
    let lease = house.lease(1).await.unwrap();
    let sound = durable::catalogue::Planned { name: "aac-und".into(), codec: "aac".into(), size: None, segments: 1 };
    catalogue.record_plan(&lease, "{}", "{}", 1, &[sound], 1).await.unwrap();
    catalogue.store_chunk(&lease, &[house.chunk("aac-und", 0)], 1).await.unwrap();
    catalogue.publish(&lease, &["aac-und"], 2).await.unwrap();
    catalogue.finish_job(&lease, None, 2).await.unwrap();
    assert_eq!(catalogue.lease(JobKind::Pictures, "w", 9_000, 3).await.unwrap(), None);
}
