//! Opsgenie: one form and no call to Opsgenie. The key is the organization's own: it is stored in
//! the key table of the link and never in the integration, which other organizations may share.

use super::auth::self_hosted::{INSTALLATION_DATA, form_data};
use super::evidence::ProviderEvidence;
use super::fields::recover;
use super::{
    Answers, Field, FieldKind, FreshValues, IntegrationMatch, ListingFilter, OrgLink, Provider,
    ProviderDescription, Result, Step,
};
use crate::model::{
    Fields, IntegrationData, ListedIntegration, Object, Refusal, RowPolicy, State, StoredSecrets,
    object,
};
use serde_json::{Value, json};

/// The name that Sentry gives to the key of the set-up form.
const FIRST_KEY: &str = "my-first-key";
/// Where the organization's configuration keeps its keys.
const TABLE: &str = "team_table";
const EU: &str = "https://api.eu.opsgenie.com/";
const EU_DOMAIN: &str = ".app.eu.opsgenie.com";
const REGIONS: [&str; 2] = ["https://api.opsgenie.com/", EU];

pub(super) struct Opsgenie;

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Opsgenie",
    guide: "notification-incidents/opsgenie/",
    summary: "needs only the fields; Opsgenie itself is not contacted",
    features: &["enterprise-alert-rule", "enterprise-incident-management"],
    steps: &[Step::form(
        "installation_config",
        &[
            Field::required("baseUrl", FieldKind::Choice(&REGIONS))
                .help("the region of the Opsgenie account", "https://api.opsgenie.com/"),
            Field::text("provider", 200).help("the name of the Opsgenie account", "acme-ops"),
            Field::optional("apiKey", FieldKind::Text(4096))
                .help("an Opsgenie integration key", "${OPSGENIE_KEY}")
                .secret(),
        ],
    )],
    lists_config: true,
    evidence: ProviderEvidence::TESTS,
    ..ProviderDescription::new("opsgenie")
};

impl Provider for Opsgenie {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, _: &Step, _: &mut State, _: &FreshValues) -> Object {
        let choices = REGIONS.map(|region| json!({ "value": region, "label": region }));
        object(json!({ "baseUrlChoices": choices }))
    }

    fn bind_answer(&self, _: &Step, fields: &Fields, state: &mut State) -> Result {
        state.bind(
            INSTALLATION_DATA,
            json!({
                "base_url": fields.text("baseUrl"),
                "provider": fields.text("provider"),
                "api_key": fields.text("apiKey"),
            }),
        );
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        let account = &listed.external_id;
        let is_of = |region: &&str| listed.domain_name == Some(domain_name(account, region));
        let region = REGIONS.into_iter().find(is_of).unwrap_or_default();
        let texts = [("baseUrl", region), ("provider", listed.external_id.as_str())];
        let mut fields = recover::text_fields(texts);
        if listed.stored.as_ref().is_none_or(|stored| first_key(&stored.config).is_some()) {
            fields.insert("apiKey".to_owned(), Value::Null);
        }
        fields
    }

    fn candidates(&self, answers: &Answers) -> ListingFilter {
        ListingFilter::ExternalId(answers.text("provider").to_owned())
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        if listed.external_id != answers.text("provider") {
            return IntegrationMatch::Other;
        }
        let key = answers.text("apiKey");
        let is_stored = |stored: &StoredSecrets| first_key(&stored.config) == Some(key);
        let is_same = key.is_empty()
            || listed.stored.as_ref().is_none_or(is_stored) && has_key(listed, key) != Some(false);
        IntegrationMatch::same_or_differs(is_same)
    }

    fn stored_secret(
        &self,
        _: &str,
        answers: &Answers,
        listed: &ListedIntegration,
    ) -> Option<String> {
        if let Some(stored) = &listed.stored {
            return Some(first_key(&stored.config).unwrap_or_default().to_owned());
        }
        let key = answers.text("apiKey");
        let first = || first_key(listed.config.as_ref()?);
        match has_key(listed, key)? {
            true => Some(key.to_owned()),
            false => Some(first().unwrap_or_default().to_owned()),
        }
    }

    /// As in Sentry, a finish sets the whole table.
    fn repeated_finish(&self, answers: &Answers, listed: &ListedIntegration) -> Option<String> {
        let rows = listed.config.as_ref()?.get(TABLE)?.as_array()?;
        let added = |row: &&Value| {
            row["team"] != FIRST_KEY && row["integration_key"] != answers.text("apiKey")
        };
        let teams: Vec<_> =
            rows.iter().filter(added).filter_map(|row| row["team"].as_str()).collect();
        (!teams.is_empty()).then(|| {
            format!(
                "each Opsgenie install replaces the keys in Sentry; add these again afterwards: {}",
                teams.join(", ")
            )
        })
    }

    /// As in Sentry, an account that is there keeps its region.
    fn ignored_change(&self, answers: &Answers, listed: &ListedIntegration) -> Option<String> {
        let account = answers.text("provider");
        let domain = listed.domain_name.as_deref()?;
        let base_url = Some(answers.text("baseUrl")).filter(|url| !url.is_empty())?;
        let requested = domain_name(account, base_url);
        (listed.external_id == account && domain != requested).then(|| {
            format!(
                "account {account} keeps its region ({domain}): delete the integration to change it"
            )
        })
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let field = |name| form_data(state)[name].as_str();
        let missing = || Refusal::failure("the Opsgenie account is missing");
        let (account, url) = field("provider").zip(field("base_url")).ok_or_else(missing)?;
        let metadata = json!({ "base_url": url, "domain_name": domain_name(account, url) });
        let (metadata, row) = (object(metadata), RowPolicy::Keep);
        let name = Some(account.to_owned());
        Ok(IntegrationData { name, metadata, row, ..IntegrationData::new(account) })
    }

    fn org_config(&self, state: &State, link: OrgLink<'_>) -> Option<Object> {
        let key = form_data(state)["api_key"].as_str()?;
        let row = json!({
            "team": FIRST_KEY,
            "id": format!("{}-{FIRST_KEY}", link.id),
            "integration_key": key,
        });
        let rows = if key.is_empty() { Vec::new() } else { vec![row] };
        Some(link.with_table(TABLE, rows))
    }

    fn display_config(&self, config: &Object) -> Option<(Value, Value)> {
        let rows = config.get(TABLE).and_then(Value::as_array);
        Some(super::config_table(TABLE, rows.cloned().unwrap_or_default()))
    }
}

fn domain_name(account: &str, base_url: &str) -> String {
    let domain = if base_url == EU { EU_DOMAIN } else { ".app.opsgenie.com" };
    format!("{account}{domain}")
}

/// Whether the table that a Sentry lists has this key; `None` where it lists none, or one whose
/// keys have all been named by hand.
fn has_key(listed: &ListedIntegration, key: &str) -> Option<bool> {
    let config = listed.config.as_ref()?;
    let rows = config.get(TABLE)?.as_array()?;
    let has_key = rows.iter().any(|row| row["integration_key"] == key);
    (has_key || rows.is_empty() || first_key(config).is_some()).then_some(has_key)
}

/// The key that the set-up form stored.
fn first_key(config: &Object) -> Option<&str> {
    let table = config.get(TABLE)?.as_array()?;
    let row = table.iter().find(|row| row["team"] == FIRST_KEY)?;
    row["integration_key"].as_str()
}
