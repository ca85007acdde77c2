//! Who walks the pipeline: our own engine over SQLite, or a Sentry.

pub mod embedded;
pub mod sentry;

use crate::error::Warning;
use crate::inputs::CodeMapping;
use crate::integration::links;
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
