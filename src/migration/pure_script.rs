//! Scripts that are nothing but calls of sentry-cli, messages, and assignments that the calls read: only
//! these become steps, for nothing in them can meet another environment, order or value there.

use super::client_variables::VARIABLES;
use super::script_part::{CommandUse, LISTS, ScriptPart, is_installation};
use super::shell_reader::{CommandSeparator, ShellCommand, assignment};
use super::shell_word::{WordPiece, has_dollar_quote, pieces};
use super::step_environment::StepEnvironment;
use super::value_error::ValueError;
use super::workflow_values::{PROPOSAL, ScriptValues, StepValue};
use crate::sentry_cli::{SentryCliCall, SentryCliTask};
use crate::text::quote;
use std::collections::BTreeMap;

/// A call, with the texts of its inputs.
pub(super) struct PureCall {
    /// The place of its command in the script.
    pub(super) index: usize,
    pub(super) call: SentryCliCall,
    /// Its inputs as texts that only equal values have.
    pub(super) identities: BTreeMap<&'static str, String>,
    /// Whether its failure is let pass.
    pub(super) is_tolerated: bool,
}

/// Why a script stays: the place of the command, what is the matter, and what to do.
pub(super) type ScriptFault = (usize, String, String);

/// What to do with a script that stays.
pub(super) const BY_HAND: &str =
    "write a step of finishline by hand, or install finishline and call `finishline sentry-cli`";

/// Where a message may go: nowhere, or to the log.
const LOG: &[&str] = &[">/dev/null", ">&1", ">&2"];

/// The calls of a script, if it does nothing else.
pub(super) fn read(
    script: &ScriptPart,
    environment: &StepEnvironment,
) -> Result<Vec<PureCall>, ScriptFault> {
    let mut reader =
        PureReader { script, values: ScriptValues::new(environment), calls: Vec::new() };
    let mut index = 0;
    while index < script.commands.len() {
        index = reader.command(index)?;
    }
    Ok(reader.calls)
}

struct PureReader<'a> {
    script: &'a ScriptPart,
    values: ScriptValues<'a>,
    calls: Vec<PureCall>,
}

impl PureReader<'_> {
    /// Reads one command; the place of the next one.
    fn command(&mut self, index: usize) -> Result<usize, ScriptFault> {
        let command = &self.script.commands[index];
        if let CommandUse::Refused(error) = &self.script.uses[index] {
            return Err((index, error.message.clone(), error.hint.clone()));
        }
        if command.is_substitution {
            // The command that has it tells what it is.
            return Ok(index + 1);
        }
        let fault = |message: String| (index, message, BY_HAND.to_owned());
        let fallback = self.fallback(index);
        if fallback.is_none() {
            self.check_place(index).map_err(|message| fault(message.to_owned()))?;
        }
        let of_value = |error: ValueError| {
            let (message, hint) = error.words();
            (index, message, hint)
        };
        match &self.script.uses[index] {
            CommandUse::Step(call) if !command.is_redirected => {
                let call = self.call(index, call, fallback.is_some()).map_err(of_value)?;
                self.calls.push(call);
            }
            CommandUse::Other if self.is_installation(index) => {}
            CommandUse::Other if command.words.is_empty() || declares(command) => {
                self.assign(command).map_err(of_value)?;
            }
            CommandUse::Other if self.is_neutral(command) => {}
            CommandUse::Other => return Err(fault(other_message(command))),
            _ => return Err(fault(call_message(command).to_owned())),
        }
        Ok(fallback.unwrap_or(index) + 1)
    }

    /// Refuses a command that something else decides about, or that decides about something else.
    fn check_place(&self, index: usize) -> Result<(), &'static str> {
        use CommandSeparator::{And, End, Other};
        let command = &self.script.commands[index];
        let is_piped = self.script.is_piped_installer(index)
            || self.script.is_piped_installer(index + 1) && is_installation(command);
        let has_other = [command.before, command.after].contains(&Other) && !is_piped;
        if command.is_nested || command.is_definition || command.may_assign || has_other {
            return Err("the script has a condition, a loop, a function, a group or a pipe here");
        }
        let is_list = |one: CommandSeparator| one != End && !(one == Other && is_piped);
        if !is_list(command.before) && !is_list(command.after) {
            return Ok(());
        }
        // Without the last command of a script, a list fails and the script goes on.
        let rest = self.script.commands[index..].iter().filter(|one| !one.is_substitution);
        let befores = || rest.clone().skip(1).all(|one| matches!(one.before, And | Other));
        match (is_list(command.before) && command.before != And) || !befores() {
            true => Err("another command decides about this one, or this one about another"),
            false => Ok(()),
        }
    }

    /// The message that is said where a call fails, which is then let pass.
    fn fallback(&self, index: usize) -> Option<usize> {
        let command = &self.script.commands[index];
        let is_call = matches!(self.script.uses[index], CommandUse::Step(_));
        let is_alone = command.before == CommandSeparator::End
            && command.after == CommandSeparator::Or
            && !command.is_nested;
        let next = (index + 1..self.script.commands.len())
            .find(|at| !self.script.commands[*at].is_substitution)?;
        let fallback = &self.script.commands[next];
        let is_said = fallback.after == CommandSeparator::End
            && self.is_neutral(fallback)
            && fallback.word(0) != "set";
        (is_call && is_alone && is_said).then_some(next)
    }

    /// Whether a command installs sentry-cli, or runs its installer, and does nothing else.
    fn is_installation(&self, index: usize) -> bool {
        let command = &self.script.commands[index];
        let is_installer = self.script.is_piped_installer(index);
        is_installer
            || is_installation(command) && command.words.iter().all(|word| is_text(&word.raw))
    }

    /// Whether a command says something to the log or sets a usual switch of the shell.
    fn is_neutral(&self, command: &ShellCommand) -> bool {
        let is_logged = command.targets.iter().all(|target| LOG.contains(&target.as_str()));
        let is_plain = command.assignments.is_empty() && is_logged && !command.may_assign;
        is_plain
            && match command.word(0) {
                "set" => !command.is_redirected && sets_switches(command),
                "true" | ":" => command.words.len() == 1,
                "echo" | "printf" => self.is_message(command),
                _ => false,
            }
    }

    /// Whether a command only says a text, which tells the host nothing.
    fn is_message(&self, command: &ShellCommand) -> bool {
        let words = command.words.iter().skip(1);
        let text: Vec<_> = words.clone().map(|word| word.raw.as_str()).collect();
        let text = text.join(" ");
        let is_escape = |at: usize| !text[at + 1..].starts_with(['n', 't', '"', '$', '\\']);
        let has_escape = text.match_indices('\\').any(|(at, _)| is_escape(at));
        let is_format = command.word(0) == "printf" && text.contains('%') && text.contains(':');
        let is_told = text.contains("::") || text.contains("##[") || has_escape || is_format;
        let is_said = |piece: WordPiece| match piece {
            WordPiece::Text(_) => true,
            WordPiece::Variable(name) => self.values.value(&format!("${name}")).is_ok(),
            _ => false,
        };
        !is_told
            && !command.word(1).starts_with("-v")
            && words.clone().all(|word| pieces(&word.raw).into_iter().all(is_said))
    }

    fn assign(&mut self, command: &ShellCommand) -> Result<(), ValueError> {
        if command.is_redirected {
            return Err(ValueError::Computed(command.targets.concat()));
        }
        for (name, word) in &command.assignments {
            self.values.assign(name, word)?;
        }
        for word in command.words.iter().skip(1) {
            let name = match assignment(&word.raw) {
                Some((name, value)) => {
                    self.values.assign(name, value)?;
                    name
                }
                None => word.raw.as_str(),
            };
            self.values.export(name);
        }
        Ok(())
    }

    /// The call with texts for its words.
    fn call(
        &self,
        index: usize,
        call: &SentryCliCall,
        is_tolerated: bool,
    ) -> Result<PureCall, ValueError> {
        let mut call = self.without_repetition(call);
        let mut values = BTreeMap::new();
        for (name, word) in &call.inputs {
            values.insert(*name, self.values.value(word)?);
            if LISTS.contains(name) && !self.values.is_single(word) {
                let text = word.trim_matches('"').to_owned();
                return Err(match is_quoted(&self.script.commands[index], &text) {
                    true => ValueError::Items(name, text),
                    false => ValueError::Several(text),
                });
            }
        }
        self.check_quotes(&self.script.commands[index])?;
        self.add_exported(&call, &mut values);
        let mut identities = BTreeMap::new();
        for (name, value) in values {
            let identity = self.values.identity(&value);
            self.values.check_not_empty(&value, name == "commits")?;
            check_meaning(name, &identity, &call)?;
            identities.insert(name, identity);
            call.inputs.insert(name, value.text());
        }
        Ok(PureCall { index, call, identities, is_tolerated })
    }

    fn check_quotes(&self, command: &ShellCommand) -> Result<(), ValueError> {
        let assigned = command.assignments.iter().map(|(_, word)| word);
        let mut words = command.words.iter().map(|word| &word.raw).chain(assigned);
        words.try_for_each(|word| {
            let value = word.rsplit('=').next().unwrap_or_default();
            let is_own = VARIABLES.iter().any(|(_, variable)| self.inherits(value, variable));
            if is_own { Ok(()) } else { self.values.check_quotes(word) }
        })
    }

    /// Whether a word is a variable that the script only hands through.
    fn inherits(&self, word: &str, variable: &str) -> bool {
        let is_it = word == format!("${variable}") || word == format!("${{{variable}}}");
        is_it && !self.values.is_assigned(variable)
    }

    /// The call without the flags that say what the variable of the same meaning says anyhow.
    fn without_repetition(&self, call: &SentryCliCall) -> SentryCliCall {
        let mut call = call.clone();
        for (input, variable) in VARIABLES.iter().take(4) {
            let repeats = |word: &String| self.inherits(word.trim_matches('"'), variable);
            if call.inputs.get(input).is_some_and(repeats) {
                call.inputs.remove(input);
            }
        }
        // A release that is finalized keeps its projects.
        if call.task == SentryCliTask::FinalizeRelease {
            call.inputs.remove("projects");
        }
        call
    }

    /// Adds what the script tells the call by variables, which a step does not have.
    fn add_exported(&self, call: &SentryCliCall, values: &mut BTreeMap<&'static str, StepValue>) {
        let task = call.task;
        for (input, variable) in VARIABLES {
            let is_used = match *input {
                "dist" => task == SentryCliTask::UploadSourcemaps,
                "projects" => task != SentryCliTask::FinalizeRelease,
                _ => true,
            } && task != SentryCliTask::InjectDebugIds;
            let exported = self.values.exported(variable).filter(|_| is_used);
            if let Some(value) = exported {
                values.entry(input).or_insert_with(|| value.clone());
            }
        }
    }
}

/// Refuses a value that an input takes for something else than sentry-cli does.
fn check_meaning(name: &str, text: &str, call: &SentryCliCall) -> Result<(), ValueError> {
    let proposal = text.find(PROPOSAL);
    let is_other = match name {
        "release" => {
            text.starts_with("file:")
                || text.trim() != text
                || text.contains("refs/")
                || text.replace("github.ref_", "").contains("github.ref")
                || proposal.is_some_and(|at| at + PROPOSAL.len() < text.len())
        }
        "commits" => call.has("commit") && !call.has("auto") && !text.contains('@'),
        "sourcemaps" => has_blank(text),
        _ => false,
    };
    if is_other || name != "release" && proposal.is_some() {
        let shown = text.replace(PROPOSAL, "$(sentry-cli releases propose-version)");
        return Err(ValueError::Special(shown));
    }
    Ok(())
}

/// Whether a value has a blank outside of its expressions, which in a list begins another item.
fn has_blank(value: &str) -> bool {
    let mut texts = value.split("${{").map(|part| part.rsplit("}}").next().unwrap_or_default());
    texts.any(|text| text.contains(char::is_whitespace))
}

/// Whether a text stands in quotes in a command.
fn is_quoted(command: &ShellCommand, text: &str) -> bool {
    command.words.iter().any(|word| word.raw.contains(&format!("\"{text}\"")))
}

fn is_text(raw: &str) -> bool {
    pieces(raw).iter().all(|piece| matches!(piece, WordPiece::Text(_)))
}

/// Whether a command makes variables known to the programs behind it.
pub(super) fn declares(command: &ShellCommand) -> bool {
    let is_name = |raw: &str| raw.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let mut words = command.words.iter().skip(1);
    command.word(0) == "export"
        && command.assignments.is_empty()
        && words.all(|word| assignment(&word.raw).is_some() || is_name(&word.raw))
}

/// Whether only switches are set that a step has anyhow, or that change no command.
fn sets_switches(command: &ShellCommand) -> bool {
    let is_switch = |at: usize| {
        let word = command.word(at);
        let letters = word.strip_prefix('-').unwrap_or_default();
        let is_known = !letters.is_empty() && letters.chars().all(|c| "euxvo".contains(c));
        is_known || ["pipefail", "errexit", "nounset", "xtrace", "verbose"].contains(&word)
    };
    (1..command.words.len()).all(is_switch)
}

fn other_message(command: &ShellCommand) -> String {
    let name = command.words.first().map_or_else(String::new, |word| word.raw.clone());
    let more = if command.words.len() > 1 { " …" } else { "" };
    format!("the script does more than call sentry-cli: {}", quote(&format!("{name}{more}")))
}

fn call_message(command: &ShellCommand) -> &'static str {
    match command.words.iter().any(|word| has_dollar_quote(&word.raw)) {
        true => "this call has a quote that not every shell knows, as in `$'…'`",
        false => "no input of a step says what this call does",
    }
}
