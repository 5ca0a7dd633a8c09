//! Combinations of directives that nobody thought of, drawn by a fixed seed, against the rules of RFC 9111 sections 3, 3.5 and 4.2.1 and
//! RFC 9213 written down a second time.

use crate::case::*;

/// As many as take a second to run.
const DRAWN: usize = 400;

/// Directives that rule an answer.
#[derive(Default)]
struct Rules {
    no_store: bool,
    no_cache: bool,
    private: bool,
    public: bool,
    must_revalidate: bool,
    must_understand: bool,
    max_age: Option<i64>,
    s_maxage: Option<i64>,
}

pub fn cases() -> Vec<Case> {
    let mut seed = 9_111_u64;
    let mut cases: Vec<Case> = Vec::new();
    while cases.len() < DRAWN {
        let case = drawn(&mut move_on(&mut seed));
        if cases.iter().all(|known| known.id != case.id) {
            cases.push(case);
        }
    }
    cases
}

/// Draws numbers below a bound.
fn move_on(seed: &mut u64) -> impl FnMut(u64) -> u64 + '_ {
    move |bound| {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % bound
    }
}

fn drawn(draw: &mut impl FnMut(u64) -> u64) -> Case {
    let status = [200, 200, 404, 500, 599][draw(5) as usize];
    let authorised = draw(3) == 0;
    let age = [0, 0, 30, 100][draw(4) as usize];
    let (line, rules) = directives(draw);
    let targeted = (draw(4) == 0).then(|| directives(draw)).filter(|(line, _)| !line.is_empty());
    let expires = [None, None, Some(60), Some(-60)][draw(4) as usize];
    let mut step = get().status(status).says("Date: @0");
    let mut id = format!("drawn: {status}");
    let mut say = |step: Step, line: &str| {
        id += &format!(" | {line}");
        step.says(&format!("~{line}"))
    };
    if !line.is_empty() {
        step = say(step, &format!("Cache-Control: {line}"));
    }
    if let Some((line, _)) = &targeted {
        step = say(step, &format!("CDN-Cache-Control: {line}"));
    }
    if let Some(seconds) = expires {
        step = say(step, &format!("Expires: @{seconds}"));
    }
    if age > 0 {
        step = say(step, &format!("Age: {age}"));
    }
    if authorised {
        id += " | authorised";
        step = step.asks("Authorization: FOO");
    }
    let expires = expires.filter(|_| targeted.is_none());
    let rules = targeted.map_or(rules, |(_, rules)| rules);
    let again = get().status(status);
    own(id, [step, if is_reusable(&rules, status, authorised, expires, age) { again.cached() } else { again.fetched() }])
}

fn directives(draw: &mut impl FnMut(u64) -> u64) -> (String, Rules) {
    let mut rules = Rules::default();
    let mut words = Vec::new();
    let mut flag = |name: &str, odds: u64, draw: &mut dyn FnMut(u64) -> u64| {
        let on = draw(odds) == 0;
        on.then(|| words.push(name.to_owned()));
        on
    };
    rules.no_store = flag("no-store", 8, draw);
    rules.no_cache = flag("no-cache", 10, draw);
    rules.private = flag("private", 10, draw);
    rules.public = flag("public", 4, draw);
    rules.must_revalidate = flag("must-revalidate", 4, draw);
    rules.must_understand = flag("must-understand", 8, draw);
    flag("x-unknown", 6, draw);
    for (name, slot) in [("max-age", &mut rules.max_age), ("s-maxage", &mut rules.s_maxage)] {
        if let Some(seconds) = [Some(60), Some(60), Some(0), None, None][draw(5) as usize] {
            *slot = Some(seconds);
            words.push(format!("{name}={seconds}"));
        }
    }
    let turn = draw(1 + words.len() as u64) as usize;
    words.rotate_left(turn);
    (words.join(", "), rules)
}

/// Whether a stored answer without a validator may be used at once for another client's request.
fn is_reusable(rules: &Rules, status: u16, authorised: bool, expires: Option<i64>, age: i64) -> bool {
    let understood = status != 599;
    if rules.must_understand && !understood || rules.no_store && !rules.must_understand {
        return false;
    }
    if rules.private || rules.no_cache {
        return false;
    }
    if authorised && !(rules.public || rules.must_revalidate || rules.s_maxage.is_some()) {
        return false;
    }
    rules.s_maxage.or(rules.max_age).or(expires).is_some_and(|lifetime| lifetime > age)
}
