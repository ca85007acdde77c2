//! The commits of a range, and what is read of each of them.

use super::cause::unreadable;
use super::commit::CommitNode;
use super::files::{self, ChangedFiles, TreePair};
use super::graph::CommitGraph;
use super::paths::PathFilter;
use super::prefetch::FilePrefetcher;
use super::{Checkout, prefetch};
use crate::git::error::GitError;
use crate::git::warning::HistoryWarning;
use crate::git::{CommitHistory, CommitRange};
use crate::release::{Commit, FileChange};
use gix::ObjectId;
use std::collections::VecDeque;

/// How many files all commits have together, so that no history fills the memory.
const MOST_FILES: usize = 500_000;

/// After how many commits their files are read in threads of their own: most ranges are shorter than
/// it takes to start one.
const PREFETCH_AFTER: usize = 100;

/// Reads the commits of a range.
pub(super) fn read(
    checkout: &Checkout,
    range: &CommitRange<'_>,
) -> Result<CommitHistory, GitError> {
    let graph = CommitGraph::new(&checkout.repository).map_err(|error| unreadable(&error))?;
    let is_shallow = !graph.shallow_boundary.is_empty();
    let missing = || GitError::NoHead { sha: range.head.to_owned(), is_shallow };
    let head = checkout.commit(range.head)?.ok_or_else(missing)?;
    let previous = range.previous.map(|sha| checkout.commit(sha)).transpose()?.flatten();
    let most = if previous.is_some() { usize::MAX } else { range.most };
    let reader = HistoryReader { graph, head, previous, most, paths: PathFilter::new(range.paths) };
    let mut history = reader.read().map_err(|error| unreadable(&error))?;
    if let (Some(named), None) = (range.previous, previous) {
        let warning = HistoryWarning::NoPrevious { previous: named.to_owned(), is_shallow, most };
        // That the clone is shallow is said by it.
        history.warnings.retain(|warning| !matches!(warning, HistoryWarning::Shallow { .. }));
        history.warnings.insert(0, warning);
    }
    Ok(history)
}

struct HistoryReader<'a> {
    graph: CommitGraph<'a>,
    head: ObjectId,
    previous: Option<ObjectId>,
    most: usize,
    paths: PathFilter,
}

/// The commits of the range so far, and what they lack.
#[derive(Default)]
struct GatheredCommits {
    commits: Vec<Commit>,
    files: usize,
    /// The end of a shallow clone that was come upon.
    end: Option<ObjectId>,
    without_trees: usize,
    with_too_many: usize,
    /// How many have texts in another encoding than they say, and what the first says.
    undecoded: Option<(usize, String)>,
}

impl GatheredCommits {
    /// The files of a commit, where the clone has them and they are not too many.
    fn record_files(
        &mut self,
        read: gix::Result<ChangedFiles>,
    ) -> gix::Result<Option<ChangedFiles>> {
        match read {
            Ok(files) if files.are_too_many => {
                self.with_too_many += 1;
                Ok(Some(ChangedFiles { changes: Vec::new(), ..files }))
            }
            Ok(files) => Ok(Some(files)),
            Err(error) if error.is_not_found() => {
                self.without_trees += 1;
                Ok(None)
            }
            Err(error) if error.is_resource_exhausted() => {
                self.with_too_many += 1;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The changes, or none of them where too many were gathered already.
    fn limit_changes(&mut self, changes: Vec<FileChange>) -> Vec<FileChange> {
        let fit = self.files + changes.len() <= MOST_FILES;
        self.with_too_many += usize::from(!fit);
        let changes = if fit { changes } else { Vec::new() };
        self.files += changes.len();
        changes
    }
}

impl HistoryReader<'_> {
    fn read(&self) -> gix::Result<CommitHistory> {
        let before = match self.previous {
            Some(previous) => Some(self.graph.before(previous, self.head)?),
            None => None,
        };
        let leads_to_head = before.as_ref().is_none_or(|before| before.leads_to_head);
        let (mut gathered, mut prefetcher, mut pending) =
            (GatheredCommits::default(), None::<FilePrefetcher>, VecDeque::new());
        for (index, node) in self.graph.commits(self.head, before).enumerate() {
            if gathered.commits.len() >= self.most {
                break;
            }
            let (node, before) = node?;
            if index == PREFETCH_AFTER && self.previous.is_some() {
                prefetcher = Some(FilePrefetcher::start(self.graph.repository, &self.paths));
            }
            let trees = self.trees(&node, before);
            if let (Some(prefetcher), Some(Ok(trees))) = (&mut prefetcher, &trees) {
                prefetcher.request(*trees);
            }
            pending.push_back((node, trees));
            if prefetcher.is_none() || pending.len() == prefetch::MAX_IN_FLIGHT {
                self.complete_first(&mut pending, prefetcher.as_mut(), &mut gathered)?;
            }
        }
        while !pending.is_empty() {
            self.complete_first(&mut pending, prefetcher.as_mut(), &mut gathered)?;
        }
        let warnings = self.warnings(&gathered, leads_to_head);
        Ok(CommitHistory { commits: gathered.commits, warnings })
    }

    /// The trees that a commit's files are compared from: not those of a merge, and where a shallow clone
    /// ends they are not known.
    fn trees(
        &self,
        node: &CommitNode,
        before: Option<gix::Result<ObjectId>>,
    ) -> Option<gix::Result<TreePair>> {
        let is_known = !self.graph.shallow_boundary.contains(&node.id) && node.parents.len() < 2;
        is_known.then(|| Ok((before.transpose()?, node.tree)))
    }

    /// Completes the commit that waits for its files the longest.
    fn complete_first(
        &self,
        pending: &mut VecDeque<(CommitNode, Option<gix::Result<TreePair>>)>,
        prefetcher: Option<&mut FilePrefetcher>,
        gathered: &mut GatheredCommits,
    ) -> gix::Result<()> {
        let Some((node, trees)) = pending.pop_front() else { return Ok(()) };
        if self.graph.shallow_boundary.contains(&node.id) {
            gathered.end.get_or_insert(node.id);
        }
        let read = |trees| {
            let read = || files::read(self.graph.repository, trees, &self.paths);
            prefetcher.and_then(FilePrefetcher::next).unwrap_or_else(read)
        };
        let files = match trees {
            Some(trees) => gathered.record_files(trees.and_then(read))?,
            None => None,
        };
        if self.paths.is_everything() || files.as_ref().is_some_and(|files| files.match_filter) {
            let changes =
                gathered.limit_changes(files.map(|files| files.changes).unwrap_or_default());
            gathered.commits.push(Commit { changes, ..node.commit });
            if let Some(encoding) = node.wrong_encoding {
                gathered.undecoded.get_or_insert((0, encoding)).0 += 1;
            }
        }
        Ok(())
    }

    fn warnings(&self, gathered: &GatheredCommits, leads_to_head: bool) -> Vec<HistoryWarning> {
        let mut warnings = Vec::new();
        if let Some(end) = gathered.end {
            warnings.push(HistoryWarning::Shallow { oldest: end.to_string() });
        } else if let Some(previous) = self.previous.filter(|_| !leads_to_head) {
            let (previous, head) = (previous.to_string(), self.head.to_string());
            warnings.push(HistoryWarning::NoAncestor { previous, head });
        }
        if gathered.without_trees > 0 {
            warnings.push(HistoryWarning::NoTrees { commits: gathered.without_trees });
        }
        if gathered.with_too_many > 0 {
            warnings.push(HistoryWarning::TooManyFiles { commits: gathered.with_too_many });
        }
        if let Some((commits, encoding)) = gathered.undecoded.clone() {
            warnings.push(HistoryWarning::WrongEncoding { commits, encoding });
        }
        warnings
    }
}
