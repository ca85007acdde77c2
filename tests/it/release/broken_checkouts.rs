//! Checkouts that cannot be read: each command says what is unreadable, and what to do.

use super::commits::{as_json, checkout, on_file, warnings};
use crate::support::git_repository::{RepositoryFolder, git};
use crate::support::run::ProgramRun;
use finishline::git::Checkout;
use std::fs;
use std::path::Path;

const ABSENT: &str = "1234567890123456789012345678901234567890";

/// A checkout with a damage, and the words that name it.
struct BrokenCheckout {
    run: ProgramRun,
    words: &'static [&'static str],
}

/// A checkout of two commits to which this was done.
fn damaged(words: &'static [&'static str], damage: impl Fn(&Path)) -> BrokenCheckout {
    let run = checkout(2);
    damage(&run.path(".git"));
    BrokenCheckout { run, words }
}

/// A folder that git made with these options, with a commit.
fn formatted(words: &'static [&'static str], option: &str) -> BrokenCheckout {
    let run = ProgramRun::local();
    let folder = run.path("");
    git(&folder, &["init", "--quiet", "--initial-branch=main", option, "."]);
    git(&folder, &["remote", "add", "origin", "git@github.com:acme/web.git"]);
    git(&folder, &["commit", "--quiet", "--allow-empty", "-m", "one"]);
    BrokenCheckout { run: on_file(run), words }
}

/// A folder whose `.git` is a file of this text, as worktrees and submodules have.
fn linked(words: &'static [&'static str], text: &str) -> BrokenCheckout {
    let run = ProgramRun::local();
    run.file(".git", text);
    BrokenCheckout { run: on_file(run), words }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

fn set(git_folder: &Path, name: &str, value: &str) {
    git(git_folder.parent().unwrap(), &["config", name, value]);
}

fn broken() -> Vec<BrokenCheckout> {
    vec![
        BrokenCheckout { run: checkout(0), words: &["this branch has no commits yet"] },
        formatted(&["reftable", "`commits: github`"], "--ref-format=reftable"),
        formatted(&["SHA-256", "`commits: none`"], "--object-format=sha256"),
        damaged(&["HEAD", "nonsense", "`commits: github`"], |git| {
            write(&git.join("HEAD"), "nonsense\n");
        }),
        damaged(&["HEAD", "`commits: github`"], |git| write(&git.join("HEAD"), "")),
        damaged(&["no `HEAD`", ".git"], |git| fs::remove_file(git.join("HEAD")).unwrap()),
        damaged(&["HEAD", ABSENT, "`git fsck`"], |git| write(&git.join("HEAD"), ABSENT)),
        damaged(&["HEAD", ABSENT, "`git fsck`"], |git| {
            write(&git.join("refs/heads/main"), ABSENT);
        }),
        damaged(&["refs/heads/main", "garbage"], |git| {
            write(&git.join("refs/heads/main"), "garbage\n");
        }),
        damaged(&["packed", "garbage"], |git_folder| {
            git(git_folder, &["pack-refs", "--all"]);
            write(&git_folder.join("packed-refs"), "garbage\n");
        }),
        damaged(&["HEAD", "is not a commit"], |git_folder| {
            let blob = git(git_folder, &["rev-parse", "HEAD:file1"]);
            write(&git_folder.join("HEAD"), &blob);
        }),
        damaged(&["configuration", "[core"], |git| write(&git.join("config"), "[core\nnonsense")),
        damaged(&["configuration", "version", "7"], |git| {
            set(git, "core.repositoryFormatVersion", "7");
        }),
        damaged(&["no folder `objects`", ".git"], |git| {
            fs::remove_dir_all(git.join("objects")).unwrap();
        }),
        damaged(&["no folder `refs`", ".git"], |git| {
            fs::remove_dir_all(git.join("refs")).unwrap();
        }),
        linked(
            &["/nowhere/else/.git/worktrees/x", "does not exist"],
            "gitdir: /nowhere/else/.git/worktrees/x\n",
        ),
        linked(&[".git", "`gitdir: `"], "whatever\n"),
    ]
}

fn assert_words(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word} is not in:\n{text}");
    }
}

#[test]
fn a_version_that_the_checkout_cannot_give_is_an_error_with_the_reason() {
    for BrokenCheckout { run, words } in broken() {
        let run = run.without("FINISHLINE_RELEASE").var("FINISHLINE_DEPLOY", "false");
        for command in ["run", "plan"] {
            let ended = run.clone().args(&[command]).execute().expect(2);
            assert_words(&ended.stderr, words);
            assert_words(&ended.stderr, &["set `release`"]);
            assert!(!ended.stderr.contains("run in a git checkout"), "{}", ended.stderr);
        }
    }
}

/// What was built is what is checked out, whatever the event says.
#[test]
fn a_host_that_tells_a_commit_does_not_hide_that_the_checkout_is_unreadable() {
    // Where nothing was ever checked out, the event is all there is.
    for BrokenCheckout { run, words } in broken().into_iter().skip(1) {
        let run = run
            .clone()
            .var("GITHUB_OUTPUT", run.file("out", ""))
            .without("FINISHLINE_RELEASE")
            .var("FINISHLINE_DEPLOY", "false");
        let run = run
            .var("FINISHLINE_BACKEND", "embedded")
            .var("GITHUB_ACTIONS", "true")
            .var("GITHUB_REPOSITORY", "acme/web")
            .var("GITHUB_EVENT_NAME", "push")
            .var("GITHUB_SHA", "a".repeat(40));
        for commits in ["auto", "none"] {
            let ended = run.clone().var("FINISHLINE_COMMITS", commits).execute().expect(2);
            assert_words(&ended.stderr, words);
        }
    }
}

#[test]
fn commits_that_the_checkout_cannot_give_are_a_warning_with_the_reason() {
    for BrokenCheckout { run, words } in broken() {
        for command in ["plan", "run"] {
            let ended = as_json(&run).args(&[command]).execute().expect(0);
            assert_eq!(warnings(&ended), ["no-commits"], "{command} {words:?}");
            assert_words(&ended.stderr, words);
        }
    }
}

#[test]
fn check_names_what_is_unreadable() {
    for BrokenCheckout { run, words } in broken() {
        let ended = run.clone().args(&["check"]).execute().expect(2);
        assert_words(&ended.everything(), words);
        let unneeded = run.var("FINISHLINE_COMMITS", "none").args(&["check"]);
        unneeded.execute().expect(0);
    }
    checkout(1).args(&["check"]).execute().expect(0);
}

#[test]
fn without_a_readable_head_github_is_asked_for_nothing_and_the_reason_is_said() {
    let BrokenCheckout { run, .. } = formatted(&[], "--ref-format=reftable");
    let ended = as_json(&run).var("FINISHLINE_COMMITS", "github").execute().expect(0);
    assert_eq!(warnings(&ended), ["no-commits"]);
    assert_words(&ended.stderr, &["reftable"]);
    assert!(!ended.stderr.contains("run in a git checkout"), "{}", ended.stderr);
}

/// Git does not go on to the repository around it either: its commit is another's.
#[test]
fn a_submodule_whose_link_is_broken_is_not_its_superproject() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    repository.commit(0, "one", &[("vendor/lib/a", "a")]);
    write(&repository.at.join("vendor/lib/.git"), "gitdir: ../../.git/modules/lib\n");
    let error = Checkout::find(&repository.at.join("vendor/lib")).err().unwrap();
    assert_words(&error.to_string(), &[".git/modules/lib", "does not exist"]);
}
