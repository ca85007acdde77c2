//! The way back: a manifest of what an organization has, and a plan of it that finds nothing to do.

use crate::support::http_server::{Request, Response};
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::{ProgramRun, RunResult};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use finishline::provider::{FieldKind, PROVIDERS};
use serde_yaml::Value;

/// What is an entry's own, and so is not typed beside a manifest.
const OWN: [&str; 8] = [
    "PROVIDER",
    "STATE",
    "MODE",
    "INTEGRATION_ID",
    "NEXT",
    "REPOSITORIES",
    "CODE_MAPPINGS",
    "DIALECT",
];

pub(super) fn import(run: &ProgramRun) -> RunResult {
    let import = run.clone().args(&["import"]);
    OWN.iter()
        .fold(import, |run, name| run.without(&format!("FINISHLINE_{name}")))
        .execute()
        .expect(0)
}

/// The variables that a manifest names, each with the value of its field in `state`; of a flag that
/// is not in there, what holds then.
fn variables(manifest: &str, state: &Value) -> Vec<(String, String)> {
    let manifest: Value = serde_yaml::from_str(manifest).unwrap();
    let fields = manifest["integrations"][0]["state"].as_mapping().cloned().unwrap_or_default();
    let named = fields.iter().filter_map(|(field, value)| {
        let name = value.as_str()?.strip_prefix("${")?.strip_suffix('}')?;
        let value = find(state, field.as_str()?).map(text);
        Some((name.to_owned(), value.or_else(|| default_text(field.as_str()?))?))
    });
    named.collect()
}

/// What a flag of this name is when it is not given.
fn default_text(field: &str) -> Option<String> {
    let mut fields =
        PROVIDERS.iter().flat_map(|provider| provider.all_steps()).flat_map(|s| s.fields);
    fields.find_map(|one| match one.kind {
        FieldKind::Flag(default) if one.name == field => Some(default.to_string()),
        _ => None,
    })
}

/// A field, flat or by its step.
fn find<'a>(state: &'a Value, field: &str) -> Option<&'a Value> {
    let steps = state.as_mapping()?.values();
    state.get(field).or_else(|| steps.into_iter().find_map(|step| step.get(field)))
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string(other).unwrap(),
    }
}

/// Imports what the run has made of this `state`, and plans what came out.
#[track_caller]
pub(crate) fn assert_nothing_to_do(run: &ProgramRun, state: &str, key: &str, case: &str) {
    let manifest = import(run).stdout;
    assert!(!manifest.contains("s3cr3t") && !manifest.contains(key), "{case}: {manifest}");
    let state: Value = serde_yaml::from_str(state).unwrap();
    let given = variables(&manifest, &state);
    let plan = planning(run, &manifest);
    let value = |value: &String| if value == "${KEY}" { key.to_owned() } else { value.clone() };
    let plan = given.iter().fold(plan, |run, (name, text)| run.var(name, value(text)));
    let ended = plan.execute();
    assert_eq!(ended.exit, Some(0), "{case}: {manifest}\n{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("nothing to do"), "{case}: {}", ended.stdout);
}

pub(super) fn planning(run: &ProgramRun, manifest: &str) -> ProgramRun {
    run.file("imported.yml", manifest);
    let plan = run.clone().args(&["plan", "--exit-code", "--manifest", "imported.yml"]);
    OWN.iter().fold(plan, |run, name| run.without(&format!("FINISHLINE_{name}")))
}

/// Three integrations with repositories and a code mapping.
const THREE: &str = "version: 1
defaults: {org: acme}
integrations:
  - provider: opsgenie
    state: {baseUrl: 'https://api.eu.opsgenie.com/', provider: acme-ops, apiKey: '${KEY}'}
  - provider: example
    state: {name: '1.10'}
    repositories: [acme/web, acme/api]
    code-mappings:
      - {project: web, repository: acme/web, stackRoot: app/, sourceRoot: src/, defaultBranch: main}
  - provider: example
    state: {name: second}
";

/// What `import` prints of them; the ids are those of the backend.
const IMPORTED: &str = "integrations:
- provider: example
  state:
    name: '1.10'
  repositories:
  - acme/api
  - acme/web
  code-mappings:
  - project: web
    repository: acme/web
    stackRoot: app/
    sourceRoot: src/
    defaultBranch: main
";

fn import_three(run: ProgramRun) -> ProgramRun {
    run.file("finishline.yml", THREE);
    let run = run.var("KEY", "s3cr3t-key").var("FINISHLINE_MAX_PARALLEL", "1");
    run.clone().var("FINISHLINE_MANIFEST", "finishline.yml").execute().expect(0);
    run
}

#[track_caller]
fn assert_imports(run: &ProgramRun) {
    let run = run.clone().var("FINISHLINE_ORG", "acme");
    let ended = import(&run);
    assert!(ended.stdout.contains(IMPORTED), "{}", ended.stdout);
    assert!(ended.stdout.contains("apiKey: ${OPSGENIE_1_API_KEY}"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("s3cr3t"), "{}", ended.stdout);
    assert!(ended.stderr.contains("the manifest of acme has 3 integrations"), "{}", ended.stderr);
    let plan = planning(&run, &ended.stdout);
    let ended = plan.execute().expect(2);
    assert!(ended.stderr.contains("OPSGENIE_1_API_KEY"), "{}", ended.stderr);
    let ended = plan.var("OPSGENIE_1_API_KEY", "s3cr3t-key").execute().expect(0);
    assert!(ended.stdout.contains("3 entries: 3 with nothing to do"), "{}", ended.stdout);
}

#[test]
fn what_is_imported_from_the_embedded_backend_has_nothing_to_do() {
    let run = ProgramRun::local();
    let database = run.database();
    let run = run.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_DATABASE", database);
    assert_imports(&import_three(run));
}

#[test]
fn what_is_imported_from_a_sentry_has_nothing_to_do_and_only_reads() {
    let relay = ServeProxy::new();
    let run = ProgramRun::local().var("FINISHLINE_URL", relay.peer.url());
    let run = import_three(run.var("FINISHLINE_AUTH_TOKEN", PROXY_TOKEN));
    let since = relay.requests_since(0).len();
    assert_imports(&run);
    assert!(relay.requests_since(since).iter().all(|line| line.starts_with("GET ")));
    let manifest = import(&run.var("FINISHLINE_ORG", "acme")).stdout;
    assert!(manifest.contains(&format!("url: {}", relay.peer.url())), "{manifest}");
}

#[test]
fn two_integrations_of_the_same_fields_are_imported_by_their_ids() {
    let run = ProgramRun::local();
    let database = run.database();
    let run = run.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_DATABASE", database);
    let run = run.var("FINISHLINE_ORG", "acme").var("FINISHLINE_MAX_PARALLEL", "1");
    for repository in ["acme/r1", "acme/r2"] {
        let one =
            run.clone().var("FINISHLINE_PROVIDER", "custom_scm").var("FINISHLINE_MODE", "install");
        let one = one.var("FINISHLINE_STATE", "{name: s, url: 'https://s.example'}");
        one.var("FINISHLINE_REPOSITORIES", repository).execute().expect(0);
    }
    let manifest = import(&run).stdout;
    for words in ["integration-id: 1", "integration-id: 2"] {
        assert!(manifest.contains(words), "{manifest}");
    }
    let ended = planning(&run, &manifest).execute().expect(0);
    assert!(ended.stdout.contains("2 entries: 2 with nothing to do"), "{}", ended.stdout);
}

#[test]
fn an_organization_token_is_refused_for_what_it_is_asked_for() {
    let refuse = |_: &Request| ProxyAction::Intercept(Response::detail(403, "You may not."));
    let relay = ServeProxy::with(refuse);
    let claims = STANDARD.encode("{\"iat\":1,\"url\":\"\",\"region_url\":\"\",\"org\":\"acme\"}");
    let token = format!("sntrys_{claims}_{}", STANDARD_NO_PAD.encode([7; 32]));
    let run = ProgramRun::local().var("FINISHLINE_URL", relay.peer.url());
    let run = run.var("FINISHLINE_AUTH_TOKEN", token).var("FINISHLINE_ORG", "acme");
    let ended = run.args(&["import"]).execute().expect(5);
    let words = "a list of integrations needs a user's access token";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}

#[test]
fn another_key_than_the_stored_one_is_something_to_do() {
    let run = ProgramRun::local().opsgenie();
    run.execute().expect(0);
    let manifest = import(&run).stdout;
    let plan = planning(&run, &manifest).var("OPSGENIE_1_API_KEY", "another");
    assert!(plan.execute().expect(8).stdout.contains("would be updated"));
}

#[test]
fn an_integration_that_is_not_active_is_left_out_with_a_warning() {
    let run = ProgramRun::github().opsgenie();
    run.execute().expect(0);
    run.connection()
        .execute("UPDATE organization_integration SET status = 'disabled'", [])
        .unwrap();
    let ended = import(&run);
    assert!(ended.stdout.contains("integrations: []"), "{}", ended.stdout);
    // And that nothing else is there.
    assert_eq!(ended.output("warnings"), "not-imported");
}

#[test]
fn import_needs_an_organization_and_makes_no_file() {
    let run = ProgramRun::local().opsgenie();
    let ended = run.clone().without("FINISHLINE_ORG").args(&["import"]).execute().expect(2);
    assert!(ended.stderr.contains("`org` is missing"), "{}", ended.stderr);
    let run = run.args(&["import"]);
    let ended = ["PROVIDER", "STATE"]
        .iter()
        .fold(run.clone(), |run, name| run.without(&format!("FINISHLINE_{name}")))
        .execute()
        .expect(6);
    assert!(ended.stderr.contains("does not exist, so there is nothing to import"));
    assert!(!run.database().exists());
}

#[test]
fn an_unknown_organization_is_an_error_on_both_backends() {
    let made = ProgramRun::local().opsgenie();
    made.execute().expect(0);
    let relay = ServeProxy::new();
    let sentry = ProgramRun::local().var("FINISHLINE_URL", relay.peer.url());
    for run in [made, sentry.var("FINISHLINE_AUTH_TOKEN", PROXY_TOKEN)] {
        let run = run.args(&["import"]).var("FINISHLINE_ORG", "elsewhere");
        let run = OWN.iter().fold(run, |run, name| run.without(&format!("FINISHLINE_{name}")));
        let ended = run.execute().expect(5);
        assert_eq!(ended.stdout, "", "{}", ended.stderr);
        assert!(ended.stderr.contains("elsewhere"), "{}", ended.stderr);
    }
}

#[test]
fn a_manifest_without_an_entry_is_said_to_be_none() {
    let made = ProgramRun::local().embedded("example", "{name: demo}");
    made.execute().expect(0);
    made.clone().var("FINISHLINE_MODE", "remove").execute().expect(0);
    let relay = ServeProxy::new();
    let sentry = ProgramRun::local().var("FINISHLINE_URL", relay.peer.url());
    let sentry = sentry.var("FINISHLINE_AUTH_TOKEN", PROXY_TOKEN);
    for run in [made, sentry.var("FINISHLINE_ORG", "acme")] {
        let ended = import(&run);
        let words = "acme has no integration to import: a manifest without an entry is refused";
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}
