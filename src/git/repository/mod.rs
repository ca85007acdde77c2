//! A git repository as gix opens it: its head, its remotes, and the commits that it has.

mod branch;
mod cause;
mod commit;
mod control_files;
mod damage;
mod encoding;
mod files;
mod graph;
mod history;
mod paths;
mod prefetch;
mod remote;
mod revision;

use super::environment::GitEnvironment;
use super::{CommitHistory, CommitRange};
use crate::git::error::GitError;
use crate::release::FoundAncestors;
use cause::{opening, unreadable, words};
use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::hash::Prefix;
use gix::objs::Kind;
use gix::odb::pack::cache::lru::MemoryCappedHashmap;
use graph::CommitGraph;
use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use tokio::sync::oneshot;

/// The cache of objects read before: trees, which neighbouring commits share.
const OBJECT_CACHE_BYTES: usize = 1024 * 1024;

/// The cache of the objects that others in a pack are stored as a difference to.
const DELTA_CACHE_BYTES: usize = 4 * 1024 * 1024;

/// How many commits are looked through for those that lead to another: a walk of a second.
const MAX_ANCESTORS: usize = 50_000;

/// The longest object that is read: one is held in memory as a whole, with what it is a difference to.
const MAX_OBJECT_BYTES: usize = 16 * 1024 * 1024;

/// A checkout, or a bare repository.
pub struct Checkout {
    repository: gix::Repository,
}

impl Checkout {
    /// Finds the checkout that holds this folder; `None` where there is none.
    pub fn find(folder: &Path) -> Result<Option<Self>, GitError> {
        Self::find_in(folder, &GitEnvironment::default())
    }

    /// The same, where git's variables may say otherwise.
    pub fn find_in(folder: &Path, environment: &GitEnvironment) -> Result<Option<Self>, GitError> {
        let opened = match &environment.git_dir {
            Some(git_dir) => {
                let at = folder.join(git_dir);
                control_files::check_entrance(&at)?;
                control_files::check_repository(&at)?;
                options().open_path_as_is(true).open(at).map_err(|error| {
                    let named = GitError::no_git_dir(git_dir);
                    if error.is_not_found() { named } else { opening(&error) }
                })?
            }
            None => match Self::search(folder, environment)? {
                Some(opened) => opened,
                None => return Ok(None),
            },
        };
        let mut repository = opened.to_thread_local();
        if let Some(objects) = &environment.objects {
            let at = folder.join(objects);
            control_files::check_objects(&at)?;
            let limits = gix::odb::store::init::Options {
                alloc_limit_bytes: Some(MAX_OBJECT_BYTES),
                ..Default::default()
            };
            let store = gix::odb::at_opts(at, repository.object_hash(), [], limits);
            let store = store.map_err(|_| GitError::no_object_directory(objects))?;
            repository.objects = store.into();
        }
        Ok(Some(Self { repository: with_caches(repository) }))
    }

    /// The nearest repository at or above the folder that no ceiling hides. As git does, a damaged
    /// `.git` on the way ends the search.
    fn search(
        folder: &Path,
        environment: &GitEnvironment,
    ) -> Result<Option<gix::ThreadSafeRepository>, GitError> {
        control_files::check_way_up(folder)?;
        let nearest = damage::nearest(folder).filter(|git| !environment.hides(folder, git));
        if let Some(error) =
            nearest.as_deref().filter(|git| git.is_file()).and_then(damage::of_link)
        {
            return Err(error);
        }
        let found = match gix::discover::upwards(folder) {
            Ok((found, _)) => found,
            Err(error) => {
                let is_absent = error.is_not_found() || !folder.is_dir();
                let damage = nearest.as_deref().and_then(damage::of_folder);
                let reason = damage.or_else(|| (!is_absent).then(|| unreadable(&error)));
                return reason.map_or(Ok(None), Err);
            }
        };
        let (git_dir, work_tree) = found.into_repository_and_work_tree_directories();
        if environment.hides(folder, work_tree.as_deref().unwrap_or(&git_dir)) {
            return Ok(None);
        }
        control_files::check_repository(&git_dir)?;
        let trust = gix::sec::trust::Mapping { full: options(), reduced: options() };
        gix::ThreadSafeRepository::discover_opts(folder, Default::default(), trust)
            .map(Some)
            .map_err(|error| opening(&error))
    }

    /// Whether nothing is checked out by design: a mirror, or a repository that is pushed to.
    pub fn is_bare(&self) -> bool {
        // A linked worktree of a bare repository is a checkout.
        self.repository.is_bare() && self.repository.workdir().is_none()
    }

    /// Whether this clone has the commit.
    pub fn has_commit(&self, sha: &str) -> bool {
        matches!(self.commit(sha), Ok(Some(_)))
    }

    /// Which of these commits lead to another, or are it; none where its history cannot be read, or is very
    /// long.
    pub fn leading_to(&self, commit: &str, wanted: &HashSet<String>) -> Option<FoundAncestors> {
        let graph = CommitGraph::new(&self.repository).ok()?;
        let is_whole = graph.shallow_boundary.is_empty();
        let head = self.commit(commit).ok()??;
        let mut found = HashSet::new();
        for (number, step) in graph.commits(head, None).enumerate() {
            if found.len() == wanted.len() {
                break;
            }
            if number > MAX_ANCESTORS {
                return None;
            }
            let id = step.ok()?.0.id.to_string();
            found.extend(wanted.get(&id).cloned());
        }
        Some(FoundAncestors { found, is_whole })
    }

    /// Whether older commits were left out of this clone.
    pub fn is_shallow(&self) -> bool {
        self.repository.is_shallow().unwrap_or(true)
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

    /// The first line of what the checked-out commit says; nothing where it cannot be read.
    pub fn head_subject(&self) -> String {
        let Ok(commit) = self.repository.head_commit() else { return String::new() };
        let subject = commit.message_raw_sloppy().lines().next().unwrap_or_default();
        String::from_utf8_lossy(subject).into_owned()
    }

    fn without_head(&self, error: &gix::Error) -> GitError {
        let config = self.repository.config_snapshot();
        let storage = config.plumbing().string("extensions.refStorage");
        match storage.is_some_and(|storage| storage.eq_ignore_ascii_case(b"reftable")) {
            true => GitError::Reftable,
            false => GitError::Head { cause: words(error) },
        }
    }

    /// The address of a remote, without credentials; of the only one where `origin` is asked for
    /// and there is none. `None` when there is no remote of this name, and when its address is too malformed to tell the credentials from the rest.
    ///
    /// The address is what the configuration says, also where git would rewrite it.
    pub fn remote(&self, name: &str) -> Option<String> {
        let config = self.repository.config_snapshot();
        // Whoever owns the checkout: it is a text to look at, nothing is done with it.
        let of = |name: &str| config.plumbing().strings_filter_by("remote", name, "url", |_| true);
        let urls = of(name).or_else(|| of(&self.only_remote().filter(|_| name == "origin")?))?;
        let url = urls.iter().find(|url| !url.is_empty())?;
        remote::without_credentials(&String::from_utf8_lossy(url))
    }

    fn only_remote(&self) -> Option<String> {
        let mut names = self.remotes();
        names.pop().filter(|_| names.is_empty())
    }

    /// The names of the remotes.
    pub fn remotes(&self) -> Vec<String> {
        let config = self.repository.config_snapshot();
        let sections = config.plumbing().sections_by_name("remote").into_iter().flatten();
        let names = sections.filter_map(|section| section.header().subsection_name());
        names.map(ToString::to_string).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The commits of a range, newest first. A thread of its own reads them, which is left behind by
    /// whoever does not wait for its end.
    pub async fn history(&self, range: &CommitRange<'_>) -> Result<CommitHistory, GitError> {
        let (sender, receiver) = oneshot::channel();
        let shared = self.repository.clone().into_sync();
        let CommitRange { head, previous, most, paths } = *range;
        let (head, previous, paths) =
            (head.to_owned(), previous.map(str::to_owned), paths.to_owned());
        let read = move || {
            let checkout = Self { repository: with_caches(shared.to_thread_local()) };
            let (head, previous) = (head.as_str(), previous.as_deref());
            let range = CommitRange { head, previous, most, paths: &paths };
            drop(sender.send(history::read(&checkout, &range)));
        };
        let started = std::thread::Builder::new().spawn(read);
        started.map_err(|error| GitError::Unreadable { cause: error.to_string() })?;
        receiver.await.expect("the thread sends what it has read, unless it panics")
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

/// Nothing of the user's or the system's configuration, and no object that fills the memory.
fn options() -> gix::open::Options {
    let limit = format!("gitoxide.objects.allocLimit={MAX_OBJECT_BYTES}");
    gix::open::Options::isolated().config_overrides([limit])
}

/// The repository with what it keeps of objects read before.
fn with_caches(mut repository: gix::Repository) -> gix::Repository {
    repository.object_cache_size(OBJECT_CACHE_BYTES);
    repository.objects.set_pack_cache(|| Box::new(MemoryCappedHashmap::new(DELTA_CACHE_BYTES)));
    repository
}
