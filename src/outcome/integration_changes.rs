//! What a plan would change of an integration, and of what is linked through it.

use super::changes::{
    ChangeAction, ChangedKind, DifferenceKind, EntryPlan, LinkScope, PlanComparison, PlannedPlace,
};
use super::link_changes::{LinkComparison, note_account};
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
        note_account(self.task, &self.organization, &mut comparison);
        self.integration(&mut comparison);
        let Self { task, links, existing, .. } = self;
        LinkComparison { links, existing }.compare(&mut comparison);
        let mut integrations: Vec<_> = self.task.existing(self.listed).map(|one| one.id).collect();
        integrations.extend(self.decision.existing_id());
        let scope = LinkScope::named(links, existing);
        comparison.finish(PlannedPlace::new(&task.org, self.organization, integrations, scope))
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
        // What the inputs ask for, and not what is there.
        let asked = ["re-authorize", "install again"];
        comparison.note("verb", None, Some(verb).filter(|verb| asked.contains(verb)));
        comparison.note("next", None, self.task.next.as_deref());
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
