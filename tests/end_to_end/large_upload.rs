//! A large upload costs disk and no memory, and `kill -9` in its middle loses nothing that was answered.

use crate::program::Program;
use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const GIB: u64 = 1 << 30;
const GROWTH_BYTES_MAX: u64 = 64 << 20;

#[test]
fn a_gibibyte_is_received_in_little_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::serve(&folder.path().join("data"), &[]);
    let path = program.begin_upload(GIB);
    let before = program.rss_settled();
    let (peak, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let sent = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                peak.fetch_max(program.rss(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let sent = program.send_upload(&path, 0, std::io::repeat(0).take(GIB), GIB);
        is_over.store(true, Ordering::Relaxed);
        sent
    });
    assert_eq!(sent, Some(GIB));
    let growth = peak.load(Ordering::Relaxed).saturating_sub(before);
    assert!(growth < GROWTH_BYTES_MAX, "it grew by {} MiB", growth >> 20);
}

#[test]
fn a_killed_upload_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let piece = vec![7; 3 << 20];
    let length = 3 * piece.len() as u64;
    let mut program = Program::serve(&data, &[]);
    let path = program.begin_upload(length);
    for n in 0..3 {
        let offset = n * piece.len() as u64;
        assert_eq!(program.upload_offset(&path), offset, "what was answered is there");
        assert_eq!(
            program.send_upload(&path, offset, piece.as_slice(), piece.len() as u64),
            Some(offset + 3 * (1 << 20))
        );
        program.kill();
        program = Program::serve(&data, &[]);
    }
    assert_eq!(program.upload_offset(&path), length);
    let items = program.api("content").json()["items"].clone();
    assert_eq!((items.as_array().map(Vec::len), items[0]["bytes"].as_u64()), (Some(1), Some(length)));
}
