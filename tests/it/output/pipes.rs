//! What may wait for ever: a pipe that nobody reads or writes, as an input, an output or a stream. The
//! run ends at its deadline all the same, and tells it wherever it can.

#![cfg(target_os = "linux")]

use crate::support::run::{ProgramRun, RunResult, RunningProgram, STATE};
use std::path::PathBuf;
use std::process::Command;

fn pipe(run: &ProgramRun, name: &str) -> PathBuf {
    let path = run.path(name);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

fn step() -> ProgramRun {
    ProgramRun::github().opsgenie().var("FINISHLINE_TIMEOUT", "1s")
}

/// The result of a run that may not be waited for longer than it promises; a hang fails, too.
#[track_caller]
fn ended(started: RunningProgram) -> RunResult {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || drop(sender.send(started.wait())));
    receiver.recv_timeout(std::time::Duration::from_secs(60)).expect("the run ends")
}

#[test]
fn an_input_that_never_comes_ends_the_run_at_its_deadline() {
    let run = step();
    let path = pipe(&run, "input");
    let state = STATE.replace("s3cr3t-key", "\"@input\"");
    let started: Vec<_> = [
        run.clone().args(&["run", "--state", "input"]),
        run.clone().var("FINISHLINE_STATE", state),
        run.clone().var("FINISHLINE_CA_FILE", &path),
        run.clone()
            .without("FINISHLINE_PROVIDER")
            .without("FINISHLINE_STATE")
            .without("FINISHLINE_ORG")
            .var("FINISHLINE_MANIFEST", &path),
    ]
    .iter()
    .map(ProgramRun::start)
    .collect();
    for started in started {
        let ended = ended(started).expect(2);
        assert_eq!(ended.output("status"), "error");
        assert!(ended.stderr.contains("timed out"), "{}", ended.stderr);
    }
    // What adds to a run, and is not needed for it, is done without.
    let release = ProgramRun::github().embedded_release("v1").var("FINISHLINE_TIMEOUT", "1s");
    let started = release.var("GITHUB_EVENT_PATH", &path).start();
    let ended = ended(started);
    assert!(ended.stderr.contains("cannot read the event of the job"), "{}", ended.stderr);
    assert!(matches!(ended.exit, Some(0 | 6)), "{}", ended.stderr);
}

#[test]
fn a_signal_ends_the_wait_for_an_input() {
    for signal in ["TERM", "INT", "HUP"] {
        let run = step().var("FINISHLINE_TIMEOUT", "600s");
        pipe(&run, "input");
        // Its writer comes once the program waits, and writes nothing.
        let script = "exec 3>input; : > ready; exec sleep 60";
        let mut writer =
            Command::new("sh").args(["-c", script]).current_dir(run.path("")).spawn().unwrap();
        let started = run.clone().args(&["run", "--state", "input"]).start();
        while !run.path("ready").exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        started.signal(signal);
        let ended = ended(started);
        drop(writer.kill());
        drop(writer.wait());
        assert_eq!(ended.exit, Some(9), "{signal}: {}", ended.stderr);
        assert_eq!(ended.joined(["status", "error-code"]), "error cancelled");
    }
}

#[test]
fn an_input_that_comes_through_a_pipe_is_read_whole() {
    let run = step();
    pipe(&run, "input");
    let text = run.path("text");
    std::fs::write(&text, STATE).unwrap();
    let mut writer = Command::new("sh")
        .args(["-c", "sleep 0.2; cat text > input"])
        .current_dir(run.path(""))
        .spawn()
        .unwrap();
    run.args(&["run", "--state", "input"]).execute().expect(0);
    assert!(writer.wait().unwrap().success());
}

#[test]
fn outputs_that_nobody_takes_hold_no_run_and_the_others_arrive() {
    let run = step();
    let path = pipe(&run, "stuck");
    let names = ["RESULT_FILE", "DOTENV", "ANNOTATIONS", "SUMMARY"];
    let named = names.map(|name| run.clone().var(&format!("FINISHLINE_{name}"), &path));
    let host = run.clone().var("GITHUB_STEP_SUMMARY", &path);
    let started: Vec<_> = named.iter().chain([&host]).map(ProgramRun::start).collect();
    for started in started {
        let ended = ended(started).expect(7);
        // The integration is there, and the host is told so.
        assert_eq!(ended.output("status"), "complete", "{}", ended.stderr);
        assert!(ended.stderr.contains("stuck"), "{}", ended.stderr);
    }
    let started = run.var("GITHUB_OUTPUT", &path).start();
    assert_eq!(ended(started).exit, Some(7));
}

#[test]
fn a_stream_that_nobody_reads_holds_no_run_and_the_outputs_arrive() {
    // Both are full before the run begins, and their reader never reads.
    let full = |name: &str, stream: &str| format!("{stream}>{name}");
    for (stream, exit) in [("1", 7), ("2", 7)] {
        let run = step();
        pipe(&run, "stuck");
        let mut holder = Command::new("sh")
            .args(["-c", "exec 3<>stuck; dd if=/dev/zero of=stuck bs=4096 oflag=nonblock 2>/dev/null; : > full; sleep 60"])
            .current_dir(run.path(""))
            .spawn()
            .unwrap();
        while !run.path("full").exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let ended = ended(run.redirected(&full("stuck", stream)).start());
        drop(holder.kill());
        drop(holder.wait());
        assert_eq!(ended.exit, Some(exit), "{stream}: {}", ended.stderr);
        assert!(ended.output("status") == if stream == "1" { "complete" } else { "error" });
    }
}

#[test]
fn a_full_disk_behind_a_stream_ends_no_run_early() {
    for redirection in [">/dev/full", "2>/dev/full", ">/dev/full 2>&1"] {
        let ended =
            ended(step().redirected(redirection).var("FINISHLINE_LOG_LEVEL", "trace").start());
        assert_eq!(ended.exit, Some(7), "{redirection}: {}", ended.stderr);
        assert!(!ended.output("status").is_empty());
    }
    // Where nothing is masked, the log may be lost.
    let local = ProgramRun::local()
        .opsgenie()
        .redirected("2>/dev/full")
        .var("FINISHLINE_LOG_LEVEL", "trace");
    local.execute().expect(0);
}
