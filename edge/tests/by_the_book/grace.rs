//! Stale answers while the origin is asked, or fails (RFC 5861), and what forbids them (RFC 9111 section 4.2.4).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let mut all = while_revalidating();
    all.extend(on_error());
    all
}

fn while_revalidating() -> Vec<Case> {
    let graced = || get().says("Cache-Control: max-age=1, stale-while-revalidate=60").says("ETag: \"a\"").pause();
    let forbidden = |cc: &str| {
        let first = get().says(&format!("Cache-Control: max-age=1, stale-while-revalidate=60, {cc}")).pause();
        own(format!("grace-forbidden-by-{cc}"), [first, get().fetched()])
    };
    let renewed = |step: Step| step.says("Cache-Control: max-age=60").says("ETag: \"a\"");
    vec![
        own(
            "grace-revalidates-once",
            [graced(), renewed(get()).clients(20).slow(400).cached().asked(1).pause()],
        ),
        own(
            "grace-brings-the-new-one",
            [
                graced().body("old"),
                get().says("Cache-Control: max-age=60").cached().body("new").expect_body("old").pause(),
                get().cached().body("new").asked(0),
            ],
        ),
        own(
            "grace-freshens-by-a-304",
            [graced(), renewed(get()).status(304).expect(200).cached().asked(1).pause(), get().cached().asked(0)],
        ),
        own("grace-survives-an-error-of-the-revalidation", [
            graced(),
            get().status(503).expect(200).cached().pause(),
            get().cached(),
        ]),
        forbidden("must-revalidate"),
        forbidden("proxy-revalidate"),
        forbidden("no-cache"),
    ]
}

fn on_error() -> Vec<Case> {
    let covered = |cc: &str| get().says(&format!("Cache-Control: max-age=1, {cc}")).pause();
    let mut all: Vec<Case> = [500, 502, 503, 504]
        .map(|status| {
            let steps = [covered("stale-if-error=60"), get().status(status).expect(200).cached(), get().fetched()];
            own(format!("error-{status}-is-covered"), steps)
        })
        .into();
    all.extend([
        own("error-no-answer-is-covered", [covered("stale-if-error=60"), get().hangs_up().cached()]),
        own("error-404-is-an-answer", [covered("stale-if-error=60"), get().status(404).fetched()]),
        own("error-after-the-window", [covered("stale-if-error=1"), get().status(503).fetched()]),
        own(
            "error-covered-by-the-request",
            [
                becomes_stale(),
                get().asks("Cache-Control: stale-if-error=600").status(503).expect(200).cached(),
            ],
        )
        .listening(),
        own(
            "error-after-the-window-of-the-request",
            [
                get().says("Cache-Control: max-age=1").pause(),
                get().asks("Cache-Control: stale-if-error=1").status(503).fetched(),
            ],
        )
        .listening(),
        own(
            "error-covered-but-must-revalidate",
            [covered("stale-if-error=60, must-revalidate"), get().status(503).fetched()],
        ),
        own(
            "error-covered-by-the-request-but-must-revalidate",
            [
                covered("must-revalidate"),
                get().asks("Cache-Control: stale-if-error=600").status(503).fetched(),
            ],
        )
        .listening(),
        own("error-504-when-the-origin-is-silent-and-stale-is-forbidden", [
            covered("must-revalidate"),
            get().hangs_up().any_status().any_body().lacks("server-request-count"),
        ]),
    ]);
    all
}
