//! A backup has every row, every object and the keys, and is restored into the same kind of catalogue or the other; a damaged one is
//! refused, and leaves an empty catalogue. Backups of a folder of them share what they have in common.

mod support;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use durable::catalogue::{JobState, Submitted};
use durable::{Disk, ObjectId, Places, Shelves, Store, StoreError};
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

#[tokio::test(flavor = "multi_thread")]
async fn backups_share_their_objects_and_the_youngest_are_kept() {
    let house = filled().await;
    let root = tempfile::tempdir().unwrap();
    let make = async |name: &str| {
        durable::rotate(house.folder.path(), &house.places(), (root.path(), name), 2, |_| {}).await.unwrap()
    };
    let first = make("1").await;
    assert_eq!((first.made.objects.objects, first.removed), (6, 0));
    // What else is there is nobody's to remove.
    std::fs::create_dir(root.path().join("before-the-move")).unwrap();
    std::fs::write(root.path().join("before-the-move/catalogue.jsonl"), b"").unwrap();
    // One asset ends, and another comes; meanwhile a backup was cut off, in the middle of a key.
    let gone = durable::AssetId::from_random([3; 10]);
    assert!(house.store.delete_asset(&gone, &actor(), 20).await.unwrap());
    house.upload(7, b"seven", 21).await;
    let keys = root.path().join("unfinished/keys");
    std::fs::create_dir_all(&keys).unwrap();
    std::fs::write(keys.join("token.key"), "sec").unwrap();
    let second = make("3").await;
    assert_eq!((second.made.objects.objects, second.made.objects.there), (1, 5), "five are links, one is new");
    assert_eq!(std::fs::read_to_string(second.folder.join("keys/token.key")).unwrap(), "secret");
    assert_eq!(links(&second.folder), [1, 2, 2, 2, 2, 2], "what is gone is not carried on");

    let third = make("2").await;
    assert_eq!((third.removed, names(root.path())), (1, vec!["streamgate-2".into(), "streamgate-3".into()]));
    let late = make("0").await;
    assert_eq!(late.removed, 1, "the clock was put back");
    assert_eq!(names(root.path()), ["streamgate-0", "streamgate-3"], "the one that was made is there");
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 4, "beside the lock and what is not ours");
    // Whatever was removed, the last one is whole.
    let folder = tempfile::tempdir().unwrap();
    let restored = durable::restore(&late.folder, folder.path(), &Places::default(), |_| {}).await.unwrap();
    assert_eq!((restored.rows, restored.objects.objects), (late.made.rows, 6));
}

fn names(root: &Path) -> Vec<String> {
    let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    durable::backups(root).unwrap().into_iter().map(name).collect()
}

/// How many names each object of a backup has, in order.
fn links(backup: &Path) -> Vec<u64> {
    let mut found = Vec::new();
    for shelf in std::fs::read_dir(backup.join("objects")).unwrap() {
        let files = std::fs::read_dir(shelf.unwrap().path()).unwrap();
        found.extend(files.map(|file| file.unwrap().metadata().unwrap().nlink()));
    }
    found.sort_unstable();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_cut_short_in_the_backup_before_is_copied_anew() {
    let house = filled().await;
    let root = tempfile::tempdir().unwrap();
    let make = async |name: &str| {
        durable::rotate(house.folder.path(), &house.places(), (root.path(), name), 2, |_| {}).await.unwrap()
    };
    let first = make("1").await;
    let name = ObjectId::of(&[2; 1000]).to_string();
    let object = |backup: &Path| backup.join("objects").join(&name[..2]).join(&name[2..]);
    std::fs::write(object(&first.folder), b"short").unwrap();
    let second = make("2").await;
    assert_eq!((second.made.objects.objects, second.made.objects.there), (1, 5));
    assert_eq!(std::fs::read(object(&second.folder)).unwrap(), [2; 1000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_copies_to_one_place_do_not_meddle_with_each_other() {
    let root = tempfile::tempdir().unwrap();
    let folder = |name: &str, part: &str| root.path().join(name).join(part);
    let shelves = |name: &str| Shelves::files(&folder(name, "objects"), &folder(name, "scratch")).unwrap();
    for seed in 0..4 {
        let bytes = vec![seed; 4 << 20];
        let name = ObjectId::of(&bytes).to_string();
        let shelf = folder("from", "objects").join(&name[..2]);
        std::fs::create_dir_all(&shelf).unwrap();
        std::fs::write(shelf.join(&name[2..]), bytes).unwrap();
    }
    let from = shelves("from");
    for round in ["1", "2", "3", "4"] {
        let (one, other) = (shelves(round), shelves(round));
        let (mine, theirs) = tokio::join!(from.copy_to(&one, |_| {}), from.copy_to(&other, |_| {}));
        mine.and(theirs).unwrap();
        let (seen, wrong) = one.verify(|_| {}).await.unwrap();
        assert_eq!((seen.objects, wrong), (4, vec![]));
        assert_eq!(std::fs::read_dir(folder(round, "scratch")).unwrap().count(), 0);
    }
}
