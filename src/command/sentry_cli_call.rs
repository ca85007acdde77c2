//! `finishline sentry-cli`: a call of sentry-cli as a run of ours.

use super::Command;
use crate::env::Env;
use crate::error::{Error, ErrorCode, Result};
use crate::git::{Checkout, GitEnvironment};
use crate::inputs::compat;
use crate::inputs::raw::CommandLineFlags;
use crate::inputs::table::{FlagKind, INPUTS, InputGroup, InputSpec};
use crate::inputs::types::CalledRelease;
use crate::os::clock::unix_seconds;
use crate::os::files;
use crate::sentry_cli::{self, CalledOperation, SentryCliCall, SentryCliTask, StepInputs};
use crate::text::quote;
use std::path::Path;

/// Inputs that sentry-cli, too, takes from the job's variables.
const OF_THE_JOB: [&str; 5] = ["projects", "release", "dist", "remote", "tolerate"];

/// A call that is ready to go.
pub(crate) struct PreparedCall {
    /// What is done.
    pub(crate) action: CallAction,
    /// What of the call is not used.
    pub(crate) warnings: Vec<String>,
    /// Whether a failure of it is let pass.
    pub(crate) allows_failure: bool,
}

/// What a call does.
pub(crate) enum CallAction {
    /// It prints a text.
    Print(String),
    /// It is a run.
    Run {
        /// Its inputs.
        flags: CommandLineFlags,
        /// What it is for.
        command: Command,
        /// The environment as far as the call leaves it.
        env: Env,
    },
}

/// Reads the arguments of a call.
pub(crate) fn prepare(arguments: &[String], env: &Env) -> Result<PreparedCall> {
    let call = match sentry_cli::parse(arguments)? {
        Ok(call) => call,
        Err(text) => {
            let action = CallAction::Print(text);
            return Ok(PreparedCall { action, warnings: Vec::new(), allows_failure: false });
        }
    };
    let is_set = ["1", "true"].iter().any(|value| env.is("SENTRY_ALLOW_FAILURE", value));
    let allows_failure = call.has("allow-failure") || is_set;
    let operation = CalledOperation::of_call(&call)?;
    let action = match call.task {
        SentryCliTask::ProposeVersion => CallAction::Print(format!("{}\n", proposed_version(env)?)),
        _ if let Some(operation) = operation => run(&call, Command::Called(operation), env)?,
        SentryCliTask::InjectDebugIds => run(&call, Command::Inject, env)?,
        SentryCliTask::UploadSourcemaps => run(&call, Command::Sourcemaps, env)?,
        _ => run(&call, Command::Run, env)?,
    };
    Ok(PreparedCall { action, warnings: call.warnings, allows_failure })
}

/// The version that the environment or a build file names, else the commit that is checked out.
fn proposed_version(env: &Env) -> Result<String> {
    let named = env.get("SENTRY_RELEASE").filter(|version| !version.trim().is_empty());
    let named = named.map(|version| version.trim().to_owned());
    let of_service = || Some(compat::variables::version(env, &files::read)?.0);
    if let Some(version) = named.or_else(of_service) {
        return Ok(version);
    }
    let unreadable = |reason: String| {
        let message = format!("cannot propose a version: {reason}");
        Error::new(ErrorCode::BadRelease, message)
            .with_hint("set SENTRY_RELEASE, or check out the commit")
    };
    match Checkout::find_in(Path::new("."), &GitEnvironment::new(env, None)) {
        Ok(Some(checkout)) => checkout.head().map_err(|error| unreadable(error.to_string())),
        Ok(None) => Err(unreadable("there is no checkout here".to_owned())),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

/// The run that does what a call says, and nothing that only the job's variables say.
fn run(call: &SentryCliCall, command: Command, env: &Env) -> Result<CallAction> {
    let mut step = StepInputs::default();
    step.add(call).map_err(|conflict| Error::new(ErrorCode::Internal, conflict.0))?;
    let of_the_call = INPUTS.iter().filter(|input| is_of_the_call(input));
    let of_the_call = of_the_call.flat_map(|input| input.variables).copied();
    // Of those of the job, the names of sentry-cli count.
    let of_ours = OF_THE_JOB.iter().flat_map(|name| variables(name));
    let of_ours = of_ours.filter(|variable| variable.starts_with("FINISHLINE_"));
    let mut env = of_the_call.chain(of_ours).fold(env.clone(), Env::without);
    let names_release = variables("release").any(|variable| env.get(variable).is_some());
    let on_release = |operation| matches!(operation, CalledOperation::OnRelease(_));
    let is_of_release = match command {
        Command::Called(operation) => on_release(operation),
        _ => command == Command::Run,
    };
    if is_of_release && step.get("release").is_none() && !names_release {
        let message = "the release of the call is not named";
        return Err(Error::new(ErrorCode::BadRelease, message)
            .with_hint("add `--release VERSION`, or set SENTRY_RELEASE"));
    }
    let mut flags = CommandLineFlags::default();
    // What needs a value was looked at; the rest may be left empty.
    let given = input_values(call, &step, &env)?.into_iter();
    for (name, value) in given.filter(|(_, value)| !value.trim().is_empty()) {
        let input = InputSpec::find(name).ok_or_else(|| not_here(name))?;
        match input.flag {
            // What would be the name of a file as a flag is a secret.
            FlagKind::File(_) => env = env.with(input.variables[0], &value),
            FlagKind::Value(_) | FlagKind::Switch => {
                let value = if name == "log-level" { value.to_lowercase() } else { value };
                flags.values.insert(input.name, value);
            }
        }
    }
    flags.called = called_release(call, &env);
    Ok(CallAction::Run { flags, command, env })
}

/// The inputs of the run, with those that keep it from doing more than the call says.
fn input_values(
    call: &SentryCliCall,
    step: &StepInputs,
    env: &Env,
) -> Result<Vec<(&'static str, String)>> {
    let is_of_files =
        matches!(call.task, SentryCliTask::InjectDebugIds | SentryCliTask::UploadSourcemaps);
    let mut values = match CalledOperation::of_call(call)? {
        Some(_) => call.inputs.iter().map(|(name, value)| (*name, value.clone())).collect(),
        None => step.values(),
    };
    if step.get("environment").is_none() && !is_of_files {
        values.push(("deploy", "false".to_owned()));
    }
    if is_of_files && step.get("sourcemaps-wait").is_none() {
        values.push(("sourcemaps-wait", "false".to_owned()));
    }
    if env.get("FINISHLINE_BACKEND").is_none() {
        values.push(("backend", "sentry".to_owned()));
    }
    if let Some(seconds) = call.fact("time") {
        let parsed = seconds.parse().ok();
        let started = parsed.and_then(|seconds: u64| unix_seconds().checked_sub(seconds));
        let started = started.ok_or_else(|| {
            let message = format!("`--time` is not a number of seconds: {}", quote(seconds));
            Error::new(ErrorCode::Usage, message)
                .with_hint("write how many seconds the deploy took, such as `--time 60`")
        })?;
        values.push(("started-at", started.to_string()));
    }
    if call.has("quiet") {
        values.push(("log-level", "error".to_owned()));
    }
    Ok(values)
}

/// `set-commits` makes a release where it has projects for it, as in sentry-cli.
fn called_release(call: &SentryCliCall, env: &Env) -> CalledRelease {
    let has_projects = call.inputs.contains_key("projects")
        || variables("projects").any(|variable| env.get(variable).is_some());
    match call.task {
        SentryCliTask::NewRelease => CalledRelease::Made,
        SentryCliTask::SetCommits if has_projects => CalledRelease::Made,
        _ => CalledRelease::Existing,
    }
}

/// Whether a call says itself what it does: a variable of the job asks for nothing more.
fn is_of_the_call(input: &InputSpec) -> bool {
    let is_said = matches!(
        input.group,
        InputGroup::Integration | InputGroup::Release | InputGroup::SourceMaps
    );
    (is_said && !OF_THE_JOB.contains(&input.name))
        || ["manifest", "plan", "github-status"].contains(&input.name)
}

fn variables(input: &str) -> impl Iterator<Item = &'static str> {
    let input = INPUTS.iter().find(move |one| one.name == input);
    input.into_iter().flat_map(|input| input.variables.iter().copied())
}

fn not_here(name: &str) -> Error {
    let message = format!("this version of finishline has no input `{name}`");
    Error::new(ErrorCode::Unsupported, message).with_hint("use sentry-cli for this call")
}
