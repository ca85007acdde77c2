//! The scripts that one shell runs. Each call stays in its place, as the same call of finishline.

use super::MigrationNote;
use super::edit::TextEdit;
use super::program;
use super::program_probe::{ProgramProbe, names_program, only_decides_installation, probe};
use super::script_part::{CommandUse, JobPart, ScriptPart, is_installation};
use super::shell_reader::{self, ShellCommand};
use super::workflow_job::CommandPlace;

/// Why the calls of a session stay, and what to do.
type KeptReason = (&'static str, &'static str);

const BY_FILE: KeptReason = (
    "the script asks for the file of sentry-cli, which decides about its calls",
    "ask by `command -v finishline`, and write the calls as `finishline sentry-cli`",
);
const REFUSED: KeptReason = (
    "the script asks for sentry-cli, which it needs for more than what finishline does",
    "move those calls to another script, and migrate this one then",
);

/// The scripts of one shell.
pub(super) struct ScriptSession {
    parts: Vec<JobPart>,
    probes: Vec<(CommandPlace, ProgramProbe)>,
    kept: Option<KeptReason>,
}

impl ScriptSession {
    /// Reads the scripts in their order.
    pub(super) fn new<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let read = |text| ScriptPart::new(shell_reader::read(text));
        let mut parts: Vec<_> = texts.map(read).collect();
        if parts.iter().any(ScriptPart::defines_program) {
            parts.iter_mut().for_each(ScriptPart::refuse_own);
        }
        let parts: Vec<_> = parts.into_iter().map(JobPart::Script).collect();
        let probes = probes(&parts);
        let kept = kept_reason(&parts, &probes);
        Self { parts, probes, kept }
    }

    /// The changes to one script.
    pub(super) fn edits(&self, part: usize) -> Vec<TextEdit> {
        let JobPart::Script(script) = &self.parts[part] else { return Vec::new() };
        if self.kept.is_some() {
            return Vec::new();
        }
        let calls = script.commands.iter().zip(&script.uses).filter(|(_, one)| is_call(one));
        let found = calls.filter_map(|(command, _)| program::find(command));
        let mut edits: Vec<_> =
            found.map(|call| TextEdit::new(call.program.clone(), call.replacement())).collect();
        let has_calls = self.parts.iter().any(has_calls);
        for ((of, _), probe) in self.probes.iter().filter(|_| has_calls) {
            match probe {
                ProgramProbe::ByName(word) if *of == part => {
                    edits.push(TextEdit::new(word.clone(), "finishline"));
                }
                _ => {}
            }
        }
        edits
    }

    /// What of a script is not taken, and what is not used.
    pub(super) fn notes(&self, part: usize, line: impl Fn(usize) -> usize) -> Vec<MigrationNote> {
        let JobPart::Script(script) = &self.parts[part] else { return Vec::new() };
        let mut notes = script_notes(script, &line);
        let Some((message, hint)) = self.kept else { return notes };
        let place = |index: usize| line(script.commands[index].span.start);
        let probes = self.probes.iter().filter(|((of, _), _)| *of == part);
        notes.extend(
            probes.map(|((_, index), _)| MigrationNote::untranslated(place(*index), message, hint)),
        );
        let calls = script.uses.iter().enumerate().filter(|(_, one)| is_call(one));
        notes.extend(calls.map(|(index, _)| {
            let message = "this call stays: the script asks for sentry-cli before it";
            MigrationNote::untranslated(place(index), message, hint)
        }));
        notes
    }
}

fn is_call(one: &CommandUse) -> bool {
    matches!(one, CommandUse::Step(_) | CommandUse::Call)
}

fn has_calls(part: &JobPart) -> bool {
    matches!(part, JobPart::Script(script) if script.has_calls())
}

fn probes(parts: &[JobPart]) -> Vec<(CommandPlace, ProgramProbe)> {
    let of_part = |(part, one): (usize, &JobPart)| match one {
        JobPart::Script(script) => (0..script.commands.len())
            .filter_map(|index| Some(((part, index), probe(script, index)?)))
            .collect(),
        JobPart::Other => Vec::new(),
    };
    parts.iter().enumerate().flat_map(of_part).collect()
}

/// Why no call of the session can be translated.
fn kept_reason(parts: &[JobPart], probes: &[(CommandPlace, ProgramProbe)]) -> Option<KeptReason> {
    if probes.is_empty() || !parts.iter().any(has_calls) {
        return None;
    }
    if probes.iter().any(|(_, probe)| *probe == ProgramProbe::ByFile) {
        return Some(BY_FILE);
    }
    let needs = |part: usize, script: &ScriptPart, index: usize| match &script.uses[index] {
        CommandUse::Refused(_) => true,
        CommandUse::Step(_) | CommandUse::Call => false,
        CommandUse::Other => {
            let command = &script.commands[index];
            let is_probe = probes.binary_search_by_key(&(part, index), |(place, _)| *place).is_ok();
            let is_need = names_itself(command) && !is_installation(command);
            is_need && !is_probe && !only_decides_installation(script, index)
        }
    };
    let needs_program = parts.iter().enumerate().any(|(part, one)| match one {
        JobPart::Script(script) => {
            (0..script.commands.len()).any(|index| needs(part, script, index))
        }
        JobPart::Other => false,
    });
    needs_program.then_some(REFUSED)
}

/// Whether a command names the program outside of its substitutions, which are commands themselves.
fn names_itself(command: &ShellCommand) -> bool {
    let has_substitution = |raw: &str| raw.contains("$(") || raw.contains('`');
    names_program(command) && !command.words.iter().any(|word| has_substitution(&word.raw))
}

/// What of a script is not taken, and what is not used.
pub(super) fn script_notes(
    script: &ScriptPart,
    line: impl Fn(usize) -> usize,
) -> Vec<MigrationNote> {
    let mut notes = Vec::new();
    for (command, command_use) in script.commands.iter().zip(&script.uses) {
        match command_use {
            CommandUse::Refused(error) => {
                notes.push(MigrationNote::refused(line(command.span.start), error));
            }
            CommandUse::Step(call) if !call.warnings.is_empty() => {
                let line = line(command.span.start);
                let warnings = call.warnings.iter();
                notes.extend(warnings.map(|warning| MigrationNote::advice(line, warning.clone())));
            }
            CommandUse::Call if program::find(command).is_some_and(|call| call.is_contained) => {
                notes.push(MigrationNote::advice(line(command.span.start), NO_CONTAINER));
            }
            _ => {}
        }
    }
    notes
}

/// What changes where a call leaves its container.
const NO_CONTAINER: &str = "in its container, this call saw only the variables that `-e` names; now it sees all of the job, such as SENTRY_RELEASE and SENTRY_PROJECT";
