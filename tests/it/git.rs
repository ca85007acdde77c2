//! Which commits of a checkout are read, and with which files; git itself says what is right.

use crate::repository::{Folder, Repository, START, random_history};
use finishline::git::{History, Range};
use finishline::release::{Change, ChangeKind, Commit};
use std::collections::BTreeSet;

fn change(kind: ChangeKind, path: &str) -> Change {
    Change { path: path.to_owned(), kind }
}

/// The changes as git's `--name-status` writes them.
fn lines(commit: &Commit) -> Vec<String> {
    let line = |change: &Change| format!("{}\t{}", change.kind.letter(), change.path);
    commit.changes.iter().map(line).collect()
}

#[test]
fn a_range_holds_what_leads_to_its_head_and_not_to_the_previous_commit() {
    let folder = Folder::new();
    let repository = folder.repository("r");
    let [a, _, c] = repository.three();
    assert_eq!(repository.messages(Some(&a), &c), ["c", "b"]);
    assert_eq!(repository.messages(None, &c), ["c", "b", "a"]);
    assert_eq!(repository.messages(Some(&c), &c), [""; 0]);
}

#[test]
fn a_commit_is_told_whole() {
    let folder = Folder::new();
    let repository = folder.repository("r");
    let sha = repository.commit(3, "One line\n\nAnd a body.", &[("a/b", "1"), ("a.b", "2")]);
    let known = Commit {
        id: sha.clone(),
        message: "One line\n\nAnd a body.".to_owned(),
        author_name: "Ada".to_owned(),
        author_email: "ada@acme.example".to_owned(),
        time: Some(i64::try_from(START).unwrap() + 180),
        changes: vec![change(ChangeKind::Added, "a.b"), change(ChangeKind::Added, "a/b")],
    };
    assert_eq!(repository.history(None, &sha).commits, [known]);
}

/// What `git log` says of a range: each commit's sha and its files.
fn oracle(repository: &Repository, arguments: &[&str]) -> Vec<(String, Vec<String>)> {
    let format = ["log", "--format=commit %H", "--name-status", "--no-renames"];
    let text = repository.git(&[&format, arguments].concat());
    let mut commits = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("commit ") {
            Some(sha) => commits.push((sha.to_owned(), Vec::new())),
            // A change of type is a change to us.
            None => commits.last_mut().unwrap().1.push(line.replace("T\t", "M\t")),
        }
    }
    commits
}

fn told(history: &History) -> Vec<(String, Vec<String>)> {
    let told = |commit: &Commit| (commit.id.clone(), lines(commit));
    history.commits.iter().map(told).collect()
}

#[test]
fn a_history_with_merges_is_the_one_that_git_tells() {
    let folder = Folder::new();
    let repository = folder.repository("r");
    random_history(&repository, 400, 0);
    let all = oracle(&repository, &["main"]);
    assert!(all.len() > 300, "{}", all.len());
    let head = repository.sha("main");
    let everything = Range { head: &head, previous: None, most: usize::MAX, paths: &[] };
    assert!(told(&repository.checkout().history(&everything).unwrap()) == all);
    for (previous, _) in all.iter().step_by(37) {
        for (head, _) in all.iter().step_by(53) {
            let expected = oracle(&repository, &[&format!("{previous}..{head}")]);
            let found = repository.history(Some(previous), head);
            assert!(told(&found) == expected, "{previous}..{head}");
        }
    }
}

#[test]
fn clocks_that_run_late_lose_no_commit() {
    let folder = Folder::new();
    let repository = folder.repository("r");
    random_history(&repository, 300, 30);
    let shas = |told: Vec<(String, Vec<String>)>| {
        told.into_iter().map(|(sha, _)| sha).collect::<BTreeSet<_>>()
    };
    let all = oracle(&repository, &["main"]);
    for (previous, _) in all.iter().step_by(17) {
        let expected = shas(oracle(&repository, &[&format!("{previous}..main")]));
        let found = repository.history(Some(previous), &all[0].0);
        let found = shas(told(&found));
        assert!(found == expected, "{previous}: {:?}", found.symmetric_difference(&expected));
    }
}

#[test]
fn only_commits_that_touch_a_path_are_taken_and_no_merges() {
    let folder = Folder::new();
    let repository = folder.repository("r");
    random_history(&repository, 300, 0);
    let head = repository.sha("main");
    for paths in [&["services/api"][..], &["a"], &["a/", "b"], &["services/*/m"], &["**/m"]] {
        let owned: Vec<_> = paths.iter().map(|path| (*path).to_owned()).collect();
        let range = Range { head: &head, previous: None, most: usize::MAX, paths: &owned };
        let found = repository.checkout().history(&range).unwrap();
        let glob = |path: &&str| format!(":(glob){}", path.trim_end_matches('/'));
        let globs: Vec<_> = paths.iter().map(glob).collect();
        let asked = ["main", "--full-history", "--no-merges", "--"];
        let asked: Vec<_> = asked.into_iter().chain(globs.iter().map(String::as_str)).collect();
        let expected: Vec<_> = oracle(&repository, &asked).into_iter().map(|told| told.0).collect();
        assert!(!expected.is_empty());
        let found: Vec<_> = found.commits.into_iter().map(|commit| commit.id).collect();
        assert!(found == expected, "{paths:?}: {} of {}", found.len(), expected.len());
    }
}
