//! Which stored answer a request selects (RFC 9111 section 4.1).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let mut all = selecting();
    all.extend(normalising());
    all.extend(parsing());
    all
}

fn answered(vary: &str) -> Step {
    get().says("Cache-Control: max-age=5000").says("Last-Modified: @-3000").says("Date: @0").says(vary)
}

fn one() -> Step {
    answered("Vary: Foo").asks("Foo: 1")
}

fn two() -> Step {
    answered("~Vary: Foo, Bar").asks("Foo: 1").asks("Bar: abc")
}

fn three() -> Step {
    answered("~Vary: Foo, Bar, Baz").asks("Foo: 1").asks("Bar: abc").asks("Baz: 789")
}

fn selecting() -> Vec<Case> {
    let second = answered("Vary: Foo").asks("Foo: 2").fetched().body(word("foo_2"));
    let body = word("foo_1");
    let cases = [
        optimal("vary-match", [one(), get().asks("Foo: 1").cached()]).needs("freshness-max-age"),
        required("vary-no-match", [one(), get().asks("Foo: 2").fetched()]),
        required("vary-omit-stored", [answered("Vary: Foo"), get().asks("Foo: 1").fetched()]),
        required("vary-omit", [one(), get().fetched()]),
        optimal("vary-invalidate", [one().body(&body), second, get().asks("Foo: 1").body(&body).cached()]),
        optimal("vary-cache-key", [one().asks("Other: 2"), get().asks("Foo: 1").asks("Other: 3").cached()]),
        optimal("vary-2-match", [two(), get().asks("Foo: 1").asks("Bar: abc").cached()]),
        required("vary-2-no-match", [two(), get().asks("Foo: 2").asks("Bar: abc").fetched()]).needs("vary-2-match"),
        required("vary-2-match-omit", [two(), get().fetched()]).needs("vary-2-match"),
        optimal("vary-3-match", [three(), get().asks("Foo: 1").asks("Bar: abc").asks("Baz: 789").cached()]),
        required("vary-3-no-match", [three(), get().asks("Foo: 2").asks("Bar: abc").asks("Baz: 789").fetched()])
            .needs("vary-3-match"),
        required("vary-3-order", [three(), get().asks("Foo: 1").asks("Baz: 789").asks("Bar: abcde").fetched()])
            .needs("vary-3-match"),
        optimal(
            "vary-3-omit",
            [
                answered("~Vary: Foo, Bar, Baz").asks("Foo: 1").asks("Baz: 789"),
                get().asks("Foo: 1").asks("Baz: 789").cached(),
            ],
        ),
    ];
    let star = required(
        "vary-star",
        [answered("Vary: *").asks("Foo: 1").asks("Baz: 789"), get().asks("Foo: 1").asks("Baz: 789").fetched()],
    );
    let mut all = all_need("vary-match", cases);
    all.push(star);
    all
}

fn normalising() -> Vec<Case> {
    let languages = |id: &str, other: &str| {
        let first = answered("Vary: Accept-Language").asks("Accept-Language: en, de");
        optimal(id, [first, get().asks(&format!("Accept-Language: {other}")).cached()])
    };
    let cases = [
        optimal(
            "vary-normalise-combine",
            [answered("Vary: Foo").asks("Foo: 1, 2"), get().asks("Foo: 1").asks("Foo: 2").cached()],
        ),
        languages("vary-normalise-lang-order", "de, en"),
        languages("vary-normalise-lang-case", "eN, De"),
        languages("vary-normalise-lang-space", " en ,   de"),
        optimal(
            "vary-normalise-lang-select",
            [
                answered("Vary: Accept-Language").says("Content-Language: de").asks("Accept-Language: en, de"),
                get().asks("Accept-Language: fr;q=0.5, de;q=1.0").cached(),
            ],
        ),
        optimal("vary-normalise-space", [answered("Vary: Foo").asks("Foo: 1,2"), get().asks("Foo:  1, 2 ").cached()]),
    ];
    all_need("vary-match", cases)
}

/// A star among the members means: select nothing.
fn parsing() -> Vec<Case> {
    let starred = |id: &str, lines: &[&str]| {
        let first = get().says("Cache-Control: max-age=5000").says("Last-Modified: @-3000").says("Date: @0");
        let first = lines.iter().fold(first, |step, line| step.says(&format!("~Vary: {line}")));
        required(id, [first.asks("Foo: 1").asks("Baz: 789"), get().asks("Foo: 1").asks("Baz: 789").fetched()])
    };
    let cases = [
        starred("vary-syntax-star", &["*"]),
        starred("vary-syntax-star-star", &["*, *"]),
        starred("vary-syntax-star-star-lines", &["*", "*"]),
        starred("vary-syntax-empty-star", &[", *"]),
        starred("vary-syntax-empty-star-lines", &["", "*"]),
        starred("vary-syntax-star-foo", &["*, Foo"]),
        starred("vary-syntax-foo-star", &["Foo, *"]),
    ];
    all_need("vary-match", cases)
}
