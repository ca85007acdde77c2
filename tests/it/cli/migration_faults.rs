//! Commands that are no run and what may hold them up, or what they may not write: each says so and ends.

use crate::support::attended_run::AttendedRun;
use crate::support::run::{ProgramRun, RunningProgram};
use finishline::migration::migrate;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

fn pipe(run: &ProgramRun, name: &str) {
    assert!(Command::new("mkfifo").arg(run.path(name)).status().unwrap().success());
}

#[test]
fn a_pipe_or_a_device_is_refused_by_name_at_once() {
    let run = ProgramRun::local();
    pipe(&run, "p.yml");
    symlink("/dev/zero", run.path("zero.yml")).unwrap();
    let commands: [&[&str]; 4] = [
        &["migrate", "p.yml"],
        &["migrate", "--write", "p.yml"],
        &["migrate", "zero.yml"],
        &["serve", "--listen", "127.0.0.1:0", "--ca-file", "p.yml"],
    ];
    for command in commands {
        let ended = run.clone().args(command).execute().expect(2);
        let name = if command.contains(&"zero.yml") { "`zero.yml`" } else { "`p.yml`" };
        assert!(ended.stderr.contains(name), "{}", ended.stderr);
        assert!(ended.stderr.contains("is not a regular file"), "{}", ended.stderr);
    }
}

#[test]
fn a_file_of_defaults_that_is_none_is_refused_by_name_at_once() {
    for name in [".env", ".sentryclirc", "sentry.properties"] {
        for form in ["mkfifo $0", "ln -s /dev/zero $0", "truncate -s 10G $0", "mkdir $0"] {
            if (name, form) == (".env", "mkdir $0") {
                continue;
            }
            let run = ProgramRun::local().embedded_release("v1").var("FINISHLINE_TIMEOUT", "600s");
            let made = Command::new("sh").args(["-c", form]).arg(run.path(name)).status();
            assert!(made.unwrap().success());
            let ended = run.var("HOME", "/nonexistent").execute().expect(2);
            let words = format!("cannot read `{name}`");
            assert!(ended.stderr.contains(&words), "{form}: {}", ended.stderr);
        }
    }
}

/// Sends a signal once the program has caught those that stop it, of which SIGHUP is the last. Where the
/// system does not tell, that is taken for granted.
fn signal_when_caught(started: &RunningProgram, name: &str) {
    let status = format!("/proc/{}/status", started.id());
    let is_caught = |text: String| {
        let caught = text.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        caught.is_none_or(|bits| u64::from_str_radix(bits.trim(), 16).unwrap() & 1 == 1)
    };
    while !std::fs::read_to_string(&status).map_or(true, is_caught) {
        std::thread::yield_now();
    }
    started.signal(name);
}

#[test]
fn a_signal_ends_a_command_that_waits_and_nothing_is_written() {
    for signal in ["INT", "TERM", "HUP"] {
        for command in [
            ["migrate", "--write", "a.sh", "-"],
            ["serve", "--listen", "127.0.0.1:0", "--ca-file=-"],
        ] {
            let run = ProgramRun::local();
            run.file("a.sh", "echo\n");
            let (stdin, writer) = std::io::pipe().unwrap();
            let started = run.clone().args(&command).start_with_stdin(Stdio::from(stdin));
            signal_when_caught(&started, signal);
            let ended = started.wait().expect(9);
            drop(writer);
            assert!(ended.stderr.contains("by a signal"), "{signal}: {}", ended.stderr);
        }
    }
}

#[test]
fn a_signal_ends_the_questions_of_init() {
    let run = ProgramRun::local().args(&["init"]);
    let mut attended = AttendedRun::start(&run);
    attended.wait_for("CI host");
    attended.signal("TERM");
    let (exit, _) = attended.wait();
    assert_eq!(exit, Some(9));
    assert!(!run.path(".github").exists());
}

#[test]
fn a_link_and_a_file_that_may_not_be_written_stay_as_they_are() {
    let run = ProgramRun::local();
    let text = "sentry-cli releases new v1\n";
    let file = run.file("a.sh", text);
    symlink("a.sh", run.path("link.sh")).unwrap();
    let refused = run.clone().args(&["migrate", "--write", "link.sh"]).execute().expect(2);
    assert!(refused.stderr.contains("`link.sh`: it is a symbolic link"), "{}", refused.stderr);
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o444)).unwrap();
    let refused = run.clone().args(&["migrate", "--write", "a.sh"]).execute().expect(2);
    assert!(refused.stderr.contains("`a.sh`: it is read-only"), "{}", refused.stderr);
    assert_eq!(run.text("a.sh"), text);
    assert!(run.path("link.sh").symlink_metadata().unwrap().is_symlink());
    let shown = run.args(&["migrate", "link.sh"]).execute().expect(0);
    // The patch is that of the file, as git changes no link.
    assert!(shown.stdout.starts_with("--- a/a.sh\n+++ b/a.sh\n"), "{}", shown.stdout);
}

#[test]
fn a_patch_names_a_file_from_the_folder_that_it_is_for() {
    let run = ProgramRun::local();
    std::fs::create_dir_all(run.path("ci/sub")).unwrap();
    let file = run.file("ci/a.sh", "#!/bin/sh\nsentry-cli releases new v1\n");
    run.file("b.sh", "#!/bin/sh\nsentry-cli releases new v1\n");
    symlink("../b.sh", run.path("ci/b.sh")).unwrap();
    let migrate = |name: &str| {
        let mut command = run.clone().args(&["migrate", name]).prepared();
        command.current_dir(run.path("ci")).output().unwrap()
    };
    for name in ["a.sh", "./a.sh", "sub/../a.sh", "../ci/a.sh", &file.to_string_lossy()] {
        let patch = String::from_utf8(migrate(name).stdout).unwrap();
        assert!(patch.starts_with("--- a/a.sh\n+++ b/a.sh\n"), "{name}: {patch}");
    }
    for name in ["../b.sh", "b.sh", &run.path("b.sh").to_string_lossy()] {
        let ended = migrate(name);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{name}: {said}");
        assert!(said.contains("is not below this folder") && said.contains("--write"), "{said}");
    }
}

#[test]
fn what_is_nested_for_ever_is_refused_with_its_line() {
    let run = ProgramRun::local();
    let opened = ["\"$(", "$(", "${A:-", "${A:-\"", "\"`\"$("];
    let mut files: Vec<_> = opened
        .iter()
        .map(|part| ("a.sh", format!("\nsentry-cli releases new {}", part.repeat(50_000))))
        .collect();
    files.push(("a.yml", format!("a: sentry-cli\nb:\n  {}x\n", "- ".repeat(50_000))));
    let call = format!("sentry-cli releases new {}", "$(".repeat(50_000));
    files.push(("a.yml", format!("a:\n  script:\n    - {call}\n")));
    let package = serde_json::json!({ "scripts": { "a": call } });
    files.push(("package.json", package.to_string()));
    for (name, text) in files {
        run.file(name, &text);
        let refused = run.clone().args(&["migrate", "--write", name]).execute().expect(4);
        let words = "not translated: what begins here is nested deeper than 100 levels";
        assert!(refused.stderr.contains(words), "{name}: {}", refused.stderr);
        assert_eq!(run.text(name), text);
    }
}

#[test]
fn what_only_looks_nested_is_translated() {
    let call = "sentry-cli releases new v1\n";
    for part in ["{ ( ", "` ", "cat <<E\n", "(("] {
        let text = format!("{call}{}", part.repeat(10_000));
        let migrated = migrate("a.sh", &text);
        assert!(migrated.text.starts_with("finishline sentry-cli"), "{part}");
    }
}

#[test]
fn a_script_of_thousands_of_calls_is_done_in_the_time_that_any_run_has() {
    let call = |number| format!("          sentry-cli releases new v{number}\n");
    let calls: String = (0..4000).map(call).collect();
    let head = "on: push\njobs:\n  a:\n    env:\n      SENTRY_ORG: a\n      SENTRY_PROJECT: b\n";
    let run = ProgramRun::local();
    run.file("a.yml", format!("{head}    steps:\n      - run: |\n{calls}"));
    let refused = run.args(&["migrate", "a.yml"]).execute().expect(4);
    let named = refused.stderr.matches("not translated").count();
    assert_eq!(named, 4000);
    assert!(refused.stderr.contains("would be 4000 steps, and at most 100"));
}

#[test]
fn variables_that_double_each_other_take_no_more_room_than_the_file() {
    let lines = "V=$V$V\n".repeat(100);
    let script = format!("V=aa\n{lines}sentry-cli releases new \"$V\"\n");
    assert!(migrate("a.sh", &script).text.contains("finishline sentry-cli"));
    let words = |name: &str| format!("\"{}\"", format!("${name}").repeat(200));
    let names = ["A", "B", "C", "D", "E", "F", "G"];
    let assigned: String =
        names.windows(2).rev().map(|pair| format!("{}={}\n", pair[0], words(pair[1]))).collect();
    let lines =
        format!("G=\n{assigned}sentry-cli releases new \"$A\"\n").replace('\n', "\n          ");
    let text = format!("on: push\njobs:\n  a:\n    steps:\n      - run: |\n          {lines}\n");
    migrate("a.yml", &text).notes.iter().for_each(|note| assert!(note.message.len() < 1000));
}
