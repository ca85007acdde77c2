//! Source maps of a Sentry: chunks that are stored, bundles put together from them, and look-ups of
//! debug ids.

use super::client::permission::Permission;
use super::client::response::error_text;
use super::client::{SentryClient, SentryRequest, organization_path};
use super::upload_address::UploadAddress;
use super::upload_json::{self, bundle_state, files_body, upload_limits};
use super::{ConnectOptions, preflight};
use crate::error::{Error, ErrorCode, Result};
use crate::http::retry::RetryPolicy;
use crate::http::{self, HttpResponse};
use crate::model::OrgSlug;
use crate::sourcemap::backend::{
    AssembleState, ChunkedBundle, FileAddress, LookupAnswer, SourcemapBackend, StoreResult,
    UploadLimits,
};
use crate::sourcemap::bundle::BundleTarget;
use crate::sourcemap::debug_id::DebugId;
use crate::text::{quote, segment};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use url::form_urlencoded;

/// How many requests with chunks are under way at once, where the server does not want fewer.
const AT_ONCE: usize = 8;
/// How long before the deadline nothing is waited for any more, so that the last request has an end
/// of its own.
const LAST_REQUEST: Duration = Duration::from_millis(250);
/// How long a look-up before an upload may take.
const SOON: Duration = Duration::from_secs(5);

/// The source maps of one organization.
pub struct SentrySourcemaps {
    pub(super) client: SentryClient,
    pub(super) org: OrgSlug,
    /// Where chunks go: where Sentry has it, until the server tells another address.
    upload: UploadAddress,
    at_once: usize,
    /// Whether the server was asked what it takes.
    has_limits: bool,
}

impl SentrySourcemaps {
    /// Prepares the client; nothing is sent yet.
    pub fn new(options: ConnectOptions, org: OrgSlug) -> Result<Self> {
        let client = SentryClient::new(options, http::USER_AGENT)?;
        let upload = UploadAddress::usual(&client, &org);
        Ok(Self { client, org, upload, at_once: AT_ONCE, has_limits: false })
    }

    fn path(&self, rest: &str) -> String {
        organization_path(&self.org, rest)
    }

    fn host(&self) -> &str {
        self.client.base().host_str().unwrap_or_default()
    }

    fn denied(&self, response: &HttpResponse) -> Error {
        self.client.denied(response, Permission::SourceMaps, &self.org)
    }

    /// Sends requests with chunks to where they go, some at once.
    async fn send_files(&self, requests: &mut [SentryRequest<'_>]) -> Result<Vec<HttpResponse>> {
        for request in &mut *requests {
            request.path.clone_from(&self.upload.path);
        }
        let send = |request| self.upload.client.send(request);
        let sent = stream::iter(&*requests).map(send).buffered(self.at_once);
        sent.try_collect().await.map_err(|failure| self.upload.explain(failure.into()))
    }

    /// What a request with chunks came to.
    fn stored(&self, response: &HttpResponse) -> Result<StoreResult> {
        let reason = upload_json::refusal(response);
        match (response.status, reason) {
            // The receipt of chunks is empty; a login page is none.
            _ if response.is_success() => {
                match response.body.trim().is_empty() || !response.json().is_null() {
                    true => Ok(StoreResult::Stored),
                    false => Err(self.upload.client.unexpected(response, "the receipt of chunks")),
                }
            }
            (413, _) => Ok(StoreResult::TooLarge(self.too_large(response))),
            (400, Some(reason)) if upload_json::is_limit(&reason) => {
                Ok(StoreResult::TooLarge(self.refused(response, &reason)))
            }
            (400, Some(reason)) => Err(self.refused(response, &reason)),
            _ => Err(self.upload.client.denied(response, Permission::SourceMaps, &self.org)),
        }
    }

    /// The error for a request that somebody on the way found too large.
    fn too_large(&self, response: &HttpResponse) -> Error {
        let message = format!(
            "{} or a proxy in front of it refused the source maps as too large: {}",
            self.upload.client.base().host_str().unwrap_or_default(),
            response.describe()
        );
        let failure = Error::new(ErrorCode::SourcemapsRefused, message)
            .with_hint("raise the proxy's limit on request bodies, to 1 MB or more");
        Error { status: Some(response.status), ..failure }
    }

    /// The error for what Sentry refuses in its own words.
    fn refused(&self, response: &HttpResponse, reason: &str) -> Error {
        let message = format!("{} refused the source maps: {reason}", self.host());
        let failure = Error::new(ErrorCode::SourcemapsRefused, message);
        Error { status: Some(response.status), ..failure }
    }

    /// The error for a bundle that is refused; which of its projects does not exist, if it is that.
    async fn bundle_refused(
        &self,
        response: &HttpResponse,
        reason: &str,
        projects: &[String],
    ) -> Error {
        let failure = self.refused(response, reason);
        if !reason.to_lowercase().contains("projects are invalid") {
            return failure;
        }
        for slug in projects {
            if let Err(unknown) = preflight::project(&self.client, &self.org, slug).await
                && unknown.code == ErrorCode::NotAMember
            {
                let message = format!("{}: {}", failure.message, quote(slug));
                return Error { message, ..failure }.with_hint(unknown.hint);
            }
        }
        failure
    }

    /// The error for a bundle that is put together nowhere, or by others.
    async fn nowhere(&mut self, response: &HttpResponse, projects: &[String]) -> Error {
        if !self.has_limits
            && let Err(failure) = self.limits().await
        {
            return failure;
        }
        let failure = self.denied(response);
        if failure.code != ErrorCode::NotAMember {
            return failure;
        }
        let projects: Vec<_> = projects.iter().map(|slug| quote(slug)).collect();
        let message = format!(
            "organization {} or one of its projects {} does not exist on {}, or this token cannot \
             see it ({})",
            self.org,
            projects.join(", "),
            self.host(),
            error_text(&response.json()).unwrap_or_default()
        );
        Error { message, ..failure }
    }
}

impl SentrySourcemaps {
    async fn look_up(
        &mut self,
        project: &str,
        query: &str,
        read: impl Fn(&Value) -> Option<LookupAnswer>,
    ) -> Result<LookupAnswer> {
        let (org, project) = (segment(self.org.as_str()), segment(project));
        let path = format!("/api/0/projects/{org}/{project}/artifact-lookup/?{query}");
        let response = self.client.get_optional(path).await?;
        let answer = response.is_success().then(|| read(&response.json())).flatten();
        Ok(match answer {
            Some(answer) => answer,
            None if upload_json::has_no_lookup(&response) => LookupAnswer::Unsupported,
            None => LookupAnswer::Unclear(unclear(&response)),
        })
    }
}

/// What was answered in the place of a list of files.
fn unclear(response: &HttpResponse) -> String {
    match response.is_success() {
        true => format!("the answer is no list of files: {}", response.describe()),
        false => format!("the look-up was answered by {}", response.describe()),
    }
}

impl SourcemapBackend for SentrySourcemaps {
    async fn limits(&mut self) -> Result<UploadLimits> {
        let response = self.client.get(self.path("chunk-upload/")).await?;
        if !response.is_success() {
            return Err(self.denied(&response));
        }
        let body = response.json();
        let Some(limits) = upload_limits(&body) else {
            return Err(self.client.unexpected(&response, "the limits of uploads"));
        };
        upload_json::check_accepts(&body, self.client.base())?;
        if let Some(url) = body["url"].as_str() {
            self.upload = UploadAddress::told(&self.client, &self.org, url)?;
        }
        let at_once = body["concurrency"].as_u64().and_then(|number| usize::try_from(number).ok());
        self.at_once = at_once.map_or(AT_ONCE, |number| number.clamp(1, AT_ONCE));
        self.has_limits = true;
        Ok(limits)
    }

    async fn store(&mut self, requests: Vec<Vec<(String, Vec<u8>)>>) -> Result<StoreResult> {
        let request = |chunks| {
            let (method, files) = (Method::POST, Some(files_body(chunks)?));
            Ok(SentryRequest { method, files, ..SentryRequest::get(String::new()) })
        };
        let mut requests = requests.into_iter().map(request).collect::<Result<Vec<_>>>()?;
        let mut responses = self.send_files(&mut requests).await?;
        let is_elsewhere = |response: &HttpResponse| matches!(response.status, 404 | 405);
        if !self.has_limits && responses.iter().any(is_elsewhere) {
            self.limits().await?;
            responses = self.send_files(&mut requests).await?;
        }
        let results = responses.iter().map(|response| self.stored(response));
        let results = results.collect::<Result<Vec<_>>>()?;
        let refused = results.into_iter().find(|result| *result != StoreResult::Stored);
        Ok(refused.unwrap_or(StoreResult::Stored))
    }

    async fn assemble(
        &mut self,
        bundle: &ChunkedBundle,
        target: &BundleTarget,
    ) -> Result<AssembleState> {
        let body = upload_json::assemble_body(bundle, target);
        let path = self.path("artifactbundle/assemble/");
        let request = SentryRequest::post(path, &body, RetryPolicy::Safe);
        let response = self.client.send(&request).await?;
        match (response.status, upload_json::refusal(&response)) {
            _ if response.is_success() => bundle_state(&response.json())
                .ok_or_else(|| self.client.unexpected(&response, "the state of a bundle")),
            (400, Some(reason)) => {
                Err(self.bundle_refused(&response, &reason, &target.projects).await)
            }
            (404 | 405, _) => Err(self.nowhere(&response, &target.projects).await),
            _ => Err(self.denied(&response)),
        }
    }

    async fn finds(&mut self, project: &str, id: &DebugId) -> Result<LookupAnswer> {
        self.look_up(project, &format!("debug_id={id}"), upload_json::found_by_id).await
    }

    async fn finds_soon(&mut self, project: &str, id: &DebugId) -> Result<LookupAnswer> {
        let left = self.client.deadline().saturating_duration_since(Instant::now());
        let late = LookupAnswer::Unclear("the answer is late".to_owned());
        let answer = timeout(SOON.min(left / 4), self.finds(project, id)).await;
        answer.unwrap_or(Ok(late))
    }

    async fn holds(&mut self, project: &str, bundle: &DebugId, id: &DebugId) -> Result<bool> {
        self.lists(project, bundle, id).await
    }

    async fn finds_address(
        &mut self,
        project: &str,
        file: FileAddress<'_>,
    ) -> Result<LookupAnswer> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("url", file.url);
        let rest = [("release", file.release), ("dist", file.dist)];
        query.extend_pairs(rest.into_iter().filter_map(|(name, value)| Some((name, value?))));
        self.look_up(project, &query.finish(), upload_json::found_by_address).await
    }

    async fn pause(&mut self, pause: Duration) -> bool {
        let left = self.client.deadline().saturating_duration_since(Instant::now());
        let Some(left) = left.checked_sub(LAST_REQUEST).filter(|left| !left.is_zero()) else {
            return false;
        };
        sleep(pause.min(left)).await;
        true
    }
}
