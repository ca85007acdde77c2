//! The resume file of a run: read, and changed by one process at a time.

use crate::backend::sentry::Sealed;
use crate::failure::{Code, Failure};
use crate::files;
use std::path::Path;

/// What waits already.
pub(super) fn read(path: &str) -> Result<Sealed, Failure> {
    let text = files::read(path).map_err(|error| {
        Failure::new(Code::Usage, format!("cannot read `resume-file`: {error}"))
    })?;
    Sealed::read(&text)
}

/// The same, where the file may not be there yet.
pub(super) fn read_or_new(path: &str) -> Result<Sealed, Failure> {
    if Path::new(path).exists() { read(path) } else { Ok(Sealed::default()) }
}

/// Changes what waits. Another process that is at it is waited for: each keeps what the other wrote.
pub(super) fn change(
    path: &str,
    change: impl FnOnce(&mut Sealed) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let unwritable = |error| {
        Failure::new(Code::OutputsUnwritable, format!("cannot write `resume-file`: {error}"))
    };
    let _lock = files::lock(path).map_err(unwritable)?;
    let mut sealed = read_or_new(path)?;
    change(&mut sealed)?;
    files::replace_private(path, &sealed.text()).map_err(unwritable)
}
