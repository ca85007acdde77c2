//! What each third party needs: its steps and fields, how to recognise an integration that is
//! there, and how to build the one to store. Descriptions only: no provider does I/O.
//!
//! To add a provider: one file here, its `mod` line and its line in [`PROVIDERS`], and one folder
//! under `tests/fixtures/`.

mod address;
mod answers;
pub mod ask;
pub mod describe;
mod example;
mod gitea;
mod gitlab;
mod instance;
pub mod oauth2;
mod opsgenie;
mod pagerduty;
mod unknown;

use crate::failure::{Code, Failure, quote};
use crate::model::{IntegrationData, Listed, Object, Refusal};
use crate::state::{Fields, State};
use ask::{Ask, Reply};
use serde_json::Value;

pub use answers::{Answers, Strictness, check, given_secrets, invalid};

/// Every provider, in the order that help lists them.
pub const PROVIDERS: &[&dyn Provider] = &[
    &gitlab::Gitlab,
    &gitea::Gitea,
    &opsgenie::Opsgenie,
    &pagerduty::PagerDuty,
    &example::Example,
];

/// A third party that an organization can connect.
pub trait Provider: Sync {
    /// The key in inputs, in storage and in fixture paths, e.g. `opsgenie`.
    fn key(&self) -> &'static str;

    /// The name people know it by.
    fn name(&self) -> &'static str;

    /// How it is finished, in one sentence for a person.
    fn about(&self) -> &'static str;

    /// What it is good for, by Sentry's names.
    fn features(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether commits come from repositories of the third party.
    fn has_repositories(&self) -> bool {
        self.features().contains(&"commits")
    }

    /// The key in storage and in the settings URL, where that differs from [`Self::key`].
    fn integration_key(&self) -> &'static str {
        self.key()
    }

    /// The steps to complete, in order, before [`Self::build`].
    fn steps(&self) -> &'static [Step];

    /// What a step shows before it is answered. What is fresh may be bound to the state, and a
    /// second look must show the same.
    fn view(&self, _step: &Step, _state: &mut State, _fresh: &Fresh) -> Object {
        Object::new()
    }

    /// Puts a step's answer, whose fields are checked, into the state.
    ///
    /// # Errors
    ///
    /// The answer does not belong to this pipeline.
    fn take(&self, step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal>;

    /// What must be fetched from the third party before [`Self::build`], one thing at a time;
    /// `None` when the state lacks nothing.
    ///
    /// # Errors
    ///
    /// The state is such that it cannot be asked for.
    fn ask(&self, _step: &Step, _state: &State) -> Result<Option<Ask>, Refusal> {
        Ok(None)
    }

    /// Binds what came back. Must bind something under a name that [`Self::ask`] looks at.
    ///
    /// # Errors
    ///
    /// The third party's refusal.
    fn hear(&self, _name: &str, _reply: &Reply, _state: &mut State) -> Result<(), Refusal> {
        Ok(())
    }

    /// Whether a listed integration is the one that these answers describe.
    fn matches(&self, answers: &Answers, listed: &Listed) -> Match;

    /// What these answers say otherwise than a listed integration of theirs, and a finish will not
    /// change; for a person.
    fn kept(&self, _answers: &Answers, _listed: &Listed) -> Option<String> {
        None
    }

    /// Turns a complete state into the integration to store.
    ///
    /// # Errors
    ///
    /// The provider's refusal, when the state describes no integration.
    fn build(&self, state: &State) -> Result<IntegrationData, Refusal>;

    /// The organization's own configuration after the finish; `None` leaves it as it is.
    fn configure(&self, _state: &State, _link: Link<'_>) -> Option<Object> {
        None
    }

    /// Whether the organization's link keeps the installer's identity.
    fn needs_default_identity(&self) -> bool {
        false
    }

    /// The secret texts in a step's answer, to be masked one by one.
    fn secrets(&self, step: &Step, fields: &Fields) -> Vec<String> {
        let secret = |field: &&Field| field.secret;
        let text = |field: &Field| fields.get(field.name)?.as_str().map(str::to_owned);
        step.fields.iter().filter(secret).filter_map(text).collect()
    }
}

/// An organization's link to an integration, while it is being configured.
#[derive(Clone, Copy)]
pub struct Link<'a> {
    /// The link's own id.
    pub id: i64,
    /// The integration's id.
    pub integration_id: i64,
    /// The configuration so far.
    pub config: &'a Object,
}

/// Values that nobody could know before, for a step that needs them.
pub struct Fresh {
    /// The random value that a callback must bring back.
    pub nonce: String,
    /// Another one, of 43 characters, that is shown to nobody.
    pub verifier: String,
    /// Where the third party sends the person's browser.
    pub redirect_uri: String,
}

/// One thing to settle in a provider's pipeline.
pub struct Step {
    /// Its id in errors, in Sentry's API and in the pipeline's signature.
    pub id: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
    /// Where [`Provider::view`] shows the page that a person must visit.
    pub link: Option<&'static str>,
}

impl Step {
    /// A step that inputs alone can answer.
    const fn form(id: &'static str, fields: &'static [Field]) -> Self {
        Self { id, fields, link: None }
    }

    /// Whether only a person with a browser brings what answers it.
    pub fn needs_browser(&self) -> bool {
        self.fields.iter().any(|field| field.required && field.callback.is_some())
    }
}

/// One field of a step.
pub struct Field {
    /// Its camelCase name, as Sentry's API takes it.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether the step can do without.
    pub required: bool,
    /// Whether its value must never be shown.
    pub secret: bool,
    /// The parameter of the callback that brings it; `None` for a field of `state`.
    pub callback: Option<&'static str>,
    /// What it is, for a person.
    pub help: &'static str,
    /// A value that shows the shape.
    pub example: &'static str,
}

impl Field {
    const fn required(
        name: &'static str,
        kind: Kind,
        help: &'static str,
        example: &'static str,
    ) -> Self {
        Self { name, kind, required: true, secret: false, callback: None, help, example }
    }

    const fn optional(
        name: &'static str,
        kind: Kind,
        help: &'static str,
        example: &'static str,
    ) -> Self {
        Self { required: false, ..Self::required(name, kind, help, example) }
    }

    /// A field that the callback's parameter of the same name brings; always a secret.
    const fn of_callback(name: &'static str, help: &'static str) -> Self {
        let field = Self::required(name, Kind::Text(4096), help, "");
        Self { callback: Some(name), secret: true, ..field }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
}

/// What a field holds.
pub enum Kind {
    /// Text of at most this many characters.
    Text(usize),
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A JSON object, as text or as a mapping.
    Json,
    /// An `http` or `https` address.
    Url,
    /// `true` or `false`, with what holds when it is not given.
    Flag(bool),
}

impl Kind {
    /// What the field takes, to stand after "takes".
    pub fn takes(&self) -> String {
        match self {
            Self::Text(longest) => format!("a text of at most {longest} characters"),
            Self::Choice(choices) => {
                let quoted: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
                format!("one of {}", quoted.join(", "))
            }
            Self::Json => "a JSON object, as text or as a mapping".to_owned(),
            Self::Url => "an http(s) address without credentials".to_owned(),
            Self::Flag(default) => format!("`true` or `false` ({default} when not given)"),
        }
    }

    /// Whether a value fits; the value is not in the error, for it may be secret.
    ///
    /// # Errors
    ///
    /// What the field takes.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        let text = value.as_str().unwrap_or_default();
        let fits = match self {
            Self::Text(longest) => value.is_string() && text.chars().count() <= *longest,
            Self::Choice(choices) => choices.contains(&text),
            Self::Json => serde_json::from_str::<Object>(text).is_ok(),
            Self::Url => is_address(text),
            Self::Flag(_) => value.is_boolean(),
        };
        if fits { Ok(()) } else { Err(self.takes()) }
    }
}

fn is_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

/// Whether a listed integration is the one that the inputs describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// It is, and nothing that can be compared differs.
    Same,
    /// It is, but what is stored differs: a rotated key, say.
    Differs,
    /// It is another one.
    Other,
    /// The inputs do not tell.
    CannotTell,
}

impl Match {
    /// The same integration, with or without differences.
    pub fn same_if(same: bool) -> Self {
        if same { Self::Same } else { Self::Differs }
    }
}

/// Finds a provider by its key.
///
/// # Errors
///
/// `unknown-provider`, with the key that it came near to.
pub fn find(key: &str) -> Result<&'static dyn Provider, Failure> {
    let keys = || PROVIDERS.iter().map(|provider| provider.key());
    PROVIDERS.iter().copied().find(|provider| provider.key() == key).ok_or_else(|| {
        let failure = Failure::new(
            Code::UnknownProvider,
            format!("there is no provider called {}", quote(key)),
        );
        match near(key, keys()) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure,
        }
    })
}

/// Stands in for a provider that we do not describe, and a Sentry may know.
pub fn unknown() -> &'static dyn Provider {
    &unknown::Unknown
}

/// The name that a mistyped one came near to.
pub(crate) fn near<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (strsim::jaro_winkler(&typed.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
