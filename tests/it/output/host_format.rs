//! Whether what is written for each host is what the vectors say that it reads.

use crate::support::runner_parser::{
    Variables, cases, expand, read_dotenv, takes_annotations, text,
};
use finishline::output::{azure, bitbucket, buildkite, github, gitlab, shell};
use serde_json::Value;

/// The toolkit's random mark, as it was fixed when the vectors were made.
const MARK: &str = "ghadelimiter_00000000-0000-4000-8000-000000000000";

#[test]
fn every_text_is_escaped_as_the_runner_unescapes_it() {
    for case in cases("github_escape") {
        let raw = text(&case, "raw");
        assert_eq!(github::escape_data(raw), text(&case, "data"), "{case}");
        assert_eq!(github::escape_property(raw), text(&case, "property"), "{case}");
    }
}

/// The properties as the toolkit passes them on: all of them once there is one, under the
/// command's own keys, where it takes a zero for nothing.
fn properties(given: &Value) -> Vec<(&'static str, String)> {
    const KEYS: [(&str, &str); 6] = [
        ("title", "title"),
        ("file", "file"),
        ("startLine", "line"),
        ("endLine", "endLine"),
        ("startColumn", "col"),
        ("endColumn", "endColumn"),
    ];
    if given.as_object().is_none_or(serde_json::Map::is_empty) {
        return Vec::new();
    }
    let value = |key: &str| match &given[key] {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.as_u64() != Some(0) => number.to_string(),
        _ => String::new(),
    };
    KEYS.map(|(theirs, key)| (key, value(theirs))).to_vec()
}

#[test]
fn every_command_is_the_one_that_the_toolkit_issues() {
    for case in cases("github_command_format") {
        let input = &case["input"];
        let name = match text(input, "command") {
            "setSecret" => "add-mask",
            "startGroup" => "group",
            name => name,
        };
        let properties = properties(&input["props"]);
        let borrowed: Vec<_> = properties.iter().map(|(key, value)| (*key, &**value)).collect();
        let line = github::command(name, &borrowed, text(input, "message"));
        assert_eq!(line, text(&case, "stdout"), "{case}");
    }
}

#[test]
fn every_output_is_the_block_that_the_toolkit_writes() {
    for case in cases("github_output_file_write") {
        let block = github::output_block(text(&case, "name"), text(&case, "value"), MARK);
        assert_eq!(block.unwrap(), text(&case, "bytes"), "{case}");
    }
}

#[test]
fn every_output_that_would_be_misread_is_refused() {
    for case in cases("github_output_must_refuse") {
        let block = github::output_block(text(&case, "name"), text(&case, "value"), MARK);
        assert!(block.is_err(), "{case}");
    }
}

#[test]
fn no_line_that_is_a_command_remains_one() {
    for case in cases("github_command_lines") {
        let line = text(&case, "line");
        let neutral = github::neutralize_commands(line);
        assert!(!neutral.trim_start().starts_with("::") && !neutral.contains("##["), "{case}");
        let is_ordinary = !line.trim_start().starts_with("::") && !line.contains("##[");
        assert_eq!(neutral == line, is_ordinary, "{case}");
    }
}

#[test]
fn every_dotenv_report_is_as_expected_or_refused() {
    for case in cases("gitlab_dotenv_write") {
        let pairs: Vec<(String, String)> = serde_json::from_value(case["pairs"].clone()).unwrap();
        match gitlab::dotenv(&pairs) {
            Ok(written) => assert_eq!(written, text(&case, "text"), "{case}"),
            Err(_) => assert_eq!(case["refuse"], true, "{case}"),
        }
    }
}

#[test]
fn what_is_written_as_dotenv_reads_back_as_meant() {
    let pieces = ["", "a", " ", "$", "{", "}", "=", "#", "\"", "\n", "\r", "\0", "\u{feff}", "é"];
    for (first, second, third) in triples(&pieces) {
        let value = gitlab::one_line(&format!("{first}{second}{third}"));
        let pairs = [("A".to_owned(), value.clone()), ("B_2".to_owned(), "last".to_owned())];
        let read = read_dotenv(&gitlab::dotenv(&pairs).unwrap()).unwrap();
        assert_eq!(read.len(), 2, "{value:?}");
        assert_eq!(expand(&read["A"], &Variables::new()), value);
        assert_eq!(read["B_2"], "last");
    }
}

fn triples<'a>(pieces: &'a [&'a str]) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
    pieces.iter().flat_map(move |first| {
        let seconds = pieces.iter().map(move |second| (*first, *second));
        seconds.flat_map(move |(first, second)| pieces.iter().map(move |&t| (first, second, t)))
    })
}

#[test]
fn what_is_written_as_annotations_is_taken() {
    let link = ("Open \"it\"".to_owned(), "https://e.example/?a=b".to_owned());
    for links in [vec![], vec![link.clone()], vec![link; 1000]] {
        let written = gitlab::annotations("Deploy", &links).unwrap();
        let report: Value = serde_json::from_str(&written).unwrap();
        assert!(takes_annotations(&report), "{report}");
        assert_eq!(report["Deploy"].as_array().map_or(0, Vec::len), links.len());
    }
}

#[test]
fn every_section_has_the_bytes_that_gitlab_documents() {
    for case in cases("gitlab_sections") {
        let start = &case["start"];
        let (name, time) = (text(start, "name"), start["time"].as_u64().unwrap());
        let collapsed = start["collapsed"].as_bool().unwrap();
        let opened = gitlab::section_start(name, time, text(start, "header"), collapsed);
        assert_eq!(opened.unwrap(), text(&case, "bytes"), "{case}");
        assert_eq!(gitlab::section_end(name, time + 1).unwrap(), text(&case, "end"), "{case}");
    }
}

#[test]
fn every_variable_is_set_as_azures_agent_reads_it() {
    for case in cases("azure_setvariable") {
        let flag = |key: &str| if case[key] == true { "true" } else { "" };
        let properties = [
            ("variable", text(&case, "name")),
            ("isOutput", flag("output")),
            ("isSecret", flag("secret")),
        ];
        let line = azure::command("task.setvariable", &properties, text(&case, "value"));
        assert_eq!(line, text(&case, "stdout"), "{case}");
    }
}

#[test]
fn every_export_is_the_line_that_bash_sources() {
    for case in cases("circleci_bash_env") {
        let line = shell::export(text(&case, "name"), text(&case, "value"));
        assert_eq!(line, text(&case, "line"), "{case}");
    }
}

#[test]
fn every_variable_of_bitbucket_is_one_plain_line_or_refused() {
    for case in cases("bitbucket_variables") {
        let pairs: Vec<(String, String)> = serde_json::from_value(case["pairs"].clone()).unwrap();
        let lines = pairs.iter().map(|(name, value)| bitbucket::variable(name, value));
        match lines.collect::<Result<String, _>>() {
            Ok(written) => assert_eq!(written, text(&case, "text"), "{case}"),
            Err(_) => assert_eq!(case["refuse"], true, "{case}"),
        }
    }
}

#[test]
fn every_call_of_buildkites_agent_is_as_documented() {
    for case in cases("buildkite") {
        let argv: Vec<String> = serde_json::from_value(case["argv"].clone()).unwrap();
        let given: Vec<&str> = argv.iter().map(String::as_str).collect();
        let call = match given[..] {
            [_, "meta-data", "set", key, value] => buildkite::set_meta_data(key, value).unwrap(),
            // The agent takes the body from standard input as well, which has no limit.
            [_, "annotate", _, style, _, context, body] => {
                [buildkite::annotate(style, context), vec![body.to_owned()]].concat()
            }
            _ => panic!("{case}"),
        };
        assert_eq!(call, argv);
    }
}
