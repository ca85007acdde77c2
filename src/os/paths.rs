//! Where a path leads to, so that two names of one file are known as such.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};

/// How many links are followed one after the other.
const MAX_LINKS: usize = 40;

/// A file that may not be there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileIdentity {
    /// The file itself, where there is one and the system numbers its files.
    number: Option<(u64, u64)>,
    /// Without links, and in small letters where the folder does not tell letters apart.
    path: PathBuf,
}

impl FileIdentity {
    /// The file that a path leads to.
    pub fn of(path: &Path) -> Self {
        let resolved = resolve(path);
        let folded = match resolved.parent().is_some_and(ignores_case) {
            true => PathBuf::from(resolved.to_string_lossy().to_lowercase()),
            false => resolved,
        };
        Self { number: path.metadata().ok().and_then(|metadata| number(&metadata)), path: folded }
    }

    /// The file behind an open stream; `None` for what is no file.
    #[cfg(unix)]
    pub fn of_stream(stream: &impl std::os::fd::AsFd) -> Option<Self> {
        let file = std::fs::File::from(stream.as_fd().try_clone_to_owned().ok()?);
        let metadata = file.metadata().ok().filter(Metadata::is_file)?;
        Some(Self { number: number(&metadata), path: PathBuf::new() })
    }

    /// The file behind an open stream; none is known here.
    #[cfg(not(unix))]
    pub fn of_stream<T>(_: &T) -> Option<Self> {
        None
    }

    /// Where it is, without links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether both are one file.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self.number, other.number) {
            (Some(one), Some(other)) => one == other,
            _ => self.path == other.path,
        }
    }
}

#[cfg(unix)]
fn number(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// The path without links and `..`, also where the file or its folder is not there yet.
fn resolve(path: &Path) -> PathBuf {
    let mut links = 0;
    let mut found = PathBuf::new();
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut pending: Vec<_> = components(&absolute);
    while let Some(component) = pending.pop() {
        if component == ".." {
            found.pop();
            continue;
        }
        found.push(&component);
        let Ok(target) = std::fs::read_link(&found) else { continue };
        links += 1;
        // What a descriptor's link says is no path, unless it leads to a file.
        if links > MAX_LINKS || (!target.is_absolute() && is_descriptor(&found)) {
            continue;
        }
        found.pop();
        pending.extend(components(&target));
        if target.is_absolute() {
            found = PathBuf::new();
        }
    }
    found
}

/// The parts of a path, the last one first.
fn components(path: &Path) -> Vec<std::ffi::OsString> {
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    parts.map(|part| part.as_os_str().to_owned()).rev().collect()
}

/// Whether a folder is found under its name in other letters, and so its files are.
fn ignores_case(folder: &Path) -> bool {
    let named = folder.ancestors().find(|folder| folder.is_dir() && other_case(folder).is_some());
    let Some(folder) = named else { return false };
    let other = other_case(folder).and_then(|other| other.metadata().ok());
    other.is_some_and(|other| match (number(&other), folder.metadata().ok()) {
        (Some(other), Some(own)) => Some(other) == number(&own),
        (None, own) => own.is_some(),
        _ => false,
    })
}

/// The folder's path with its own name in other letters, where it has any.
fn other_case(folder: &Path) -> Option<PathBuf> {
    let name = folder.file_name().and_then(OsStr::to_str)?;
    let (upper, lower) = (name.to_uppercase(), name.to_lowercase());
    let other = if upper == name { lower } else { upper };
    (other != name).then(|| folder.with_file_name(other))
}

/// What git keeps in a repository that has no folder of its own for that, as on a server.
const GIT_FILES: [&str; 16] = [
    "HEAD",
    "ORIG_HEAD",
    "FETCH_HEAD",
    "config",
    "config.worktree",
    "description",
    "packed-refs",
    "index",
    "shallow",
    "objects",
    "refs",
    "logs",
    "info",
    "hooks",
    "modules",
    "worktrees",
];

/// The file or folder of a git repository's own that a path is, or is in.
pub(crate) fn repository_part(path: &Path) -> Option<String> {
    let is_named = |name: &OsStr, word: &str| name.eq_ignore_ascii_case(word);
    let is_bare = |folder: &Path| {
        folder.join("HEAD").is_file()
            && folder.join("objects").is_dir()
            && folder.join("refs").is_dir()
    };
    let part = path.ancestors().find(|one| {
        let (Some(name), Some(folder)) = (one.file_name(), one.parent()) else { return false };
        let is_lock = Path::new(name).extension().is_some_and(|end| is_named(end, "lock"));
        let is_file = is_lock || GIT_FILES.iter().any(|file| is_named(name, file));
        is_named(name, ".git") || (is_file && is_bare(folder))
    })?;
    Some(part.display().to_string())
}

/// Whether it is written to as it is, and not replaced: what is no file, and the process's own
/// streams, also where they lead to one.
pub(crate) fn is_stream(path: &str) -> bool {
    let is_special =
        Path::new(path).metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
    is_special || is_descriptor(Path::new(path))
}

/// Whether it is a name of one of the process's own streams.
pub(crate) fn is_descriptor(path: &Path) -> bool {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let names = ["/dev/stdin", "/dev/stdout", "/dev/stderr"];
    let is_named = names.iter().any(|name| path == Path::new(name));
    let is_of_process =
        path.starts_with("/proc") && path.components().any(|part| part.as_os_str() == "fd");
    is_named || path.starts_with("/dev/fd") || is_of_process
}

/// Whether it is a pipe.
pub(crate) fn is_pipe(path: &str) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        Path::new(path).metadata().is_ok_and(|metadata| metadata.file_type().is_fifo())
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}
