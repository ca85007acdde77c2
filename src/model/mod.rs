//! The records that a finish is about, in Sentry's words.

pub mod integration_health;
pub mod organization_domain;
mod record_id;
pub mod site;
pub mod state;
pub mod token;

use crate::error::{Error, ErrorCode};
use crate::text::words::word_enum;
use serde_json::{Map, Value};
use std::fmt;

pub use integration_health::IntegrationHealth;
pub use record_id::RecordId;
pub use state::{Fields, State, signature};

/// A JSON object: metadata, configuration, the data of a step.
pub type Object = Map<String, Value>;

/// The value as an object; another kind of value is an empty one.
pub(crate) fn object(value: Value) -> Object {
    if let Value::Object(object) = value { object } else { Object::new() }
}

/// An organization's slug: 1 to 50 letters, digits, `-` and `_`, so it cannot leave its path segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrgSlug(String);

impl OrgSlug {
    /// Checks the slug; `None` when Sentry would not have it.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=50).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        fits.then(|| Self(text.to_owned()))
    }

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrgSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

word_enum! {
    /// What a pipeline is for: Sentry's analytics call it `pipeline_type`.
    pub enum PipelineType {
        /// The state names no integration.
        Install = "install",
        /// The state already names the integration.
        Reauth = "reauth",
    }
}

word_enum! {
    /// The state of an integration, or of an organization's link to it, in the words of Sentry's API.
    pub enum IntegrationStatus {
        /// In use.
        Active = "active",
        /// Switched off.
        Disabled = "disabled",
        /// Marked for deletion; finishing again revives it.
        PendingDeletion = "pending_deletion",
        /// Being deleted now; finishing again has to wait.
        DeletionInProgress = "deletion_in_progress",
    }
}

/// What a provider builds from a complete state: the integration to store.
#[derive(Clone, Default, PartialEq)]
pub struct IntegrationData {
    /// The third party's own id for the installation; unique within a provider.
    pub external_id: String,
    /// The name people see; the external id when absent.
    pub name: Option<String>,
    /// Facts about the installation, some of them secret.
    pub metadata: Object,
    /// What to do with a row that is already there, or is not.
    pub row: RowPolicy,
    /// Names in the metadata that keep the value of a row that is already there.
    pub kept_metadata: &'static [&'static str],
    /// The installer's account at the third party.
    pub user_identity: Option<UserIdentity>,
    /// What the identity provider is known by; the external id when absent.
    pub idp_external_id: Option<String>,
    /// The identity provider's configuration.
    pub idp_config: Object,
}

/// A person's account at the third party.
#[derive(Clone, Default, PartialEq)]
pub struct UserIdentity {
    /// The kind of identity provider, e.g. `gitlab`.
    pub kind: &'static str,
    /// The account's own id there.
    pub external_id: String,
    /// What the account has granted.
    pub scopes: Vec<String>,
    /// Its tokens.
    pub data: Object,
}

/// How the integration's row is treated at the finish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowPolicy {
    /// Created, or overwritten wholesale.
    #[default]
    Overwrite,
    /// Created; one that is there keeps name and metadata.
    Keep,
    /// Must be there already (`expect_exists`), and keeps name and metadata.
    Expect,
}

impl IntegrationData {
    /// An integration with nothing but its external id.
    pub fn new(external_id: impl Into<String>) -> Self {
        Self { external_id: external_id.into(), ..Self::default() }
    }
}

/// An organization's integration as a backend lists it.
#[derive(Clone)]
pub struct ListedIntegration {
    /// The integration's id.
    pub id: i64,
    /// The third party's own id for it.
    pub external_id: String,
    /// The name people see.
    pub name: String,
    /// Where the installation is, e.g. `gitlab.com/acme`.
    pub domain_name: Option<String>,
    /// Whether both the integration and the organization's link are active.
    pub active: bool,
    /// The status of one that is being deleted, so that a finish may not bring it back.
    pub deletion: Option<String>,
    /// How it fares.
    pub health: IntegrationHealth,
    /// The organization's own configuration, as far as a Sentry lists it.
    pub config: Option<Object>,
    /// What is stored, secrets included: only the embedded engine tells.
    pub stored: Option<StoredSecrets>,
}

/// What the embedded engine has stored for an organization's integration.
#[derive(Clone)]
pub struct StoredSecrets {
    /// The integration's metadata.
    pub metadata: Object,
    /// The organization's own configuration.
    pub config: Object,
    /// The data of the default identity.
    pub identity: Option<Object>,
}

/// What a finish left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedIntegration {
    /// The integration's id.
    pub id: i64,
    /// The provider's key in storage and in the settings URL.
    pub integration_key: String,
    /// The name people see.
    pub name: String,
    /// Whether anything stored is different from before.
    pub changed: bool,
}

/// A provider's, or the pipeline's, no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which kind of no.
    pub code: ErrorCode,
    /// The reason, for a person; never a secret.
    pub message: String,
    /// The HTTP status of whoever refused.
    pub status: Option<u16>,
    /// Whether nobody refused: the third party was not reached, or did not answer.
    pub is_silence: bool,
    /// Who refused, if a third party was asked: its name and host.
    pub third_party: Option<String>,
    /// What the reader can change, where it is known better than by the kind.
    pub hint: Option<String>,
}

impl Refusal {
    /// The same, but the third party answered with an error.
    pub(crate) fn by_provider(self) -> Self {
        Self { code: ErrorCode::ProviderError, ..self }
    }

    /// The same of the third party that was asked, by its name and host, with what is known to help.
    pub(crate) fn of_third_party(self, asked: String, advice: Option<String>) -> Self {
        let by_words = || {
            format!(
                "correct `state`, or the settings of {asked}, as its own words say; then start again \
                 with `finishline run`"
            )
        };
        let hint = match self.is_silence {
            true => Some(format!(
                "check that this machine can reach {asked}, then run again; for a private \
                 certificate authority, set `ca-file`"
            )),
            false => advice
                .map(|advice| format!("{advice}. Then start over: remove the input `callback-url` (on a command line, also `finishline run` in place of `resume`), run the job again, and approve again if it asks"))
                .or_else(|| (self.code == ErrorCode::Refused).then(by_words)),
        };
        Self { third_party: Some(asked), hint, ..self }
    }

    /// The integration cannot be built or stored.
    pub fn failure(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Refused, message)
    }

    /// A refusal without a status.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            status: None,
            is_silence: false,
            third_party: None,
            hint: None,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let message = match refusal.third_party {
            Some(asked) => format!("{asked}: {}", refusal.message),
            None => refusal.message,
        };
        let failure = Self { status: refusal.status, ..Self::new(refusal.code, message) };
        match refusal.hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_cannot_leave_its_path_segment() {
        for bad in ["", "a/b", "..", "a b", "a?b", "é", &"a".repeat(51)] {
            assert!(OrgSlug::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(OrgSlug::parse("acme-1_x").unwrap().as_str(), "acme-1_x");
    }
}
