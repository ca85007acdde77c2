//! A database that others can read, or put another in the place of, is said.

#![cfg(unix)]

use crate::support::run::ProgramRun;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

fn set(path: &std::path::Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_database_with_wider_rights_than_ours_is_said() {
    let run = ProgramRun::github().opsgenie();
    let quiet = run.execute().expect(0);
    assert!(!quiet.stderr.contains("database-rights"), "{}", quiet.stderr);
    for mode in [0o644, 0o640, 0o602] {
        set(&run.database(), mode);
        let ended = run.execute().expect(0);
        let words = format!("is open to other users (mode {mode:04o})");
        assert!(ended.stderr.contains(&words), "{}", ended.stderr);
        assert!(ended.stderr.contains("database-rights"), "{}", ended.stderr);
    }
    set(&run.database(), 0o600);
    set(&run.path(""), 0o777);
    let ended = run.execute().expect(0);
    assert!(ended.stderr.contains("other users can replace the database"), "{}", ended.stderr);
    set(&run.path(""), 0o1777);
    assert!(!run.execute().expect(0).stderr.contains("database-rights"));
}

#[test]
fn a_file_that_is_none_of_ours_is_not_judged() {
    let run = ProgramRun::github().opsgenie();
    let foreign = run.path("foreign.db");
    rusqlite::Connection::open(&foreign).unwrap().execute("CREATE TABLE t (a)", []).unwrap();
    let files = [
        std::path::PathBuf::from("/dev/null"),
        foreign,
        run.file("notes", "a text"),
        run.file("long", "x".repeat(100)),
    ];
    for file in files {
        if file.starts_with(run.path("")) {
            set(&file, 0o644);
        }
        let name = file.to_str().unwrap();
        let ended = ProgramRun::github().opsgenie().args(&["--database", name]).execute();
        assert_ne!(ended.exit, Some(0), "{name}");
        assert!(!ended.stderr.contains("chmod"), "{name}: {}", ended.stderr);
    }
}
