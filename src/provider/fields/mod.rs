//! Steps and fields: what a provider asks for, what fits, and who brings it.

pub(crate) mod answers;
pub(crate) mod choice;
pub(crate) mod compare;
mod exposure;
pub(crate) mod given_secrets;
pub mod help;
pub(crate) mod recover;
pub(crate) mod repair;
mod repeated;
pub(crate) mod step;
pub(crate) mod step_answers;

use crate::model::{Fields, Object};
use serde_json::Value;

/// The name under which `state` has what a pipeline begins with, as in Sentry's API.
pub const INITIAL: &str = "initialData";

/// Who brings a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldSource {
    /// `state`.
    State,
    /// `state`, and in a vendor's link the parameter of this name.
    Link(&'static str),
    /// The parameter of the callback with this name; `state` may have it too.
    Callback(&'static str),
    /// The step itself: what it shows under the same name is sent back as it came.
    Echoed,
}

/// One field of a step.
pub struct Field {
    /// Its camelCase name, as Sentry's API takes it.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether the step can do without.
    pub required: bool,
    /// Whether its value must never be shown.
    pub secret: bool,
    /// Who brings it.
    pub source: FieldSource,
    /// What it is, for a person.
    pub help: &'static str,
    /// A value that shows the shape.
    pub example: &'static str,
    /// Why the step's fields do not fit together, where it is this one that has to change.
    pub rule: Option<fn(&Fields) -> Option<&'static str>>,
    /// Whether a Sentry does not look at the rule at the step, and fails at the finish instead.
    pub fails_late: bool,
    /// What is made of a text that was given, by the fields before it; or what it is instead.
    pub repair: Option<RepairRule>,
}

/// See [`Field::repair`].
pub type RepairRule = fn(&str, &Fields) -> Result<String, &'static str>;

impl Field {
    pub(crate) const fn required(name: &'static str, kind: FieldKind) -> Self {
        Self {
            name,
            kind,
            required: true,
            secret: false,
            source: FieldSource::State,
            help: "",
            example: "",
            rule: None,
            fails_late: false,
            repair: None,
        }
    }

    pub(crate) const fn optional(name: &'static str, kind: FieldKind) -> Self {
        Self { required: false, ..Self::required(name, kind) }
    }

    /// A required text of at most so many characters.
    pub(crate) const fn text(name: &'static str, max: usize) -> Self {
        Self::required(name, FieldKind::Text(max))
    }

    /// A required address.
    pub(crate) const fn url(name: &'static str) -> Self {
        Self::required(name, FieldKind::Url)
    }

    /// What it is for, and an example of it.
    pub(crate) const fn help(self, help: &'static str, example: &'static str) -> Self {
        Self { help, example, ..self }
    }

    /// A field that the callback's parameter of the same name brings; always a secret.
    pub(crate) const fn from_callback(name: &'static str, help: &'static str) -> Self {
        let field = Self::text(name, 4096).help(help, "");
        Self { source: FieldSource::Callback(name), secret: true, ..field }
    }

    /// The value that the step shows and wants back.
    pub(crate) const fn echoed(name: &'static str) -> Self {
        let field = Self::text(name, 4096).help("the value shown by the step, sent back", "");
        Self { source: FieldSource::Echoed, secret: true, ..field }
    }

    /// What must hold besides the kind; see [`Field::rule`].
    pub(crate) const fn rule(self, rule: fn(&Fields) -> Option<&'static str>) -> Self {
        Self { rule: Some(rule), ..self }
    }

    /// A rule that a Sentry does not have, whose finish fails instead.
    pub(crate) const fn late_rule(self, rule: fn(&Fields) -> Option<&'static str>) -> Self {
        Self { fails_late: true, ..self.rule(rule) }
    }

    /// Whether a Sentry would take this value, and fail at the finish.
    pub fn is_late_failure(&self, fields: &Fields) -> bool {
        let fits = fields.get(self.name).is_some_and(|value| self.kind.check(value).is_ok());
        self.fails_late && fits && self.conflict(fields).is_some()
    }

    /// Why this field does not fit the others; `None` where it does, or has no rule.
    pub fn conflict(&self, fields: &Fields) -> Option<&'static str> {
        self.rule.and_then(|rule| rule(fields))
    }

    /// What people paste otherwise; see [`Field::repair`].
    pub(crate) const fn repaired(self, repair: RepairRule) -> Self {
        Self { repair: Some(repair), ..self }
    }

    /// A required private key.
    pub(crate) const fn private_key(name: &'static str) -> Self {
        Self::required(name, PEM).secret().repaired(repair::private_key)
    }

    pub(crate) const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// The callback's parameter of this name brings it.
    pub(crate) const fn by_callback(self, parameter: &'static str) -> Self {
        Self { source: FieldSource::Callback(parameter), ..self }
    }

    /// A vendor's link has it under another name.
    pub(crate) const fn by_link(self, parameter: &'static str) -> Self {
        Self { source: FieldSource::Link(parameter), ..self }
    }

    /// The parameter of the callback that brings it; `None` for a field of `state`.
    pub fn callback(&self) -> Option<&'static str> {
        match self.source {
            FieldSource::Callback(parameter) => Some(parameter),
            FieldSource::State | FieldSource::Link(_) | FieldSource::Echoed => None,
        }
    }

    /// What it is called in a vendor's link.
    pub fn link(&self) -> &'static str {
        match self.source {
            FieldSource::Link(parameter) => parameter,
            FieldSource::State | FieldSource::Callback(_) | FieldSource::Echoed => self.name,
        }
    }

    /// Whether it is `state` that has to bring it.
    pub fn comes_from_state(&self) -> bool {
        matches!(self.source, FieldSource::State | FieldSource::Link(_))
    }
}

/// What a field holds.
pub enum FieldKind {
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
    /// A whole number.
    Integer,
    /// A text that a rule allows, with what the rule is.
    Rule(fn(&str) -> bool, &'static str),
    /// Several texts, each of this kind.
    List(&'static Self),
    /// The same, or none at all.
    AnyList(&'static Self),
}

/// A private key as a PEM text.
const PEM: FieldKind =
    FieldKind::Rule(is_pem, "a private key in PEM format, including its first line");

impl FieldKind {
    /// What the field takes, to stand after "expected".
    pub fn expected(&self) -> String {
        match self {
            Self::Text(longest) => format!("a string of at most {longest} characters"),
            Self::Choice(choices) => {
                let quoted: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
                format!("one of {}", quoted.join(", "))
            }
            Self::Json => "a JSON object, as a string or as a mapping".to_owned(),
            Self::Url => "an http(s) URL without credentials".to_owned(),
            Self::Flag(default) => format!("`true` or `false` (default: {default})"),
            Self::Integer => "a whole number".to_owned(),
            Self::Rule(_, rule) => (*rule).to_owned(),
            Self::List(each) => {
                format!("a list or a comma-separated string, each item {}", each.expected())
            }
            Self::AnyList(each) => format!("{}, or `[]`", Self::List(each).expected()),
        }
    }

    /// Whether a value fits; the value is not in the error, for it may be secret.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        let text = value.as_str().unwrap_or_default();
        let fits = match self {
            Self::Text(longest) => value.is_string() && text.chars().count() <= *longest,
            Self::Choice(choices) => choices.contains(&text),
            Self::Json => serde_json::from_str::<Object>(text).is_ok(),
            Self::Url => is_address(text),
            Self::Flag(_) => value.is_boolean(),
            Self::Integer => value.is_u64(),
            Self::Rule(allows, _) => value.is_string() && allows(text),
            Self::List(each) => value.as_array().is_some_and(|items| {
                !items.is_empty() && items.iter().all(|item| each.check(item).is_ok())
            }),
            Self::AnyList(each) => {
                value.as_array().is_some_and(Vec::is_empty) || Self::List(each).check(value).is_ok()
            }
        };
        if fits { Ok(()) } else { Err(self.expected()) }
    }
}

pub(crate) fn is_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        crate::text::url::is_http_url(&url)
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

fn is_pem(text: &str) -> bool {
    let text = text.trim();
    let is_begun = text.starts_with("-----BEGIN ") && text.contains("PRIVATE KEY-----");
    is_begun && text.contains("-----END ") && text.ends_with("-----")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_has_something_in_it_and_all_of_it_fits() {
        let kind = FieldKind::List(&FieldKind::Text(3));
        assert!(kind.check(&json!(["a", "abc"])).is_ok());
        for bad in [json!([]), json!(["abcd"]), json!("a"), json!([1])] {
            assert!(kind.check(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_private_key_is_whole() {
        let whole = "-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY-----\n";
        assert!(PEM.check(&json!(whole)).is_ok());
        for bad in ["x", "-----BEGIN RSA PRIVATE KEY-----", &whole[..40]] {
            assert!(PEM.check(&json!(bad)).is_err(), "{bad}");
        }
    }
}
