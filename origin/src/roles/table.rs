//! The table of roles: which part of an origin answers what. A gateway knows it, and whoever is asked for another's part does.

use super::Role;

/// By the beginning of a route as the router names it; the first line that fits counts. What no line names every process answers: it is
/// about that process, or what edges ask of whoever they pull from.
const TABLE: &[(&str, Role)] = &[
    ("/api/v1/upload", Role::Upload),
    ("/v/", Role::Streaming),
    ("/api/v1/streaming", Role::Streaming),
    ("/api/v1/transcode", Role::Transcoder),
    ("/api/v1/content/{id}/watch", Role::Auth),
    ("/api/v1/content/{id}/token", Role::Auth),
    ("/api/v1/content/{id}/grants", Role::Auth),
    ("/api/v1/content/{id}/gating-rules", Role::Auth),
    ("/api/v1/auth", Role::Auth),
    ("/.well-known/jwks.json", Role::Auth),
    ("/api/v1/accounts", Role::Auth),
    ("/api/v1/keys", Role::Auth),
    ("/api/v1/nft", Role::Auth),
    ("/api/v1/web3", Role::Auth),
    ("/api/v1/content", Role::Metadata),
    ("/api/v1/search", Role::Metadata),
    ("/api/v1/categories", Role::Metadata),
    ("/api/v1/audit", Role::Metadata),
    ("/api/v1/webhooks", Role::Metadata),
    ("/api/v1/worker", Role::Worker),
    ("/api/v1/cache", Role::Cache),
    ("/api/v1/monitor", Role::Monitor),
];

/// Who answers a route.
pub(super) fn role_of(method: &str, route: &str) -> Option<Role> {
    if (method, route) == ("POST", "/api/v1/content") {
        return Some(Role::Upload);
    }
    TABLE.iter().find(|(begin, _)| route.starts_with(begin)).map(|(_, role)| *role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_its_role_or_is_of_every_process() {
        let everybodys = [
            "/healthz",
            "/readyz",
            "/metrics",
            "/docs",
            "/docs/docs.js",
            "/api/v1/openapi.json",
            "/api/v1/events",
            "/api/v1/stats",
            "/api/v1/streams",
        ];
        for (method, route) in crate::access::routes() {
            let is_everybodys = everybodys.contains(&route);
            assert_eq!(role_of(method, route).is_none(), is_everybodys, "{method} {route}");
        }
        assert_eq!(role_of("GET", "/api/v1/content/{id}/stats"), Some(Role::Metadata));
        assert_eq!(role_of("DELETE", "/api/v1/content/{id}/grants/{grant}"), Some(Role::Auth));
        assert_eq!(role_of("GET", "/api/v1/content"), Some(Role::Metadata));
        assert_eq!(role_of("POST", "/api/v1/content"), Some(Role::Upload));
    }
}
