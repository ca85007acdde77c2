//! Which version a release has, and which names Sentry has no release for.

use super::code_version::CodeVersion;
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::release::ReleaseInputs;
use crate::job::Job;
use crate::text::quote;
use std::fmt;

/// The longest version, in characters.
const LONGEST: usize = 200;

/// A version that Sentry takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseVersion(String);

impl ReleaseVersion {
    /// Checks the version; the error is a clause for a person: `has a line end`.
    ///
    /// The rules are those of Sentry's `Release.is_valid_version` and of its serializer.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let wrong = match text.trim() {
            "" => "is blank",
            "." | ".." => "is a folder name",
            word if word.eq_ignore_ascii_case("latest") => {
                "is reserved by Sentry for the newest release"
            }
            word if word.len() != text.len() => "starts or ends with whitespace",
            _ if text.contains(['/', '\\']) => "contains a slash",
            _ if text.contains(char::is_control) => "contains a line break or a control character",
            _ if text.chars().count() > LONGEST => "is longer than 200 characters",
            _ => return Ok(Self(text.to_owned())),
        };
        Err(wrong)
    }

    /// The version that the inputs name, if they do.
    pub fn named(inputs: &ReleaseInputs) -> Option<Result<Self>> {
        let named = inputs.version.as_deref()?;
        Some(checked(named, &inputs.prefix, VersionSource::Input))
    }

    /// The version as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReleaseVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a version came from, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionSource {
    /// The input.
    Input,
    /// A service or a build file, as sentry-cli reads it.
    Detected(&'static str),
    /// The commit that was pushed, as the host tells it.
    Pushed,
    /// The commit that is checked out.
    CheckedOut,
}

impl VersionSource {
    /// The words for it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Input => "`release`",
            Self::Detected(origin) => origin,
            Self::Pushed => "the pushed commit",
            Self::CheckedOut => "the checked-out commit",
        }
    }
}

/// Chooses the version: the input, else what a service or a build file names, else the commit that was
/// pushed or is checked out, whatever tag it has: programs that report errors name the commit. What is
/// not the input is a name of the host's or of git's, and checked like one.
pub(super) fn choose(
    named: Option<&str>,
    detected: Option<&(String, &'static str)>,
    prefix: &str,
    job: &Job,
    code: &CodeVersion,
) -> Result<(ReleaseVersion, VersionSource)> {
    let is_events = job.sha.is_some() && !code.is_checkout;
    let source = if is_events { VersionSource::Pushed } else { VersionSource::CheckedOut };
    let (text, origin) = named
        .map(|text| (text, VersionSource::Input))
        .or_else(|| detected.map(|(text, origin)| (text.as_str(), VersionSource::Detected(origin))))
        .or_else(|| Some((code.head.as_deref()?, source)))
        .ok_or_else(|| no_version(job))?;
    Ok((checked(text, prefix, origin)?, origin))
}

fn checked(text: &str, prefix: &str, origin: VersionSource) -> Result<ReleaseVersion> {
    // A secret store or a file often adds a line end.
    let text = format!("{prefix}{}", without_ref(text.trim_end_matches(['\r', '\n'])));
    let version = ReleaseVersion::parse(&text).and_then(|version| match text.strip_suffix('@') {
        // A variable without a value stood there.
        Some(_) => Err("has nothing after `@`"),
        None => Ok(version),
    });
    version.map_err(|wrong| refused(&text, origin, wrong))
}

/// The tag or branch of a full ref such as `github.ref`; one that is no version stays whole, so that
/// the error shows what was given.
fn without_ref(text: &str) -> &str {
    let name = text.strip_prefix("refs/tags/").or_else(|| text.strip_prefix("refs/heads/"));
    name.filter(|name| ReleaseVersion::parse(name).is_ok()).unwrap_or(text)
}

fn refused(text: &str, origin: VersionSource, wrong: &str) -> Error {
    let message =
        format!("{} is not a valid release version: {} {wrong}", origin.words(), quote(text));
    let hint = match origin {
        VersionSource::Input => {
            "set `release` to a name of at most 200 characters without `/`, such as `web@1.2.3`"
        }
        _ => "set `release` to a name without `/`",
    };
    Error::new(ErrorCode::BadRelease, message).with_hint(hint)
}

fn no_version(job: &Job) -> Error {
    let why = match job.deleted {
        true => "the event deleted a branch or tag, so there is no commit to release",
        false => "cannot tell the release version from the CI host or a git checkout",
    };
    Error::new(ErrorCode::BadRelease, why).with_hint("set `release`, or run in a git checkout")
}

#[cfg(test)]
mod tests {
    use super::super::code_version::CheckoutInfo;
    use super::*;

    #[test]
    fn names_that_sentry_refuses_are_refused_with_the_reason() {
        for (bad, why) in [
            ("latest", "newest"),
            ("LATEST", "newest"),
            ("", "blank"),
            ("   ", "blank"),
            ("a/b", "slash"),
            ("a\\b", "slash"),
            ("a\nb", "line break"),
            ("a\tb", "control"),
            ("..", "folder"),
            (" a", "whitespace"),
            (&"é".repeat(201), "200"),
        ] {
            assert!(ReleaseVersion::parse(bad).unwrap_err().contains(why), "{bad:?}");
        }
        for good in ["web@1.0.0", "1.0.0+build 7", "é", &"é".repeat(200), "later", "a..b"] {
            assert!(ReleaseVersion::parse(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn the_version_is_the_input_else_what_a_service_names_else_a_commit() {
        let job = |tag: Option<&str>, sha: Option<&str>| Job {
            tag: tag.map(str::to_owned),
            sha: sha.map(str::to_owned),
            ..Job::default()
        };
        let heroku = ("bbbbbbb".to_owned(), "SOURCE_VERSION");
        let chosen = |named, detected, job: &Job, head: &str| {
            let head = Some(head.to_owned());
            let code = CodeVersion::new(job, &CheckoutInfo { head, ..CheckoutInfo::default() });
            let (version, origin) = choose(named, detected, "web@", job, &code).unwrap();
            (version.to_string(), origin)
        };
        let version = |text: &str, source| (text.to_owned(), source);
        let (tagged, pushed) = (job(Some("v1"), Some("aaaaaaa")), job(None, Some("aaaaaaa")));
        let (built, other) = ("aaaaaaa", "ccccccc");
        let of_input = version("web@1.0", VersionSource::Input);
        assert_eq!(chosen(Some("1.0\n"), Some(&heroku), &tagged, built), of_input);
        assert_eq!(chosen(Some("1.0\n"), None, &tagged, other), of_input);
        let of_service = version("web@bbbbbbb", VersionSource::Detected("SOURCE_VERSION"));
        assert_eq!(chosen(None, Some(&heroku), &tagged, built), of_service);
        for job in [&tagged, &pushed] {
            let of_commit = version("web@aaaaaaa", VersionSource::Pushed);
            assert_eq!(chosen(None, None, job, built), of_commit);
            let checked_out = version("web@ccccccc", VersionSource::CheckedOut);
            assert_eq!(chosen(None, None, job, other), checked_out);
        }
        let checked_out = version("web@ccccccc", VersionSource::CheckedOut);
        assert_eq!(chosen(None, None, &job(None, None), other), checked_out);
        let code = CodeVersion::default();
        let slash = choose(Some("web/v1"), None, "", &tagged, &code).unwrap_err();
        assert!(slash.message.contains("`web/v1` contains a slash"), "{}", slash.message);
    }
}
