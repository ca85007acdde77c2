//! Everything that will happen, decided before it does. The dry run prints this same plan.

use crate::failure::{Code, Failure, Warning};
use crate::inputs::{BackendName, Inputs, Mode};
use crate::model::{Listed, OrgSlug, PipelineType};
use crate::provider::{self, Answers, Field, Match, Provider, Step, Strictness};
use crate::state::Fields;

/// The integration that is asked for, with every field checked.
pub struct Task {
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
    mode: Mode,
    integration_id: Option<i64>,
}

impl Task {
    /// Takes the task from the inputs.
    ///
    /// # Errors
    ///
    /// `nothing-asked`, `unknown-provider`, or every missing and unfitting input.
    pub fn new(inputs: &Inputs, backend: BackendName) -> Result<Self, Failure> {
        let Some(key) = &inputs.provider else {
            let message =
                "neither a provider nor a release is asked for, so there is nothing to do";
            return Err(Failure::new(Code::NothingAsked, message));
        };
        let known = match backend {
            BackendName::Embedded => Strictness::KnownSteps,
            BackendName::Sentry => Strictness::AnySteps,
        };
        let provider = match provider::find(key) {
            Ok(provider) => provider,
            Err(_) if known == Strictness::AnySteps => provider::unknown(),
            Err(failure) => return Err(failure),
        };
        let app = match (backend, provider.needs_sentry()) {
            (BackendName::Embedded, Some(why)) => return Err(needs_sentry(provider, why)),
            (BackendName::Embedded, None) => {
                provider::check_app(provider, &inputs.apps, inputs.github_api_url.as_deref())
            }
            (BackendName::Sentry, _) => Ok(Fields::default()),
        };
        // Fields that no step has: the key is mistyped, rather than one that only the Sentry knows.
        let answers = provider::check(provider, &inputs.state, known)
            .map_err(|wrong| provider::find(key).err().map_or(wrong, |unknown| vec![unknown]));
        let (org, answers, app) = match (&inputs.org, answers, app) {
            (Some(org), Ok(answers), Ok(app)) => (org.clone(), answers, app),
            (org, answers, app) => {
                let no_org = org.is_none().then(Self::no_org).into_iter();
                let mistakes = no_org.chain(answers.err().into_iter().flatten());
                let mistakes = mistakes.chain(app.err().into_iter().flatten()).collect();
                return Err(Failure::all(mistakes).expect("one of the three is a mistake"));
            }
        };
        let (mode, integration_id) = (inputs.mode, inputs.integration_id);
        let (key, next) = (key.clone(), inputs.next.clone());
        Ok(Self { key, provider, org, answers, app, next, mode, integration_id })
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

    /// The organization is missing.
    pub fn no_org() -> Failure {
        Failure::new(Code::Usage, "`org` is missing: the organization's slug")
            .hint("set `org` (FINISHLINE_ORG, --org)")
    }

    /// The task of a pipeline that was begun earlier and goes on.
    pub fn resumed(
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
        Self { key, provider, org, answers, app, next, mode, integration_id: None }
    }

    /// The secret texts among the answers.
    pub fn secrets(&self) -> Vec<String> {
        let of_step = |step: &Step| Some(self.provider.secrets(step, self.answers.step(step.id)?));
        let described = self.provider.described().filter_map(of_step).flatten();
        let secret = |field: &&Field| field.secret;
        let of_app = self.provider.app().iter().filter(secret);
        let of_app =
            of_app.filter_map(|field| Some(self.app.get(field.name)?.as_str()?.to_owned()));
        described.chain(self.answers.undescribed()).chain(of_app).collect()
    }

    /// The texts among the answers that may be shown.
    pub fn plain_texts(&self) -> Vec<String> {
        let fields = self.provider.described().flat_map(|step| step.fields);
        let plain = fields.filter(|field| !field.secret);
        plain.map(|field| self.answers.text(field.name).to_owned()).collect()
    }

    /// Decides what to do about what the organization has already.
    ///
    /// # Errors
    ///
    /// `ambiguous` when the inputs do not tell which integration is meant, `bad-field` when the
    /// named one is not there.
    pub fn decide(&self, listed: &[Listed]) -> Result<Decision, Failure> {
        match self.mode {
            Mode::Install => Ok(Decision::Run(Why::Asked)),
            Mode::Reauth => self.named(listed).map(|one| Decision::Reauth(one.id)),
            Mode::Ensure => self.ensure(listed),
        }
    }

    fn ensure(&self, listed: &[Listed]) -> Result<Decision, Failure> {
        let named = self.integration_id.map(|_| self.named(listed)).transpose()?;
        let meant = |one: &Listed| match self.provider.matches(&self.answers, one) {
            Match::CannotTell if named.is_some() => Match::Same,
            verdict => verdict,
        };
        if let Some(one) = named.filter(|one| meant(one) == Match::Other) {
            let message = format!(
                "`state` describes another account than integration {} ({})",
                one.id, one.name
            );
            return Err(Failure::new(Code::IntegrationMismatch, message));
        }
        let considered: Vec<_> = match named {
            Some(one) => vec![(one, meant(one))],
            None => listed.iter().map(|one| (one, meant(one))).collect(),
        };
        let with = |wanted| considered.iter().find(|(_, verdict)| *verdict == wanted);
        match (with(Match::Same), with(Match::Differs), with(Match::CannotTell)) {
            (Some((one, _)), _, _) if one.active => {
                Ok(Decision::Nothing { id: one.id, name: one.name.clone() })
            }
            (Some((one, _)), _, _) => Ok(Decision::Run(Why::Inactive(one.id))),
            (None, Some((one, _)), _) => Ok(Decision::Run(Why::Differs(one.id))),
            (None, None, Some(_)) => Err(self.ambiguous(listed)),
            (None, None, None) => Ok(Decision::Run(Why::Absent)),
        }
    }

    /// What the inputs say and this integration will keep as it is.
    pub fn kept(&self, listed: &[Listed]) -> Option<Warning> {
        let said = listed.iter().find_map(|one| self.provider.kept(&self.answers, one))?;
        Some(Warning::new("kept-as-it-is", said))
    }

    fn named<'a>(&self, listed: &'a [Listed]) -> Result<&'a Listed, Failure> {
        let id = self.integration_id.unwrap_or_default();
        listed.iter().find(|one| one.id == id).ok_or_else(|| {
            let key = &self.key;
            let there = if listed.is_empty() { "none".to_owned() } else { ids(listed) };
            let message = format!("{} has no {key} integration {id}; there: {there}", self.org);
            Failure::new(Code::BadField, message).hint("check `integration-id` and `org`")
        })
    }

    fn ambiguous(&self, listed: &[Listed]) -> Failure {
        let key = &self.key;
        let message =
            format!("`state` does not tell which {key} integration is meant: {}", ids(listed));
        Failure::new(Code::Ambiguous, message)
    }

    /// Each step with the fields that will answer it, as a person may see them: without values.
    pub fn answers_in_words(&self) -> Vec<String> {
        let answer = |step: &Step| {
            let given = self.answers.step(step.id);
            if step.needs_browser() && !step.is_answered(given) {
                return format!("wait at step `{}` for a person with a browser", step.id);
            }
            let is_given = |field: &&Field| given.is_some_and(|all| all.get(field.name).is_some());
            let word = |field: &Field| {
                format!("{}{}", field.name, if field.secret { " (secret)" } else { "" })
            };
            let words: Vec<_> = step.fields.iter().filter(is_given).map(word).collect();
            format!("answer step `{}` with {}", step.id, words.join(", "))
        };
        self.provider.steps().iter().map(answer).collect()
    }
}

fn needs_sentry(provider: &dyn Provider, why: &str) -> Failure {
    let message = format!("only a Sentry can finish {}: {why}", provider.name());
    Failure::new(Code::NeedsSentry, message)
}

fn ids(listed: &[Listed]) -> String {
    let words: Vec<_> = listed.iter().map(|one| format!("{} ({})", one.id, one.name)).collect();
    words.join(", ")
}

/// What will be done about the integration.
#[derive(Clone)]
pub enum Decision {
    /// This one is there, matches and is active.
    Nothing {
        /// Its id.
        id: i64,
        /// Its name.
        name: String,
    },
    /// The pipeline runs, to install.
    Run(Why),
    /// The pipeline runs, to renew the integration with this id.
    Reauth(i64),
}

/// Why the pipeline runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// `mode: install` runs in any case.
    Asked,
    /// The organization has no such integration.
    Absent,
    /// The one with this id is there, but what is stored differs.
    Differs(i64),
    /// The one with this id is there, but not active.
    Inactive(i64),
}

impl Decision {
    /// What the pipeline is for.
    pub fn pipeline_type(&self) -> PipelineType {
        match self {
            Self::Reauth(_) => PipelineType::Reauth,
            Self::Nothing { .. } | Self::Run(_) => PipelineType::Install,
        }
    }

    /// Whether the finish landed where it was to.
    ///
    /// # Errors
    ///
    /// `integration-mismatch`, naming both.
    pub fn same(&self, finished: i64) -> Result<(), Failure> {
        match self.integration_id() {
            Some(named) if named != finished => {
                let message = format!(
                    "integration {named} was to be renewed, but the account belongs to integration {finished}"
                );
                Err(Failure::new(Code::IntegrationMismatch, message))
            }
            _ => Ok(()),
        }
    }

    /// The word for what a finish that changes something does.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Reauth(_) => "re-authorized",
            Self::Run(Why::Differs(_)) => "updated",
            Self::Nothing { .. } | Self::Run(_) => "installed",
        }
    }

    /// The integration to renew.
    pub fn integration_id(&self) -> Option<i64> {
        match self {
            Self::Reauth(id) => Some(*id),
            Self::Nothing { .. } | Self::Run(_) => None,
        }
    }

    /// The integration that is meant, when it is there.
    pub fn there(&self) -> Option<i64> {
        match self {
            Self::Nothing { id, .. }
            | Self::Reauth(id)
            | Self::Run(Why::Differs(id) | Why::Inactive(id)) => Some(*id),
            Self::Run(Why::Asked | Why::Absent) => None,
        }
    }

    /// The reason, for a person.
    pub fn why(&self) -> &'static str {
        match self {
            Self::Nothing { .. } => "the integration is there, matches and is active",
            Self::Run(Why::Asked) => "`mode: install` runs in any case",
            Self::Run(Why::Absent) => "the integration is not there yet",
            Self::Run(Why::Differs(_)) => "what is stored differs from the inputs",
            Self::Run(Why::Inactive(_)) => "the integration is there but not active",
            Self::Reauth(_) => "`mode: reauth` asks for it",
        }
    }

    /// What is done about it, for the log.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Nothing { .. } => "nothing to do",
            Self::Run(_) => "finishing the integration",
            Self::Reauth(_) => "renewing the integration",
        }
    }
}
