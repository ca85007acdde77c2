//! Where the embedded backend's file is when nobody says so.

use super::migrations;
use crate::env::Env;
use crate::error::{Error, ErrorCode, Result};
use crate::os::files;
use crate::text::quote;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The file that `database` names, else the one in the user's state folder.
pub(crate) fn resolve_path(named: Option<&str>, env: &Env) -> Result<PathBuf> {
    if let Some(path) = named {
        return Ok(PathBuf::from(path));
    }
    let below =
        |name: &str, rest: &str| env.get(name).map(|folder| PathBuf::from(folder).join(rest));
    let folder = if cfg!(windows) {
        below("LOCALAPPDATA", "finishline")
    } else {
        below("XDG_STATE_HOME", "finishline").or_else(|| below("HOME", ".local/state/finishline"))
    };
    folder.map(|folder| folder.join("finishline.db")).ok_or_else(|| {
        Error::new(ErrorCode::Usage, "no default location for the embedded backend's SQLite file")
            .with_hint("set `database` (FINISHLINE_DATABASE, --database) to a file")
    })
}

/// What the names of the database's own files end with: it, and those beside it.
pub(crate) const FILES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// What the name of the file ends with in which `serve` keeps its tokens.
pub(crate) const TOKENS_FILE: &str = ".tokens.json";

/// Whether others than its owner can read the file or one beside it, or put another in its place.
/// Nothing is said of a file that is none of ours. It reads the file, so it comes before SQLite has it
/// open in this process, or after: the end of the read would end SQLite's locks.
pub(crate) fn wide_rights(database: &Path) -> Option<String> {
    if !is_new_or_own(database) {
        return None;
    }
    let named = |suffix: &&str| beside(database, suffix);
    let of_file = FILES.iter().map(named).find_map(|file| {
        let (mode, shown) = (files::wide_rights(&file)?, quote(&file.to_string_lossy()));
        Some(format!("the database file {shown} is open to other users (mode {mode:04o}): run `chmod 600` on it"))
    });
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let of_folder = || {
        let (mode, shown) = (files::wide_rights(folder)?, quote(&folder.to_string_lossy()));
        Some(format!(
            "other users can replace the database: its folder {shown} is writable by all (mode {mode:04o})"
        ))
    };
    of_file.or_else(of_folder)
}

pub(super) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Whether the file is a database of ours, or is going to be: it is not there yet, or it is empty.
/// Until all of a new one is in it, its mark is in the file beside it.
fn is_new_or_own(database: &Path) -> bool {
    match files::read_head(database, migrations::MARKED_BYTES) {
        Ok(head) if head.is_empty() => true,
        Ok(head) => match migrations::read_mark(&head) {
            Some(0) => beside(database, "-wal").exists(),
            mark => mark == Some(migrations::APPLICATION_ID),
        },
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}
