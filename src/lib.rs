//! Sentry releases, deploys and integrations from a CI step, with outputs that always arrive.
//!
//! Data flows one way, and [`run`] is that way from top to bottom: the environment becomes inputs,
//! the inputs a task, the driver takes the task's pipeline to an outcome, and the host gets outputs.

pub mod backend;
pub mod build_folder;
pub mod cli;
pub mod command;
pub mod database;
pub mod env;
pub mod error;
pub mod git;
pub mod github;
pub mod http;
pub mod inputs;
pub mod integration;
pub mod job;
pub mod manifest;
pub mod migration;
pub mod model;
pub mod os;
pub mod outcome;
pub mod output;
pub mod provider;
pub mod release;
pub mod secret;
pub mod sentry_cli;
pub mod server;
pub mod sourcemap;
pub mod text;

use crate::cli::{Invocation, manual};
use crate::command::sentry_cli_call::{self, CallAction, PreparedCall};
use crate::command::supervise::Cancellation;
use crate::command::{Command, RunCache, RunContext, migrate, named_paths, supervise};
use crate::env::Env;
use crate::error::{Error, ErrorCode, ExitCode, Warning};
use crate::inputs::OutputOptions;
use crate::inputs::raw::{CommandLineFlags, RawInputs};
use crate::inputs::types::CalledRelease;
use crate::job::{Host, Job};
use crate::os::{blocking, files, interruption, signals, terminal};
use crate::outcome::Outcome;
use crate::output::paths::RunPaths;
use crate::output::{OutputSinks, StdoutKind, WriteOp, progress};
use crate::text::quote;
use crate::text::scrubber::SecretScrubber;
use std::ffi::OsString;
use tracing::subscriber::DefaultGuard;

/// Runs the program; the exit code.
///
/// # Errors
///
/// Only what leaves no way to write outputs: no random bytes.
pub fn run(args: impl IntoIterator<Item = OsString>, env: &Env) -> anyhow::Result<u8> {
    http::read_proxy_variables(env);
    http::read_trust_variables(env);
    let short = |work: &dyn Fn() -> u8| Ok(interruption::until_stopped(work, print_cancelled));
    match cli::parse(args) {
        Ok(Invocation::Text(text)) => short(&|| print_text(text.clone())),
        Ok(Invocation::Providers { key, json }) => short(&|| print_providers(key.as_deref(), json)),
        Ok(Invocation::Serve(typed)) => server::run(&typed, env),
        Ok(Invocation::Completions(shell)) => {
            short(&|| print_text(manual::completions(cli::completed_command(), shell)))
        }
        Ok(Invocation::Man(name)) => {
            short(&|| print_or_fail(manual::page(cli::command(), name.as_deref())))
        }
        Ok(Invocation::Schema) => {
            short(&|| print_text(format!("{:#}\n", manifest::schema::schema())))
        }
        Ok(Invocation::SentryCli(arguments)) => run_sentry_cli(&arguments, env),
        Ok(Invocation::Init(typed)) => short(&|| print_or_fail(command::init::init(&typed))),
        Ok(Invocation::Migrate { files, write }) => short(&|| migrate_files(&files, write)),
        Ok(Invocation::Run(flags)) => run_step(flags, Ok(Command::Run), env),
        Ok(Invocation::Check(flags)) => run_step(flags, Ok(Command::Check), env),
        Ok(Invocation::Import(flags)) => run_step(flags, Ok(Command::Import), env),
        Ok(Invocation::Sourcemaps(flags)) => run_step(flags, Ok(Command::Sourcemaps), env),
        Ok(Invocation::Explain(flags)) => run_step(flags, Ok(Command::Explain), env),
        Ok(Invocation::Resume(flags)) => run_step(flags, Ok(Command::Resume), env),
        Err(usage) => run_step(CommandLineFlags::default(), Err(usage), env),
    }
}

/// A call of sentry-cli, with its exit codes: 2 for a command line that is none, 1 for every other
/// failure.
fn run_sentry_cli(arguments: &[String], env: &Env) -> anyhow::Result<u8> {
    // Its exit code of any failure but that of a bad command line.
    let cancelled = || u8::from(print_cancelled() != 0);
    let prepare = || sentry_cli_call::prepare(arguments, env);
    let prepared = match interruption::until_stopped(prepare, cancelled) {
        Ok(prepared) => prepared,
        Err(failure) => {
            let is_usage = failure.code == ErrorCode::Usage;
            print_or_fail(Err(failure));
            return Ok(if is_usage { 2 } else { 1 });
        }
    };
    let PreparedCall { action, warnings, allows_failure } = prepared;
    let warnings: String = warnings.iter().map(|one| format!("warning: {one}\n")).collect();
    drop(OutputSinks::emit(vec![WriteOp::Stderr(warnings)]));
    let exit = match action {
        CallAction::Print(text) => interruption::until_stopped(|| print_text(text), cancelled),
        CallAction::Run { flags, command, env } => run_step(flags, Ok(command), &env)?,
    };
    // What was broken off is not let pass.
    let is_cancelled = exit == ExitCode::Cancelled.number();
    Ok(u8::from(exit != 0 && (!allows_failure || is_cancelled)))
}

/// Rewrites files, or prints how they would differ.
fn migrate_files(files: &[String], write: bool) -> u8 {
    let mut worst = 0;
    for file in migrate::distinct_files(files) {
        if signals::is_stopped() {
            return print_cancelled();
        }
        let exit = match migrate::migrate_file(file, write) {
            Ok(migrated) => {
                let writes =
                    vec![WriteOp::Stdout(migrated.report), WriteOp::Stderr(migrated.notes)];
                match OutputSinks::emit(writes) {
                    Ok(()) if migrated.is_untranslated => ExitCode::Refused.number(),
                    Ok(()) => 0,
                    Err(failure) => print_failure(&failure),
                }
            }
            Err(_) if signals::is_stopped() => return print_cancelled(),
            Err(failure) => print_or_fail(Err(failure)),
        };
        worst = worst.max(exit);
    }
    worst
}

/// The CI step: whatever happens, the outputs are written.
fn run_step(
    flags: CommandLineFlags,
    command: Result<Command, Error>,
    env: &Env,
) -> anyhow::Result<u8> {
    blocking::limit(inputs::timeout(&flags, env));
    let ((job, event_failure), exit_code) = (read_job(&flags, env), flags.exit_code);
    let entered = enter_working_directory(&flags, env);
    let paths = RunPaths::default();
    let read = |path: &str| paths.read(path);
    let (raw_inputs, mut mistakes) = RawInputs::collect(flags, env, &read);
    mistakes.extend(entered.err());
    let (options, output_mistakes) = OutputOptions::read(&raw_inputs, &job);
    mistakes.extend(output_mistakes);
    let scrubber = SecretScrubber::default();
    let _log = start_log(&options, &job, env, &scrubber);
    if let Some(error) = event_failure {
        tracing::warn!("cannot read the event of the job in GITHUB_EVENT_PATH: {error}");
    }
    let read = |path: &str| paths.read_default(path);
    let mut raw_inputs = raw_inputs.with_sentry_cli_defaults(env, &read, &mut mistakes);
    note_circumstances(&mut raw_inputs, &job, &command);
    named_paths::add(&paths, &raw_inputs, env);
    let (mut sinks, sink_failure) = OutputSinks::find(&options, env, paths, scrubber);
    sinks.stdout_kind = stdout_kind(&command, &raw_inputs);
    let conclude = |outcome| {
        progress::end();
        let outcome = with_interruption(&sinks, outcome);
        Ok(match write_outcome(&sinks, &outcome)? {
            0 if exit_code && outcome.has_changes => ExitCode::ChangesPending.number(),
            exit => exit,
        })
    };
    let outcome = match (command, sink_failure) {
        (Err(failure), _) | (_, Some(failure)) => Outcome::failed(failure),
        (Ok(command), None) => {
            let (cancellation, cache) = (&Cancellation::default(), &RunCache::default());
            let (raw_inputs, job, sinks, entry) = (&raw_inputs, &job, &sinks, None);
            let run =
                RunContext { command, raw_inputs, env, job, sinks, cancellation, cache, entry };
            let give_up = |outcome| conclude(outcome).unwrap_or(ExitCode::Bug.number());
            supervise::supervise(cancellation, run.execute(mistakes), give_up)
        }
    };
    conclude(outcome)
}

/// Notes of the inputs what is said beside them.
fn note_circumstances(raw_inputs: &mut RawInputs, job: &Job, command: &Result<Command, Error>) {
    raw_inputs.is_at_terminal = !job.host.is_ci() && terminal::is_interactive();
    raw_inputs.implies_release = matches!(command, Ok(Command::Run | Command::Check));
}

/// What the command prints on standard output.
fn stdout_kind(command: &Result<Command, Error>, raw_inputs: &RawInputs) -> StdoutKind {
    match command {
        Ok(Command::Import | Command::Called(_)) => StdoutKind::Document,
        _ if raw_inputs.called != CalledRelease::NotCalled => StdoutKind::CallReport,
        _ => StdoutKind::Report,
    }
}

/// Turns on what is said while the run is under way: the log, and the progress below it.
fn start_log(
    options: &OutputOptions,
    job: &Job,
    env: &Env,
    scrubber: &SecretScrubber,
) -> DefaultGuard {
    progress::start(options, job, env, scrubber.clone());
    output::log::start(options, env, scrubber.clone())
}

/// The outcome as it is reported. A read that a signal ended is no mistake in the inputs, and an output
/// that is not written is said besides whatever else is wrong.
fn with_interruption(sinks: &OutputSinks, mut outcome: Outcome) -> Outcome {
    if signals::is_stopped() && outcome.exit() == ExitCode::Inputs {
        return Outcome::from(ErrorCode::Cancelled);
    }
    let conflict = sinks.conflict().map(|conflict| conflict.message);
    let is_said = |message: &String| {
        outcome.failure.as_ref().is_some_and(|failure| failure.message.contains(message))
    };
    let unsaid = conflict.filter(|message| !is_said(message));
    outcome.warn_once(unsaid.map(|message| Warning::new("outputs-dropped", message)));
    outcome
}

/// Goes to the folder that relative paths start from; those of the host are absolute.
fn enter_working_directory(flags: &CommandLineFlags, env: &Env) -> Result<(), Error> {
    let Ok(Some(input)) = RawInputs::working_directory(flags, env) else { return Ok(()) };
    let (folder, origin) = (input.text.expose(), input.origin);
    files::enter(folder).map_err(|error| {
        let message = format!("cannot use {} as working directory: {error}", quote(folder));
        let hint = format!("set {origin} to a folder that exists");
        Error::new(ErrorCode::Usage, message).with_hint(hint)
    })
}

/// The facts of the CI job; an event that cannot be read adds nothing, and is said where it is there.
fn read_job(flags: &CommandLineFlags, env: &Env) -> (Job, Option<std::io::Error>) {
    let host = Host::of_run(flags.values.get("ci"), env);
    let event = env.get("GITHUB_EVENT_PATH").filter(|_| host.is_github_like());
    let (event, failure) = match event.map(files::read_event) {
        Some(Ok(event)) => (Some(event), None),
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    };
    let failure = failure.filter(|error| error.kind() != std::io::ErrorKind::NotFound);
    (Job::read(host, env, event.as_ref()), failure)
}

/// Writes the outputs; a failure to write them is worse than any other.
fn write_outcome(sinks: &OutputSinks, outcome: &Outcome) -> anyhow::Result<u8> {
    let result = sinks.render(outcome, &output::random_delimiter()?).and_then(OutputSinks::emit);
    let Err(failure) = result else { return Ok(outcome.exit().number()) };
    let exit = failure.code.exit().number();
    // Standard error may work when the file of the outputs does not.
    if outcome.failure.as_ref().is_none_or(|reported| reported.code != failure.code) {
        drop(OutputSinks::emit(sinks.diagnostics(&Outcome::failed(failure))));
    }
    Ok(exit)
}

fn print_providers(key: Option<&str>, json: bool) -> u8 {
    use crate::provider::fields::help;
    let text = match (key.map(provider::find), json) {
        (None, false) => help::list(),
        (None, true) => format!("{}\n", help::list_json()),
        (Some(Ok(provider)), false) => help::provider_text(provider),
        (Some(Ok(provider)), true) => format!("{}\n", help::provider_json(provider)),
        (Some(Err(failure)), _) => return print_or_fail(Err(failure)),
    };
    print_text(text)
}

/// A text for a person, or why there is none.
fn print_or_fail(text: Result<String, Error>) -> u8 {
    match text {
        Ok(text) => print_text(text),
        Err(failure) => print_failure(&failure),
    }
}

/// Says why a command that is no run failed; its exit code.
fn print_failure(failure: &Error) -> u8 {
    let text = output::github::neutralize_commands(&failure.report());
    drop(OutputSinks::emit(vec![WriteOp::Stderr(text)]));
    failure.code.exit().number()
}

/// Says that a signal ended a command that is no run; its exit code.
fn print_cancelled() -> u8 {
    let failure = Error::new(ErrorCode::Cancelled, "the command was cancelled by a signal")
        .with_hint("run it again; each file is as it was, or written as a whole");
    print_or_fail(Err(failure))
}

fn print_text(text: String) -> u8 {
    match OutputSinks::emit(vec![WriteOp::Stdout(text)]) {
        Ok(()) => 0,
        Err(failure) => print_failure(&failure),
    }
}
