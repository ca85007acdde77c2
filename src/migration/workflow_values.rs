//! What a word of a script is in a step's `with:`.

use super::command_effect::{self, CommandEffect, is_uncertain, named_variables};
use super::shell_reader::{ShellCommand, assignment};
use super::shell_word::{WordPiece, pieces, unquoted};
use crate::text::quote;
use std::collections::{BTreeMap, BTreeSet};

/// How deep variables may be made of variables.
const MAX_DEPTH: usize = 8;

/// How many variables a value may be made of.
const MAX_COUNT: usize = 1000;

/// A part of an input's value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ValuePiece {
    Text(String),
    /// What stands within `${{ }}`.
    Expression(String),
    /// The commit that is checked out.
    Head,
}

/// Why a word is no value of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ValueError {
    /// The shell computes it.
    Computed(String),
    /// Nothing in the file sets the variable.
    Unknown(String),
    /// The script sets a variable that a step would have another value of.
    Changed(String),
}

/// The variables that a step can read.
#[derive(Default)]
pub(super) struct WorkflowVariables {
    /// Those in an `env:` of the file, or written to `GITHUB_ENV`.
    environment: BTreeSet<String>,
    /// Those in an `env:`.
    declared: BTreeSet<String>,
    /// Those that the script assigns, with their words; `None` where that is not certain.
    assigned: BTreeMap<String, Option<String>>,
    /// For each variable those whose words read it.
    readers: BTreeMap<String, BTreeSet<String>>,
    /// Those that a later step reads, so that their script must hand them on.
    pub(super) handed_on: BTreeSet<String>,
    /// How many variables a value was made of.
    count: usize,
    /// Whether a variable may name the release.
    may_name_release: bool,
    /// Whether the commit may be a part of the value, as the step takes it by default.
    takes_head: bool,
}

/// The value of the release, where it is the commit.
pub(super) enum ReleaseValue {
    /// The commit itself, which is what holds by default.
    Head,
    /// The commit behind a prefix.
    Prefixed(String),
    /// Anything else.
    Other(String),
}

impl WorkflowVariables {
    /// The variables of a file; `declared` are those in an `env:`.
    pub(super) fn new(
        environment: &BTreeSet<String>,
        declared: BTreeSet<String>,
        may_name_release: bool,
    ) -> Self {
        Self { environment: environment.clone(), declared, may_name_release, ..Self::default() }
    }

    /// Takes the assignments of a script, up to a call.
    pub(super) fn assign(&mut self, commands: &[ShellCommand]) {
        for command in commands.iter().filter(|command| !command.is_substitution) {
            match command_effect::of_command(command, &[]) {
                CommandEffect::Assignment => {
                    for (name, word) in &command.assignments {
                        self.set(name, Some(word), is_uncertain(command));
                    }
                }
                CommandEffect::Declaration => self.declare(command),
                CommandEffect::Reading => {
                    named_variables(command).for_each(|name| self.set(name, None, true));
                }
                _ => {}
            }
        }
    }

    fn declare(&mut self, command: &ShellCommand) {
        let is_export = matches!(command.word(0), "export" | "readonly");
        for word in &command.words {
            match assignment(&word.raw) {
                Some((name, value)) => self.set(name, Some(value), is_uncertain(command)),
                None if is_export => {}
                None => self.set(&word.raw, None, true),
            }
        }
    }

    fn set(&mut self, name: &str, word: Option<&str>, is_uncertain: bool) {
        // What the shell makes of a home folder, only the shell can tell.
        let is_told = |word: &&str| !is_uncertain && !unquoted(word).contains('~');
        let mut word = word.filter(is_told).map(str::to_owned);
        // What was made of its old value can only be told by the shell.
        for reader in self.readers.remove(name).unwrap_or_default() {
            self.assigned.insert(reader, None);
        }
        for read in word.iter().flat_map(|word| read_variables(&pieces(word))).collect::<Vec<_>>() {
            if read == name {
                word = None;
            }
            self.readers.entry(read).or_default().insert(name.to_owned());
        }
        self.assigned.insert(name.to_owned(), word);
    }

    /// Whether an `env:` sets a variable.
    pub(super) fn is_declared(&self, name: &str) -> bool {
        self.declared.contains(name)
    }

    /// The variables that the script has set.
    pub(super) fn assigned_names(&self) -> impl Iterator<Item = &str> {
        self.assigned.keys().map(String::as_str)
    }

    /// Whether the script has set a variable, and to what.
    pub(super) fn assigned(&self, name: &str) -> Option<Option<&str>> {
        self.assigned.get(name).map(Option::as_deref)
    }

    /// A variable that is handed on, but has another value at the end of the script.
    pub(super) fn changed_later(&self, behind: &[ShellCommand]) -> Option<&String> {
        let mut later = Self::default();
        later.assign(behind);
        let is_any = command_effect::runs_text(behind);
        self.handed_on.iter().find(|name| is_any || later.assigned.contains_key(*name))
    }

    /// The value of an input.
    pub(super) fn value(&mut self, word: &str) -> Result<String, ValueError> {
        (self.count, self.takes_head) = (0, false);
        Ok(render(&self.resolve(&pieces(word), 0)?))
    }

    /// The value of the release.
    pub(super) fn release(&mut self, word: &str) -> Result<ReleaseValue, ValueError> {
        (self.count, self.takes_head) = (0, true);
        let value = self.resolve(&pieces(word), 0)?;
        let is_prefixed = |prefix: &[ValuePiece]| !prefix.contains(&ValuePiece::Head);
        Ok(match value.as_slice() {
            [ValuePiece::Head] => ReleaseValue::Head,
            [prefix @ .., ValuePiece::Head] if is_prefixed(prefix) => {
                ReleaseValue::Prefixed(render(prefix))
            }
            _ => ReleaseValue::Other(self.value(word)?),
        })
    }

    fn resolve(&mut self, word: &[WordPiece], depth: usize) -> Result<Vec<ValuePiece>, ValueError> {
        let mut value = Vec::new();
        for piece in word {
            match piece {
                WordPiece::Text(text) => value.push(ValuePiece::Text(text.clone())),
                WordPiece::Variable(name) => value.extend(self.variable(name, depth)?),
                WordPiece::Default(name, default) => {
                    value.push(self.with_default(name, default, depth)?)
                }
                WordPiece::Expression(text) => {
                    let inner = text.trim_start_matches("${{").trim_end_matches("}}").trim();
                    value.push(ValuePiece::Expression(inner.to_owned()));
                }
                WordPiece::Substitution(command) if self.is_default_release(command) => {
                    value.push(ValuePiece::Head)
                }
                WordPiece::Substitution(command) => {
                    return Err(ValueError::Computed(format!("$({command})")));
                }
                WordPiece::Other(text) => return Err(ValueError::Computed(text.clone())),
            }
        }
        Ok(value)
    }

    fn variable(&mut self, name: &str, depth: usize) -> Result<Vec<ValuePiece>, ValueError> {
        self.count += 1;
        if self.count > MAX_COUNT {
            return Err(ValueError::Computed(format!("${name}")));
        }
        if let Some(word) = self.assigned.get(name).cloned().filter(|_| depth < MAX_DEPTH) {
            let resolved = word.map(|word| self.resolve(&pieces(&word), depth + 1));
            return match resolved {
                Some(Err(error)) if self.count > MAX_COUNT => Err(error),
                None | Some(Err(ValueError::Computed(_))) => self.hand_on(name),
                Some(other) => other,
            };
        }
        match self.expression(name) {
            Some(expression) => Ok(vec![ValuePiece::Expression(expression)]),
            None => Err(ValueError::Unknown(name.to_owned())),
        }
    }

    /// Lets the script tell later steps what a variable is. One that an `env:` sets is another there.
    fn hand_on(&mut self, name: &str) -> Result<Vec<ValuePiece>, ValueError> {
        if self.declared.contains(name) {
            return Err(ValueError::Changed(name.to_owned()));
        }
        self.handed_on.insert(name.to_owned());
        Ok(vec![ValuePiece::Expression(format!("env.{}", handed_name(name)))])
    }

    /// Whether a command prints the release that a step has by default.
    fn is_default_release(&self, command: &str) -> bool {
        let words: Vec<_> = command.split_whitespace().collect();
        let proposes = words.len() >= 3 && words.ends_with(&["releases", "propose-version"]);
        let is_head = matches!(words[..], ["git", "rev-parse", "HEAD" | "--verify", ..])
            && words.last() == Some(&"HEAD");
        self.takes_head && (proposes || is_head && !self.may_name_release)
    }

    /// The expression of a variable that the host or the file sets.
    fn expression(&self, name: &str) -> Option<String> {
        if self.environment.contains(name) {
            return Some(format!("env.{name}"));
        }
        let of_github = name.strip_prefix("GITHUB_").map(str::to_lowercase);
        of_github
            .filter(|name| GITHUB_CONTEXT.contains(&name.as_str()))
            .map(|name| format!("github.{name}"))
    }

    fn with_default(
        &mut self,
        name: &str,
        default: &[WordPiece],
        depth: usize,
    ) -> Result<ValuePiece, ValueError> {
        let default = self.resolve(default, depth + 1)?;
        let text = match default.as_slice() {
            [] => String::new(),
            [ValuePiece::Text(text)] => text.clone(),
            _ => return Err(ValueError::Computed(format!("${{{name}:-…}}"))),
        };
        if self.assigned.contains_key(name) {
            return Err(ValueError::Computed(format!("${{{name}:-{text}}}")));
        }
        Ok(match self.expression(name) {
            Some(expression) => {
                let quoted = text.replace('\'', "''");
                ValuePiece::Expression(format!("{expression} || '{quoted}'"))
            }
            None => ValuePiece::Text(text),
        })
    }
}

/// The variables that a word reads.
fn read_variables(word: &[WordPiece]) -> Vec<String> {
    let of_piece = |piece: &WordPiece| match piece {
        WordPiece::Variable(name) => vec![name.clone()],
        WordPiece::Default(name, default) => [vec![name.clone()], read_variables(default)].concat(),
        _ => Vec::new(),
    };
    word.iter().flat_map(of_piece).collect()
}

/// The variables of GitHub that its context has under the same names.
const GITHUB_CONTEXT: &[&str] = &[
    "sha",
    "ref",
    "ref_name",
    "ref_type",
    "repository",
    "repository_owner",
    "run_id",
    "run_number",
    "run_attempt",
    "actor",
    "triggering_actor",
    "head_ref",
    "base_ref",
    "event_name",
    "workflow",
    "server_url",
    "job",
    "workspace",
];

/// The name under which later steps find a variable of a script: one that no other program reads.
pub(super) fn handed_name(name: &str) -> String {
    format!("NEXT_STEP_{name}")
}

fn render(value: &[ValuePiece]) -> String {
    let text = |piece: &ValuePiece| match piece {
        ValuePiece::Text(text) => text.clone(),
        ValuePiece::Expression(expression) => format!("${{{{ {expression} }}}}"),
        ValuePiece::Head => String::new(),
    };
    value.iter().map(text).collect()
}

impl ValueError {
    /// What is said of it, and what to do.
    pub(super) fn words(&self) -> (String, String) {
        match self {
            Self::Computed(text) => (
                format!("the shell computes {}", quote(text)),
                "assign it to a variable in a line of its own".to_owned(),
            ),
            Self::Unknown(name) => (
                format!("the variable `{name}` is set nowhere in this file"),
                format!("set `{name}` in `env:`, or write the step by hand"),
            ),
            Self::Changed(name) => (
                format!(
                    "the script changes the variable `{name}`, so that a step has another value"
                ),
                "use a variable with another name, or set it in `env:`".to_owned(),
            ),
        }
    }
}
