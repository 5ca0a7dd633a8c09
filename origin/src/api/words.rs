//! What is said of each route: a sentence, what it takes, how it answers. `openapi.rs` makes the document of it and of the
//! table of rights.

use serde_json::{Map, Value};

use super::answers::Gives;
use super::openapi::schema_of;
use super::{
    accounts, auth, categories, chores, keys, meta, monitor, presigned, stats, streams, token, watch, webhooks, work,
};

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
    /// What they carry.
    pub(super) gives: Gives,
    /// Statuses of refusals beside those that every route has.
    pub(super) refuses: &'static [u16],
}

const fn words(method: &'static str, path: &'static str, answer: &'static [u16], summary: &'static str) -> Words {
    Words {
        method,
        path,
        summary,
        query: &[],
        headers: &[],
        body: Body::None,
        answers: answer,
        gives: Gives::Nothing,
        refuses: &[],
    }
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

    /// JSON of a shape.
    const fn gives(self, shape: &'static str) -> Self {
        self.answers_with(Gives::Shape(shape))
    }

    const fn refuses(self, refuses: &'static [u16]) -> Self {
        Self { refuses, ..self }
    }

    const fn answers_with(self, gives: Gives) -> Self {
        Self { gives, ..self }
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
const LOGS: &[(&str, &str)] = &[("limit", "integer"), ("after", "string"), ("level", "string")];
const DELIVERIES: &[(&str, &str)] = &[("limit", "integer"), ("after", "string"), ("state", "string")];
const ABOUT: &[(&str, &str)] = &[
    ("name", "string"),
    ("title", "string"),
    ("visibility", "string"),
    ("description", "string"),
    ("language", "string"),
    ("tags", "string"),
    ("categories", "string"),
    ("encryption", "string"),
];
const TUS: &[&str] = &["Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Checksum"];
const TUS_BYTES: Body = Body::Bytes(&["application/offset+octet-stream"]);
const PARTIAL: &[&str] = &["Upload-Complete", "Upload-Offset", "Upload-Length"];

const METRICS: Gives = Gives::Media(&["text/plain; version=0.0.4"]);
const PLAYED: Gives = Gives::Media(&[
    "application/vnd.apple.mpegurl",
    "application/dash+xml",
    "video/mp4",
    "audio/mp4",
    "video/iso.segment",
    "image/jpeg",
    "text/vtt",
]);

/// Every route.
pub(super) const WORDS: &[Words] = &[
    words("GET", "/healthz", &[200, 503], "Whether this process works").gives("Health"),
    words("GET", "/readyz", &[200, 503], "Whether each part that requests need answers").gives("Ready"),
    words("GET", "/metrics", &[200], "Numbers for Prometheus").answers_with(METRICS),
    words("GET", "/docs", &[200], "This document as a page").answers_with(Gives::Media(&["text/html; charset=utf-8"])),
    words("GET", "/docs/docs.js", &[200], "The page's script")
        .answers_with(Gives::Media(&["text/javascript; charset=utf-8"])),
    words("GET", "/api/v1/openapi.json", &[200], "This document").answers_with(Gives::Object),
    words("GET", "/v/{id}/{file}", &[200, 206, 304], "The master playlist, the manifest and pictures, for edges")
        .answers_with(PLAYED),
    words(
        "GET",
        "/v/{id}/{track}/{file}",
        &[200, 206, 304],
        "A track's playlist, init and segments, a storyboard's sheets, for edges",
    )
    .answers_with(PLAYED),
    words("GET", "/v/{id}/key", &[200], "The key of an encrypted asset, 16 bytes, for edges")
        .answers_with(Gives::Media(&["application/octet-stream"])),
    words("POST", "/v/{id}/key", &[200], "The licence of Clear Key for an encrypted asset, for edges")
        .body(Body::Bytes(&["application/json"]))
        .answers_with(Gives::Object),
    words("GET", "/api/v1/keys", &[200], "API keys, revoked ones for 90 days").query(PAGE).gives("KeyPage"),
    words("POST", "/api/v1/keys", &[201], "Make an API key; its text is in this answer alone")
        .body(Body::Json(schema_of::<keys::Wanted>))
        .gives("KeyMade"),
    words("GET", "/api/v1/keys/{id}", &[200], "An API key, without its text").gives("Key"),
    words("DELETE", "/api/v1/keys/{id}", &[204], "Revoke an API key"),
    words("POST", "/api/v1/upload", &[201], "Upload a file, or a form whose file comes last")
        .query(ABOUT)
        .headers(&["Repr-Digest"])
        .body(Body::Bytes(&["application/octet-stream", "multipart/form-data"]))
        .gives("Uploaded"),
    words(
        "POST",
        "/api/v1/upload/presigned-init",
        &[201],
        "Begin an upload whose parts go to the S3 by signed addresses",
    )
    .query(ABOUT)
    .body(Body::Json(schema_of::<presigned::PresignedWanted>))
    .gives("PresignedUpload"),
    words("POST", "/api/v1/upload/complete-presigned", &[201], "Make an asset of the parts that were sent")
        .body(Body::Json(schema_of::<presigned::PresignedSent>))
        .gives("Uploaded"),
    words("PUT", "/api/v1/upload/{name}", &[201], "Upload a file under its name")
        .query(ABOUT)
        .headers(&["Repr-Digest"])
        .body(Body::Bytes(&["application/octet-stream"]))
        .gives("Uploaded"),
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
        .body(Body::Bytes(&["application/partial-upload"]))
        .gives("Uploaded"),
    words("DELETE", "/api/v1/upload/resumable/{id}", &[204], "End an upload"),
    words("GET", "/api/v1/content", &[200], "Assets, youngest first").query(FILTER).gives("ContentPage"),
    words("POST", "/api/v1/content", &[201], "The same as POST /api/v1/upload: content begins with its file")
        .query(ABOUT)
        .headers(&["Repr-Digest"])
        .body(Body::Bytes(&["application/octet-stream", "multipart/form-data"]))
        .gives("Uploaded"),
    words("GET", "/api/v1/content/{id}", &[200], "An asset with its tracks").gives("ContentWhole"),
    words("PATCH", "/api/v1/content/{id}", &[200], "Change what is said of an asset; null empties")
        .headers(&["If-Match"])
        .body(Body::Json(schema_of::<meta::Wanted>))
        .gives("ContentWhole"),
    words("POST", "/api/v1/content/{id}", &[200], "The same as PATCH")
        .headers(&["If-Match"])
        .body(Body::Json(schema_of::<meta::Wanted>))
        .gives("ContentWhole"),
    words("DELETE", "/api/v1/content/{id}", &[204], "Into the bin, or out of the world").query(&[("purge", "boolean")]),
    words("POST", "/api/v1/content/{id}/restore", &[200], "Out of the bin").gives("ContentWhole"),
    words("GET", "/api/v1/content/{id}/stats", &[200], "How often an asset is played").gives("Stats"),
    words("POST", "/api/v1/content/{id}/token", &[201], "A playback token for an asset")
        .body(Body::Json(schema_of::<token::Asked>))
        .gives("PlaybackToken"),
    words("GET", "/api/v1/search", &[200], "Assets that have all words, best first").query(SEARCH).gives("ContentPage"),
    words("GET", "/api/v1/categories", &[200], "All categories").gives("Categories"),
    words("POST", "/api/v1/categories", &[201], "Offer a category")
        .body(Body::Json(schema_of::<categories::Wanted>))
        .gives("CategoryNamed"),
    words("PATCH", "/api/v1/categories/{id}", &[200], "Give a category another name")
        .body(Body::Json(schema_of::<categories::Renamed>))
        .gives("CategoryNamed"),
    words("DELETE", "/api/v1/categories/{id}", &[204], "End a category that no asset carries"),
    words("POST", "/api/v1/streams", &[200], "Streams that an edge sees playing, of which only so many may at once")
        .body(Body::Json(schema_of::<streams::Report>))
        .gives("StreamsHeld"),
    words("POST", "/api/v1/stats", &[204], "What an edge has served").body(Body::Json(schema_of::<stats::Report>)),
    words("GET", "/api/v1/audit", &[200], "Who did what, youngest first")
        .query(&[("limit", "integer"), ("after", "string"), ("object", "string")])
        .gives("DeedPage"),
    words("GET", "/api/v1/transcode/status/{id}", &[200], "How far the work on an asset has come")
        .gives("TranscodeStatus"),
    words("POST", "/api/v1/transcode/submit", &[202], "Work on an asset anew")
        .body(Body::Json(schema_of::<work::Wanted>))
        .gives("Submitted"),
    words("POST", "/api/v1/transcode/cancel/{id}", &[200], "End the work on an asset").gives("Cancelled"),
    words("GET", "/api/v1/transcode/tasks", &[200], "The jobs of one's assets").query(JOBS).gives("JobPage"),
    words("GET", "/api/v1/transcode/profiles", &[200], "What is made of an upload").gives("Profiles"),
    words("GET", "/api/v1/worker/jobs", &[200], "All jobs; state=failed are the dead letters")
        .query(JOBS)
        .gives("JobPage"),
    words("POST", "/api/v1/worker/jobs", &[202], "Queue a sweep, a backup, a purge, or the pictures of an asset")
        .body(Body::Json(schema_of::<chores::Wanted>))
        .gives("JobQueued"),
    words("GET", "/api/v1/worker/jobs/{id}", &[200], "A job").gives("Job"),
    words("POST", "/api/v1/worker/jobs/{id}/replay", &[202], "Play a dead or cancelled job again"),
    words("POST", "/api/v1/worker/jobs/{id}/cancel", &[202], "Cancel a job"),
    words("GET", "/api/v1/worker/schedule", &[200], "What comes again and again").gives("Schedules"),
    words("POST", "/api/v1/worker/schedule", &[201], "Make or change a schedule")
        .body(Body::Json(schema_of::<work::ScheduleWanted>))
        .gives("ScheduleMade"),
    words("DELETE", "/api/v1/worker/schedule/{id}", &[204], "End a schedule"),
    words("GET", "/api/v1/monitor/health", &[200, 503], "How each part is").gives("MonitorHealth"),
    words("GET", "/api/v1/monitor/metrics", &[200], "Numbers for Prometheus, with a key").answers_with(METRICS),
    words("GET", "/api/v1/monitor/alerts", &[200], "What someone should look at now").gives("Alerts"),
    words("GET", "/api/v1/monitor/logs", &[200], "The last lines of the log, youngest first")
        .query(LOGS)
        .gives("LogPage"),
    words("GET", "/api/v1/streaming/{id}", &[200], "Where an asset plays").gives("Streaming"),
    words("GET", "/api/v1/streaming/{id}/{*path}", &[307], "Leads to the playlist or segment below /v/"),
    words("GET", "/api/v1/cache/stats", &[200], "How the cache of this process does").gives("CacheStats"),
    words(
        "POST",
        "/api/v1/cache/purge",
        &[202],
        "Every edge drops what it keeps of an asset, or the origin's cache what it has",
    )
    .body(Body::Json(schema_of::<monitor::PurgeWanted>)),
    words(
        "POST",
        "/api/v1/content/{id}/watch",
        &[201],
        "A playback token by the asset's rule; 403 says what is missing",
    )
    .headers(&["StreamGate-Stream"])
    .body(Body::Json(schema_of::<watch::Asked>))
    .gives("PlaybackToken")
    .refuses(&[503]),
    words("GET", "/api/v1/content/{id}/gating-rules", &[200], "The rule of who may watch").answers_with(Gives::Object),
    words("PUT", "/api/v1/content/{id}/gating-rules", &[200], "Writes the rule of who may watch, and gates the asset")
        .headers(&["If-Match"])
        .body(Body::Bytes(&["application/json"]))
        .gives("RuleVersion"),
    words("DELETE", "/api/v1/content/{id}/gating-rules", &[200], "Takes the rule away; the asset stays gated")
        .headers(&["If-Match"])
        .gives("RuleVersion"),
    words("GET", "/api/v1/content/{id}/grants", &[200], "Tokens that were given and that have not expired")
        .answers_with(Gives::Object),
    words("DELETE", "/api/v1/content/{id}/grants", &[200], "Takes all of them back; edges refuse them within seconds")
        .answers_with(Gives::Object),
    words("DELETE", "/api/v1/content/{id}/grants/{grant}", &[204], "Takes one token back"),
    words("GET", "/api/v1/nft", &[200], "What a contract is, and what the wallets of whoever signed in hold of it")
        .query(&[("chain", "string"), ("contract", "string"), ("id", "string")])
        .answers_with(Gives::Object),
    words("POST", "/api/v1/nft/verify", &[200], "How a rule would decide about wallets now; lets nobody in")
        .body(Body::Bytes(&["application/json"]))
        .answers_with(Gives::Object)
        .refuses(&[503]),
    words("GET", "/api/v1/web3/supported-chains", &[200], "Chains that rules may name").gives("Chains"),
    words("GET", "/api/v1/web3/rpc-status", &[200], "How the endpoints of each chain do").gives("ChainStatuses"),
    words("GET", "/.well-known/jwks.json", &[200], "The keys that access tokens are checked with (RFC 7517)")
        .answers_with(Gives::Typed("application/jwk-set+json", "KeySet")),
    words("GET", "/api/v1/auth/jwks", &[200], "The same")
        .answers_with(Gives::Typed("application/jwk-set+json", "KeySet")),
    words("POST", "/api/v1/auth/challenge", &[200], "What a wallet should sign; of use once, for five minutes")
        .body(Body::Json(schema_of::<auth::ChallengeWanted>))
        .gives("Challenge"),
    words("POST", "/api/v1/auth/login", &[200], "Sign in with a signed challenge")
        .body(Body::Json(schema_of::<auth::Proof>))
        .gives("SignedIn"),
    words("POST", "/api/v1/auth/refresh", &[200], "New tokens for a refresh token, which is of use once")
        .body(Body::Json(schema_of::<auth::RefreshWanted>))
        .gives("Tokens"),
    words("POST", "/api/v1/auth/logout", &[204], "End this session"),
    words("GET", "/api/v1/auth/verify", &[200], "Whether this access token is of use, and for whom").gives("Verified"),
    words("GET", "/api/v1/auth/profile", &[200], "The account that is signed in").gives("Profile"),
    words("GET", "/api/v1/auth/sessions", &[200], "The account's sessions, youngest first").gives("Sessions"),
    words("DELETE", "/api/v1/auth/sessions/{id}", &[204], "End one of the account's sessions"),
    words("GET", "/api/v1/auth/wallets", &[200], "The account's wallets").gives("Wallets"),
    words("POST", "/api/v1/auth/wallets", &[200], "Link another wallet to the account with a signed challenge")
        .body(Body::Json(schema_of::<auth::Proof>))
        .gives("Wallets"),
    words("POST", "/api/v1/auth/wallets/challenge", &[200], "What a wallet should sign to be linked")
        .body(Body::Json(schema_of::<auth::ChallengeWanted>))
        .gives("Challenge"),
    words("DELETE", "/api/v1/auth/wallets/{address}", &[204], "Let one of the account's wallets go"),
    words("POST", "/api/v1/auth/keys/rotate", &[200], "Make the next key of access tokens")
        .body(Body::Json(schema_of::<auth::RotateWanted>))
        .gives("KeyRotated"),
    words("GET", "/api/v1/accounts", &[200], "Accounts of those who signed in").query(PAGE).gives("AccountPage"),
    words("GET", "/api/v1/accounts/{id}", &[200], "An account with its wallets and sessions").gives("AccountWhole"),
    words("PATCH", "/api/v1/accounts/{id}", &[200], "Give an account a role, or shut it out")
        .body(Body::Json(schema_of::<accounts::Wanted>))
        .gives("Account"),
    words("GET", "/api/v1/events", &[200], "What has happened since, oldest first; as a page or as Server-Sent Events")
        .headers(&["Last-Event-ID"])
        .query(&[("after", "integer")])
        .answers_with(Gives::Shape("Events")),
    words("GET", "/api/v1/webhooks", &[200], "Who is told of events").gives("Webhooks"),
    words("POST", "/api/v1/webhooks", &[201], "Tell someone of events; the secret is in this answer alone")
        .body(Body::Json(schema_of::<webhooks::Wanted>))
        .gives("WebhookMade"),
    words("GET", "/api/v1/webhooks/{id}", &[200], "A webhook, without its secret").gives("Webhook"),
    words("PATCH", "/api/v1/webhooks/{id}", &[200], "Change a webhook")
        .body(Body::Json(schema_of::<webhooks::Change>))
        .gives("Webhook"),
    words("DELETE", "/api/v1/webhooks/{id}", &[204], "End a webhook"),
    words("POST", "/api/v1/webhooks/{id}/rotate", &[200], "Another secret; the old one signs as well for a while")
        .body(Body::Json(schema_of::<webhooks::Rotation>))
        .gives("WebhookMade"),
    words("POST", "/api/v1/webhooks/{id}/test", &[202], "Send a message that tells nothing").gives("TestQueued"),
    words("POST", "/api/v1/webhooks/{id}/replay", &[202], "Send all that failed again, in order").gives("Queued"),
    words("GET", "/api/v1/webhooks/{id}/deliveries", &[200], "What became of its messages, youngest first")
        .query(DELIVERIES)
        .gives("DeliveryPage"),
    words("POST", "/api/v1/webhooks/{id}/deliveries/{delivery}/replay", &[202], "Send one message again")
        .gives("Queued"),
];
