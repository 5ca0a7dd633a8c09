//! Promised: pages of the origins that the operator lists may use the API with scripts, pages of others may not.

use crate::support::{Site, http};

const PAGE: &str = "https://app.example";

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_are_listed_may_ask_and_read_the_answer() {
    let site = Site::start(|config| config.cors_origins = vec![PAGE.into()]).await;
    let ask = async |method: &str, path: &str, headers: &[(&str, &str)]| {
        http::request(site.origin.addr(), method, path, headers, b"").await
    };
    let preflight = [("origin", PAGE), ("access-control-request-method", "PATCH")];
    for path in ["/api/v1/content/x", "/api/v1/upload/tus", "/api/v1/auth/login"] {
        let answer = ask("OPTIONS", path, &preflight).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, PAGE), "{path}");
        assert!(answer.header("access-control-allow-methods").contains("PATCH"));
        assert!(answer.header("access-control-allow-headers").contains("Authorization"));
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    }
    let key = format!("Bearer {}", site.origin.api_key());
    let refused = ask("GET", "/api/v1/content", &[("origin", PAGE)]).await;
    let answered = ask("GET", "/api/v1/content", &[("origin", PAGE), ("authorization", &key)]).await;
    for (answer, status) in [(&refused, 401), (&answered, 200)] {
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, PAGE));
        assert!(answer.header("access-control-expose-headers").contains("RateLimit"));
        assert_eq!(answer.header("vary"), "Origin");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_are_not_listed_learn_nothing() {
    let site = Site::start(|config| config.cors_origins = vec![PAGE.into()]).await;
    for origin in ["https://evil.example", "http://app.example", "https://app.example.evil", "null"] {
        let preflight = [("origin", origin), ("access-control-request-method", "PATCH")];
        let answer = http::request(site.origin.addr(), "OPTIONS", "/api/v1/content/x", &preflight, b"").await;
        assert_eq!(answer.status, 405, "{origin}");
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{origin}");
        let answer = site.get("/healthz", &[("origin", origin)]).await;
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{origin}");
        assert_eq!(answer.header("vary"), "Origin", "what is kept of it is not for others");
    }
    let site = Site::start(|_| {}).await;
    let answer = site.get("/healthz", &[("origin", PAGE)]).await;
    assert!(!answer.headers.contains_key("access-control-allow-origin") && !answer.headers.contains_key("vary"));
}
