//! `previous-commit` by all of its names, and the zeros that hosts write for none.

use super::commits::{checkout, messages};
use super::requests::{add_repository, released};
use crate::support::git_repository::git;
use crate::support::proxy::ServeProxy;
use crate::support::run::ProgramRun;
use serde_json::json;

fn first(run: &ProgramRun) -> String {
    git(&run.path(""), &["rev-parse", "HEAD~2"])
}

#[test]
fn every_name_of_it_begins_the_range() {
    let run = checkout(3);
    run.clone().var("FINISHLINE_PREVIOUS_COMMIT", first(&run)).execute().expect(0);
    assert_eq!(messages(&run), ["commit 3", "commit 2"]);
    for flag in ["--previous-commit", "--previous_commit"] {
        let run = checkout(3);
        run.clone().args(&["run", flag, &first(&run)]).execute().expect(0);
        assert_eq!(messages(&run), ["commit 3", "commit 2"], "{flag}");
    }
}

/// The run with a manifest of one release that has these lines.
fn with_manifest(run: &ProgramRun, lines: &str) -> ProgramRun {
    let entry = "  - projects: web\n    release: v1\n";
    run.file("m.yml", format!("version: 1\nreleases:\n{entry}{lines}"));
    run.clone()
        .without("FINISHLINE_RELEASE")
        .without("FINISHLINE_PROJECTS")
        .var("FINISHLINE_MANIFEST", "m.yml")
}

#[test]
fn every_name_of_it_is_a_key_of_a_manifest_and_two_of_them_are_a_mistake() {
    for key in ["previous-commit", "previous_commit"] {
        let run = checkout(3);
        let line = format!("    {key}: '{}'\n", first(&run));
        with_manifest(&run, &line).execute().expect(0);
        assert_eq!(messages(&run), ["commit 3", "commit 2"], "{key}");
    }
    let both = "    previous_commit: lookup\n    previous-commit: aaaaaaa\n";
    let ended = with_manifest(&checkout(1), both).execute().expect(2);
    let words = "`previous-commit` and `previous_commit` are the same key";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    let bad = with_manifest(&checkout(1), "    previous_commit: v7\n").execute().expect(2);
    assert!(bad.stderr.contains("`previous-commit`"), "{}", bad.stderr);
}

#[test]
fn zeros_in_a_range_of_commits_are_none_too() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    for zeros in ["0".repeat(40), "0".repeat(64)] {
        let run = released(&relay).var("FINISHLINE_COMMITS", format!("acme/web@{zeros}..aaaaaaa"));
        run.execute().expect(0);
        let asked = relay.peer.requests();
        let sent = asked.iter().rfind(|one| one.line() == "POST releases/").unwrap().json();
        let expected = json!([{ "repository": "acme/web", "commit": "aaaaaaa" }]);
        assert_eq!(sent["refs"], expected);
    }
    let head = format!("acme/web@{}", "0".repeat(40));
    let ended = released(&relay).var("FINISHLINE_COMMITS", head).execute().expect(2);
    assert_eq!(ended.output("error-code"), "usage");
}
