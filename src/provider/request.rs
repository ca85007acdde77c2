//! I/O as a value: what a provider wants fetched from its third party, and what came back.
//!
//! The adapter fetches; a provider only reads the response, so its tests need no network.

use super::Result;
use super::vendor_words::{advice, refusal_words};
use crate::model::Refusal;
use crate::secret::Secret;
use crate::text::scrubber::SecretScrubber;
use serde_json::Value;
use url::{Position, Url};

/// One request to the third party.
#[derive(Debug)]
pub struct VendorRequest {
    /// What it is for; the response is bound under this name.
    pub name: &'static str,
    /// The address.
    pub url: String,
    /// What proves who sends it.
    pub credentials: Credentials,
    /// What is posted.
    pub body: RequestBody,
    /// Whether the third party's certificate must be valid.
    pub verify_tls: bool,
    /// By which client it is sent.
    pub via: Transport,
}

/// By which client a request is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// The plain one.
    Http,
    /// The one that knows GitHub, whose API is at this address.
    GitHub(String),
}

/// What is posted.
#[derive(Debug)]
pub enum RequestBody {
    /// Nothing: it is a GET.
    None,
    /// A form; an empty one is a POST all the same.
    Form(Vec<(&'static str, Secret)>),
    /// A text of JSON.
    Json(Secret),
}

/// What proves who sends a request.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// Nothing.
    None,
    /// A bearer token.
    Bearer(Secret),
    /// HTTP Basic: a name and its secret.
    Basic(String, Secret),
    /// Headers with their secrets.
    Headers(Vec<(&'static str, Secret)>),
    /// A GitHub App itself, by a JWT that is signed when it is sent.
    GitHubApp {
        /// The app's id.
        app_id: String,
        /// Its private key, as PEM.
        private_key: Secret,
    },
    /// OAuth 1.0a, signed by RSA with SHA-1 when it is sent.
    OAuth1(Box<OAuth1>),
}

/// What an OAuth 1.0a request is signed with.
#[derive(Clone, Debug)]
pub struct OAuth1 {
    /// The consumer's key.
    pub consumer_key: String,
    /// Its private key, as PEM.
    pub private_key: Secret,
    /// The token, once there is one.
    pub token: Option<Secret>,
    /// What the callback brought, when the token is exchanged.
    pub verifier: Option<Secret>,
}

impl VendorRequest {
    /// A GET.
    pub fn get(name: &'static str, url: impl Into<String>, credentials: Credentials) -> Self {
        let (url, body, via) = (url.into(), RequestBody::None, Transport::Http);
        Self { name, url, credentials, body, verify_tls: true, via }
    }

    /// A POST of this body.
    pub fn post(
        name: &'static str,
        url: impl Into<String>,
        credentials: Credentials,
        body: RequestBody,
    ) -> Self {
        Self { body, ..Self::get(name, url, credentials) }
    }

    /// Who is asked: the provider's name and the host, with the port if it is not the usual one.
    pub(crate) fn asked_of(&self, provider: &str) -> String {
        match Url::parse(&self.url) {
            Ok(url) => format!("{provider} ({})", &url[Position::BeforeHost..Position::AfterPort]),
            Err(_) => provider.to_owned(),
        }
    }
}

/// What came back. It has no `Debug`, for a body may be full of tokens.
pub enum VendorResponse {
    /// An answer.
    Received {
        /// Its HTTP status.
        status: u16,
        /// Its body, as text.
        body: String,
    },
    /// None; this is why.
    Unreached(String),
}

impl VendorResponse {
    /// The JSON of a good answer; otherwise a refusal that names what was requested and what came
    /// instead, never the body.
    pub(crate) fn json(&self, requested: &str) -> Result<Value> {
        let not_json = |_| {
            Refusal::failure(format!("request for {requested} failed: the response is not JSON"))
        };
        serde_json::from_str(self.text(requested)?).map_err(not_json)
    }

    /// The same, where some statuses have a message of their own.
    pub(crate) fn json_or(&self, requested: &str, messages: &[(u16, &str)]) -> Result<Value> {
        self.json(requested).map_err(|refusal| {
            match messages.iter().find(|(status, _)| refusal.status == Some(*status)) {
                Some((_, message)) => {
                    Refusal { message: format!("{message}{}", self.reason()), ..refusal }
                }
                None => refusal,
            }
        })
    }

    /// The third party's own words about what it refuses, after a colon; empty where it has none.
    pub(crate) fn reason(&self) -> String {
        let words = match self {
            Self::Received { body, .. } => refusal_words(body),
            Self::Unreached(_) => None,
        };
        words.map(|words| format!(": {words}")).unwrap_or_default()
    }

    /// What to do about its words, if they are known; `asked` is the third party.
    pub(crate) fn advice(&self, asked: &str) -> Option<String> {
        match self {
            Self::Received { body, .. } => advice(body, asked),
            Self::Unreached(_) => None,
        }
    }

    /// The same with `***` for what its words quote of these secrets.
    pub(crate) fn redacted(self, secrets: &[String]) -> Self {
        match self {
            Self::Received { status, mut body } if refusal_words(&body).is_some() => {
                let scrubber = SecretScrubber::default();
                scrubber.learn(secrets, &[]);
                scrubber.scrub([&mut body]);
                Self::Received { status, body }
            }
            other => other,
        }
    }

    /// The text of a good answer.
    pub(crate) fn text(&self, requested: &str) -> Result<&str> {
        let reason = match self {
            Self::Received { status: 200..=299, body } => return Ok(body),
            Self::Received { status, .. } => {
                let reason = self.reason();
                let message = format!("request for {requested} failed: HTTP {status}{reason}");
                return Err(Refusal { status: Some(*status), ..Refusal::failure(message) });
            }
            Self::Unreached(reason) => reason,
        };
        let refusal = Refusal::failure(format!("request for {requested} failed: {reason}"));
        Err(Refusal { is_silence: true, ..refusal })
    }
}
