//! What answers look like: each shape once, as `openapi.rs` writes it. Answers are made by hand where they are given; that they
//! keep to this is tried against the running server (`tests/clients/drift.mjs`).

use serde_json::{Map, Value, json};

/// What a route answers with when it succeeds; 204 and 304 have no body whatever is said here.
#[derive(Debug, Clone, Copy)]
pub(super) enum Gives {
    Nothing,
    /// JSON of one of [`SHAPES`].
    Shape(&'static str),
    /// JSON whose fields are others' to say.
    Object,
    /// One of these types.
    Media(&'static [&'static str]),
    /// A shape under a type of its own.
    Typed(&'static str, &'static str),
}

/// The fields of an answer, after those of the shape it goes on from.
struct Shape {
    name: &'static str,
    from: &'static str,
    /// Names and kinds: string, integer, number, boolean, object, any, or the name of a shape; `[kind]` for a list, `kind?` for what
    /// may be null, `kind+` for what may be missing.
    fields: &'static [(&'static str, &'static str)],
}

const fn shape(name: &'static str, fields: &'static [(&'static str, &'static str)]) -> Shape {
    Shape { name, from: "", fields }
}

const fn more(name: &'static str, from: &'static str, fields: &'static [(&'static str, &'static str)]) -> Shape {
    Shape { name, from, fields }
}

#[rustfmt::skip]
const SHAPES: &[Shape] = &[
    shape("Key", &[
        ("id", "string"), ("name", "string"), ("owner", "string"), ("role", "string"), ("scopes", "[string]"),
        ("created_ms", "integer"), ("expires_ms", "integer?"), ("revoked_ms", "integer?"), ("used_ms", "integer?"),
    ]),
    more("KeyMade", "Key", &[("key", "string")]),
    shape("KeyPage", &[("items", "[Key]"), ("next", "string?")]),
    shape("Playback", &[("hls", "string"), ("dash", "string")]),
    shape("Failure", &[("code", "string"), ("detail", "string")]),
    shape("PresignedPart", &[("number", "integer"), ("url", "string")]),
    shape("PresignedUpload", &[
        ("id", "string"), ("part_bytes", "integer"), ("expires_seconds", "integer"), ("parts", "[PresignedPart]"),
    ]),
    shape("Uploaded", &[("id", "string"), ("state", "string"), ("status_url", "string"), ("playback", "Playback")]),
    shape("Content", &[
        ("id", "string"), ("version", "integer"), ("title", "string"), ("description", "string"), ("language", "string"),
        ("tags", "[string]"), ("categories", "[string]"), ("fields", "object"), ("deleted_ms", "integer?"), ("name", "string"),
        ("owner", "string"), ("visibility", "string"), ("encryption", "string"), ("state", "string"), ("playable", "boolean"), ("duration_ms", "integer?"),
        ("bytes", "integer"), ("sha256", "string"), ("created_ms", "integer"), ("updated_ms", "integer"), ("error", "Failure?"),
        ("playback", "Playback"), ("pictures", "Pictures?"),
    ]),
    shape("ContentPage", &[("items", "[Content]"), ("next", "string?")]),
    more("ContentWhole", "Content", &[("tracks", "[Track]"), ("source", "any")]),
    shape("Pictures", &[
        ("poster", "string"), ("width", "integer"), ("height", "integer"), ("storyboard", "string"), ("tiles", "integer"),
        ("interval_ms", "integer"),
    ]),
    shape("Track", &[("name", "string"), ("codec", "string"), ("width", "integer?"), ("height", "integer?"), ("state", "string")]),
    more("TrackProgress", "Track", &[("progress", "number")]),
    shape("TranscodeStatus", &[
        ("id", "string"), ("state", "string"), ("stage", "string"), ("playable", "boolean"), ("playable_ms", "integer?"),
        ("progress", "number"), ("attempts", "integer?"), ("error", "Failure?"), ("tracks", "[TrackProgress]"),
    ]),
    shape("Stats", &[("id", "string"), ("origin", "StatsSide"), ("edges", "StatsSide")]),
    shape("StatsSide", &[("starts", "integer"), ("requests", "integer"), ("bytes", "integer"), ("days", "[StatsDay]")]),
    shape("StatsDay", &[("day_ms", "integer"), ("starts", "integer"), ("requests", "integer"), ("bytes", "integer")]),
    shape("PlaybackToken", &[
        ("id", "string"), ("token", "string"), ("expires", "integer"), ("prefix", "string"), ("playback", "Playback"), ("stream", "string+"),
    ]),
    shape("StreamHeld", &[("plays", "boolean"), ("is_full", "boolean")]),
    shape("StreamsHeld", &[("streams", "[StreamHeld]")]),
    shape("RuleVersion", &[("version", "integer"), ("links", "[RuleLink]+")]),
    shape("RuleLink", &[("id", "string"), ("secret", "string")]),
    shape("Category", &[("id", "string"), ("name", "string"), ("assets", "integer"), ("created_ms", "integer")]),
    shape("CategoryNamed", &[("id", "string"), ("name", "string")]),
    shape("Categories", &[("items", "[Category]")]),
    shape("Deed", &[
        ("seq", "integer"), ("at_ms", "integer"), ("actor", "string"), ("key", "string"), ("action", "string"), ("object", "string"),
        ("body", "any"),
    ]),
    shape("DeedPage", &[("items", "[Deed]"), ("next", "string?")]),
    shape("Submitted", &[("job", "integer"), ("status_url", "string")]),
    shape("Cancelled", &[("cancelled", "integer")]),
    shape("Job", &[
        ("id", "integer"), ("kind", "string"), ("asset", "string?"), ("what", "string?"), ("purge", "Purge?"), ("owner", "string?"), ("state", "string"),
        ("priority", "integer"), ("attempts", "integer"), ("run_after_ms", "integer"), ("stage", "string"), ("progress", "number"), ("waits_for", "[integer]"),
        ("error", "Failure?"), ("created_ms", "integer"), ("updated_ms", "integer"),
    ]),
    shape("Purge", &[
        ("url", "string+"), ("prefix", "string+"), ("tag", "string+"), ("group", "string+"), ("all", "boolean+"), ("soft", "boolean+"),
    ]),
    shape("JobQueued", &[("job", "integer")]),
    shape("JobPage", &[("items", "[Job]"), ("next", "string?")]),
    shape("Ladder", &[("codec", "string"), ("heights", "[integer]"), ("speed", "integer")]),
    shape("Profiles", &[("passthrough", "[string]"), ("ladder", "Ladder")]),
    shape("Schedule", &[
        ("id", "string"), ("what", "string"), ("purge", "Purge?"), ("cron", "string"), ("zone", "string"), ("next_ms", "integer"), ("last_ms", "integer?"),
    ]),
    shape("Schedules", &[("items", "[Schedule]")]),
    shape("ScheduleMade", &[("id", "string"), ("next_ms", "integer")]),
    shape("Health", &[("status", "string")]),
    shape("ReadyParts", &[
        ("catalogue", "string"), ("objects", "string"), ("redis", "string+"), ("nats", "string+"),
        ("upload", "string+"), ("transcoder", "string+"), ("streaming", "string+"), ("metadata", "string+"), ("cache", "string+"), ("auth", "string+"), ("worker", "string+"), ("monitor", "string+"),
    ]),
    more("Ready", "Health", &[("parts", "ReadyParts")]),
    shape("Objects", &[("free_bytes", "integer?")]),
    shape("JobsDepth", &[("queued", "integer"), ("running", "integer")]),
    more("MonitorHealth", "Health", &[("catalogue", "string"), ("objects", "Objects"), ("jobs", "JobsDepth?")]),
    shape("Streaming", &[
        ("id", "string"), ("state", "string"), ("playable", "boolean"), ("gated", "boolean"), ("encryption", "string"), ("duration_ms", "integer?"),
        ("playback", "Playback"), ("tracks", "[Track]"), ("pictures", "Pictures?"),
    ]),
    shape("LogLine", &[("seq", "integer"), ("at_ms", "integer"), ("level", "string"), ("target", "string"), ("text", "string")]),
    shape("LogPage", &[("items", "[LogLine]"), ("next", "string?")]),
    shape("CacheStats", &[
        ("engine", "string"), ("reachable", "boolean"), ("hits", "integer"), ("misses", "integer"), ("unanswered", "integer"),
        ("entries", "integer?"), ("bytes", "integer?"),
    ]),
    shape("Alert", &[("code", "string"), ("detail", "string")]),
    shape("Alerts", &[("items", "[Alert]")]),
    shape("Chain", &[("name", "string"), ("id", "integer"), ("finality", "string")]),
    shape("Chains", &[("chains", "[Chain]")]),
    shape("Block", &[("number", "integer"), ("hash", "string"), ("at_s", "integer")]),
    shape("Endpoint", &[
        ("host", "string"), ("on_this_chain", "boolean"), ("latency_ms", "integer?"), ("answers_total", "integer"),
        ("failures_total", "integer"), ("resting", "boolean"), ("last_error", "string?"),
    ]),
    shape("ChainStatus", &[
        ("name", "string"), ("id", "integer"), ("quorum", "integer"), ("last", "Block?"), ("settled", "Block?"), ("error", "string?"), ("blocks", "string"),
        ("endpoints", "[Endpoint]"),
    ]),
    shape("ChainStatuses", &[("chains", "[ChainStatus]")]),
    shape("KeySet", &[("keys", "[object]")]),
    shape("Challenge", &[
        ("format", "string"), ("chain", "string"), ("address", "string"), ("domain", "string"), ("nonce", "string"),
        ("expires_ms", "integer?"), ("message", "string+"), ("typed_data", "object+"), ("input", "object+"),
    ]),
    shape("Tokens", &[
        ("access_token", "string"), ("token_type", "string"), ("expires_in", "integer"), ("refresh_token", "string"),
        ("refresh_expires_ms", "integer"), ("session", "string"),
    ]),
    more("SignedIn", "Tokens", &[("account", "Account")]),
    shape("Verified", &[("account", "string"), ("session", "string"), ("role", "string")]),
    shape("Account", &[("id", "string"), ("role", "string"), ("created_ms", "integer"), ("banned_ms", "integer?")]),
    more("AccountWhole", "Account", &[("wallets", "[Wallet]"), ("sessions", "[Session]")]),
    more("Profile", "AccountWhole", &[("session", "string")]),
    shape("AccountPage", &[("items", "[Account]"), ("next", "string?")]),
    shape("Wallet", &[("chain", "string"), ("address", "string"), ("linked_ms", "integer")]),
    shape("Wallets", &[("items", "[Wallet]")]),
    shape("Session", &[
        ("id", "string"), ("agent", "string"), ("created_ms", "integer"), ("used_ms", "integer"), ("expires_ms", "integer"),
    ]),
    shape("Sessions", &[("items", "[Session]"), ("current", "string")]),
    shape("KeyRotated", &[("kid", "string")]),
    shape("Event", &[("seq", "integer"), ("kind", "string"), ("asset", "string?"), ("at_ms", "integer")]),
    shape("Events", &[("events", "[Event]"), ("last", "integer"), ("gap", "boolean"), ("keys", "[string]")]),
    shape("Webhook", &[
        ("id", "string"), ("url", "string"), ("description", "string"), ("kinds", "[string]"), ("enabled", "boolean"),
        ("old_secret_until_ms", "integer?"), ("after", "integer"), ("created_ms", "integer"), ("updated_ms", "integer"),
    ]),
    more("WebhookMade", "Webhook", &[("secret", "string")]),
    shape("Webhooks", &[("items", "[Webhook]")]),
    shape("Queued", &[("queued", "integer")]),
    shape("TestQueued", &[("delivery", "integer"), ("message", "string")]),
    shape("Delivery", &[
        ("id", "integer"), ("message", "string"), ("kind", "string"), ("state", "string"), ("attempts", "integer"), ("due_ms", "integer"),
        ("status", "integer?"), ("error", "string?"), ("body", "any"), ("created_ms", "integer"), ("updated_ms", "integer"),
    ]),
    shape("DeliveryPage", &[("items", "[Delivery]"), ("next", "string?")]),
];

/// `content` of a response.
pub(super) fn content(gives: Gives) -> Option<Value> {
    let json = |schema: Value| json!({ "application/json": { "schema": schema } });
    match gives {
        Gives::Nothing => None,
        Gives::Shape(name) => Some(json(reference(name))),
        Gives::Object => Some(json(json!({ "type": "object" }))),
        Gives::Media(kinds) => {
            let kinds = kinds.iter().map(|kind| ((*kind).to_owned(), json!({})));
            Some(Value::Object(kinds.collect()))
        }
        Gives::Typed(kind, name) => Some(json!({ kind: { "schema": reference(name) } })),
    }
}

/// All shapes, by name.
pub(super) fn schemas() -> Map<String, Value> {
    SHAPES.iter().map(|shape| (component(shape.name), schema(shape))).collect()
}

/// Bodies of requests have names of their own; those of answers do not meet them.
fn component(name: &str) -> String {
    format!("{name}Answer")
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", component(name)) })
}

fn schema(shape: &Shape) -> Value {
    let fields = fields(shape);
    let required: Vec<&str> = fields.iter().filter(|(_, kind)| !kind.ends_with('+')).map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        fields.iter().map(|(name, kind)| ((*name).to_owned(), schema_of(kind.trim_end_matches('+')))).collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

fn fields(shape: &Shape) -> Vec<(&'static str, &'static str)> {
    let from = SHAPES.iter().find(|other| other.name == shape.from).map(fields).unwrap_or_default();
    from.into_iter().chain(shape.fields.iter().copied()).collect()
}

fn schema_of(kind: &str) -> Value {
    if let Some(kind) = kind.strip_suffix('?') {
        return match schema_of(kind) {
            Value::Object(plain) if plain.contains_key("type") => json!({ "type": [plain["type"], "null"] }),
            other => json!({ "anyOf": [other, { "type": "null" }] }),
        };
    }
    if let Some(kind) = kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
        return json!({ "type": "array", "items": schema_of(kind) });
    }
    match kind {
        "any" => json!({}),
        "string" | "integer" | "number" | "boolean" | "object" => json!({ "type": kind }),
        name => reference(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_written_with_those_it_goes_on_from() {
        let all = schemas();
        assert_eq!(all.len(), SHAPES.len(), "once each");
        let made = &all["KeyMadeAnswer"];
        assert!(made["required"].as_array().unwrap().contains(&json!("scopes")));
        assert_eq!(made["properties"]["expires_ms"], json!({ "type": ["integer", "null"] }));
        assert_eq!(made["properties"]["scopes"], json!({ "type": "array", "items": { "type": "string" } }));
        let error = &all["ContentAnswer"]["properties"]["error"];
        assert_eq!(error["anyOf"][0]["$ref"], "#/components/schemas/FailureAnswer");
        assert!(!all["ChallengeAnswer"]["required"].as_array().unwrap().contains(&json!("message")));
    }
}
