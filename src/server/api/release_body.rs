//! The body of a request for a release: its commits, its refs, and what else it changes.

use crate::inputs::release::Ref;
use crate::release::{ChangeKind, Commit, FileChange, ReleaseUpdate};
use crate::server::http::body::{BodyReader, MAX_LOOKED_UP, MAX_WRITTEN, TextRule};
use std::collections::HashSet;

/// The longest hash.
const KEY: usize = 64;

/// The body of a POST or PUT, beside version and projects.
pub(crate) struct ReleaseBody {
    /// Everything but its commits.
    pub(crate) update: ReleaseUpdate,
    /// `open` or `archived`.
    pub(crate) status: Option<String>,
    /// Commits, newest first, each with the name of its repository.
    pub(crate) commits: Vec<(Option<String>, Commit)>,
}

impl ReleaseBody {
    /// Reads it; what is wrong stays with the reader.
    pub(crate) fn read(reader: &mut BodyReader<'_>) -> Self {
        let status = status(reader);
        let mut update = ReleaseUpdate {
            r#ref: reader.text("ref", TextRule::optional(200)).filter(|text| !text.is_empty()),
            url: reader.url("url").filter(|text| !text.is_empty()),
            date_released: reader.date("dateReleased"),
            ..ReleaseUpdate::default()
        };
        let mut commits = reader.items("commits", MAX_WRITTEN, commit).unwrap_or_default();
        // Sentry sorts these by time and fails on a mixture; the field is named instead.
        let timed = commits.iter().filter(|(_, commit)| commit.time.is_some()).count();
        if timed != 0 && timed != commits.len() {
            reader.error("commits", "Either all commits have a timestamp, or none has.");
        }
        let repositories: HashSet<_> = commits.iter().map(|(name, _)| name).collect();
        if repositories.len() > MAX_LOOKED_UP {
            let why = format!("Ensure this field has no more than {MAX_LOOKED_UP} repositories.");
            reader.error("commits", why);
        }
        // Newest first, as Sentry keeps them; commits without a time stay as they were sent.
        commits.sort_by_key(|(_, commit)| std::cmp::Reverse(commit.time));
        let heads = reader.items("headCommits", MAX_LOOKED_UP, head).unwrap_or_default();
        let refs = reader.items("refs", MAX_LOOKED_UP, r#ref).unwrap_or_default();
        update.refs = if refs.is_empty() { heads } else { refs };
        Self { update, status, commits }
    }
}

/// The slugs of a release's projects; a release without one cannot be.
pub(crate) fn projects(reader: &mut BodyReader<'_>) -> Option<Vec<String>> {
    let error = match (reader.has("projects"), reader.value("projects")) {
        (false, _) => "This field is required.",
        (true, None) => "This field may not be null.",
        (true, Some(_)) => match reader.texts("projects") {
            Some(slugs) if slugs.is_empty() => "This list may not be empty.",
            slugs => return slugs,
        },
    };
    reader.error("projects", error);
    None
}

fn commit(reader: &mut BodyReader<'_>) -> Option<(Option<String>, Commit)> {
    let repository = reader.text("repository", TextRule::optional(64));
    let author_name = reader.text("author_name", TextRule::optional(128));
    let author_email = reader.text("author_email", TextRule::optional(75));
    let message = reader.text("message", TextRule::optional(usize::MAX));
    let time = reader.date("timestamp");
    let has_changes = reader.value("patch_set").is_some();
    let changes =
        has_changes.then(|| reader.items("patch_set", MAX_WRITTEN, file_change)).flatten();
    let (id, changes) = (reader.text("id", TextRule::required(KEY))?, changes.unwrap_or_default());
    let commit = Commit { id, message, author_name, author_email, time, changes };
    Some((repository.filter(|name| !name.is_empty()), commit))
}

fn file_change(reader: &mut BodyReader<'_>) -> Option<FileChange> {
    let path = reader.text("path", TextRule::required(510));
    let letter = reader.text("type", TextRule::required(1))?;
    let kind = ChangeKind::from_letter(&letter);
    if kind.is_none() {
        reader.error("type", format!("Commit patch_set type {letter} is not supported."));
    }
    Some(FileChange { path: path?, kind: kind? })
}

fn r#ref(reader: &mut BodyReader<'_>) -> Option<Ref> {
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
    Some(Ref { repository: repository?, commit: commit?, previous })
}

/// A ref in the older spelling.
fn head(reader: &mut BodyReader<'_>) -> Option<Ref> {
    let commit = reader.text("currentId", TextRule::required(KEY));
    let repository = reader.text("repository", TextRule::required(200));
    let previous = reader.text("previousId", TextRule::optional(KEY));
    let previous = previous.filter(|previous| !previous.is_empty());
    Some(Ref { repository: repository?, commit: commit?, previous })
}

pub(crate) fn is_status(word: &str) -> bool {
    matches!(word, "open" | "archived")
}

fn status(reader: &mut BodyReader<'_>) -> Option<String> {
    let word = TextRule::required(usize::MAX);
    let status = if reader.has("status") { reader.text("status", word) } else { None };
    if let Some(status) = status.as_ref().filter(|status| !is_status(status)) {
        reader.error("status", format!("Invalid status {status}"));
    }
    status
}
