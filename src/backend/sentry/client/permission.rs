//! What a token may do, and the words for what it may not.

use super::SentryClient;
use super::response::error_text;
use crate::error::{Error, ErrorCode, Result};
use crate::http::HttpResponse;
use crate::model::token::TokenKind;
use crate::model::{OrgSlug, Refusal, RefusalKind};

/// What a call needs, for the words when it is refused.
#[derive(Clone, Copy)]
pub(crate) enum Permission {
    /// To list integrations.
    ListIntegrations,
    /// To walk a pipeline.
    Pipeline,
    /// To link repositories and code mappings.
    Repositories,
    /// To make releases and note deploys.
    Releases,
    /// To list repositories.
    ListRepositories,
}

impl Permission {
    /// What it is, to stand after "may not".
    pub(crate) fn action(self) -> &'static str {
        match self {
            Self::ListIntegrations => "list integrations",
            Self::Pipeline => "walk an integration pipeline",
            Self::Repositories => "link repositories and code mappings",
            Self::Releases => "make releases",
            Self::ListRepositories => "list repositories",
        }
    }

    /// The scopes of which one is needed.
    pub(crate) fn scopes(self) -> &'static str {
        match self {
            Self::ListIntegrations | Self::ListRepositories => {
                "org:read, org:write, org:admin or org:integrations"
            }
            Self::Pipeline => "org:write, org:admin or org:integrations",
            Self::Repositories => "org:read, org:write, org:admin or org:integrations",
            Self::Releases => "project:releases, project:write, project:admin or org:ci",
        }
    }

    /// Which of its scopes is among these.
    pub(crate) fn granted_by(self, scopes: &[String]) -> Option<&'static str> {
        let mut wanted = self.scopes().split([',', ' ']).filter(|word| word.contains(':'));
        wanted.find(|wanted| scopes.iter().any(|held| held == wanted))
    }

    /// Whether an organization's own token may do it, on a server that is new enough.
    fn allows_org_token(self) -> bool {
        matches!(self, Self::Releases | Self::ListRepositories)
    }

    /// Who may hold such a token, for the hint.
    fn required_role(self, org: &OrgSlug) -> String {
        match self {
            Self::Releases | Self::ListRepositories => {
                format!("its owner membership in {org} and its projects")
            }
            _ => format!("its owner the role owner, manager or admin in {org}"),
        }
    }
}

/// An organization's token can start no pipeline: said before any request.
pub(crate) fn check_pipeline_token(client: &SentryClient) -> Result<()> {
    match client.token_kind() {
        TokenKind::Organization(_) => Err(org_token()),
        TokenKind::User | TokenKind::Integration | TokenKind::Legacy | TokenKind::Opaque => Ok(()),
    }
}

fn org_token() -> Error {
    Error::new(
        ErrorCode::OrgToken,
        "this is an organization token (org:ci), and a pipeline needs a user's token",
    )
}

/// The failure for a call that was answered with an error.
pub(crate) fn denied(
    client: &SentryClient,
    reply: &HttpResponse,
    need: Permission,
    org: &OrgSlug,
) -> Error {
    let host = client.base().host_str().unwrap_or_default();
    let said = error_text(&reply.json()).map(|said| format!(" ({said})")).unwrap_or_default();
    let what = need.action();
    let failure = match (reply.status, client.token_kind()) {
        (401, _) => {
            Error::new(ErrorCode::Unauthorized, format!("{host} does not know the token{said}"))
        }
        (403, TokenKind::Organization(_)) if !need.allows_org_token() => org_token(),
        (403, _) => {
            Error::new(ErrorCode::MissingScope, format!("the token may not {what} for {org}{said}"))
                .with_hint(format!(
                    "give the token one of {}, and {}",
                    need.scopes(),
                    need.required_role(org)
                ))
        }
        (404, _) if reply.json()["detail"].is_null() => Error::new(
            ErrorCode::BackendError,
            format!("{host} is no Sentry: it knows nothing of organizations"),
        )
        .with_hint(
            "check `url`: it must be the server's own address, with the path that it is below",
        ),
        (404, _) => Error::new(
            ErrorCode::NotAMember,
            format!("{host} shows this token no organization {org}{said}"),
        ),
        (300..=399, _) => Error::new(
            ErrorCode::BackendError,
            format!("{host} sends this request elsewhere, and the token goes nowhere else"),
        )
        .with_hint("check `url`: it must be the server's own address, with https where it has it"),
        (status, _) => {
            Error::new(ErrorCode::BackendError, format!("{host} answered HTTP {status}{said}"))
        }
    };
    Error { status: Some(reply.status), ..failure }
}

/// The pipeline's session is gone: the cookie is lost, or its hour is over.
pub(crate) fn expired(reply: &HttpResponse) -> Refusal {
    let said = error_text(&reply.json()).unwrap_or_default();
    let message = format!("the pipeline is not there any more: {said}");
    Refusal { status: Some(reply.status), ..Refusal::new(RefusalKind::Expired, message) }
}

/// Sentry refuses with a sentence only: the few that lead to another code are told by their words.
pub(crate) fn kind_of_refusal(message: String) -> Refusal {
    let says = |words: &str| message.to_lowercase().contains(words);
    let kind = if says("owner, manager or admin") || says("owner, manager, or admin") {
        RefusalKind::Permission
    } else if says("linked to a different") {
        RefusalKind::IdentityTaken
    } else if says("an error occurred while validating your request") {
        RefusalKind::WrongState
    } else {
        RefusalKind::Failure
    };
    Refusal::new(kind, message)
}
