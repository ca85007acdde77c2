//! Who asks, and with which scopes: bearer tokens by Sentry's rules.

pub(crate) mod scopes;
pub(crate) mod sessions;

use super::auth::scopes::{Scopes, role_holds};
use super::http::response::ApiError;
use crate::database::Database;
use crate::database::organizations::Principal;
use crate::error::Result;
use crate::secret::Secret;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The token that the environment names, kept as its digest, and whose it is.
pub(crate) struct OwnToken {
    digest: [u8; 32],
    principal: Principal,
}

impl OwnToken {
    pub(crate) fn new(token: &Secret, principal: Principal) -> Self {
        Self { digest: Sha256::digest(token.expose()).into(), principal }
    }

    fn is(&self, token: &str) -> bool {
        bool::from(self.digest[..].ct_eq(&Sha256::digest(token)[..]))
    }
}

/// Finds out whose token the request carries; `None` without one.
pub(crate) async fn authenticate(
    own: Option<&OwnToken>,
    database: &mut Database,
    headers: &HeaderMap,
) -> Result<Option<Principal>, ApiError> {
    match token(headers) {
        Some(token) => authenticate_token(own, database, token).await.map(Some),
        None => Ok(None),
    }
}

/// Whose a token is.
pub(crate) async fn authenticate_token(
    own: Option<&OwnToken>,
    database: &mut Database,
    token: &str,
) -> Result<Principal, ApiError> {
    if let Some(own) = own.filter(|own| own.is(token)) {
        return Ok(own.principal.clone());
    }
    let found: Result<_> = database.bearer(token).await;
    let kind = if token.starts_with("sntrys_") { "Invalid org token" } else { "Invalid token" };
    found?.ok_or_else(|| ApiError::unauthorized(kind))
}

/// The token of an `Authorization: Bearer` header; other schemes are none of ours.
fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether the token itself holds one of the scopes.
pub(crate) fn check_scopes(bearer: Option<&Principal>, scopes: Scopes) -> Result<(), ApiError> {
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
pub(crate) async fn authorize(
    database: &mut Database,
    bearer: &Principal,
    org: i64,
    scopes: Scopes,
) -> Result<(), ApiError> {
    if let Some(own) = bearer.organization {
        return if own == org { Ok(()) } else { Err(ApiError::forbidden()) };
    }
    let user = bearer.user.ok_or_else(ApiError::forbidden)?;
    let role = database.role(org, user).await?.ok_or_else(ApiError::forbidden)?;
    let both =
        |scope: &&&str| role_holds(&role, scope) && bearer.scopes.iter().any(|s| s == **scope);
    if scopes.is_empty() || scopes.iter().any(|scope| both(&scope)) {
        return Ok(());
    }
    Err(ApiError::forbidden())
}
