//! The steps of one job of a workflow.

use super::client_variables::names_version;
use super::line_index::LineIndex;
use super::program;
use super::script_part::{JobPart, ScriptPart};
use super::script_part::{is_installation, is_piped_installer};
use super::shell_reader::{self, ShellCommand};
use super::step_environment::StepEnvironment;
use super::workflow_step::StepText;
use super::yaml_tree::YamlNode;
use std::collections::{BTreeMap, BTreeSet};

/// A command of a job: the place of its step, and its own there.
pub(super) type CommandPlace = (usize, usize);

/// The steps of a job, and what they can read.
pub(super) struct JobSteps<'a> {
    pub(super) steps: Vec<StepText<'a>>,
    /// The scripts of the steps that have one.
    pub(super) scripts: Vec<Option<StepScript>>,
    /// The steps that may set variables for those behind them.
    pub(super) setters: Vec<usize>,
    /// Whether a script may set a variable that names a version.
    pub(super) may_set_version: bool,
    /// The variables in the `env:` of the workflow and the job, with their texts.
    pub(super) of_job: BTreeMap<String, String>,
    /// The steps whose outputs the file reads.
    pub(super) read_steps: &'a BTreeSet<&'a str>,
    pub(super) folder: Option<&'a str>,
    pub(super) shell: Option<&'a str>,
    /// Whether a workflow elsewhere calls it, whose variables it has too.
    pub(super) is_composite: bool,
    /// Whether the workflow or the job says by an alias what is read here.
    pub(super) has_alias: bool,
    /// Whether the job may run on Windows, where a script is one of PowerShell.
    pub(super) may_be_windows: bool,
    /// Whether the checked-out commit is the version that a step takes by default.
    pub(super) releases_head: bool,
    /// Whether there is a ref at every event.
    pub(super) has_ref: bool,
    /// What is to be said of events at which a step may do nothing.
    pub(super) idle_words: Option<String>,
}

/// The script of a step.
pub(super) struct StepScript {
    text: String,
    lines: LineIndex,
}

impl StepScript {
    /// Reads that of a step, unless it uses an action.
    pub(super) fn of_step(step: &StepText<'_>) -> Option<Self> {
        let is_action = step.node.get("uses").is_some();
        let text = step.node.get("run").filter(|_| !is_action)?.script(step.source)?;
        Some(Self { lines: LineIndex::new(&text), text })
    }
}

/// Whose actions set no variables but such as have names of their own.
const ACTION_OWNERS: &[&str] = &[
    "actions/",
    "docker/",
    "pnpm/",
    "oven-sh/",
    "ruby/",
    "gradle/",
    "aws-actions/",
    "google-github-actions/",
    "azure/",
    "denoland/",
    "astral-sh/",
    "dtolnay/",
    "Swatinem/",
    "subosito/",
    "cloudflare/",
    "softprops/",
    "peter-evans/",
    "getsentry/",
    "OWNER/finishline",
];

impl JobSteps<'_> {
    /// The text of a step's script.
    pub(super) fn script(&self, step: usize) -> Option<&str> {
        self.scripts[step].as_ref().map(|script| script.text.as_str())
    }

    /// The shell of a step, where the file names one.
    pub(super) fn shell_of(&self, step: usize) -> Option<&str> {
        self.steps[step].value("shell").or(self.shell)
    }

    /// Whether the file reads something of a step elsewhere.
    pub(super) fn is_read(&self, step: usize) -> bool {
        let is_among =
            |id: String| self.read_steps.contains(id.as_str()) || self.read_steps.contains("*");
        self.steps[step].value("id").map(str::to_ascii_lowercase).is_some_and(is_among)
    }

    /// What the script of a step begins with.
    pub(super) fn environment_of(&self, step: usize) -> StepEnvironment {
        let generation = self.setters.partition_point(|setter| *setter < step);
        let of_step = env_texts(self.steps[step].node);
        StepEnvironment::new(&self.of_job, &of_step, generation).with_ref(self.has_ref)
    }

    /// Whether nothing but the checked-out commit can be the version that a step takes by default.
    pub(super) fn proposes_head(&self, environment: &StepEnvironment) -> bool {
        self.releases_head && !self.may_set_version && !environment.names().any(names_version)
    }

    /// Looks once for what every step is asked about those before it.
    pub(super) fn with_setters(mut self) -> Self {
        self.setters = (0..self.steps.len()).filter(|step| self.sets_variables(*step)).collect();
        let names_any = |script: &StepScript| {
            let lines = script.text.lines().filter(|line| line.contains("GITHUB_ENV"));
            lines.into_iter().any(may_set_version)
        };
        self.may_set_version = self.scripts.iter().flatten().any(names_any);
        self
    }

    fn sets_variables(&self, step: usize) -> bool {
        if let Some(action) = self.steps[step].value("uses") {
            return !owner_is_among(action, ACTION_OWNERS);
        }
        let Some(text) = self.script(step) else { return false };
        let runs_file = |one: &ShellCommand| {
            let word = one.word(0);
            matches!(word, "sh" | "bash" | "zsh" | "dash" | "source" | "." | "eval")
                || word.contains('/')
        };
        let commands = shell_reader::read(text);
        text.contains("GITHUB_ENV")
            || commands.iter().enumerate().any(|(index, one)| {
                let is_installer = is_installation(one) || is_piped_installer(&commands, index);
                runs_file(one) && !is_installer && program::find(one).is_none()
            })
    }

    pub(super) fn line(&self, step: usize, at: usize) -> usize {
        let Some(run) = self.steps[step].node.get("run") else { return self.steps[step].node.line };
        let line = self.scripts[step].as_ref().map_or(1, |script| script.lines.line(at));
        run.line_of(line)
    }

    /// The line of a command.
    pub(super) fn line_of(&self, step: usize, index: usize, parts: &[JobPart]) -> usize {
        match &parts[step] {
            JobPart::Script(script) => self.line(step, script.commands[index].span.start),
            JobPart::Other => self.steps[step].node.line,
        }
    }
}

/// Whether a line that writes to `GITHUB_ENV` may set a variable that names a version: what it writes by no
/// name may be any.
fn may_set_version(line: &str) -> bool {
    let parts = line.split(|c: char| !(c.is_ascii_alphanumeric() || "_=".contains(c)));
    let names = parts.filter_map(|part| part.split_once('=')).map(|(name, _)| name);
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    names.is_empty() || names.into_iter().any(names_version)
}

/// Whether an action is one of these or of these owners, whose letters' case means nothing to GitHub.
pub(super) fn owner_is_among(action: &str, owners: &[&str]) -> bool {
    let starts = |owner: &&str| {
        action.get(..owner.len()).is_some_and(|start| start.eq_ignore_ascii_case(owner))
    };
    owners.iter().any(starts)
}

/// The scripts among the parts of a job, with the numbers of their steps.
pub(super) fn scripts(parts: &[JobPart]) -> impl Iterator<Item = (usize, &ScriptPart)> {
    parts.iter().enumerate().filter_map(|(step, part)| match part {
        JobPart::Script(script) => Some((step, script)),
        JobPart::Other => None,
    })
}

/// The variables in the `env:` of a workflow, a job or a step, with their texts.
pub(super) fn env_texts(node: &YamlNode) -> BTreeMap<String, String> {
    let env = node.get("env").map_or(&[][..], YamlNode::map);
    let text = |(name, value): &(YamlNode, YamlNode)| {
        Some((name.text()?.to_owned(), value.text().unwrap_or_default().to_owned()))
    };
    env.iter().filter_map(text).collect()
}
