//! The words of an outcome: what a run about a task tells a person and the host.

use crate::failure::{Code, Failure};
use crate::model::{Finished, PipelineType};
use crate::outcome::{Outcome, Status, Subject};
use crate::plan::{Decision, Task};
use crate::redirect::Site;

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
        let changed = finished.changed;
        Outcome { changed, ..self.there(kind, finished.id, &finished.name, headline) }
    }

    /// Nothing was to be done.
    pub fn nothing(&self, id: i64, name: &str) -> Outcome {
        let headline = format!("{}, nothing to do", self.headline("is installed and up to date"));
        self.there(PipelineType::Install, id, name, headline)
    }

    /// A person must act on this page before the pipeline can go on.
    pub fn waiting(&self, kind: PipelineType, url: String) -> Outcome {
        let (name, org) = (self.task.provider.name(), &self.task.org);
        let message = format!("{name} needs a person with a browser for {org}");
        let details = vec![
            format!("open: {url}"),
            "approve, and copy the address that the browser ends at; it may show no page"
                .to_owned(),
            format!("within an hour: finishline resume --org {org} --callback-url -"),
        ];
        let subject =
            Subject { pipeline_type: Some(kind), redirect_url: Some(url), ..self.subject() };
        let failure = Some(Failure::new(Code::NeedsBrowser, message.clone()));
        let outcome = Outcome::new(Status::ActionRequired, message);
        Outcome { subject: Some(subject), failure, details, ..outcome }
    }

    /// What a run would do.
    pub fn planned(&self, decision: &Decision, file: &str) -> Outcome {
        if let Decision::Nothing { id, name } = decision {
            return Outcome { status: Status::Planned, ..self.nothing(*id, name) };
        }
        let mut details = vec![format!("it {}", decision.words())];
        details.push(format!("backend: embedded, {file}"));
        details.extend(self.task.answers_in_words());
        let finish = "store the integration, link the organization, write an audit entry";
        details.push(finish.to_owned());
        let subject = Subject { pipeline_type: Some(decision.pipeline_type()), ..self.subject() };
        let headline = self.headline(&format!("would be {}", decision.verb()));
        Outcome { subject: Some(subject), details, ..Outcome::new(Status::Planned, headline) }
    }

    /// It failed.
    pub fn failed(&self, failure: Failure) -> Outcome {
        Outcome { subject: Some(self.subject()), ..Outcome::failed(failure) }
    }

    /// The texts that outputs will show, which a mask must not hit.
    pub fn shown(&self) -> Vec<String> {
        let words = ["complete", "planned", "error", "install", "reauth", "true", "false"];
        let mut shown: Vec<_> = words.map(str::to_owned).into();
        shown.extend(self.task.plain_texts());
        shown.push(self.settings_url(0));
        shown
    }

    /// The integration is there.
    fn there(&self, kind: PipelineType, id: i64, name: &str, headline: String) -> Outcome {
        let url = self.settings_url(id);
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
        format!("{} {verb} for {}", self.task.provider.name(), self.task.org)
    }

    fn subject(&self) -> Subject {
        Subject { provider: self.task.provider.key().to_owned(), ..Subject::default() }
    }

    /// The integration's settings page with `next`: the seed's success redirect.
    fn settings_url(&self, id: i64) -> String {
        let (org, key) = (self.task.org.as_str(), self.task.provider.integration_key());
        self.site.settings_url(org, key, id, self.task.next.as_deref())
    }
}
