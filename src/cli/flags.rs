//! The flags of the inputs, and what help says below them.

use crate::error::ExitCode;
use crate::inputs::compat;
use crate::inputs::table::{FlagKind, INPUTS, InputGroup, InputSpec, JobKind, SET};
use crate::inputs::types::{BackendName, Dialect, Mode, ToleratedExit, WithoutToken};
use crate::inputs::usage::is_used_by;
use crate::inputs::{ColorChoice, LogLevel, OutputFormat};
use crate::job::Host;
use crate::provider::PROVIDERS;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::error::Error as ClapError;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::ffi::OsStr;

/// What the help of the program says below its commands.
pub(super) const PROGRAM_NOTES: &str = concat!(
    "Examples:\n",
    "  finishline run --environment production     # in CI: release, commits and deploy\n",
    "  finishline sourcemaps dist                  # debug ids and upload, without a release\n",
    "  finishline plan --provider opsgenie --state state.yml\n",
    "  finishline providers opsgenie               # its fields, with an example\n",
    "\nDocs: ",
    env!("CARGO_PKG_REPOSITORY"),
);

/// The flags that stand for levels of the log.
const VERBOSE: &str = "verbose";
const QUIET: &str = "quiet";

/// Adds a flag for each input, once the command is the one that was typed: it costs a third of a
/// start. Help shows those that the command uses, under the heading of their group.
pub(super) fn with_inputs(command: Command) -> Command {
    let (args, notes) = (args(&command), notes(command.get_name()));
    command.args(args).after_help(notes)
}

/// Adds only those that help shows.
pub(super) fn with_used_inputs(command: Command) -> Command {
    let args = args(&command);
    command.args(args.into_iter().filter(|arg| !arg.is_hide_set()))
}

fn args(command: &Command) -> Vec<Arg> {
    let jobs = jobs(command.get_name());
    let shown = |input: &InputSpec, arg: Arg| {
        let is_implied = input.name == "dry-run" && command.get_name() == "plan";
        arg.help_heading(input.group.as_str()).hide(is_implied || !is_used_by(input, jobs))
    };
    let set = Arg::new(SET)
        .long(SET)
        .value_name("NAME=VALUE")
        .action(ArgAction::Append)
        .help("sets one field of `state`; a secret only as NAME=@FILE or NAME=env:VARIABLE");
    let mut args = Vec::with_capacity(INPUTS.len() + 1);
    for group in InputGroup::ALL {
        let members = INPUTS.iter().filter(|input| input.group == group);
        args.extend(members.map(|input| shown(input, flag(input))));
        if group == InputGroup::Integration {
            args.push(shown(find("state"), set.clone()));
        }
    }
    args.extend(verbosity());
    args
}

/// Short words for levels of the log.
fn verbosity() -> [Arg; 2] {
    let arg = |name, short, help| {
        let arg = Arg::new(name).long(name).short(short).help(help).conflicts_with("log-level");
        arg.help_heading(InputGroup::Output.as_str())
    };
    [
        arg(VERBOSE, 'v', "logs more; `-vv` logs everything").action(ArgAction::Count),
        arg(QUIET, 'q', "logs nothing but what ended the run")
            .action(ArgAction::SetTrue)
            .conflicts_with(VERBOSE),
    ]
}

/// The level of the log that the short words ask for.
pub(super) fn log_level(matches: &ArgMatches) -> Option<&'static str> {
    match (matches.get_count(VERBOSE), matches.get_flag(QUIET)) {
        (_, true) => Some("error"),
        (0, _) => None,
        (1, _) => Some("debug"),
        _ => Some("trace"),
    }
}

/// What a command that takes inputs may do.
fn jobs(command: &str) -> &'static [JobKind] {
    use JobKind::{
        CommitStatus, Commits, Deploy, EntryResume, GithubCommits, History, Import, Integration,
        Manifest, OwnApp, Release, Resume, SentryImport, SentryResume, Sourcemaps,
    };
    match command {
        "resume" => &[Resume, EntryResume, SentryResume],
        "import" => &[Import, SentryImport],
        "sourcemaps" | "explain" => &[Sourcemaps],
        _ => &[
            Integration,
            OwnApp,
            Release,
            Commits,
            History,
            GithubCommits,
            Deploy,
            Sourcemaps,
            CommitStatus,
            Manifest,
        ],
    }
}

/// Examples of the command, and the exit codes.
fn notes(command: &str) -> String {
    let examples: &[&str] = match command {
        "run" => &[
            "run --environment production",
            "run --release web@1.0.0 --projects web --sourcemaps dist --environment production",
            "run --provider opsgenie --state state.yml",
            "run --manifest finishline.yml",
        ],
        "plan" => &["plan --environment production", "plan --exit-code --manifest finishline.yml"],
        "check" => &["check --environment production --projects web"],
        "import" => &["import --org acme > finishline.yml"],
        "resume" => &["resume --callback-url -", "resume --set account=ID"],
        "sourcemaps" => &["sourcemaps dist", "sourcemaps dist --release web@1.0.0 --dry-run"],
        _ => &["sourcemaps explain --sourcemaps dist https://acme.io/js/app.js:1:48213"],
    };
    let examples: String = examples.iter().map(|line| format!("  finishline {line}\n")).collect();
    let used = ExitCode::ALL.into_iter();
    let used = used.filter(|exit| *exit != ExitCode::ChangesPending || command == "plan");
    let exits: String =
        used.map(|exit| format!("  {}  {}\n", exit.number(), exit.meaning())).collect();
    let docs = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/reference.md");
    format!("Examples:\n{examples}\nExit codes:\n{exits}\nEvery input: {docs}")
}

/// The flag of an input.
pub(super) fn flag(input: &'static InputSpec) -> Arg {
    let (word, offered) = (input.value_word(), offered(input.name));
    // Elsewhere another name has the value itself, which is no file.
    let is_file = matches!(input.flag, FlagKind::File(_));
    let aliases = compat::aliases(input.name).filter(|_| !is_file);
    let arg = Arg::new(input.name)
        .long(input.long())
        .aliases(aliases)
        .value_name(word)
        .help(help(input))
        .hide_possible_values(true);
    // Most inputs take any text, and the parser of all texts costs nothing.
    let arg = if offered.is_empty() { arg } else { arg.value_parser(OfferedValues(offered)) };
    match input.flag {
        // A list of YAML begins with a hyphen.
        FlagKind::Value("YAML") => arg.allow_hyphen_values(true),
        FlagKind::Value(_) | FlagKind::File(_) => arg,
        FlagKind::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
    }
}

/// What an input means, what holds without it, and the variables that give it too.
fn help(input: &InputSpec) -> String {
    let default = match input.default {
        "none" | "{}" => String::new(),
        default => format!(" [default: {}]", default.trim_matches('`')),
    };
    format!("{}{default} [{}]", input.meaning, input.variables.join(", "))
}

/// The argument of `providers`.
pub(super) fn provider_key() -> Arg {
    Arg::new("key")
        .value_name("KEY")
        .help("the provider to show")
        .hide_possible_values(true)
        .value_parser(OfferedValues(offered("provider")))
}

/// The input of this name.
pub(super) fn find(name: &str) -> &'static InputSpec {
    InputSpec::find(name).expect("the table has this input")
}

/// The values that a shell completes; whatever else is typed is judged with the inputs.
fn offered(name: &str) -> Vec<&'static str> {
    match name {
        "provider" => PROVIDERS.iter().map(|provider| provider.key()).collect(),
        "mode" => Mode::ALL.map(Mode::as_str).to_vec(),
        "backend" => BackendName::ALL.map(BackendName::as_str).to_vec(),
        "dialect" => Dialect::ALL.map(Dialect::as_str).to_vec(),
        "ci" => Host::ALL.map(Host::as_str).to_vec(),
        "format" | "log-format" => OutputFormat::ALL.map(OutputFormat::as_str).to_vec(),
        "color" => ColorChoice::ALL.map(ColorChoice::as_str).to_vec(),
        "log-level" => LogLevel::ALL.map(LogLevel::as_str).to_vec(),
        "tolerate" => ToleratedExit::ALL.map(ToleratedExit::as_str).to_vec(),
        "without-token" => WithoutToken::ALL.map(WithoutToken::as_str).to_vec(),
        "commits" => vec!["auto", "local", "github", "none"],
        _ => Vec::new(),
    }
}

/// A text for which a shell offers these values, and that may be any other.
#[derive(Clone)]
struct OfferedValues(Vec<&'static str>);

impl TypedValueParser for OfferedValues {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, ClapError> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let values = self.0.iter().map(|value| PossibleValue::new(*value));
        (!self.0.is_empty()).then(|| Box::new(values) as Box<_>)
    }
}
