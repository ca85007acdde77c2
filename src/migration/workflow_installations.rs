//! The installations of sentry-cli in a job of a workflow, and what behind them may need it.

use super::MigrationNote;
use super::plain_programs::PLAIN_PROGRAMS;
use super::program_probe::{mentions_program, names_program};
use super::pure_script::{BY_HAND, declares};
use super::script_part::{CommandUse, JobPart, ScriptPart, installs_project, is_installation};
use super::shell_reader::{CommandSeparator, ShellCommand};
use super::workflow_job::{CommandPlace, JobSteps, owner_is_among, scripts};
use super::workflow_reasons::StuckStep;
use crate::text::quote;
use std::collections::BTreeSet;

/// Whose actions run no program of the job's own.
const CLOSED_ACTIONS: &[&str] = &[
    "actions/",
    "docker/",
    "aws-actions/",
    "google-github-actions/",
    "azure/",
    "dtolnay/",
    "softprops/",
    "peter-evans/",
    "getsentry/action-release",
    "OWNER/finishline",
];

/// Commands of the shell that run no program.
const CLOSED_COMMANDS: &[&str] = &[
    "",
    "echo",
    "printf",
    "true",
    "false",
    ":",
    "test",
    "[",
    "[[",
    "]]",
    "pwd",
    "umask",
    "type",
    "hash",
    "times",
    "exit",
    "return",
    "break",
    "continue",
    "sleep",
    "which",
    "export",
    "declare",
    "typeset",
    "local",
    "readonly",
    "unset",
    "read",
    "mapfile",
    "readarray",
    "getopts",
    "set",
    "shift",
    "cd",
    "pushd",
    "popd",
];

/// What of a job may need sentry-cli, in its order.
pub(super) struct ProgramNeeds {
    places: Vec<(CommandPlace, String)>,
    /// Those that name it.
    named: BTreeSet<CommandPlace>,
    /// Whether what is behind the job may need it too.
    is_open: bool,
}

impl ProgramNeeds {
    /// Why an installation stays, if it does.
    pub(super) fn reason(
        &self,
        script: &ScriptPart,
        (step, index): CommandPlace,
    ) -> Option<String> {
        let need = |from: CommandPlace| {
            let first = self.places.partition_point(|(other, _)| *other < from);
            self.places.get(first).map(|(_, name)| format!("{name} may need it"))
        };
        let command = &script.commands[index];
        let is_piped = script.is_piped_installer(index + 1);
        let is_part = command.is_nested
            || matches!(command.before, CommandSeparator::Or | CommandSeparator::Other)
            || command.after == CommandSeparator::Other && !is_piped;
        if installs_project(command) {
            return Some("it installs the packages of the project, too".to_owned());
        }
        let asked = || self.named.range((step, 0)..(step, index)).next().is_some();
        let reason =
            || is_part.then(|| "it is part of a condition or of a longer command".to_owned());
        need((step, index + 1)).or_else(reason).or_else(|| {
            let other =
                if asked() { "the script asks for it" } else { "other workflows may need it" };
            (self.is_open || asked()).then(|| other.to_owned())
        })
    }
}

impl JobSteps<'_> {
    /// Everything that may need sentry-cli when the calls of the job are steps.
    pub(super) fn program_needs(&self, parts: &[JobPart]) -> ProgramNeeds {
        let (mut places, mut named) = (Vec::new(), BTreeSet::new());
        for (step, part) in parts.iter().enumerate() {
            match part {
                JobPart::Script(script) => {
                    let mut need = |(index, command): (usize, &ShellCommand)| {
                        let name = need_of_command(script, index, command)?;
                        named.extend(names_program(command).then_some((step, index)));
                        Some(((step, index), name))
                    };
                    places.extend(script.commands.iter().enumerate().filter_map(&mut need));
                }
                JobPart::Other => {
                    places.extend(self.need_of_step(step).map(|name| ((step, 0), name)));
                }
            }
        }
        ProgramNeeds { places, named, is_open: self.is_composite }
    }

    /// What of a step that is no script, or one that stays, may need it.
    fn need_of_step(&self, step: usize) -> Option<String> {
        let text = &self.steps[step];
        if let Some(action) = text.value("uses") {
            let is_closed =
                owner_is_among(action, CLOSED_ACTIONS) && !mentions_program(text.written("with"));
            return (!is_closed && !action.contains("setup-sentry-cli")).then(|| quote(action));
        }
        self.script(step).map(|_| format!("the script in line {}", self.line(step, 0)))
    }

    /// The scripts with calls that stay, as something behind them needs what they install.
    pub(super) fn needed_installations(&self, parts: &[JobPart]) -> Vec<(usize, StuckStep)> {
        let needs = self.program_needs(parts);
        let mut found = Vec::new();
        for (step, script) in scripts(parts).filter(|(_, script)| script.has_calls()) {
            let place = |index: usize| Some((index, needs.reason(script, (step, index))?));
            if let Some((index, reason)) = script.installations().find_map(place) {
                let line = self.line(step, script.commands[index].span.start);
                let message = format!("the installation of sentry-cli stays: {reason}");
                found.push((step, (line, message, BY_HAND.to_owned())));
            }
        }
        found
    }

    /// Says of each installation that stays why it does.
    pub(super) fn installation_notes(&self, parts: &[JobPart]) -> Vec<MigrationNote> {
        let needs = self.program_needs(parts);
        let mut notes = Vec::new();
        for (step, script) in scripts(parts) {
            let installs = script.commands.iter().enumerate();
            for (index, command) in installs.filter(|(_, command)| is_installation(command)) {
                let reason = needs.reason(script, (step, index));
                notes.extend(reason.map(|reason| {
                    let message = format!("the installation of sentry-cli stays: {reason}");
                    MigrationNote::advice(self.line(step, command.span.start), message)
                }));
            }
        }
        notes
    }
}

/// What a command is called that may need the program; a call that becomes a step does not.
fn need_of_command(script: &ScriptPart, index: usize, command: &ShellCommand) -> Option<String> {
    let assigned = || command.assignments.first().map(|(name, _)| format!("{name}=…"));
    let first = || command.words.first().map(|word| word.raw.clone());
    let name = || quote(&first().or_else(assigned).unwrap_or_default());
    // A version is proposed in a script that becomes steps, and goes with it.
    let has_steps = script.uses.iter().any(|one| matches!(one, CommandUse::Step(_)));
    match &script.uses[index] {
        CommandUse::Step(_) => None,
        CommandUse::Call if has_steps && command.is_substitution => None,
        CommandUse::Call | CommandUse::Refused(_) => Some(name()),
        CommandUse::Other => {
            let is_own = is_installation(command) || script.is_piped_installer(index);
            // So is what takes it.
            let takes_proposal = has_steps && (command.words.is_empty() || declares(command));
            (!is_own && !takes_proposal && may_run_program(command)).then(name)
        }
    }
}

fn may_run_program(command: &ShellCommand) -> bool {
    let word = match command.word(0) {
        "sudo" => command.word(1),
        word => word,
    };
    let is_container = matches!(word, "docker" | "podman")
        && ["build", "push", "pull", "login", "tag"].contains(&command.word(1));
    let is_head = command.is_nested && command.word(1) == "in";
    let is_closed = CLOSED_COMMANDS.contains(&word) || PLAIN_PROGRAMS.contains(&word);
    names_program(command) || !(is_head || is_container || is_closed)
}
