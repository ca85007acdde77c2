//! What the CI host is given: masks, outputs, annotations, summary, and the text for a person.
//!
//! Rendering is pure; [`OutputSinks::emit`] is the one place that writes. What each host reads has a file
//! of its own here.

pub mod azure;
pub mod bitbucket;
pub mod buildkite;
mod color;
mod diagnostics;
pub(crate) mod file;
pub(crate) mod format_error;
pub mod github;
pub mod gitlab;
pub(crate) mod json;
pub mod log;
mod markdown;
pub mod paths;
mod plain_text;
mod plan_text;
pub mod progress;
mod progress_line;
pub(crate) mod server_log;
pub mod shell;
mod standard_error;
pub(crate) mod summary;
mod summary_plan;
pub mod table;
pub(crate) mod write;

use crate::env::Env;
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::inputs::{OutputOptions, ResultFormat};
use crate::job::Host;
use crate::os::files;
use crate::os::random::random_bytes;
use crate::outcome::{Outcome, OutcomeStatus, ShownText};
use crate::text::scrubber::SecretScrubber;
use crate::text::{hex, one_line};
use anyhow::Context;
use file::{FileFormat, OutputFile};
use format_error::FormatError;
use paths::RunPaths;
use plain_text::text;
use std::collections::HashSet;

/// One thing to write.
#[derive(Debug, PartialEq, Eq)]
pub enum WriteOp {
    /// To standard output: the result.
    Stdout(String),
    /// To standard error: narration and commands.
    Stderr(String),
    /// At the end of a file, in one write.
    Append(String, String),
    /// In place of a file.
    Replace(String, String),
    /// To standard input of a program of the host's: its command line, at least a name, and the text.
    Call(Vec<String>, String),
}

/// The name of our section in GitLab's job log.
const SECTION: &str = "finishline";

/// Where the outputs of this run go.
#[derive(Default)]
pub struct OutputSinks {
    host: Host,
    format: ResultFormat,
    /// Whether standard output shows colors.
    colors: bool,
    /// Whether standard error does.
    colors_notes: bool,
    files: Vec<OutputFile>,
    /// Every file of the run, these among them.
    paths: RunPaths,
    /// Where Azure's agent finds a file that it is told of.
    azure_temp: Option<String>,
    /// Whether Buildkite's agent is missing, as in a container of the job's own.
    is_agent_missing: bool,
    /// What is never shown.
    scrubber: SecretScrubber,
    /// What standard output is.
    pub(crate) stdout_kind: StdoutKind,
}

/// What a command prints on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum StdoutKind {
    /// What became of it, for a person.
    #[default]
    Report,
    /// The same of a call of sentry-cli, which a script may read.
    CallReport,
    /// A document, which may go into a file: no command to the host goes there.
    Document,
}

impl OutputSinks {
    /// Finds the sinks by what the host documents and the inputs name.
    ///
    /// # Errors
    ///
    /// `outputs-unwritable` when a GitHub-like host names no file, `usage` when an output would
    /// overwrite another file of the run. The sinks that can be used come with it, so that the
    /// failure itself is heard.
    pub fn find(
        options: &OutputOptions,
        env: &Env,
        paths: RunPaths,
        scrubber: SecretScrubber,
    ) -> (Self, Option<Error>) {
        let host = options.host;
        let files = OutputFile::all(options, env);
        let paths = paths.with_outputs(files.iter().map(|file| (file.input, file.path.as_str())));
        let is_missing = host.is_github_like() && !files.iter().any(is_github_output);
        let missing = is_missing.then(|| {
            let message = "GITHUB_OUTPUT is not set, so step outputs cannot be written";
            let failure = Error::new(ErrorCode::OutputsUnwritable, message);
            failure.with_hint("run this as a step of a workflow, or set `ci: local`")
        });
        let conflict = paths.conflict();
        let azure_temp = env.get("AGENT_TEMPDIRECTORY").filter(|_| host == Host::Azure);
        let azure_temp = azure_temp.map(str::to_owned);
        let is_agent_missing = host == Host::Buildkite && !has_agent(env);
        let format = options.format;
        let colors = color::is_shown(options, env, &std::io::stdout());
        let colors_notes = color::is_shown(options, env, &std::io::stderr());
        let sinks = Self {
            host,
            format,
            colors,
            colors_notes,
            files,
            paths,
            azure_temp,
            is_agent_missing,
            scrubber,
            stdout_kind: StdoutKind::default(),
        };
        (sinks, conflict.or(missing))
    }

    /// Whether any of the outputs is written as a variable.
    pub fn has_variables(&self) -> bool {
        self.files.iter().any(OutputFile::has_variables)
    }

    /// Checks, before anything else is done, that the outputs can be written.
    pub fn probe(&self) -> Result {
        self.files.iter().try_for_each(|file| {
            file.probe().map_err(|error| write::unwritable(&file.path, &error))
        })
    }

    /// Replaces, when everything is read and before the backend is touched, what an earlier run left:
    /// it must not be taken for this one's. A run that is killed, or has no memory left, leaves what
    /// stands there then.
    pub fn begin(&self) -> Result {
        self.paths.conflict().map_or(Ok(()), Err)?;
        let unfinished = Error::new(ErrorCode::Cancelled, "the run was killed before its end");
        let unfinished = Outcome::failed(unfinished);
        for file in self.files.iter().filter(|file| file.is_replaced()) {
            let rendered = file.render(&unfinished, "").map_err(cannot_render)?;
            Self::emit(vec![rendered.0])?;
        }
        Ok(())
    }

    /// Notes the record of the manifest, which no output may be.
    pub(crate) fn keep(&self, path: &str) {
        self.paths.add_store("manifest", path, &[]);
    }

    /// Reads a file, which is one of the run's from then on.
    pub(crate) fn read(&self, path: &str) -> std::io::Result<String> {
        self.paths.read(path)
    }

    /// Reads a larger one, of at most that many bytes.
    pub(crate) fn read_within(&self, path: &str, most: u64) -> std::io::Result<String> {
        self.paths.read_within(path, most)
    }

    /// Two files of the run that are one and may not be.
    pub(crate) fn conflict(&self) -> Option<Error> {
        self.paths.conflict()
    }

    /// Shows nothing of these secrets from here on, but the texts that are public.
    pub fn hide(&self, secrets: &[String], public: &[String]) {
        self.scrubber.learn(secrets, public);
    }

    /// Whether the text has anything of what is hidden.
    pub(crate) fn hides(&self, text: &str) -> bool {
        self.scrubber.hides(text)
    }

    /// The words of others as they are shown: without secrets, and nothing to obey in them.
    pub(crate) fn shown_words(&self, words: &str) -> String {
        let mut words = words.to_owned();
        self.scrubber.scrub([&mut words]);
        one_line(&words)
    }

    /// An end as it is shown: likewise in each of its texts.
    pub fn shown_outcome(&self, outcome: &Outcome) -> Outcome {
        let (mut outcome, mut ids) = (outcome.clone(), outcome.foreign_ids());
        let texts = outcome.shown_texts_mut().into_iter().map(ShownText::into_text);
        self.scrubber.scrub(texts.chain(&mut ids));
        outcome.withhold_ids(&ids);
        outcome.neutralize();
        outcome
    }

    /// The masks for these secrets, and a warning for those that would hit what is shown.
    pub fn masks(&self, secrets: &[String], shown: &[String]) -> (Vec<WriteOp>, Vec<Warning>) {
        self.hide(secrets, shown);
        let mask: fn(&str) -> Vec<String> = match self.host {
            host if host.is_github_like() => github::masks,
            Host::Azure => azure::masks,
            _ => return (Vec::new(), Vec::new()),
        };
        // Only a line that begins like some place of them is looked for in all that is shown.
        let places = shown.iter().flat_map(|text| text.as_bytes().windows(4));
        let near: HashSet<[u8; 4]> = places.filter_map(|four| four.try_into().ok()).collect();
        let (mut writes, mut warnings) = (Vec::new(), Vec::new());
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            let hits = |line: &&str| {
                let is_near = line.as_bytes().first_chunk().is_some_and(|one| near.contains(one));
                is_near
                    && line.chars().count() >= 4
                    && shown.iter().any(|text| text.contains(*line))
            };
            let lines = secret.split(['\r', '\n']).map(str::trim);
            let (hitting, free): (Vec<_>, Vec<_>) = lines.partition(hits);
            let masks = mask(&free.join("\n"));
            if masks.is_empty() || !hitting.is_empty() {
                let message = "a secret (or one line of it) is not masked: it is too short, or appears in an output";
                warnings.push(Warning::new("mask-hits-output", message));
            }
            writes.extend(masks.into_iter().map(|line| self.host_command(line)));
        }
        warnings.dedup();
        (writes, warnings)
    }

    /// A command to the host, on the stream where it reads it.
    fn host_command(&self, line: String) -> WriteOp {
        match self.host {
            // Azure's agent reads commands on both.
            Host::Azure if self.stdout_kind != StdoutKind::Document => WriteOp::Stdout(line),
            _ => WriteOp::Stderr(line),
        }
    }

    /// Folds what is logged from here on under a title, where the host can.
    pub fn open_group(&self, title: &str, unix_seconds: u64) -> Vec<WriteOp> {
        let title = self.shown_words(title);
        let section = gitlab::section_start(SECTION, unix_seconds, &title, true);
        self.group_line(github::command("group", &[], &title), section)
    }

    /// Ends what [`Self::open_group`] began.
    pub fn close_group(&self, unix_seconds: u64) -> Vec<WriteOp> {
        let section = gitlab::section_end(SECTION, unix_seconds);
        self.group_line(github::command("endgroup", &[], ""), section)
    }

    /// The line of the host's own form, where it folds its log.
    fn group_line(&self, github: String, gitlab: Result<String, FormatError>) -> Vec<WriteOp> {
        let line = match self.host {
            host if host.is_github_like() => Some(github),
            Host::Gitlab => gitlab.ok(),
            _ => None,
        };
        line.map(WriteOp::Stderr).into_iter().collect()
    }

    /// Everything for the host and the person; `delimiter` is fresh and random.
    pub fn render(&self, outcome: &Outcome, delimiter: &str) -> Result<Vec<WriteOp>> {
        let outcome = &self.shown_outcome(outcome);
        let mut writes = vec![self.result(outcome)];
        writes.extend(self.diagnostics(outcome));
        let spared = self.paths.conflicting_outputs();
        for file in self.files.iter().filter(|file| !spared.contains(&file.path)) {
            let (write, dropped) = file.render(outcome, delimiter).map_err(cannot_render)?;
            writes.push(write);
            if !dropped.is_empty() {
                let message = format!("too large for a dotenv report: {}", dropped.join(", "));
                writes.push(self.annotation("warning", "outputs-dropped", &[message]));
            }
        }
        writes.extend(self.altered_outputs(outcome));
        writes.extend(self.unread_outputs());
        writes.extend(match self.host {
            Host::Azure => self.azure(outcome, delimiter),
            Host::Buildkite if !self.is_agent_missing => buildkite::calls(outcome),
            _ => Vec::new(),
        });
        Ok(writes)
    }

    /// Values that later steps do not receive as they are; words are put on one line in any case.
    fn altered_outputs(&self, outcome: &Outcome) -> Option<WriteOp> {
        let is_altered = |value: &str| {
            (self.host == Host::Azure && azure::output_value(value) != value)
                || (self.has_variables() && gitlab::one_line(value) != value)
        };
        let values = table::values(outcome);
        let values = table::fitting(&values).filter(|(name, _)| *name != "error-message");
        let names: Vec<_> =
            values.filter(|(_, value)| is_altered(value)).map(|(name, _)| name).collect();
        let reason = match self.host {
            Host::Azure => "Azure Pipelines would replace `$(…)` by a variable",
            _ => "a variable has one line, without white space around it",
        };
        let message = format!("not written as they are, since {reason}: {}", names.join(", "));
        (!names.is_empty()).then(|| self.annotation("warning", "output-altered", &[message]))
    }

    /// Why nobody will read the outputs, where no file and no host takes them. On GitHub that is a
    /// failure, which [`Self::find`] reports.
    fn unread_outputs(&self) -> Option<WriteOp> {
        if self.host.is_github_like() || self.files.iter().any(OutputFile::has_outputs) {
            return None;
        }
        let (kind, reason) = match self.host {
            Host::Buildkite if self.is_agent_missing => {
                ("warning", format!("{} is not on PATH", buildkite::AGENT))
            }
            // Where nothing is ever handed on, nothing is missing.
            Host::UnknownCi => ("notice", "this CI system is not known".to_owned()),
            host => ("warning", format!("{} is not set", file::variable(host)?.0)),
        };
        let message =
            format!("{reason}, so later steps receive no outputs; set `dotenv` or `result-file`");
        Some(self.annotation(kind, "outputs-dropped", &[message]))
    }

    /// Azure's agent is told of each output, and of a file with the summary.
    fn azure(&self, outcome: &Outcome, delimiter: &str) -> Vec<WriteOp> {
        let values = table::values(outcome);
        let set = |(name, value)| self.host_command(azure::set_output(name, value));
        let mut writes: Vec<_> = table::fitting(&values).map(set).collect();
        if let Some(folder) = &self.azure_temp {
            // The agent uploads it later, and a second run in the job has its own.
            let path = format!("{folder}/{delimiter}.md");
            let upload = azure::command("task.uploadsummary", &[], &path);
            writes.push(WriteOp::Replace(path, summary::markdown(outcome)));
            writes.push(self.host_command(upload));
        }
        writes
    }

    /// The result on standard output. Names of others are in it, and a terminal or GitLab's log
    /// obeys control characters as GitHub's runner obeys commands.
    fn result(&self, outcome: &Outcome) -> WriteOp {
        let is_answer = self.stdout_kind == StdoutKind::Report;
        match self.format {
            ResultFormat::Json => {
                let json = format!("{}\n", json::result(outcome));
                WriteOp::Stdout(github::neutralize_json(&json))
            }
            ResultFormat::Markdown => {
                WriteOp::Stdout(github::neutralize_commands(&summary::comment(outcome)))
            }
            // A script would take it for what it asked for.
            ResultFormat::Text if outcome.status == OutcomeStatus::Skipped && !is_answer => {
                WriteOp::Stderr(text(outcome, self.colors_notes))
            }
            ResultFormat::Text => WriteOp::Stdout(text(outcome, self.colors)),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn cannot_render(error: FormatError) -> Error {
    Error::new(ErrorCode::OutputsUnwritable, format!("cannot write an output: {error}"))
}

fn has_agent(env: &Env) -> bool {
    files::is_on_path(env.get("PATH").unwrap_or("/bin:/usr/bin"), buildkite::AGENT)
}

fn is_github_output(file: &OutputFile) -> bool {
    file.format == FileFormat::Blocks
}

/// A heredoc delimiter that nobody can guess.
pub fn random_delimiter() -> anyhow::Result<String> {
    let bytes = random_bytes::<16>().context("the operating system provides no random bytes")?;
    Ok(format!("finishline_{}", hex(&bytes)))
}
