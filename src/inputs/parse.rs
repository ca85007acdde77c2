//! From a given text to a typed input: one small function for each kind of input.

pub(super) use super::compat::names::boolean;
use super::compat::version_file;
use super::headers::{self, RequestHeader};
use super::raw::{InputOrigin, RawInput, RawInputs};
use super::types::{
    BackendName, CalledRelease, CodeMapping, Dialect, MappingPlace, Mode, ReadFile, ToleratedExit,
    WithoutToken,
};
use crate::error::{Error, ErrorCode};
use crate::job;
use crate::model::OrgSlug;
use crate::secret::Secret;
use crate::text::quote;
use crate::text::surrogates;
use crate::text::url::{is_plain_http, site_base};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::time::Duration;
use url::Url;

/// Reads inputs one by one and collects every mistake.
pub(super) struct InputReader<'a> {
    raw: &'a RawInputs,
    pub(super) mistakes: Vec<Error>,
}

impl<'a> InputReader<'a> {
    pub(super) fn new(raw: &'a RawInputs, mistakes: Vec<Error>) -> Self {
        Self { raw, mistakes }
    }

    /// Whether a call of sentry-cli gave them.
    pub(super) fn is_called(&self) -> bool {
        self.raw.called != CalledRelease::NotCalled
    }

    /// The input called `name`, when it was given and `parse` takes it. A mistake quotes the text,
    /// so this is never used for an input that may be secret.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        self.parse(name, self.raw.get(name)?, parse)
    }

    /// The same of what a file names, where nothing else did.
    pub(super) fn default_value<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let input = self.raw.file_default(name)?;
        let file = &input.origin;
        tracing::debug!(input = name, %file, "read from a sentry-cli configuration file");
        self.parse(name, input, parse)
    }

    fn parse<T>(
        &mut self,
        name: &str,
        input: &RawInput,
        parse: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        match parse(input.text.expose()) {
            Ok(value) => Some(value),
            Err(takes) => {
                let shown = quote(input.text.expose());
                let origin = input.origin;
                let named = match origin {
                    InputOrigin::Manifest(_) => format!("`{name}`"),
                    origin => format!("`{name}` ({origin})"),
                };
                let message = format!("invalid value {shown} for {named}: expected {takes}");
                self.refuse(origin, message, format!("change {origin}"))
            }
        }
    }

    /// The text of the file that the input called `name` names, when `parse` takes it.
    pub(super) fn file<T>(
        &mut self,
        name: &str,
        read: ReadFile<'_>,
        parse: impl Fn(String) -> Result<T, &'static str>,
    ) -> Option<T> {
        let input = self.raw.get(name)?;
        let (shown, origin) = (quote(input.text.expose()), input.origin);
        let message = match read(input.text.expose()).map(parse) {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(takes)) => format!("{shown}, set as `{name}` ({origin}), is not {takes}"),
            Err(error) => format!("cannot read {shown}, given in {origin}: {error}"),
        };
        self.mistakes
            .push(Error::new(ErrorCode::Usage, message).with_hint(format!("change {origin}")));
        None
    }

    /// The version, or the one in the file that `release` names.
    pub(super) fn version(&mut self, read: ReadFile<'_>) -> Option<String> {
        let text = self.value("release", text)?;
        let Some(path) = version_file::path(&text) else { return Some(text) };
        let origin = self.raw.get("release")?.origin;
        version_file::read(path, read).map_or_else(
            |reason| {
                let message = format!("no version for `release` ({origin}): {reason}");
                self.refuse(origin, message, format!("change {origin}, or the file"))
            },
            Some,
        )
    }

    /// The token called `name`. It goes into a header, and a mistake does not quote it.
    pub(super) fn token(&mut self, name: &str) -> Option<Secret> {
        let input = self.raw.get(name)?;
        if input.text.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Some(input.text.clone());
        }
        let origin = input.origin;
        let message = format!(
            "invalid value for `{name}` ({origin}): expected one line of ASCII without spaces"
        );
        let hint = format!("set {origin} to the token only, without quotes, spaces or line breaks");
        self.refuse(origin, message, hint)
    }

    /// The headers. A mistake quotes none of them.
    pub(super) fn headers(&mut self) -> Vec<RequestHeader> {
        let Some(input) = self.raw.get("headers") else { return Vec::new() };
        let (origin, read) = (input.origin, headers::parse(input.text.expose()));
        let refused = read.map_err(|wrong| {
            let message = format!("invalid value for `headers` ({origin}): {wrong}");
            self.refuse::<()>(origin, message, format!("change {origin}"))
        });
        refused.unwrap_or_default()
    }

    /// The code mappings, of which no two may be one.
    pub(super) fn code_mappings(&mut self) -> Vec<CodeMapping> {
        let mappings = self.value("code-mappings", code_mappings).unwrap_or_default();
        self.refuse_repeated(&mappings);
        mappings
    }

    /// The repositories that are to be gone.
    pub(super) fn repositories_absent(&mut self) -> Vec<String> {
        self.value("repositories-absent", repositories).unwrap_or_default()
    }

    /// Where there is to be no code mapping.
    pub(super) fn code_mappings_absent(&mut self) -> Vec<MappingPlace> {
        self.value("code-mappings-absent", mapping_places).unwrap_or_default()
    }

    /// Of a manifest's mappings, both places are named later.
    fn refuse_repeated(&mut self, mappings: &[CodeMapping]) {
        let input = self.raw.get("code-mappings");
        let Some(origin) = input.map(|input| input.origin) else { return };
        let repeated = mappings.iter().enumerate().find_map(|(at, one)| {
            mappings[..at].iter().position(|other| other.has_place_of(one)).map(|first| (first, at))
        });
        let Some((first, second)) =
            repeated.filter(|_| !matches!(origin, InputOrigin::Manifest(_)))
        else {
            return;
        };
        let CodeMapping { project, stack_root, .. } = &mappings[second];
        let (project, root, first, second) =
            (quote(project), quote(stack_root), first + 1, second + 1);
        let message = format!(
            "`code-mappings` ({origin}) maps project {project} with stack root {root} twice: \
             items {first} and {second}"
        );
        self.mistakes
            .push(Error::new(ErrorCode::Usage, message).with_hint(format!("change {origin}")));
    }

    /// Notes a mistake with its place, where that is in a manifest.
    fn refuse<T>(&mut self, origin: InputOrigin, message: String, hint: String) -> Option<T> {
        let place = match origin {
            InputOrigin::Manifest(place) => Some(place),
            InputOrigin::Flag(_) | InputOrigin::Variable(_) | InputOrigin::File(_) => None,
        };
        let mistake = Error::new(ErrorCode::Usage, message).with_hint(hint);
        self.mistakes.push(Error { place, ..mistake });
        None
    }
}

pub(super) fn text(text: &str) -> Result<String, &'static str> {
    Ok(text.to_owned())
}

/// A page, also as a path; everybody sees it.
pub(super) fn page(text: &str) -> Result<String, &'static str> {
    let has_user = |url: Url| !url.username().is_empty() || url.password().is_some();
    match Url::parse(text).is_ok_and(has_user) {
        true => Err("a path or a URL without a user and a password"),
        false => Ok(text.to_owned()),
    }
}

/// Any key is let through, the near one is suggested when the registry has none of it.
pub(super) fn provider(key: &str) -> Result<String, &'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if key.len() <= 64 && key.chars().all(fits) {
        return Ok(key.to_owned());
    }
    Err("a provider key of letters, digits, `_` and `-`")
}

pub(super) fn mode(word: &str) -> Result<Mode, &'static str> {
    Mode::parse(word).ok_or("`ensure`, `install`, `reauth`, `remove` or `link`")
}

pub(super) fn backend(word: &str) -> Result<BackendName, &'static str> {
    BackendName::parse(word).ok_or("`sentry` or `embedded`")
}

pub(super) fn dialect(word: &str) -> Result<Dialect, &'static str> {
    Dialect::parse(word).ok_or("`auto`, `api` or `web`")
}

/// How many entries may be under way at once.
pub(super) fn count(digits: &str) -> Result<usize, &'static str> {
    digits.parse().ok().filter(|count| (1..=256).contains(count)).ok_or("a number from 1 to 256")
}

/// A list takes commas or lines.
pub(super) fn list(text: &str) -> Result<Vec<String>, &'static str> {
    let items = text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty());
    Ok(items.map(str::to_owned).collect())
}

/// Repositories, by the paths that their addresses lead to.
pub(super) fn repositories(text: &str) -> Result<Vec<String>, &'static str> {
    list(text)?.into_iter().map(repository_path).collect()
}

/// Forges whose addresses are known without a scheme.
const FORGES: [&str; 4] = ["github.com/", "gitlab.com/", "bitbucket.org/", "dev.azure.com/"];

fn repository_path(repository: String) -> Result<String, &'static str> {
    let takes = "repositories as `owner/name`, or their addresses";
    let address = match FORGES.iter().any(|forge| repository.starts_with(forge)) {
        true => format!("https://{repository}"),
        false if repository.contains("://") || repository.starts_with("git@") => repository,
        false => return Ok(repository),
    };
    job::repository_of_url(&address).ok_or(takes)
}

fn code_mappings(text: &str) -> Result<Vec<CodeMapping>, &'static str> {
    let takes = "a YAML list of `{project, repository, stackRoot, sourceRoot, defaultBranch}`";
    let mappings: Vec<CodeMapping> =
        serde_yaml::from_str(&surrogates::join(text)).map_err(|_| takes)?;
    let by_path = |mapping: CodeMapping| {
        Ok(CodeMapping { repository: repository_path(mapping.repository)?, ..mapping })
    };
    mappings.into_iter().map(CodeMapping::trimmed).map(by_path).collect()
}

fn mapping_places(text: &str) -> Result<Vec<MappingPlace>, &'static str> {
    let places: Vec<MappingPlace> = serde_yaml::from_str(&surrogates::join(text))
        .map_err(|_| "a YAML list of `{project, stackRoot}`")?;
    let trim = |text: String| text.trim().to_owned();
    let trimmed = |place: MappingPlace| MappingPlace {
        project: trim(place.project),
        stack_root: trim(place.stack_root),
    };
    Ok(places.into_iter().map(trimmed).collect())
}

pub(super) fn id(digits: &str) -> Result<i64, &'static str> {
    digits.parse().ok().filter(|id| *id > 0).ok_or("an integration id, which is a number")
}

pub(super) fn org(slug: &str) -> Result<OrgSlug, &'static str> {
    OrgSlug::parse(slug).ok_or("an organization slug of letters, digits, `-` and `_`")
}

/// A base URL: no credentials, query or fragment may ride along into every link. The address of a
/// page is cut to its base.
pub(super) fn url(text: &str) -> Result<Url, &'static str> {
    let is_base = |url: &Url| url.query().is_none() && url.fragment().is_none();
    let url = page_url(text).ok().map(|url| site_base(&url).unwrap_or(url)).filter(is_base);
    url.ok_or("an http(s) URL without credentials or query")
}

/// A page may have a query, other than a base address.
pub(super) fn page_url(text: &str) -> Result<Url, &'static str> {
    let is_word = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    let url = Url::parse(text).ok().filter(|url| is_word && is_plain_http(url));
    url.ok_or("an http(s) URL without credentials")
}

/// Certificates that can be trusted; they come back as they were written.
pub(crate) fn certificates(pem: String) -> Result<String, &'static str> {
    let mut roots = RootCertStore::empty();
    let mut entries = CertificateDer::pem_slice_iter(pem.as_bytes());
    let are_good = entries.all(|one| one.is_ok_and(|one| roots.add(one).is_ok()));
    let takes = "a file of PEM certificates";
    if are_good && !roots.is_empty() { Ok(pem) } else { Err(takes) }
}

/// The time limit of a run that names none.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);

/// `90s`, `2m`, `1h`, or seconds; at most a day, at least a second.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    let (digits, unit) = match text.as_bytes().last() {
        Some(b's') => (&text[..text.len() - 1], 1),
        Some(b'm') => (&text[..text.len() - 1], 60),
        Some(b'h') => (&text[..text.len() - 1], 3600),
        _ => (text, 1),
    };
    let seconds = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit));
    seconds
        .filter(|seconds| (1..=86_400).contains(seconds))
        .map(Duration::from_secs)
        .ok_or("a duration such as `90s` or `2m`, or seconds, up to a day")
}

pub(super) fn without_token(word: &str) -> Result<WithoutToken, &'static str> {
    WithoutToken::parse(word).ok_or("`error` or `skip`")
}

pub(super) fn tolerate(text: &str) -> Result<Vec<ToleratedExit>, &'static str> {
    let takes = "a list of `action-required`, `refused`, `auth`, `unavailable`, `all`";
    match boolean(text) {
        // As a variable of sentry-cli allows a failure.
        Ok(true) => Ok(vec![ToleratedExit::All]),
        Ok(false) => Ok(Vec::new()),
        Err(_) => list(text)?.iter().map(|word| ToleratedExit::parse(word).ok_or(takes)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_minutes_or_hours() {
        let seconds = |text| duration(text).map(|time| time.as_secs()).ok();
        assert_eq!([seconds("90s"), seconds("2m"), seconds("5")], [Some(90), Some(120), Some(5)]);
        for bad in ["", "s", "0", "-1", "1.5s", "2d", "99999999999999999999h", "é"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_boolean_has_the_spellings_of_yaml_and_of_action_release() {
        let read = ["true", "True", "TRUE", "1", "false", "False", "FALSE", "0"].map(boolean);
        assert_eq!(read, [true, true, true, true, false, false, false, false].map(Ok));
        assert!(["yes", "on", "2", ""].iter().all(|word| boolean(word).is_err()));
    }

    #[test]
    fn a_base_url_carries_nothing_but_itself() {
        for bad in
            ["ftp://x", "https://u:p@x/", "https://x/?a=b", "https://x/#f", "x", "javascript:1"]
        {
            assert!(url(bad).is_err(), "{bad}");
        }
        assert!(url("https://sentry.example.com/base").is_ok());
    }
}
