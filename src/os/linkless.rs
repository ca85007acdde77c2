//! Files of a folder in which others may write while we work. Every folder on the way is opened from the
//! one above it, and no link is followed: nothing is read from another place, and nothing lands there.
//! Paths are those without links that a walk found; what is a link now was swapped for it since.

use super::{files, random::random_hex};
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, openat, renameat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Error, ErrorKind, Result, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

/// How a folder is opened: to go through it, whether or not it may be listed.
#[cfg(target_os = "linux")]
const WAY: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const WAY: OFlags = OFlags::RDONLY;

const FOLDER: OFlags = WAY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// How a file is opened: a pipe in its place does not hold us up.
const FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// What the name of a draft begins and ends with.
const DRAFT_BEGIN: &str = ".finishline-";
const DRAFT_END: &str = ".tmp";
/// Who writes a draft holds it, as long as the process lives.
const LOCK: FlockOperation = FlockOperation::NonBlockingLockExclusive;

/// A file by its name in a folder that is open.
struct FilePlace<'a> {
    folder: OwnedFd,
    name: &'a OsStr,
}

/// Reads a regular file of at most that many bytes.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    files::read_open(open(path)?, most)
}

/// Opens a file to be read.
pub(crate) fn open(path: &Path) -> Result<File> {
    let path = absolute(path)?;
    match open_at_once(&path, FILE) {
        Some(file) => Ok(file?.into()),
        None => FilePlace::of(&path)?.open(),
    }
}

/// Replaces a file whole, by a draft beside it. Its rights stay.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    exchange(path, bytes).map(drop)
}

/// Replaces a file, and gives the old one.
pub(crate) fn exchange(path: &Path, bytes: &[u8]) -> Result<Option<File>> {
    let place = FilePlace::of(path)?;
    files::check_no_device(path.symlink_metadata())?;
    let (mut file, draft) = create_draft(&place.folder)?;
    let written = file.write_all(bytes).and_then(|()| {
        let old = place.open().ok();
        let metadata = old.as_ref().and_then(|old| old.metadata().ok());
        files::keep_rights(&file, metadata.filter(std::fs::Metadata::is_file).as_ref())?;
        renameat(&place.folder, &draft, &place.folder, place.name)?;
        Ok(old)
    });
    if written.is_err() {
        // It is the first failure that counts.
        unlinkat(&place.folder, &draft, AtFlags::empty()).ok();
    }
    written
}

/// Removes a file; that it is not there is right, too.
pub(crate) fn remove_if_there(path: &Path) -> Result<()> {
    let removed = FilePlace::of(path)
        .and_then(|place| Ok(unlinkat(&place.folder, place.name, AtFlags::empty())?));
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Whether a file has the name of a draft.
pub(crate) fn is_draft(name: &str) -> bool {
    let random = name.strip_prefix(DRAFT_BEGIN).and_then(|rest| rest.strip_suffix(DRAFT_END));
    random.is_some_and(|text| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Removes a draft that a process left when it was killed; that of one at work stays.
pub(crate) fn remove_abandoned(draft: &Path) -> Result<()> {
    let place = FilePlace::of(draft)?;
    let file = place.open()?;
    match flock(&file, LOCK) {
        Err(Errno::WOULDBLOCK) => Ok(()),
        result => Ok(result.and_then(|()| unlinkat(&place.folder, place.name, AtFlags::empty()))?),
    }
}

/// Whether a file of this folder can be replaced.
pub(crate) fn check_replaceable(folder: &Path) -> Result<()> {
    let folder = open_folder(folder)?;
    let (_, draft) = create_draft(&folder)?;
    Ok(unlinkat(&folder, &draft, AtFlags::empty())?)
}

impl<'a> FilePlace<'a> {
    fn of(path: &'a Path) -> Result<Self> {
        let folder = path.parent().ok_or(ErrorKind::IsADirectory)?;
        let name = path.file_name().ok_or(ErrorKind::IsADirectory)?;
        Ok(Self { folder: open_folder(folder)?, name })
    }

    fn open(&self) -> Result<File> {
        Ok(openat(&self.folder, self.name, FILE, Mode::empty()).map_err(swapped)?.into())
    }
}

fn open_folder(path: &Path) -> Result<OwnedFd> {
    let path = absolute(path)?;
    open_at_once(&path, FOLDER).unwrap_or_else(|| walk_to(&path))
}

/// The path from the root, in which nothing leads up again.
fn absolute(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let leads_up = path.components().any(|part| part == Component::ParentDir);
    if leads_up { Err(ErrorKind::InvalidInput.into()) } else { Ok(path) }
}

/// Has the kernel walk, which is one call in place of one for each folder; none where it does not know how
/// to (before Linux 5.6), or may not be asked to (some containers).
#[cfg(target_os = "linux")]
fn open_at_once(path: &Path, flags: OFlags) -> Option<Result<OwnedFd>> {
    use rustix::fs::{CWD, ResolveFlags, openat2};
    match openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        Err(Errno::NOSYS | Errno::PERM) => None,
        opened => Some(opened.map_err(swapped)),
    }
}

#[cfg(not(target_os = "linux"))]
fn open_at_once(_: &Path, _: OFlags) -> Option<Result<OwnedFd>> {
    None
}

fn walk_to(path: &Path) -> Result<OwnedFd> {
    let mut folder = rustix::fs::open("/", FOLDER, Mode::empty())?;
    for part in path.components() {
        if let Component::Normal(name) = part {
            folder = openat(&folder, name, FOLDER, Mode::empty()).map_err(swapped)?;
        }
    }
    Ok(folder)
}

/// A new file with a name that nobody knows.
fn create_draft(folder: &OwnedFd) -> Result<(File, String)> {
    let name = format!("{DRAFT_BEGIN}{}{DRAFT_END}", &random_hex()[..32]);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(folder, &name, flags, Mode::from_raw_mode(0o666))?;
    // Where a file system knows no locks, a draft that is left stays.
    flock(&file, LOCK).ok();
    Ok((file.into(), name))
}

fn swapped(error: Errno) -> Error {
    match error {
        Errno::LOOP | Errno::NOTDIR => Error::other(
            "a link or a file has taken the place of a folder or file since it was found",
        ),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_draft_goes_unless_somebody_is_at_work_on_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("its path");
        let (file, name) =
            create_draft(&open_folder(&root).expect("it is there")).expect("a draft");
        assert!(is_draft(&name) && !is_draft(".finishline-mine.tmp"));
        remove_abandoned(&root.join(&name)).expect("it stays");
        assert!(root.join(&name).exists());
        drop(file);
        remove_abandoned(&root.join(&name)).expect("it goes");
        assert!(!root.join(&name).exists());
    }

    /// As a device would be, which only the superuser can make.
    #[test]
    fn what_is_no_file_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().canonicalize().expect("its path").join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
        let text = path.to_str().expect("UTF-8");
        for replaced in [
            replace(&path, b"new"),
            files::replace_bytes(&path, b"new"),
            files::replace_private(text, "new"),
        ] {
            let error = replaced.expect_err("it is no file").to_string();
            assert_eq!(error, "it is not a regular file");
        }
        assert_eq!(folder.path().read_dir().expect("a folder").count(), 1, "no draft stays");
    }

    #[test]
    fn who_walks_sees_the_links_that_the_kernel_sees() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("its path");
        std::fs::create_dir(root.join("real")).expect("a folder in it");
        replace(&root.join("file"), b"").expect("a file in it");
        symlink(root.join("real"), root.join("link")).expect("a link to that folder");
        for name in ["real", "link", "link/x", "file", "file/x", "none", "real/../real"] {
            let path = root.join(name);
            let walked = walk_to(&path).map(drop).map_err(|error| error.to_string());
            let opened = open_folder(&path).map(drop).map_err(|error| error.to_string());
            match name {
                "real/../real" => assert!(opened.is_err(), "{opened:?}"),
                _ => assert_eq!(opened, walked, "{name}"),
            }
        }
    }

    #[test]
    fn no_link_on_the_way_is_followed_and_no_link_in_the_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("its path");
        let (real, link) = (root.join("real"), root.join("link"));
        std::fs::create_dir(&real).expect("a folder in it");
        symlink(&real, &link).expect("a link to that");
        replace(&real.join("a.js"), b"old").expect("a way without links");
        for error in [
            replace(&link.join("a.js"), b"new").err(),
            replace(&link.join("b.js"), b"new").err(),
            read(&link.join("a.js"), 9).err(),
            remove_if_there(&link.join("a.js")).err(),
            check_replaceable(&link).err(),
        ] {
            let message = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(message.starts_with("a link or a file has taken the place"), "{message}");
        }
        assert_eq!(read(&real.join("a.js"), 9).expect("the file"), b"old");
        let names = real.read_dir().expect("a folder").count();
        assert_eq!(names, 1, "no draft stays");
        // A link in the place of the file is replaced itself.
        symlink(real.join("a.js"), real.join("c.js")).expect("a link to the file");
        assert!(read(&real.join("c.js"), 9).is_err());
        replace(&real.join("c.js"), b"new").expect("a link that goes");
        assert_eq!(read(&real.join("a.js"), 9).expect("the file"), b"old");
        remove_if_there(&real.join("c.js")).expect("a file");
        remove_if_there(&real.join("c.js")).expect("nothing");
        remove_if_there(&root.join("none/c.js")).expect("nothing");
    }
}
