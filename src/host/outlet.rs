//! The files that outputs go to: where each host and the inputs have them, and what is in each.

use super::{Emit, bitbucket, github, gitlab, shell, summary};
use crate::env::Env;
use crate::files;
use crate::inputs::Voice;
use crate::job::Host;
use crate::outcome::{Outcome, Status};
use crate::outputs;

/// What a file is written as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
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
pub(super) struct Outlet {
    /// What messages call it: the variable or the input that names it.
    pub(super) input: &'static str,
    pub(super) path: String,
    pub(super) form: Form,
    /// Whether the file is the host's, so that ours goes at its end.
    pub(super) appended: bool,
}

/// What could be put into words of a file, and the outputs that were left out as too large.
pub(super) type Rendered = Result<(Emit, Vec<&'static str>), Box<dyn std::error::Error>>;

impl Outlet {
    /// Every file that the host documents or the inputs name.
    pub(super) fn all(voice: &Voice, env: &Env) -> Vec<Self> {
        let ours = |input, path: &Option<String>, form| {
            path.clone().map(|path| Self { input, path, form, appended: form == Form::Summary })
        };
        let dotenv = voice.dotenv.clone().or_else(|| match voice.host {
            Host::Gitlab => Some(below(env, "CI_PROJECT_DIR", "finishline.env")),
            Host::Jenkins => Some(below(env, "WORKSPACE", "finishline.env")),
            _ => None,
        });
        let annotations = voice.annotations.clone().or_else(|| match voice.host {
            Host::Gitlab => Some(below(env, "CI_PROJECT_DIR", "finishline-annotations.json")),
            _ => None,
        });
        let summary = voice.summary.clone().or_else(|| {
            let named = env.get("GITHUB_STEP_SUMMARY").filter(|_| voice.host.is_github_like());
            named.map(str::to_owned)
        });
        [
            of_host(voice.host, env),
            ours("dotenv", &dotenv, Form::Dotenv),
            ours("annotations", &annotations, Form::Annotations),
            ours("result-file", &voice.result_file, Form::Result),
            ours("summary", &summary, Form::Summary),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Checks that the file can be written, and empties one that is replaced: what an earlier run
    /// left must not be taken for this one's.
    pub(super) fn probe(&self) -> std::io::Result<()> {
        if self.appended { files::probe(&self.path) } else { files::replace(&self.path, "") }
    }

    /// What goes into the file; `mark` is fresh and random.
    pub(super) fn render(&self, outcome: &Outcome, mark: &str) -> Rendered {
        let values = outputs::values(outcome);
        let mut dropped = Vec::new();
        let text = match self.form {
            Form::Blocks => {
                let block =
                    |(name, value): &(&str, String)| github::output_block(name, value, mark);
                values.iter().map(block).collect::<Result<_, _>>()?
            }
            Form::Dotenv => {
                let (text, too_large) = gitlab::report(&values)?;
                dropped = too_large;
                text
            }
            Form::Exports => {
                // The line before ours need not have ended.
                let start = if self.appended { "\n" } else { "" };
                let export = |(name, value): (String, String)| shell::export(&name, &value);
                std::iter::once(start.to_owned()).chain(lines(&values).map(export)).collect()
            }
            Form::Pairs => {
                let pair = |(name, value): (String, String)| bitbucket::variable(&name, &value);
                lines(&values).map(pair).collect::<Result<_, _>>()?
            }
            Form::Annotations => gitlab::annotations("finishline", &links(outcome))?,
            Form::Result => format!("{}\n", outputs::result(outcome)),
            Form::Summary => summary::markdown(outcome),
        };
        let emit = if self.appended { Emit::Append } else { Emit::Replace };
        Ok((emit(self.path.clone(), text), dropped))
    }
}

/// The variable by which the host names the file in which it takes values.
pub(super) fn variable(host: Host) -> Option<&'static str> {
    match host {
        host if host.is_github_like() => Some("GITHUB_OUTPUT"),
        Host::Circleci => Some("BASH_ENV"),
        Host::Bitbucket => Some("BITBUCKET_PIPELINES_VARIABLES_PATH"),
        _ => None,
    }
}

/// The file by which the host itself takes values.
fn of_host(host: Host, env: &Env) -> Option<Outlet> {
    let named = |form| {
        let input = variable(host)?;
        let path = env.get(input)?.to_owned();
        Some(Outlet { input, path, form, appended: true })
    };
    match host {
        host if host.is_github_like() => named(Form::Blocks),
        Host::Circleci => named(Form::Exports),
        Host::Bitbucket => named(Form::Pairs),
        Host::Woodpecker => {
            let path = below(env, "CI_WORKSPACE", "finishline.env");
            Some(Outlet { input: "finishline.env", path, form: Form::Exports, appended: false })
        }
        _ => None,
    }
}

fn below(env: &Env, folder: &str, file: &str) -> String {
    format!("{}/{file}", env.get(folder).unwrap_or("."))
}

/// The outputs as variables of one line.
fn lines(values: &[(&'static str, String)]) -> impl Iterator<Item = (String, String)> {
    let line = |(name, value)| (outputs::variable(name), gitlab::one_line(value));
    outputs::short(values).map(line)
}

/// The links of the job page: a label and an address each.
fn links(outcome: &Outcome) -> Vec<(String, String)> {
    let subject = outcome.subject.as_ref();
    let url = subject.and_then(|subject| subject.redirect_url.clone());
    let label = match outcome.status {
        Status::ActionRequired => "Approve in a browser",
        _ => "Integration settings",
    };
    let release = outcome.release.as_ref().map(|release| release.url.clone());
    let release = release.map(|url| ("Release".to_owned(), url));
    url.map(|url| (label.to_owned(), url)).into_iter().chain(release).collect()
}
