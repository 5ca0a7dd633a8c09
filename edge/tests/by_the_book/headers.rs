//! Which fields are stored (RFC 9111 section 3.1), and which of them a 304 or a HEAD brings up to date (sections 3.2, 4.3.4, 4.3.5).

use crate::case::*;
use crate::templates::*;

/// A field, its first and its second value, and what is expected of it.
struct Field {
    name: &'static str,
    first: String,
    second: String,
    stored: bool,
    /// A 304 must, must not, or may change it.
    updated: Option<bool>,
}

fn field(name: &'static str, values: Option<(&str, &str)>) -> Field {
    let (first, second) = values.map_or_else(
        || (word(&format!("{name}-a")), word(&format!("{name}-b"))),
        |(first, second)| (first.to_owned(), second.to_owned()),
    );
    Field { name, first, second, stored: true, updated: None }
}

fn fields() -> Vec<Field> {
    let must_update = |name, values| Field { updated: Some(true), ..field(name, values) };
    let not_stored = |name| Field { stored: false, ..field(name, None) };
    vec![
        must_update("Test-Header", None),
        must_update("X-Test-Header", None),
        must_update("Content-Foo", None),
        must_update("X-Content-Foo", None),
        must_update("Cache-Control", Some(("max-age=1", "max-age=3600"))),
        not_stored("Connection"),
        field("Content-Encoding", None),
        // 36 is the true length; with 10 the origin sends more than it says.
        Field { updated: Some(false), ..field("Content-Length", Some(("36", "10"))) },
        field("Content-Location", Some(("/foo", "/bar"))),
        field("Content-MD5", Some(("rL0Y20zC+Fzt72VPzMSk2A==", "N7UdGUp1E+RbVvZSTy1R8g=="))),
        field("Content-Range", None),
        field("Content-Security-Policy", Some(("default-src 'self'", "default-src 'self' cdn.example.com"))),
        field("Content-Type", Some(("text/plain", "text/plain;charset=utf-8"))),
        field("Clear-Site-Data", Some(("cache", "cookies"))),
        field("ETag", Some(("\"abcdef\"", "\"ghijkl\""))),
        field("Expires", Some(("Fri, 01 Jan 2038 01:01:01 GMT", "Mon, 11 Jan 2038 11:11:11 GMT"))),
        not_stored("Keep-Alive"),
        not_stored("Proxy-Authenticate"),
        not_stored("Proxy-Authentication-Info"),
        not_stored("Proxy-Authorization"),
        not_stored("Proxy-Connection"),
        field("Public-Key-Pins", None),
        field("Set-Cookie", Some(("a=b", "a=c"))),
        field("Set-Cookie2", Some(("a=b", "a=c"))),
        not_stored("TE"),
        not_stored("Transfer-Encoding"),
        not_stored("Upgrade"),
        field("X-Frame-Options", Some(("deny", "sameorigin"))),
        field("X-XSS-Protection", Some(("1", "1; mode=block"))),
    ]
}

pub fn cases() -> Vec<Case> {
    let listed = fresh().says("~Connection: a, b").says("~a: 1").says("~b: 2").says("~c: 3");
    let mut all = vec![
        required(
            "headers-omit-headers-listed-in-Connection",
            [listed, get().cached().shows("c: 3").lacks("a").lacks("b")],
        )
        .needs("freshness-max-age"),
    ];
    let fields = fields();
    all.extend(fields.iter().map(|field| stored(field).needs("freshness-max-age")));
    let unchanged = [
        said(&["Cache-Control: max-age=2", "Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT", "Date: @0", "Test-Header: a"])
            .pause(),
        said(&["Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT", "Date: @0"]).date_validated().shows("Test-Header: a"),
    ];
    all.push(required("304-lm-use-stored-Test-Header", unchanged));
    let kept = fields.iter().filter(|field| field.stored);
    all.extend(kept.map(|field| updated(field).needs("304-lm-use-stored-Test-Header")));
    all.extend(head());
    all
}

fn whole(field: &Field, step: Step) -> Step {
    if field.name == "Content-Length" { step.any_body() } else { step }
}

fn with_freshness(field: &Field, step: Step, cc: &str) -> Step {
    if field.name == "Cache-Control" { step } else { step.says(cc) }
}

fn stored(field: &Field) -> Case {
    let line = format!("{}: {}", field.name, field.second);
    let first = get().says("Date: @0").says(&if field.stored { line.clone() } else { format!("~{line}") });
    let first = with_freshness(field, first, "Cache-Control: max-age=3600").pause();
    let second = get().cached();
    let second = if field.stored { second.shows(&line) } else { second.lacks_value(&line) };
    required(format!("headers-store-{}", field.name), [whole(field, first), whole(field, second)])
}

fn updated(field: &Field) -> Case {
    let fixed = field.updated == Some(false);
    let answered = |value: &str, tagged: bool| {
        let tilde = if fixed { "~" } else { "" };
        let step = get().says("Date: @0").says(&format!("{tilde}{}: {value}", field.name));
        let step = with_freshness(field, step, "Cache-Control: max-age=2");
        let tag = tagged && field.name != "ETag";
        whole(field, if tag { step.says(&format!("ETag: \"{}\"", word(field.name))) } else { step })
    };
    let after = if fixed { &field.first } else { &field.second };
    let line = format!("{}: {after}", field.name);
    let steps = [
        answered(&field.first, true).pause(),
        answered(&field.second, true).tag_validated().shows(&line),
        answered(after, false).cached().shows(&line),
    ];
    let id = format!("304-etag-update-response-{}", field.name);
    if field.updated.is_some() { required(id, steps) } else { check(id, steps) }
}

/// A HEAD's answer says what a GET's head would be.
fn head() -> Vec<Case> {
    let head = || ask("HEAD").sent_method("HEAD");
    let renewed = |step: Step| step.says("Template-A: 2").says("Cache-Control: max-age=1000");
    vec![
        check("head-writethrough", [becomes_stale(), head()]).needs("freshness-max-age-stale"),
        check("head-200-retain", [becomes_stale(), head().shows("Template-A: 1")]).needs("head-writethrough"),
        check(
            "head-200-freshness-update",
            [becomes_stale(), head().says("Cache-Control: max-age=1000"), get().cached()],
        )
        .needs("head-writethrough"),
        check("head-200-update", [becomes_stale(), renewed(head()), get().cached().shows("Template-A: 2")])
            .needs("head-200-freshness-update"),
        check(
            "head-410-update",
            [becomes_stale(), renewed(head().status(410)), get().cached().shows("Template-A: 2")],
        )
        .needs("head-200-freshness-update"),
    ]
}
