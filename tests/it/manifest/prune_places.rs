//! `prune: true` knows servers, databases and integrations by what they are, and not by how a run names
//! them.

use crate::support::proxy::ServeProxy;
use crate::support::run::ProgramRun;
use std::path::Path;

const ACTIVE: &str = "SELECT name FROM organization_integration JOIN integration
    ON integration.id = integration_id WHERE organization_integration.status = 'active' ORDER BY 1";

fn written(run: &ProgramRun, head: &str, entries: &[&str]) {
    let entries: String = entries.iter().map(|entry| format!("  - {{{entry}}}\n")).collect();
    let text = format!("version: 1\nprune: true\n{head}\nintegrations:\n{entries}");
    run.file("finishline.yml", text);
}

fn example(name: &str) -> String {
    format!("provider: example, state: {{name: {name}}}")
}

/// The record, with as many integrations as were managed.
fn managed(run: &ProgramRun) -> usize {
    let record = run.text("finishline.yml.managed.json");
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    record["integrations"].as_array().unwrap().len()
}

fn embedded(run: &ProgramRun, database: impl AsRef<Path>) -> ProgramRun {
    let manifest = run.path("finishline.yml");
    run.clone()
        .var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_DATABASE", database.as_ref())
        .var("FINISHLINE_MANIFEST", manifest)
}

#[test]
fn an_integration_that_another_name_of_its_server_reaches_is_not_pruned() {
    let relay = ServeProxy::new();
    let run = relay.serve.github_run().var("FINISHLINE_MANIFEST", "finishline.yml");
    let (server, other) = (relay.serve.url(), relay.peer.url());
    let at = |url: &str, name: &str| format!("url: '{url}', {}", example(name));
    let head = "defaults: {org: acme}";
    written(&run, head, &[&at(&server, "one"), &at(&server, "two"), &at(&server, "three")]);
    run.execute().expect(0);
    written(&run, head, &[&at(&other, "one"), &at(&server, "two")]);
    let ended = run.execute().expect(0);
    let rows = crate::support::rows::rows(&relay.serve.database(), ACTIVE);
    assert_eq!(rows, ["one", "two"], "{}", ended.stdout);
    assert_eq!(managed(&run), 2);
}

#[test]
fn a_database_is_one_under_all_of_its_names() {
    let run = ProgramRun::github();
    let head = "defaults: {org: acme}";
    std::fs::create_dir(run.path("below")).unwrap();
    std::fs::create_dir(run.path("other")).unwrap();
    let (one, two) = (example("one"), example("two"));
    written(&run, head, &[&one, &two]);
    let absolute = run.path("d.db");
    #[cfg(unix)]
    std::os::unix::fs::symlink("d.db", run.path("link.db")).unwrap();
    for name in ["link.db", "d.db", "./d.db", "below/../d.db", absolute.to_str().unwrap()] {
        embedded(&run, name).execute().expect(0);
        assert_eq!(managed(&run), 2, "{name}");
    }
    // One of the same name below another folder is another one, and nothing is managed there.
    let elsewhere = run.clone().var("FINISHLINE_WORKING_DIRECTORY", run.path("other"));
    written(&run, head, &[&one]);
    embedded(&elsewhere, "d.db").execute().expect(0);
    written(&run, head, &[&two]);
    embedded(&elsewhere, "d.db").execute().expect(0);
    let names = |path: &str| {
        let database = rusqlite::Connection::open(run.path(path)).unwrap();
        crate::support::rows::rows(&database, ACTIVE)
    };
    assert_eq!(names("other/d.db"), ["two"]);
    assert_eq!(names("d.db"), ["one", "two"]);
    let ended = embedded(&run, "./d.db").execute().expect(0);
    assert_eq!(names("d.db"), ["two"], "{}", ended.stdout);
}

#[test]
fn an_integration_stays_the_manifests_own_while_an_entry_only_links_through_it() {
    let run = ProgramRun::github();
    let run = embedded(&run, run.database());
    let head = "defaults: {org: acme}";
    let (one, two) = (example("one"), example("two"));
    written(&run, head, &[&one, &two]);
    run.execute().expect(0);
    written(&run, head, &["mode: link, integration-id: 1, repositories: [acme/web]", &two]);
    for _ in 0..2 {
        run.execute().expect(0);
        assert_eq!(run.rows(ACTIVE), ["one", "two"]);
    }
    written(&run, head, &[&two]);
    run.execute().expect(0);
    assert_eq!(run.rows(ACTIVE), ["two"]);
}

/// The letters of a repository's name make no other one.
#[test]
fn a_repository_that_is_spelled_otherwise_is_linked_once() {
    let run = ProgramRun::github();
    let run = embedded(&run, run.database());
    for (spelled, changed) in [("acme/web", "true"), ("Acme/Web", "false")] {
        let mapping = format!("{{project: web, repository: {spelled}}}");
        let linked = format!("repositories: [{spelled}], code-mappings: [{mapping}]");
        written(&run, "defaults: {org: acme}", &[&format!("{}, {linked}", example("one"))]);
        let ended = run.execute().expect(0);
        assert_eq!(ended.joined(["changed", "warnings"]), format!("{changed} "), "{spelled}");
    }
    assert_eq!(run.rows("SELECT name FROM repository"), ["acme/web"]);
}

/// A variable of the job says which server is meant, and another run may mean another one.
#[test]
fn what_the_runs_at_another_server_manage_is_kept() {
    let (one, other) = (ServeProxy::new(), ServeProxy::new());
    let run = ProgramRun::github().var("FINISHLINE_MANIFEST", "finishline.yml");
    let at = |server: &ServeProxy| {
        run.clone()
            .var("SENTRY_URL", server.serve.url())
            .var("SENTRY_AUTH_TOKEN", crate::support::serve::TOKEN)
            .var("NO_PROXY", "127.0.0.1")
    };
    let (first, second) = (example("one"), example("two"));
    written(&run, "defaults: {org: acme}", &[&first, &second]);
    for server in [&one, &other, &one] {
        at(server).execute().expect(0);
    }
    assert_eq!(managed(&run), 4);
    written(&run, "defaults: {org: acme}", &[&first]);
    let ended = at(&other).execute().expect(0);
    assert!(ended.output("warnings").contains("not-pruned"), "{}", ended.stderr);
    let names = |server: &ServeProxy| crate::support::rows::rows(&server.serve.database(), ACTIVE);
    assert_eq!(
        (names(&other), names(&one)),
        (vec!["one".into()], vec!["one".into(), "two".into()])
    );
}

/// The next run would not find a record beside a descriptor.
#[cfg(target_os = "linux")]
#[test]
fn a_manifest_that_is_read_from_a_descriptor_is_not_pruned() {
    let run = ProgramRun::github();
    let run = embedded(&run, run.database());
    written(&run, "defaults: {org: acme}", &[&example("one")]);
    for name in ["-", "/dev/stdin", "/proc/self/fd/0"] {
        let read = run.clone().var("FINISHLINE_MANIFEST", name).redirected("<finishline.yml");
        let ended = read.execute().expect(2);
        let words = "the manifest is standard input or a pipe";
        assert!(ended.stderr.contains(words), "{name}: {}", ended.stderr);
        assert!(!run.database().exists());
    }
}

/// Servers that were set up alike give the same ids to what is called the same.
#[test]
fn what_one_of_two_servers_has_is_pruned_although_the_other_has_the_like() {
    let servers = [ServeProxy::new(), ServeProxy::new()];
    let run = ProgramRun::github()
        .var("FINISHLINE_MANIFEST", "finishline.yml")
        .var("FINISHLINE_MAX_PARALLEL", "1")
        .var("SENTRY_AUTH_TOKEN", crate::support::serve::TOKEN)
        .var("NO_PROXY", "127.0.0.1");
    let at = |index: usize, entry: &str| format!("url: '{}', {entry}", servers[index].serve.url());
    let (stays, plain) = (example("stays"), example("two"));
    let linked = format!("{plain}, repositories: [acme/web]");
    let own = [at(0, &stays), at(0, &linked), at(1, &stays)];
    let names = |index: usize| {
        let all = format!("{ACTIVE}; ").replace(
            " ORDER BY 1; ",
            " UNION ALL SELECT name FROM repository WHERE status = 'active' ORDER BY 1",
        );
        crate::support::rows::rows(&servers[index].serve.database(), &all)
    };
    let prune = |entry: Option<&str>| {
        let all = own.iter().cloned().chain(entry.map(|entry| at(1, entry)));
        let all: Vec<_> = all.collect();
        let all: Vec<_> = all.iter().map(String::as_str).collect();
        written(&run, "defaults: {org: acme}", &all);
        run.execute().expect(0);
        assert_eq!(names(0), ["acme/web", "stays", "two"]);
        names(1)
    };
    assert_eq!(prune(Some(&linked)), ["acme/web", "stays", "two"]);
    assert_eq!(prune(Some(&plain)), ["stays", "two"]);
    // The other server's is not the one that an entry only links through here.
    let record: serde_json::Value =
        serde_json::from_str(&run.text("finishline.yml.managed.json")).unwrap();
    let id = &record["integrations"][3]["id"];
    assert_eq!(*id, record["integrations"][1]["id"]);
    let through =
        format!("provider: example, mode: link, integration-id: {id}, repositories: [acme/api]");
    assert_eq!(prune(Some(&through)), ["acme/api", "stays", "two"]);
    assert_eq!(prune(None), ["acme/api", "stays"]);
    assert_eq!(managed(&run), 3);
}
