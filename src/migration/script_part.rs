//! The commands of a script, and what each is to a migration.

use super::client_variables::VARIABLES;
use super::program;
use super::shell_reader::{ShellCommand, ShellWord};
use super::shell_word::{WordPiece, canonical, has_dollar_quote, is_expanded, pieces, unquoted};
use crate::error::{Error, ErrorCode};
use crate::sentry_cli::{self, SentryCliCall, SentryCliTask};

/// A part of a job, in its order.
pub(super) enum JobPart {
    /// A script.
    Script(ScriptPart),
    /// Something else, or a script that stays.
    Other,
}

/// A script of a job.
pub(super) struct ScriptPart {
    pub(super) commands: Vec<ShellCommand>,
    pub(super) uses: Vec<CommandUse>,
}

/// The inputs that are lists, with commas or blanks between their items.
pub(super) const LISTS: &[&str] =
    &["projects", "sourcemaps", "sourcemaps-ignore", "sourcemaps-extensions", "strip-prefix"];

/// What a command is to a migration.
#[derive(Debug)]
pub(super) enum CommandUse {
    /// No call.
    Other,
    /// A call that an input says as well as an argument.
    Step(Box<SentryCliCall>),
    /// A call that stays one.
    Call,
    /// A call that is not taken.
    Refused(Error),
}

impl ScriptPart {
    /// Reads what each command of a script is.
    pub(super) fn new(commands: Vec<ShellCommand>) -> Self {
        let mut uses = commands.iter().map(command_use).collect::<Vec<_>>();
        if defines_program(&commands) {
            refuse_own(&commands, &mut uses);
        }
        Self { commands, uses }
    }

    /// Whether it gives the program's name to a function or an alias.
    pub(super) fn defines_program(&self) -> bool {
        defines_program(&self.commands)
    }

    /// Takes none of its calls, which are those of a function.
    pub(super) fn refuse_own(&mut self) {
        refuse_own(&self.commands, &mut self.uses);
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
        self.uses.iter().any(CommandUse::is_call)
    }
}

impl CommandUse {
    /// Whether it is a call, whatever becomes of it.
    pub(super) fn is_call(&self) -> bool {
        !matches!(self, Self::Other)
    }
}

fn defines_program(commands: &[ShellCommand]) -> bool {
    let is_alias = |word: &ShellWord| word.raw.starts_with("sentry-cli=");
    commands.iter().any(|command| {
        command.is_definition && command.word(0) == "sentry-cli"
            || command.word(0) == "alias" && command.words.iter().any(is_alias)
    })
}

fn refuse_own(commands: &[ShellCommand], uses: &mut [CommandUse]) {
    let message = "the script gives the name `sentry-cli` to a function or an alias of its own";
    let error = Error::new(ErrorCode::Unsupported, message)
        .with_hint("let that call `finishline sentry-cli`: then the calls need no change");
    for (command, one) in commands.iter().zip(uses) {
        if one.is_call() && command.word(0) == "sentry-cli" {
            *one = CommandUse::Refused(error.clone());
        }
    }
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

/// Whether an installation brings all packages of the project along, as one in its own folder does.
pub(super) fn installs_project(command: &ShellCommand) -> bool {
    let is_global = |word: &str| matches!(word, "-g" | "--global" | "--location=global" | "global");
    !matches!(command.word(0), "curl" | "wget")
        && !command.words.iter().any(|word| is_global(&word.raw))
}

/// Whether a command runs the installer that the one before it prints, by a pipe or within a word.
pub(super) fn is_piped_installer(commands: &[ShellCommand], index: usize) -> bool {
    let word = |at: usize| commands.get(index).map_or("", |command| command.word(at));
    let is_shell = |at| matches!(word(at), "sh" | "bash");
    let runs = is_shell(0) || matches!(word(0), "sudo" | "env") && (1..8).any(is_shell);
    index > 0 && runs && is_installation(&commands[index - 1])
}

fn command_use(command: &ShellCommand) -> CommandUse {
    let Some(found) = program::find(command) else { return CommandUse::Other };
    let arguments = command.words.iter().filter(|word| word.span.start >= found.program.end);
    let arguments: Vec<_> = arguments.map(|word| word.raw.clone()).collect();
    let mut call = match sentry_cli::parse(&arguments) {
        Err(error) if may_be_more(&arguments, &error) => return CommandUse::Call,
        Err(error) => return CommandUse::Refused(error),
        Ok(Err(_)) => return CommandUse::Call,
        Ok(Ok(call)) => call,
    };
    if found.is_contained
        || !is_of_step(&call)
        || needs_shell(command, &call, &arguments)
        || !take_variables(&mut call, &found.variables)
    {
        return CommandUse::Call;
    }
    for value in call.inputs.values_mut() {
        *value = canonical(value);
    }
    CommandUse::Step(Box::new(call))
}

/// Whether arguments lack only what the shell puts in the place of one of them, which may be many.
fn may_be_more(arguments: &[String], fault: &Error) -> bool {
    let is_many = |raw: &&String| {
        ["[@]", "[*]", "$@", "$*"].iter().any(|sign| raw.contains(sign)) || raw.starts_with('$')
    };
    let known: Vec<_> = arguments.iter().filter(|raw| !is_many(raw)).cloned().collect();
    known.len() < arguments.len()
        && known.len() > 1
        && match sentry_cli::parse(&known) {
            Ok(call) => call.is_ok(),
            // Without the version that it is, a command which is not there may lack one.
            Err(error) => error.code == ErrorCode::Usage && fault.code == ErrorCode::Usage,
        }
}

/// Whether a shell makes something else of a call's words than an input that they are in.
fn needs_shell(command: &ShellCommand, call: &SentryCliCall, arguments: &[String]) -> bool {
    let mut values = command.assignments.iter().map(|(_, value)| value).chain(arguments);
    values.any(|raw| {
        let text = raw.strip_prefix("--").and_then(|flag| flag.split_once('='));
        let text = text.map_or(raw.as_str(), |(_, value)| value);
        let is_in = |name: &&str| call.inputs.get(*name).is_some_and(|value| value.contains(text));
        let is_path = is_in(&"sourcemaps");
        // Nobody means the home folder at the start of a script's address.
        let is_prefix = call.inputs.get("url-prefix") == Some(raw);
        let shown = if is_prefix { raw.trim_start_matches('~') } else { raw.as_str() };
        has_dollar_quote(raw)
            || is_expanded(shown, !is_path)
            || splits(raw) && LISTS.iter().any(is_in)
            || is_path && (has_quoted_glob(raw) || has_folder_glob(raw))
    })
}

/// Whether an input that is a list has more than one item of a word.
fn splits(raw: &str) -> bool {
    let is_edge = |c: char| c == ',' || c.is_whitespace();
    let splits =
        |piece: &WordPiece| matches!(piece, WordPiece::Text(text) if text.contains(is_edge));
    pieces(raw).iter().any(splits)
}

/// How many signs of a glob a text has.
fn glob_signs(text: &str) -> usize {
    text.matches(['*', '?', '[', '{']).count()
}

/// Whether a sign of a glob stands in quotes, where it is a letter of a file's name.
fn has_quoted_glob(raw: &str) -> bool {
    let of_piece = |piece: &WordPiece| match piece {
        WordPiece::Text(text) => glob_signs(text),
        _ => 0,
    };
    pieces(raw).iter().map(of_piece).sum::<usize>() > glob_signs(&unquoted(raw))
}

/// Whether a glob may match a folder, or more folders than a shell's does: each that a shell gives is uploaded
/// under addresses of its own.
fn has_folder_glob(raw: &str) -> bool {
    let text = |piece: WordPiece| match piece {
        WordPiece::Text(text) => text,
        _ => "_".to_owned(),
    };
    let word: String = pieces(raw).into_iter().map(text).collect();
    let is_glob = |text: &str| glob_signs(text) > 0;
    let (folder, name) = word.rsplit_once('/').unwrap_or(("", &word));
    let is_file = [".js", ".cjs", ".mjs", ".map"].iter().any(|end| name.ends_with(end));
    is_glob(folder) || is_glob(name) && !is_file
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
