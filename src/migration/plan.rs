//! Which calls of a script are one step.

use super::client_variables::VARIABLES;
use super::pure_script::PureCall;
use super::step_environment::StepEnvironment;
use crate::sentry_cli::{SentryCliCall, SentryCliTask, StepInputs, flag_inputs};
use std::collections::BTreeMap;

/// Calls that are one step.
pub(super) struct StepGroup {
    pub(super) inputs: StepInputs,
    /// The step whose script has them.
    pub(super) step: usize,
    pub(super) calls: Vec<PureCall>,
    pub(super) target: CallTarget,
    /// Whether its failure is let pass.
    pub(super) is_tolerated: bool,
}

impl StepGroup {
    /// The place of its last command.
    pub(super) fn last(&self) -> usize {
        self.calls.last().map_or(0, |call| call.index)
    }

    fn new(step: usize, call: PureCall, target: CallTarget) -> Self {
        let mut inputs = StepInputs::default();
        let added = inputs.add(&call.call);
        debug_assert!(added.is_ok(), "an empty step takes every call");
        let is_tolerated = call.is_tolerated;
        Self { inputs, step, calls: vec![call], target, is_tolerated }
    }

    /// Adds a call that is about the same in everything; else gives it back.
    fn join(&mut self, call: PureCall, target: CallTarget) -> Option<(PureCall, CallTarget)> {
        let differences = self.target.differences(&target);
        let adds_projects = differences == ["projects"]
            && self.inputs.get("projects").is_some()
            && call.call.inputs.contains_key("projects")
            && self.inputs.adds_projects(&call.call);
        let fits = !may_be_refused(&call)
            && !self.is_tolerated
            && !call.is_tolerated
            && self.inputs.may_go_on_with(&call.call)
            && (differences.is_empty() || adds_projects);
        if !fits || self.inputs.add(&call.call).is_err() {
            return Some((call, target));
        }
        self.target.extend(target);
        self.calls.push(call);
        None
    }
}

/// Whether a server may refuse a deploy for what it is called: a step would not make the release before it.
fn may_be_refused(call: &PureCall) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_plain = |text: &String| text.len() <= 64 && text.chars().all(is_name);
    let names = ["environment", "deploy-name", "deploy-url", "started-at", "finished-at"];
    call.call.task == SentryCliTask::NewDeploy
        && !names.iter().filter_map(|name| call.identities.get(name)).all(is_plain)
}

/// Finds the steps that the calls of a script become, in their order.
pub(super) fn plan(
    step: usize,
    calls: Vec<PureCall>,
    environment: &StepEnvironment,
) -> Vec<StepGroup> {
    let mut groups: Vec<StepGroup> = Vec::new();
    for call in calls {
        let target = CallTarget::new(&call, environment);
        let rest = match groups.last_mut() {
            Some(group) => group.join(call, target),
            None => Some((call, target)),
        };
        groups.extend(rest.map(|(call, target)| StepGroup::new(step, call, target)));
    }
    groups
}

/// The first call that injects ids into files which the same step would not upload.
pub(super) fn injected_alone(groups: &[StepGroup]) -> Option<usize> {
    let is_alone = |group: &&StepGroup| {
        group.inputs.does(SentryCliTask::InjectDebugIds)
            && !group.inputs.does(SentryCliTask::UploadSourcemaps)
    };
    groups.iter().find(is_alone).map(StepGroup::last)
}

const SERVER: &[&str] = &["org", "url", "auth-token", "headers"];
const INJECTION: &[&str] = &["sourcemaps-ignore", "sourcemaps-ignore-file"];

/// The values of everything that decides about a call, said or inherited, by names. What is not
/// there does not matter to it; a flag that is not given is a value of its own.
#[derive(Clone, Debug, Default)]
pub(super) struct CallTarget(BTreeMap<&'static str, String>);

impl CallTarget {
    fn new(call: &PureCall, environment: &StepEnvironment) -> Self {
        let mut values = BTreeMap::new();
        for name in names(&call.call, environment) {
            let inherited = || match VARIABLES.iter().find(|(input, _)| *input == name) {
                Some((_, variable)) => environment.identity(variable),
                None => "\0none".to_owned(),
            };
            values.insert(name, call.identities.get(name).cloned().unwrap_or_else(inherited));
        }
        // Two deploys are two, and two uploads two bundles, however equal they are.
        match call.call.task {
            SentryCliTask::NewDeploy => values.insert("deploy", call.index.to_string()),
            SentryCliTask::UploadSourcemaps => values.insert("bundle", call.index.to_string()),
            _ => None,
        };
        Self(values)
    }

    /// The names for which two calls differ.
    fn differences(&self, other: &Self) -> Vec<&'static str> {
        let differs = |name: &&&'static str| {
            other.0.get(**name).is_some_and(|value| Some(value) != self.0.get(**name))
        };
        self.0.keys().filter(differs).copied().collect()
    }

    /// Adds what matters to another call, and its projects.
    fn extend(&mut self, other: Self) {
        for (name, value) in other.0 {
            let known = self.0.entry(name).or_insert_with(|| value.clone());
            if name == "projects" && *known != value {
                *known = format!("{known},{value}");
            }
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// What matters to a call.
fn names(call: &SentryCliCall, environment: &StepEnvironment) -> Vec<&'static str> {
    use SentryCliTask::{
        FinalizeRelease, InjectDebugIds, NewDeploy, NewRelease, SetCommits, UploadSourcemaps,
    };
    if call.task == InjectDebugIds {
        return INJECTION.to_vec();
    }
    let mut names = SERVER.to_vec();
    names.push("release");
    let is_given = call.inputs.contains_key("projects");
    let takes_projects = match call.task {
        NewRelease | UploadSourcemaps => true,
        // Without any, they leave the projects of the release as they are.
        SetCommits | NewDeploy => is_given || !environment.is_unset("SENTRY_PROJECT"),
        _ => false,
    };
    names.extend(takes_projects.then_some("projects"));
    match call.task {
        UploadSourcemaps => names.extend(flag_inputs(UploadSourcemaps)),
        SetCommits => names.push("commits"),
        FinalizeRelease => names.push("released-at"),
        NewRelease if call.has("finalize") => names.push("released-at"),
        _ => {}
    }
    // The page of a release stays where a call names none.
    names.extend(call.inputs.contains_key("release-url").then_some("release-url"));
    names
}
