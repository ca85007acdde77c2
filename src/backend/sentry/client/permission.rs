//! What a token may do, and the errors for what it may not.

use super::SentryClient;
use super::response::error_text;
use crate::error::{Error, ErrorCode, Result};
use crate::http::HttpResponse;
use crate::model::token::{TokenClaims, TokenKind};
use crate::model::{OrgSlug, Refusal};

/// What a request needs, for the error when it is refused.
#[derive(Clone, Copy)]
pub(crate) enum Permission {
    /// To list integrations.
    ListIntegrations,
    /// To drive a pipeline.
    Pipeline,
    /// To delete integrations, repositories and code mappings.
    Removal,
    /// To link repositories and code mappings.
    Repositories,
    /// To set code mappings alone.
    CodeMappings,
    /// To make releases and note deploys.
    Releases,
    /// To list releases and their deploys.
    ReadReleases,
    /// To put releases away, or back.
    ArchiveReleases,
    /// To delete releases.
    DeleteReleases,
    /// To list repositories.
    ListRepositories,
    /// To upload source maps, and to look for them.
    SourceMaps,
}

/// The scopes of which one is needed.
const READ_SCOPES: &str = "org:read, org:write, org:admin or org:integrations";
const LINK_SCOPES: &str = "org:ci, org:read, org:write, org:admin or org:integrations";
const WRITE_SCOPES: &str = "org:write, org:admin or org:integrations";
const DELETE_SCOPES: &str = "org:admin or org:integrations";
const READ_RELEASE_SCOPES: &str =
    "project:read, project:releases, project:write, project:admin or org:ci";
const DELETE_RELEASE_SCOPES: &str = "project:releases or project:admin";
const RELEASE_SCOPES: &str = "project:releases, project:write, project:admin or org:ci";

impl Permission {
    /// What it is, to stand after "may not", and the scopes of which one is needed.
    fn details(self) -> (&'static str, &'static str) {
        match self {
            Self::ListIntegrations => ("list integrations", READ_SCOPES),
            Self::Pipeline => ("run an integration pipeline", WRITE_SCOPES),
            Self::Removal => ("remove an integration or what it links", DELETE_SCOPES),
            Self::Repositories => ("link repositories and code mappings", READ_SCOPES),
            Self::CodeMappings => ("set code mappings", LINK_SCOPES),
            Self::Releases => ("create releases", RELEASE_SCOPES),
            Self::ReadReleases => ("read releases", READ_RELEASE_SCOPES),
            Self::ArchiveReleases => ("archive or restore releases", RELEASE_SCOPES),
            Self::DeleteReleases => ("delete releases", DELETE_RELEASE_SCOPES),
            Self::ListRepositories => ("list repositories", READ_SCOPES),
            Self::SourceMaps => ("upload source maps", RELEASE_SCOPES),
        }
    }

    pub(crate) fn action(self) -> &'static str {
        self.details().0
    }

    pub(crate) fn scopes(self) -> &'static str {
        self.details().1
    }

    /// The scope that allows it and the least besides, which stands first.
    fn least_scope(self) -> &'static str {
        self.scopes().split([',', ' ']).next().unwrap_or_default()
    }

    /// The scopes that a new token should have for it, to stand after "a token".
    fn new_token_scopes(self) -> String {
        match self {
            // A deploy of one project of several reads it.
            Self::Releases => {
                " with Release: Admin (project:releases) and Project: Read (project:read)"
                    .to_owned()
            }
            other => format!(" with the scope {}", other.least_scope()),
        }
    }

    /// Which of its scopes is among these.
    pub(crate) fn granted_by(self, scopes: &[String]) -> Option<&'static str> {
        let mut sufficient = self.scopes().split([',', ' ']).filter(|word| word.contains(':'));
        sufficient.find(|sufficient| scopes.iter().any(|scope| scope == sufficient))
    }

    /// Whether an organization's own token may do it, on a server that is new enough.
    pub(crate) fn allows_org_token(self) -> bool {
        matches!(
            self,
            Self::CodeMappings
                | Self::Releases
                | Self::ReadReleases
                | Self::ArchiveReleases
                | Self::DeleteReleases
                | Self::ListRepositories
                | Self::SourceMaps
        )
    }

    /// Who may hold such a token, for the hint.
    fn required_role(self, org: &OrgSlug) -> String {
        match self.allows_org_token() {
            true => format!("its owner must be a member of {org} and its projects"),
            false => format!("its owner must have the role owner, manager or admin in {org}"),
        }
    }
}

/// The error for projects that a token may not name: a right slug, and a scope that is missing.
pub(crate) fn projects_unreadable(projects: &[String], reason: &str, status: u16) -> Error {
    let message = format!(
        "the token cannot read the projects that the request names, {}: {reason}",
        projects.join(", ")
    );
    let hint = "use a token with the scope project:read beside project:releases, whose owner is a \
                member of the projects' teams, or an organization token";
    let failure = Error::new(ErrorCode::MissingScope, message).with_hint(hint);
    Error { status: Some(status), ..failure }
}

/// The error for a release that has a project which the token's owner may not change.
pub(crate) fn others_project(reason: &str, status: u16) -> Error {
    let message = format!("the release has a project of others: {reason}");
    let hint = "use a token whose owner is a member of that project's team, or give each project a version of \
                its own, for example with `release-prefix`";
    let failure = Error::new(ErrorCode::MissingScope, message).with_hint(hint);
    Error { status: Some(status), ..failure }
}

fn org_token(permission: Permission) -> Error {
    let what = match permission {
        Permission::Removal => "a removal",
        Permission::ListIntegrations => "a list of integrations",
        Permission::Repositories => "a link to a repository",
        _ => "a pipeline",
    };
    let message =
        format!("this is an organization token (org:ci), but {what} needs a user's access token");
    let failure = Error::new(ErrorCode::OrgToken, message);
    match permission {
        Permission::Removal => failure.with_hint(format!(
            "set `pipeline-token` to an access token of an owner, manager or admin with the scope \
             {DELETE_SCOPES}"
        )),
        _ => failure,
    }
}

impl SentryClient {
    /// An organization's token can start no pipeline and remove nothing: reported before any request.
    pub(crate) fn check_user_token(&self, permission: Permission) -> Result {
        match self.token_kind() {
            TokenKind::Organization(_) => Err(org_token(permission)),
            TokenKind::User | TokenKind::Integration | TokenKind::Legacy | TokenKind::Opaque => {
                Ok(())
            }
        }
    }

    /// The error for a token that the server does not know.
    pub(crate) fn unauthorized(
        &self,
        said: Option<&str>,
        asked: Option<(Permission, &OrgSlug)>,
    ) -> Error {
        let reason = said.map(|said| format!(" (HTTP 401: {said})")).unwrap_or_default();
        let (server, token) = (self.server_name(), self.replacement(asked));
        match self.token_origin() {
            "" => {
                let message = format!("{server} does not accept the token{reason}");
                Error::new(ErrorCode::Unauthorized, message)
            }
            origin => {
                let message = format!("{server} does not accept the token in {origin}{reason}");
                Error::new(ErrorCode::Unauthorized, message).with_hint(format!(
                    "if {server} is not your Sentry, correct `url` (SENTRY_URL). Otherwise {token}. Then store it \
                     in the secret behind {origin}, and run again"
                ))
            }
        }
    }

    /// What is wrong with the token, and how to replace it.
    fn replacement(&self, asked: Option<(Permission, &OrgSlug)>) -> String {
        let (is_wrong, page) = ("is mistyped, expired or revoked", self.token_page());
        if matches!(self.token_kind(), TokenKind::Organization(_)) {
            return format!(
                "this organization token {is_wrong}. Create a new one (Settings › Organization Tokens) at {page}"
            );
        }
        let is_users = self.token_kind() == TokenKind::User;
        let token = if is_users { "this personal token" } else { "the token" };
        let scopes = asked.map(|(permission, _)| permission.new_token_scopes()).unwrap_or_default();
        let member =
            asked.map(|(_, org)| format!(", signed in as a member of {org},")).unwrap_or_default();
        let other = match asked {
            Some((permission, _)) if permission.allows_org_token() => {
                " (a token from Settings › Organization Tokens works too, where your Sentry has that page)"
            }
            _ => "",
        };
        format!("{token} {is_wrong}. Create a new personal token{scopes}{member} at {page}{other}")
    }

    /// The page of the server where tokens of this kind are created.
    fn token_page(&self) -> String {
        let path = match self.token_kind() {
            TokenKind::Organization(TokenClaims { org, .. }) if OrgSlug::parse(&org).is_some() => {
                format!("settings/{org}/auth-tokens/")
            }
            _ => "settings/account/api/auth-tokens/".to_owned(),
        };
        // A region of the SaaS has no pages. No scheme, for a link in a message is broken.
        let is_region = self.base().host_str().is_some_and(|host| host.ends_with(".sentry.io"));
        match is_region {
            true => format!("sentry.io/{path}"),
            false => {
                let prefix = self.base().path().trim_end_matches('/');
                format!("{}{prefix}/{path}", self.server_name())
            }
        }
    }

    /// The error for a request that was refused, or that somebody else answered.
    pub(crate) fn denied(
        &self,
        response: &HttpResponse,
        permission: Permission,
        org: &OrgSlug,
    ) -> Error {
        match response.status {
            _ if response.redirect().is_some() => return self.redirected(response),
            ..=399 => return self.unexpected(response, "what was asked for"),
            _ if !response.is_from_sentry() => return self.foreign(response),
            _ => {}
        }
        let host = self.base().host_str().unwrap_or_default();
        let said = error_text(&response.json());
        let reason = said.as_ref().map(|said| format!(" ({said})")).unwrap_or_default();
        let (action, scopes) = permission.details();
        let is_org = matches!(self.token_kind(), TokenKind::Organization(_));
        let failure = match (response.status, is_org && !permission.allows_org_token()) {
            (401, _) => self.unauthorized(said.as_deref(), Some((permission, org))),
            (403, true) => org_token(permission),
            (403, _) => {
                let message = format!("the token cannot {action} for {org}{reason}");
                let role = permission.required_role(org);
                Error::new(ErrorCode::MissingScope, message)
                    .with_hint(format!("use a token with one of the scopes {scopes}; {role}"))
            }
            (404, _) => {
                let message = format!(
                    "organization {org} does not exist on {host}, or this token cannot see \
                     it{reason}"
                );
                Error::new(ErrorCode::NotAMember, message)
            }
            // The same request would be refused again.
            (status @ (400 | 405 | 410 | 413 | 414 | 415 | 422), _) => {
                let message = format!("{host} refused the request: HTTP {status}{reason}");
                Error::new(ErrorCode::Refused, message)
            }
            (status, _) => {
                let message = format!("{host} returned HTTP {status}{reason}");
                Error::new(ErrorCode::BackendError, message)
            }
        };
        Error { status: Some(response.status), ..failure }
    }
}

/// The pipeline's session is gone: the cookie is lost, or its hour is over.
pub(crate) fn expired(response: &HttpResponse) -> Refusal {
    let reason = error_text(&response.json()).unwrap_or_default();
    let message = format!("the pipeline no longer exists: {reason}");
    Refusal { status: Some(response.status), ..Refusal::new(ErrorCode::SessionExpired, message) }
}

/// The pipeline's session is there, but broken: a finish that failed leaves it behind its last step,
/// where nothing can be read any more.
pub(crate) fn unreadable(response: &HttpResponse) -> Refusal {
    let reason = error_text(&response.json()).map(|reason| format!(": {reason}"));
    let (status, reason) = (response.status, reason.unwrap_or_default());
    let message = format!("the pipeline cannot be continued: HTTP {status}{reason}");
    Refusal { status: Some(status), ..Refusal::new(ErrorCode::SessionExpired, message) }
}

/// Sentry refuses with a sentence only: the few that lead to another code are recognized by it.
pub(crate) fn kind_of_refusal(message: String) -> Refusal {
    let contains = |words: &str| message.to_lowercase().contains(words);
    let kind = if contains("owner, manager or admin") || contains("owner, manager, or admin") {
        ErrorCode::MissingScope
    } else if contains("linked to a different") {
        ErrorCode::IdentityTaken
    } else if contains("an error occurred while validating your request")
        || contains("invalid state, please try the installation again")
    {
        ErrorCode::WrongOauthState
    } else {
        ErrorCode::Refused
    };
    Refusal::new(kind, message)
}
