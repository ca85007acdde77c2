//! The checkout on disk: which commit it is at, where it came from, and which commits lead from
//! one to another.
//!
//! Read by gix: no `git` need be installed, and a checkout that another user owns is read too. Of
//! its configuration only the format and a remote's address are read, of the user's nothing.
//! Which commits a release is about is not answered here.

mod commit;
mod damage;
mod encoding;
mod error;
mod files;
mod graph;
mod history;
mod paths;
mod prefetch;
mod remote;
mod warning;

use crate::release::Commit;
pub use error::GitError;
use error::{unreadable, words};
use gix::ObjectId;
use gix::hash::Prefix;
use gix::objs::Kind;
use gix::odb::pack::cache::lru::MemoryCappedHashmap;
use std::collections::HashSet;
use std::path::Path;
pub use warning::HistoryWarning;

/// The cache of objects read before: trees, which neighbouring commits share.
const OBJECT_CACHE_BYTES: usize = 1024 * 1024;

/// The cache of the objects that others in a pack are stored as a difference to.
const DELTA_CACHE_BYTES: usize = 4 * 1024 * 1024;

/// A checkout, or a bare repository.
pub struct Checkout {
    repository: gix::Repository,
}

/// Which commits are asked for: those that lead to `head` and not to `previous`.
///
/// Both are shas of 7 to 64 hex digits and nothing else that git would resolve.
#[derive(Clone, Copy, Debug)]
pub struct CommitRange<'a> {
    /// The newest commit.
    pub head: &'a str,
    /// The newest commit of the range before.
    pub previous: Option<&'a str>,
    /// How many commits are taken where there is no previous one.
    pub most: usize,
    /// Only commits that touch one of these: a file, a folder, or a glob in which `*` stays within
    /// one folder and `**` does not. None means all.
    pub paths: &'a [String],
}

/// The commits of a range.
#[derive(Debug)]
pub struct CommitHistory {
    /// Newest first, with what each touched against its first parent; nothing for a merge, whose
    /// files are those of the commits that it merged.
    pub commits: Vec<Commit>,
    /// Why they are fewer than were asked for, others, or without their files.
    pub warnings: Vec<HistoryWarning>,
}

impl Checkout {
    /// Finds the checkout that holds this folder; `None` where there is none.
    pub fn find(folder: &Path) -> Result<Option<Self>, GitError> {
        let nearest = damage::nearest(folder);
        if let Some(error) =
            nearest.as_deref().filter(|git| git.is_file()).and_then(damage::of_link)
        {
            return Err(error);
        }
        if let Err(error) = gix::discover::upwards(folder) {
            let is_absent = error.is_not_found() || !folder.is_dir();
            let damage = nearest.as_deref().and_then(damage::of_folder);
            return match damage.or_else(|| (!is_absent).then(|| unreadable(&error))) {
                Some(error) => Err(error),
                None => Ok(None),
            };
        }
        let options = gix::open::Options::isolated;
        let trust = gix::sec::trust::Mapping { full: options(), reduced: options() };
        let opened = gix::ThreadSafeRepository::discover_opts(folder, Default::default(), trust);
        let opened = opened.map_err(|error| GitError::opening(&error))?;
        Ok(Some(Self { repository: with_caches(opened.to_thread_local()) }))
    }

    /// The commit that is checked out: of a branch or none, here or in a linked worktree.
    pub fn head(&self) -> Result<String, GitError> {
        let head = self.repository.head().map_err(|error| self.without_head(&error))?;
        let id = match head.id() {
            Some(id) => id.detach(),
            None => {
                let peeled = head.try_into_peeled_id();
                peeled.map_err(|error| self.without_head(&error))?.ok_or(GitError::Unborn)?.detach()
            }
        };
        match self.commit_at(id).map_err(|error| unreadable(&error))? {
            Some(commit) => Ok(commit.to_string()),
            None => Err(GitError::NoCommit {
                sha: id.to_string(),
                is_there: self.repository.has_object(id),
            }),
        }
    }

    fn without_head(&self, error: &gix::Error) -> GitError {
        let config = self.repository.config_snapshot();
        let storage = config.plumbing().string("extensions.refStorage");
        match storage.is_some_and(|storage| storage.eq_ignore_ascii_case(b"reftable")) {
            true => GitError::Reftable,
            false => GitError::Head { cause: words(error) },
        }
    }

    /// The address of a remote, without credentials. `None` when there is no remote of this name,
    /// and when its address is too malformed to tell the credentials from the rest.
    ///
    /// The address is what the configuration says, also where git would rewrite it.
    pub fn remote(&self, name: &str) -> Option<String> {
        let config = self.repository.config_snapshot();
        // Whoever owns the checkout: it is a text to look at, nothing is done with it.
        let urls = config.plumbing().strings_filter_by("remote", name, "url", |_| true)?;
        let url = urls.iter().find(|url| !url.is_empty())?;
        remote::without_credentials(&String::from_utf8_lossy(url))
    }

    /// The commits of a range, newest first. The runtime has its turn meanwhile.
    pub async fn history(&self, range: &CommitRange<'_>) -> Result<CommitHistory, GitError> {
        history::read(self, range).await
    }

    /// The commit that a sha or the beginning of one names; `None` when it is not in this clone.
    fn commit(&self, sha: &str) -> Result<Option<ObjectId>, GitError> {
        let is_hex = sha.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || !(7..=64).contains(&sha.len()) {
            return Err(GitError::no_sha(sha));
        }
        let commits = self.commits_named(&sha.to_ascii_lowercase());
        let commits = commits.map_err(|error| unreadable(&error))?;
        match commits.len() {
            0 | 1 => Ok(commits.into_iter().next()),
            _ => Err(GitError::Ambiguous { sha: sha.to_owned() }),
        }
    }

    /// Every commit that these hex digits name, by itself or by a tag.
    fn commits_named(&self, hex: &str) -> gix::Result<HashSet<ObjectId>> {
        let mut ids = HashSet::new();
        let whole = gix::hash::Kind::Sha1.len_in_hex();
        if hex.len() == whole {
            ids.insert(ObjectId::from_hex(hex.as_bytes())?);
        } else if hex.len() < whole {
            self.repository.objects.lookup_prefix(Prefix::from_hex(hex)?, Some(&mut ids))?;
        }
        ids.into_iter().filter_map(|id| self.commit_at(id).transpose()).collect()
    }

    /// The commit that an object is, or that it leads to as a tag.
    fn commit_at(&self, id: ObjectId) -> gix::Result<Option<ObjectId>> {
        let header = self.repository.try_find_header(id)?;
        Ok(match header.map(|header| header.kind()) {
            Some(Kind::Commit) => Some(id),
            Some(Kind::Tag) => {
                let object = self.repository.find_object(id)?.peel_tags_to_end()?;
                (object.kind == Kind::Commit).then_some(object.id)
            }
            _ => None,
        })
    }
}

/// The repository with what it keeps of objects read before.
fn with_caches(mut repository: gix::Repository) -> gix::Repository {
    repository.object_cache_size(OBJECT_CACHE_BYTES);
    repository.objects.set_pack_cache(|| Box::new(MemoryCappedHashmap::new(DELTA_CACHE_BYTES)));
    repository
}
