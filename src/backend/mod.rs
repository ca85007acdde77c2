//! Who walks the pipeline: our own engine over SQLite, or a Sentry.

pub mod embedded;
pub mod sentry;

use crate::error::{Error, Warning};
use crate::inputs::{CodeMapping, MappingPlace};
use crate::integration::{ExistingLinks, RequestedLinks, links};
use crate::text::quote;

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
    /// The first failure that has a code of its own.
    pub failure: Option<Error>,
}

impl LinkReport {
    fn linked(&mut self, name: &str) {
        self.changed = true;
        self.done.push(format!("linked repository {name}"));
    }

    fn mapped(&mut self, mapping: &CodeMapping) {
        self.changed = true;
        self.done.push(format!("mapped {}", links::describe_mapping(mapping)));
    }

    fn failed(&mut self, what: &str, failure: Error) {
        self.not_linked(what, &failure.message);
        self.failure.get_or_insert(failure);
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
            self.not_unlinked(&name, "not all other links are set, and it may take them along");
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

    fn not_unlinked(&mut self, name: &str, why: &str) {
        let message = format!("cannot remove repository {}: {why}", quote(name));
        self.warnings.push(Warning::new("repository-not-removed", message));
    }

    fn not_unmapped(&mut self, mapping: &CodeMapping, why: &str) {
        let what = quote(&format!("{} of {}", mapping.stack_root, mapping.project));
        let message = format!("cannot delete the code mapping of {what}: {why}");
        self.warnings.push(Warning::new("code-mapping-not-deleted", message));
    }

    fn not_linked(&mut self, what: &str, why: &str) {
        let message = format!("cannot link {}: {why}", quote(what));
        self.warnings.push(Warning::new("repository-not-linked", message));
    }

    fn not_mapped(&mut self, mapping: &CodeMapping, why: &str) {
        let what = quote(&format!("{} of {}", mapping.repository, mapping.project));
        let message = format!("cannot set the code mapping of {what}: {why}");
        self.warnings.push(Warning::new("code-mapping-not-set", message));
    }
}
