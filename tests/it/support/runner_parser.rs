//! Reads what is written for GitHub and GitLab as they read it themselves: the rules restated, and
//! held to the vectors that were made with their own code.

use serde_json::Value;
use std::collections::BTreeMap;

/// Names and values.
pub(crate) type Variables = BTreeMap<String, String>;

/// The cases of one group of the vectors about CI hosts.
pub(crate) fn cases(group: &str) -> Vec<Value> {
    let text = include_str!("../../vectors/ci-vectors.json");
    let vectors: Value = serde_json::from_str(text).expect("the vectors are JSON");
    let cases = vectors[group]["cases"].as_array().expect("the group is a list").clone();
    assert!(!cases.is_empty(), "{group} has cases");
    cases
}

/// A text of a case.
pub(crate) fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().expect("the case has this text")
}

/// What the runner makes of the file at `GITHUB_OUTPUT`.
pub(crate) struct OutputFile {
    pairs: Vec<(String, String)>,
    /// Why the step fails; the pairs before it count all the same.
    pub(crate) error: Option<String>,
}

impl OutputFile {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut file = Self { pairs: Vec::new(), error: None };
        file.error = file.fill(&decode(bytes)).err();
        file
    }

    fn fill(&mut self, text: &str) -> Result<(), String> {
        let mut lines = text.split_inclusive('\n');
        while let Some(line) = lines.next() {
            let line = line.strip_suffix('\n').unwrap_or(line);
            let (equals, heredoc) = (line.find('='), line.find("<<"));
            match (equals, heredoc) {
                _ if line.is_empty() => {}
                (Some(at), heredoc) if heredoc.is_none_or(|heredoc| at < heredoc) => {
                    self.pairs.push((line[..at].to_owned(), line[at + 1..].to_owned()));
                }
                (_, None) => return Err(format!("Invalid format '{line}'")),
                (_, Some(at)) => {
                    let value = heredoc_value(line, &line[..at], &line[at + 2..], &mut lines)?;
                    self.pairs.push((line[..at].to_owned(), value));
                }
            }
        }
        Ok(())
    }

    /// Whether the step fails although the program ended well.
    pub(crate) fn step_fails(&self) -> bool {
        self.error.is_some() || self.pairs.iter().any(|(name, _)| name.is_empty())
    }

    /// The outputs of the step: names compare without case, and the last one wins.
    pub(crate) fn outputs(&self) -> Variables {
        let mut outputs = Variables::new();
        for (name, value) in self.pairs.iter().take_while(|(name, _)| !name.is_empty()) {
            outputs.retain(|earlier, _| earlier.to_uppercase() != name.to_uppercase());
            outputs.insert(name.clone(), value.clone());
        }
        outputs
    }
}

fn heredoc_value<'a>(
    line: &str,
    name: &str,
    mark: &str,
    lines: &mut impl Iterator<Item = &'a str>,
) -> Result<String, String> {
    if name.is_empty() || mark.is_empty() {
        let reason = "Name must not be empty and delimiter must not be empty";
        return Err(format!("Invalid format '{line}'. {reason}"));
    }
    let mut value = String::new();
    for line in lines {
        match line.strip_suffix('\n') {
            bare if bare.unwrap_or(line) == mark => {
                return Ok(value.strip_suffix('\n').map(str::to_owned).unwrap_or_default());
            }
            Some(_) => value.push_str(line),
            None => return Err("Invalid value. EOF marker missing new line.".to_owned()),
        }
    }
    Err(format!("Invalid value. Matching delimiter not found '{mark}'"))
}

/// A byte-order mark picks the encoding and is dropped; bad bytes are replaced.
fn decode(bytes: &[u8]) -> String {
    let wide = |of: fn([u8; 2]) -> u16| {
        let units: Vec<_> = bytes[2..].chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// A command that the runner carries out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkflowCommand {
    /// 2 for `::name::data`, 1 for the old `##[name]data`.
    pub(crate) syntax: u8,
    pub(crate) name: String,
    pub(crate) properties: Vec<(String, String)>,
    pub(crate) data: String,
}

/// The names that the runner knows; a line with another one is text.
const KNOWN: &str = "error warning notice debug group endgroup add-mask set-output set-env \
    save-state add-path echo stop-commands add-matcher remove-matcher";

/// The commands in what a program wrote to a stream: CR, LF and CRLF each end a line.
pub(crate) fn commands(stream: &str) -> Vec<WorkflowCommand> {
    stream.split(['\r', '\n']).filter_map(command).collect()
}

/// Whether it is one of the logging commands that hand a result to Azure's agent, which takes such a
/// line away whatever is in its value.
pub(crate) fn is_azure_command(line: &str) -> bool {
    let ours = ["##vso[task.setvariable ", "##vso[task.logissue ", "##vso[task.uploadsummary]"];
    ours.iter().any(|known| line.starts_with(known))
}

fn command(line: &str) -> Option<WorkflowCommand> {
    // The byte-order mark is dropped where a stream opens, so it is no safeguard anywhere.
    let trimmed = line.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let new = trimmed.strip_prefix("::").and_then(|rest| rest.split_once("::"));
    new.and_then(|(head, data)| build(2, head, data)).or_else(|| {
        let (head, data) = line.split_once("##[")?.1.split_once(']')?;
        build(1, head, data)
    })
}

fn build(syntax: u8, head: &str, data: &str) -> Option<WorkflowCommand> {
    let (name, rest) = head.split_once(' ').unwrap_or((head, ""));
    let known = KNOWN.split_whitespace().any(|known| known.eq_ignore_ascii_case(name));
    let (of_value, of_data) = if syntax == 2 { (PROPERTY, DATA) } else { (OLD, OLD) };
    let (separator, rest) = if syntax == 2 { (',', rest.trim()) } else { (';', rest) };
    let mut properties: Vec<(String, String)> = Vec::new();
    for (key, value) in rest.split(separator).filter_map(property) {
        let value = unescape(value, of_value);
        match properties.iter_mut().find(|(earlier, _)| earlier.eq_ignore_ascii_case(key)) {
            Some(earlier) => earlier.1 = value,
            None => properties.push((key.to_owned(), value)),
        }
    }
    let (name, data) = (name.to_owned(), unescape(data, of_data));
    known.then_some(WorkflowCommand { syntax, name, properties, data })
}

/// Leading `=` of a pair and of its value are dropped, and so is a pair without a value.
fn property(pair: &str) -> Option<(&str, &str)> {
    let (key, value) = pair.trim_start_matches('=').split_once('=')?;
    let value = value.trim_start_matches('=');
    (!value.is_empty()).then_some((key, value))
}

/// Codes with what they stand for, in the order in which the runner replaces them.
type EscapeCodes = [(&'static str, &'static str)];

const DATA: &EscapeCodes = &[("%0A", "\n"), ("%0D", "\r"), ("%25", "%")];
const PROPERTY: &EscapeCodes =
    &[("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")];
const OLD: &EscapeCodes = &[("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%")];

fn unescape(text: &str, codes: &EscapeCodes) -> String {
    codes.iter().fold(text.to_owned(), |text, (code, raw)| text.replace(code, raw))
}

/// Reads a dotenv report as GitLab does at upload.
pub(crate) fn read_dotenv(text: &str) -> Result<Variables, &'static str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.split_terminator('\n').map(read_variable).collect()
}

fn read_variable(line: &str) -> Result<(String, String), &'static str> {
    let (key, value) = line.split_once('=').ok_or("Invalid Format")?;
    let (key, value) = (ruby_strip(key), ruby_strip(value));
    if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err("Key can contain only letters, digits and '_'.");
    }
    Ok((key.to_owned(), value.to_owned()))
}

fn ruby_strip(text: &str) -> &str {
    let space = |c: char| matches!(c, '\t'..='\r' | ' ');
    text.trim_start_matches(space).trim_end_matches(|c| space(c) || c == '\0')
}

/// Expands a value as GitLab's runner does in the job that inherits it.
pub(crate) fn expand(value: &str, variables: &Variables) -> String {
    let Some((before, after)) = value.split_once('$') else { return value.to_owned() };
    if let Some(rest) = after.strip_prefix('$') {
        return format!("{before}${}", expand(rest, variables));
    }
    let bare = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
    let (name, rest) =
        braced.unwrap_or_else(|| after.split_at(after.find(bare).unwrap_or(after.len())));
    let found = variables.get(name).map_or("", String::as_str);
    format!("{before}{found}{}", expand(rest, variables))
}

/// The variables that the next job has from a dotenv report.
pub(crate) fn inherited(report: &str) -> Variables {
    let read = read_dotenv(report).expect("GitLab takes the report");
    read.iter().map(|(name, value)| (name.clone(), expand(value, &Variables::new()))).collect()
}

/// Whether GitLab takes this annotations report.
pub(crate) fn takes_annotations(report: &Value) -> bool {
    let takes_list = |(name, items): (&String, &Value)| {
        !name.trim().is_empty()
            && name.chars().count() <= 255
            && items.as_array().is_some_and(|items| items.iter().all(takes_item))
    };
    report.as_object().is_some_and(|lists| lists.iter().all(takes_list))
}

fn takes_item(item: &Value) -> bool {
    let keys = |value: &Value| -> Vec<String> {
        value.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default()
    };
    let link = &item["external_link"];
    let mut parts = keys(link);
    parts.sort();
    keys(item) == ["external_link"]
        && parts == ["label", "url"]
        && link["label"].is_string()
        && link["url"].is_string()
}

#[test]
fn the_output_file_reader_here_agrees_with_the_runner() {
    for case in cases("github_output_file_parse") {
        let file = OutputFile::read(&base64(text(&case, "bytes_b64")));
        assert_eq!(serde_json::json!(file.pairs), case["pairs"], "{case}");
        assert_eq!(serde_json::json!(file.error), case["error"], "{case}");
        assert_eq!(serde_json::json!(file.outputs()), case["outputs"], "{case}");
        assert_eq!(serde_json::json!(file.step_fails()), case["step_fails"], "{case}");
    }
}

fn base64(text: &str) -> Vec<u8> {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |c| digits.iter().position(|digit| *digit == c);
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_usize, 0);
    for digit in text.bytes().map_while(digit) {
        (bits, held) = (bits << 6 | digit, held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).unwrap());
        }
    }
    bytes
}

#[test]
fn the_command_reader_here_agrees_with_the_runner() {
    for case in cases("github_command_lines") {
        let read = commands(text(&case, "line"));
        let parsed = read.first().map(|command| {
            serde_json::json!({
                "syntax": command.syntax,
                "command": command.name,
                "properties": command.properties.iter().cloned().collect::<Variables>(),
                "data": command.data,
            })
        });
        assert_eq!(serde_json::json!(parsed), case["parsed"], "{case}");
    }
}

#[test]
fn the_dotenv_reader_here_agrees_with_gitlab() {
    for case in cases("gitlab_dotenv") {
        match (read_dotenv(text(&case, "text")), case["error"].as_str()) {
            (Ok(read), None) => assert_eq!(serde_json::json!(read), case["variables"], "{case}"),
            (Err(error), Some(expected)) => assert_eq!(error, expected, "{case}"),
            (outcome, _) => panic!("{case}: {outcome:?}"),
        }
    }
}

#[test]
fn the_expansion_here_agrees_with_gitlabs_runner() {
    for case in cases("gitlab_dotenv_consumer_expansion") {
        let variables: Variables = serde_json::from_value(case["env"].clone()).unwrap();
        let seen = expand(text(&case, "file_value"), &variables);
        assert_eq!(seen, text(&case, "seen_by_next_job"), "{case}");
    }
}

#[test]
fn the_annotations_reader_here_agrees_with_gitlab() {
    for case in cases("gitlab_annotations") {
        assert_eq!(case["ok"], takes_annotations(&case["doc"]), "{case}");
    }
}
