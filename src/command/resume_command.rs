//! The command that goes on with a waiting pipeline, as a shell takes it.

use super::RunContext;
use crate::error::Error;
use crate::inputs::Inputs;
use crate::inputs::raw::RawInputs;
use crate::inputs::table::{FlagKind, INPUTS, InputSpec};
use crate::inputs::types::BackendName;
use crate::inputs::usage;
use crate::integration::{IntegrationTask, driver};
use crate::manifest::keys::is_per_entry;
use crate::text::shell;

/// The answer to a step that a browser has a part in.
pub(super) const FROM_CALLBACK: &str = "--callback-url -";
/// What comes after the command.
pub(super) const PASTE: &str = "paste the URL there, then press Enter and Ctrl-D";

/// What is said first, and how the pipeline is found.
const FIRST: [&str; 4] = ["org", "entry", "resume-file", "database"];
/// What a pipeline that waits has with it, and what concerns one run and its outputs only.
const LEFT_OUT: [&str; 19] = [
    "state",
    "callback-url",
    "repositories",
    "code-mappings",
    "next",
    "projects",
    "dry-run",
    "tolerate",
    "without-token",
    "timeout",
    "ci",
    "format",
    "log-level",
    "log-format",
    "result-file",
    "dotenv",
    "output-prefix",
    "annotations",
    "summary",
];

/// The command for one pipeline. It names whatever was given for the run and `resume` has to know;
/// a token stays in its variable or file.
pub(super) struct ResumeCommand {
    first: String,
    more: String,
}

impl ResumeCommand {
    pub(super) fn new(
        run: &RunContext<'_>,
        inputs: &Inputs,
        task: &IntegrationTask,
        backend: BackendName,
    ) -> Self {
        let raw = run.raw_inputs;
        let has_manifest = raw.get("manifest").is_some();
        let jobs = inputs.resume_jobs(Some(backend));
        let is_said = |input: &&InputSpec| {
            let is_entrys = has_manifest && is_per_entry(input.name);
            let is_left_out = LEFT_OUT.contains(&input.name) || is_entrys;
            let is_more = !FIRST.contains(&input.name) && !is_left_out;
            is_more && usage::is_used(input, &jobs, backend)
        };
        let value = |name: &str| value(name, run, inputs, task);
        let flag = |name: &'static str| Some(format!(" --{name} {}", shell::word(&value(name)?)));
        let first = FIRST.into_iter().filter(|name| {
            let input = InputSpec::find(name).expect("the table has this input");
            input.backend.is_none_or(|only| only == backend)
        });
        let more = INPUTS.iter().filter(is_said);
        let more = more.filter_map(|input| match input.flag {
            FlagKind::Value(_) => flag(input.name),
            FlagKind::File(long) => {
                Some(format!(" --{long} {}", shell::word(raw.file_of(input.name)?)))
            }
            FlagKind::Switch => None,
        });
        Self { first: first.filter_map(flag).collect(), more: more.collect() }
    }

    /// The failure of a choice with the command that chooses another one; any other as it is.
    pub(super) fn offer_choice(&self, task: &IntegrationTask, failure: Error) -> Error {
        let Some(field) = driver::open_choice(task.provider, &failure) else { return failure };
        let command = self.with(&format!("--set {field}=ID"));
        let hint = format!("{}; the pipeline is still waiting: {command}", failure.hint);
        failure.with_hint(hint)
    }

    /// The command with what answers the step.
    pub(super) fn with(&self, answer: &str) -> String {
        format!("finishline resume{} {answer}{}", self.first, self.more)
    }
}

/// What an input was given, by whatever name; the organization and the server are always said.
fn value(
    name: &str,
    run: &RunContext<'_>,
    inputs: &Inputs,
    task: &IntegrationTask,
) -> Option<String> {
    let given = |raw: &RawInputs| raw.get(name).map(|input| input.text.expose().to_owned());
    match name {
        "org" => Some(task.org.to_string()),
        "entry" => run.entry.map(str::to_owned),
        "provider" => Some(task.key.clone()),
        "url" => Some(inputs.page_url().to_string()),
        _ => given(run.raw_inputs),
    }
}
