//! Fetches what a provider asks of its third party. Built when the first request needs it.

use crate::provider::ask::{Ask, Credentials, Reply, Unreached};
use reqwest::{Client, ClientBuilder, RequestBuilder, Response};
use rustls::pki_types::CertificateDer;
use std::error::Error;
use std::time::Duration;

/// No reply that a provider reads is anywhere near this large.
const LARGEST_BODY: usize = 1024 * 1024;
const CONNECT: Duration = Duration::from_secs(10);
/// How long a third party may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// Fetches one thing. Redirects are not followed: credentials go to the address that was named.
pub async fn fetch(ask: &Ask) -> Reply {
    let client = match client(ask.verify_tls) {
        Ok(client) => client,
        Err(error) => return Reply::Unreached(unreached(&error)),
    };
    tracing::debug!(name = ask.name, "asking the third party");
    match exchange(request(&client, ask)).await {
        Ok(reply) => reply,
        Err(error) => Reply::Unreached(unreached(&error)),
    }
}

fn request(client: &Client, ask: &Ask) -> RequestBuilder {
    let request = match &ask.form {
        Some(form) => {
            let mut body = url::form_urlencoded::Serializer::new(String::new());
            body.extend_pairs(form.iter().map(|(name, value)| (name, value.expose())));
            let form = "application/x-www-form-urlencoded";
            client.post(&ask.url).header("Content-Type", form).body(body.finish())
        }
        None => client.get(&ask.url),
    };
    let request = request.header("Accept", "application/json");
    match &ask.credentials {
        Credentials::None => request,
        Credentials::Bearer(token) => request.bearer_auth(token.expose()),
        Credentials::Basic(name, secret) => request.basic_auth(name, Some(secret.expose())),
    }
}

async fn exchange(request: RequestBuilder) -> reqwest::Result<Reply> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    Ok(Reply::Answered { status, body: body(response).await? })
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

/// A client on the roots of the operating system, else on the bundled ones.
fn client(verify_tls: bool) -> reqwest::Result<Client> {
    // Installing it twice is no error that matters: it is the same provider.
    drop(rustls::crypto::ring::default_provider().install_default());
    if !verify_tls {
        return builder().tls_danger_accept_invalid_certs(true).build();
    }
    builder().build().or_else(|_| {
        tracing::debug!("no root certificates of the system, taking the bundled ones");
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        let certificate = |root: &CertificateDer<'_>| reqwest::Certificate::from_der(root);
        builder().tls_certs_only(roots.map(certificate).collect::<Result<Vec<_>, _>>()?).build()
    })
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("finishline/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
}

fn unreached(error: &reqwest::Error) -> Unreached {
    let mut causes =
        std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source());
    let is_tls = |cause: &(dyn Error + 'static)| {
        let within = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause.is::<rustls::Error>() || within.is_some_and(|inner| inner.is::<rustls::Error>())
    };
    if causes.any(is_tls) {
        Unreached::Tls
    } else if error.is_connect() || error.is_builder() {
        Unreached::Connect
    } else {
        Unreached::Broken
    }
}
