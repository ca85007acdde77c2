//! Jira: what a Connect app signed when it was installed, as a link of Sentry's is signed.

use super::auth::app::AppSettings;
use super::auth::oauth2;
use super::auth::signature::{self, SignatureError};
use super::evidence::ProviderEvidence;
use super::{
    Answers, Field, FreshValues, INITIAL, IntegrationMatch, ListingFilter, ORGANIZATION, Provider,
    ProviderDescription, Result, Step,
};
use crate::model::{Fields, IntegrationData, ListedIntegration, Object, Refusal, State, object};
use serde_json::Value;

/// How long a link is good, in seconds: Sentry's one day.
const LIFE: i64 = 24 * 3600;
const EXTERNAL_ID: &str = "external_id";
const METADATA: &str = "metadata";

pub(super) struct Jira;

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Jira",
    guide: "issue-tracking/jira/",
    summary: "needs only what the Connect app signed when it was installed in Jira",
    features: &["issue-basic", "issue-sync"],
    initial: Some(&Step::initial(&[Field::text("signedParams", 16_384)
        .help(
            "the value of `signed_params=` in the link on the app's page in Jira; valid for a day",
            "${JIRA_SIGNED_PARAMS}",
        )
        .by_link("signed_params")
        .secret()])),
    steps: &[Step::form("jira_confirm_install", &[Field::echoed("state")])],
    app: &[Field::text("signingKey", 4096)
        .help("the key with which the app signs", "${JIRA_SIGNING_KEY}")
        .secret()],
    evidence: ProviderEvidence::TESTS,
    ..ProviderDescription::new("jira")
};

impl Provider for Jira {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, _: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        let mut data = oauth2::nonce_data(state, fresh);
        let metadata = state.fetch(METADATA).unwrap_or(&Value::Null);
        data.insert("baseUrl".to_owned(), metadata["base_url"].clone());
        let organization = state.fetch(ORGANIZATION).cloned().unwrap_or_default();
        data.insert(ORGANIZATION.to_owned(), organization);
        data
    }

    fn verify(&self, step: &Step, fields: &Fields, state: &State, now: i64) -> Result {
        if step.id != INITIAL {
            return Ok(());
        }
        let key = AppSettings::of(state).text("signingKey");
        match signature::signed_params(fields.text("signedParams"), key, now, LIFE) {
            Ok(_) => Ok(()),
            Err(SignatureError::Expired) => Err(Refusal::failure("Installation link expired")),
            Err(SignatureError::Forged) => {
                Err(Refusal::failure("`signedParams` was not signed with the app's key"))
            }
        }
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result {
        if step.id != INITIAL {
            return oauth2::verify(fields, state);
        }
        let missing = || Refusal::failure("`signedParams` contains no installation in Jira");
        let signed = signature::unverified_params(fields.text("signedParams"));
        let signed = signed.ok_or_else(missing)?;
        let id = signed[EXTERNAL_ID].as_str().ok_or_else(missing)?;
        // Sentry signs the metadata as a text of JSON.
        let metadata = match &signed[METADATA] {
            Value::String(text) => serde_json::from_str(text).map_err(|_| missing())?,
            other => other.clone(),
        };
        state.bind(EXTERNAL_ID, id);
        state.bind(METADATA, metadata);
        Ok(())
    }

    fn candidates(&self, answers: &Answers) -> ListingFilter {
        ListingFilter::by_external_id(&signed_id(answers))
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        IntegrationMatch::by_external_id(&signed_id(answers), listed)
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let id = state.text(EXTERNAL_ID);
        let id = id.ok_or_else(|| Refusal::failure("the installation in Jira has no id"))?;
        let metadata = object(state.fetch(METADATA).cloned().unwrap_or_default());
        Ok(IntegrationData { name: Some("JIRA".into()), metadata, ..IntegrationData::new(id) })
    }
}

/// The account that the answers' link is signed for; empty where they have none.
fn signed_id(answers: &Answers) -> String {
    let signed = signature::unverified_params(answers.text("signedParams")).unwrap_or_default();
    signed[EXTERNAL_ID].as_str().unwrap_or_default().to_owned()
}
