//! What a call is about: everything that decides where it goes and what it does there.

use super::client_variables::VARIABLES;
use super::shell_state::ShellState;
use crate::sentry_cli::{SentryCliCall, SentryCliTask, StepInputs, flag_inputs};
use std::collections::BTreeMap;

const SERVER: &[&str] = &["org", "url", "auth-token", "headers"];
const INJECTION: &[&str] = &["sourcemaps-ignore", "sourcemaps-ignore-file"];

/// The values of everything that decides about a call, said or inherited, by names. What is not
/// there does not matter to it; a flag that is not given is a value of its own.
#[derive(Clone, Debug, Default)]
pub(super) struct CallTarget(BTreeMap<&'static str, String>);

impl CallTarget {
    /// What a call is about where the shell has come to.
    pub(super) fn new(call: &SentryCliCall, shell: &mut ShellState) -> Self {
        let mut values = BTreeMap::from([("folder", shell.folder())]);
        for name in names(call, shell) {
            values.insert(name, value(name, call, shell));
        }
        if call.task != SentryCliTask::InjectDebugIds {
            values.insert("variables", shell.deciding_variables());
        }
        // Two deploys are two, and two uploads two bundles, however equal they are.
        match call.task {
            SentryCliTask::NewDeploy => values.insert("deploy", shell.unknown()),
            SentryCliTask::UploadSourcemaps => values.insert("bundle", shell.unknown()),
            _ => None,
        };
        Self(values)
    }

    /// The names for which two calls differ.
    pub(super) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let differs = |name: &&&'static str| {
            other.0.get(**name).is_some_and(|value| Some(value) != self.0.get(**name))
        };
        self.0.keys().filter(differs).copied().collect()
    }

    /// Adds what matters to another call.
    pub(super) fn extend(&mut self, other: Self) {
        for (name, value) in other.0 {
            self.0.entry(name).or_insert(value);
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn set(&mut self, name: &'static str, value: String) {
        self.0.insert(name, value);
    }
}

/// What matters to a call.
fn names(call: &SentryCliCall, shell: &ShellState) -> Vec<&'static str> {
    use SentryCliTask::{InjectDebugIds, NewDeploy, NewRelease, SetCommits, UploadSourcemaps};
    if call.task == InjectDebugIds {
        return INJECTION.to_vec();
    }
    let mut names = SERVER.to_vec();
    names.push("release");
    let is_given = call.inputs.contains_key("projects");
    let takes_projects = match call.task {
        NewRelease | UploadSourcemaps => true,
        // Without any, they leave the projects of the release as they are.
        SetCommits | NewDeploy => is_given || !shell.is_unset("SENTRY_PROJECT"),
        _ => false,
    };
    names.extend(takes_projects.then_some("projects"));
    match call.task {
        UploadSourcemaps => names.extend(flag_inputs(UploadSourcemaps)),
        SetCommits => names.push("commits"),
        SentryCliTask::FinalizeRelease => names.push("released-at"),
        NewRelease if call.has("finalize") => names.push("released-at"),
        _ => {}
    }
    // The page of a release stays where a call names none.
    names.extend(call.inputs.contains_key("release-url").then_some("release-url"));
    names
}

fn value(name: &'static str, call: &SentryCliCall, shell: &mut ShellState) -> String {
    if let Some(word) = call.inputs.get(name) {
        return shell.resolve(word);
    }
    match VARIABLES.iter().find(|(input, _)| *input == name) {
        Some((_, variable)) => shell.exported_value(variable),
        None => "\0none".to_owned(),
    }
}

/// The call without the flags that say what the variable of the same meaning says anyhow.
pub(super) fn without_repetition(call: &SentryCliCall, shell: &ShellState) -> SentryCliCall {
    let mut call = call.clone();
    for (input, variable) in VARIABLES.iter().take(4) {
        let repeats =
            call.inputs.get(input).is_some_and(|value| *value == format!("\"${variable}\""));
        if repeats && shell.is_inherited(variable) {
            call.inputs.remove(input);
        }
    }
    // A release that is finalized keeps its projects.
    if call.task == SentryCliTask::FinalizeRelease {
        call.inputs.remove("projects");
    }
    call
}

/// The values of a step's inputs where the shell has come to.
pub(super) fn input_values(inputs: &StepInputs, shell: &mut ShellState) -> Vec<String> {
    inputs.values().iter().map(|(_, word)| shell.resolve(word)).collect()
}
