//! Which commits of a checkout are read, and with which files; git itself says what is right.

use crate::support::engine::block_on;
use crate::support::git_repository::{
    GitRepository, RepositoryFolder, START, git_at, random_history, read,
};
use finishline::git::{CommitHistory, CommitRange, HistoryWarning};
use finishline::release::{ChangeKind, Commit, FileChange};
use std::collections::BTreeSet;

fn change(kind: ChangeKind, path: &str) -> FileChange {
    FileChange { path: path.to_owned(), kind }
}

/// The changes as git's `--name-status` writes them.
fn lines(commit: &Commit) -> Vec<String> {
    let line = |change: &FileChange| format!("{}\t{}", change.kind.letter(), change.path);
    commit.changes.iter().map(line).collect()
}

#[test]
fn a_range_holds_what_leads_to_its_head_and_not_to_the_previous_commit() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let [a, _, c] = repository.three_commits();
    assert_eq!(repository.messages(Some(&a), &c), ["c", "b"]);
    assert_eq!(repository.messages(None, &c), ["c", "b", "a"]);
    assert_eq!(repository.messages(Some(&c), &c), [""; 0]);
}

#[test]
fn a_long_history_is_told_as_git_tells_it_and_lets_signals_be_heard_meanwhile() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    random_history(&repository, 1_200, 0);
    let (head, checkout) = (repository.sha("main"), repository.checkout());
    let first = repository.git(&["rev-list", "--max-parents=0", "main"]);
    let first = first.lines().next().unwrap();
    let range = CommitRange { head: &head, previous: Some(first), most: 0, paths: &[] };
    let mut reading = std::pin::pin!(checkout.history(&range));
    let mut turns = 0;
    let history = block_on(std::future::poll_fn(|context| {
        let polled = reading.as_mut().poll(context);
        turns += usize::from(polled.is_pending());
        polled
    }));
    let sorted = |mut commits: Vec<(String, Vec<String>)>| {
        commits.sort();
        commits
    };
    let all = oracle(&repository, &[&format!("{first}..main")]);
    assert!(all.len() > 1_000 && turns > 0, "nobody else had a turn");
    assert!(sorted(shas_and_files(&history.unwrap())) == sorted(all));
}

#[test]
fn a_commit_is_told_whole() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let sha = repository.commit(3, "One line\n\nAnd a body.", &[("a/b", "1"), ("a.b", "2")]);
    let known = Commit {
        id: sha.clone(),
        message: Some("One line\n\nAnd a body.".to_owned()),
        author_name: Some("Ada".to_owned()),
        author_email: Some("ada@acme.example".to_owned()),
        time: Some((i64::try_from(START).unwrap() + 180) * 1000),
        changes: vec![change(ChangeKind::Added, "a.b"), change(ChangeKind::Added, "a/b")],
    };
    assert_eq!(repository.history(None, &sha).commits, [known]);
}

/// What `git log` says of a range: each commit's sha and its files.
fn oracle(repository: &GitRepository, arguments: &[&str]) -> Vec<(String, Vec<String>)> {
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

fn shas_and_files(history: &CommitHistory) -> Vec<(String, Vec<String>)> {
    let told = |commit: &Commit| (commit.id.clone(), lines(commit));
    history.commits.iter().map(told).collect()
}

#[test]
fn a_history_with_merges_is_the_one_that_git_tells() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    random_history(&repository, 400, 0);
    let all = oracle(&repository, &["main"]);
    assert!(all.len() > 300, "{}", all.len());
    let head = repository.sha("main");
    let everything = CommitRange { head: &head, previous: None, most: usize::MAX, paths: &[] };
    assert!(shas_and_files(&read(&repository.checkout(), &everything).unwrap()) == all);
    for (previous, _) in all.iter().step_by(37) {
        for (head, _) in all.iter().step_by(53) {
            let expected = oracle(&repository, &[&format!("{previous}..{head}")]);
            let found = repository.history(Some(previous), head);
            assert!(shas_and_files(&found) == expected, "{previous}..{head}");
        }
    }
}

#[test]
fn clocks_that_run_late_lose_no_commit() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    random_history(&repository, 300, 30);
    let shas = |told: Vec<(String, Vec<String>)>| {
        told.into_iter().map(|(sha, _)| sha).collect::<BTreeSet<_>>()
    };
    let all = oracle(&repository, &["main"]);
    for (previous, _) in all.iter().step_by(17) {
        let expected = shas(oracle(&repository, &[&format!("{previous}..main")]));
        let found = repository.history(Some(previous), &all[0].0);
        let found = shas(shas_and_files(&found));
        assert!(found == expected, "{previous}: {:?}", found.symmetric_difference(&expected));
    }
}

#[test]
fn only_commits_that_touch_a_path_are_taken_and_no_merges() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    random_history(&repository, 300, 0);
    let head = repository.sha("main");
    for paths in [&["services/api"][..], &["a"], &["a/", "b"], &["services/*/m"], &["**/m"]] {
        let owned: Vec<_> = paths.iter().map(|path| (*path).to_owned()).collect();
        let range = CommitRange { head: &head, previous: None, most: usize::MAX, paths: &owned };
        let found = read(&repository.checkout(), &range).unwrap();
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

#[test]
fn a_merge_is_told_without_files_and_a_rename_as_a_deletion_and_an_addition() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let [a, b, c] = repository.three_commits();
    repository.git(&["checkout", "--quiet", "-b", "side", &a]);
    repository.git(&["mv", "a", "z"]);
    let side = repository.commit(4, "side", &[]);
    repository.git(&["checkout", "--quiet", "main"]);
    git_at(&repository.at, &["merge", "--quiet", "-m", "merge", "side"], START + 300, &[]);
    let merge = repository.sha("HEAD");
    let found = shas_and_files(&repository.history(Some(&a), &merge));
    let expected = [
        (merge, vec![]),
        (side, vec!["D\ta".to_owned(), "A\tz".to_owned()]),
        (c, vec!["A\tc".to_owned()]),
        (b, vec!["A\tb".to_owned()]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn odd_bytes_are_replaced_and_never_sink_a_commit() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let stream = b"commit refs/heads/main
author Ad\xe9 <a\xff@acme.example> 1700000000 +0000
committer C <c@acme.example> 1700000000 +0000
data 6
caf\xe9 \0
M 100644 inline \"d\\351j\\303\\240/\\n\"
data 0
";
    git_at(&repository.at, &["fast-import", "--quiet"], START, stream);
    let history = repository.history(None, &repository.sha("main"));
    let commit = &history.commits[0];
    assert_eq!(commit.author_name.as_deref(), Some("Ad\u{fffd}"));
    assert_eq!(commit.author_email.as_deref(), Some("a\u{fffd}@acme.example"));
    assert_eq!(commit.message.as_deref(), Some("caf\u{fffd} \0"));
    assert_eq!(commit.changes, [change(ChangeKind::Added, "d\u{fffd}jà/\n")]);
}

#[test]
fn malformed_people_and_times_stay_empty_and_keep_their_place() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let [_, b, _] = repository.three_commits();
    let (tree, mut parent) = (repository.sha("HEAD^{tree}"), repository.sha("HEAD"));
    let (good, of_time) = ("Ada <ada@acme.example> 1700001000 +0000", "Ada <ada@acme.example>");
    let malformed = ["", "Ada", "<", "Ada <> x", "\u{1}Ada <a@b.c> 1 +0000", of_time];
    for text in malformed {
        for (author, committer) in [(text, good), (good, text)] {
            let object = format!(
                "tree {tree}\nparent {parent}\nauthor {author}\ncommitter {committer}\n\nodd\n"
            );
            let write = ["hash-object", "-t", "commit", "-w", "--stdin", "--literally"];
            parent = git_at(&repository.at, &write, START, object.as_bytes());
        }
    }
    let history = repository.history(Some(&b), &parent);
    assert_eq!(history.warnings, []);
    assert_eq!(history.commits.len(), 2 * malformed.len() + 1);
    let last = history.commits.last().unwrap();
    let last = (last.message.as_deref(), last.author_name.as_deref());
    assert_eq!(last, (Some("c"), Some("Ada")));
    let is_odd = |commit: &&Commit| commit.message.as_deref() == Some("odd");
    assert!(history.commits.iter().filter(is_odd).all(|commit| commit.changes.is_empty()));
    assert!(history.commits.iter().any(|commit| commit.time.is_none()));
}

#[test]
fn a_submodule_and_a_link_are_files_and_a_folder_never_is() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let stream = "commit refs/heads/main
committer C <c@acme.example> 1700000000 +0000
data 1
m
M 160000 1234567890123456789012345678901234567890 vendor/sub
M 120000 inline link
data 1
x
M 100644 inline a/b/c
data 0
";
    git_at(&repository.at, &["fast-import", "--quiet"], START, stream.as_bytes());
    let head = repository.sha("main");
    let found = shas_and_files(&repository.history(None, &head));
    let files = ["A\ta/b/c", "A\tlink", "A\tvendor/sub"].map(str::to_owned);
    assert_eq!(found, [(head, files.to_vec())]);
}

#[test]
fn a_commit_of_billions_of_files_is_left_without_them() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let mktree = |lines: &str| git_at(&repository.at, &["mktree"], START, lines.as_bytes());
    let blob = git_at(&repository.at, &["hash-object", "-w", "--stdin"], START, b"");
    let names = |kind: &str, id: &str| -> String {
        ('0'..='9').map(|name| format!("{kind} {id}\t{name}\n")).collect()
    };
    let bomb = (0..9)
        .fold(mktree(&names("100644 blob", &blob)), |tree, _| mktree(&names("040000 tree", &tree)));
    let bomb = git_at(&repository.at, &["commit-tree", &bomb, "-m", "bomb"], START, b"");
    let history = repository.history(None, &bomb);
    assert_eq!(history.commits[0].changes, []);
    assert_eq!(history.warnings, [HistoryWarning::TooManyFiles { commits: 1 }]);
    let paths = ["9/9/9".to_owned()];
    let range = CommitRange { head: &bomb, previous: None, most: 9, paths: &paths };
    let history = read(&repository.checkout(), &range).unwrap();
    assert_eq!(history.warnings, [HistoryWarning::TooManyFiles { commits: 1 }]);
}
