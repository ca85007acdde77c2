//! Two repositories that release one version: the commits of the first are not lost in silence.

use super::commits::{as_json, checkout, commit, gitlab_job, head, warnings};
use super::requests::{add_repository, released};
use crate::support::git_repository::git;
use crate::support::proxy::{PROXY_TOKEN, ServeProxy};
use crate::support::run::{ProgramRun, RunResult};

const SLUG: &str = "other-repository";

/// A checkout of this repository whose commits are sent to the peer in full.
fn uploaded(relay: &ServeProxy, repository: &str, commits: usize) -> ProgramRun {
    let run = checkout(commits);
    let remote = format!("https://github.com/{repository}");
    git(&run.path(""), &["remote", "set-url", "origin", &remote]);
    as_json(&run)
        .without("FINISHLINE_DATABASE")
        .var("SENTRY_URL", relay.peer.url())
        .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
        .var("FINISHLINE_COMMITS", "local")
}

/// A peer that knows both repositories, and the release with two commits of `acme/api`.
fn with_api() -> (ServeProxy, String) {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/api", None);
    add_repository(&relay, "acme/web", None);
    let api = uploaded(&relay, "acme/api", 2);
    assert!(warnings(&api.execute().expect(0)).is_empty());
    (relay, head(&api.path("")))
}

fn assert_names_both(ended: &RunResult, api: &str, web: &str) {
    let way = format!("`commits: acme/api@{api}, acme/web@{web}`");
    assert!(ended.stderr.contains(&way), "{way} is not in {}", ended.stderr);
}

#[test]
fn refs_of_another_repository_warn_and_name_the_way_in_one_run() {
    let (relay, api) = with_api();
    let before = relay.peer.lines().len();
    let ended = released(&relay).execute().expect(0);
    assert_eq!(ended.output("warnings"), SLUG);
    let way = format!("`commits: acme/api@{api}, acme/web@{}`", super::requests::HEAD);
    assert!(ended.everything().contains(&way), "{}", ended.everything());
    // It is known from the answers: nothing is asked for it.
    assert!(relay.requests_since(before).iter().all(|line| !line.starts_with("GET ")));
}

#[test]
fn commits_of_another_repository_warn_once_they_replace() {
    let (relay, api) = with_api();
    let web = uploaded(&relay, "acme/web", 3);
    let ended = web.execute().expect(0);
    assert_eq!(warnings(&ended), [SLUG]);
    assert_names_both(&ended, &api, &head(&web.path("")));
    assert_eq!(relay.get("releases/web@1.0.0/")["commitCount"], 3);
    assert!(warnings(&web.execute().expect(0)).is_empty());
}

#[test]
fn a_plan_warns_as_well() {
    let (relay, api) = with_api();
    let web = uploaded(&relay, "acme/web", 3);
    for source in ["local", "auto"] {
        let plan = web.clone().var("FINISHLINE_COMMITS", source).args(&["plan"]);
        let ended = plan.execute().expect(0);
        assert_eq!(warnings(&ended), [SLUG], "{source}");
        assert_names_both(&ended, &api, &head(&web.path("")));
    }
    assert_eq!(relay.get("releases/web@1.0.0/")["commitCount"], 2);
}

#[test]
fn a_lookup_that_keeps_the_other_commits_says_so() {
    let (relay, _) = with_api();
    let web = uploaded(&relay, "acme/web", 3).var("FINISHLINE_PREVIOUS_COMMIT", "lookup");
    let ended = web.execute().expect(0);
    assert_eq!(warnings(&ended), [SLUG]);
    assert!(ended.stderr.contains("those of `acme/web` are not sent"), "{}", ended.stderr);
    assert_eq!(relay.get("releases/web@1.0.0/")["commitCount"], 2);
}

#[test]
fn the_same_repository_and_both_in_one_run_are_no_conflict() {
    let (relay, api) = with_api();
    let both = format!("acme/api@{api}, acme/web@{}", "b".repeat(40));
    let ended = released(&relay).var("FINISHLINE_COMMITS", both).execute().expect(0);
    assert_eq!(ended.output("warnings"), "");
    let spelt = released(&relay).var("GITHUB_REPOSITORY", "Acme/API");
    add_repository(&relay, "Acme/API", None);
    assert_eq!(spelt.execute().expect(0).output("warnings"), "");
    let more = uploaded(&relay, "acme/api", 4);
    assert_eq!(warnings(&more.execute().expect(0)), [""; 0]);
    let none = released(&relay).var("FINISHLINE_COMMITS", "none").execute().expect(0);
    assert_eq!(none.output("warnings"), "");
}

/// A GitLab's repository has a display name there, which the job does not know.
#[test]
fn a_repository_under_its_display_name_is_no_other() {
    let relay = ServeProxy::new();
    add_repository(&relay, "Acme Corp / Web", Some("https://gitlab.com/acme/web"));
    let web = uploaded(&relay, "acme/web", 2);
    assert!(warnings(&web.execute().expect(0)).is_empty());
    assert_eq!(
        relay.get("releases/web@1.0.0/")["lastCommit"]["repository"]["name"],
        "Acme Corp / Web"
    );
    for (command, previous) in [("plan", "bbbbbbb"), ("run", "lookup")] {
        let again = web.clone().var("FINISHLINE_PREVIOUS_COMMIT", previous).args(&[command]);
        let ended = again.execute().expect(0);
        assert!(!warnings(&ended).contains(&SLUG.to_owned()), "{command}");
    }
    let head = head(&web.path(""));
    for source in ["auto".to_owned(), format!("acme/web@{head}")] {
        let job = gitlab_job(&relay).var("FINISHLINE_RELEASE", "web@1.0.0");
        let ended = job.var("FINISHLINE_COMMITS", source).execute().expect(0);
        assert_eq!(ended.output("warnings"), "");
    }
}

#[test]
fn commits_that_named_no_repository_are_nobodys() {
    let relay = ServeProxy::new();
    uploaded(&relay, "acme/api", 2).execute().expect(0);
    add_repository(&relay, "acme/web", None);
    assert_eq!(released(&relay).execute().expect(0).output("warnings"), "");
}

/// Where neither is linked, commits carry no repository: what tells is that the clone has them not.
#[test]
fn commits_of_two_repositories_that_nobody_linked_warn_as_well() {
    let relay = ServeProxy::new();
    let api = uploaded(&relay, "acme/api", 2);
    assert_eq!(warnings(&api.execute().expect(0)), [""; 0]);
    commit(&api.path(""), "more", "commit 3");
    assert_eq!(warnings(&api.execute().expect(0)), [""; 0]);
    let ended = uploaded(&relay, "acme/web", 3).execute().expect(0);
    assert_eq!(warnings(&ended), [SLUG]);
    let lost = format!("up to {}, which are replaced", head(&api.path("")));
    assert!(ended.stderr.contains(&lost), "{}", ended.stderr);
}

#[test]
fn the_embedded_backend_warns_too() {
    let run = as_json(&checkout(2));
    run.execute().expect(0);
    let folder = run.path("");
    git(&folder, &["remote", "set-url", "origin", "git@github.com:acme/api.git"]);
    let api = commit(&folder, "more", "commit 3");
    for command in ["plan", "run"] {
        let ended = run.clone().args(&[command]).execute().expect(0);
        assert_eq!(warnings(&ended), [SLUG], "{command}");
        assert!(ended.stderr.contains(&format!("acme/api@{api}`")), "{}", ended.stderr);
    }
    assert!(warnings(&run.execute().expect(0)).is_empty());
}
