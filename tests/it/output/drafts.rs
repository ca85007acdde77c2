//! A file that is replaced: its draft has a name that nobody knows, and what a kill leaves of one is in
//! nobody's way.

#![cfg(unix)]

use crate::support::run::ProgramRun;
use finishline::os::files;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn replace(path: &Path, text: &str) {
    files::replace(path.to_str().unwrap(), text, None).unwrap();
}

#[test]
fn a_file_that_is_replaced_keeps_its_rights_and_leaves_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    for kept in [0o600, 0o640, 0o666, 0o755] {
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
        replace(&path, "new");
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("new", kept));
    }
    files::replace_private(path.to_str().unwrap(), "s3cr3t").unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}

#[test]
fn a_link_is_replaced_and_what_it_leads_to_stays() {
    let folder = tempfile::tempdir().unwrap();
    let [link, victim] = ["link", "victim"].map(|name| folder.path().join(name));
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, &link).unwrap();
    replace(&link, "new");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(link.symlink_metadata().unwrap().is_file());
}

/// Every name that a draft of an earlier version had.
#[test]
fn planted_links_and_leftovers_of_drafts_are_neither_followed_nor_in_the_way() {
    let run = ProgramRun::local().opsgenie();
    let victim = run.file("victim", "precious");
    let result = run.path("result.json");
    let resume = run.path("resume.json");
    // The process that is started next has one of these numbers.
    let next = std::process::id();
    for number in next..next + 4000 {
        for path in [&result, &resume] {
            symlink(&victim, format!("{}.{number}.tmp", path.display())).unwrap();
        }
    }
    run.clone().var("FINISHLINE_RESULT_FILE", &result).execute().expect(0);
    files::replace_private(resume.to_str().unwrap(), "{}").unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert_eq!(result.symlink_metadata().unwrap().nlink(), 1);
}
