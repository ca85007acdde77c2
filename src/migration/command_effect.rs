//! What a command of a script may change of the shell that runs it.

use super::plain_programs::PLAIN_PROGRAMS;
use super::program;
use super::shell_reader::{CommandSeparator, ShellCommand, assignment};
use super::shell_word::{WordPiece, pieces};

/// What is different for the commands behind one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommandEffect {
    /// Nothing.
    Nothing,
    /// The variables that are assigned before its first word, or alone.
    Assignment,
    /// The variables that its words name.
    Declaration,
    /// The variables that its words name, which get values that nobody can tell.
    Reading,
    /// The folder.
    Folder,
    /// Files, and what else a program reaches; no variable.
    Program,
    /// It is no command that is known: a program, most likely.
    Unlisted,
    /// Everything: it runs a text or a function.
    Everything,
}

/// Commands of the shell that change nothing of it.
const QUIET: &[&str] = &[
    "echo", "printf", "true", "false", ":", "test", "[", "[[", "pwd", "umask", "type", "hash",
    "times", "jobs", "exit", "return", "break", "continue", "sleep", "which",
];
const DECLARING: &[&str] = &["export", "declare", "typeset", "local", "readonly", "unset"];
const READING: &[&str] = &["read", "mapfile", "readarray", "getopts"];
const RUNNING: &[&str] = &[".", "source", "eval", "alias", "enable", "trap", "let"];

/// More programs: what they do, they do in a process of their own.
const PROGRAMS: &[&str] = &[
    "npm",
    "npx",
    "yarn",
    "pnpm",
    "bun",
    "bunx",
    "node",
    "deno",
    "corepack",
    "ng",
    "nx",
    "turbo",
    "vite",
    "webpack",
    "tsc",
    "next",
    "make",
    "cmake",
    "ninja",
    "gradle",
    "mvn",
    "ant",
    "docker",
    "podman",
    "docker-compose",
    "terraform",
    "ansible-playbook",
    "firebase",
    "netlify",
    "vercel",
    "wrangler",
    "flyctl",
    "heroku",
    "eas",
    "expo",
    "fastlane",
    "pod",
    "xcodebuild",
    "xcrun",
    "bundle",
    "rake",
    "ruby",
    "gem",
    "rails",
    "python",
    "python3",
    "pip",
    "pip3",
    "poetry",
    "uv",
    "pipenv",
    "tox",
    "php",
    "composer",
    "go",
    "cargo",
    "rustup",
    "rustc",
    "dotnet",
    "nuget",
    "java",
    "flutter",
    "dart",
    "mix",
    "elixir",
    "sbt",
    "ssh",
    "find",
    "xargs",
    "sudo",
    "nohup",
    "timeout",
    "nice",
    "sh",
    "bash",
    "dash",
    "zsh",
];

/// Whether something else decides if a command runs, or in which shell.
pub(super) fn is_uncertain(command: &ShellCommand) -> bool {
    let is_joined = matches!(
        command.before,
        CommandSeparator::And | CommandSeparator::Or | CommandSeparator::Other
    );
    command.is_nested || is_joined || command.after == CommandSeparator::Other
}

/// What a command may change.
pub(super) fn of_command(command: &ShellCommand, functions: &[String]) -> CommandEffect {
    use CommandEffect::{
        Assignment, Declaration, Everything, Folder, Nothing, Program, Reading, Unlisted,
    };
    if assigns_within(command) {
        return Everything;
    }
    let word = command.word(0);
    let is_named = |names: &[&str]| names.contains(&word);
    match word {
        _ if functions.iter().any(|name| name == word) => Everything,
        "" if command.words.is_empty() => Assignment,
        _ if is_partial_assignment(word) => Everything,
        // A variable before a command of the shell's own may outlive it.
        _ if !command.assignments.is_empty() && !is_program(word) => Everything,
        "printf" if command.word(1).starts_with("-v") => Reading,
        "set" if only_switches(command) => Nothing,
        "set" | "shift" => Unlisted,
        _ if is_named(QUIET) => Nothing,
        _ if is_named(DECLARING) => declaration(command),
        _ if is_named(READING) => Reading,
        // The head of a loop.
        _ if command.is_nested && command.word(1) == "in" => Declaration,
        "cd" | "pushd" | "popd" => Folder,
        _ if is_named(RUNNING) => Everything,
        _ if is_program(word) => Program,
        _ => Unlisted,
    }
}

/// Whether a word names a program and nothing of the shell's own.
fn is_program(word: &str) -> bool {
    let is_known = PLAIN_PROGRAMS.contains(&word) || PROGRAMS.contains(&word);
    is_known || word.contains('/') && !word.starts_with(['$', '`'])
}

/// Whether only switches are set that change no variable.
pub(super) fn only_switches(command: &ShellCommand) -> bool {
    let is_switch = |at: usize| {
        let word = command.word(at);
        let letters = word.strip_prefix(['-', '+']).unwrap_or("");
        let is_known = !letters.is_empty() && letters.chars().all(|c| "euxvo".contains(c));
        let is_name = ["pipefail", "errexit", "nounset", "xtrace", "verbose"].contains(&word);
        is_known || is_name
    };
    (1..command.words.len()).all(is_switch)
}

/// The variables that a declaration names; what it computes may be any.
fn declaration(command: &ShellCommand) -> CommandEffect {
    let is_name = |raw: &str| raw.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_plain =
        |raw: &str| matches!(raw, "-x" | "-r" | "-g") || is_name(raw) || assignment(raw).is_some();
    match command.words.iter().skip(1).all(|word| is_plain(&word.raw)) {
        true => CommandEffect::Declaration,
        false => CommandEffect::Everything,
    }
}

/// Whether a word adds to a variable or sets an item of it, as `V+=x` and `V[0]=x` do.
fn is_partial_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name).unwrap_or_default();
    let own = name.split(['+', '[']).next().unwrap_or_default();
    own.len() < name.len() && assignment(&format!("{own}=")).is_some()
}

/// Whether an expansion in a command assigns a variable.
pub(super) fn assigns_within(command: &ShellCommand) -> bool {
    let values = command.assignments.iter().map(|(_, value)| value.as_str());
    let words = command.words.iter().map(|word| word.raw.as_str());
    command.may_assign || values.chain(words).any(assigns)
}

/// Whether an expansion in a word assigns a variable, as `${V:=x}` and `$((V++))` do.
fn assigns(word: &str) -> bool {
    let assigns = |piece: &WordPiece| match piece {
        WordPiece::Other(text) => ["=", "++", "--"].iter().any(|sign| text.contains(sign)),
        WordPiece::Default(_, default) => {
            default.iter().any(|one| matches!(one, WordPiece::Other(_)))
        }
        _ => false,
    };
    pieces(word).iter().any(assigns)
}

/// Whether commands run what is not written here, in the same shell.
pub(super) fn runs_text(commands: &[ShellCommand]) -> bool {
    let is_definition = |one: &&ShellCommand| one.is_definition;
    let functions: Vec<_> =
        commands.iter().filter(is_definition).map(|one| one.word(0).to_owned()).collect();
    let runs = |one: &ShellCommand| {
        let is_own = program::find(one).is_some() || one.is_substitution || one.is_definition;
        !is_own && of_command(one, &functions) == CommandEffect::Everything
    };
    commands.iter().any(runs)
}

/// The variables that the words of a declaration, a loop or a reading command name.
pub(super) fn named_variables(command: &ShellCommand) -> impl Iterator<Item = &str> {
    let is_loop = command.word(1) == "in";
    let words = command.words.iter().skip(usize::from(!is_loop));
    words.map(|word| assignment(&word.raw).map_or(word.raw.as_str(), |(name, _)| name))
}
