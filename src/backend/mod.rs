//! Who walks the pipeline: our own engine over SQLite, or a Sentry.

pub mod embedded;
pub mod sentry;

use crate::error::{Error, ErrorCode, Warning};
use crate::inputs::{CodeMapping, MappingPlace};
use crate::integration::{ExistingLinks, RequestedLinks, links};
use crate::os::signals;
use crate::outcome::CANCELLED;
use crate::text::quote;

/// Links of which an integration has each, as far as a run knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownLinks {
    /// The repositories.
    pub repositories: Vec<String>,
    /// The code mappings.
    pub code_mappings: Vec<CodeMapping>,
    /// The names of each repository that has several.
    pub names: Vec<Vec<String>>,
}

impl KnownLinks {
    /// Notes the names of those repositories that are requested.
    pub(crate) fn note_names<'n>(
        &mut self,
        requested: &RequestedLinks,
        all: impl IntoIterator<Item = &'n Vec<String>>,
    ) {
        let mapped = requested.code_mappings.iter().map(|mapping| &mapping.repository);
        let named: Vec<_> = requested.repositories.iter().chain(mapped).collect();
        let is_named = |names: &&Vec<String>| {
            names.len() > 1
                && names.iter().any(|one| named.iter().any(|name| one.eq_ignore_ascii_case(name)))
        };
        self.names.extend(all.into_iter().filter(is_named).cloned());
    }
}

/// What hears of the links that are about to be set.
type LinkWatcher = Box<dyn Fn(&KnownLinks)>;

/// What came of the repositories and code mappings that are set once the integration is there.
/// Whatever fails of them is a warning of its own and never hides the finished integration.
#[derive(Default)]
pub struct LinkReport {
    /// Whether anything is different now.
    pub changed: bool,
    /// What is different, for a person.
    pub done: Vec<String>,
    /// What went wrong.
    pub warnings: Vec<Warning>,
    /// The worst of what went wrong: no outage hides what was refused.
    pub failure: Option<Error>,
    /// The worst of what is still there and was to be gone, which is the end of the run: to say so was
    /// all that was asked for.
    pub left: Option<Error>,
    /// Those of the requested links that were found or set.
    pub known: KnownLinks,
    /// Those of which a request is under way.
    pending: KnownLinks,
    watcher: Option<LinkWatcher>,
    /// Whether something was not begun since a signal came.
    is_cut: bool,
}

impl LinkReport {
    /// A report whose watcher hears of what is or will be there, before the first change.
    pub(crate) fn watched(watcher: impl Fn(&KnownLinks) + 'static) -> Self {
        Self { watcher: Some(Box::new(watcher)), ..Self::default() }
    }

    /// Whether the next change may begin.
    fn may_go_on(&mut self) -> bool {
        let is_stopped = signals::is_stopped();
        self.is_cut |= is_stopped;
        !is_stopped
    }

    /// Says that not all was begun, where it was not.
    fn note_cut(&mut self, requested: &RequestedLinks) {
        if self.is_cut {
            self.broken_off(ErrorCode::Cancelled, requested);
        }
    }

    /// Notes which of the requested links are there, before any is changed.
    fn begin(&mut self, requested: &RequestedLinks, existing: &ExistingLinks) {
        let missing = requested.missing(existing);
        let RequestedLinks { repositories, code_mappings, .. } = requested.clone();
        let mut all = KnownLinks { repositories, code_mappings, names: Vec::new() };
        all.note_names(requested, &existing.repositories);
        if let Some(watcher) = self.watcher.as_ref().filter(|_| !missing.is_empty()) {
            watcher(&all);
        }
        all.repositories.retain(|name| !missing.repositories.contains(name));
        all.code_mappings.retain(|mapping| !missing.code_mappings.contains(mapping));
        self.known = all;
    }

    /// Notes what a request asks for: where its answer does not come, it may be there all the same.
    fn request(&mut self, repositories: &[String], mappings: &[&CodeMapping]) {
        let code_mappings = mappings.iter().map(|mapping| (*mapping).clone()).collect();
        let repositories = repositories.to_vec();
        self.pending = KnownLinks { repositories, code_mappings, names: Vec::new() };
    }

    /// Notes a repository that another run has linked meanwhile.
    fn found(&mut self, name: &str) {
        self.known.repositories.push(name.to_owned());
    }

    fn linked(&mut self, name: &str) {
        self.changed = true;
        self.known.repositories.push(name.to_owned());
        self.done.push(format!("linked repository {name}"));
    }

    fn mapped(&mut self, mapping: &CodeMapping) {
        self.changed = true;
        self.known.code_mappings.push(mapping.clone());
        self.done.push(format!("mapped {}", links::describe_mapping(mapping)));
    }

    /// Says what is to be gone and was not there.
    fn note_absent(&mut self, requested: &RequestedLinks, existing: &ExistingLinks) {
        let there = requested.missing(existing);
        let mappings = requested.absent_mappings.iter();
        let mappings = mappings.filter(|one| !there.absent_mappings.contains(one));
        let place = |one: &MappingPlace| format!("`{}` of {}", one.stack_root, one.project);
        self.done.extend(mappings.map(|one| format!("no code mapping of {} is there", place(one))));
        let names = requested.absent_repositories.iter();
        let names = names.filter(|name| !there.absent_repositories.contains(name));
        self.done.extend(names.map(|name| format!("repository {name} is not there")));
    }

    /// Leaves repositories where they are while a link is not set: with them would go what still
    /// depends on them.
    fn keep_repositories(&mut self, missing: &mut RequestedLinks) {
        if self.warnings.is_empty() {
            return;
        }
        for name in std::mem::take(&mut missing.absent_repositories) {
            let why = "not all other links are set, and it may take them along";
            let message = not_unlinked(&name, why);
            let failure = self.failure.clone().unwrap_or_else(|| refused(why));
            worse(&mut self.left, Error { message: message.clone(), ..failure });
            self.warn("repository-not-removed", message);
        }
    }

    fn unlinked(&mut self, name: &str) {
        self.changed = true;
        self.done.push(format!("removed repository {name}"));
    }

    fn unmapped(&mut self, mapping: &CodeMapping) {
        self.changed = true;
        self.done.push(format!("deleted the code mapping {}", links::describe_mapping(mapping)));
    }

    fn not_unlinked(&mut self, name: &str, why: Error) {
        self.not_removed("repository-not-removed", not_unlinked(name, &why.message), why);
    }

    fn not_unmapped(&mut self, mapping: &CodeMapping, why: Error) {
        let what = quote(&format!("{} of {}", mapping.stack_root, mapping.project));
        let message = format!("cannot delete the code mapping of {what}: {why}");
        self.not_removed("code-mapping-not-deleted", message, why);
    }

    fn not_linked(&mut self, what: &str, why: Error) {
        let message = format!("cannot link {}: {why}", quote(what));
        self.failed("repository-not-linked", message, why);
    }

    /// What is asked for contradicts itself, so that nothing is changed.
    fn contradicted(&mut self, why: Error) {
        self.not_removed("repository-not-removed", why.message.clone(), why);
    }

    /// Nothing is known of what is linked, so that nothing is changed.
    fn unread(&mut self, requested: &RequestedLinks, why: Error) {
        let message = format!("cannot read what is linked: {why}");
        match requested.has_absent() {
            true => self.not_removed("repository-not-linked", message, why),
            false => self.failed("repository-not-linked", message, why),
        }
    }

    /// A signal, or the deadline, came before all of it was done.
    pub(crate) fn broken_off(&mut self, end: ErrorCode, requested: &RequestedLinks) {
        let what = "all repositories and code mappings were set";
        let message = match end {
            ErrorCode::Cancelled => format!("{CANCELLED}; not {what}"),
            _ => format!("the deadline passed before {what}"),
        };
        let pending = std::mem::take(&mut self.pending);
        self.known.repositories.extend(pending.repositories);
        self.known.code_mappings.extend(pending.code_mappings);
        let why = Error::new(end, message.clone());
        match end == ErrorCode::Cancelled || requested.has_absent() {
            true => self.not_removed(end.slug(), message, why),
            false => self.failed(end.slug(), message, why),
        }
    }

    fn not_mapped(&mut self, mapping: &CodeMapping, why: Error) {
        let what = quote(&format!("{} of {}", mapping.repository, mapping.project));
        let message = format!("cannot set the code mapping of {what}: {why}");
        self.failed("code-mapping-not-set", message, why);
    }

    /// Says what went wrong, whose code is that of its cause.
    fn failed(&mut self, slug: &'static str, message: String, why: Error) {
        self.warn(slug, message.clone());
        if why.code == ErrorCode::Cancelled {
            worse(&mut self.left, Error { message: message.clone(), ..why.clone() });
        }
        worse(&mut self.failure, Error { message, ..why });
    }

    /// The same of what was to be gone.
    fn not_removed(&mut self, slug: &'static str, message: String, why: Error) {
        worse(&mut self.left, Error { message: message.clone(), ..why.clone() });
        self.failed(slug, message, why);
    }

    fn warn(&mut self, slug: &'static str, message: String) {
        self.warnings.push(Warning::new(slug, message));
    }
}

/// Keeps the worse of two failures, as among several entries: a signal, what a person must allow, what was
/// refused, what may pass.
fn worse(known: &mut Option<Error>, new: Error) {
    let rank = |failure: &Error| [9, 5, 4, 6].map(|exit| failure.code.exit().number() != exit);
    if known.as_ref().is_none_or(|known| rank(&new) < rank(known)) {
        *known = Some(new);
    }
}

fn not_unlinked(name: &str, why: &str) -> String {
    format!("cannot remove repository {}: {why}", quote(name))
}

/// A link that is refused, for this reason.
fn refused(why: impl Into<String>) -> Error {
    Error::new(ErrorCode::Refused, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_cause_is_the_failure_whichever_came_first() {
        let codes = [ErrorCode::BackendError, ErrorCode::Refused, ErrorCode::MissingScope];
        for (order, worst) in [([0, 1], 1), ([1, 0], 1), ([1, 2], 2), ([2, 0], 2), ([0, 0], 0)] {
            let mut report = LinkReport::default();
            for (at, code) in order.into_iter().enumerate() {
                report.not_linked(&format!("acme/{at}"), Error::new(codes[code], "no"));
            }
            let failure = report.failure.unwrap();
            assert_eq!(failure.code, codes[worst], "{order:?}");
            let at = order.iter().position(|code| *code == worst).unwrap();
            assert_eq!(failure.message, format!("cannot link `acme/{at}`: no"));
            assert_eq!(report.warnings.len(), 2);
        }
    }
}
