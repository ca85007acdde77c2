//! The files that inputs name, and the ones that outputs go to.

use super::paths::{is_pipe, is_stream};
use super::{blocking, descriptor};
use crate::text::quote;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::path::Path;
use std::time::Instant;

/// The largest file that an input may name.
pub(crate) const MAX_INPUT: u64 = 1024 * 1024;
/// The largest event payload that is read; GitHub's own are far smaller.
const MAX_EVENT: u64 = 32 * 1024 * 1024;

/// What the name of the file that [`lock`] makes beside another ends with.
pub const LOCK_SUFFIX: &str = ".lock";

/// Reads a text that an input names, of at most 1 MiB; `-` is standard input.
pub fn read(path: &str) -> Result<String> {
    read_within(path, MAX_INPUT)
}

/// The same of a text of at most that many bytes.
pub(crate) fn read_within(path: &str, most: u64) -> Result<String> {
    let bytes = match path {
        "-" => blocking::read_stdin(most + 1)?,
        _ => blocking::read_file(Path::new(path), most + 1)?,
    };
    if bytes.len() as u64 > most {
        let message = format!("larger than {} MiB", most >> 20);
        return Err(Error::new(ErrorKind::FileTooLarge, message));
    }
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "not UTF-8 text"))
}

/// Reads a text of at most 1 MiB in a file that does not make anybody wait; `-` is standard input.
pub(crate) fn read_text(path: &str) -> Result<String> {
    if path == "-" {
        return read(path);
    }
    let bytes = read_regular(Path::new(path), MAX_INPUT)?;
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "not UTF-8 text"))
}

/// Why a file that a person names is not rewritten.
pub(crate) fn rewrite_fault(path: &str) -> Option<&'static str> {
    let metadata = Path::new(path).symlink_metadata().ok()?;
    match metadata.is_symlink() {
        true => Some("it is a symbolic link"),
        false => metadata.permissions().readonly().then_some("it is read-only"),
    }
}

/// The file below this folder that a link leads to.
fn link_target(path: &str) -> Option<String> {
    let path = Path::new(path);
    path.symlink_metadata().ok()?.is_symlink().then_some(())?;
    let target = path.canonicalize().ok()?;
    let below = target.strip_prefix(Path::new(".").canonicalize().ok()?).ok()?;
    below.to_str().map(str::to_owned)
}

/// The path of a file from the working directory, as a patch names it; none where it is not below.
pub(crate) fn path_from_here(path: &str) -> Option<String> {
    if Path::new(path).is_symlink() {
        return link_target(path);
    }
    let (path, here) = (Path::new(path), Path::new(".").canonicalize().ok()?);
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
    let file = folder.strip_prefix(here).ok()?.join(path.file_name()?);
    file.to_str().map(|file| file.replace(std::path::MAIN_SEPARATOR, "/"))
}

/// Makes a file with this text and the folders above it; one that is there already is an error.
pub(crate) fn create(path: &str, text: &str) -> Result<()> {
    if let Some(folder) = Path::new(path).parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

/// The first bytes of a file; of what is no file, that it is none.
pub fn read_head(path: &Path, most: usize) -> Result<Vec<u8>> {
    if !path.metadata()?.is_file() {
        return Err(ErrorKind::InvalidInput.into());
    }
    let mut head = Vec::new();
    File::open(path)?.take(most as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Removes a file; that it is not there is right, too.
#[cfg(not(unix))]
pub(crate) fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Why a file of others is not opened: it is a pipe or a device, which might never end or answer, or it
/// is larger than that. What is not there is nobody's fault.
pub(crate) fn unfitness(path: &Path, most: u64) -> Option<String> {
    let metadata = path.metadata().ok()?;
    match metadata.is_file() {
        true => (metadata.len() > most).then(|| format!("is larger than {} MiB", most >> 20)),
        false => (!metadata.is_dir()).then(|| "is not a regular file".to_owned()),
    }
}

/// Reads a regular file of at most that many bytes.
pub(crate) fn read_regular(path: &Path, most: u64) -> Result<Vec<u8>> {
    // To open a pipe would wait for its other side.
    read_open(descriptor::nonblocking(OpenOptions::new().read(true)).open(path)?, most)
}

/// The same of one that is open.
pub(super) fn read_open(file: File, most: u64) -> Result<Vec<u8>> {
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Err(not_regular());
    }
    if metadata.len() > most {
        let message = format!("it is larger than {} MiB", most >> 20);
        return Err(Error::new(ErrorKind::FileTooLarge, message));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether what is to be replaced is a file, a link, or not there. A device would be gone for every program
/// of the machine.
pub(crate) fn check_no_device(found: Result<std::fs::Metadata>) -> Result<()> {
    match found {
        Ok(found) if !found.is_file() && !found.is_symlink() => Err(not_regular()),
        _ => Ok(()),
    }
}

fn not_regular() -> Error {
    Error::new(ErrorKind::InvalidInput, "it is not a regular file")
}

/// Makes a folder the one that relative paths start from.
pub fn enter(folder: &str) -> Result<()> {
    std::env::set_current_dir(folder)
}

/// Reads the payload of the event that started the job.
pub fn read_event(path: &str) -> Result<serde_json::Value> {
    Ok(serde_json::from_slice(&blocking::read_file(Path::new(path), MAX_EVENT)?)?)
}

/// Whether a program of this name is in one of the folders of a `PATH`.
pub fn is_on_path(path: &str, program: &str) -> bool {
    let (separator, extension) = if cfg!(windows) { (';', ".exe") } else { (':', "") };
    let file = format!("{program}{extension}");
    path.split(separator).any(|folder| Path::new(folder).join(&file).is_file())
}

/// Appends in one write, so that two processes never mix their blocks. What a full disk cuts off is
/// taken back: half a block would spoil what a later step adds.
pub fn append(path: &str, text: &str, until: Option<Instant>) -> Result<()> {
    if is_stream(path) {
        return write_stream(path, text, until);
    }
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let before = file.metadata()?.len();
    let mut written = 0;
    while written < text.len() {
        match file.write(&text.as_bytes()[written..]) {
            Ok(0) => return undo_append(&file, before, written, ErrorKind::WriteZero.into()),
            Ok(more) => written += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return undo_append(&file, before, written, error),
        }
    }
    Ok(())
}

/// Cuts a part of a block off again, unless somebody else has written behind it.
fn undo_append(file: &File, before: u64, written: usize, error: Error) -> Result<()> {
    if file.metadata()?.len() == before + written as u64 {
        file.set_len(before)?;
    }
    Err(error)
}

/// Replaces the file: a reader sees the old text or the new one, never a part. Its rights stay. A link
/// is replaced and not followed: whoever put it there does not choose what is written to.
pub fn replace(path: &str, text: &str, until: Option<Instant>) -> Result<()> {
    match is_stream(path) {
        // A pipe or a device cannot be renamed over.
        true => write_stream(path, text, until),
        false => replace_with(Path::new(path), text.as_bytes(), None),
    }
}

/// Replaces a file that only its owner may read.
pub fn replace_private(path: &str, text: &str) -> Result<()> {
    replace_with(Path::new(path), text.as_bytes(), Some(0o600))
}

/// Replaces a file of any bytes, as [`replace`] does a text.
pub fn replace_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    replace_with(path, bytes, None)
}

/// Whether a draft can be written beside a file.
pub fn check_replaceable(file: &Path) -> Result<()> {
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    tempfile::Builder::new().prefix(".finishline-").suffix(".tmp").tempfile_in(folder).map(drop)
}

/// Renames a draft over the file. Nobody can know the draft's name before, it is made where nothing
/// is, not even a link, and what a kill leaves of it is in no other run's way.
fn replace_with(path: &Path, bytes: &[u8], mode: Option<u32>) -> Result<()> {
    let target = std::path::absolute(path)?;
    check_no_device(target.symlink_metadata())?;
    let folder = target.parent().ok_or(ErrorKind::IsADirectory)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".finishline-").suffix(".tmp").rand_bytes(16);
    let (mut file, draft) = with_mode(&mut builder, mode).tempfile_in(folder)?.into_parts();
    file.write_all(bytes)?;
    if mode.is_none() {
        let metadata = target.symlink_metadata().ok().filter(std::fs::Metadata::is_file);
        keep_rights(&file, metadata.as_ref())?;
    }
    std::fs::rename(&draft, &target)
}

/// A draft's rights; those of any new file where none are asked for.
#[cfg(unix)]
fn with_mode<'a, 'b, 'c>(
    builder: &'c mut tempfile::Builder<'a, 'b>,
    mode: Option<u32>,
) -> &'c mut tempfile::Builder<'a, 'b> {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(mode.unwrap_or(0o666)))
}

#[cfg(not(unix))]
fn with_mode<'a, 'b, 'c>(
    builder: &'c mut tempfile::Builder<'a, 'b>,
    _: Option<u32>,
) -> &'c mut tempfile::Builder<'a, 'b> {
    builder
}

/// Gives a draft the rights of the file that it replaces, and its owner where that is allowed.
pub(super) fn keep_rights(draft: &File, target: Option<&std::fs::Metadata>) -> Result<()> {
    let Some(metadata) = target else { return Ok(()) };
    let own = draft.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        if (own.uid(), own.gid()) != (metadata.uid(), metadata.gid()) {
            drop(fchown(draft, Some(metadata.uid()), Some(metadata.gid())));
        }
    }
    match own.permissions() == metadata.permissions() {
        true => Ok(()),
        false => draft.set_permissions(metadata.permissions()),
    }
}

fn write_stream(path: &str, text: &str, until: Option<Instant>) -> Result<()> {
    let file = blocking::open_to_write(Path::new(path), until)?;
    blocking::write_all(&file, text.as_bytes(), until)
}

/// Waits for the lock of a file, and holds it until the result is dropped. The file itself is
/// replaced meanwhile, so the lock is one beside it, which stays.
pub fn lock(path: &str) -> Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let path = format!("{path}{LOCK_SUFFIX}");
    if let Some(fault) = unfitness(Path::new(&path), u64::MAX) {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!("its lock {} {fault}", quote(&path)),
        ));
    }
    let file = options.open(path)?;
    file.lock()?;
    Ok(file)
}

/// Whether a file can be written, as far as that can be known: a device that is full says so even to
/// a write of nothing. A pipe is not opened, for its reader would take that for the end.
pub fn check_writable(path: &str) -> Result<()> {
    match is_pipe(path) {
        true => Ok(()),
        false => {
            let file = OpenOptions::new().append(true).create(true).open(path)?;
            (&file).write(&[]).map(drop)
        }
    }
}

/// Whether others than the owner may read a file or change what is in a folder; by the mode of it,
/// as `ls` shows it.
#[cfg(unix)]
pub fn wide_rights(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = path.metadata().ok()?;
    let mode = metadata.permissions().mode() & 0o7777;
    let is_wide = match metadata.is_dir() {
        // In a sticky folder everybody's files are their own.
        true => mode & 0o002 != 0 && mode & 0o1000 == 0,
        false => mode & 0o077 != 0,
    };
    is_wide.then_some(mode)
}

/// Files have no mode here.
#[cfg(not(unix))]
pub fn wide_rights(_path: &Path) -> Option<u32> {
    None
}
