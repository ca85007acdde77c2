//! The resume file of a run: read, and changed by one process at a time.

use crate::backend::sentry::ResumeFile;
use crate::error::{Error, ErrorCode, Result};
use crate::os::awaited::AwaitedResource;
use crate::os::files;
use std::path::Path;

/// What waits already.
pub(crate) fn read(path: &str) -> Result<ResumeFile> {
    let text = files::read(path).map_err(|error| {
        Error::new(ErrorCode::Usage, format!("cannot read `resume-file`: {error}"))
    })?;
    ResumeFile::read(&text)
}

/// The same, where the file may not be there yet.
pub(crate) fn read_or_default(path: &str) -> Result<ResumeFile> {
    if Path::new(path).exists() { read(path) } else { Ok(ResumeFile::default()) }
}

/// Whether what will wait can be kept, which is said before anything begins: the file is that of others
/// that wait, or none.
pub(crate) fn check(path: &str, is_written: bool) -> Result {
    read_or_default(path)?;
    if !is_written {
        return Ok(());
    }
    let file = Path::new(path);
    let checked = files::check_no_device(file.symlink_metadata());
    checked.and_then(|()| files::check_replaceable(file)).map_err(|error| unwritable(&error))
}

/// Changes what waits. Another process that is at it is waited for: each keeps what the other wrote.
pub(crate) fn update(path: &str, change: impl FnOnce(&mut ResumeFile) -> Result) -> Result {
    let awaited = AwaitedResource::ResumeFileLock.enter();
    let _lock = files::lock(path).map_err(|error| unwritable(&error))?;
    drop(awaited);
    let mut sealed = read_or_default(path)?;
    change(&mut sealed)?;
    files::replace_private(path, &sealed.text()).map_err(|error| unwritable(&error))
}

fn unwritable(error: &std::io::Error) -> Error {
    Error::new(ErrorCode::OutputsUnwritable, format!("cannot write `resume-file`: {error}"))
}
