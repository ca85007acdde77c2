//! Who besides its owner can read the database's files.

use super::path::{FILES, beside};
use super::{DatabaseError, connect, migrations};
use crate::os::files;
use crate::text::quote;
use std::io::ErrorKind;
use std::path::Path;

/// Whether others than its owner can read the file or one beside it, or put another in its place.
/// Nothing is said of a file that is none of ours.
pub(crate) fn wide_rights(database: &Path) -> Option<String> {
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
    // Whose file it is costs more to know, and matters only where something is to be said.
    of_file.or_else(of_folder).filter(|_| is_new_or_own(database))
}

/// Whether the file is a database of ours, or is going to be: it is not there yet, or it is empty.
///
/// SQLite itself reads it. Whoever else opens the file and closes it takes away the locks that this
/// process has on it, and the next program that looks into it takes the log of its changes away.
fn is_new_or_own(database: &Path) -> bool {
    match database.metadata() {
        Err(error) => error.kind() == ErrorKind::NotFound,
        Ok(metadata) => {
            let version = || migrations::version(&connect(database)?, database);
            metadata.is_file() && matches!(version(), Ok(_) | Err(DatabaseError::Newer { .. }))
        }
    }
}
