//! Names that a server gives, with the token in them and a command for a host: no command that lists
//! or checks shows either, and each masks the token first.

use crate::support::http_server::HttpServer;
use crate::support::proxy::{PROXY_TOKEN, send, to_response};
use crate::support::run::{ProgramRun, STATE};
use crate::support::serve::ServeProcess;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};

const COMMAND: &str = "##[add-matcher]x";

/// Fields whose texts are anything to Sentry, and no part of an address that is asked next.
const NAMES: [&str; 5] = ["name", "environment", "url", "username", "email"];

/// Adds the token and a command to each name.
fn taint(value: &mut Value, is_name: bool) {
    match value {
        Value::String(text) if is_name => *text = format!("{text} {PROXY_TOKEN} {COMMAND}"),
        Value::Array(items) => items.iter_mut().for_each(|one| taint(one, is_name)),
        Value::Object(fields) => {
            for (key, one) in fields {
                taint(one, NAMES.contains(&key.as_str()) || (is_name && key == "slug"));
            }
        }
        _ => {}
    }
}

/// A proxy that taints every name once a deploy was recorded, which is made last.
fn tainting(serve: ServeProcess) -> HttpServer {
    let tainted = AtomicBool::new(false);
    HttpServer::new(move |request| {
        let is_last = request.line().starts_with("POST ") && request.path().ends_with("/deploys/");
        let mut response = send(&serve, request);
        if tainted.load(Ordering::Relaxed)
            && let Ok(mut json) = serde_json::from_str(&response.text)
        {
            taint(&mut json, false);
            response.text = json.to_string();
        }
        tainted.fetch_or(is_last, Ordering::Relaxed);
        to_response(&response)
    })
}

#[test]
fn no_command_shows_a_secret_or_a_command_in_a_name() {
    let serve = ServeProcess::start();
    let run = ProgramRun::github().var("SENTRY_AUTH_TOKEN", PROXY_TOKEN);
    let run = run.var("FINISHLINE_PROVIDER", "opsgenie").var("FINISHLINE_STATE", STATE);
    let run = run.var("SENTRY_ORG", "acme").var("NO_PROXY", "127.0.0.1");
    let proxy = tainting(serve);
    let run = run.var("SENTRY_URL", proxy.url());
    run.execute().expect(0);
    let release = ["run", "--release", "v1", "--projects", "web", "--environment", "prod"];
    let commits = format!("acme/shop@{}", "a".repeat(40));
    let release = [&release[..], &["--commits", &commits]].concat();
    run.clone().without("FINISHLINE_PROVIDER").args(&release).execute().expect(0);
    for line in [
        "check",
        "import",
        "plan --format json",
        "sentry-cli repos list",
        "sentry-cli releases list --show-projects",
        "sentry-cli releases list --raw",
        "sentry-cli deploys list -r v1",
        "sentry-cli info --no-defaults",
    ] {
        let args: Vec<_> = line.split(' ').collect();
        let run = run.clone().args(&args).var("FINISHLINE_RESULT_FILE", "result.json");
        let ended = run.execute();
        let all = ended.everything();
        let is_mask = |line: &&str| line.starts_with("::add-mask::");
        assert!(
            all.lines().any(|one| is_mask(&one) && one.ends_with(PROXY_TOKEN)),
            "{line}: {all}"
        );
        let rest: Vec<_> = all.lines().filter(|one| !is_mask(one)).collect();
        let rest = rest.join("\n");
        assert!(!rest.contains(&PROXY_TOKEN[..8]), "{line}: {rest}");
        assert!(!rest.contains(COMMAND), "{line}: {rest}");
        assert!(rest.contains("***"), "{line} shows no name: {rest}");
    }
}

#[test]
fn a_name_that_a_plain_field_has_is_stored_though_a_key_is_like_it() {
    let state = |key: &str| {
        format!("{{baseUrl: https://api.opsgenie.com/, provider: acme-ops-team, apiKey: {key}}}")
    };
    let run = ProgramRun::github().embedded("opsgenie", &state("acme-ops-team-key-2024"));
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT name FROM integration"), ["acme-ops-team"]);
    let again = run.execute().expect(0);
    assert_eq!(again.joined(["status", "changed"]), "complete false");
    let removed = run.var("FINISHLINE_MODE", "remove").execute().expect(0);
    assert_eq!(removed.output("changed"), "true");
}
