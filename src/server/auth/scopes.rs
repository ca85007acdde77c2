//! Sentry's scopes, and which role holds which.

/// Any one of these allows a request.
pub(crate) type Scopes = &'static [&'static str];

/// What a token of the local user may do; Sentry's own list for a token with every box ticked.
pub(crate) const EVERY_SCOPE: Scopes = &[
    "org:read",
    "org:write",
    "org:admin",
    "org:integrations",
    "project:read",
    "project:write",
    "project:admin",
    "project:releases",
    "team:read",
    "team:write",
    "team:admin",
    "member:read",
    "member:admin",
    "event:read",
    "event:admin",
];

/// The scopes that a plain member's role holds, as far as an endpoint here asks for them.
pub(crate) const MEMBER: Scopes = &["org:read", "project:read", "project:releases", "team:read"];

/// What an admin holds beside them.
pub(crate) const ADMIN: Scopes =
    &["org:integrations", "project:write", "project:admin", "team:write"];

/// Whether a role of an organization holds a scope.
pub(crate) fn role_holds(role: &str, scope: &str) -> bool {
    match role {
        "owner" => true,
        "manager" => scope != "org:admin",
        "admin" => MEMBER.contains(&scope) || ADMIN.contains(&scope),
        _ => MEMBER.contains(&scope),
    }
}
