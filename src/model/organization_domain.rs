//! An organization's own domain: what a server may say of where its pages are.

use super::site::Site;
use crate::text::url::is_plain_http;
use url::{Host, Url};

/// Where the organizations of SaaS have their domains.
const SAAS: &str = "sentry.io";

impl Site {
    /// The site of the server at `base`, which says that an organization's pages are at `own`.
    ///
    /// Another address than the server's is believed as the organization's own domain only where it
    /// is nothing but that: the slug before the server's name, or before `sentry.io` on SaaS. A
    /// server that is reached by a bare address, such as through a port forward, may have any name.
    pub fn of_organization(base: &Url, slug: &str, own: &Url) -> Self {
        let site = Self::new(base.as_str());
        let Some(parent) = own_domain(base, slug, own) else { return site };
        let port = own.port().map(|port| format!(":{port}")).unwrap_or_default();
        let template = format!("{}://{{hostname}}", own.scheme());
        site.with_customer_domains(template, format!("{{slug}}.{parent}{port}"))
    }
}

/// Whether a host is one of sentry.io.
pub fn is_saas_host(host: &str) -> bool {
    host == SAAS || host.ends_with(".sentry.io")
}

/// What stands behind the slug in an organization's own domain; `None` where it is none.
fn own_domain<'a>(base: &Url, slug: &str, own: &'a Url) -> Option<&'a str> {
    let is_bare = own.path() == "/" && own.query().is_none() && own.fragment().is_none();
    let is_as_safe = own.scheme() == "https" || own.scheme() == base.scheme();
    let has_usual_port = own.port().is_none() || own.port() == base.port();
    let Some(Host::Domain(host)) = own.host() else { return None };
    let (label, parent) = host.split_once('.')?;
    let is_known = match base.host()? {
        Host::Domain(name) if is_saas_host(name) => parent == SAAS,
        Host::Domain("localhost") | Host::Ipv4(_) | Host::Ipv6(_) => !parent.is_empty(),
        Host::Domain(name) => {
            parent.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        }
    };
    let is_own = is_plain_http(own) && label.eq_ignore_ascii_case(slug) && is_known;
    (is_own && is_bare && is_as_safe && has_usual_port).then_some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the settings of `acme` are at a server of this address that says this.
    fn settings_at(base: &str, own: &str) -> String {
        let [base, own] = [base, own].map(|url| Url::parse(url).unwrap());
        Site::of_organization(&base, "acme", &own).settings_url("acme", "slack", 1, None)
    }

    #[test]
    fn an_organizations_own_domain_is_the_slug_before_the_servers_name() {
        for (base, own) in [
            ("https://sentry.io", "https://acme.sentry.io"),
            ("https://us.sentry.io/", "https://ACME.sentry.io/"),
            ("https://acme.sentry.io", "https://acme.sentry.io"),
            ("https://sentry.example.com", "https://acme.sentry.example.com"),
            ("https://sentry.example.com", "https://acme.eu.sentry.example.com"),
            ("http://sentry.example.com:9000", "http://acme.sentry.example.com:9000"),
            ("http://sentry.example.com", "https://acme.sentry.example.com"),
            ("http://localhost:8000", "http://acme.localhost:8000"),
            ("http://127.0.0.1:8000", "https://acme.sentry.example.com"),
            ("http://[::1]:8000", "https://acme.sentry.example.com"),
        ] {
            let own_base = Url::parse(own).unwrap();
            let expected = format!("{own_base}settings/integrations/slack/1/");
            assert_eq!(settings_at(base, own), expected, "{base}");
        }
    }

    #[test]
    fn whatever_else_a_server_says_leaves_the_pages_at_its_own_address() {
        for (base, own) in [
            ("https://sentry.io", "https://evil.example"),
            ("https://sentry.io", "https://acme.evil.example"),
            ("https://sentry.io", "https://acme.sentry.io.evil.example"),
            ("https://sentry.io", "https://other.sentry.io"),
            ("https://sentry.io", "https://acme.evil.sentry.io"),
            ("https://sentry.io", "https://acmesentry.io"),
            ("https://sentry.io", "http://acme.sentry.io"),
            ("https://sentry.io", "https://acme.sentry.io:8443"),
            ("https://sentry.io", "https://user@acme.sentry.io"),
            ("https://sentry.io", "https://:pass@acme.sentry.io"),
            ("https://sentry.io", "https://acme.sentry.io/?"),
            ("https://sentry.io", "https://acme.sentry.io/#"),
            ("https://sentry.io", "https://acme.sentry.io/path"),
            ("https://sentry.io", "https://acme.sentry.io//"),
            ("https://sentry.io", "https://acme.sentry.io."),
            ("https://sentry.io", "ftp://acme.sentry.io"),
            ("https://sentry.io", "javascript:alert(1)"),
            ("https://sentry.example.com", "https://acme.example.com"),
            ("https://sentry.example.com", "https://acme.evilsentry.example.com"),
            ("https://acme.example.com", "https://acme.example.com"),
            ("http://localhost:8000", "http://127.0.0.1:8000"),
            ("http://127.0.0.1:8000", "http://acme"),
            ("http://127.0.0.1:8000", "http://acme."),
        ] {
            let prefix = base.trim_end_matches('/');
            let expected = format!("{prefix}/settings/acme/integrations/slack/1/");
            assert_eq!(settings_at(base, own), expected, "{own}");
        }
        let [base, own] =
            ["http://localhost:1", "http://127.0.0.1:1"].map(|u| Url::parse(u).unwrap());
        let numeric = Site::of_organization(&base, "127", &own);
        assert!(numeric.settings_url("127", "slack", 1, None).starts_with("http://localhost:1/"));
    }
}
