//! Why there was no response, in words: the stage that failed, and the reason of whoever knows it.

use super::ConnectError;
use rustls::CertificateError::{
    Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer,
};
use rustls::Error as TlsError;
use std::error::Error;

/// Which part of the way failed, and why.
#[derive(Clone, Debug)]
pub(crate) struct NetworkError {
    pub(crate) stage: ConnectError,
    /// The system's reason, to stand after a colon.
    pub(crate) reason: String,
    /// What to do about it, where the reason says so much.
    pub(crate) hint: Option<&'static str>,
}

impl NetworkError {
    /// Reads what is at the bottom of it.
    pub(crate) fn new(error: &reqwest::Error) -> Self {
        let (stage, causes) = (super::connect_error(error), causes(error));
        if let Some((reason, hint)) = causes.iter().find_map(|cause| tls_reason(*cause)) {
            return Self { stage, reason, hint: Some(hint) };
        }
        let texts: Vec<_> = causes.iter().map(ToString::to_string).collect();
        let has = |words: &str| texts.iter().any(|text| text.contains(words));
        let last = texts.last().cloned().unwrap_or_default();
        let reason = if has("proxy authorization required") {
            "the proxy answered HTTP 407 and wants a user and password".to_owned()
        } else if has("unsuccessful tunnel") || has("tunnel error") {
            format!("the proxy refused the connection: {last}")
        } else if has("dns error") {
            format!("DNS lookup failed: {last}")
        } else if error.is_timeout() {
            "timed out".to_owned()
        } else {
            last
        };
        Self { stage, reason, hint: None }
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
fn tls_reason(cause: &(dyn Error + 'static)) -> Option<(String, &'static str)> {
    let check_url = "check `url`: its host must be a name of the certificate";
    Some(match cause.downcast_ref::<TlsError>()? {
        TlsError::InvalidCertificate(NotValidForNameContext { presented, .. }) => {
            (format!("the certificate is for another name: {}", presented.join(", ")), check_url)
        }
        TlsError::InvalidCertificate(NotValidForName) => {
            ("the certificate is for another name".to_owned(), check_url)
        }
        TlsError::InvalidCertificate(UnknownIssuer) => (
            "the certificate's issuer is unknown".to_owned(),
            "check `url`; for a private certificate authority, set `ca-file`",
        ),
        TlsError::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            ("the certificate has expired".to_owned(), "renew the server's certificate")
        }
        TlsError::InvalidMessage(_) => (
            "the server does not speak TLS on this port".to_owned(),
            "check `url`: use the port of HTTPS, or `http://` if the server has no TLS",
        ),
        other => {
            (other.to_string(), "check `url`; for a private certificate authority, set `ca-file`")
        }
    })
}
