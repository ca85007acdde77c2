//! The files that outputs go to: where each host and the inputs have them, and what is in each.

use super::format_error::FormatError;
use super::{WriteOp, bitbucket, github, gitlab, json, shell, summary, table};
use crate::env::Env;
use crate::inputs::OutputOptions;
use crate::job::Host;
use crate::os::{files, paths};
use crate::outcome::{Outcome, OutcomeStatus};

/// What a file is written as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileFormat {
    /// The runner's blocks.
    Blocks,
    /// GitLab's dotenv report.
    Dotenv,
    /// Lines that a shell runs.
    Exports,
    /// Bitbucket's `KEY=VALUE`.
    Pairs,
    /// GitLab's links.
    Annotations,
    /// The whole result as JSON.
    Result,
    /// Markdown.
    Summary,
}

/// One file.
pub(crate) struct OutputFile {
    /// What messages call it: the variable or the input that names it.
    pub(crate) input: &'static str,
    pub(crate) path: String,
    pub(crate) format: FileFormat,
    /// Whether the file is the host's, so that ours goes at its end.
    pub(crate) appended: bool,
    /// What stands before the name of an output that is a variable.
    prefix: String,
}

/// What could be put into words of a file, and the outputs that were left out as too large.
pub(crate) type RenderedFile = Result<(WriteOp, Vec<&'static str>), FormatError>;

impl OutputFile {
    /// Every file that the host documents or the inputs name.
    pub(crate) fn all(options: &OutputOptions, env: &Env) -> Vec<Self> {
        let host = options.host;
        let ours = |input, path: Option<String>, format| {
            let appended = format == FileFormat::Summary;
            let prefix = options.output_prefix.clone();
            path.map(|path| Self { input, path, format, appended, prefix })
        };
        let dotenv = || match host {
            _ if options.is_called => None,
            Host::Gitlab => Some(in_env_dir(env, "CI_PROJECT_DIR", "finishline.env")),
            Host::Jenkins => Some(in_env_dir(env, "WORKSPACE", "finishline.env")),
            _ => None,
        };
        let in_project = || in_env_dir(env, "CI_PROJECT_DIR", "finishline-annotations.json");
        let annotations = || (host == Host::Gitlab && !options.is_called).then(in_project);
        let step_summary = env.get("GITHUB_STEP_SUMMARY").filter(|_| host.is_github_like());
        let summary = || step_summary.map(str::to_owned);
        let files = [
            of_host(options, env),
            ours("dotenv", options.dotenv.clone().or_else(dotenv), FileFormat::Dotenv),
            ours(
                "annotations",
                options.annotations.clone().or_else(annotations),
                FileFormat::Annotations,
            ),
            ours("result-file", options.result_file.clone(), FileFormat::Result),
            ours("summary", options.summary.clone().or_else(summary), FileFormat::Summary),
        ];
        files.into_iter().flatten().collect()
    }

    /// Whether it is for the outputs, and not for a page.
    pub(crate) fn has_outputs(&self) -> bool {
        !matches!(self.format, FileFormat::Annotations | FileFormat::Summary)
    }

    /// Whether its outputs have the prefix of variables.
    pub(crate) fn has_variables(&self) -> bool {
        matches!(self.format, FileFormat::Dotenv | FileFormat::Exports | FileFormat::Pairs)
    }

    /// Checks that the file can be written.
    pub(crate) fn probe(&self) -> std::io::Result<()> {
        files::check_writable(&self.path)
    }

    /// Whether it is replaced as a whole.
    pub(crate) fn is_replaced(&self) -> bool {
        !self.appended && !paths::is_stream(&self.path)
    }

    /// What goes into the file; `delimiter` is fresh and random.
    pub(crate) fn render(&self, outcome: &Outcome, delimiter: &str) -> RenderedFile {
        let values = table::values(outcome);
        let mut dropped = Vec::new();
        let text = match self.format {
            FileFormat::Blocks => {
                // Each block has a mark of its own.
                let block = |(index, (name, value)): (usize, &(&str, String))| {
                    github::output_block(name, value, &format!("{delimiter}_{index}"))
                };
                values.iter().enumerate().map(block).collect::<Result<_, _>>()?
            }
            FileFormat::Dotenv => {
                let text;
                (text, dropped) = gitlab::dotenv_report(&self.prefix, &values)?;
                text
            }
            FileFormat::Exports => {
                // The line before ours need not have ended.
                let start = if self.appended { "\n" } else { "" };
                let export = |(name, value): (String, String)| shell::export(&name, &value);
                std::iter::once(start.to_owned()).chain(self.lines(&values).map(export)).collect()
            }
            FileFormat::Pairs => {
                let pair = |(name, value): (String, String)| bitbucket::variable(&name, &value);
                self.lines(&values).map(pair).collect::<Result<_, _>>()?
            }
            FileFormat::Annotations => gitlab::annotations("finishline", &links(outcome))?,
            FileFormat::Result => format!("{}\n", json::result(outcome)),
            FileFormat::Summary => summary::markdown(outcome),
        };
        let write = if self.appended { WriteOp::Append } else { WriteOp::Replace };
        Ok((write(self.path.clone(), text), dropped))
    }

    /// The outputs as variables of one line.
    fn lines(&self, values: &[(&'static str, String)]) -> impl Iterator<Item = (String, String)> {
        let line = |(name, value)| (table::env_name(&self.prefix, name), gitlab::one_line(value));
        table::fitting(values).map(line)
    }
}

/// The variable by which the host names the file in which it takes values, and their format.
pub(crate) fn variable(host: Host) -> Option<(&'static str, FileFormat)> {
    match host {
        host if host.is_github_like() => Some(("GITHUB_OUTPUT", FileFormat::Blocks)),
        Host::Circleci => Some(("BASH_ENV", FileFormat::Exports)),
        Host::Bitbucket => Some(("BITBUCKET_PIPELINES_VARIABLES_PATH", FileFormat::Pairs)),
        _ => None,
    }
}

/// The file by which the host itself takes values.
fn of_host(options: &OutputOptions, env: &Env) -> Option<OutputFile> {
    let (host, prefix) = (options.host, options.output_prefix.clone());
    if host == Host::Woodpecker && !options.is_called {
        let (input, format) = ("finishline.env", FileFormat::Exports);
        let path = in_env_dir(env, "CI_WORKSPACE", input);
        return Some(OutputFile { input, path, format, appended: false, prefix });
    }
    let (input, format) = variable(host)?;
    Some(OutputFile { input, path: env.get(input)?.to_owned(), format, appended: true, prefix })
}

fn in_env_dir(env: &Env, folder: &str, file: &str) -> String {
    format!("{}/{file}", env.get(folder).unwrap_or("."))
}

/// The links of the job page: a label and an address each.
fn links(outcome: &Outcome) -> Vec<(String, String)> {
    let label = match outcome.status {
        OutcomeStatus::ActionRequired => "Approve in a browser",
        _ => "Integration settings",
    };
    let page = outcome.subject.as_ref().and_then(|subject| subject.redirect_url.as_ref());
    let release =
        outcome.release.as_ref().and_then(|release| Some(("Release", release.url.as_ref()?)));
    let links = page.map(|url| (label, url)).into_iter().chain(release);
    links.map(|(label, url)| (label.to_owned(), url.to_string())).collect()
}
