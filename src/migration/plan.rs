//! Which calls of a job are one step, and which stay calls.

use super::call_target::{self, CallTarget};
use super::script_part::{CommandUse, JobPart, ScriptPart, StepCall, is_installation};
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
    is_tolerated: bool,
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
        self.is_tolerated
    }
}

/// Finds the steps of a job. A call that cannot be in any becomes [`CommandUse::Call`].
pub(super) fn plan(parts: &mut [JobPart]) -> Vec<StepGroup> {
    loop {
        let groups = groups(parts);
        // What one of them is does not depend on the others: each only ends those before it.
        let alone: Vec<_> = injected_alone(&groups).collect();
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
fn injected_alone(groups: &[StepGroup]) -> impl Iterator<Item = CommandPlace> {
    let is_alone = |group: &&StepGroup| {
        group.inputs.does(SentryCliTask::InjectDebugIds)
            && !group.inputs.does(SentryCliTask::UploadSourcemaps)
    };
    groups.iter().filter(is_alone).flat_map(|group| &group.calls).copied()
}

fn groups(parts: &[JobPart]) -> Vec<StepGroup> {
    let mut groups = Vec::new();
    let mut shell = ShellState::new();
    for (part, one) in parts.iter().enumerate() {
        match one {
            JobPart::Other { sets_variables } => {
                close(&mut groups);
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
    if script.goes_on {
        close(groups);
    }
    shell.begin_step(&script.environment);
    for (index, (command, command_use)) in script.commands.iter().zip(&script.uses).enumerate() {
        let is_call = !matches!(command_use, CommandUse::Other | CommandUse::Neutral);
        match command_use {
            CommandUse::Step(call) => join(groups, shell, script, (part, index), call),
            _ if command.is_substitution => {}
            _ if !is_call && (is_installation(command) || shell.lets_calls_pass(command)) => {}
            _ => close(groups),
        }
        shell.run(command, is_call);
    }
    shell.end_step(script.sets_variables);
    if script.goes_on {
        close(groups);
    }
}

/// Ends the step before what follows; only the last may be open.
fn close(groups: &mut [StepGroup]) {
    if let Some(group) = groups.last_mut() {
        group.is_open = false;
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
    if let Some(group) = groups.last_mut().filter(|group| group.is_open) {
        let fits = group.context == script.context
            && group.condition == condition
            && !group.is_tolerated
            && !step.is_tolerated
            && group.inputs.may_go_on_with(&call)
            && group.is_about(&target, &call, shell);
        if fits && group.inputs.add(&call).is_ok() {
            group.add(place, target, shell);
            return;
        }
    }
    close(groups);
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
        is_tolerated: step.is_tolerated,
        is_open: true,
    });
}

impl StepGroup {
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
