//! Asks third parties: signs what has to be signed with the time and fresh randomness, and fetches.

use super::oauth1;
use super::pipeline::{now, random_hex};
use crate::http;
use crate::model::Refusal;
use crate::provider::ask::{Ask, Body, Credentials, Reply};
use crate::secret::Secret;

/// Fetches one thing from a third party.
pub(super) async fn fetch(ask: Ask) -> Result<Reply, Refusal> {
    let credentials = match &ask.credentials {
        Credentials::OAuth1(with) => {
            let method = if matches!(ask.body, Body::None) { "GET" } else { "POST" };
            let header = oauth1::header(with, method, &ask.url, &random_hex(), now() / 1000)?;
            Credentials::Headers(vec![("Authorization", Secret::from(header))])
        }
        other => other.clone(),
    };
    Ok(http::fetch(&Ask { credentials, ..ask }).await)
}
