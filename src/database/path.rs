//! Where the embedded backend's file is when nobody says so.

use crate::env::Env;
use crate::error::{Error, ErrorCode, Result};
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

pub(super) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
