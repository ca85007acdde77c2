//! What git's own variables say of where the repository is.

use crate::env::Env;
use std::path::{Path, PathBuf};

/// Where the checkout is, as far as the environment says it.
#[derive(Clone, Debug, Default)]
pub struct GitEnvironment {
    /// `GIT_DIR`: this repository, and no search.
    pub(super) git_dir: Option<PathBuf>,
    /// `GIT_OBJECT_DIRECTORY`: its objects, where they are not inside of it.
    pub(super) objects: Option<PathBuf>,
    /// The folders that the search does not go up into.
    pub(super) ceilings: Vec<PathBuf>,
}

impl GitEnvironment {
    /// Reads git's variables. `GIT_WORK_TREE` says where the files are, and none is read: it
    /// changes nothing of what git says of commits, nor here.
    ///
    /// What is above `workspace`, the folder that the CI host made for the job, is no checkout of
    /// the job's.
    pub fn new(env: &Env, workspace: Option<&str>) -> Self {
        let path = |name| env.get(name).map(PathBuf::from);
        let above = workspace.map(Path::new).and_then(Path::parent);
        let ceilings = env.get("GIT_CEILING_DIRECTORIES").map(ceilings).unwrap_or_default();
        Self {
            git_dir: path("GIT_DIR"),
            objects: path("GIT_OBJECT_DIRECTORY"),
            ceilings: ceilings.into_iter().chain(above.map(resolved)).collect(),
        }
    }

    /// Whether the repository is where a search from this folder does not get: in a ceiling or above
    /// it. A ceiling is none for a search that starts in it.
    pub(super) fn hides(&self, folder: &Path, repository: &Path) -> bool {
        let (folder, repository) = (resolved(folder), resolved(repository));
        let mut ceilings = self
            .ceilings
            .iter()
            .filter(|ceiling| folder.starts_with(ceiling) && folder != **ceiling);
        ceilings.any(|ceiling| ceiling.starts_with(&repository))
    }

    /// Whether a repository is named, so that nothing is searched.
    pub fn names_repository(&self) -> bool {
        self.git_dir.is_some()
    }
}

/// Git takes absolute folders alone, and what follows an empty one as it is written.
fn ceilings(list: &str) -> Vec<PathBuf> {
    let mut is_literal = false;
    let mut folders = Vec::new();
    for folder in std::env::split_paths(list) {
        is_literal |= folder.as_os_str().is_empty();
        if folder.is_absolute() {
            folders.push(if is_literal { folder } else { resolved(&folder) });
        }
    }
    folders
}

fn resolved(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}
