//! Streams and outputs that lead where the run would damage something: its own inputs and database,
//! and the repository.

#![cfg(unix)]

use crate::support::run::ProgramRun;
use std::fs;
use std::process::Command;

const MANIFEST: &str =
    "version: 1\nreleases:\n- {org: acme, projects: web, release: v1, commits: none}\n";

fn manifest() -> ProgramRun {
    let run = ProgramRun::local();
    let database = run.database();
    run.file("m.yml", MANIFEST);
    run.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_DATABASE", database)
}

#[track_caller]
fn assert_refused(run: &ProgramRun, file: &str, words: &str) {
    let before = fs::read(run.path(file)).unwrap();
    let ended = run.clone().var("FINISHLINE_RESULT_FILE", "result.json").execute().expect(2);
    assert_eq!(fs::read(run.path(file)).unwrap(), before, "{file} is as it was");
    let result = fs::read_to_string(run.path("result.json")).unwrap_or_default();
    let said = format!("{}{}{result}", ended.stdout, ended.stderr);
    assert!(said.contains(words), "{said}");
}

#[test]
fn no_word_goes_into_an_input_or_the_database() {
    let named = manifest().var("FINISHLINE_MANIFEST", "m.yml");
    for redirection in [">>m.yml", "2>>m.yml", "1<>m.yml", "2<>m.yml", ">>m.yml 2>&1"] {
        let run = named.clone().redirected(redirection);
        assert_refused(&run, "m.yml", "`manifest` and standard");
    }
    let piped = manifest().var("FINISHLINE_MANIFEST", "-").redirected("<m.yml >>m.yml");
    assert_refused(&piped, "m.yml", "standard output");
    named.execute().expect(0);
    for redirection in ["2<>finishline.db", "1<>finishline.db", "2>>finishline.db"] {
        let run = named.clone().redirected(redirection);
        assert_refused(&run, "finishline.db", "`database`");
    }
    let state = ProgramRun::local().opsgenie();
    state.file("state.yml", state.variable("FINISHLINE_STATE").unwrap());
    let state = state.without("FINISHLINE_STATE").args(&["run", "--state", "state.yml"]);
    let state = state.redirected("2>>state.yml");
    assert_refused(&state, "state.yml", "state.yml");
}

#[test]
fn no_output_goes_into_standard_input_or_its_file() {
    let run = manifest().var("FINISHLINE_MANIFEST", "m.yml").redirected("<m.yml");
    for path in ["/proc/self/fd/0", "/dev/stdin", "/dev/fd/0"] {
        let before = fs::read(run.path("m.yml")).unwrap();
        run.clone().var("FINISHLINE_RESULT_FILE", path).execute().expect(2);
        assert_eq!(fs::read(run.path("m.yml")).unwrap(), before, "{path}");
    }
    run.file("other", "precious");
    let other =
        manifest().var("FINISHLINE_MANIFEST", "m.yml").var("FINISHLINE_SUMMARY", "/dev/stdin");
    other.file("other", "precious");
    let ended = other.redirected("<>other").execute().expect(2);
    assert!(ended.stderr.contains("`summary` and standard input are the same file"));
}

#[test]
fn streams_of_one_file_and_an_input_that_is_read_are_ordinary() {
    let run = manifest().var("FINISHLINE_MANIFEST", "m.yml");
    run.clone().redirected(">>log 2>&1").execute().expect(0);
    run.clone().redirected("<m.yml >log 2>log").execute().expect(0);
    run.redirected("<m.yml").var("FINISHLINE_MANIFEST", "-").execute().expect(0);
}

#[test]
fn no_output_is_a_part_of_the_repository() {
    let run = ProgramRun::local().opsgenie();
    let git = |args: &[&str]| {
        let folder = run.path("");
        assert!(Command::new("git").args(args).current_dir(folder).status().unwrap().success());
    };
    git(&["init", "-q", "."]);
    git(&["init", "-q", "--bare", "bare.git"]);
    run.file("bare.git/out.json", "");
    std::os::unix::fs::symlink(".git/HEAD", run.path("link")).unwrap();
    let head = run.text(".git/HEAD");
    let config = run.text("bare.git/config");
    for path in [
        ".git/HEAD",
        ".git/new",
        ".git/refs/heads/main",
        ".GIT/HEAD",
        "./x/../.git/HEAD",
        "link",
        "bare.git/HEAD",
        "bare.git/config",
        "bare.git/config.lock",
        "bare.git/description",
        "bare.git/refs/heads/main",
    ] {
        for input in ["RESULT_FILE", "SUMMARY", "DOTENV", "RESUME_FILE", "DATABASE"] {
            let run = run.clone().var(&format!("FINISHLINE_{input}"), path);
            let ended = run.execute().expect(2);
            assert!(ended.stderr.contains("is a part of the git repository"), "{}", ended.stderr);
            assert_eq!(
                (run.text(".git/HEAD"), run.text("bare.git/config")),
                (head.clone(), config.clone())
            );
        }
    }
    assert!(!run.path(".git/new").exists());
    // A hook works in the bare repository's folder.
    for path in ["bare.git/out.json", ".github-out", "HEAD", "config"] {
        run.clone().var("FINISHLINE_RESULT_FILE", path).execute().expect(0);
    }
}
