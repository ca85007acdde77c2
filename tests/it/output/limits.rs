//! Values that are large, of many lines or no text at all: they arrive whole or are refused.

use crate::support::run::{ProgramRun, RunResult};
use crate::support::runner_parser::WorkflowCommand;
use serde_json::{Value, json};

/// A PEM file in its form alone: no key is in it.
fn pem() -> String {
    let line = |number: usize| format!("{number:02}{}\n", "ThisIsNoKeyAtAll+/".repeat(4));
    let body: String = (0..20).map(line).collect();
    format!("-----BEGIN NO KEY-----\n{body}-----END NO KEY-----\n")
}

/// PagerDuty's JSON with as many services as make `size` bytes.
fn services(size: usize) -> String {
    let service = |number: usize| {
        let key = format!("key-{number:06}-{}", "x".repeat(1_000));
        json!({"integration_key": key, "name": "Web", "id": number.to_string(), "type": "service"})
    };
    let keys: Vec<_> = (0..size / 1_100).map(service).collect();
    json!({"account": {"name": "Acme", "subdomain": "acme"}, "integration_keys": keys}).to_string()
}

fn masks(ended: &RunResult) -> Vec<String> {
    let masks = ended.commands().into_iter().filter(|command| command.name == "add-mask");
    masks.map(|command: WorkflowCommand| command.data).collect()
}

fn config(run: &ProgramRun) -> Value {
    let config = run.rows("SELECT config FROM organization_integration").concat();
    serde_json::from_str(&config).unwrap()
}

#[test]
fn a_key_of_many_lines_arrives_byte_for_byte() {
    let state = "{baseUrl: 'https://api.opsgenie.com/', provider: acme-ops, apiKey: '${KEY}'}";
    for key in [pem(), pem().replace('\n', "\r\n"), format!("\n{}'\"\\ é", pem())] {
        let run = ProgramRun::github().embedded("opsgenie", state).var("KEY", &key);
        let ended = run.execute().expect(0);
        assert_eq!(config(&run)["team_table"][0]["integration_key"], json!(key));
        let lines: Vec<_> = key.lines().map(str::trim).filter(|line| line.len() >= 4).collect();
        assert_eq!(masks(&ended), lines);
        let masked = lines.iter().map(|line| ended.everything().matches(line).count());
        assert!(masked.into_iter().all(|count| count == 1), "{}", ended.everything());
        assert_eq!(run.execute().expect(0).output("changed"), "false");
    }
}

#[test]
fn a_line_of_a_secret_that_an_output_shows_is_not_masked_and_that_is_said() {
    let state = "{baseUrl: 'https://api.opsgenie.com/', provider: acme-ops, apiKey: '${KEY}'}";
    let cases: [(&str, &[&str], &str); 6] = [
        ("long-enough", &["long-enough"], ""),
        ("abc", &[], "mask-hits-output"),
        ("abc\ndef", &[], "mask-hits-output"),
        ("acme-ops", &[], "mask-hits-output"),
        ("opsgenie/", &[], "mask-hits-output"),
        ("first-line\r\nacme\n\n last-line ", &["first-line", "last-line"], "mask-hits-output"),
    ];
    for (key, masked, warning) in cases {
        let run = ProgramRun::github().embedded("opsgenie", state).var("KEY", key);
        let ended = run.execute().expect(0);
        assert_eq!((masks(&ended), ended.output("warnings").as_str()), (strings(masked), warning));
        assert_eq!(config(&run)["team_table"][0]["integration_key"], json!(key));
    }
}

#[test]
fn a_secret_of_an_integration_that_the_release_beside_it_shows_is_not_masked() {
    let state = "{baseUrl: 'https://api.opsgenie.com/', provider: acme-ops, apiKey: '${KEY}'}";
    let run = ProgramRun::github().embedded("opsgenie", state).var("KEY", "production");
    let run = run.var("FINISHLINE_RELEASE", "web@1").var("FINISHLINE_ENVIRONMENT", "production");
    let run = run.var("SENTRY_PROJECT", "web");
    let ended = run.var("FINISHLINE_COMMITS", "none").execute().expect(0);
    assert!(ended.output("result").contains("deployed to production"), "{}", ended.everything());
    assert_eq!(masks(&ended), strings(&[]));
    assert!(ended.output("warnings").contains("mask-hits-output"), "{}", ended.output("warnings"));
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_large_next_is_in_the_url_and_the_result_says_that_it_was_cut() {
    let next = "n".repeat(120 * 1024);
    let run = ProgramRun::github().embedded("example", "name: demo").var("FINISHLINE_NEXT", &next);
    let ended = run.args(&["run", "--format", "json"]).execute().expect(0);
    assert!(ended.output("redirect-url").ends_with(&format!("/?next={next}")));
    let result: Value = serde_json::from_str(&ended.output("result")).unwrap();
    let expected = json!({"schema": 1, "truncated": true, "status": "complete", "changed": true});
    assert_eq!(result, expected);
    assert_eq!(ended.json()["redirect_url"], ended.output("redirect-url"));
}

#[test]
fn what_gitlabs_report_has_no_room_for_is_left_out_with_a_warning() {
    let run = ProgramRun::gitlab().embedded("example", "name: demo");
    let ended = run.var("FINISHLINE_NEXT", "n".repeat(6_000)).execute().expect(0);
    let outputs = ended.outputs();
    assert!(!outputs.contains_key("FINISHLINE_OUT_REDIRECT_URL"));
    assert_eq!(ended.joined(["status", "integration-id", "changed"]), "complete 1 true");
    let words = "warning: too large for a dotenv report: redirect-url\n";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}

#[test]
fn a_large_variable_arrives_whole() {
    let config_text = services(120 * 1000);
    let run =
        ProgramRun::github().embedded("pagerduty", "config: ${CONFIG}").var("CONFIG", &config_text);
    let ended = run.execute().expect(0);
    let count = serde_json::from_str::<Value>(&config_text).unwrap()["integration_keys"]
        .as_array()
        .map(Vec::len);
    assert_eq!(config(&run)["pagerduty_services"].as_array().map(Vec::len), count);
    assert_eq!(Some(masks(&ended).len()), count);
}

#[test]
fn a_large_text_in_any_variable_is_an_error_of_bounded_size() {
    let large = "x".repeat(120 * 1024);
    for name in [
        "FINISHLINE_STATE",
        "FINISHLINE_PROVIDER",
        "FINISHLINE_ORG",
        "FINISHLINE_URL",
        "FINISHLINE_MODE",
        "FINISHLINE_TIMEOUT",
        "FINISHLINE_TOLERATE",
        "FINISHLINE_DATABASE",
    ] {
        let ended = ProgramRun::github().opsgenie().var(name, &large).execute();
        assert!(matches!(ended.exit, Some(2 | 6)), "{name}: {:?}", ended.exit);
        assert!(ended.output("error-message").chars().count() <= 500, "{name}");
        let said = ended.everything();
        assert!(said.len() < 8_000, "{name}: {}", said.len());
    }
}

#[test]
fn a_state_of_one_mebibyte_is_read_and_a_larger_one_is_refused() {
    let run = ProgramRun::github().embedded("pagerduty", "").args(&["run", "--state", "state.yml"]);
    let mut state = format!("config: {}\n", services(1_000_000));
    state.push_str(&" ".repeat(1024 * 1024 - state.len()));
    run.file("state.yml", &state);
    assert_eq!(run.execute().expect(0).output("changed"), "true");
    let refused = |run: &ProgramRun| {
        let ended = run.execute().expect(2);
        let words = "usage cannot read the file given in --state: larger than 1 MiB";
        assert_eq!(ended.joined(["error-code", "error-message"]), words);
    };
    run.file("state.yml", format!("{state} "));
    refused(&run);
    let piped = run.args(&["run", "--state", "-"]);
    refused(&piped.clone().stdin(state.repeat(2)));
    assert_eq!(piped.stdin(state).execute().expect(0).output("changed"), "false");
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text_are_refused_where_they_are_read() {
    use std::os::unix::ffi::OsStringExt;
    let garbled = || std::ffi::OsString::from_vec(b"s3cr3t\xff\xfe".to_vec());
    let run = ProgramRun::github().opsgenie();
    for name in ["FINISHLINE_STATE", "FINISHLINE_ORG", "FINISHLINE_NEXT", "FINISHLINE_FORMAT"] {
        let ended = run.clone().var(name, garbled()).execute().expect(2);
        let words = format!("usage {name} is not valid UTF-8");
        assert_eq!(ended.joined(["error-code", "error-message"]), words);
        assert!(!ended.stderr.contains("s3cr3t"));
    }
    let state = "{baseUrl: 'https://api.opsgenie.com/', provider: a, apiKey: '${KEY}'}";
    let named = run.clone().var("FINISHLINE_STATE", state).var("KEY", garbled());
    let words = "the variable KEY used at FINISHLINE_STATE line 1 column 53 is not valid UTF-8";
    assert_eq!(named.execute().expect(2).output("error-message"), words);
    let args = ["run".into(), "--org".into(), garbled()];
    assert_eq!(run.clone().args(&args).execute().expect(2).output("error-code"), "usage");
    run.file("state.yml", b"apiKey: s3cr3t\xff");
    let file = run.clone().args(&["run", "--state", "state.yml"]).execute().expect(2);
    assert!(file.output("error-message").ends_with("not UTF-8 text"), "{}", file.stderr);
    assert!(!file.stderr.contains("s3cr3t"));
    run.var("SOMETHING_ELSE", garbled()).var("HOME", garbled()).execute().expect(0);
}
