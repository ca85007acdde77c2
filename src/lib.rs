//! Sentry releases, deploys and integrations from a CI step, with outputs that always arrive.
//!
//! Data flows one way, and [`run`] is that way from top to bottom: the environment becomes inputs,
//! the inputs a task, the driver walks the task's pipeline to an outcome, and the host is told.

pub mod backend;
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
pub mod model;
pub mod os;
pub mod outcome;
pub mod output;
pub mod provider;
pub mod release;
pub mod secret;
pub mod server;
pub mod text;

use crate::cli::{Invocation, manual};
use crate::command::supervise::Cancellation;
use crate::command::{Command, RunCache, RunContext, supervise};
use crate::env::Env;
use crate::error::{Error, ExitCode};
use crate::inputs::OutputOptions;
use crate::inputs::raw::{CommandLineFlags, RawInputs};
use crate::job::{Host, Job};
use crate::os::files;
use crate::outcome::Outcome;
use crate::output::{OutputSinks, WriteOp};
use std::ffi::OsString;

/// Runs the program; the exit code.
///
/// # Errors
///
/// Only what leaves no way to tell the host: no runtime, no random bytes.
pub fn run(args: impl IntoIterator<Item = OsString>, env: &Env) -> anyhow::Result<u8> {
    match cli::parse(args) {
        Ok(Invocation::Text(text)) => Ok(print_text(text)),
        Ok(Invocation::Providers { key, json }) => Ok(print_providers(key.as_deref(), json)),
        Ok(Invocation::Serve(typed)) => server::run(&typed, env),
        Ok(Invocation::Completions(shell)) => {
            Ok(print_text(manual::completions(cli::command(), shell)))
        }
        Ok(Invocation::Man(name)) => {
            Ok(print_or_fail(manual::page(cli::command(), name.as_deref())))
        }
        Ok(Invocation::Schema) => Ok(print_text(format!("{:#}\n", manifest::schema::schema()))),
        Ok(Invocation::Run(flags)) => run_step(flags, Ok(Command::Run), env),
        Ok(Invocation::Check(flags)) => run_step(flags, Ok(Command::Check), env),
        Ok(Invocation::Import(flags)) => run_step(flags, Ok(Command::Import), env),
        Ok(Invocation::Resume(flags)) => run_step(flags, Ok(Command::Resume), env),
        Err(usage) => run_step(CommandLineFlags::default(), Err(usage), env),
    }
}

/// The CI step: whatever happens, the host is told.
fn run_step(
    flags: CommandLineFlags,
    errand: Result<Command, Error>,
    env: &Env,
) -> anyhow::Result<u8> {
    let (job, exit_code) = (read_job(env), flags.exit_code);
    let (given, mut mistakes) = RawInputs::collect(flags, env, &files::read);
    let given = given.with_sentry_cli_defaults(env, &files::read, job.host.is_ci());
    let (voice, unheard) = OutputOptions::read(&given, &job);
    let _log = output::log::start(&voice);
    let database = given.get("database").map(|found| found.text.expose());
    let (sinks, lacks) = OutputSinks::find(&voice, env, database);
    mistakes.extend(unheard);
    let outcome = match (errand, lacks) {
        (Err(failure), _) | (_, Some(failure)) => Outcome::failed(failure),
        (Ok(errand), None) => {
            let (stopping, shared) = (Cancellation::default(), RunCache::default());
            let (given, job, sinks) = (&given, &job, &sinks);
            let (stopping, shared) = (&stopping, &shared);
            let run = RunContext { errand, given, env, job, sinks, stopping, shared, entry: None };
            supervise::supervise(stopping, run.execute(mistakes))?
        }
    };
    match write_outcome(&sinks, &outcome)? {
        0 if exit_code && outcome.has_changes => Ok(ExitCode::ChangesPending.number()),
        exit => Ok(exit),
    }
}

/// What the host tells of the job; an event that cannot be read tells nothing.
fn read_job(env: &Env) -> Job {
    let host = Host::detect(env);
    let event = env.get("GITHUB_EVENT_PATH").filter(|_| host.is_github_like());
    let event = event.and_then(|path| files::read_event(path).ok());
    Job::read(host, env, event.as_ref())
}

/// Writes the outputs; a failure to write them is the worst that can be said.
fn write_outcome(sinks: &OutputSinks, outcome: &Outcome) -> anyhow::Result<u8> {
    let written = sinks.render(outcome, &output::random_delimiter()?).and_then(OutputSinks::emit);
    let Err(failure) = written else { return Ok(outcome.exit().number()) };
    let exit = failure.code.exit().number();
    // Standard error may still be heard when the file of the outputs is not.
    if outcome.failure.as_ref().is_none_or(|told| told.code != failure.code) {
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
        Err(failure) => {
            let text = format!("error: {failure}\n  hint: {}\n", failure.hint);
            drop(OutputSinks::emit(vec![WriteOp::Stderr(output::github::neutralize_commands(
                &text,
            ))]));
            failure.code.exit().number()
        }
    }
}

fn print_text(text: String) -> u8 {
    match OutputSinks::emit(vec![WriteOp::Stdout(text)]) {
        Ok(()) => 0,
        Err(failure) => failure.code.exit().number(),
    }
}
