//! A disk that fills up or can only be read, and a clock that jumps: said, survived, and nothing needs to be mended by hand.

use crate::media;
use crate::program::{PATIENCE, Program, ended};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A small disk of its own, gone when dropped.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    fn mount() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=160m", "tmpfs"]).arg(folder.path()).status();
        assert!(mounted.is_ok_and(|status| status.success()), "this test mounts a small tmpfs; run it as root");
        Self { folder }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// `remount,ro` or `remount,rw`.
    fn change(&self, how: &str) {
        let changed = Command::new("mount").args(["-o", how]).arg(self.folder.path()).status();
        assert!(changed.is_ok_and(|status| status.success()), "mount -o {how}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

/// Fills the disk to its last byte.
fn fill(folder: &Path) -> PathBuf {
    let path = folder.join("filler");
    let mut file = std::fs::File::create(&path).expect("a file");
    while std::io::Write::write_all(&mut file, &[7; 4096]).is_ok() {}
    path
}

#[test]
fn a_disk_without_a_byte_left_is_said_and_all_goes_on_when_there_is_room() {
    let disk = Disk::mount();
    let folder = tempfile::tempdir().expect("a folder");
    let movie = media::movie(folder.path(), 2, "320x180");
    let program = Program::serve(&disk.data(), &[]);
    let (id, _) = program.ingest(&movie, "title=before");
    let filler = fill(disk.folder.path());
    let got = program.upload(&movie, "title=full");
    assert_eq!((got.status, got.json()["code"].as_str()), (507, Some("disk_full")), "{}", got.text());
    // The catalogue cannot write either, and says why; what is there is served.
    let made = program.begin(1 << 20);
    assert_eq!((made.status, made.json()["code"].as_str()), (507, Some("disk_full")), "{}", made.text());
    assert_eq!(program.api(&format!("content/{id}")).status, 200);
    assert_eq!(program.through_edge(&format!("/v/{id}/master.m3u8")).status, 200);
    std::fs::remove_file(filler).expect("ours");
    let (_, status) = program.ingest(&movie, "title=after");
    assert_eq!(status["state"], "ready", "{status}");
}

#[test]
fn a_folder_that_can_only_be_read_is_said_at_the_start() {
    let disk = Disk::mount();
    std::fs::create_dir(disk.data()).expect("made");
    disk.change("remount,ro");
    let (succeeded, said) = Program::refuses(&disk.data());
    assert!(!succeeded && said.contains(&disk.data().display().to_string()), "{said}");
    assert!(said.to_lowercase().contains("read-only"), "{said}");
    disk.change("remount,rw");
    let program = Program::serve(&disk.data(), &[]);
    assert_eq!(program.api("content").status, 200);
}

/// Where Debian's faketime has its library.
pub fn library() -> String {
    let found = std::fs::read_dir("/usr/lib").expect("there").filter_map(|entry| Some(entry.ok()?.path()));
    let library = found.map(|folder| folder.join("faketime/libfaketime.so.1")).find(|path| path.exists());
    library.expect("this test wants libfaketime (Debian: faketime)").display().to_string()
}

/// The wall clock jumps, the clock that counts does not.
/// <https://github.com/wolfcw/libfaketime#4-using-libfaketime>
#[test]
fn a_clock_that_jumps_loses_no_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = folder.path().join("clock");
    let set = |offset: &str| std::fs::write(&clock, offset).expect("written");
    set("+0s");
    let (library, file) = (library(), clock.display().to_string());
    let program = Program::serve(
        &folder.path().join("data"),
        &[
            ("LD_PRELOAD", library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", file.as_str()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("STREAMGATE_WORK__LANES", "1"),
        ],
    );
    let movie = media::movie(folder.path(), 8, "320x180");
    let uploaded = program.upload(&movie, "title=movie");
    let id = uploaded.json()["id"].as_str().expect("an id").to_owned();
    let jumps = ["+2d", "-2d", "+1h", "+0s"];
    let mut last = 0.0;
    let mut fell = Vec::new();
    let begun = Instant::now();
    for jump in jumps.iter().cycle().take(8) {
        set(jump);
        let until = Instant::now() + Duration::from_millis(150);
        while Instant::now() < until {
            let status = program.status(&id);
            let now = status["progress"].as_f64().expect("a number");
            if now < last - 1e-9 {
                fell.push((last, now));
            }
            last = now;
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    set("+0s");
    let status = program.wait(&id, "the end of the job", ended);
    assert_eq!((status["state"].as_str(), fell.as_slice()), (Some("ready"), [].as_slice()), "{status}");
    assert!(begun.elapsed() < PATIENCE);
    for jump in ["-30d", "+30d", "+0s"] {
        set(jump);
        let (_, status): (String, Value) = program.ingest(&media::movie(folder.path(), 2, "160x90"), "title=another");
        assert_eq!(status["state"], "ready", "{jump}: {status}");
    }
}
