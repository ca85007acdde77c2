//! What a request says of a release: its commits, its refs, and what else it changes.

use crate::database::commits::{NewCommit, NewRef};
use crate::database::releases::ReleaseChange;
use crate::server::http::body::{BodyReader, TextRule};

/// The longest hash.
const KEY: usize = 64;

/// The body of a POST or PUT, beside version and projects.
pub(crate) struct ReleaseBody {
    pub(crate) change: ReleaseChange,
    pub(crate) commits: Vec<NewCommit>,
    pub(crate) refs: Vec<NewRef>,
}

impl ReleaseBody {
    /// Reads it; what is wrong stays with the reader.
    pub(crate) fn read(reader: &mut BodyReader<'_>) -> Self {
        let change = change(reader);
        let commits = reader.items("commits", commit).unwrap_or_default();
        // Sentry sorts these by time and fails on a mixture; the field is named instead.
        let timed = commits.iter().filter(|commit| commit.timestamp.is_some()).count();
        if timed != 0 && timed != commits.len() {
            let why = "Either all commits have a timestamp, or none has.";
            reader.error("commits", why);
        }
        let heads = reader.items("headCommits", head).unwrap_or_default();
        let refs = reader.items("refs", r#ref).unwrap_or_default();
        Self { change, commits: sorted(commits), refs: if refs.is_empty() { heads } else { refs } }
    }
}

/// The slugs of a release's projects; a release without one cannot be.
pub(crate) fn projects(reader: &mut BodyReader<'_>) -> Option<Vec<String>> {
    let why = match (reader.has("projects"), reader.value("projects")) {
        (false, _) => "This field is required.",
        (true, None) => "This field may not be null.",
        (true, Some(_)) => match reader.texts("projects") {
            Some(slugs) if slugs.is_empty() => "This list may not be empty.",
            slugs => return slugs,
        },
    };
    reader.error("projects", why);
    None
}

/// Newest first, as Sentry keeps them; commits without a time stay as they were sent.
fn sorted(mut commits: Vec<NewCommit>) -> Vec<NewCommit> {
    commits.sort_by_key(|commit| std::cmp::Reverse(commit.timestamp));
    commits
}

fn commit(reader: &mut BodyReader<'_>) -> Option<NewCommit> {
    let repository = reader.text("repository", TextRule::optional(64));
    let author_name = reader.text("author_name", TextRule::optional(128));
    let author_email = reader.text("author_email", TextRule::optional(75));
    let message = reader.text("message", TextRule::optional(usize::MAX));
    let timestamp = reader.date("timestamp");
    let touched = reader.value("patch_set").is_some();
    let files = touched.then(|| reader.items("patch_set", file)).flatten().unwrap_or_default();
    Some(NewCommit {
        key: reader.text("id", TextRule::required(KEY))?,
        repository: repository.filter(|name| !name.is_empty()),
        message,
        author_name,
        author_email,
        timestamp,
        files,
    })
}

fn file(reader: &mut BodyReader<'_>) -> Option<(String, String)> {
    let path = reader.text("path", TextRule::required(510));
    let kind = reader.text("type", TextRule::required(1))?;
    if !matches!(kind.as_str(), "A" | "M" | "D") {
        reader.error("type", format!("Commit patch_set type {kind} is not supported."));
    }
    Some((path?, kind))
}

fn r#ref(reader: &mut BodyReader<'_>) -> Option<NewRef> {
    // Longer than a hash: `previous..head` comes in this field too.
    let commit = reader.text("commit", TextRule::required(usize::MAX));
    let repository = reader.text("repository", TextRule::required(200));
    let previous = reader.text("previousCommit", TextRule::optional(KEY));
    let range = commit.as_deref().and_then(|commit| commit.split_once(".."));
    let (previous, commit) = match range {
        Some((previous, head)) => (Some(previous.to_owned()), Some(head.to_owned())),
        None => (previous.filter(|previous| !previous.is_empty()), commit),
    };
    let is_long = |key: &Option<String>| key.as_ref().is_some_and(|key| key.chars().count() > KEY);
    if is_long(&commit) || is_long(&previous) {
        reader.error("commit", format!("Commit too long - max is {KEY} chars"));
    }
    Some(NewRef { repository: repository?, commit: commit?, previous })
}

/// A ref in the older spelling.
fn head(reader: &mut BodyReader<'_>) -> Option<NewRef> {
    let commit = reader.text("currentId", TextRule::required(KEY));
    let repository = reader.text("repository", TextRule::required(200));
    let previous = reader.text("previousId", TextRule::optional(KEY));
    Some(NewRef {
        repository: repository?,
        commit: commit?,
        previous: previous.filter(|previous| !previous.is_empty()),
    })
}

pub(crate) fn is_status(word: &str) -> bool {
    matches!(word, "open" | "archived")
}

/// What both POST and PUT change.
pub(crate) fn change(reader: &mut BodyReader<'_>) -> ReleaseChange {
    let word = TextRule::required(usize::MAX);
    let status = if reader.has("status") { reader.text("status", word) } else { None };
    if let Some(status) = status.as_ref().filter(|status| !is_status(status)) {
        reader.error("status", format!("Invalid status {status}"));
    }
    ReleaseChange {
        r#ref: reader.text("ref", TextRule::optional(200)).filter(|text| !text.is_empty()),
        url: reader.url("url").filter(|text| !text.is_empty()),
        date_released: reader.date("dateReleased"),
        status,
    }
}
