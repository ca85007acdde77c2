//! The links that an entry of a manifest names, each with the row that it means.

use super::existing_links::{ExistingLinks, LinkedRepository};
use super::links::RequestedLinks;
use crate::inputs::CodeMapping;
use crate::inputs::recorded_links::{RecordedMapping, RecordedRepository};

/// Whether something that is named is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Nothing was listed.
    Unseen,
    /// It is not, as what is there was listed.
    Missing,
    /// It is, or may be, as a request for it is under way.
    Linked,
}

/// A repository that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRepository {
    /// The id of the one that is meant.
    pub id: Option<String>,
    /// The name that is given, and all others of the one that is meant.
    pub names: Vec<String>,
    /// Whether it is linked.
    pub state: LinkState,
    /// Whether it was not there before this run.
    pub is_new: bool,
}

/// A code mapping that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedMapping {
    /// The mapping.
    pub recorded: RecordedMapping,
    /// Whether it is there as it is named.
    pub is_set: bool,
}

/// The links that an entry names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedLinks {
    /// The repositories.
    pub repositories: Vec<NamedRepository>,
    /// The repositories of its code mappings, or of the commits of its release.
    pub mapped: Vec<NamedRepository>,
    /// The code mappings.
    pub code_mappings: Vec<NamedMapping>,
}

impl NamedRepository {
    /// One of which the name alone is known.
    pub fn unseen(name: &str) -> Self {
        let names = vec![name.to_owned()];
        Self { id: None, names, state: LinkState::Unseen, is_new: false }
    }

    fn find(name: &str, existing: &ExistingLinks) -> Self {
        let mut named = Self::unseen(name);
        match existing.repository(name) {
            Some(row) => named.identify(row),
            None if existing.has(name) => {}
            None if !existing.is_partial => {
                (named.state, named.is_new) = (LinkState::Missing, true);
            }
            None => {}
        }
        named
    }

    fn identify(&mut self, row: &LinkedRepository) {
        (self.id, self.state) = (Some(row.id.clone()), LinkState::Linked);
        self.names.extend(row.names.iter().cloned());
    }

    /// Whether it is the recorded one of the same integration: by the ids, and by the names where one of
    /// both has no id.
    pub fn is(&self, recorded: &RecordedRepository) -> bool {
        match (&self.id, &recorded.id) {
            (Some(own), Some(recorded)) => own == recorded,
            // All that is there is called otherwise.
            (None, Some(_)) if self.state == LinkState::Missing => false,
            _ => self.is_called(&recorded.name),
        }
    }

    /// Whether it is linked by this run, and is called as a recorded one is that it is not, as far as is known.
    pub fn is_new_as(&self, recorded: &RecordedRepository) -> bool {
        let is_same = self.id.is_some() && self.id == recorded.id;
        let is_linked_now = self.is_new && self.state == LinkState::Linked;
        is_linked_now && !is_same && self.is_called(&recorded.name)
    }

    fn is_called(&self, name: &str) -> bool {
        self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    fn recorded(&self) -> RecordedRepository {
        let name = self.names.first().cloned().unwrap_or_default();
        RecordedRepository { id: self.id.clone(), name }
    }
}

impl NamedLinks {
    /// All that is asked for, of which nothing is known.
    pub fn unseen(requested: &RequestedLinks) -> Self {
        Self::new(requested, &ExistingLinks { is_partial: true, ..ExistingLinks::default() })
    }

    /// All that is asked for, beside what is there.
    pub fn new(requested: &RequestedLinks, existing: &ExistingLinks) -> Self {
        let find = |name: &String| NamedRepository::find(name, existing);
        let mapped = requested.code_mappings.iter().map(|mapping| &mapping.repository);
        let mut named = Self {
            repositories: requested.repositories.iter().map(find).collect(),
            mapped: mapped.map(find).collect(),
            code_mappings: Vec::new(),
        };
        let mapping = |mapping: &CodeMapping| {
            let repository = existing.repository(&mapping.repository);
            let repository_id = repository.map(|row| row.id.clone());
            let recorded = RecordedMapping { repository_id, ..mapping.place().into() };
            NamedMapping { recorded, is_set: existing.maps(mapping) }
        };
        named.code_mappings = requested.code_mappings.iter().map(mapping).collect();
        named.identify(existing);
        named
    }

    /// Adds the ids of what is linked and has none yet.
    pub fn identify(&mut self, existing: &ExistingLinks) {
        for named in self.repositories.iter_mut().chain(&mut self.mapped) {
            let row = named.names.first().and_then(|name| existing.repository(name));
            if let Some(row) = row.filter(|_| named.id.is_none()) {
                named.identify(row);
            }
        }
        for named in self.code_mappings.iter_mut().filter(|named| named.recorded.id.is_none()) {
            let place = named.recorded.place();
            let mut rows = existing.code_mappings.iter();
            if let Some(row) = rows.find(|row| place.is_of(&row.mapping)) {
                named.recorded.id = Some(row.id.clone());
                named.recorded.repository_id.clone_from(&row.repository_id);
            }
        }
    }

    /// Whether a mapping that was set has no id yet.
    pub fn lacks_ids(&self) -> bool {
        self.code_mappings.iter().any(|named| named.is_set && named.recorded.id.is_none())
    }

    /// Notes that a repository is linked, or may be, and as which one where that is known.
    pub fn note_repository(&mut self, name: &str, row: Option<&LinkedRepository>) {
        let all = self.repositories.iter_mut().chain(&mut self.mapped);
        for named in all.filter(|named| named.names[..1] == [name]) {
            named.state = LinkState::Linked;
            row.into_iter().for_each(|row| named.identify(row));
        }
    }

    /// Notes that a mapping is set, or may be.
    pub fn note_mapping(&mut self, mapping: &CodeMapping) {
        for named in &mut self.code_mappings {
            named.is_set |= named.recorded.place().is_of(mapping);
        }
    }

    /// The same, as it will be once everything is set.
    #[must_use]
    pub fn all_set(mut self) -> Self {
        self.repositories.iter_mut().for_each(|named| named.state = LinkState::Linked);
        self.code_mappings.iter_mut().for_each(|named| named.is_set = true);
        self
    }

    /// Those repositories that are linked, as a record has them.
    pub fn linked_repositories(&self) -> Vec<RecordedRepository> {
        let linked = self.repositories.iter().filter(|named| named.state == LinkState::Linked);
        linked.map(NamedRepository::recorded).collect()
    }

    /// The same of the code mappings.
    pub fn set_mappings(&self) -> Vec<RecordedMapping> {
        let set = self.code_mappings.iter().filter(|named| named.is_set);
        set.map(|named| named.recorded.clone()).collect()
    }

    /// Whether a recorded repository is named in its own right.
    pub fn names_repository(&self, recorded: &RecordedRepository) -> bool {
        self.repositories.iter().any(|named| named.is(recorded))
    }

    /// The given names of the repositories that no id was known of before this run.
    pub fn unknown_names(&self) -> impl Iterator<Item = &String> {
        let all = self.repositories.iter().chain(&self.mapped);
        let unknown = all.filter(|named| named.is_new || named.id.is_none());
        unknown.filter_map(|named| named.names.first())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A GitLab below a path has it in its addresses, and no name of a row is what an entry writes.
    #[test]
    fn a_repository_has_the_id_of_the_answer_that_links_it_whatever_it_is_called_there() {
        let requested = RequestedLinks {
            repositories: vec!["acme/web".to_owned()],
            ..RequestedLinks::default()
        };
        let mut named = NamedLinks::new(&requested, &ExistingLinks::default());
        assert_eq!(named.linked_repositories(), []);
        let names = vec!["Acme / Web".to_owned(), "gitlab/acme/web".to_owned()];
        let row = LinkedRepository { id: "5".to_owned(), names, ..LinkedRepository::default() };
        named.note_repository("acme/web", Some(&row));
        let (id, name) = (Some("5".to_owned()), "acme/web".to_owned());
        assert_eq!(named.linked_repositories(), [RecordedRepository { id, name }]);
    }
}
