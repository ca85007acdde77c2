//! Commands of a script that ask whether sentry-cli is there: what they guard is skipped for ever once
//! nothing installs it any more.

use super::script_part::{ScriptPart, is_installation};
use super::shell_reader::{CommandSeparator, ShellCommand};
use std::ops::Range;

/// How a script asks for the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ProgramProbe {
    /// By its name, which stands there; whether finishline is there may be asked instead.
    ByName(Range<usize>),
    /// By its file, or so that the answer is used for more than a condition.
    ByFile,
}

const BY_NAME: &[&str] = &["command", "type", "hash", "which"];
const CONDITIONS: &[&str] = &["test", "[", "[["];

/// How a command asks for the program, if it does.
pub(super) fn probe(script: &ScriptPart, index: usize) -> Option<ProgramProbe> {
    let command = &script.commands[index];
    let word = command.word(0);
    if script.uses[index].is_call() {
        return None;
    }
    if CONDITIONS.contains(&word) {
        let names = |raw: &str| raw.contains("sentry-cli") && !raw.contains(['`', '(']);
        let is_by_file = command.words.iter().any(|word| names(&word.raw));
        return is_by_file.then_some(ProgramProbe::ByFile);
    }
    let at = (1..command.words.len()).find(|at| command.word(*at) == "sentry-cli")?;
    let asks = BY_NAME.contains(&word) && (word != "command" || command.word(1).starts_with('-'));
    if !asks || only_decides_installation(script, index) {
        return None;
    }
    let is_condition = !command.is_substitution || CONDITIONS.contains(&owner(script, index));
    let span = command.words[at].span.clone();
    Some(if is_condition { ProgramProbe::ByName(span) } else { ProgramProbe::ByFile })
}

/// Whether nothing but the installation depends on the answer.
pub(super) fn only_decides_installation(script: &ScriptPart, index: usize) -> bool {
    let installs = script.commands.get(index + 1).is_some_and(is_installation);
    script.commands[index].after == CommandSeparator::Or && installs
}

/// The first word of the command that has a substitution.
fn owner(script: &ScriptPart, index: usize) -> &str {
    let owner = script.commands[index..].iter().find(|command| !command.is_substitution);
    owner.map_or("", |command| command.word(0))
}

/// Whether a command names the program and does not only say its name.
pub(super) fn names_program(command: &ShellCommand) -> bool {
    let is_said = matches!(command.word(0), "echo" | "printf") && !command.is_redirected;
    let values = command.assignments.iter().map(|(_, value)| value.as_str());
    let mut texts = command.words.iter().map(|word| word.raw.as_str()).chain(values);
    !is_said && texts.any(mentions_program)
}

/// Whether a text has the name of the program or of its package.
pub(super) fn mentions_program(text: &str) -> bool {
    ["sentry-cli", "@sentry/cli"].iter().any(|name| text.contains(name))
}
