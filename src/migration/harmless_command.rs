//! Which commands of a script change nothing that a call of sentry-cli could notice, so that the call may
//! stand on either side of them. Only what is listed here is one of them.

use super::command_effect::only_switches;
use super::shell_reader::{self, CommandSeparator, ShellCommand, assignment};
use super::shell_word::{WordPiece, pieces, unquoted};

/// Where a message may go: nowhere, to the log, or to what the host reads when the step has ended.
const TARGETS: &[&str] = &[
    ">/dev/null",
    ">&1",
    ">&2",
    ">>$GITHUB_OUTPUT",
    ">>$GITHUB_STEP_SUMMARY",
    ">>$GITHUB_ENV",
    ">>$GITHUB_PATH",
];

/// Programs that only print what they read.
const READERS: &[&str] = &[
    "cat", "jq", "echo", "printf", "cut", "tr", "head", "tail", "grep", "egrep", "wc", "basename",
    "dirname", "pwd", "realpath", "uname", "base64", "true",
];
const GIT_READERS: &[&str] = &["rev-parse", "describe", "log", "show", "rev-list", "name-rev"];

/// Whether a command only sets variables of its shell or says something.
pub(super) fn is_harmless(command: &ShellCommand) -> bool {
    let is_apart = command.is_nested
        || command.is_definition
        || command.may_assign
        || [command.before, command.after].contains(&CommandSeparator::Other);
    let values = command.assignments.iter().map(|(_, value)| value.as_str());
    let mut texts = command.words.iter().map(|word| word.raw.as_str()).chain(values);
    !is_apart && texts.all(|text| pieces(text).iter().all(is_plain)) && is_listed(command)
}

fn is_listed(command: &ShellCommand) -> bool {
    let is_said = command.targets.iter().all(|target| TARGETS.contains(&target.as_str()));
    if command.words.is_empty() {
        return !command.is_redirected;
    }
    let is_name = |raw: &str| !raw.contains(['-', '"', '\'', '$', '`', '\\']);
    let names = |raw: &str| assignment(raw).is_some() || is_name(raw);
    command.assignments.is_empty()
        && match command.word(0) {
            "echo" => is_said,
            "printf" => is_said && !command.word(1).starts_with("-v"),
            "true" | ":" => is_said,
            "set" => !command.is_redirected && only_switches(command),
            "export" => {
                let mut words = command.words.iter().skip(1);
                !command.is_redirected && words.all(|word| names(&word.raw))
            }
            _ => false,
        }
}

/// Whether a harmless command cannot fail either.
pub(super) fn never_fails(command: &ShellCommand) -> bool {
    let is_substitution = |text: &str| text.contains("$(") || text.contains('`');
    let mut values = command.assignments.iter().map(|(_, value)| value);
    let is_computed = values.any(|value| is_substitution(value))
        || command.words.iter().any(|word| is_substitution(&word.raw));
    is_harmless(command) && !is_computed
}

/// Whether a part of a word does nothing but become a text.
fn is_plain(piece: &WordPiece) -> bool {
    match piece {
        WordPiece::Text(_) | WordPiece::Expression(_) => true,
        WordPiece::Variable(name) => name != "PIPESTATUS",
        WordPiece::Default(_, default) => default.iter().all(is_plain),
        WordPiece::Substitution(command) => is_stable(command),
        WordPiece::Other(text) => {
            let does_more = ['`', '(', '=', '?', '!', '@', '\''];
            let is_argument =
                text.len() == 2 && text.ends_with(|c: char| "@*#0123456789".contains(c));
            is_argument || text.starts_with("${") && !text.contains(does_more)
        }
    }
}

/// Whether a substitution prints the same as long as no file is different.
pub(super) fn is_stable(substitution: &str) -> bool {
    let commands = shell_reader::read(substitution);
    !commands.is_empty() && commands.iter().all(only_reads)
}

/// Whether a command changes nothing anywhere, and prints the same each time.
pub(super) fn only_reads(command: &ShellCommand) -> bool {
    let is_quiet = command
        .targets
        .iter()
        .all(|target| [">/dev/null", ">&1", ">&2"].contains(&target.as_str()));
    if !is_quiet || command.is_definition || command.may_assign || !command.assignments.is_empty() {
        return false;
    }
    let words = || command.words.iter().skip(1).map(|word| word.raw.as_str());
    let is_plain_word = |raw: &str| pieces(raw).iter().all(is_plain);
    let names = |text: &str| words().any(|word| word == text);
    words().all(is_plain_word)
        && match command.word(0) {
            "git" => {
                GIT_READERS.contains(&command.word(1))
                    && !words().any(|word| word.contains("output") || word.contains("ext"))
            }
            "node" => command.words.len() == 3 && reads_json(command.word(1), command.word(2)),
            "sed" => words()
                .all(|word| word.starts_with('-') && is_sed_switch(word) || is_replacement(word)),
            "awk" => {
                command.words.len() == 2 && !command.words[1].raw.contains(['>', '|', '(', '`'])
            }
            "printf" => !command.word(1).starts_with("-v"),
            word if READERS.contains(&word) => true,
            _ => names("releases") && names("propose-version"),
        }
}

fn is_sed_switch(word: &str) -> bool {
    matches!(word, "-e" | "-E" | "-r" | "-n" | "-nE" | "-ne")
}

/// Whether a word is one `s/…/…/` of sed.
fn is_replacement(raw: &str) -> bool {
    let text = raw.trim_matches(['"', '\'']);
    let mut signs = text.chars();
    let (Some('s'), Some(edge)) = (signs.next(), signs.next()) else { return false };
    let rest = signs.as_str();
    let end = rest.trim_end_matches(['g', 'p']);
    !edge.is_alphanumeric() && end.ends_with(edge) && rest.matches(edge).count() == 2
}

/// Whether `node` prints a field of a JSON file, as in `node -p "require('./package.json').version"`.
fn reads_json(switch: &str, code: &str) -> bool {
    let file = code.strip_prefix("require(").and_then(|rest| rest.split_once(')'));
    let is_field =
        |field: &str| field.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c));
    let is_json = |file: &str| file.trim_matches(['"', '\'', '\\']).ends_with(".json");
    matches!(switch, "-p" | "-pe")
        && file.is_some_and(|(file, field)| {
            is_json(file) && !file.contains(['(', ';']) && is_field(field)
        })
}

/// Whether the shell makes something else of a word than a text: by braces, a home folder or, if they
/// count, the names of files.
pub(super) fn is_expanded(raw: &str, by_files: bool) -> bool {
    let text = unquoted(raw);
    let has_list = |text: &str| text.contains(',') || text.contains("..");
    let is_brace =
        text.split_once('{').is_some_and(|(_, rest)| rest.contains('}') && has_list(rest));
    is_brace
        || text.starts_with('~')
        || text.contains(":~")
        || by_files && text.contains(['*', '?', '['])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::shell_reader::read;

    #[test]
    fn only_what_is_listed_is_harmless() {
        for line in [
            "echo \"done: $V\" >&2",
            "printf '%s\\n' a",
            "V=1",
            "V=$(git describe --tags | sed 's/^v//')",
            "export V=x W",
            "V=$(node -p \"require('./package.json').version\")",
            "echo \"v=${V#v}\" >> \"$GITHUB_OUTPUT\"",
            "set -euo pipefail",
            ": \"${V:-x}\"",
        ] {
            let commands = read(line);
            assert!(is_harmless(commands.last().unwrap()), "{line}");
        }
        for line in [
            "./deploy.sh",
            "echo \"$(./deploy.sh)\"",
            "echo `./deploy.sh`",
            "echo $((1+$(./deploy.sh)))",
            "echo > dist/a.js",
            "echo <(./deploy.sh)",
            "echo a > \"$(./deploy.sh)\"",
            "true \"$(./deploy.sh)\"",
            ": \"${V:=x}\"",
            ": \"${V:?x}\"",
            "V=$(cat a > b)",
            "V=$(sed -i s/a/b/ c)",
            "V=$(node -p \"require('./deploy')\")",
            "export $(cat .env)",
            "unset V",
            "read V",
            "echo a &",
            "R=$?",
            "if true; then echo a; fi",
        ] {
            let commands = read(line);
            let is_all = commands.iter().filter(|one| !one.is_substitution).all(is_harmless);
            assert!(!is_all, "{line}");
        }
    }
}
