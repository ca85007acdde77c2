//! Our own client before our own server: one expectation for it and for the embedded backend.

use crate::support::serve::{ServeProcess, TOKEN};
use crate::support::watched_process;
use serde_json::{Value, json};
use std::process::{Command, Output};

/// A run with these variables in an otherwise empty environment.
fn run(variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_finishline"));
    command.env_clear().args(["run", "--format", "json"]);
    watched_process::output(command.envs(variables.iter().copied()))
}

/// What it told, without the address of the server, and its exit code.
fn comparable_output(output: &Output, site: &str) -> (Value, Option<i32>) {
    let text = String::from_utf8(output.stdout.clone()).unwrap().replace(site, "SITE");
    let mut told: Value = serde_json::from_str(&text).unwrap_or_default();
    // Sentry shows no secrets, which only the client has to warn of.
    told["warnings"] = json!([]);
    // The organization is new on one of them only, and one alone keeps it in a file of its own.
    let is_own = |line: &str| line.contains("created organization") || line.contains("kept in");
    if let Some(details) = told["details"].as_array_mut() {
        details.retain(|line| !is_own(&line.to_string()));
    }
    (told, output.status.code())
}

/// Runs twice on both; the second time there is nothing left to do.
fn compare(common: &[(&str, &str)], dialect: &str) {
    let serve = ServeProcess::start();
    let folder = tempfile::tempdir().unwrap();
    let (database, url) = (folder.path().join("f.db"), serve.url());
    let embedded =
        [("FINISHLINE_BACKEND", "embedded"), ("FINISHLINE_DATABASE", database.to_str().unwrap())];
    let sentry =
        [("SENTRY_URL", &*url), ("SENTRY_AUTH_TOKEN", TOKEN), ("FINISHLINE_DIALECT", dialect)];
    for _ in 0..2 {
        let here =
            comparable_output(&run(&[common, &embedded[..]].concat()), "http://127.0.0.1:9797");
        let there = comparable_output(&run(&[common, &sentry[..]].concat()), &url);
        assert_eq!(here, there, "{common:?} {dialect}");
    }
}

#[test]
fn a_run_on_serve_tells_what_a_run_on_the_embedded_backend_tells() {
    let key =
        r#"{"baseUrl": "https://api.opsgenie.com/", "provider": "cool", "apiKey": "k3y-s3cr3t"}"#;
    let wrong = r#"{"baseUrl": "https://api.opsgenie.com/"}"#;
    for (provider, state, dialect) in [
        ("example", r#"{"name": "demo"}"#, "api"),
        ("example", r#"{"name": "demo"}"#, "web"),
        ("opsgenie", key, "api"),
        ("opsgenie", wrong, "api"),
    ] {
        let common = [
            ("FINISHLINE_PROVIDER", provider),
            ("FINISHLINE_STATE", state),
            ("FINISHLINE_ORG", "acme"),
            ("FINISHLINE_NEXT", "https://example.test/?a=1"),
        ];
        compare(&common, dialect);
    }
}
