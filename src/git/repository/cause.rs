//! What gix says of a failure, as a cause in words.

use crate::git::error::GitError;

/// What opening a repository failed with. Git knows two kinds of hashes, and one is at home.
pub(super) fn opening(error: &gix::Error) -> GitError {
    let named = error.iter_errors().any(|error| error.to_string().contains("objectFormat"));
    match named && error.is_unsupported() {
        true => GitError::Sha256,
        false => GitError::Configuration { cause: words(error) },
    }
}

pub(super) fn unreadable(error: &gix::Error) -> GitError {
    let cause = words(error);
    match error.is_resource_exhausted() {
        true => GitError::TooLarge { cause },
        false => GitError::Unreadable { cause },
    }
}

/// The whole chain on one short line.
pub(super) fn words(error: &gix::Error) -> String {
    let mut causes: Vec<_> = error.iter_errors().map(ToString::to_string).collect();
    causes.dedup();
    causes.join(": ").chars().flat_map(escape).take(300).collect()
}

fn escape(c: char) -> impl Iterator<Item = char> {
    let plain = (!c.is_control()).then_some(c);
    let escaped = c.is_control().then(|| c.escape_debug());
    plain.into_iter().chain(escaped.into_iter().flatten())
}
