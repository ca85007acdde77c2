//! A signal ends `prune` before its next removal, and what is left is said and pruned by the next run.

use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::rows::rows;
use crate::support::run::{ProgramRun, RunResult};
use std::thread::sleep;
use std::time::Duration;

const NAMES: &str = "SELECT name FROM repository WHERE integration_id IS NOT NULL
        AND status = 'active'
    UNION ALL SELECT 'integration ' || integration_id FROM organization_integration
        WHERE status = 'active' ORDER BY 1";

/// A server that takes its time for each removal.
fn slow() -> ServeProxy {
    ServeProxy::with(|request| {
        if request.method == "DELETE" {
            sleep(Duration::from_millis(700));
        }
        ProxyAction::Forward
    })
}

fn manifest(proxy: &ServeProxy, entries: &str) -> ProgramRun {
    let run = proxy.serve.github_run();
    let run = run.var("SENTRY_URL", proxy.peer.url()).var("SENTRY_AUTH_TOKEN", PROXY_TOKEN);
    write(&run, entries);
    // The first entry is installed first.
    run.var("FINISHLINE_MANIFEST", "finishline.yml").var("FINISHLINE_MAX_PARALLEL", "1")
}

fn write(run: &ProgramRun, entries: &str) {
    let head = "version: 1\nprune: true\ndefaults: {org: acme}\nintegrations:\n";
    run.file("finishline.yml", format!("{head}{entries}"));
}

fn entry(name: &str, repositories: &str) -> String {
    format!(
        "  - provider: example\n    state: {{name: {name}}}\n    repositories: [{repositories}]\n"
    )
}

fn removals(proxy: &ServeProxy) -> usize {
    proxy.peer.requests().iter().filter(|request| request.method == "DELETE").count()
}

/// The end of a run that a signal comes to once something is under way.
fn stopped(run: &ProgramRun, is_under_way: impl Fn() -> bool) -> RunResult {
    let started = run.start();
    while !is_under_way() {
        sleep(Duration::from_millis(20));
    }
    started.signal("TERM");
    started.wait().expect(9)
}

#[test]
fn a_signal_ends_a_pruning_before_its_next_removal() {
    let links = entry("one", "acme/a, acme/b, acme/c, acme/d, acme/e");
    let several = entry("one", "acme/a") + &entry("two", "") + &entry("three", "");
    for (before, all) in [(links, 4), (several, 2)] {
        let proxy = slow();
        let run = manifest(&proxy, &before);
        run.execute().expect(0);
        write(&run, &entry("one", "acme/a"));
        let ended = stopped(&run, || removals(&proxy) > 0);
        assert_eq!(ended.output("error-code"), "cancelled", "{}", ended.stdout);
        assert!(removals(&proxy) < all, "{} of {all} were begun", removals(&proxy));
        let names = rows(&proxy.serve.database(), NAMES);
        assert!(names.len() > 2, "{names:?}");
        run.execute().expect(0);
        let names = rows(&proxy.serve.database(), NAMES);
        assert_eq!(names, ["acme/a", "integration 1"], "what is left is pruned by the next run");
    }
}

#[test]
fn a_signal_ends_the_removals_of_an_entry_before_the_next_one() {
    let proxy = slow();
    let run = manifest(&proxy, &entry("one", "acme/a, acme/b, acme/c, acme/d, acme/e"));
    run.execute().expect(0);
    let absent = "  - {mode: link, provider: example,
     repositories-absent: [acme/a, acme/b, acme/c, acme/d, acme/e]}\n";
    write(&run, absent);
    let ended = stopped(&run, || removals(&proxy) > 0);
    assert!(ended.stderr.contains("not all repositories and code mappings were set"));
    assert!(removals(&proxy) < 4, "{} of 5 were begun", removals(&proxy));
}

#[test]
fn a_signal_ends_a_release_of_a_manifest_before_its_deploy() {
    let proxy = ServeProxy::with(|request| {
        if request.line() == "POST releases/" {
            sleep(Duration::from_millis(700));
        }
        ProxyAction::Forward
    });
    let run = manifest(&proxy, "");
    let releases = "releases:\n  - {org: acme, projects: [web], release: v1, commits: none, environment: production}\n";
    run.file("finishline.yml", format!("version: 1\n{releases}"));
    let ended = stopped(&run, || proxy.peer.lines().iter().any(|line| line == "POST releases/"));
    assert_eq!(ended.output("error-code"), "cancelled", "{}", ended.stdout);
    let lines = proxy.peer.lines();
    assert!(!lines.iter().any(|line| line.contains("deploys/")), "{lines:?}");
}
