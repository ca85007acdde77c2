//! The tokens that `serve` hands out, and the file that it keeps them in.

use super::options::ServeOptions;
use crate::database::{Database, Principal};
use crate::error::{Error, ErrorCode, Result};
use crate::model::OrgSlug;
use crate::os::clock::unix_ms;
use crate::os::files;
use crate::os::random::random_hex;
use crate::text::quote;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Makes the tokens that are not there yet, and writes all of them to a file beside the database
/// that only its owner reads; the file's path.
pub(crate) async fn write_tokens_file(
    database: &mut Database,
    options: &ServeOptions,
    base: &str,
    user: &Principal,
    orgs: &[(&OrgSlug, i64)],
) -> Result<String> {
    let path = format!("{}.tokens.json", options.database.display());
    let stored: Value = files::read(&path)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let user_token = match existing_token(database, &stored["user"]).await? {
        Some(token) => token,
        None => format!("sntryu_{}", random_hex()),
    };
    database.store_token(&user_token, user).await?;
    let mut organizations = Map::new();
    for (org, id) in orgs {
        let existing = existing_token(database, &stored["organizations"][org.as_str()]).await?;
        let existing = existing.filter(|token| is_for_base(token, base));
        let token = existing.unwrap_or_else(|| organization_token(base, org));
        let scopes = vec!["org:ci".to_owned()];
        let principal = Principal { user: None, organization: Some(*id), scopes };
        database.store_token(&token, &principal).await?;
        organizations.insert(org.to_string(), token.into());
    }
    let text = format!("{:#}\n", json!({ "user": user_token, "organizations": organizations }));
    files::replace_private(&path, &text).map_err(|error| {
        let message = format!("cannot write the tokens to {}: {error}", quote(&path));
        Error::new(ErrorCode::Database, message)
    })?;
    Ok(path)
}

/// The token of an earlier start, if the database still has it.
async fn existing_token(database: &mut Database, stored: &Value) -> Result<Option<String>> {
    let Some(token) = stored.as_str() else { return Ok(None) };
    Ok(database.token_principal(token).await?.map(|_| token.to_owned()))
}

/// A token in Sentry's form: `sntrys_`, padded base64 of the facts, base64 of 32 random bytes.
pub(crate) fn organization_token(base: &str, org: &OrgSlug) -> String {
    let issued_at = unix_ms() as f64 / 1000.0;
    let facts = json!({ "iat": issued_at, "url": base, "region_url": base, "org": org.as_str() });
    let secret = Sha256::digest(random_hex());
    let (facts, secret) = (STANDARD.encode(facts.to_string()), STANDARD_NO_PAD.encode(secret));
    format!("sntrys_{facts}_{secret}")
}

/// Whether the token's facts name this address.
pub(crate) fn is_for_base(token: &str, base: &str) -> bool {
    let facts = token.split('_').nth(1).and_then(|facts| STANDARD.decode(facts).ok());
    let facts: Option<Value> = facts.and_then(|facts| serde_json::from_slice(&facts).ok());
    facts.is_some_and(|facts| facts["region_url"] == base)
}
