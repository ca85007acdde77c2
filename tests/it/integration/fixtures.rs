//! Every provider by its cases under `tests/fixtures/`, on the embedded backend and through the
//! client on `serve`, with one expectation.
//!
//! A case is a folder of three files. `env` has the variables of the run, a line each; `{vendor}`
//! in it is where the third party is. `answers.json` has the third party's `routes`, and under
//! `browser` what a person brings back from each page. `expect.json` has the `exit` code and the
//! `outputs` (with
//! `{site}` for the address of the backend), and what is `stored` and was `asked`; under `on` are the backends, when they are not
//! both (`web` is `serve` by its pages), and under the name of a backend what is otherwise there.

use crate::cli::import;
use crate::secrets::signed;
use crate::support::fake_vendor::{FakeVendor, contains};
use crate::support::http_server::HttpServer;
use crate::support::proxy::ServeProxy;
use crate::support::run::{ProgramRun, RunResult};
use crate::support::serve::{ServeProcess, TOKEN};
use finishline::provider::{PROVIDERS, Step};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A private key that opens nothing, for the variable `KEY` of every case.
pub(crate) const KEY: &str = include_str!("../../fixtures/key.pem");

/// The cases of something that is no provider.
const OTHERS: [&str; 1] = ["serve"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn folders(path: &Path) -> BTreeSet<String> {
    let entries = path.read_dir().unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// One case.
pub(crate) struct FixtureCase {
    pub(crate) provider: String,
    name: String,
    env: String,
    pub(crate) answers: Value,
    expect: Value,
}

impl FixtureCase {
    pub(crate) fn read(provider: &str, name: &str) -> Self {
        let file =
            |file: &str| std::fs::read_to_string(root().join(provider).join(name).join(file));
        let json = |text: String| serde_json::from_str(&text).unwrap();
        Self {
            provider: provider.to_owned(),
            name: name.to_owned(),
            env: file("env").unwrap_or_default(),
            answers: file("answers.json").map_or(Value::Null, json),
            expect: json(file("expect.json").unwrap()),
        }
    }

    pub(crate) fn all() -> Vec<Self> {
        let cases = |provider: &String| {
            let names = folders(&root().join(provider));
            names.iter().map(|name| Self::read(provider, name)).collect::<Vec<_>>()
        };
        folders(&root())
            .iter()
            .filter(|name| !OTHERS.contains(&name.as_str()))
            .flat_map(cases)
            .collect()
    }

    pub(crate) fn is_on(&self, backend: &str) -> bool {
        match &self.expect["on"] {
            Value::Array(on) => on.iter().any(|name| name == backend),
            _ => ["embedded", "serve"].contains(&backend),
        }
    }

    /// Whether it ends well once a person has been to a page.
    pub(crate) fn succeeds_after_a_visit(&self) -> bool {
        self.name == "success"
            && self.expected("embedded", "exit") == 0
            && !self.visits().is_empty()
    }

    /// What is expected on a backend.
    fn expected(&self, backend: &str, name: &str) -> &Value {
        let own = &self.expect[backend][name];
        if own.is_null() { &self.expect[name] } else { own }
    }

    fn variables(&self, vendor: &str) -> Vec<(String, String)> {
        let lines = self.env.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let pair = |line: &str| {
            let (name, value) = line.split_once('=').unwrap();
            (name.to_owned(), placed(value).replace("{vendor}", vendor))
        };
        lines.map(pair).collect()
    }

    /// The run with the case's variables.
    pub(crate) fn run(&self, run: ProgramRun, vendor: &str) -> ProgramRun {
        let run = run.var("FINISHLINE_PROVIDER", &self.provider).var("FINISHLINE_ORG", "acme");
        let run = run.var("KEY", KEY);
        self.variables(vendor).into_iter().fold(run, |run, (name, value)| run.var(&name, value))
    }

    /// A `serve` for the case, and the run at it.
    fn on_serve(&self, vendor: &FakeVendor, dialect: &str) -> (ServeProcess, ProgramRun) {
        let mut variables = self.variables(&vendor.url());
        variables.push(("SENTRY_AUTH_TOKEN".to_owned(), TOKEN.to_owned()));
        variables.push(("KEY".to_owned(), KEY.to_owned()));
        let of_serve = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let folder = tempfile::tempdir().unwrap();
        let serve = ServeProcess::with(folder, &["--org", "acme"], of_serve);
        let run = ProgramRun::github();
        let resume_file = run.path("resume.json");
        let run = run.var("SENTRY_URL", serve.url()).var("SENTRY_AUTH_TOKEN", TOKEN);
        let run = run.var("FINISHLINE_DIALECT", dialect).var("FINISHLINE_RESUME_FILE", resume_file);
        (serve, self.run(run, &vendor.url()).without("FINISHLINE_APPS"))
    }

    /// What the person brings back from each page.
    pub(crate) fn visits(&self) -> Vec<Vec<(&str, String)>> {
        let visits = self.answers["browser"].as_array().into_iter().flatten();
        let brings = |visit| {
            let all = Value::as_object(visit).unwrap().iter();
            all.map(|(name, value)| (name.as_str(), placed(value.as_str().unwrap()))).collect()
        };
        visits.map(brings).collect()
    }

    /// Runs, and goes on each time that a person was needed.
    fn walk(&self, run: &ProgramRun, vendor: &FakeVendor, home: &str) -> RunResult {
        let mut ended = run.execute();
        for brings in self.visits() {
            let waiting = ended.expect(3);
            let page = waiting.output("redirect-url");
            assert_eq!(waiting.joined(["status", "error-code"]), "action_required needs-browser");
            let callback = vendor.visit(&page, &brings, home);
            ended =
                run.clone().args(&["resume"]).var("FINISHLINE_CALLBACK_URL", callback).execute();
        }
        ended
    }

    #[track_caller]
    fn check(&self, backend: &str, ended: &RunResult, vendor: &FakeVendor, site: &str) {
        let case = format!("{}/{} on {backend}", self.provider, self.name);
        let exit = self.expected(backend, "exit").as_i64().map(|exit| i32::try_from(exit).unwrap());
        assert_eq!(ended.exit, exit, "{case}: {}\n{}", ended.stdout, ended.stderr);
        let outputs = ended.outputs();
        for (name, wish) in self.expected(backend, "outputs").as_object().unwrap() {
            let found = outputs.get(name.as_str()).map(|found| found.replace(site, "{site}"));
            assert_eq!(
                found.as_deref(),
                wish.as_str(),
                "{case}: {name}: {:?}",
                outputs["error-message"]
            );
        }
        let masks = ended.stderr.lines().filter_map(|line| line.strip_prefix("::add-mask::"));
        let hit = masks.clone().find(|mask| outputs.values().any(|value| value.contains(mask)));
        assert_eq!(hit, None, "{case}: a mask hits an output: {outputs:?}");
        let said = ended.everything();
        let masked = |line: &&str| !line.contains("::add-mask::");
        let said: Vec<_> = said.lines().filter(masked).collect();
        assert!(!said.concat().contains("s3cr3t"), "{case} says a secret: {said:?}");
        let asked = self.expected(backend, "asked");
        assert!(
            asked.is_null() || *asked == json!(vendor.request_lines()),
            "{case}: {:?}",
            vendor.request_lines()
        );
    }

    /// What was finished is imported, and a plan of that finds nothing to do.
    #[track_caller]
    fn check_import(&self, backend: &str, run: &ProgramRun, vendor: &str) {
        let status = &self.expected(backend, "outputs")["status"];
        if self.expected(backend, "exit") == 0 && status == "complete" {
            let variables = self.variables(vendor);
            let state = variables.iter().find(|(name, _)| name == "FINISHLINE_STATE");
            let state = state.map_or("{}", |(_, state)| state);
            let case = format!("{}/{} on {backend}", self.provider, self.name);
            import::assert_nothing_to_do(run, state, KEY.trim(), &case);
        }
    }

    fn check_stored(&self, backend: &str, database: &Connection) {
        let found = stored(database);
        let wish = self.expected(backend, "stored");
        let case = format!("{}/{} on {backend}", self.provider, self.name);
        assert!(wish.is_null() || contains(&found, wish), "{case}: {found:#}");
    }
}

/// What only can be signed now: `{link KEY AGE JSON}` and `{jwt SECRET AGE JSON}`, by whose age in
/// seconds it was signed, or its time is over.
fn placed(text: &str) -> String {
    let Some((before, rest)) = ["{link ", "{jwt "].iter().find_map(|kind| text.split_once(kind))
    else {
        return text.to_owned();
    };
    let (placeholder, after) = rest.split_once("}}").unwrap();
    let mut words = placeholder.splitn(3, ' ');
    let (key, age) = (words.next().unwrap(), words.next().unwrap().parse::<i64>().unwrap());
    let json = format!("{}}}", words.next().unwrap());
    let signed = match text.contains("{link ") {
        true => signed::link(&json, key, signed::since_1970() - age),
        false => {
            let mut claims: Value = serde_json::from_str(&json).unwrap();
            claims["exp"] = json!(signed::since_1970() - age);
            signed::jwt(&claims, key)
        }
    };
    format!("{before}{signed}{after}")
}

/// The integration that is there, and the account that was linked.
fn stored(database: &Connection) -> Value {
    let row = |sql: &str| -> Value {
        let text = database.query_row(sql, [], |row| row.get::<_, String>(0));
        text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    };
    let mut found = row("SELECT json_object('provider', provider, 'name', name,
        'external_id', external_id, 'metadata', json(metadata)) FROM integration");
    if let Some(found) = found.as_object_mut() {
        found.insert(
            "identity".to_owned(),
            row("SELECT json_object('type', type,
            'external_id', identity.external_id, 'idp', identity_provider.external_id)
            FROM identity JOIN identity_provider ON identity_provider.id = idp_id"),
        );
    }
    found
}

#[test]
fn every_provider_has_cases_and_every_case_a_provider() {
    let keys: BTreeSet<_> = PROVIDERS.iter().map(|provider| provider.key().to_owned()).collect();
    let folders: BTreeSet<_> = folders(&root()).into_iter().collect();
    let cases: BTreeSet<_> =
        folders.iter().filter(|name| !OTHERS.contains(&name.as_str())).cloned().collect();
    assert_eq!(keys, cases);
    for provider in PROVIDERS {
        let names = self::folders(&root().join(provider.key()));
        let wanted = match provider.sentry_only_reason() {
            Some(_) => "needs-sentry",
            None => "success",
        };
        assert!(names.contains(wanted), "{} has no case `{wanted}`", provider.key());
        let has_required = provider.all_steps().flat_map(|step| step.fields);
        let has_required = has_required.into_iter().any(|f| f.required && f.comes_from_state());
        let cases: Vec<_> =
            names.iter().map(|name| FixtureCase::read(provider.key(), name)).collect();
        let needs_person = provider.steps().iter().any(Step::needs_browser);
        let is_ours = provider.sentry_only_reason().is_none();
        let goes_on =
            |case: &FixtureCase| case.answers["browser"].is_array() && case.expect["exit"] == 0;
        assert!(
            !(is_ours && needs_person) || cases.iter().any(goes_on),
            "{} has no case in which a person approves",
            provider.key()
        );
        let asks = cases.iter().any(|case| case.answers["routes"].is_array());
        let is_refused = |case: &FixtureCase| {
            case.expect["exit"] == 4 && case.expect["outputs"]["error-status"] != ""
        };
        assert!(
            !asks || cases.iter().any(is_refused),
            "{} has no case in which the third party refuses",
            provider.key()
        );
        assert!(
            names.contains("missing-field") == has_required,
            "{}: a case `missing-field` where a field is required",
            provider.key()
        );
    }
}

#[test]
fn every_case_ends_as_it_should_on_the_embedded_backend() {
    let cases: Vec<_> =
        FixtureCase::all().into_iter().filter(|case| case.is_on("embedded")).collect();
    assert!(!cases.is_empty());
    for case in cases {
        let vendor = FakeVendor::new(&case.answers["routes"]);
        let run = ProgramRun::github().embedded(&case.provider, "{}");
        let run = case.run(run, &vendor.url());
        let home = format!("http://127.0.0.1:9797/extensions/{}/setup/", case.provider);
        let ended = case.walk(&run, &vendor, &home);
        case.check("embedded", &ended, &vendor, "http://127.0.0.1:9797");
        if run.database().exists() {
            case.check_stored("embedded", &run.connection());
            case.check_import("embedded", &run, &vendor.url());
        }
    }
}

#[test]
fn every_case_ends_as_it_should_through_the_client_on_serve() {
    through_the_client("serve", "api");
}

#[test]
fn cases_that_need_no_browser_end_as_they_should_on_the_pages_of_serve() {
    through_the_client("web", "web");
}

/// Runs the cases that are on this backend, which is `serve` in a dialect.
fn through_the_client(backend: &str, dialect: &str) {
    let cases: Vec<_> = FixtureCase::all().into_iter().filter(|case| case.is_on(backend)).collect();
    assert!(cases.len() > 5);
    for case in cases {
        let vendor = FakeVendor::new(&case.answers["routes"]);
        let (serve, run) = case.on_serve(&vendor, dialect);
        let home = format!("{}/extensions/{}/setup/", serve.url(), case.provider);
        let ended = case.walk(&run, &vendor, &home);
        case.check(backend, &ended, &vendor, &serve.url());
        case.check_stored(backend, &serve.database());
        case.check_import(backend, &run, &vendor.url());
    }
}

/// Each provider's success, where a finish is bare and connections close without a word.
#[test]
fn every_success_is_one_at_a_server_that_says_no_more_than_sentry() {
    let is_success = |case: &FixtureCase| {
        let status = &case.expected("serve", "outputs")["status"];
        case.is_on("serve") && case.expected("serve", "exit") == 0 && status == "complete"
    };
    let cases: Vec<_> = FixtureCase::all().into_iter().filter(is_success).collect();
    assert!(cases.len() > 15, "{}", cases.len());
    for case in cases {
        let name = format!("{}/{}", case.provider, case.name);
        let vendor = FakeVendor::new(&case.answers["routes"]);
        let (serve, run) = case.on_serve(&vendor, "api");
        let relay = ServeProxy::like_sentry(serve);
        let run = run.var("SENTRY_URL", relay.peer.url());
        let home = format!("{}/extensions/{}/setup/", relay.serve.url(), case.provider);
        let ended = case.walk(&run, &vendor, &home);
        assert_eq!(ended.exit, Some(0), "{name}: {}", ended.stderr);
        for output in ["status", "changed", "integration-id", "provider"] {
            let wish = case.expected("serve", "outputs")[output].as_str();
            let found = ended.output(output);
            assert!(wish.is_none_or(|wish| wish == found), "{name}: {output}: {found}");
        }
        case.check_stored("serve", &relay.serve.database());
        let count = "SELECT count(*) FROM organization_integration";
        let count: i64 = relay.serve.database().query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 1, "{name}");
    }
}

/// Nobody listens there, so what is said is said before a request is made.
#[test]
fn what_can_be_known_before_is_said_before_a_request_is_made() {
    let cases: Vec<_> =
        FixtureCase::all().into_iter().filter(|case| case.is_on("nowhere")).collect();
    assert!(cases.len() > 10, "each provider with a required field has one");
    for case in cases {
        let run = ProgramRun::github()
            .var("SENTRY_URL", HttpServer::unused_url())
            .var("SENTRY_AUTH_TOKEN", "t");
        let vendor = FakeVendor::new(&Value::Null);
        let ended = case.run(run, &vendor.url()).execute();
        case.check("nowhere", &ended, &vendor, "nowhere");
    }
}
