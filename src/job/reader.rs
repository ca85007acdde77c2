//! Which text from outside counts as a fact: names, shas, numbers, links, repositories.
//!
//! Text that does not look like one is absent, never an error. What a fact means for the job is
//! answered by its host's file.

use serde_json::Value;
use url::Url;

use super::repository_address;
use crate::env::Env;

/// The environment, asked for facts.
pub(super) struct JobEnv<'a> {
    env: &'a Env,
}

impl<'a> JobEnv<'a> {
    pub(super) fn new(env: &'a Env) -> Self {
        Self { env }
    }

    /// Whether the variable has exactly this value.
    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.env.is(name, value)
    }

    /// One line of text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.env.get(name).and_then(text)
    }

    /// A commit's sha.
    pub(super) fn sha(&self, name: &str) -> Option<String> {
        self.env.get(name).and_then(sha)
    }

    /// A number above zero.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.env.get(name).and_then(number)
    }

    /// A link without credentials.
    pub(super) fn link(&self, name: &str) -> Option<String> {
        self.env.get(name).and_then(link)
    }

    /// A repository's path, `owner/repo`.
    pub(super) fn repository(&self, name: &str) -> Option<String> {
        self.env.get(name).and_then(repository)
    }

    /// The path of the repository that a git URL leads to.
    pub(super) fn repository_of_url(&self, name: &str) -> Option<String> {
        self.env.get(name).and_then(repository_of_url)
    }
}

/// The event's payload, asked for facts by JSON pointer.
pub(super) struct EventPayload<'a> {
    root: Option<&'a Value>,
}

impl<'a> EventPayload<'a> {
    pub(super) fn new(root: Option<&'a Value>) -> Self {
        Self { root }
    }

    /// Whatever is at the pointer; a JSON null is something.
    pub(super) fn at(&self, pointer: &str) -> Option<&'a Value> {
        self.root?.pointer(pointer)
    }

    /// One line of text.
    pub(super) fn text(&self, pointer: &str) -> Option<String> {
        self.at(pointer)?.as_str().and_then(text)
    }

    /// A commit's sha.
    pub(super) fn sha(&self, pointer: &str) -> Option<String> {
        self.at(pointer)?.as_str().and_then(sha)
    }

    /// A number above zero.
    pub(super) fn number(&self, pointer: &str) -> Option<u64> {
        self.at(pointer)?.as_u64().filter(|number| *number > 0)
    }

    /// A link without credentials.
    pub(super) fn link(&self, pointer: &str) -> Option<String> {
        self.at(pointer)?.as_str().and_then(link)
    }

    /// Whether the pointer leads to `true`.
    pub(super) fn flag(&self, pointer: &str) -> bool {
        self.at(pointer).and_then(Value::as_bool) == Some(true)
    }
}

/// Whether two names mean the same repository; the forges do not tell them apart by case.
pub fn same_repository(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// The branch's name, where a host may or may not write the full ref.
pub(super) fn short_branch(name: String) -> Option<String> {
    text(name.strip_prefix("refs/heads/").unwrap_or(&name))
}

/// What follows `prefix` in a full ref: the branch after `refs/heads/`, the tag after `refs/tags/`.
pub(super) fn ref_name(git_ref: Option<&str>, prefix: &str) -> Option<String> {
    git_ref?.strip_prefix(prefix).and_then(text)
}

/// Builds the full ref for a host that tells names alone; a tag goes before a branch.
pub(super) fn full_ref(branch: Option<&str>, tag: Option<&str>) -> Option<String> {
    let of_branch = || branch.map(|branch| format!("refs/heads/{branch}"));
    tag.map(|tag| format!("refs/tags/{tag}")).or_else(of_branch)
}

/// Accepts one non-empty line.
pub(super) fn text(text: &str) -> Option<String> {
    (!text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned())
}

/// Accepts an abbreviated or full sha; all zeros is git's word for "none".
pub fn sha(text: &str) -> Option<String> {
    let is_sha = (7..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.bytes().any(|byte| byte != b'0');
    is_sha.then(|| text.to_owned())
}

/// Accepts digits alone; Rust itself would also take a plus sign.
pub(super) fn number(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_number && *number > 0)
}

/// Accepts a web link and takes the credentials out of it.
fn link(text: &str) -> Option<String> {
    // The URL standard drops tabs and newlines silently, so they are looked for before parsing.
    if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let mut url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    if url.username().is_empty() && url.password().is_none() {
        return Some(text.to_owned());
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url.into())
}

/// Accepts two or more plain path segments.
///
/// The narrow alphabet is what keeps a password out when a git URL is not well-formed: what
/// follows one is an `@`.
pub(super) fn repository(path: &str) -> Option<String> {
    repository_of(path, |c| c.is_ascii_alphanumeric() || "-_.~".contains(c))
}

fn repository_of(path: &str, is_plain: impl Fn(char) -> bool) -> Option<String> {
    let is_segment =
        |segment: &str| !matches!(segment, "" | "." | "..") && segment.chars().all(&is_plain);
    let is_repository = path.contains('/') && path.split('/').all(is_segment);
    is_repository.then(|| path.to_owned())
}

/// Takes the repository out of `scheme://authority/path` or git's `user@machine:path`, whether the
/// address is one to clone from or a page. Where a forge allows blanks in names, an address may.
pub fn repository_of_url(url: &str) -> Option<String> {
    let (machine, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?,
        // One letter before the colon is a Windows drive.
        None => url.split_once(':').filter(|(at, _)| at.len() > 1 && !at.contains('/'))?,
    };
    if machine.is_empty() {
        return None;
    }
    let path = repository_address::path(machine, path)?;
    repository_of(&path, |c| c.is_alphanumeric() || "-_.~ ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_seven_to_sixty_four_hex_digits() {
        for good in ["abc1234", &"a".repeat(40), &"0a".repeat(32)] {
            assert_eq!(sha(good).as_deref(), Some(good));
        }
        for bad in ["abc123", "HEAD", "0000000", &"a".repeat(65), "abc1234 ", "abcdefg", "--all"] {
            assert_eq!(sha(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_number_is_digits_alone_and_not_zero() {
        assert_eq!(number("42"), Some(42));
        for bad in ["", "0", "+5", "-5", "5 ", "false", "18446744073709551616"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_link_is_for_the_web_and_has_no_credentials() {
        assert_eq!(link("https://e.example").as_deref(), Some("https://e.example"));
        let secret = link("https://user:hunter2@e.example/a");
        assert_eq!(secret.as_deref(), Some("https://e.example/a"));
        for bad in [
            "javascript:alert(1)",
            "e.example",
            "https://",
            "https://e.example/\nx",
            "https://a b/",
        ] {
            assert_eq!(link(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_form_of_a_git_url_gives_the_repository() {
        let urls = [
            ("https://github.com/acme/widget.git", "acme/widget"),
            ("https://github.com/acme/widget", "acme/widget"),
            ("https://github.com/acme/widget/", "acme/widget"),
            ("https://hunter2@github.com/acme/widget.git", "acme/widget"),
            ("https://user:hunter2@git.acme.test:8443/a/b/widget.git", "a/b/widget"),
            ("ssh://git@git.acme.test:2222/acme/sub/widget.git", "acme/sub/widget"),
            ("git@github.com:acme/widget.git", "acme/widget"),
            ("git@git.acme.test:/acme/sub/widget", "acme/sub/widget"),
            ("git://github.com/acme/widget.js.git", "acme/widget.js"),
        ];
        for (url, expected) in urls {
            assert_eq!(repository_of_url(url).as_deref(), Some(expected), "{url}");
        }
    }

    #[test]
    fn what_is_no_git_url_gives_no_repository() {
        let urls = [
            "widget",
            "/srv/git/acme/widget.git",
            "../acme/widget",
            "file:///srv/git/widget.git",
            r"C:\git\acme\widget",
            "C:/git/acme/widget",
            "https://github.com",
            "https://github.com/widget.git",
            "https://github.com/acme/../widget",
            "git@github.com:widget.git",
        ];
        for url in urls {
            assert_eq!(repository_of_url(url), None, "{url}");
        }
    }
}
