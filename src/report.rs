//! The words of an outcome: what a run about a task tells a person and the host.

use crate::failure::Failure;
use crate::model::{Finished, Listed, OrgSlug};
use crate::outcome::{Outcome, Status, Subject};
use crate::plan::{Decision, Task, Why};
use crate::redirect::Site;

/// Puts what happened to a task into words.
pub struct Report<'a> {
    /// What was asked for.
    pub task: &'a Task,
    /// Where the backend's pages are.
    pub site: &'a Site,
}

impl Report<'_> {
    /// The pipeline finished.
    pub fn complete(&self, decision: &Decision, finished: &Finished, made: &[OrgSlug]) -> Outcome {
        let verb = match (decision, finished.changed) {
            (Decision::Reauth(_), _) => "is re-authorized",
            (Decision::Run(Why::Differs), true) => "is updated",
            (_, true) => "is installed",
            (_, false) => "was installed already",
        };
        let url = self.settings_url(finished.id);
        let mut details = vec![
            format!("integration {} ({})", finished.id, finished.name),
            format!("settings: {url}"),
        ];
        details.extend(made.iter().map(|org| format!("the organization {org} is new here")));
        Outcome {
            changed: finished.changed,
            subject: Some(Subject {
                pipeline_type: Some(decision.pipeline_type()),
                integration: Some((finished.id, finished.name.clone())),
                redirect_url: Some(url),
                ..self.subject()
            }),
            details,
            ..Outcome::new(Status::Complete, self.headline(verb))
        }
    }

    /// Nothing was to be done.
    pub fn nothing(&self, one: &Listed) -> Outcome {
        let url = self.settings_url(one.id);
        let subject = Subject {
            pipeline_type: Some(Decision::Nothing(one.clone()).pipeline_type()),
            integration: Some((one.id, one.name.clone())),
            redirect_url: Some(url.clone()),
            ..self.subject()
        };
        let details =
            vec![format!("integration {} ({})", one.id, one.name), format!("settings: {url}")];
        let headline = format!("{}, nothing to do", self.headline("is installed and up to date"));
        Outcome { subject: Some(subject), details, ..Outcome::new(Status::Complete, headline) }
    }

    /// What a run would do.
    pub fn planned(&self, decision: &Decision, file: &str) -> Outcome {
        if let Decision::Nothing(one) = decision {
            return Outcome { status: Status::Planned, ..self.nothing(one) };
        }
        let verb = match decision {
            Decision::Reauth(_) => "would be re-authorized",
            Decision::Run(Why::Differs) => "would be updated",
            Decision::Nothing(_) | Decision::Run(_) => "would be installed",
        };
        let mut details = vec![format!("it {}", decision.words())];
        details.push(format!("backend: embedded, {file}"));
        details.extend(self.task.answers_in_words());
        details
            .push("store the integration, link the organization, write an audit entry".to_owned());
        let pipeline_type = Some(decision.pipeline_type());
        let subject = Subject { pipeline_type, ..self.subject() };
        let outcome = Outcome::new(Status::Planned, self.headline(verb));
        Outcome { subject: Some(subject), details, ..outcome }
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
