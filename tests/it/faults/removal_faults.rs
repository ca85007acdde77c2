//! Every fault at each DELETE of a removal: the run ends as documented, and the next one leaves what
//! an undisturbed one leaves.

use super::every_request::{FaultEnvironment, check_report, each, leaks};
use crate::support::faulty_server::Fault;
use crate::support::proxy::PROXY_TOKEN;
use crate::support::run::ProgramRun;

/// What is there, and what is noted of the end.
const STATE: &str = "SELECT 'link', status FROM organization_integration
    UNION ALL SELECT 'repository', name FROM repository WHERE status = 'active'
    UNION ALL SELECT 'mapping', stack_root FROM code_mapping
    UNION ALL SELECT event, count(*) FROM audit_log_entry GROUP BY event
    ORDER BY 1, 2";

/// One way to remove something.
type RemovalWay = (&'static str, fn(ProgramRun) -> ProgramRun);

const WAYS: [RemovalWay; 2] = [
    ("an integration", |run| run.var("FINISHLINE_MODE", "remove")),
    ("what it links", |run| {
        run.var("FINISHLINE_REPOSITORIES_ABSENT", "acme/api")
            .var("FINISHLINE_CODE_MAPPINGS_ABSENT", "[{project: web, stackRoot: app/}]")
    }),
];

/// The removal of what another run has made ready, before a server with this fault.
fn ready(way: RemovalWay, cell: Option<(usize, Fault)>) -> (FaultEnvironment, ProgramRun) {
    let environment = FaultEnvironment::before(cell);
    let plain = environment.asks("example", "{name: demo}").var("FINISHLINE_DIALECT", "api");
    let mappings = "[{project: web, repository: acme/web, stackRoot: app/, sourceRoot: src/}]";
    let linked = plain
        .clone()
        .var("FINISHLINE_REPOSITORIES", "acme/web,acme/api")
        .var("FINISHLINE_CODE_MAPPINGS", mappings);
    linked.execute().expect(0);
    (environment, way.1(plain))
}

fn state(environment: &FaultEnvironment) -> Vec<String> {
    crate::support::rows::rows(&environment.serve.database(), STATE)
}

fn disturbed(way: RemovalWay, number: usize, fault: Fault, right: &[String]) -> Result<(), String> {
    let (environment, run) = ready(way, Some((number, fault)));
    environment.faulty.arm();
    let timeout = if fault.is_silent() { "6" } else { "60" };
    let ended = run.clone().var("FINISHLINE_TIMEOUT", timeout).execute();
    let struck = environment.faulty.has_occurred();
    environment.faulty.disarm();
    let rerun = run.execute();
    let left = state(&environment);
    let wrong = [
        (!struck, "the request never came".to_owned()),
        (check_report(&ended).is_err(), check_report(&ended).err().unwrap_or_default()),
        (rerun.exit != Some(0) || left != right, format!("the next run left {left:#?}")),
        (!environment.faulty.elsewhere.lines().is_empty(), "another server was asked".to_owned()),
        (!leaks(&ended, &[PROXY_TOKEN]).is_empty(), "the token is told".to_owned()),
    ];
    let wrong: Vec<_> = wrong.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let place = format!("{}, request {number}, {fault:?}", way.0);
    Err(format!("{place}: {}\n{}{}", wrong.join("; "), ended.stderr, rerun.stderr))
}

#[test]
#[expect(clippy::print_stdout, reason = "the number of cells is part of what the test tells")]
fn whatever_goes_wrong_once_the_next_run_completes_the_removal() {
    let mut cells = Vec::new();
    for way in WAYS {
        let (environment, run) = ready(way, None);
        let before = environment.faulty.peer.lines().len();
        run.execute().expect(0);
        let lines = environment.faulty.peer.lines().split_off(before);
        let right = state(&environment);
        // What is only read is read by an install, too, and disturbed there.
        let deletes = (0..lines.len()).filter(|at| lines[*at].starts_with("DELETE"));
        cells
            .extend(deletes.flat_map(|at| Fault::ALL.map(|fault| (way, at, fault, right.clone()))));
    }
    let wrong = each(&cells, |(way, at, fault, right)| disturbed(*way, *at, *fault, right));
    println!("{} cells: {} ways, {} faults", cells.len(), WAYS.len(), Fault::ALL.len());
    assert!(wrong.is_empty(), "{} of {} cells:\n{}", wrong.len(), cells.len(), wrong.join("\n\n"));
}
