//! A Sentry, SaaS or self-hosted, as the driver's pipeline, in the dialect that it speaks.

pub(crate) mod bundle_files;
mod client;
mod code_mappings;
mod deploys;
mod inventory;
mod links;
mod org_config;
pub(crate) mod pipeline;
mod preflight;
mod release;
mod release_directory;
mod release_history;
mod release_json;
mod removal;
mod repositories;
mod resume_file;
mod sourcemaps;
mod upload_address;
mod upload_json;

use super::sentry::pipeline::api::{ApiPipeline, StartResult};
use super::sentry::pipeline::web::WebPipeline;
use crate::error::{Error, Result};
use crate::http::retry::RetryPolicy;
use crate::http::{self, HttpResponse, ServerConnection};
use crate::inputs::RequestHeader;
use crate::inputs::types::Dialect;
use crate::integration::{IntegrationTask, Pipeline, PipelineStart, StepResult, StepView};
use crate::model::organization_domain::is_saas_host;
use crate::model::site::Site;
use crate::model::{Fields, FinishedIntegration, IntegrationHealth, ListedIntegration, OrgSlug};
use crate::provider::{INITIAL, IntegrationMatch};
use crate::secret::Secret;
use crate::text::segment;
use client::permission::Permission;
use client::{SentryClient, organization_path, permission, response};
use pipeline::{api, html};
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

pub use inventory::inventory;
pub use preflight::{CheckVerdict, CheckedTask, PreflightClient, TokenOwner};
pub use release::SentryReleases;
pub use release_directory::{ListedRelease, ListedRepository, ReleaseDirectory};
pub use resume_file::{ResumeFile, SuspendedPipeline};
pub use sourcemaps::SentrySourcemaps;

/// What is taken from an answer, whatever it is: its texts for a person first, and the cursor of the
/// next page. The way in for `tests/fuzz`.
#[doc(hidden)]
pub fn response_texts(body: &str, link: &str) -> (Vec<String>, Option<String>) {
    let json = serde_json::from_str(body).unwrap_or_default();
    let mut texts: Vec<_> = response::error_text(&json).into_iter().collect();
    let mut pairs = response::field_errors(&json);
    match html::SetupPage::read(body) {
        html::SetupPage::Error(reason) => texts.push(reason),
        html::SetupPage::Form { errors, .. } => pairs.extend(errors),
        html::SetupPage::Finish(_) | html::SetupPage::Other => {}
    }
    texts.extend(pairs.into_iter().flat_map(|(field, reason)| [field, reason]));
    (texts, response::next_cursor(link).ok().flatten())
}

/// The most characters of a name in a listing.
const LONGEST_NAME: usize = 1000;

/// How a Sentry is reached.
pub struct ConnectOptions {
    /// The server that has the pipelines: the control host on SaaS.
    pub url: Url,
    /// A user's token.
    pub token: Secret,
    /// Where that was given: a variable, a flag, or a place in the manifest.
    pub token_origin: String,
    /// What each request has besides.
    pub headers: Vec<RequestHeader>,
    /// When the whole run has to be over.
    pub deadline: Instant,
    /// What all share that speak to the server.
    pub connection: ServerConnection,
}

/// A Sentry backend at work for one organization.
pub struct SentryBackend<'a> {
    client: SentryClient,
    task: &'a IntegrationTask,
    dialect: Dialect,
    api: ApiPipeline,
    /// There while the set-up pages are used.
    web: Option<WebPipeline>,
    /// Whether another process began the pipeline, so that its answers are not known.
    is_resumed: bool,
    /// Whether a pipeline has finished in this run.
    has_finished: bool,
}

impl<'a> SentryBackend<'a> {
    /// Prepares the client; nothing is sent yet.
    pub fn new(
        options: ConnectOptions,
        task: &'a IntegrationTask,
        dialect: Dialect,
    ) -> Result<Self> {
        let client = SentryClient::new(options, http::USER_AGENT)?;
        let permission = if task.is_removal() { Permission::Removal } else { Permission::Pipeline };
        if !task.is_link() {
            client.check_user_token(permission)?;
        }
        Ok(Self {
            client,
            task,
            dialect,
            api: ApiPipeline::default(),
            web: None,
            is_resumed: false,
            has_finished: false,
        })
    }

    /// The organization's integrations of a provider, by name.
    pub async fn list(&self) -> Result<Vec<ListedIntegration>> {
        let integration_key = self.task.provider_key();
        let key = segment(integration_key);
        // The older servers know the first spelling only, the newer ones both.
        let config = u8::from(self.task.provider.lists_config());
        let path = self.path(&format!(
            "integrations/?provider_key={key}&providerKey={key}&includeConfig={config}"
        ));
        let items = self.pages(&path, RetryPolicy::Safe, Permission::ListIntegrations).await?;
        let ours = |item: &&Value| item["provider"]["key"] == integration_key;
        Ok(items.iter().filter(ours).filter_map(listed).collect())
    }

    /// Keeps what was listed, so that a finish whose answer is lost is found among what is new.
    pub fn remember_existing(&mut self, listed: &[ListedIntegration]) {
        self.api.existing = listed.to_vec();
    }

    /// Every item of a listing.
    async fn pages(
        &self,
        path: &str,
        retry: RetryPolicy,
        permission: Permission,
    ) -> Result<Vec<Value>> {
        self.client.get_all(path, retry, |response| self.denied(response, permission)).await
    }

    /// Where the organization's pages are: at its own domain, where the backend names one.
    pub async fn site(&self) -> Site {
        let base = self.client.base();
        let response =
            self.client.get_optional(self.path("")).await.ok().filter(HttpResponse::is_success);
        let body = response.map(|response| response.json()).unwrap_or_default();
        let link = |name: &str| body["links"][name].as_str().and_then(|url| Url::parse(url).ok());
        // A region that has this address, too, is a server and no domain of an organization.
        let is_server = |own: &Url| {
            own.origin() != base.origin()
                && link("regionUrl").is_some_and(|region| region.origin() == own.origin())
        };
        match link("organizationUrl").filter(|own| !is_server(own)) {
            Some(own) => Site::of_organization(base, self.task.org.as_str(), &own),
            None => Site::new(base.as_str()),
        }
    }

    /// A path below the organization.
    fn path(&self, rest: &str) -> String {
        organization_path(&self.task.org, rest)
    }

    /// The first request of a pipeline, for the plan; what the state brings to it is not shown.
    pub fn first_request(&self) -> String {
        if self.task.provider.direct_enable() {
            return self.client.describe_post(&self.direct_enable_path(), &json!({}));
        }
        let mut body = api::initialize(self.task);
        let initial = body.get_mut(INITIAL).and_then(Value::as_object_mut);
        initial.into_iter().flatten().for_each(|(_, value)| *value = "***".into());
        self.client.describe_post(&self.path(api::PIPELINE), &body)
    }

    /// Of what is listed now, the integration that was not there before and may be ours.
    pub(crate) fn new_integration(
        &self,
        listed: Vec<ListedIntegration>,
    ) -> Option<FinishedIntegration> {
        let was_there = |one: &ListedIntegration| {
            self.api.existing.iter().any(|before| before.id == one.id && before.active)
        };
        // Another one may have come meanwhile that is not ours.
        let is_ours = |one: &ListedIntegration| {
            self.is_resumed
                || self.task.provider.matches(&self.task.answers, one) != IntegrationMatch::Other
        };
        let is_new = |one: &ListedIntegration| one.active && !was_there(one) && is_ours(one);
        listed.into_iter().find(is_new).map(|one| self.finished_as(one))
    }

    /// The integration of a pipeline that has surely finished: a new one, or the one that it renewed.
    pub(crate) async fn find_finished(&self) -> Result<Option<FinishedIntegration>> {
        let task = self.task;
        let is_renewed = |one: &&ListedIntegration| {
            let matched = task.provider.matches(&task.answers, one);
            self.api.renewed == Some(one.id)
                || matches!(matched, IntegrationMatch::Same | IntegrationMatch::Differs)
        };
        let look = async || {
            let listed = self.list().await?;
            let renewed = listed.iter().find(is_renewed).cloned();
            let new = self.new_integration(listed);
            Ok(new.or_else(|| renewed.map(|one| self.finished_as(one))))
        };
        self.client.look_for(look).await
    }

    /// A finish that left this behind.
    fn finished_as(&self, one: ListedIntegration) -> FinishedIntegration {
        let integration_key = self.task.provider_key().to_owned();
        FinishedIntegration { id: one.id, integration_key, name: one.name, changed: true }
    }

    /// The end of a step whose answer nobody saw arrive: a finish that is there all the same, or
    /// the failure.
    async fn complete_or(&self, failure: Error) -> Result<StepResult> {
        let look = async || Ok(self.new_integration(self.list().await?));
        let found = self.client.look_for(look).await.ok().flatten();
        found.map(StepResult::Complete).ok_or(failure)
    }

    /// The step that was last shown.
    pub fn step(&self) -> &str {
        &self.api.step
    }

    /// What another process needs to go on with the step that waits.
    pub fn suspended(&self, integration_id: Option<i64>) -> SuspendedPipeline {
        SuspendedPipeline {
            step: self.api.step.clone(),
            cookies: self.client.cookies(),
            next: self.task.next.clone(),
            integration_id,
        }
    }

    /// When the whole run has to be over.
    pub fn deadline(&self) -> Instant {
        self.client.deadline()
    }

    /// The organization.
    pub fn org(&self) -> &OrgSlug {
        &self.task.org
    }

    /// Whether our own session can go on after a browser: the set-up pages know only the browser's.
    pub fn has_session(&self) -> bool {
        !self.api.step.is_empty()
    }

    /// The server, the organization and the provider.
    pub fn key(&self) -> String {
        format!("{}/{}", self.organization_key(), self.task.key)
    }

    /// The server and the organization.
    pub fn organization_key(&self) -> String {
        format!("{}/{}", self.client.base().authority(), self.task.org)
    }

    /// Goes on with a pipeline that another process began.
    pub async fn resume(&mut self, waiting: &SuspendedPipeline) -> Result<StepView> {
        self.is_resumed = true;
        self.api.renewed = waiting.integration_id;
        self.client.set_cookies(&waiting.cookies);
        let response = self.read_pipeline(RetryPolicy::Safe).await?;
        match response.status {
            _ if response.is_success() => match self.read_step(&response)? {
                view if view.id == waiting.step => {
                    self.api.existing = self.list().await?;
                    Ok(view)
                }
                _ => {
                    self.api.step.clone_from(&waiting.step);
                    Err(permission::expired(&response).into())
                }
            },
            404 if response.is_from_sentry() => {
                self.api.is_over = true;
                Err(permission::expired(&response).into())
            }
            500..=599 => Err(permission::unreadable(&response).into()),
            _ => Err(self.denied(&response, Permission::Pipeline)),
        }
    }

    /// Whether the pipeline is over for good, so that nobody can go on with it.
    pub fn is_over(&self) -> bool {
        self.api.is_over
    }

    /// Whether the server is a Sentry of one's own: the SaaS has no such pages, and what answers
    /// nothing at its root is none.
    async fn has_pages(&self) -> bool {
        let host = self.client.base().host_str().unwrap_or_default();
        if is_saas_host(host) {
            return false;
        }
        self.client
            .get("/api/0/")
            .await
            .is_ok_and(|response| response.is_success() && response.json()["version"].is_string())
    }

    fn denied(&self, response: &HttpResponse, permission: Permission) -> Error {
        self.client.denied(response, permission, &self.task.org)
    }
}

impl Pipeline for SentryBackend<'_> {
    async fn initialize(&mut self, begin: PipelineStart<'_>) -> Result<StepView> {
        self.api.renewed = begin.integration_id;
        if self.dialect == Dialect::Web {
            return self.start_pages().await.map_err(without_status);
        }
        match self.start().await? {
            StartResult::Step(view) => Ok(view),
            StartResult::NoEndpoint(_)
                if self.dialect == Dialect::Auto && self.has_pages().await =>
            {
                tracing::info!(
                    "the server has no pipeline endpoint; using its setup pages (`dialect: web`)"
                );
                self.start_pages().await.map_err(without_status)
            }
            StartResult::NoEndpoint(response) => Err(self.no_endpoint(&response)),
        }
    }

    async fn advance(&mut self, fields: &Fields) -> Result<StepResult> {
        let result = match self.web {
            Some(_) => self.answer_page(fields).await.map_err(without_status),
            None => self.advance(fields).await,
        };
        self.has_finished |= matches!(result, Ok(StepResult::Complete(_)));
        result
    }

    /// The session ends by itself within the hour; nothing else was stored.
    async fn abandon(&mut self) -> Result {
        Ok(())
    }
}

/// A page's status does not show who refused: a refusal is a good page, an error 500 may be one.
fn without_status(failure: Error) -> Error {
    Error { status: None, ..failure }
}

fn listed(item: &Value) -> Option<ListedIntegration> {
    let text = |name: &str| shortened(item[name].as_str().unwrap_or_default());
    let status = |name: &str| item[name].as_str().map(str::to_owned);
    let id = item["id"].as_str().and_then(|id| id.parse().ok()).or_else(|| item["id"].as_i64())?;
    let is_active = |name: &str| item[name].as_str().is_none_or(|status| status == "active");
    let statuses = ["organizationIntegrationStatus", "status"].map(|name| item[name].as_str());
    let deletion = statuses.into_iter().flatten().find(|status| status.contains("deletion"));
    Some(ListedIntegration {
        id,
        external_id: text("externalId"),
        name: text("name"),
        domain_name: item["domainName"].as_str().map(str::to_owned),
        active: is_active("status") && is_active("organizationIntegrationStatus"),
        deletion: deletion.map(str::to_owned),
        health: IntegrationHealth {
            status: status("status"),
            link_status: status("organizationIntegrationStatus"),
            grace_period_end: status("gracePeriodEnd"),
            is_outdated: item["outOfDate"] == true,
        },
        config: item["configData"].as_object().cloned(),
        stored: None,
    })
}

/// A text of a listing: Sentry's own are 200 characters at most, and each is searched for secrets.
fn shortened(text: &str) -> String {
    text.chars().take(LONGEST_NAME).collect()
}
