//! Promised: several workers encode one title together. Each chunk is encoded once; a worker that is killed costs the chunk it had begun, a leader
//! too, and what the others have goes on; one that was paused stores nothing that another has.

use crate::parts::Part;
use crate::workers::Origin;
use serde_json::Value;

fn is_over(now: &Value) -> bool {
    assert_ne!(now["state"], "failed", "{now:#}");
    now["state"] == "ready"
}

/// Two workers that both have stored something of one film: who leads it, and who helps.
fn two(origin: &Origin) -> (Part, Part) {
    let leader = origin.worker("leader");
    origin.until("a chunk of the leader", |_| origin.stored_by(&leader) > 0);
    let helper = origin.worker("helper");
    origin.until("a chunk of the helper", |now| {
        assert!(!is_over(now), "the film is too short");
        origin.stored_by(&helper) > 0
    });
    (leader, helper)
}

#[test]
fn two_workers_encode_one_film_and_no_chunk_twice() {
    let origin = Origin::with_a_film(40);
    let (leader, helper) = two(&origin);
    let mut last = 0.0;
    let took = origin.until("the end", |now| {
        let progress = now["progress"].as_f64().expect("a number");
        assert!(progress >= last - 1e-9, "progress fell from {last}: {now:#}");
        last = progress;
        is_over(now)
    });
    let (led, helped, chunks) = (origin.stored_by(&leader), origin.stored_by(&helper), origin.chunks());
    eprintln!("{chunks} chunks: {led} by the leader, {helped} by the helper; {:.1} s", took.as_secs_f64());
    assert_eq!(led + helped, chunks);
    assert_eq!(origin.jobs("ladder"), ["done"], "it ended once");
}

#[test]
fn a_killed_helper_costs_the_chunk_it_had_begun() {
    let origin = Origin::with_a_film(40);
    let (leader, helper) = two(&origin);
    let helped = origin.stored_by(&helper);
    helper.kill();
    let took = origin.until("the end", is_over);
    let (led, chunks) = (origin.stored_by(&leader), origin.chunks());
    eprintln!("{chunks} chunks: {led} by the leader, {helped} seen of the helper; {:.1} s", took.as_secs_f64());
    // It may have stored one more between the look and its end.
    assert!(led + helped == chunks || led + helped + 1 == chunks, "{led} and {helped} of {chunks}");
}

#[test]
fn a_killed_leader_leaves_its_helper_the_job() {
    let origin = Origin::with_a_film(40);
    let (leader, helper) = two(&origin);
    let led = origin.stored_by(&leader);
    leader.kill();
    let took = origin.until("the end", is_over);
    let (helped, chunks) = (origin.stored_by(&helper), origin.chunks());
    eprintln!("{chunks} chunks: {led} seen of the leader, {helped} by the helper; {:.1} s", took.as_secs_f64());
    assert!(led + helped == chunks || led + helped + 1 == chunks, "{led} and {helped} of {chunks}");
}

#[test]
fn a_paused_helper_stores_nothing_that_its_leader_has_taken_over() {
    let origin = Origin::with_a_film(40);
    let (leader, helper) = two(&origin);
    helper.signal("-STOP");
    let took = origin.until("the end", is_over);
    helper.signal("-CONT");
    origin.until("its word", |_| helper.said("the job is no longer ours") > 0);
    let (led, helped, chunks) = (origin.stored_by(&leader), origin.stored_by(&helper), origin.chunks());
    eprintln!("{chunks} chunks: {led} by the leader, {helped} by the paused helper; {:.1} s", took.as_secs_f64());
    assert_eq!(led + helped, chunks);
}
