//! The bytes of a file that is a text, by its begin.

use crate::os::linkless;
use std::io::Read;
use std::path::Path;

/// The largest file that is looked at.
pub(crate) const MAX_FILE: u64 = 128 * 1024 * 1024;
/// The bytes at the begin of a file that show whether it is a text.
const HEAD: u64 = 8 * 1024;

/// Reads a file; none where it is no text, or too large.
pub(super) fn read(file: &Path) -> Option<Vec<u8>> {
    let mut open = linkless::open(file).ok()?;
    open.metadata().ok().filter(|metadata| metadata.is_file() && metadata.len() <= MAX_FILE)?;
    let mut bytes = Vec::new();
    open.by_ref().take(HEAD).read_to_end(&mut bytes).ok()?;
    if bytes.contains(&0) {
        return None;
    }
    open.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
