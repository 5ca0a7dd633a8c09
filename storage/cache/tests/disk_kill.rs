//! Promised: a writer that is killed at any point, a hundred times over, leaves a log that gives back no wrong byte, no object older than
//! the last one acknowledged, nothing that was removed, and at least 99 % of what was acknowledged and has not made room for newer objects.
//!
//! The test runs itself again as the writer.

mod disk_file;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use cache::{Key, KeySeed};
use disk_file::Tier;

const WRITER: &str = "STREAMGATE_TEST_DISK_WRITER";
const KILLS: u64 = 100;
const BYTES: u64 = 24 << 20;
const KEYS: u64 = 700;
/// Versions of one writer: every life writes other bytes.
const VERSIONS: u64 = 1 << 20;

/// A small generator: the writer's choices follow from its seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % n
    }
}

fn name(i: u64) -> Vec<u8> {
    format!("/object/{i}").into_bytes()
}

fn key(i: u64) -> Key {
    KeySeed(1).key(&name(i))
}

fn length(version: u64) -> usize {
    let mut chance = Chance(version);
    match chance.below(20) {
        0 => 256 * 1024 + chance.below(200_000) as usize,
        1..4 => chance.below(60_000) as usize,
        _ => chance.below(6_000) as usize,
    }
}

fn body(i: u64, version: u64) -> Vec<u8> {
    let mut chance = Chance(i << 32 ^ version);
    let mut body = Vec::with_capacity(length(version) + 8);
    while body.len() < length(version) {
        body.extend_from_slice(&chance.below(u64::MAX).to_le_bytes());
    }
    body.truncate(length(version));
    body
}

/// Writes until it is killed, and says on standard error what has been acknowledged.
fn write_until_killed(path: &Path, life: u64) {
    let mut tier = Tier::open(path, BYTES);
    let mut chance = Chance(life);
    let mut version = life * VERSIONS;
    loop {
        let mut said = String::new();
        for _ in 0..1 + chance.below(8) {
            version += 1;
            let i = chance.below(KEYS);
            if chance.below(10) == 0 {
                tier.forget(key(i));
                said += &format!("forgot {i} {version}\n");
            } else {
                assert!(tier.put(key(i), &name(i), &version.to_le_bytes(), &body(i, version)));
                said += &format!("kept {i} {version}\n");
            }
        }
        tier.flush();
        std::io::stderr().write_all(said.as_bytes()).expect("the parent reads");
    }
}

#[derive(Clone, Copy)]
struct Known {
    version: u64,
    kept: bool,
    /// Bytes written until then.
    at: u64,
}

#[test]
fn a_hundred_kills_leave_no_wrong_byte_and_lose_nothing_acknowledged() {
    if let Ok(writer) = std::env::var(WRITER) {
        let (life, path) = writer.split_once(' ').expect("two words");
        write_until_killed(Path::new(path), life.parse().expect("a number"));
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("log");
    let mut chance = Chance(42);
    let mut known: HashMap<u64, Known> = HashMap::new();
    let (mut written, mut expected, mut missing) = (0, 0u64, 0u64);
    for life in 1..=KILLS {
        for (i, version, kept) in life_and_death(&path, life, &mut chance) {
            written += if kept { length(version) as u64 + 256 } else { 64 };
            let news = Known { version, kept, at: written };
            assert!(known.insert(i, news).is_none_or(|old| old.version < version));
        }
        let mut tier = Tier::open(&path, BYTES);
        for i in 0..KEYS {
            let last = known.get(&i).copied();
            let found = tier.get(key(i), &name(i));
            if let Some((head, body_found)) = &found {
                let version = u64::from_le_bytes(head.as_slice().try_into().expect("eight bytes"));
                assert!(body_found == &body(i, version), "object {i} is not what was written");
                // The last one acknowledged, or one that was written and not acknowledged before its writer died.
                let newer = last.is_none_or(|last| version > last.version);
                let right = last.is_some_and(|last| last.kept && last.version == version);
                assert!(right || newer, "object {i} is of version {version}");
            }
            // What is within two thirds of the log's length has not been overwritten.
            if let Some(last) = last.filter(|last| last.kept && written - last.at < BYTES * 2 / 3) {
                expected += 1;
                missing += u64::from(found.is_none());
                known.insert(i, last);
            }
        }
    }
    assert!(expected > KILLS * 100, "the test writes too little: {expected}");
    assert!(missing * 100 <= expected, "{missing} of {expected} acknowledged objects are missing");
}

/// One writer, killed after some of what it says, or a moment later.
fn life_and_death(path: &Path, life: u64, chance: &mut Chance) -> Vec<(u64, u64, bool)> {
    let mut writer = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "a_hundred_kills_leave_no_wrong_byte_and_lose_nothing_acknowledged", "--nocapture"])
        .env(WRITER, format!("{life} {}", path.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(writer.stderr.take().expect("piped")).lines();
    let mut said = Vec::new();
    for _ in 0..1 + chance.below(300) {
        said.extend(lines.next().map(|line| line.expect("text")));
    }
    for _ in 0..chance.below(20_000) {
        std::hint::spin_loop();
    }
    writer.kill().expect("it is ours");
    // What it said before it died counts.
    said.extend(lines.map_while(Result::ok));
    writer.wait().expect("it ends");
    said.iter().filter_map(|line| told(line)).collect()
}

/// A whole line: `kept KEY VERSION` or `forgot KEY VERSION`.
fn told(line: &str) -> Option<(u64, u64, bool)> {
    let mut words = line.split(' ');
    let kept = match words.next()? {
        "kept" => true,
        "forgot" => false,
        _ => panic!("the writer said {line:?}"),
    };
    let (i, version) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((i, version, kept))
}
