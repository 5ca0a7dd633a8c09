//! Keys on a disk are hashes with a seed, so the seed has to outlive the process. It stands beside the logs, readable by the owner alone:
//! without it nobody can choose names that fall together.

use std::fs::OpenOptions;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use cache::KeySeed;

use crate::config::Disk;

const FILE: &str = "seed";

/// The seed of these disks: the one the first of them has, or a new one, which every disk is then given. Blocks.
pub(crate) fn of(disks: &[Disk]) -> KeySeed {
    let seeds: Vec<Option<u64>> = disks.iter().map(|disk| read(&disk.path)).collect();
    // Hashing nothing with keys from the system's generator gives 64 bits of it.
    let seed = seeds.iter().flatten().copied().next().unwrap_or_else(|| RandomState::new().hash_one(0));
    for (disk, held) in disks.iter().zip(seeds) {
        if held != Some(seed)
            && let Err(error) = write(&disk.path, seed)
        {
            tracing::warn!(disk = %disk.path.display(), %error, "cannot keep the seed of the keys: this disk starts empty next time");
        }
    }
    KeySeed(seed)
}

fn read(folder: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(folder.join(FILE)).ok()?;
    let digits = text.strip_suffix('\n').filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// Makes the folder when its parent is there: a mount point that is not mounted should not fill the disk below it.
fn write(folder: &Path, seed: u64) -> std::io::Result<()> {
    if !folder.is_dir() {
        std::fs::create_dir(folder)?;
    }
    let part = folder.join("seed.part");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(format!("{seed:016x}\n").as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&part, folder.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_is_kept_and_shared_by_every_disk() {
        let dir = tempfile::tempdir().expect("a folder");
        let disk = |name: &str| Disk { path: dir.path().join(name), bytes: 0, write_bytes_per_second: 0 };
        let first = of(&[disk("a")]);
        assert_eq!(of(&[disk("a")]).0, first.0);
        assert_eq!(of(&[disk("new"), disk("a")]).0, first.0, "the one there is");
        assert_eq!(of(&[disk("new")]).0, first.0, "given to the new disk");
        assert_ne!(of(&[disk("other")]).0, first.0);
        std::fs::write(dir.path().join("a/seed"), "nonsense").expect("writes");
        assert_ne!(of(&[disk("a")]).0, first.0);
        assert!(of(&[disk("no/such/parent")]).0 != first.0, "a disk that is not there has a seed of its own");
    }
}
