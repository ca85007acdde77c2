//! What the inputs say of a release and its deploy.

use super::parse::{self, InputReader};
use super::raw::RawInputs;
use super::table::{INPUTS, InputSpec, JobKind};
use super::types::{CalledRelease, ReadFile};
use crate::job;
use crate::secret::Secret;
use crate::text::date;
use url::Url;

/// Where a release's commits come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CommitSource {
    /// As it turns out: the backend fetches them, else the checkout has them.
    #[default]
    Auto,
    /// The history of the checkout.
    Local,
    /// GitHub's API.
    GitHub,
    /// These heads, which the backend looks up itself.
    Refs(Vec<Ref>),
    /// Nowhere: the release has none.
    None,
}

/// A repository's head, and the one of the release before: hashes, or names that git knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ref {
    /// The repository's name.
    pub repository: String,
    /// The head.
    pub commit: String,
    /// The head before it; the backend's own knowledge, when it is not named.
    pub previous: Option<String>,
}

/// Which commit the release before was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PreviousCommit {
    /// The backend knows, or the event tells.
    #[default]
    Unspecified,
    /// The backend is asked.
    LookUp,
    /// This one.
    Sha(String),
}

/// What is asked about a release.
#[derive(Clone, Debug)]
pub struct ReleaseInputs {
    /// Whether the release job is asked for at all.
    pub requested: bool,
    /// Whether a call of sentry-cli asks for it, and of what release.
    pub called: CalledRelease,
    /// The version, when it was named.
    pub version: Option<String>,
    /// The version that a service or a build file names, and what names it.
    pub detected_version: Option<(String, &'static str)>,
    /// What stands before the version.
    pub prefix: String,
    /// The projects' slugs.
    pub projects: Vec<String>,
    /// Where it is deployed to.
    pub environment: Option<String>,
    /// Where its commits come from.
    pub commits: CommitSource,
    /// The release before.
    pub previous: PreviousCommit,
    /// Only commits that touch one of these.
    pub paths: Vec<String>,
    /// The remote that names the repository.
    pub remote: String,
    /// Whether it is out.
    pub finalize: bool,
    /// Whether to wait until the backend has the commits.
    pub wait_for_commits: bool,
    /// Whether a deploy is noted, when that was said.
    pub deploy: Option<bool>,
    /// The name of the deploy.
    pub deploy_name: Option<String>,
    /// The page of the deploy.
    pub deploy_url: Option<Url>,
    /// When the deploy began, in milliseconds since 1970.
    pub started_at: Option<i64>,
    /// When it was through; now, where that was not said.
    pub finished_at: Option<i64>,
    /// The page of the release; that of the CI run, where none was named.
    pub page: Option<Url>,
    /// When the release came out; now, where that was not said.
    pub released_at: Option<i64>,
    /// The token for GitHub's API.
    pub github_token: Option<Secret>,
    /// The name of the commit status.
    pub github_status: Option<String>,
}

impl ReleaseInputs {
    /// The commits that are named, by hashes or otherwise.
    pub fn commit_names(&self) -> impl Iterator<Item = &String> {
        let refs = match &self.commits {
            CommitSource::Refs(refs) => refs.as_slice(),
            _ => &[],
        };
        let of_previous = match &self.previous {
            PreviousCommit::Sha(name) => Some(name),
            PreviousCommit::Unspecified | PreviousCommit::LookUp => None,
        };
        let of_refs = refs.iter().flat_map(|one| one.previous.iter().chain([&one.commit]));
        of_refs.chain(of_previous)
    }

    /// Reads them; mistakes stay with the reader.
    pub(super) fn read(raw: &RawInputs, reader: &mut InputReader<'_>, read: ReadFile<'_>) -> Self {
        Self {
            requested: is_requested(raw),
            called: raw.called,
            version: reader.version(read),
            detected_version: raw.detected_version(),
            prefix: reader.value("release-prefix", parse::text).unwrap_or_default(),
            projects: reader
                .value("projects", projects)
                .or_else(|| reader.default_value("projects", projects))
                .unwrap_or_default(),
            environment: reader.value("environment", environment),
            commits: reader.value("commits", commits).unwrap_or_default(),
            previous: reader.value("previous-commit", previous_commit).unwrap_or_default(),
            paths: reader.value("paths", parse::list).unwrap_or_default(),
            remote: reader
                .value("remote", parse::text)
                .unwrap_or_else(|| DEFAULT_REMOTE.to_owned()),
            finalize: reader.value("finalize", parse::boolean).unwrap_or(true),
            wait_for_commits: reader.value("wait-for-commits", parse::boolean).unwrap_or(false),
            deploy: reader.value("deploy", parse::boolean),
            deploy_name: reader.value("deploy-name", name),
            deploy_url: reader.value("deploy-url", parse::page_url),
            started_at: reader.value("started-at", time),
            finished_at: reader.value("finished-at", time),
            page: reader.value("release-url", parse::page_url),
            released_at: reader.value("released-at", time),
            github_token: reader.token("github-token"),
            github_status: reader.value("github-status", status_context).flatten(),
        }
    }
}

/// Whether the release job is asked for. Programs that report errors read `SENTRY_RELEASE` and
/// `SENTRY_ENVIRONMENT` too, so beside a provider these ask for nothing.
pub(super) fn is_requested(raw: &RawInputs) -> bool {
    is_named(raw) || is_implied(raw)
}

/// Whether a step that asks for nothing else makes a release all the same: it has a token, or what only a
/// release needs.
fn is_implied(raw: &RawInputs) -> bool {
    let others = ["provider", "callback-url", "manifest", "state"];
    let is_of_release = |input: &&InputSpec| {
        use JobKind::{Commits, Deploy, History, Release};
        let first = input.used_by.first();
        matches!(first, Some(Release | Deploy | Commits | History))
            || matches!(input.name, "org" | "auth-token")
    };
    raw.implies_release
        && others.iter().all(|name| !raw.is_given(name))
        && !raw.asks_integration()
        && raw.sets.is_empty()
        && INPUTS.iter().filter(is_of_release).any(|input| raw.is_given(input.name))
}

fn is_named(raw: &RawInputs) -> bool {
    let ours =
        ["release", "environment", "deploy", "sourcemaps"].iter().any(|name| raw.is_explicit(name));
    let shared = ["release", "environment"].iter().any(|name| raw.get(name).is_some());
    ours || raw.asks_release || (shared && !raw.asks_integration())
}

fn projects(text: &str) -> Result<Vec<String>, &'static str> {
    let takes =
        "project slugs of letters, digits, `-` and `_`, separated by blanks, commas or lines";
    let fits = |slug: &String| {
        slug.len() <= 100
            && slug.chars().any(|c| c != '.')
            && slug.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    // No slug has a blank, so blanks separate them too, as in action-release.
    let slugs = text.split(|c: char| c == ',' || c.is_whitespace());
    let slugs: Vec<_> = slugs.filter(|slug| !slug.is_empty()).map(str::to_owned).collect();
    if slugs.iter().all(fits) { Ok(slugs) } else { Err(takes) }
}

/// Sentry's own rule for an environment's name.
pub fn is_environment(text: &str) -> bool {
    text.chars().count() <= 64
        && text.trim() == text
        && !text.contains(|c: char| c.is_control() || c == '/')
        && text != "None"
}

/// The remote that git makes by itself, and which nobody has to have.
pub const DEFAULT_REMOTE: &str = "origin";

/// What an environment's name may be.
pub const ENVIRONMENT_RULE: &str =
    "a name of at most 64 characters, without `/`, other than `None`";

fn environment(text: &str) -> Result<String, &'static str> {
    if is_environment(text) { Ok(text.to_owned()) } else { Err(ENVIRONMENT_RULE) }
}

fn name(text: &str) -> Result<String, &'static str> {
    let fits = text.chars().count() <= 64 && !text.contains(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err("one line of at most 64 characters") }
}

fn time(text: &str) -> Result<i64, &'static str> {
    let seconds =
        text.parse::<i64>().ok().filter(|seconds| (0..=253_402_300_799).contains(seconds));
    let ms = seconds.map(|seconds| seconds * 1000).or_else(|| date::parse(text));
    ms.ok_or("a time such as `2026-11-25T12:00:00Z`, or seconds since 1970")
}

fn previous_commit(text: &str) -> Result<PreviousCommit, &'static str> {
    match text {
        "lookup" => Ok(PreviousCommit::LookUp),
        zeros if is_no_commit(zeros) => Ok(PreviousCommit::Unspecified),
        name => revision(name)
            .map(PreviousCommit::Sha)
            .ok_or("a commit SHA of 7 to 64 hex digits, a tag, a branch, or `lookup`"),
    }
}

/// Whether it is the commit before a first push, as hosts write it.
fn is_no_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|digit| digit == b'0')
}

/// A context is what a person sees beside the commit; `false` and `off` are none.
fn status_context(text: &str) -> Result<Option<String>, &'static str> {
    match text {
        "off" | "false" => Ok(None),
        "true" | "on" => Ok(Some("finishline".to_owned())),
        name if name.chars().count() <= 100 && !name.contains(char::is_control) => {
            Ok(Some(name.to_owned()))
        }
        _ => Err("`off`, or a status name of one line"),
    }
}

fn commits(text: &str) -> Result<CommitSource, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "auto" => Ok(CommitSource::Auto),
        "local" => Ok(CommitSource::Local),
        "github" => Ok(CommitSource::GitHub),
        // The second is action-release's word.
        "none" | "skip" => Ok(CommitSource::None),
        _ => {
            let refs: Option<Vec<_>> = parse::list(text)?.iter().map(|item| r#ref(item)).collect();
            let takes = "`auto`, `local`, `github`, `none`, or a list of `REPO@COMMIT` and `REPO@PREVIOUS..COMMIT`, each commit a SHA, a tag or a branch";
            refs.filter(|refs| !refs.is_empty()).map(CommitSource::Refs).ok_or(takes)
        }
    }
}

/// `REPO@SHA` or `REPO@PREVIOUS..SHA`; a repository's name may hold nearly anything, and so may a tag.
fn r#ref(item: &str) -> Option<Ref> {
    let is_hash = |(_, range): &(_, &str)| range.split("..").all(|one| job::sha(one).is_some());
    let (repository, range) =
        item.rsplit_once('@').filter(is_hash).or_else(|| item.split_once('@'))?;
    let fits = !repository.trim().is_empty()
        && repository.chars().count() <= 200
        && !repository.contains(char::is_control);
    let (previous, commit) = match range.split_once("..") {
        Some((previous, commit)) if is_no_commit(previous) => (None, commit),
        Some((previous, commit)) => (Some(revision(previous)?), commit),
        None => (None, range),
    };
    let commit = revision(commit)?;
    fits.then(|| Ref { repository: repository.trim().to_owned(), commit, previous })
}

/// A commit's hash, or a name that git can have for one (git-check-ref-format), with `~2` or `^` behind it.
fn revision(text: &str) -> Option<String> {
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || ":?*[\\$`".contains(c);
    let is_name = !text.is_empty()
        && text.len() <= 255
        && !text.starts_with(['-', '/', '.'])
        && !text.ends_with(['/', '.'])
        && !text.contains("..")
        && !text.contains("@{")
        && !text.contains(is_odd)
        && text.bytes().any(|byte| byte != b'0');
    is_name.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explicit_commits_name_repository_and_range() {
        let read = commits("acme/web@aaaaaaa..bbbbbbb, acme / api@ccccccc").unwrap();
        let web = Ref {
            repository: "acme/web".to_owned(),
            commit: "bbbbbbb".to_owned(),
            previous: Some("aaaaaaa".to_owned()),
        };
        let api = Ref {
            repository: "acme / api".to_owned(),
            commit: "ccccccc".to_owned(),
            previous: None,
        };
        assert_eq!(read, CommitSource::Refs(vec![web, api]));
        let named = |text: &str| match commits(text) {
            Ok(CommitSource::Refs(refs)) => {
                let [one] = refs.as_slice() else { return String::new() };
                format!("{} {:?} {}", one.repository, one.previous, one.commit)
            }
            other => format!("{other:?}"),
        };
        assert_eq!(named("acme/web@v1..HEAD"), "acme/web Some(\"v1\") HEAD");
        assert_eq!(named("acme/web@web@1.2.3"), "acme/web None web@1.2.3");
        assert_eq!(named("a@b@aaaaaaa..bbbbbbb"), "a@b Some(\"aaaaaaa\") bbbbbbb");
        for bad in [
            "",
            "acme/web",
            "@aaaaaaa",
            "acme/web@a b",
            "acme/web@aaaaaaa..",
            "a@--all",
            ",",
            "a@$TAG",
        ] {
            assert!(commits(bad).is_err(), "{bad}");
        }
        assert_eq!(commits("skip"), Ok(CommitSource::None));
    }

    #[test]
    fn a_time_is_a_date_or_seconds() {
        assert_eq!(time("1700000000"), Ok(1_700_000_000_000));
        assert_eq!(time("2023-11-14T22:13:20Z"), Ok(1_700_000_000_000));
        assert!(time("yesterday").is_err() && time("-1").is_err());
    }

    #[test]
    fn an_environment_has_no_slash() {
        for bad in ["a/b", "None", " a", "a\n", &"x".repeat(65)] {
            assert!(environment(bad).is_err(), "{bad}");
        }
        assert!(environment("eu production").is_ok());
    }
}
