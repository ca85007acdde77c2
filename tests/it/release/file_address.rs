//! The server that only a file of sentry-cli names: no token of the environment goes there.

use crate::support::http_server::{HttpServer, Response};
use crate::support::run::{ProgramRun, RunResult};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The markers of hosts, most of which set no `CI`.
const HOSTS: [&[(&str, &str)]; 11] = [
    &[],
    &[("CI", "true")],
    &[("TEAMCITY_VERSION", "2026.1")],
    &[("CODEBUILD_BUILD_ID", "web:7")],
    &[("BUILD_ID", "7"), ("PROJECT_ID", "acme")],
    &[("bamboo_buildNumber", "7")],
    &[("GO_PIPELINE_NAME", "web")],
    &[("CF_BUILD_ID", "7")],
    &[("KUBERNETES_SERVICE_HOST", "10.0.0.1")],
    &[("GITHUB_ACTIONS", "true"), ("FINISHLINE_CI", "local")],
    &[("FINISHLINE_CI", "buildkite")],
];

fn job(token: &str) -> ProgramRun {
    ProgramRun::local()
        .var("SENTRY_AUTH_TOKEN", token)
        .var("FINISHLINE_RELEASE", "v1")
        .var("FINISHLINE_COMMITS", "none")
        .var("FINISHLINE_TIMEOUT", "1s")
        .var("HTTPS_PROXY", HttpServer::unused_url())
}

fn assert_refused(ended: RunResult, file: &str, url: &str) {
    let ended = ended.expect(2);
    let message = format!("{file} names the server {url}, but `url` is not set");
    assert!(ended.stderr.contains(&message), "{}", ended.stderr);
    assert!(ended.stderr.contains("SENTRY_AUTH_TOKEN"), "{}", ended.stderr);
    assert!(ended.stderr.contains("set `url` (SENTRY_URL)"), "{}", ended.stderr);
}

#[test]
fn no_token_of_the_environment_goes_to_a_server_that_only_a_file_names() {
    let stranger = HttpServer::new(|_| Response::detail(500, "thanks"));
    let url = stranger.url();
    for variables in HOSTS {
        for (file, text) in [
            (".env", format!("SENTRY_URL={url}/\nSENTRY_ORG=acme\nSENTRY_PROJECT=web\n")),
            (".sentryclirc", format!("[defaults]\nurl={url}/\norg=acme\nproject=web\n")),
            (
                "sentry.properties",
                format!("defaults.url={url}/\ndefaults.org=acme\ndefaults.project=web\n"),
            ),
        ] {
            let run = variables
                .iter()
                .fold(job("sntryu_t0ken"), |run, (name, value)| run.var(name, *value));
            run.file(file, text);
            assert_refused(run.execute(), file, &format!("{url}/"));
        }
    }
    assert!(stranger.requests().is_empty());
}

#[test]
fn a_folder_that_is_called_like_a_file_of_variables_is_none() {
    let run = ProgramRun::local().embedded_release("v1").var("FINISHLINE_COMMITS", "none");
    std::fs::create_dir(run.path(".env")).unwrap();
    run.execute().expect(0);
}

#[test]
fn the_files_are_read_as_sentry_cli_reads_them() {
    for (file, text) in [
        (".sentryclirc", "\u{feff}[defaults]\nurl=https://sentry.corp.example/\n"),
        (".sentryclirc", "[ defaults ]\r\nurl = \"https://sentry.corp.example/\"\r\n"),
        (
            ".sentryclirc",
            "[auth]\nurl=https://no.example\n[defaults]\nurl: 'https://sentry.corp.example/'\n",
        ),
        (
            ".sentryclirc",
            "; x\n[defaults]\n#url=https://no.example\nurl=https\\://sentry.corp.example/\n",
        ),
        ("sentry.properties", "defaults.url=https\\://sentry.corp.example/\n"),
        ("sentry.properties", "defaults.url : https://sentry.corp.\\\n    example/\n"),
    ] {
        let run = job("sntryu_t0ken").var("SENTRY_ORG", "acme").var("SENTRY_PROJECT", "web");
        run.file(file, text);
        assert_refused(run.execute(), file, "https://sentry.corp.example/");
    }
}

#[test]
fn a_file_that_names_sentrys_own_server_changes_nothing() {
    for url in ["https://sentry.io", "https://us.sentry.io/", "https://acme.sentry.io"] {
        let run = job("sntryu_t0ken");
        run.file(".sentryclirc", format!("[defaults]\nurl={url}\norg=acme\nproject=web\n"));
        let ended = run.execute().expect(6);
        assert!(ended.stderr.contains("sentry.io"), "{}", ended.stderr);
    }
    for url in [
        "http://sentry.io",
        "https://sentry.io.example",
        "https://notsentry.io",
        "https://sentry.io:8443",
    ] {
        let run = job("sntryu_t0ken");
        run.file(".sentryclirc", format!("[defaults]\nurl={url}/\norg=acme\nproject=web\n"));
        assert_refused(run.execute(), ".sentryclirc", &format!("{url}/"));
    }
}

#[test]
fn the_server_that_the_token_itself_names_is_used_and_a_file_that_differs_is_said() {
    let own = HttpServer::new(|_| Response::detail(401, "no"));
    let url = own.url();
    let claims = format!(r#"{{"iat":1,"url":"{url}","region_url":"{url}","org":"acme"}}"#);
    let secret = STANDARD.encode([7; 32]);
    let token = format!("sntrys_{}_{}", STANDARD.encode(claims), secret.trim_end_matches('='));
    for (named, is_said) in [("https://sentry.corp.example", true), (&*url, false)] {
        let run = job(&token);
        run.file(".sentryclirc", format!("[defaults]\nurl={named}\nproject=web\n"));
        let ended = run.execute().expect(5);
        let is_there = ended.stderr.contains("the file's server is not used");
        assert_eq!(is_there, is_said, "{}", ended.stderr);
    }
    assert_eq!(own.requests().len(), 2);
}

#[test]
fn properties_that_the_environment_names_and_nobody_finds_are_said() {
    let run = job("sntryu_t0ken").var("SENTRY_PROPERTIES", "nowhere.properties");
    let ended = run.execute().expect(2);
    assert!(ended.stderr.contains("cannot read SENTRY_PROPERTIES"), "{}", ended.stderr);
    assert!(ended.stderr.contains("nowhere.properties"), "{}", ended.stderr);
}
