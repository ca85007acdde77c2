//! Runs that come upon what never ends: each ends itself within its timeout, or at a signal, with its
//! outputs, and says what it was waiting for.

use crate::support::git_repository::git;
use crate::support::run::{ProgramRun, RunResult, RunningProgram};
use std::path::PathBuf;
use std::process::Command;

/// The result of a run that may not hang; one that does fails here.
#[track_caller]
fn ended(started: RunningProgram) -> RunResult {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || drop(sender.send(started.wait())));
    receiver.recv_timeout(std::time::Duration::from_secs(60)).expect("the run ends")
}

fn pipe(path: PathBuf) -> PathBuf {
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

/// A release in a checkout whose branch is a pipe, where nobody looks for one: in a linked folder.
fn in_a_stuck_checkout(timeout: &str) -> (ProgramRun, PathBuf) {
    let run = ProgramRun::github().embedded_release("v1").var("FINISHLINE_TIMEOUT", timeout);
    git(&run.path(""), &["init", "--quiet", "--initial-branch=main"]);
    let heads = run.path(".git/refs/heads");
    std::fs::rename(&heads, run.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(run.path("elsewhere"), heads).unwrap();
    let branch = pipe(run.path("elsewhere/main"));
    (run, branch)
}

#[test]
fn a_run_that_is_stuck_ends_at_its_deadline_and_says_in_what() {
    let (run, _) = in_a_stuck_checkout("1s");
    let ended = ended(run.start()).expect(6);
    assert_eq!(ended.joined(["status", "error-code"]), "error deadline");
    let message = ended.output("error-message");
    assert_eq!(message, "the git repository could not be read within 1s");
    assert!(ended.stderr.contains(&message), "{}", ended.stderr);
}

#[test]
fn a_signal_ends_a_run_that_is_stuck() {
    for signal in ["TERM", "INT", "HUP"] {
        let (run, branch) = in_a_stuck_checkout("600s");
        let started = run.start();
        // This is open once the program waits for what is never written.
        let writer = std::fs::OpenOptions::new().write(true).open(branch).unwrap();
        started.signal(signal);
        let ended = ended(started).expect(9);
        drop(writer);
        assert_eq!(ended.joined(["status", "error-code"]), "error cancelled", "{signal}");
        let message = ended.output("error-message");
        assert_eq!(message, "the run was cancelled by a signal while it read the git repository");
    }
}

#[test]
fn a_pipe_in_a_checkout_costs_a_release_its_commits_and_no_more() {
    let run = ProgramRun::github().embedded_release("v1").var("FINISHLINE_TIMEOUT", "600s");
    git(&run.path(""), &["init", "--quiet"]);
    pipe(run.path(".git/packed-refs"));
    let named = ended(run.start()).expect(0);
    assert!(named.stderr.contains("packed-refs` is not a regular"), "{}", named.stderr);
    let unnamed = run.without("FINISHLINE_RELEASE").var("FINISHLINE_ENVIRONMENT", "production");
    let unnamed = ended(unnamed.start()).expect(2);
    assert_eq!(unnamed.output("error-code"), "bad-release");
}

#[test]
fn a_pipe_beside_the_database_is_named() {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let run = ProgramRun::github().opsgenie().var("FINISHLINE_TIMEOUT", "600s");
        let name = format!("finishline.db{suffix}");
        pipe(run.path(&name));
        for command in ["run", "plan"] {
            // Without the file a plan opens nothing.
            if suffix.is_empty() || command == "run" {
                let ended = ended(run.clone().args(&[command]).start()).expect(6);
                assert_eq!(ended.output("error-code"), "database");
                let message = ended.output("error-message");
                assert!(message.contains(&format!("{name}`: it is not a regular")), "{message}");
            }
        }
    }
}

#[test]
fn certificates_that_never_end_are_named() {
    let run = ProgramRun::github()
        .embedded_release("v1")
        .var("FINISHLINE_BACKEND", "sentry")
        .var("FINISHLINE_URL", "https://127.0.0.1:9/")
        .var("FINISHLINE_AUTH_TOKEN", "sntryu_0123456789abcdef0123456789abcdef0123456789abcdef")
        .without("FINISHLINE_DATABASE")
        .var("FINISHLINE_TIMEOUT", "600s");
    let (fifo, folder) = (pipe(run.path("roots.pem")), run.path("roots"));
    std::fs::create_dir(&folder).unwrap();
    let huge = std::fs::File::create(folder.join("huge.pem")).unwrap();
    huge.set_len(10 << 30).unwrap();
    for (name, value, words) in [
        ("SSL_CERT_FILE", fifo, "roots.pem` is not a regular file"),
        ("SSL_CERT_FILE", "/dev/zero".into(), "/dev/zero` is not a regular file"),
        ("SSL_CERT_DIR", folder, "huge.pem` is larger than 16 MiB"),
    ] {
        let ended = ended(run.clone().var(name, value).start()).expect(6);
        let message = ended.output("error-message");
        assert!(message.contains(name) && message.contains(words), "{message}");
    }
}

#[test]
fn an_agent_that_hangs_is_left_behind_when_the_time_is_over() {
    use std::os::unix::fs::PermissionsExt;
    let run = ProgramRun::local()
        .opsgenie()
        .var("BUILDKITE", "true")
        .var("FINISHLINE_TIMEOUT", "1s")
        .var("FINISHLINE_RESULT_FILE", "result.json");
    std::fs::create_dir(run.path("bin")).unwrap();
    // By itself the first call would be done within the time that all have together.
    let agent = run.file(
        "bin/buildkite-agent",
        "#!/bin/sh\n[ -e calls ] && exit 0\necho > calls\nexec sleep 5\n",
    );
    std::fs::set_permissions(agent, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", run.path("bin").display());
    let ended = ended(run.clone().var("PATH", path).start());
    assert_eq!(ended.exit, Some(7), "{}", ended.stderr);
    assert!(ended.stderr.contains("buildkite-agent"), "{}", ended.stderr);
    assert!(run.text("calls").starts_with('\n'));
    assert!(run.text("result.json").contains("\"complete\""));
}
