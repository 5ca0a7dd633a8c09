//! The cases that are known to fail, by reason. A case that passes must leave this list.

/// Least number of optimal cases that pass.
pub const OPTIMAL_MIN: usize = 97;

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
    ("Cache-Status has no word for another variant", &["status-of-another-variant"]),
    (
        "what a key that could not be kept brings next is not kept for five seconds",
        &["after-what-cannot-be-kept-comes-what-can"],
    ),
];
