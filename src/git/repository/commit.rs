//! A commit with what the graph needs of it and what is sent of it, read in one pass.

use super::encoding::TextDecoder;
use crate::release::{Commit, MAX_TEXT_BYTES};
use gix::ObjectId;
use gix::actor::SignatureRef;
use gix::bstr::ByteSlice;

/// The end of the year 9999, in seconds since 1970.
const MAX_SECONDS: i64 = 253_402_300_799;

/// A commit of the graph.
pub(super) struct CommitNode {
    pub(super) id: ObjectId,
    pub(super) parents: Vec<ObjectId>,
    pub(super) tree: ObjectId,
    /// The commit without its files. What is malformed in it stays empty: whoever sends it decides.
    pub(super) commit: Commit,
    /// The encoding that its texts are said to have and do not.
    pub(super) wrong_encoding: Option<String>,
}

impl CommitNode {
    /// Reads a commit. Nothing of the object itself is kept: many nodes stay for long.
    pub(super) fn read(repository: &gix::Repository, id: ObjectId) -> gix::Result<Self> {
        let object = repository.find_commit(id)?;
        let tree = object.tree_id()?.detach();
        let data = object.data.as_slice();
        let (header, message) = data.split_once_str(b"\n\n").unwrap_or((data, b""));
        let header = CommitHeader::parse(header);
        let mut texts = TextDecoder::new(header.encoding);
        let author = header.author.and_then(|author| SignatureRef::from_bytes(author).ok());
        let author = author.as_ref().map(SignatureRef::trim);
        let commit = Commit {
            id: id.to_string(),
            message: texts.decode(beginning(message.trim_ascii_end())),
            author_name: author.as_ref().and_then(|author| texts.decode(beginning(author.name))),
            author_email: author.as_ref().and_then(|author| texts.decode(beginning(author.email))),
            time: header.committer.and_then(time),
            changes: Vec::new(),
        };
        let wrong_encoding = texts.wrong_encoding();
        Ok(Self { id, parents: header.parents, tree, commit, wrong_encoding })
    }
}

/// The lines before a commit's message; what is malformed in one costs no other.
#[derive(Default)]
struct CommitHeader<'a> {
    parents: Vec<ObjectId>,
    author: Option<&'a [u8]>,
    committer: Option<&'a [u8]>,
    encoding: Option<&'a [u8]>,
}

impl<'a> CommitHeader<'a> {
    fn parse(header: &'a [u8]) -> Self {
        let mut read = Self::default();
        // The lines of a signature or of a merged tag begin with a blank, so they have no name.
        for (name, value) in header.split_str(b"\n").filter_map(|line| line.split_once_str(b" ")) {
            let is_before_people = read.author.is_none() && read.committer.is_none();
            let field = match name {
                b"parent" if is_before_people => {
                    read.parents.extend(ObjectId::from_hex(value));
                    continue;
                }
                b"author" => &mut read.author,
                b"committer" => &mut read.committer,
                b"encoding" => &mut read.encoding,
                _ => continue,
            };
            field.get_or_insert(value);
        }
        read
    }
}

/// As much of a text as is kept, without a character that is cut.
fn beginning(text: &[u8]) -> &[u8] {
    let Some((kept, _)) = text.split_at_checked(MAX_TEXT_BYTES) else { return text };
    let is_inner = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
    match text[MAX_TEXT_BYTES..].first().is_some_and(is_inner) {
        true => {
            let inner = kept.iter().rev().take(3).take_while(|byte| is_inner(byte)).count();
            &kept[..kept.len().saturating_sub(inner + 1)]
        }
        false => kept,
    }
}

/// When that was, in milliseconds since 1970. The zone says nothing of it, so it may be missing.
fn time(person: &[u8]) -> Option<i64> {
    let (_, date) = person.rsplit_once_str(b">")?;
    let seconds = date.fields().next()?;
    let is_number = seconds.iter().all(u8::is_ascii_digit);
    let seconds: i64 = seconds.to_str().ok().filter(|_| is_number)?.parse().ok()?;
    (seconds <= MAX_SECONDS).then(|| seconds * 1000)
}
