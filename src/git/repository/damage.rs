//! What is wrong with a `.git` that is there and is no repository.

use super::cause::unreadable;
use crate::git::error::GitError;
use crate::text::quote;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The longest text of a `.git` that is a file.
const MAX_LINK: u64 = 65_536;

/// The `.git` that is nearest to a folder: in it, or in one above.
pub(super) fn nearest(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    folder.ancestors().map(|folder| folder.join(".git")).find(|git| git.exists())
}

/// Why a `.git` that is a file leads nowhere; as git does, nothing else is looked for then.
pub(super) fn of_link(link: &Path) -> Option<GitError> {
    let fault = |fault: String| Some(GitError::NoRepository { path: shown(link), fault });
    let mut text = Vec::new();
    let read = File::open(link).and_then(|file| file.take(MAX_LINK).read_to_end(&mut text));
    if let Err(error) = read {
        return fault(format!("it cannot be read: {error}"));
    }
    let text = String::from_utf8_lossy(&text);
    let Some(target) = text.strip_prefix("gitdir: ").map(str::trim_end) else {
        return fault("it is a file that does not begin with `gitdir: `".to_owned());
    };
    let folder = link.parent().unwrap_or(link).join(target);
    match folder.is_dir() {
        true if gix::discover::is_git(link).is_ok() => None,
        true => of_folder(&folder),
        false => fault(format!("its folder {} does not exist", quote(target))),
    }
}

/// Why a folder is no repository; `None` for one that has nothing of a repository.
pub(super) fn of_folder(git: &Path) -> Option<GitError> {
    let parts =
        [("HEAD", "no `HEAD`"), ("objects", "no folder `objects`"), ("refs", "no folder `refs`")];
    let (there, missing): (Vec<_>, Vec<_>) =
        parts.into_iter().partition(|(name, _)| git.join(name).exists());
    if there.is_empty() && !git.join("config").exists() {
        return None;
    }
    // A linked worktree has the others elsewhere.
    let is_linked = git.join("commondir").exists();
    let missing: Vec<_> = missing.into_iter().map(|(_, words)| words).collect();
    match missing.is_empty() || is_linked {
        true => gix::discover::is_git(git).err().map(|error| unreadable(&error)),
        false => {
            let fault = format!("it has {}", missing.join(" and "));
            Some(GitError::NoRepository { path: shown(git), fault })
        }
    }
}

fn shown(path: &Path) -> String {
    quote(&path.to_string_lossy())
}
