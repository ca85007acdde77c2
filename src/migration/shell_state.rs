//! What is known of a shell at one of its commands: its variables, its folder, what is around it.
//!
//! A value is a text. What is not known is a mark that only the same unknown value has.

use super::client_variables::{VARIABLES, decides};
use super::command_effect::{self, CommandEffect, is_uncertain};
use super::harmless_command::{is_harmless, is_stable, only_reads};
use super::shell_reader::{ShellCommand, assignment};
use super::shell_word::{WordPiece, pieces};
use std::collections::{BTreeMap, BTreeSet};

/// The variables that a step of a workflow begins with.
#[derive(Clone, Debug, Default)]
pub(super) struct StepEnvironment {
    /// Those of the workflow and the job, with their texts.
    pub(super) of_job: BTreeMap<String, String>,
    /// Those of the step.
    pub(super) of_step: BTreeMap<String, String>,
    /// The names of all that the file sets; `None` where others may set more.
    pub(super) names: Option<BTreeSet<String>>,
}

/// How long a value may be; a longer one is like no other, for variables can double each other.
const MAX_VALUE: usize = 4096;

/// How many variables may decide about a call; more are like no others.
const MAX_DECIDING: usize = 100;

/// A shell between two commands.
#[derive(Debug, Default)]
pub(super) struct ShellState {
    values: BTreeMap<String, String>,
    exported: BTreeSet<String>,
    /// Those of the values that decide about a call.
    deciding: BTreeSet<String>,
    /// The variables that the script may have set itself; `None`: any.
    assigned: Option<BTreeSet<String>>,
    functions: Vec<String>,
    /// Whether to assign one variable may change another, as a name for it does.
    has_references: bool,
    /// Whether text runs behind each command.
    has_trap: bool,
    names: Option<BTreeSet<String>>,
    /// Which values the variables have that nothing here sets.
    generation: usize,
    /// The same of those that a step begins with.
    environment: usize,
    folder: usize,
    /// Changes with every file that may be different.
    files: usize,
    /// Changes with every variable too.
    moment: usize,
    count: usize,
}

/// Variables that have another value each time.
const VOLATILE: &[&str] = &[
    "RANDOM",
    "SRANDOM",
    "SECONDS",
    "LINENO",
    "EPOCHSECONDS",
    "EPOCHREALTIME",
    "BASHPID",
    "REPLY",
    "PIPESTATUS",
    "_",
];

impl ShellState {
    /// The shell of a script before its first command.
    pub(super) fn new() -> Self {
        Self { assigned: Some(BTreeSet::new()), ..Self::default() }
    }

    /// Begins a step of a workflow: a new shell with its variables.
    pub(super) fn begin_step(&mut self, environment: &StepEnvironment) {
        self.generation = self.environment;
        self.folder = 0;
        self.functions.clear();
        (self.has_references, self.has_trap) = (false, false);
        self.assigned = Some(BTreeSet::new());
        self.names = environment.names.clone().filter(|_| self.environment == 0);
        self.values.clear();
        self.deciding.clear();
        // An earlier step that set a variable of the job would go before the file.
        let is_of_job = self.environment == 0;
        let of_job = environment.of_job.iter().filter(|_| is_of_job);
        for (name, text) in of_job.chain(&environment.of_step) {
            let value = self.expression(text);
            self.set(name, value);
        }
        self.exported = self.values.keys().cloned().collect();
    }

    /// Ends one; `sets_variables`: whether later steps may find other variables.
    pub(super) fn end_step(&mut self, sets_variables: bool) {
        self.files = self.next();
        if sets_variables {
            self.environment = self.next();
        }
    }

    fn next(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    /// A value that is like no other.
    pub(super) fn unknown(&mut self) -> String {
        format!("\0?{}", self.next())
    }

    /// Whether a variable is the one that the script began with.
    pub(super) fn is_inherited(&self, name: &str) -> bool {
        self.assigned.as_ref().is_some_and(|assigned| !assigned.contains(name))
    }

    /// Whether nothing in the file sets a variable.
    pub(super) fn is_unset(&self, name: &str) -> bool {
        let is_elsewhere = self.names.as_ref().is_some_and(|names| !names.contains(name));
        is_elsewhere && self.is_inherited(name)
    }

    /// The folder that a command runs in.
    pub(super) fn folder(&self) -> String {
        format!("\0/{}", self.folder)
    }

    /// The value of a variable in the script.
    pub(super) fn value(&self, name: &str) -> String {
        let inherited = || format!("\0${name}@{}", self.generation);
        self.values.get(name).cloned().unwrap_or_else(inherited)
    }

    /// The value of a variable in the programs that the script calls.
    pub(super) fn exported_value(&self, name: &str) -> String {
        let value = self.value(name);
        match self.values.contains_key(name) && !self.exported.contains(name) {
            // It may have been exported before the script.
            true => format!("\0hidden{value}\0{}", self.generation),
            false => value,
        }
    }

    /// The variables that decide about a call and are not as the script began, with their values.
    pub(super) fn deciding_variables(&mut self) -> String {
        if self.deciding.len() > MAX_DECIDING {
            return self.unknown();
        }
        let text = |name: &String| format!("{name}={}\0", self.exported_value(name));
        self.deciding.iter().map(text).collect()
    }

    fn set(&mut self, name: &str, value: String) {
        if decides(name) {
            self.deciding.insert(name.to_owned());
        }
        self.values.insert(name.to_owned(), value);
    }

    /// What a word of the script is.
    pub(super) fn resolve(&mut self, word: &str) -> String {
        self.resolve_pieces(&pieces(word))
    }

    fn resolve_pieces(&mut self, pieces: &[WordPiece]) -> String {
        let mut value = String::new();
        for piece in pieces {
            value.push_str(&self.resolve_piece(piece));
            if value.len() > MAX_VALUE {
                return self.unknown();
            }
        }
        value
    }

    fn resolve_piece(&mut self, piece: &WordPiece) -> String {
        match piece {
            WordPiece::Text(text) => text.clone(),
            WordPiece::Variable(name) if VOLATILE.contains(&name.as_str()) => self.unknown(),
            WordPiece::Variable(name) if name == "PWD" => self.folder(),
            WordPiece::Variable(name) => self.value(name),
            WordPiece::Default(name, default) => {
                let default = self.resolve_pieces(default);
                format!("\0{{{}:-{default}}}", self.value(name))
            }
            WordPiece::Expression(text) => self.expression(text),
            WordPiece::Substitution(command) if is_stable(command) => {
                let moment = if command.contains(['$', '`']) { self.moment } else { 0 };
                format!("\0({command})@{}.{moment}", self.files)
            }
            WordPiece::Substitution(_) => self.unknown(),
            WordPiece::Other(text) if ["$?", "$!", "$$", "$_", "$-"].contains(&text.as_str()) => {
                self.unknown()
            }
            WordPiece::Other(text) => {
                format!("\0{text}@{}.{}.{}", self.generation, self.files, self.moment)
            }
        }
    }

    /// An expression of the host, which may name variables and files.
    fn expression(&self, text: &str) -> String {
        match ["env.", "hashFiles"].iter().any(|name| text.contains(name)) {
            true => format!("{text}\0@{}.{}", self.environment, self.files),
            false => text.to_owned(),
        }
    }

    /// Whether a command changes nothing for a call that stands before or behind it. Where text was run,
    /// a name may be that of anything.
    pub(super) fn lets_calls_pass(&self, command: &ShellCommand) -> bool {
        let is_other = self.has_trap || self.has_references;
        let is_function = self.functions.iter().any(|name| name == command.word(0));
        !is_other && !is_function && is_harmless(command) && !changes_client(command)
    }

    /// Goes on behind a command. `is_call`: it is one of sentry-cli, in a process of its own.
    pub(super) fn run(&mut self, command: &ShellCommand, is_call: bool) {
        if command.is_definition {
            self.functions.push(command.word(0).to_owned());
            return;
        }
        if command.is_substitution {
            // In a shell of its own.
            if !only_reads(command) {
                self.files = self.next();
            }
            return;
        }
        let effect = command_effect::of_command(command, &self.functions);
        let is_plain = if is_call { !command_effect::assigns_within(command) } else { false };
        match effect {
            _ if self.has_trap => self.forget(),
            _ if is_plain => {}
            CommandEffect::Everything => self.run_text(command),
            CommandEffect::Unlisted => self.forget(),
            CommandEffect::Nothing if command.is_redirected => self.files = self.next(),
            CommandEffect::Nothing => {}
            CommandEffect::Folder => {
                self.folder = self.next();
                self.files = self.folder;
            }
            CommandEffect::Program => self.files = self.next(),
            _ if self.has_references => self.forget(),
            CommandEffect::Assignment => {
                for (name, value) in &command.assignments {
                    self.assign(name, Some(value), is_uncertain(command));
                }
            }
            CommandEffect::Declaration => self.declare(command),
            CommandEffect::Reading => {
                for name in command_effect::named_variables(command) {
                    self.assign(name, None, true);
                }
            }
        }
    }

    /// Goes on behind a command that may have done anything, and may do so later.
    fn run_text(&mut self, command: &ShellCommand) {
        let words = || (1..command.words.len()).map(|at| command.word(at));
        if command.word(0) == "alias" {
            let names = words().map(|word| word.split('=').next().unwrap_or_default().to_owned());
            self.functions.extend(names);
        }
        self.has_trap |= command.word(0) == "trap"
            && words().any(|word| matches!(word, "DEBUG" | "ERR" | "RETURN"));
        self.has_references = true;
        self.forget();
    }

    fn declare(&mut self, command: &ShellCommand) {
        let exports = command.word(0) == "export" || command.word(1) == "-x";
        for word in command_effect::named_variables(command) {
            let raw = command.words.iter().find(|one| one.raw.starts_with(word));
            let value = raw.and_then(|raw| assignment(&raw.raw)).map(|(_, value)| value);
            let keeps = value.is_none() && matches!(command.word(0), "export" | "readonly");
            if !keeps {
                self.assign(word, value, is_uncertain(command));
            }
            if exports && is_uncertain(command) {
                self.assign(word, None, true);
            }
            if exports {
                let value = self.value(word);
                self.set(word, value);
                self.exported.insert(word.to_owned());
            }
        }
    }

    fn assign(&mut self, name: &str, value: Option<&str>, is_uncertain: bool) {
        let value = match value.filter(|_| !is_uncertain) {
            Some(value) => self.resolve(value),
            None => self.unknown(),
        };
        self.set(name, value);
        if let Some(assigned) = &mut self.assigned {
            assigned.insert(name.to_owned());
        }
        self.moment = self.next();
    }

    /// Nothing is known any more.
    fn forget(&mut self) {
        self.values.clear();
        self.deciding.clear();
        self.assigned = None;
        self.generation = self.next();
        (self.folder, self.files, self.moment) =
            (self.generation, self.generation, self.generation);
    }
}

/// Whether a command sets a variable that sentry-cli reads, or that decides about it.
fn changes_client(command: &ShellCommand) -> bool {
    let is_of_client = |name: &str| {
        decides(name)
            || VARIABLES.iter().any(|(_, variable)| *variable == name)
            || ["SENTRY_", "GITHUB_"].iter().any(|of| name.starts_with(of))
            || name == "IFS"
    };
    let exported = command.words.iter().filter(|_| command.word(0) == "export").skip(1);
    let exported = exported.map(|word| word.raw.split('=').next().unwrap_or_default());
    let mut names = command.assignments.iter().map(|(name, _)| name.as_str()).chain(exported);
    names.any(is_of_client)
}
