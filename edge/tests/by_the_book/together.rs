//! Requests that come together share one request to the origin, and never an answer that is not theirs (RFC 9111 sections 3.5, 4 and 4.1).

use crate::case::*;

pub fn cases() -> Vec<Case> {
    let hour = || get().says("Cache-Control: max-age=3600");
    let crowd = |step: Step| step.clients(12).slow(300);
    // Every client shows who it is; the origin says it back.
    let named = |field: &str| {
        let said = format!("Echo: {{ask:{field}}}");
        crowd(hour().asks(&format!("{field}: {{client}}")).says(&format!("~{said}")).shows("Echo: {client}"))
    };
    vec![
        own("together-one-request", [crowd(hour()).asked(1), get().cached()]),
        own("together-private-is-not-shared", [crowd(get().says("Cache-Control: private, max-age=3600")).apart().asked(12)]),
        own("together-no-store-is-not-shared", [crowd(get().says("Cache-Control: no-store")).apart().asked(12)]),
        own("together-no-cache-is-not-shared", [crowd(get().says("Cache-Control: no-cache")).apart().asked(12)]),
        own("together-variants-stay-apart", [named("Foo").says("Vary: Foo").apart().asked(12)]),
        own("together-credentials-stay-apart", [named("Authorization").apart().asked(12)]),
        own("together-vary-star-stays-apart", [named("Foo").says("Vary: *").apart().asked(12)]),
        own("together-cookies-stay-apart", [named("Cookie").says("Vary: Cookie").apart().asked(12)]),
        own("together-an-error-reaches-everyone", [crowd(get().status(503)).any_body()]),
        own(
            "after-what-cannot-be-kept-comes-what-can",
            [get().says("Cache-Control: no-store"), hour().fetched(), get().cached()],
        ),
    ]
}
