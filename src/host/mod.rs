//! Speaks to the CI host: masks, outputs, annotations, summary, and the text for a person.
//!
//! Rendering is pure; [`Sinks::emit`] is the one place that writes.

pub mod github;
pub mod gitlab;
pub mod log;
mod summary;

use crate::env::Env;
use crate::failure::{Code, Failure, Warning};
use crate::files;
use crate::inputs::{Format, Voice};
use crate::job::Host;
use crate::outcome::{Outcome, Status};
use crate::outputs;
use anyhow::Context;
use std::io::Write;

/// One thing to write.
#[derive(Debug, PartialEq, Eq)]
pub enum Emit {
    /// To standard output: the result.
    Stdout(String),
    /// To standard error: narration and commands.
    Stderr(String),
    /// At the end of a file, in one write.
    Append(String, String),
    /// In place of a file.
    Replace(String, String),
}

/// The name of our section in GitLab's job log.
const SECTION: &str = "finishline";

/// Where the outputs of this run go.
#[derive(Default)]
pub struct Sinks {
    host: Host,
    format: Format,
    /// GITHUB_OUTPUT.
    output: Option<String>,
    summary: Option<String>,
    dotenv: Option<String>,
    annotations: Option<String>,
    result_file: Option<String>,
}

impl Sinks {
    /// Finds the sinks by what the host documents and the inputs name.
    ///
    /// # Errors
    ///
    /// `outputs-unwritable` when a GitHub-like host names no file, `usage` when an output would
    /// overwrite another one or the database. The sinks that can be used come with it, so that the
    /// failure itself is heard.
    pub fn find(voice: &Voice, env: &Env, database: Option<&str>) -> (Self, Option<Failure>) {
        let named = |name: &str| env.get(name).map(str::to_owned);
        let in_project = |file: &str| {
            let folder = env.get("CI_PROJECT_DIR").unwrap_or(".");
            (voice.host == Host::Gitlab).then(|| format!("{folder}/{file}"))
        };
        let github_like = voice.host.is_github_like();
        let output = named("GITHUB_OUTPUT").filter(|_| github_like);
        let lacks = (github_like && output.is_none()).then(|| {
            Failure::new(
                Code::OutputsUnwritable,
                "GITHUB_OUTPUT is not set, so outputs have no place",
            )
            .hint("run this as a step of a workflow, or set `host: local`")
        });
        let step_summary = || named("GITHUB_STEP_SUMMARY").filter(|_| github_like);
        let sinks = Self {
            host: voice.host,
            format: voice.format,
            output,
            summary: voice.summary.clone().or_else(step_summary),
            dotenv: voice.dotenv.clone().or_else(|| in_project("finishline.env")),
            annotations: voice
                .annotations
                .clone()
                .or_else(|| in_project("finishline-annotations.json")),
            result_file: voice.result_file.clone(),
        };
        match sinks.same_file(database) {
            None => (sinks, lacks),
            same => {
                let (host, format, output) = (sinks.host, sinks.format, sinks.output);
                (Self { host, format, output, ..Self::default() }, same)
            }
        }
    }

    /// Two outputs, or an output and the database, that are one file.
    fn same_file(&self, database: Option<&str>) -> Option<Failure> {
        let files = [
            ("GITHUB_OUTPUT", self.output.as_deref()),
            ("summary", self.summary.as_deref()),
            ("dotenv", self.dotenv.as_deref()),
            ("annotations", self.annotations.as_deref()),
            ("result-file", self.result_file.as_deref()),
            ("database", database),
        ];
        let named = files.into_iter().filter_map(|(input, file)| Some((input, file?)));
        let named: Vec<_> = named.filter(|(_, file)| *file != "/dev/null").collect();
        let same = |(index, (input, file)): (usize, &(&str, &str))| {
            let (other, _) = named[..index].iter().find(|(_, other)| other == file)?;
            let message = format!("`{other}` and `{input}` name the same file");
            Some(Failure::new(Code::Usage, message).hint("give each a file of its own"))
        };
        named.iter().enumerate().find_map(same)
    }

    /// Checks, before the backend is touched, that the outputs can be written, and empties the
    /// files that are replaced: what an earlier run left must not be taken for this one's.
    ///
    /// # Errors
    ///
    /// `outputs-unwritable`, naming the file.
    pub fn probe(&self) -> Result<(), Failure> {
        for path in [&self.output, &self.summary].into_iter().flatten() {
            files::probe(path).map_err(|error| unwritable(path, &error))?;
        }
        for path in [&self.dotenv, &self.annotations, &self.result_file].into_iter().flatten() {
            files::replace(path, "").map_err(|error| unwritable(path, &error))?;
        }
        Ok(())
    }

    /// The masks for these secrets, and a warning for those that would hit what is shown.
    pub fn masks(&self, secrets: &[String], shown: &[String]) -> (Vec<Emit>, Vec<Warning>) {
        if !self.host.is_github_like() {
            return (Vec::new(), Vec::new());
        }
        let (mut emits, mut warnings) = (Vec::new(), Vec::new());
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            let hits = |line: &&str| {
                line.chars().count() >= 4 && shown.iter().any(|text| text.contains(*line))
            };
            let lines = secret.split(['\r', '\n']).map(str::trim);
            let (hitting, free): (Vec<_>, Vec<_>) = lines.partition(hits);
            let masks = github::masks(&free.join("\n"));
            if masks.is_empty() || !hitting.is_empty() {
                let message = "a secret, or a line of one, is too short or part of an output, and is not masked";
                warnings.push(Warning::new("mask-hits-output", message));
            }
            emits.extend(masks.into_iter().map(Emit::Stderr));
        }
        warnings.dedup();
        (emits, warnings)
    }

    /// Folds what is logged from here on under a title, where the host can.
    pub fn open_group(&self, title: &str, unix_seconds: u64) -> Vec<Emit> {
        match self.host {
            host if host.is_github_like() => {
                vec![Emit::Stderr(github::command("group", &[], title))]
            }
            Host::Gitlab => section(gitlab::section_start(SECTION, unix_seconds, title, true)),
            _ => Vec::new(),
        }
    }

    /// Ends what [`Self::open_group`] began.
    pub fn close_group(&self, unix_seconds: u64) -> Vec<Emit> {
        match self.host {
            host if host.is_github_like() => {
                vec![Emit::Stderr(github::command("endgroup", &[], ""))]
            }
            Host::Gitlab => section(gitlab::section_end(SECTION, unix_seconds)),
            _ => Vec::new(),
        }
    }

    /// Everything that the host and the person are told; `mark` is fresh and random.
    ///
    /// # Errors
    ///
    /// `outputs-unwritable` when a value fits no format of the host.
    pub fn render(&self, outcome: &Outcome, mark: &str) -> Result<Vec<Emit>, Failure> {
        let refused = |error: &dyn std::error::Error| {
            Failure::new(Code::OutputsUnwritable, format!("an output cannot be written: {error}"))
        };
        let values = outputs::values(outcome);
        let mut emits = vec![self.result(outcome)];
        emits.extend(self.narration(outcome));
        if let Some(path) = &self.output {
            let blocks: Result<String, _> = values
                .iter()
                .map(|(name, value)| github::output_block(name, value, mark))
                .collect();
            emits.push(Emit::Append(path.clone(), blocks.map_err(|error| refused(&error))?));
        }
        if let Some(path) = &self.dotenv {
            let (text, dropped) = gitlab::report(&values).map_err(|error| refused(&error))?;
            emits.push(Emit::Replace(path.clone(), text));
            if !dropped.is_empty() {
                let message = format!("too large for a dotenv report: {}", dropped.join(", "));
                emits.push(self.note("warning", "outputs-dropped", &[message]));
            }
        }
        if let Some(path) = &self.annotations {
            let links = gitlab::annotations("finishline", &links(outcome));
            emits.push(Emit::Replace(path.clone(), links.map_err(|error| refused(&error))?));
        }
        if let Some(path) = &self.result_file {
            emits.push(Emit::Replace(path.clone(), format!("{}\n", outputs::result(outcome))));
        }
        if let Some(path) = &self.summary {
            emits.push(Emit::Append(path.clone(), summary::markdown(outcome)));
        }
        Ok(emits)
    }

    /// The result on standard output. Names of others are in it, and a terminal or GitLab's log
    /// obeys control characters as GitHub's runner obeys commands.
    fn result(&self, outcome: &Outcome) -> Emit {
        Emit::Stdout(match self.format {
            Format::Json => github::neutral_json(&format!("{}\n", outputs::result(outcome))),
            Format::Text => github::neutral(&text(outcome)),
        })
    }

    /// Warnings and the failure on standard error; annotations where the host has them.
    pub fn narration(&self, outcome: &Outcome) -> Vec<Emit> {
        let warn = |warning: &Warning| {
            self.note("warning", warning.slug, &[gitlab::one_line(&warning.message)])
        };
        let mut notes: Vec<_> = outcome.warnings.iter().map(warn).collect();
        // A person at a terminal reads what waits for them on standard output.
        let told = outcome.status == Status::ActionRequired && self.host == Host::Local;
        if let Some(failure) = outcome.failure.as_ref().filter(|_| !told) {
            let kind = if outcome.tolerated { "warning" } else { "error" };
            let lines = failure_lines(failure, &self.exit_note(outcome));
            notes.push(self.note(kind, failure.code.slug(), &lines));
        }
        notes
    }

    /// What the host will do with the exit code, and how to have it otherwise.
    fn exit_note(&self, outcome: &Outcome) -> String {
        let number = outcome.exit().number();
        match outcome.failure.as_ref().map(|failure| failure.code.exit().number()) {
            Some(3..=6) if number != 0 && self.host.is_ci() => {
                format!("(exit {number} fails the job; `tolerate` lets it go on)")
            }
            _ => format!("(exit {number})"),
        }
    }

    /// One annotation, or a line with more lines below it.
    fn note(&self, kind: &str, slug: &str, lines: &[String]) -> Emit {
        if self.host.is_github_like() {
            let title = format!("finishline: {slug}");
            let data = github::neutral(&lines.join("\n"));
            return Emit::Stderr(github::command(kind, &[("title", &title)], &data));
        }
        Emit::Stderr(github::neutral(&format!("{kind}: {}\n", lines.join("\n  "))))
    }

    /// Writes everything. Whatever fails, the rest is still tried.
    ///
    /// # Errors
    ///
    /// `outputs-unwritable`, naming the first sink that failed.
    pub fn emit(emits: Vec<Emit>) -> Result<(), Failure> {
        let mut first = Ok(());
        for emit in emits {
            let (sink, done) = match &emit {
                Emit::Stdout(text) => ("standard output", write(&mut std::io::stdout(), text)),
                Emit::Stderr(text) => ("standard error", write(&mut std::io::stderr(), text)),
                Emit::Append(path, text) => (path.as_str(), files::append(path, text)),
                Emit::Replace(path, text) => (path.as_str(), files::replace(path, text)),
            };
            if let (Ok(()), Err(error)) = (&first, done) {
                first = Err(unwritable(sink, &error));
            }
        }
        first
    }
}

fn section(line: Result<String, gitlab::Refused>) -> Vec<Emit> {
    line.map(Emit::Stderr).into_iter().collect()
}

/// A heredoc mark that nobody can guess.
///
/// # Errors
///
/// The operating system gives no random bytes.
pub fn mark() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).context("the operating system gives no random bytes")?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("finishline_{hex}"))
}

/// The links of the job page: a label and an address each.
fn links(outcome: &Outcome) -> Vec<(String, String)> {
    let subject = outcome.subject.as_ref();
    let url = subject.and_then(|subject| subject.redirect_url.clone());
    let label = match outcome.status {
        Status::ActionRequired => "Approve in a browser",
        _ => "Integration settings",
    };
    url.map(|url| (label.to_owned(), url)).into_iter().collect()
}

/// A reader that has left is no failure: it has seen what it wanted.
fn write(stream: &mut impl Write, text: &str) -> std::io::Result<()> {
    match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

fn unwritable(sink: &str, error: &std::io::Error) -> Failure {
    let sink = crate::failure::quote(sink);
    Failure::new(Code::OutputsUnwritable, format!("cannot write outputs to {sink}: {error}"))
}

/// What failed and what to change; each of several mistakes on lines of its own.
fn failure_lines(failure: &Failure, exit_note: &str) -> Vec<String> {
    let message = |failure: &Failure| gitlab::one_line(&failure.message);
    let hint = |failure: &Failure| format!("hint: {}", gitlab::one_line(&failure.hint));
    if failure.each.is_empty() {
        return vec![message(failure), format!("{} {exit_note}", hint(failure))];
    }
    let mut lines = vec![format!("{} mistakes {exit_note}", failure.each.len())];
    for (index, one) in failure.each.iter().enumerate() {
        lines.push(format!("- {}", message(one)));
        if failure.each.get(index + 1).is_none_or(|next| next.hint != one.hint) {
            lines.push(format!("  {}", hint(one)));
        }
    }
    lines
}

/// The result for a person; a failure speaks on standard error alone.
fn text(outcome: &Outcome) -> String {
    if outcome.status == Status::Error {
        return String::new();
    }
    let details = outcome.details.iter().map(|line| format!("  {line}\n"));
    std::iter::once(format!("{}\n", outcome.headline)).chain(details).collect()
}
