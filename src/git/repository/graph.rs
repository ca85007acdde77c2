//! The way back from a commit: which commits lead to it, and which of them were there before.
//!
//! Not gix's own walk: where clocks ran late it returns commits that were there before, and a
//! commit behind the end of a shallow clone can hide one that the clone has.

use super::commit::CommitNode;

use gix::ObjectId;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// How many more commits are looked at when all that is left was there before: one of them may
/// still lead to a commit that only seemed to be new, if clocks ran late.
const SLACK: usize = 1_000;

/// Commits that were read ahead; why one cannot be read is returned when it is its turn.
type ReadCommits = HashMap<ObjectId, gix::Result<CommitNode>>;

/// A repository's commits as a graph.
pub(super) struct CommitGraph<'a> {
    pub(super) repository: &'a gix::Repository,
    /// The commits at which a shallow clone ends; none when it is whole.
    pub(super) shallow_boundary: HashSet<ObjectId>,
}

/// What leads to a commit that was named as the previous one.
pub(super) struct PreviousAncestors {
    /// Every such commit that a walk from the head can come upon, and the previous one.
    commits: HashSet<ObjectId>,
    /// The others that were read to find that out.
    read: ReadCommits,
    /// Whether the previous commit leads to the head.
    pub(super) leads_to_head: bool,
}

/// Commits to look at, the newest first and of one time in the order in which they came.
#[derive(Default)]
struct CommitQueue {
    heap: BinaryHeap<(i64, Reverse<usize>, ObjectId)>,
    seen: HashSet<ObjectId>,
}

impl CommitQueue {
    fn push(&mut self, time: i64, id: ObjectId) {
        self.seen.insert(id);
        self.heap.push((time, Reverse(self.seen.len()), id));
    }
}

impl<'a> CommitGraph<'a> {
    pub(super) fn new(repository: &'a gix::Repository) -> gix::Result<Self> {
        let shallow = repository.shallow_commits()?;
        let boundary = shallow.iter().flat_map(|commits| commits.iter().copied());
        Ok(Self { repository, shallow_boundary: boundary.collect() })
    }

    /// The commits that lead to `head`, itself among them, and not to what was before; each with
    /// the tree of its first parent, where the clone has one.
    pub(super) fn commits(
        &self,
        head: ObjectId,
        before: Option<PreviousAncestors>,
    ) -> impl Iterator<Item = gix::Result<(CommitNode, Option<gix::Result<ObjectId>>)>> {
        let (before, read) = before.map(|before| (before.commits, before.read)).unwrap_or_default();
        let mut ancestry =
            AncestryWalk { graph: self, queue: CommitQueue::default(), before, read };
        ancestry.push(head, i64::MAX);
        std::iter::from_fn(move || ancestry.next())
    }

    /// Finds out what leads to `previous`, as far as it matters to a walk from `head`.
    pub(super) fn before(
        &self,
        previous: ObjectId,
        head: ObjectId,
    ) -> gix::Result<PreviousAncestors> {
        let mut search = AncestorSearch::new(self, previous);
        search.push(previous, i64::MAX);
        search.push(head, i64::MAX);
        while let Some((time, id)) = search.pop() {
            search.visit(id, time)?;
        }
        let is_new = |id: &ObjectId| !search.before.contains(id);
        let mut steps = search.parents.iter();
        let leads_to_head = head == previous
            || steps.any(|(id, parents)| is_new(id) && parents.contains(&previous));
        Ok(PreviousAncestors { commits: search.before, read: search.read, leads_to_head })
    }

    /// Reads a commit. Of its parents, those that the clone has.
    fn read(&self, id: ObjectId) -> gix::Result<CommitNode> {
        let mut node = CommitNode::read(self.repository, id)?;
        if self.shallow_boundary.contains(&id) {
            node.parents.clear();
        }
        Ok(node)
    }
}

/// When it was committed; where that is malformed or missing, as late as what comes after it.
fn time(node: &gix::Result<CommitNode>, after: i64) -> i64 {
    node.as_ref().ok().and_then(|node| node.commit.time).unwrap_or(after)
}

/// The walk from a head. Each commit is read once.
struct AncestryWalk<'a> {
    graph: &'a CommitGraph<'a>,
    queue: CommitQueue,
    before: HashSet<ObjectId>,
    /// What is in the queue, or will be.
    read: ReadCommits,
}

impl AncestryWalk<'_> {
    fn push(&mut self, id: ObjectId, after: i64) {
        if self.before.contains(&id) || self.queue.seen.contains(&id) {
            return;
        }
        let graph = self.graph;
        let node = self.read.entry(id).or_insert_with(|| graph.read(id));
        self.queue.push(time(node, after), id);
    }

    fn next(&mut self) -> Option<gix::Result<(CommitNode, Option<gix::Result<ObjectId>>)>> {
        let (time, _, id) = self.queue.heap.pop()?;
        let node = match self.read.remove(&id)? {
            Ok(node) => node,
            Err(error) => return Some(Err(error)),
        };
        for parent in &node.parents {
            self.push(*parent, time);
        }
        let before = node.parents.first().map(|parent| self.tree(*parent));
        Some(Ok((node, before)))
    }

    /// The tree of a commit, which mostly is in the queue.
    fn tree(&self, commit: ObjectId) -> gix::Result<ObjectId> {
        match self.read.get(&commit) {
            Some(Ok(node)) => Ok(node.tree),
            _ => self.graph.read(commit).map(|node| node.tree),
        }
    }
}

/// The search for what was there before.
struct AncestorSearch<'a> {
    graph: &'a CommitGraph<'a>,
    queue: CommitQueue,
    before: HashSet<ObjectId>,
    /// What is not known to have been there before, and what cannot be read.
    read: ReadCommits,
    /// The parents of each commit that was read.
    parents: HashMap<ObjectId, Vec<ObjectId>>,
    /// What is in the queue and not known to have been there before.
    open: HashSet<ObjectId>,
    /// The time of the oldest commit that was new when it was looked at.
    oldest: i64,
    slack: usize,
}

impl<'a> AncestorSearch<'a> {
    fn new(graph: &'a CommitGraph<'a>, previous: ObjectId) -> Self {
        let (queue, parents, open) = (CommitQueue::default(), HashMap::new(), HashSet::new());
        let (before, read) = (HashSet::from([previous]), HashMap::new());
        Self { graph, queue, before, read, parents, open, oldest: i64::MAX, slack: SLACK }
    }

    fn push(&mut self, id: ObjectId, after: i64) {
        if self.queue.seen.contains(&id) {
            return;
        }
        let node = self.graph.read(id);
        self.queue.push(time(&node, after), id);
        if let Ok(node) = &node {
            self.parents.insert(id, node.parents.clone());
        }
        let is_before = self.before.contains(&id);
        if !is_before || node.is_err() {
            self.read.insert(id, node);
        }
        if is_before {
            self.mark_ancestors(id);
        } else {
            self.open.insert(id);
        }
    }

    /// The next commit to look at, until looking further can change nothing.
    fn pop(&mut self) -> Option<(i64, ObjectId)> {
        let (time, _, id) = self.queue.heap.pop()?;
        let may_change = !self.open.is_empty() || time >= self.oldest;
        self.slack = if may_change { SLACK } else { self.slack - 1 };
        (self.slack > 0).then_some((time, id))
    }

    fn visit(&mut self, id: ObjectId, time: i64) -> gix::Result<()> {
        self.open.remove(&id);
        let Some(parents) = self.parents.get(&id).cloned() else {
            return self.read.remove(&id).map_or(Ok(()), |read| read.map(drop));
        };
        for parent in parents {
            self.push(parent, time);
        }
        if !self.before.contains(&id) {
            self.oldest = self.oldest.min(time);
        }
        Ok(())
    }

    /// What leads to a commit that was there before was there too.
    fn mark_ancestors(&mut self, from: ObjectId) {
        let mut pending = vec![from];
        while let Some(id) = pending.pop() {
            for parent in self.parents.get(&id).into_iter().flatten() {
                if self.before.insert(*parent) {
                    self.open.remove(parent);
                    pending.push(*parent);
                    if let Some(Ok(_)) = self.read.get(parent) {
                        self.read.remove(parent);
                    }
                }
            }
        }
    }
}
