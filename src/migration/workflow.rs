//! Workflows of GitHub, Gitea and Forgejo, and composite actions: scripts that are nothing but calls become
//! uses of ours.

use super::MigrationNote;
use super::action_release;
use super::edit::TextEdit;
use super::plan::{self, StepGroup};
use super::pure_script::{self, BY_HAND};
use super::script_part::{JobPart, ScriptPart};
use super::script_session::script_notes;
use super::shell_reader;
use super::value_error::ValueError;
use super::workflow_host::{has_alias, has_ref, idle_words, may_be_windows, releases_head};
use super::workflow_job::{JobSteps, StepScript, env_texts, scripts};
use super::workflow_reasons::{StuckStep, read_steps};
use super::workflow_rewrite::ConvertedGroup;
use super::workflow_step::StepText;
use super::workflow_values::PROPOSAL;
use super::yaml_tree::YamlNode;
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
    let lower = source.to_ascii_lowercase();
    let read_steps = &read_steps(&lower);
    for document in documents {
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
            let mut of_job = action_edits([document, job], &steps, notes);
            let nodes: Vec<_> = steps.iter().map(|step| step.node).chain([document, job]).collect();
            of_job.extend(job_steps(document, job, steps, read_steps).edits(notes));
            if !of_job.is_empty() {
                notes.extend(nodes.into_iter().flat_map(secret_notes));
            }
            edits.extend(of_job);
        }
    }
    edits
}

/// The changes to the steps that use action-release.
fn action_edits(
    [document, job]: [&YamlNode; 2],
    steps: &[StepText<'_>],
    notes: &mut Vec<MigrationNote>,
) -> Vec<TextEdit> {
    let mut edits = Vec::new();
    for step in steps {
        let of_step = action_release::edits(step, document.get("runs").is_some(), notes);
        if !of_step.is_empty() && !releases_head(document) {
            let sets_release = |node: &YamlNode| env_texts(node).contains_key("SENTRY_RELEASE");
            let has_variable = [document, job, step.node].into_iter().any(sets_release);
            notes.extend(action_release::version_note(step, has_variable));
        }
        let idle = of_step.first().and(idle_words(document));
        notes.extend(idle.map(|words| MigrationNote::advice(step.node.line, words)));
        edits.extend(of_step);
    }
    edits
}

fn job_steps<'a>(
    document: &'a YamlNode,
    job: &'a YamlNode,
    steps: Vec<StepText<'a>>,
    read_steps: &'a BTreeSet<&'a str>,
) -> JobSteps<'a> {
    JobSteps {
        scripts: steps.iter().map(StepScript::of_step).collect(),
        steps,
        of_job: env_texts(document).into_iter().chain(env_texts(job)).collect(),
        folder: default_of("working-directory", job, document),
        read_steps,
        shell: default_of("shell", job, document),
        is_composite: document.get("runs").is_some(),
        has_alias: has_alias(document) || has_alias(job),
        may_be_windows: may_be_windows(job),
        releases_head: releases_head(document),
        has_ref: has_ref(document),
        idle_words: idle_words(document),
        setters: Vec::new(),
        may_set_version: false,
    }
    .with_setters()
}

/// What is to be known of an organization or a project that is a secret.
fn secret_notes(node: &YamlNode) -> Vec<MigrationNote> {
    let entries = node.get("env").map_or(&[][..], YamlNode::map).iter();
    let is_secret = |value: &YamlNode| value.text().is_some_and(|text| text.contains("secrets."));
    let secret = entries.filter_map(|(key, value)| {
        let name = key.text().filter(|name| ["SENTRY_ORG", "SENTRY_PROJECT"].contains(name))?;
        is_secret(value).then_some((key.line, name))
    });
    let note = |(line, name)| {
        let message = format!(
            "`{name}` is a secret, which GitHub masks in links and job outputs: move it to a variable"
        );
        MigrationNote::advice(line, message)
    };
    secret.map(note).collect()
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

/// A script that stays: the place of its step, and why.
type StuckScript = (usize, StuckStep);

impl JobSteps<'_> {
    fn edits(&self, notes: &mut Vec<MigrationNote>) -> Vec<TextEdit> {
        let mut stuck: BTreeMap<usize, StuckStep> = BTreeMap::new();
        loop {
            let parts = self.parts(&stuck);
            match self.converted(&parts) {
                Err(found) => stuck.extend(found),
                Ok((groups, converted)) => {
                    for (part, script) in scripts(&parts) {
                        notes.extend(script_notes(script, |at| self.line(part, at)));
                    }
                    for group in &groups {
                        notes.extend(self.group_notes(group, &parts));
                    }
                    notes.extend(self.installation_notes(&parts));
                    stuck.into_iter().for_each(|(step, why)| self.note_stuck(step, why, notes));
                    return self.rewrite(&parts, &groups, &converted);
                }
            }
        }
    }

    /// The steps that the scripts become, with their inputs; or those that stay.
    fn converted(
        &self,
        parts: &[JobPart],
    ) -> Result<(Vec<StepGroup>, Vec<ConvertedGroup>), Vec<StuckScript>> {
        let (mut groups, mut found) = (Vec::new(), Vec::new());
        for (step, script) in scripts(parts).filter(|(_, script)| script.has_calls()) {
            match self.groups(step, script) {
                Ok(more) => groups.extend(more),
                Err(reason) => found.push((step, reason)),
            }
        }
        found.extend(self.needed_installations(parts));
        let mut converted = Vec::new();
        for (group, maker) in groups.iter().zip(self.makers(&groups)) {
            match self.inputs(group, maker.map(|index| &groups[index])) {
                Ok(with) => converted.push(with),
                Err((message, hint)) => {
                    let line = self.line_of(group.step, group.last(), parts);
                    found.push((group.step, (line, message, hint)));
                }
            }
        }
        if found.is_empty() { Ok((groups, converted)) } else { Err(found) }
    }

    /// The steps that one script becomes, or why it stays.
    fn groups(&self, step: usize, script: &ScriptPart) -> Result<Vec<StepGroup>, StuckStep> {
        if let Some(reason) = self.layout_reason(step) {
            return Err(reason);
        }
        let line = |index: usize| self.line(step, script.commands[index].span.start);
        let environment = self.environment_of(step);
        let calls = pure_script::read(script, &environment)
            .map_err(|(index, message, hint)| (line(index), message, hint))?;
        if calls.is_empty() {
            let message = "the version that this script asks for is used nowhere in it";
            return Err((line(0), message.to_owned(), BY_HAND.to_owned()));
        }
        let groups = plan::plan(step, calls, &environment);
        if let Some(index) = plan::injected_alone(&groups) {
            let message = "no step injects debug ids into files that it does not upload";
            return Err((line(index), message.to_owned(), BY_HAND.to_owned()));
        }
        self.count_reason(step, groups.len()).map_or(Ok(groups), Err)
    }

    /// Names each line of a script that stays, and the one that is the reason.
    fn note_stuck(&self, step: usize, reason: StuckStep, notes: &mut Vec<MigrationNote>) {
        let (reason_line, message, hint) = reason;
        notes.push(MigrationNote::untranslated(reason_line, message, hint));
        let script = ScriptPart::new(shell_reader::read(self.script(step).unwrap_or_default()));
        for (command, one) in script.commands.iter().zip(&script.uses) {
            let line = self.line(step, command.span.start);
            if one.is_call() && line != reason_line {
                let message = format!("this call stays, as line {reason_line} does");
                notes.push(MigrationNote::untranslated(line, message, BY_HAND));
            }
        }
    }

    fn parts(&self, stuck: &BTreeMap<usize, StuckStep>) -> Vec<JobPart> {
        let part = |step: usize| match self.script(step).filter(|_| !stuck.contains_key(&step)) {
            Some(text) => JobPart::Script(ScriptPart::new(shell_reader::read(text))),
            None => JobPart::Other,
        };
        (0..self.steps.len()).map(part).collect()
    }

    /// The inputs of a step, or why there is none.
    fn inputs(
        &self,
        group: &StepGroup,
        maker: Option<&StepGroup>,
    ) -> Result<ConvertedGroup, (String, String)> {
        let mut inputs = group.inputs.clone();
        let projects = self.other_projects(group, maker);
        let projects = projects.map_err(|(message, hint)| (message.to_owned(), hint.to_owned()))?;
        projects.into_iter().for_each(|projects| inputs.set("projects", projects));
        if !inputs.is_of_release() {
            // A step before it made the release, which stays as it is.
            inputs.set("commits", "none");
            inputs.set("finalize", "false");
        }
        let mut with = Vec::new();
        for (name, value) in inputs.values() {
            match value.strip_suffix(PROPOSAL) {
                None => with.push((name.to_owned(), value)),
                Some(_) if !self.proposes_head(&self.environment_of(group.step)) => {
                    return Err(ValueError::OtherDefault.words());
                }
                Some("") => {}
                Some(prefix) => with.push(("release-prefix".to_owned(), prefix.to_owned())),
            }
        }
        // A variable of the job that names an environment would be a deploy.
        if group.inputs.get("environment").is_none() {
            with.push(("deploy".to_owned(), "false".to_owned()));
        }
        let folder = self.steps[group.step].value("working-directory").or(self.folder);
        with.extend(folder.map(|folder| ("working-directory".to_owned(), folder.to_owned())));
        Ok(with)
    }
}
