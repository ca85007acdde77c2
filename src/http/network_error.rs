//! Why there was no response, in words: the stage that failed, and the reason of whoever knows it.

use super::READ_TIMEOUT;
use super::proxy::ProxyAddress;
use super::trust::AUTHORITY_AS_SERVER;
use rustls::CertificateError::{
    BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
    NotValidYetContext, Other, UnknownIssuer,
};
use rustls::Error as TlsError;
use std::error::Error;
use std::time::Duration;
use url::Url;

/// Which part of the way to a server failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectError {
    /// The TLS handshake failed.
    Tls,
    /// No connection.
    Connect,
    /// No answer in time, or one that broke off.
    Interrupted,
}

/// The reason where nobody knows more.
const TIMED_OUT: &str = "timed out";

/// What the client says first of a way through a proxy that does not stand yet.
const TUNNEL: &str = "tunnel error";

/// What the standard library says before the system's reason, which tells no more.
const LOOKUP_FAILED: &str = "failed to lookup address information: ";

/// Which part of the way failed, and why.
#[derive(Clone, Debug)]
pub(crate) struct NetworkError {
    pub(crate) stage: ConnectError,
    /// The system's reason, to stand after a colon.
    reason: String,
    /// What to do about it, where the reason says so much.
    hint: Option<AddressHint>,
    /// The proxy before the server, where there is one, and the reason does not name it.
    proxy: Option<ProxyAddress>,
    /// Whether the way ends at that proxy.
    ends_at_proxy: bool,
}

/// What to do, in words that name the input of the server's address.
type AddressHint = fn(&str) -> String;

impl NetworkError {
    /// Reads what is at the bottom of it.
    pub(crate) fn new(error: &reqwest::Error) -> Self {
        let (stage, causes) = (connect_error(error), causes(error));
        let proxy = error.url().and_then(ProxyAddress::before);
        let texts: Vec<_> = causes.iter().map(ToString::to_string).collect();
        let has = |words: &str| texts.iter().any(|text| text.contains(words));
        let is_tunneled = error.url().is_some_and(|url| url.scheme() == "https");
        let ends_at_proxy =
            proxy.is_some() && (has(TUNNEL) || !is_tunneled && stage != ConnectError::Interrupted);
        if let Some((reason, hint)) = causes.iter().find_map(|cause| tls_reason(*cause)) {
            return Self { stage, reason, hint: Some(hint), proxy, ends_at_proxy };
        }
        if let Some((reason, hint)) = refused_by_proxy(has, proxy.as_ref()) {
            return Self { stage, reason, hint: Some(hint), proxy: None, ends_at_proxy };
        }
        let last = texts.last().cloned().unwrap_or_else(|| error.to_string());
        let (reason, hint): (_, Option<AddressHint>) = if has("dns error") {
            let reason = last.trim_start_matches(LOOKUP_FAILED);
            (format!("DNS lookup failed: {reason}"), Some(check_host))
        } else if error.is_timeout() {
            (TIMED_OUT.to_owned(), None)
        } else {
            let is_refused = last.contains("onnection refused");
            (last, is_refused.then_some(check_listener))
        };
        Self { stage, reason, hint, proxy, ends_at_proxy }
    }

    /// Reads what a library wraps around it, where it is the network.
    pub(crate) fn within(error: &(dyn Error + 'static)) -> Self {
        let causes = std::iter::successors(Some(error), |cause| (*cause).source());
        let found = causes.filter_map(|cause| cause.downcast_ref::<reqwest::Error>()).next();
        found.map_or_else(|| Self::interrupted(error.to_string()), Self::new)
    }

    fn interrupted(reason: String) -> Self {
        let stage = ConnectError::Interrupted;
        Self { stage, reason, hint: None, proxy: None, ends_at_proxy: false }
    }

    /// The stage, the server and the reason; `silence` is how long the server may have been silent.
    pub(crate) fn describe(&self, url: &Url, silence: Duration) -> String {
        let port = url.port_or_known_default().unwrap_or_default();
        let server = format!("{}:{port}", url.host_str().unwrap_or_default());
        let (reason, seconds) = (&self.reason, silence.as_secs_f64());
        let shown = self.proxy.as_ref().map(ToString::to_string);
        let way = shown.as_ref().map(|proxy| format!(" through {proxy}")).unwrap_or_default();
        match (self.stage, shown) {
            (ConnectError::Tls, Some(proxy)) if self.ends_at_proxy => {
                format!("TLS connection to {proxy} on the way to {server} failed: {reason}")
            }
            (ConnectError::Tls, _) => format!("TLS connection to {server}{way} failed: {reason}"),
            (ConnectError::Connect, Some(proxy)) if self.ends_at_proxy => {
                format!("cannot connect to {proxy} on the way to {server}: {reason}")
            }
            (ConnectError::Connect, None) => format!("cannot connect to {server}: {reason}"),
            (ConnectError::Interrupted, Some(_)) if self.is_timeout() => {
                format!("no answer from {server}{way} within {seconds:.1} s")
            }
            (ConnectError::Interrupted, None) if self.is_timeout() => {
                format!("{server} accepted the connection and did not answer within {seconds:.1} s")
            }
            (ConnectError::Connect | ConnectError::Interrupted, _) => {
                format!("the connection to {server}{way} was lost: {reason}")
            }
        }
    }

    fn is_timeout(&self) -> bool {
        self.reason == TIMED_OUT
    }

    /// What to do about it, where the reason says so much; `address` is the input that names the
    /// server.
    pub(crate) fn hint(&self, address: &str, silence: Duration) -> Option<String> {
        let variable = self.proxy.as_ref().map(|proxy| proxy.variable);
        match (self.stage, variable) {
            (ConnectError::Interrupted, variable) if self.is_timeout() => {
                Some(check_server(address, variable, silence))
            }
            (ConnectError::Connect | ConnectError::Tls, Some(variable)) if self.ends_at_proxy => {
                let is_tls =
                    self.stage == ConnectError::Tls || self.reason.contains("tls handshake");
                Some(if is_tls { check_proxy_tls(variable) } else { check_proxy_address(variable) })
            }
            _ => self.hint.map(|hint| hint(address)),
        }
    }
}

/// Why a proxy that was reached did not let the connection through, and what to do about it.
fn refused_by_proxy(
    has: impl Fn(&str) -> bool,
    proxy: Option<&ProxyAddress>,
) -> Option<(String, AddressHint)> {
    if has("proxy authorization required") {
        return Some(("the proxy answered HTTP 407 and wants a login".to_owned(), check_login));
    }
    let shown = proxy.map_or_else(|| "the proxy".to_owned(), ToString::to_string);
    let is_refused = has("unsuccessful tunnel") || has("tunnel error: unsuccessful");
    is_refused.then(|| (format!("{shown} does not let it through"), check_proxy as AddressHint))
}

/// Which part of the way failed.
fn connect_error(error: &reqwest::Error) -> ConnectError {
    if causes(error).iter().any(|cause| cause.is::<TlsError>()) {
        ConnectError::Tls
    } else if error.is_connect() || error.is_builder() {
        ConnectError::Connect
    } else {
        ConnectError::Interrupted
    }
}

/// What caused an error, outermost first.
fn causes(error: &reqwest::Error) -> Vec<&(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| inner(*cause)).collect()
}

/// What an error wraps; of an I/O error that is not its source.
fn inner<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let wrapped = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| cause.source())
}

/// What is wrong with TLS, and what to do about it.
fn tls_reason(cause: &(dyn Error + 'static)) -> Option<(String, AddressHint)> {
    Some(match cause.downcast_ref::<TlsError>()? {
        TlsError::InvalidCertificate(NotValidForNameContext { presented, .. })
            if !presented.is_empty() =>
        {
            (format!("the certificate is for another name: {}", presented.join(", ")), check_name)
        }
        TlsError::InvalidCertificate(NotValidForNameContext { .. }) => {
            let reason =
                "the certificate has no subjectAltName, without which no host is known by it";
            (reason.to_owned(), name_it)
        }
        TlsError::InvalidCertificate(NotValidForName) => {
            ("the certificate is for another name".to_owned(), check_name)
        }
        TlsError::InvalidCertificate(UnknownIssuer) => {
            ("the certificate's issuer is unknown".to_owned(), check_trust)
        }
        TlsError::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            let hint = |_: &str| "renew the server's certificate".to_owned();
            ("the certificate has expired".to_owned(), hint)
        }
        TlsError::InvalidCertificate(BadSignature) => {
            ("the certificate is not signed by the trusted one of that name".to_owned(), add_it)
        }
        TlsError::InvalidCertificate(NotValidYet | NotValidYetContext { .. }) => {
            let hint = |_: &str| "check this machine's clock".to_owned();
            ("the certificate is not valid yet".to_owned(), hint)
        }
        TlsError::InvalidCertificate(Other(why)) if why.to_string() == AUTHORITY_AS_SERVER => {
            ("the certificate is self-signed, and not among the trusted ones".to_owned(), add_it)
        }
        TlsError::InvalidMessage(_) => {
            ("the server does not speak TLS on this port".to_owned(), check_port)
        }
        other => (other.to_string(), check_trust),
    })
}

fn check_host(address: &str) -> String {
    format!(
        "check the spelling of the host in {address}. If it is right, look the host up on another machine. Not \
         found there: create or correct its DNS record. Found there: use a runner inside its network (a private \
         host), or correct the DNS resolver of this one. Then run again; completed steps are kept"
    )
}

fn check_listener(address: &str) -> String {
    format!("check the host and port in {address}, and whether the server is running there")
}

fn check_proxy(_: &str) -> String {
    "check HTTPS_PROXY (HTTP_PROXY for http URLs), and whether the proxy lets this host through"
        .to_owned()
}

fn check_login(_: &str) -> String {
    "put `USER:PASSWORD@` before the host in HTTPS_PROXY, from a secret (percent-encode special characters in \
     the password), or correct what is there; or, if this machine reaches the server directly, add it to \
     NO_PROXY"
        .to_owned()
}

fn check_proxy_address(variable: &str) -> String {
    format!(
        "check the proxy in {variable}, and whether it is running there; or, if this machine reaches the server \
         directly, add its host to NO_PROXY"
    )
}

fn check_proxy_tls(variable: &str) -> String {
    format!(
        "write `http://` before the host in {variable} if the proxy speaks plain HTTP, as most do; if it speaks \
         TLS, check its certificate, and set `ca-file` for a private certificate authority"
    )
}

/// `proxy` is the variable that names the proxy before the server.
fn check_server(address: &str, proxy: Option<&str>, silence: Duration) -> String {
    let again = match silence < READ_TIMEOUT {
        true => {
            "finishline waits for each answer no longer than a quarter of `timeout`: set `timeout: 120s`, which \
             allows 30 s, and run again"
        }
        false => "run again",
    };
    let proxy = proxy.map(|variable| format!("the proxy in {variable}, then ")).unwrap_or_default();
    format!(
        "{again}; completed steps are kept. If there is still no answer, check {proxy}the port in {address}, \
         then the log of the server, or of the load balancer before it"
    )
}

fn check_name(address: &str) -> String {
    format!("check {address}: its host must be a name of the certificate")
}

fn name_it(address: &str) -> String {
    format!(
        "make the certificate anew with the host of {address} as its subjectAltName (`openssl req` takes \
         `-addext subjectAltName=DNS:HOST`, or IP:ADDRESS)"
    )
}

fn check_trust(address: &str) -> String {
    format!("check {address}; for a private certificate authority, set `ca-file`")
}

fn add_it(address: &str) -> String {
    format!("check {address}; if the certificate is the server's own, set `ca-file` to it")
}

fn check_port(address: &str) -> String {
    format!("check {address}: use the port of HTTPS, or `http://` if the server has no TLS")
}
