//! What is said of each route: a sentence, what it takes, how it answers. `openapi.rs` makes the document of it and of the
//! table of rights.

use serde_json::{Map, Value};

use super::openapi::schema_of;
use super::{accounts, auth, categories, keys, meta, monitor, stats, token, webhooks, work};

/// What a request carries.
#[derive(Clone, Copy)]
pub(super) enum Body {
    None,
    /// JSON of a type; the function gives its name and schema.
    Json(fn(&mut Map<String, Value>) -> (String, Value)),
    /// Bytes of one of these types.
    Bytes(&'static [&'static str]),
}

/// One route.
pub(super) struct Words {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    /// Names and types of what the query takes.
    pub(super) query: &'static [(&'static str, &'static str)],
    pub(super) headers: &'static [&'static str],
    pub(super) body: Body,
    /// Statuses of success.
    pub(super) answers: &'static [u16],
}

const fn words(method: &'static str, path: &'static str, answer: &'static [u16], summary: &'static str) -> Words {
    Words { method, path, summary, query: &[], headers: &[], body: Body::None, answers: answer }
}

impl Words {
    const fn query(self, query: &'static [(&'static str, &'static str)]) -> Self {
        Self { query, ..self }
    }

    const fn headers(self, headers: &'static [&'static str]) -> Self {
        Self { headers, ..self }
    }

    const fn body(self, body: Body) -> Self {
        Self { body, ..self }
    }
}

const PAGE: &[(&str, &str)] = &[("limit", "integer"), ("after", "string")];
const FILTER: &[(&str, &str)] = &[
    ("limit", "integer"),
    ("after", "string"),
    ("owner", "string"),
    ("state", "string"),
    ("visibility", "string"),
    ("language", "string"),
    ("tag", "string"),
    ("category", "string"),
    ("from_ms", "integer"),
    ("until_ms", "integer"),
    ("deleted", "boolean"),
];
const SEARCH: &[(&str, &str)] = &[
    ("q", "string"),
    ("limit", "integer"),
    ("after", "string"),
    ("owner", "string"),
    ("state", "string"),
    ("visibility", "string"),
    ("language", "string"),
    ("tag", "string"),
    ("category", "string"),
];
const JOBS: &[(&str, &str)] =
    &[("limit", "integer"), ("after", "string"), ("kind", "string"), ("state", "string"), ("asset", "string")];
const DELIVERIES: &[(&str, &str)] = &[("limit", "integer"), ("after", "string"), ("state", "string")];
const ABOUT: &[(&str, &str)] = &[
    ("name", "string"),
    ("title", "string"),
    ("visibility", "string"),
    ("description", "string"),
    ("language", "string"),
    ("tags", "string"),
    ("categories", "string"),
];
const TUS: &[&str] = &["Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Checksum"];
const TUS_BYTES: Body = Body::Bytes(&["application/offset+octet-stream"]);
const PARTIAL: &[&str] = &["Upload-Complete", "Upload-Offset", "Upload-Length"];

/// Every route.
pub(super) const WORDS: &[Words] = &[
    words("GET", "/healthz", &[200, 503], "Whether the catalogue answers"),
    words("GET", "/metrics", &[200], "Numbers for Prometheus"),
    words("GET", "/docs", &[200], "This document as a page"),
    words("GET", "/docs/docs.js", &[200], "The page's script"),
    words("GET", "/api/v1/openapi.json", &[200], "This document"),
    words("GET", "/v/{*path}", &[200, 206, 304], "Playlists and segments, for edges"),
    words("GET", "/api/v1/keys", &[200], "API keys, revoked ones for 90 days").query(PAGE),
    words("POST", "/api/v1/keys", &[201], "Make an API key; its text is in this answer alone")
        .body(Body::Json(schema_of::<keys::Wanted>)),
    words("GET", "/api/v1/keys/{id}", &[200], "An API key, without its text"),
    words("DELETE", "/api/v1/keys/{id}", &[204], "Revoke an API key"),
    words("POST", "/api/v1/upload", &[201], "Upload a file, or a form whose file comes last")
        .query(ABOUT)
        .headers(&["Repr-Digest"])
        .body(Body::Bytes(&["application/octet-stream", "multipart/form-data"])),
    words("PUT", "/api/v1/upload/{name}", &[201], "Upload a file under its name")
        .query(ABOUT)
        .headers(&["Repr-Digest"])
        .body(Body::Bytes(&["application/octet-stream"])),
    words("OPTIONS", "/api/v1/upload/tus", &[204], "What of tus is spoken"),
    words("POST", "/api/v1/upload/tus", &[201], "Begin an upload (tus 1.0), or put one together of parts")
        .headers(&["Tus-Resumable", "Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Concat"])
        .body(TUS_BYTES),
    words("OPTIONS", "/api/v1/upload/tus/{id}", &[204], "What of tus is spoken"),
    words("HEAD", "/api/v1/upload/tus/{id}", &[200], "How far an upload is").headers(&["Tus-Resumable"]),
    words("PATCH", "/api/v1/upload/tus/{id}", &[204], "The next bytes").headers(TUS).body(TUS_BYTES),
    words("DELETE", "/api/v1/upload/tus/{id}", &[204], "End an upload").headers(&["Tus-Resumable"]),
    words("OPTIONS", "/api/v1/upload/resumable", &[204], "The limits of uploads"),
    words("POST", "/api/v1/upload/resumable", &[201], "Begin an upload (IETF resumable uploads)")
        .query(ABOUT)
        .headers(PARTIAL)
        .body(Body::Bytes(&["application/octet-stream"])),
    words("HEAD", "/api/v1/upload/resumable/{id}", &[204], "How far an upload is"),
    words("PATCH", "/api/v1/upload/resumable/{id}", &[200, 204], "The next bytes")
        .headers(PARTIAL)
        .body(Body::Bytes(&["application/partial-upload"])),
    words("DELETE", "/api/v1/upload/resumable/{id}", &[204], "End an upload"),
    words("GET", "/api/v1/content", &[200], "Assets, youngest first").query(FILTER),
    words("GET", "/api/v1/content/{id}", &[200], "An asset with its tracks"),
    words("PATCH", "/api/v1/content/{id}", &[200], "Change what is said of an asset; null empties")
        .headers(&["If-Match"])
        .body(Body::Json(schema_of::<meta::Wanted>)),
    words("POST", "/api/v1/content/{id}", &[200], "The same as PATCH")
        .headers(&["If-Match"])
        .body(Body::Json(schema_of::<meta::Wanted>)),
    words("DELETE", "/api/v1/content/{id}", &[204], "Into the bin, or out of the world").query(&[("purge", "boolean")]),
    words("POST", "/api/v1/content/{id}/restore", &[200], "Out of the bin"),
    words("GET", "/api/v1/content/{id}/stats", &[200], "How often an asset is played"),
    words("POST", "/api/v1/content/{id}/token", &[201], "A playback token for an asset")
        .body(Body::Json(schema_of::<token::Asked>)),
    words("GET", "/api/v1/search", &[200], "Assets that have all words, best first").query(SEARCH),
    words("GET", "/api/v1/categories", &[200], "All categories"),
    words("POST", "/api/v1/categories", &[201], "Offer a category").body(Body::Json(schema_of::<categories::Wanted>)),
    words("PATCH", "/api/v1/categories/{id}", &[200], "Give a category another name")
        .body(Body::Json(schema_of::<categories::Renamed>)),
    words("DELETE", "/api/v1/categories/{id}", &[204], "End a category that no asset carries"),
    words("POST", "/api/v1/stats", &[204], "What an edge has served").body(Body::Json(schema_of::<stats::Report>)),
    words("GET", "/api/v1/audit", &[200], "Who did what, youngest first").query(&[
        ("limit", "integer"),
        ("after", "string"),
        ("object", "string"),
    ]),
    words("GET", "/api/v1/transcode/status/{id}", &[200], "How far the work on an asset has come"),
    words("POST", "/api/v1/transcode/submit", &[202], "Work on an asset anew")
        .body(Body::Json(schema_of::<work::Wanted>)),
    words("POST", "/api/v1/transcode/cancel/{id}", &[200], "End the work on an asset"),
    words("GET", "/api/v1/transcode/tasks", &[200], "The jobs of one's assets").query(JOBS),
    words("GET", "/api/v1/transcode/profiles", &[200], "What is made of an upload"),
    words("GET", "/api/v1/worker/jobs", &[200], "All jobs; state=failed are the dead letters").query(JOBS),
    words("GET", "/api/v1/worker/jobs/{id}", &[200], "A job"),
    words("POST", "/api/v1/worker/jobs/{id}/replay", &[202], "Play a dead or cancelled job again"),
    words("POST", "/api/v1/worker/jobs/{id}/cancel", &[202], "Cancel a job"),
    words("GET", "/api/v1/worker/schedule", &[200], "What comes again and again"),
    words("POST", "/api/v1/worker/schedule", &[201], "Make or change a schedule")
        .body(Body::Json(schema_of::<work::ScheduleWanted>)),
    words("DELETE", "/api/v1/worker/schedule/{id}", &[204], "End a schedule"),
    words("GET", "/api/v1/monitor/health", &[200, 503], "How each part is"),
    words("GET", "/api/v1/monitor/metrics", &[200], "Numbers for Prometheus, with a key"),
    words("GET", "/api/v1/monitor/alerts", &[200], "What someone should look at now"),
    words("POST", "/api/v1/cache/purge", &[202], "Every edge drops what it keeps of an asset")
        .body(Body::Json(schema_of::<monitor::PurgeWanted>)),
    words(
        "POST",
        "/api/v1/content/{id}/watch",
        &[201],
        "A playback token by the asset's rule; 403 says what is missing",
    ),
    words("GET", "/api/v1/content/{id}/gating-rules", &[200], "The rule of who may watch"),
    words("PUT", "/api/v1/content/{id}/gating-rules", &[200], "Writes the rule of who may watch, and gates the asset")
        .headers(&["If-Match"])
        .body(Body::Bytes(&["application/json"])),
    words("DELETE", "/api/v1/content/{id}/gating-rules", &[200], "Takes the rule away; the asset stays gated")
        .headers(&["If-Match"]),
    words("GET", "/api/v1/web3/supported-chains", &[200], "Chains that rules may name"),
    words("GET", "/api/v1/web3/rpc-status", &[200], "How the endpoints of each chain do"),
    words("GET", "/.well-known/jwks.json", &[200], "The keys that access tokens are checked with (RFC 7517)"),
    words("GET", "/api/v1/auth/jwks", &[200], "The same"),
    words("POST", "/api/v1/auth/challenge", &[200], "What a wallet should sign; of use once, for five minutes")
        .body(Body::Json(schema_of::<auth::ChallengeWanted>)),
    words("POST", "/api/v1/auth/login", &[200], "Sign in with a signed challenge")
        .body(Body::Json(schema_of::<auth::Proof>)),
    words("POST", "/api/v1/auth/refresh", &[200], "New tokens for a refresh token, which is of use once")
        .body(Body::Json(schema_of::<auth::RefreshWanted>)),
    words("POST", "/api/v1/auth/logout", &[204], "End this session"),
    words("GET", "/api/v1/auth/verify", &[200], "Whether this access token is of use, and for whom"),
    words("GET", "/api/v1/auth/profile", &[200], "The account that is signed in"),
    words("GET", "/api/v1/auth/sessions", &[200], "The account's sessions, youngest first"),
    words("DELETE", "/api/v1/auth/sessions/{id}", &[204], "End one of the account's sessions"),
    words("GET", "/api/v1/auth/wallets", &[200], "The account's wallets"),
    words("POST", "/api/v1/auth/wallets", &[200], "Link another wallet to the account with a signed challenge")
        .body(Body::Json(schema_of::<auth::Proof>)),
    words("POST", "/api/v1/auth/wallets/challenge", &[200], "What a wallet should sign to be linked")
        .body(Body::Json(schema_of::<auth::ChallengeWanted>)),
    words("DELETE", "/api/v1/auth/wallets/{address}", &[204], "Let one of the account's wallets go"),
    words("POST", "/api/v1/auth/keys/rotate", &[200], "Make the next key of access tokens")
        .body(Body::Json(schema_of::<auth::RotateWanted>)),
    words("GET", "/api/v1/accounts", &[200], "Accounts of those who signed in").query(PAGE),
    words("GET", "/api/v1/accounts/{id}", &[200], "An account with its wallets and sessions"),
    words("PATCH", "/api/v1/accounts/{id}", &[200], "Give an account a role, or shut it out")
        .body(Body::Json(schema_of::<accounts::Wanted>)),
    words("GET", "/api/v1/events", &[200], "What has happened since, oldest first; as a page or as Server-Sent Events")
        .headers(&["Last-Event-ID"])
        .query(&[("after", "integer")]),
    words("GET", "/api/v1/webhooks", &[200], "Who is told of events"),
    words("POST", "/api/v1/webhooks", &[201], "Tell someone of events; the secret is in this answer alone")
        .body(Body::Json(schema_of::<webhooks::Wanted>)),
    words("GET", "/api/v1/webhooks/{id}", &[200], "A webhook, without its secret"),
    words("PATCH", "/api/v1/webhooks/{id}", &[200], "Change a webhook").body(Body::Json(schema_of::<webhooks::Change>)),
    words("DELETE", "/api/v1/webhooks/{id}", &[204], "End a webhook"),
    words("POST", "/api/v1/webhooks/{id}/rotate", &[200], "Another secret; the old one signs as well for a while")
        .body(Body::Json(schema_of::<webhooks::Rotation>)),
    words("POST", "/api/v1/webhooks/{id}/test", &[202], "Send a message that tells nothing"),
    words("POST", "/api/v1/webhooks/{id}/replay", &[202], "Send all that failed again, in order"),
    words("GET", "/api/v1/webhooks/{id}/deliveries", &[200], "What became of its messages, youngest first")
        .query(DELIVERIES),
    words("POST", "/api/v1/webhooks/{id}/deliveries/{delivery}/replay", &[202], "Send one message again"),
];
