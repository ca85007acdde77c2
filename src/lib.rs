//! Sentry releases, deploys and integrations from a CI step, with outputs that always arrive.
//!
//! Data flows one way, and [`run`] is that way from top to bottom: the environment becomes inputs,
//! the inputs a task, the driver walks the task's pipeline to an outcome, and the host is told.

pub mod backend;
pub mod callback;
pub mod cli;
mod database;
pub mod dates;
pub mod driver;
pub mod env;
pub mod failure;
pub mod files;
pub mod git;
pub mod github;
pub mod host;
pub mod http;
pub mod inputs;
pub mod job;
pub mod links;
pub mod manifest;
pub mod manual;
pub mod model;
pub mod outcome;
pub mod outputs;
pub mod plan;
pub mod provider;
pub mod redirect;
pub mod release;
pub mod report;
pub mod run;
pub mod seam;
pub mod secret;
pub mod server;
pub mod state;
pub mod store;
mod supervise;
mod terminal;
pub mod token;
pub mod yaml;

use cli::Request;
use env::Env;
use failure::{Exit, Failure};
use host::{Emit, Sinks};
use inputs::Voice;
use inputs::given::{Flags, Given};
use job::{Host, Job};
use outcome::Outcome;
use run::{Errand, Run, Shared};
use std::ffi::OsString;
use supervise::Stopping;

/// Runs the program; the exit code.
///
/// # Errors
///
/// Only what leaves no way to tell the host: no runtime, no random bytes.
pub fn run(args: impl IntoIterator<Item = OsString>, env: &Env) -> anyhow::Result<u8> {
    match cli::parse(args) {
        Ok(Request::Words(text)) => Ok(say(text)),
        Ok(Request::Providers { key, json }) => Ok(explain(key.as_deref(), json)),
        Ok(Request::Serve(typed)) => server::run(&typed, env),
        Ok(Request::Completions(shell)) => Ok(say(manual::completions(cli::command(), shell))),
        Ok(Request::Man(name)) => Ok(print(manual::page(cli::command(), name.as_deref()))),
        Ok(Request::Schema) => Ok(say(format!("{:#}\n", manifest::schema::schema()))),
        Ok(Request::Run(flags)) => run_step(flags, Ok(Errand::Run), env),
        Ok(Request::Check(flags)) => run_step(flags, Ok(Errand::Check), env),
        Ok(Request::Import(flags)) => run_step(flags, Ok(Errand::Import), env),
        Ok(Request::Resume(flags)) => run_step(flags, Ok(Errand::Resume), env),
        Err(usage) => run_step(Flags::default(), Err(usage), env),
    }
}

/// The CI step: whatever happens, the host is told.
fn run_step(flags: Flags, errand: Result<Errand, Failure>, env: &Env) -> anyhow::Result<u8> {
    let (job, exit_code) = (read_job(env), flags.exit_code);
    let (given, mut mistakes) = Given::collect(flags, env, &files::read);
    let given = given.with_files(env, &files::read, job.host.is_ci());
    let (voice, unheard) = Voice::read(&given, &job);
    let _log = host::log::start(&voice);
    let database = given.get("database").map(|found| found.text.expose());
    let (sinks, lacks) = Sinks::find(&voice, env, database);
    mistakes.extend(unheard);
    let outcome = match (errand, lacks) {
        (Err(failure), _) | (_, Some(failure)) => Outcome::failed(failure),
        (Ok(errand), None) => {
            let (stopping, shared) = (Stopping::default(), Shared::default());
            let (given, job, sinks) = (&given, &job, &sinks);
            let (stopping, shared) = (&stopping, &shared);
            let run = Run { errand, given, env, job, sinks, stopping, shared, entry: None };
            supervise::supervise(stopping, run.carry_out(mistakes))?
        }
    };
    match tell(&sinks, &outcome)? {
        0 if exit_code && outcome.to_do => Ok(Exit::ToDo.number()),
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
fn tell(sinks: &Sinks, outcome: &Outcome) -> anyhow::Result<u8> {
    let written = sinks.render(outcome, &host::mark()?).and_then(Sinks::emit);
    let Err(failure) = written else { return Ok(outcome.exit().number()) };
    let exit = failure.code.exit().number();
    // Standard error may still be heard when the file of the outputs is not.
    if outcome.failure.as_ref().is_none_or(|told| told.code != failure.code) {
        drop(Sinks::emit(sinks.narration(&Outcome::failed(failure))));
    }
    Ok(exit)
}

fn explain(key: Option<&str>, json: bool) -> u8 {
    use provider::describe;
    let text = match (key.map(provider::find), json) {
        (None, false) => describe::list(),
        (None, true) => format!("{}\n", describe::list_json()),
        (Some(Ok(provider)), false) => describe::one(provider),
        (Some(Ok(provider)), true) => format!("{}\n", describe::one_json(provider)),
        (Some(Err(failure)), _) => return print(Err(failure)),
    };
    say(text)
}

/// A text for a person, or why there is none.
fn print(text: Result<String, Failure>) -> u8 {
    match text {
        Ok(text) => say(text),
        Err(failure) => {
            let text = format!("error: {failure}\n  hint: {}\n", failure.hint);
            drop(Sinks::emit(vec![Emit::Stderr(host::github::neutral(&text))]));
            failure.code.exit().number()
        }
    }
}

fn say(text: String) -> u8 {
    match Sinks::emit(vec![Emit::Stdout(text)]) {
        Ok(()) => 0,
        Err(failure) => failure.code.exit().number(),
    }
}
