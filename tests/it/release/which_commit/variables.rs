//! Where the step runs: a hook on the server, git's variables, and `working-directory`.

use super::super::commits::{head, on_file};
use super::ShapedJob;
use super::story::StoryCommits;
use crate::support::git_repository::git;
use crate::support::run::ProgramRun;

/// A laptop or server with a story in `work` and a mirror of it beside.
fn server() -> (ProgramRun, StoryCommits) {
    let run = ProgramRun::local();
    let commits = StoryCommits::new(&run.path("work"));
    git(&run.path("work"), &["checkout", "--quiet", "main"]);
    git(&run.path(""), &["clone", "--quiet", "--bare", "work", "server.git"]);
    let run = on_file(run).without("FINISHLINE_RELEASE").var("FINISHLINE_BACKEND", "embedded");
    (run.var("FINISHLINE_DEPLOY", "false"), commits)
}

/// Git starts the hook in the repository that was pushed to, with `GIT_DIR=.`.
#[cfg(unix)]
#[test]
fn a_hook_of_the_server_releases_the_commit_of_the_tag() {
    use std::os::unix::fs::PermissionsExt;
    let (run, commits) = server();
    let hook = format!(
        "#!/bin/sh\nexport FINISHLINE_DATABASE={} FINISHLINE_ORG=acme FINISHLINE_PROJECTS=web\n\
         exec {} run --backend embedded --deploy=false --release v1 --commits local >&2\n",
        run.database().display(),
        env!("CARGO_BIN_EXE_finishline"),
    );
    std::fs::create_dir(run.path("server.git/hooks")).unwrap();
    let hook = run.file("server.git/hooks/post-receive", hook);
    std::fs::set_permissions(hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    git(&run.path("work"), &["push", "--quiet", "../server.git", "v1", "main:other"]);
    assert_eq!(
        run.rows("SELECT version || ' ' || ref FROM release"),
        [format!("v1 {}", commits.old)]
    );
    assert_eq!(run.rows("SELECT count(*) FROM release_commit"), ["1"]);
}

#[test]
fn a_release_of_a_bare_repository_is_that_of_the_tag_that_it_names() {
    for version in ["v1", "refs/tags/v1"] {
        let (run, commits) = server();
        let run = run.var("FINISHLINE_WORKING_DIRECTORY", "server.git");
        run.clone().var("FINISHLINE_RELEASE", version).execute().expect(0);
        assert_eq!(run.rows("SELECT ref FROM release"), [commits.old], "{version}");
    }
    let (run, commits) = server();
    let run = run.var("FINISHLINE_WORKING_DIRECTORY", "server.git");
    run.clone().var("FINISHLINE_RELEASE", "2026.11").execute().expect(0);
    assert_eq!(run.rows("SELECT ref FROM release"), [commits.base]);
}

#[test]
fn a_checkout_is_what_was_built_whatever_tag_has_the_releases_name() {
    let (run, commits) = server();
    let run = run.var("FINISHLINE_WORKING_DIRECTORY", "work").var("FINISHLINE_RELEASE", "v1");
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT ref FROM release"), [commits.base]);
}

#[test]
fn a_variable_of_gits_that_leads_nowhere_is_named() {
    for (name, words) in [
        ("GIT_DIR", "GIT_DIR is `nowhere`, which is no git repository"),
        ("GIT_OBJECT_DIRECTORY", "GIT_OBJECT_DIRECTORY is `nowhere`, which is no folder"),
    ] {
        let (run, _) = server();
        let run = run.var("FINISHLINE_WORKING_DIRECTORY", "work").var("FINISHLINE_RELEASE", "v1");
        let ended = run.var(name, "nowhere").var("FINISHLINE_COMMITS", "local").execute();
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[test]
fn an_empty_variable_of_gits_is_none() {
    let (run, commits) = server();
    let run = run.var("FINISHLINE_WORKING_DIRECTORY", "work").var("GIT_DIR", "");
    run.clone().var("GIT_OBJECT_DIRECTORY", "").execute().expect(0);
    assert_eq!(run.rows("SELECT ref FROM release"), [commits.base]);
}

#[test]
fn relative_paths_start_from_the_working_directory() {
    for flag in ["--working-directory", "--working_directory"] {
        let (run, commits) = server();
        let run = run.var("FINISHLINE_DATABASE", "here.db").args(&["run", flag, "work"]);
        let run = run.var("FINISHLINE_RESULT_FILE", "result.json");
        let run = run.var("FINISHLINE_SUMMARY", "summary.md");
        run.execute().expect(0);
        for file in ["here.db", "result.json", "summary.md"] {
            assert!(run.path("work").join(file).is_file() && !run.path(file).exists(), "{file}");
        }
        let result: serde_json::Value =
            serde_json::from_str(&run.text("work/result.json")).unwrap();
        assert_eq!(result["release"]["version"], commits.base.as_str());
    }
}

#[test]
fn a_manifest_and_the_files_that_flags_name_are_looked_for_there() {
    let (run, commits) = server();
    let manifest =
        "version: 1\nreleases:\n  - org: acme\n    projects: [web]\n    commits: local\n";
    run.file("work/finishline.yml", manifest);
    run.file("work/token", "unused");
    let run = run.without("FINISHLINE_ORG").without("FINISHLINE_PROJECTS");
    let run = run.without("FINISHLINE_DEPLOY").var("FINISHLINE_MANIFEST", "finishline.yml");
    let run = run.args(&["run", "--working-directory=work", "--github-token-file=token"]);
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT ref FROM release"), [commits.base]);
}

#[test]
fn a_working_directory_that_is_not_there_is_a_mistake_that_is_named() {
    let (run, _) = server();
    let ended = run.var("FINISHLINE_WORKING_DIRECTORY", "nowhere").execute().expect(2);
    let words = "cannot use `nowhere` as working directory";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert!(ended.stderr.contains("FINISHLINE_WORKING_DIRECTORY"), "{}", ended.stderr);
}

#[test]
fn the_hosts_files_stay_where_the_host_has_them() {
    let job = ShapedJob::new(|folder| folder.place("a subfolder"));
    job.at("push").without("FINISHLINE_FORMAT").execute().expect(0);
    assert!(job.run.text("out").contains(&head(&job.run.path("work"))));
}
