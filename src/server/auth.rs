//! Who asks, and with which scopes: bearer tokens by Sentry's rules.

use super::errors::ApiError;
use super::start::ServerState;
use crate::backend::embedded::{EmbeddedBackend, Principal};
use crate::failure::Result;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// Any one of these allows a request.
pub(super) type Scopes = &'static [&'static str];

/// What a token of the local user may do; Sentry's own list for a token with every box ticked.
pub(super) const EVERY_SCOPE: Scopes = &[
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
const MEMBER: Scopes = &["org:read", "project:read", "project:releases", "team:read"];
/// What an admin holds beside them.
const ADMIN: Scopes = &["org:integrations", "project:write", "project:admin", "team:write"];

/// Finds out whose token the request carries; `None` without one.
pub(super) async fn authenticate(
    server: &ServerState,
    engine: &mut EmbeddedBackend,
    headers: &HeaderMap,
) -> Result<Option<Principal>, ApiError> {
    match token(headers) {
        Some(token) => authenticate_token(server, engine, token).await.map(Some),
        None => Ok(None),
    }
}

/// Whose a token is.
pub(super) async fn authenticate_token(
    server: &ServerState,
    engine: &mut EmbeddedBackend,
    token: &str,
) -> Result<Principal, ApiError> {
    if let Some(bearer) = server.own_bearer(token) {
        return Ok(bearer);
    }
    let found: Result<_> = engine.bearer(token).await;
    let kind = if token.starts_with("sntrys_") { "Invalid org token" } else { "Invalid token" };
    found?.ok_or_else(|| ApiError::unauthorized(kind))
}

/// The token of an `Authorization: Bearer` header; other schemes are none of ours.
fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether the token itself holds one of the scopes.
pub(super) fn check_scopes(bearer: Option<&Principal>, scopes: Scopes) -> Result<(), ApiError> {
    let missing = "Authentication credentials were not provided.";
    let bearer = bearer.ok_or_else(|| ApiError::unauthorized(missing))?;
    let held = |scope: &&str| bearer.scopes.iter().any(|held| held == scope);
    if scopes.is_empty() || scopes.iter().any(held) {
        return Ok(());
    }
    Err(ApiError::forbidden())
}

/// Whether the bearer may do it in this organization: an organization's token in its own, a user
/// as far as token and role both go.
pub(super) async fn authorize(
    engine: &mut EmbeddedBackend,
    bearer: &Principal,
    org: i64,
    scopes: Scopes,
) -> Result<(), ApiError> {
    if let Some(own) = bearer.organization {
        return if own == org { Ok(()) } else { Err(ApiError::forbidden()) };
    }
    let user = bearer.user.ok_or_else(ApiError::forbidden)?;
    let role = engine.role(org, user).await?.ok_or_else(ApiError::forbidden)?;
    let both =
        |scope: &&&str| role_holds(&role, scope) && bearer.scopes.iter().any(|s| s == **scope);
    if scopes.is_empty() || scopes.iter().any(|scope| both(&scope)) {
        return Ok(());
    }
    Err(ApiError::forbidden())
}

/// Whether a role of an organization holds a scope.
fn role_holds(role: &str, scope: &str) -> bool {
    match role {
        "owner" => true,
        "manager" => scope != "org:admin",
        "admin" => MEMBER.contains(&scope) || ADMIN.contains(&scope),
        _ => MEMBER.contains(&scope),
    }
}
