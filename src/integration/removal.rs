//! What is done to end an integration: `mode: remove`.

use super::task::{IntegrationTask, list_ids, other_account};
use crate::error::{Error, ErrorCode, Result};
use crate::model::ListedIntegration;
use crate::provider::{IntegrationMatch, ListingFilter};
use crate::text::quote;
use serde_json::Value;

/// What will be done about an integration that is not wanted any more.
#[derive(Clone)]
pub enum Removal {
    /// It is there, and goes.
    Remove(Box<ListedIntegration>),
    /// It is going already, as its status says.
    Leaving {
        /// Its id.
        id: i64,
        /// Its name.
        name: String,
        /// Its status, in the backend's words.
        status: String,
    },
    /// The organization does not have it.
    Missing,
}

impl Removal {
    /// The integration that goes.
    pub fn there(&self) -> Option<&ListedIntegration> {
        match self {
            Self::Remove(there) => Some(there),
            Self::Leaving { .. } | Self::Missing => None,
        }
    }
}

impl IntegrationTask {
    /// Decides what to remove of what the organization has.
    ///
    /// # Errors
    ///
    /// `ambiguous` when the inputs do not tell which integration is meant, `integration-mismatch` when
    /// `state` describes another one than the named one.
    pub fn removal(&self, listed: &[ListedIntegration]) -> Result<Removal> {
        let meant = match self.integration_id {
            Some(id) => listed.iter().filter(|one| one.id == id).collect(),
            None => self.identified(listed)?,
        };
        // What no finish changes tells two of one name apart.
        let is_other = |one: &&&ListedIntegration| {
            self.has_state
                && (self.provider.matches(&self.answers, one) == IntegrationMatch::Other
                    || self.is_kept_otherwise(one))
        };
        if let Some(other) = meant.iter().find(is_other) {
            return Err(other_account(other));
        }
        let (leaving, there): (Vec<_>, Vec<_>) =
            meant.into_iter().partition(|one| one.deletion.is_some());
        match (&there[..], leaving.first()) {
            ([one], _) => Ok(Removal::Remove(Box::new((*one).clone()))),
            ([], None) => Ok(Removal::Missing),
            ([], Some(one)) => {
                let (id, name) = (one.id, one.name.clone());
                let status = one.deletion.clone().unwrap_or_default();
                Ok(Removal::Leaving { id, name, status })
            }
            _ => Err(self.unidentified(listed)),
        }
    }

    /// Those that `state` describes. That none is there is only believed where all that tells one
    /// from another is given.
    fn identified<'a>(
        &self,
        listed: &'a [ListedIntegration],
    ) -> Result<Vec<&'a ListedIntegration>> {
        let verdicts = listed.iter().map(|one| (one, self.provider.matches(&self.answers, one)));
        let (has_identity, names_one) = (self.has_identity(), self.names_candidates());
        let is_short = self.lacks_field() && !names_one;
        let (mut found, mut is_unknown) = (Vec::new(), !has_identity && !names_one);
        for (one, verdict) in verdicts {
            match verdict {
                IntegrationMatch::Same | IntegrationMatch::Differs => found.push(one),
                // What no finish changes is another one's.
                IntegrationMatch::CannotTell if has_identity && self.is_kept_otherwise(one) => {}
                IntegrationMatch::CannotTell => is_unknown = true,
                IntegrationMatch::Other => is_unknown |= is_short && self.hides(one),
            }
        }
        match found.is_empty() && is_unknown && !listed.is_empty() {
            true => Err(self.unidentified(listed)),
            false => Ok(found),
        }
    }

    /// The failure where the named integration is another provider's; `found` is its key in storage.
    ///
    /// # Errors
    ///
    /// `integration-mismatch`.
    pub fn check_provider(&self, found: &str) -> Result {
        let own = self.provider_key();
        let (Some(id), false) = (self.named_id(), own.is_empty() || found == own) else {
            return Ok(());
        };
        let message =
            format!("integration {id} is of the provider {}, not {}", quote(found), quote(own));
        let hint = "check `integration-id` and `provider`";
        Err(Error::new(ErrorCode::IntegrationMismatch, message).with_hint(hint))
    }

    /// Whether one field that is given says of any other integration that it is another one. What is
    /// made of several may lack a part.
    fn names_candidates(&self) -> bool {
        let (ListingFilter::ExternalId(text) | ListingFilter::Name(text)) =
            self.provider.candidates(&self.answers)
        else {
            return false;
        };
        let mut fields = self.provider.all_steps().flat_map(|step| step.fields);
        !text.is_empty() && fields.any(|field| self.answers.text(field.name) == text)
    }

    /// Whether a listed integration keeps another value than these answers have.
    fn is_kept_otherwise(&self, one: &ListedIntegration) -> bool {
        self.provider.ignored_change(&self.answers, one).is_some()
    }

    /// Whether a listed integration does not show what tells it from another.
    fn hides(&self, one: &ListedIntegration) -> bool {
        let shown = self.provider.recover_fields(one);
        self.provider.identity_fields().iter().any(|name| shown.get(*name) == Some(&Value::Null))
    }

    /// Whether all is given that tells one integration of the provider from another.
    fn has_identity(&self) -> bool {
        let is_given = |name: &&str| {
            let mut steps = self.provider.all_steps();
            steps.any(|step| self.answers.step(step.id).is_some_and(|it| it.get(name).is_some()))
        };
        let identity = self.provider.identity_fields();
        !self.lacks_field() || (!identity.is_empty() && identity.iter().all(is_given))
    }

    /// Whether a field is not given that every install has, and that is no secret.
    fn lacks_field(&self) -> bool {
        let mut steps = self.provider.all_steps();
        steps.any(|step| {
            let answer = self.answers.step(step.id);
            let has = |name: &str| answer.is_some_and(|fields| fields.get(name).is_some());
            let tells = step
                .fields
                .iter()
                .filter(|field| field.required && field.comes_from_state() && !field.secret);
            tells.into_iter().any(|field| !has(field.name))
        })
    }

    fn unidentified(&self, listed: &[ListedIntegration]) -> Error {
        let (key, ids) = (&self.key, list_ids(listed));
        let message =
            format!("`state` does not identify the {key} integration to remove; existing: {ids}");
        let hint = "set `integration-id`, or the fields of `state` that identify one";
        Error::new(ErrorCode::Ambiguous, message).with_hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::types::Mode;
    use crate::model::IntegrationHealth;
    use crate::model::{OrgSlug, PipelineType};
    use crate::provider::PROVIDERS;

    fn listed(id: i64, deletion: Option<&str>) -> ListedIntegration {
        ListedIntegration {
            health: IntegrationHealth::default(),
            id,
            external_id: format!("account-{id}"),
            name: format!("name-{id}"),
            domain_name: None,
            active: deletion.is_none(),
            deletion: deletion.map(str::to_owned),
            config: None,
            stored: None,
        }
    }

    #[test]
    fn a_state_that_tells_nothing_never_says_that_an_integration_is_gone() {
        for provider in PROVIDERS {
            let (key, org) = (provider.key(), OrgSlug::parse("acme").unwrap());
            let kind = PipelineType::Install;
            let mut task = IntegrationTask::for_resume(key, *provider, org, None, kind);
            task.mode = Mode::Remove;
            let there = listed(7, None);
            // Of some there is only one, so that nothing has to tell.
            match task.removal(std::slice::from_ref(&there)) {
                Err(failure) => assert_eq!(failure.code, ErrorCode::Ambiguous, "{key}"),
                Ok(decided) => assert!(matches!(decided, Removal::Remove(_)), "{key}"),
            }
            assert!(matches!(task.removal(&[]), Ok(Removal::Missing)), "{key}");
            task.integration_id = Some(7);
            let found = task.removal(&[listed(8, None), there.clone()]);
            assert!(matches!(found, Ok(Removal::Remove(one)) if one.id == 7), "{key}");
            assert!(matches!(task.removal(&[listed(8, None)]), Ok(Removal::Missing)), "{key}");
            let leaving = task.removal(&[listed(7, Some("pending_deletion"))]);
            assert!(matches!(leaving, Ok(Removal::Leaving { id: 7, .. })), "{key}");
        }
    }
}
