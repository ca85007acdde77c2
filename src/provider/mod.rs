//! What each third party needs: its steps and fields, how to recognise an integration that is
//! there, and how to build the one to store. Descriptions only: no provider does I/O.
//!
//! To add a provider: one file here, its `mod` line and its line in [`PROVIDERS`], and one folder
//! under `tests/fixtures/`.

pub(crate) mod auth;
mod aws_lambda;
mod bitbucket;
mod bitbucket_server;
mod claude_code;
mod cursor;
mod cursor_origin;
mod custom_scm;
mod datadog;
mod datadog_pat;
mod description;
mod discord;
mod drawn_values;
pub mod evidence;
mod example;
pub mod fields;
mod gcp;
mod gcp_sa;
mod gitea;
mod github;
mod github_copilot;
mod github_enterprise;
mod gitlab;
mod jira;
mod jira_server;
mod msteams;
mod opsgenie;
mod outpost;
mod pagerduty;
mod perforce;
pub mod request;
mod sentry_only;
mod service_table;
mod slack;
mod slack_staging;
mod undescribed;
pub(crate) mod vendor_words;
mod vercel;
mod vsts;
mod vsts_extension;

use crate::error::{Error, ErrorCode};
use crate::model::{Fields, IntegrationData, ListedIntegration, Object, Refusal, State};
use crate::text::quote;
use crate::text::suggest::closest;
use request::{VendorRequest, VendorResponse};
use serde_json::{Value, json};

pub(crate) use auth::app::APP;
pub use auth::app::parse_app;
pub use description::ProviderDescription;
pub use fields::answers::{AllowedSteps, field_errors, parse, parse_given, parse_partial};
pub use fields::compare::{ComparedField, FieldComparison, compare_fields};
pub use fields::given_secrets::given_secrets;
pub use fields::recover::{RecoveredField, RecoveredState, recover_state};
pub use fields::step::Step;
pub use fields::step_answers::Answers;
pub use fields::{Field, FieldKind, FieldSource, INITIAL};

/// The name under which a pipeline that begins with something keeps for whom it is: the name of
/// the organization.
pub const ORGANIZATION: &str = "organization";

/// What a provider answers, if anything, or its refusal.
pub type Result<T = (), E = Refusal> = std::result::Result<T, E>;

/// Every provider, in the order that help lists them.
pub const PROVIDERS: &[&dyn Provider] = &[
    &github::GitHub,
    &github_enterprise::GitHubEnterprise,
    &gitlab::Gitlab,
    &gitea::Gitea,
    &bitbucket::Bitbucket,
    &bitbucket_server::BitbucketServer,
    &jira::Jira,
    &jira_server::JiraServer,
    &github_copilot::GITHUB_COPILOT,
    &custom_scm::CustomScm,
    &perforce::PERFORCE,
    &vsts::Vsts,
    &vsts_extension::VSTS_EXTENSION,
    &slack::Slack,
    &slack_staging::SLACK_STAGING,
    &discord::Discord,
    &msteams::MSTEAMS,
    &opsgenie::Opsgenie,
    &pagerduty::PagerDuty,
    &datadog::Datadog,
    &datadog_pat::DATADOG_PAT,
    &vercel::Vercel,
    &aws_lambda::AWS_LAMBDA,
    &gcp::GCP,
    &gcp_sa::GCP_SA,
    &cursor::Cursor,
    &cursor_origin::CURSOR_ORIGIN,
    &claude_code::CLAUDE_CODE,
    &outpost::Outpost,
    &example::Example,
];

/// A third party that an organization can connect: how it behaves. What it is called and asks for
/// is data, in its [`ProviderDescription`].
pub trait Provider: Sync {
    /// Its names, texts, steps and fields.
    fn description(&self) -> &ProviderDescription;

    /// What a step shows before it is answered. What is fresh may be bound to the state, and a
    /// second look must show the same.
    fn step_data(&self, _step: &Step, _state: &mut State, _fresh: &FreshValues) -> Object {
        Object::new()
    }

    /// What the step shows when it stays although its fields fit: it waits for something that
    /// only a person can do.
    fn stay_data(&self, _step: &Step, _fields: &Fields, _state: &State) -> Option<Object> {
        None
    }

    /// Checks what in an answer is signed, and good for a while only; `now` is in seconds since
    /// 1970.
    fn verify(&self, _step: &Step, _fields: &Fields, _state: &State, _now: i64) -> Result {
        Ok(())
    }

    /// Puts a step's answer, whose fields are checked, into the state.
    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result;

    /// What must be fetched from the third party before [`Self::build`], one thing at a time;
    /// `None` when the state lacks nothing.
    fn next_request(&self, _step: &Step, _state: &State) -> Result<Option<VendorRequest>> {
        Ok(None)
    }

    /// Binds what came back under the request's name. Must bind something that
    /// [`Self::next_request`] looks at.
    fn bind_response(&self, _name: &str, _response: &VendorResponse, _state: &mut State) -> Result {
        Ok(())
    }

    /// Which integrations these answers may describe; [`Self::matches`] calls any other one
    /// [`IntegrationMatch::Other`]. Where many are kept, no other one is read.
    fn candidates(&self, _answers: &Answers) -> ListingFilter {
        ListingFilter::All
    }

    /// What tells the account of these answers from others of the provider, where they have it: two
    /// finishes with the same text are about one integration. It may be a secret.
    fn account(&self, answers: &Answers) -> Option<String> {
        match self.candidates(answers) {
            ListingFilter::ExternalId(text) | ListingFilter::Name(text) => {
                Some(text).filter(|text| !text.is_empty())
            }
            ListingFilter::All => None,
        }
    }

    /// Whether a listed integration is the one that these answers describe.
    fn matches(&self, _answers: &Answers, _listed: &ListedIntegration) -> IntegrationMatch {
        IntegrationMatch::CannotTell
    }

    /// The fields of `state` as far as a listed integration shows them; `null` is a field that was
    /// given and is not shown.
    fn recover_fields(&self, _listed: &ListedIntegration) -> Object {
        Object::new()
    }

    /// What these answers say otherwise than a listed integration of theirs, and a finish will not
    /// change; for a person.
    fn ignored_change(&self, _answers: &Answers, _listed: &ListedIntegration) -> Option<String> {
        None
    }

    /// The secret that a listed integration has of a field, empty where it has none; `None` where
    /// nothing shows it. It is compared by [`Self::matches`], and never shown.
    fn stored_secret(
        &self,
        _field: &str,
        _answers: &Answers,
        _listed: &ListedIntegration,
    ) -> Option<String> {
        None
    }

    /// What another finish does at a Sentry to what the organization has configured; for a person.
    fn repeated_finish(&self, _answers: &Answers, _listed: &ListedIntegration) -> Option<String> {
        None
    }

    /// What has to be set in the organization's configuration after a finish at a Sentry, where that
    /// leaves it otherwise.
    fn settled_config(&self, _answers: &Answers, _config: &Object) -> Option<Object> {
        None
    }

    /// Turns a complete state into the integration to store.
    fn build(&self, state: &State) -> Result<IntegrationData>;

    /// The organization's own configuration after the finish; `None` leaves it as it is.
    fn org_config(&self, _state: &State, _link: OrgLink<'_>) -> Option<Object> {
        None
    }

    /// What a person sees of the organization's own configuration: its fields, and what stands in
    /// them, as Sentry's listing has them.
    fn display_config(&self, _config: &Object) -> Option<(Value, Value)> {
        None
    }

    /// The secret texts in a step's answer, to be masked one by one.
    fn secrets(&self, step: &Step, fields: &Fields) -> Vec<String> {
        let secret = |field: &&Field| field.secret;
        let text = |field: &Field| fields.get(field.name)?.as_str().map(str::to_owned);
        step.fields.iter().filter(secret).filter_map(text).collect()
    }
}

/// An organization's link to an integration, while it is being configured.
#[derive(Clone, Copy)]
pub struct OrgLink<'a> {
    /// The link's own id.
    pub id: i64,
    /// The integration's id.
    pub integration_id: i64,
    /// The configuration so far.
    pub config: &'a Object,
}

impl OrgLink<'_> {
    /// The configuration with these rows in the table of this name.
    fn with_table(&self, name: &str, rows: Vec<Value>) -> Object {
        let mut config = self.config.clone();
        config.insert(name.to_owned(), rows.into());
        config
    }
}

/// A table of the organization's configuration as Sentry's listing shows it.
fn config_table(name: &str, rows: Vec<Value>) -> (Value, Value) {
    (json!([{ "name": name, "type": "table" }]), json!({ name: rows }))
}

/// Values that nobody could know before, for a step that needs them.
pub struct FreshValues {
    /// The random value that a callback must bring back.
    pub nonce: String,
    /// Another one, of 43 characters, that is shown to nobody.
    pub verifier: String,
    /// Where the third party sends the person's browser.
    pub redirect_uri: String,
}

impl FreshValues {
    /// A random id of 32 hex digits, which may be shown.
    pub fn id(&self) -> &str {
        self.nonce.get(..32).unwrap_or(&self.nonce)
    }
}

/// Whether a listed integration is the one that the inputs describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntegrationMatch {
    /// It is, and nothing that can be compared differs.
    Same,
    /// It is, but what is stored differs: a rotated key, say.
    Differs,
    /// It is another one.
    Other,
    /// The inputs do not tell.
    CannotTell,
}

impl IntegrationMatch {
    /// The same integration, with or without differences.
    pub fn same_or_differs(is_same: bool) -> Self {
        if is_same { Self::Same } else { Self::Differs }
    }

    /// The same integration, or another one.
    fn same_or_other(is_same: bool) -> Self {
        if is_same { Self::Same } else { Self::Other }
    }

    /// By the external id, where the inputs have it.
    fn by_external_id(id: &str, listed: &ListedIntegration) -> Self {
        if id.is_empty() { Self::CannotTell } else { Self::same_or_other(listed.external_id == id) }
    }
}

/// Which of a provider's integrations to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListingFilter {
    /// Each.
    All,
    /// The one with this external id.
    ExternalId(String),
    /// Those with this name.
    Name(String),
}

impl ListingFilter {
    /// The one with this external id, where the answers have it.
    fn by_external_id(id: &str) -> Self {
        if id.is_empty() { Self::All } else { Self::ExternalId(id.to_owned()) }
    }
}

/// Finds a provider by its key; the error of an unknown one has the key that it came near to.
pub fn find(key: &str) -> Result<&'static dyn Provider, Error> {
    PROVIDERS.iter().copied().find(|provider| provider.key() == key).ok_or_else(|| {
        let message = format!("unknown provider {}", quote(key));
        let error = Error::new(ErrorCode::UnknownProvider, message);
        match closest(key, PROVIDERS.iter().map(|provider| provider.key())) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error,
        }
    })
}

/// Stands in for a provider that we do not describe, and a Sentry may know.
pub fn undescribed() -> &'static dyn Provider {
    &undescribed::UndescribedProvider
}
