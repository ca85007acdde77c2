//! Absolute URLs of an organization's pages, by the rules of Sentry's
//! `organizations/absolute_url.py`.
//!
//! Knows no server and asks none: whether customer domains are on, and their templates, are the
//! caller's facts. Which page a person is sent to is decided elsewhere.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// What Python's `quote` escapes when nothing is declared safe.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~');

/// The same with the space left for `+`, as `quote_plus` has it.
const FORM_RESERVED: &AsciiSet = &RESERVED.remove(b' ');

/// Turns a path into another by one of Sentry's rules, where that rule applies.
type Rule = fn(&str) -> Option<String>;

const RULES: [Rule; 6] = [
    without_organization,
    organization_settings,
    settings_without_slug,
    join_request,
    onboarding_without_slug,
    getting_started,
];

/// Where the pages of one Sentry server live.
#[derive(Debug, Clone)]
pub struct Site {
    prefix: String,
    customer_domains: Option<CustomerDomains>,
}

#[derive(Debug, Clone)]
struct CustomerDomains {
    url_template: String,
    base_hostname: String,
}

impl Site {
    /// A server that has every organization under one prefix, its `system.url-prefix`.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), customer_domains: None }
    }

    /// The same server giving each organization a domain of its own.
    ///
    /// The arguments are Sentry's options `system.organization-url-template` and
    /// `system.organization-base-hostname`; an empty one is one that is not set.
    pub fn with_customer_domains(
        self,
        url_template: impl Into<String>,
        base_hostname: impl Into<String>,
    ) -> Self {
        let customer_domains = Some(CustomerDomains {
            url_template: url_template.into(),
            base_hostname: base_hostname.into(),
        });
        Self { customer_domains, ..self }
    }

    /// The URL of `path` for this organization, as Sentry's `organization_absolute_url` makes it.
    ///
    /// `query` and `fragment` are taken as they are, already encoded, with or without their mark;
    /// an empty one adds nothing.
    pub fn absolute_url(
        &self,
        slug: &str,
        path: &str,
        query: Option<&str>,
        fragment: Option<&str>,
    ) -> String {
        let mut url = match &self.customer_domains {
            None => absolute_uri(path, &self.prefix),
            Some(domains) => {
                absolute_uri(&customer_domain_path(path), &self.organization_url(domains, slug))
            }
        };
        for (delimiter, part) in [('?', query), ('#', fragment)] {
            if let Some(part) = part.filter(|part| !part.is_empty()) {
                url.push(delimiter);
                url.push_str(part.strip_prefix(delimiter).unwrap_or(part));
            }
        }
        url
    }

    /// The settings page of one integration: where Sentry sent a person who had finished.
    ///
    /// `next` is form-encoded as Python's `urlencode` does it. An empty one is kept, since the
    /// page tells it from none.
    pub fn settings_url(
        &self,
        slug: &str,
        integration_key: &str,
        integration_id: i64,
        next: Option<&str>,
    ) -> String {
        let (segment, key) = (encode_segment(slug), encode_segment(integration_key));
        let path = format!("/settings/{segment}/integrations/{key}/{integration_id}/");
        let query = next.map(|next| format!("?next={}", encode_form(next)));
        self.absolute_url(slug, &path, query.as_deref(), None)
    }

    /// The page of one release.
    pub fn release_url(&self, slug: &str, version: &str) -> String {
        let (segment, version) = (encode_segment(slug), encode_segment(version));
        self.absolute_url(
            slug,
            &format!("/organizations/{segment}/releases/{version}/"),
            None,
            None,
        )
    }

    fn organization_url(&self, domains: &CustomerDomains, slug: &str) -> String {
        if domains.url_template.is_empty() {
            return self.prefix.clone();
        }
        let hostname = if domains.base_hostname.contains("{slug}") {
            // Encoded, a slug that is none cannot end the host name early.
            domains.base_hostname.replace("{slug}", &encode_segment(slug))
        } else {
            authority(&self.prefix).to_owned()
        };
        domains.url_template.replace("{hostname}", &hostname)
    }
}

/// Puts `path` under `prefix`, as Sentry's `absolute_uri` does; an empty path is the prefix.
///
/// A path that is itself an `http` or `https` URL keeps its origin. No other path can leave the
/// prefix's origin, however many slashes it starts with.
pub fn absolute_uri(path: &str, prefix: &str) -> String {
    if path.is_empty() {
        return prefix.to_owned();
    }
    let own = Url::parse(path).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    if let Some(url) = own {
        return url.into();
    }
    // Joined as text first: `Url::join` takes leading backslashes or blanks for a host to come.
    let joined = format!("{}/{}", prefix.trim_end_matches('/'), path.trim_start_matches('/'));
    Url::parse(&joined).map_or(joined, String::from)
}

/// Rewrites a path for an organization's own domain, as Sentry's `customer_domain_path` does.
///
/// The first rule that changes the path is the only one that counts. Sentry's quirks are kept:
/// slugs that begin with `new` or `teams` stay, and `/settings/billing/` is taken for a slug.
pub fn customer_domain_path(path: &str) -> String {
    RULES
        .iter()
        .find_map(|rule| rule(path).filter(|rewritten| rewritten != path))
        .unwrap_or_else(|| path.to_owned())
}

/// `…/organizations/<slug>/<rest>` anywhere becomes `…/<rest>`.
fn without_organization(path: &str) -> Option<String> {
    path.match_indices("organizations/").find_map(|(at, found)| {
        let (slug, rest) = first_segment(&path[at + found.len()..])?;
        let before = path[..at].strip_suffix('/').unwrap_or(&path[..at]);
        (!slug.starts_with("new")).then(|| format!("{before}/{rest}"))
    })
}

/// `…/settings/<slug>` at the end becomes `…/settings/organization/`.
fn organization_settings(path: &str) -> Option<String> {
    let (settings, slug) = path.strip_suffix('/').unwrap_or(path).rsplit_once('/')?;
    let before = settings.strip_suffix("/settings")?;
    // Sentry means to spare `billing/` too, but misspells it here.
    let spared = is_excluded(&path[settings.len() + 1..], &["account/", "projects/", "teams"]);
    (!slug.is_empty() && !spared).then(|| format!("{before}/settings/organization/"))
}

/// `/settings/<slug>/<rest>` becomes `/settings/<rest>`.
fn settings_without_slug(path: &str) -> Option<String> {
    let tail = without_slash(path).strip_prefix("settings/")?;
    let (_, rest) = first_segment(tail)?;
    let spared = is_excluded(tail, &["account/", "billing/", "projects/", "teams"]);
    (!spared).then(|| format!("/settings/{rest}"))
}

/// `/join-request/<slug>` with whatever follows becomes `/join-request/`.
fn join_request(path: &str) -> Option<String> {
    let tail = without_slash(path).strip_prefix("join-request/")?;
    (!tail.is_empty() && !tail.starts_with('/')).then(|| "/join-request/".to_owned())
}

/// `/onboarding/<slug>/<rest>` becomes `/onboarding/<rest>`.
fn onboarding_without_slug(path: &str) -> Option<String> {
    let (_, rest) = first_segment(without_slash(path).strip_prefix("onboarding/")?)?;
    Some(format!("/onboarding/{rest}"))
}

/// `/<slug>/<project>/getting-started/<rest>` becomes `/getting-started/<project>/<rest>`.
fn getting_started(path: &str) -> Option<String> {
    let (slug, tail) = first_segment(without_slash(path))?;
    let (project, tail) = first_segment(tail)?;
    let rest = tail.strip_prefix("getting-started/")?;
    (!slug.starts_with("settings")).then(|| format!("/getting-started/{project}/{rest}"))
}

fn is_excluded(tail: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| tail.starts_with(beginning))
}

fn without_slash(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

/// Cuts off a first segment that is not empty and has its slash.
fn first_segment(text: &str) -> Option<(&str, &str)> {
    text.split_once('/').filter(|(segment, _)| !segment.is_empty())
}

/// The host and port of a URL as written, as the `netloc` of Python's `urlparse`.
fn authority(url: &str) -> &str {
    let after = url.split_once("//").map_or("", |(_, after)| after);
    after.split(['/', '?', '#']).next().unwrap_or_default()
}

fn encode_segment(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn encode_form(text: &str) -> String {
    utf8_percent_encode(text, FORM_RESERVED).to_string().replace(' ', "+")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saas() -> Site {
        Site::new("https://sentry.io")
            .with_customer_domains("https://{hostname}", "{slug}.sentry.io")
    }

    #[test]
    fn no_path_leaves_the_origin_of_its_prefix() {
        for start in
            ["//", "///", "\\\\", "/\\", "\\/", " //", "\t//", "@", ":80@", ".", "javascript:"]
        {
            let url = absolute_uri(&format!("{start}evil.example/x"), "https://sentry.io/");
            let parsed = Url::parse(&url).unwrap();
            assert_eq!(parsed.origin().ascii_serialization(), "https://sentry.io", "{start}");
        }
    }

    #[test]
    fn a_prefix_may_have_a_path_of_its_own() {
        let site = Site::new("https://example.com/sentry/");
        let url = site.settings_url("acme", "github", 12, None);
        assert_eq!(url, "https://example.com/sentry/settings/acme/integrations/github/12/");
    }

    #[test]
    fn a_prefix_without_a_scheme_is_joined_as_text() {
        assert_eq!(absolute_uri("/x/", "sentry.example"), "sentry.example/x/");
    }

    #[test]
    fn an_empty_path_is_the_prefix_itself() {
        assert_eq!(absolute_uri("", "https://sentry.io"), "https://sentry.io");
    }

    #[test]
    fn a_fixed_base_hostname_keeps_the_port_of_the_prefix() {
        let site =
            Site::new("http://localhost:8000/").with_customer_domains("http://{hostname}", "");
        assert_eq!(
            site.absolute_url("acme", "/issues/", None, None),
            "http://localhost:8000/issues/"
        );
    }

    #[test]
    fn next_is_encoded_as_python_does_it() {
        let url = Site::new("https://s.io").settings_url("acme", "x", 1, Some("aZ09_.-~ +*'é/"));
        assert!(url.ends_with("/?next=aZ09_.-~+%2B%2A%27%C3%A9%2F"), "{url}");
    }

    #[test]
    fn an_empty_next_is_told_from_none() {
        assert_eq!(
            saas().settings_url("acme", "vercel", 7, Some("")),
            "https://acme.sentry.io/settings/integrations/vercel/7/?next="
        );
    }

    #[test]
    fn an_unusual_slug_or_key_stays_one_segment() {
        assert_eq!(
            Site::new("https://s.io").settings_url("a/b?c", "d #e", 1, None),
            "https://s.io/settings/a%2Fb%3Fc/integrations/d%20%23e/1/"
        );
    }

    #[test]
    fn a_slug_cannot_end_the_host_name() {
        let url = saas().settings_url("evil.example/", "github", 1, None);
        assert!(url.starts_with("https://evil.example%2F.sentry.io/"), "{url}");
    }

    #[test]
    fn an_organization_called_like_a_settings_page_keeps_its_path() {
        let url = saas().settings_url("teams-x", "github", 1, None);
        assert_eq!(url, "https://teams-x.sentry.io/settings/teams-x/integrations/github/1/");
    }
}
