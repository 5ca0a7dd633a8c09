//! Scopes narrow a key to a part of the API, whatever its role may do elsewhere.

/// A part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// What needs no key has no scope.
    Public,
    ContentRead,
    ContentWrite,
    Upload,
    Token,
    Work,
    Keys,
    Events,
    Audit,
    Monitor,
    Webhooks,
    /// Accounts, wallets and sessions.
    Accounts,
}

impl Scope {
    /// Those that a key can be narrowed to.
    pub(crate) const ALL: [Self; 11] = [
        Self::ContentRead,
        Self::ContentWrite,
        Self::Upload,
        Self::Token,
        Self::Work,
        Self::Keys,
        Self::Events,
        Self::Audit,
        Self::Monitor,
        Self::Webhooks,
        Self::Accounts,
    ];

    /// As keys name it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::ContentRead => "content:read",
            Self::ContentWrite => "content:write",
            Self::Upload => "upload",
            Self::Token => "token",
            Self::Work => "work",
            Self::Keys => "keys",
            Self::Events => "events",
            Self::Audit => "audit",
            Self::Monitor => "monitor",
            Self::Webhooks => "webhooks",
            Self::Accounts => "accounts",
        }
    }
}
