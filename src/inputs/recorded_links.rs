//! Links as the record of a manifest that prunes has them: the backend's id, and what a person calls it.

use super::MappingPlace;
use serde::{Deserialize, Serialize};

/// A repository. It has no id where an answer was lost, or an earlier version wrote it down.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "WrittenRepository")]
pub struct RecordedRepository {
    /// The backend's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    pub name: String,
}

/// A repository in any form that a record may have it in.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a repository is its name, or an `id` and a `name`")]
enum WrittenRepository {
    Name(String),
    #[serde(rename_all = "camelCase")]
    WithId {
        id: Option<String>,
        name: String,
    },
}

impl From<WrittenRepository> for RecordedRepository {
    fn from(written: WrittenRepository) -> Self {
        match written {
            WrittenRepository::Name(name) => Self { id: None, name },
            WrittenRepository::WithId { id, name } => Self { id, name },
        }
    }
}

impl RecordedRepository {
    /// Whether both are one: by their ids, and by their names where one of them has none.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.id, &other.id) {
            (Some(own), Some(other)) => own == other,
            _ => self.name.eq_ignore_ascii_case(&other.name),
        }
    }
}

/// A code mapping. It has no id where an answer was lost, or an earlier version wrote it down.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordedMapping {
    /// The backend's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The id of its repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_id: Option<String>,
    /// The project's slug.
    pub project: String,
    /// The path in a stack trace.
    #[serde(default)]
    pub stack_root: String,
}

impl From<MappingPlace> for RecordedMapping {
    fn from(place: MappingPlace) -> Self {
        let MappingPlace { project, stack_root } = place;
        Self { id: None, repository_id: None, project, stack_root }
    }
}

impl RecordedMapping {
    /// Where it is.
    pub fn place(&self) -> MappingPlace {
        MappingPlace { project: self.project.clone(), stack_root: self.stack_root.clone() }
    }

    /// Whether both are one: by their ids, and by their places where one of them has none.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.id, &other.id) {
            (Some(own), Some(other)) => own == other,
            _ => self.place() == other.place(),
        }
    }
}

/// Links that a manifest prunes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrunedLinks {
    /// The repositories.
    pub repositories: Vec<RecordedRepository>,
    /// The code mappings.
    pub code_mappings: Vec<RecordedMapping>,
    /// What else the manifest names, and no id is known of: a repository that is called so stays.
    pub kept_names: Vec<String>,
}

impl PrunedLinks {
    /// Whether nothing is to be gone.
    pub fn is_empty(&self) -> bool {
        self.repositories.is_empty() && self.code_mappings.is_empty()
    }
}

/// What a manifest prunes of an integration, or the whole.
#[derive(Clone, Debug)]
pub struct PrunedIntegration {
    /// What it was called when it was managed.
    pub name: String,
    /// What goes where it stays.
    pub links: PrunedLinks,
}
