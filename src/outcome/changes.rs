//! What a plan would change: what is there beside what is wanted, field by field, with a digest of
//! both by which the plan is known again. Nothing secret goes in.

use super::ShownText;
use crate::inputs::recorded_links::RecordedMapping;
use crate::inputs::{CodeMapping, MappingPlace};
use crate::integration::{ExistingLinks, RequestedLinks};
use crate::model::OrgSlug;
use crate::text::hex;
use crate::text::words::word_enum;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// The version of the plan's form in JSON.
pub const PLAN_SCHEMA: u64 = 1;

word_enum! {
    /// What would be done to one thing.
    pub enum ChangeAction {
        /// It comes into being.
        Create = "create",
        /// It is there, and differs.
        Update = "update",
        /// It is there, and would not be.
        Remove = "remove",
        /// It stays as it is.
        Keep = "keep",
    }
}

impl ChangeAction {
    /// What stands before it in a text.
    pub fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Remove => '-',
            Self::Keep => '=',
        }
    }
}

word_enum! {
    /// What kind of thing a change is about.
    #[derive(Hash)]
    pub enum ChangedKind {
        /// An integration.
        Integration = "integration",
        /// A repository.
        Repository = "repository",
        /// A code mapping.
        CodeMapping = "code-mapping",
        /// A release.
        Release = "release",
        /// A deploy.
        Deploy = "deploy",
        /// The source maps of a release.
        Sourcemaps = "source-maps",
    }
}

/// What is known of a field on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// What is there and what is wanted; nothing, where it is not there or not wanted.
    Values(Option<String>, Option<String>),
    /// A secret that differs.
    SecretDiffers,
    /// A secret where there is nothing yet.
    NewSecret,
    /// Nothing shows what is there.
    NotCompared,
}

impl DifferenceKind {
    /// The word for it in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Values(..) | Self::SecretDiffers => "differs",
            Self::NewSecret => "new",
            Self::NotCompared => "cannot be compared",
        }
    }
}

/// A field that differs, or may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDifference {
    /// Its name.
    pub field: String,
    /// What is known of both sides.
    pub kind: DifferenceKind,
}

/// What would be done to one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedChange {
    /// What would be done.
    pub action: ChangeAction,
    /// To what kind of thing.
    pub kind: ChangedKind,
    /// Which one it is.
    pub name: String,
    /// The same as a sentence for a person.
    pub words: String,
    /// The fields that differ, or may.
    pub fields: Vec<FieldDifference>,
}

/// What an entry's plan is about beside its changes, so that the rest can be told to be nobody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedPlace {
    /// The organization's slug.
    pub org: String,
    /// The organization at its backend.
    pub organization: String,
    /// The integrations that are meant.
    pub integrations: Vec<i64>,
    /// What is meant of what they link.
    pub links: LinkScope,
}

/// What is meant of what an integration links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkScope {
    /// These, wanted or not.
    Named {
        /// The ids of the repositories.
        repositories: HashSet<String>,
        /// Where code mappings are.
        code_mappings: HashSet<MappingPlace>,
    },
    /// All, for the integration ends.
    Everything,
}

impl Default for LinkScope {
    fn default() -> Self {
        Self::Named { repositories: HashSet::new(), code_mappings: HashSet::new() }
    }
}

impl LinkScope {
    /// What of the existing links is asked for, or to be gone.
    pub(super) fn named(links: &RequestedLinks, existing: &ExistingLinks) -> Self {
        let mapped = links.code_mappings.iter();
        let names = links.repositories.iter().chain(&links.absent_repositories);
        let rows = names.filter_map(|name| existing.repository(name));
        let pruned = links.pruned.repositories.iter().filter_map(|one| one.id.clone());
        let places = mapped.map(CodeMapping::place).chain(links.absent_mappings.iter().cloned());
        let pruned_places = links.pruned.code_mappings.iter().map(RecordedMapping::place);
        Self::Named {
            repositories: rows.map(|row| row.id.clone()).chain(pruned).collect(),
            code_mappings: places.chain(pruned_places).collect(),
        }
    }
}

impl PlannedPlace {
    /// Where the plan of an integration is.
    pub(super) fn new(
        org: &OrgSlug,
        organization: String,
        integrations: Vec<i64>,
        links: LinkScope,
    ) -> Self {
        Self { org: org.to_string(), organization, integrations, links }
    }
}

/// The plan of one integration or release, or of both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryPlan {
    /// What would be done, in order.
    pub changes: Vec<PlannedChange>,
    /// The digest of what is there.
    pub there: String,
    /// The digest of what is wanted.
    pub wanted: String,
    /// Where its integration is.
    pub place: PlannedPlace,
    /// The server's address, or the file of the embedded backend.
    pub backend: String,
}

impl EntryPlan {
    /// The plans of an integration and of a release, as far as there are such.
    pub(super) fn of_both(one: Option<Box<Self>>, two: Option<Box<Self>>) -> Option<Box<Self>> {
        match (one, two) {
            (Some(one), Some(two)) => Some(Box::new(one.merge(*two))),
            (one, two) => one.or(two),
        }
    }

    /// The plan of both.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        let joined = |one: &str, two: &str| hex(&Sha256::digest(format!("{one} {two}")));
        self.there = joined(&self.there, &other.there);
        self.wanted = joined(&self.wanted, &other.wanted);
        self.changes.extend(other.changes);
        self
    }

    /// Has more that is wanted, which is not compared with anything.
    #[must_use]
    pub fn with_wanted(mut self, more: &str) -> Self {
        self.wanted = hex(&Sha256::digest(format!("{} {more}", self.wanted)));
        self
    }

    /// Every text that others have a say in.
    pub(super) fn texts_mut(&mut self) -> impl Iterator<Item = ShownText<'_>> {
        let changes = self.changes.iter_mut().flat_map(|change| {
            let fields = change.fields.iter_mut().flat_map(|one| {
                let (there, wanted) = match &mut one.kind {
                    DifferenceKind::Values(there, wanted) => (there.as_mut(), wanted.as_mut()),
                    _ => (None, None),
                };
                [Some(&mut one.field), there, wanted].into_iter().flatten()
            });
            [&mut change.name, &mut change.words].into_iter().chain(fields)
        });
        std::iter::once(ShownText::Exact(&mut self.backend)).chain(changes.map(ShownText::Words))
    }
}

/// Compares things field by field. Each of its calls goes into both digests, also where nothing
/// differs.
#[derive(Default)]
pub struct PlanComparison {
    there: Sha256,
    wanted: Sha256,
    changes: Vec<PlannedChange>,
}

impl PlanComparison {
    /// Goes on to another thing, whose fields follow.
    pub fn begin(&mut self, action: ChangeAction, kind: ChangedKind, name: &str, words: String) {
        self.note("kind", Some(kind.as_str()), Some(kind.as_str()));
        // What an integration is called is decided at its finish.
        let is_wanted = kind != ChangedKind::Integration && action != ChangeAction::Remove;
        let there = (action != ChangeAction::Create).then_some(name);
        self.note("name", there, is_wanted.then_some(name));
        let name = name.to_owned();
        self.changes.push(PlannedChange { action, kind, name, words, fields: Vec::new() });
    }

    /// A field on both sides, and whether what is there means what is wanted.
    pub fn field(
        &mut self,
        field: &str,
        there: Option<String>,
        wanted: Option<String>,
        is_same: bool,
    ) {
        self.note(field, there.as_deref(), wanted.as_deref());
        if !is_same {
            self.differs(field, DifferenceKind::Values(there, wanted));
        }
    }

    /// A field that is shown, and may be another in the run that carries the plan out.
    pub fn show(&mut self, field: &str, there: Option<String>, wanted: Option<String>) {
        self.differs(field, DifferenceKind::Values(there, wanted));
    }

    /// A field of which one side or the other is not shown.
    pub fn hidden(&mut self, field: &str, kind: Option<DifferenceKind>) {
        let word = kind.as_ref().map_or("same", DifferenceKind::word);
        self.note(field, Some(word), Some(word));
        if let Some(kind) = kind {
            self.differs(field, kind);
        }
    }

    /// Something that counts although it is shown elsewhere.
    pub fn note(&mut self, name: &str, there: Option<&str>, wanted: Option<&str>) {
        for (digest, side) in [(&mut self.there, there), (&mut self.wanted, wanted)] {
            // Each part has its length before it, so that no two notes run into one.
            for part in [Some(name), side] {
                let length = part.map_or(u64::MAX, |part| part.len() as u64);
                digest.update(length.to_be_bytes());
                digest.update(part.unwrap_or_default());
            }
        }
    }

    fn differs(&mut self, field: &str, kind: DifferenceKind) {
        if let Some(change) = self.changes.last_mut() {
            change.fields.push(FieldDifference { field: field.to_owned(), kind });
        }
    }

    /// The plan. What stays as it is and has nothing to say is not in it.
    pub fn finish(self, place: PlannedPlace) -> EntryPlan {
        let is_told = |change: &PlannedChange| {
            change.action != ChangeAction::Keep || !change.fields.is_empty()
        };
        let (there, wanted) = (hex(&self.there.finalize()), hex(&self.wanted.finalize()));
        let changes = self.changes.into_iter().filter(is_told).collect();
        EntryPlan { changes, there, wanted, place, backend: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(notes: &[(&str, Option<&str>, Option<&str>)]) -> EntryPlan {
        let mut comparison = PlanComparison::default();
        notes.iter().for_each(|(name, there, wanted)| comparison.note(name, *there, *wanted));
        comparison.finish(PlannedPlace::default())
    }

    #[test]
    fn each_side_has_a_digest_of_its_own_and_no_two_notes_run_into_one() {
        let one = plan(&[("a", Some("b"), Some("c"))]);
        assert_eq!(one, plan(&[("a", Some("b"), Some("c"))]));
        let wanted = plan(&[("a", Some("b"), Some("d"))]);
        assert!(one.there == wanted.there && one.wanted != wanted.wanted);
        assert_ne!(one.there, plan(&[("a", Some("bc"), Some("c"))]).there);
        assert_ne!(plan(&[("a", None, None)]).there, plan(&[("a", Some(""), None)]).there);
        assert_ne!(plan(&[("ab", None, None)]).there, plan(&[("a", Some("b"), None)]).there);
    }
}
