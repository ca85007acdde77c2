//! Other names of inputs: those of action-release 3.7 and of sentry-cli, and those that people write
//! by mistake for them.

use crate::env::Env;
use crate::error::{Error, ErrorCode};
use crate::text::quote;
use NameMeaning::{Alias, Fallback, NoEffect, Part, Replaced};
use std::collections::BTreeMap;

/// What another name is here.
#[derive(Clone, Copy)]
pub enum NameMeaning {
    /// The input of this name: as the action's input, as a flag, and as a key of a manifest.
    Alias(&'static str),
    /// The same, where no variable gives the token: action-release has no input of this name, so it is the
    /// variable that works there. The variable that carries it.
    Fallback(&'static str, &'static str),
    /// A part of another input.
    Part(&'static str),
    /// A switch that asks for nothing that is not so already, and why.
    NoEffect(&'static str),
    /// A name that is no input of theirs either, and the input that does what it says.
    Replaced(&'static str),
}

/// Another name.
pub struct OtherName {
    /// The name.
    pub name: &'static str,
    /// What it is here.
    pub meaning: NameMeaning,
}

/// Every other name.
pub const OTHER_NAMES: &[OtherName] = &[
    other("version", Alias("release")),
    other("release_prefix", Alias("release-prefix")),
    other("version_prefix", Alias("release-prefix")),
    other("set_commits", Alias("commits")),
    other("previous_commit", Alias("previous-commit")),
    other("started_at", Alias("started-at")),
    other("working_directory", Alias("working-directory")),
    other("project", Alias("projects")),
    other("auth_token", Fallback("auth-token", "FINISHLINE_SENTRY_TOKEN")),
    other("sentry_token", Fallback("auth-token", "FINISHLINE_SENTRY_TOKEN")),
    other("repo", Part("with `set_commits: manual`, the repository of the commits")),
    other("commit", Part("with `set_commits: manual`, the commit of the release")),
    other("ignore_missing", NoEffect("a previous commit that is not found is a warning")),
    other("ignore_empty", NoEffect("a release without new commits is no error")),
    other("disable_telemetry", NoEffect("nothing is sent but to the servers that are named")),
    other("disable_safe_directory", NoEffect("the configuration of git is not written")),
    other("sourcemap", Alias("sourcemaps")),
    other("url_prefix", Alias("url-prefix")),
    other("strip_common_prefix", Alias("strip-common-prefix")),
    other("ignore", Alias("sourcemaps-ignore")),
    other("ignore-file", Alias("sourcemaps-ignore-file")),
    other("ext", Alias("sourcemaps-extensions")),
    other("wait", Alias("sourcemaps-wait")),
    other("upload_sourcemaps", Replaced("sourcemaps")),
];

const fn other(name: &'static str, meaning: NameMeaning) -> OtherName {
    OtherName { name, meaning }
}

impl OtherName {
    /// The variable that carries it, unless it is that of the input itself.
    pub fn variable(&self) -> Option<String> {
        match self.meaning {
            Alias(_) => None,
            Fallback(_, variable) => Some(variable.to_owned()),
            Part(_) | NoEffect(_) | Replaced(_) => {
                Some(format!("FINISHLINE_{}", self.name.to_uppercase()))
            }
        }
    }

    /// What it means, as the docs have it.
    pub fn describe(&self) -> String {
        match self.meaning {
            Alias(input) => format!("alias of `{input}`"),
            Fallback(input, _) => {
                format!("alias of `{input}`, where no variable gives it")
            }
            Part(meaning) => meaning.to_owned(),
            NoEffect(why) => format!("accepted and not needed: {why}"),
            Replaced(input) => format!("not an input: use `{input}`"),
        }
    }
}

/// The other names of an input.
pub fn aliases(input: &str) -> impl Iterator<Item = &'static str> {
    let is_alias = move |one: &&OtherName| matches!(one.meaning, Alias(name) | Fallback(name, _) if name == input);
    OTHER_NAMES.iter().filter(is_alias).map(|one| one.name)
}

/// The other names that are the input itself, whatever variables give it.
pub fn full_aliases(input: &str) -> impl Iterator<Item = &'static str> {
    let is_alias = move |one: &&OtherName| matches!(one.meaning, Alias(name) if name == input);
    OTHER_NAMES.iter().filter(is_alias).map(|one| one.name)
}

/// The variable of the other names that are the input where no other variable gives it.
pub fn fallback(input: &str) -> Option<&'static str> {
    OTHER_NAMES.iter().find_map(|one| match one.meaning {
        Fallback(name, variable) if name == input => Some(variable),
        _ => None,
    })
}

/// The names that this variable carries, for messages.
pub fn fallback_names(variable: &str) -> String {
    let is_carried = |one: &&OtherName| matches!(one.meaning, Fallback(_, of) if of == variable);
    let names = OTHER_NAMES.iter().filter(is_carried).map(|one| format!("`{}`", one.name));
    names.collect::<Vec<_>>().join(" or ")
}

/// What was given under names that are no inputs of their own.
#[derive(Default)]
pub struct GivenNames {
    /// The parts of other inputs, by name.
    pub parts: BTreeMap<&'static str, String>,
    /// What has no effect, each with the reason.
    pub notes: Vec<String>,
    /// What cannot be taken.
    pub mistakes: Vec<Error>,
}

impl GivenNames {
    /// Reads them; `has` says whether an input was given.
    pub fn read(env: &Env, has: impl Fn(&str) -> bool) -> Self {
        let mut given = Self::default();
        for one in OTHER_NAMES {
            let Some(variable) = one.variable() else { continue };
            let text = env.get(&variable).map(str::trim).filter(|text| !text.is_empty());
            if let Some(text) = text {
                given.add(one, &variable, text, &has);
            }
        }
        given
    }

    fn add(&mut self, one: &OtherName, variable: &str, text: &str, has: impl Fn(&str) -> bool) {
        let name = one.name;
        match (one.meaning, boolean(text)) {
            (Alias(_) | Fallback(..), _) => {}
            (Part(_), _) => drop(self.parts.insert(name, text.to_owned())),
            (NoEffect(why), Ok(_)) => self.notes.push(format!("`{name}` is not needed: {why}")),
            (NoEffect(_), Err(takes)) => {
                let shown = quote(text);
                let message =
                    format!("invalid value {shown} for `{name}` ({variable}): expected {takes}");
                let mistake = Error::new(ErrorCode::Usage, message);
                self.mistakes.push(mistake.with_hint(format!("change {variable}")));
            }
            (Replaced(_), Ok(false)) => {}
            (Replaced(input), Ok(true)) if has(input) => {
                self.notes.push(format!("`{name}` is not needed: `{input}` is set"));
            }
            (Replaced(input), _) => {
                let message = format!("`{name}` is not an input of finishline or action-release");
                let hint = format!("set `{input}` instead of `{name}`");
                self.mistakes.push(Error::new(ErrorCode::Usage, message).with_hint(hint));
            }
        }
    }
}

/// A boolean in the spellings of YAML's core schema, which GitHub's own actions take, and in those of
/// action-release.
pub fn boolean(word: &str) -> Result<bool, &'static str> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("`true` or `false`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)], has: bool) -> GivenNames {
        GivenNames::read(&variables.iter().copied().collect(), |_| has)
    }

    #[test]
    fn a_switch_without_effect_is_noted_and_must_be_a_boolean() {
        let given = read(&[("FINISHLINE_IGNORE_MISSING", "True")], false);
        assert!(given.notes[0].contains("`ignore_missing` is not needed"), "{:?}", given.notes);
        let wrong = read(&[("FINISHLINE_IGNORE_EMPTY", "perhaps")], false).mistakes;
        assert!(wrong[0].message.contains("`perhaps` for `ignore_empty`"), "{}", wrong[0].message);
    }

    #[test]
    fn a_name_that_nobody_has_is_refused_unless_its_input_is_set() {
        for (value, has, is_refused) in [
            ("true", false, true),
            ("dist", true, true),
            ("true", true, false),
            ("0", false, false),
        ] {
            let given = read(&[("FINISHLINE_UPLOAD_SOURCEMAPS", value)], has);
            assert_eq!(!given.mistakes.is_empty(), is_refused, "{value} {has}");
        }
    }
}
