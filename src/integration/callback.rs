//! The address that a person's browser ends at, and what it brings. Everything in it is a secret.

use crate::error::{Error, ErrorCode, Result};
use crate::model::Fields;
use crate::provider::{self, Answers, Field, PROVIDERS, Provider, Step, vendor_words};
use crate::secret::Secret;
use crate::text::quote;
use serde_json::{Value, json};
use url::form_urlencoded;

/// No third party's callback is longer.
const LONGEST: usize = 16 * 1024;

/// The parameter that brings back what was handed out.
const STATE: &str = "state";

/// The parameters that are no secrets: those in which a third party says why it refuses, those of
/// the page to approve on, which may be pasted by mistake (RFC 6749, 4.1.1 and 4.1.2.1), the state,
/// which was in that page's address and is in the next one's, and words of GitHub's and Discord's
/// that nobody asks for.
const PUBLIC_PARAMETERS: [&str; 10] = [
    STATE,
    "error",
    "error_description",
    "error_uri",
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "setup_action",
    "permissions",
];

/// The parameters of a callback, by name.
pub struct Callback {
    /// The provider that its path names.
    provider: Option<String>,
    parameters: Vec<(String, Secret)>,
}

/// What a callback knows of the pipeline that it belongs to.
pub enum CallbackKey<'a> {
    /// The value that the pipeline handed out.
    State(&'a str),
    /// The third party that it comes from, and no more: some bring nothing back.
    Provider(&'a str),
    /// There is no callback, for the step that waits needs none; at most the provider is named.
    None(Option<&'a str>),
}

impl Callback {
    /// Reads the address, or its query alone. A mistake never quotes the address.
    pub fn parse(address: &str) -> Result<Self> {
        let invalid = |what: &str| {
            Error::new(ErrorCode::Usage, format!("the callback URL {what}")).with_hint(
                "copy the complete URL from the browser's address bar, starting with `http`",
            )
        };
        let address = address.trim();
        if address.len() > LONGEST {
            return Err(invalid("is longer than 16 KiB"));
        }
        let (path, query) = address.split_once('?').ok_or_else(|| invalid("has no parameters"))?;
        let query = query.split('#').next().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        let mut parameters: Vec<(String, Secret)> = Vec::new();
        for (name, value) in pairs {
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err(invalid("contains a parameter twice"));
            }
            parameters.push((name.into_owned(), Secret::from(value.into_owned())));
        }
        let key = path.strip_suffix("/setup/").and_then(|path| path.rsplit_once("/extensions/"));
        let provider = key.map(|(_, key)| key.to_owned()).filter(|key| Self::is_stateless(key));
        let callback = Self { provider, parameters };
        match callback.key() {
            CallbackKey::State("") => Err(invalid("has no `state`")),
            _ => Ok(callback),
        }
    }

    /// Whether a third party may bring nothing back that was handed out.
    fn is_stateless(key: &str) -> bool {
        provider::find(key).is_ok_and(|provider| {
            let brings =
                |step: &Step| step.fields.iter().any(|field| field.callback() == Some(STATE));
            provider.steps().iter().any(|step| step.needs_browser() && !brings(step))
        })
    }

    /// What it knows of its pipeline: the value that was handed out, be it under OAuth 1's name.
    pub fn key(&self) -> CallbackKey<'_> {
        match ([self.text(STATE), self.text("oauth_token")], &self.provider) {
            (["", ""], Some(key)) => CallbackKey::Provider(key),
            (["", token], _) => CallbackKey::State(token),
            ([state, _], _) => CallbackKey::State(state),
        }
    }

    /// Adds what it brings for the step that waits and for those after it: one visit may answer
    /// several. A step that nobody describes takes every parameter.
    ///
    /// # Errors
    ///
    /// As [`Self::fields`] of the step that waits; `bad-field` where another value is given.
    pub fn fill_steps(
        &self,
        provider: &dyn Provider,
        step_id: &str,
        answers: &mut Answers,
    ) -> Result {
        let mut steps = provider.steps().iter().skip_while(|step| step.id != step_id).peekable();
        match steps.peek() {
            Some(step) => self.check(step, answers.step(step.id))?,
            None => answers.fill_step(step_id, &self.raw_fields()),
        }
        for step in steps {
            let brought = self.partial_fields(step);
            if let Some(given) = answers.step(step.id) {
                check_choice(step, given, &brought)?;
            }
            answers.fill(step, &brought);
        }
        Ok(())
    }

    /// The fields of a step that it brings, be they enough or not.
    pub fn partial_fields(&self, step: &Step) -> Fields {
        let mut fields = Fields::default();
        for field in step.fields {
            match field.callback().map(|parameter| self.text(parameter)) {
                None | Some("") => {}
                Some(text) => fields.set(field.name, text),
            }
        }
        fields
    }

    /// A parameter's text; empty when it is absent.
    pub fn text(&self, name: &str) -> &str {
        let parameter = self.parameters.iter().find(|(known, _)| known == name);
        parameter.map_or("", |(_, value)| value.expose())
    }

    /// Everything that it brings and nobody should see. The third party's own words about a
    /// refusal are quoted in the outputs, which no mask may hit.
    pub fn secrets(&self) -> Vec<String> {
        let is_plain =
            |name: &str| PUBLIC_PARAMETERS.contains(&name) || is_described_as_plain(name);
        let is_secret = |(name, _): &&(String, Secret)| !is_plain(name);
        let secrets = self.parameters.iter().filter(is_secret);
        secrets.map(|(_, value)| value.expose().to_owned()).collect()
    }

    /// Every parameter, for a step that nobody describes.
    pub fn raw_fields(&self) -> Fields {
        let mut fields = Fields::default();
        self.parameters.iter().for_each(|(name, value)| fields.set(name, value.expose()));
        fields
    }

    /// The fields of `step` that the callback brings.
    ///
    /// # Errors
    ///
    /// `refused` when the third party reports an error instead, `usage` when a field is missing.
    pub fn fields(&self, step: &Step) -> Result<Fields> {
        self.check(step, None)?;
        Ok(self.partial_fields(step))
    }

    /// Whether it answers the step, together with what is given.
    fn check(&self, step: &Step, given: Option<&Fields>) -> Result {
        if !self.text("error").is_empty() {
            let (error, description) = (self.text("error"), self.text("error_description"));
            let body = json!({ "error": error, "error_description": description }).to_string();
            let again = || {
                "open `redirect-url` again and approve; the pipeline is still waiting".to_owned()
            };
            let hint = vendor_words::advice(&body, "the third party").unwrap_or_else(again);
            return Err(denied(error, description).with_hint(hint));
        }
        if self.text("setup_action") == "request" {
            let message =
                "the installation was only requested: an owner of the account has to approve it";
            return Err(Error::new(ErrorCode::Refused, message).with_hint(
                "have an owner approve the request there, or open `redirect-url` and install; the pipeline is still waiting",
            ));
        }
        let is_given = |field: &&Field| given.is_some_and(|given| given.get(field.name).is_some());
        let required = step.fields.iter().filter(|field| field.required && !is_given(field));
        let lacking = required.filter_map(|field| field.callback());
        if let Some(parameter) = lacking.into_iter().find(|name| self.text(name).is_empty()) {
            let message = format!("the callback URL has no `{parameter}`");
            return Err(Error::new(ErrorCode::Usage, message));
        }
        Ok(())
    }
}

/// Whether what is given for a step goes with what a callback brings for it.
fn check_choice(step: &Step, given: &Fields, brought: &Fields) -> Result {
    for (name, value) in brought.iter() {
        let field = step.fields.iter().find(|field| field.name == name);
        let is_secret = field.is_none_or(|field| field.secret);
        let choice = step.choice.as_ref().filter(|choice| choice.other == Some(name.as_str()));
        let rivals = [Some(name.as_str()), choice.map(|choice| choice.field)];
        for rival in rivals.into_iter().flatten() {
            if let Some(own) = given.get(rival).filter(|own| *own != value) {
                return Err(contradiction(rival, own, value, is_secret));
            }
        }
    }
    Ok(())
}

fn contradiction(field: &str, given: &Value, brought: &Value, is_secret: bool) -> Error {
    let message = match is_secret {
        true => format!("`{field}` is given, but the callback URL brings another value"),
        false => {
            let [given, brought] =
                [given, brought].map(|value| quote(value.as_str().unwrap_or_default()));
            format!("`{field}` is given as {given}, but the callback URL brings {brought}")
        }
    };
    let hint = format!(
        "correct or remove `{field}`, or approve again for what it names; the pipeline is still \
         waiting"
    );
    Error::new(ErrorCode::BadField, message).with_hint(hint)
}

/// The failure for a callback that says why the third party refuses, in its own words.
pub fn denied(error: &str, description: &str) -> Error {
    let words: Vec<_> = [error, description].into_iter().filter(|word| !word.is_empty()).collect();
    let words = quote(&words.join(": "));
    Error::new(ErrorCode::Refused, format!("the third party returned an error: {words}"))
}

/// Whether a provider has a field of this parameter, and it is no secret: an account's id, say.
fn is_described_as_plain(parameter: &str) -> bool {
    let fields =
        PROVIDERS.iter().flat_map(|provider| provider.steps()).flat_map(|step| step.fields);
    let mut described = fields.filter(|field| field.callback() == Some(parameter)).peekable();
    described.peek().is_some() && described.all(|field| !field.secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::auth::oauth2::STEP;

    #[test]
    fn a_whole_address_and_its_query_alone_are_one() {
        for address in [
            "http://127.0.0.1:9797/extensions/gitlab/setup/?code=a%2Fb&state=s#_=_",
            " ?code=a%2Fb&state=s\n",
        ] {
            let fields = Callback::parse(address).unwrap().fields(&STEP).unwrap();
            assert_eq!((fields.text("code"), fields.text("state")), ("a/b", "s"));
        }
    }

    #[test]
    fn what_is_no_callback_is_refused_without_quoting_it() {
        let long = format!("?state={}", "s3cr3t".repeat(4000));
        for address in
            ["s3cr3t", "https://x/s3cr3t", "?code=s3cr3t", "?state=s3cr3t&state=b", &long]
        {
            let failure = Callback::parse(address).err().unwrap();
            assert!(!failure.message.contains("s3cr3t"), "{}", failure.message);
        }
    }

    #[test]
    fn an_id_and_a_word_are_no_secrets_so_that_no_mask_hits_an_output() {
        let query =
            "?code=c0de&state=n0nce&installation_id=12345&setup_action=install&guild_id=9&x=y";
        assert_eq!(Callback::parse(query).unwrap().secrets(), ["c0de", "y"]);
    }

    #[test]
    fn a_third_party_that_says_no_is_quoted_on_one_line() {
        let callback = Callback::parse("?error=access_denied&error_description=no%0A::x&state=s");
        let failure = callback.unwrap().fields(&STEP).unwrap_err();
        assert_eq!(failure.message, r"the third party returned an error: `access_denied: no\n::x`");
    }
}
