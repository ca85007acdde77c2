//! The walk back from a commit: which commits lead to it, and which of them were there before.
//!
//! Not gix's own walk: where clocks ran late it returns commits that were there before, and a
//! commit behind the end of a shallow clone can hide one that the clone has.

use gix::ObjectId;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// How many more commits are looked at when all that is left was there before: one of them may
/// still lead to a commit that only seemed to be new, if clocks ran late.
const SLACK: usize = 1_000;

/// A repository's commits as a graph.
pub(super) struct Graph<'a> {
    pub(super) repository: &'a gix::Repository,
    /// The commits at which a shallow clone ends; none when it is whole.
    pub(super) ends: HashSet<ObjectId>,
}

/// What leads to a commit that was named as the previous one.
pub(super) struct Before {
    /// Every such commit that a walk from the head can come upon, and the previous one.
    commits: HashSet<ObjectId>,
    /// Whether the previous commit leads to the head.
    pub(super) leads_to_head: bool,
}

/// Commits to look at, the newest first and of one time in the order in which they came.
#[derive(Default)]
struct Queue {
    heap: BinaryHeap<(i64, Reverse<usize>, ObjectId)>,
    seen: HashSet<ObjectId>,
}

impl Queue {
    /// Whether it has not been there before.
    fn push(&mut self, time: i64, id: ObjectId) -> bool {
        let is_new = self.seen.insert(id);
        if is_new {
            self.heap.push((time, Reverse(self.seen.len()), id));
        }
        is_new
    }
}

impl<'a> Graph<'a> {
    pub(super) fn new(repository: &'a gix::Repository) -> gix::Result<Self> {
        let ends = repository.shallow_commits()?;
        let ends = ends.iter().flat_map(|commits| commits.iter().copied()).collect();
        Ok(Self { repository, ends })
    }

    /// The commits that lead to `head`, itself among them, and not to what was before.
    pub(super) fn commits(
        &self,
        head: ObjectId,
        before: Option<&Before>,
    ) -> impl Iterator<Item = gix::Result<gix::Commit<'a>>> {
        let is_new = move |id: &ObjectId| before.is_none_or(|before| !before.commits.contains(id));
        let mut queue = Queue::default();
        if is_new(&head) {
            queue.push(self.time(head, i64::MAX), head);
        }
        std::iter::from_fn(move || {
            let (time, _, id) = queue.heap.pop()?;
            let commit = self.repository.find_commit(id);
            if let Ok(commit) = &commit {
                for parent in self.parents(commit).into_iter().filter(is_new) {
                    queue.push(self.time(parent, time), parent);
                }
            }
            Some(commit)
        })
    }

    /// Finds out what leads to `previous`, as far as it matters to a walk from `head`.
    pub(super) fn before(&self, previous: ObjectId, head: ObjectId) -> gix::Result<Before> {
        let mut paint = Paint::new(previous);
        paint.push(self.time(previous, i64::MAX), previous);
        paint.push(self.time(head, i64::MAX), head);
        while let Some((time, id)) = paint.pop() {
            let parents = self.parents(&self.repository.find_commit(id)?);
            for parent in &parents {
                paint.push(self.time(*parent, time), *parent);
            }
            paint.look(id, time, parents);
        }
        let is_new = |id: &ObjectId| !paint.before.contains(id);
        let mut steps = paint.parents.iter();
        let leads_to_head = head == previous
            || steps.any(|(id, parents)| is_new(id) && parents.contains(&previous));
        Ok(Before { commits: paint.before, leads_to_head })
    }

    /// The parents that the clone has.
    fn parents(&self, commit: &gix::Commit<'_>) -> Vec<ObjectId> {
        let is_end = self.ends.contains(&commit.id);
        if is_end { Vec::new() } else { commit.parent_ids().map(gix::Id::detach).collect() }
    }

    /// When it was committed; where that is malformed or missing, as late as what comes after it.
    fn time(&self, id: ObjectId, after: i64) -> i64 {
        let commit = self.repository.find_commit(id).ok();
        commit.and_then(|commit| Some(commit.time().ok()?.seconds)).unwrap_or(after)
    }
}

/// The search for what was there before.
struct Paint {
    queue: Queue,
    before: HashSet<ObjectId>,
    /// The parents of each commit that was looked at.
    parents: HashMap<ObjectId, Vec<ObjectId>>,
    /// What is in the queue and not known to have been there before.
    open: HashSet<ObjectId>,
    /// The time of the oldest commit that was new when it was looked at.
    oldest: i64,
    slack: usize,
}

impl Paint {
    fn new(previous: ObjectId) -> Self {
        let (queue, parents, open) = (Queue::default(), HashMap::new(), HashSet::new());
        let before = HashSet::from([previous]);
        Self { queue, before, parents, open, oldest: i64::MAX, slack: SLACK }
    }

    fn push(&mut self, time: i64, id: ObjectId) {
        if self.queue.push(time, id) && !self.before.contains(&id) {
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

    fn look(&mut self, id: ObjectId, time: i64, parents: Vec<ObjectId>) {
        self.open.remove(&id);
        self.parents.insert(id, parents);
        if self.before.contains(&id) {
            self.spread(id);
        } else {
            self.oldest = self.oldest.min(time);
        }
    }

    /// What leads to a commit that was there before was there too.
    fn spread(&mut self, from: ObjectId) {
        let mut left = vec![from];
        while let Some(id) = left.pop() {
            for parent in self.parents.get(&id).into_iter().flatten() {
                if self.before.insert(*parent) {
                    self.open.remove(parent);
                    left.push(*parent);
                }
            }
        }
    }
}
