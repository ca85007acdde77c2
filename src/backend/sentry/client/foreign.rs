//! Whether it was Sentry that answered. A login page, a firewall, a proxy or another API may stand
//! before a server or in its place, and what these answer says nothing about the token.

use super::SentryClient;
use super::response::{error_text, field_errors};
use crate::error::{Error, ErrorCode};
use crate::http::proxy::ProxyAddress;
use crate::http::{HttpResponse, MAX_LISTED_BYTES};
use serde_json::Value;

/// What to do where something else than a Sentry answers.
const FOREIGN_HINT: &str = "check `url`: it must be Sentry's base URL, including any path prefix; \
                            if it is, let this job through the proxy, firewall or login page in \
                            front of Sentry";

impl HttpResponse {
    /// Whether an error is worded as only Sentry words it: JSON with `detail`, or what is wrong with
    /// a request in one of the other shapes that some of its endpoints have for that.
    pub(crate) fn is_from_sentry(&self) -> bool {
        let body = self.json();
        let detail = &body["detail"];
        let is_list = || body.as_array().is_some_and(|all| all.iter().all(Value::is_string));
        let is_refusal = || body.is_string() || body["error_type"].is_string();
        let is_validation = || {
            let is_pipeline = body["status"] == "error" || body["code"] == "repo_exists";
            is_pipeline || is_list() || !field_errors(&body).is_empty()
        };
        detail.is_string()
            || detail["message"].is_string()
            || detail["code"].is_string()
            || (matches!(self.status, 400 | 404 | 409) && is_refusal())
            || (matches!(self.status, 400 | 409) && is_validation())
    }
}

impl HttpResponse {
    /// Whether it is Sentry that failed, and not a proxy that did not reach it.
    pub(crate) fn is_sentrys_failure(&self) -> bool {
        self.status == 500 || (self.status > 500 && self.is_from_sentry())
    }
}

impl SentryClient {
    /// The error for a response that is not Sentry's own.
    pub(crate) fn foreign(&self, response: &HttpResponse) -> Error {
        if response.status == 407 {
            let failure = self.proxy_refusal(response);
            return Error { status: Some(response.status), ..failure };
        }
        let described = response.describe();
        let message = format!("the response from {} is not Sentry's: {described}", self.base());
        foreign_error(response, message)
    }

    /// What to do about a failure of the server's own.
    pub(super) fn outage_hint(&self, error_id: Option<&str>) -> String {
        let host = self.base().host_str().unwrap_or_default();
        let look = match host == "sentry.io" || host.ends_with(".sentry.io") {
            true => "see status.sentry.io".to_owned(),
            false => match error_id {
                Some(id) => format!(
                    "look up errorId {id}: a self-hosted Sentry has it as an event of its internal project, \
                     `finishline serve` in its log"
                ),
                None => format!("search the log of {} for this time", self.server_name()),
            },
        };
        format!("run again later, completed steps are kept; if it lasts, {look}")
    }

    /// The error for a success that is not what was asked for.
    pub(crate) fn unexpected(&self, response: &HttpResponse, expected: &str) -> Error {
        let message = format!(
            "unexpected response from {}: not {expected}: {}",
            self.base(),
            response.describe()
        );
        foreign_error(response, message)
    }

    /// The error for listings that are more than a run may keep.
    pub(crate) fn unlistable(&self, path: &str) -> Error {
        let (base, most) = (self.base(), MAX_LISTED_BYTES / (1024 * 1024));
        let path = without_query(path);
        strange_listing(format!(
            "the listings of {base} are larger than {most} MiB, the last one {path}"
        ))
    }

    /// The error for a listing that does not end.
    pub(crate) fn endless(&self, path: &str, pages: usize) -> Error {
        let (base, path) = (self.base(), without_query(path));
        strange_listing(format!("the listing {path} of {base} has more than {pages} pages"))
    }

    /// The error for a listing whose next page is one before it.
    pub(crate) fn circular(&self, path: &str) -> Error {
        let (base, path) = (self.base(), without_query(path));
        strange_listing(format!("the listing {path} of {base} leads back to a page that was read"))
    }

    /// The error for a redirect.
    pub(crate) fn redirected(&self, response: &HttpResponse) -> Error {
        let target = response.redirect_target().map(|target| format!(" to {target}"));
        let target = target.unwrap_or_default();
        let message = format!(
            "{} answered with a redirect{target}, which is not followed so that the token stays \
             with this server",
            self.base()
        );
        let hint = "check `url`: use the server's own URL, with https if it supports it; if it is \
                    right, let this job through the login page or proxy in front of Sentry";
        foreign_error(response, message).with_hint(hint)
    }

    /// The error for a proxy before this server that wants a login.
    fn proxy_refusal(&self, response: &HttpResponse) -> Error {
        let said = error_text(&response.json()).map(|said| format!("HTTP 407: {said}"));
        let said = said.unwrap_or_else(|| response.describe());
        let (server, variable) = (self.server_name(), ProxyAddress::variable(self.base()));
        let (message, change) = match ProxyAddress::before(self.base()) {
            Some(ProxyAddress { address, has_login: true, .. }) => (
                format!(
                    "the proxy {address} on the way to {server} refuses the login in {variable}"
                ),
                format!("correct the user or the password in {variable}"),
            ),
            Some(ProxyAddress { address, .. }) => (
                format!(
                    "the proxy {address} on the way to {server} requires a login, and {variable} has none"
                ),
                format!(
                    "put `USER:PASSWORD@` before the host in {variable}, from a secret (percent-encode special characters in the password)"
                ),
            ),
            None => (
                format!("a proxy on the way to {server} requires a login"),
                format!(
                    "put `USER:PASSWORD@` before the proxy's host in {variable}, from a secret (percent-encode special characters in the password)"
                ),
            ),
        };
        Error::new(ErrorCode::Unreachable, format!("{message} ({said})")).with_hint(format!(
            "{change}; or, if this machine reaches {server} directly, add it to NO_PROXY"
        ))
    }
}

fn foreign_error(response: &HttpResponse, message: String) -> Error {
    let failure = Error::new(ErrorCode::BackendError, message).with_hint(FOREIGN_HINT);
    Error { status: Some(response.status), ..failure }
}

/// A listing that is more than any Sentry has.
fn strange_listing(message: String) -> Error {
    Error::new(ErrorCode::BackendError, message)
        .with_hint("check whether `url` is the address of your Sentry, and what answers there")
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}
