//! Outputs that cannot be written: known before the backend is touched, and heard all the same.

#![cfg(unix)]

use crate::support::run::{ProgramRun, RunResult, SECRET};
use finishline::os::files;

fn step() -> ProgramRun {
    ProgramRun::github().opsgenie()
}

/// Exit 7 with one annotation about it, and no database.
#[track_caller]
fn assert_unwritable(run: &ProgramRun, words: &str) -> RunResult {
    let ended = run.execute().expect(7);
    let errors: Vec<_> =
        ended.commands().into_iter().filter(|command| command.name == "error").collect();
    assert_eq!(errors.len(), 1, "{}", ended.stderr);
    assert_eq!(errors[0].properties[0].1, "finishline: outputs-unwritable");
    assert!(errors[0].data.contains(words), "{}", errors[0].data);
    assert!(!run.database().exists());
    assert!(!ended.stderr.contains(SECRET));
    ended
}

#[test]
fn an_output_file_that_cannot_be_written_is_known_before_the_backend_is_touched() {
    let run = step();
    let folder = run.path("");
    run.file("file", "");
    let paths =
        [folder.clone(), "/dev/full".into(), run.path("no/such/folder"), run.path("file/below")];
    for path in paths {
        let words = format!("cannot write outputs to `{}`: ", path.display());
        assert_unwritable(&run.clone().var("GITHUB_OUTPUT", &path), &words);
    }
}

#[test]
fn an_output_file_that_is_not_named_is_an_error_on_github_alone() {
    let run = step();
    for unset in [run.clone().var("GITHUB_OUTPUT", ""), run.clone().var("GITHUB_OUTPUT", garbled())]
    {
        let ended = assert_unwritable(&unset, "GITHUB_OUTPUT is not set");
        assert!(ended.stderr.contains("set `ci: local`"), "{}", ended.stderr);
    }
    run.var("GITHUB_OUTPUT", "").var("FINISHLINE_CI", "local").execute().expect(0);
}

fn garbled() -> std::ffi::OsString {
    std::os::unix::ffi::OsStringExt::from_vec(vec![0xff])
}

#[test]
fn every_file_that_is_named_is_tried_before_the_backend_is_touched() {
    let names = ["RESULT_FILE", "DOTENV", "ANNOTATIONS", "SUMMARY"];
    for name in names.map(|name| format!("FINISHLINE_{name}")) {
        for path in ["/dev/full", "no/such/folder", "."] {
            let words = format!("cannot write outputs to `{path}`: ");
            let ended = assert_unwritable(&step().var(&name, path), &words);
            assert_eq!(
                ended.joined(["status", "error-code"]),
                "error outputs-unwritable",
                "{name}"
            );
        }
    }
    let summary = step().var("GITHUB_STEP_SUMMARY", "/dev/full");
    assert_unwritable(&summary, "cannot write outputs to `/dev/full`: ");
}

#[test]
fn gitlabs_files_are_tried_before_the_backend_is_touched() {
    let run = ProgramRun::gitlab().opsgenie().var("CI_PROJECT_DIR", "/proc/no/such/folder");
    let ended = run.execute().expect(7);
    let words = "error: cannot write outputs to `/proc/no/such/folder/finishline.env`: ";
    assert!(ended.stderr.starts_with(words), "{}", ended.stderr);
    assert!(!run.database().exists());
}

#[test]
fn a_usage_error_without_a_place_for_outputs_is_still_heard() {
    let run = step().var("GITHUB_OUTPUT", "/dev/full").args(&["run", "--orgg"]);
    let ended = run.execute().expect(7);
    assert!(ended.stderr.contains("unexpected argument '--orgg' found"), "{}", ended.stderr);
    assert!(ended.stderr.contains("cannot write outputs to `/dev/full`"), "{}", ended.stderr);
}

#[test]
fn a_stream_that_is_closed_is_no_failure() {
    for redirection in [">&-", "2>&-", ">&- 2>&-"] {
        let ended = step().redirected(redirection).execute().expect(0);
        assert_eq!(ended.joined(["status", "changed"]), "complete true");
    }
}

#[test]
fn a_reader_that_has_left_is_no_failure() {
    let mut started = step().start();
    started.close_stdout();
    assert_eq!(started.wait().expect(0).joined(["status", "changed"]), "complete true");
}

#[test]
fn a_full_standard_output_is_an_error_and_the_outputs_arrive() {
    let run = step().redirected(">/dev/full");
    let ended = run.execute().expect(7);
    assert!(ended.stderr.contains("cannot write outputs to `standard output`"), "{}", ended.stderr);
    assert_eq!(ended.joined(["status", "changed"]), "complete true");
}

#[test]
fn a_mask_that_cannot_be_registered_stops_the_run() {
    let run = step().redirected("2>/dev/full");
    let ended = run.execute().expect(7);
    assert_eq!(ended.joined(["status", "error-code"]), "error outputs-unwritable");
    assert!(!run.database().exists());
}

#[test]
fn a_file_that_is_replaced_is_never_seen_in_part() {
    let run = ProgramRun::local();
    let path = run.file("out", "old");
    files::replace(path.to_str().unwrap(), "new", None).unwrap();
    assert_eq!(run.text("out"), "new");
    let left: Vec<_> = run.path("").read_dir().unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
