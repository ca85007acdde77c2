//! No secret is told, whoever asks for it and whatever goes wrong.
//!
//! Which secrets there are is the program's own to say: every secret field of every provider and of
//! its app, and every input whose flag takes a file so that no process list shows the value.

use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::ProgramRun;
use crate::support::secret_scan::{assert_none, secret, traces};
use crate::support::serve::ServeProcess;
use finishline::inputs::table::{FlagKind, INPUTS};
use finishline::provider::{Field, FieldKind, PROVIDERS, Provider};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The lengths of text before a secret that a server repeats: messages are cut somewhere.
const BEFORE: [usize; 3] = [0, 60, 284];

/// What a server says that repeats all it was sent, from the first secret on.
fn echo(status: u16, before: usize, request: &Request, secrets: &[String]) -> Response {
    let said = format!("{} {:?} {}", request.target, request.headers, request.body);
    let at = secrets.iter().filter_map(|secret| said.find(&secret[..])).min().unwrap_or_default();
    let said: String = said[at..].chars().take(2000).collect();
    Response::detail(status, &format!("{}{said}", "x".repeat(before)))
}

fn step(run: ProgramRun) -> ProgramRun {
    run.var("FINISHLINE_LOG_LEVEL", "debug")
        .var("FINISHLINE_LOG_FORMAT", "json")
        .var("FINISHLINE_RESULT_FILE", "result.json")
        .var("FINISHLINE_TIMEOUT", "2")
        .var("FINISHLINE_MODE", "install")
}

/// A value for a field, with a secret in it when the field is one.
fn value(place: &str, field: &Field, party: &str, secrets: &mut Vec<String>) -> Value {
    if !field.secret {
        return match field.kind {
            FieldKind::Url => party.into(),
            FieldKind::Flag(_) => true.into(),
            FieldKind::Integer => 7.into(),
            _ if field.name.to_lowercase().ends_with("url") => party.into(),
            _ => field.example.into(),
        };
    }
    let text = secret(&format!("{place}.{}", field.name));
    secrets.push(text.clone());
    match field.kind {
        FieldKind::Json => {
            let example = field.example.trim_matches('\'').replace('…', &text);
            serde_json::from_str::<Value>(&example).unwrap()
        }
        FieldKind::Rule(fits, _) if !fits(&text) => {
            format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n").into()
        }
        _ => text.into(),
    }
}

/// The state and the app of a provider, and the secrets in them.
fn given(provider: &dyn Provider, party: &str) -> (String, String, Vec<String>) {
    let (key, mut secrets) = (provider.key(), Vec::new());
    let fields = provider.all_steps().flat_map(|step| step.fields);
    let state: Map<_, _> = fields
        .map(|field| (field.name.to_owned(), value(key, field, party, &mut secrets)))
        .collect();
    let place = format!("{key} app");
    let fields = provider.app().iter();
    let app: Map<_, _> = fields
        .map(|field| (field.name.to_owned(), value(&place, field, party, &mut secrets)))
        .collect();
    secrets.sort();
    secrets.dedup();
    (Value::from(state).to_string(), json!({ key: app }).to_string(), secrets)
}

/// Every provider's every secret on the embedded backend, with a third party that repeats them.
#[track_caller]
fn embedded(provider: &dyn Provider, status: u16, before: usize, host: ProgramRun) {
    let known: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let repeats = Arc::clone(&known);
    let party =
        HttpServer::new(move |request| echo(status, before, request, &repeats.lock().unwrap()));
    let (state, apps, secrets) = given(provider, &party.url());
    known.lock().unwrap().clone_from(&secrets);
    let proxies = ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"];
    let run = step(host).embedded(provider.key(), &state).var("FINISHLINE_APPS", apps);
    let run = proxies.iter().fold(run, |run, name| run.var(name, party.url()));
    for errand in ["run", "plan"] {
        let ended = run.clone().args(&[errand]).execute();
        assert_none(&run, &ended, &secrets, &format!("{errand} {} {status}", provider.key()));
        for secret in secrets.iter().filter(|_| ended.stderr.contains("::add-mask::")) {
            let masks = |line: &str| line.starts_with("::add-mask::") && line.contains(&**secret);
            assert!(ended.stderr.lines().any(masks), "{} is not masked", provider.key());
        }
    }
}

#[test]
fn no_secret_of_a_provider_is_told_by_the_embedded_backend() {
    for (at, provider) in PROVIDERS.iter().enumerate() {
        let status = [400, 401, 403, 500][at % 4];
        embedded(*provider, status, BEFORE[at % 3], ProgramRun::github());
    }
    for (at, provider) in PROVIDERS.iter().enumerate().step_by(5) {
        embedded(*provider, 400, BEFORE[at % 3], ProgramRun::gitlab());
        embedded(*provider, 400, BEFORE[(at + 1) % 3], ProgramRun::local());
        embedded(*provider, 422, 284, ProgramRun::local().var("TF_BUILD", "True"));
    }
}

#[test]
fn no_secret_of_a_provider_is_told_when_the_backend_repeats_it() {
    let serve = Arc::new(ServeProcess::start());
    for (at, provider) in PROVIDERS.iter().enumerate() {
        let (status, before) = ([400, 403, 409, 500, 404][at % 5], BEFORE[at % 3]);
        let (state, _, mut secrets) = given(*provider, "https://third.example");
        secrets.push(PROXY_TOKEN.to_owned());
        let known = secrets.clone();
        let relay = ServeProxy::to(Arc::clone(&serve), move |request| {
            match known.iter().any(|secret| request.body.contains(secret)) {
                true => ProxyAction::Intercept(echo(status, before, request, &known)),
                false => ProxyAction::Forward,
            }
        });
        for dialect in ["api", "web"] {
            let run = step(ProgramRun::github())
                .var("SENTRY_URL", relay.peer.url())
                .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
                .var("SENTRY_ORG", "acme")
                .var("FINISHLINE_DIALECT", dialect)
                .var("FINISHLINE_PROVIDER", provider.key())
                .var("FINISHLINE_STATE", &state);
            let ended = run.execute();
            assert_none(&run, &ended, &secrets, &format!("{dialect} {}", provider.key()));
        }
    }
}

/// A run in which this input is a secret of its own; `None` when it is not known how.
fn with_input(name: &str, party: &str) -> Option<(ProgramRun, Vec<String>)> {
    let secret = secret(name);
    let run = step(ProgramRun::github())
        .var("SENTRY_URL", party)
        .var("SENTRY_ORG", "acme")
        .var("SENTRY_AUTH_TOKEN", "a-token")
        .var("GITHUB_API_URL", party)
        .var("FINISHLINE_RELEASE", "1.0.0")
        .var("FINISHLINE_PROVIDER", "opsgenie")
        .var("FINISHLINE_STATE", "{baseUrl: 'https://api.opsgenie.com/', provider: a, apiKey: k}");
    let run = match name {
        "auth-token" => run.var("SENTRY_AUTH_TOKEN", &secret),
        "headers" => run.var("FINISHLINE_HEADERS", format!("X-Access: Bearer {secret}")),
        "pipeline-token" => run.var("FINISHLINE_PIPELINE_TOKEN", &secret),
        "github-token" => run
            .var("FINISHLINE_GITHUB_TOKEN", &secret)
            .var("GITHUB_REPOSITORY", "acme/web")
            .var("FINISHLINE_GITHUB_STATUS", "true")
            .var("FINISHLINE_COMMITS", "github")
            .var("FINISHLINE_PREVIOUS_COMMIT", "a".repeat(40))
            .var("GITHUB_SHA", "b".repeat(40)),
        "state" => run.var("FINISHLINE_STATE", format!("{{apiKey: {secret}, baseUrl: {secret}}}")),
        "apps" => run.var("FINISHLINE_APPS", format!("{{slack: {{clientSecret: {secret}}}}}")),
        "callback-url" => {
            let callback = format!("{party}/extensions/gitlab/setup/?code={secret}&state={secret}");
            run.var("FINISHLINE_CALLBACK_URL", callback)
        }
        _ => return None,
    };
    Some((run, vec![secret]))
}

#[test]
fn no_secret_input_is_told_whatever_the_backend_answers() {
    for input in INPUTS.iter().filter(|input| matches!(input.flag, FlagKind::File(_))) {
        for (status, before) in [(400, 0), (401, 284), (403, 60), (404, 284), (429, 0), (503, 284)]
        {
            let known = [secret(input.name)];
            let party = HttpServer::new(move |request| echo(status, before, request, &known));
            let (run, secrets) = with_input(input.name, &party.url())
                .unwrap_or_else(|| panic!("no run has a secret in `{}`", input.name));
            for errand in ["run", "plan", "check", "resume"] {
                let ended = run.clone().args(&[errand]).execute();
                let what = format!("{errand} with {} at {status}", input.name);
                assert_none(&run, &ended, &secrets, &what);
            }
        }
    }
}

#[test]
fn no_mistyped_secret_is_quoted() {
    for input in INPUTS.iter().filter(|input| matches!(input.flag, FlagKind::File(_))) {
        let secrets = [secret(input.name)];
        for text in [
            format!("{}\n: [", secrets[0]),
            format!("{{{}: 1, a", secrets[0]),
            format!("[{}]", secrets[0]),
            format!("\u{1b}{}\u{0085}x", secrets[0]),
            format!("@{}", secrets[0]),
            format!("${{{}}}", secrets[0]),
        ] {
            let run =
                step(ProgramRun::github()).embedded("slack", "{}").var(input.variables[0], &text);
            for errand in ["run", "plan", "check", "resume"] {
                let ended = run.clone().args(&[errand]).execute();
                let what = format!("{errand} with {} as {text:?}", input.name);
                if input.name != "state" && input.name != "apps" {
                    assert_none(&run, &ended, &secrets, &what);
                } else if !text.starts_with(['@', '$']) {
                    // A name of a file or a variable is said: it is no secret.
                    assert_none(&run, &ended, &secrets, &what);
                }
            }
        }
    }
}

#[test]
fn the_search_finds_what_is_told() {
    let run =
        step(ProgramRun::github()).embedded("example", &format!("{{name: {}}}", secret("told")));
    let ended = run.execute().expect(0);
    assert!(!traces(&ended.everything(), &[secret("told")]).is_empty());
}
