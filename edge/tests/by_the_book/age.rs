//! How the `Age` of an answer is read (RFC 9111 section 5.1).

use crate::case::*;

pub fn cases() -> Vec<Case> {
    let aged = |ages: &[&str]| {
        let start = get().says("Date: @0").says("Cache-Control: max-age=3600");
        ages.iter().fold(start, |step, age| step.says(&format!("~Age: {age}"))).pause()
    };
    let kept = |id: &str, ages: &[&str]| required(id, [aged(ages), get().cached()]);
    let stale = |id: &str, ages: &[&str]| required(id, [aged(ages), get().fetched()]);
    let twice_not_old = get()
        .says("Date: @0")
        .says("Cache-Control: max-age=10000")
        .says("~Age: 3600")
        .says("~Age: 3600")
        .pause();
    let cases = [
        kept("age-parse-nonnumeric", &["abc"]),
        kept("age-parse-negative", &["-7200"]),
        kept("age-parse-float", &["7200.0"]),
        stale("age-parse-large-minus-one", &["2147483647"]),
        stale("age-parse-large", &["2147483648"]),
        stale("age-parse-larger", &["2147483649"]),
        stale("age-parse-suffix", &["7200, 0"]),
        kept("age-parse-prefix", &["0, 7200"]),
        stale("age-parse-suffix-twoline", &["7200", "0"]),
        kept("age-parse-prefix-twoline", &["0", "7200"]),
        kept("age-parse-dup-0", &["0, 0"]),
        kept("age-parse-dup-0-twoline", &["0", "0"]),
        required("age-parse-dup-old", [twice_not_old, get().cached()]),
        check("age-parse-parameter", [aged(&["7200;foo=bar"]), get().fetched()]),
        check("age-parse-numeric-parameter", [aged(&["7200;foo=111"]), get().fetched()]),
    ];
    all_need("freshness-max-age-age", cases)
}
