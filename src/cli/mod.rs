//! The command line, built from the table of inputs.

mod flags;
pub mod init;
pub mod manual;

use crate::error::{Error, ErrorCode, Result};
use crate::inputs::raw::CommandLineFlags;
use crate::inputs::table::{INPUTS, InputSpec, SET};
use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use clap_complete::Shell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use flags::{find, flag, log_level, with_inputs, with_used_inputs};

/// The flag of `plan` that shows by the exit code whether there is something to do.
const EXIT_CODE: &str = "exit-code";

/// The arguments of `sourcemaps`, which name what the flag of that name does.
const PATHS: &str = "build paths";

/// The command below `sourcemaps` that explains a line of a stack, and its argument.
const EXPLAIN: &str = "explain";
const FRAME: &str = "frame";

/// Where `serve` listens when nobody names another address.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:9797";

/// What was typed after `serve`.
#[derive(Debug, Default)]
pub struct ServeArgs {
    /// `--listen`.
    pub listen: String,
    /// `--database`.
    pub database: Option<String>,
    /// Every `--org`.
    pub orgs: Vec<String>,
    /// Every `--project`.
    pub projects: Vec<String>,
    /// `--ca-file`.
    pub ca_file: Option<String>,
    /// `--log-level`.
    pub log_level: Option<String>,
    /// `--log-format`.
    pub log_format: Option<String>,
}

/// What was asked for.
pub enum Invocation {
    /// The CI step; `plan` is the same with `dry-run`.
    Run(CommandLineFlags),
    /// The preflight.
    Check(CommandLineFlags),
    /// The manifest of what an organization has.
    Import(CommandLineFlags),
    /// The step that goes on with a pipeline that waited for a person.
    Resume(CommandLineFlags),
    /// Source maps by themselves.
    Sourcemaps(CommandLineFlags),
    /// Where a line of a stack leads.
    Explain(CommandLineFlags),
    /// The list of providers, or one of them.
    Providers {
        /// The one that is asked about.
        key: Option<String>,
        /// Whether as JSON.
        json: bool,
    },
    /// A call of sentry-cli: what follows its name.
    SentryCli(Vec<String>),
    /// The first CI file.
    Init(init::InitArgs),
    /// Files to rewrite for finishline.
    Migrate {
        /// Their names.
        files: Vec<String>,
        /// Whether they are written.
        write: bool,
    },
    /// Sentry's API over the embedded backend.
    Serve(ServeArgs),
    /// The JSON Schema of the manifest.
    Schema,
    /// What a shell completes.
    Completions(Shell),
    /// The manual page of the program, or of one of its commands.
    Man(Option<String>),
    /// Help or the version: a text and nothing else.
    Text(String),
}

/// Reads the command line. Called by the name of sentry-cli, the program is that.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Invocation> {
    let args: Vec<_> = args.into_iter().collect();
    let stem = args.first().and_then(|program| Path::new(program).file_stem());
    if stem.is_some_and(|stem| stem == "sentry-cli") {
        let text = |argument: &OsString| argument.to_string_lossy().into_owned();
        return Ok(Invocation::SentryCli(args[1..].iter().map(text).collect()));
    }
    match command().try_get_matches_from(args) {
        Ok(matches) => Ok(request(&matches)),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Ok(Invocation::Text(error.to_string()))
            }
            _ => Err(usage(&error)),
        },
    }
}

/// The whole command line, as help shows it.
pub fn command() -> Command {
    program(with_inputs)
}

/// The same as a shell completes it: without the flags that a command takes and does not use.
pub fn completed_command() -> Command {
    program(with_used_inputs)
}

fn program(inputs: fn(Command) -> Command) -> Command {
    let run = Command::new("run").about("Runs the CI step: release, deploy and integration");
    let plan =
        Command::new("plan").about("Shows what would change, without changing anything").arg(
            Arg::new(EXIT_CODE)
                .long(EXIT_CODE)
                .action(ArgAction::SetTrue)
                .help("exit with 8 if there are changes to make"),
        );
    let check = Command::new("check").about("Checks that tokens, scopes and names allow the run");
    let import = Command::new("import").about("Prints a manifest of the installed integrations");
    let resume = Command::new("resume").about("Continues a pipeline after approval");
    let providers = Command::new("providers")
        .about("Lists the providers, or shows the fields of one")
        .arg(flags::provider_key())
        .arg(flag(find("format")).value_parser(["text", "json"]));
    let completions = Command::new("completions").about("Generates shell completions").arg(
        Arg::new("shell")
            .value_name("bash|elvish|fish|powershell|zsh")
            .required(true)
            .value_parser(value_parser!(Shell))
            .hide_possible_values(true)
            .help("the shell that the script is for"),
    );
    let schema = Command::new("schema").about("Prints the JSON Schema of the manifest");
    let man = Command::new("man")
        .about("Prints a manual page in roff format")
        .arg(Arg::new("command").value_name("COMMAND").help("the command to document"));
    Command::new("finishline")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A single binary for Sentry releases, deploys and integrations in CI")
        .after_help(flags::PROGRAM_NOTES)
        .subcommand_required(true)
        .arg_required_else_help(false)
        .disable_help_subcommand(false)
        .subcommands(
            [run, plan, check, sourcemaps(inputs), import, resume].map(|one| one.defer(inputs)),
        )
        .subcommands([init::command(), providers, sentry_cli(), migrate(), serve()])
        .subcommands([schema, completions, man])
}

fn sourcemaps(inputs: fn(Command) -> Command) -> Command {
    Command::new("sourcemaps")
        .about("Injects debug ids into scripts and uploads them with their source maps")
        .arg(
            Arg::new(PATHS)
                .value_name("PATH")
                .num_args(1..)
                .help("a folder, file or glob of the build; the same as --sourcemaps"),
        )
        .args_conflicts_with_subcommands(true)
        .subcommand(explain().defer(inputs))
}

fn sentry_cli() -> Command {
    Command::new("sentry-cli")
        .about(
            "Takes the release, deploy and sourcemaps commands of sentry-cli, with its exit codes",
        )
        .disable_help_flag(true)
        .arg(
            Arg::new("arguments")
                .value_name("ARGUMENTS")
                .num_args(0..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .help("what follows `sentry-cli`; `--help` lists the commands"),
        )
}

fn migrate() -> Command {
    Command::new("migrate")
        .about("Rewrites CI files that use sentry-cli or action-release; prints the difference")
        .arg(
            Arg::new("files")
                .value_name("FILE")
                .num_args(1..)
                .required(true)
                .help("a workflow, another CI file, a package.json, or a shell script"),
        )
        .arg(
            Arg::new("write")
                .long("write")
                .action(ArgAction::SetTrue)
                .help("write the files instead of printing the difference"),
        )
}

fn explain() -> Command {
    Command::new(EXPLAIN)
        .about("Shows where a line of a stack trace leads, or why it does not")
        .arg(
            Arg::new(FRAME)
                .value_name("URL:LINE:COLUMN")
                .required(true)
                .help("the line of the stack trace, or its end"),
        )
}

fn serve() -> Command {
    let arg = |name, word, help| Arg::new(name).long(name).value_name(word).help(help);
    Command::new("serve")
        .about(
            "Runs a local Sentry-compatible API backed by the embedded backend's file, for tests \
             and for one machine",
        )
        .arg(
            arg("listen", "ADDRESS:PORT", "the address to listen on; port 0 picks a free port")
                .default_value(DEFAULT_LISTEN),
        )
        .arg(arg("database", "FILE", "the embedded backend's SQLite file [FINISHLINE_DATABASE]"))
        .arg(
            arg("org", "SLUG", "an organization to create; can be repeated")
                .action(ArgAction::Append),
        )
        .arg(
            arg("project", "SLUG", "a project to create in each --org; can be repeated")
                .action(ArgAction::Append),
        )
        .args(["ca-file", "log-level", "log-format"].map(|name| flag(find(name))))
}

fn request(matches: &ArgMatches) -> Invocation {
    let text = |matches: &ArgMatches, name: &str| matches.get_one::<String>(name).cloned();
    match matches.subcommand() {
        Some(("providers", matches)) => Invocation::Providers {
            key: text(matches, "key"),
            json: text(matches, "format").as_deref() == Some("json"),
        },
        Some(("serve", matches)) => {
            let all = |name| texts(matches, name);
            Invocation::Serve(ServeArgs {
                listen: text(matches, "listen").unwrap_or_default(),
                database: text(matches, "database"),
                orgs: all("org"),
                projects: all("project"),
                ca_file: text(matches, "ca-file"),
                log_level: text(matches, "log-level"),
                log_format: text(matches, "log-format"),
            })
        }
        Some(("sentry-cli", matches)) => Invocation::SentryCli(texts(matches, "arguments")),
        Some(("migrate", matches)) => {
            Invocation::Migrate { files: texts(matches, "files"), write: matches.get_flag("write") }
        }
        Some(("init", matches)) => Invocation::Init(init::read(matches)),
        Some(("schema", _)) => Invocation::Schema,
        Some(("completions", matches)) => {
            Invocation::Completions(*matches.get_one("shell").expect("clap wants a shell"))
        }
        Some(("man", matches)) => Invocation::Man(text(matches, "command")),
        Some((name, matches)) => step(name, matches),
        None => Invocation::Text(command().render_help().to_string()),
    }
}

/// A command that takes inputs.
fn step(name: &str, matches: &ArgMatches) -> Invocation {
    if let Some((EXPLAIN, matches)) = matches.subcommand() {
        return Invocation::Explain(flags(EXPLAIN, matches));
    }
    let flags = flags(name, matches);
    match name {
        "resume" => Invocation::Resume(flags),
        "check" => Invocation::Check(flags),
        "import" => Invocation::Import(flags),
        "sourcemaps" => Invocation::Sourcemaps(flags),
        _ => Invocation::Run(flags),
    }
}

fn texts(matches: &ArgMatches, name: &str) -> Vec<String> {
    matches.get_many::<String>(name).into_iter().flatten().cloned().collect()
}

/// What was typed after a command that takes inputs.
fn flags(name: &str, matches: &ArgMatches) -> CommandLineFlags {
    let flag = |input: &InputSpec| Some((input.name, matches.get_one(input.name).cloned()?));
    let mut values: BTreeMap<_, _> = INPUTS.iter().filter_map(flag).collect();
    values.extend(log_level(matches).map(|level| ("log-level", level.to_owned())));
    let is_plan = name == "plan";
    if is_plan {
        values.insert("dry-run", "true".to_owned());
    }
    if name == "sourcemaps"
        && let Some(paths) = matches.get_many::<String>(PATHS)
    {
        let given = values.remove("sourcemaps").into_iter().chain(paths.cloned());
        values.insert("sourcemaps", given.collect::<Vec<_>>().join("\n"));
    }
    let sets = matches.get_many::<String>(SET).into_iter().flatten().cloned().collect();
    let frame = (name == EXPLAIN).then(|| matches.get_one(FRAME).cloned()).flatten();
    let exit_code = is_plan && matches.get_flag(EXIT_CODE);
    CommandLineFlags { values, sets, exit_code, frame, ..CommandLineFlags::default() }
}

/// The error of clap: its first line is the message, its tip the hint.
fn usage(error: &clap::Error) -> Error {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let message = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let stray =
        error.get(ContextKind::InvalidArg).filter(|_| error.kind() == ErrorKind::UnknownArgument);
    if stray.is_some_and(|argument| !argument.to_string().starts_with('-')) {
        // It may be a secret whose flag was mistyped.
        return Error::new(
            ErrorCode::Usage,
            "unexpected argument that belongs to no flag (not shown)",
        )
        .with_hint("put each value behind its flag, and a value with blanks in quotes");
    }
    let message = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::MissingRequiredArgument, Some(missing)) => {
            missing_words(&missing.to_string(), lines.clone())
        }
        _ => message,
    };
    let failure = Error::new(ErrorCode::Usage, message);
    let prefixes = ["tip: ", "[possible values: ", "Usage: "];
    let said = |prefix: &str| lines.clone().find_map(|line| line.strip_prefix(prefix));
    let [tip, values, usage] = prefixes.map(said);
    match (tip, error.kind()) {
        (_, ErrorKind::InvalidValue) if values.is_some() => {
            let values = values.unwrap_or_default().trim_end_matches(']');
            failure.with_hint(format!("set it to one of: {values}"))
        }
        (Some(tip), _) => failure.with_hint(tip),
        (None, ErrorKind::MissingRequiredArgument) if usage.is_some() => {
            failure.with_hint(example(usage.unwrap_or_default()))
        }
        (None, ErrorKind::MissingSubcommand | ErrorKind::InvalidSubcommand) => failure
            .with_hint("run `finishline --help` to list the commands; in CI, use `finishline run`"),
        (None, _) => failure,
    }
}

/// What is missing of which command, with what there is to choose from.
fn missing_words<'a>(missing: &str, mut lines: impl Iterator<Item = &'a str>) -> String {
    let usage = lines.find_map(|line| line.strip_prefix("Usage: ")).unwrap_or_default();
    let command = usage.split(['<', '[']).next().unwrap_or_default().trim_end();
    let choices = missing.trim_matches(['<', '>']);
    match choices.contains('|') {
        true => format!("`{command}` needs one of: {}", choices.replace('|', ", ")),
        false => format!("missing {missing}"),
    }
}

/// What to type: with one of `<a|b>`, as an example.
fn example(usage: &str) -> String {
    let first = usage.split_once('<').and_then(|(before, rest)| {
        let (choices, after) = rest.split_once('>')?;
        Some(format!("{before}{}{after}", choices.split_once('|')?.0))
    });
    match first {
        Some(first) => format!("for example, `{first}`"),
        None => format!("run `{usage}`"),
    }
}
