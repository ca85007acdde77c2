//! The outcome of an integration's task, in words for a person and the host.

use super::changes::{ChangeAction, ChangedKind, EntryPlan, PlannedChange};
use super::{IntegrationOutcome, Outcome, OutcomeStatus};
use crate::error::{Error, ErrorCode, Warning};
use crate::integration::{Decision, IntegrationTask, PlanObstacle, Removal, RequestedLinks};
use crate::model::site::Site;
use crate::model::{FinishedIntegration, ListedIntegration, PipelineType};
use crate::text::page::PageUrl;

pub use super::release::ReleaseReport;

/// Puts what happened to a task into words.
pub struct IntegrationReport<'a> {
    /// What was asked for.
    pub task: &'a IntegrationTask,
    /// Where the backend's pages are.
    pub site: &'a Site,
}

impl IntegrationReport<'_> {
    /// The pipeline finished; `verb` is what a finish that changed something did.
    pub fn complete(
        &self,
        kind: PipelineType,
        verb: &str,
        finished: &FinishedIntegration,
    ) -> Outcome {
        let FinishedIntegration { id, name, changed, .. } = finished;
        let headline = match changed {
            true => self.headline(&format!("is {verb}")),
            false => self.headline("was already up to date"),
        };
        let url = self.settings_url(*id);
        Outcome { changed: *changed, ..self.installed(kind, (*id, name), url, headline) }
    }

    /// Nothing was to be done.
    pub fn up_to_date(&self, id: i64, name: &str) -> Outcome {
        let headline = format!("{}, nothing to do", self.headline("is installed and up to date"));
        self.installed(PipelineType::Install, (id, name), self.settings_url(id), headline)
    }

    /// A person must act on this page before the pipeline can go on; `then` says how it does.
    pub fn waiting(&self, kind: PipelineType, page: PageUrl, then: &[String]) -> Outcome {
        let (name, org) = (self.task.name(), &self.task.org);
        let message = format!("{name} needs a person to act in a browser for {org}");
        let subject = IntegrationOutcome {
            pipeline_type: Some(kind),
            redirect_url: Some(page.clone()),
            ..subject(self.task)
        };
        let failure = Some(Error::new(ErrorCode::NeedsBrowser, message.clone()));
        let next_steps = [&[format!("open: {page}")], then].concat();
        let outcome = Outcome::new(OutcomeStatus::ActionRequired, message);
        Outcome { subject: Some(subject), failure, next_steps, ..outcome }
    }

    /// The headline of a run that found the integration and only set what it lacked.
    pub fn note_added_links(
        &self,
        decision: &Decision,
        links: &RequestedLinks,
        outcome: &mut Outcome,
    ) {
        if outcome.failure.is_some() || !matches!(decision, Decision::UpToDate { .. }) {
            return;
        }
        let words = match (outcome.changed, outcome.lacks_links) {
            (false, false) => return,
            (_, true) => "is installed; not all of its links are set",
            (true, false) if links.has_absent() => "is installed; its links were changed",
            (true, false) => "is installed; missing links were added",
        };
        outcome.headline = self.headline(words);
    }

    /// What a run would do; `obstacle` is what it could not carry out.
    pub fn planned(
        &self,
        decision: &Decision,
        backend: &str,
        plan: EntryPlan,
        obstacle: Option<PlanObstacle>,
    ) -> Outcome {
        let outcome = self.planned_changes(decision, backend, &plan);
        let outcome = Outcome { plan: Some(Box::new(plan)), ..outcome };
        let cannot = |why: &str| vec![format!("cannot be carried out: {why}")];
        match obstacle {
            None => outcome,
            Some(PlanObstacle::Deletion(why)) => {
                let headline = self.headline(&format!("cannot be {} yet", decision.verb()));
                Outcome { headline, details: cannot(&why), has_changes: true, ..outcome }
            }
            Some(PlanObstacle::KeptField(why)) => {
                let headline = match outcome.has_changes {
                    true => outcome.headline,
                    false => self.headline("is installed, and differs in what cannot be changed"),
                };
                let details = [cannot(&why), outcome.details].concat();
                Outcome { headline, details, has_changes: true, ..outcome }
            }
        }
    }

    /// What a run would do where nothing stands in its way.
    fn planned_changes(&self, decision: &Decision, backend: &str, plan: &EntryPlan) -> Outcome {
        if let Decision::UpToDate { id, name } = decision {
            let outcome = Outcome { status: OutcomeStatus::Planned, ..self.up_to_date(*id, name) };
            if plan.changes.iter().all(|change| change.kind == ChangedKind::Integration) {
                return outcome;
            }
            let is_absent = |change: &PlannedChange| change.action == ChangeAction::Remove;
            let headline = match plan.changes.iter().any(is_absent) {
                true => self.headline("is installed; its links would be changed"),
                false => self.headline("is installed; missing links would be added"),
            };
            return Outcome { headline, has_changes: true, ..outcome };
        }
        let finish = "store the integration, link the organization, write an audit log entry";
        let details = [
            vec![format!("reason: {}", decision.reason()), format!("backend: {backend}")],
            self.task.describe_answers(),
            self.task.next.iter().map(|next| format!("next: {next}")).collect(),
            vec![finish.to_owned()],
        ];
        let pipeline_type = Some(decision.pipeline_type());
        let known_id = decision.existing_id();
        let subject = Some(IntegrationOutcome { pipeline_type, known_id, ..subject(self.task) });
        let headline = self.headline(&format!("would be {}", decision.verb()));
        let outcome = Outcome::new(OutcomeStatus::Planned, headline);
        Outcome { subject, details: details.concat(), has_changes: true, ..outcome }
    }

    /// What would be linked, where nothing else is asked for.
    pub fn planned_links(&self, plan: EntryPlan) -> Outcome {
        let org = &self.task.org;
        let has_changes = !plan.changes.is_empty();
        let headline = match has_changes {
            false => {
                format!("repositories and code mappings are up to date for {org}, nothing to do")
            }
            true => format!("repositories and code mappings would be changed for {org}"),
        };
        let outcome = self.ended_links(OutcomeStatus::Planned, headline);
        Outcome { plan: Some(Box::new(plan)), has_changes, ..outcome }
    }

    /// What was linked, where nothing else was asked for; what could not be is the failure.
    pub fn linked(
        &self,
        changed: bool,
        details: Vec<String>,
        failure: Option<Error>,
        warnings: Vec<Warning>,
    ) -> Outcome {
        let org = &self.task.org;
        let headline = match changed {
            true => format!("repositories and code mappings are changed for {org}"),
            false => {
                format!("repositories and code mappings are up to date for {org}, nothing to do")
            }
        };
        let (outcome, count) =
            (self.ended_links(OutcomeStatus::Complete, headline), warnings.len());
        let outcome = Outcome { changed, details, warnings, ..outcome };
        match failure {
            None => outcome,
            Some(failure) => outcome.failed_in_parts(failure, count),
        }
    }

    fn ended_links(&self, status: OutcomeStatus, headline: String) -> Outcome {
        let subject = IntegrationOutcome { known_id: self.task.named_id(), ..subject(self.task) };
        Outcome { subject: Some(subject), ..Outcome::new(status, headline) }
    }

    /// What a removal would do.
    pub fn planned_removal(&self, removal: &Removal, plan: EntryPlan) -> Outcome {
        let outcome = match removal {
            Removal::Remove(there) => {
                let headline = self.end_headline("would be removed from");
                let integration = Some((there.id, there.name.as_str()));
                let outcome = self.ended(OutcomeStatus::Planned, headline, integration);
                Outcome { has_changes: true, ..outcome }
            }
            Removal::Leaving { .. } | Removal::Missing => {
                Outcome { status: OutcomeStatus::Planned, ..self.unremoved(removal) }
            }
        };
        Outcome { plan: Some(Box::new(plan)), ..outcome }
    }

    /// The integration was removed.
    pub fn removed(&self, there: &ListedIntegration) -> Outcome {
        let headline = self.end_headline("is removed from");
        let outcome = self.ended(OutcomeStatus::Complete, headline, Some((there.id, &there.name)));
        let details = vec![
            format!("removed integration {} ({})", there.id, there.name),
            "its code mappings go with it; its repositories stay, unlinked".to_owned(),
        ];
        Outcome { details, changed: true, ..outcome }
    }

    /// Nothing was to be removed.
    pub fn unremoved(&self, removal: &Removal) -> Outcome {
        let (words, id, detail) = match removal {
            Removal::Leaving { id, name, status } => {
                let detail = format!("integration {id} ({name}) has the status {status}");
                ("is being removed from", Some((*id, name.as_str())), Some(detail))
            }
            Removal::Missing | Removal::Remove(_) => ("is not installed for", None, None),
        };
        let headline = format!("{}, nothing to do", self.end_headline(words));
        let outcome = self.ended(OutcomeStatus::Complete, headline, id);
        Outcome { details: detail.into_iter().collect(), ..outcome }
    }

    fn end_headline(&self, words: &str) -> String {
        format!("{} {words} {}", self.task.name(), self.task.org)
    }

    /// The integration is not there afterwards, so it has no page.
    fn ended(
        &self,
        status: OutcomeStatus,
        headline: String,
        integration: Option<(i64, &str)>,
    ) -> Outcome {
        let integration = integration.map(|(id, name)| (id, name.to_owned()));
        let known_id = self.task.named_id();
        let subject = IntegrationOutcome { integration, known_id, ..subject(self.task) };
        Outcome { subject: Some(subject), ..Outcome::new(status, headline) }
    }

    /// It failed.
    pub fn failed(task: &IntegrationTask, failure: Error) -> Outcome {
        Outcome { subject: Some(subject(task)), ..Outcome::failed(failure) }
    }

    /// The texts that outputs will show, which a mask must not hit.
    pub fn visible_texts(task: &IntegrationTask, base: &str) -> Vec<String> {
        let words = ["complete", "planned", "error", "install", "reauth", "true", "false"];
        let page = IntegrationReport { task, site: &Site::new(base) }.settings_url(0);
        let page = page.map(|page| page.to_string()).into_iter().collect();
        [words.map(str::to_owned).to_vec(), task.public_values(), page].concat()
    }

    /// The integration is there.
    fn installed(
        &self,
        kind: PipelineType,
        (id, name): (i64, &str),
        url: Option<PageUrl>,
        headline: String,
    ) -> Outcome {
        let settings = url.as_ref().map(|url| format!("settings: {url}"));
        let details = std::iter::once(format!("integration {id} ({name})")).chain(settings);
        let details = details.collect();
        let subject = IntegrationOutcome {
            pipeline_type: Some(kind),
            integration: Some((id, name.to_owned())),
            redirect_url: url,
            ..subject(self.task)
        };
        let outcome = Outcome::new(OutcomeStatus::Complete, headline);
        Outcome { subject: Some(subject), details, ..outcome }
    }

    fn headline(&self, verb: &str) -> String {
        format!("{} {verb} for {}", self.task.name(), self.task.org)
    }

    /// The integration's settings page with `next`: the seed's success redirect.
    fn settings_url(&self, id: i64) -> Option<PageUrl> {
        let (org, key) = (self.task.org.as_str(), self.task.provider_key());
        let url = self.site.settings_url(org, key, id, self.task.next.as_deref());
        PageUrl::parse(&url).ok()
    }
}

impl Outcome {
    /// The same end as a failure, of which `count` warnings say a part each.
    #[must_use]
    pub fn failed_in_parts(self, failure: Error, count: usize) -> Self {
        let message = match count {
            ..=1 => failure.message,
            _ => format!("{} (and {} more, see the warnings)", failure.message, count - 1),
        };
        let (status, headline) = (OutcomeStatus::Error, message.clone());
        Self { status, headline, failure: Some(Error { message, ..failure }), ..self }
    }
}

fn subject(task: &IntegrationTask) -> IntegrationOutcome {
    IntegrationOutcome { provider: task.key.clone(), ..IntegrationOutcome::default() }
}
