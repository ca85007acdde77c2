//! A source host that Sentry has no integration for: a name and an address, no third party.

use super::auth::oauth2::bind_once;
use super::fields::recover;
use super::fields::step::Step;
use super::{Answers, Field, FieldKind, FreshValues, IntegrationMatch, Provider};
use crate::model::state::{Fields, State};
use crate::model::{IntegrationData, ListedIntegration, Object, Refusal};

/// Where the random id of the installation is kept.
const ID: &str = "installation_id";

pub(super) struct CustomScm;

static STEPS: [Step; 1] = [Step::form(
    "installation_config",
    &[
        Field::required("name", FieldKind::Text(200), "the name of the installation", "Our Git"),
        Field::required(
            "url",
            FieldKind::Url,
            "where the repositories are",
            "https://git.example.com",
        ),
    ],
)];

impl Provider for CustomScm {
    fn key(&self) -> &'static str {
        "custom_scm"
    }

    fn name(&self) -> &'static str {
        "Custom Source Control Management (SCM)"
    }

    fn summary(&self) -> &'static str {
        "finishes with its two fields; repositories are added by hand"
    }

    fn features(&self) -> &'static [&'static str] {
        &["commits", "stacktrace-link"]
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    fn step_data(&self, _step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        bind_once(state, ID, fresh.id());
        Object::new()
    }

    fn bind_answer(&self, _step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        state.bind("name", fields.text("name"));
        state.bind("url", fields.text("url"));
        Ok(())
    }

    /// The id is random, so the name tells: a second installation of one name is no wish of
    /// anybody's.
    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        let url =
            listed.domain_name.as_deref().and_then(|domain| domain.strip_suffix(&listed.name));
        recover::text_fields([("name", &listed.name), ("url", url.unwrap_or_default())])
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        if listed.name != answers.text("name") {
            return IntegrationMatch::Other;
        }
        let url = answers.text("url").trim_end_matches('/');
        match listed.domain_name.as_deref().is_some_and(|domain| domain.starts_with(url)) {
            true => IntegrationMatch::Same,
            false => IntegrationMatch::CannotTell,
        }
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        let lacks = |what: &str| Refusal::failure(format!("the {what} is missing"));
        let name = state.text("name").ok_or_else(|| lacks("name"))?;
        let url = state.text("url").ok_or_else(|| lacks("address"))?;
        let id = state.text(ID).ok_or_else(|| lacks("id of the installation"))?;
        let metadata = [("domain_name".to_owned(), domain(url, name).into())];
        Ok(IntegrationData {
            name: Some(name.to_owned()),
            metadata: metadata.into_iter().collect(),
            ..IntegrationData::new(id)
        })
    }
}

/// What Sentry shows as the place of it.
fn domain(url: &str, name: &str) -> String {
    format!("{url}{name}")
}
