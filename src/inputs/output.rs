//! How the step speaks, and where its outputs go: read apart from what it was asked to do, so that a
//! mistake in that is heard.

use super::parse::{InputReader, text};
use super::raw::RawInputs;
use crate::error::{Error, ErrorCode};
use crate::job::{Host, Job};
use crate::text::words::word_enum;

word_enum! {
    /// A format of the log.
    pub enum OutputFormat {
        /// For a person.
        Text = "text",
        /// For a program.
        Json = "json",
    }
}

word_enum! {
    /// A format of standard output.
    #[derive(Default)]
    pub enum ResultFormat {
        /// For a person.
        #[default]
        Text = "text",
        /// For a program.
        Json = "json",
        /// For a page that shows Markdown.
        Markdown = "markdown",
    }
}

word_enum! {
    /// When colors are shown.
    #[derive(Default)]
    pub enum ColorChoice {
        /// To a person at a terminal.
        #[default]
        Auto = "auto",
        /// In any case.
        Always = "always",
        /// In no case.
        Never = "never",
    }
}

word_enum! {
    /// How much is logged.
    pub enum LogLevel {
        /// Nothing.
        Off = "off",
        /// What ended the run.
        Error = "error",
        /// What the reader should know.
        Warn = "warn",
        /// What was done.
        Info = "info",
        /// Why.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

/// How the step speaks, and where its outputs go.
pub struct OutputOptions {
    /// The CI host that it speaks to.
    pub host: Host,
    /// The format of standard output.
    pub format: ResultFormat,
    /// How much is logged.
    pub log_level: LogLevel,
    /// The format of the log.
    pub log_format: OutputFormat,
    /// When colors are shown.
    pub color: ColorChoice,
    /// Whether a call of sentry-cli asks: it leaves no file in the checkout that no input names.
    pub is_called: bool,
    /// Where the whole result goes as JSON.
    pub result_file: Option<String>,
    /// Where the dotenv report goes.
    pub dotenv: Option<String>,
    /// What stands before the name of an output that is a variable.
    pub output_prefix: String,
    /// Where the annotations report goes.
    pub annotations: Option<String>,
    /// Where the job summary goes.
    pub summary: Option<String>,
}

impl OutputOptions {
    /// Reads how to speak; what is wrong falls back to its default, so that the mistake is heard.
    pub fn read(raw: &RawInputs, job: &Job) -> (Self, Vec<Error>) {
        let mut reader = InputReader::new(raw, Vec::new());
        let level = if job.debug { LogLevel::Debug } else { LogLevel::Info };
        let options = Self {
            host: reader.value("ci", host).unwrap_or(job.host),
            format: reader.value("format", result_format).unwrap_or_default(),
            log_level: reader.value("log-level", log_level).unwrap_or(level),
            log_format: reader.value("log-format", format).unwrap_or(OutputFormat::Text),
            color: reader.value("color", color).unwrap_or_default(),
            is_called: reader.is_called(),
            result_file: reader.value("result-file", text),
            dotenv: reader.value("dotenv", text),
            output_prefix: reader
                .value("output-prefix", variable_prefix)
                .unwrap_or_else(|| "FINISHLINE_OUT_".to_owned()),
            annotations: reader.value("annotations", text),
            summary: reader.value("summary", text),
        };
        let mut mistakes = reader.mistakes;
        match options.conflict() {
            None => (options, mistakes),
            Some(mistake) => {
                mistakes.push(mistake);
                (Self { format: ResultFormat::Text, ..options }, mistakes)
            }
        }
    }

    /// Azure's agent reads commands on standard output, which would then be no JSON and no Markdown.
    fn conflict(&self) -> Option<Error> {
        let instead = match self.format {
            ResultFormat::Json => "result-file",
            ResultFormat::Markdown => "summary",
            ResultFormat::Text => return None,
        };
        let format = self.format.as_str();
        let message = format!(
            "`format: {format}` cannot be used on Azure Pipelines, because its commands share \
             standard output"
        );
        let hint = format!("set `{instead}` instead");
        (self.host == Host::Azure).then(|| Error::new(ErrorCode::Usage, message).with_hint(hint))
    }
}

fn host(name: &str) -> Result<Host, &'static str> {
    Host::parse(name).ok_or("the name of a CI host such as `github`, `gitlab` or `local`")
}

fn variable_prefix(text: &str) -> Result<String, &'static str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fits = text.len() <= 100
        && text.chars().all(is_name)
        && !text.starts_with(|c: char| c.is_ascii_digit());
    let takes = "the beginning of a variable's name, of letters, digits and `_`";
    if fits { Ok(text.to_owned()) } else { Err(takes) }
}

fn format(word: &str) -> Result<OutputFormat, &'static str> {
    OutputFormat::parse(word).ok_or("`text` or `json`")
}

fn result_format(word: &str) -> Result<ResultFormat, &'static str> {
    ResultFormat::parse(word).ok_or("`text`, `json` or `markdown`")
}

fn color(word: &str) -> Result<ColorChoice, &'static str> {
    ColorChoice::parse(word).ok_or("`auto`, `always` or `never`")
}

fn log_level(word: &str) -> Result<LogLevel, &'static str> {
    LogLevel::parse(&word.to_ascii_lowercase())
        .ok_or("`off`, `error`, `warn`, `info`, `debug` or `trace`")
}
