//! Azure DevOps: OAuth 2 with an app of one's own, the choice of an account, and a webhook there.

use super::auth::app::{self, AppSettings};
use super::auth::oauth2::{self, OAUTH_DATA, OAuth2, bind_once};
use super::fields::recover;
use super::fields::step::Step;
use super::request::{Credentials, RequestBody, VendorRequest, VendorResponse};
use super::{Answers, Field, FieldKind, FreshValues, IntegrationMatch, Provider};
use crate::model::state::{Fields, State};
use crate::model::{
    IntegrationData, ListedIntegration, Object, Refusal, RefusalKind, UserIdentity,
};
use crate::secret::Secret;
use crate::text::url;
use serde_json::{Value, json};

/// Azure DevOps as Entra knows it, before each of its scopes.
const SCOPE: &str = "offline_access \
    499b84ac-1321-427f-aa17-267ca6975798/vso.code_full \
    499b84ac-1321-427f-aa17-267ca6975798/vso.graph \
    499b84ac-1321-427f-aa17-267ca6975798/vso.serviceendpoint_manage \
    499b84ac-1321-427f-aa17-267ca6975798/vso.work_write";
const AREA: &str = "_apis/resourceareas/79134C72-4A58-4B42-976C-04E7115F32BF";
const WEBHOOK_SECRET: &str = "webhook_secret";
const WEBHOOK: &str = "webhook_url";
const USER: &str = "user";
const ACCOUNTS: &str = "accounts";
const ACCOUNT: &str = "account";
const BASE_URL: &str = "base_url";
const SUBSCRIPTION: &str = "subscription";

pub(super) struct Vsts;

static STEPS: [Step; 2] = [
    oauth2::STEP,
    Step::form(
        "account_selection",
        &[Field::required("account", FieldKind::Text(100), "the id of the organization", "0b3e…")],
    ),
];
static APP: [Field; 3] = [app::CLIENT_ID, app::client_secret("${AZURE_CLIENT_SECRET}"), app::URL];

impl Provider for Vsts {
    fn key(&self) -> &'static str {
        "vsts"
    }

    fn name(&self) -> &'static str {
        "Azure DevOps"
    }

    fn summary(&self) -> &'static str {
        "waits once for a person who approves in a browser"
    }

    fn features(&self) -> &'static [&'static str] {
        &["commits", "issue-basic", "issue-sync", "stacktrace-link"]
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    fn app(&self) -> &'static [Field] {
        &APP
    }

    fn step_data(&self, step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        if step.id == oauth2::STEP.id {
            return app(state).view(state, fresh);
        }
        bind_once(state, WEBHOOK_SECRET, &fresh.verifier);
        let webhook = fresh.redirect_uri.replace("/setup/", "/issue-updated/");
        bind_once(state, WEBHOOK, &webhook);
        let account = |one: &Value| json!({ "accountId": one["accountId"], "accountName": one["accountName"] });
        let accounts: Vec<_> = accounts(state).map(account).collect();
        [(ACCOUNTS.to_owned(), json!(accounts))].into_iter().collect()
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        if step.id == oauth2::STEP.id {
            return oauth2::bind_callback(fields, state, &[USER, ACCOUNTS]);
        }
        let chosen = accounts(state).find(|one| one["accountId"] == fields.text("account"));
        let chosen = chosen.cloned().ok_or_else(|| {
            Refusal::failure("the user has no such Azure DevOps organization: check `account`")
        })?;
        [BASE_URL, SUBSCRIPTION].iter().for_each(|name| state.unbind(name));
        state.bind(ACCOUNT, chosen);
        Ok(())
    }

    fn next_request(&self, step: &Step, state: &State) -> Result<Option<VendorRequest>, Refusal> {
        if let Some(exchange) = app(state).exchange(state)? {
            return Ok(Some(exchange));
        }
        let vssps = AppSettings::of(state).base_url_or("https://app.vssps.visualstudio.com");
        let get = |name, path: String| {
            let token = Credentials::Bearer(oauth2::access_token(state));
            Ok(Some(VendorRequest::get(name, format!("{vssps}/{path}"), token)))
        };
        let lacks = |name| state.fetch(name).is_none();
        let is_chosen = step.id != oauth2::STEP.id;
        let account = state.fetch(ACCOUNT).and_then(|one| one["accountId"].as_str());
        match account.filter(|_| is_chosen) {
            _ if lacks(USER) => get(USER, "_apis/profile/profiles/me?api-version=1.0".to_owned()),
            _ if lacks(ACCOUNTS) => {
                let user = url::segment(id_of(state)?);
                get(ACCOUNTS, format!("_apis/accounts?memberId={user}&api-version=4.1"))
            }
            Some(id) if lacks(BASE_URL) => {
                let id = url::segment(id);
                get(BASE_URL, format!("{AREA}?hostId={id}&api-preview=5.0-preview.1"))
            }
            Some(_) if lacks(SUBSCRIPTION) => Ok(Some(subscribe(state))),
            _ => Ok(None),
        }
    }

    fn bind_response(
        &self,
        name: &str,
        reply: &VendorResponse,
        state: &mut State,
    ) -> Result<(), Refusal> {
        let failure = RefusalKind::Failure;
        match name {
            OAUTH_DATA => return oauth2::bind_tokens(reply, state),
            USER => state.bind(USER, reply.json("Azure DevOps' user", failure)?),
            ACCOUNTS => {
                let told = reply.json("the user's Azure DevOps organizations", failure)?;
                state.bind(ACCOUNTS, told["value"].clone());
            }
            BASE_URL => {
                let told = reply.json("the address of the organization", failure)?;
                let url = told["locationUrl"].as_str().unwrap_or_default();
                state.bind(BASE_URL, checked_url(url, state)?);
            }
            _ => {
                let told = reply.json("the webhook in Azure DevOps", RefusalKind::Provider)?;
                state.bind(SUBSCRIPTION, told["id"].clone());
            }
        }
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        recover::text_fields([("account", &listed.external_id)])
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        match answers.text("account") == listed.external_id {
            true => IntegrationMatch::Same,
            false => IntegrationMatch::Other,
        }
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        let account = state.fetch(ACCOUNT).unwrap_or(&Value::Null);
        let (id, name) = (account["accountId"].as_str(), account["accountName"].as_str());
        let id = id.ok_or_else(|| Refusal::failure("no Azure DevOps organization was chosen"))?;
        let scopes: Vec<_> = SCOPE.split(' ').map(str::to_owned).collect();
        let metadata = json!({
            "domain_name": state.text(BASE_URL),
            "scopes": scopes,
            "subscription": { "id": state.fetch(SUBSCRIPTION), "secret": state.text(WEBHOOK_SECRET) },
            "integration_migration_version": 1,
        });
        let identity = UserIdentity {
            kind: "vsts",
            external_id: id_of(state)?.to_owned(),
            scopes,
            data: oauth2::identity_data(state),
        };
        Ok(IntegrationData {
            name: name.map(str::to_owned),
            metadata: metadata.as_object().cloned().unwrap_or_default(),
            user_identity: Some(identity),
            ..IntegrationData::new(id)
        })
    }

    fn needs_default_identity(&self) -> bool {
        true
    }
}

fn app(state: &State) -> OAuth2 {
    let base = AppSettings::of(state).base_url_or("https://login.microsoftonline.com");
    let authorize = format!("{base}/common/oauth2/v2.0/authorize");
    OAuth2::of_app(state, authorize, format!("{base}/common/oauth2/v2.0/token"), SCOPE)
}

fn accounts(state: &State) -> impl Iterator<Item = &Value> {
    state.fetch(ACCOUNTS).and_then(Value::as_array).into_iter().flatten()
}

fn id_of(state: &State) -> Result<&str, Refusal> {
    let id = state.fetch(USER).and_then(|user| user["id"].as_str());
    id.ok_or_else(|| Refusal::failure("Azure DevOps' user has no id"))
}

/// The organization's own address, which the token goes to: Azure's, or where the app says that
/// Azure is.
fn checked_url(url: &str, state: &State) -> Result<String, Refusal> {
    let url = format!("{}/", url.trim_end_matches('/'));
    let host = url::host(&url);
    let is_azure = host == "dev.azure.com" || host.ends_with(".visualstudio.com");
    let is_there = url::host(AppSettings::of(state).text("url")) == host && !host.is_empty();
    match is_there || is_azure && url.starts_with("https://") {
        true => Ok(url),
        false => Err(Refusal::failure("the address of the organization is not one of Azure's")),
    }
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
    let token = Credentials::Bearer(oauth2::access_token(state));
    VendorRequest::post(SUBSCRIPTION, url, token, RequestBody::Json(Secret::from(body.to_string())))
}
