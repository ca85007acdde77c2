//! The words of an outcome: what a run about a task tells a person and the host.

mod release;

use crate::failure::{Code, Failure};
use crate::links::Links;
use crate::model::{Finished, PipelineType};
use crate::outcome::{Outcome, Status, Subject};
use crate::plan::{Decision, Task};
use crate::redirect::Site;

pub use release::ReleaseReport;

/// Puts what happened to a task into words.
pub struct Report<'a> {
    /// What was asked for.
    pub task: &'a Task,
    /// Where the backend's pages are.
    pub site: &'a Site,
}

impl Report<'_> {
    /// The pipeline finished; `verb` is what a finish that changed something did.
    pub fn complete(&self, kind: PipelineType, verb: &str, finished: &Finished) -> Outcome {
        let headline = match finished.changed {
            true => self.headline(&format!("is {verb}")),
            false => self.headline("was as it should be already"),
        };
        let url = finished.location.clone().unwrap_or_else(|| self.settings_url(finished.id));
        let changed = finished.changed;
        Outcome { changed, ..self.there(kind, (finished.id, &finished.name), url, headline) }
    }

    /// Nothing was to be done.
    pub fn nothing(&self, id: i64, name: &str) -> Outcome {
        let headline = format!("{}, nothing to do", self.headline("is installed and up to date"));
        self.there(PipelineType::Install, (id, name), self.settings_url(id), headline)
    }

    /// A person must act on this page before the pipeline can go on; `then` says how it does.
    pub fn waiting(&self, kind: PipelineType, page: String, then: &[String]) -> Outcome {
        let (name, org) = (self.task.name(), &self.task.org);
        let message = format!("{name} needs a person with a browser for {org}");
        let subject = Subject {
            pipeline_type: Some(kind),
            redirect_url: Some(page.clone()),
            ..self.subject()
        };
        let failure = Some(Failure::new(Code::NeedsBrowser, message.clone()));
        let next = std::iter::once(format!("open: {page}")).chain(then.iter().cloned()).collect();
        let outcome = Outcome::new(Status::ActionRequired, message);
        Outcome { subject: Some(subject), failure, next, ..outcome }
    }

    /// The headline of a run that found the integration and only set what it lacked.
    pub fn only_linked(&self, decision: &Decision, outcome: &mut Outcome) {
        if matches!(decision, Decision::Nothing { .. }) && outcome.changed {
            outcome.headline = self.headline("is installed, and got what it lacked");
        }
    }

    /// What a run would do.
    pub fn planned(&self, decision: &Decision, backend: &str, lacking: &Links) -> Outcome {
        if let Decision::Nothing { id, name } = decision {
            let nothing = Outcome { status: Status::Planned, ..self.nothing(*id, name) };
            if lacking.is_empty() {
                return nothing;
            }
            let headline = self.headline("is installed, and would get what it lacks");
            let details = [nothing.details, lacking.words()].concat();
            return Outcome { headline, details, to_do: true, ..nothing };
        }
        let mut details = vec![format!("why: {}", decision.why())];
        details.push(format!("backend: {backend}"));
        details.extend(self.task.answers_in_words());
        let finish = "store the integration, link the organization, write an audit entry";
        details.push(finish.to_owned());
        details.extend(lacking.words());
        let subject = Subject { pipeline_type: Some(decision.pipeline_type()), ..self.subject() };
        let headline = self.headline(&format!("would be {}", decision.verb()));
        let outcome = Outcome::new(Status::Planned, headline);
        Outcome { subject: Some(subject), details, to_do: true, ..outcome }
    }

    /// It failed.
    pub fn failed(task: &Task, failure: Failure) -> Outcome {
        let subject = Subject { provider: task.key.clone(), ..Subject::default() };
        Outcome { subject: Some(subject), ..Outcome::failed(failure) }
    }

    /// The texts that outputs will show, which a mask must not hit.
    pub fn shown(task: &Task, base: &str) -> Vec<String> {
        let words = ["complete", "planned", "error", "install", "reauth", "true", "false"];
        let mut shown: Vec<_> = words.map(str::to_owned).into();
        shown.extend(task.plain_texts());
        let (org, key, next) = (task.org.as_str(), task.provider_key(), task.next.as_deref());
        shown.push(Site::new(base).settings_url(org, key, 0, next));
        shown
    }

    /// The integration is there.
    fn there(
        &self,
        kind: PipelineType,
        (id, name): (i64, &str),
        url: String,
        headline: String,
    ) -> Outcome {
        let details = vec![format!("integration {id} ({name})"), format!("settings: {url}")];
        let subject = Subject {
            pipeline_type: Some(kind),
            integration: Some((id, name.to_owned())),
            redirect_url: Some(url),
            ..self.subject()
        };
        Outcome { subject: Some(subject), details, ..Outcome::new(Status::Complete, headline) }
    }

    fn headline(&self, verb: &str) -> String {
        format!("{} {verb} for {}", self.task.name(), self.task.org)
    }

    fn subject(&self) -> Subject {
        Subject { provider: self.task.key.clone(), ..Subject::default() }
    }

    /// The integration's settings page with `next`: the seed's success redirect.
    fn settings_url(&self, id: i64) -> String {
        let (org, key) = (self.task.org.as_str(), self.task.provider_key());
        self.site.settings_url(org, key, id, self.task.next.as_deref())
    }
}
