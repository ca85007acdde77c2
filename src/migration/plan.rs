//! Which calls of a job are one step, and which stay calls.

use super::call_target::{self, CallTarget};
use super::script_part::{CommandUse, JobPart, ScriptPart, StepCall, ends_script};
use super::shell_reader::ShellCommand;
use super::shell_state::ShellState;
use crate::sentry_cli::{SentryCliCall, SentryCliTask, StepConflict, StepInputs};

/// A command of a job: its part, and its place there.
pub(super) type CommandPlace = (usize, usize);

/// Calls that are one step, at the place of the last.
pub(super) struct StepGroup {
    pub(super) inputs: StepInputs,
    pub(super) calls: Vec<CommandPlace>,
    pub(super) target: CallTarget,
    /// What the inputs are where its last call stands.
    values: Vec<String>,
    context: String,
    condition: Option<CommandPlace>,
    is_tolerated: Option<bool>,
    is_open: bool,
}

impl StepGroup {
    pub(super) fn last(&self) -> CommandPlace {
        *self.calls.last().expect("a group begins with a call")
    }

    /// Whether another command decides if it is reached.
    pub(super) fn has_condition(&self) -> bool {
        self.condition.is_some()
    }

    /// Whether its failure is let pass.
    pub(super) fn is_tolerated(&self) -> bool {
        self.is_tolerated == Some(true)
    }
}

/// Finds the steps of a job. A call that cannot be in any becomes [`CommandUse::Call`].
pub(super) fn plan(parts: &mut [JobPart]) -> Vec<StepGroup> {
    loop {
        let groups = groups(parts);
        // What one of them is does not depend on the others: each only ends those before it.
        let alone = injected_alone(parts, &groups).chain(of_other_release(parts, &groups));
        let alone: Vec<_> = alone.collect();
        if alone.is_empty() {
            return groups;
        }
        for (part, command) in alone {
            if let JobPart::Script(script) = &mut parts[part] {
                script.uses[command] = CommandUse::Call;
            }
        }
    }
}

/// The calls that inject ids into files which the same step would not upload.
fn injected_alone(parts: &[JobPart], groups: &[StepGroup]) -> impl Iterator<Item = CommandPlace> {
    let is_alone = |group: &&StepGroup| {
        group.inputs.does(SentryCliTask::InjectDebugIds)
            && !group.inputs.does(SentryCliTask::UploadSourcemaps)
    };
    let injects = |place: &CommandPlace| match &parts[place.0] {
        JobPart::Script(script) => script
            .step_call(place.1)
            .is_some_and(|step| step.call.task == SentryCliTask::InjectDebugIds),
        JobPart::Other { .. } => false,
    };
    groups.iter().filter(is_alone).flat_map(|group| &group.calls).copied().filter(injects)
}

/// The calls of a script that change a release which the script does not make, or not in the same
/// projects: only as calls they leave the rest of it as it is.
fn of_other_release(parts: &[JobPart], groups: &[StepGroup]) -> impl Iterator<Item = CommandPlace> {
    let step = |place: &CommandPlace| match &parts[place.0] {
        JobPart::Script(script) if script.environment.is_none() => script.step_call(place.1),
        _ => None,
    };
    let is_other = move |group: &&StepGroup| {
        group.inputs.is_of_release()
            && !group.inputs.does(SentryCliTask::NewRelease)
            && step(&group.last()).is_some()
    };
    let files = [SentryCliTask::InjectDebugIds, SentryCliTask::UploadSourcemaps];
    let is_release = move |place: &CommandPlace| {
        step(place).is_some_and(|step| !files.contains(&step.call.task))
    };
    groups.iter().filter(is_other).flat_map(|group| &group.calls).copied().filter(is_release)
}

fn groups(parts: &[JobPart]) -> Vec<StepGroup> {
    let mut groups = Vec::new();
    let mut shell = ShellState::new();
    for (part, one) in parts.iter().enumerate() {
        match one {
            JobPart::Other { sets_variables, is_barrier } => {
                close(&mut groups, *is_barrier);
                shell.end_step(*sets_variables);
            }
            JobPart::Script(script) => groups_of_script(&mut groups, &mut shell, part, script),
        }
    }
    groups
}

fn groups_of_script(
    groups: &mut Vec<StepGroup>,
    shell: &mut ShellState,
    part: usize,
    script: &ScriptPart,
) {
    if let Some(environment) = &script.environment {
        shell.begin_step(environment);
    }
    for (index, (command, command_use)) in script.commands.iter().zip(&script.uses).enumerate() {
        let is_call = !matches!(command_use, CommandUse::Other | CommandUse::Neutral);
        match command_use {
            CommandUse::Step(call) => join(groups, shell, script, (part, index), call),
            CommandUse::Neutral => {}
            _ if command.is_substitution => {}
            _ => close(groups, is_barrier(command, command_use)),
        }
        shell.run(command, is_call);
    }
    if script.environment.is_some() {
        shell.end_step(script.sets_variables);
    }
}

/// Whether what comes before a command must be done before it, whatever that is: a call may need the
/// release, and so may what is named after it.
fn is_barrier(command: &ShellCommand, command_use: &CommandUse) -> bool {
    let is_about = command.words.iter().any(|word| word.raw.contains("sentry"));
    !matches!(command_use, CommandUse::Other) || is_about || ends_script(command)
}

/// Ends the step that must be done before what follows; only the last may be open.
fn close(groups: &mut [StepGroup], all: bool) {
    if let Some(group) = groups.last_mut() {
        group.is_open &= !all && group.inputs.may_be_later();
    }
}

/// Adds a call to the step before it, if both are about the same in everything, or begins one with it.
fn join(
    groups: &mut Vec<StepGroup>,
    shell: &mut ShellState,
    script: &ScriptPart,
    place: CommandPlace,
    step: &StepCall,
) {
    let call = call_target::without_repetition(&step.call, shell);
    let target = CallTarget::new(&step.call, shell);
    let condition = step.condition.map(|index| (place.0, index));
    let passes = call.task == SentryCliTask::SetCommits;
    if let Some(group) = groups.last_mut().filter(|group| group.is_open) {
        let fits = group.context == script.context
            && group.condition == condition
            && group.lets_pass(script, step)
            && group.is_about(&target, &call, shell);
        if fits && group.inputs.add(&call).is_ok() {
            group.add(place, target, shell);
            if !passes {
                group.is_tolerated.get_or_insert(step.is_tolerated);
            }
            return;
        }
    }
    close(groups, true);
    let mut inputs = StepInputs::default();
    let added: Result<(), StepConflict> = inputs.add(&call);
    debug_assert!(added.is_ok(), "an empty step takes every call");
    groups.push(StepGroup {
        values: call_target::input_values(&inputs, shell),
        inputs,
        calls: vec![place],
        target,
        context: script.context.clone(),
        condition,
        is_tolerated: (!passes).then_some(step.is_tolerated),
        is_open: true,
    });
}

impl StepGroup {
    /// Whether a failure of the call is let pass if one of the group is.
    fn lets_pass(&self, script: &ScriptPart, step: &StepCall) -> bool {
        let passes = step.call.task == SentryCliTask::SetCommits;
        // A step that uploads files fails where they are not uploaded, whatever else it does.
        let is_upload =
            script.environment.is_some() && self.inputs.does(SentryCliTask::UploadSourcemaps);
        self.is_tolerated.is_none_or(|known| passes || is_upload || known == step.is_tolerated)
    }

    /// Whether a call is about the same, and the group still is what it was where its calls stand.
    fn is_about(&self, target: &CallTarget, call: &SentryCliCall, shell: &mut ShellState) -> bool {
        let differences = self.target.differences(target);
        let adds_projects = differences == ["projects"]
            && self.inputs.get("projects").is_some()
            && call.inputs.contains_key("projects")
            && self.inputs.adds_projects(call);
        let is_same = differences.is_empty() || adds_projects;
        is_same && call_target::input_values(&self.inputs, shell) == self.values
    }

    fn add(&mut self, place: CommandPlace, target: CallTarget, shell: &mut ShellState) {
        self.calls.push(place);
        self.target.extend(target);
        self.values = call_target::input_values(&self.inputs, shell);
        if let Some(projects) = self.inputs.get("projects") {
            let projects = shell.resolve(projects);
            self.target.set("projects", projects);
        }
    }
}
