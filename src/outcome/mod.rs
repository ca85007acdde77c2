//! What happened, whatever happened: every run ends in one of these.

pub mod changes;
mod foreign_ids;
pub mod health;
pub mod integration;
pub mod integration_changes;
pub mod link_changes;
pub(crate) mod release;
mod release_changes;
pub mod saved_plan;
pub mod sourcemaps;
pub mod unmanaged;
mod warning_limit;

use crate::error::{Error, ErrorCode, ExitCode, Warning};
use crate::inputs::types::ToleratedExit;
use crate::job::IdleEvent;
use crate::model::{PipelineType, RecordId};
use crate::text::one_line;
use crate::text::page::PageUrl;
use crate::text::words::word_enum;
use changes::EntryPlan;
use sourcemaps::SourcemapOutcome;
use unmanaged::UnmanagedThing;

word_enum! {
    /// How a run ended, by its word in the `status` output.
    #[derive(Default)]
    pub enum OutcomeStatus {
        /// Done, or nothing was to be done.
        #[default]
        Complete = "complete",
        /// A person must act; the pipeline waits.
        ActionRequired = "action_required",
        /// The host withheld the secrets, as it should.
        Skipped = "skipped",
        /// Decided only.
        Planned = "planned",
        /// It failed.
        Error = "error",
    }
}

/// The integration that a run is about.
#[derive(Clone, Debug, Default)]
pub struct IntegrationOutcome {
    /// The provider's key.
    pub provider: String,
    /// What the pipeline was for.
    pub pipeline_type: Option<PipelineType>,
    /// The integration's id and name, once it is there.
    pub integration: Option<(i64, String)>,
    /// The id of one that is there, also where nothing is told of it yet.
    pub known_id: Option<i64>,
    /// Its settings page, once it is there; while a person must act, the page to act on.
    pub redirect_url: Option<PageUrl>,
}

/// The release that a run is about, once it is there.
#[derive(Clone, Debug)]
pub struct ReleaseOutcome {
    /// Its version.
    pub version: String,
    /// Its page.
    pub url: Option<PageUrl>,
    /// The id of its deploy.
    pub deploy_id: Option<RecordId>,
    /// How many commits it has, as far as that is known.
    pub commit_count: Option<u64>,
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How the run ended.
    pub status: OutcomeStatus,
    /// Whether anything at the backend is different now.
    pub changed: bool,
    /// What it was about, as far as that was known.
    pub subject: Option<IntegrationOutcome>,
    /// The release, once it is there.
    pub release: Option<ReleaseOutcome>,
    /// The source maps, once they were looked at.
    pub sourcemaps: Option<SourcemapOutcome>,
    /// Why it failed, or waits.
    pub failure: Option<Error>,
    /// Why it was skipped.
    pub skipped_reason: Option<&'static str>,
    /// What the reader should know all the same.
    pub warnings: Vec<Warning>,
    /// Whether the integration lacks repositories or code mappings that it should have.
    pub lacks_links: bool,
    /// One line for a person.
    pub headline: String,
    /// More lines for a person.
    pub details: Vec<String>,
    /// What a person does next, in order; the first one is to open `redirect_url`.
    pub next_steps: Vec<String>,
    /// Whether `tolerate` turns its exit code into 0.
    pub tolerated: bool,
    /// Whether it is a plan that finds something to do.
    pub has_changes: bool,
    /// What a plan found there, beside what is wanted.
    pub plan: Option<Box<EntryPlan>>,
    /// What the organizations of a manifest have besides, where a plan looked for it.
    pub unmanaged: Option<Vec<UnmanagedThing>>,
    /// The exit code, where it is not the worst of the entries.
    pub exit_override: Option<ExitCode>,
    /// The end of each entry of a manifest, in the order of the file.
    pub entries: Vec<EntryOutcome>,
    /// A text that stands on standard output in the place of the words, to the letter.
    pub document: Option<String>,
}

/// A text of an end.
pub enum ShownText<'a> {
    /// Words for a person.
    Words(&'a mut String),
    /// An address, which is what it is to the letter.
    Exact(&'a mut String),
}

impl<'a> ShownText<'a> {
    /// The text, whichever it is.
    pub fn into_text(self) -> &'a mut String {
        let (Self::Words(text) | Self::Exact(text)) = self;
        text
    }
}

/// How one entry of a manifest ended.
#[derive(Clone, Debug)]
pub struct EntryOutcome {
    /// Where it stands in the manifest: `integrations[0]`.
    pub key: String,
    /// What it is, for a person: `opsgenie for acme`.
    pub title: String,
    /// How it ended.
    pub outcome: Outcome,
}

impl Outcome {
    /// An end with its headline.
    pub fn new(status: OutcomeStatus, headline: impl Into<String>) -> Self {
        Self { status, headline: headline.into(), ..Self::default() }
    }

    /// The end of a run over many entries. The plain outputs are those of the first entry that
    /// needs a person, else of the first that failed, else of the first.
    #[must_use]
    pub fn of_entries(entries: Vec<EntryOutcome>) -> Self {
        let with = |status| entries.iter().find(|entry| entry.outcome.status == status);
        let first =
            with(OutcomeStatus::ActionRequired).or(with(OutcomeStatus::Error)).or(entries.first());
        let first = first.map(|entry| entry.outcome.clone()).unwrap_or_default();
        let any = |is: fn(&Self) -> bool| entries.iter().any(|entry| is(&entry.outcome));
        let line = |entry: &EntryOutcome| format!("{}: {}", entry.title, entry.outcome.headline);
        Self {
            changed: any(|outcome| outcome.changed),
            has_changes: any(|outcome| outcome.has_changes),
            // An exit that is tolerated in the first may not be in another.
            tolerated: false,
            headline: count_summary(&entries),
            details: entries.iter().map(line).collect(),
            entries,
            ..first
        }
    }

    /// The id of the integration that it is about, where it is there.
    pub fn integration_id(&self) -> Option<i64> {
        let subject = self.subject.as_ref()?;
        subject.known_id.or(subject.integration.as_ref().map(|(id, _)| *id))
    }

    /// A failure.
    pub fn failed(failure: Error) -> Self {
        let headline = failure.message.clone();
        Self { failure: Some(failure), ..Self::new(OutcomeStatus::Error, headline) }
    }

    /// The host gave this job no secrets.
    pub fn skipped(reason: &'static str) -> Self {
        let why = match reason {
            "fork" => "pull requests from forks have no access to secrets",
            "dependabot" => "Dependabot jobs have no access to the repository's secrets",
            other => other,
        };
        Self::skipped_because(reason, &format!("no token, because {why}"))
    }

    /// There was nothing to do at this event.
    pub(crate) fn idle(event: &IdleEvent) -> Self {
        Self::skipped_because(event.slug, &format!("no release, because {}", event.words))
    }

    fn skipped_because(reason: &'static str, why: &str) -> Self {
        let headline = format!("skipped: {why}");
        Self { skipped_reason: Some(reason), ..Self::new(OutcomeStatus::Skipped, headline) }
    }

    /// No token was given, and the inputs say that the run is skipped then.
    pub fn skipped_without_token(missing: &Error) -> Self {
        let headline = "skipped: no token, and `without-token` is `skip`";
        let message = format!("nothing was done: {}; {}", missing.message, missing.hint);
        let skipped_reason = Some(ErrorCode::NoToken.slug());
        Self { skipped_reason, ..Self::new(OutcomeStatus::Skipped, headline) }
            .with_warning(Some(Warning::new(ErrorCode::NoToken.slug(), message)))
    }

    /// This end and that of the release job beside it: the worse of the two is what the run comes
    /// to, and a second failure is a warning.
    #[must_use]
    pub fn merge_release(self, release: Self) -> Self {
        let is_worse = rank(release.own_exit()) < rank(self.own_exit());
        let (status, failure, second) = match is_worse {
            true => (release.status, release.failure, self.failure),
            false => (self.status, self.failure, release.failure),
        };
        // What both failed of is said once.
        let is_same = |second: &Error| {
            failure.as_ref().is_some_and(|failure| failure.message == second.message)
        };
        let second = second.filter(|second| !is_same(second));
        let second = second.map(|second| Warning::new(second.code.slug(), second.message));
        let headline = match self.headline == release.headline {
            true => self.headline,
            false => format!("{}; {}", self.headline, release.headline),
        };
        let warnings = self.warnings.into_iter().chain(release.warnings).chain(second).collect();
        Self {
            status,
            changed: self.changed || release.changed,
            release: release.release,
            sourcemaps: release.sourcemaps,
            skipped_reason: self.skipped_reason.or(release.skipped_reason),
            failure,
            warnings,
            has_changes: self.has_changes || release.has_changes,
            plan: EntryPlan::of_both(self.plan, release.plan),
            headline,
            details: [self.details, release.details].concat(),
            ..self
        }
    }

    /// Every text that others have a say in, whatever shows it; but not the document, which is written
    /// so that there is nothing to take out of it.
    pub fn shown_texts_mut(&mut self) -> Vec<ShownText<'_>> {
        let warnings = self.warnings.iter_mut().map(|warning| &mut warning.message);
        let failure = self.failure.iter_mut().flat_map(Error::texts_mut);
        let lines = self.details.iter_mut().chain(&mut self.next_steps);
        let words = std::iter::once(&mut self.headline).chain(warnings).chain(failure).chain(lines);
        let mut texts: Vec<_> = words.map(ShownText::Words).collect();
        if let Some(subject) = &mut self.subject {
            texts.extend(subject.integration.as_mut().map(|(_, name)| ShownText::Words(name)));
            texts.extend(subject.redirect_url.as_mut().map(|url| ShownText::Exact(url.text_mut())));
        }
        let release = self.release.as_mut().and_then(|release| release.url.as_mut());
        texts.extend(release.map(|url| ShownText::Exact(url.text_mut())));
        texts.extend(self.plan.iter_mut().flat_map(|plan| plan.texts_mut()));
        let unmanaged = self.unmanaged.iter_mut().flatten();
        texts.extend(unmanaged.flat_map(UnmanagedThing::texts_mut).map(ShownText::Words));
        for entry in &mut self.entries {
            texts.push(ShownText::Words(&mut entry.title));
            texts.extend(entry.outcome.shown_texts_mut());
        }
        texts
    }

    /// Puts each text on one line in which no host and no terminal finds anything to obey.
    pub fn neutralize(&mut self) {
        for text in self.shown_texts_mut() {
            if let ShownText::Words(words) = text {
                *words = one_line(words);
            }
        }
    }

    /// The messages of the warnings and of the failure.
    pub(crate) fn messages_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let failure = self.failure.iter_mut().map(|failure| &mut failure.message);
        self.warnings.iter_mut().map(|warning| &mut warning.message).chain(failure)
    }

    /// The same end, with this warning.
    #[must_use]
    pub fn with_warning(mut self, warning: Option<Warning>) -> Self {
        self.warnings.extend(warning);
        self
    }

    /// Adds a warning about the whole run; of many entries the first one shows it.
    pub fn warn_once(&mut self, warnings: impl IntoIterator<Item = Warning>) {
        for warning in warnings {
            if let Some(first) = self.entries.first_mut() {
                first.outcome.warnings.push(warning.clone());
            }
            self.warnings.push(warning);
        }
    }

    /// Lets an end that `tolerate` names count as exit 0, with a warning.
    pub fn tolerate(&mut self, tolerated: &[ToleratedExit]) {
        let exit = self.own_exit();
        let covers = |word: &ToleratedExit| word.covers(exit);
        // A mistake beside the lack of a token is no question of rights.
        let is_tolerable = self.failure.as_ref().is_none_or(Error::is_tolerable);
        if tolerated.iter().any(covers) && is_tolerable {
            let message = format!("exit {} is tolerated, so the step succeeds", exit.number());
            self.warnings.push(Warning::new("tolerated", message));
            self.tolerated = true;
        }
    }

    /// The exit code that this end asks for.
    pub fn exit(&self) -> ExitCode {
        if let Some(exit) = self.exit_override {
            return exit;
        }
        let exits = self.entries.iter().map(|entry| entry.outcome.exit());
        match exits.min_by_key(|exit| rank(*exit)) {
            Some(worst) => worst,
            None if self.tolerated => ExitCode::Done,
            None => self.own_exit(),
        }
    }

    fn own_exit(&self) -> ExitCode {
        self.failure.as_ref().map_or(ExitCode::Done, |failure| failure.code.exit())
    }
}

/// What is said of a run that a signal ended while it did something.
pub const CANCELLED: &str =
    "the run was cancelled by a signal; a request under way may have been carried out";

/// The place of an exit code among all, worst first.
fn rank(exit: ExitCode) -> usize {
    const WORST_FIRST: [u8; 9] = [1, 7, 9, 2, 5, 4, 6, 3, 0];
    WORST_FIRST.iter().position(|number| *number == exit.number()).unwrap_or_default()
}

/// `3 entries: 2 complete, 1 failed`.
fn count_summary(entries: &[EntryOutcome]) -> String {
    let to_do = entries.iter().filter(|entry| entry.outcome.has_changes).count();
    let count = |status| entries.iter().filter(|entry| entry.outcome.status == status).count();
    let counts = [
        (count(OutcomeStatus::Complete), "complete"),
        (count(OutcomeStatus::Planned) - to_do, "with nothing to do"),
        (to_do, "with changes to make"),
        (count(OutcomeStatus::ActionRequired), "waiting for a person"),
        (count(OutcomeStatus::Skipped), "skipped"),
        (count(OutcomeStatus::Error), "failed"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts.map(|(count, words)| format!("{count} {words}")).collect();
    let noun = if entries.len() == 1 { "entry" } else { "entries" };
    format!("{} {noun}: {}", entries.len(), counts.join(", "))
}

impl From<ErrorCode> for Outcome {
    /// The ends that come from outside of the work: a signal, the deadline, a panic.
    fn from(code: ErrorCode) -> Self {
        let message = match code {
            ErrorCode::Cancelled => "the run was cancelled by a signal",
            ErrorCode::Deadline => "the deadline passed before the run was complete",
            _ => "finishline stopped because of an internal error",
        };
        Self::failed(Error::new(code, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit_of(code: ErrorCode, tolerated: &[ToleratedExit]) -> u8 {
        let mut outcome = Outcome::failed(Error::new(code, "x"));
        outcome.tolerate(tolerated);
        outcome.exit().number()
    }

    #[test]
    fn only_the_ends_three_to_six_can_be_tolerated() {
        for (code, own) in
            [(ErrorCode::Usage, 2), (ErrorCode::Cancelled, 9), (ErrorCode::OutputsUnwritable, 7)]
        {
            assert_eq!(exit_of(code, &[ToleratedExit::All]), own);
        }
        for code in [ErrorCode::Refused, ErrorCode::MissingScope, ErrorCode::Database] {
            assert_eq!(exit_of(code, &[ToleratedExit::All]), 0);
        }
        assert_eq!(exit_of(ErrorCode::Refused, &[ToleratedExit::Refused]), 0);
        let others = [ToleratedExit::Auth, ToleratedExit::Unavailable];
        assert_eq!(exit_of(ErrorCode::Refused, &others), 4);
    }
}
