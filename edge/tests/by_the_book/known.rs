//! The cases that are known to fail, by reason. A case that passes must leave this list.

/// Least number of optimal cases that pass.
pub const OPTIMAL_MIN: usize = 94;

/// A reason, and its cases.
pub const MISSED: &[(&str, &[&str])] = &[
    ("the answer to a POST is not kept", &["method-POST"]),
    ("a stored language is not matched against preferences", &["vary-normalise-lang-select"]),
    (
        "RFC 9111 section 4.3.2 says the opposite: the Date stands in for a Last-Modified that is not there",
        &["conditional-lm-fresh-no-lm"],
    ),
    (
        "a part that is asked for is fetched by slice: these give another part than the one the edge asks for",
        &[
            "partial-store-partial-reuse-partial",
            "partial-store-partial-reuse-partial-byterange",
            "partial-store-partial-reuse-partial-absent",
            "partial-store-partial-reuse-partial-suffix",
            "partial-store-partial-complete",
        ],
    ),
    ("interim answers are dropped", &["interim-102", "interim-103", "interim-not-cached", "interim-no-header-reuse"]),
    (
        "a failed revalidation drops what is stored; stale-if-error of a request is not read",
        &["grace-survives-an-error-of-the-revalidation", "error-covered-by-the-request"],
    ),
    ("relative references are not resolved", &["relative-location", "relative-content-location"]),
    (
        "Cache-Groups is not read",
        &["group-ends", "group-among-others", "group-of-thirty-two", "group-on-two-lines", "groups-do-not-cascade"],
    ),
    (
        "interim answers are dropped",
        &["interim-of-what-is-not-kept", "interim-of-a-post", "interim-of-two", "interim-of-a-revalidation"],
    ),
    (
        "Cache-Status knows neither forced requests nor variants",
        &["status-of-a-forced-request", "status-of-another-variant"],
    ),
    ("a key that could not be kept is passed by for five seconds", &["after-what-cannot-be-kept-comes-what-can"]),
    (
        "a 304 that forbids to keep has the origin asked a second time; one that nobody asked for reaches the client",
        &[
            "again-304-with-no-store-ends-it",
            "again-304-with-private-ends-it",
            "not-modified-that-nobody-asked-for-is-an-error",
        ],
    ),
    ("Max-Forwards is passed on as it is", &["max-forwards-counts-down", "max-forwards-ends-here"]),
    (
        "a range of what has no strong tag costs two requests: the slice is thrown away even where it is the whole",
        &["part-that-is-the-whole-needs-no-tag", "part-without-a-strong-tag-is-asked-for-once"],
    ),
];
