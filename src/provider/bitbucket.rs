//! Bitbucket: a Connect app of one's own, whose JWT says that a person let it in.

use super::auth::app::AppSettings;
use super::auth::signature;
use super::evidence::{FIELDS, ProviderEvidence, STEPS, STORED};
use super::{Field, FreshValues, Provider, ProviderDescription, Result, Step};
use crate::model::{Fields, IntegrationData, Object, Refusal, RowPolicy, State, object};
use serde_json::json;
use url::form_urlencoded;

const EXTERNAL_ID: &str = "external_id";

pub(super) struct Bitbucket;

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Bitbucket",
    guide: "source-code-mgmt/bitbucket/",
    summary: "needs a person to grant the app access once in a browser",
    features: &["codeowners", "commits", "issue-basic", "stacktrace-link"],
    steps: &[Step::page(
        "authorize",
        "authorizeUrl",
        &[Field::text("jwt", 16_384)
            .help("the JWT that Bitbucket passes on", "")
            .by_callback("jwt")
            .secret()],
    )],
    // What Bitbucket told the app when it was installed.
    app: &[
        Field::text("key", 200).help("the key in the app's descriptor", "acme-sentry"),
        Field::text("clientKey", 200).help(
            "the `clientKey` that Bitbucket sent when the app was installed",
            "connect:1234567",
        ),
        Field::text("sharedSecret", 4096)
            .help(
                "the `sharedSecret` that Bitbucket sent when the app was installed",
                "${BB_SECRET}",
            )
            .secret(),
        Field::text("username", 200).help("the workspace in which the app is installed", "acme"),
        super::auth::app::URL,
    ],
    evidence: ProviderEvidence {
        tests: &[STEPS, FIELDS],
        inferred: &[STORED],
        ..ProviderEvidence::NONE
    },
    ..ProviderDescription::new("bitbucket")
};

impl Provider for Bitbucket {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, _: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        let app = AppSettings::of(state);
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("addon_key", app.text("key"))
            .append_pair("redirect_uri", &fresh.redirect_uri)
            .finish();
        let base = app.base_url_or("https://bitbucket.org");
        let url = format!("{base}/site/addons/authorize?{query}");
        object(json!({ "authorizeUrl": url }))
    }

    fn verify(&self, _: &Step, fields: &Fields, state: &State, now: i64) -> Result {
        let app = AppSettings::of(state);
        let claims = signature::jwt(fields.text("jwt"), app.text("sharedSecret"), now);
        match claims {
            Some(claims) if claims["iss"] == app.text("clientKey") => Ok(()),
            _ => Err(Refusal::failure(
                "Unable to verify installation: the JWT belongs to another app, or has expired",
            )),
        }
    }

    fn bind_answer(&self, _: &Step, _: &Fields, state: &mut State) -> Result {
        let client_key = AppSettings::of(state).text("clientKey").to_owned();
        state.bind(EXTERNAL_ID, client_key);
        Ok(())
    }

    /// As in Sentry: with the facts of the app's installation it is built, without them it must be
    /// there already.
    fn build(&self, state: &State) -> Result<IntegrationData> {
        let id = state.text(EXTERNAL_ID);
        let id = id.ok_or_else(|| Refusal::failure("the installation has no client key"))?;
        let app = AppSettings::of(state);
        let (name, secret) = (app.text("username"), app.text("sharedSecret"));
        if secret.is_empty() {
            return Ok(IntegrationData { row: RowPolicy::Expect, ..IntegrationData::new(id) });
        }
        let metadata = object(json!({
            "shared_secret": secret,
            "base_url": "https://api.bitbucket.org",
            "domain_name": format!("bitbucket.org/{name}"),
        }));
        Ok(IntegrationData { name: Some(name.to_owned()), metadata, ..IntegrationData::new(id) })
    }
}
