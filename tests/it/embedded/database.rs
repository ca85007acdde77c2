//! The embedded backend's file when it is not one: said with the reason, and left as it was.

use crate::support::run::{ProgramRun, RunResult};
use rusqlite::Connection;
use std::path::Path;

/// The mark of our files: `finl`.
const APPLICATION_ID: i64 = 0x6669_6e6c;

fn example() -> ProgramRun {
    ProgramRun::github().embedded("example", "name: demo")
}

/// Neither a run nor a plan uses the file or changes a byte of it; what the run says.
#[track_caller]
fn assert_untouched(run: &ProgramRun) -> String {
    let bytes = || std::fs::read(run.database()).unwrap();
    let before = bytes();
    let plan = run.clone().args(&["plan"]).execute().expect(6);
    let ended = run.execute().expect(6);
    assert_eq!(message(&plan), message(&ended));
    assert!(bytes() == before, "every byte is as it was");
    message(&ended)
}

#[track_caller]
fn message(ended: &RunResult) -> String {
    assert_eq!(ended.joined(["status", "error-code", "changed"]), "error database false");
    ended.output("error-message")
}

fn make(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_folder_is_no_database() {
    let run = example();
    std::fs::create_dir(run.database()).unwrap();
    for mode in ["run", "plan"] {
        let ended = run.clone().args(&[mode]).execute().expect(6);
        assert!(message(&ended).starts_with("cannot use the database: "), "{}", ended.stderr);
    }
    assert_eq!(run.database().read_dir().unwrap().count(), 0);
}

#[test]
fn a_file_of_other_bytes_is_left_alone() {
    let run = example();
    for bytes in
        [&b"no database at all, but a text of a hundred bytes or so".repeat(3)[..], &[7; 9]]
    {
        run.file("finishline.db", bytes);
        assert_eq!(assert_untouched(&run), "cannot use the database: file is not a database");
    }
}

#[test]
fn a_database_that_is_cut_short_is_left_alone() {
    let run = example();
    run.execute().expect(0);
    let bytes = std::fs::read(run.database()).unwrap();
    run.file("finishline.db", &bytes[..bytes.len() / 3]);
    assert_eq!(assert_untouched(&run), "cannot use the database: database disk image is malformed");
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let run = example();
    let newer = "PRAGMA user_version = 99; CREATE TABLE later (id INTEGER)";
    make(&run.database(), &format!("PRAGMA application_id = {APPLICATION_ID}; {newer}"));
    let said = assert_untouched(&run);
    let words =
        format!("the database `{}` has schema version 99, but this", run.database().display());
    assert!(said.starts_with(&words), "{said}");
    let ended = run.execute();
    assert!(
        ended.stderr.contains("use the newer version of finishline that created the file"),
        "{}",
        ended.stderr
    );
}

#[test]
fn another_programs_database_is_left_alone() {
    for sql in [
        "CREATE TABLE theirs (id INTEGER)",
        "PRAGMA application_id = 7",
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 7; PRAGMA user_version = 1; CREATE TABLE integration (id INTEGER)",
    ] {
        let run = example();
        make(&run.database(), sql);
        let words =
            format!("the database `{}` belongs to another program", run.database().display());
        assert_eq!(assert_untouched(&run), words);
    }
}

#[test]
fn an_empty_file_becomes_a_database() {
    let run = example();
    run.file("finishline.db", "");
    run.clone().args(&["plan"]).execute().expect(0);
    assert_eq!(run.database().metadata().unwrap().len(), 0);
    assert_eq!(run.execute().expect(0).output("changed"), "true");
    let mark = run.rows("SELECT application_id FROM pragma_application_id");
    assert_eq!(mark, [APPLICATION_ID.to_string()]);
}

#[test]
fn the_folders_on_the_way_are_made() {
    let run = example();
    let path = run.path("a/b c/d.db");
    let run = run.var("FINISHLINE_DATABASE", &path);
    run.clone().args(&["plan"]).execute().expect(0);
    assert!(!run.path("a").exists());
    run.execute().expect(0);
    assert!(path.exists());
    run.file("file", "");
    let ended = run.var("FINISHLINE_DATABASE", "file/below.db").execute().expect(6);
    assert!(message(&ended).starts_with("cannot open the database `file/below.db`: "));
}
