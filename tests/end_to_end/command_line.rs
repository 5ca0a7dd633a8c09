//! What a person reads when something is wrong with the command line or the configuration is a sentence that helps.

use crate::program::streamgate;
use std::net::TcpListener;
use std::process::Stdio;

fn check(arguments: &[&str], environment: &[(&str, &str)], expected_success: bool, words: &[&str]) {
    let output = streamgate().args(arguments).envs(environment.iter().copied()).output().expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.success(), expected_success, "{arguments:?} said: {said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?} said: {said}\nwithout: {word}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn help_names_the_commands_and_where_to_begin() {
    check(&["--help"], &[], true, &["demo", "serve", "origin", "edge", "check-config", "token", "streamgate demo"]);
}

#[test]
fn an_unknown_key_is_refused_with_file_line_and_nearest_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("my.toml");
    std::fs::write(&file, "[edge]\nhttp = \"127.0.0.1:0\"\nacces_log = \"off\"\n").expect("written");
    let file = file.to_str().expect("UTF-8");
    check(
        &["serve", "--config", file],
        &[],
        false,
        &["my.toml:3", "`edge.acces_log`", "did you mean `edge.access_log`?"],
    );
    check(&["check-config", file], &[], false, &["my.toml:3"]);
}

#[test]
fn the_sample_configuration_is_valid() {
    let output = streamgate().args(["check-config", "--sample"]).output().expect("it runs");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sample.toml");
    std::fs::write(&file, &output.stdout).expect("written");
    check(&["check-config", file.to_str().expect("UTF-8")], &[], true, &["edge_ram_bytes: 536870912"]);
    check(&["check-config", "--config", file.to_str().expect("UTF-8")], &[], true, &["edge_ram_bytes: 536870912"]);
}

#[test]
fn a_taken_port_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let data = folder.path().to_str().expect("UTF-8");
    check(
        &["demo", "--data", data, "--edge-port", "0", "--origin-port", &port],
        &[],
        false,
        &[&port, "taken by another program"],
    );
    check(
        &["demo", "--data", data, "--edge-port", &port, "--origin-port", "0"],
        &[],
        false,
        &[&port, "in use", "edge.http"],
    );
}

#[test]
fn a_missing_file_is_named_before_anything_starts() {
    check(&["demo", "no-such-movie.mp4"], &[], false, &["cannot open no-such-movie.mp4"]);
    check(&["serve", "--config", "no-such.toml"], &[], false, &["no-such.toml"]);
}

#[test]
fn an_unknown_variable_is_refused() {
    check(&["serve"], &[("STREAMGATE_EDGE__SHARD", "1")], false, &["STREAMGATE_EDGE__SHARD", "`edge.shards`"]);
}

#[test]
fn the_version_says_what_the_build_can_do() {
    check(&["version"], &[], true, &[env!("CARGO_PKG_VERSION"), "rav1e", "openh264"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let run = streamgate().args(["check-config", "--sample"]).stdout(writer).stderr(Stdio::piped()).output();
    let run = run.expect("it runs");
    assert_eq!((run.status.code(), String::from_utf8_lossy(&run.stderr).as_ref()), (Some(0), ""));
}
