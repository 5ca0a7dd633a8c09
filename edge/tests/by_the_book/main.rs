//! Promised: the edge caches by the book, RFC 9110 and 9111 above all.
//!
//! The cases and their names are those of the public HTTP cache tests (cache-tests.fyi), written anew, so that a score can be compared:
//! 365 for a shared cache, of which 158 required, 105 optimal and 102 that note a behaviour; 5 more are for browsers alone and left out.
//! A required case that fails is a violation. An optimal one that fails is a stored answer that could have been used. The others have no
//! right answer: they are run and shown.
//!
//! `cargo test -p streamgate-edge --test by_the_book score -- --nocapture` prints the score and every case that fails, with what was seen.

mod cache_status;
mod case;
mod check;
mod engine;
mod known;
mod origin;
mod templates;
mod wire;

use std::collections::HashSet;
use std::sync::OnceLock;

use case::{Case, Kind};
use engine::Outcome;

macro_rules! families {
    ($($name:ident)*) => {
        $(mod $name;)*

        fn families() -> Vec<(&'static str, Vec<Case>)> {
            vec![$((stringify!($name), $name::cases()),)*]
        }

        mod family {
            $(#[test]
            fn $name() {
                super::no_surprise(stringify!($name));
            })*
        }
    };
}

families! {
    cc_freshness cc_parse age expires cc_response stale heuristic status cc_request vary conditional headers invalidation partial
    other cdn interim
    requests together replacing ranges parts grace unsafe_methods groups targeted selection hops cache_status_words idle drawn
}

/// The outcomes of all families; they are run once, together, since most of their time is waiting.
fn outcomes() -> &'static [(&'static str, Vec<Outcome>)] {
    static ALL: OnceLock<Vec<(&'static str, Vec<Outcome>)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let families = families();
        let cases: Vec<Case> = families.iter().flat_map(|(_, cases)| cases.clone()).collect();
        let mut outcomes = engine::run(&cases).into_iter();
        families.iter().map(|(name, cases)| (*name, outcomes.by_ref().take(cases.len()).collect())).collect()
    })
}

/// The outcomes of one family. Where every test has a process of its own, only what it needs is run.
fn of_family(family: &str) -> Vec<Outcome> {
    if std::env::var_os("NEXTEST").is_none() {
        return outcomes().iter().find(|(name, _)| *name == family).expect("a family").1.clone();
    }
    let families = families();
    let all = || families.iter().flat_map(|(_, cases)| cases);
    let own = &families.iter().find(|(name, _)| *name == family).expect("a family").1;
    let mut wanted: Vec<Case> = own.clone();
    let mut at = 0;
    while at < wanted.len() {
        for id in wanted[at].needs.clone() {
            if wanted.iter().all(|case| case.id != id) {
                wanted.extend(all().find(|case| case.id == id).cloned());
            }
        }
        at += 1;
    }
    engine::run(&wanted).into_iter().take(own.len()).collect()
}

/// Every case of a family does what is known of it: those listed as missed fail, all others pass; and every answer has a Cache-Status
/// that is well-formed and true.
fn no_surprise(family: &str) {
    let missed: HashSet<&str> = known::MISSED.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
    let outcomes = of_family(family);
    let mut surprises = Vec::new();
    for outcome in &outcomes {
        surprises.extend(outcome.remarks.iter().map(|remark| format!("{}: Cache-Status: {remark}", outcome.id)));
        if outcome.kind == Kind::Check {
            continue;
        }
        match (&outcome.result, missed.contains(outcome.id.as_str())) {
            (Err(why), false) => surprises.push(format!("{} ({:?}) fails: {why}", outcome.id, outcome.kind)),
            (Ok(()), true) => surprises.push(format!("{} passes: take it off the list in known.rs", outcome.id)),
            _ => {}
        }
    }
    assert!(surprises.is_empty(), "{family}:\n  {}", surprises.join("\n  "));
}

/// How many of a kind pass, and of how many.
fn count(kind: Kind) -> (usize, usize) {
    let of_kind = || outcomes().iter().flat_map(|(_, outcomes)| outcomes).filter(|o| o.kind == kind);
    (of_kind().filter(|o| o.result.is_ok()).count(), of_kind().count())
}

#[test]
fn score() {
    for (family, outcomes) in outcomes() {
        for outcome in outcomes {
            if let Err(why) = &outcome.result {
                println!("{:?} {family} {}: {why}", outcome.kind, outcome.id);
            }
        }
    }
    let [required, optimal, checks, own] = [Kind::Required, Kind::Optimal, Kind::Check, Kind::Own].map(count);
    println!(
        "required {}/{}, optimal {}/{}, checks {}/{} yes, own {}/{}",
        required.0, required.1, optimal.0, optimal.1, checks.0, checks.1, own.0, own.1
    );
    assert!(optimal.0 >= known::OPTIMAL_MIN, "optimal: {} of {}", optimal.0, optimal.1);
}
