//! The commits of a range, and what is read of each of them.

use super::error::{GitError, unreadable};
use super::files::{self, Files};
use super::node::Node;
use super::note::Note;
use super::paths::Paths;
use super::walk::Graph;
use super::{Checkout, History, Range};
use crate::release::Commit;
use gix::ObjectId;

/// How many files are told of all commits together, so that no history fills the memory.
const MOST_FILES: usize = 500_000;

/// After how many commits the runtime gets its turn: a long history must not keep a signal waiting.
const STRIDE: usize = 100;

/// Reads the commits of a range.
pub(super) async fn read(checkout: &Checkout, range: &Range<'_>) -> Result<History, GitError> {
    let graph = Graph::new(&checkout.repository).map_err(|error| unreadable(&error))?;
    let is_shallow = !graph.ends.is_empty();
    let missing = || GitError::NoHead { sha: range.head.to_owned(), is_shallow };
    let head = checkout.commit(range.head)?.ok_or_else(missing)?;
    let previous = range.previous.map(|sha| checkout.commit(sha)).transpose()?.flatten();
    let most = if previous.is_some() { usize::MAX } else { range.most };
    let reader = Reader { graph, head, previous, most, paths: Paths::new(range.paths) };
    let mut history = reader.read().await.map_err(|error| unreadable(&error))?;
    if let (Some(named), None) = (range.previous, previous) {
        let note = Note::NoPrevious { previous: named.to_owned(), is_shallow, most };
        // That the clone is shallow is said by it.
        history.notes.retain(|note| !matches!(note, Note::Shallow { .. }));
        history.notes.insert(0, note);
    }
    Ok(history)
}

struct Reader<'a> {
    graph: Graph<'a>,
    head: ObjectId,
    previous: Option<ObjectId>,
    most: usize,
    paths: Paths,
}

/// What is gathered on the way.
#[derive(Default)]
struct Found {
    commits: Vec<Commit>,
    files: usize,
    /// The end of a shallow clone that was come upon.
    end: Option<ObjectId>,
    without_trees: usize,
    with_too_many: usize,
}

/// Lets the runtime look after signals and the deadline every now and then.
pub(super) async fn turn(place: usize) {
    if place % STRIDE == STRIDE - 1 {
        tokio::task::yield_now().await;
    }
}

impl Reader<'_> {
    async fn read(&self) -> gix::Result<History> {
        let before = match self.previous {
            Some(previous) => Some(self.graph.before(previous, self.head).await?),
            None => None,
        };
        let leads_to_head = before.as_ref().is_none_or(|before| before.leads_to_head);
        let mut found = Found::default();
        for (place, node) in self.graph.commits(self.head, before).enumerate() {
            turn(place).await;
            if found.commits.len() >= self.most {
                break;
            }
            let (node, before) = node?;
            self.take(node, before, &mut found)?;
        }
        let notes = self.notes(&found, leads_to_head);
        Ok(History { commits: found.commits, notes })
    }

    fn take(
        &self,
        node: Node,
        before: Option<gix::Result<ObjectId>>,
        found: &mut Found,
    ) -> gix::Result<()> {
        let is_end = self.graph.ends.contains(&node.id);
        if is_end {
            found.end.get_or_insert(node.id);
        }
        let is_known = !is_end && node.parents.len() < 2;
        let files = if is_known { self.files(&node, before, found)? } else { None };
        if self.paths.is_everything() || files.as_ref().is_some_and(|files| files.are_asked_for) {
            let files = files.map(|files| files.changes).unwrap_or_default();
            let fit = found.files + files.len() <= MOST_FILES;
            found.with_too_many += usize::from(!fit);
            let changes = if fit { files } else { Vec::new() };
            found.files += changes.len();
            found.commits.push(Commit { changes, ..node.told });
        }
        Ok(())
    }

    /// The files of a commit, where the clone has them and they can be told.
    fn files(
        &self,
        node: &Node,
        before: Option<gix::Result<ObjectId>>,
        found: &mut Found,
    ) -> gix::Result<Option<Files>> {
        let read = |before| files::read(self.graph.repository, before, node.tree, &self.paths);
        match before.transpose().and_then(read) {
            Ok(files) if files.are_too_many => {
                found.with_too_many += 1;
                Ok(Some(Files { changes: Vec::new(), ..files }))
            }
            Ok(files) => Ok(Some(files)),
            Err(error) if error.is_not_found() => {
                found.without_trees += 1;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn notes(&self, found: &Found, leads_to_head: bool) -> Vec<Note> {
        let mut notes = Vec::new();
        if let Some(end) = found.end {
            notes.push(Note::Shallow { oldest: end.to_string() });
        } else if let Some(previous) = self.previous.filter(|_| !leads_to_head) {
            let (previous, head) = (previous.to_string(), self.head.to_string());
            notes.push(Note::NoAncestor { previous, head });
        }
        if found.without_trees > 0 {
            notes.push(Note::NoTrees { commits: found.without_trees });
        }
        if found.with_too_many > 0 {
            notes.push(Note::TooManyFiles { commits: found.with_too_many });
        }
        notes
    }
}
