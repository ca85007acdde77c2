//! Every way through the program, with every fault at every request of it: the run ends, says how,
//! and leaves what the next run completes once.
//!
//! The cells are made from what each way asks when nothing goes wrong: each kind of request with each
//! fault, in the first way that makes it; with `FAULT_CELLS=all` in the environment, each request of
//! each way.

use crate::support::fake_gitlab::{CLIENT_ID, CLIENT_SECRET, FakeGitLab, ForgeKind};
use crate::support::faulty_server::{Fault, FaultyServer};
use crate::support::http_server::Response;
use crate::support::proxy::{PROXY_TOKEN, forward};
use crate::support::rows::rows;
use crate::support::run::{ProgramRun, RunResult};
use crate::support::secret_scan::traces;
use crate::support::serve::ServeProcess;
use finishline::error::ErrorCode;
use rusqlite::Connection;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// How many cells are under way at once: most of them only wait.
const AT_ONCE: usize = 24;

/// What the backend has, without ids, times and random values.
const STATE: &str = "
    SELECT 'integration', provider, name, status, metadata ->> 'domain_name' FROM integration
    UNION ALL SELECT 'link', link.status, count(*), link.config, '' FROM organization_integration AS link
        GROUP BY link.id
    UNION ALL SELECT 'repository', name, provider, status, '' FROM repository
    UNION ALL SELECT 'mapping', stack_root, source_root, '', '' FROM code_mapping
    UNION ALL SELECT 'release', version, status, ref, date_released IS NULL FROM release
    UNION ALL SELECT 'commits', release_id, count(*), '', '' FROM release_commit GROUP BY release_id
    UNION ALL SELECT 'deploy', environment, name, url, '' FROM deploy
    ORDER BY 1, 2, 3, 4, 5";

/// One way through the program.
struct Scenario {
    name: &'static str,
    /// Makes ready whatever is there before the run, which may ask already.
    run: fn(&FaultEnvironment) -> ProgramRun,
    /// The run that comes after a disturbed one.
    rerun: fn(ProgramRun) -> ProgramRun,
}

const SCENARIOS: [Scenario; 9] = [
    Scenario { name: "finish over `api`", run: opsgenie, rerun: same },
    Scenario { name: "finish over TLS", run: over_tls, rerun: same },
    Scenario {
        name: "finish over `web`",
        run: |environment| example(environment, "web"),
        rerun: same,
    },
    Scenario { name: "finish embedded", run: datadog, rerun: same },
    Scenario { name: "finish with links", run: linked, rerun: same },
    Scenario { name: "resume", run: resumed, rerun: same },
    Scenario { name: "release", run: released, rerun: attempt },
    Scenario { name: "release of an unknown repository", run: unknown_repository, rerun: attempt },
    Scenario { name: "manifest", run: manifest, rerun: attempt },
];

/// What a cell happens in.
pub(super) struct FaultEnvironment {
    pub(super) serve: Arc<ServeProcess>,
    pub(super) faulty: FaultyServer,
    party: FakeGitLab,
}

impl FaultEnvironment {
    fn new(scenario: &Scenario, cell: Option<(usize, Fault)>) -> Self {
        Self::over(scenario.name == "finish over TLS", cell)
    }

    /// One that is spoken to without TLS.
    pub(super) fn before(cell: Option<(usize, Fault)>) -> Self {
        Self::over(false, cell)
    }

    fn over(is_tls: bool, cell: Option<(usize, Fault)>) -> Self {
        let serve = Arc::new(ServeProcess::start());
        let server = Arc::clone(&serve);
        let faulty = FaultyServer::new(cell, is_tls, move |request| match request.path() {
            "/api/v2/current_user" => {
                let org = json!({"data": {"id": "abc-123", "type": "orgs"}});
                Response::json(200, &json!({"data": {"relationships": {"org": org}}}))
            }
            _ => forward(&server, request),
        });
        Self { serve, faulty, party: FakeGitLab::new(ForgeKind::Gitlab) }
    }

    fn url(&self) -> String {
        self.faulty.peer.url()
    }

    /// A step that asks this world's backend.
    fn step(&self) -> ProgramRun {
        ProgramRun::github()
            .var("SENTRY_URL", self.url())
            .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
            .var("SENTRY_ORG", "acme")
            .var("FINISHLINE_TIMEOUT", "60")
            .var("FINISHLINE_LOG_LEVEL", "debug")
            .var("FINISHLINE_LOG_FORMAT", "json")
            .var("NO_PROXY", "127.0.0.1")
    }

    pub(super) fn asks(&self, provider: &str, state: &str) -> ProgramRun {
        self.step().var("FINISHLINE_PROVIDER", provider).var("FINISHLINE_STATE", state)
    }

    /// What the backend of the run has, the embedded one's own where it has one.
    fn state(&self, run: &ProgramRun) -> Vec<String> {
        let host = self.party.origin.split("://").last().unwrap_or_default();
        let state = |connection: &Connection| -> Vec<String> {
            rows(connection, STATE).iter().map(|row| row.replace(host, "PARTY")).collect()
        };
        match run.database().exists() {
            true => state(&run.connection()),
            false => state(&self.serve.database()),
        }
    }
}

fn same(run: ProgramRun) -> ProgramRun {
    run
}

/// The job is run again.
fn attempt(run: ProgramRun) -> ProgramRun {
    run.var("GITHUB_RUN_ATTEMPT", "2")
}

fn opsgenie(environment: &FaultEnvironment) -> ProgramRun {
    environment.asks("opsgenie", crate::support::run::STATE)
}

fn over_tls(environment: &FaultEnvironment) -> ProgramRun {
    let run = opsgenie(environment);
    let file = run.file("authority.pem", &environment.faulty.authority);
    let url = environment.url().replace("127.0.0.1", "localhost");
    run.var("SENTRY_URL", url).var("NO_PROXY", "localhost").var("FINISHLINE_CA_FILE", file)
}

fn example(environment: &FaultEnvironment, dialect: &str) -> ProgramRun {
    environment.asks("example", "{name: demo}").var("FINISHLINE_DIALECT", dialect)
}

fn datadog(environment: &FaultEnvironment) -> ProgramRun {
    let state = "{apiKey: s3cr3t-api, appKey: s3cr3t-app, site: datadoghq.eu}";
    let apps = format!("{{datadog: {{url: '{}'}}}}", environment.url());
    environment.step().without("SENTRY_URL").embedded("datadog", state).var("FINISHLINE_APPS", apps)
}

fn linked(environment: &FaultEnvironment) -> ProgramRun {
    let mappings = "[{project: web, repository: acme/web, stackRoot: app/, sourceRoot: src/}]";
    environment
        .asks("custom_scm", "{name: forge, url: 'https://forge.example.com'}")
        .var("FINISHLINE_REPOSITORIES", "acme/web,acme/api")
        .var("FINISHLINE_CODE_MAPPINGS", mappings)
}

/// A pipeline that waits, and the run that goes on with it.
fn resumed(environment: &FaultEnvironment) -> ProgramRun {
    let origin = &environment.party.origin;
    let state = format!(
        "{{url: '{origin}', clientId: {CLIENT_ID}, clientSecret: {CLIENT_SECRET}, group: my-group}}"
    );
    let run = environment.asks("gitlab", &state);
    let file = run.path("waiting.json");
    let run = run.var("FINISHLINE_RESUME_FILE", file).var("FINISHLINE_DIALECT", "api");
    let page = run.execute().expect(3).output("redirect-url");
    run.args(&["resume"])
        .without("FINISHLINE_STATE")
        .var("FINISHLINE_CALLBACK_URL", environment.party.approve(&page))
}

/// A release of a commit, with a deploy.
fn unknown_repository(environment: &FaultEnvironment) -> ProgramRun {
    environment
        .step()
        .var("GITHUB_EVENT_NAME", "push")
        .var("GITHUB_REF", "refs/heads/main")
        .var("GITHUB_REPOSITORY", "acme/web")
        .var("GITHUB_SERVER_URL", "https://github.com")
        .var("GITHUB_RUN_ID", "7")
        .var("GITHUB_RUN_ATTEMPT", "1")
        .var("GITHUB_SHA", "a".repeat(40))
        .var("SENTRY_PROJECT", "web")
        .var("FINISHLINE_RELEASE", "web@1.0.0")
        .var("FINISHLINE_ENVIRONMENT", "production")
}

fn released(environment: &FaultEnvironment) -> ProgramRun {
    let sql = "INSERT INTO repository
                   (organization_id, name, provider, external_id, created_at)
               SELECT id, 'acme/web', 'integrations:github', '7', 0 FROM organization";
    environment.serve.database().execute(sql, ()).unwrap();
    unknown_repository(environment)
}

/// Two integrations and a release.
fn manifest(environment: &FaultEnvironment) -> ProgramRun {
    let run = released(environment).without("FINISHLINE_RELEASE").without("FINISHLINE_ENVIRONMENT");
    let entry = |name: &str| format!("  - {{provider: example, state: {{name: {name}}}}}\n");
    let release = "  - {projects: web, release: web@1.0.0, environment: production}\n";
    let entries = format!("integrations:\n{}{}releases:\n{release}", entry("a"), entry("b"));
    run.file("f.yml", format!("version: 1\ndefaults: {{org: acme}}\n{entries}"));
    let run = run.without("SENTRY_PROJECT").var("FINISHLINE_MANIFEST", "f.yml");
    run.var("FINISHLINE_DIALECT", "api").var("FINISHLINE_MAX_PARALLEL", "1")
}

/// The requests that the way takes, and what the backend has afterwards.
fn undisturbed(scenario: &Scenario) -> (Vec<String>, Vec<String>) {
    let environment = FaultEnvironment::new(scenario, None);
    let run = (scenario.run)(&environment);
    let before = environment.faulty.peer.lines().len();
    run.execute().expect(0);
    let requests = environment.faulty.peer.lines().split_off(before);
    assert!(!requests.is_empty(), "{} asks for nothing", scenario.name);
    let right = environment.state(&run);
    (scenario.rerun)(run.clone()).execute();
    assert_eq!(
        environment.state(&run),
        right,
        "{} is not the same when it is run again",
        scenario.name
    );
    (requests, right)
}

/// The secrets that a run was given, whole.
const SECRETS: [&str; 5] = [PROXY_TOKEN, "s3cr3t-key", "s3cr3t-api", "s3cr3t-app", CLIENT_SECRET];

/// One way with one fault at one request; what is wrong about it.
fn disturbed(
    scenario: &Scenario,
    number: usize,
    fault: Fault,
    right: &[String],
) -> Result<(), String> {
    let environment = FaultEnvironment::new(scenario, Some((number, fault)));
    let run = (scenario.run)(&environment);
    environment.faulty.arm();
    // Where nothing comes, the run has to end by itself.
    let timeout = if fault.is_silent() { "6" } else { "60" };
    let ended = run.clone().var("FINISHLINE_TIMEOUT", timeout).execute();
    let struck = environment.faulty.has_occurred();
    environment.faulty.disarm();
    let there = environment.state(&run);
    let rerun = (scenario.rerun)(run.clone()).execute();
    let told = check_report(&ended);
    let checks = [
        (struck, "the request never came".to_owned()),
        (told.is_ok(), told.clone().err().unwrap_or_default()),
        (is_part(&there, right), format!("it left {there:#?}")),
        (
            environment.state(&run) == right,
            format!("the next run left {:#?}", environment.state(&run)),
        ),
        (environment.faulty.elsewhere.lines().is_empty(), "another server was asked".to_owned()),
    ];
    let leaks = [&ended, &rerun].into_iter().flat_map(|run| leaks(run, &SECRETS));
    let leaks = leaks.map(|line| format!("a secret is in {line}"));
    let wrong = checks.into_iter().filter(|(good, _)| !good).map(|(_, what)| what);
    let wrong: Vec<_> = wrong.chain(leaks).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let place = format!("{}, request {number}, {fault:?}", scenario.name);
    Err(format!("{place}: {}\n{}{}", wrong.join("; "), ended.stderr, rerun.stderr))
}

/// Whether the run ended as documented: its outputs are written, and its code is one of ours.
pub(super) fn check_report(ended: &RunResult) -> Result<(), String> {
    let outputs = ended.outputs();
    let output = |name: &str| outputs.get(name).cloned().unwrap_or_default();
    let (status, code, exit) = (output("status"), output("error-code"), ended.exit);
    let documented = ErrorCode::ALL.iter().find(|known| known.slug() == code);
    let fits = match (&*status, documented) {
        ("complete", None) => code.is_empty() && exit == Some(0),
        ("error", Some(known)) => {
            exit == Some(i32::from(known.exit().number())) && !output("error-message").is_empty()
        }
        ("action_required", Some(_)) => exit == Some(3),
        _ => false,
    };
    let is_lame = matches!(&*code, "internal" | "usage");
    match fits && !is_lame {
        true => Ok(()),
        false => Err(format!("it ended with {exit:?}, {status} and {code:?}")),
    }
}

/// Whether nothing is there twice, and nothing that does not belong there.
fn is_part(there: &[String], right: &[String]) -> bool {
    let count = |all: &[String], one: &String| all.iter().filter(|other| *other == one).count();
    let is_half_made = |one: &String| one.starts_with("release|") || one.starts_with("repository|");
    there.iter().all(|one| is_half_made(one) || count(there, one) <= count(right, one))
        && there.len() <= right.len()
}

/// The lines that tell one of these secrets.
pub(super) fn leaks(ended: &RunResult, secrets: &[&str]) -> Vec<String> {
    traces(&ended.everything(), &secrets.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// Does the work for each of these, several at once; what went wrong, in order.
pub(super) fn each<T: Sync>(
    all: &[T],
    work: impl Fn(&T) -> Result<(), String> + Sync,
) -> Vec<String> {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(what) = work(one) {
                        wrong.lock().unwrap().push(what);
                    }
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

/// Of the requests of a way the places of those whose kind is new: the method, and the path without
/// its numbers. What only TLS makes different shows at one request.
fn new_kinds(scenario: &Scenario, requests: &[String], known: &mut BTreeSet<String>) -> Vec<usize> {
    let is_complete = std::env::var_os("FAULT_CELLS").is_some_and(|cells| cells == "all");
    let kind = |line: &str| match scenario.name == "finish over TLS" {
        true => "over TLS".to_owned(),
        false => line.replace(|c: char| c.is_ascii_digit(), ""),
    };
    let places = requests.iter().enumerate();
    let new = places.filter(|(_, line)| known.insert(kind(line)) || is_complete);
    new.map(|(place, _)| place).collect()
}

#[test]
#[expect(clippy::print_stdout, reason = "the number of cells is part of what the test tells")]
fn whatever_goes_wrong_once_the_next_run_completes_and_nothing_is_made_twice() {
    let (mut cells, mut kinds) = (Vec::new(), BTreeSet::new());
    let scenarios: Vec<_> =
        SCENARIOS.iter().map(|scenario| (scenario, undisturbed(scenario))).collect();
    for (scenario, (requests, right)) in &scenarios {
        for number in new_kinds(scenario, requests, &mut kinds) {
            cells.extend(Fault::ALL.map(|fault| (*scenario, number, fault, right)));
        }
    }
    let wrong = each(&cells, |(scenario, number, fault, right)| {
        disturbed(scenario, *number, *fault, right)
    });
    println!("{} cells: {} ways, {} faults", cells.len(), SCENARIOS.len(), Fault::ALL.len());
    assert!(wrong.is_empty(), "{} of {} cells:\n{}", wrong.len(), cells.len(), wrong.join("\n\n"));
}
