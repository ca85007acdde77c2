//! The repositories and code mappings of an integration: what is there, and what is lacking.

use crate::error::{Error, ErrorCode, Result};
use crate::inputs::{CodeMapping, Inputs, MappingPlace};
use crate::text::quote;

/// Repositories and code mappings, as inputs name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestedLinks {
    /// Repositories, as `owner/name`.
    pub repositories: Vec<String>,
    /// Code mappings.
    pub code_mappings: Vec<CodeMapping>,
    /// Repositories that are to be gone.
    pub absent_repositories: Vec<String>,
    /// Where there is to be no code mapping.
    pub absent_mappings: Vec<MappingPlace>,
}

/// The same, as a backend has them.
#[derive(Clone, Debug, Default)]
pub struct ExistingLinks {
    /// Each repository by all its names, the one that people see first.
    pub repositories: Vec<Vec<String>>,
    /// Code mappings; each has a branch.
    pub code_mappings: Vec<CodeMapping>,
    /// Mappings of other integrations, which one of the same place replaces; as far as they are known.
    pub elsewhere: Vec<CodeMapping>,
}

impl RequestedLinks {
    /// What is asked for.
    pub fn from_inputs(inputs: &Inputs) -> Self {
        Self {
            repositories: inputs.repositories.clone(),
            code_mappings: inputs.code_mappings.clone(),
            absent_repositories: inputs.repositories_absent.clone(),
            absent_mappings: inputs.code_mappings_absent.clone(),
        }
    }

    /// Whether a user must ask for them: an organization's token may set code mappings alone.
    pub fn needs_user(&self) -> bool {
        !self.repositories.is_empty() || self.has_absent()
    }

    /// Whether anything is to be gone.
    pub fn has_absent(&self) -> bool {
        !self.absent_repositories.is_empty() || !self.absent_mappings.is_empty()
    }

    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.repositories.is_empty() && self.code_mappings.is_empty() && !self.has_absent()
    }

    /// Why nothing of these is done: a repository is to be gone that is named by its other name as well,
    /// and would take along what is set.
    ///
    /// # Errors
    ///
    /// `bad-field` with both names.
    pub fn check_names(&self, existing: &ExistingLinks) -> Result {
        let mapped = self.code_mappings.iter().map(|mapping| &mapping.repository);
        let named: Vec<_> = self.repositories.iter().chain(mapped).collect();
        for absent in &self.absent_repositories {
            if let Some(other) = named.iter().find(|name| existing.is_same(name, absent)) {
                let (absent, other) = (quote(absent), quote(other));
                let message = format!(
                    "repository {absent} is to be removed, and is named as {other} as well"
                );
                let hint = "remove one of both from the inputs";
                return Err(Error::new(ErrorCode::BadField, message).with_hint(hint));
            }
        }
        Ok(())
    }

    /// What of these is not there, or is there although it is to be gone.
    #[must_use]
    pub fn missing(&self, existing: &ExistingLinks) -> Self {
        let repositories = self.repositories.iter().filter(|name| !existing.has(name));
        let code_mappings = self.code_mappings.iter().filter(|one| !existing.maps(one));
        Self {
            repositories: repositories.cloned().collect(),
            code_mappings: code_mappings.cloned().collect(),
            absent_repositories: self
                .absent_repositories
                .iter()
                .filter(|name| existing.has(name))
                .cloned()
                .collect(),
            absent_mappings: self
                .absent_mappings
                .iter()
                .filter(|place| existing.code_mappings.iter().any(|one| place.is_of(one)))
                .cloned()
                .collect(),
        }
    }
}

/// A code mapping for a person, to stand after "map" or "mapped".
pub fn describe_mapping(mapping: &CodeMapping) -> String {
    let CodeMapping { project, repository, stack_root, source_root, .. } = mapping;
    format!("`{stack_root}` of {project} to `{source_root}` of {repository}")
}

impl ExistingLinks {
    /// Whether one of the repositories has this name.
    pub fn has(&self, name: &str) -> bool {
        self.repositories.iter().flatten().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether it is there. A mapping that names no branch leaves it to the repository.
    pub fn maps(&self, requested: &CodeMapping) -> bool {
        self.code_mappings.iter().any(|existing| {
            let branch = requested.default_branch.is_none()
                || requested.default_branch == existing.default_branch;
            let names = (&requested.project, &requested.stack_root, &requested.source_root);
            branch
                && names == (&existing.project, &existing.stack_root, &existing.source_root)
                && self.is_same(&requested.repository, &existing.repository)
        })
    }

    /// The mapping that is there of the same place.
    pub fn in_place_of(&self, requested: &CodeMapping) -> Option<&CodeMapping> {
        let mut all = self.code_mappings.iter().chain(&self.elsewhere);
        all.find(|existing| existing.has_place_of(requested))
    }

    /// Whether both are names of one repository.
    pub fn is_same(&self, a: &str, b: &str) -> bool {
        let contain = |names: &[String], name: &str| {
            names.iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        a == b || self.repositories.iter().any(|names| contain(names, a) && contain(names, b))
    }
}

/// Whether Sentry takes this as the branch of a code mapping.
pub(crate) fn is_branch_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    !text.is_empty() && text.chars().all(fits) && !text.starts_with('/') && !text.ends_with('/')
}
