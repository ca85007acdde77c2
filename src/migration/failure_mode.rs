//! Whether a script ends where one of its commands fails: by its shell, and by `set`.

use super::harmless_command::never_fails;
use super::script_part::{CommandUse, ScriptPart};
use super::shell_reader::{CommandSeparator, ShellCommand};

/// Whether a `shell:` of a workflow ends a script at the first failure, as those do that are only named.
pub(super) fn ends_at_failure(shell: Option<&str>) -> bool {
    let Some(shell) = shell.filter(|shell| shell.contains("{0}")) else { return true };
    let is_switch = |word: &str| {
        let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
        word == "errexit" || letters.is_some_and(|letters| letters.contains('e'))
    };
    shell.split_whitespace().skip(1).any(is_switch)
}

/// What a command says about that, if it does.
pub(super) fn failure_switch(command: &ShellCommand) -> Option<bool> {
    if command.word(0) != "set" {
        return None;
    }
    let mut said = None;
    for at in 1..command.words.len() {
        let word = command.word(at);
        let sign = word.chars().next().filter(|sign| "+-".contains(*sign));
        let is_named = word.ends_with('o') && command.word(at + 1) == "errexit";
        if let Some(sign) = sign
            && (is_named || word[1..].contains('e'))
        {
            said = Some(sign == '-');
        }
    }
    said
}

impl ScriptPart {
    /// Takes as let pass the failures that do not end the script, nor are its own.
    pub(super) fn let_failures_pass(&mut self, ends_at_failure: bool) {
        let last = self.commands.iter().rposition(|command| !command.is_substitution);
        let mut ends = ends_at_failure;
        for index in 0..self.commands.len() {
            ends = failure_switch(&self.commands[index]).unwrap_or(ends);
            let list = self.rest_of_list(index);
            let is_own = last == list.last().copied();
            let is_only_said = list[1..].iter().all(|at| never_fails(&self.commands[*at]));
            let CommandUse::Step(step) = &mut self.uses[index] else { continue };
            if is_own || step.is_tolerated || ends && list.len() == 1 {
                continue;
            }
            if is_only_said {
                (step.is_tolerated, step.goes_on) = (true, true);
            } else {
                // What follows in the list depends on it, and what follows the list does not.
                self.uses[index] = CommandUse::Call;
            }
        }
    }

    /// A command and those that `&&` joins to it.
    fn rest_of_list(&self, index: usize) -> Vec<usize> {
        let mut list = vec![index];
        let mut after = self.commands[index].after;
        for (at, command) in self.commands.iter().enumerate().skip(index + 1) {
            if after != CommandSeparator::And {
                break;
            }
            if !command.is_substitution {
                list.push(at);
                after = command.after;
            }
        }
        list
    }
}
