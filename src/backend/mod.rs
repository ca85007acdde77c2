//! Who walks the pipeline: our own engine over SQLite, or a Sentry.

pub mod embedded;
pub mod sentry;

use crate::error::{Error, ErrorCode, Warning};
use crate::inputs::recorded_links::PrunedLinks;
use crate::inputs::{CodeMapping, MappingPlace};
use crate::integration::{
    ExistingLinks, LinkedRepository, NamedLinks, RequestedLinks, UnwantedLinks, links,
};
use crate::os::signals;
use crate::outcome::CANCELLED;
use crate::text::quote;

/// What hears of the links that are about to be set.
type LinkWatcher = Box<dyn Fn(&NamedLinks)>;

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
    /// The requested links, and which of them were found or set; none where nothing was listed.
    pub named: Option<NamedLinks>,
    /// What stays of what is pruned.
    pub kept: PrunedLinks,
    /// The repository, and the mappings, of which a request is under way.
    pending: (Option<String>, Vec<CodeMapping>),
    watcher: Option<LinkWatcher>,
    /// Whether something was not begun since a signal came.
    is_cut: bool,
}

impl LinkReport {
    /// A report whose watcher hears of what is or will be there, before the first change.
    pub(crate) fn watched(watcher: impl Fn(&NamedLinks) + 'static) -> Self {
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
        let named = NamedLinks::new(requested, existing);
        let is_complete = requested.missing(existing).is_empty();
        if let Some(watcher) = self.watcher.as_ref().filter(|_| !is_complete) {
            watcher(&named.clone().all_set());
        }
        self.named = Some(named);
    }

    /// Notes what a request asks for: where its answer does not come, it may be there all the same.
    fn request(&mut self, repository: Option<&str>, mappings: &[&CodeMapping]) {
        let mappings = mappings.iter().map(|mapping| (*mapping).clone()).collect();
        self.pending = (repository.map(str::to_owned), mappings);
    }

    /// Notes a repository that is linked: another run may have done so meanwhile.
    fn found(&mut self, name: &str) {
        self.named.iter_mut().for_each(|named| named.note_repository(name, None));
    }

    /// Notes that a repository was linked, and as which one where the answer tells.
    fn linked(&mut self, name: &str, row: Option<&LinkedRepository>) {
        self.changed = true;
        self.named.iter_mut().for_each(|named| named.note_repository(name, row));
        self.done.push(format!("linked repository {name}"));
    }

    fn mapped(&mut self, mapping: &CodeMapping) {
        self.changed = true;
        self.named.iter_mut().for_each(|named| named.note_mapping(mapping));
        self.done.push(format!("mapped {}", links::describe_mapping(mapping)));
    }

    /// Notes the ids of what is there.
    fn identify(&mut self, existing: &ExistingLinks) {
        self.named.iter_mut().for_each(|named| named.identify(existing));
    }

    /// Whether somebody wants the ids of links, and not all are known.
    fn lacks_ids(&self) -> bool {
        self.watcher.is_some() && self.named.as_ref().is_some_and(NamedLinks::lacks_ids)
    }

    /// Notes what stays of what is pruned, and says why where it is not clear what is meant.
    fn note_kept(&mut self, unwanted: &UnwantedLinks<'_>) {
        self.kept = unwanted.kept.clone();
        self.warnings.extend(unwanted.warnings());
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
    fn contradicted(&mut self, requested: &RequestedLinks, why: Error) {
        let slug = match requested.has_absent() {
            true => "repository-not-removed",
            false => "repository-not-linked",
        };
        self.not_removed(slug, why.message.clone(), why);
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
        pending.0.iter().for_each(|name| self.found(name));
        if let Some(named) = &mut self.named {
            pending.1.iter().for_each(|mapping| named.note_mapping(mapping));
        }
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
