//! Objects in a real S3: whole or not at all, equal bytes once, large ones in parts of one size, private; copies for whoever needs
//! a file; sweeps that leave to other processes what they are about to name.

mod support;

use std::sync::Arc;

use durable::{Disk, ObjectId, Opened, Places, S3Place, Shelves, Store, StoreError};
use futures_util::TryStreamExt;
use support::weed::{ACCESS_KEY, BUCKET, SECRET_KEY, Weed};
use tempfile::TempDir;

fn place(weed: &Weed, secret: &str) -> S3Place {
    S3Place::parse(&format!("s3://{BUCKET}/a"), &weed.endpoint(), "us-east-1", ACCESS_KEY, secret).unwrap()
}

async fn open(folder: &TempDir, weed: &Weed) -> Store {
    let places = Places { catalogue: None, objects: Some(place(weed, SECRET_KEY)) };
    Store::open_at(folder.path(), Disk::default(), &places).await.unwrap()
}

async fn bytes_of(store: &Store, id: ObjectId) -> Vec<u8> {
    match store.objects.opened(id).await.unwrap() {
        (Opened::Memory(bytes), length) if bytes.len() as u64 == length => bytes.to_vec(),
        (Opened::Remote, length) => {
            let pieces: Vec<_> = store.objects.stream(id, 0..length).await.unwrap().try_collect().await.unwrap();
            pieces.concat()
        }
        (_, length) => panic!("no such object of {length} bytes"),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_kept_read_and_removed_elsewhere() {
    let (weed, folder) = (Weed::start(), tempfile::tempdir().unwrap());
    let store = Arc::new(open(&folder, &weed).await);
    let objects = store.objects.clone();
    // 40 MB with a pattern that no shift of a part would leave the same.
    let large: Arc<Vec<u8>> =
        Arc::new((0..40_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect());
    let bytes = large.clone();
    let (small, stored, batched) = blocking(move || {
        let mut batch = objects.batch();
        let batched: Vec<_> = (0..100u8).map(|n| batch.put(&[n; 100]).unwrap()).collect();
        batch.flush().unwrap();
        (objects.put(b"abc").unwrap(), objects.put(&bytes).unwrap(), batched)
    })
    .await;
    assert_eq!((small.id, stored.id, stored.bytes), (ObjectId::of(b"abc"), ObjectId::of(&large), 40_000_000));
    assert!(!folder.path().join("objects").exists(), "nothing here");
    assert_eq!(std::fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    assert_eq!(bytes_of(&store, small.id).await, b"abc");
    assert_eq!(bytes_of(&store, batched[99]).await, [99; 100]);
    assert!(bytes_of(&store, stored.id).await == *large);
    let (from, to) = (16_777_216 - 5, 33_554_432 + 5);
    let part: Vec<_> = store.objects.stream(stored.id, from..to).await.unwrap().try_collect().await.unwrap();
    assert!(part.concat() == large[from as usize..to as usize], "across both borders of parts");

    let name = stored.id.to_string();
    let path = format!("/{BUCKET}/a/objects/{}/{}", &name[..2], &name[2..]);
    assert!(weed.anonymous(&path).starts_with("HTTP/1.1 403"), "{}", weed.anonymous(&path));

    // A process that starts anew has no copy: it fetches one, and keeps it as long as somebody holds it.
    store.close().await;
    drop(store);
    let store = open(&folder, &weed).await;
    let (objects, id) = (store.objects.clone(), stored.id);
    let local = blocking(move || objects.local(id).unwrap()).await;
    assert!(std::fs::read(local.path()).unwrap() == *large);
    let (objects, lost) = (store.objects.clone(), ObjectId::of(b"lost"));
    assert!(matches!(blocking(move || objects.local(lost)).await, Err(StoreError::Missing(id)) if id == lost));

    drop((small, stored));
    assert_eq!(store.sweep().await.unwrap(), 102, "no row names any of them");
    assert!(matches!(store.objects.opened(id).await, Err(StoreError::Missing(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_s3_that_cannot_be_used_is_told_in_a_sentence_and_one_that_is_away_by_its_name() {
    let (mut weed, folder) = (Weed::start(), tempfile::tempdir().unwrap());
    let check = async |place: S3Place, expected: &str| {
        let places = Places { catalogue: None, objects: Some(place) };
        match Store::open_at(folder.path(), Disk::default(), &places).await {
            Err(StoreError::Server(told)) => {
                assert!(told.contains(expected) && !told.contains("wrong-secret"), "{told}")
            }
            other => panic!("{other:?}"),
        }
    };
    check(place(&weed, "wrong-secret"), "cannot be used").await;
    check(S3Place { bucket: "nothing-here".into(), ..place(&weed, SECRET_KEY) }, "is there such a bucket").await;
    check(S3Place { endpoint: Some("http://127.0.0.1:1".into()), ..place(&weed, SECRET_KEY) }, "cannot be reached")
        .await;

    let store = open(&folder, &weed).await;
    let objects = store.objects.clone();
    weed.stop();
    let put = blocking(move || objects.put(b"abc").map(drop)).await;
    assert!(put.as_ref().is_err_and(StoreError::is_away), "{put:?}");
    assert!(store.objects.ping().await.is_err_and(|error| error.is_away()));
    weed.start_again();
    store.objects.ping().await.unwrap();
    let objects = store.objects.clone();
    blocking(move || objects.put(b"abc").map(drop)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_copied_there_and_back_and_a_copy_that_was_cut_off_goes_on() {
    let (mut weed, here) = (Weed::start(), tempfile::tempdir().unwrap());
    let place = place(&weed, SECRET_KEY);
    let files = Store::open(here.path(), Disk::default()).await.unwrap();
    let objects = files.objects.clone();
    let large: Vec<u8> = (0..17_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let all = blocking(move || {
        let mut all: Vec<_> = (0..50u8).map(|n| objects.put(&[n; 500]).unwrap().id).collect();
        all.push(objects.put(&large).unwrap().id);
        all
    })
    .await;
    let scratch = here.path().join("tmp");
    let mine = Shelves::files(&here.path().join("objects"), &scratch).unwrap();
    let theirs = Shelves::s3(&place, &scratch).await.unwrap();
    let stop = |copied: &durable::Copied| {
        if copied.objects == 10 {
            weed.stop();
        }
    };
    let cut = mine.copy_to(&theirs, stop).await;
    assert!(cut.as_ref().is_err_and(StoreError::is_away), "{cut:?}");
    weed.start_again();
    let copied = mine.copy_to(&theirs, |_| {}).await.unwrap();
    assert!(copied.there >= 10 && copied.there + copied.objects == 51 && copied.shelves == 256, "{copied:?}");
    let (seen, wrong) = theirs.verify(|_| {}).await.unwrap();
    assert_eq!((seen.objects, wrong), (51, Vec::new()));

    let there = tempfile::tempdir().unwrap();
    let back = Shelves::files(&there.path().join("objects"), &there.path().join("tmp")).unwrap();
    assert_eq!(theirs.copy_to(&back, |_| {}).await.unwrap().objects, 51);
    let restored = Store::open(there.path(), Disk::default()).await.unwrap();
    let bytes = |store: &Store, id| std::fs::read(store.objects.path(id)).unwrap();
    assert!(all.iter().all(|id| bytes(&restored, id) == bytes(&files, id)));
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0, "no copies in between stay");

    // What a disk has damaged goes nowhere.
    std::fs::write(restored.objects.path(&all[3]), [9; 500]).unwrap();
    let other = tempfile::tempdir().unwrap();
    let other = Shelves::files(&other.path().join("objects"), &other.path().join("tmp")).unwrap();
    assert!(matches!(back.copy_to(&other, |_| {}).await, Err(StoreError::Damaged(_))));
    assert_eq!(back.verify(|_| {}).await.unwrap().1, [all[3]]);
}
