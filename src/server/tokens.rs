//! The tokens that `serve` hands out, and the file that it keeps them in. What it generated is good
//! as long as it is in that file.

use crate::database::path::TOKENS_FILE;
use crate::database::{Database, Principal};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Object, OrgSlug};
use crate::os::clock::unix_ms;
use crate::os::files;
use crate::os::paths::is_stream;
use crate::os::random::random_hex;
use crate::text::quote;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

/// What a start makes tokens for.
pub(crate) struct TokenStart<'a> {
    pub(crate) user: &'a Principal,
    pub(crate) orgs: &'a [(&'a OrgSlug, i64)],
    /// Where the server listens, which an organization's token says.
    pub(crate) base: &'a str,
    /// Whether tokens are made; none are where the environment names one.
    pub(crate) makes_new: bool,
}

/// What the tokens file holds.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokensFile {
    user: Option<String>,
    #[serde(default)]
    organizations: BTreeMap<String, String>,
}

/// Writes the tokens file beside the database, which only its owner reads, and withdraws every
/// generated token that is not in it; what a person should read. All of it is one transaction, so
/// that of two starts each finds what the other has done.
pub(crate) async fn prepare_tokens(
    database: &mut Database,
    path: &Path,
    start: &TokenStart<'_>,
) -> Result<Vec<String>> {
    let path = format!("{}{TOKENS_FILE}", path.display());
    database.begin().await?;
    let prepared = prepare(database, &path, start).await;
    database.end_with(prepared)
}

async fn prepare(
    database: &mut Database,
    path: &str,
    start: &TokenStart<'_>,
) -> Result<Vec<String>> {
    let mut file = TokensFile::read(path)?;
    let mut notes = Vec::new();
    if start.makes_new {
        file.complete(database, start).await?;
        file.write(path)?;
        notes.push(format!("the access tokens are in {path}"));
    }
    let kept: Vec<_> = file.user.into_iter().chain(file.organizations.into_values()).collect();
    match database.withdraw_generated_tokens(&kept).await? {
        0 => {}
        1 => notes.push(format!("withdrew an access token that is not in {path}")),
        count => notes.push(format!("withdrew {count} access tokens that are not in {path}")),
    }
    Ok(notes)
}

impl TokensFile {
    /// The file of an earlier start; an empty one where none is.
    fn read(path: &str) -> Result<Self> {
        let foreign = || {
            Error::new(ErrorCode::Database, format!("{} is not a tokens file", quote(path)))
                .with_hint("move it away, and `serve` writes a new one in its place")
        };
        if is_stream(path) {
            return Err(foreign());
        }
        match files::read(path) {
            Ok(text) => serde_json::from_str::<Object>(&text)
                .and_then(|object| serde_json::from_value(Value::Object(object)))
                .map_err(|_| foreign()),
            Err(error) => match error.kind() {
                ErrorKind::NotFound => Ok(Self::default()),
                ErrorKind::InvalidData | ErrorKind::FileTooLarge | ErrorKind::IsADirectory => {
                    Err(foreign())
                }
                _ => {
                    let message = format!("cannot read the tokens in {}: {error}", quote(path));
                    Err(Error::new(ErrorCode::Database, message))
                }
            },
        }
    }

    /// Keeps what the database knows, and makes what this start lacks.
    async fn complete(&mut self, database: &mut Database, start: &TokenStart<'_>) -> Result {
        let user = match known(database, self.user.take()).await? {
            Some(token) => token,
            None => format!("sntryu_{}", random_hex()),
        };
        database.store_generated_token(&user, start.user).await?;
        self.user = Some(user);
        for (org, id) in start.orgs {
            let existing = known(database, self.organizations.remove(org.as_str())).await?;
            let existing = existing.filter(|token| is_for_base(token, start.base));
            let token = existing.unwrap_or_else(|| organization_token(start.base, org));
            let scopes = vec!["org:ci".to_owned()];
            let principal = Principal { user: None, organization: Some(*id), scopes };
            database.store_generated_token(&token, &principal).await?;
            self.organizations.insert(org.to_string(), token);
        }
        Ok(())
    }

    fn write(&self, path: &str) -> Result {
        let text = format!("{:#}\n", json!(self));
        files::replace_private(path, &text).map_err(|error| {
            let message = format!("cannot write the tokens to {}: {error}", quote(path));
            Error::new(ErrorCode::Database, message)
        })
    }
}

/// The token of an earlier start, if the database still has it.
async fn known(database: &mut Database, stored: Option<String>) -> Result<Option<String>> {
    let Some(token) = stored else { return Ok(None) };
    Ok(database.token_principal(&token).await?.map(|_| token))
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
