//! Promised: who may do what, for every route and everyone who may ask, as the lines below say. A route that is not here
//! fails the first test.

use std::collections::BTreeSet;

use crate::support::{Answer, Site, http};

/// What the answer says of a right: `y` it was not refused for one, `k` a key is needed, `r` the role is too low, `o` it is
/// someone else's.
fn right(answer: &Answer) -> char {
    match answer.status {
        401 => 'k',
        403 => match answer.problem().1.as_str() {
            "role_too_low" => 'r',
            // Past the right: an API key has no account.
            "session_needed" => 'y',
            "not_yours" => 'o',
            // It may be asked; the asset's rule is another matter.
            "no_rule" => 'y',
            other => panic!("{other}: {answer:?}"),
        },
        _ => {
            let code = if answer.status >= 400 { answer.problem().1 } else { String::new() };
            assert!(!["unknown_path", "wrong_method"].contains(&code.as_str()), "a line without a route: {answer:?}");
            'y'
        }
    }
}

/// Without a body only the status tells; the two reasons of a 403 are told apart by the lines of PATCH beside.
fn right_of_head(answer: &Answer) -> char {
    match answer.status {
        401 => 'k',
        403 => '3',
        _ => 'y',
    }
}

/// Method, path, and what nobody, an edge, a viewer, a creator of something else, the creator who owns it, an operator and
/// an admin may, in this order. `ID` is an asset of the second creator.
#[rustfmt::skip]
const RIGHTS: &[(&str, &str, &str)] = &[
    ("GET",    "/healthz",                      "yyyyyyy"),
    ("GET",    "/readyz",                       "yyyyyyy"),
    ("GET",    "/metrics",                      "yyyyyyy"),
    ("GET",    "/docs",                         "yyyyyyy"),
    ("GET",    "/docs/docs.js",                 "yyyyyyy"),
    ("GET",    "/api/v1/openapi.json",          "yyyyyyy"),
    ("GET",    "/v/{id}/key",                   "yyyyyyy"),
    ("POST",   "/v/{id}/key",                   "yyyyyyy"),
    ("GET",    "/v/{id}/{file}",                "yyyyyyy"),
    ("GET",    "/v/{id}/{track}/{file}",        "yyyyyyy"),
    ("GET",    "/api/v1/keys",                  "kkrrrry"),
    ("POST",   "/api/v1/keys",                  "kkrrrry"),
    ("GET",    "/api/v1/keys/{id}",             "kkrrrry"),
    ("DELETE", "/api/v1/keys/{id}",             "kkrrrry"),
    ("POST",   "/api/v1/upload",                "kkryyyy"),
    ("POST",   "/api/v1/upload/presigned-init", "kkryyyy"),
    ("POST",   "/api/v1/upload/complete-presigned", "kkryyyy"),
    ("PUT",    "/api/v1/upload/{name}",         "kkryyyy"),
    ("OPTIONS", "/api/v1/upload/tus",           "yyyyyyy"),
    ("POST",   "/api/v1/upload/tus",            "kkryyyy"),
    ("OPTIONS", "/api/v1/upload/tus/{id}",      "yyyyyyy"),
    ("HEAD",   "/api/v1/upload/tus/{id}",       "kk33yyy"),
    ("PATCH",  "/api/v1/upload/tus/{id}",       "kkroyyy"),
    ("DELETE", "/api/v1/upload/tus/{id}",       "kkroyyy"),
    ("OPTIONS", "/api/v1/upload/resumable",     "yyyyyyy"),
    ("POST",   "/api/v1/upload/resumable",      "kkryyyy"),
    ("HEAD",   "/api/v1/upload/resumable/{id}", "kk33yyy"),
    ("PATCH",  "/api/v1/upload/resumable/{id}", "kkroyyy"),
    ("DELETE", "/api/v1/upload/resumable/{id}", "kkroyyy"),
    ("GET",    "/api/v1/content",               "kkyyyyy"),
    ("POST",   "/api/v1/content",               "kkryyyy"),
    ("GET",    "/api/v1/content/{id}",          "kkyyyyy"),
    ("POST",   "/api/v1/content/{id}",          "kkroyyy"),
    ("PATCH",  "/api/v1/content/{id}",          "kkroyyy"),
    ("POST",   "/api/v1/content/{id}/restore",  "kkroyyy"),
    ("GET",    "/api/v1/content/{id}/stats",    "kkooyyy"),
    ("GET",    "/api/v1/search",                "kkyyyyy"),
    ("GET",    "/api/v1/categories",            "kkyyyyy"),
    ("POST",   "/api/v1/categories",            "kkrrryy"),
    ("PATCH",  "/api/v1/categories/{id}",       "kkrrryy"),
    ("DELETE", "/api/v1/categories/{id}",       "kkrrryy"),
    ("POST",   "/api/v1/streams",               "kyrrryy"),
    ("POST",   "/api/v1/stats",                 "kyrrryy"),
    ("GET",    "/api/v1/audit",                 "kkrrryy"),
    ("DELETE", "/api/v1/content/{id}",          "kkroyyy"),
    ("POST",   "/api/v1/content/{id}/token",    "kkroyyy"),
    ("POST",   "/api/v1/content/{id}/watch",    "kkyyyyy"),
    ("GET",    "/api/v1/content/{id}/gating-rules", "kkroyyy"),
    ("PUT",    "/api/v1/content/{id}/gating-rules", "kkroyyy"),
    ("DELETE", "/api/v1/content/{id}/gating-rules", "kkroyyy"),
    ("GET",    "/api/v1/content/{id}/grants",   "kkroyyy"),
    ("DELETE", "/api/v1/content/{id}/grants",   "kkroyyy"),
    ("DELETE", "/api/v1/content/{id}/grants/{grant}", "kkroyyy"),
    ("GET",    "/api/v1/nft",                   "kkyyyyy"),
    ("POST",   "/api/v1/nft/verify",            "kkryyyy"),
    ("GET",    "/api/v1/transcode/status/{id}", "kkyyyyy"),
    ("POST",   "/api/v1/transcode/submit",      "kkryyyy"),
    ("POST",   "/api/v1/transcode/cancel/{id}", "kkroyyy"),
    ("GET",    "/api/v1/transcode/tasks",       "kkryyyy"),
    ("GET",    "/api/v1/transcode/profiles",    "kkyyyyy"),
    ("GET",    "/api/v1/worker/jobs",           "kkrrryy"),
    ("POST",   "/api/v1/worker/jobs",           "kkrrryy"),
    ("GET",    "/api/v1/worker/jobs/{id}",      "kkrrryy"),
    ("POST",   "/api/v1/worker/jobs/{id}/replay", "kkrrryy"),
    ("POST",   "/api/v1/worker/jobs/{id}/cancel", "kkrrryy"),
    ("GET",    "/api/v1/worker/schedule",       "kkrrryy"),
    ("POST",   "/api/v1/worker/schedule",       "kkrrryy"),
    ("DELETE", "/api/v1/worker/schedule/{id}",  "kkrrryy"),
    ("GET",    "/api/v1/monitor/health",        "kkrrryy"),
    ("GET",    "/api/v1/monitor/metrics",       "kkrrryy"),
    ("GET",    "/api/v1/monitor/alerts",        "kkrrryy"),
    ("GET",    "/api/v1/monitor/logs",          "kkrrryy"),
    ("GET",    "/api/v1/streaming/{id}",        "kkyyyyy"),
    ("GET",    "/api/v1/streaming/{id}/{*path}", "yyyyyyy"),
    ("GET",    "/api/v1/cache/stats",           "kkrrryy"),
    ("POST",   "/api/v1/cache/purge",           "kkrrryy"),
    ("GET",    "/api/v1/web3/supported-chains", "yyyyyyy"),
    ("GET",    "/api/v1/web3/rpc-status",       "kkrrryy"),
    ("GET",    "/.well-known/jwks.json",        "yyyyyyy"),
    ("GET",    "/api/v1/auth/jwks",             "yyyyyyy"),
    ("POST",   "/api/v1/auth/challenge",        "yyyyyyy"),
    ("POST",   "/api/v1/auth/login",            "yyyyyyy"),
    ("POST",   "/api/v1/auth/refresh",          "yyyyyyy"),
    ("POST",   "/api/v1/auth/logout",           "kkyyyyy"),
    ("GET",    "/api/v1/auth/verify",           "kkyyyyy"),
    ("GET",    "/api/v1/auth/profile",          "kkyyyyy"),
    ("GET",    "/api/v1/auth/sessions",         "kkyyyyy"),
    ("DELETE", "/api/v1/auth/sessions/{id}",    "kkyyyyy"),
    ("GET",    "/api/v1/auth/wallets",          "kkyyyyy"),
    ("POST",   "/api/v1/auth/wallets",          "kkyyyyy"),
    ("POST",   "/api/v1/auth/wallets/challenge", "kkyyyyy"),
    ("DELETE", "/api/v1/auth/wallets/{address}", "kkyyyyy"),
    ("POST",   "/api/v1/auth/keys/rotate",      "kkrrrry"),
    ("GET",    "/api/v1/accounts",              "kkrrrry"),
    ("GET",    "/api/v1/accounts/{id}",         "kkrrrry"),
    ("PATCH",  "/api/v1/accounts/{id}",         "kkrrrry"),
    ("GET",    "/api/v1/events",                "kyrrryy"),
    ("GET",    "/api/v1/webhooks",             "kkrrryy"),
    ("POST",   "/api/v1/webhooks",             "kkrrryy"),
    ("GET",    "/api/v1/webhooks/{id}",        "kkrrryy"),
    ("PATCH",  "/api/v1/webhooks/{id}",        "kkrrryy"),
    ("DELETE", "/api/v1/webhooks/{id}",        "kkrrryy"),
    ("POST",   "/api/v1/webhooks/{id}/rotate", "kkrrryy"),
    ("POST",   "/api/v1/webhooks/{id}/test",   "kkrrryy"),
    ("POST",   "/api/v1/webhooks/{id}/replay", "kkrrryy"),
    ("GET",    "/api/v1/webhooks/{id}/deliveries", "kkrrryy"),
    ("POST",   "/api/v1/webhooks/{id}/deliveries/{delivery}/replay", "kkrrryy"),
];

#[test]
fn every_route_has_a_line() {
    let ours: BTreeSet<_> = RIGHTS.iter().map(|(method, path, _)| (*method, *path)).collect();
    assert_eq!(ours, origin::routes().collect::<BTreeSet<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_may_what_their_line_says() {
    let site = Site::start(|_| {}).await;
    let keys = [
        site.key("viewer", "eve").await,
        site.key("creator", "mallory").await,
        site.key("creator", "alice").await,
        site.key("operator", "oscar").await,
        site.key("admin", "root").await,
    ];
    for (method, path, expected) in RIGHTS {
        let mut got = String::new();
        for who in 0..7_usize {
            let id = object(&site, &keys[2], path).await;
            let path = path
                .replace("{track}/{file}", "none/init.mp4")
                .replace("{file}", "master.m3u8")
                .replace("{*path}", "master.m3u8")
                .replace("{name}", "clip.mp4")
                .replace("{address}", "nobody")
                .replace("{id}", &id)
                .replace("{grant}", "none")
                .replace("{delivery}", "1");
            let bearer = who.checked_sub(2).map(|n| format!("Bearer {}", keys[n]));
            let edge = site.origin.edge_key().to_owned();
            let headers = match &bearer {
                Some(bearer) => vec![("authorization", bearer.as_str())],
                None if who == 1 => vec![("streamgate-edge-key", edge.as_str())],
                None => Vec::new(),
            };
            let answer = http::request(site.origin.addr(), method, &path, &headers, b"").await;
            got.push(if *method == "HEAD" { right_of_head(&answer) } else { right(&answer) });
        }
        assert_eq!(got, *expected, "{method} {path}");
    }
}

/// Something of alice's that the path can name; a new one each time, since the line may delete it.
async fn object(site: &Site, alice: &str, path: &str) -> String {
    if !path.contains("{id}") || ["/api/v1/keys", "/api/v1/webhooks", "/v/"].iter().any(|start| path.starts_with(start))
    {
        return "nobody".into();
    }
    if path.starts_with("/api/v1/upload/") {
        let key = format!("Bearer {alice}");
        let headers = [("authorization", key.as_str()), ("tus-resumable", "1.0.0"), ("upload-length", "9")];
        let answer = http::request(site.origin.addr(), "POST", "/api/v1/upload/tus", &headers, b"").await;
        assert_eq!(answer.status, 201, "{answer:?}");
        return answer.header("location").rsplit('/').next().unwrap().to_owned();
    }
    let answer = site.with(alice, "POST", "/api/v1/upload?name=x.mp4", b"no video at all").await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_spelling_of_a_name_opens_nothing() {
    let site = Site::start(|_| {}).await;
    let (alice, mallory) = (site.key("creator", "alice").await, site.key("creator", "mallory").await);
    let id = object(&site, &alice, "{id}").await;
    let spelled = format!("%{:02x}{}", id.as_bytes()[0], &id[1..]);
    let path = format!("/api/v1/content/{spelled}");
    assert_eq!(site.with(&mallory, "DELETE", &path, b"").await.problem(), (403, "not_yours".into()));
    assert_eq!(site.with(&alice, "DELETE", &path, b"").await.status, 204);
}
