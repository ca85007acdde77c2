//! Azure DevOps: OAuth 2 with an app of one's own, the choice of an account, and a webhook there.

use super::auth::app::{self, AppSettings};
use super::auth::oauth2::{self, OAUTH_DATA, OAuth2, bind_once};
use super::drawn_values::{WEBHOOK_SECRET, bind_webhook_secret};
use super::evidence::ProviderEvidence;
use super::fields::choice::StepChoice;
use super::fields::recover;
use super::request::{RequestBody, VendorRequest, VendorResponse};
use super::{
    Answers, Field, FreshValues, IntegrationMatch, ListingFilter, Provider, ProviderDescription,
    Result, Step,
};
use crate::model::{
    Fields, IntegrationData, ListedIntegration, Object, Refusal, State, UserIdentity, object,
};
use crate::secret::Secret;
use crate::text::{self, url};
use serde_json::{Value, json};

/// Azure DevOps as Entra knows it, before each of its scopes.
const SCOPE: &str = "offline_access \
    499b84ac-1321-427f-aa17-267ca6975798/vso.code_full \
    499b84ac-1321-427f-aa17-267ca6975798/vso.graph \
    499b84ac-1321-427f-aa17-267ca6975798/vso.serviceendpoint_manage \
    499b84ac-1321-427f-aa17-267ca6975798/vso.work_write";
const AREA: &str = "_apis/resourceareas/79134C72-4A58-4B42-976C-04E7115F32BF";
const WEBHOOK: &str = "webhook_url";
const USER: &str = "user";
const ACCOUNTS: &str = "accounts";
const ACCOUNT: &str = "account";
const BASE_URL: &str = "base_url";
const SUBSCRIPTION: &str = "subscription";

pub(super) struct Vsts;

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Azure DevOps",
    guide: "source-code-mgmt/azure-devops/",
    summary: "needs a person to approve once in a browser",
    features: &["commits", "issue-basic", "issue-sync", "stacktrace-link"],
    steps: &[
        oauth2::STEP,
        Step::form(
            "account_selection",
            &[Field::text("account", 100).help("the id of the organization, or its name", "0b3e…")],
        )
        .choosing(StepChoice {
            field: ACCOUNT,
            other: None,
            list: ACCOUNTS,
            id: "accountId",
            name: "accountName",
        }),
    ],
    app: &[app::CLIENT_ID, app::client_secret("${AZURE_CLIENT_SECRET}"), app::URL],
    needs_default_identity: true,
    evidence: ProviderEvidence::CODE,
    ..ProviderDescription::new("vsts")
};

impl Provider for Vsts {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        if step.id == oauth2::STEP.id {
            return oauth(state).step_data(state, fresh);
        }
        bind_webhook_secret(state, fresh);
        bind_once(state, WEBHOOK, &fresh.redirect_uri.replace("/setup/", "/issue-updated/"));
        let names = ["accountId", "accountName"];
        let shown = |account: &Value| names.map(|name| (name.to_owned(), account[name].clone()));
        let accounts = accounts(state).map(|account| Object::from_iter(shown(account)));
        object(json!({ ACCOUNTS: accounts.collect::<Vec<_>>() }))
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result {
        if step.id == oauth2::STEP.id {
            return oauth2::bind_callback(fields, state, &[USER, ACCOUNTS]);
        }
        let id = fields.text("account");
        let account = accounts(state).find(|account| account["accountId"] == id).cloned();
        let account = account.ok_or_else(|| {
            Refusal::failure("the user has no such Azure DevOps organization: check `account`")
        })?;
        [BASE_URL, SUBSCRIPTION].iter().for_each(|name| state.unbind(name));
        state.bind(ACCOUNT, account);
        Ok(())
    }

    fn next_request(&self, step: &Step, state: &State) -> Result<Option<VendorRequest>> {
        if let Some(exchange) = oauth(state).exchange(state)? {
            return Ok(Some(exchange));
        }
        let vssps = AppSettings::of(state).base_url_or("https://app.vssps.visualstudio.com");
        let get = |name, path: String| {
            let credentials = oauth2::credentials(state);
            Ok(Some(VendorRequest::get(name, format!("{vssps}/{path}"), credentials)))
        };
        let account = state.fetch(ACCOUNT).and_then(|account| account["accountId"].as_str());
        match account.filter(|_| step.id != oauth2::STEP.id) {
            _ if state.lacks(USER) => {
                get(USER, "_apis/profile/profiles/me?api-version=1.0".to_owned())
            }
            _ if state.lacks(ACCOUNTS) => {
                let user = text::segment(user_id(state)?);
                get(ACCOUNTS, format!("_apis/accounts?memberId={user}&api-version=4.1"))
            }
            Some(id) if state.lacks(BASE_URL) => {
                let id = text::segment(id);
                get(BASE_URL, format!("{AREA}?hostId={id}&api-preview=5.0-preview.1"))
            }
            Some(_) if state.lacks(SUBSCRIPTION) => Ok(Some(subscribe(state))),
            _ => Ok(None),
        }
    }

    fn bind_response(&self, name: &str, response: &VendorResponse, state: &mut State) -> Result {
        match name {
            OAUTH_DATA => return oauth2::bind_tokens(response, state),
            USER => state.bind(USER, response.json("the Azure DevOps user")?),
            ACCOUNTS => {
                let accounts = response.json("the user's Azure DevOps organizations")?;
                state.bind(ACCOUNTS, accounts["value"].clone());
            }
            BASE_URL => {
                let area = response.json("the URL of the organization")?;
                let url = area["locationUrl"].as_str().unwrap_or_default();
                state.bind(BASE_URL, checked_url(url, state)?);
            }
            _ => {
                let webhook = response.json("the webhook in Azure DevOps");
                state.bind(SUBSCRIPTION, webhook.map_err(Refusal::by_provider)?["id"].clone());
            }
        }
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        recover::text_fields([("account", &listed.external_id)])
    }

    fn candidates(&self, answers: &Answers) -> ListingFilter {
        match is_id(answers.text(ACCOUNT)) {
            true => ListingFilter::ExternalId(answers.text(ACCOUNT).to_owned()),
            false => ListingFilter::All,
        }
    }

    fn account(&self, answers: &Answers) -> Option<String> {
        Some(answers.text(ACCOUNT).to_lowercase()).filter(|account| !account.is_empty())
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        let account = answers.text(ACCOUNT);
        let is_named = !is_id(account) && listed.name.eq_ignore_ascii_case(account);
        IntegrationMatch::same_or_other(listed.external_id == account || is_named)
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let account = state.fetch(ACCOUNT).unwrap_or(&Value::Null);
        let id = account["accountId"].as_str();
        let id = id.ok_or_else(|| Refusal::failure("no Azure DevOps organization was chosen"))?;
        let scopes: Vec<_> = SCOPE.split(' ').map(str::to_owned).collect();
        let metadata = object(json!({
            "domain_name": state.text(BASE_URL),
            "scopes": scopes,
            "subscription": { "id": state.fetch(SUBSCRIPTION), "secret": state.text(WEBHOOK_SECRET) },
            "integration_migration_version": 1,
        }));
        let identity = UserIdentity {
            kind: "vsts",
            external_id: user_id(state)?.to_owned(),
            scopes,
            data: oauth2::identity_data(state),
        };
        Ok(IntegrationData {
            name: account["accountName"].as_str().map(str::to_owned),
            metadata,
            user_identity: Some(identity),
            ..IntegrationData::new(id)
        })
    }
}

fn oauth(state: &State) -> OAuth2 {
    let base_url = AppSettings::of(state).base_url_or("https://login.microsoftonline.com");
    let paths = ["/common/oauth2/v2.0/authorize", "/common/oauth2/v2.0/token"];
    OAuth2::of_app(state, base_url, paths, SCOPE)
}

/// Whether it can be no name of an organization: those have no id's 36 characters.
fn is_id(account: &str) -> bool {
    account.len() == 36 && account.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

fn accounts(state: &State) -> impl Iterator<Item = &Value> {
    state.fetch(ACCOUNTS).and_then(Value::as_array).into_iter().flatten()
}

fn user_id(state: &State) -> Result<&str> {
    let id = state.fetch(USER).and_then(|user| user["id"].as_str());
    id.ok_or_else(|| Refusal::failure("the Azure DevOps user has no id"))
}

/// The organization's own address, which the token goes to: Azure's, or where the app says that
/// Azure is.
fn checked_url(url: &str, state: &State) -> Result<String> {
    let url = format!("{}/", url.trim_end_matches('/'));
    let host = url::host(&url);
    let is_azure = host == "dev.azure.com" || host.ends_with(".visualstudio.com");
    let is_of_app = url::host(AppSettings::of(state).text("url")) == host && !host.is_empty();
    if is_of_app || is_azure && url.starts_with("https://") {
        return Ok(url);
    }
    Err(Refusal::failure("the URL of the organization is not an Azure URL"))
}

/// The webhook that tells of changed work items.
fn subscribe(state: &State) -> VendorRequest {
    let secret = state.text(WEBHOOK_SECRET).unwrap_or_default();
    let body = json!({
        "publisherId": "tfs",
        "eventType": "workitem.updated",
        "resourceVersion": "1.0",
        "consumerId": "webHooks",
        "consumerActionId": "httpRequest",
        "consumerInputs": {
            "url": state.text(WEBHOOK),
            "resourceDetailsToSend": "all",
            "httpHeaders": format!("shared-secret:{secret}"),
        },
    });
    let base = state.text(BASE_URL).unwrap_or_default();
    let url = format!("{base}_apis/hooks/subscriptions?api-version=4.1");
    let body = RequestBody::Json(Secret::from(body.to_string()));
    VendorRequest::post(SUBSCRIPTION, url, oauth2::credentials(state), body)
}
