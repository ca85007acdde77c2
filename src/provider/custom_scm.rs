//! A source host that Sentry has no integration for: a name and an address, no third party.

use super::drawn_values::{INSTALLATION_ID, bind_installation_id};
use super::evidence::{FIELDS, ProviderEvidence, STEPS, STORED};
use super::fields::recover;
use super::{
    Answers, Field, FreshValues, IntegrationMatch, ListingFilter, Provider, ProviderDescription,
    Result, Step,
};
use crate::model::{Fields, IntegrationData, ListedIntegration, Object, Refusal, State, object};
use serde_json::json;

pub(super) struct CustomScm;

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Custom Source Control Management (SCM)",
    summary: "needs only its two fields; no third party is contacted",
    features: &["commits", "stacktrace-link"],
    steps: &[Step::form(
        "installation_config",
        &[
            Field::text("name", 200).help("the name of the installation", "Our Git"),
            Field::url("url")
                .help("the URL under which the repositories are hosted", "https://git.example.com"),
        ],
    )],
    has_random_id: true,
    has_manual_repositories: true,
    identity_fields: &["name", "url"],
    evidence: ProviderEvidence {
        code: &[STEPS, FIELDS],
        inferred: &[STORED, "whether a Sentry later than 23.7.1 has it"],
        ..ProviderEvidence::NONE
    },
    ..ProviderDescription::new("custom_scm")
};

impl Provider for CustomScm {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, _: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        bind_installation_id(state, fresh);
        Object::new()
    }

    fn bind_answer(&self, _: &Step, fields: &Fields, state: &mut State) -> Result {
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

    fn candidates(&self, answers: &Answers) -> ListingFilter {
        ListingFilter::Name(answers.text("name").to_owned())
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        if listed.name != answers.text("name") {
            return IntegrationMatch::Other;
        }
        let url = answers.text("url").trim_end_matches('/');
        match &listed.domain_name {
            Some(domain) if domain.starts_with(url) => IntegrationMatch::Same,
            _ => IntegrationMatch::CannotTell,
        }
    }

    /// Another finish would make another one beside it.
    fn ignored_change(&self, answers: &Answers, listed: &ListedIntegration) -> Option<String> {
        let (name, url) = (answers.text("name"), answers.text("url").trim_end_matches('/'));
        let domain = listed.domain_name.as_deref().filter(|_| listed.name == name)?;
        (!domain.starts_with(url)).then(|| {
            format!("{name} keeps its address ({domain}): change it on its settings page in Sentry")
        })
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let lacks = |what: &str| Refusal::failure(format!("the {what} is missing"));
        let name = state.text("name").ok_or_else(|| lacks("name"))?;
        let url = state.text("url").ok_or_else(|| lacks("address"))?;
        let id = state.text(INSTALLATION_ID).ok_or_else(|| lacks("id of the installation"))?;
        // Sentry shows both together as the place of it.
        let metadata = object(json!({ "domain_name": format!("{url}{name}") }));
        Ok(IntegrationData { name: Some(name.to_owned()), metadata, ..IntegrationData::new(id) })
    }
}
