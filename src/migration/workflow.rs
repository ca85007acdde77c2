//! Workflows of GitHub, Gitea and Forgejo, and composite actions: their steps become uses of ours.

use super::MigrationNote;
use super::action_release;
use super::edit::TextEdit;
use super::failure_mode::ends_at_failure;
use super::plan::{self, StepGroup};
use super::script_part::{CommandUse, JobPart, ScriptPart};
use super::script_session::script_notes;
use super::shell_reader;
use super::workflow_exports::{behind, handed_on, set_exported};
use super::workflow_job::{JobSteps, StepScript, env_texts, scripts};
use super::workflow_reasons::{StuckStep, is_before, read_steps};
use super::workflow_step::StepText;
use super::workflow_values::{ReleaseValue, ValueError, WorkflowVariables};
use super::yaml_tree::YamlNode;
use crate::text::shell;
use std::collections::{BTreeMap, BTreeSet};

/// Whether a document has steps as GitHub has them; CircleCI's jobs have no `on`.
pub(super) fn is_workflow(document: &YamlNode) -> bool {
    let is_composite = document.get("runs").is_some_and(|runs| runs.get("steps").is_some());
    let has_jobs = document.get("on").is_some() && document.get("jobs").is_some();
    is_composite || has_jobs
}

/// Rewrites the steps of the documents; notes what cannot be.
pub(super) fn edits(
    source: &str,
    documents: &[YamlNode],
    notes: &mut Vec<MigrationNote>,
) -> Vec<TextEdit> {
    let mut edits = Vec::new();
    let read_steps = &read_steps(source);
    for document in documents {
        let mut of_workflow: BTreeSet<_> = env_texts(document).into_keys().collect();
        handed_on(document, &mut of_workflow);
        let jobs = document.get("jobs").map_or(&[][..], YamlNode::map).iter().map(|(_, job)| job);
        for job in jobs.chain(document.get("runs")) {
            let steps = job.get("steps").map_or(&[][..], YamlNode::list);
            let steps: Vec<_> = steps.iter().map(|node| StepText { source, node }).collect();
            if let Some(line) = crowded_environment([document, job], &steps) {
                let message = format!("`env:` sets more than {MAX_VARIABLES} variables here");
                let hint = "set fewer: the job was not looked at";
                notes.push(MigrationNote::untranslated(line, message, hint));
                continue;
            }
            let scripts = steps.iter().map(StepScript::of_step).collect();
            for step in &steps {
                edits.extend(action_release::edit(step, notes));
            }
            let folder = default_of("working-directory", job, document);
            let shell = default_of("shell", job, document);
            let of_job: BTreeMap<_, _> =
                env_texts(document).into_iter().chain(env_texts(job)).collect();
            let environment = of_workflow.iter().chain(of_job.keys()).cloned().collect();
            let is_composite = document.get("runs").is_some();
            let job = JobSteps {
                source,
                steps,
                scripts,
                environment,
                of_job,
                folder,
                read_steps,
                shell,
                is_composite,
            };
            edits.extend(job.edits(notes));
        }
    }
    edits
}

/// How many variables an `env:` may set.
const MAX_VARIABLES: usize = 1000;

/// The line of an `env:` that sets more.
fn crowded_environment(nodes: [&YamlNode; 2], steps: &[StepText<'_>]) -> Option<usize> {
    let env = nodes.into_iter().chain(steps.iter().map(|step| step.node));
    let crowded = |node: &YamlNode| {
        let (key, value) = node.entry("env")?;
        (value.map().len() > MAX_VARIABLES).then_some(key.line)
    };
    env.filter_map(crowded).next()
}

/// What a job, or else the workflow, sets for all scripts.
fn default_of<'a>(key: &str, job: &'a YamlNode, document: &'a YamlNode) -> Option<&'a str> {
    let of_node = |node: &'a YamlNode| node.get("defaults")?.get("run")?.get(key)?.text();
    of_node(job).or_else(|| of_node(document))
}

/// A step of ours: its inputs, and the variables that scripts must hand on to it.
pub(super) struct ConvertedGroup {
    pub(super) with: Vec<(String, String)>,
    pub(super) handed_on: BTreeSet<String>,
    /// Whether it stands before the script that its calls are taken from.
    pub(super) is_before: bool,
}

impl JobSteps<'_> {
    fn edits(&self, notes: &mut Vec<MigrationNote>) -> Vec<TextEdit> {
        let mut stuck: BTreeMap<usize, StuckStep> = BTreeMap::new();
        loop {
            let mut parts = self.parts(&stuck);
            let groups = plan::plan(&mut parts);
            let mut found = self.stuck_scripts(&parts);
            let mut converted = Vec::new();
            found.extend(self.crowded_scripts(&groups));
            let crowded: BTreeSet<_> = found.iter().map(|(step, _)| *step).collect();
            let groups_to_convert = groups
                .iter()
                .zip(self.makers(&groups))
                .filter(|(group, _)| !crowded.contains(&group.last().0));
            for (group, maker) in groups_to_convert {
                let maker = maker.map(|index| &groups[index]);
                let reason = self.group_reason(group, maker, &parts);
                match reason.map_or_else(|| self.inputs(group, maker, &parts), Err) {
                    Ok(group) => converted.push(group),
                    Err(reason) => found.push((group.last().0, reason)),
                }
            }
            if found.is_empty() {
                for (part, script) in scripts(&parts) {
                    notes.extend(script_notes(script, |at| self.line(part, at)));
                }
                for group in &groups {
                    notes.extend(self.group_notes(group, &parts));
                }
                notes.extend(self.installation_notes(&parts));
                stuck.into_iter().for_each(|(step, reason)| self.note_stuck(step, reason, notes));
                return self.rewrite(&parts, &groups, &converted);
            }
            stuck.extend(found);
        }
    }

    /// Names each line of a script that stays, and the one that is the reason.
    fn note_stuck(&self, step: usize, reason: StuckStep, notes: &mut Vec<MigrationNote>) {
        let (reason_line, message, hint) = reason;
        notes.push(MigrationNote::untranslated(reason_line, message, hint));
        let commands = shell_reader::read(self.script(step).unwrap_or_default());
        let script = ScriptPart::new(commands, String::new());
        for (command, one) in script.commands.iter().zip(&script.uses) {
            let line = self.line(step, command.span.start);
            if matches!(one, CommandUse::Step(_) | CommandUse::Call | CommandUse::Refused(_))
                && line != reason_line
            {
                let message = format!("this call stays, as line {reason_line} does");
                notes.push(MigrationNote::untranslated(line, message, "write the step by hand"));
            }
        }
    }

    fn parts(&self, stuck: &BTreeMap<usize, StuckStep>) -> Vec<JobPart> {
        let part = |step: usize| {
            let Some(text) = self.script(step).filter(|_| !stuck.contains_key(&step)) else {
                return JobPart::Other { sets_variables: self.sets_variables(step) };
            };
            let written = |key| self.steps[step].written(key);
            let context = ["if", "working-directory", "continue-on-error"].map(written).join("\n");
            let mut script = ScriptPart::new(shell_reader::read(text), context);
            script.let_failures_pass(ends_at_failure(self.shell_of(step)));
            let environment = self.step_environment(step);
            let (sets_variables, goes_on) = (self.sets_variables(step), self.goes_on(step));
            JobPart::Script(ScriptPart { environment, sets_variables, goes_on, ..script })
        };
        (0..self.steps.len()).map(part).collect()
    }

    /// The inputs of a group, or why it is no step.
    fn inputs(
        &self,
        group: &StepGroup,
        maker: Option<&StepGroup>,
        parts: &[JobPart],
    ) -> Result<ConvertedGroup, StuckStep> {
        let projects = self.other_projects(group, maker, parts).ok().flatten();
        let line = || self.line_of(group.last(), parts);
        let converted = self.converted(group, projects, parts).map_err(|error| {
            let (message, hint) = error.words();
            (line(), message, hint)
        })?;
        let is_computed = !converted.handed_on.is_empty();
        let is_before = is_before(group, is_computed, parts)
            .map_err(|(message, hint)| (line(), message.to_owned(), hint.to_owned()))?;
        Ok(ConvertedGroup { is_before, ..converted })
    }

    fn converted(
        &self,
        group: &StepGroup,
        projects: Option<String>,
        parts: &[JobPart],
    ) -> Result<ConvertedGroup, ValueError> {
        let environment = self.environment_of_group(group);
        let mut variables = self.variables(group, &environment, parts);
        let mut inputs = group.inputs.clone();
        set_exported(&mut inputs, &variables, group, parts, &environment)?;
        if let Some(projects) = projects {
            inputs.set("projects", shell::word(&projects));
        }
        if !inputs.is_of_release() {
            // A step before it made the release, which stays as it is.
            inputs.set("commits", "none");
            inputs.set("finalize", "false");
        }
        let mut with = Vec::new();
        for (name, word) in inputs.values() {
            let (name, value) = match name {
                "release" => match variables.release(&word)? {
                    ReleaseValue::Head => continue,
                    ReleaseValue::Prefixed(prefix) => ("release-prefix", prefix),
                    ReleaseValue::Other(value) => (name, value),
                },
                _ => (name, variables.value(&word)?),
            };
            if name == "sourcemaps" && has_blank(&value) {
                return Err(ValueError::Computed(value));
            }
            with.push((name.to_owned(), value));
        }
        if let Some(name) = variables.changed_later(behind(group, parts)) {
            return Err(ValueError::Changed(name.clone()));
        }
        self.check_handed_on(group, &variables)?;
        // A variable of the job that names an environment would be a deploy.
        if group.inputs.get("environment").is_none() {
            with.push(("deploy".to_owned(), "false".to_owned()));
        }
        let folder = self.steps[group.last().0].value("working-directory").or(self.folder);
        with.extend(folder.map(|folder| ("working-directory".to_owned(), folder.to_owned())));
        Ok(ConvertedGroup { with, handed_on: variables.handed_on, is_before: false })
    }

    /// The variables that the file sets for the step that a group becomes: what one of its steps has,
    /// that has too.
    fn environment_of_group(&self, group: &StepGroup) -> BTreeSet<String> {
        group.calls.iter().flat_map(|(step, _)| self.environment_of(*step)).collect()
    }

    /// The variables as they are where the last call of a group stands.
    fn variables(
        &self,
        group: &StepGroup,
        environment: &BTreeSet<String>,
        parts: &[JobPart],
    ) -> WorkflowVariables {
        let (step, last) = group.last();
        let of_step = env_texts(self.steps[step].node);
        let declared = self.of_job.keys().chain(of_step.keys()).cloned().collect();
        let may_name_release = self.may_name_release(environment);
        let mut variables = WorkflowVariables::new(environment, declared, may_name_release);
        if let JobPart::Script(script) = &parts[step] {
            variables.assign(&script.commands[..last]);
        }
        variables
    }
}

/// Whether a value has a blank outside of its expressions, which in a list begins another item.
fn has_blank(value: &str) -> bool {
    let mut texts = value.split("${{").map(|part| part.rsplit("}}").next().unwrap_or_default());
    texts.any(|text| text.contains(char::is_whitespace))
}
