//! A commit with what the graph needs of it and what is sent of it, read in one pass.

use crate::release::Commit;
use gix::ObjectId;
use gix::objs::CommitRefIter;
use gix::objs::commit::ref_iter::Token;

/// A commit of the graph.
pub(super) struct CommitNode {
    pub(super) id: ObjectId,
    pub(super) parents: Vec<ObjectId>,
    pub(super) tree: ObjectId,
    /// The commit without its files. What is malformed in it stays empty: whoever sends it decides.
    pub(super) commit: Commit,
}

impl CommitNode {
    /// Reads a commit. Nothing of the object itself is kept: many nodes stay for long.
    pub(super) fn read(repository: &gix::Repository, id: ObjectId) -> gix::Result<Self> {
        let object = repository.find_commit(id)?;
        let commit = Commit {
            id: id.to_string(),
            message: text(object.message_raw_sloppy())
                .map(|message| message.trim_end().to_owned())
                .filter(|message| !message.is_empty()),
            ..Commit::default()
        };
        let tree = object.tree_id()?.detach();
        let mut node = Self { id, parents: Vec::new(), tree, commit };
        // It ends at the first mistake, or where the committer has been read.
        for token in CommitRefIter::from_bytes(&object.data, id.kind()) {
            match token {
                Ok(Token::Tree { .. }) => {}
                Ok(Token::Parent { id }) => node.parents.push(id),
                Ok(Token::Author { signature }) => {
                    let author = signature.trim();
                    node.commit.author_name = text(author.name);
                    node.commit.author_email = text(author.email);
                }
                Ok(Token::Committer { signature }) => {
                    node.commit.time =
                        signature.time().ok().map(|time| time.seconds.saturating_mul(1000));
                    break;
                }
                _ => break,
            }
        }
        Ok(node)
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    Some(String::from_utf8_lossy(bytes).into_owned()).filter(|text| !text.is_empty())
}
