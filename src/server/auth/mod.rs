//! Who a request comes from, and with which scopes: bearer tokens by Sentry's rules.

pub(crate) mod scopes;
pub(crate) mod sessions;

use super::http::ApiError;
use crate::database::columns::digest;
use crate::database::{Database, Principal};
use crate::secret::Secret;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use scopes::{Scopes, role_holds};
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
    stored_principal(database, token).await
}

/// The same, with the digest of the token if it is a stored one.
pub(crate) async fn sign_in(
    own: Option<&OwnToken>,
    database: &mut Database,
    token: &str,
) -> Result<(Principal, Option<String>), ApiError> {
    let principal = authenticate_token(own, database, token).await?;
    let is_stored = !own.is_some_and(|own| own.is(token));
    Ok((principal, is_stored.then(|| digest(token))))
}

async fn stored_principal(database: &mut Database, token: &str) -> Result<Principal, ApiError> {
    let message = if token.starts_with("sntrys_") { "Invalid org token" } else { "Invalid token" };
    let principal = database.token_principal(token).await?;
    principal.ok_or_else(|| ApiError::unauthorized(message))
}

/// The token of an `Authorization: Bearer` header; other schemes are none of ours.
fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether the token itself holds one of the scopes.
pub(crate) fn check_scopes(principal: Option<&Principal>, scopes: Scopes) -> Result<(), ApiError> {
    let missing = "Authentication credentials were not provided.";
    let principal = principal.ok_or_else(|| ApiError::unauthorized(missing))?;
    allow_if(scopes.is_empty() || scopes.iter().any(|scope| holds(principal, scope)))
}

fn holds(principal: &Principal, scope: &str) -> bool {
    principal.scopes.iter().any(|held| held == scope)
}

fn allow_if(is_permitted: bool) -> Result<(), ApiError> {
    if is_permitted { Ok(()) } else { Err(ApiError::forbidden()) }
}

/// Whether the principal may do it in this organization: an organization's token in its own, a user
/// as far as token and role both go.
pub(crate) async fn authorize(
    database: &mut Database,
    principal: &Principal,
    org: i64,
    scopes: Scopes,
) -> Result<(), ApiError> {
    allow_if(holds_scopes(database, principal, org, scopes).await?)
}

/// The same as an answer; who is no member of the organization gets an error.
pub(crate) async fn holds_scopes(
    database: &mut Database,
    principal: &Principal,
    org: i64,
    scopes: Scopes,
) -> Result<bool, ApiError> {
    if let Some(own) = principal.organization {
        return Ok(own == org);
    }
    let user = principal.user.ok_or_else(ApiError::forbidden)?;
    let role = database.role(org, user).await?.ok_or_else(ApiError::forbidden)?;
    Ok(scopes.is_empty() || both_hold(principal, &role, scopes))
}

/// Whether token and role hold one and the same of the scopes.
pub(crate) fn both_hold(principal: &Principal, role: &str, scopes: Scopes) -> bool {
    scopes.iter().any(|scope| role_holds(role, scope) && holds(principal, scope))
}
