//! Every input in every kind of job: it has an effect, or it is an error, or a warning names it. The
//! table of inputs is walked, so that a new input is here by itself: it needs a value only where the
//! general ones show nothing.

use crate::support::git_repository::git;
use crate::support::run::{ProgramRun, STATE, rows};
use finishline::inputs::table::{FlagKind, INPUTS, InputSpec};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The kinds of job: the command, and what of integration, release and manifest is asked for.
const JOBS: [(&str, &str, &[&str]); 8] = [
    ("integration", "run", &["integration"]),
    ("release", "run", &["release"]),
    ("both", "run", &["integration", "release"]),
    ("manifest", "run", &["manifest"]),
    ("resume", "resume", &[]),
    ("check", "check", &["integration", "release"]),
    ("plan", "plan", &["integration", "release"]),
    ("import", "import", &[]),
];

const INTEGRATION: &[(&str, &str)] =
    &[("FINISHLINE_PROVIDER", "opsgenie"), ("FINISHLINE_STATE", STATE)];
const RELEASE: &[(&str, &str)] = &[
    ("FINISHLINE_PROJECTS", "web"),
    ("FINISHLINE_RELEASE", "v1"),
    ("FINISHLINE_ENVIRONMENT", "production"),
];

/// An answer that no pipeline waits for.
const CALLBACK: &str =
    "https://sentry.example.com/extensions/gitlab/setup/?code=c0de&state=0f-nobody";
const MANIFEST: &str = "version: 1
integrations:
  - provider: opsgenie
    state: {baseUrl: 'https://api.opsgenie.com/', provider: acme-ops, apiKey: '${KEY}'}
";

/// Values that show, where the general ones do not: what the input changes, or what it refuses.
const VALUES: &[(&str, &[&str])] = &[
    ("state", &["{baseUrl: 'https://api.opsgenie.com/', provider: other-ops, apiKey: k3y}", "{"]),
    ("provider", &["pagerduty", "not a key"]),
    ("mode", &["install", "often"]),
    ("integration-id", &["7", "x"]),
    ("org", &["beta", "a b"]),
    ("paths", &["b"]),
    ("commits", &["none", "some"]),
    ("log-format", &["json", "loud"]),
    ("log-level", &["off", "loud"]),
    ("backend", &["sentry", "cloud"]),
    ("host", &["gitlab"]),
    ("format", &["json"]),
];

/// Where a job only reads what another one acts on, its effect is seen elsewhere: a resumed pipeline
/// in `integration/resume.rs` and `sentry/resume.rs`; and a check or plan takes the values as they are.
const SEEN_ELSEWHERE: &[(&str, &[&str])] = &[
    ("resume", &["next", "entry", "repositories", "database"]),
    ("check", &["next", "repositories", "release", "release-prefix", "paths", "remote"]),
    ("plan", &["next", "paths", "remote", "dry-run"]),
    ("import", &["database"]),
];

/// What is general: a switch turned over, a word of no list, a file that is not there.
fn values(input: &InputSpec) -> Vec<String> {
    let own = VALUES.iter().find(|(name, _)| *name == input.name);
    let general: &[&str] = match input.flag {
        FlagKind::Switch => &["true", "false", "perhaps"],
        FlagKind::Value(_) | FlagKind::File(_) => &["unlike-anything", "/nowhere/else", "a b\u{7}"],
    };
    own.map_or(general, |(_, values)| values).iter().map(|value| (*value).to_owned()).collect()
}

/// What a person, a later step and the next run can see of a run, its folder and its times aside.
fn observe(run: &ProgramRun, folder: &Path) -> BTreeMap<String, String> {
    let ended = run.execute();
    let folder = folder.to_str().unwrap();
    let plain = |text: &str| text.replace(folder, "FOLDER");
    let mut seen = BTreeMap::from([
        ("exit".to_owned(), format!("{:?}", ended.exit)),
        ("stdout".to_owned(), plain(&ended.stdout)),
        ("stderr".to_owned(), plain(&ended.stderr)),
    ]);
    for entry in Path::new(folder).read_dir().unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_of_database = name.starts_with("finishline.db-");
        seen.extend((!is_of_database).then(|| (name, String::new())));
    }
    let tables = "SELECT provider, external_id, metadata, status FROM integration
        UNION ALL SELECT slug, 0, 0, 0 FROM organization
        UNION ALL SELECT version, ref, url, date_released IS NULL FROM release
        UNION ALL SELECT environment, name, url, date_started FROM deploy
        UNION ALL SELECT release_id, key, name, place FROM release_commit
            JOIN source_commit ON source_commit.id = commit_id
            JOIN repository ON repository.id = repository_id
        UNION ALL SELECT release_id, slug, 0, 0 FROM release_project
            JOIN project ON project.id = project_id";
    if run.database().exists() {
        seen.insert("rows".to_owned(), rows(&run.connection(), tables).join("\n"));
    }
    seen
}

/// One run of a job in a fresh checkout of three commits.
fn observe_job(
    template: &Path,
    (_, command, asked): (&str, &str, &[&str]),
    given: Option<(&str, &str)>,
) -> BTreeMap<String, String> {
    let run = ProgramRun::local();
    let folder = run.path("");
    let copied = Command::new("cp").arg("-r").arg(template.join(".")).arg(&folder).status();
    assert!(copied.unwrap().success());
    let mut run = run
        .args(&[command])
        .var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_DATABASE", "finishline.db")
        .var("FINISHLINE_ORG", "acme")
        .var("KEY", "k3y");
    for part in asked {
        let variables = match *part {
            "integration" => INTEGRATION,
            "release" => RELEASE,
            _ => &[("FINISHLINE_MANIFEST", "finishline.yml")],
        };
        run = variables.iter().fold(run, |run, (name, value)| run.var(name, value));
    }
    if command == "resume" {
        run = run.var("FINISHLINE_CALLBACK_URL", CALLBACK);
    }
    if let Some((name, value)) = given {
        run = run.var(name, value);
    }
    observe(&run, &folder)
}

/// The inputs that leave no trace in this job.
fn without_a_trace(template: &Path, job: (&str, &str, &[&str])) -> Vec<String> {
    let baseline = observe_job(template, job, None);
    assert_eq!(observe_job(template, job, None), baseline, "{}: each run is another", job.0);
    let leaves_trace = |input: &&InputSpec| {
        let variable = input.variables[0];
        let is_seen = |value: &String| {
            let seen = observe_job(template, job, Some((variable, value)));
            // What is not used is said by name, and it is not said of what is used.
            let words = format!("`{}` is not used by", input.name);
            seen != baseline
                && (!seen["stderr"].contains(" is not used by") || seen["stderr"].contains(&words))
        };
        values(input).iter().any(is_seen)
    };
    let elsewhere =
        SEEN_ELSEWHERE.iter().find(|(name, _)| *name == job.0).map(|(_, inputs)| *inputs);
    let is_elsewhere = |input: &&InputSpec| elsewhere.is_some_and(|all| all.contains(&input.name));
    let silent = INPUTS.iter().filter(|input| !is_elsewhere(input) && !leaves_trace(input));
    silent.map(|input| format!("{}: {}", job.0, input.name)).collect()
}

#[test]
fn no_input_is_dropped_in_any_kind_of_job() {
    let template = tempfile::tempdir().unwrap();
    let at = template.path();
    git(at, &["init", "--quiet", "--initial-branch=main", at.to_str().unwrap()]);
    git(at, &["remote", "add", "origin", "https://github.com/acme/web"]);
    for name in ["a", "b", "c"] {
        std::fs::write(at.join(name), name).unwrap();
        git(at, &["add", "--all"]);
        git(at, &["commit", "--quiet", "--message", name]);
    }
    std::fs::write(at.join("finishline.yml"), MANIFEST).unwrap();
    let silent: Vec<_> = std::thread::scope(|scope| {
        let jobs = JOBS.map(|job| scope.spawn(move || without_a_trace(at, job)));
        jobs.into_iter().flat_map(|job| job.join().unwrap()).collect()
    });
    assert_eq!(silent, [""; 0]);
}

fn released() -> ProgramRun {
    let run = ProgramRun::github();
    let run = run.clone().var("FINISHLINE_DATABASE", run.database());
    let run = run.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_COMMITS", "none");
    RELEASE
        .iter()
        .fold(run.var("FINISHLINE_ORG", "acme"), |run, (name, value)| run.var(name, value))
}

#[test]
fn what_a_job_does_not_use_is_named() {
    let mappings = "[{project: web, repository: acme/web}]";
    let ended = released().var("FINISHLINE_CODE_MAPPINGS", mappings).execute().expect(0);
    let words = "`code-mappings` is not used by a release";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert_eq!(ended.joined(["status", "warnings"]), "complete unused-input");
    let ended = released().args(&["run", "--set", "provider=acme"]).execute();
    assert!(ended.stderr.contains("`--set` is not used by a release"), "{}", ended.stderr);
    let run = released().var("FINISHLINE_DEPLOY", "false").var("FINISHLINE_DEPLOY_NAME", "blue");
    let ended = run.execute().expect(0);
    let words = "`deploy-name` is not used by a release without a deploy";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    let ended = released().var("FINISHLINE_DIALECT", "web").execute().expect(0);
    assert!(ended.stderr.contains("`dialect` is not used by"), "{}", ended.stderr);
}

/// Programs that report errors read them too.
#[test]
fn a_shared_variable_that_is_not_used_is_nothing_to_warn_of() {
    let run = ProgramRun::github().opsgenie().var("SENTRY_PROJECT", "web");
    let run = run.var("SENTRY_RELEASE", "v1").var("GITHUB_TOKEN", "gh-t0ken");
    // That the project's name reached no Sentry is another thing.
    assert_eq!(run.execute().expect(0).joined(["status", "warnings"]), "complete not-sent");
}

#[test]
fn an_unknown_variable_is_warned_about_whatever_it_is_near_to() {
    let run = released().var("FINISHLINE_QQ", "x").var("FINISHLINE_OUT_STATUS", "complete");
    let ended = run.execute().expect(0);
    assert!(ended.stderr.contains("unknown variable FINISHLINE_QQ"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("FINISHLINE_OUT_STATUS"), "{}", ended.stderr);
}
