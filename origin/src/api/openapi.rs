//! `GET /api/v1/openapi.json`: OpenAPI 3.1, made of the table of rights, the words of `words.rs` and the types that bodies are
//! read into. What is said of a route and what it does cannot part: a test holds the three against each other.

use std::sync::OnceLock;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::answers;
use super::words::{Body, WORDS, Words};
use crate::access::{self, Rule, Who, role_word};

/// `GET /api/v1/openapi.json`.
pub(super) async fn document() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| make().to_string());
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "max-age=60")];
    (StatusCode::OK, headers, text.as_str()).into_response()
}

/// `GET /docs`: a page that reads the document.
pub(super) async fn page() -> Response {
    asset("text/html; charset=utf-8", include_str!("docs/page.html"))
}

/// `GET /docs/docs.js`.
pub(super) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("docs/docs.js"))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "max-age=60"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

/// The whole document.
pub(super) fn make() -> Value {
    let (mut paths, mut schemas) = (Map::new(), answers::schemas());
    for rule in access::TABLE {
        let Some(words) = WORDS.iter().find(|words| (words.method, words.path) == (rule.method, rule.path)) else {
            continue;
        };
        let path = rule.path.replace("{*path}", "{path}");
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[rule.method.to_ascii_lowercase()] = operation(rule, words, &mut schemas);
    }
    schemas.insert("Problem".into(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "StreamGate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Uploads, content and work of a StreamGate origin. Errors are problem documents (RFC 9457) with a stable `code`.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "An API key, or the access token of a session" },
                "edge": { "type": "apiKey", "in": "header", "name": "StreamGate-Edge-Key" },
            },
        },
    })
}

fn operation(rule: &Rule, words: &Words, schemas: &mut Map<String, Value>) -> Value {
    let mut operation = json!({
        "operationId": id(rule),
        "summary": words.summary,
        "tags": [tag(rule.path)],
        "parameters": parameters(rule, words),
        "responses": responses(rule, words),
        "security": security(rule.who),
        "x-streamgate-who": who(rule.who),
        "x-streamgate-scope": rule.scope.word(),
    });
    match words.body {
        Body::None => {}
        Body::Json(schema) => {
            let (name, schema) = schema(schemas);
            schemas.insert(name.clone(), schema);
            let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
            operation["requestBody"] = json!({ "content": { "application/json": { "schema": reference } } });
        }
        Body::Bytes(kinds) => {
            let content = kinds.iter().map(|kind| ((*kind).to_owned(), json!({})));
            operation["requestBody"] = json!({ "content": content.collect::<Map<String, Value>>() });
        }
    }
    operation
}

/// A type's name and schema, with those it is made of.
pub(super) fn schema_of<T: ToSchema>(others: &mut Map<String, Value>) -> (String, Value) {
    let mut found: Vec<(String, RefOr<Schema>)> = Vec::new();
    T::schemas(&mut found);
    for (name, schema) in found {
        others.insert(name, serde_json::to_value(schema).unwrap_or_default());
    }
    (T::name().into_owned(), serde_json::to_value(<T as PartialSchema>::schema()).unwrap_or_default())
}

fn parameters(rule: &Rule, words: &Words) -> Vec<Value> {
    let named = rule.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let path = named.map(|name| {
        let name = name.trim_start_matches('*');
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
    });
    let query =
        words.query.iter().map(|(name, kind)| json!({ "name": name, "in": "query", "schema": { "type": kind } }));
    let headers =
        words.headers.iter().map(|name| json!({ "name": name, "in": "header", "schema": { "type": "string" } }));
    let once = access::takes_idempotency_key(rule).then_some("Idempotency-Key");
    let once =
        once.map(|name| json!({ "name": name, "in": "header", "schema": { "type": "string", "maxLength": 128 } }));
    path.chain(query).chain(headers).chain(once).collect()
}

fn responses(rule: &Rule, words: &Words) -> Value {
    let refused = json!({
        "description": "A problem document",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    let mut responses = Map::new();
    for status in words.answers {
        let mut response = json!({ "description": words.summary });
        if let Some(content) = answers::content(words.gives).filter(|_| ![204, 304].contains(status)) {
            response["content"] = content;
        }
        responses.insert(status.to_string(), response);
    }
    if !rule.who.is_open() {
        for status in ["401", "403", "429"] {
            responses.insert(status.into(), refused.clone());
        }
    }
    for status in words.refuses {
        responses.insert(status.to_string(), refused.clone());
    }
    responses.insert("default".into(), refused);
    Value::Object(responses)
}

fn security(who: Who) -> Value {
    match who {
        Who::Anyone | Who::Visitor => json!([]),
        Who::Edge(_) => json!([{ "edge": [] }, { "key": [] }]),
        Who::Role(_) | Who::Owner(..) => json!([{ "key": [] }]),
    }
}

/// Who may, as the table says it.
fn who(who: Who) -> Value {
    match who {
        Who::Anyone | Who::Visitor => json!({ "anyone": true }),
        Who::Edge(role) => json!({ "edge": true, "role": role_word(role) }),
        Who::Role(role) => json!({ "role": role_word(role) }),
        Who::Owner(own, other) => json!({ "owner": role_word(own), "others": role_word(other) }),
    }
}

/// A name for generated clients: `post_content_id_token`.
fn id(rule: &Rule) -> String {
    let path = rule.path.trim_start_matches("/api/v1").replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let name = format!("{}_{path}", rule.method.to_ascii_lowercase());
    name.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}

fn tag(path: &str) -> &str {
    path.trim_start_matches("/api/v1/").trim_start_matches('/').split('/').next().unwrap_or_default()
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": { "type": "string", "format": "uri" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "code": { "type": "string", "description": "Stable; for programs" },
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let described: BTreeSet<_> = WORDS.iter().map(|words| (words.method, words.path)).collect();
        let routes: BTreeSet<_> = access::routes().collect();
        assert_eq!(described, routes);
        assert_eq!(described.len(), WORDS.len(), "once each");
        let document = make();
        let operations: usize =
            document["paths"].as_object().unwrap().values().map(|i| i.as_object().unwrap().len()).sum();
        assert_eq!(operations, access::TABLE.len());
    }

    #[test]
    fn the_document_says_of_rights_what_the_table_does() {
        let document = make();
        let mut ids = BTreeSet::new();
        for rule in access::TABLE {
            let path = rule.path.replace("{*path}", "{path}");
            let operation = &document["paths"][path][rule.method.to_ascii_lowercase()];
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{operation}");
            let is_open = operation["security"].as_array().unwrap().is_empty();
            assert_eq!(is_open, rule.who.is_open(), "{rule:?}");
            assert_eq!(operation["responses"]["401"].is_null(), is_open, "{rule:?}");
            assert_eq!(operation["x-streamgate-scope"], rule.scope.word());
            assert_eq!(operation["x-streamgate-who"], who(rule.who));
            let names = rule.path.matches('{').count();
            let in_path = operation["parameters"].as_array().unwrap().iter().filter(|p| p["in"] == "path").count();
            assert_eq!(in_path, names, "{rule:?}");
        }
    }

    #[test]
    fn what_decides_a_rule_may_answer_that_it_cannot_now() {
        let document = make();
        for path in ["/api/v1/content/{id}/watch", "/api/v1/nft/verify"] {
            let refused = &document["paths"][path]["post"]["responses"]["503"]["content"];
            assert!(refused["application/problem+json"].is_object(), "{path}");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = make();
        let text = document.to_string();
        for (at, _) in text.match_indices("#/components/schemas/") {
            let rest = &text[at + "#/components/schemas/".len()..];
            let name = &rest[..rest.find('"').unwrap()];
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}
