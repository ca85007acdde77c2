//! The steps of a workflow's job, with uses of ours in the place of scripts.

use super::edit::TextEdit;
use super::plan::StepGroup;
use super::pure_script;
use super::script_part::{JobPart, ScriptPart};
use super::workflow_installations::ProgramNeeds;
use super::workflow_job::{JobSteps, scripts};
use std::collections::BTreeSet;

/// The inputs of a step of ours, in their order.
pub(super) type ConvertedGroup = Vec<(String, String)>;

impl JobSteps<'_> {
    pub(super) fn rewrite(
        &self,
        parts: &[JobPart],
        groups: &[StepGroup],
        converted: &[ConvertedGroup],
    ) -> Vec<TextEdit> {
        let mut edits = Vec::new();
        let mut done = BTreeSet::new();
        for (group, with) in groups.iter().zip(converted) {
            let text = &self.steps[group.step];
            match done.insert(group.step) {
                true => edits.extend(text.conversion(with, group.is_tolerated)),
                false => edits.push(text.insertion(with, group.is_tolerated)),
            }
        }
        let needs = self.program_needs(parts);
        let installers = scripts(parts)
            .filter(|(step, _)| !groups.is_empty() && !done.contains(step))
            .filter(|(step, script)| self.goes(*step, script, &needs));
        edits.extend(installers.map(|(step, _)| self.steps[step].removal()));
        edits
    }

    /// Whether a step installs sentry-cli and does nothing else, and nothing needs it.
    fn goes(&self, step: usize, script: &ScriptPart, needs: &ProgramNeeds) -> bool {
        let mut installations = script.installations().peekable();
        let installs = installations.peek().is_some();
        installs
            && installations.all(|index| needs.reason(script, (step, index)).is_none())
            && self.steps[step].is_block()
            && !self.is_read(step)
            && pure_script::read(script, &self.environment_of(step))
                .is_ok_and(|calls| calls.is_empty())
    }
}
