//! Promised: `streamgate storage migrate` brings the media objects into an S3 and back; killed on the way it goes on where it was, what it
//! copied is what its names say, and the origin then plays from there.

use crate::media;
use crate::program::{Program, streamgate};
use crate::support::weed::{ACCESS_KEY, BUCKET, SECRET_KEY, Weed};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Objects by their names.
fn objects(data: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for shelf in std::fs::read_dir(data.join("objects")).into_iter().flatten() {
        let shelf = shelf.expect("readable").path();
        for file in std::fs::read_dir(&shelf).expect("a folder") {
            let file = file.expect("readable").path();
            let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
            found.insert(name(&shelf) + &name(&file), std::fs::read(&file).expect("bytes"));
        }
    }
    found
}

/// Puts files of noise beside the others, under the names of their bytes, so that a copy takes a while.
fn more(data: &Path, scratch: &Path, count: u8) {
    let noise: Vec<PathBuf> = (0..count).map(|n| scratch.join(format!("noise-{n}"))).collect();
    for (n, path) in noise.iter().enumerate() {
        let bytes: Vec<u8> =
            (0..200_000u32).map(|k| (k.wrapping_mul(2_654_435_761).wrapping_add(n as u32) >> 13) as u8).collect();
        std::fs::write(path, bytes).expect("written");
    }
    let summed = Command::new("sha256sum").args(&noise).output().expect("sha256sum, of coreutils");
    for (line, path) in String::from_utf8(summed.stdout).expect("text").lines().zip(&noise) {
        let name = &line[..64];
        let shelf = data.join("objects").join(&name[..2]);
        std::fs::create_dir_all(&shelf).expect("a folder");
        std::fs::rename(path, shelf.join(&name[2..])).expect("moved");
    }
}

#[test]
fn objects_go_to_an_s3_and_back_over_kills_and_play_from_there() {
    let (weed, folder) = (Weed::start(), tempfile::tempdir().expect("a folder"));
    let data = folder.path().join("data");
    let program = Program::serve(&data, &[]);
    let (id, status) = program.ingest(&media::movie(folder.path(), 3, "160x90"), "title=film");
    assert_eq!(status["state"], "ready", "{status}");
    assert!(program.terminate(Duration::from_secs(30)));
    more(&data, folder.path(), 100);
    let all = objects(&data);

    let place = format!("s3://{BUCKET}/moved");
    let endpoint = weed.endpoint();
    let s3 = [
        ("STREAMGATE_STORAGE__OBJECTS", place.as_str()),
        ("STREAMGATE_STORAGE__S3_ENDPOINT", &endpoint),
        ("STREAMGATE_STORAGE__S3_ACCESS_KEY", ACCESS_KEY),
        ("STREAMGATE_STORAGE__S3_SECRET_KEY", SECRET_KEY),
    ];
    let migrate = |to: &str, data: &Path, more: &[&str]| {
        let mut command = streamgate();
        command.args(["storage", "migrate", "--to", to]).args(more).envs(s3).env("STREAMGATE_STORAGE__DATA", data);
        command
    };
    // `kill -9` as soon as something is there.
    let kill = |mut command: Command, is_under_way: &dyn Fn() -> bool| {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let begun = Instant::now();
        while !is_under_way() {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing is copied");
        }
        child.kill().expect("it runs");
        let ended = child.wait().expect("it ends");
        assert!(!ended.success(), "it was done before it could be killed");
    };
    // What it says of a whole copy: so many copied, so many there already.
    let counts = |output: Output| {
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("are what their names say"), "{said}");
        let number = |text: &str| text.split(' ').next().and_then(|word| word.parse::<usize>().ok()).expect("a number");
        (
            number(&said),
            number(said.split("copied to ").nth(1).and_then(|rest| rest.split(", ").nth(1)).expect("a count")),
        )
    };

    let shelf = all.keys().nth(3).expect("there are more")[..2].to_owned();
    kill(migrate("s3", &data, &[]), &|| weed.lists(&format!("moved/objects/{shelf}")).contains("FullPath"));
    let (copied, there) = counts(migrate("s3", &data, &["--verify"]).output().expect("it runs"));
    assert!(copied > 0 && there > 0 && copied + there == all.len(), "{copied} and {there} of {}", all.len());
    let again = counts(migrate("s3", &data, &["--verify"]).output().expect("it runs"));
    assert_eq!(again, (0, all.len()), "nothing is copied twice");

    let back = folder.path().join("back");
    kill(migrate("files", &back, &[]), &|| objects(&back).len() > 3);
    let (copied, there) = counts(migrate("files", &back, &["--verify"]).output().expect("it runs"));
    assert!(copied > 0 && there > 0, "{copied} and {there}");
    assert!(objects(&back) == all, "what came back is what went");

    std::fs::remove_dir_all(data.join("objects")).expect("removed");
    let program = Program::serve(&data, &s3);
    let master = program.through_edge(&format!("/v/{id}/master.m3u8"));
    assert_eq!(master.status, 200, "{}", master.text());
    let media = master.text().lines().find(|line| line.ends_with("media.m3u8")).expect("a rendition").to_owned();
    let (rendition, _) = media.split_once('/').expect("a folder");
    assert_eq!(program.through_edge(&format!("/v/{id}/{rendition}/init.mp4")).status, 200);
}
