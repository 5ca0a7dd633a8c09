//! The cases that are known to fail, by reason. A case that passes must leave this list.

/// Least number of optimal cases that pass.
pub const OPTIMAL_MIN: usize = 58;

/// A reason, and its cases.
pub const MISSED: &[(&str, &[&str])] = &[
    (
        "only some statuses are kept; must-understand and a POST that answers for its GET are not known",
        &["method-POST"],
    ),
    ("Vary is not part of the key", &["vary-normalise-lang-select"]),
    ("Vary is not part of the key; a date without Last-Modified is no validator", &["conditional-lm-fresh-no-lm"]),
    (
        "parts are not kept",
        &[
            "partial-store-partial-reuse-partial",
            "partial-store-partial-reuse-partial-byterange",
            "partial-store-partial-reuse-partial-absent",
            "partial-store-partial-reuse-partial-suffix",
            "partial-store-partial-complete",
        ],
    ),
    ("interim answers are dropped", &["interim-102", "interim-103", "interim-not-cached", "interim-no-header-reuse"]),
];
