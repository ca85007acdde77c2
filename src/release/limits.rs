//! What the server takes of a commit. A text that is too long is cut, what cannot be taken is left
//! out and said, and the release is never lost for it.
//!
//! The bounds are those of Sentry's `CommitSerializer` and `CommitPatchSetSerializer`.

use super::commit::{Commit, FileChange};
use crate::error::Warning;
use crate::text::quote;
use std::collections::HashSet;

/// The longest hash.
const HASH: usize = 64;
/// The longest name of an author.
const NAME: usize = 128;
/// The longest address of an author.
const ADDRESS: usize = 75;
/// The longest path.
const PATH: usize = 510;
/// The longest name of a repository that a commit may carry.
pub(super) const REPOSITORY: usize = 64;
/// The longest message, in bytes. Sentry names no bound, and shows the first lines.
const MESSAGE_BYTES: usize = 16 * 1024;
/// The shortest that a message is cut to, however many there are.
const MIN_MESSAGE_BYTES: usize = 512;
/// How much all messages and all paths of a request have: the proxy before a Sentry takes 100 MB.
const ALL_MESSAGES_BYTES: usize = 16 * 1024 * 1024;
const ALL_PATHS_BYTES: usize = 32 * 1024 * 1024;
/// The end of the year 9999, in milliseconds since 1970.
const MAX_TIME: i64 = 253_402_300_799_999;

/// Makes commits fit, newest first as they came; a warning for each kind of thing left out.
pub(super) fn apply_limits(commits: Vec<Commit>) -> (Vec<Commit>, Vec<Warning>) {
    let (mut left, mut seen) = (Truncation::default(), HashSet::new());
    let mut fitting: Vec<_> =
        commits.into_iter().filter_map(|commit| fit_one(commit, &mut left)).collect();
    fitting.retain(|commit| seen.insert(commit.id.clone()));
    cut_messages(&mut fitting, &mut left);
    leave_out_paths(&mut fitting, &mut left);
    repair_times(&mut fitting, &mut left);
    (fitting, left.warnings())
}

/// What was left out: how much of each kind, and the first of it.
#[derive(Default)]
struct Truncation {
    commits: Vec<String>,
    authors: Vec<String>,
    paths: Vec<String>,
    /// Commits whose message is cut.
    messages: Vec<String>,
    /// Commits without their files, which are too many in all.
    files: Vec<String>,
    /// Commits whose time is another's.
    times: Vec<String>,
    /// Commits whose time nobody gives.
    timeless: Vec<String>,
}

impl Truncation {
    fn warnings(&self) -> Vec<Warning> {
        let author = "skipped an invalid author email";
        let time = "sent the date of the commit before or after for an unreadable one of commit";
        let lists = [
            ("commit-left-out", &self.commits, "skipped a commit without a SHA"),
            ("author-left-out", &self.authors, author),
            ("path-left-out", &self.paths, "skipped a path of more than 510 characters"),
            ("message-cut", &self.messages, "cut the long message of commit"),
            (
                "files-left-out",
                &self.files,
                "skipped the files, too many for one request, of commit",
            ),
            ("time-repaired", &self.times, time),
            ("no-times", &self.timeless, "no commit has a readable date, so none is sent"),
        ];
        let warning = |(slug, list, message): (_, &Vec<String>, &str)| {
            let (first, others) = list.split_first()?;
            let more = match others.len() {
                0 => String::new(),
                count => format!(", and {count} more"),
            };
            Some(Warning::new(slug, format!("{message}: {first}{more}")))
        };
        lists.into_iter().filter_map(warning).collect()
    }
}

fn fit_one(commit: Commit, left: &mut Truncation) -> Option<Commit> {
    let is_hash = (1..=HASH).contains(&commit.id.len())
        && commit.id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash {
        left.commits.push(quote(&commit.id));
        return None;
    }
    let id = commit.id;
    let author_email = commit.author_email.filter(|address| {
        let fits = is_address(address);
        if !fits {
            left.authors.push(format!("{} of commit {}", quote(address), short_sha(&id)));
        }
        fits
    });
    let mut changes = Vec::with_capacity(commit.changes.len());
    for change in commit.changes {
        match without_nul(Some(change.path)).filter(|path| path.chars().count() <= PATH) {
            Some(path) => changes.push(FileChange { path, ..change }),
            None => left.paths.push(format!("in commit {}", short_sha(&id))),
        }
    }
    Some(Commit {
        author_name: without_nul(commit.author_name).map(|name| name.chars().take(NAME).collect()),
        author_email,
        message: without_nul(commit.message),
        time: commit.time.filter(|time| (0..=MAX_TIME).contains(time)),
        changes,
        id,
    })
}

/// Cuts what is long of the messages, all to one length, where all of them are too much.
fn cut_messages(commits: &mut [Commit], left: &mut Truncation) {
    let lengths = commits.iter().filter_map(|commit| Some(commit.message.as_ref()?.len()));
    let fair = ALL_MESSAGES_BYTES / commits.len().max(1);
    let longest = match lengths.sum::<usize>() > ALL_MESSAGES_BYTES {
        true => fair.clamp(MIN_MESSAGE_BYTES, MESSAGE_BYTES),
        false => MESSAGE_BYTES,
    };
    for commit in commits {
        let Some(message) = commit.message.as_mut().filter(|text| text.len() > longest) else {
            continue;
        };
        let mut ends = message.char_indices().map(|(end, _)| end);
        let end = ends.by_ref().take_while(|end| *end <= longest).last().unwrap_or(0);
        message.truncate(end);
        left.messages.push(short_sha(&commit.id).to_owned());
    }
}

/// Leaves out the files of the oldest commits, where all of them are too much.
fn leave_out_paths(newest_first: &mut [Commit], left: &mut Truncation) {
    let mut bytes = 0;
    for commit in newest_first {
        bytes += commit.changes.iter().map(|change| change.path.len()).sum::<usize>();
        if bytes > ALL_PATHS_BYTES && !commit.changes.is_empty() {
            commit.changes = Vec::new();
            left.files.push(short_sha(&commit.id).to_owned());
        }
    }
}

/// Gives a commit without a readable time that of the one before it, or else after it: a server sorts
/// by these times, and fails on a mixture of some and none.
fn repair_times(newest_first: &mut [Commit], left: &mut Truncation) {
    let timeless = newest_first.iter().filter(|commit| commit.time.is_none());
    left.times = timeless.map(|commit| short_sha(&commit.id).to_owned()).collect();
    let carry = |known: &mut Option<i64>, commit: &mut Commit| {
        commit.time = commit.time.or(*known);
        *known = commit.time;
    };
    if left.times.len() == newest_first.len() {
        std::mem::swap(&mut left.times, &mut left.timeless);
        return;
    }
    let (mut older, mut newer) = (None, None);
    newest_first.iter_mut().rev().for_each(|commit| carry(&mut older, commit));
    newest_first.iter_mut().for_each(|commit| carry(&mut newer, commit));
}

fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    text.chars().count() <= ADDRESS
        && !text.contains(|c: char| c.is_control() || c.is_whitespace())
        && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// A database keeps no NUL in a text; `None` when nothing is left.
fn without_nul(text: Option<String>) -> Option<String> {
    let mut text = text?;
    text.retain(|c| c != '\0');
    Some(text).filter(|text| !text.is_empty())
}

/// The first digits of a hash, as git shows it.
pub(super) fn short_sha(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::super::ChangeKind;
    use super::*;

    fn commit(id: &str) -> Commit {
        Commit { id: id.to_owned(), time: Some(1), ..Commit::default() }
    }

    fn slugs(warnings: &[Warning]) -> Vec<&str> {
        warnings.iter().map(|warning| warning.slug).collect()
    }

    #[test]
    fn a_bad_author_is_left_out_and_the_commit_stays() {
        for bad in ["no address", "a@", "@b", &format!("{}@x", "é".repeat(80)), "a@b\n"] {
            let (fitting, warnings) = apply_limits(vec![Commit {
                author_email: Some(bad.to_owned()),
                ..commit("aaaaaaa")
            }]);
            assert_eq!((fitting.len(), fitting[0].author_email.as_deref()), (1, None), "{bad}");
            assert_eq!(slugs(&warnings), ["author-left-out"]);
        }
        let (fitting, warnings) = apply_limits(vec![Commit {
            author_email: Some("ada@example.com".to_owned()),
            ..commit("aaaaaaa")
        }]);
        assert_eq!(fitting[0].author_email.as_deref(), Some("ada@example.com"));
        assert!(warnings.is_empty());
    }

    #[test]
    fn a_path_over_the_bound_is_left_out_and_one_below_it_stays() {
        let change =
            |length: usize| FileChange { path: "é".repeat(length), kind: ChangeKind::Added };
        let changes = vec![change(300), change(510), change(511)];
        let (fitting, warnings) = apply_limits(vec![Commit { changes, ..commit("aaaaaaa") }]);
        assert_eq!(fitting[0].changes.len(), 2);
        assert_eq!(slugs(&warnings), ["path-left-out"]);
    }

    #[test]
    fn a_time_that_is_missing_is_that_of_the_commit_before_or_else_after() {
        let at = |times: &[Option<i64>]| {
            let commits = times.iter().enumerate();
            let commits = commits
                .map(|(index, time)| Commit { time: *time, ..commit(&format!("aaaaaa{index}")) });
            let (fitting, warnings) = apply_limits(commits.collect());
            let times: Vec<_> = fitting.iter().map(|commit| commit.time).collect();
            (times, slugs(&warnings).join(" "))
        };
        let repaired = |times: &[i64]| {
            (times.iter().copied().map(Some).collect::<Vec<_>>(), "time-repaired".to_owned())
        };
        assert_eq!(at(&[Some(9), None, Some(5)]), repaired(&[9, 5, 5]));
        assert_eq!(at(&[None, None, Some(5), None]), repaired(&[5, 5, 5, 5]));
        assert_eq!(at(&[Some(-1), Some(i64::MAX), Some(7)]), repaired(&[7, 7, 7]));
        assert_eq!(at(&[Some(9), Some(9)]), (vec![Some(9), Some(9)], String::new()));
        assert_eq!(at(&[None, None]), (vec![None, None], "no-times".to_owned()));
    }

    #[test]
    fn no_nul_is_sent_and_no_commit_twice() {
        let odd = Commit { message: Some("a\0b".repeat(7_000)), ..commit("aaaaaaa") };
        let (fitting, _) = apply_limits(vec![odd, commit("aaaaaaa"), commit("not a hash")]);
        assert_eq!(fitting.len(), 1);
        assert_eq!(fitting[0].message.as_ref().unwrap().len(), 14_000);
    }

    #[test]
    fn messages_and_paths_fit_into_one_request() {
        let commits = |count: usize, length: usize, paths: usize| {
            let path = |at| FileChange { path: format!("{at:0>500}"), kind: ChangeKind::Added };
            let one = |at: usize| Commit {
                message: Some("é".repeat(length / 2)),
                changes: (0..paths).map(path).collect(),
                ..commit(&format!("{at:0>40x}"))
            };
            let (fitting, warnings) = apply_limits((0..count).map(one).collect());
            let messages: usize =
                fitting.iter().filter_map(|one| Some(one.message.as_ref()?.len())).sum();
            let paths: usize = fitting.iter().map(|one| one.changes.len() * 500).sum();
            assert!(messages <= ALL_MESSAGES_BYTES && paths <= ALL_PATHS_BYTES);
            assert_eq!(fitting.len(), count);
            (fitting[0].message.as_ref().unwrap().len(), slugs(&warnings).join(" "))
        };
        assert_eq!(commits(1, 16_384, 0), (16_384, String::new()));
        assert_eq!(commits(1, 16_386, 0), (16_384, "message-cut".to_owned()));
        assert_eq!(commits(4_096, 8_192, 0), (4_096, "message-cut".to_owned()));
        assert_eq!(commits(100, 2, 1_000), (2, "files-left-out".to_owned()));
    }
}
