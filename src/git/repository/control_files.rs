//! The files of a repository, looked at before anything opens them: a pipe or a device among them
//! would never end, and a file that is parsed costs many times its size.

use crate::git::error::GitError;
use crate::os::files;
use crate::text::quote;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

const MIB: u64 = 1024 * 1024;

/// The files by which a folder is known as a repository.
const ENTRANCE: [&str; 3] = ["HEAD", "commondir", "gitdir"];

/// The other files in a repository's folder that are read, and how many MiB each may have.
const OTHERS: [(&str, u64); 4] =
    [("config", 1), ("config.worktree", 1), ("packed-refs", 64), ("shallow", 64)];

/// The longest ref, and the longest text that leads to another folder.
const MAX_LINK: u64 = MIB;

/// How many folders of objects are followed from one to another.
const MAX_OBJECT_FOLDERS: usize = 100;

/// How deep names of refs are followed.
const MAX_REF_DEPTH: usize = 64;

/// Checks what a search opens in each folder on its way up.
pub(super) fn check_way_up(folder: &Path) -> Result<(), GitError> {
    let Ok(folder) = folder.canonicalize() else { return Ok(()) };
    for folder in folder.ancestors() {
        check_entrance(folder)?;
        check_entrance(&folder.join(".git"))?;
    }
    Ok(())
}

/// Checks what tells that a folder, or a file that leads to one, is a repository.
pub(super) fn check_entrance(git: &Path) -> Result<(), GitError> {
    check_file(git, MAX_LINK)?;
    let linked = read_link(git).map(|target| git.parent().unwrap_or(git).join(target));
    let folder = linked.as_deref().unwrap_or(git);
    ENTRANCE.into_iter().try_for_each(|name| check_file(&folder.join(name), MAX_LINK))
}

/// Checks everything that is read in a repository.
pub(super) fn check_repository(git: &Path) -> Result<(), GitError> {
    let common = files::read_head(&git.join("commondir"), MAX_LINK as usize).ok();
    let common = common.map(|text| git.join(String::from_utf8_lossy(&text).trim_end()));
    for folder in [Some(git), common.as_deref()].into_iter().flatten() {
        for (name, most) in OTHERS {
            check_file(&folder.join(name), most * MIB)?;
        }
        check_folder(&folder.join("refs"), Some(MAX_LINK), MAX_REF_DEPTH)?;
    }
    check_objects(&common.unwrap_or_else(|| git.to_owned()).join("objects"))
}

/// Checks a folder of objects, and those that it leads to.
pub(super) fn check_objects(objects: &Path) -> Result<(), GitError> {
    let (mut seen, mut pending) = (HashSet::new(), vec![objects.to_owned()]);
    while let Some(objects) = pending.pop().filter(|_| seen.len() < MAX_OBJECT_FOLDERS) {
        let others = objects.join("info").join("alternates");
        check_file(&others, MIB)?;
        if seen.insert(objects.clone()) {
            check_folder(&objects, None, 1)?;
            let text = files::read_head(&others, MIB as usize).unwrap_or_default();
            let lines = String::from_utf8_lossy(&text);
            let lines = lines.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            pending.extend(lines.map(|line| objects.join(line)));
        }
    }
    Ok(())
}

/// Checks the files of a folder and of those in it. The size of a file is asked only where it matters.
fn check_folder(folder: &Path, most: Option<u64>, depth: usize) -> Result<(), GitError> {
    let Ok(entries) = folder.read_dir() else { return Ok(()) };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            if let Some(depth) = depth.checked_sub(1) {
                check_folder(&entry.path(), most, depth)?;
            }
        } else if most.is_some() || !kind.is_file() {
            check_file(&entry.path(), most.unwrap_or(u64::MAX))?;
        }
    }
    Ok(())
}

fn check_file(path: &Path, most: u64) -> Result<(), GitError> {
    let fault = files::unfitness(path, most);
    let bad = |fault| GitError::BadFile { path: quote(&path.to_string_lossy()), fault };
    fault.map_or(Ok(()), |fault| Err(bad(fault)))
}

/// Where a `.git` leads to that is a file.
fn read_link(git: &Path) -> Option<PathBuf> {
    let text = files::read_head(git, MAX_LINK as usize).ok()?;
    let text = String::from_utf8_lossy(&text);
    Some(PathBuf::from(text.strip_prefix("gitdir: ")?.trim_end()))
}
