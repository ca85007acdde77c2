//! PagerDuty: one step, answered with the JSON that PagerDuty's install page hands over.

use super::evidence::ProviderEvidence;
use super::service_table::{SERVICE_TABLE, settled_rows};
use super::{
    Answers, Field, FieldKind, IntegrationMatch, ListingFilter, OrgLink, Provider,
    ProviderDescription, Result, Step,
};
use crate::model::{Fields, IntegrationData, ListedIntegration, Object, Refusal, State, object};
use serde_json::{Value, json};

/// Where the organization's configuration keeps its services.
const SERVICES: &str = "pagerduty_services";

pub(super) struct PagerDuty;

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "PagerDuty",
    guide: "notification-incidents/pagerduty/",
    summary: "needs only the JSON from PagerDuty's install page, as a secret",
    features: &["alert-rule", "incident-management"],
    steps: &[Step::form("installation_redirect", &[Field::required("config", FieldKind::Json).help("the JSON in the redirect of PagerDuty's install page", r#"'{"account": {"name": "Acme", "subdomain": "acme"}, "integration_keys": [{"integration_key": "…", "name": "Web", "id": "P1", "type": "service"}]}'"#).secret().late_rule(missing_key)])],
    lists_config: true,
    finish_adds_config: true,
    evidence: ProviderEvidence::CODE,
    ..ProviderDescription::new("pagerduty")
};

impl Provider for PagerDuty {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn bind_answer(&self, _: &Step, fields: &Fields, state: &mut State) -> Result {
        state.bind("config", fields.text("config"));
        Ok(())
    }

    fn candidates(&self, answers: &Answers) -> ListingFilter {
        match InstallPayload::read(answers.text("config")) {
            Ok(install) => ListingFilter::ExternalId(install.subdomain),
            Err(_) => ListingFilter::All,
        }
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        let Ok(install) = InstallPayload::read(answers.text("config")) else {
            return IntegrationMatch::CannotTell;
        };
        if listed.external_id != install.subdomain {
            return IntegrationMatch::Other;
        }
        if let Some(config) = &listed.config {
            let differs = self.settled_config(answers, config).is_some();
            return IntegrationMatch::same_or_differs(!differs);
        }
        let services = Value::from(install.services);
        let stored = listed.stored.as_ref().map(|stored| stored.metadata.get("services"));
        IntegrationMatch::same_or_differs(stored.is_none_or(|stored| stored == Some(&services)))
    }

    fn stored_secret(&self, _: &str, _: &Answers, listed: &ListedIntegration) -> Option<String> {
        let service = |row: &Value| {
            let (name, key) = (row["service"].clone(), row["integration_key"].clone());
            json!({ "type": "service", "name": name, "integration_key": key, "id": row["id"] })
        };
        let services = match (&listed.stored, &listed.config) {
            (Some(stored), _) => stored.metadata.get("services")?.clone(),
            (None, Some(config)) => listed_rows(config)?.iter().map(service).collect(),
            (None, None) => return None,
        };
        let account = json!({ "name": listed.name, "subdomain": listed.external_id });
        Some(json!({ "account": account, "integration_keys": services }).to_string())
    }

    fn repeated_finish(&self, _: &Answers, listed: &ListedIntegration) -> Option<String> {
        let rows = listed_rows(listed.config.as_ref()?)?;
        (!rows.is_empty()).then(|| {
            "each PagerDuty install adds its services to those in Sentry; doubles of a service in `config` are removed afterwards, and services that `config` no longer has stay until you delete them in Sentry".to_owned()
        })
    }

    fn settled_config(&self, answers: &Answers, config: &Object) -> Option<Object> {
        let install = InstallPayload::read(answers.text("config")).ok()?;
        let rows = settled_rows(listed_rows(config)?, &install.services)?;
        Some(Object::from_iter([(SERVICE_TABLE.to_owned(), rows.into())]))
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let install = InstallPayload::read(state.text("config").unwrap_or_default())?;
        let (id, services) = (install.subdomain, install.services);
        let metadata = object(json!({ "services": services, "domain_name": id }));
        Ok(IntegrationData { name: Some(install.name), metadata, ..IntegrationData::new(id) })
    }

    fn org_config(&self, state: &State, link: OrgLink<'_>) -> Option<Object> {
        let install = InstallPayload::read(state.text("config")?).ok()?;
        let row = |service: &Value| {
            json!({
                "id": service["id"],
                "integration_id": link.integration_id,
                "integration_key": service["integration_key"],
                "service_name": service["name"],
            })
        };
        Some(link.with_table(SERVICES, install.services.iter().map(row).collect()))
    }

    fn display_config(&self, config: &Object) -> Option<(Value, Value)> {
        let row = |row: &Value| {
            json!({
                "service": row["service_name"],
                "integration_key": row["integration_key"],
                "id": row["id"],
            })
        };
        let rows = config.get(SERVICES).and_then(Value::as_array).into_iter().flatten();
        Some(super::config_table(SERVICE_TABLE, rows.map(row).collect()))
    }

    fn secrets(&self, _: &Step, fields: &Fields) -> Vec<String> {
        let config: Value = serde_json::from_str(fields.text("config")).unwrap_or_default();
        let keys = config["integration_keys"].as_array().into_iter().flatten();
        keys.filter_map(|key| key["integration_key"].as_str().map(str::to_owned)).collect()
    }
}

/// The services as a Sentry lists them.
fn listed_rows(config: &Object) -> Option<&[Value]> {
    config.get(SERVICE_TABLE)?.as_array().map(Vec::as_slice)
}

/// What a Sentry would end with an HTTP 500 for: it looks for each of these without asking whether
/// it is there.
fn missing_key(fields: &Fields) -> Option<&'static str> {
    let config: Value = serde_json::from_str(fields.text("config")).unwrap_or_default();
    let has = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
    let services = config["integration_keys"].as_array();
    let mut services = services.into_iter().flatten().filter(|key| key["type"] == "service");
    match () {
        () if !has(&config["account"]["subdomain"]) => Some("the JSON has no `account.subdomain`"),
        () if !has(&config["account"]["name"]) => Some("the JSON has no `account.name`"),
        () if !config["integration_keys"].is_array() => Some("the JSON has no `integration_keys`"),
        () if services
            .any(|key| !["integration_key", "name", "id"].iter().all(|name| has(&key[*name]))) =>
        {
            Some("a service in `integration_keys` lacks its `integration_key`, `name` or `id`")
        }
        () => None,
    }
}

/// What PagerDuty's JSON says, as far as Sentry keeps it.
struct InstallPayload {
    name: String,
    subdomain: String,
    /// The integration keys of type `service`; others are left out, as in Sentry.
    services: Vec<Value>,
}

impl InstallPayload {
    fn read(config: &str) -> Result<Self> {
        let lacks = |what| Refusal::failure(format!("PagerDuty's config has no `{what}`"));
        let config: Value = serde_json::from_str(config).map_err(|_| lacks("account"))?;
        let account = |name: &str| config["account"][name].as_str().map(str::to_owned);
        let is_service = |key: &&Value| key["type"] == "service";
        let name = account("name").ok_or_else(|| lacks("account.name"))?;
        let subdomain = account("subdomain").ok_or_else(|| lacks("account.subdomain"))?;
        let keys = config["integration_keys"].as_array();
        let keys = keys.ok_or_else(|| lacks("integration_keys"))?;
        Ok(Self { name, subdomain, services: keys.iter().filter(is_service).cloned().collect() })
    }
}
