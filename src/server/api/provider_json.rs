//! What Sentry's own catalogue says of a provider, and the shapes that carry it.

use crate::database::InstalledIntegration;
use crate::model::Object;
use crate::provider::{PROVIDERS, Provider};
use serde_json::{Value, json};

/// The provider that stores under this key.
pub(crate) fn provider_by_integration_key(integration_key: &str) -> Option<&'static dyn Provider> {
    PROVIDERS.iter().copied().find(|provider| provider.integration_key() == integration_key)
}

/// Its name; a key that nothing describes stands for itself.
pub(crate) fn provider_name(integration_key: &str) -> &str {
    provider_by_integration_key(integration_key).map_or(integration_key, |provider| provider.name())
}

fn features(key: &str) -> &'static [&'static str] {
    provider_by_integration_key(key).map_or(&[], <dyn Provider>::features)
}

/// A provider as it stands inside an integration.
pub(crate) fn provider(key: &str) -> Value {
    json!({
        "key": key,
        "slug": key,
        "name": provider_name(key),
        "canAdd": true,
        "canDisable": false,
        "features": features(key),
        "aspects": {},
    })
}

/// A provider as `/config/integrations/` lists it, with the page that sets it up.
pub(crate) fn configuration(org: &str, provider: &dyn Provider) -> Value {
    let key = provider.key();
    let feature = |name: &&str| json!({ "description": provider.summary(), "featureGate": format!("integrations-{name}") });
    json!({
        "key": key,
        "slug": key,
        "name": provider.name(),
        "metadata": {
            "description": provider.summary(),
            "features": features(key).iter().map(feature).collect::<Vec<_>>(),
            "author": "The finishline authors",
            "noun": "Installation",
            "issue_url": "",
            "source_url": "",
            "aspects": {},
        },
        "canAdd": provider.sentry_only_reason().is_none(),
        "canDisable": false,
        "features": features(key),
        "setupDialog": {
            "url": format!("/organizations/{org}/integrations/{key}/setup/"),
            "width": 600,
            "height": 600,
        },
    })
}

/// An organization's integration.
///
/// Where 23.7.1 has null for the scopes, the published API has a list, so it is an empty one.
pub(crate) fn integration(org: i64, installed: &InstalledIntegration, with_config: bool) -> Value {
    let fact = |name: &str| installed.metadata.get(name).cloned().unwrap_or_default();
    let (organization, data) =
        if with_config { configured(installed) } else { (json!([]), Value::Null) };
    let scopes = fact("scopes");
    json!({
        "id": installed.id.to_string(),
        "name": installed.name,
        "icon": fact("icon"),
        "domainName": fact("domain_name"),
        "accountType": fact("account_type"),
        "scopes": if scopes.is_array() { scopes } else { json!([]) },
        "outOfDate": false,
        "status": installed.status,
        "provider": provider(&installed.integration_key),
        "configOrganization": organization,
        "configData": data,
        "externalId": installed.external_id,
        "organizationId": org,
        "organizationIntegrationStatus": installed.link_status,
        "gracePeriodEnd": null,
    })
}

/// The organization's configuration: its fields, and what stands in them.
fn configured(installed: &InstalledIntegration) -> (Value, Value) {
    let shown = provider_by_integration_key(&installed.integration_key)
        .and_then(|provider| provider.display_config(&installed.config));
    shown.unwrap_or_else(|| (json!([]), Value::Object(Object::new())))
}
