//! The one HTTP stack: rustls on ring, proxies from the environment, no redirects. A client is
//! built when the first request needs it.

pub(crate) mod connection;
mod describe;
mod kept_connections;
mod network_error;
pub(crate) mod proxy;
pub(crate) mod reach;
pub(crate) mod retry;
mod server_wait;
mod trust;

use crate::os::clock::unix_seconds;
use crate::provider::request::{Credentials, RequestBody, VendorRequest, VendorResponse};
use hyper_util::client::legacy::connect::HttpInfo;
use reqwest::header::{HeaderMap, HeaderValue, LOCATION, SET_COOKIE};
use reqwest::{Client, ClientBuilder, RequestBuilder, Response};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use url::Url;

pub(crate) use connection::MAX_LISTED_BYTES;
pub use connection::ServerConnection;
pub(crate) use network_error::{ConnectError, NetworkError};
pub use proxy::read_variables as read_proxy_variables;
pub use trust::read_variables as read_trust_variables;

/// No reply that we read is anywhere near this large.
const LARGEST_BODY: usize = 8 * 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the other side may be silent.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a server may be silent in a run that has this much time: a stalled answer leaves enough
/// of it to ask again.
fn read_timeout(timeout: Duration) -> Duration {
    READ_TIMEOUT.min(timeout / 4)
}

/// How the program names itself to servers.
pub const USER_AGENT: &str = concat!("finishline/", env!("CARGO_PKG_VERSION"));

/// Which certificates are trusted.
#[derive(Clone, PartialEq, Eq)]
pub enum TlsTrust {
    /// Those of the operating system, else the bundled ones, and the PEM texts given here.
    Roots(Vec<String>),
    /// Any: the person who set the third party up has said so.
    AcceptInvalid,
    /// None: nothing is spoken over TLS, and reading the system's certificates takes longer than
    /// the whole exchange.
    NoTls,
}

/// A response, read whole. It has no `Debug`, for a body may be full of tokens.
pub struct HttpResponse {
    /// Its HTTP status.
    pub status: u16,
    /// Its body, as text.
    pub body: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// When it came, in seconds since 1970.
    pub received: u64,
}

impl HttpResponse {
    /// The cookies that it sets.
    pub fn cookies(&self) -> impl Iterator<Item = &HeaderValue> {
        self.headers.get_all(SET_COOKIE).iter()
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the status is one of success with the whole of an answer: 204 and 205 have none, and
    /// 206 has a part. Sentry answers 207 where a part of many failed, and 208 for a release that was
    /// there.
    pub fn is_success(&self) -> bool {
        matches!(self.status, 200..=203 | 207 | 208)
    }

    /// Where a redirect leads. Without an address it is none, and 300, 304, 305 and 306 lead nowhere.
    pub fn redirect(&self) -> Option<&str> {
        let is_redirect = matches!(self.status, 301..=303 | 307 | 308);
        self.header(LOCATION.as_str()).filter(|_| is_redirect)
    }
}

/// Fetches one thing from a third party. Credentials go to the address that was named.
/// `certificates` are trusted besides the system's.
pub(crate) async fn fetch(request: &VendorRequest, certificates: &[String]) -> VendorResponse {
    tracing::debug!(name = request.name, "sending a request to the third party");
    let sent = fetch_trusting(request, certificates, |client| async move {
        let response = send(build(&client, request)).await?;
        Ok(VendorResponse::Received { status: response.status, body: response.body })
    });
    sent.await
}

/// Sends a third party's request by a client that trusts what it may.
pub(crate) async fn fetch_trusting<F>(
    request: &VendorRequest,
    certificates: &[String],
    send: impl Fn(Client) -> F,
) -> VendorResponse
where
    F: Future<Output = Result<VendorResponse, NetworkError>>,
{
    let mut failure = String::new();
    for trust in trust_candidates(request, certificates) {
        let error = match shared_client(&trust).map_err(|error| NetworkError::within(&*error)) {
            Ok(client) => match send(client).await {
                Ok(response) => return response,
                Err(error) => error,
            },
            Err(error) => error,
        };
        failure = Url::parse(&request.url)
            .map_or_else(|error| error.to_string(), |url| error.describe(&url, READ_TIMEOUT));
        if error.stage != ConnectError::Tls {
            break;
        }
    }
    VendorResponse::Unreached(failure)
}

/// Which certificates are trusted on the way to a third party. Without TLS, none at first: only
/// where a proxy speaks TLS are they needed all the same, and then nothing has been sent yet.
fn trust_candidates(
    request: &VendorRequest,
    certificates: &[String],
) -> impl Iterator<Item = TlsTrust> {
    let plain = request.url.starts_with("http://").then_some(TlsTrust::NoTls);
    let roots = match request.verify_tls {
        true => TlsTrust::Roots(certificates.to_vec()),
        false => TlsTrust::AcceptInvalid,
    };
    plain.into_iter().chain([roots])
}

/// The client for third parties of this trust, made once: reading the system's certificates takes
/// longer than most exchanges. No connection is used again, so that no request is lost in one that
/// was closed.
fn shared_client(trust: &TlsTrust) -> Result<Client, ClientError> {
    static CLIENTS: Mutex<Vec<(TlsTrust, Client)>> = Mutex::new(Vec::new());
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, client)) = clients.iter().find(|(known, _)| known == trust) {
        return Ok(client.clone());
    }
    let client = client(trust, |builder| builder.pool_max_idle_per_host(0))?;
    clients.push((trust.clone(), client.clone()));
    Ok(client)
}

fn build(client: &Client, request: &VendorRequest) -> RequestBuilder {
    let post = |kind, body| client.post(&request.url).header("Content-Type", kind).body(body);
    let builder = match &request.body {
        RequestBody::Form(form) => {
            let mut body = url::form_urlencoded::Serializer::new(String::new());
            body.extend_pairs(form.iter().map(|(name, value)| (name, value.expose())));
            post("application/x-www-form-urlencoded", body.finish())
        }
        RequestBody::Json(json) => post("application/json", json.expose().to_owned()),
        RequestBody::None => client.get(&request.url),
    };
    let builder = builder.header("Accept", "application/json");
    match &request.credentials {
        // Signed by the caller.
        Credentials::None | Credentials::OAuth1(_) | Credentials::GitHubApp { .. } => builder,
        Credentials::Bearer(token) => builder.bearer_auth(token.expose()),
        Credentials::Basic(name, secret) => builder.basic_auth(name, Some(secret.expose())),
        Credentials::Headers(headers) => headers
            .iter()
            .fold(builder, |builder, (name, secret)| builder.header(*name, secret.expose())),
    }
}

/// Sends a request and reads its response whole.
pub(crate) async fn send(request: RequestBuilder) -> Result<HttpResponse, NetworkError> {
    read(request).await.map(|(response, _)| response).map_err(|error| NetworkError::new(&error))
}

/// The response, and our end of the connection that it came over.
async fn read(request: RequestBuilder) -> reqwest::Result<(HttpResponse, Option<SocketAddr>)> {
    let response = request.send().await?;
    let own_end = response.extensions().get::<HttpInfo>().map(HttpInfo::local_addr);
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let (body, received) = (body(response).await?, unix_seconds());
    // The connection goes back to its pool, so that the next request need not open another one.
    tokio::task::yield_now().await;
    Ok((HttpResponse { status, body, received, headers }, own_end))
}

/// The body as text; what is beyond the bound is not read.
async fn body(mut response: Response) -> reqwest::Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST_BODY {
            bytes.truncate(LARGEST_BODY);
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Why a client could not be built.
type ClientError = Box<dyn Error + Send + Sync>;

/// Builds a client; `more` adds what only its owner needs.
fn client(
    trust: &TlsTrust,
    more: impl Fn(ClientBuilder) -> ClientBuilder,
) -> Result<Client, ClientError> {
    // Installing it twice is no error that matters: it is the same provider.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = more(builder());
    let builder = match trust {
        TlsTrust::AcceptInvalid => builder.tls_danger_accept_invalid_certs(true),
        TlsTrust::NoTls => builder.tls_certs_only([]),
        TlsTrust::Roots(own) => builder.tls_backend_preconfigured(trust::config(own)?),
    };
    Ok(builder.build()?)
}

fn builder() -> ClientBuilder {
    proxy::with_exceptions(Client::builder())
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
}
