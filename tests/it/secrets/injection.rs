//! Texts that others write: a backend, a third party, the host and its event, git, a manifest. None
//! arrives as a command, an output, a link or a color, on any host.

use super::hostile::{AllowedCommands, HOSTILE, assert_gives, assert_outputs};
use crate::integration::fixtures::FixtureCase;
use crate::support::at_once;
use crate::support::fake_vendor::FakeVendor;
use crate::support::http_server::Response;
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::{ProgramRun, RunResult};
use crate::support::runner_parser;
use crate::support::serve::ServeProcess;
use crate::support::tampering_proxy::{Tampering, TamperingProxy, text_paths, with_text_at};
use serde_json::{Value, json};
use std::sync::Arc;

fn azure() -> ProgramRun {
    ProgramRun::local().var("TF_BUILD", "True")
}

/// A run on each kind of host in turn.
fn host(number: usize) -> ProgramRun {
    let run = [ProgramRun::github, ProgramRun::gitlab, azure, ProgramRun::local][number % 4]();
    run.var("FINISHLINE_LOG_LEVEL", "debug").var("FINISHLINE_RESULT_FILE", "result.json")
}

fn text(number: usize) -> &'static str {
    HOSTILE[number % HOSTILE.len()]
}

/// Whether it is a job of the host that says so by this variable.
fn is_on(run: &ProgramRun, marker: &str) -> bool {
    run.variable(marker).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Whether the line is one that only the host it is for obeys, as it should.
fn is_taken(run: &ProgramRun, line: &str) -> bool {
    // The mask of a text that is a secret begins like one that would be an attack: of `a`.
    let is_mask = line.strip_prefix("::add-mask::").is_some_and(|secret| secret.len() >= 4);
    let is_azures =
        runner_parser::is_azure_command(line) || line.starts_with("##vso[task.setsecret]");
    is_mask
        || (is_on(run, "TF_BUILD") && is_azures)
        || (is_on(run, "GITLAB_CI") && line.starts_with("\u{1b}[0Ksection_"))
}

/// What the run says is words and no more; its exit is a documented one.
#[track_caller]
fn assert_words(run: &ProgramRun, mut ended: RunResult, what: &str) {
    for stream in [&mut ended.stdout, &mut ended.stderr] {
        let words = stream.split('\n').filter(|line| !is_taken(run, line));
        *stream = words.collect::<Vec<_>>().join("\n");
        assert!(!stream.contains("##vso["), "{what}: {stream:?}");
    }
    // Subjects and warnings are many, and their words are the program's own.
    let is_group = |title: &str| title.starts_with("finishline: ");
    let is_slug = |slug: &str| slug.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    assert_gives(&ended, &AllowedCommands { is_group, is_slug, secret: "" });
    if is_on(run, "GITHUB_ACTIONS") {
        assert_outputs(&ended);
        assert_links(&ended.summary());
        for link in ["redirect-url", "release-url"].map(|name| ended.output(name)) {
            let is_link = |link: &str| link.starts_with("http://") || link.starts_with("https://");
            assert!(link.is_empty() || is_link(&link), "{what}: {link}");
        }
    }
    if is_on(run, "GITLAB_CI") {
        let names = ended.outputs().into_keys();
        assert!(names.into_iter().all(|name| name.starts_with("FINISHLINE_OUT_")), "{what}");
    }
}

/// The summary's own links are there, those of others are text.
#[track_caller]
fn assert_links(summary: &str) {
    assert!(!summary.contains("](https://b)") && !summary.contains("<img"), "{summary}");
    assert!(!summary.contains(|c: char| c.is_control() && c != '\n'), "{summary:?}");
}

/// A run on a relay before `serve`: an integration with what is linked to it, or a release.
fn ask_for(kind: &str, number: usize, run: ProgramRun, url: &str) -> ProgramRun {
    let run = run.var("SENTRY_URL", url).var("SENTRY_AUTH_TOKEN", PROXY_TOKEN);
    let run = run.var("SENTRY_ORG", "acme").var("FINISHLINE_TIMEOUT", "5");
    match kind {
        "release" => run
            .var("FINISHLINE_PROJECTS", "web")
            .var("FINISHLINE_RELEASE", format!("web@{number}"))
            .var("FINISHLINE_ENVIRONMENT", "production")
            .var("FINISHLINE_COMMITS", format!("acme/web@{}", "a".repeat(40))),
        dialect => {
            let state = format!(
                "{{baseUrl: 'https://api.opsgenie.com/', provider: ops-{number}, apiKey: k3y-{number}}}"
            );
            run.var("FINISHLINE_PROVIDER", "opsgenie")
                .var("FINISHLINE_DIALECT", dialect)
                .var("FINISHLINE_STATE", state)
                .var("FINISHLINE_REPOSITORIES", "acme/web")
        }
    }
}

#[test]
fn no_text_of_a_backend_is_more_than_a_text() {
    let mut number = 0;
    for kind in ["api", "release"] {
        let proxy = TamperingProxy::before(ServeProcess::start());
        let run = ask_for(kind, number, ProgramRun::github(), &proxy.peer.url());
        assert_words(&run, run.execute().expect(0), kind);
        let tamperings = proxy.tamperings();
        assert!(tamperings.len() > 10, "{kind}: {} texts", tamperings.len());
        for tampering in tamperings {
            number += 1;
            let what = format!("{kind}: {} ({}) {}", tampering.line, tampering.nth, tampering.path);
            proxy.tamper(Tampering { text: text(number), ..tampering });
            let run = ask_for(kind, number, host(number), &proxy.peer.url());
            assert_words(&run, run.execute(), &what);
        }
    }
}

/// Every way in which a backend says no.
fn refusals(text: &str) -> [Response; 9] {
    [
        Response::detail(400, text),
        Response::json(400, &json!({ "apiKey": [text], text: [text] })),
        Response::json(400, &json!({ "nonFieldErrors": [text] })),
        Response::json(403, &json!({ "detail": { "code": text, "message": text } })),
        Response::json(409, &json!({ "status": "error", "data": { "detail": text } })),
        Response::html(500, text),
        Response::html(
            200,
            format!("<title>Setup Error</title><div class=\"box-content\"><pre>{text}</pre>"),
        ),
        Response::html(200, format!("<form><p id=\"error_1_id_{text}\">{text}</p></form>")),
        Response::html(
            200,
            format!("postMessage({});", json!({ "success": false, "data": { "error": text } })),
        ),
    ]
}

#[test]
fn no_refusal_is_more_than_words() {
    let count = refusals("").len();
    let asked = [("api", "POST"), ("web", "POST"), ("web", "GET"), ("release", "POST")];
    let cells = (0..count * HOSTILE.len()).flat_map(|number| asked.map(|asked| (number, asked)));
    let serve = Arc::new(ServeProcess::start());
    at_once::each(&cells.collect::<Vec<_>>(), |&(number, (kind, method))| {
        let relay =
            ServeProxy::to(Arc::clone(&serve), move |request| match request.method == method {
                true => {
                    let mut replies = refusals(text(number / count)).into_iter();
                    ProxyAction::Intercept(replies.nth(number % count).unwrap())
                }
                false => ProxyAction::Forward,
            });
        let run = ask_for(kind, number, host(number), &relay.peer.url());
        assert_words(&run, run.execute(), &format!("{kind}: refusal {number} of {method}"));
    });
}

/// Every text that a third party says in a case, each in a run of its own.
#[test]
fn no_text_of_a_third_party_is_more_than_a_text() {
    let mut number = 0;
    for case in FixtureCase::all().into_iter().filter(|case| case.is_on("embedded")) {
        let routes = &case.answers["routes"];
        for place in text_paths(routes).into_iter().filter(|place| place.contains("/says")) {
            number += 1;
            let vendor = FakeVendor::misleading(&with_text_at(routes, &place, text(number)));
            let run = host(number).embedded(&case.provider, "{}");
            let run = case.run(run, &vendor.url()).var("FINISHLINE_TIMEOUT", "5");
            let what = format!("{} {place}", case.provider);
            let mut ended = run.execute();
            for brings in case.visits() {
                let result: Value = serde_json::from_str(&run.text("result.json")).unwrap();
                let page = result["redirect_url"].as_str().filter(|_| ended.exit == Some(3));
                let Some(page) = page else { break };
                let home = format!("http://127.0.0.1:9797/extensions/{}/setup/", case.provider);
                let callback = vendor.visit(page, &brings, &home);
                assert_words(&run, ended, &what);
                let resumed = run.clone().args(&["resume"]);
                ended = resumed.var("FINISHLINE_CALLBACK_URL", callback).execute();
            }
            assert_words(&run, ended, &what);
        }
    }
    assert!(number > 100, "{number} texts");
}

/// A release on the embedded backend, with what the host tells of it.
fn release(run: ProgramRun) -> ProgramRun {
    run.embedded_release("auto")
        .var("FINISHLINE_ENVIRONMENT", "production")
        .var("FINISHLINE_LOG_LEVEL", "debug")
}

/// A job of the vectors as a run, with its event in a file.
fn job(variables: &Value, event: &Value) -> ProgramRun {
    let has = |name: &str| !variables[name].is_null();
    let run = match (has("GITHUB_ACTIONS"), has("GITLAB_CI")) {
        (true, _) => ProgramRun::github(),
        (_, true) => ProgramRun::gitlab(),
        _ => ProgramRun::local(),
    };
    let path = run.file("event.json", event.to_string());
    let own = ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "CI_PROJECT_DIR", "BASH_ENV"];
    let variables = variables.as_object().unwrap().iter();
    let variables = variables.filter(|(name, _)| !own.contains(&name.as_str()));
    let run = variables.fold(run, |run, (name, value)| run.var(name, value.as_str().unwrap()));
    release(run.var("GITHUB_EVENT_PATH", path))
}

#[test]
fn no_text_of_a_host_or_its_event_is_more_than_a_text() {
    let mut number = 0;
    for case in runner_parser::cases("detect") {
        let (variables, event) = (&case["env"], &case["event"]);
        for place in text_paths(variables) {
            number += 1;
            let run = job(&with_text_at(variables, &place, text(number)), event);
            assert_words(&run, run.execute(), &format!("{} with {place}", case["name"]));
        }
        for place in text_paths(event) {
            number += 1;
            let run = job(variables, &with_text_at(event, &place, text(number)));
            assert_words(&run, run.execute(), &format!("{} with event's {place}", case["name"]));
        }
    }
    assert!(number > 300, "{number} texts");
}

/// On Windows no file has such a name.
#[cfg(unix)]
#[test]
fn no_text_of_a_checkout_is_more_than_a_text() {
    use crate::support::git_repository::git;
    for number in 0..HOSTILE.len() * 4 {
        let (text, run) = (text(number / 4), release(host(number)));
        let folder = run.path("");
        git(&folder, &["init", "--quiet", "--initial-branch=main", "."]);
        let name = text.replace('/', "|").chars().take(60).collect::<String>();
        git(&folder, &["config", "user.name", text]);
        git(&folder, &["config", "remote.origin.url", &format!("https://git.example/{text}.git")]);
        std::fs::write(folder.join(&name), text).unwrap();
        git(&folder, &["add", "--all"]);
        git(
            &folder,
            &["commit", "--quiet", "-m", text, "--author", &format!("{} <a@b.example>", name)],
        );
        for commits in ["local", "auto", text] {
            let run = run.clone().var("FINISHLINE_COMMITS", commits);
            assert_words(&run, run.execute(), &format!("a checkout with {text:?}, {commits:?}"));
        }
    }
}

#[test]
fn no_text_of_a_manifest_is_more_than_a_text() {
    let manifest = json!({
        "version": 1,
        "defaults": { "org": "acme" },
        "integrations": [{
            "provider": "opsgenie",
            "mode": "ensure",
            "next": "https://next.example/",
            "state": { "baseUrl": "https://api.opsgenie.com/", "provider": "ops", "apiKey": "k3y-1234" },
        }],
        "releases": [{ "projects": "web", "release": "v1", "commits": "none" }],
    });
    let mut number = 0;
    for place in text_paths(&manifest) {
        for text in HOSTILE {
            let named = manifest.to_string().replacen(
                "\"ensure\"",
                &format!("\"ensure\",{}:1", json!(text)),
                1,
            );
            for written in [with_text_at(&manifest, &place, text).to_string(), named] {
                number += 1;
                let run = host(number);
                run.file("finishline.yml", written);
                let database = run.database();
                let run =
                    run.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_DATABASE", database);
                let run = run.var("FINISHLINE_MANIFEST", "finishline.yml");
                for errand in ["run", "plan"] {
                    let run = run.clone().args(&[errand]);
                    assert_words(&run, run.execute(), &format!("{errand} with {place}"));
                }
            }
        }
    }
}
