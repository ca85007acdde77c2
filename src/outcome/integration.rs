//! The words of an outcome: what a run about a task tells a person and the host.

use super::{IntegrationOutcome, Outcome, OutcomeStatus};
use crate::error::{Error, ErrorCode};
use crate::integration::decision::Decision;
use crate::integration::links::RequestedLinks;
use crate::integration::task::IntegrationTask;
use crate::model::site::Site;
use crate::model::{FinishedIntegration, PipelineType};

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
        let headline = match finished.changed {
            true => self.headline(&format!("is {verb}")),
            false => self.headline("was as it should be already"),
        };
        let url = finished.location.clone().unwrap_or_else(|| self.settings_url(finished.id));
        let changed = finished.changed;
        Outcome { changed, ..self.installed(kind, (finished.id, &finished.name), url, headline) }
    }

    /// Nothing was to be done.
    pub fn up_to_date(&self, id: i64, name: &str) -> Outcome {
        let headline = format!("{}, nothing to do", self.headline("is installed and up to date"));
        self.installed(PipelineType::Install, (id, name), self.settings_url(id), headline)
    }

    /// A person must act on this page before the pipeline can go on; `then` says how it does.
    pub fn waiting(&self, kind: PipelineType, page: String, then: &[String]) -> Outcome {
        let (name, org) = (self.task.name(), &self.task.org);
        let message = format!("{name} needs a person with a browser for {org}");
        let subject = IntegrationOutcome {
            pipeline_type: Some(kind),
            redirect_url: Some(page.clone()),
            ..self.subject()
        };
        let failure = Some(Error::new(ErrorCode::NeedsBrowser, message.clone()));
        let next = std::iter::once(format!("open: {page}")).chain(then.iter().cloned()).collect();
        let outcome = Outcome::new(OutcomeStatus::ActionRequired, message);
        Outcome { subject: Some(subject), failure, next_steps: next, ..outcome }
    }

    /// The headline of a run that found the integration and only set what it lacked.
    pub fn note_added_links(&self, decision: &Decision, outcome: &mut Outcome) {
        if matches!(decision, Decision::UpToDate { .. }) && outcome.changed {
            outcome.headline = self.headline("is installed, and got what it lacked");
        }
    }

    /// What a run would do.
    pub fn planned(&self, decision: &Decision, backend: &str, lacking: &RequestedLinks) -> Outcome {
        if let Decision::UpToDate { id, name } = decision {
            let nothing = Outcome { status: OutcomeStatus::Planned, ..self.up_to_date(*id, name) };
            if lacking.is_empty() {
                return nothing;
            }
            let headline = self.headline("is installed, and would get what it lacks");
            let details = [nothing.details, lacking.describe()].concat();
            return Outcome { headline, details, has_changes: true, ..nothing };
        }
        let mut details = vec![format!("why: {}", decision.reason())];
        details.push(format!("backend: {backend}"));
        details.extend(self.task.describe_answers());
        let finish = "store the integration, link the organization, write an audit entry";
        details.push(finish.to_owned());
        details.extend(lacking.describe());
        let subject =
            IntegrationOutcome { pipeline_type: Some(decision.pipeline_type()), ..self.subject() };
        let headline = self.headline(&format!("would be {}", decision.verb()));
        let outcome = Outcome::new(OutcomeStatus::Planned, headline);
        Outcome { subject: Some(subject), details, has_changes: true, ..outcome }
    }

    /// It failed.
    pub fn failed(task: &IntegrationTask, failure: Error) -> Outcome {
        let subject =
            IntegrationOutcome { provider: task.key.clone(), ..IntegrationOutcome::default() };
        Outcome { subject: Some(subject), ..Outcome::failed(failure) }
    }

    /// The texts that outputs will show, which a mask must not hit.
    pub fn visible_texts(task: &IntegrationTask, base: &str) -> Vec<String> {
        let words = ["complete", "planned", "error", "install", "reauth", "true", "false"];
        let mut shown: Vec<_> = words.map(str::to_owned).into();
        shown.extend(task.public_values());
        let (org, key, next) = (task.org.as_str(), task.provider_key(), task.next.as_deref());
        shown.push(Site::new(base).settings_url(org, key, 0, next));
        shown
    }

    /// The integration is there.
    fn installed(
        &self,
        kind: PipelineType,
        (id, name): (i64, &str),
        url: String,
        headline: String,
    ) -> Outcome {
        let details = vec![format!("integration {id} ({name})"), format!("settings: {url}")];
        let subject = IntegrationOutcome {
            pipeline_type: Some(kind),
            integration: Some((id, name.to_owned())),
            redirect_url: Some(url),
            ..self.subject()
        };
        Outcome {
            subject: Some(subject),
            details,
            ..Outcome::new(OutcomeStatus::Complete, headline)
        }
    }

    fn headline(&self, verb: &str) -> String {
        format!("{} {verb} for {}", self.task.name(), self.task.org)
    }

    fn subject(&self) -> IntegrationOutcome {
        IntegrationOutcome { provider: self.task.key.clone(), ..IntegrationOutcome::default() }
    }

    /// The integration's settings page with `next`: the seed's success redirect.
    fn settings_url(&self, id: i64) -> String {
        let (org, key) = (self.task.org.as_str(), self.task.provider_key());
        self.site.settings_url(org, key, id, self.task.next.as_deref())
    }
}
