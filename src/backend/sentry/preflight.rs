//! What a Sentry shows before anything is changed there: who the token is, and what it may see.

use super::ConnectOptions;
use super::client::permission::Permission;
use super::client::{SentryClient, organization_path};
use super::release_json;
use crate::error::{Error, ErrorCode, Result};
use crate::http;
use crate::model::OrgSlug;
use crate::model::token::TokenKind;
use crate::release::repository_match::{self, RepositoryMatch};
use crate::text::suggest::closest;
use crate::text::{quote, segment};
use serde_json::Value;

/// Who a token is.
pub struct TokenOwner {
    /// The user's name; an organization's token has none.
    pub user: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
}

/// What came of a check that did not fail.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CheckVerdict {
    /// It was looked at, and is as it should be.
    Passed(String),
    /// It could not be looked at, for this reason.
    NotChecked(String),
}

/// What a token is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckedTask {
    /// To install integrations.
    Pipeline,
    /// To remove them.
    Removal,
    /// To link repositories.
    Links,
    /// To set code mappings alone.
    CodeMappings,
    /// To make releases.
    Release,
}

impl CheckedTask {
    fn permission(self) -> Permission {
        match self {
            Self::Pipeline => Permission::Pipeline,
            Self::Removal => Permission::Removal,
            Self::Links => Permission::Repositories,
            Self::CodeMappings => Permission::CodeMappings,
            Self::Release => Permission::Releases,
        }
    }
}

/// The roles that may install integrations.
const INSTALLER_ROLES: [&str; 3] = ["owner", "manager", "admin"];

/// Reads from one server with one token.
pub struct PreflightClient {
    client: SentryClient,
}

impl PreflightClient {
    /// Makes ready; nothing is sent yet.
    pub fn new(access: ConnectOptions) -> Result<Self> {
        Ok(Self { client: SentryClient::new(access, http::USER_AGENT)? })
    }

    /// The kind of the token, for a person.
    pub fn token(&self, task: CheckedTask) -> Result<String> {
        let permission = task.permission();
        if !permission.allows_org_token() {
            self.client.check_user_token(permission)?;
        }
        Ok(match self.client.token_kind() {
            TokenKind::Organization(claims) => format!("organization token of {}", claims.org),
            TokenKind::User => "user token".to_owned(),
            TokenKind::Integration => "integration token".to_owned(),
            TokenKind::Legacy => "legacy token of a user or an integration".to_owned(),
            TokenKind::Opaque => "token of unknown kind".to_owned(),
        })
    }

    /// Who the token is to the server.
    pub async fn whoami(&self) -> Result<TokenOwner> {
        let response = self.client.get("/api/0/").await?;
        let body = response.json();
        let is_anonymous = body["version"].is_string() && body["auth"].is_null();
        if is_anonymous || (response.status == 401 && response.is_from_sentry()) {
            return Err(self.client.unauthorized(None, None));
        }
        match response.status {
            _ if response.is_success() && body["version"].is_string() => {}
            _ if response.redirect().is_some() => return Err(self.client.redirected(&response)),
            _ => return Err(self.client.foreign(&response)),
        }
        let names = ["username", "email", "name"].map(|name| body["user"][name].as_str());
        let user = names.into_iter().flatten().find(|name| !name.is_empty()).map(str::to_owned);
        let scopes = body["auth"]["scopes"].as_array().into_iter().flatten();
        let scopes = scopes.filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(TokenOwner { user, scopes })
    }

    /// Which scope of the token lets it do this.
    pub fn scope(&self, owner: &TokenOwner, task: CheckedTask) -> Result<String> {
        let permission = task.permission();
        let (action, scopes) = (permission.action(), permission.scopes());
        let granted = permission.granted_by(&owner.scopes);
        granted.map(|scope| format!("{scope} allows it to {action}")).ok_or_else(|| {
            Error::new(
                ErrorCode::MissingScope,
                format!("the token's scopes do not allow it to {action}"),
            )
            .with_hint(format!("use a token with one of the scopes {scopes}"))
        })
    }

    /// Whether the organization shows its integrations, or else its releases.
    pub async fn organization(&self, org: &OrgSlug, for_pipeline: bool) -> Result<String> {
        let (rest, permission, result) = match for_pipeline {
            true => ("integrations/", Permission::ListIntegrations, "integrations can be listed"),
            false => ("releases/?per_page=1", Permission::Releases, "releases can be listed"),
        };
        self.read(org, rest, permission).await.map(|_| result.to_owned())
    }

    /// Whether the organization is offered this provider.
    pub async fn provider(&self, org: &OrgSlug, key: &str) -> Result<String> {
        let rest = format!("config/integrations/?provider_key={0}&providerKey={0}", segment(key));
        let response = self.client.get(organization_path(org, &rest)).await?;
        let is_answer = match response.status {
            404 => response.is_from_sentry(),
            _ => response.is_success() && response.json()["providers"].is_array(),
        };
        // A token with `org:integrations` alone may install, and not read this list.
        if response.status == 403 && response.is_from_sentry() {
            return Ok(
                "not checked: the list of providers needs a token with `org:read`".to_owned()
            );
        }
        if !is_answer {
            return Err(self.client.denied(&response, Permission::ListIntegrations, org));
        }
        let body = response.json();
        let mut offered = body["providers"].as_array().into_iter().flatten();
        match offered.find(|one| one["key"] == key) {
            Some(one) if one["canAdd"] == true => Ok("available".to_owned()),
            Some(_) => {
                Ok("available; already installed, and only one installation is allowed".to_owned())
            }
            None => {
                let message = format!("{} is not available to {org}", quote(key));
                let hint = "check the key and the organization's plan and feature flags; on self-hosted Sentry, check the provider's settings";
                Err(Error::new(ErrorCode::Unsupported, message).with_hint(hint))
            }
        }
    }

    /// Whether the token sees this project.
    pub async fn project(&self, org: &OrgSlug, slug: &str) -> Result<CheckVerdict> {
        Ok(match project(&self.client, org, slug).await? {
            true => CheckVerdict::Passed("exists".to_owned()),
            false => CheckVerdict::NotChecked("the token is not allowed to read it".to_owned()),
        })
    }

    /// Whether the role of the token's owner lets them install integrations.
    pub async fn role(&self, org: &OrgSlug) -> Result<CheckVerdict> {
        let not_checked = |why: &str| Ok(CheckVerdict::NotChecked(why.to_owned()));
        let response = self.client.get(organization_path(org, "")).await?;
        if !response.is_success() {
            return not_checked("the token is not allowed to read the organization");
        }
        let body = response.json();
        let role = body["orgRole"].as_str().or(body["role"].as_str());
        let access = body["access"].as_array().into_iter().flatten();
        let access: Vec<_> = access.filter_map(Value::as_str).map(str::to_owned).collect();
        let may_install = role.is_some_and(|role| INSTALLER_ROLES.contains(&role))
            || Permission::Pipeline.granted_by(&access).is_some();
        match role {
            _ if may_install => {
                Ok(CheckVerdict::Passed(role.unwrap_or("may install integrations").to_owned()))
            }
            None => not_checked("the server does not show the role of the token's owner"),
            Some(role) => {
                let message = format!(
                    "the token's owner has the role {} in {org}, which cannot install integrations",
                    quote(role)
                );
                Err(Error::new(ErrorCode::MissingScope, message))
            }
        }
    }

    /// Whether an integration is linked to this repository, so that Sentry fetches its commits.
    pub async fn repository(&self, org: &OrgSlug, name: &str) -> Result<String> {
        let part = name.rsplit('/').next().unwrap_or(name);
        let mut is_known = false;
        for query in [part, ""] {
            let rest = format!("repos/?status=active&per_page=100&query={}", segment(query));
            let found = self.read(org, &rest, Permission::ListRepositories).await?;
            let listed = found.as_array().into_iter().flatten();
            let listed: Vec<_> = listed.filter_map(release_json::repository).collect();
            match repository_match::find(&listed, name, None) {
                RepositoryMatch::Found { is_fetched: false, .. } => {
                    return Err(never_fetched(name, "no third party is behind its integration"));
                }
                RepositoryMatch::Found { .. } => {
                    return Ok("linked; the backend fetches its commits".to_owned());
                }
                RepositoryMatch::Ambiguous(_) | RepositoryMatch::Unlisted => {}
            }
            is_known |= listed.iter().any(|one| one.name.eq_ignore_ascii_case(name));
        }
        match is_known {
            true => Err(never_fetched(name, "Sentry knows it by its name only")),
            false => Ok("not linked; commits are read from the checkout or GitHub".to_owned()),
        }
    }

    async fn read(&self, org: &OrgSlug, rest: &str, permission: Permission) -> Result<Value> {
        let response = self.client.get(organization_path(org, rest)).await?;
        match response.json() {
            items @ Value::Array(_) if response.is_success() => Ok(items),
            _ => Err(self.client.denied(&response, permission, org)),
        }
    }
}

/// Sentry takes a head of such a repository, and fetches nothing.
fn never_fetched(name: &str, why: &str) -> Error {
    let message = format!("Sentry fetches no commits of {}: {why}", quote(name));
    Error::new(ErrorCode::Refused, message).with_hint(
        "link the repository to an integration with its host in Sentry, or set `commits: local`",
    )
}

/// Whether the token sees this project. One that makes releases need not be let see any, but it may
/// list their releases.
pub(super) async fn project(client: &SentryClient, org: &OrgSlug, slug: &str) -> Result<bool> {
    let path = format!("/api/0/projects/{}/{}/", segment(org.as_str()), segment(slug));
    let mut response = client.get(path.as_str()).await?;
    if response.status == 403 && response.is_from_sentry() {
        response = client.get(format!("{path}releases/?per_page=1")).await?;
    }
    match response.status {
        _ if response.is_success() && !response.json().is_null() => Ok(true),
        403 if response.is_from_sentry() => Ok(false),
        404 if response.is_from_sentry() => Err(unknown_project(client, org, slug).await),
        _ => Err(client.denied(&response, Permission::Releases, org)),
    }
}

async fn unknown_project(client: &SentryClient, org: &OrgSlug, slug: &str) -> Error {
    let message =
        format!("project {} does not exist in {org}, or this token cannot see it", quote(slug));
    let hint = "check `org` and `projects`, and that the token's owner is a member of one of the project's teams";
    let error = Error::new(ErrorCode::NotAMember, message);
    match near_project(client, org, slug).await {
        Some(near) => error.with_hint(format!("did you mean {}? {hint}", quote(&near))),
        None => error.with_hint(hint),
    }
}

/// The organization's project whose slug is near this one, where the token may list them.
pub(super) async fn near_project(
    client: &SentryClient,
    org: &OrgSlug,
    slug: &str,
) -> Option<String> {
    let response = client.get(organization_path(org, "projects/?per_page=100")).await.ok()?;
    let body = if response.is_success() { response.json() } else { Value::Null };
    let slugs = body.as_array().into_iter().flatten().filter_map(|one| one["slug"].as_str());
    closest(slug, slugs).map(str::to_owned)
}
