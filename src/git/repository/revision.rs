//! Commits by their names.

use super::Checkout;

/// How many commits before a name are looked for.
const MAX_STEPS: usize = 1_000;

impl Checkout {
    /// The commit of a tag; none where there is no such tag.
    pub fn tag_commit(&self, tag: &str) -> Option<String> {
        self.named_commit(&format!("refs/tags/{tag}"))
    }

    /// The commit of a tag, a branch, a remote's branch or `HEAD`, looked for in git's order, or the one that
    /// `~2` or `^` behind it means; none where there is no such name.
    pub fn named_commit(&self, name: &str) -> Option<String> {
        let base = name.find(['~', '^']).map_or(name, |at| &name[..at]);
        let steps = steps(&name[base.len()..])?;
        let mut found = self.repository.try_find_reference(base).ok()??;
        let mut commit = found.peel_to_commit().ok()?;
        for _ in 0..steps {
            let parent = commit.parent_ids().next()?;
            commit = parent.object().ok()?.try_into_commit().ok()?;
        }
        Some(commit.id.to_string())
    }
}

/// How many first parents such an end leads back: one for each `^`, and as many as stand behind a `~`.
fn steps(end: &str) -> Option<usize> {
    let (mut steps, mut rest) = (0_usize, end);
    while !rest.is_empty() {
        let takes_number = rest.starts_with('~');
        let behind = rest.strip_prefix(['~', '^'])?;
        let digits = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        let (number, after) = behind.split_at(digits);
        steps += match number {
            "" => 1,
            _ if takes_number => number.parse().ok().filter(|count| *count <= MAX_STEPS)?,
            _ => return None,
        };
        rest = after;
    }
    (steps <= MAX_STEPS).then_some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_says_how_many_commits_back() {
        for (end, count) in [
            ("", Some(0)),
            ("~", Some(1)),
            ("~3", Some(3)),
            ("^^", Some(2)),
            ("~2^", Some(3)),
            ("^2", None),
            ("~99999999999999999999999", None),
            ("~1x", None),
            ("~1ä", None),
        ] {
            assert_eq!(steps(end), count, "{end}");
        }
    }
}
