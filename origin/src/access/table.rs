//! The table of rights: one line a route. A test walks all of it, for everyone who may ask.

use durable::catalogue::Role::{self, Admin, Creator, Operator, Viewer};

use super::scope::Scope;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Anybody, without a key. What a gated asset asks for besides is decided by playback.
    Anyone,
    /// Anybody, without a key, as often as one address may ask.
    Visitor,
    /// Edges, by their own key, and whoever has this role.
    Edge(Role),
    /// Whoever has this role, whosever it is.
    Role(Role),
    /// The owner when of the first role, others when of the second.
    Owner(Role, Role),
}

impl Who {
    /// No key is asked for.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Anyone | Self::Visitor)
    }
}

/// What the `{id}` of a path names: whose it is has to be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Object {
    Nothing,
    Asset,
    Upload,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) method: &'static str,
    /// As the router names it.
    pub(crate) path: &'static str,
    pub(crate) scope: Scope,
    pub(crate) object: Object,
    pub(crate) who: Who,
}

const fn rule(method: &'static str, path: &'static str, scope: Scope, object: Object, who: Who) -> Rule {
    Rule { method, path, scope, object, who }
}

/// Everything that can be asked of an origin. HEAD without a line goes by that of its GET.
#[rustfmt::skip]
pub(crate) const TABLE: &[Rule] = &[
    rule("GET",    "/healthz",                      Scope::Public,       Object::Nothing, Who::Anyone),
    rule("GET",    "/readyz",                       Scope::Public,       Object::Nothing, Who::Anyone),
    rule("GET",    "/metrics",                      Scope::Public,       Object::Nothing, Who::Anyone),
    rule("GET",    "/docs",                         Scope::Public,       Object::Nothing, Who::Anyone),
    rule("GET",    "/docs/docs.js",                 Scope::Public,       Object::Nothing, Who::Anyone),
    rule("GET",    "/api/v1/openapi.json",          Scope::Public,       Object::Nothing, Who::Anyone),
    rule("GET",    "/v/{id}/key",                   Scope::Public,       Object::Nothing, Who::Anyone),
    rule("POST",   "/v/{id}/key",                   Scope::Public,       Object::Nothing, Who::Anyone),
    rule("GET",    "/v/{id}/{file}",                Scope::Public,       Object::Nothing, Who::Anyone),
    rule("GET",    "/v/{id}/{track}/{file}",        Scope::Public,       Object::Nothing, Who::Anyone),
    rule("GET",    "/api/v1/keys",                  Scope::Keys,         Object::Nothing, Who::Role(Admin)),
    rule("POST",   "/api/v1/keys",                  Scope::Keys,         Object::Nothing, Who::Role(Admin)),
    rule("GET",    "/api/v1/keys/{id}",             Scope::Keys,         Object::Nothing, Who::Role(Admin)),
    rule("DELETE", "/api/v1/keys/{id}",             Scope::Keys,         Object::Nothing, Who::Role(Admin)),
    rule("POST",   "/api/v1/upload",                Scope::Upload,       Object::Nothing, Who::Role(Creator)),
    rule("POST",   "/api/v1/upload/presigned-init", Scope::Upload,       Object::Nothing, Who::Role(Creator)),
    rule("POST",   "/api/v1/upload/complete-presigned", Scope::Upload,   Object::Nothing, Who::Role(Creator)),
    rule("PUT",    "/api/v1/upload/{name}",         Scope::Upload,       Object::Nothing, Who::Role(Creator)),
    rule("OPTIONS", "/api/v1/upload/tus",           Scope::Public,       Object::Nothing, Who::Anyone),
    rule("POST",   "/api/v1/upload/tus",            Scope::Upload,       Object::Nothing, Who::Role(Creator)),
    rule("OPTIONS", "/api/v1/upload/tus/{id}",      Scope::Public,       Object::Nothing, Who::Anyone),
    rule("HEAD",   "/api/v1/upload/tus/{id}",       Scope::Upload,       Object::Upload,  Who::Owner(Creator, Operator)),
    rule("PATCH",  "/api/v1/upload/tus/{id}",       Scope::Upload,       Object::Upload,  Who::Owner(Creator, Operator)),
    rule("DELETE", "/api/v1/upload/tus/{id}",       Scope::Upload,       Object::Upload,  Who::Owner(Creator, Operator)),
    rule("OPTIONS", "/api/v1/upload/resumable",     Scope::Public,       Object::Nothing, Who::Anyone),
    rule("POST",   "/api/v1/upload/resumable",      Scope::Upload,       Object::Nothing, Who::Role(Creator)),
    rule("HEAD",   "/api/v1/upload/resumable/{id}", Scope::Upload,       Object::Upload,  Who::Owner(Creator, Operator)),
    rule("PATCH",  "/api/v1/upload/resumable/{id}", Scope::Upload,       Object::Upload,  Who::Owner(Creator, Operator)),
    rule("DELETE", "/api/v1/upload/resumable/{id}", Scope::Upload,       Object::Upload,  Who::Owner(Creator, Operator)),
    rule("GET",    "/api/v1/content",               Scope::ContentRead,  Object::Nothing, Who::Role(Viewer)),
    rule("POST",   "/api/v1/content",               Scope::Upload,       Object::Nothing, Who::Role(Creator)),
    rule("GET",    "/api/v1/content/{id}",          Scope::ContentRead,  Object::Asset,   Who::Role(Viewer)),
    rule("PATCH",  "/api/v1/content/{id}",          Scope::ContentWrite, Object::Asset,   Who::Owner(Creator, Operator)),
    rule("POST",   "/api/v1/content/{id}",          Scope::ContentWrite, Object::Asset,   Who::Owner(Creator, Operator)),
    rule("DELETE", "/api/v1/content/{id}",          Scope::ContentWrite, Object::Asset,   Who::Owner(Creator, Operator)),
    rule("POST",   "/api/v1/content/{id}/restore",  Scope::ContentWrite, Object::Asset,   Who::Owner(Creator, Operator)),
    rule("GET",    "/api/v1/content/{id}/stats",    Scope::ContentRead,  Object::Asset,   Who::Owner(Viewer, Operator)),
    rule("POST",   "/api/v1/content/{id}/token",    Scope::Token,        Object::Asset,   Who::Owner(Creator, Operator)),
    rule("POST",   "/api/v1/content/{id}/watch",    Scope::Token,        Object::Asset,   Who::Role(Viewer)),
    rule("GET",    "/api/v1/content/{id}/gating-rules", Scope::ContentRead, Object::Asset, Who::Owner(Creator, Operator)),
    rule("PUT",    "/api/v1/content/{id}/gating-rules", Scope::ContentWrite, Object::Asset, Who::Owner(Creator, Operator)),
    rule("DELETE", "/api/v1/content/{id}/gating-rules", Scope::ContentWrite, Object::Asset, Who::Owner(Creator, Operator)),
    rule("GET",    "/api/v1/content/{id}/grants",   Scope::Token,        Object::Asset,   Who::Owner(Creator, Operator)),
    rule("DELETE", "/api/v1/content/{id}/grants",   Scope::Token,        Object::Asset,   Who::Owner(Creator, Operator)),
    rule("DELETE", "/api/v1/content/{id}/grants/{grant}", Scope::Token,  Object::Asset,   Who::Owner(Creator, Operator)),
    rule("GET",    "/api/v1/search",                Scope::ContentRead,  Object::Nothing, Who::Role(Viewer)),
    rule("GET",    "/api/v1/categories",            Scope::ContentRead,  Object::Nothing, Who::Role(Viewer)),
    rule("POST",   "/api/v1/categories",            Scope::ContentWrite, Object::Nothing, Who::Role(Operator)),
    rule("PATCH",  "/api/v1/categories/{id}",       Scope::ContentWrite, Object::Nothing, Who::Role(Operator)),
    rule("DELETE", "/api/v1/categories/{id}",       Scope::ContentWrite, Object::Nothing, Who::Role(Operator)),
    rule("POST",   "/api/v1/streams",               Scope::Events,       Object::Nothing, Who::Edge(Operator)),
    rule("POST",   "/api/v1/stats",                 Scope::Events,       Object::Nothing, Who::Edge(Operator)),
    rule("GET",    "/api/v1/audit",                 Scope::Audit,        Object::Nothing, Who::Role(Operator)),
    rule("GET",    "/api/v1/transcode/status/{id}", Scope::ContentRead,  Object::Asset,   Who::Role(Viewer)),
    rule("POST",   "/api/v1/transcode/submit",      Scope::Work,         Object::Nothing, Who::Role(Creator)),
    rule("POST",   "/api/v1/transcode/cancel/{id}", Scope::Work,         Object::Asset,   Who::Owner(Creator, Operator)),
    rule("GET",    "/api/v1/transcode/tasks",       Scope::Work,         Object::Nothing, Who::Role(Creator)),
    rule("GET",    "/api/v1/transcode/profiles",    Scope::Work,         Object::Nothing, Who::Role(Viewer)),
    rule("GET",    "/api/v1/worker/jobs",           Scope::Work,         Object::Nothing, Who::Role(Operator)),
    rule("POST",   "/api/v1/worker/jobs",           Scope::Work,         Object::Nothing, Who::Role(Operator)),
    rule("GET",    "/api/v1/worker/jobs/{id}",      Scope::Work,         Object::Nothing, Who::Role(Operator)),
    rule("POST",   "/api/v1/worker/jobs/{id}/replay", Scope::Work,       Object::Nothing, Who::Role(Operator)),
    rule("POST",   "/api/v1/worker/jobs/{id}/cancel", Scope::Work,       Object::Nothing, Who::Role(Operator)),
    rule("GET",    "/api/v1/worker/schedule",       Scope::Work,         Object::Nothing, Who::Role(Operator)),
    rule("POST",   "/api/v1/worker/schedule",       Scope::Work,         Object::Nothing, Who::Role(Operator)),
    rule("DELETE", "/api/v1/worker/schedule/{id}",  Scope::Work,         Object::Nothing, Who::Role(Operator)),
    rule("GET",    "/api/v1/monitor/health",        Scope::Monitor,      Object::Nothing, Who::Role(Operator)),
    rule("GET",    "/api/v1/monitor/metrics",       Scope::Monitor,      Object::Nothing, Who::Role(Operator)),
    rule("GET",    "/api/v1/monitor/alerts",        Scope::Monitor,      Object::Nothing, Who::Role(Operator)),
    rule("GET",    "/api/v1/monitor/logs",          Scope::Monitor,      Object::Nothing, Who::Role(Operator)),
    rule("GET",    "/api/v1/streaming/{id}",        Scope::ContentRead,  Object::Asset,   Who::Role(Viewer)),
    rule("GET",    "/api/v1/streaming/{id}/{*path}", Scope::Public,      Object::Nothing, Who::Anyone),
    rule("GET",    "/api/v1/cache/stats",           Scope::Monitor,      Object::Nothing, Who::Role(Operator)),
    rule("POST",   "/api/v1/cache/purge",           Scope::Monitor,      Object::Nothing, Who::Role(Operator)),
    rule("GET",    "/api/v1/web3/supported-chains", Scope::Public,       Object::Nothing, Who::Anyone),
    rule("GET",    "/api/v1/web3/rpc-status",       Scope::Monitor,      Object::Nothing, Who::Role(Operator)),
    rule("GET",    "/api/v1/nft",                   Scope::ContentRead,  Object::Nothing, Who::Role(Viewer)),
    rule("POST",   "/api/v1/nft/verify",            Scope::ContentWrite, Object::Nothing, Who::Role(Creator)),
    rule("GET",    "/.well-known/jwks.json",        Scope::Public,       Object::Nothing, Who::Anyone),
    rule("GET",    "/api/v1/auth/jwks",             Scope::Public,       Object::Nothing, Who::Anyone),
    rule("POST",   "/api/v1/auth/challenge",        Scope::Public,       Object::Nothing, Who::Visitor),
    rule("POST",   "/api/v1/auth/login",            Scope::Public,       Object::Nothing, Who::Visitor),
    rule("POST",   "/api/v1/auth/refresh",          Scope::Public,       Object::Nothing, Who::Visitor),
    rule("POST",   "/api/v1/auth/logout",           Scope::Accounts,     Object::Nothing, Who::Role(Viewer)),
    rule("GET",    "/api/v1/auth/verify",           Scope::Accounts,     Object::Nothing, Who::Role(Viewer)),
    rule("GET",    "/api/v1/auth/profile",          Scope::Accounts,     Object::Nothing, Who::Role(Viewer)),
    rule("GET",    "/api/v1/auth/sessions",         Scope::Accounts,     Object::Nothing, Who::Role(Viewer)),
    rule("DELETE", "/api/v1/auth/sessions/{id}",    Scope::Accounts,     Object::Nothing, Who::Role(Viewer)),
    rule("GET",    "/api/v1/auth/wallets",          Scope::Accounts,     Object::Nothing, Who::Role(Viewer)),
    rule("POST",   "/api/v1/auth/wallets",          Scope::Accounts,     Object::Nothing, Who::Role(Viewer)),
    rule("POST",   "/api/v1/auth/wallets/challenge", Scope::Accounts,    Object::Nothing, Who::Role(Viewer)),
    rule("DELETE", "/api/v1/auth/wallets/{address}", Scope::Accounts,    Object::Nothing, Who::Role(Viewer)),
    rule("POST",   "/api/v1/auth/keys/rotate",      Scope::Keys,         Object::Nothing, Who::Role(Admin)),
    rule("GET",    "/api/v1/accounts",              Scope::Accounts,     Object::Nothing, Who::Role(Admin)),
    rule("GET",    "/api/v1/accounts/{id}",         Scope::Accounts,     Object::Nothing, Who::Role(Admin)),
    rule("PATCH",  "/api/v1/accounts/{id}",         Scope::Accounts,     Object::Nothing, Who::Role(Admin)),
    rule("GET",    "/api/v1/events",                Scope::Events,       Object::Nothing, Who::Edge(Operator)),
    rule("GET",    "/api/v1/webhooks",             Scope::Webhooks,     Object::Nothing, Who::Role(Operator)),
    rule("POST",   "/api/v1/webhooks",             Scope::Webhooks,     Object::Nothing, Who::Role(Operator)),
    rule("GET",    "/api/v1/webhooks/{id}",        Scope::Webhooks,     Object::Nothing, Who::Role(Operator)),
    rule("PATCH",  "/api/v1/webhooks/{id}",        Scope::Webhooks,     Object::Nothing, Who::Role(Operator)),
    rule("DELETE", "/api/v1/webhooks/{id}",        Scope::Webhooks,     Object::Nothing, Who::Role(Operator)),
    rule("POST",   "/api/v1/webhooks/{id}/rotate", Scope::Webhooks,     Object::Nothing, Who::Role(Operator)),
    rule("POST",   "/api/v1/webhooks/{id}/test",   Scope::Webhooks,     Object::Nothing, Who::Role(Operator)),
    rule("POST",   "/api/v1/webhooks/{id}/replay", Scope::Webhooks,     Object::Nothing, Who::Role(Operator)),
    rule("GET",    "/api/v1/webhooks/{id}/deliveries", Scope::Webhooks,     Object::Nothing, Who::Role(Operator)),
    rule("POST",   "/api/v1/webhooks/{id}/deliveries/{delivery}/replay", Scope::Webhooks,     Object::Nothing, Who::Role(Operator)),
];

/// The line for a request. `path` is the router's pattern.
pub(crate) fn find(method: &str, path: &str) -> Option<&'static Rule> {
    let of = |method: &str| TABLE.iter().find(|rule| rule.path == path && rule.method == method);
    of(method).or_else(|| if method == "HEAD" { of("GET") } else { None })
}

/// Whether a route takes an Idempotency-Key: whatever makes or changes something, but what answers with a secret, which is
/// nowhere at rest, and uploads, which are resumed instead.
pub(crate) fn takes_idempotency_key(rule: &Rule) -> bool {
    rule.method == "POST"
        && !matches!(
            rule.scope,
            Scope::Public | Scope::Keys | Scope::Token | Scope::Upload | Scope::Webhooks | Scope::Accounts
        )
}

/// What `Allow` says of a path (RFC 9110 section 10.2.1).
pub(crate) fn allowed(path: &str) -> String {
    let methods = TABLE.iter().filter(|rule| rule.path == path).map(|rule| rule.method);
    let methods = methods.flat_map(|method| if method == "GET" { vec!["GET", "HEAD"] } else { vec![method] });
    methods.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_route_has_one_line_and_what_has_an_owner_is_looked_up() {
        let lines: BTreeSet<_> = TABLE.iter().map(|rule| (rule.method, rule.path)).collect();
        assert_eq!(lines.len(), TABLE.len());
        for rule in TABLE {
            assert_eq!(rule.who.is_open(), rule.scope == Scope::Public, "{rule:?}");
            if matches!(rule.who, Who::Owner(..)) {
                assert!(rule.object != Object::Nothing && rule.path.contains("{id}"), "{rule:?}");
            }
        }
        assert_eq!(allowed("/api/v1/content/{id}"), "GET,HEAD,PATCH,POST,DELETE");
    }
}
