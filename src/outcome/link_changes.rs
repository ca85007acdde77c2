//! What a plan would change of repositories and code mappings: those that are asked for, and those that
//! go or stay behind when their integration ends.

use super::changes::{
    ChangeAction, ChangedKind, EntryPlan, LinkScope, PlanComparison, PlannedPlace,
};
use crate::inputs::{CodeMapping, MappingPlace};
use crate::integration::links::describe_mapping;
use crate::integration::{
    ExistingLinks, IntegrationTask, LinkedMapping, LinkedRepository, Removal, RequestedLinks,
    UnwantedLinks,
};
use crate::model::ListedIntegration;

/// What is to be linked, beside what is.
#[derive(Clone, Copy)]
pub(super) struct LinkComparison<'a> {
    pub(super) links: &'a RequestedLinks,
    pub(super) existing: &'a ExistingLinks,
}

impl LinkComparison<'_> {
    /// Compares all of them.
    pub(super) fn compare(self, comparison: &mut PlanComparison) {
        self.links.repositories.iter().for_each(|name| self.repository(name, comparison));
        self.links.code_mappings.iter().for_each(|one| self.code_mapping(one, comparison));
        self.absent_links(comparison);
    }

    fn repository(self, name: &str, comparison: &mut PlanComparison) {
        let is_there = self.existing.has(name);
        let action = if is_there { ChangeAction::Keep } else { ChangeAction::Create };
        let held = self.existing.holder(name).map(|id| format!(", which integration {id} has"));
        let words = format!("link repository {name}{}", held.unwrap_or_default());
        comparison.begin(action, ChangedKind::Repository, name, words);
    }

    /// What shall not be linked.
    fn absent_links(self, comparison: &mut PlanComparison) {
        let unwanted = self.links.unwanted(self.existing);
        for name in self.links.absent_repositories.iter().filter(|name| !self.existing.has(name)) {
            let words = format!("remove repository {name}");
            comparison.begin(ChangeAction::Keep, ChangedKind::Repository, name, words);
        }
        for repository in &unwanted.repositories {
            self.remove_repository(repository, &unwanted, comparison);
        }
        let mut delete = |action: ChangeAction, place: &MappingPlace| {
            let name = format!("`{}` of {}", place.stack_root, place.project);
            let words = format!("delete the code mapping of {name}");
            comparison.begin(action, ChangedKind::CodeMapping, &name, words);
        };
        let is_there = |place: &MappingPlace| {
            unwanted.code_mappings.iter().any(|one| place.is_of(&one.mapping))
        };
        for place in self.links.absent_mappings.iter().filter(|place| !is_there(place)) {
            delete(ChangeAction::Keep, place);
        }
        for known in &unwanted.code_mappings {
            delete(ChangeAction::Remove, &known.mapping.place());
        }
    }

    /// Removes a repository, and the code mappings that go with it, but those that are named on their own.
    fn remove_repository(
        self,
        repository: &LinkedRepository,
        unwanted: &UnwantedLinks<'_>,
        comparison: &mut PlanComparison,
    ) {
        let mut names = self.links.absent_repositories.iter();
        let name = names.find(|name| self.existing.repository(name) == Some(repository));
        let name = name.map_or(repository.link_name(), String::as_str);
        let words = format!("remove repository {name}");
        comparison.begin(ChangeAction::Remove, ChangedKind::Repository, name, words);
        let is_named = |one: &LinkedMapping| {
            unwanted.code_mappings.iter().any(|other| other.id == one.id)
                || self.links.code_mappings.iter().any(|wanted| one.mapping.has_place_of(wanted))
        };
        for one in self.existing.mappings_to(repository).filter(|one| !is_named(one)) {
            delete_mapping(&one.mapping, comparison);
        }
    }

    fn code_mapping(self, wanted: &CodeMapping, comparison: &mut PlanComparison) {
        let is_there = self.existing.maps(wanted);
        let known = self.existing.in_place_of(wanted);
        let there = known.map(|known| &known.mapping);
        let action = match there {
            _ if is_there => ChangeAction::Keep,
            Some(_) => ChangeAction::Update,
            None => ChangeAction::Create,
        };
        let name = mapping_name(wanted);
        let words = format!("map {}", describe_mapping(wanted));
        comparison.begin(action, ChangedKind::CodeMapping, &name, words);
        let mut field = |name: &str, there: Option<&String>, wanted: Option<&String>, is_same| {
            comparison.field(name, there.cloned(), wanted.cloned(), is_there || is_same);
        };
        let repository = there.map(|there| &there.repository);
        let is_same = known.is_some_and(|it| self.existing.leads_to(it, &wanted.repository));
        field("repository", repository, Some(&wanted.repository), is_same);
        let source_root = there.map(|there| &there.source_root);
        let is_same = source_root == Some(&wanted.source_root);
        field("sourceRoot", source_root, Some(&wanted.source_root), is_same);
        let is_elsewhere = known.is_some() && self.existing.own_mapping(wanted).is_none();
        let [other, own] = ["another", "this one"].map(str::to_owned);
        field("integration", is_elsewhere.then_some(&other), Some(&own), !is_elsewhere);
        let branch = there.and_then(|there| there.default_branch.as_ref());
        let is_same = wanted.default_branch.is_none() || branch == wanted.default_branch.as_ref();
        field("branch", branch, wanted.default_branch.as_ref(), is_same);
    }
}

/// What `mode: link` would do: nothing but its links.
pub struct PlannedLinks<'a> {
    /// What was asked for.
    pub task: &'a IntegrationTask,
    /// What is to be linked.
    pub links: &'a RequestedLinks,
    /// What is linked.
    pub existing: &'a ExistingLinks,
    /// The organization at its backend.
    pub organization: String,
    /// The integrations that may be meant.
    pub integrations: Vec<i64>,
}

impl PlannedLinks<'_> {
    /// What would change.
    pub fn plan(self) -> EntryPlan {
        let Self { task, links, existing, organization, integrations } = self;
        let mut comparison = PlanComparison::default();
        note_account(task, &organization, &mut comparison);
        LinkComparison { links, existing }.compare(&mut comparison);
        let scope = LinkScope::named(links, existing);
        comparison.finish(PlannedPlace::new(&task.org, organization, integrations, scope))
    }
}

/// What `mode: remove` would do.
pub struct PlannedRemoval<'a> {
    /// What was asked for.
    pub task: &'a IntegrationTask,
    /// What was decided about it.
    pub removal: &'a Removal,
    /// What is linked through it.
    pub existing: &'a ExistingLinks,
    /// The organization at its backend.
    pub organization: String,
}

impl PlannedRemoval<'_> {
    /// What would change.
    pub fn plan(self) -> EntryPlan {
        let (task, organization) = (self.task, self.organization);
        let mut comparison = PlanComparison::default();
        note_account(task, &organization, &mut comparison);
        let id = match self.removal {
            Removal::Remove(there) => {
                end(there, self.existing, &mut comparison);
                Some(there.id)
            }
            Removal::Leaving { id, name, status } => {
                let name = format!("{id} ({name})");
                let words = format!("wait until integration {name} is deleted");
                comparison.begin(ChangeAction::Keep, ChangedKind::Integration, &name, words);
                comparison.note("status", Some(status), None);
                Some(*id)
            }
            Removal::Missing => None,
        };
        let integrations = id.or(task.named_id()).into_iter().collect();
        let scope = LinkScope::Everything;
        comparison.finish(PlannedPlace::new(&task.org, organization, integrations, scope))
    }
}

fn delete_mapping(mapping: &CodeMapping, comparison: &mut PlanComparison) {
    let words = format!("delete the code mapping {}", describe_mapping(mapping));
    comparison.begin(ChangeAction::Remove, ChangedKind::CodeMapping, &mapping_name(mapping), words);
    comparison.note("repository", Some(&mapping.repository), None);
    comparison.note("sourceRoot", Some(&mapping.source_root), None);
    comparison.note("branch", mapping.default_branch.as_deref(), None);
}

/// The end of an integration with what becomes of its links.
fn end(there: &ListedIntegration, existing: &ExistingLinks, comparison: &mut PlanComparison) {
    let name = format!("{} ({})", there.id, there.name);
    let words = format!("remove integration {name}");
    comparison.begin(ChangeAction::Remove, ChangedKind::Integration, &name, words);
    existing.code_mappings.iter().for_each(|one| delete_mapping(&one.mapping, comparison));
    for repository in existing.repositories.iter().map(LinkedRepository::shown_name) {
        let words = format!("unlink repository {repository}");
        comparison.begin(ChangeAction::Update, ChangedKind::Repository, repository, words);
        comparison.field("integration", Some(name.clone()), None, false);
    }
}

/// Which organization and provider a plan is about.
pub(super) fn note_account(
    task: &IntegrationTask,
    organization: &str,
    comparison: &mut PlanComparison,
) {
    let account = format!("{organization} {}", task.key);
    comparison.note("account", None, Some(&account));
}

fn mapping_name(mapping: &CodeMapping) -> String {
    format!("`{}` of {}", mapping.stack_root, mapping.project)
}
