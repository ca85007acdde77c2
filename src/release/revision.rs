//! Names of commits in the place of their hashes, as git knows them: a tag, a branch, `HEAD`. They are of
//! the repository that is checked out.

use super::code_version::CheckoutInfo;
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::release::{CommitSource, PreviousCommit, Ref, ReleaseInputs};
use crate::job::{self, Job};
use crate::text::quote;

/// The commits that the inputs name, by their hashes.
pub(super) fn resolve(
    release: &ReleaseInputs,
    job: &Job,
    checkout: &CheckoutInfo,
) -> Result<(CommitSource, PreviousCommit)> {
    let names = CommitNames { job, checkout };
    let commits = match &release.commits {
        CommitSource::Refs(refs) => {
            CommitSource::Refs(refs.iter().map(|one| names.head(one)).collect::<Result<_>>()?)
        }
        other => other.clone(),
    };
    let previous = match &release.previous {
        PreviousCommit::Sha(name) => PreviousCommit::Sha(names.commit(None, name)?),
        other => other.clone(),
    };
    Ok((commits, previous))
}

const CHECK_OUT: &str = "write the commit's SHA, or check out the repository that has it";

struct CommitNames<'a> {
    job: &'a Job,
    checkout: &'a CheckoutInfo,
}

impl CommitNames<'_> {
    fn head(&self, one: &Ref) -> Result<Ref> {
        let commit = |name: &String| self.commit(Some(&one.repository), name);
        let previous = one.previous.as_ref().map(commit).transpose()?;
        Ok(Ref { commit: commit(&one.commit)?, previous, ..one.clone() })
    }

    /// The commit of a name in this repository, or in that of the release. As in git, a tag goes before the
    /// beginning of a hash.
    fn commit(&self, repository: Option<&str>, name: &str) -> Result<String> {
        let is_here = repository.is_none_or(|repository| self.is_here(repository));
        let named = self.checkout.named.get(name).filter(|_| is_here);
        let commit = named.and_then(|named| named.clone().ok()).or_else(|| job::sha(name));
        commit.ok_or_else(|| self.unknown(repository, name))
    }

    /// Whether a repository is the one that is checked out, as far as that is known.
    fn is_here(&self, repository: &str) -> bool {
        let parts: Vec<_> = repository.split('/').map(str::trim).collect();
        let known = self.checkout.repository.as_ref().or(self.job.repository.as_ref());
        known.is_none_or(|known| job::same_repository(known, &parts.join("/")))
    }

    fn unknown(&self, repository: Option<&str>, name: &str) -> Error {
        let named = match repository {
            Some(repository) => format!("the commit of {}", quote(&format!("{repository}@{name}"))),
            None => format!("`previous-commit` {}", quote(name)),
        };
        let here = self.checkout.repository.as_deref().map(quote);
        let fault = self.checkout.named.get(name).and_then(|named| named.as_ref().err());
        let (why, hint) = match (fault, here) {
            _ if self.checkout.is_absent => ("there is no checkout".to_owned(), CHECK_OUT),
            _ if let Some(error) = self.checkout.damage() => (error.message, CHECK_OUT),
            (Some(fault), _) if repository.is_none_or(|one| self.is_here(one)) => {
                (fault.message.clone(), &*fault.hint)
            }
            (_, Some(here)) => (format!("the checkout is of {here}"), CHECK_OUT),
            (_, None) => ("the checkout has no remote".to_owned(), CHECK_OUT),
        };
        let message = format!("cannot look up {named}: {why}");
        Error::new(ErrorCode::Usage, message).with_hint(hint)
    }
}
