//! What will be done about an integration: nothing, an install, or a reauth.

use crate::error::{Error, ErrorCode, Result};
use crate::model::PipelineType;

/// What will be done about the integration.
#[derive(Clone)]
pub enum Decision {
    /// This one is there, matches and is active.
    UpToDate {
        /// Its id.
        id: i64,
        /// Its name.
        name: String,
    },
    /// The pipeline runs, to install.
    Install(DecisionReason),
    /// The pipeline runs, to renew the integration with this id.
    Reauth(i64),
}

/// Why the pipeline runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionReason {
    /// `mode: install` runs in any case.
    Requested,
    /// The organization has no such integration.
    Missing,
    /// The one with this id is there, but what is stored differs.
    Differs(i64),
    /// The one with this id is there, but not active.
    Inactive(i64),
}

/// What a run could not carry out, in words.
pub enum PlanObstacle {
    /// The integration is being deleted.
    Deletion(String),
    /// A field that no finish changes.
    KeptField(String),
}

impl Decision {
    /// What the pipeline is for.
    pub fn pipeline_type(&self) -> PipelineType {
        match self {
            Self::Reauth(_) => PipelineType::Reauth,
            Self::UpToDate { .. } | Self::Install(_) => PipelineType::Install,
        }
    }

    /// Whether the finish landed where it was to; `integration-mismatch` names both.
    pub fn check_finished(&self, finished: i64) -> Result {
        match self.integration_id() {
            Some(named) if named != finished => {
                let message = format!(
                    "cannot re-authorize integration {named}: the account belongs to integration {finished}"
                );
                Err(Error::new(ErrorCode::IntegrationMismatch, message))
            }
            _ => Ok(()),
        }
    }

    /// The word for what a finish that changes something does.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Reauth(_) => "re-authorized",
            Self::Install(DecisionReason::Differs(_)) => "updated",
            Self::UpToDate { .. } | Self::Install(_) => "installed",
        }
    }

    /// The integration to renew.
    pub fn integration_id(&self) -> Option<i64> {
        match self {
            Self::Reauth(id) => Some(*id),
            Self::UpToDate { .. } | Self::Install(_) => None,
        }
    }

    /// The integration that is meant, when it is there.
    pub fn existing_id(&self) -> Option<i64> {
        match self {
            Self::UpToDate { id, .. }
            | Self::Reauth(id)
            | Self::Install(DecisionReason::Differs(id) | DecisionReason::Inactive(id)) => {
                Some(*id)
            }
            Self::Install(DecisionReason::Requested | DecisionReason::Missing) => None,
        }
    }

    /// The reason, for a person.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::UpToDate { .. } => "the integration exists, matches and is active",
            Self::Install(DecisionReason::Requested) => "`mode: install` always installs",
            Self::Install(DecisionReason::Missing) => "the integration does not exist yet",
            Self::Install(DecisionReason::Differs(_)) => {
                "the stored integration differs from the inputs"
            }
            Self::Install(DecisionReason::Inactive(_)) => {
                "the integration exists but is not active"
            }
            Self::Reauth(_) => "`mode: reauth` is set",
        }
    }

    /// What is done about it, for the log.
    pub fn log_message(&self) -> &'static str {
        match self {
            Self::UpToDate { .. } => "nothing to do",
            Self::Install(_) => "installing the integration",
            Self::Reauth(_) => "re-authorizing the integration",
        }
    }
}
