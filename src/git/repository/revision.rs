//! Commits by their names.

use super::Checkout;
use crate::git::error::GitError;
use crate::text::quote;
use gix::{ObjectId, Reference};

/// How many commits before a name are looked for.
const MAX_STEPS: usize = 1_000;

impl Checkout {
    /// The commit of a tag; none where there is no such tag.
    pub fn tag_commit(&self, tag: &str) -> Option<String> {
        self.named_commit(&format!("refs/tags/{tag}")).ok()
    }

    /// The commit of a tag, a branch, a remote's branch or `HEAD`, looked for in git's order and then among
    /// the branches of `origin`, or the one that `~2` or `^2` behind it means.
    ///
    /// # Errors
    ///
    /// There is no such name, or this clone lacks the commit that it means.
    pub fn named_commit(&self, name: &str) -> Result<String, GitError> {
        let base = name.find(['~', '^']).map_or(name, |at| &name[..at]);
        let end = &name[base.len()..];
        let unknown = || GitError::NoName { name: quote(name) };
        let parents = parents(end).ok_or_else(unknown)?;
        let found = match self.reference(base) {
            Some(mut reference) => reference.peel_to_commit().ok().map(|commit| commit.id),
            None if !end.is_empty() => self.commit(base).map_err(|_| unknown())?,
            None => return Err(unknown()),
        };
        let commit = found.and_then(|commit| self.ancestor(commit, &parents));
        let lacking = || GitError::NoHead { sha: quote(name), is_shallow: self.is_shallow() };
        commit.map(|commit| commit.to_string()).ok_or_else(lacking)
    }

    fn reference(&self, name: &str) -> Option<Reference<'_>> {
        let name = if name == "@" { "HEAD" } else { name };
        let find = |name: &str| self.repository.try_find_reference(name).ok().flatten();
        find(name).or_else(|| find(&format!("refs/remotes/origin/{name}")))
    }

    fn ancestor(&self, commit: ObjectId, parents: &[usize]) -> Option<ObjectId> {
        let mut commit = commit;
        for number in parents {
            let read = self.repository.find_commit(commit).ok()?;
            commit = read.parent_ids().nth(number - 1)?.detach();
        }
        self.repository.find_commit(commit).ok().map(|commit| commit.id)
    }
}

/// Which parent each step of such an end leads to, the first being 1: `^2` one step to the second, `~2` two
/// to the first, `^0` and `^{}` none.
fn parents(end: &str) -> Option<Vec<usize>> {
    let (mut parents, mut rest) = (Vec::new(), end);
    while !rest.is_empty() {
        if let Some(after) = ["^{}", "^{commit}"].iter().find_map(|end| rest.strip_prefix(end)) {
            rest = after;
            continue;
        }
        let takes_count = rest.starts_with('~');
        let behind = rest.strip_prefix(['~', '^'])?;
        let digits = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        let (number, after) = behind.split_at(digits);
        let number = if number.is_empty() { 1 } else { number.parse().ok()? };
        match takes_count {
            true => parents.extend((0..number.min(MAX_STEPS + 1)).map(|_| 1)),
            false => parents.extend((number > 0).then_some(number)),
        }
        if parents.len() > MAX_STEPS {
            return None;
        }
        rest = after;
    }
    Some(parents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_says_which_parents_lead_there() {
        for (end, wanted) in [
            ("", Some(vec![])),
            ("~", Some(vec![1])),
            ("~3", Some(vec![1, 1, 1])),
            ("^^", Some(vec![1, 1])),
            ("~2^", Some(vec![1, 1, 1])),
            ("^2", Some(vec![2])),
            ("^2~1^3", Some(vec![2, 1, 3])),
            ("^0", Some(vec![])),
            ("~0^{}^{commit}", Some(vec![])),
            ("^{tree}", None),
            ("~1001", None),
            ("~99999999999999999999999", None),
            ("~1x", None),
            ("~1ä", None),
        ] {
            assert_eq!(parents(end), wanted, "{end}");
        }
    }
}
