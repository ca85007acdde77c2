//! What stands in for GitHub's API where the feature `github` is left out: nothing is sent.

use crate::error::{Error, ErrorCode, Result};
use crate::http::{HttpResponse, NetworkError};
use crate::secret::Secret;
use serde_json::Value;
use url::Url;

pub(super) const MAX_BODY_BYTES: usize = 0;

/// What would carry requests to GitHub, of which there is none in this build.
pub(super) enum GitHubTransport {}

impl GitHubTransport {
    pub(super) fn new(_: reqwest::Client) -> Result<Self> {
        let message = "this build of finishline cannot reach GitHub's API";
        let hint = "build it with its default features";
        Err(Error::new(ErrorCode::Usage, message).with_hint(hint))
    }

    pub(super) async fn send(
        &self,
        _: &Url,
        _: Option<&Secret>,
        _: String,
        _: Option<&Value>,
    ) -> Result<HttpResponse, NetworkError> {
        match *self {}
    }
}
