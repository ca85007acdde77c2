//! Everything that will happen, decided before it does. The dry run prints this same plan.

use super::decision::{Decision, DecisionReason, PlanObstacle};
use super::links::RequestedLinks;
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::inputs::Inputs;
use crate::inputs::missing;
use crate::inputs::types::{BackendName, Mode};
use crate::model::{Fields, IntegrationStatus, ListedIntegration, OrgSlug, PipelineType};
use crate::provider::auth::app;
use crate::provider::{
    self, AllowedSteps, Answers, ComparedField, Field, FieldComparison, IntegrationMatch,
    ListingFilter, Provider, Step,
};

/// The integration that is asked for, with every field checked.
pub struct IntegrationTask {
    /// The provider's key, as it was given.
    pub key: String,
    /// The third party.
    pub provider: &'static dyn Provider,
    /// The organization to connect.
    pub org: OrgSlug,
    /// What answers the provider's steps.
    pub answers: Answers,
    /// The app of one's own that our engine works with.
    pub app: Fields,
    /// What the redirect URL carries.
    pub next: Option<String>,
    pub(super) mode: Mode,
    pub(super) integration_id: Option<i64>,
    /// Whether `state` has any field.
    pub(super) has_state: bool,
}

impl IntegrationTask {
    /// Takes the task from the inputs.
    pub fn new(inputs: &Inputs, backend: BackendName) -> Result<Self> {
        let key = &asked_key(inputs)?;
        let known = match backend {
            BackendName::Embedded => AllowedSteps::KnownSteps,
            BackendName::Sentry => AllowedSteps::AnySteps,
        };
        let provider = match provider::find(key) {
            Ok(provider) => provider,
            Err(_) if key.is_empty() => provider::undescribed(),
            Err(_) if known == AllowedSteps::AnySteps => provider::undescribed(),
            Err(failure) => return Err(failure),
        };
        let is_partial = matches!(inputs.mode, Mode::Remove | Mode::Link);
        let unrenewable = unrenewable(provider, inputs);
        if let Some(failure) = unrenewable.clone().filter(|_| provider.has_random_id()) {
            return Err(failure);
        }
        let app = match (backend, provider.sentry_only_reason()) {
            _ if is_partial => Ok(Fields::default()),
            (BackendName::Embedded, Some(why)) => return Err(needs_sentry(provider, why)),
            (BackendName::Embedded, None) => {
                app::parse_app(provider, &inputs.apps, inputs.github_api_url.as_deref())
            }
            (BackendName::Sentry, _) => Ok(Fields::default()),
        };
        // Fields that no step has: the key is mistyped, rather than one that only the Sentry knows.
        let parse = if is_partial { provider::parse_partial } else { provider::parse };
        let answers = parse(provider, &inputs.state, known)
            .map_err(|wrong| provider::find(key).err().map_or(wrong, |unknown| vec![unknown]));
        let (org, answers, app) = match (&inputs.org, answers, app, unrenewable) {
            (Some(org), Ok(answers), Ok(app), None) => (org.clone(), answers, app),
            (org, answers, app, unrenewable) => {
                let no_org = org.is_none().then(missing::org).into_iter();
                let mistakes = unrenewable.into_iter().chain(no_org);
                let mistakes = mistakes.chain(answers.err().into_iter().flatten());
                let mistakes = mistakes.chain(app.err().into_iter().flatten()).collect();
                return Err(Error::combine(mistakes).expect("one of the four is a mistake"));
            }
        };
        let (key, next, mode) = (key.clone(), inputs.next.clone(), inputs.mode);
        let (integration_id, has_state) = (inputs.integration_id, !inputs.state.entries.is_empty());
        Ok(Self { key, provider, org, answers, app, next, mode, integration_id, has_state })
    }

    /// The provider's key in storage and in the settings URL.
    pub fn provider_key(&self) -> &str {
        match self.provider.integration_key() {
            "" => &self.key,
            key => key,
        }
    }

    /// The provider's name for a person.
    pub fn name(&self) -> &str {
        match self.provider.name() {
            "" => &self.key,
            name => name,
        }
    }

    /// The integration that was named.
    pub fn named_id(&self) -> Option<i64> {
        self.integration_id
    }

    /// The task of a pipeline that was begun earlier and goes on.
    pub fn for_resume(
        key: &str,
        provider: &'static dyn Provider,
        org: OrgSlug,
        next: Option<String>,
        pipeline_type: PipelineType,
    ) -> Self {
        let mode = match pipeline_type {
            PipelineType::Install => Mode::Install,
            PipelineType::Reauth => Mode::Reauth,
        };
        let (key, answers, app) = (key.to_owned(), Answers::default(), Fields::default());
        let (integration_id, has_state) = (None, false);
        Self { key, provider, org, answers, app, next, mode, integration_id, has_state }
    }

    /// The secret texts among the answers.
    pub fn secrets(&self) -> Vec<String> {
        let of_step = |step: &Step| Some(self.provider.secrets(step, self.answers.step(step.id)?));
        let described = self.provider.all_steps().filter_map(of_step).flatten();
        let secret = |field: &&Field| field.secret;
        let of_app = self.provider.app().iter().filter(secret);
        let of_app =
            of_app.filter_map(|field| Some(self.app.get(field.name)?.as_str()?.to_owned()));
        described.chain(self.answers.undescribed()).chain(of_app).collect()
    }

    /// The texts among the answers that may be shown.
    pub fn public_values(&self) -> Vec<String> {
        let fields = self.provider.all_steps().flat_map(|step| step.fields);
        let plain = fields.filter(|field| !field.secret);
        plain.map(|field| self.answers.text(field.name).to_owned()).collect()
    }

    /// Which of the organization's integrations there are to decide by: one that is named is looked
    /// for among all of them.
    pub fn candidates(&self) -> ListingFilter {
        match (self.mode, self.integration_id) {
            (Mode::Install | Mode::Ensure, None) => self.provider.candidates(&self.answers),
            _ => ListingFilter::All,
        }
    }

    /// Decides what to do about what the organization has already.
    ///
    /// # Errors
    ///
    /// `ambiguous` when the inputs do not tell which integration is meant, `bad-field` when the
    /// named one is not there.
    pub fn decide(&self, listed: &[ListedIntegration]) -> Result<Decision> {
        match self.mode {
            Mode::Install => Ok(Decision::Install(DecisionReason::Requested)),
            Mode::Reauth => {
                let named = self.find_named(listed)?;
                match self.provider.matches(&self.answers, named) {
                    IntegrationMatch::Other => Err(other_account(named)),
                    _ => Ok(Decision::Reauth(named.id)),
                }
            }
            Mode::Ensure | Mode::Remove | Mode::Link => self.ensure(listed),
        }
    }

    /// Whether only repositories and code mappings are set.
    pub fn is_link(&self) -> bool {
        self.mode == Mode::Link
    }

    /// What it is about, for a title.
    pub fn label(&self) -> &str {
        if self.key.is_empty() { "links" } else { &self.key }
    }

    /// Whether the integration is to end.
    pub fn is_removal(&self) -> bool {
        self.mode == Mode::Remove
    }

    fn ensure(&self, listed: &[ListedIntegration]) -> Result<Decision> {
        let named = self.integration_id.map(|_| self.find_named(listed)).transpose()?;
        let verdict_on = |one: &ListedIntegration| match self.provider.matches(&self.answers, one) {
            IntegrationMatch::CannotTell if named.is_some() => IntegrationMatch::Same,
            verdict => verdict,
        };
        if let Some(one) = named.filter(|one| verdict_on(one) == IntegrationMatch::Other) {
            return Err(other_account(one));
        }
        named.map_or(Ok(()), |one| self.check_named(one))?;
        let candidates: Vec<_> = match named {
            Some(one) => vec![(one, verdict_on(one))],
            None => listed.iter().map(|one| (one, verdict_on(one))).collect(),
        };
        // One that is on its way out stands for none that is in use.
        let with = |wanted| {
            let mut fitting = candidates.iter().filter(|(_, verdict)| *verdict == wanted);
            fitting.clone().find(|(one, _)| one.active).or(fitting.next())
        };
        match (
            with(IntegrationMatch::Same),
            with(IntegrationMatch::Differs),
            with(IntegrationMatch::CannotTell),
        ) {
            (Some((one, _)), _, _) if one.active => {
                Ok(Decision::UpToDate { id: one.id, name: one.name.clone() })
            }
            (Some((one, _)), _, _) => Ok(Decision::Install(DecisionReason::Inactive(one.id))),
            (None, Some((one, _)), _) => Ok(Decision::Install(DecisionReason::Differs(one.id))),
            (None, None, Some(_)) => {
                self.decide_by_number(listed)?.ok_or_else(|| self.ambiguous(listed))
            }
            (None, None, None) => Ok(Decision::Install(DecisionReason::Missing)),
        }
    }

    /// What the inputs say and this integration will keep as it is.
    pub fn immutable_fields_warning(&self, listed: &[ListedIntegration]) -> Option<Warning> {
        Some(Warning::new("kept-as-it-is", self.ignored_change(listed)?))
    }

    /// What another finish does to what the organization has configured.
    pub fn repeated_finish_warning(
        &self,
        decision: &Decision,
        listed: &[ListedIntegration],
    ) -> Option<Warning> {
        if matches!(decision, Decision::UpToDate { .. }) {
            return None;
        }
        let mut existing = self.existing(listed);
        let message = existing.find_map(|one| self.provider.repeated_finish(&self.answers, one))?;
        Some(Warning::new("repeated-install", message))
    }

    /// Each field of the answers beside what this integration has, or there is none yet.
    pub fn compare_fields(&self, listed: Option<&ListedIntegration>) -> Vec<ComparedField> {
        provider::compare_fields(self.provider, &self.answers, listed)
    }

    /// Whether nothing shows a secret that this integration has of those in the answers.
    pub fn has_unseen_secret(&self, listed: &ListedIntegration) -> bool {
        let is_unseen =
            |one: &ComparedField| one.is_secret && one.comparison == FieldComparison::NotCompared;
        self.compare_fields(Some(listed)).iter().any(is_unseen)
    }

    /// What a run that does this could not carry out.
    pub fn obstacle(
        &self,
        decision: &Decision,
        listed: &[ListedIntegration],
    ) -> Option<PlanObstacle> {
        let in_deletion = |one: &ListedIntegration| {
            // Our own engine revives what is only marked.
            let is_revived = one.stored.is_some();
            let status = one.deletion.as_ref().filter(|status| {
                !is_revived || *status != IntegrationStatus::PendingDeletion.as_str()
            })?;
            let (id, name) = (one.id, &one.name);
            Some(PlanObstacle::Deletion(format!(
                "integration {id} ({name}) has the status {status}: an install may be refused until its deletion is complete"
            )))
        };
        // What has a random id is made anew beside the old one.
        let is_idle =
            matches!(decision, Decision::UpToDate { .. }) || self.provider.has_random_id();
        let mut existing = self.existing(listed).filter(|_| !is_idle);
        let kept = || self.ignored_change(listed).map(PlanObstacle::KeptField);
        existing.find_map(in_deletion).or_else(kept)
    }

    fn ignored_change(&self, listed: &[ListedIntegration]) -> Option<String> {
        self.existing(listed).find_map(|one| self.provider.ignored_change(&self.answers, one))
    }

    /// The integrations of the account that the answers describe, and the named one.
    pub fn existing<'a>(
        &'a self,
        listed: &'a [ListedIntegration],
    ) -> impl Iterator<Item = &'a ListedIntegration> {
        let is_same = |one: &&ListedIntegration| {
            let matched = self.provider.matches(&self.answers, one);
            self.integration_id == Some(one.id)
                || matches!(matched, IntegrationMatch::Same | IntegrationMatch::Differs)
        };
        listed.iter().filter(is_same)
    }

    fn find_named<'a>(&self, listed: &'a [ListedIntegration]) -> Result<&'a ListedIntegration> {
        let id = self.integration_id.unwrap_or_default();
        listed.iter().find(|one| one.id == id).ok_or_else(|| {
            let key = &self.key;
            let existing = if listed.is_empty() { "none".to_owned() } else { list_ids(listed) };
            let message =
                format!("{} has no {key} integration {id}; existing: {existing}", self.org);
            Error::new(ErrorCode::BadField, message).with_hint("check `integration-id` and `org`")
        })
    }

    fn ambiguous(&self, listed: &[ListedIntegration]) -> Error {
        let key = &self.key;
        let message =
            format!("`state` does not identify one {key} integration: {}", list_ids(listed));
        Error::new(ErrorCode::Ambiguous, message)
    }

    /// Each step with the fields that will answer it, as a person may see them: without values.
    pub fn describe_answers(&self) -> Vec<String> {
        let answer = |step: &Step| {
            let answer = self.answers.step(step.id);
            if step.needs_browser() && !step.is_answered(answer) {
                return format!("wait at step `{}` for a person to act in a browser", step.id);
            }
            let is_given = |field: &&Field| answer.is_some_and(|all| all.get(field.name).is_some());
            let word = |field: &Field| {
                format!("{}{}", field.name, if field.secret { " (secret)" } else { "" })
            };
            let words: Vec<_> = step.fields.iter().filter(is_given).map(word).collect();
            format!("submit step `{}` with {}", step.id, words.join(", "))
        };
        self.provider.steps().iter().map(answer).collect()
    }
}

/// The provider's key. Links need none where the integration is named.
fn asked_key(inputs: &Inputs) -> Result<String> {
    let is_link = inputs.mode == Mode::Link;
    if is_link && RequestedLinks::from_inputs(inputs).is_empty() {
        let message = "nothing to do: `mode: link` has no repository and no code mapping to set";
        let hint = "set `code-mappings` or `repositories`";
        return Err(Error::new(ErrorCode::NothingAsked, message).with_hint(hint));
    }
    match (&inputs.provider, inputs.integration_id) {
        (Some(key), _) => Ok(key.clone()),
        (None, Some(_)) if is_link => Ok(String::new()),
        (None, None) if is_link => {
            let message = "`mode: link` does not say which integration is meant";
            Err(Error::new(ErrorCode::Usage, message)
                .with_hint("set `integration-id` or `provider`"))
        }
        _ => {
            let message = "nothing to do: neither a provider nor a release is set";
            Err(Error::new(ErrorCode::NothingAsked, message))
        }
    }
}

fn needs_sentry(provider: &dyn Provider, why: &str) -> Error {
    let message = format!("only a Sentry server can install {}: {why}", provider.name());
    Error::new(ErrorCode::NeedsSentry, message)
}

/// The finish would make or change another integration than the named one.
pub(super) fn other_account(named: &ListedIntegration) -> Error {
    let message = format!(
        "`state` describes a different account than integration {} ({})",
        named.id, named.name
    );
    Error::new(ErrorCode::IntegrationMismatch, message)
}

/// Why there is nothing that `mode: reauth` could renew.
fn unrenewable(provider: &dyn Provider, inputs: &Inputs) -> Option<Error> {
    if inputs.mode != Mode::Reauth {
        return None;
    }
    if provider.has_random_id() {
        return Some(never_renewed(provider));
    }
    inputs.integration_id.is_none().then(|| {
        let message = "`mode: reauth` needs the `integration-id` to re-authorize";
        Error::new(ErrorCode::Usage, message).with_hint("set `integration-id`")
    })
}

/// A reauth that could only make a new integration.
fn never_renewed(provider: &dyn Provider) -> Error {
    let message = format!(
        "{} integrations cannot be re-authorized: each finish makes a new one, with a random id",
        provider.name()
    );
    let hint = "set `mode: install` to make a new integration, and delete the old one afterwards";
    Error::new(ErrorCode::IntegrationMismatch, message).with_hint(hint)
}

pub(super) fn list_ids(listed: &[ListedIntegration]) -> String {
    let words: Vec<_> = listed.iter().map(|one| format!("{} ({})", one.id, one.name)).collect();
    words.join(", ")
}
