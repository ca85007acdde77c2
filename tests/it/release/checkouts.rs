//! Releases from checkouts that are not the usual ones, and from folders that are none.

use super::commits::{as_json, checkout, gitlab_job, head, messages, on_file, warnings};
use crate::support::git_repository::git;
use crate::support::proxy::ServeProxy;
use crate::support::run::ProgramRun;

#[test]
fn an_empty_repository_says_that_nothing_is_committed() {
    let run = checkout(0);
    let ended = as_json(&run).execute().expect(0);
    assert_eq!(warnings(&ended), ["no-commits"]);
    assert!(ended.stderr.contains("this branch has no commits yet"), "{}", ended.stderr);
}

#[test]
fn github_is_not_asked_for_a_repository_of_another_host() {
    let relay = ServeProxy::new();
    let run = gitlab_job(&relay).var("FINISHLINE_COMMITS", "github");
    let ended = run.execute().expect(0);
    assert_eq!(ended.output("warnings"), "no-commits");
    assert!(ended.stderr.contains("cannot tell the GitHub repository"), "{}", ended.stderr);
}

#[test]
fn a_shallow_clone_says_where_its_history_ends() {
    let origin = checkout(3);
    let run = clone(&origin, &["--depth", "1"]);
    let ended = as_json(&run).execute().expect(0);
    assert_eq!(warnings(&ended), ["shallow-clone"]);
    assert!(ended.stderr.contains("fetch-depth: 0"), "{}", ended.stderr);
    assert_eq!(messages(&run), ["commit 3"]);
    assert_eq!(run.rows("SELECT count(*) FROM commit_file"), ["0"]);
}

/// A laptop whose working folder is a clone.
fn clone(origin: &ProgramRun, how: &[&str]) -> ProgramRun {
    let run = ProgramRun::local();
    let url = format!("file://{}", origin.path("").display());
    git(&run.path(""), &[&["clone", "--quiet"], how, &[&url, "."]].concat());
    on_file(run)
}

#[test]
fn a_detached_head_and_a_linked_worktree_are_checkouts() {
    let run = checkout(2);
    git(&run.path(""), &["checkout", "--quiet", "--detach", "HEAD~1"]);
    run.execute().expect(0);
    assert_eq!(messages(&run), ["commit 1"]);
    let main = checkout(2);
    let linked = ProgramRun::local();
    let at = linked.path("");
    std::fs::remove_dir(&at).unwrap();
    git(&main.path(""), &["worktree", "add", "--quiet", "--detach", at.to_str().unwrap()]);
    let linked = on_file(linked);
    linked.execute().expect(0);
    assert_eq!(messages(&linked), ["commit 2", "commit 1"]);
}

/// git itself refuses such a checkout until somebody calls it safe.
#[cfg(unix)]
#[test]
fn a_checkout_that_git_refuses_for_its_owner_is_read() {
    let run = checkout(2);
    give_away(&run.path(""));
    let ended = as_json(&run).execute().expect(0);
    assert_eq!(ended.json()["release"]["commit_count"], 2);
    assert_eq!(run.rows("SELECT name FROM repository"), ["acme/web"]);
}

/// To another user, where this one may; the folder itself stays writable for the test.
#[cfg(unix)]
fn give_away(folder: &std::path::Path) {
    use std::path::{Path, PathBuf};
    fn all(folder: &Path) -> Vec<PathBuf> {
        let inside = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
        let below = |path: PathBuf| if path.is_dir() { all(&path) } else { vec![path] };
        inside.flat_map(below).chain([folder.to_owned()]).collect()
    }
    for path in all(folder) {
        // Who is not root may not, and then the checkout is one's own.
        drop(std::os::unix::fs::chown(path, Some(12_345), Some(12_345)));
    }
}

#[test]
fn a_folder_that_is_no_checkout_is_said_to_be_none() {
    let run = on_file(ProgramRun::local());
    let ended = as_json(&run).execute().expect(0);
    assert_eq!(warnings(&ended), ["no-commits"]);
    assert!(
        ended.stderr.contains("the working directory is not inside a git checkout"),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_version_is_the_commit_that_is_checked_out_when_nobody_names_it() {
    let run = checkout(1).without("FINISHLINE_RELEASE").var("FINISHLINE_DEPLOY", "false");
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT version FROM release"), [head(&run.path(""))]);
}
