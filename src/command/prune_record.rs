//! The file of the record of a manifest that prunes: reading it, and writing it whole.

use super::{Command, RunContext};
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::Inputs;
use crate::manifest::ManagedRecord;
use crate::os::files;
use crate::text::quote;
use std::io::ErrorKind;
use std::path::Path;

/// The largest record that is read.
const MAX_RECORD: u64 = 32 << 20;

impl RunContext<'_> {
    /// The record, or why there is none, with what to do.
    pub(super) fn read_record(
        &self,
        base: &Inputs,
        file: &str,
        path: &str,
    ) -> Result<ManagedRecord, (String, &'static str)> {
        // Nor is there a place beside a descriptor that has a name.
        if file == "-" || is_descriptor(Path::new(file)) {
            let why = "the manifest is standard input or a pipe".to_owned();
            return Err((why, "set `manifest` to a file"));
        }
        let path = &*record_file(path)?;
        self.sinks.keep(path);
        if matches!(self.command, Command::Run | Command::Resume) && !base.dry_run {
            files::check_replaceable(Path::new(path)).map_err(|error| {
                (format!("it cannot be written: {error}"), "check the rights of its folder")
            })?;
        }
        match files::read_regular(Path::new(path), MAX_RECORD) {
            Ok(bytes) => ManagedRecord::read(&String::from_utf8_lossy(&bytes)).map_err(|why| {
                (why, "restore it from version control, or delete it: then nothing is pruned")
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(ManagedRecord::new(Vec::new())),
            Err(error) => Err((error.to_string(), "check the file")),
        }
    }
}

/// Whether a path stands for an open stream, as `/dev/stdin` does.
fn is_descriptor(path: &Path) -> bool {
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    folder.is_some_and(|folder| folder == Path::new("/dev") || folder.starts_with("/proc"))
}

/// The file that the record is, also where a link leads to it, as into the cache of a host.
fn record_file(path: &str) -> Result<String, (String, &'static str)> {
    if !Path::new(path).is_symlink() {
        return Ok(path.to_owned());
    }
    let lost = |why: String| (why, "remove the link, or put the record where it leads");
    let file = Path::new(path).canonicalize();
    let file = file.map_err(|error| lost(format!("it is a link that leads nowhere: {error}")))?;
    file.into_os_string().into_string().map_err(|_| lost("its path is not UTF-8".to_owned()))
}

/// Writes the record, whole.
pub(super) fn write_record(path: &str, text: &str) -> std::io::Result<()> {
    match record_file(path) {
        Ok(file) => files::replace(&file, text, None),
        Err((why, _)) => Err(std::io::Error::other(why)),
    }
}

/// The failure of a run that could not write the record.
pub(super) fn record_failure(path: &str, error: &std::io::Error) -> Error {
    let message = format!("cannot write the record {}: {error}", quote(path));
    Error::new(ErrorCode::OutputsUnwritable, message)
}
