//! What a Sentry says before anything is asked of it: who the token is, and what it may see.

use super::ConnectOptions;
use super::client::permission::Permission;
use super::client::{SentryClient, SentryRequest, permission};
use crate::error::{Error, ErrorCode, Result};
use crate::http;
use crate::model::OrgSlug;
use crate::model::token::TokenKind;
use crate::text::quote::quote;
use crate::text::url::segment;
use serde_json::Value;

/// Who a token is.
pub struct TokenOwner {
    /// The user's name; an organization's token has none.
    pub user: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
}

/// Asks one server with one token; only reads.
pub struct PreflightClient {
    client: SentryClient,
}

impl PreflightClient {
    /// Makes ready; nothing is sent yet.
    pub fn new(access: ConnectOptions) -> Result<Self> {
        Ok(Self { client: SentryClient::new(access, Vec::new(), http::USER_AGENT)? })
    }

    /// The kind of the token, for a person.
    ///
    /// # Errors
    ///
    /// `org-token` for an organization's where a pipeline needs a user's.
    pub fn token(&self, walks: bool) -> Result<String> {
        if walks {
            permission::check_pipeline_token(&self.client)?;
        }
        Ok(match self.client.token_kind() {
            TokenKind::Organization(claims) => format!("an organization token of {}", claims.org),
            TokenKind::User => "a user's token".to_owned(),
            TokenKind::Integration => "an integration's token".to_owned(),
            TokenKind::Legacy => "a token of earlier days, a user's or an integration's".to_owned(),
            TokenKind::Opaque => "a token whose text does not tell its kind".to_owned(),
        })
    }

    /// Who the token is to the server.
    ///
    /// # Errors
    ///
    /// The server is not reached, is no Sentry, or does not know the token.
    pub async fn whoami(&self) -> Result<TokenOwner> {
        let reply = self.client.send(&SentryRequest::get("/api/0/")).await?;
        let host = self.client.base().host_str().unwrap_or_default();
        let said = reply.json();
        if reply.status == 401 || (said["version"].is_string() && said["auth"].is_null()) {
            let message = format!("{host} does not know the token");
            return Err(Error::new(ErrorCode::Unauthorized, message));
        }
        if !reply.is_success() || !said["version"].is_string() {
            let message = format!("{host} is no Sentry: HTTP {} at /api/0/", reply.status);
            let hint =
                "check `url`: it must be the server's own address, with the path that it is below";
            return Err(Error::new(ErrorCode::BackendError, message).with_hint(hint));
        }
        let names = ["username", "email", "name"].map(|name| said["user"][name].as_str());
        let user = names.into_iter().flatten().find(|name| !name.is_empty()).map(str::to_owned);
        let scopes = said["auth"]["scopes"].as_array().into_iter().flatten();
        let scopes = scopes.filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(TokenOwner { user, scopes })
    }

    /// Which of the scopes that walk pipelines, or else make releases, is held.
    ///
    /// # Errors
    ///
    /// `missing-scope`, with those of which one is needed.
    pub fn scope(&self, who: &TokenOwner, walks: bool) -> Result<String> {
        let need = if walks { Permission::Pipeline } else { Permission::Releases };
        need.granted_by(&who.scopes)
            .map(|scope| format!("{scope} lets it {}", need.action()))
            .ok_or_else(|| {
                let message = format!("the token's scopes do not let it {}", need.action());
                let hint = format!("give the token one of {}", need.scopes());
                Error::new(ErrorCode::MissingScope, message).with_hint(hint)
            })
    }

    /// Whether the organization shows its integrations, or else its releases.
    pub async fn organization(&self, org: &OrgSlug, walks: bool) -> Result<String> {
        let (rest, need, words) = match walks {
            true => ("integrations/", Permission::ListIntegrations, "integrations can be listed"),
            false => ("releases/?per_page=1", Permission::Releases, "releases can be listed"),
        };
        self.read(org, rest, need).await.map(|_| words.to_owned())
    }

    /// Whether the organization is offered this provider.
    ///
    /// # Errors
    ///
    /// `unsupported` when it is not, or takes no other installation of it.
    pub async fn provider(&self, org: &OrgSlug, key: &str) -> Result<String> {
        let rest = format!("config/integrations/?provider_key={0}&providerKey={0}", segment(key));
        let path = path(org, &rest);
        let reply = self.client.send(&SentryRequest::get(path)).await?;
        if reply.status != 404 && !reply.is_success() {
            return Err(permission::denied(
                &self.client,
                &reply,
                Permission::ListIntegrations,
                org,
            ));
        }
        let said = reply.json();
        let mut offered = said["providers"].as_array().into_iter().flatten();
        match offered.find(|one| one["key"] == key) {
            Some(one) if one["canAdd"] == true => Ok("it can be set up".to_owned()),
            Some(_) => Ok("it is offered, and takes no other installation than the one".to_owned()),
            None => {
                let message = format!("{org} is not offered {}", quote(key));
                let hint = "check the key, the organization's plan and its feature flags; on a server of your own the provider's settings";
                Err(Error::new(ErrorCode::Unsupported, message).with_hint(hint))
            }
        }
    }

    /// Whether the token sees this project.
    pub async fn project(&self, who: &TokenOwner, org: &OrgSlug, slug: &str) -> Result<String> {
        let reads = ["project:read", "project:write", "project:admin"];
        if !who.scopes.iter().any(|scope| reads.contains(&scope.as_str())) {
            return Ok("not checked: the token has no scope to read projects".to_owned());
        }
        match project(&self.client, org, slug).await? {
            true => Ok("it is there".to_owned()),
            false => Ok("not checked: the token may not read it".to_owned()),
        }
    }

    /// Whether the organization has this repository; without it commits come from elsewhere.
    pub async fn repository(&self, org: &OrgSlug, name: &str) -> Result<String> {
        let rest = format!("repos/?query={}", segment(name));
        let found = self.read(org, &rest, Permission::ListRepositories).await?;
        let mut names =
            found.as_array().into_iter().flatten().filter_map(|one| one["name"].as_str());
        Ok(match names.any(|one| one.eq_ignore_ascii_case(name)) {
            true => "it is linked, so the backend fetches commits itself".to_owned(),
            false => "it is not linked, so commits come from the checkout or GitHub".to_owned(),
        })
    }

    async fn read(&self, org: &OrgSlug, rest: &str, need: Permission) -> Result<Value> {
        let reply = self.client.send(&SentryRequest::get(path(org, rest))).await?;
        if reply.is_success() {
            Ok(reply.json())
        } else {
            Err(permission::denied(&self.client, &reply, need, org))
        }
    }
}

/// Whether the token sees this project; a token that makes releases need not be let see any.
///
/// # Errors
///
/// The organization has no such project, or none that the token is shown.
pub(super) async fn project(client: &SentryClient, org: &OrgSlug, slug: &str) -> Result<bool> {
    let path = format!("/api/0/projects/{}/{}/", segment(org.as_str()), segment(slug));
    let reply = client.send(&SentryRequest::get(path)).await?;
    match reply.status {
        200..=299 => Ok(true),
        403 => Ok(false),
        404 => {
            let message = format!("{org} shows this token no project {}", quote(slug));
            let hint = "check `org` and `projects`, and that the token's owner is in one of the project's teams";
            Err(Error::new(ErrorCode::NotAMember, message).with_hint(hint))
        }
        _ => Err(permission::denied(client, &reply, Permission::Releases, org)),
    }
}

fn path(org: &OrgSlug, rest: &str) -> String {
    format!("/api/0/organizations/{}/{rest}", segment(org.as_str()))
}
