//! What `serve` logs on standard error: starts, sign-ins, refusals and failures, and no secret.

use super::browser::Browser;
use crate::support::serve::{ServeProcess, TOKEN, command};
use serde_json::{Value, json};

const ACME: &str = "/api/0/organizations/acme/";

fn start(level: &str, format: &str) -> ServeProcess {
    let variables = [
        ("SENTRY_AUTH_TOKEN", TOKEN),
        ("FINISHLINE_LOG_LEVEL", level),
        ("FINISHLINE_LOG_FORMAT", format),
    ];
    ServeProcess::with(
        tempfile::tempdir().unwrap(),
        &["--org", "acme", "--project", "web"],
        variables,
    )
}

/// The records of a log in JSON; what comes before is for the person who started it.
fn records(log: &str) -> Vec<Value> {
    log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[track_caller]
fn find<'a>(records: &'a [Value], message: &str, field: &str, value: &Value) -> &'a Value {
    let found = records.iter().find(|one| one["message"] == message && one[field] == *value);
    found.unwrap_or_else(|| panic!("no {message:?} with {field} {value} in {records:#?}"))
}

#[test]
fn starts_sign_ins_and_refusals_are_logged_with_their_reason() {
    let serve = start("info", "json");
    let address = serve.url();
    let database = serve.folder.path().join("finishline.db").display().to_string();
    drop(Browser::of(&serve, TOKEN));
    Browser::new(&serve).send("POST", "/auth/login/", "token=wrong");
    serve.request_as("", "GET", ACME, Value::Null).expect(401);
    serve.request_as(&serve.org_token(), "GET", ACME, Value::Null).expect(403);
    let evil = [("Origin", "https://evil.example".to_owned())];
    assert_eq!(serve.send("POST", ACME, &evil, "").status, 403);
    serve.get(ACME).expect(200);
    let records = records(&serve.stop_and_read_log());
    let started = find(&records, "serve started", "address", &json!(address));
    assert_eq!(started["database"], json!(database));
    let signed_in = find(&records, "signed in", "by", &json!("token"));
    assert!(signed_in["client"].as_str().unwrap().starts_with("127.0.0.1:"), "{signed_in}");
    for (status, path, reason) in [
        (403, "/auth/login/", "This token is not valid."),
        (401, ACME, "Authentication credentials were not provided."),
        (403, ACME, "You do not have permission to perform this action."),
        (403, ACME, "Requests from pages of other sites are refused."),
    ] {
        let refused = find(&records, "refused", "reason", &json!(reason));
        assert_eq!((&refused["status"], &refused["path"]), (&json!(status), &json!(path)));
    }
    find(&records, "serve stopped", "level", &json!("INFO"));
    assert!(!records.iter().any(|one| one["message"] == "request"), "an access log is for debug");
}

#[test]
fn a_failure_is_logged_with_its_id_and_its_cause_and_a_page_shows_the_id() {
    let serve = start("error", "json");
    let sql = "ALTER TABLE release RENAME TO gone";
    serve.database().execute(sql, []).unwrap();
    let failed = serve.get(&format!("{ACME}releases/")).expect(500);
    let page = Browser::of(&serve, TOKEN).get("/organizations/acme/releases/");
    let records = records(&serve.stop_and_read_log());
    let cause = find(&records, "the request failed", "error_id", &failed["errorId"]);
    assert!(cause["cause"].as_str().unwrap().contains("no such table"), "{cause}");
    let answered = find(&records, "answered with a failure", "error_id", &failed["errorId"]);
    assert_eq!(answered["path"], json!(format!("{ACME}releases/")));
    let (_, id) = page.text.split_once("errorId: <code>").expect("the page shows the id");
    find(&records, "the request failed", "error_id", &json!(id.split('<').next().unwrap()));
}

#[test]
fn no_secret_and_no_command_reaches_the_log() {
    for format in ["text", "json"] {
        let serve = start("trace", format);
        let mut browser = Browser::of(&serve, TOKEN);
        browser.get("/extensions/gitlab/setup/?code=s3cr3t-code&state=s3cr3t-state&error=s3cr3t-e");
        browser.get("/auth/login/?key=s3cr3t-key&next=%2Fs3cr3t-next");
        browser.send("POST", "/auth/login/", "token=s3cr3t-token&next=s3cr3t");
        serve.request_as("s3cr3t-bearer", "POST", ACME, json!({ "a": "s3cr3t-body" }));
        serve.get(&format!("/api/0/{TOKEN}/"));
        for path in ["/::stop-commands::x", "/%0a::error::x", "/##[group]x"] {
            browser.get(path);
        }
        serve.send("##vso!", "/", &[], "");
        serve.send("GET", "/\u{202e}x\u{85}", &[], "");
        let cookies = browser.cookies.clone();
        let log = serve.stop_and_read_log();
        let log = log.split_once("serve started").expect("a log").1;
        assert!(log.contains("/auth/login/") && log.contains("/extensions/gitlab/setup/"), "{log}");
        for secret in ["s3cr3t", TOKEN].into_iter().chain(cookies.iter().map(String::as_str)) {
            let value = secret.split_once('=').map_or(secret, |(_, value)| value);
            assert!(!log.contains(value), "{value}: {log}");
        }
        assert!(!log.contains("##vso") && !log.contains("##["), "{log}");
        assert!(!log.lines().any(|line| line.trim_start().starts_with("::")), "{log}");
        assert!(!log.contains(['\u{202e}', '\u{85}']), "{log}");
    }
}

#[test]
fn a_log_that_nobody_reads_holds_up_no_request() {
    let serve = start("debug", "text");
    // A pipe takes 64 KiB; each of these is a line of more than 200 bytes.
    let path = format!("/{}/", "x".repeat(250));
    for _ in 0..600 {
        assert_eq!(serve.get(&path).status, 404);
    }
}

#[test]
fn how_it_logs_is_a_flag_or_a_variable_and_a_mistake_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, variable, words) in [
        (&["--log-level", "loud"][..], "info", "invalid --log-level `loud`: expected `off`"),
        (&[], "loud", "invalid FINISHLINE_LOG_LEVEL `loud`: expected `off`"),
        (&["--log-format", "xml"], "info", "invalid --log-format `xml`: expected `text` or `json`"),
    ] {
        let mut command = command(folder.path(), arguments);
        let output = command.env("FINISHLINE_LOG_LEVEL", variable).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
    let serve = ServeProcess::with(folder, &["--log-level", "off"], [("SENTRY_AUTH_TOKEN", TOKEN)]);
    assert!(!serve.stop_and_read_log().contains("serve started"));
}
