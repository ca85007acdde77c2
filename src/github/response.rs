//! What is read of GitHub's answers; what else they hold may change as GitHub likes.

use crate::release::{Commit, MAX_TEXT_BYTES};
use crate::text::date;
use serde::{Deserialize, Deserializer};

/// A page of a comparison.
#[derive(Deserialize)]
pub(super) struct ComparePage {
    /// How many commits the whole comparison has.
    pub(super) total_commits: usize,
    /// Those of this page, oldest first.
    pub(super) commits: Vec<CommitItem>,
}

/// A commit of a list.
#[derive(Deserialize)]
pub(super) struct CommitItem {
    #[serde(deserialize_with = "sha")]
    sha: String,
    commit: CommitDetails,
}

#[derive(Deserialize)]
struct CommitDetails {
    message: Option<String>,
    author: Option<GitSignature>,
    committer: Option<GitSignature>,
}

#[derive(Default, Deserialize)]
struct GitSignature {
    name: Option<String>,
    email: Option<String>,
    date: Option<String>,
}

fn sha<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match super::is_sha(&text) {
        true => Ok(text),
        false => Err(serde::de::Error::custom("a commit's SHA is invalid")),
    }
}

impl From<CommitItem> for Commit {
    fn from(listed: CommitItem) -> Self {
        let CommitItem { sha, commit: CommitDetails { message, author, committer } } = listed;
        let author = author.unwrap_or_default();
        let is_text = |text: &String| !text.is_empty();
        Self {
            id: sha,
            message: message.filter(is_text).map(cut),
            author_name: author.name.filter(is_text).map(cut),
            author_email: author.email.filter(is_text).map(cut),
            time: committer.and_then(|person| Some(seconds(&person.date?)?.saturating_mul(1000))),
            changes: Vec::new(),
        }
    }
}

/// As much of a text as is kept.
fn cut(mut text: String) -> String {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.shrink_to_fit();
    text
}

/// A time as GitHub writes it, in seconds since 1970.
fn seconds(text: &str) -> Option<i64> {
    date::parse(text).map(|ms| ms / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const SHA: &str = "6dcb09b5b57875f334f61aebed695e2e4193db5e";

    fn read(commit: &Value) -> serde_json::Result<Commit> {
        serde_json::from_value(json!({"sha": SHA, "commit": commit}))
            .map(|read: CommitItem| read.into())
    }

    #[test]
    fn a_commit_is_read_with_what_is_known_of_it() {
        let person = json!({"name": "Ada", "email": "a@b.c", "date": "2011-04-14T16:00:49Z"});
        let commit = json!({"message": "m", "author": person, "committer": person});
        let known = Commit {
            id: SHA.to_owned(),
            message: Some("m".to_owned()),
            author_name: Some("Ada".to_owned()),
            author_email: Some("a@b.c".to_owned()),
            time: Some(1_302_796_849_000),
            changes: Vec::new(),
        };
        assert_eq!(read(&commit).unwrap(), known);
        let empty = Commit { id: SHA.to_owned(), ..Commit::default() };
        assert_eq!(read(&json!({"author": null, "committer": {}})).unwrap(), empty);
    }

    #[test]
    fn a_time_is_read_as_github_writes_it() {
        assert_eq!(seconds("1970-01-01T00:00:01Z"), Some(1));
        assert_eq!(seconds("1970-01-01T02:00:01+02:00"), Some(1));
        for bad in ["", "yesterday", "1970-13-01T00:00:00Z"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_commit_without_a_sha_is_none() {
        let read: serde_json::Result<CommitItem> =
            serde_json::from_value(json!({"sha": "<b>", "commit": {}}));
        assert!(read.is_err());
    }
}
