//! Which calls of a job are one step, and which stay calls.

use super::program;
use super::shell_reader::{CommandSeparator, ShellCommand};
use super::shell_word::canonical;
use crate::error::Error;
use crate::sentry_cli::{self, SentryCliCall, SentryCliTask, StepConflict, StepInputs};
use std::collections::BTreeSet;

/// A part of a job, in its order.
pub(super) enum JobPart {
    /// A script.
    Script(ScriptPart),
    /// Something else, which may need what was done before it.
    Other,
}

/// A script of a job.
pub(super) struct ScriptPart {
    pub(super) commands: Vec<ShellCommand>,
    /// When and where it runs: only what is equal in this can be one step.
    pub(super) context: String,
    /// Whether the step that it becomes is separate, so that a failure of its own cannot be let pass
    /// in the midst of it.
    pub(super) becomes_step: bool,
    pub(super) uses: Vec<CommandUse>,
}

/// What a command is to a migration.
#[derive(Debug)]
pub(super) enum CommandUse {
    /// Something that may need what was done before it.
    Other,
    /// An assignment or a message, which needs nothing.
    Neutral,
    /// A call that can be part of a step.
    Step(Box<StepCall>),
    /// A call that stays one.
    Call,
    /// A call that is not taken.
    Refused(Error),
}

/// A call that can be part of a step.
#[derive(Debug)]
pub(super) struct StepCall {
    pub(super) call: SentryCliCall,
    /// Whether its failure is let pass.
    pub(super) is_tolerated: bool,
    /// The command that decides whether it is reached, if one does.
    condition: Option<usize>,
}

/// A command of a job: its part, and its place there.
pub(super) type CommandPlace = (usize, usize);

/// Calls that are one step, at the place of the last.
pub(super) struct StepGroup {
    pub(super) inputs: StepInputs,
    pub(super) calls: Vec<CommandPlace>,
    context: String,
    condition: Option<CommandPlace>,
    is_tolerated: Option<bool>,
    is_open: bool,
}

impl StepGroup {
    pub(super) fn last(&self) -> CommandPlace {
        *self.calls.last().expect("a group begins with a call")
    }

    /// Whether another command decides if it is reached.
    pub(super) fn has_condition(&self) -> bool {
        self.condition.is_some()
    }

    /// Whether its failure is let pass.
    pub(super) fn is_tolerated(&self) -> bool {
        self.is_tolerated == Some(true)
    }
}

/// Commands that need nothing of what was done before.
const NEUTRAL: &[&str] =
    &["echo", "printf", "export", "declare", "local", "readonly", "set", "true", ":", "umask"];

impl ScriptPart {
    /// Reads what each command of a script is.
    pub(super) fn new(commands: Vec<ShellCommand>, context: String) -> Self {
        let mut uses = Vec::new();
        let mut condition = None;
        for (index, command) in commands.iter().enumerate() {
            if matches!(command.before, CommandSeparator::End | CommandSeparator::Other)
                && !command.is_substitution
            {
                condition = None;
            }
            let command_use = command_use(&commands, index, condition);
            let decides = matches!(command_use, CommandUse::Other | CommandUse::Call);
            if decides && !command.is_substitution {
                condition = Some(index);
            }
            uses.push(command_use);
        }
        Self { commands, context, becomes_step: false, uses }
    }

    /// Whether a command may end the script before what follows.
    pub(super) fn may_end_early(&self) -> bool {
        self.commands.iter().any(ends_script)
    }

    /// The step call at a place.
    pub(super) fn step_call(&self, index: usize) -> Option<&StepCall> {
        match &self.uses[index] {
            CommandUse::Step(call) => Some(call),
            _ => None,
        }
    }

    /// Whether anything in it is a call.
    pub(super) fn has_calls(&self) -> bool {
        let is_call = |one: &CommandUse| !matches!(one, CommandUse::Other | CommandUse::Neutral);
        self.uses.iter().any(is_call)
    }
}

/// Whether a command ends its script.
fn ends_script(command: &ShellCommand) -> bool {
    matches!(command.word(0), "exit" | "return" | "exec")
}

/// Whether a command only sets variables or prints.
pub(super) fn is_neutral(command: &ShellCommand) -> bool {
    command.words.is_empty() || NEUTRAL.contains(&command.word(0)) || is_installation(command)
}

/// Whether a command installs sentry-cli.
pub(super) fn is_installation(command: &ShellCommand) -> bool {
    let raw = |text: &str| command.words.iter().any(|word| word.raw.contains(text));
    match command.word(0) {
        "curl" | "wget" => raw("sentry.io/get-cli"),
        "npm" | "yarn" | "pnpm" | "bun" => {
            let adds = ["install", "i", "add", "global"].contains(&command.word(1));
            let packages = command.words.iter().skip(2);
            let is_other = |word: &str| {
                !word.starts_with('-') && word != "add" && !word.starts_with("@sentry/cli")
            };
            adds && raw("@sentry/cli")
                && !packages.map(|word| word.raw.trim_matches('"')).any(is_other)
        }
        _ => false,
    }
}

fn command_use(commands: &[ShellCommand], index: usize, condition: Option<usize>) -> CommandUse {
    let command = &commands[index];
    let Some(found) = program::find(command) else {
        let is_piped_installer = matches!(command.word(0), "sh" | "bash")
            && index > 0
            && is_installation(&commands[index - 1]);
        let is_neutral = command.is_substitution || is_piped_installer || is_neutral(command);
        return if is_neutral { CommandUse::Neutral } else { CommandUse::Other };
    };
    let arguments = command.words.iter().filter(|word| word.span.start >= found.program.end);
    let arguments: Vec<_> = arguments.map(|word| word.raw.clone()).collect();
    let mut call = match sentry_cli::parse(&arguments) {
        Err(error) => return CommandUse::Refused(error),
        Ok(Err(_)) => return CommandUse::Call,
        Ok(Ok(call)) => call,
    };
    let tolerance = tolerance(commands, index);
    let is_alone = !command.is_nested
        && !command.is_redirected
        && tolerance.is_some()
        && !matches!(command.before, CommandSeparator::Or | CommandSeparator::Other);
    if !is_alone || !is_of_step(&call) || !take_variables(&mut call, &found.variables) {
        return CommandUse::Call;
    }
    for value in call.inputs.values_mut() {
        *value = canonical(value);
    }
    // What the variable of the same meaning gives anyhow.
    let variables = [
        ("org", "SENTRY_ORG"),
        ("projects", "SENTRY_PROJECT"),
        ("url", "SENTRY_URL"),
        ("auth-token", "SENTRY_AUTH_TOKEN"),
    ];
    for (input, variable) in variables {
        if call.inputs.get(input).is_some_and(|value| *value == format!("\"${variable}\"")) {
            call.inputs.remove(input);
        }
    }
    let is_tolerated = tolerance == Some(true);
    CommandUse::Step(Box::new(StepCall { call, is_tolerated, condition }))
}

/// Whether the failure of a command is let pass; `None` where something else depends on it.
fn tolerance(commands: &[ShellCommand], index: usize) -> Option<bool> {
    match commands[index].after {
        CommandSeparator::Or => {
            let fallback = commands[index + 1..].iter().find(|command| !command.is_substitution)?;
            let is_quiet = matches!(fallback.word(0), "true" | ":" | "echo" | "printf");
            (is_quiet && fallback.after == CommandSeparator::End).then_some(true)
        }
        CommandSeparator::Other => None,
        CommandSeparator::End | CommandSeparator::And => Some(false),
    }
}

fn is_of_step(call: &SentryCliCall) -> bool {
    use SentryCliTask::{
        FinalizeRelease, InjectDebugIds, NewDeploy, NewRelease, SetCommits, UploadSourcemaps,
    };
    let tasks =
        [NewRelease, SetCommits, FinalizeRelease, NewDeploy, InjectDebugIds, UploadSourcemaps];
    // Its start is a time before now, and its failure is let pass: a step has no such input.
    let is_own =
        call.has("time") || call.has("allow-failure") || call.inputs.contains_key("dry-run");
    tasks.contains(&call.task) && !is_own
}

/// Takes the variables that are given to a call alone as its inputs; whether it could.
fn take_variables(call: &mut SentryCliCall, variables: &[(String, String)]) -> bool {
    let inputs = [
        ("SENTRY_ORG", "org"),
        ("SENTRY_PROJECT", "projects"),
        ("SENTRY_URL", "url"),
        ("SENTRY_AUTH_TOKEN", "auth-token"),
        ("SENTRY_RELEASE", "release"),
    ];
    variables.iter().all(|(variable, value)| {
        let input = inputs.iter().find(|(name, _)| name == variable);
        if let Some((_, input)) = input {
            call.inputs.entry(input).or_insert_with(|| value.clone());
        }
        input.is_some() || variable == "SENTRY_LOG_LEVEL"
    })
}

/// Finds the steps of a job. A call that cannot be in any becomes [`CommandUse::Call`].
pub(super) fn plan(parts: &mut [JobPart]) -> Vec<StepGroup> {
    loop {
        let groups = groups(parts);
        let Some(alone) = injected_alone(parts, &groups) else { return groups };
        for (part, command) in alone {
            if let JobPart::Script(script) = &mut parts[part] {
                script.uses[command] = CommandUse::Call;
            }
        }
    }
}

/// The calls that inject ids into files which the same step would not upload.
fn injected_alone(parts: &[JobPart], groups: &[StepGroup]) -> Option<Vec<CommandPlace>> {
    let is_alone = |group: &&StepGroup| {
        group.inputs.does(SentryCliTask::InjectDebugIds)
            && !group.inputs.does(SentryCliTask::UploadSourcemaps)
    };
    let group = groups.iter().find(is_alone)?;
    let injects = |place: &&CommandPlace| match &parts[place.0] {
        JobPart::Script(script) => script
            .step_call(place.1)
            .is_some_and(|step| step.call.task == SentryCliTask::InjectDebugIds),
        JobPart::Other => false,
    };
    Some(group.calls.iter().filter(injects).copied().collect())
}

fn groups(parts: &[JobPart]) -> Vec<StepGroup> {
    let mut groups = Vec::new();
    let mut assigned = BTreeSet::new();
    for (part, one) in parts.iter().enumerate() {
        let JobPart::Script(script) = one else {
            close(&mut groups, false);
            continue;
        };
        for (index, command) in script.commands.iter().enumerate() {
            match &script.uses[index] {
                CommandUse::Step(call) => join(&mut groups, script, (part, index), call),
                CommandUse::Neutral if command.is_substitution => {}
                CommandUse::Neutral => {
                    // A value that changes would be another one in a call that is done later.
                    for (name, _) in &command.assignments {
                        if !assigned.insert(name) {
                            close(&mut groups, true);
                        }
                    }
                }
                CommandUse::Call if command.is_substitution => {}
                // It may need the release.
                CommandUse::Call => close(&mut groups, true),
                CommandUse::Other if ends_script(command) => close(&mut groups, true),
                CommandUse::Other | CommandUse::Refused(_) => close(&mut groups, false),
            }
        }
    }
    groups
}

/// Ends the steps that must be done before what follows.
fn close(groups: &mut [StepGroup], all: bool) {
    for group in groups {
        group.is_open &= !all && group.inputs.may_be_later();
    }
}

/// Adds a call to an open step, or begins one with it.
fn join(groups: &mut Vec<StepGroup>, script: &ScriptPart, place: CommandPlace, step: &StepCall) {
    let condition = step.condition.map(|index| (place.0, index));
    let passes = step.call.task == SentryCliTask::SetCommits;
    for group in groups.iter_mut().rev().filter(|group| group.is_open) {
        // A step that uploads files fails where they are not uploaded, whatever else it does.
        let is_upload = script.becomes_step && group.inputs.does(SentryCliTask::UploadSourcemaps);
        let is_tolerated = group
            .is_tolerated
            .is_none_or(|known| passes || is_upload || known == step.is_tolerated);
        let fits = group.context == script.context
            && group.condition == condition
            && is_tolerated
            && have_one_release(&group.inputs, &step.call);
        if fits && group.inputs.add(&step.call).is_ok() {
            group.calls.push(place);
            if !passes {
                group.is_tolerated.get_or_insert(step.is_tolerated);
            }
            return;
        }
    }
    let mut inputs = StepInputs::default();
    let added: Result<(), StepConflict> = inputs.add(&step.call);
    debug_assert!(added.is_ok(), "an empty step takes every call");
    let is_tolerated = (!passes).then_some(step.is_tolerated);
    let context = script.context.clone();
    groups.push(StepGroup {
        inputs,
        calls: vec![place],
        context,
        condition,
        is_tolerated,
        is_open: true,
    });
}

/// Whether files that are uploaded without a release stay without one.
fn have_one_release(inputs: &StepInputs, call: &SentryCliCall) -> bool {
    let uploads_without = |does: bool, release: Option<&str>| does && release.is_none();
    let group = inputs.get("release");
    let release = call.inputs.get("release").map(String::as_str);
    let of_variable = "\"$SENTRY_RELEASE\"";
    let does_upload = inputs.does(SentryCliTask::UploadSourcemaps);
    let uploads = call.task == SentryCliTask::UploadSourcemaps;
    let is_loose =
        uploads_without(uploads, release) && group.is_some_and(|group| group != of_variable);
    let was_loose = uploads_without(does_upload, group)
        && release.is_some_and(|release| release != of_variable);
    !is_loose && !was_loose
}
