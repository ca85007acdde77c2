//! What a word of a script is in a step's `with:`, and whether it may be empty, where an input would be
//! taken for not set.

use super::client_variables::{decides, is_of_host};
use super::shell_word::{WordPiece, pieces, unquoted, unquoted_expansions};
use super::step_environment::StepEnvironment;
use super::value_error::ValueError;
use std::collections::{BTreeMap, BTreeSet};

/// How many parts a value may have.
const MAX_PIECES: usize = 100;

/// A part of an input's value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ValuePiece {
    Text(String),
    /// What stands within `${{ }}`.
    Expression(String),
    /// What `propose-version` prints.
    Proposal,
}

/// The value of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StepValue(Vec<ValuePiece>);

/// The variables of a script at one of its commands.
pub(super) struct ScriptValues<'a> {
    environment: &'a StepEnvironment,
    assigned: BTreeMap<String, StepValue>,
    exported: BTreeSet<String>,
}

impl<'a> ScriptValues<'a> {
    /// The variables that a script begins with.
    pub(super) fn new(environment: &'a StepEnvironment) -> Self {
        Self { environment, assigned: BTreeMap::new(), exported: BTreeSet::new() }
    }

    /// Takes an assignment.
    pub(super) fn assign(&mut self, name: &str, word: &str) -> Result<(), ValueError> {
        if decides(name) || is_of_host(name) && name != "SENTRY_RELEASE" {
            return Err(ValueError::Changed(name.to_owned()));
        }
        // What the shell makes of a home folder, only the shell can tell.
        if unquoted(word).contains('~') {
            return Err(ValueError::Computed(word.to_owned()));
        }
        let value = self.value(word)?;
        self.check_quotes(word)?;
        self.assigned.insert(name.to_owned(), value);
        Ok(())
    }

    /// Makes a variable one of the programs that the script calls.
    pub(super) fn export(&mut self, name: &str) {
        self.exported.insert(name.to_owned());
    }

    /// Whether the script has set a variable.
    pub(super) fn is_assigned(&self, name: &str) -> bool {
        self.assigned.contains_key(name)
    }

    /// What the script tells the programs that it calls by a variable.
    pub(super) fn exported(&self, name: &str) -> Option<&StepValue> {
        let is_exported = self.exported.contains(name) || self.environment.has(name);
        self.assigned.get(name).filter(|_| is_exported)
    }

    /// The value of a word.
    pub(super) fn value(&self, word: &str) -> Result<StepValue, ValueError> {
        self.resolve(&pieces(word)).map(StepValue)
    }

    /// Refuses a word of which the shell may make several, as an expansion without quotes may be.
    pub(super) fn check_quotes(&self, word: &str) -> Result<(), ValueError> {
        let is_safe = |text: &&String| self.is_single(text);
        match unquoted_expansions(word).iter().find(|text| !is_safe(text)) {
            Some(text) => Err(ValueError::Several(text.clone())),
            None => Ok(()),
        }
    }

    /// Whether the expansions of a word are known to have no blank, no comma and no sign of a glob.
    pub(super) fn is_single(&self, word: &str) -> bool {
        let is_edge = |c: char| c.is_whitespace() || ",*?[{".contains(c);
        pieces(word).into_iter().all(|piece| {
            let is_text = matches!(piece, WordPiece::Text(_));
            let is_plain = |value: Vec<ValuePiece>| {
                let text = self.known_text(&StepValue(value));
                text.is_some_and(|text| !text.contains(is_edge))
            };
            is_text || self.resolve(&[piece]).is_ok_and(is_plain)
        })
    }

    fn resolve(&self, word: &[WordPiece]) -> Result<Vec<ValuePiece>, ValueError> {
        let mut value = Vec::new();
        for piece in word {
            value.extend(self.resolve_piece(piece)?);
            if value.len() > MAX_PIECES {
                return Err(ValueError::Computed("a value of over 100 parts".to_owned()));
            }
        }
        Ok(value)
    }

    fn resolve_piece(&self, piece: &WordPiece) -> Result<Vec<ValuePiece>, ValueError> {
        Ok(match piece {
            WordPiece::Text(text) => vec![ValuePiece::Text(text.clone())],
            WordPiece::Variable(name) => self.variable(name)?,
            WordPiece::Default(name, default) => vec![self.with_default(name, default)?],
            WordPiece::Expression(text) => vec![ValuePiece::Expression(inner(text).to_owned())],
            WordPiece::Substitution(command) if self.is_proposal(command) => {
                vec![ValuePiece::Proposal]
            }
            WordPiece::Substitution(command) => {
                return Err(ValueError::of_substitution(command));
            }
            WordPiece::Other(text) => return Err(ValueError::Computed(text.clone())),
        })
    }

    fn variable(&self, name: &str) -> Result<Vec<ValuePiece>, ValueError> {
        if let Some(value) = self.assigned.get(name) {
            return Ok(value.0.clone());
        }
        let expression =
            self.expression(name).ok_or_else(|| ValueError::Unknown(name.to_owned()))?;
        Ok(vec![ValuePiece::Expression(expression)])
    }

    /// Whether a command prints the version that a step takes by default. The commit by `git` is not
    /// always that: a build file may name another one.
    fn is_proposal(&self, command: &str) -> bool {
        let words: Vec<_> = command.split_whitespace().collect();
        let is_program = |word: &&str| word.contains("sentry-cli") || word.contains("@sentry/cli");
        words.ends_with(&["releases", "propose-version"])
            && words.iter().any(is_program)
            && !command.contains(['$', ';', '&', '|', '`', '>', '<', '='])
            && !self.is_assigned("SENTRY_RELEASE")
    }

    /// The expression of a variable that the host or the file sets.
    fn expression(&self, name: &str) -> Option<String> {
        let of_github = name.strip_prefix("GITHUB_").map(str::to_lowercase);
        match of_github {
            // The host sets them whatever the file says.
            Some(_) if self.environment.has(name) => None,
            Some(key) => CONTEXT.contains(&key.as_str()).then(|| format!("github.{key}")),
            None => self.environment.has(name).then(|| format!("env.{name}")),
        }
    }

    fn with_default(&self, name: &str, default: &[WordPiece]) -> Result<ValuePiece, ValueError> {
        match (default, self.expression(name)) {
            ([WordPiece::Text(text)], Some(expression)) if !self.is_assigned(name) => {
                let quoted = text.replace('\'', "''");
                Ok(ValuePiece::Expression(format!("{expression} || '{quoted}'")))
            }
            _ => Err(ValueError::Computed(format!("${{{name}:-…}}"))),
        }
    }

    /// The value with what `env:` says put in, and a letter for what is one word whatever it is.
    fn known_text(&self, value: &StepValue) -> Option<String> {
        let text = |piece: &ValuePiece| match piece {
            ValuePiece::Text(text) => Some(text.clone()),
            ValuePiece::Proposal => Some("x".to_owned()),
            ValuePiece::Expression(expression) => self.known_expression(expression),
        };
        value.0.iter().map(text).collect()
    }

    fn known_expression(&self, expression: &str) -> Option<String> {
        match expression.strip_prefix("env.") {
            Some(name) => {
                let known = |part: TextPart<'_>| match part {
                    TextPart::Text(text) => Some(text.to_owned()),
                    TextPart::Expression(inner) => is_one_word(inner).then(|| "x".to_owned()),
                };
                parts(self.environment.text(name)?).into_iter().map(known).collect()
            }
            None => is_one_word(expression).then(|| "x".to_owned()),
        }
    }

    /// A value as it is in every place where it is the same.
    pub(super) fn identity(&self, value: &StepValue) -> String {
        let text = |piece: &ValuePiece| match piece {
            ValuePiece::Text(text) => text.clone(),
            ValuePiece::Proposal => PROPOSAL.to_owned(),
            ValuePiece::Expression(expression) => match expression.strip_prefix("env.") {
                Some(name) => self.environment.identity(name),
                None => format!("${{{{ {expression} }}}}"),
            },
        };
        value.0.iter().map(text).collect()
    }

    /// Refuses a value that may be empty; `in_all`: of which a part may be.
    pub(super) fn check_not_empty(
        &self,
        value: &StepValue,
        in_all: bool,
    ) -> Result<(), ValueError> {
        let is_there = |piece: &ValuePiece| match piece {
            ValuePiece::Text(text) => !text.trim().is_empty(),
            ValuePiece::Proposal => true,
            ValuePiece::Expression(expression) => self.is_never_empty(expression),
        };
        let is_expression = |piece: &&ValuePiece| matches!(piece, ValuePiece::Expression(_));
        let is_full = match in_all {
            true => {
                value.0.iter().filter(is_expression).all(is_there) && value.0.iter().any(is_there)
            }
            false => value.0.iter().any(is_there),
        };
        if is_full {
            return Ok(());
        }
        let shown = value.0.iter().find(|piece| is_expression(piece) && !is_there(piece));
        let shown = shown.map_or_else(String::new, |piece| StepValue(vec![piece.clone()]).text());
        Err(ValueError::Empty(shown))
    }

    fn is_never_empty(&self, expression: &str) -> bool {
        let last = expression.rsplit("||").next().unwrap_or_default().trim();
        if let Some(name) = last.strip_prefix("env.") {
            let text = self.environment.text(name).unwrap_or_default();
            return parts(text).iter().any(|part| match part {
                TextPart::Text(text) => !text.trim().is_empty(),
                TextPart::Expression(inner) => self.is_always_set(inner),
            });
        }
        self.is_always_set(last)
    }

    /// Whether an expression without `env` is never empty.
    fn is_always_set(&self, expression: &str) -> bool {
        let last = expression.rsplit("||").next().unwrap_or_default().trim();
        let is_set = |key: &str| {
            let is_ref = matches!(key, "ref" | "ref_name");
            ALWAYS_SET.contains(&key) && (!is_ref || self.environment.has_ref())
        };
        match last.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            Some(text) => !text.trim().is_empty() && !text.contains('\''),
            None => last.strip_prefix("github.").is_some_and(is_set),
        }
    }
}

impl StepValue {
    /// Its text in `with:`; a proposed version in it is no text.
    pub(super) fn text(&self) -> String {
        let text = |piece: &ValuePiece| match piece {
            ValuePiece::Text(text) => text.clone(),
            ValuePiece::Expression(expression) => format!("${{{{ {expression} }}}}"),
            ValuePiece::Proposal => PROPOSAL.to_owned(),
        };
        self.0.iter().map(text).collect()
    }
}

/// What stands in a text for the version that a step takes by default.
pub(super) const PROPOSAL: &str = "\0proposal";

/// A part of a text of `env:`.
enum TextPart<'a> {
    Text(&'a str),
    Expression(&'a str),
}

fn parts(text: &str) -> Vec<TextPart<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${{") {
        let (expression, behind) = behind.split_once("}}").unwrap_or((behind, ""));
        found.push(TextPart::Text(before));
        found.push(TextPart::Expression(expression.trim()));
        rest = behind;
    }
    found.push(TextPart::Text(rest));
    found
}

/// What stands within the signs of an expression.
fn inner(text: &str) -> &str {
    text.trim_start_matches("${{").trim_end_matches("}}").trim()
}

/// What of GitHub's context is there at every event, but for the ref of a deployment.
const ALWAYS_SET: &[&str] = &[
    "sha",
    "ref",
    "ref_name",
    "run_id",
    "run_number",
    "run_attempt",
    "repository",
    "repository_owner",
    "actor",
    "workflow",
];

/// The variables of GitHub that its context has under the same names.
const CONTEXT: &[&str] = &[
    "sha",
    "ref",
    "ref_name",
    "ref_type",
    "run_id",
    "run_number",
    "run_attempt",
    "repository",
    "repository_owner",
    "actor",
    "triggering_actor",
    "workflow",
    "event_name",
    "head_ref",
    "base_ref",
    "server_url",
];

fn is_one_word(expression: &str) -> bool {
    let key = expression.strip_prefix("github.");
    key.is_some_and(|key| ALWAYS_SET.contains(&key) && key != "workflow")
}
