//! Why a script of a workflow stays, whatever its calls are.

use super::pure_script::BY_HAND;
use super::workflow_host::has_alias;
use super::workflow_job::JobSteps;
use super::workflow_projects::runs_after_failure;
use crate::text::quote;
use std::collections::BTreeSet;

/// Why a step stays as it is: the line, what is the matter, and what to do.
pub(super) type StuckStep = (usize, String, String);

/// How many steps one script may become.
const MAX_STEPS: usize = 100;

/// The steps of which a file in lower case reads something, by their ids; `*` for any.
pub(super) fn read_steps(source: &str) -> BTreeSet<&str> {
    let behind = source.match_indices("steps").map(|(at, word)| &source[at + word.len()..]);
    behind.filter_map(read_step).collect()
}

/// The step that an expression reads, from behind the word.
fn read_step(behind: &str) -> Option<&str> {
    let line = behind.lines().next().unwrap_or_default();
    if let Some(rest) = line.strip_prefix('.') {
        return rest.split(['.', ' ', '[', '}', ')']).next();
    }
    if let Some(rest) = line.strip_prefix("['").or(line.strip_prefix("[\"")) {
        return rest.split(['\'', '"']).next();
    }
    line.trim_start().starts_with([')', '[']).then_some("*")
}

impl JobSteps<'_> {
    /// Why the calls of a step are no steps, where that is not because of what they say.
    pub(super) fn layout_reason(&self, step: usize) -> Option<StuckStep> {
        let text = &self.steps[step];
        let reason = |message: String, hint: &str| (text.node.line, message, hint.to_owned());
        if !text.is_block() {
            let message = "the step is written in braces, or something else follows its dash";
            return Some(reason(message.to_owned(), "write each key on a line of its own"));
        }
        if self.is_read(step) {
            let id = text.value("id").unwrap_or_default();
            let message = format!("other steps read the outputs of the step `{id}`");
            return Some(reason(message, "move the calls into a step of their own"));
        }
        if self.has_alias || has_alias(text.node) {
            let message = "an alias says something of the variables, the shell or the runner here";
            return Some(reason(message.to_owned(), "write the text in place of the alias"));
        }
        if let Some(words) = &self.idle_words {
            return Some(reason(words.clone(), BY_HAND));
        }
        let environment = self.environment_of(step);
        if let Some(name) = environment.names().find(|name| differs_for_step(name)) {
            let message =
                format!("`{name}` in `env:` means something else for a step than for its calls");
            return Some(reason(message, BY_HAND));
        }
        self.shell_reason(step).map(|message| reason(message, BY_HAND))
    }

    /// Why a script may be of another shell, or go on after a failure.
    fn shell_reason(&self, step: usize) -> Option<String> {
        match self.shell_of(step) {
            None if self.may_be_windows => {
                Some("the job may run on Windows, where a script without `shell: bash` is one of PowerShell".to_owned())
            }
            None => None,
            Some(shell) if is_plain_shell(shell) => None,
            Some(shell) => Some(format!(
                "the calls are in a script of {}, which is another shell or goes on after a failure",
                quote(shell)
            )),
        }
    }

    /// Why a script is not as many steps as it would become.
    pub(super) fn count_reason(&self, step: usize, count: usize) -> Option<StuckStep> {
        let condition = self.steps[step].value("if").unwrap_or_default();
        let lower = condition.to_ascii_lowercase();
        let continues = self.steps[step].value("continue-on-error");
        let goes_on = continues.is_some_and(|value| value != "false")
            || runs_after_failure(condition)
            || ["job.status", "hashfiles"].iter().any(|word| lower.contains(word));
        if count > 1 && goes_on {
            let message = format!(
                "this script would be {count} steps, and its `if:` or `continue-on-error` would let the later \
                 ones run after a failure"
            );
            return Some((self.steps[step].node.line, message, BY_HAND.to_owned()));
        }
        let message =
            format!("this script would be {count} steps, and at most {MAX_STEPS} are made");
        let hint = "call `finishline` in a script of its own".to_owned();
        (count > MAX_STEPS).then(|| (self.line(step, 0), message, hint))
    }
}

/// Whether a variable says something to the shell or to a step that it does not say to sentry-cli.
fn differs_for_step(name: &str) -> bool {
    const NAMES: [&str; 5] =
        ["BASH_ENV", "ENV", "SENTRY_ALLOW_FAILURE", "SENTRY_DOTENV_PATH", "SENTRY_LOAD_DOTENV"];
    NAMES.contains(&name) || name.starts_with("FINISHLINE_")
}

/// Whether a `shell:` is Bash or a POSIX shell that reads no other file and ends at a failure.
fn is_plain_shell(shell: &str) -> bool {
    let mut words = shell.split_whitespace();
    let is_named = matches!(words.next(), Some("bash" | "sh"));
    let words: Vec<_> = words.collect();
    let is_switches = |word: &&str| {
        let letters = word.strip_prefix('-').unwrap_or_default();
        !letters.is_empty() && letters.chars().all(|c| "euxo".contains(c))
    };
    let others = ["{0}", "errexit", "pipefail", "nounset", "--noprofile", "--norc"];
    let is_known = |word: &&str| is_switches(word) || others.contains(word);
    let ends = |word: &&str| is_switches(word) && word.contains('e') || *word == "errexit";
    is_named && words.iter().all(is_known) && (words.is_empty() || words.iter().any(ends))
}
