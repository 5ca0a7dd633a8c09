//! Objects: named by their hash and written once; nothing half-written is ever left or named; a full disk has a name;
//! what some row names is never removed, what no row names is.

mod support;

use std::io::Read;

use durable::{Disk, ObjectId, Store, StoreError};
use support::{house, house_on};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_stand_once_and_read_back() {
    let house = house().await;
    let mut writer = house.store.objects.writer().unwrap();
    writer.write(b"ab").unwrap();
    writer.write(b"c").unwrap();
    let (first, second) = (writer.finish().unwrap(), house.store.objects.put(b"abc").unwrap());
    let mut batch = house.store.objects.batch();
    assert_eq!(batch.put(b"abc").unwrap(), first.id);
    batch.flush().unwrap();
    assert_eq!((first.id, first.bytes), (ObjectId::of(b"abc"), 3));
    assert_eq!(first.id, second.id);
    assert_eq!(house.files("objects").len(), 1);
    assert_eq!(house.files("tmp").len(), 0);
    let (mut file, bytes) = house.store.objects.read(&first.id).unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), bytes), ("abc", 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_is_dropped_leaves_nothing() {
    let house = house().await;
    let mut writer = house.store.objects.writer().unwrap();
    writer.write(b"half").unwrap();
    assert_eq!(house.files("tmp").len(), 1);
    drop(writer);
    let mut batch = house.store.objects.batch();
    batch.put(b"half").unwrap();
    drop(batch);
    assert_eq!((house.files("tmp").len(), house.files("objects").len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_has_a_name_and_leaves_no_temporary_file() {
    let disk = Disk::with_room(10);
    let house = house_on(disk.clone()).await;
    let mut writer = house.store.objects.writer().unwrap();
    writer.write(b"12345678").unwrap();
    assert!(matches!(writer.write(b"12345678"), Err(StoreError::DiskFull)));
    drop(writer);
    assert!(matches!(house.store.objects.batch().put(b"1"), Err(StoreError::DiskFull)));
    assert!(matches!(house.store.objects.expect_room(1), Err(StoreError::DiskFull)));
    assert_eq!((house.files("tmp").len(), house.files("objects").len()), (0, 0));
    disk.set_room(100);
    assert!(house.store.objects.put(b"12345678").is_ok(), "room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserve_is_kept_free_for_the_catalogue() {
    let house = house_on(Disk::real(u64::MAX)).await;
    assert!(matches!(house.store.objects.expect_room(1), Err(StoreError::DiskFull)));
    let house = support::house_on(Disk::real(0)).await;
    assert!(house.store.objects.expect_room(1).is_ok());
    assert!(house.store.objects.free_bytes().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_files_of_an_earlier_run_are_swept_at_start() {
    let house = house().await;
    std::fs::write(house.folder.path().join("tmp/7.part"), b"half").unwrap();
    let house = house.restart().await;
    assert_eq!(house.files("tmp").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_refused() {
    let house = house().await;
    let second = Store::open(house.folder.path(), Disk::default()).await;
    assert!(matches!(second, Err(StoreError::Locked(_))), "{second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_asset_removes_what_only_it_named() {
    let house = house().await;
    let one = house.upload(1, b"shared source", 0).await;
    let lease = house.lease(0).await.unwrap();
    house.plan(&lease, &[("av1-360", 1)], 0).await;
    let chunk = house.chunk("av1-360", 0);
    house.store.catalogue.store_chunk(&lease, std::slice::from_ref(&chunk), 0).await.unwrap();
    let two = house.upload(2, b"shared source", 0).await;
    let source = ObjectId::of(b"shared source");

    assert!(house.store.delete_asset(&one, &support::actor(), 1).await.unwrap());
    assert!(house.has(&source), "the other asset still names it");
    assert!(!house.has(&chunk.segments[0].object) && !house.has(&chunk.init.object));
    assert!(!house.store.delete_asset(&one, &support::actor(), 1).await.unwrap(), "deleted twice");
    assert!(house.store.delete_asset(&two, &support::actor(), 1).await.unwrap());
    assert_eq!(house.files("objects").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_about_to_be_named_outlives_a_delete() {
    let house = house().await;
    let one = house.upload(1, b"same", 0).await;
    let found_again = house.store.objects.put(b"same").unwrap();
    house.store.delete_asset(&one, &support::actor(), 1).await.unwrap();
    assert!(house.has(&found_again.id));
    let id = found_again.id;
    drop(found_again); // the upload came to nothing
    assert_eq!(house.store.sweep().await.unwrap(), 1);
    assert!(!house.has(&id));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_takes_only_what_no_row_names() {
    let house = house().await;
    house.upload(1, b"named", 0).await;
    let pinned = house.store.objects.put(b"being written").unwrap();
    drop(house.store.objects.put(b"left by a crash").unwrap());
    assert_eq!(house.store.sweep().await.unwrap(), 1);
    assert!(house.has(&ObjectId::of(b"named")) && house.has(&pinned.id));
    assert!(!house.has(&ObjectId::of(b"left by a crash")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_whose_file_is_gone_says_so() {
    let house = house().await;
    let id = house.store.objects.put(b"x").unwrap().id;
    std::fs::remove_file(house.store.objects.path(&id)).unwrap();
    assert!(matches!(house.store.objects.read(&id), Err(StoreError::Missing(lost)) if lost == id));
}
