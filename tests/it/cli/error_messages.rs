//! The words that a person reads after each mistake: what is wrong, and what to change.

use crate::support::run::ProgramRun;
use serde_json::Value;

const REGION: &str = r#"baseUrl: "https://api.opsgenie.com/", provider: acme-ops"#;

fn laptop() -> ProgramRun {
    ProgramRun::local().opsgenie()
}

/// A state with a good region and account, and whatever else.
fn state(rest: &str) -> ProgramRun {
    laptop().var("FINISHLINE_STATE", format!("{{{REGION}, {rest}}}"))
}

fn set(set: &str) -> ProgramRun {
    laptop().args(&["run", "--set", set])
}

/// What was said, but for the last line, which says where the error is explained.
#[track_caller]
fn without_page(stderr: &str) -> &str {
    let (said, page) = stderr.rsplit_once("  see: ").expect("the failure has a page");
    let pages = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/errors.md#");
    assert!(page.starts_with(pages) && page.lines().count() == 1, "{page}");
    said
}

/// The run ends with exit 2, says exactly this, and neither makes a database nor tells the secret.
#[track_caller]
fn assert_says(run: &ProgramRun, message: &str, hint: &str) {
    let ended = run.execute().expect(2);
    assert_eq!(without_page(&ended.stderr), format!("error: {message}\n  hint: {hint} (exit 2)\n"));
    assert_eq!(ended.stdout, "");
    assert!(!run.database().exists());
    assert!(!ended.everything().contains("s3cr3t"));
}

/// The run says all of these, each with its hint; a hint that holds for several stands after the
/// last of them.
#[track_caller]
fn assert_says_all(run: &ProgramRun, mistakes: &[(&str, Option<&str>)]) {
    let mut said = format!("error: {} errors (exit 2)\n", mistakes.len());
    for (message, hint) in mistakes {
        let hint = hint.map(|hint| format!("    hint: {hint}\n")).unwrap_or_default();
        said += &format!("  - {message}\n{hint}");
    }
    let ended = run.execute().expect(2);
    assert_eq!(without_page(&ended.stderr), said);
    assert!(!run.database().exists());
    assert!(!ended.everything().contains("s3cr3t"));
}

const STATE_HINT: &str = "write `state` as a YAML or JSON mapping of field names to values";
const HELP: &str = "run `finishline run --help` to list the inputs";

#[test]
fn an_unknown_provider_is_answered_with_the_near_one() {
    let near = laptop().var("FINISHLINE_PROVIDER", "opsgenei");
    assert_says(&near, "unknown provider `opsgenei`", "did you mean `opsgenie`?");
    let far = laptop().var("FINISHLINE_PROVIDER", "zzz");
    let hint = "run `finishline providers` to list the keys";
    assert_says(&far, "unknown provider `zzz`", hint);
    let asked = ProgramRun::local().args(&["providers", "pagerdty"]).execute().expect(2);
    let words = "error: unknown provider `pagerdty`\n  hint: did you mean `pagerduty`?\n";
    assert_eq!((without_page(&asked.stderr), asked.stdout.as_str()), (words, ""));
}

#[test]
fn a_mistyped_provider_is_not_taken_for_one_that_only_a_sentry_knows() {
    let url = "http://127.0.0.1:1";
    let run = laptop().var("FINISHLINE_BACKEND", "sentry").var("FINISHLINE_URL", url);
    let run = run.var("FINISHLINE_AUTH_TOKEN", "sntryu_0f-n0b0dy");
    let near = run.var("FINISHLINE_PROVIDER", "opsgenei");
    assert_says(&near, "unknown provider `opsgenei`", "did you mean `opsgenie`?");
}

#[test]
fn every_missing_field_is_named_at_once() {
    let base = "`baseUrl` is missing from `state`: the region of the Opsgenie account";
    let account = "`provider` is missing from `state`: the name of the Opsgenie account";
    let hint = "run `finishline providers opsgenie` to see every field with an example";
    for empty in ["", "{}", "baseUrl:\nprovider: ''\n", "{baseUrl: ~, apiKey: s3cr3t-key}"] {
        let run = laptop().var("FINISHLINE_STATE", empty);
        assert_says_all(&run, &[(base, None), (account, Some(hint))]);
    }
    let run = laptop().without("FINISHLINE_STATE").without("FINISHLINE_ORG");
    let org = (
        "`org` is missing: the organization slug (SENTRY_ORG)",
        Some("set `org` (FINISHLINE_ORG, SENTRY_ORG, --org)"),
    );
    assert_says_all(&run, &[org, (base, None), (account, Some(hint))]);
}

#[test]
fn an_unknown_field_is_answered_with_its_place_and_the_near_one() {
    let fields = "expected one of `baseUrl`, `provider`, `apiKey`";
    let place = "FINISHLINE_STATE line 1 column 60";
    let message = format!("unknown field `apiKeys` of opsgenie in {place}; {fields}");
    assert_says(&state("apiKeys: s3cr3t-key"), &message, "did you mean `apiKey`?");
    let message = format!("unknown field of opsgenie in {place}; {fields}");
    let hint = "run `finishline providers opsgenie` to see the accepted values of each field";
    assert_says(&state("s3cr3t-key: 1"), &message, hint);
    let message = format!("unknown field `api-key` of opsgenie in --set; {fields}");
    assert_says(&set("api-key=s3cr3t"), &message, "did you mean `apiKey`?");
}

#[test]
fn a_state_that_is_no_mapping_is_not_quoted() {
    for (text, kind) in [("[s3cr3t-key]", "a list"), ("s3cr3t-key", "a string"), ("3", "a number")]
    {
        let message = format!("`state` (FINISHLINE_STATE) is {kind}, not a mapping");
        assert_says(&laptop().var("FINISHLINE_STATE", text), &message, STATE_HINT);
    }
}

#[test]
fn broken_yaml_is_an_error_with_a_place_and_without_the_text() {
    let hint = "quote values that include `: `, `{`, `}`, or start with `@`";
    let truncated = laptop().var("FINISHLINE_STATE", "{apiKey: s3cr3t-key");
    let message = "`state` (FINISHLINE_STATE) is not valid YAML at line 2 column 1";
    assert_says(&truncated, message, hint);
    let run = laptop().args(&["run", "--state", "state.yml"]);
    run.file("state.yml", "provider: acme\napiKey: s3cr3t: key\n");
    let ended = run.execute().expect(2);
    let words = "error: `state` (--state) is not valid YAML at line 2 column ";
    assert!(ended.stderr.starts_with(words), "{}", ended.stderr);
    assert!(!ended.everything().replace("apiKey: s3cr3t: key", "").contains("s3cr3t"));
}

#[test]
fn a_key_that_is_there_twice_is_an_error() {
    let message = "`state` (FINISHLINE_STATE) contains a duplicate key at line 1 column 80";
    assert_says(&state("apiKey: s3cr3t-one, apiKey: s3cr3t-two"), message, STATE_HINT);
}

#[test]
fn a_number_or_a_boolean_has_to_be_quoted() {
    let hint = "write `apiKey: \"…\"`, so that YAML does not alter it";
    for (text, kind) in [("0123", "a number"), ("12.50", "a number"), ("true", "a boolean")] {
        let message = format!("`apiKey` at FINISHLINE_STATE line 1 column 60 is {kind}: quote it");
        assert_says(&state(&format!("apiKey: {text}")), &message, hint);
    }
    let quoted = state("apiKey: '0123'");
    quoted.execute().expect(0);
    let config = quoted.rows("SELECT config FROM organization_integration").concat();
    assert!(config.contains(r#""integration_key":"0123""#), "{config}");
}

#[test]
fn a_value_of_another_kind_or_choice_is_not_shown() {
    let hint = "run `finishline providers opsgenie` to see the accepted values of each field";
    let takes = "expected a string of at most 4096 characters";
    let place = "FINISHLINE_STATE line 1 column";
    let list = format!("invalid `apiKey` at {place} 60: {takes}, found a list");
    assert_says(&state("apiKey: [s3cr3t]"), &list, hint);
    let long = format!("invalid `apiKey` at {place} 60: {takes}");
    assert_says(&state(&format!("apiKey: {}", "s3cr3t".repeat(700))), &long, hint);
    let urls = "one of `https://api.opsgenie.com/`, `https://api.eu.opsgenie.com/`";
    let choice = format!("invalid `baseUrl` at {place} 2: expected {urls}");
    let run = laptop().var("FINISHLINE_STATE", "{baseUrl: 'https://s3cr3t/', provider: a}");
    assert_says(&run, &choice, hint);
}

#[test]
fn a_secret_is_not_taken_from_the_command_line() {
    let message = "`apiKey` is a secret, and command-line arguments are visible to other processes";
    let hint = "use `--set apiKey=env:NAME` or `--set apiKey=@FILE`";
    assert_says(&set("apiKey=s3cr3t-key"), message, hint);
    assert_says(&set("s3cr3t-key"), "invalid `--set`: expected NAME=VALUE", HELP);
    let hint = "set the variable in the step's `env`, from a secret";
    assert_says(&set("apiKey=env:KEY"), "the variable KEY used at --set is not set or empty", hint);
    let key = |run: &ProgramRun| run.rows("SELECT config FROM organization_integration").concat();
    let variable = set("apiKey=env:KEY").var("KEY", "fr0m-env");
    variable.execute().expect(0);
    assert!(key(&variable).contains("fr0m-env"));
    let file = set("apiKey=@key.txt");
    file.file("key.txt", "fr0m-file\n");
    file.execute().expect(0);
    assert!(key(&file).contains(r#""fr0m-file""#));
}

#[test]
fn what_a_value_stands_for_has_to_be_there() {
    let place = "FINISHLINE_STATE line 1 column 60";
    let hint = "set the variable in the step's `env`, from a secret";
    let unset = format!("the variable KEY used at {place} is not set or empty");
    assert_says(&state("apiKey: \"${KEY}\""), &unset, hint);
    assert_says(&state("apiKey: \"${KEY}\"").var("KEY", ""), &unset, hint);
    let nameless = format!("the variable used at {place} is not set or empty");
    assert_says(&state("apiKey: \"${s3cr3t}\""), &nameless, hint);
    let run = state("apiKey: '@s3cr3t.txt'");
    let ended = run.execute().expect(2);
    let words = format!("error: cannot read the file given in {place}: ");
    assert!(
        ended.stderr.starts_with(&words) && !ended.stderr.contains("s3cr3t"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_word_that_is_none_of_the_choices_is_quoted() {
    let often = laptop().var("FINISHLINE_MODE", "often");
    let message = "invalid value `often` for `mode` (FINISHLINE_MODE): expected `ensure`, `install`, \
                   `reauth`, `remove` or `link`";
    assert_says(&often, message, "change FINISHLINE_MODE");
    let soon = laptop().args(&["run", "--timeout", "soon"]);
    let takes = "expected a duration such as `90s` or `2m`, or seconds, up to a day";
    assert_says(
        &soon,
        &format!("invalid value `soon` for `timeout` (--timeout): {takes}"),
        "change --timeout",
    );
    let org = laptop().without("FINISHLINE_ORG").var("SENTRY_ORG", "acme corp/..");
    let takes = "expected an organization slug of letters, digits, `-` and `_`";
    let message = format!("invalid value `acme corp/..` for `org` (SENTRY_ORG): {takes}");
    assert_says(&org, &message, "change SENTRY_ORG");
}

#[test]
fn the_credentials_of_an_address_are_not_shown() {
    let takes = "expected an http(s) URL without credentials or query";
    for (url, shown) in [
        ("https://me:s3cr3t@sentry.example.com", "https://***@sentry.example.com"),
        ("https://s3cr3t@sentry.example.com", "https://***@sentry.example.com"),
        ("https:/me:s3cr3t@sentry.example.com", "***@sentry.example.com"),
        ("me:s3cr3t@sentry.example.com", "***@sentry.example.com"),
        ("ftp://me:s3cr3t@a@b/", "ftp://***@b/"),
    ] {
        let message = format!("invalid value `{shown}` for `url` (FINISHLINE_URL): {takes}");
        assert_says(&laptop().var("FINISHLINE_URL", url), &message, "change FINISHLINE_URL");
    }
}

#[test]
fn what_may_be_a_secret_is_not_said_again() {
    let stray = laptop().args(&["run", "s3cr3t-value"]);
    let hint = "put each value behind its flag, and a value with blanks in quotes";
    assert_says(&stray, "unexpected argument that belongs to no flag (not shown)", hint);
    let next = "https://u:s3cr3t-value@x.example/";
    let message = "invalid value `https://***@x.example/` for `next` (FINISHLINE_NEXT): expected a path or a URL without a user and a password";
    assert_says(&laptop().var("FINISHLINE_NEXT", next), message, "change FINISHLINE_NEXT");
}

#[test]
fn a_mistyped_command_line_is_answered_with_the_near_word() {
    let flag = laptop().args(&["run", "--orgg=s3cr3t"]);
    let hint = "a similar argument exists: '--org'";
    assert_says(&flag, "unexpected argument '--orgg' found", hint);
    let command = laptop().args(&["pln"]);
    let hint = "a similar subcommand exists: 'plan'";
    assert_says(&command, "unrecognized subcommand 'pln'", hint);
    let hint = "run `finishline --help` to list the commands; in CI, use `finishline run`";
    let none = laptop().args::<&str>(&[]);
    assert_says(&none, "'finishline' requires a subcommand but one was not provided", hint);
    assert_says(&laptop().args(&["xyz"]), "unrecognized subcommand 'xyz'", hint);
}

#[test]
fn nothing_asked_and_nowhere_to_do_it_are_errors() {
    let nothing = laptop().without("FINISHLINE_PROVIDER");
    let message = "nothing to do: neither a provider nor a release is set";
    let hint = "set `provider` to install an integration, or `release` or `environment` to create a \
                release";
    assert_says(&nothing, message, hint);
    let nowhere = laptop().without("FINISHLINE_ORG");
    let message = "`org` is missing: the organization slug (SENTRY_ORG)";
    assert_says(&nowhere, message, "set `org` (FINISHLINE_ORG, SENTRY_ORG, --org)");
}

#[test]
fn many_mistakes_are_said_at_once() {
    let run = laptop()
        .var("FINISHLINE_STATE", "[s3cr3t]")
        .var("FINISHLINE_MODE", "often")
        .var("FINISHLINE_INTEGRATION_ID", "-1")
        .var("FINISHLINE_DRY_RUN", "perhaps")
        .var("FINISHLINE_TOLERATE", "refused,red");
    let takes = "expected a list of `action-required`, `refused`, `auth`, `unavailable`, `all`";
    let mistakes = [
        ("`state` (FINISHLINE_STATE) is a list, not a mapping", STATE_HINT),
        (
            "invalid value `often` for `mode` (FINISHLINE_MODE): expected `ensure`, `install`, \
             `reauth`, `remove` or `link`",
            "change FINISHLINE_MODE",
        ),
        (
            "invalid value `-1` for `integration-id` (FINISHLINE_INTEGRATION_ID): expected an integration id, which is a number",
            "change FINISHLINE_INTEGRATION_ID",
        ),
        (
            "invalid value `perhaps` for `dry-run` (FINISHLINE_DRY_RUN): expected `true` or `false`",
            "change FINISHLINE_DRY_RUN",
        ),
        (
            &format!("invalid value `refused,red` for `tolerate` (FINISHLINE_TOLERATE): {takes}"),
            "change FINISHLINE_TOLERATE",
        ),
    ];
    assert_says_all(&run, &mistakes.map(|(message, hint)| (message, Some(hint))));
}

#[test]
fn a_usage_error_writes_the_outputs_too() {
    for run in [ProgramRun::github().opsgenie(), ProgramRun::gitlab().opsgenie()] {
        let ended = run.args(&["run", "--orgg", "acme"]).execute().expect(2);
        let names = ["status", "changed", "error-code", "error-message", "redirect-url"];
        let said = "error false usage unexpected argument '--orgg' found ";
        assert_eq!(ended.joined(names), said);
    }
}

#[test]
fn a_mistake_in_how_to_speak_is_heard_in_the_usual_way() {
    let run = ProgramRun::github().opsgenie().var("FINISHLINE_FORMAT", "xml");
    let ended = run.var("FINISHLINE_LOG_LEVEL", "loud").execute().expect(2);
    assert_eq!(ended.joined(["status", "error-code"]), "error usage");
    let result: Value = serde_json::from_str(&ended.output("result")).unwrap();
    let message = result["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains(
        "invalid value `xml` for `format` (FINISHLINE_FORMAT): expected `text`, `json` or `markdown`"
    ));
    assert!(
        message.contains("invalid value `loud` for `log-level` (FINISHLINE_LOG_LEVEL): expected "),
        "{message}"
    );
}

#[test]
fn a_variable_that_nothing_put_in_place_is_no_value() {
    for text in ["$${KEY}", "x${KEY}", "$KEY", "$(KEY)"] {
        let ended =
            state(&format!("apiKey: \"{text}\"")).var("KEY", "s3cr3t-key").execute().expect(2);
        assert!(
            ended.stderr.contains("looks like an unexpanded variable"),
            "{text}: {}",
            ended.stderr
        );
        assert!(!ended.everything().contains(text), "{text}");
    }
    let ended = state("apiKey: \"${A-B}\"").execute().expect(2);
    assert!(ended.stderr.contains("names an invalid variable"), "{}", ended.stderr);
}

#[test]
fn a_secret_that_is_there_but_empty_is_a_mistake() {
    for empty in ["", "~", "\"\""] {
        let message = "`apiKey` at FINISHLINE_STATE line 1 column 60 is empty";
        let hint = "remove it, or check the secret that it is set from";
        assert_says(&state(&format!("apiKey: {empty}")), message, hint);
    }
}

#[test]
fn what_a_file_flag_is_given_is_never_shown() {
    for flag in ["--state", "--auth-token-file", "--pipeline-token-file", "--callback-url"] {
        let ended = laptop().args(&["run", flag, "s3cr3t-token"]).execute().expect(2);
        assert!(ended.stderr.contains("cannot read the file"), "{}", ended.stderr);
        assert!(!ended.everything().contains("s3cr3t"), "{flag}");
    }
}

#[test]
fn two_outputs_are_not_one_file() {
    let run = laptop();
    let database = run.database().to_str().unwrap().to_owned();
    let same = run.clone().args(&["run", "--result-file", &database]);
    let hint = "set each to a different file";
    assert_says(&same, "`result-file` and `database` are the same file", hint);
    let same = run.args(&["run", "--result-file", "x", "--dotenv", "x"]);
    assert_says(&same, "`dotenv` and `result-file` are the same file", hint);
}
