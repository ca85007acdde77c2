//! The record of `prune: true` has what was done, whatever the end of the entry that did it; and nothing
//! that was not.

use crate::support::fake_gitlab::{CLIENT_ID, CLIENT_SECRET, FakeGitLab, ForgeKind};
use crate::support::http_server::Response;
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use crate::support::serve::ServeProcess;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

const RECORD: &str = "finishline.yml.managed.json";
const BULK: &str = "POST code-mappings/bulk/";
const THERE: &str = "SELECT integration_id || ' ' || name FROM repository
        WHERE status = 'active' AND integration_id IS NOT NULL
    UNION ALL SELECT 'mapping ' || stack_root FROM code_mapping
    UNION ALL SELECT 'integration ' || integration_id FROM organization_integration
        WHERE status = 'active' ORDER BY 1";

fn with(run: &ProgramRun, entries: &str) -> ProgramRun {
    let text =
        format!("version: 1\nprune: true\ndefaults: {{org: acme}}\nintegrations:\n{entries}");
    run.file("finishline.yml", text);
    run.clone().var("FINISHLINE_MANIFEST", "finishline.yml").var("FINISHLINE_MAX_PARALLEL", "1")
}

fn entry(name: &str, links: &str) -> String {
    format!("  - {{provider: example, state: {{name: {name}}}{links}}}\n")
}

const MAPPED: &str = ", repositories: [acme/new],
     code-mappings: [{project: web, repository: acme/new, stackRoot: s/}]";

fn embedded() -> ProgramRun {
    let run = ProgramRun::github();
    let database = run.database();
    run.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_DATABASE", database)
}

fn behind(proxy: &ServeProxy) -> ProgramRun {
    let run = proxy.serve.github_run();
    run.var("SENTRY_URL", proxy.peer.url()).var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
}

fn there(run: &ProgramRun, serve: &ServeProcess) -> Vec<String> {
    match run.database().exists() {
        true => run.rows(THERE),
        false => rows(&serve.database(), THERE),
    }
}

/// How many integrations are in use; `serve` deletes what hangs on the others some time later.
fn integrations(run: &ProgramRun, serve: &ServeProcess) -> usize {
    there(run, serve).iter().filter(|one| one.starts_with("integration")).count()
}

/// A server that keeps its answers to a request to itself while it is told to.
fn holding(line: &'static str) -> (ServeProxy, Arc<AtomicBool>) {
    let is_held = Arc::new(AtomicBool::new(true));
    let held = Arc::clone(&is_held);
    let proxy = ServeProxy::with(move |request| {
        while request.line() == line && held.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(20));
        }
        ProxyAction::Forward
    });
    (proxy, is_held)
}

#[test]
fn what_a_resumed_entry_installs_and_links_is_pruned_once_it_is_named_no_longer() {
    let serve = ServeProcess::start();
    for run in [embedded(), serve.github_run()] {
        let party = FakeGitLab::new(ForgeKind::Gitlab);
        let gitlab = format!(
            "  - provider: gitlab
    state: {{url: '{}', clientId: {CLIENT_ID}, clientSecret: '${{KEY}}'}}
    repositories: [acme/web]
    code-mappings: [{{project: web, repository: acme/web, stackRoot: s/}}]\n",
            party.origin
        );
        let run = run.var("KEY", CLIENT_SECRET).var("NO_PROXY", "127.0.0.1");
        let file = run.path("waiting.bin");
        let run = run.var("FINISHLINE_RESUME_FILE", file);
        let both = with(&run, &(gitlab + &entry("b", "")));
        let page = both.execute().expect(3).output("redirect-url");
        let resumed = both.clone().args(&["resume", "--entry", "integrations[0]"]);
        let resumed = resumed.var("FINISHLINE_CALLBACK_URL", party.approve(&page));
        let ended = resumed.execute().expect(0);
        assert!(ended.stdout.contains("linked repository acme/web"), "{}", ended.stdout);
        let record = run.text(RECORD);
        for words in ["\"gitlab\"", "\"acme/web\"", "\"s/\"", "\"b\""] {
            assert!(record.contains(words), "{words}: {record}");
        }
        assert_eq!(there(&run, &serve).len(), 4);
        with(&run, &entry("b", "")).execute().expect(0);
        assert_eq!(integrations(&run, &serve), 1);
    }
}

/// The names that the run has after a signal, or a kill, while code mappings are set.
fn broken_off(signal: &str) {
    let (proxy, is_held) = holding(BULK);
    let run = behind(&proxy);
    let started = with(&run, &(entry("one", MAPPED) + &entry("two", ""))).start();
    while proxy.peer.count(BULK) == 0 {
        sleep(Duration::from_millis(20));
    }
    started.signal(signal);
    let ended = started.wait();
    is_held.store(false, Ordering::SeqCst);
    assert_ne!(ended.exit, Some(0));
    let record = run.text(RECORD);
    for words in ["\"one\"", "\"acme/new\"", "\"s/\""] {
        assert!(record.contains(words), "{signal}: {words}: {record}");
    }
    // What was sent may be answered late.
    let is_mapped = || there(&run, &proxy.serve).contains(&"mapping s/".to_owned());
    while !is_mapped() {
        sleep(Duration::from_millis(20));
    }
    with(&run, &entry("two", "")).execute().expect(0);
    assert_eq!(integrations(&run, &proxy.serve), 1, "{signal}");
}

#[test]
fn what_was_done_before_a_signal_is_pruned_once_it_is_named_no_longer() {
    broken_off("TERM");
}

#[cfg(unix)]
#[test]
fn what_was_done_before_a_kill_is_pruned_once_it_is_named_no_longer() {
    broken_off("KILL");
}

#[test]
fn what_was_done_before_a_refusal_is_pruned_and_what_was_refused_is_not() {
    let refused = Arc::new(AtomicBool::new(true));
    let is_refused = Arc::clone(&refused);
    let proxy = ServeProxy::with(move |request| {
        let is_bad = request.method == "DELETE"
            || request.line() == "POST repos/" && request.json()["identifier"] == "acme/bad";
        match is_bad && is_refused.load(Ordering::SeqCst) {
            true => ProxyAction::Intercept(Response::detail(403, "no")),
            false => ProxyAction::Forward,
        }
    });
    let run = behind(&proxy);
    // Somebody else's integration and repository.
    let other = run.clone().var("SENTRY_ORG", "acme").var("FINISHLINE_PROVIDER", "example");
    let other = other.var("FINISHLINE_STATE", "{name: one}");
    other.var("FINISHLINE_REPOSITORIES", "acme/old").execute().expect(0);
    let absent = MAPPED.to_owned() + ", repositories-absent: [acme/old]";
    for (entry, links) in [
        (entry("one", &absent), ["1 acme/new", "1 acme/old", "integration 1", "mapping s/"]),
        (
            "  - {mode: link, provider: example, repositories: [acme/bad, acme/new],
     code-mappings: [{project: web, repository: acme/new, stackRoot: s/}]}\n"
                .to_owned(),
            ["1 acme/new", "1 acme/old", "integration 1", "mapping s/"],
        ),
    ] {
        refused.store(true, Ordering::SeqCst);
        let ended = with(&run, &entry).execute();
        assert_ne!(ended.exit, Some(0), "{}", ended.stdout);
        assert_eq!(there(&run, &proxy.serve), links, "{}", ended.stderr);
        let record = run.text(RECORD);
        assert!(record.contains("acme/new") && record.contains("\"s/\""), "{record}");
        assert!(!record.contains("acme/bad") && !record.contains("acme/old"), "{record}");
        refused.store(false, Ordering::SeqCst);
        let is_whole = !entry.contains("mode: link");
        if is_whole {
            // Its own record alone: the integration is left for the next case.
            let links_only = record.replace("\"name\"", "\"links_only\": true, \"name\"");
            run.file(RECORD, links_only);
        }
        with(&run, "").execute().expect(0);
        assert_eq!(there(&run, &proxy.serve), ["1 acme/old", "integration 1"]);
    }
}

#[test]
fn a_repository_that_another_entry_could_not_take_stays_recorded_until_it_is_gone() {
    let serve = ServeProcess::start();
    let run = serve.github_run();
    let scm = |name: &str, repositories: &str| {
        format!(
            "  - {{provider: custom_scm, state: {{name: {name}, url: 'https://scm.example.com/{name}'}},
     repositories: [{repositories}]}}\n"
        )
    };
    with(&run, &(scm("one", "acme/a") + &scm("two", "acme/b"))).execute().expect(0);
    let swapped = with(&run, &(scm("one", "acme/b") + &scm("two", "acme/a"))).execute().expect(0);
    let words =
        "nothing is pruned, because repositories or code mappings of the entries are not set";
    assert!(swapped.stderr.contains(words), "{}", swapped.stderr);
    assert!(swapped.stderr.contains("2 to prune"), "{}", swapped.stderr);
    let none = with(&run, &(scm("one", "") + &scm("two", "")));
    none.clone().args(&["plan", "--exit-code"]).execute().expect(8);
    none.execute().expect(0);
    assert_eq!(there(&run, &serve), ["integration 1", "integration 2"]);
}

/// Its links cannot be read in one run, and are the manifest's still.
#[test]
fn what_an_entry_names_stays_recorded_though_a_run_has_not_seen_it() {
    let is_out = Arc::new(AtomicBool::new(false));
    let out = Arc::clone(&is_out);
    let proxy = ServeProxy::with(move |request| {
        match request.line() == "GET repos/" && out.load(Ordering::SeqCst) {
            true => ProxyAction::Intercept(Response::detail(403, "no")),
            false => ProxyAction::Forward,
        }
    });
    let run = with(&behind(&proxy), &entry("one", MAPPED));
    run.execute().expect(0);
    let record = run.text(RECORD);
    is_out.store(true, Ordering::SeqCst);
    let ended = run.execute().expect(0);
    assert!(ended.output("warnings").contains("repository-not-linked"), "{}", ended.stderr);
    assert!(!ended.output("warnings").contains("not-pruned"), "{}", ended.stderr);
    assert_eq!(run.text(RECORD), record);
}

#[test]
fn links_of_an_integration_that_is_gone_are_pruned_already() {
    let serve = ServeProcess::start();
    for run in [embedded(), serve.github_run()] {
        let one = run.clone().var("FINISHLINE_PROVIDER", "example").var("SENTRY_ORG", "acme");
        one.clone().var("FINISHLINE_STATE", "{name: one}").execute().expect(0);
        let linked = "  - {mode: link, integration-id: 1, repositories: [acme/a]}\n";
        with(&run, linked).execute().expect(0);
        let removal = one.var("FINISHLINE_MODE", "remove").var("FINISHLINE_INTEGRATION_ID", "1");
        removal.execute().expect(0);
        let none = with(&run, "");
        none.clone().args(&["plan", "--exit-code"]).execute().expect(0);
        assert_eq!(none.execute().expect(0).output("warnings").replace("unused-input", ""), "");
        assert!(!run.text(RECORD).contains("acme/a"), "{}", run.text(RECORD));
    }
}

/// Its organization has another slug now: nothing is known of what is there.
#[test]
fn links_of_an_organization_that_is_not_found_stay_recorded() {
    let serve = ServeProcess::start();
    let run = serve.github_run();
    let one = run.clone().var("FINISHLINE_PROVIDER", "example").var("SENTRY_ORG", "acme");
    one.var("FINISHLINE_STATE", "{name: one}").execute().expect(0);
    let linked = "  - {mode: link, integration-id: 1, repositories: [acme/a]}\n";
    with(&run, linked).execute().expect(0);
    serve.database().execute("UPDATE organization SET slug = 'renamed'", []).unwrap();
    let ended = with(&run, "").execute();
    assert_ne!(ended.exit, Some(0), "{}", ended.stdout);
    assert!(run.text(RECORD).contains("acme/a"), "{}", run.text(RECORD));
}

/// The record says through which integration an entry has linked, though it names the provider alone.
#[test]
fn what_belongs_to_another_integration_of_the_provider_now_is_not_pruned() {
    let serve = ServeProcess::start();
    let run = serve.github_run();
    let install = |name: &str| {
        let run = run.clone().var("FINISHLINE_PROVIDER", "example").var("SENTRY_ORG", "acme");
        run.var("FINISHLINE_STATE", format!("{{name: {name}}}")).execute().expect(0);
    };
    let link = |repositories: &str, root: &str| {
        format!(
            "  - {{mode: link, provider: example, repositories: [{repositories}],
     code-mappings: [{{project: web, repository: acme/a, stackRoot: {root}}}]}}\n"
        )
    };
    install("one");
    with(&run, &link("acme/a, acme/b", "s/")).execute().expect(0);
    install("two");
    // Somebody moves what is linked there.
    let database = serve.database();
    let moved = "UPDATE repository SET integration_id = 2 WHERE name = 'acme/b'";
    database.execute(moved, []).unwrap();
    let mapped = "UPDATE code_mapping SET repository_id = 2, organization_integration_id = 2";
    database.execute(mapped, []).unwrap();
    let less = link("acme/a", "t/").replace("provider: example", "integration-id: 1");
    with(&run, &less).execute().expect(0);
    let left =
        ["1 acme/a", "2 acme/b", "integration 1", "integration 2", "mapping s/", "mapping t/"];
    assert_eq!(there(&run, &serve), left);
}
