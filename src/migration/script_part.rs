//! The commands of a script, and what each is to a migration.

use super::client_variables::VARIABLES;
use super::program;
use super::shell_reader::{CommandSeparator, ShellCommand};
use super::shell_state::StepEnvironment;
use super::shell_word::{canonical, has_dollar_quote};
use crate::error::Error;
use crate::sentry_cli::{self, SentryCliCall, SentryCliTask};

/// A part of a job, in its order.
pub(super) enum JobPart {
    /// A script.
    Script(ScriptPart),
    /// Something else, which may need what was done before it, and may set variables for what follows.
    Other { sets_variables: bool, is_barrier: bool },
}

/// A script of a job.
pub(super) struct ScriptPart {
    pub(super) commands: Vec<ShellCommand>,
    /// When and where it runs: only what is equal in this can be one step.
    pub(super) context: String,
    /// With what a step of a workflow begins, which becomes a step of its own; `None` in a script
    /// that goes on in the shell of the one before it.
    pub(super) environment: Option<StepEnvironment>,
    /// Whether it may set variables for later steps.
    pub(super) sets_variables: bool,
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
    /// Whether that is because its script goes on where a command fails.
    pub(super) goes_on: bool,
    /// The command that decides whether it is reached, if one does.
    pub(super) condition: Option<usize>,
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
        Self { commands, context, environment: None, sets_variables: false, uses }
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

    /// Whether a call takes its token from this variable.
    pub(super) fn is_token(&self, variable: &str) -> bool {
        let calls = (0..self.uses.len()).filter_map(|index| self.step_call(index));
        let mut tokens = calls.filter_map(|step| step.call.inputs.get("auth-token"));
        tokens.any(|token| token.contains(variable))
    }

    /// The commands that install sentry-cli.
    pub(super) fn installations(&self) -> impl Iterator<Item = usize> {
        (0..self.commands.len()).filter(|index| is_installation(&self.commands[*index]))
    }

    /// Whether a command runs the installer of sentry-cli that the one before it prints.
    pub(super) fn is_piped_installer(&self, index: usize) -> bool {
        is_piped_installer(&self.commands, index)
    }

    /// Whether anything in it is a call.
    pub(super) fn has_calls(&self) -> bool {
        let is_call = |one: &CommandUse| !matches!(one, CommandUse::Other | CommandUse::Neutral);
        self.uses.iter().any(is_call)
    }
}

/// Whether a command ends its script.
pub(super) fn ends_script(command: &ShellCommand) -> bool {
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

/// Whether a command runs the installer that the one before it prints, by a pipe or within a word.
pub(super) fn is_piped_installer(commands: &[ShellCommand], index: usize) -> bool {
    let word = |at: usize| commands.get(index).map_or("", |command| command.word(at));
    let is_shell = |at| matches!(word(at), "sh" | "bash");
    let runs = is_shell(0) || matches!(word(0), "sudo" | "env") && (1..8).any(is_shell);
    index > 0 && runs && is_installation(&commands[index - 1])
}

fn command_use(commands: &[ShellCommand], index: usize, condition: Option<usize>) -> CommandUse {
    let command = &commands[index];
    let Some(found) = program::find(command) else {
        let is_installer = is_piped_installer(commands, index);
        let is_neutral = command.is_substitution || is_installer || is_neutral(command);
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
    let values = command.assignments.iter().map(|(_, value)| value.as_str());
    let mut texts = command.words.iter().map(|word| word.raw.as_str()).chain(values);
    if texts.any(has_dollar_quote)
        || !is_alone
        || !is_of_step(&call)
        || !take_variables(&mut call, &found.variables)
    {
        return CommandUse::Call;
    }
    for value in call.inputs.values_mut() {
        *value = canonical(value);
    }
    let is_tolerated = tolerance == Some(true);
    CommandUse::Step(Box::new(StepCall { call, is_tolerated, goes_on: false, condition }))
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
    variables.iter().all(|(variable, value)| {
        let input = VARIABLES.iter().find(|(_, name)| name == variable);
        if let Some((input, _)) = input.filter(|_| variable != "SENTRY_DIST") {
            call.inputs.entry(input).or_insert_with(|| value.clone());
        }
        input.is_some() && variable != "SENTRY_DIST" || variable == "SENTRY_LOG_LEVEL"
    })
}
