//! A release that has the commits of another repository: a server keeps those of one run alone.

use super::backend::ReleaseState;
use crate::error::Warning;
use crate::inputs::release::Ref;
use crate::job;
use crate::text::quote;

/// What becomes of the two repositories' commits.
#[derive(Clone, Copy)]
pub(crate) enum CommitConflict {
    /// Ours take the place of the others.
    Replaces,
    /// Ours are not sent.
    Keeps,
}

/// Says that the release has commits of a repository that is none of `ours`, and how it can have
/// both. A commit that was sent without a repository is nobody's.
pub(crate) fn warn(
    existing: &ReleaseState,
    ours: &[Ref],
    conflict: CommitConflict,
) -> Option<Warning> {
    let other = existing.last_repository.as_deref().filter(|name| !is_placeholder(name))?;
    let sha = existing.last_commit.as_deref()?;
    if ours.is_empty() || ours.iter().any(|one| is_same(&one.repository, other)) {
        return None;
    }
    let own: Vec<_> = ours.iter().map(|one| quote(&one.repository)).collect();
    let own = own.join(", ");
    let becomes = match conflict {
        CommitConflict::Replaces => format!("which are replaced by those of {own}"),
        CommitConflict::Keeps => format!("so those of {own} are not sent"),
    };
    let both = ours.iter().map(|one| format!("{}@{}", one.repository, one.commit));
    let both: Vec<_> = std::iter::once(format!("{other}@{sha}")).chain(both).collect();
    let message = format!(
        "the release has commits of {}, {becomes}; to have both, name them in one run, \
         `commits: {}`, or give each repository its own version, for example with `release-prefix`",
        quote(other),
        both.join(", ")
    );
    Some(Warning::new("other-repository", message))
}

/// Says that commits of nobody's are replaced which the clone at hand does not have, so that another
/// repository may have sent them.
pub(crate) fn warn_of_unnamed(
    existing: &ReleaseState,
    is_lacking: impl Fn(&str) -> bool,
) -> Option<Warning> {
    existing.last_repository.as_deref().filter(|name| is_placeholder(name))?;
    let sha = existing.last_commit.as_deref().filter(|sha| is_lacking(sha))?;
    let message = format!(
        "the release has commits that this clone does not have, up to {sha}, which are replaced; if \
         another repository releases this version too, give each its own, for example with \
         `release-prefix`, or link both in Sentry and name them in one run as `commits`"
    );
    Some(Warning::new("other-repository", message))
}

/// The name that Sentry gives the repository of commits that name none.
fn is_placeholder(name: &str) -> bool {
    let id = name.strip_prefix("organization-");
    id.is_some_and(|id| !id.is_empty() && id.bytes().all(|c| c.is_ascii_digit()))
}

/// Whether it is the same name but for case and blanks around slashes.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.split('/').map(str::trim).collect::<Vec<_>>().join("/");
    job::same_repository(&plain(one), &plain(other))
}
