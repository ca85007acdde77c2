//! Whether a server's name leads anywhere. Nobody is connected to: that is the business of who goes on.

use super::proxy;
use hyper_util::client::proxy::matcher::Matcher;
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::time::timeout;
use url::{Host, Url};

/// A name that takes longer is not known to be wrong.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why a name has no address; `None` where it has one, or only a proxy would know.
pub(crate) async fn unresolved(url: &Url) -> Option<String> {
    let Some(Host::Domain(name)) = url.host() else { return None };
    let uri = url.as_str().parse().ok()?;
    if !proxy::is_excepted(url) && Matcher::from_system().intercept(&uri).is_some() {
        return None;
    }
    let found = timeout(PATIENCE, lookup_host((name, 443))).await.ok()?;
    let error = found.err()?;
    Some(format!("DNS lookup of {name} failed: {error}"))
}
