//! Promised: several workers share a job by chunks. A chunk is given once; what a silent holder had is the leader's alone; a helper outlives its
//! leader; what was lost is not stored, and nothing is taken or stored when the job is over.

mod support;

use durable::catalogue::{JobKind, Lease, Share};
use durable::{StoreError, UnixMs};
use support::{House, actor, house};

const TRACK: &str = "av1-360";

/// A job that runs, planned with chunks, taken at 0 until 1,000.
async fn begun(house: &House, chunks: u32) -> Lease {
    house.upload(1, b"film", 0).await;
    let lease = house.lease(0).await.unwrap();
    house.plan(&lease, &[(TRACK, chunks)], 0).await;
    lease
}

async fn claims(house: &House, share: &Share, index: u32, until: UnixMs, now: UnixMs) -> bool {
    house.store.catalogue.claim(share, TRACK, index, until, now).await.unwrap()
}

async fn stores(house: &House, share: &Share, index: u32) -> Result<(), StoreError> {
    house.store.catalogue.store_shared(share, index, &[house.chunk(TRACK, index)]).await
}

fn fenced(told: Result<(), StoreError>) {
    assert!(matches!(told, Err(StoreError::Fenced)), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_is_given_once_and_stored_by_whom_it_was_given() {
    let house = house().await;
    let lease = begun(&house, 3).await;
    let catalogue = &house.store.catalogue;
    let (leader, helper) = (catalogue.lead(&lease, "a", 1), catalogue.help(&lease, "b", 2));
    assert!(claims(&house, &leader, 0, 1_000, 0).await);
    assert!(!claims(&house, &helper, 0, 1_000, 0).await, "taken");
    assert!(claims(&house, &helper, 1, 1_000, 0).await);
    assert!(claims(&house, &helper, 1, 1_000, 0).await, "asked again, since the answer was lost");
    assert!(!claims(&house, &leader, 1, 1_000, 999).await, "its holder lives");
    fenced(stores(&house, &leader, 1).await);
    fenced(stores(&house, &helper, 2).await);
    stores(&house, &helper, 1).await.unwrap();
    stores(&house, &helper, 1).await.unwrap();
    stores(&house, &leader, 0).await.unwrap();
    assert!(!claims(&house, &leader, 1, 9_000, 5_000).await, "stored, however long ago");
    assert_eq!(catalogue.missing(&lease.asset, TRACK).await.unwrap(), [2]);
    let rows = catalogue.claims(lease.job).await.unwrap();
    assert!(rows.len() == 2 && rows.iter().all(|row| row.until_ms.is_none()), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_silent_holder_had_is_the_leaders_alone() {
    let house = house().await;
    let lease = begun(&house, 3).await;
    let catalogue = &house.store.catalogue;
    let (leader, silent) = (catalogue.lead(&lease, "a", 1), catalogue.help(&lease, "b", 2));
    let other = catalogue.help(&lease, "c", 3);
    assert!(claims(&house, &silent, 0, 1_000, 0).await && claims(&house, &silent, 1, 1_000, 0).await);
    catalogue.keep_claims(&silent, 2_000).await.unwrap();
    assert!(!claims(&house, &leader, 0, 9_000, 1_999).await);
    assert!(!claims(&house, &other, 0, 9_000, 2_000).await);
    assert!(claims(&house, &leader, 0, 9_000, 2_000).await);
    fenced(stores(&house, &silent, 0).await);
    stores(&house, &silent, 1).await.unwrap();
    // Given back by one that ends, a chunk is anyone's; by one that failed, the leader's.
    assert!(claims(&house, &silent, 2, 9_000, 2_000).await);
    catalogue.give_back(&silent, false).await.unwrap();
    assert!(claims(&house, &other, 2, 9_000, 2_000).await);
    catalogue.give_back(&other, true).await.unwrap();
    catalogue.keep_claims(&other, 9_000).await.unwrap();
    assert!(!claims(&house, &silent, 2, 9_000, 2_001).await);
    assert!(claims(&house, &leader, 2, 9_000, 2_001).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_outlives_its_leader_and_a_leader_not_its_lease() {
    let house = house().await;
    let lease = begun(&house, 3).await;
    let catalogue = &house.store.catalogue;
    let (leader, helper) = (catalogue.lead(&lease, "a", 1), catalogue.help(&lease, "b", 2));
    assert!(claims(&house, &leader, 0, 1_000, 0).await && claims(&house, &helper, 1, 5_000, 0).await);
    let running = catalogue.running(JobKind::Ingest, 4).await.unwrap();
    assert_eq!(running, std::slice::from_ref(&lease));
    let lease = house.lease(1_000).await.unwrap();
    let second = catalogue.lead(&lease, "c", 3);
    fenced(stores(&house, &leader, 0).await);
    assert!(!claims(&house, &leader, 2, 9_000, 1_000).await, "it leads no more");
    assert!(claims(&house, &second, 0, 9_000, 1_000).await && !claims(&house, &second, 1, 9_000, 1_000).await);
    stores(&house, &helper, 1).await.unwrap();
    stores(&house, &second, 0).await.unwrap();
    catalogue.goes_on(&helper).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_job_is_over_nothing_is_taken_or_stored() {
    let house = house().await;
    let lease = begun(&house, 3).await;
    let catalogue = &house.store.catalogue;
    let helper = catalogue.help(&lease, "b", 2);
    assert!(claims(&house, &helper, 0, 9_000, 0).await && claims(&house, &helper, 1, 9_000, 0).await);
    stores(&house, &helper, 1).await.unwrap();
    assert_eq!(catalogue.cancel_work(&lease.asset, &actor(), 10).await.unwrap(), 1);
    fenced(stores(&house, &helper, 0).await);
    fenced(catalogue.goes_on(&helper).await);
    fenced(catalogue.holds(&lease).await);
    assert!(!claims(&house, &helper, 2, 9_000, 11).await);
    // Played again it begins with what is stored, and with nobody's claims.
    catalogue.replay_job(lease.job, &actor(), 12).await.unwrap();
    let lease = house.lease(12).await.unwrap();
    let leader = catalogue.lead(&lease, "a", 1);
    if house.is_postgres() {
        fenced(stores(&house, &helper, 0).await);
        assert!(catalogue.claims(lease.job).await.unwrap().is_empty());
        assert!(claims(&house, &leader, 0, 9_000, 12).await, "its holder lives, but it is not its own any more");
    }
    assert!(!claims(&house, &leader, 1, 9_000, 12).await, "it is stored, whatever the claims say");
}
