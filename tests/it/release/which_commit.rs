//! Which commit a release is made of, for each event and each state of the checkout.

use super::commits::{commit, head, on_file};
use crate::support::git_repository::git;
use crate::support::run::ProgramRun;
use serde_json::{Value, json};
use std::path::Path;

/// What the working folder is at when the job comes to this step.
#[derive(Clone, Copy, Debug)]
enum CheckoutShape {
    /// The commit that was pushed.
    Pushed,
    /// A merge of it into the base branch, as hosts make it for pull requests.
    Merge,
    /// The tag `v1`, which the job checked out by itself.
    OldTag,
    /// A commit that the job made on top, as semantic-release does.
    MadeInJob,
    /// The tip of the base branch.
    Base,
    /// No checkout at all.
    Absent,
}

use CheckoutShape::{Absent, Base, MadeInJob, Merge, OldTag, Pushed};

/// The commits of a small repository by their part in the story.
struct StoryCommits {
    old: String,
    base: String,
    pushed: String,
    merge: String,
}

impl StoryCommits {
    /// Makes them in a checkout of `acme/web`.
    fn new(folder: &Path) -> Self {
        git(folder, &["init", "--quiet", "--initial-branch=main", "."]);
        git(folder, &["remote", "add", "origin", "https://github.com/acme/web"]);
        let old = commit(folder, "old", "old");
        git(folder, &["tag", "v1"]);
        git(folder, &["checkout", "--quiet", "-b", "feature"]);
        let pushed = commit(folder, "pushed", "pushed");
        git(folder, &["checkout", "--quiet", "main"]);
        let base = commit(folder, "base", "base");
        git(folder, &["merge", "--quiet", "--no-ff", "-m", "merge", "feature"]);
        Self { old, base, pushed, merge: head(folder) }
    }

    /// Brings the folder into the shape; its head.
    fn check_out(&self, folder: &Path, shape: CheckoutShape) -> String {
        let at = |sha: &str| drop(git(folder, &["checkout", "--quiet", "--detach", sha]));
        match shape {
            Pushed => at(&self.pushed),
            Merge => at(&self.merge),
            OldTag => at(&self.old),
            Base => at(&self.base),
            MadeInJob => {
                at(&self.pushed);
                commit(folder, "version", "chore(release): 2.0.0");
            }
            Absent => {
                std::fs::remove_dir_all(folder.join(".git")).unwrap();
                return String::new();
            }
        }
        head(folder)
    }
}

/// One event: its variables, and its payload.
type EventFacts = (Vec<(&'static str, String)>, Value);

fn github(event: &str, git_ref: &str, sha: &str, payload: Value) -> EventFacts {
    let variables = vec![
        ("GITHUB_ACTIONS", "true".to_owned()),
        ("GITHUB_EVENT_NAME", event.to_owned()),
        ("GITHUB_REF", git_ref.to_owned()),
        ("GITHUB_SHA", sha.to_owned()),
        ("GITHUB_REPOSITORY", "acme/web".to_owned()),
    ];
    (variables, payload)
}

fn pull_request(commits: &StoryCommits, owner: &str, merged: bool) -> Value {
    json!({
        "number": 7,
        "repository": {"full_name": "acme/web"},
        "pull_request": {
            "number": 7,
            "merged": merged,
            "merge_commit_sha": commits.merge,
            "head": {"ref": "feature", "sha": commits.pushed,
                     "repo": {"full_name": format!("{owner}/web")}},
            "base": {"ref": "main", "sha": commits.base, "repo": {"full_name": "acme/web"}},
        },
    })
}

fn gitlab(commits: &StoryCommits, more: &[(&'static str, &str)]) -> EventFacts {
    let variables = [
        ("GITLAB_CI", "true"),
        ("CI_PROJECT_PATH", "acme/web"),
        ("CI_COMMIT_SHA", commits.pushed.as_str()),
    ];
    let variables = variables.iter().chain(more).map(|(name, value)| (*name, (*value).to_owned()));
    (variables.collect(), Value::Null)
}

fn event(name: &str, commits: &StoryCommits) -> EventFacts {
    let StoryCommits { base, pushed, merge, .. } = commits;
    let main = "refs/heads/main";
    let pull = "refs/pull/7/merge";
    let own = |merged| pull_request(commits, "acme", merged);
    match name {
        "push" | "schedule" | "workflow_dispatch" | "repository_dispatch" => {
            github(name, main, pushed, json!({}))
        }
        "push of a tag" => github("push", "refs/tags/v2", pushed, json!({})),
        "pull_request" => github(name, pull, merge, own(false)),
        "pull_request merged" => github("pull_request", main, merge, own(true)),
        "pull_request_target" => github(name, main, base, own(false)),
        "pull_request_target of a fork" => {
            let payload = pull_request(commits, "stranger", false);
            github("pull_request_target", main, base, payload)
        }
        "workflow_run" => {
            let run = json!({"head_sha": pushed, "head_branch": "feature"});
            github(name, main, base, json!({ "workflow_run": run }))
        }
        "gitlab push" => gitlab(commits, &[("CI_COMMIT_BRANCH", "feature")]),
        "gitlab merge request" => {
            let request = [
                ("CI_COMMIT_SHA", merge.as_str()),
                ("CI_MERGE_REQUEST_IID", "7"),
                ("CI_MERGE_REQUEST_EVENT_TYPE", "merged_result"),
                ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", pushed),
            ];
            gitlab(commits, &request)
        }
        _ => unreachable!("{name} is no event of the table"),
    }
}

const SHAPES: [CheckoutShape; 6] = [Pushed, Merge, OldTag, MadeInJob, Base, Absent];

/// For each event the commit that is released at each of [`SHAPES`]: `pushed`, `merge` and `base` of
/// the story, or what the checkout is `at`.
const TABLE: [(&str, [&str; 6]); 12] = [
    ("push", ["pushed", "at", "at", "at", "at", "pushed"]),
    ("push of a tag", ["pushed", "at", "at", "at", "at", "pushed"]),
    ("schedule", ["pushed", "at", "at", "at", "at", "pushed"]),
    ("workflow_dispatch", ["pushed", "at", "at", "at", "at", "pushed"]),
    ("repository_dispatch", ["pushed", "at", "at", "at", "at", "pushed"]),
    ("pull_request", ["pushed", "pushed", "at", "at", "at", "pushed"]),
    ("pull_request merged", ["at", "merge", "at", "at", "at", "merge"]),
    ("pull_request_target", ["at", "pushed", "at", "at", "base", "base"]),
    ("pull_request_target of a fork", ["base", "base", "at", "at", "base", "base"]),
    ("workflow_run", ["pushed", "at", "at", "at", "at", "pushed"]),
    ("gitlab push", ["pushed", "at", "at", "at", "at", "pushed"]),
    ("gitlab merge request", ["pushed", "pushed", "at", "at", "at", "pushed"]),
];

/// A job that names no version, at this event and this checkout; the commits, and its head.
fn job(name: &str, shape: CheckoutShape) -> (ProgramRun, StoryCommits, String) {
    let run = ProgramRun::local();
    let folder = run.path("");
    let commits = StoryCommits::new(&folder);
    let head = commits.check_out(&folder, shape);
    let (variables, payload) = event(name, &commits);
    let payload = run.file("event.json", payload.to_string());
    let (output, project) = (run.file("out", ""), run.path(""));
    let run = on_file(run).without("FINISHLINE_RELEASE").var("FINISHLINE_BACKEND", "embedded");
    let run = run.var("FINISHLINE_DEPLOY", "false").var("FINISHLINE_COMMITS", "none");
    let run = run.var("GITHUB_OUTPUT", output).var("GITHUB_EVENT_PATH", payload);
    let run = run.var("CI_PROJECT_DIR", project);
    let run = variables.into_iter().fold(run, |run, (name, value)| run.var(name, value));
    (run, commits, head)
}

#[test]
fn what_was_built_is_released_at_every_event() {
    for (name, expected) in TABLE {
        for (shape, expected) in SHAPES.into_iter().zip(expected) {
            let (run, commits, head) = job(name, shape);
            run.execute().expect(0);
            let sha = match expected {
                "pushed" => &commits.pushed,
                "merge" => &commits.merge,
                "base" => &commits.base,
                _ => &head,
            };
            assert_eq!(run.rows("SELECT ref FROM release"), [sha.as_str()], "{name}, {shape:?}");
            let version = run.rows("SELECT version FROM release");
            let is_tag = name == "push of a tag" && expected == "pushed";
            assert_eq!(version, [if is_tag { "v2" } else { sha }], "{name}, {shape:?}");
        }
    }
}

#[test]
fn a_release_of_another_commit_than_the_events_says_so_in_one_line() {
    let (run, commits, _) = job("workflow_dispatch", OldTag);
    let ended = run.execute().expect(0);
    let line = format!(
        "the checked-out commit {} is released, not {} of the event",
        &commits.old[..12],
        &commits.pushed[..12]
    );
    assert!(ended.stderr.contains(&line), "{}", ended.stderr);
    let (run, ..) = job("pull_request_target of a fork", Pushed);
    let ended = run.execute().expect(0);
    assert!(ended.stderr.contains("the checkout is at a commit from a fork"), "{}", ended.stderr);
}

#[test]
fn a_checkout_of_another_repository_is_released_under_its_own_name() {
    let (run, commits, _) = job("push", OldTag);
    git(&run.path(""), &["remote", "set-url", "origin", "git@github.com:acme/shop.git"]);
    let ended = run.var("FINISHLINE_FORMAT", "json").execute().expect(0);
    assert!(ended.stderr.contains("the checkout is of `acme/shop`"), "{}", ended.stderr);
    assert!(ended.stderr.contains(&commits.old[..12]), "{}", ended.stderr);
}
