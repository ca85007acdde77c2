//! Which commit a release is made of, for each event and each state of the checkout.
//!
//! The expectations are written by hand from what the hosts document of their events, and from one
//! rule: what was checked out is what was built.

mod events;
mod idle;
mod story;
mod variables;

use super::commits::{head, on_file};
use crate::support::run::ProgramRun;
use events::{EVENTS, event};
use story::{StepPlace, StoryCommits, StoryFolder};

/// For each shape the commit that is released at each of [`EVENTS`], in their order: the pushed one,
/// the host's merge, the base branch, the old tag, or else what the checkout is `@`. Seven of
/// GitHub's, four of pull requests, two of `workflow_run`, three of GitLab's.
type ShapeRow = (&'static str, &'static str);

const EVENTS_OWN: &str = "PPPPPPP PMBB PB PPP";
const CHECKED_OUT: &str = "@@@@@@@ @@@B @B @@@";
const OLD: &str = "OOOOOOO OOOB OB OOO";
const PUSHED: &str = "PPPPPPP PPPB PB PPP";
const HOSTS_MERGE: &str = "MMMMMMM PMPB MB MMP";

const STATES: [ShapeRow; 12] = [
    ("the pushed commit", PUSHED),
    ("the branch itself", PUSHED),
    ("a tag of the pushed commit", PUSHED),
    ("an older tag", OLD),
    ("the merge that the host made", HOSTS_MERGE),
    ("a merge that the job made", CHECKED_OUT),
    ("the tip of the base branch", "BBBBBBB BBBB BB BBB"),
    ("a commit that the job made", CHECKED_OUT),
    ("another branch", CHECKED_OUT),
    ("shallow at the pushed commit", PUSHED),
    ("shallow at the host's merge", HOSTS_MERGE),
    ("shallow at an older tag", OLD),
];

const REMOTES: [ShapeRow; 11] = [
    ("ssh", OLD),
    ("ssh with a port", OLD),
    ("https with credentials", OLD),
    ("another case", OLD),
    ("a server below a path", OLD),
    ("remote of another name", OLD),
    ("no remote, but the event's commit", OLD),
    ("no remote, and no commit of the job's", EVENTS_OWN),
    ("a mirror's name at the pushed commit", PUSHED),
    ("the fork at its head", PUSHED),
    ("another repository", CHECKED_OUT),
];

const PLACES: [ShapeRow; 20] = [
    ("no checkout", EVENTS_OWN),
    ("a repository without commits", EVENTS_OWN),
    ("a subfolder", OLD),
    ("beside another repository", OLD),
    ("in another repository's folder", CHECKED_OUT),
    ("in a submodule", CHECKED_OUT),
    ("a linked worktree", OLD),
    ("a worktree of a bare repository", OLD),
    ("a sparse checkout", OLD),
    ("packed", OLD),
    ("a git folder elsewhere", OLD),
    ("objects in another clone", OLD),
    ("a mirror", EVENTS_OWN),
    ("GIT_DIR", OLD),
    ("GIT_DIR and GIT_WORK_TREE", OLD),
    ("GIT_DIR beats the folder", OLD),
    ("GIT_CEILING_DIRECTORIES", EVENTS_OWN),
    ("GIT_CEILING_DIRECTORIES at the folder itself", OLD),
    ("GIT_OBJECT_DIRECTORY", OLD),
    ("a repository above the job's workspace", EVENTS_OWN),
];

/// A job that names no version, with a story and where the step is to run.
struct ShapedJob {
    run: ProgramRun,
    commits: StoryCommits,
    place: StepPlace,
}

impl ShapedJob {
    fn new(shape: impl Fn(&StoryFolder<'_>) -> StepPlace) -> Self {
        let run = ProgramRun::local();
        let commits = StoryCommits::new(&run.path("work"));
        let place = shape(&StoryFolder { root: &run.path("") });
        // Not by a variable: the pages of each cell need not be looked at.
        let run = on_file(run).without("FINISHLINE_RELEASE").args(&["run", "--backend=embedded"]);
        let run = run.var("FINISHLINE_DEPLOY", "false").var("FINISHLINE_COMMITS", "none");
        let run = run.var("FINISHLINE_FORMAT", "json");
        let run = run.var("FINISHLINE_WORKING_DIRECTORY", &place.folder);
        Self { run, commits, place }
    }

    /// The job at one event; the shape's own variables are the stronger ones.
    fn at(&self, name: &str) -> ProgramRun {
        let (variables, payload) = event(name, &self.commits);
        let (folder, payload) = (self.run.path(""), payload.to_string());
        let payload = self.run.file("event.json", payload);
        let run = self.run.clone().var("GITHUB_OUTPUT", self.run.file("out", ""));
        let run = run.var("GITHUB_EVENT_PATH", payload).var("CI_PROJECT_DIR", folder);
        let variables = variables.into_iter().chain(self.place.variables.iter().cloned());
        variables.fold(run, |run, (name, value)| run.var(name, value))
    }

    /// What the checkout is at, as git says it.
    fn checked_out(&self) -> String {
        head(&self.run.path(&self.place.folder))
    }
}

/// Runs each event in the shape.
fn check((shape, expected): ShapeRow, set_up: impl Fn(&StoryFolder<'_>, &str) -> StepPlace) {
    let job = ShapedJob::new(|folder| set_up(folder, shape));
    let letters: Vec<_> = expected.chars().filter(|letter| *letter != ' ').collect();
    assert_eq!(letters.len(), EVENTS.len(), "{shape}");
    for (name, letter) in EVENTS.into_iter().zip(letters) {
        let ended = job.at(name).execute().expect(0);
        let version = ended.json()["release"]["version"].as_str().unwrap().to_owned();
        let sha = match letter {
            'P' => job.commits.pushed.clone(),
            'M' => job.commits.merge.clone(),
            'B' => job.commits.base.clone(),
            'O' => job.commits.old.clone(),
            _ => job.checked_out(),
        };
        let query = format!("SELECT ref FROM release WHERE version = '{version}'");
        assert_eq!(job.run.rows(&query), [sha.as_str()], "{name}, {shape}");
        assert_eq!(version, sha, "{name}, {shape}");
    }
}

#[test]
fn what_was_built_is_released_at_every_event() {
    STATES.into_iter().for_each(|row| check(row, |folder, shape| folder.state(shape)));
}

#[test]
fn the_checkout_is_known_by_its_remote_or_its_commits() {
    REMOTES.into_iter().for_each(|row| check(row, |folder, shape| folder.remote(shape)));
}

#[test]
fn the_checkout_is_found_as_git_finds_it() {
    PLACES.into_iter().for_each(|row| check(row, |folder, shape| folder.place(shape)));
}

/// What a job says in its log.
fn log(event: &str, shape: impl Fn(&StoryFolder<'_>) -> StepPlace) -> (String, StoryCommits) {
    let job = ShapedJob::new(shape);
    (job.at(event).execute().expect(0).stderr, job.commits)
}

#[test]
fn a_release_of_another_commit_than_the_events_says_so_in_one_line() {
    let (stderr, commits) = log("workflow_dispatch", |folder| folder.state("an older tag"));
    let line = format!(
        "the checked-out commit {} is released, not {} of the event",
        &commits.old[..12],
        &commits.pushed[..12]
    );
    assert_eq!(stderr.matches(&line).count(), 1, "{stderr}");
    let (stderr, _) = log("push", |folder| folder.state("the pushed commit"));
    assert!(!stderr.contains("of the event"), "{stderr}");
}

#[test]
fn the_summary_has_that_line_too() {
    let job = ShapedJob::new(|folder| folder.state("an older tag"));
    let summary = job.run.file("summary.md", "");
    job.at("workflow_dispatch").var("GITHUB_STEP_SUMMARY", summary).execute().expect(0);
    let text = job.run.text("summary.md");
    assert_eq!(text.matches("of the event").count(), 1, "{text}");
}

#[test]
fn a_forks_code_is_never_released_by_itself() {
    for event in ["pull_request_target of a fork", "workflow_run of a fork"] {
        let (stderr, commits) = log(event, |folder| folder.state("the pushed commit"));
        let line = format!("the commit {} of the base branch is released", &commits.base[..12]);
        assert!(stderr.contains("from a fork") && stderr.contains(&line), "{stderr}");
    }
}

#[test]
fn a_checkout_that_may_be_anything_is_said_to_be_unknown() {
    let shape = "no remote, and no commit of the job's";
    let (stderr, commits) = log("push", |folder| folder.remote(shape));
    let line = format!("{} of the event is released", &commits.pushed[..12]);
    assert!(stderr.contains("cannot tell whether the checkout") && stderr.contains(&line));
}

#[test]
fn a_checkout_of_another_repository_is_released_under_its_own_name() {
    let job = ShapedJob::new(|folder| folder.remote("another repository"));
    let run = job.at("push").var("FINISHLINE_COMMITS", "local");
    let ended = run.execute().expect(0);
    assert!(ended.stderr.contains("the checkout is of `acme/shop`"), "{}", ended.stderr);
    assert!(ended.stderr.contains(&job.checked_out()[..12]), "{}", ended.stderr);
    assert_eq!(job.run.rows("SELECT name FROM repository"), ["acme/shop"]);
}

/// To another user, where this one may; the folder itself stays readable for the test.
#[cfg(unix)]
#[test]
fn a_checkout_of_another_users_is_what_was_built() {
    let job = ShapedJob::new(|folder| folder.state("an older tag"));
    // Who is not root may not, and then the checkout is one's own.
    drop(std::os::unix::fs::chown(job.run.path("work/.git"), Some(12_345), Some(12_345)));
    drop(std::os::unix::fs::chown(job.run.path("work"), Some(12_345), Some(12_345)));
    job.at("push").execute().expect(0);
    assert_eq!(job.run.rows("SELECT ref FROM release"), [job.commits.old.as_str()]);
}
