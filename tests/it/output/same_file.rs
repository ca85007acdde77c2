//! No output is another file of the run, by whatever name: nothing that a run reads or keeps is
//! overwritten, and the message names both.

#![cfg(unix)]

use crate::support::run::{ProgramRun, STATE};
use finishline::output::paths::RunPaths;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

fn laptop() -> ProgramRun {
    let run = ProgramRun::local().opsgenie();
    let database = run.database();
    run.without("FINISHLINE_STATE").var("FINISHLINE_DATABASE", database)
}

/// Exit 2 with both names, and the file as it was.
#[track_caller]
fn assert_spared(run: &ProgramRun, file: &str, names: [&str; 2]) {
    let before = fs::read(run.path(file)).ok();
    let ended = run.execute().expect(2);
    assert!(names.iter().all(|name| ended.stderr.contains(name)), "{names:?}: {}", ended.stderr);
    assert!(ended.stderr.contains("are the same file"), "{}", ended.stderr);
    assert_eq!(fs::read(run.path(file)).ok(), before, "{file} is as it was");
}

/// Every way to name a file of a folder, there or not yet.
fn ways(folder: &Path, name: &str) -> Vec<String> {
    let [inner, linked] = ["inner", "linked"].map(|one| folder.join(one));
    fs::create_dir_all(&inner).unwrap();
    drop(symlink(folder, &linked));
    drop(symlink(folder.join(name), folder.join("link")));
    drop(symlink("link", folder.join("link-of-link")));
    let folder = folder.display();
    let mut ways = vec![
        format!("{folder}/{name}"),
        format!("{folder}/./{name}"),
        format!("{folder}/inner/../{name}"),
        format!("{folder}//linked/{name}"),
        format!("{folder}/linked/inner/../{name}"),
        format!("{folder}/link"),
        format!("{folder}/link-of-link"),
    ];
    if Path::new(&ways[0]).exists() {
        let hard = format!("{folder}/hard");
        fs::hard_link(&ways[0], &hard).unwrap();
        ways.push(hard);
    }
    ways
}

#[test]
fn one_file_is_known_by_all_of_its_names_there_or_not_yet() {
    for is_there in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        if is_there {
            fs::write(&file, "").unwrap();
        }
        let ways = ways(folder.path(), "file");
        for (one, other) in ways.iter().flat_map(|one| ways.iter().map(move |other| (one, other))) {
            let paths = RunPaths::default();
            paths.add_store("database", one, &["-wal"]);
            let paths = paths.with_outputs([("summary", other.as_str())].into_iter());
            let message = paths.conflict().map(|conflict| conflict.message).unwrap_or_default();
            assert_eq!(message, "`summary` and `database` are the same file", "{one} {other}");
            assert_eq!(paths.conflicting_outputs(), std::slice::from_ref(other));
        }
    }
}

#[test]
fn what_is_read_may_be_read_twice_and_two_files_are_two() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let paths = RunPaths::default();
    paths.add_input("manifest", &path("a"));
    paths.add_input("ca-file", &path("a"));
    paths.add_store("database", &path("b"), &["-wal"]);
    let outputs = [path("c"), path("A"), path("b.json"), path("b-wal2")];
    let outputs = outputs.iter().map(|path| ("dotenv", path.as_str()));
    let nothing = ["/dev/null", "/dev/./null"].map(|path| ("summary", path));
    let paths = paths.with_outputs(outputs.chain(nothing));
    assert_eq!(paths.conflict().map(|conflict| conflict.message), None);
}

#[test]
fn no_output_is_the_database_or_what_is_beside_it() {
    let run = laptop().var("FINISHLINE_STATE", STATE);
    run.execute().expect(0);
    for (way, _) in ways(&run.path(""), "finishline.db").iter().zip(0..) {
        let output = run.clone().var("FINISHLINE_RESULT_FILE", way);
        assert_spared(&output, "finishline.db", ["`result-file`", "`database`"]);
    }
    for beside in ["-wal", "-shm", "-journal", ".tokens.json"] {
        let output = run.clone().var("FINISHLINE_DOTENV", format!("finishline.db{beside}"));
        assert_spared(&output, &format!("finishline.db{beside}"), ["`dotenv`", "`database`"]);
    }
    let held = run.clone().redirected("9<>finishline.db").var("FINISHLINE_SUMMARY", "/dev/fd/9");
    assert_spared(&held, "finishline.db", ["`summary`", "`database`"]);
}

#[test]
fn no_output_is_the_database_that_nobody_names() {
    let run = laptop().var("FINISHLINE_STATE", STATE).without("FINISHLINE_DATABASE");
    run.execute().expect(0);
    let file = ".local/state/finishline/finishline.db";
    let output = run.clone().var("FINISHLINE_RESULT_FILE", file);
    assert_spared(&output, file, ["`result-file`", "`database`"]);
    // A run that goes to a Sentry spares it too.
    let output = output.var("FINISHLINE_BACKEND", "sentry").var("SENTRY_AUTH_TOKEN", "t");
    assert_spared(&output, file, ["`result-file`", "`database`"]);
}

/// Runs that each read a file, with the file and what messages call it.
fn reading(run: &ProgramRun) -> [(ProgramRun, &'static str, &'static str); 9] {
    let state = |file: &str| run.clone().args(&["run", "--state", file]);
    let orgless = run.clone().without("FINISHLINE_ORG");
    let manifest = |file: &str| {
        orgless.clone().without("FINISHLINE_PROVIDER").var("FINISHLINE_MANIFEST", file)
    };
    [
        (state("fields.yml"), "fields.yml", "`fields.yml`"),
        (state("state.yml"), "key", "`key`"),
        (state("state.yml").without("FINISHLINE_ORG"), ".sentryclirc", ".sentryclirc`"),
        // Also where the run fails for another reason.
        (state("binary"), "binary", "`binary`"),
        (run.clone().var("FINISHLINE_CA_FILE", "ca.pem"), "ca.pem", "`ca-file`"),
        (manifest("finishline.yml"), "finishline.yml", "`manifest`"),
        (manifest("finishline.yml"), "key", "`key`"),
        (manifest("broken.yml"), "broken.yml", "`manifest`"),
        (orgless.args(&["import"]), ".sentryclirc", ".sentryclirc`"),
    ]
}

#[test]
fn no_output_is_a_file_that_is_read() {
    let run = laptop();
    run.file("fields.yml", STATE);
    run.file("key", "s3cr3t-key\n");
    run.file(".sentryclirc", "[defaults]\norg=acme\n");
    let state = STATE.replace("s3cr3t-key", "\"@key\"");
    run.file("state.yml", &state);
    let entry = format!("integrations:\n- provider: opsgenie\n  org: acme\n  state: {state}\n");
    run.file("finishline.yml", entry);
    run.file("broken.yml", "integrations: [\n");
    run.file("binary", b"\xff\xfe");
    run.file("ca.pem", "no certificate");
    let release = ProgramRun::github().embedded_release("v1").var("HOME", run.path(""));
    let event = release.file("event.json", "{}");
    for (run, file, name) in reading(&run) {
        for input in ["result-file", "summary"] {
            let variable = format!("FINISHLINE_{}", input.replace('-', "_").to_uppercase());
            let run = run.clone().var(&variable, file).var("FINISHLINE_DRY_RUN", "true");
            assert_spared(&run, file, [&format!("`{input}`"), name]);
        }
    }
    let of_event = release.var("GITHUB_EVENT_PATH", &event).var("FINISHLINE_DOTENV", &event);
    assert_spared(&of_event, "event.json", ["`dotenv`", "`GITHUB_EVENT_PATH`"]);
}

#[test]
fn no_output_is_the_resume_file_its_lock_another_output_or_a_stream() {
    let run = laptop().var("FINISHLINE_STATE", STATE);
    run.file("rf", "{\"schema\":1,\"waiting\":{\"a\":\"b\"}}");
    let resume = run.clone().var("FINISHLINE_RESUME_FILE", "rf");
    let both = ["`result-file`", "`resume-file`"];
    assert_spared(&resume.clone().var("FINISHLINE_RESULT_FILE", "rf"), "rf", both);
    assert_spared(&resume.clone().var("FINISHLINE_RESULT_FILE", "rf.lock"), "rf.lock", both);
    let database = resume.var("FINISHLINE_DATABASE", "rf");
    assert_spared(&database, "rf", ["`database`", "`resume-file`"]);
    let two = run.clone().var("FINISHLINE_RESULT_FILE", "out").var("FINISHLINE_SUMMARY", "./out");
    assert_spared(&two, "out", ["`result-file`", "`summary`"]);
    run.file("log", "");
    let stream = run.clone().redirected(">>log").var("FINISHLINE_RESULT_FILE", "log");
    assert_spared(&stream, "log", ["`result-file`", "standard output"]);
    // By its own name a stream is meant as such.
    let named = run.redirected(">>log").var("FINISHLINE_RESULT_FILE", "/dev/stdout");
    named.execute().expect(0);
    assert!(named.text("log").contains("\"status\":\"complete\""), "{}", named.text("log"));
}
