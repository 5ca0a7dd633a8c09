//! Conditional requests of clients and to the origin (RFC 9111 section 4.3, RFC 9110 section 13).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let mut all = by_date();
    all.extend(by_tag());
    all.extend(tags_in_odd_forms());
    all.extend(to_the_origin());
    all
}

fn by_date() -> Vec<Case> {
    let modified = || fresh().says("Last-Modified: @-3000");
    let since = |since: &str| get().asks(&format!("If-Modified-Since: {since}")).expect(304);
    vec![
        optimal("conditional-lm-fresh", [modified(), since("@-3000").cached()]).needs("freshness-max-age"),
        optimal("conditional-lm-fresh-earlier", [modified(), since("@-2000").cached()]).needs("freshness-max-age"),
        optimal(
            "conditional-lm-stale",
            [becomes_stale().says("Last-Modified: @-3000"), since("@-3000").date_validated()],
        )
        .needs("freshness-max-age-stale"),
        // The answer's Date stands in for the Last-Modified it lacks; a validator is no older than what it came with.
        optimal("conditional-lm-fresh-no-lm", [fresh(), since("@-3000").cached()]).needs("freshness-max-age"),
        optimal("conditional-lm-fresh-rfc850", [modified(), since("@850:-3000").cached()]).needs("freshness-max-age"),
    ]
}

fn tagged(tag: &str) -> Step {
    fresh().says(&format!("ETag: {tag}"))
}

fn none_match(tags: &str) -> Step {
    get().asks(&format!("If-None-Match: {tags}")).cached().expect(304)
}

fn by_tag() -> Vec<Case> {
    let strong = || tagged("\"abcdef\"");
    let many = |id: &str, tags: &str| {
        optimal(id, [strong(), none_match(tags)]).needs("conditional-etag-strong-respond")
    };
    vec![
        optimal("conditional-etag-strong-respond", [strong(), none_match("\"abcdef\"")]).needs("freshness-max-age"),
        required("conditional-304-etag", [strong(), none_match("\"abcdef\"").shows("ETag: \"abcdef\"")])
            .needs("conditional-etag-strong-respond"),
        required(
            "conditional-etag-precedence",
            [
                fresh().says("Last-Modified: @-5000").says("ETag: \"abcdef\""),
                none_match("\"abcdef\"").asks("If-Modified-Since: @-1"),
            ],
        )
        .needs("conditional-etag-strong-respond"),
        optimal("conditional-etag-weak-respond", [tagged("W/\"abcdef\""), none_match("W/\"abcdef\"")])
            .needs("freshness-max-age"),
        many("conditional-etag-strong-respond-multiple-first", "\"abcdef\", \"1234\", \"5678\""),
        many("conditional-etag-strong-respond-multiple-second", "\"1234\", \"abcdef\", \"5678\""),
        many("conditional-etag-strong-respond-multiple-last", "\"1234\", \"5678\", \"abcdef\""),
    ]
}

/// Nobody has to accept these.
fn tags_in_odd_forms() -> Vec<Case> {
    let odd = |id: &str, tag: &str, asked: &str| check(id, [tagged(tag), none_match(asked)]);
    vec![
        check(
            "conditional-etag-strong-respond-obs-text",
            [tagged("\"abcdefü\""), none_match("\"abcdefü\"").shows("ETag: \"abcdefü\"")],
        ),
        odd("conditional-etag-quoted-respond-unquoted", "\"abcdef\"", "abcdef"),
        odd("conditional-etag-unquoted-respond-unquoted", "abcdef", "abcdef"),
        odd("conditional-etag-unquoted-respond-quoted", "abcdef", "\"abcdef\""),
        odd("conditional-etag-weak-respond-lowercase", "w/\"abcdef\"", "w/\"abcdef\""),
        odd("conditional-etag-weak-respond-backslash", "W\\\"abcdef\"", "W\\\"abcdef\""),
        odd("conditional-etag-weak-respond-omit-slash", "W\"abcdef\"", "W\"abcdef\""),
    ]
}

fn to_the_origin() -> Vec<Case> {
    let varied = |expires: &str| {
        let first = get().asks("Abc: 123").says(&format!("Expires: {expires}")).says("ETag: \"abcdef\"");
        first.says("Date: @0").says("Vary: Abc").pause()
    };
    let becomes_stale_with = |tag: &str| becomes_stale().says(&format!("ETag: {tag}"));
    let validates = |tag: &str| get().sent(&format!("If-None-Match: {tag}")).tag_validated();
    let forwards = |given: &str, sent: &str| {
        [get().asks(&format!("If-None-Match: {given}")).sent(&format!("If-None-Match: {sent}"))]
    };
    vec![
        required(
            "conditional-etag-vary-headers",
            [varied("@1"), get().asks("Abc: 123").tag_validated().sent("Abc: 123")],
        ),
        // Several variants may be validated at once (RFC 9111 section 4.3.1): allowed, not demanded.
        check(
            "conditional-etag-vary-headers-mismatch",
            [varied("@10000"), get().asks("Abc: 456").sent("If-None-Match: \"abcdef\"")],
        )
        .needs("vary-no-match"),
        optimal("conditional-etag-strong-generate", [becomes_stale_with("\"abcdef\""), validates("\"abcdef\"")])
            .needs("freshness-max-age-stale"),
        optimal(
            "conditional-etag-weak-generate-weak",
            [becomes_stale_with("W/\"abcdef\""), validates("W/\"abcdef\"")],
        )
        .needs("freshness-max-age-stale"),
        check("conditional-etag-strong-generate-unquoted", [becomes_stale_with("abcdef"), validates("\"abcdef\"")]),
        check("conditional-etag-forward", forwards("\"abcdef\"", "\"abcdef\"")),
        check("conditional-etag-forward-unquoted", forwards("abcdef", "\"abcdef\"")),
    ]
}
