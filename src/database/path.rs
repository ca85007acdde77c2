//! Where the embedded backend's file is when nobody says so.

use crate::env::Env;
use crate::error::{Error, ErrorCode, Result};
use std::path::PathBuf;

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
