//! Which files a commit touched against its first parent.

use super::paths::PathFilter;
use gix::ObjectId;

use crate::release::{ChangeKind, FileChange};
use gix::bstr::BStr;
use gix::diff::tree::{Error, Recorder, State, Visit, visit};
use gix::objs::TreeRefIter;
use std::ops::ControlFlow;

/// How many files and folders of one commit are looked at: a few bytes of tree can name billions.
const MOST: usize = 100_000;

/// The files of one commit.
pub(super) struct ChangedFiles {
    /// In the order of their paths.
    pub(super) changes: Vec<FileChange>,
    /// Whether one of them is of the paths that were asked for.
    pub(super) match_filter: bool,
    /// Whether there are more than are looked at.
    pub(super) are_too_many: bool,
}

/// Compares the tree of a commit with that of its first parent, or with nothing when it has none.
pub(super) fn read(
    repository: &gix::Repository,
    (before, after): TreePair,
    paths: &PathFilter,
) -> gix::Result<ChangedFiles> {
    let before = match before {
        Some(before) => repository.find_tree(before)?,
        None => repository.empty_tree(),
    };
    let (after, kind) = (repository.find_tree(after)?, repository.object_hash());
    let [before, after] = [&before, &after].map(|tree| TreeRefIter::from_bytes(&tree.data, kind));
    // A recorder keeps what it knew of paths, so each commit has its own.
    let (recorder, remaining) = (Recorder::default(), MOST);
    let mut visitor =
        TreeDiffVisitor { recorder, paths, remaining, changes: Vec::new(), match_filter: false };
    let compared = gix::diff::tree(before, after, State::default(), repository, &mut visitor);
    let are_too_many = match compared {
        Ok(()) => false,
        Err(Error::Cancelled) => true,
        Err(Error::Failure(error)) => return Err(error),
    };
    let TreeDiffVisitor { mut changes, match_filter, .. } = visitor;
    changes.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(ChangedFiles { changes, match_filter, are_too_many })
}

struct TreeDiffVisitor<'a> {
    /// Follows the path; nothing is recorded in it.
    recorder: Recorder,
    paths: &'a PathFilter,
    remaining: usize,
    changes: Vec<FileChange>,
    match_filter: bool,
}

impl Visit for TreeDiffVisitor<'_> {
    fn pop_front_tracked_path_and_set_current(&mut self) {
        self.recorder.pop_front_tracked_path_and_set_current();
    }

    fn push_back_tracked_path_component(&mut self, component: &BStr) {
        self.recorder.push_back_tracked_path_component(component);
    }

    fn push_path_component(&mut self, component: &BStr) {
        self.recorder.push_path_component(component);
    }

    fn pop_path_component(&mut self) {
        self.recorder.pop_path_component();
    }

    fn visit(&mut self, change: visit::Change) -> visit::Action {
        let (mode, kind) = match change {
            visit::Change::Addition { entry_mode, .. } => (entry_mode, ChangeKind::Added),
            visit::Change::Deletion { entry_mode, .. } => (entry_mode, ChangeKind::Deleted),
            visit::Change::Modification { entry_mode, .. } => (entry_mode, ChangeKind::Modified),
        };
        let Some(remaining) = self.remaining.checked_sub(1) else { return ControlFlow::Break(()) };
        self.remaining = remaining;
        if !mode.is_tree() {
            let path = self.recorder.path();
            self.match_filter |= self.paths.matches(path);
            self.changes
                .push(FileChange { path: String::from_utf8_lossy(path).into_owned(), kind });
        }
        ControlFlow::Continue(())
    }
}

/// A commit's tree, after that of its first parent.
pub(crate) type TreePair = (Option<ObjectId>, ObjectId);
