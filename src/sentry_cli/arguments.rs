//! Reads the arguments of sentry-cli.

use super::table::{
    COMMANDS, CommandSpec, EVERYWHERE, FlagSpec, FlagUse, GROUPS, NOT_HERE, OperandKind, REFUSED,
    SERVER, SentryCliTask, ValueCount,
};
use crate::error::{Error, ErrorCode, Result};
use crate::text::quote;
use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const VERSION: &str = "VERSION";
const PATHS: &str = "PATHS";
/// The address of the server, which shares its name with the page of a deploy.
const SERVER_ID: &str = "server";

/// A call of sentry-cli.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentryCliCall {
    /// What it does.
    pub task: SentryCliTask,
    /// Its inputs, by the names of ours.
    pub inputs: BTreeMap<&'static str, String>,
    /// Which switches of its own it has, and the values of its own flags.
    facts: BTreeMap<&'static str, Vec<String>>,
    /// What of it is not used, and what is done instead.
    pub warnings: Vec<String>,
}

impl SentryCliCall {
    /// Whether a switch of the command is there.
    pub fn has(&self, fact: &str) -> bool {
        self.facts.contains_key(fact)
    }

    /// The value of a flag that is no input.
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.get(name)?.first().map(String::as_str)
    }

    /// The source of the commits that `set-commits` names.
    fn commits(&self) -> String {
        match self.facts.get("commit") {
            _ if self.has("auto") => "auto".to_owned(),
            Some(specs) => {
                let at_head = |spec: &String| match is_alone(spec) {
                    true => format!("{spec}@HEAD"),
                    false => spec.clone(),
                };
                specs.iter().map(at_head).collect::<Vec<_>>().join(",")
            }
            None if self.has("local") => "local".to_owned(),
            None => "auto".to_owned(),
        }
    }
}

/// Whether a repository is named without a commit: then the one that is checked out is meant.
fn is_alone(spec: &str) -> bool {
    !spec.contains(['@', '$', '`'])
}

/// Built once: a file may have thousands of calls.
static COMMAND_LINE: LazyLock<Command> = LazyLock::new(|| {
    let mut command = command_line();
    command.build();
    command
});

/// Reads what follows `sentry-cli`. An `Err` is a text to print: an answer to `--help` or `--version`
/// with no error, or a mistake.
///
/// # Errors
///
/// A command or a flag that is not taken.
pub fn parse(arguments: &[String]) -> Result<Result<SentryCliCall, String>> {
    let arguments = ["sentry-cli".to_owned()].into_iter().chain(arguments.iter().cloned());
    match COMMAND_LINE.clone().try_get_matches_from(arguments) {
        Ok(matches) => read_call(&matches).map(Ok),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Err(error.to_string())),
            _ => Err(usage(&error)),
        },
    }
}

/// The first line of clap's message; what stray text is in it may be a secret.
fn usage(error: &clap::Error) -> Error {
    let stray =
        error.get(ContextKind::InvalidArg).filter(|_| error.kind() == ErrorKind::UnknownArgument);
    if stray.is_some_and(|argument| !argument.to_string().starts_with('-')) {
        let message = "unexpected argument that belongs to no flag (not shown)";
        return Error::new(ErrorCode::Usage, message).with_hint("put each value behind its flag");
    }
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default().trim_start_matches("error: ");
    let missing: Vec<_> = lines.take_while(|line| !line.starts_with("Usage")).collect();
    let message = match error.kind() {
        ErrorKind::MissingRequiredArgument => format!("{first} {}", missing.join(" ")),
        _ => first.to_owned(),
    };
    Error::new(ErrorCode::Usage, message).with_hint("see `finishline sentry-cli --help`")
}

fn command_line() -> Command {
    let root = Command::new("sentry-cli")
        .version(concat!("(finishline ", env!("CARGO_PKG_VERSION"), ")"))
        .about("The release, deploy and sourcemaps commands of sentry-cli")
        .allow_external_subcommands(true)
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .after_help(format!("Commands that are taken:\n{}", list_of_commands()))
        .arg(argument(SERVER_ID, &SERVER))
        .args(EVERYWHERE.iter().map(|flag| argument(flag.long, flag).global(true)));
    let commands: Vec<_> = COMMANDS.iter().collect();
    with_commands(root, &commands, 0)
}

fn list_of_commands() -> String {
    COMMANDS.iter().map(|spec| format!("  {}\n", spec.path.join(" "))).collect()
}

/// Adds the commands below those words of the paths that were added before.
fn with_commands(command: Command, commands: &[&CommandSpec], depth: usize) -> Command {
    let mut command = command;
    let mut groups: Vec<(&str, Vec<&CommandSpec>)> = Vec::new();
    for spec in commands {
        let word = spec.path[depth];
        match groups.iter_mut().find(|(name, _)| *name == word) {
            Some((_, group)) => group.push(spec),
            None => groups.push((word, vec![spec])),
        }
    }
    for (word, group) in groups {
        if word == VERSION {
            command =
                with_commands(command.arg(Arg::new(VERSION).required(true)), &group, depth + 1);
            continue;
        }
        let below = Command::new(word).disable_help_subcommand(true);
        command = command.subcommand(match group.as_slice() {
            [spec] if spec.path.len() == depth + 1 => leaf(below, spec),
            group => {
                let others = GROUPS.iter().find(|(name, _)| *name == word);
                let below = below.aliases(others.map_or(&[][..], |(_, others)| others));
                let below = below.subcommand_required(true).allow_external_subcommands(true);
                with_commands(below, group, depth + 1)
            }
        });
    }
    command
}

fn leaf(command: Command, spec: &CommandSpec) -> Command {
    let command = command.args(spec.flags.iter().map(|flag| argument(flag.long, flag)));
    match spec.operand {
        OperandKind::None => command,
        OperandKind::Version => command.arg(Arg::new(VERSION).required(true)),
        OperandKind::Paths => command.arg(Arg::new(PATHS).num_args(1..).action(ArgAction::Append)),
    }
}

fn argument(id: &'static str, flag: &FlagSpec) -> Arg {
    let argument = Arg::new(id).long(flag.long);
    let argument = match flag.short {
        Some(short) => argument.short(short),
        None => argument,
    };
    let argument = if flag.long == "quiet" { argument.visible_alias("silent") } else { argument };
    match flag.values {
        ValueCount::Switch => argument.action(ArgAction::SetTrue),
        // The last one counts, as in a script that adds to a common line.
        ValueCount::One => argument.action(ArgAction::Set).overrides_with(id),
        ValueCount::Repeated => argument.action(ArgAction::Append),
    }
}

/// The words that were typed as commands, and the matches below each.
fn command_path(matches: &ArgMatches) -> (Vec<&str>, Vec<&ArgMatches>) {
    let (mut words, mut levels) = (Vec::new(), vec![matches]);
    while let Some((word, below)) = levels[levels.len() - 1].subcommand() {
        words.push(word);
        levels.push(below);
    }
    (words, levels)
}

fn read_call(matches: &ArgMatches) -> Result<SentryCliCall> {
    let (words, levels) = command_path(matches);
    let is_named =
        |spec: &&CommandSpec| spec.path.iter().filter(|word| **word != VERSION).eq(words.iter());
    let spec = COMMANDS.iter().find(is_named).ok_or_else(|| unknown_command(&words))?;
    let last = levels[levels.len() - 1];
    let mut call = SentryCliCall {
        task: spec.task,
        inputs: BTreeMap::new(),
        facts: BTreeMap::new(),
        warnings: Vec::new(),
    };
    call.take(&SERVER, values(matches, SERVER_ID))?;
    for flag in EVERYWHERE.iter().chain(spec.flags) {
        call.take(flag, given(last, flag))?;
    }
    let version = levels.iter().rev().find_map(|level| values(level, VERSION).pop());
    call.name_version(version)?;
    call.complete(values(last, PATHS))?;
    call.refuse_empty()?;
    Ok(call)
}

/// The values of a flag that was typed; a switch has an empty one.
fn given(matches: &ArgMatches, flag: &FlagSpec) -> Vec<String> {
    match flag.values {
        ValueCount::Switch if matches.get_flag(flag.long) => vec!["true".to_owned()],
        ValueCount::Switch => Vec::new(),
        ValueCount::One | ValueCount::Repeated => values(matches, flag.long),
    }
}

fn values(matches: &ArgMatches, id: &str) -> Vec<String> {
    let values = matches.try_get_many::<String>(id).ok().flatten();
    values.into_iter().flatten().cloned().collect()
}

fn unknown_command(words: &[&str]) -> Error {
    let refused = REFUSED.iter().find(|(path, _)| words.starts_with(path));
    let hint = refused.map_or(NOT_HERE, |(_, hint)| hint);
    // A word that is no command may be a secret whose flag was mistyped.
    let is_command =
        |word: &&str| word.len() <= 24 && word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let message = match words.iter().all(is_command) {
        true => format!("{} is not available in finishline", quote(&words.join(" "))),
        false => "the command is not available in finishline (not shown)".to_owned(),
    };
    Error::new(ErrorCode::Unsupported, message).with_hint(hint)
}

impl SentryCliCall {
    fn take(&mut self, flag: &FlagSpec, values: Vec<String>) -> Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        match flag.becomes {
            FlagUse::Input("headers") => drop(self.inputs.insert("headers", values.join("\n"))),
            FlagUse::Input(name) => drop(self.inputs.insert(name, values.join(","))),
            FlagUse::Fact => drop(self.facts.insert(flag.long, values)),
            FlagUse::Rule => {}
            FlagUse::Unused(reason) => {
                self.warnings.push(format!("`--{}` is not used: {reason}", flag.long));
            }
            FlagUse::Refused(hint) => {
                let message = format!("`--{}` is not available in finishline", flag.long);
                return Err(Error::new(ErrorCode::Unsupported, message).with_hint(hint));
            }
        }
        Ok(())
    }

    /// The version between the words of a command; a flag may say the same once more.
    fn name_version(&mut self, version: Option<String>) -> Result<()> {
        let Some(version) = version else { return Ok(()) };
        match self.inputs.insert("release", version.clone()) {
            Some(flag) if flag != version => {
                let message = "the call names one release as VERSION, and another by `--release`";
                Err(Error::new(ErrorCode::Usage, message).with_hint("remove one of the two"))
            }
            _ => Ok(()),
        }
    }

    /// What the command itself means, and what it cannot do without.
    fn complete(&mut self, paths: Vec<String>) -> Result<()> {
        match self.task {
            SentryCliTask::SetCommits => {
                let commits = self.commits();
                self.check_commits()?;
                self.inputs.insert("commits", commits);
            }
            SentryCliTask::NewDeploy if !self.inputs.contains_key("environment") => {
                return Err(missing("--env <ENV>"));
            }
            SentryCliTask::NewDeploy
                if self.has("time") && self.inputs.contains_key("started-at") =>
            {
                self.warnings.push("`--started` is not used: `--time` says when".to_owned());
            }
            SentryCliTask::InjectDebugIds | SentryCliTask::UploadSourcemaps => {
                if paths.is_empty() {
                    return Err(missing("<PATHS>..."));
                }
                self.inputs.insert("sourcemaps", paths.join(","));
                if self.has("wait-for") {
                    self.inputs.insert("sourcemaps-wait", "true".to_owned());
                    self.warnings.push("`--wait-for` waits no longer than `timeout`".to_owned());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What a script left empty would be taken from elsewhere.
    fn refuse_empty(&self) -> Result<()> {
        let needed = [
            "release",
            "environment",
            "org",
            "projects",
            "sourcemaps",
            "url",
            "auth-token",
            "headers",
        ];
        let is_empty = |name: &&&str| {
            self.inputs
                .get(**name)
                .is_some_and(|value| value.split(',').any(|one| one.trim().is_empty()))
        };
        match needed.iter().find(is_empty) {
            Some(name) => {
                Err(Error::new(ErrorCode::Usage, format!("the {name} of the call is empty"))
                    .with_hint("check the variable that the script takes it from"))
            }
            None => Ok(()),
        }
    }

    /// A repository alone would be looked for in submodules.
    fn check_commits(&self) -> Result<()> {
        let sources = ["auto", "local", "commit"].into_iter().filter(|one| self.has(one));
        if let [one, other, ..] = sources.collect::<Vec<_>>()[..] {
            let message = format!("`--{one}` cannot be used with `--{other}`");
            return Err(Error::new(ErrorCode::Usage, message).with_hint("remove one of the two"));
        }
        let specs = self.facts.get("commit").into_iter().flatten();
        // Without an owner it is none, or a word such as `none`.
        match specs.into_iter().find(|spec| is_alone(spec) && !spec.contains('/')) {
            Some(spec) => {
                let message = format!("`--commit` names no commit in {}", quote(spec));
                Err(Error::new(ErrorCode::Unsupported, message)
                    .with_hint("write `--commit REPO@SHA`, or use `--auto`"))
            }
            None => Ok(()),
        }
    }
}

fn missing(what: &str) -> Error {
    let message = format!("the following required arguments were not provided: {what}");
    Error::new(ErrorCode::Usage, message).with_hint("see `finishline sentry-cli --help`")
}
