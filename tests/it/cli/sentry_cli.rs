//! Calls of sentry-cli: what they do to a backend, and how they end.

use crate::support::build_folder::{write, write_script};
use crate::support::git_repository::{RepositoryFolder, git};
use crate::support::run::ProgramRun;
use crate::support::serve::{ServeProcess, TOKEN};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const RELEASE: &str = "/api/0/organizations/acme/releases/v1/";

/// A script that calls the server, in a job with variables that a run of ours would follow.
fn script(serve: &ServeProcess) -> ProgramRun {
    ProgramRun::local()
        .var("SENTRY_URL", serve.url())
        .var("SENTRY_ORG", "acme")
        .var("SENTRY_AUTH_TOKEN", TOKEN)
        .var("SENTRY_ENVIRONMENT", "qa")
        .var("FINISHLINE_PROVIDER", "opsgenie")
}

#[track_caller]
fn call(run: &ProgramRun, line: &str, exit: i32) -> String {
    let args: Vec<_> = ["sentry-cli"].into_iter().chain(line.split(' ')).collect();
    run.clone().args(&args).execute().expect(exit).everything()
}

fn release(serve: &ServeProcess) -> Value {
    serve.request("GET", RELEASE, Value::Null).json()
}

#[test]
fn each_call_does_its_own_part_and_no_other() {
    let serve = ServeProcess::start();
    let run = script(&serve);
    // Nothing is there to be finalized, and nothing is made by looking.
    call(&run, "releases finalize v1", 1);
    call(&run, "releases info v1", 1);
    call(&run, "releases deploys v1 new -e prod", 1);
    assert_eq!(serve.request("GET", RELEASE, Value::Null).status, 404);
    call(&run, "releases -p web new v1", 0);
    let made = release(&serve);
    assert_eq!((&made["dateReleased"], &made["deployCount"]), (&Value::Null, &0.into()));
    call(&run, "releases info v1", 0);
    let commits = format!("releases set-commits v1 --commit acme/shop@{}", "a".repeat(40));
    assert!(call(&run, &commits, 1).contains("no repository `acme/shop` is linked to acme"));
    assert_eq!(release(&serve)["dateReleased"], Value::Null);
    call(&run, "deploys new --release=v1 -e prod -n first -t 60", 0);
    let deployed = release(&serve);
    assert_eq!((&deployed["deployCount"], &deployed["dateReleased"]), (&1.into(), &Value::Null));
    let deploys = serve.request("GET", &format!("{RELEASE}deploys/"), Value::Null).json();
    assert_eq!(deploys[0]["environment"], "prod");
    assert_ne!(deploys[0]["dateStarted"], Value::Null);
    let said = call(&run, "releases finalize v1", 0);
    assert!(said.contains("finalized") || said.contains("updated"), "{said}");
    let finalized = release(&serve);
    assert_ne!(finalized["dateReleased"], Value::Null);
    assert_eq!(finalized["deployCount"], 1);
    call(&run, "releases new -p web -p api v1 --finalize", 0);
    assert_eq!(release(&serve)["projects"].as_array().unwrap().len(), 2);
}

#[test]
fn a_token_of_the_command_line_goes_before_that_of_the_job_and_is_not_shown() {
    let serve = ServeProcess::start();
    let run = script(&serve).var("SENTRY_AUTH_TOKEN", "another-token-of-the-job");
    call(&run, "releases new -p web v1", 1);
    let said =
        call(&run, &format!("--auth-token {TOKEN} --log-level DEBUG releases new -p web v1"), 0);
    assert!(!said.contains(TOKEN), "{said}");
}

#[test]
fn a_call_ends_as_in_sentry_cli() {
    let run = ProgramRun::local().var("SENTRY_ORG", "acme").var("SENTRY_PROJECT", "web");
    for (line, exit, words) in [
        ("releases new", 2, "VERSION"),
        ("releases new v1 --nope", 2, "--nope"),
        ("releases files upload-sourcemaps ./dist", 2, "VERSION"),
        ("releases new v1", 1, "token"),
        ("deploys new -e prod", 1, "SENTRY_RELEASE"),
        ("sourcemaps upload -r v1 dist", 1, "`sourcemaps`"),
        ("releases list", 1, "token"),
        ("releases list --raw --delimiter ab", 1, "`--delimiter`"),
        ("info", 1, "token"),
        ("releases files v1 list", 1, "sourcemaps upload"),
        ("releases set-commits v1 --clear", 1, "`--clear`"),
        ("releases set-commits v1 --local --initial-depth 5", 1, "`--initial-depth` is not used"),
        ("monitors run x", 1, "`monitors`"),
        ("send-event -m x", 1, "`send-event`"),
        ("--allow-failure releases new v1", 0, "token"),
        ("--help", 0, "releases propose-version"),
        ("--version", 0, env!("CARGO_PKG_VERSION")),
    ] {
        let said = call(&run, line, exit);
        assert!(said.contains(words), "{line}: {said}");
    }
    let said = call(&run.clone().var("FINISHLINE_TOLERATE", "all"), "releases new v1", 1);
    assert!(said.contains("(exit 1; `--allow-failure` lets the job continue)"), "{said}");
    let allowed = run.var("SENTRY_ALLOW_FAILURE", "1");
    assert!(call(&allowed, "releases new v1", 0).contains("token"));
}

#[test]
fn a_script_without_a_map_is_a_failure_only_where_the_call_is_strict() {
    let serve = ServeProcess::start();
    let run = script(&serve);
    write_script(&run, "dist/a.js");
    write(&run, "dist/worker.js", "work()\n");
    for (line, exit) in [
        ("sourcemaps inject dist", 0),
        ("sourcemaps upload -p web -r v1 dist", 0),
        ("sourcemaps upload -p web -r v1 --strict dist", 1),
    ] {
        let said = call(&run, line, exit);
        assert!(said.contains("1 script without a source map: `dist/worker.js`"), "{said}");
    }
}

#[test]
fn what_is_there_is_listed_as_in_sentry_cli() {
    let serve = ServeProcess::start();
    let run = script(&serve);
    call(&run, "releases new -p web v1 --url https://ci.example.com/7", 0);
    call(&run, "releases finalize v1 --released 1790000000", 0);
    call(&run, "releases new -p api v2", 0);
    call(&run, "deploys new -r v1 -e prod -n first --started 1790000000 --finished 1790000060", 0);
    let release = release(&serve);
    assert_eq!(release["url"], "https://ci.example.com/7");
    assert_eq!(release["dateReleased"], "2026-09-21T14:13:20Z");
    let out = |line: &str| {
        let args: Vec<_> = ["sentry-cli"].into_iter().chain(line.split(' ')).collect();
        run.clone().args(&args).execute().expect(0).stdout
    };
    assert_eq!(out("releases list --raw"), "v2\nv1\n");
    assert_eq!(out("releases list -R -D ,"), "v2,v1\n");
    assert_eq!(out("releases list --raw -p web"), "v1\n");
    let table = out("releases list -P");
    let rows: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["Released", "Version", "Projects"]);
    assert_eq!(rows[1], ["(unreleased)", "v2", "api"]);
    assert_eq!(rows[2][1..], ["v1", "web"]);
    for line in ["deploys list -r v1", "releases deploys v1 list"] {
        let table = out(line);
        let row: Vec<_> = table.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(row[..2], ["prod", "first"], "{line}");
        assert!(row[2].starts_with("2026-09-21T14:14:20"), "{line}: {table}");
    }
    assert_eq!(out("repos list").lines().next().unwrap().trim_end(), "Name  Provider  URL");
    let info = out("info --no-defaults");
    assert!(info.contains("Default Organization: acme") && info.contains("Scopes:"), "{info}");
    assert!(out("info --config-status-json").contains("\"successful\": true"));
    assert!(!call(&run, "info", 1).contains("Scopes:"), "no project is named");
    call(&run, "deploys list -r v9", 1);
}

#[test]
fn a_release_is_put_away_brought_back_and_deleted_once() {
    let serve = ServeProcess::start();
    let run = script(&serve);
    call(&run, "releases new -p web v1", 0);
    call(&run, "releases archive v1", 0);
    assert_eq!(release(&serve)["status"], "archived");
    call(&run, "releases restore v1", 0);
    assert_eq!(release(&serve)["status"], "open");
    let said = call(&run, "releases delete v1", 0);
    assert!(said.contains("is deleted"), "{said}");
    assert_eq!(serve.request("GET", RELEASE, Value::Null).status, 404);
    let said = call(&run, "releases delete v1", 0);
    assert!(said.contains("nothing to do"), "{said}");
    call(&run, "releases archive v1", 1);
    let embedded = run.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_DATABASE", "x.db");
    assert!(call(&embedded, "releases delete v1", 1).contains("finishline serve"));
}

#[test]
fn a_release_that_is_not_of_the_named_project_is_not_said_to_be_missing() {
    let serve = ServeProcess::start();
    let run = script(&serve);
    call(&run, "releases new -p web v1", 0);
    call(&run, "releases new -p api v2", 0);
    let said = call(&run, "-p api releases delete v1", 0);
    assert!(said.contains("nothing to do: acme has no release v1 of api"), "{said}");
    let said = call(&run, "-p api releases archive v1", 1);
    assert!(said.contains("acme has no release v1 of api"), "{said}");
    for line in ["-p nope releases delete v1", "-p nope releases archive v1"] {
        let said = call(&run, line, 1);
        assert!(said.contains("project `nope` does not exist in acme"), "{said}");
    }
    assert_eq!(release(&serve)["status"], "open");
    let reader = run.var("SENTRY_AUTH_TOKEN", serve.org_token());
    let said = call(&reader, "releases delete v1", 1);
    assert!(said.contains("the token cannot delete releases"), "{said}");
    assert!(said.contains("project:releases or project:admin"), "{said}");
}

#[test]
fn the_jobs_dry_run_changes_nothing_whatever_is_called() {
    let serve = ServeProcess::start();
    let run = script(&serve);
    call(&run, "releases new -p web v1", 0);
    write_script(&run, "dist/app.js");
    let before = std::fs::read(run.path("dist/app.js")).unwrap();
    let (there, dry) = (release(&serve), run.clone().var("FINISHLINE_DRY_RUN", "true"));
    for (line, words) in [
        ("releases new -p web v2", "would be"),
        ("releases finalize v1", "would be"),
        ("deploys new -r v1 -e prod", "would be"),
        ("releases archive v1", "would be archived"),
        ("releases delete v1", "would be deleted"),
        ("releases delete v2", "nothing to do"),
        ("sourcemaps inject dist", "would"),
        ("sourcemaps upload -p web -r v1 dist", "would be"),
    ] {
        let said = call(&dry, line, 0);
        assert!(said.contains(words), "{line}: {said}");
    }
    call(&dry, "releases restore v2", 1);
    assert_eq!(release(&serve), there);
    let all = serve.request("GET", "/api/0/organizations/acme/releases/", Value::Null).json();
    assert_eq!(all.as_array().unwrap().len(), 1);
    assert_eq!(std::fs::read(run.path("dist/app.js")).unwrap(), before);
}

/// What sentry-cli would never do is not done, as the call does not say so.
#[test]
fn a_variable_of_the_job_adds_nothing_to_a_call() {
    let serve = ServeProcess::start();
    let run = script(&serve)
        .var("FINISHLINE_DELETE_SOURCEMAPS", "true")
        .var("FINISHLINE_SOURCEMAPS_EXTENSIONS", "map")
        .var("FINISHLINE_RELEASE_PREFIX", "x@");
    write_script(&run, "dist/app.js");
    let said = call(&run, "sourcemaps upload -p web -r v1 dist", 0);
    assert!(run.path("dist/app.js.map").exists() && said.contains("1 script"), "{said}");
    call(&run, "releases new -p web v1", 0);
    assert_eq!(release(&serve)["version"], "v1");
}

/// As sentry-cli does, whatever the push was.
#[test]
fn a_call_leaves_no_file_in_the_checkout_that_nothing_asks_for() {
    let serve = ServeProcess::start();
    let run = script(&serve);
    let folder = run.path("");
    let names = || {
        let entries = std::fs::read_dir(&folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect::<BTreeSet<_>>()
    };
    let before = names();
    for (variables, folder_variable) in [
        ([("GITLAB_CI", "true"), ("CI", "true")], "CI_PROJECT_DIR"),
        ([("JENKINS_URL", "http://x.example"), ("BUILD_ID", "1")], "WORKSPACE"),
        ([("CI", "woodpecker"), ("CI_SYSTEM_NAME", "woodpecker")], "CI_WORKSPACE"),
    ] {
        let job = run.clone().var(folder_variable, folder.clone());
        let job = variables.into_iter().fold(job, |job, (name, value)| job.var(name, value));
        call(&job, "releases -p web new v1", 0);
        call(&job, "releases list", 0);
        call(&job, "releases finalize never", 1);
        assert_eq!(names(), before, "{folder_variable}");
        call(&job.var("FINISHLINE_DOTENV", "asked.env"), "releases -p web new v1", 0);
        assert!(run.text("asked.env").contains("RELEASE=v1\n"), "{}", run.text("asked.env"));
        std::fs::remove_file(run.path("asked.env")).unwrap();
    }
}

#[test]
fn local_commits_begin_where_the_release_before_ended() {
    let serve = ServeProcess::start();
    let run = script(&serve).var("SENTRY_PROJECT", "web");
    let folder = RepositoryFolder::new();
    let git = folder.repository("shop");
    let commits: Vec<_> = (1..=6).map(|number| git.commit(number, "change", &[])).collect();
    let at = |version: &str, commit: &str| {
        git.git(&["checkout", "--quiet", commit]);
        let line = format!("releases set-commits {version} --local");
        let run = run.clone().var("FINISHLINE_WORKING_DIRECTORY", &git.at);
        let event = json!({ "before": commits[4], "after": commits[5] }).to_string();
        let event = run.file("event.json", event);
        let run = run.var("GITHUB_EVENT_NAME", "push").var("GITHUB_EVENT_PATH", event);
        call(&run, &line, 0)
    };
    at("r0", &commits[1]);
    at("r1", &commits[5]);
    // What only deploys or finalizes stays with the commit that the release has.
    let elsewhere = run.clone().var("FINISHLINE_WORKING_DIRECTORY", &git.at);
    call(&elsewhere, "deploys new -r r0 -e prod", 0);
    call(&elsewhere, "releases finalize r0", 0);
    let path = "/api/0/organizations/acme/releases/r0/";
    assert_eq!(serve.request("GET", path, Value::Null).json()["ref"], commits[1].as_str());
    let path = "/api/0/organizations/acme/releases/r1/commits/";
    let sent = serve.request("GET", path, Value::Null).json();
    assert_eq!(sent.as_array().unwrap().len(), 4, "{sent}");
}

/// A forgotten checkout is no green step, as in sentry-cli.
#[test]
fn commits_that_cannot_be_read_are_a_failure_of_the_call_that_sets_them() {
    let serve = ServeProcess::start();
    let run = script(&serve).var("SENTRY_PROJECT", "web");
    call(&run, "releases new v1", 0);
    let folder = RepositoryFolder::new();
    let unborn = folder.repository("shop").at;
    let unborn = run.clone().var("FINISHLINE_WORKING_DIRECTORY", unborn);
    for how in ["", " --local", " --auto"] {
        let line = format!("releases set-commits v1{how}");
        let said = call(&run, &line, 1);
        assert!(said.contains("not inside a git checkout"), "{how}: {said}");
        let said = call(&unborn, &line, 1);
        assert!(said.contains("no commit"), "{how}: {said}");
    }
    let planned = run.clone().var("FINISHLINE_DRY_RUN", "true");
    call(&planned, "releases set-commits v1 --local", 1);
    let path = "/api/0/organizations/acme/releases/v1/commits/";
    assert_eq!(serve.request("GET", path, Value::Null).json(), json!([]));
}

#[test]
fn the_version_that_is_proposed_is_printed_alone() {
    let run = ProgramRun::local().var("SENTRY_RELEASE", "web@1.0");
    let ended =
        run.clone().args(&["sentry-cli", "releases", "propose-version"]).execute().expect(0);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("web@1.0\n", ""));
    let run = run.without("SENTRY_RELEASE");
    let folder = run.path("elsewhere");
    std::fs::create_dir(&folder).unwrap();
    git(&folder, &["init", "--quiet", "."]);
    git(&folder, &["commit", "--quiet", "--allow-empty", "--message=one"]);
    let propose = ["sentry-cli", "releases", "propose-version"];
    let named = run.clone().var("GIT_DIR", folder.join(".git").to_str().unwrap()).args(&propose);
    assert_eq!(named.execute().expect(0).stdout.trim(), git(&folder, &["rev-parse", "HEAD"]));
    let said = call(&run, "releases propose-version", 1);
    assert!(said.contains("SENTRY_RELEASE"), "{said}");
}

#[cfg(unix)]
#[test]
fn called_by_the_name_of_sentry_cli_it_is_that() {
    let run = ProgramRun::local();
    let name = run.path("sentry-cli");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_finishline"), &name).unwrap();
    let mut command = std::process::Command::new(name);
    let output = command.args(["releases", "propose-version"]).env("SENTRY_RELEASE", "v1").output();
    assert_eq!(output.unwrap().stdout, b"v1\n");
}
