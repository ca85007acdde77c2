//! The repositories and code mappings that an integration has, each by the backend's id.

use crate::inputs::CodeMapping;
use crate::text::quote;

/// A repository that is linked through an integration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkedRepository {
    /// The backend's id.
    pub id: String,
    /// All its names, the one that people see first.
    pub names: Vec<String>,
    /// Those of its names that are paths at its host, of which no other repository has one.
    pub paths: Vec<String>,
    /// The integration that it is linked through.
    pub integration: Option<i64>,
    /// The provider's key.
    pub provider: Option<String>,
}

/// A code mapping that an integration has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedMapping {
    /// The backend's id.
    pub id: String,
    /// The id of its repository.
    pub repository_id: Option<String>,
    /// What it says; it has a branch.
    pub mapping: CodeMapping,
}

/// What an integration has.
#[derive(Clone, Debug, Default)]
pub struct ExistingLinks {
    /// The repositories.
    pub repositories: Vec<LinkedRepository>,
    /// The code mappings.
    pub code_mappings: Vec<LinkedMapping>,
    /// Mappings of other integrations, which one of the same place replaces; as far as they are known.
    pub elsewhere: Vec<LinkedMapping>,
    /// Repositories of other integrations that may stand in the way of one of the same name; as far as they are
    /// known.
    pub others: Vec<LinkedRepository>,
    /// Whether the repositories could not be listed.
    pub is_partial: bool,
}

impl LinkedRepository {
    /// Whether this is one of its names.
    pub fn is_named(&self, name: &str) -> bool {
        is_among(&self.names, name)
    }

    /// What people call it.
    pub fn shown_name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// The name to link it by: GitLab's own has blanks, and its path is the one that tells it.
    pub fn link_name(&self) -> &str {
        let path = self.paths.last().filter(|_| self.shown_name().contains(' '));
        path.map_or(self.shown_name(), String::as_str)
    }

    /// What tells it from another one of its name.
    pub fn told_apart(&self) -> String {
        let name = self.paths.last().map_or(self.shown_name(), String::as_str);
        format!("{} (id {})", quote(name), self.id)
    }
}

impl ExistingLinks {
    /// The repositories that a name may mean: of those that have it, the one whose path it is.
    pub fn named(&self, name: &str) -> Vec<&LinkedRepository> {
        let fitting = |fits: &dyn Fn(&LinkedRepository) -> bool| -> Vec<_> {
            self.repositories.iter().filter(|one| fits(one)).collect()
        };
        let by_path = fitting(&|one| is_among(&one.paths, name));
        if !by_path.is_empty() {
            return by_path;
        }
        let mut named = fitting(&|one| one.is_named(name));
        // What a commit named is of no integration.
        if named.iter().any(|one| one.integration.is_some()) {
            named.retain(|one| one.integration.is_some());
        }
        named
    }

    /// The one repository that a name means.
    pub fn repository(&self, name: &str) -> Option<&LinkedRepository> {
        match self.named(name)[..] {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Whether a repository has this name.
    pub fn has(&self, name: &str) -> bool {
        !self.named(name).is_empty()
    }

    /// The other integration that has a repository of this name, where this one has none.
    pub fn holder(&self, name: &str) -> Option<i64> {
        if self.has(name) {
            return None;
        }
        let mut named = self.others.iter().filter(|one| one.is_named(name));
        named.find_map(|one| one.integration)
    }

    /// Whether it is there. A mapping that names no branch leaves it to the repository.
    pub fn maps(&self, requested: &CodeMapping) -> bool {
        self.own_mapping(requested).is_some_and(|known| {
            let existing = &known.mapping;
            let branch = requested.default_branch.is_none()
                || requested.default_branch == existing.default_branch;
            branch
                && requested.source_root == existing.source_root
                && self.leads_to(known, &requested.repository)
        })
    }

    /// The integration's own mapping of the same place.
    pub fn own_mapping(&self, requested: &CodeMapping) -> Option<&LinkedMapping> {
        self.code_mappings.iter().find(|known| known.mapping.has_place_of(requested))
    }

    /// The mapping that is there of the same place.
    pub fn in_place_of(&self, requested: &CodeMapping) -> Option<&LinkedMapping> {
        let mut elsewhere = self.elsewhere.iter();
        let other = || elsewhere.find(|known| known.mapping.has_place_of(requested));
        self.own_mapping(requested).or_else(other)
    }

    /// Whether a mapping is to the repository of this name: by the ids, where both are known.
    pub fn leads_to(&self, known: &LinkedMapping, name: &str) -> bool {
        match self.repository(name) {
            Some(repository) => is_to(known, repository),
            None => known.mapping.repository.eq_ignore_ascii_case(name),
        }
    }

    /// The mappings to a repository.
    pub fn mappings_to<'a>(
        &'a self,
        repository: &'a LinkedRepository,
    ) -> impl Iterator<Item = &'a LinkedMapping> {
        self.code_mappings.iter().filter(|known| is_to(known, repository))
    }

    /// The name to link a mapping's repository by.
    pub fn link_name_of<'a>(&'a self, known: &'a LinkedMapping) -> &'a str {
        let mut all = self.repositories.iter();
        let repository = all.find(|one| known.repository_id.as_ref() == Some(&one.id));
        repository.map_or(&known.mapping.repository, |one| one.link_name())
    }
}

fn is_to(known: &LinkedMapping, repository: &LinkedRepository) -> bool {
    match &known.repository_id {
        Some(id) => *id == repository.id,
        None => repository.is_named(&known.mapping.repository),
    }
}

fn is_among(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_up_to_date_by_the_id_of_its_repository() {
        let mapping = |repository: &str| CodeMapping {
            project: "web".to_owned(),
            repository: repository.to_owned(),
            stack_root: String::new(),
            source_root: String::new(),
            default_branch: None,
        };
        for (repository_id, is_there) in [(Some("1"), true), (Some("2"), false), (None, true)] {
            let names = ["Acme / Web", "acme/web"].map(str::to_owned).to_vec();
            let repository =
                LinkedRepository { id: "1".to_owned(), names, ..LinkedRepository::default() };
            let repositories = vec![repository];
            let mut existing = ExistingLinks { repositories, ..ExistingLinks::default() };
            existing.code_mappings = vec![LinkedMapping {
                id: "7".to_owned(),
                repository_id: repository_id.map(str::to_owned),
                mapping: mapping("Acme / Web"),
            }];
            assert_eq!(existing.maps(&mapping("acme/web")), is_there, "{repository_id:?}");
        }
    }
}
