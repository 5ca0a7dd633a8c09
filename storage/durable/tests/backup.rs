//! A backup has every row, every object and the keys, and is restored into the same kind of catalogue or the other; a damaged one is
//! refused, and leaves an empty catalogue.

mod support;

use durable::catalogue::{JobState, Submitted};
use durable::{Disk, ObjectId, Places, Store, StoreError};
use support::{House, actor, house};

async fn filled() -> House {
    let house = house().await;
    for seed in 1..4 {
        house.upload(seed, &[seed; 1000], 1).await;
    }
    let lease = house.lease(5).await.unwrap();
    house.plan(&lease, &[("av1-360", 2)], 5).await;
    let chunks = [house.chunk("av1-360", 0), house.chunk("av1-360", 1)];
    for chunk in &chunks {
        house.store.catalogue.store_chunk(&lease, std::slice::from_ref(chunk), 6).await.unwrap();
    }
    house.store.catalogue.publish(&lease, &["av1-360"], 7).await.unwrap();
    house.store.catalogue.finish_job(&lease, None, 8).await.unwrap();
    std::fs::create_dir(house.folder.path().join("keys")).unwrap();
    std::fs::write(house.folder.path().join("keys/token.key"), "secret").unwrap();
    house
}

/// The lines, in one order: that of a table's rows is the database's own.
async fn rows(store: &Store) -> Vec<String> {
    let mut text = Vec::new();
    store.catalogue.dump(&mut text).await.unwrap();
    let mut lines: Vec<_> = String::from_utf8(text).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_backed_up_is_restored_into_either_kind_of_catalogue() {
    let house = filled().await;
    assert_eq!(house.store.catalogue.undumped().await.unwrap(), Vec::<String>::new(), "tables a dump forgets");
    let copy = tempfile::tempdir().unwrap();
    // The store is open, as in an origin that runs.
    let made = durable::backup(house.folder.path(), &house.places(), copy.path(), |_| {}).await.unwrap();
    assert_eq!((made.objects.objects, made.objects.shelves), (6, 256));
    let again = durable::backup(house.folder.path(), &house.places(), copy.path(), |_| {}).await.unwrap();
    assert_eq!((again.objects.objects, again.objects.there, again.rows), (0, 6, made.rows));

    let other = support::postgres::Server::start();
    let elsewhere = Places { catalogue: Some(other.url().parse().unwrap()), objects: None };
    for places in [Places::default(), elsewhere] {
        let folder = tempfile::tempdir().unwrap();
        let restored = durable::restore(copy.path(), folder.path(), &places, |_| {}).await.unwrap();
        assert_eq!((restored.rows, restored.objects.objects), (made.rows, 6));
        let store = Store::open_at(folder.path(), Disk::default(), &places).await.unwrap();
        assert_eq!(rows(&store).await, rows(&house.store).await);
        assert_eq!(std::fs::read_to_string(folder.path().join("keys/token.key")).unwrap(), "secret");
        assert_eq!(store.sweep().await.unwrap(), 0);
        // Numbers go on above those that were restored.
        let id = durable::AssetId::from_random([1; 10]);
        let Submitted::Queued(job) = store.catalogue.submit(&id, 0, &[], &actor(), 9).await.unwrap() else { panic!() };
        assert_eq!(store.catalogue.job(job).await.unwrap().unwrap().state, JobState::Queued);
        assert_eq!(store.catalogue.search("clip", &Default::default(), None, 9).await.unwrap().len(), 3);
        store.close().await;
        let twice = durable::restore(copy.path(), folder.path(), &places, |_| {}).await;
        assert!(matches!(twice, Err(StoreError::Server(_))), "not over what is there: {twice:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_refused_and_leaves_nothing() {
    let house = filled().await;
    let copy = tempfile::tempdir().unwrap();
    durable::backup(house.folder.path(), &house.places(), copy.path(), |_| {}).await.unwrap();
    let check = async |why: &str| {
        let folder = tempfile::tempdir().unwrap();
        let failed = durable::restore(copy.path(), folder.path(), &Places::default(), |_| {}).await;
        assert!(failed.as_ref().is_err_and(|error| error.to_string().contains(why)), "{failed:?}");
        let store = Store::open(folder.path(), Disk::default()).await.unwrap();
        assert_eq!(rows(&store).await.iter().filter(|line| line.contains("\"assets\"")).count(), 0);
    };
    let dump = copy.path().join("catalogue.jsonl");
    let whole = std::fs::read_to_string(&dump).unwrap();
    let short: Vec<&str> = whole.lines().collect();
    std::fs::write(&dump, short[..short.len() - 1].join("\n")).unwrap();
    check("the dump ends early").await;
    std::fs::write(&dump, whole.replace("\"schema\":", "\"schema\":9")).unwrap();
    check("Restore it with the program that made it").await;
    std::fs::write(&dump, &whole).unwrap();
    let name = ObjectId::of(&[2; 1000]).to_string();
    let object = copy.path().join("objects").join(&name[..2]).join(&name[2..]);
    std::fs::write(&object, [3; 1000]).unwrap();
    check("other bytes than its name").await;
    std::fs::remove_file(&object).unwrap();
    check("is missing").await;
}
