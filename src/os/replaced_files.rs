//! Many files that are replaced or removed. ext4 gives the number of a file that went a moment ago to no new
//! one, and passes over all of those for each file that it makes, so that thousands of them take longer than
//! all else. Therefore what went stays open, and with it on the disk, until everything is written.

use super::descriptor;
use super::linkless;
use std::fs::File;
use std::io::{ErrorKind, Result};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// How many bytes of files that went the disk holds at most.
const MAX_SIZE: u64 = 512 << 20;

/// Files that went, which stay on the disk until this is dropped.
pub(crate) struct ReplacedFiles {
    most: usize,
    open: Mutex<OpenFiles>,
}

#[derive(Default)]
struct OpenFiles {
    files: Vec<File>,
    size: u64,
}

impl Default for ReplacedFiles {
    fn default() -> Self {
        // The other half is for whoever else opens something.
        Self { most: descriptor::raise_limit() / 2, open: Mutex::default() }
    }
}

impl ReplacedFiles {
    /// Replaces a file as [`linkless::replace`] does.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let is_full = |kind| matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        let old = match linkless::exchange(path, bytes) {
            Err(error) if is_full(error.kind()) && self.release() > 0 => {
                linkless::exchange(path, bytes)
            }
            exchanged => exchanged,
        };
        old.map(|old| old.into_iter().for_each(|old| self.keep(old)))
    }

    /// Removes a file as [`linkless::remove_if_there`] does.
    pub(crate) fn remove_if_there(&self, path: &Path) -> Result<()> {
        let old = linkless::open(path).ok();
        linkless::remove_if_there(path)?;
        old.into_iter().for_each(|old| self.keep(old));
        Ok(())
    }

    /// Lets go of all, beside whatever comes next: the disk has more to do with them than with most.
    pub(crate) fn let_go(self) {
        // Where there can be no thread, they go at once.
        drop(std::thread::Builder::new().spawn(move || drop(self)));
    }

    fn keep(&self, file: File) {
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.files.len() < self.most && open.size + size <= MAX_SIZE {
            open.size += size;
            open.files.push(file);
        }
    }

    /// Lets go of all, and says of how many.
    fn release(&self) -> usize {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *open).files.len()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_went_stays_open_as_long_as_there_is_room() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("its path");
        let replaced = ReplacedFiles { most: 2, open: Mutex::default() };
        let kept = || replaced.open.lock().expect("nobody else").files.len();
        let path = root.join("a.js");
        for (text, count) in [("f()", 0), ("g()", 1), ("h()", 2), ("i()", 2)] {
            replaced.replace(&path, text.as_bytes()).expect("a file");
            assert_eq!(kept(), count, "{text}");
            assert_eq!(linkless::read(&path, 9).expect("the file"), text.as_bytes());
        }
        assert_eq!((replaced.release(), replaced.release()), (2, 0));
        replaced.remove_if_there(&path).expect("it goes");
        replaced.remove_if_there(&path).expect("it is gone");
        assert_eq!((kept(), path.exists()), (1, false));
    }

    #[test]
    fn many_small_files_stay_open_and_no_more_than_the_disk_has_room_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("its path");
        let replaced = ReplacedFiles::default();
        assert!(replaced.most > 100, "{}", replaced.most);
        let large = File::create(root.join("large.map")).expect("a file");
        large.set_len(MAX_SIZE).expect("a file with a hole");
        replaced.keep(large);
        replaced.replace(&root.join("a.js"), b"f()").expect("a file");
        replaced.replace(&root.join("a.js"), b"g()").expect("another");
        assert_eq!(replaced.release(), 1);
    }
}
