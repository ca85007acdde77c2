//! What a plan would change of an integration, and of what is linked through it.

use super::changes::{
    ChangeAction, ChangedKind, DifferenceKind, EntryPlan, PlanComparison, PlannedPlace,
};
use crate::inputs::CodeMapping;
use crate::integration::links::describe_mapping;
use crate::integration::{
    Decision, DecisionReason, ExistingLinks, IntegrationTask, RequestedLinks,
};
use crate::model::ListedIntegration;
use crate::provider::{ComparedField, FieldComparison};

/// What is there of what a task asks for.
pub struct PlannedIntegration<'a> {
    /// What was asked for.
    pub task: &'a IntegrationTask,
    /// What was decided about it.
    pub decision: &'a Decision,
    /// The integrations that were decided by.
    pub listed: &'a [ListedIntegration],
    /// What is to be linked.
    pub links: &'a RequestedLinks,
    /// What is linked.
    pub existing: &'a ExistingLinks,
    /// The organization at its backend.
    pub organization: String,
}

impl PlannedIntegration<'_> {
    /// What would change, with what stays as the digest has it.
    pub fn plan(self) -> EntryPlan {
        let mut comparison = PlanComparison::default();
        let account = format!("{} {}", self.organization, self.task.key);
        comparison.note("account", None, Some(&account));
        self.integration(&mut comparison);
        self.links.repositories.iter().for_each(|name| self.repository(name, &mut comparison));
        self.links.code_mappings.iter().for_each(|one| self.code_mapping(one, &mut comparison));
        self.absent_links(&mut comparison);
        let mut integrations: Vec<_> = self.task.existing(self.listed).map(|one| one.id).collect();
        integrations.extend(self.decision.existing_id());
        comparison.finish(PlannedPlace { organization: self.organization, integrations })
    }

    /// The integration that would be changed, or stays.
    fn target(&self) -> Option<&ListedIntegration> {
        let is_new = self.task.provider.has_random_id()
            && !matches!(self.decision, Decision::UpToDate { .. });
        match self.decision.existing_id() {
            _ if is_new => None,
            Some(id) => self.listed.iter().find(|one| one.id == id),
            None => self.task.existing(self.listed).next(),
        }
    }

    fn integration(&self, comparison: &mut PlanComparison) {
        let target = self.target();
        let name = match target {
            Some(one) => format!("{} ({})", one.id, one.name),
            None => self.task.name().to_owned(),
        };
        let (action, verb) = match (self.decision, target) {
            (Decision::UpToDate { .. }, _) => (ChangeAction::Keep, "keep"),
            (Decision::Reauth(_), _) => (ChangeAction::Update, "re-authorize"),
            (Decision::Install(DecisionReason::Requested), Some(_)) => {
                (ChangeAction::Update, "install again")
            }
            (Decision::Install(_), Some(_)) => (ChangeAction::Update, "update"),
            (Decision::Install(_), None) => (ChangeAction::Create, "install"),
        };
        let words = match target {
            Some(_) => format!("{verb} integration {name}"),
            None => format!("{verb} the {name} integration"),
        };
        comparison.begin(action, ChangedKind::Integration, &name, words);
        comparison.note("verb", None, Some(verb).filter(|verb| *verb == "re-authorize"));
        for field in self.task.compare_fields(target) {
            compare(field, comparison);
        }
        if let Some(one) = target {
            let statuses = one.health.statuses();
            let status = if one.active { "active".to_owned() } else { statuses.join(", ") };
            let wanted = Some("active".to_owned());
            comparison.field("status", Some(status), wanted, one.active);
        }
    }

    fn repository(&self, name: &str, comparison: &mut PlanComparison) {
        let is_there = self.existing.has(name);
        let action = if is_there { ChangeAction::Keep } else { ChangeAction::Create };
        let words = format!("link repository {name}");
        comparison.begin(action, ChangedKind::Repository, name, words);
    }

    /// What shall not be linked.
    fn absent_links(&self, comparison: &mut PlanComparison) {
        let action = |is_there| if is_there { ChangeAction::Remove } else { ChangeAction::Keep };
        for name in &self.links.absent_repositories {
            let words = format!("remove repository {name}");
            let action = action(self.existing.has(name));
            comparison.begin(action, ChangedKind::Repository, name, words);
        }
        for place in &self.links.absent_mappings {
            let is_there = self.existing.code_mappings.iter().any(|one| place.is_of(one));
            let name = format!("`{}` of {}", place.stack_root, place.project);
            let words = format!("delete the code mapping of {name}");
            comparison.begin(action(is_there), ChangedKind::CodeMapping, &name, words);
        }
    }

    fn code_mapping(&self, wanted: &CodeMapping, comparison: &mut PlanComparison) {
        let is_there = self.existing.maps(wanted);
        let there = self.existing.in_place_of(wanted);
        let action = match there {
            _ if is_there => ChangeAction::Keep,
            Some(_) => ChangeAction::Update,
            None => ChangeAction::Create,
        };
        let name = format!("`{}` of {}", wanted.stack_root, wanted.project);
        let words = format!("map {}", describe_mapping(wanted));
        comparison.begin(action, ChangedKind::CodeMapping, &name, words);
        let mut field = |name: &str, there: Option<&String>, wanted: Option<&String>, is_same| {
            comparison.field(name, there.cloned(), wanted.cloned(), is_there || is_same);
        };
        let repository = there.map(|there| &there.repository);
        let is_same = repository.is_some_and(|it| self.existing.is_same(it, &wanted.repository));
        field("repository", repository, Some(&wanted.repository), is_same);
        let source_root = there.map(|there| &there.source_root);
        let is_same = source_root == Some(&wanted.source_root);
        field("sourceRoot", source_root, Some(&wanted.source_root), is_same);
        let is_elsewhere = there.is_some_and(|there| !self.existing.code_mappings.contains(there));
        let [other, own] = ["another", "this one"].map(str::to_owned);
        field("integration", is_elsewhere.then_some(&other), Some(&own), !is_elsewhere);
        let branch = there.and_then(|there| there.default_branch.as_ref());
        let is_same = wanted.default_branch.is_none() || branch == wanted.default_branch.as_ref();
        field("branch", branch, wanted.default_branch.as_ref(), is_same);
    }
}

/// One field of `state`.
fn compare(field: ComparedField, comparison: &mut PlanComparison) {
    let ComparedField { name, is_secret, there, wanted, comparison: result } = field;
    match (is_secret, result) {
        (false, FieldComparison::NotCompared) => {
            comparison.note(&name, None, wanted.as_deref());
            comparison.hidden(&name, Some(DifferenceKind::NotCompared));
        }
        (false, result) => {
            comparison.field(&name, there, wanted, result == FieldComparison::Same);
        }
        (true, FieldComparison::Same) => comparison.hidden(&name, None),
        (true, FieldComparison::Differs) => {
            comparison.hidden(&name, Some(DifferenceKind::SecretDiffers));
        }
        (true, FieldComparison::NotCompared) => {
            comparison.hidden(&name, Some(DifferenceKind::NotCompared));
        }
        (true, FieldComparison::New) => {
            comparison.hidden(&name, Some(DifferenceKind::NewSecret));
        }
    }
}
