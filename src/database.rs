//! Where the embedded backend's file is when nobody says so.

use crate::env::Env;
use crate::failure::{Code, Failure};
use std::path::PathBuf;

/// The file that `database` names, else the one in the user's state folder.
///
/// # Errors
///
/// The environment names no such folder.
pub(crate) fn path(named: Option<&str>, env: &Env) -> Result<PathBuf, Failure> {
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
        Failure::new(Code::Usage, "there is no place for the embedded backend's file")
            .hint("name a file with `database` (FINISHLINE_DATABASE, --database)")
    })
}
