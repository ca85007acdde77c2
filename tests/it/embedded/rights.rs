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
