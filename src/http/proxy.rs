//! Exceptions from the proxy that reqwest does not know: a star where the host is an IP address or before a
//! domain, entries with a port, and entries between blanks, as curl takes them.

use crate::env::Env;
use axum::http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{ClientBuilder, Proxy};
use std::fmt;
use std::sync::OnceLock;
use url::Url;

/// What the process's variables say; as reqwest's own reading of them, it holds for all clients.
static VARIABLES: OnceLock<ProxyVariables> = OnceLock::new();

/// The variables of proxies.
struct ProxyVariables {
    http: Option<Url>,
    https: Option<Url>,
    exceptions: Vec<String>,
    /// Those that name a proxy.
    set: Vec<&'static str>,
}

/// Those of a proxy for http and https, and for both.
const HTTP: [&str; 2] = ["HTTP_PROXY", "http_proxy"];
const HTTPS: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];
const ALL: [&str; 2] = ["ALL_PROXY", "all_proxy"];

/// Remembers the proxies and their exceptions.
pub fn read_variables(env: &Env) {
    let first = |names: [&str; 2]| names.into_iter().find_map(|name| env.get(name));
    let proxy = |names| first(names).or_else(|| first(ALL)).and_then(url);
    let exceptions = first(["NO_PROXY", "no_proxy"]).unwrap_or_default();
    let exceptions = exceptions.split(',').flat_map(|part| {
        let is_list = part.trim().contains(char::is_whitespace);
        part.split_whitespace().filter(move |one| is_list || is_ours(one))
    });
    let exceptions: Vec<_> = exceptions.map(str::to_owned).collect();
    let (http, https) = (proxy(HTTP), proxy(HTTPS));
    let names = [HTTP, HTTPS, ALL].concat();
    let set = names.into_iter().filter(|name| env.get(name).is_some()).collect();
    drop(VARIABLES.set(ProxyVariables { http, https, exceptions, set }));
}

/// Whether no proxy stands before this address by an exception that reqwest does not know.
pub(super) fn is_excepted(url: &Url) -> bool {
    let exceptions = VARIABLES.get().map(|variables| variables.exceptions.as_slice());
    exceptions.into_iter().flatten().any(|one| excepts(one, url))
}

/// A proxy's address; without a scheme it is HTTP.
fn url(text: &str) -> Option<Url> {
    let has_scheme = text.contains("://");
    Url::parse(&if has_scheme { text.to_owned() } else { format!("http://{text}") }).ok()
}

/// The builder, by whose proxies every exception holds.
pub(super) fn with_exceptions(builder: ClientBuilder) -> ClientBuilder {
    let ours = VARIABLES.get().filter(|variables| !variables.exceptions.is_empty());
    let Some(variables) = ours else { return builder };
    // As reqwest reads the variables, with the exceptions that it knows.
    let matcher = Matcher::from_system();
    builder.no_proxy().proxy(Proxy::custom(move |url| variables.proxy(&matcher, url)))
}

/// The proxy on the way to an address, by what the process's variables say.
#[derive(Clone, Debug)]
pub(crate) struct ProxyAddress {
    /// Its host and port.
    pub(crate) address: String,
    /// Whether a user and password are given for it.
    pub(crate) has_login: bool,
    /// The variable that names it.
    pub(crate) variable: &'static str,
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {} ({})", self.address, self.variable)
    }
}

impl ProxyAddress {
    /// The one before this address, if there is one.
    pub(crate) fn before(url: &Url) -> Option<Self> {
        if is_excepted(url) {
            return None;
        }
        let found = Matcher::from_system().intercept(&url.as_str().parse::<Uri>().ok()?)?;
        let address = found.uri().authority()?.as_str();
        let address = address.rsplit('@').next().unwrap_or(address).to_owned();
        let variable = Self::variable(url);
        Some(Self { address, has_login: found.basic_auth().is_some(), variable })
    }

    /// The variable that names the proxy before this address, or would.
    pub(crate) fn variable(url: &Url) -> &'static str {
        let own = if url.scheme() == "https" { HTTPS } else { HTTP };
        let is_set = |name: &&str| VARIABLES.get().is_some_and(|all| all.set.contains(name));
        own.into_iter().chain(ALL).find(is_set).unwrap_or(own[0])
    }
}

impl ProxyVariables {
    /// The proxy on the way to this address, unless it is excepted.
    fn proxy(&self, matcher: &Matcher, url: &Url) -> Option<Url> {
        if self.exceptions.iter().any(|one| excepts(one, url)) {
            return None;
        }
        let found = matcher.intercept(&url.as_str().parse::<Uri>().ok()?)?;
        let named = if url.scheme() == "https" { &self.https } else { &self.http };
        // What no variable names is the system's, which has no password here.
        named.clone().or_else(|| Url::parse(&found.uri().to_string()).ok())
    }
}

/// Whether reqwest does not know such an exception.
fn is_ours(exception: &str) -> bool {
    exception.starts_with('*') || host_and_port(exception).is_some()
}

/// `HOST:PORT`; an IPv6 address stands in brackets.
fn host_and_port(exception: &str) -> Option<(&str, u16)> {
    let (host, port) = exception.rsplit_once(':')?;
    let is_host = !host.is_empty() && (!host.contains(':') || host.ends_with(']'));
    port.parse().ok().filter(|_| is_host).map(|port| (host, port))
}

/// Whether an address is reached without a proxy by this exception: a domain stands for what is
/// below it as well.
fn excepts(exception: &str, url: &Url) -> bool {
    if exception == "*" {
        return true;
    }
    let named = host_and_port(exception);
    let (name, port) = named.map_or((exception, None), |(name, port)| (name, Some(port)));
    let name = name.trim_start_matches('*').trim_start_matches('.');
    let host = url.host_str().unwrap_or_default();
    let above = host.len().checked_sub(name.len()).map(|at| host.split_at(at));
    let fits = above.is_some_and(|(above, rest)| {
        rest.eq_ignore_ascii_case(name) && (above.is_empty() || above.ends_with('.'))
    });
    fits && port.is_none_or(|port| url.port_or_known_default() == Some(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_with_a_port_is_for_that_port_alone() {
        for (exception, url, expected) in [
            ("*", "http://10.0.0.1/", true),
            ("sentry.example.com:9000", "http://sentry.example.com:9000/", true),
            ("example.com:443", "https://Sentry.example.com/", true),
            (".example.com:443", "https://sentry.example.com/", true),
            ("example.com:443", "http://sentry.example.com/", false),
            ("example.com:443", "https://notexample.com/", false),
            ("sentry.example.com:443", "https://example.com/", false),
            ("10.0.0.1:9000", "http://10.0.0.1:9000/", true),
            ("10.0.0.1:9000", "http://10.0.0.1:9001/", false),
            ("[::1]:9000", "http://[::1]:9000/", true),
            ("::1", "http://[::1]:1/", false),
            ("*.example.com", "https://sentry.example.com/", true),
            ("*.example.com:443", "https://sentry.example.com/", true),
            ("*.example.com", "https://notexample.com/", false),
            ("10.0.0.1", "http://10.0.0.1:9001/", true),
            ("*.", "http://10.0.0.1/", false),
        ] {
            assert_eq!(excepts(exception, &Url::parse(url).unwrap()), expected, "{exception}");
        }
    }
}
